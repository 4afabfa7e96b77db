"""A NUT server (``upsd``) with simulated UPSes, RFC 9271: LIST, GET, VER, USERNAME, PASSWORD, LOGIN, LOGOUT, INSTCMD.

Faults are the server's, for all of its UPSes: ``sentinels`` is a driver that has lost its UPS (``DATA-STALE``),
``address`` answers in the name of another UPS, ``unplug`` closes the port.
"""

import asyncio
import shlex
from collections.abc import Mapping

import msgspec

from firmware_sims.faults import DELAY_SECONDS, Fault, spoiled
from firmware_sims.snmp_faces import Plate
from firmware_sims.stream import StreamDevice
from firmware_sims.ups import Ups

_KNOWN = frozenset(
    {"LIST", "GET", "VER", "NETVER", "PROTVER", "HELP", "USERNAME", "PASSWORD", "LOGIN", "STARTTLS", "INSTCMD"}
)
_TEST_SECONDS = 10.0
_INSTANT = ("test.battery.start.quick", "test.battery.stop")
"""Commands; they need a user that the server knows."""


class Unit(msgspec.Struct, frozen=True):
    """One UPS of the server."""

    ups: Ups
    plate: Plate


def status(ups: Ups) -> str:
    """Return ``ups.status``."""
    view = ups.view()
    flags = (
        ("OB" if view.on_battery else "OL", True),
        ("LB", view.low),
        ("RB", view.replace),
        ("OVER", view.overload),
        ("TRIM", view.trim),
        ("BOOST", view.boost),
        ("CAL", view.test),
        ("CHRG", view.charging),
        ("DISCHRG", view.on_battery or view.test),
        ("OFF", not view.output),
    )
    return " ".join(flag for flag, is_set in flags if is_set)


def variables(unit: Unit) -> dict[str, str]:
    """Return what the server says of a UPS, by NUT's names."""
    view, rating, plate = unit.ups.view(), unit.ups.rating, unit.plate
    return {
        "battery.charge": f"{view.charge:.0f}",
        "battery.charge.low": f"{rating.low:.0f}",
        "battery.runtime": f"{view.runtime:.0f}",
        "battery.type": "PbAc",
        "battery.voltage": f"{view.battery_volts:.1f}",
        "battery.voltage.nominal": f"{rating.string:.0f}",
        "device.mfr": plate.manufacturer,
        "device.model": plate.model,
        "device.serial": plate.serial,
        "device.type": "ups",
        "driver.name": "simulated-ups",
        "driver.version": plate.firmware,
        "input.frequency": f"{view.input_hertz:.1f}",
        "input.voltage": f"{view.input_volts:.1f}",
        "input.voltage.nominal": f"{rating.volts:.0f}",
        "output.current": f"{view.output_amperes:.1f}",
        "output.frequency": f"{view.output_hertz:.1f}",
        "output.voltage": f"{view.output_volts:.1f}",
        "ups.firmware": plate.firmware,
        "ups.load": f"{view.load:.0f}",
        "ups.mfr": plate.manufacturer,
        "ups.model": plate.model,
        "ups.power.nominal": f"{rating.apparent:.0f}",
        "ups.realpower": f"{view.watts:.0f}",
        "ups.realpower.nominal": f"{rating.power:.0f}",
        "ups.serial": plate.serial,
        "ups.status": status(unit.ups),
        "ups.temperature": f"{view.temperature:.1f}",
    }


def quoted(text: str) -> str:
    """Return a value as it is written on the wire."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


class NutServer(StreamDevice):
    """The server. Nothing is opened before ``start``."""

    def __init__(
        self, units: Mapping[str, Unit], *, user: str = "", password: str = "", host: str = "", port: int = 0
    ) -> None:
        """Remember what to be.

        Args:
            units: the UPSes by their names on the server; one at least.
            user: who may ask; empty for everybody.
            password: of the user.
            host: where to listen.
            port: TCP port; 0 for a free one.
        """
        super().__init__(link=None, host=host, port=port)
        self.units = dict(units)
        self.ups = next(iter(self.units.values())).ups
        """The first one: of a server with one UPS, the UPS."""
        self._user = user
        self._password = password

    @property
    def url(self) -> str:
        """What ``wolfsmoke-agent read`` is given to read its first UPS."""
        login = f"{self._user}:{self._password}@" if self._user else ""
        return f"nut://{login}{self.address}/{next(iter(self.units))}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        login: dict[str, str] = {}
        try:
            while line := await reader.readline():
                whole = spoiled(self.answer(line.decode("utf-8", "replace"), login).encode(), self._fault)
                if self._fault is Fault.DELAY:
                    await asyncio.sleep(DELAY_SECONDS)
                if whole is not None:
                    writer.write(whole if self._fault is not Fault.GARBAGE else whole.replace(b"\r", b"\n"))
                    await writer.drain()
                if line.strip() == b"LOGOUT":
                    return
        except ValueError:
            pass  # lines without end

    def answer(self, line: str, login: dict[str, str]) -> str:
        """Return the lines of an answer; ``login`` remembers who asks."""
        try:
            words = shlex.split(line)
        except ValueError:  # a quote that is not closed
            return "ERR INVALID-ARGUMENT\n"
        match words:
            case ["VER"]:
                return "Network UPS Tools upsd (simulated) - wolfsmoke\n"
            case ["NETVER" | "PROTVER"]:
                return "1.3\n"
            case ["USERNAME" | "PASSWORD" as what, text]:
                if what in login:
                    return f"ERR ALREADY-SET-{what}\n"
                login[what] = text
                return "OK\n"
            case ["LOGOUT"]:
                return "OK Goodbye\n"
            case ["STARTTLS"]:
                return "ERR FEATURE-NOT-CONFIGURED\n"
        if self._user and (login.get("USERNAME"), login.get("PASSWORD")) != (self._user, self._password):
            return "ERR ACCESS-DENIED\n"
        if words[:1] == ["INSTCMD"]:
            return self._instant(words[1:], login)
        return self._asked(words)

    def _instant(self, words: list[str], login: dict[str, str]) -> str:
        """Let a UPS do something."""
        for what in ("USERNAME", "PASSWORD"):
            if what not in login:
                return f"ERR {what}-REQUIRED\n"
        if not self._user:
            return "ERR ACCESS-DENIED\n"
        match words:
            case [name, *_] if name not in self.units:
                return "ERR UNKNOWN-UPS\n"
            case [name, "test.battery.start.quick"]:
                self.units[name].ups.test(_TEST_SECONDS)
                return "OK\n"
            case [name, "test.battery.stop"]:
                self.units[name].ups.cancel_test()
                return "OK\n"
            case [_, _, *_]:
                return "ERR CMD-NOT-SUPPORTED\n"
        return "ERR INVALID-ARGUMENT\n"

    def _asked(self, words: list[str]) -> str:
        """Return the answer to a question about the UPSes."""
        match words:
            case ["LIST", "UPS"]:
                listed = "".join(f"UPS {name} {quoted(unit.plate.name)}\n" for name, unit in self.units.items())
                return f"BEGIN LIST UPS\n{listed}END LIST UPS\n"
            case ["LIST" | "GET" | "LOGIN", *rest] if len(rest) >= (words[0] != "LOGIN"):
                return self._about(words)
        return "ERR INVALID-ARGUMENT\n" if words and words[0] in _KNOWN else "ERR UNKNOWN-COMMAND\n"

    def _about(self, words: list[str]) -> str:
        """Return the answer to a question about one UPS."""
        name = (words[2:3] if words[0] != "LOGIN" else words[1:2]) or [""]
        unit = self.units.get(name[0])
        if unit is None:
            return "ERR UNKNOWN-UPS\n"
        if self._fault is Fault.SENTINELS and words[1:2] == ["VAR"]:
            return "ERR DATA-STALE\n"
        said = f"{name[0]}-2" if self._fault is Fault.ADDRESS else name[0]
        values = variables(unit)
        match words:
            case ["LIST", "VAR", _]:
                listed = "".join(f"VAR {said} {key} {quoted(text)}\n" for key, text in values.items())
                return f"BEGIN LIST VAR {said}\n{listed}END LIST VAR {said}\n"
            case ["LIST", "CMD", _]:
                listed = "".join(f"CMD {said} {command}\n" for command in _INSTANT)
                return f"BEGIN LIST CMD {said}\n{listed}END LIST CMD {said}\n"
            case ["LIST", "RW" | "CLIENT" as what, _]:
                return f"BEGIN LIST {what} {said}\nEND LIST {what} {said}\n"
            case ["GET", "VAR", _, key]:
                return f"VAR {said} {key} {quoted(values[key])}\n" if key in values else "ERR VAR-NOT-SUPPORTED\n"
            case ["GET", "UPSDESC", _]:
                return f"UPSDESC {said} {quoted(unit.plate.name)}\n"
            case ["GET", "NUMLOGINS", _]:
                return f"NUMLOGINS {said} 1\n"
            case ["LOGIN", _]:
                return "OK\n"
        return "ERR INVALID-ARGUMENT\n"
