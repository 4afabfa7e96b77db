"""A UPS on a serial line that speaks Megatec Q1: a pseudo-terminal under a name of its own, or a TCP port.

Layouts: Megatec protocol document, as NUT's blazer and nutdrv_qx read it. Commands end in CR; Q1, F, I, T, Tnn, TL,
CT and Q are known, S and C are taken and ignored; anything else is echoed, as the real ones do.
"""

import re
from pathlib import Path

from firmware_sims.faults import Fault
from firmware_sims.serial_line import SerialUps, lines
from firmware_sims.snmp_faces import Plate
from firmware_sims.ups import Rating, Ups, View

_TEST_SECONDS = 10.0


def q1(view: View, rating: Rating, *, beeper: bool) -> str:
    """Return the status line. Online types report the voltage of a cell, the others that of the string."""
    battery = f"{view.battery_volts / rating.cells:4.2f}" if rating.online else f"{view.battery_volts:04.1f}"
    bits = (
        not view.mains,
        view.low,
        view.trim or view.boost,
        False,
        not rating.online,
        view.test,
        False,
        beeper,
    )
    flags = "".join("1" if bit else "0" for bit in bits)
    return (
        f"({view.input_volts:05.1f} {view.fault_volts:05.1f} {view.output_volts:05.1f} {min(999, round(view.load)):03d} "
        f"{view.input_hertz:04.1f} {battery:.4} {view.temperature:04.1f} {flags}"
    )


def rating_line(rating: Rating) -> str:
    """Return the answer to F: volts, amperes, battery volts, hertz."""
    amperes = round(rating.apparent / rating.volts)
    battery = f"{rating.string:05.1f}" if rating.string >= 100.0 else f"{rating.string:05.2f}"
    return f"#{rating.volts:05.1f} {amperes:03d} {battery} {rating.hertz:04.1f}"


def identity_line(plate: Plate) -> str:
    """Return the answer to I: company, model and version, padded."""
    return f"#{plate.manufacturer:<15.15} {plate.model:<10.10} {plate.firmware:<10.10}"


def dashed(answer: str) -> str:
    """Return an answer whose numbers are dashes: the device has none to give. Flags stay."""
    if not answer.startswith("("):
        return answer
    fields = answer[1:].split(" ")
    return "(" + " ".join(field if len(field) > 5 else re.sub(r"\d", "-", field) for field in fields)


class Megatec:
    """The conversation: one command in, one answer out. No line of its own."""

    def __init__(self, ups: Ups, plate: Plate) -> None:
        """Speak for a model."""
        self.ups = ups
        self.plate = plate
        self.beeper = True

    def split(self, received: bytes) -> tuple[list[bytes], bytes]:
        """See ``Talk.split``."""
        return lines(received)

    def unasked(self) -> bytes:
        """See ``Talk.unasked``."""
        return b""

    def reply(self, command: bytes, fault: Fault) -> bytes | None:
        """See ``Talk.reply``."""
        text = command.decode("latin-1").strip("\n\0 ")
        answer = self.answer(text) if text else None
        if answer is None:
            return None
        if fault is Fault.SENTINELS:
            answer = dashed(answer)
        return answer.encode("latin-1") + b"\r"

    def answer(self, command: str) -> str | None:
        """Return the answer without its CR, or None for none."""
        match command:
            case "Q1":
                return q1(self.ups.view(), self.ups.rating, beeper=self.beeper)
            case "F":
                return rating_line(self.ups.rating)
            case "I":
                return identity_line(self.plate)
            case "T":
                self.ups.test(_TEST_SECONDS)
            case "TL":
                self.ups.test(24 * 3600.0)
            case "CT":
                self.ups.cancel_test()
            case "Q":
                self.beeper = not self.beeper
            case _ if command[:1] == "T" and command[1:].isdigit():
                self.ups.test(60.0 * int(command[1:]))
            case _ if command[:1] in {"S", "C"} and command != "":
                pass
            case _:
                return command
        return None


class MegatecUps(SerialUps):
    """One simulated UPS that speaks Megatec Q1."""

    def __init__(self, ups: Ups, plate: Plate, *, link: Path | None = None, host: str = "", port: int = 0) -> None:
        """Remember what to be: see ``SerialUps``; ``plate`` is what it says of itself."""
        super().__init__(ups, Megatec(ups, plate), link=link, host=host, port=port)
