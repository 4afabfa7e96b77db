"""A UPS on a serial line that speaks APC's smart protocol ("UPS-Link"): a pseudo-terminal, or a TCP port.

A command is one character, an answer ends in CR LF. It is dumb until it is asked ``Y``. What it says unasked (``!``
for on battery, ``$`` for mains back, ``%`` for battery low, ``+`` for no longer low) comes before its next answer.
Source: the protocol as NUT's apcsmart speaks it.
"""

from pathlib import Path

from firmware_sims.faults import Fault
from firmware_sims.serial_line import SerialUps
from firmware_sims.snmp_faces import Plate
from firmware_sims.ups import Rating, Ups, View

_VALUES = frozenset("LOMNFBCPfj/")
"""What is "NA" under the fault ``sentinels``."""
_TEST_SECONDS = 8.0
_COMMANDS = "\x01BCFGLMNOPQRUVWXYabefgjklmnopqrsux/>"


def status(view: View) -> str:
    """Return the status byte, two hexadecimal digits. Of a test it says nothing: the reason of the transfer (G) does."""
    flags = (
        (0x02, view.trim),
        (0x04, view.boost),
        (0x08, view.output and not view.on_battery and not view.test),
        (0x10, view.on_battery or view.test),
        (0x20, view.overload),
        (0x40, view.low),
        (0x80, view.replace),
    )
    return f"{sum(bit for bit, is_set in flags if is_set) if view.output else 0:02X}"


def value(command: str, view: View, rating: Rating, plate: Plate) -> str | None:
    """Return the answer to a command that only asks; None for one that there is not."""
    words = {
        "Q": status(view),
        "L": f"{view.input_volts:05.1f}",
        "M": f"{max(view.input_volts, rating.volts):05.1f}",
        "N": f"{view.fault_volts:05.1f}",
        "O": f"{view.output_volts:05.1f}",
        "F": f"{view.output_hertz:05.2f}",
        "B": f"{view.battery_volts:05.2f}",
        "C": f"{view.temperature:05.1f}",
        "P": f"{view.load:05.1f}",
        "/": f"{view.output_amperes:05.2f}",
        "f": f"{view.charge:05.1f}",
        "j": f"{min(9999, int(view.runtime / 60.0)):04d}:",
        "\x01": plate.model,
        "n": plate.serial,
        "b": plate.firmware,
        "V": "GWD",
        "x": "03/17/24",
        "m": "03/17/24",
        "X": "OK",
        "G": "S" if view.test else "R" if view.transfers == 0 else "T",
        "s": "H",
        "u": f"{round(rating.volts * 1.18):03d}",
        "l": f"{round(rating.volts * 0.80):03d}",
        "g": f"{round(rating.string):03d}",
        "o": f"{round(rating.volts):03d}",
        "e": "00",
        "k": "0",
        "p": "090",
        "q": "02",
        "r": "000",
        ">": "000",
        "a": f"3.!$%+.{_COMMANDS}",
    }
    return words.get(command)


class ApcSmart:
    """The conversation: one character in, one line out. No line of its own."""

    def __init__(self, ups: Ups, plate: Plate) -> None:
        """Speak for a model."""
        self.ups = ups
        self.plate = plate
        self.smart = False
        view = ups.view()
        self._told = (view.on_battery, view.low)

    def split(self, received: bytes) -> tuple[list[bytes], bytes]:
        """See ``Talk.split``."""
        return [received[index : index + 1] for index in range(len(received))], b""

    def unasked(self) -> bytes:
        """See ``Talk.unasked``."""
        view = self.ups.view()
        before, self._told = self._told, (view.on_battery, view.low)
        told = b""
        for was, is_now, begins, ends in zip(before, self._told, (b"!", b"%"), (b"$", b"+"), strict=True):
            if was != is_now:
                told += begins if is_now else ends
        return told

    def reply(self, command: bytes, fault: Fault) -> bytes | None:
        """See ``Talk.reply``."""
        answer = self.answer(command.decode("latin-1"), none=fault is Fault.SENTINELS)
        return None if answer is None else answer.encode("latin-1") + b"\r\n"

    def answer(self, command: str, *, none: bool = False) -> str | None:
        """Return the answer without its end, or None for none; ``none``: it has no value to give."""
        if command == "Y":
            self.smart = True
            return "SM"
        if not self.smart or command in "\r\n\x1b":
            return None
        if command == "R":
            self.smart = False
            return "BYE"
        if command == "U":
            self.ups.test(_TEST_SECONDS)
            return "OK"
        if command == "W":
            return self._toggled()
        if none and command in _VALUES:
            return "NA"
        answer = value(command, self.ups.view(), self.ups.rating, self.plate)
        return "NA" if answer is None else answer

    def _toggled(self) -> str:
        """Begin the battery test, or end it."""
        if self.ups.view().test:
            self.ups.cancel_test()
            return "OK"
        self.ups.test(_TEST_SECONDS)
        return "OK" if self.ups.view().test else "NO"


class ApcSmartUps(SerialUps):
    """One simulated UPS that speaks APC's smart protocol."""

    scheme = "apcsmart"

    def __init__(self, ups: Ups, plate: Plate, *, link: Path | None = None, host: str = "", port: int = 0) -> None:
        """Remember what to be: see ``SerialUps``; ``plate`` is what it says of itself."""
        self.talk = ApcSmart(ups, plate)
        super().__init__(ups, self.talk, link=link, host=host, port=port)
