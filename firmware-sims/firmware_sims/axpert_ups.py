"""A Voltronic inverter (Axpert) on a serial line: QPIGS, QMOD, QPI, QID, QVFW, each with its checksum.

Layouts and checksum: Voltronic's "Axpert communication protocol". It refuses what has a wrong checksum, and what it
does not know, with ``(NAK``.
"""

from pathlib import Path

from firmware_sims.faults import Fault
from firmware_sims.megatec_ups import dashed
from firmware_sims.serial_line import SerialUps, lines
from firmware_sims.snmp_faces import Plate
from firmware_sims.ups import Ups, View


def checksum(data: bytes) -> bytes:
    """Return CRC-16/XMODEM, high byte first, without the bytes LF, CR and ``(``."""
    value = 0
    for byte in data:
        value ^= byte << 8
        for _ in range(8):
            value = ((value << 1) ^ 0x1021) & 0xFFFF if value >> 15 else value << 1
    return bytes(part + (part in b"\n\r(") for part in divmod(value, 256))


def qpigs(view: View, apparent: float) -> str:
    """Return the state line; its solar panels are in the dark."""
    charging = max(0.0, -view.battery_amperes)
    bits = f"000{'1' if view.output else '0'}0{'1' if view.charging else '0'}0{'1' if view.charging else '0'}"
    return (
        f"({view.input_volts:05.1f} {view.input_hertz:04.1f} {view.output_volts:05.1f} {view.output_hertz:04.1f} "
        f"{round(apparent):04d} {round(view.watts):04d} {min(999, round(view.load)):03d} 400 {view.battery_volts:05.2f} "
        f"{round(charging):03d} {round(view.charge):03d} {round(view.temperature):04d} 0000 000.0 00.00 "
        f"{round(max(0.0, view.battery_amperes)):05d} {bits}"
    )


class Axpert:
    """The conversation: one command in, one answer out. No line of its own."""

    def __init__(self, ups: Ups, plate: Plate) -> None:
        """Speak for a model."""
        self.ups = ups
        self.plate = plate

    def split(self, received: bytes) -> tuple[list[bytes], bytes]:
        """See ``Talk.split``."""
        return lines(received)

    def unasked(self) -> bytes:
        """See ``Talk.unasked``."""
        return b""

    def reply(self, command: bytes, fault: Fault) -> bytes | None:
        """See ``Talk.reply``."""
        known = len(command) > 2 and checksum(command[:-2]) == command[-2:]
        answer = self.answer(command[:-2].decode("latin-1")) if known else "(NAK"
        if fault is Fault.SENTINELS:
            answer = dashed(answer)
        data = answer.encode("latin-1")
        check = b"\x55\x55" if fault is Fault.CHECKSUM else checksum(data)
        return data + check + b"\r"

    def answer(self, command: str) -> str:
        """Return the answer without checksum and CR."""
        view, rating = self.ups.view(), self.ups.rating
        match command:
            case "QPIGS":
                return qpigs(view, view.watts * rating.apparent / rating.power)
            case "QMOD":
                return "(S" if not view.output else "(B" if view.on_battery or view.test else "(L"
            case "QPI":
                return "(PI30"
            case "QID":
                return "(" + "".join(c for c in self.plate.serial if c.isdigit()).rjust(14, "9")
            case "QVFW":
                return f"(VERFW:{self.plate.firmware}"
        return "(NAK"


class AxpertUps(SerialUps):
    """One simulated inverter."""

    def __init__(self, ups: Ups, plate: Plate, *, link: Path | None = None, host: str = "", port: int = 0) -> None:
        """Remember what to be: see ``SerialUps``; ``plate`` is what it says of itself."""
        super().__init__(ups, Axpert(ups, plate), link=link, host=host, port=port)
