"""A UPS on a serial line that speaks Voltronic's protocol P01: a pseudo-terminal under a name of its own, or a TCP port.

Layouts: the protocol documents, as NUT's nutdrv_qx reads them. What it does not know, it answers with ``(NAK``.
"""

from pathlib import Path

from firmware_sims.megatec_ups import Megatec
from firmware_sims.serial_line import SerialUps
from firmware_sims.snmp_faces import Plate
from firmware_sims.ups import Rating, Ups, View


def qgs(view: View, rating: Rating, *, beeper: bool) -> str:
    """Return the state line."""
    bits = (
        rating.online,
        not rating.online,
        not view.mains,
        view.low,
        view.trim or view.boost,
        False,
        False,
        view.test,
        False,
        not beeper,
        False,
        False,
    )
    flags = "".join("1" if bit else "0" for bit in bits)
    return (
        f"({view.input_volts:05.1f} {view.input_hertz:04.1f} {view.output_volts:05.1f} {view.output_hertz:04.1f} "
        f"{view.output_amperes:05.1f} {min(999, round(view.load)):03d} 369.1 ---.- {view.battery_volts:05.1f} ---.- "
        f"{view.temperature:05.1f} {flags}"
    )


def qbv(view: View, rating: Rating) -> str:
    """Return the battery line: volts, batteries in series, packs, %, minutes."""
    minutes = min(999, int(view.runtime / 60.0))
    return f"({view.battery_volts:05.1f} {round(rating.string / 12.0):02d} 01 {round(view.charge):03d} {minutes:03d}"


def qmod(view: View) -> str:
    """Return the mode."""
    if not view.output:
        return "(S"
    if view.on_battery:
        return "(B"
    return "(T" if view.test else "(L"


def qws(view: View) -> str:
    """Return the 64 warnings: battery low, overload."""
    bits = ["0"] * 64
    bits[7], bits[8] = "1" if view.low else "0", "1" if view.overload else "0"
    return "(" + "".join(bits)


class Voltronic(Megatec):
    """The conversation."""

    def answer(self, command: str) -> str | None:  # noqa: C901 - one case a command
        """Return the answer without its CR, or None for none."""
        view, rating = self.ups.view(), self.ups.rating
        match command:
            case "QPI":
                return "(PI01"
            case "QGS":
                return qgs(view, rating, beeper=self.beeper)
            case "QMOD":
                return qmod(view)
            case "QBV":
                return qbv(view, rating)
            case "QWS":
                return qws(view)
            case "QFS":
                return "(OK"
            case "QRI":
                amperes = round(rating.apparent / rating.volts)
                return f"({rating.volts:05.1f} {amperes:03d} {rating.string:05.1f} {rating.hertz:04.1f}"
            case "QMD":
                factor = round(100.0 * rating.power / rating.apparent)
                volts = round(rating.volts)
                return (
                    f"({self.plate.model.replace(' ', '')[:15]:#>15} {round(rating.apparent):#>7d} {min(99, factor):02d} "
                    f"1/1 {volts:03d} {volts:03d} {round(rating.string / 12.0):02d} 12.0"
                )
            case "QMF":
                return f"({self.plate.manufacturer[:15]:#>15}"
            case "QVFW":
                return f"(VERFW:{self.plate.firmware}"
            case "QID":
                return "(" + "".join(c for c in self.plate.serial if c.isdigit()).rjust(14, "0")
        answer = super().answer(command)
        if answer is None and command[:1] in {"T", "C", "S"}:
            return "(ACK"
        return "(NAK" if answer == command else answer


class VoltronicUps(SerialUps):
    """One simulated UPS that speaks Voltronic's protocol."""

    def __init__(self, ups: Ups, plate: Plate, *, link: Path | None = None, host: str = "", port: int = 0) -> None:
        """Remember what to be: see ``SerialUps``; ``plate`` is what it says of itself."""
        super().__init__(ups, Voltronic(ups, plate), link=link, host=host, port=port)
