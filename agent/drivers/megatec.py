"""UPSes that speak Megatec Q1: most small serial ones. Layouts: Megatec protocol document; rules: NUT's blazer.

Q1 gives the state, F the ratings, I the name. An unknown command comes back as an echo, or as ``(NAK``. Only an
answer that fits its layout is believed; another one is asked for again, three times in all.
"""

import re
from collections.abc import Sequence
from typing import Protocol

import msgspec

from agent.drivers.base import Identity, Lane
from contract.errors import DeviceError, DeviceGarbled, DeviceTimeout
from contract.quantities import QUANTITIES
from contract.reading import Reading, Value, judged, unavailable

_TRIES = 3
_ASKS = 3
"""Times that F and I are asked for before a UPS that never answers them is spared."""

_N4 = r"([ \d]{3}\.\d|-{3}\.-)"
_Q1 = re.compile(
    rf"\({_N4} {_N4} {_N4} ([ \d]{{3}}|---) ([ \d]{{2}}\.\d|--\.-) "
    r"([ \d]\.\d\d|[ \d]{2}\.\d|[ \d]{3}\.|-\.--|--\.-) ([ \d]{2}\.\d|--\.-) ([01]{8})"
)
_F = re.compile(r"#([ \d]{3}\.\d) ([ \d]{3}) ([ \d]{2,3}\.\d{1,2}) ([ \d]{2}\.\d)")
_I = re.compile(r"#([ -~]{15}) ([ -~]{10}) ([ -~]{10})")
_REFUSALS = ("(NAK", "NAK", "(ACK", "ACK")

_EMPTY, _FULL = 104 / 120, 130 / 120
"""Battery voltage when empty and when full, of the nominal: NUT's, for a lead-acid string without a curve of its own."""
_PER_CELL = 3.0
"""No string has a nominal voltage as low as this: below it, Q1 speaks of a cell."""


class Link(Protocol):
    """What the driver needs of a serial line; see ``agent.links.serial``."""

    @property
    def url(self) -> str:
        """The port, for errors."""
        ...

    async def ask(self, command: bytes, *, end: bytes = b"\r", timeout: float = 1.5) -> bytes:  # noqa: ASYNC109 - the port's
        """Send a command, return the answer without its end."""
        ...

    async def close(self) -> None:
        """Let go of the port."""
        ...


class Status(msgspec.Struct, frozen=True):
    """A Q1 answer: volts, %, hertz, degrees Celsius; None where the device shows dashes. ``bits`` is b7 first."""

    input_volts: float | None
    fault_volts: float | None
    output_volts: float | None
    load: float | None
    hertz: float | None
    battery_volts: float | None
    temperature: float | None
    bits: str


class Ratings(msgspec.Struct, frozen=True):
    """An F answer: volts, amperes, volts of the battery, hertz."""

    volts: float
    amperes: float
    battery_volts: float
    hertz: float


def parse_status(text: str) -> Status | None:
    """Return a Q1 answer, or None for what is not exactly one."""
    match = _Q1.fullmatch(text)
    if match is None:
        return None
    try:
        first, fault, output, load, hertz, battery, temperature = (_number(field) for field in match.groups()[:7])
    except ValueError:
        return None
    return Status(first, fault, output, load, hertz, battery, temperature, match[8])


def parse_ratings(text: str) -> Ratings | None:
    """Return an F answer, or None. The battery's field is one short on some devices."""
    match = _F.fullmatch(text.rstrip())
    try:
        return Ratings(*(float(field) for field in match.groups())) if match else None
    except ValueError:
        return None


def parse_identity(text: str) -> Identity | None:
    """Return an I answer, or None. Dashes and spaces are no name."""
    match = _I.fullmatch(text)
    if match is None:
        return None
    maker, model, version = (field.strip().strip("-").strip() for field in match.groups())
    return Identity("megatec", maker, model, "", version, "")


def _number(text: str) -> float | None:
    """Return a field; spaces may only lead."""
    return None if "-" in text else float(text)


def readings(status: Status, ratings: Ratings | None) -> list[Reading]:
    """Return what a status says, by the ratings if they are known."""
    volts, charge = _battery(status, ratings)
    found: list[tuple[str, Value | None]] = [
        ("ups.status", _flags(status)),
        ("battery.charge", charge),
        ("input.voltage", status.input_volts),
        ("input.voltage.fault", status.fault_volts),
        ("output.voltage", status.output_volts),
        ("ups.load", status.load),
        ("input.frequency", status.hertz),
        ("battery.voltage", volts),
        ("ups.temperature", status.temperature),
        # b3 says standby or line-interactive; the document does not part the two
        ("ups.type", "offline / line interactive" if _bit(status, 3) else "online"),
        ("ups.beeper.status", "enabled" if _bit(status, 0) else "disabled"),
    ]
    return [judged(name, value) for name, value in found]


def rating_readings(ratings: Ratings | None) -> list[Reading]:
    """Return what the ratings say; 0 means that the device does not know."""
    names = ("input.voltage.nominal", "output.current.nominal", "battery.voltage.nominal", "input.frequency.nominal")
    if ratings is None:
        return [unavailable(name) for name in names]
    values = (ratings.volts, ratings.amperes, ratings.battery_volts, ratings.hertz)
    return [judged(name, value or None) for name, value in zip(names, values, strict=True)]


def _bit(status: Status, number: int) -> bool:
    return status.bits[7 - number] == "1"


def _flags(status: Status) -> tuple[str, ...]:
    """Return ``ups.status``."""
    flags = {"OB" if _bit(status, 7) else "OL"}
    if _bit(status, 6):
        flags.add("LB")
    if _bit(status, 5) and not _bit(status, 7):
        flags |= _regulation(status)
    if _bit(status, 4):
        flags.add("FAULT")
    if _bit(status, 2):
        flags.add("CAL")
    if _bit(status, 1):
        flags.add("FSD")
    if status.output_volts is not None and status.output_volts < 1.0:
        flags.add("OFF")  # also on line: the load is switched off
    return tuple(sorted(flags))


def _regulation(status: Status) -> set[str]:
    """Return what b5 means: output below, at or above the input voltage (NUT's rule)."""
    if not status.input_volts or status.output_volts is None:
        return {"BYPASS"}  # cannot be told apart: name the one that leaves the load unprotected
    ratio = status.output_volts / status.input_volts
    if 0.5 <= ratio < 0.95:
        return {"TRIM"}
    if 0.95 <= ratio < 1.05:
        return {"BYPASS"}
    return {"BOOST"} if 1.05 <= ratio < 1.5 else set()


def _battery(status: Status, ratings: Ratings | None) -> tuple[float | None, float | None]:
    """Return the voltage of the string and the charge in %, each None when it cannot be known.

    Q1 gives no charge. With the nominal voltage known it is estimated on NUT's straight line between the empty and
    the full string; it is an estimate of ours, coarse under load.
    """
    raw = status.battery_volts
    if raw is None:
        return None, None
    per_cell = raw < _PER_CELL
    if ratings is None or not ratings.battery_volts:
        return (None if per_cell else raw), None
    nominal = ratings.battery_volts
    volts = raw * round(nominal / 2.0) if per_cell else raw
    if not 0.5 <= volts / nominal <= 1.5:
        return volts, None  # the rating is not this battery's
    part = (volts / nominal - _EMPTY) / (_FULL - _EMPTY)
    return round(volts, 2), round(100.0 * min(1.0, max(0.0, part)), 1)


class MegatecDriver:
    """Reads one UPS: Q1 each time; F and I first, and with everything else."""

    def __init__(self, link: Link) -> None:
        """Remember the line."""
        self._link = link
        self._identity = Identity()
        self._ratings: Ratings | None = None
        self._asked = {"F": 0, "I": 0}
        self._contact = False

    @property
    def identity(self) -> Identity:
        """See ``Driver.identity``."""
        return self._identity

    async def read(self, lane: Lane = Lane.ALL) -> Sequence[Reading]:
        """See ``Driver.read``."""
        try:
            status = await self._status()
        except DeviceError:
            self._contact = False
            raise
        if not self._contact:  # perhaps another UPS is there now
            self._asked = {"F": 0, "I": 0}
            self._ratings, self._identity = None, Identity(profile="megatec")
        if lane is Lane.ALL or not self._contact:
            await self._introduce()
        self._contact = True
        found = readings(status, self._ratings)
        if lane is Lane.FAST:
            return [reading for reading in found if reading.quantity in {"ups.status", "battery.charge"}]
        return [*found, *rating_readings(self._ratings), *self._names()]

    async def close(self) -> None:
        """See ``Driver.close``."""
        self._contact = False
        await self._link.close()

    def _names(self) -> list[Reading]:
        named = {
            "ups.mfr": self._identity.manufacturer,
            "ups.model": self._identity.model,
            "ups.firmware": self._identity.firmware,
        }
        return [judged(name, value) for name, value in named.items() if value and QUANTITIES[name].plausible(value)]

    async def _status(self) -> Status:
        """Ask Q1, again when the answer does not fit.

        Raises:
            DeviceGarbled: no answer fitted.
        """
        last = ""
        for attempt in range(_TRIES):
            try:
                last = _text(await self._link.ask(b"Q1\r"))
            except DeviceGarbled:
                if attempt == _TRIES - 1:
                    raise
                continue
            except DeviceTimeout:
                # A cable that feeds its adapter from DTR needs a second after opening, and loses the first command.
                if attempt or self._contact:
                    raise
                continue
            status = parse_status(last)
            if status is not None:
                return status
            if last == "Q1" or last in _REFUSALS:
                break  # it understood, and does not know Q1
        if last == "Q1" or last in _REFUSALS:
            hint = "it speaks another protocol than Megatec Q1, or the line echoes what it is sent"
            raise DeviceGarbled(f"does not know Q1: it answered {last!r}", where=self._link.url, hint=hint)
        hint = "noise, another speed than 2400 baud, or another protocol than Megatec Q1"
        raise DeviceGarbled(f"not a Q1 answer: {last[:60]!r}", where=self._link.url, hint=hint)

    async def _introduce(self) -> None:
        """Ask F and I; many devices know only one of them, or none."""
        ratings = parse_ratings(await self._optional("F"))
        if ratings is not None:
            self._ratings = ratings
        identity = parse_identity(await self._optional("I"))
        if identity is not None:
            self._identity = identity

    async def _optional(self, command: str) -> str:
        """Ask for what a device need not know; return "" when it does not, and in the end stop asking."""
        if self._asked[command] >= _ASKS:
            return ""
        self._asked[command] += 1
        try:
            answer = _text(await self._link.ask(f"{command}\r".encode(), timeout=1.0))
        except (DeviceTimeout, DeviceGarbled):
            return ""
        if answer.startswith("#"):
            self._asked[command] = 0
            return answer
        return ""


def _text(answer: bytes) -> str:
    """Return an answer as text, without the NULs and line feeds that some devices add."""
    return answer.replace(b"\0", b"").strip(b"\n").decode("ascii", "backslashreplace")
