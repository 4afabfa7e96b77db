"""Voltronic's inverters (Axpert, and their many names): QPIGS and QMOD, each command and answer with a checksum.

The checksum is CRC-16/XMODEM, high byte first; a byte of it that would be LF, CR or ``(`` is one more, so that it ends
no line. Layouts: Voltronic's "Axpert communication protocol". They are inverters with a battery: what a UPS has and
they have not (a low-battery flag, a bypass) is not said.
"""

import re
from collections.abc import Sequence
from typing import Final

import msgspec

from agent.drivers.asking import Asker, Link, said
from agent.drivers.base import Identity, Lane
from agent.drivers.megatec import names
from agent.drivers.voltronic import parse_firmware, parse_mode, parse_protocol, parse_serial
from contract.errors import DeviceError
from contract.reading import Reading, Value

__all__ = ["AxpertDriver", "framed", "parse_protocol", "unframed"]

PROTOCOL = "Voltronic Axpert"
_RESERVED: Final = (0x0A, 0x0D, 0x28)
_MODES: Final = {
    "P": "power on",
    "S": "standby",
    "L": "line",
    "B": "battery",
    "F": "fault",
    "H": "power saving",
    "D": "shutdown",
}
_FIELDS: Final = (
    (r"(\d{3}\.\d)", "input.voltage"),
    (r"(\d{2}\.\d)", "input.frequency"),
    (r"(\d{3}\.\d)", "output.voltage"),
    (r"(\d{2}\.\d)", "output.frequency"),
    (r"(\d{4})", "ups.power"),
    (r"(\d{4})", "ups.realpower"),
    (r"(\d{3})", "ups.load"),
    (r"(\d{3})", ""),  # volts of the bus
    (r"(\d{2}\.\d{2})", "battery.voltage"),
    (r"(\d{3})", ""),  # amperes into the battery
    (r"(\d{3})", "battery.charge"),
    (r"(\d{4})", "ups.temperature"),
    (r"([\d.]{4})", ""),  # amperes and volts of the solar panels
    (r"(\d{3}\.\d)", ""),
    (r"(\d{2}\.\d{2})", ""),  # volts of the battery at the solar charger
    (r"(\d{5})", ""),  # amperes out of the battery
)
_QPIGS: Final = re.compile(r"\(" + " ".join(pattern for pattern, _ in _FIELDS) + r" ([01]{8})(?: [ -~]*)?")


class State(msgspec.Struct, frozen=True):
    """A QPIGS answer: the values by quantity; amperes into and out of the battery. Bits b7 first."""

    values: dict[str, float]
    amperes: float
    """Of the battery; positive while discharging."""
    bits: str


def crc(data: bytes) -> bytes:
    """Return the checksum of a command or an answer, two bytes."""
    value = 0
    for byte in data:
        value ^= byte << 8
        for _ in range(8):
            value = (value << 1 ^ 0x1021 if value & 0x8000 else value << 1) & 0xFFFF
    return bytes(part + 1 if part in _RESERVED else part for part in value.to_bytes(2, "big"))


def framed(command: str) -> bytes:
    """Return a command as it goes out."""
    data = command.encode()
    return data + crc(data) + b"\r"


def unframed(answer: bytes) -> bytes | None:
    """Return an answer without its checksum; None where that is wrong."""
    bare = answer.lstrip(b"\n\0")  # what some devices begin with; at the end, 00 may be the checksum's own
    return bare[:-2] if crc(bare[:-2]) == bare[-2:] else None


def parse_state(text: str) -> State | None:
    """Return a QPIGS answer, or None for what is not exactly one. Newer models add fields behind, which are let be."""
    match = _QPIGS.fullmatch(text)
    if match is None:
        return None
    try:
        numbers = [float(field) for field in match.groups()[:-1]]
    except ValueError:  # the field of the panels may have its point anywhere
        return None
    values = {name: value for (_, name), value in zip(_FIELDS, numbers, strict=True) if name}
    return State(values, numbers[15] - numbers[9], match.groups()[-1])


def readings(state: State, mode: str) -> list[Reading]:
    """Return what QPIGS and QMOD say together. Without a mode nothing says where the power comes from."""
    flags = {"B": {"OB"}, "L": {"OL"}, "F": {"FAULT"}, "S": {"OFF"}, "D": {"FSD"}}.get(mode, set())
    if mode and "OB" not in flags:
        flags = flags | ({"OL"} if state.values["input.voltage"] > 90.0 else {"OB"})
    if mode and state.bits[5] == "1":
        flags = flags | {"CHRG"}
    found: dict[str, Value | None] = {
        "ups.status": tuple(sorted(flags)) if mode else None,
        "battery.current": state.amperes,
        **state.values,
    }
    if mode:
        found["ups.mode"] = _MODES.get(mode, mode)
    return said(found)


class AxpertDriver:
    """Reads one inverter: QPIGS and QMOD each time; the names first."""

    def __init__(self, link: Link) -> None:
        """Remember the line."""
        self._asker = Asker(link, frame=framed, unframe=unframed)
        self._identity = Identity()

    @property
    def identity(self) -> Identity:
        """See ``Driver.identity``."""
        return self._identity

    async def close(self) -> None:
        """See ``Driver.close``."""
        self._asker.contact = False
        await self._asker.link.close()

    async def read(self, lane: Lane = Lane.ALL) -> Sequence[Reading]:
        """See ``Driver.read``."""
        asker = self._asker
        try:
            mode = await asker.required("QMOD", parse_mode, PROTOCOL)
            state = await asker.required("QPIGS", parse_state, PROTOCOL)
        except DeviceError:
            asker.contact = False
            raise
        if not asker.contact:
            asker.forget()
            number = await asker.optional("QPI", parse_protocol)
            self._identity = Identity(
                profile=f"axpert-p{number}" if number else "axpert",
                serial=await asker.optional("QID", parse_serial) or "",
                firmware=await asker.optional("QVFW", parse_firmware) or "",
            )
        asker.contact = True
        found = readings(state, mode)
        if lane is Lane.FAST:
            return [reading for reading in found if reading.quantity in {"ups.status", "battery.charge"}]
        return [*found, *names(self._identity)]
