"""A UPS on a serial line that speaks Megatec Q6 besides Q1, as Santak's Castle does.

It refuses F and I, and knows WA and BPS. Layouts: Santak's protocol document of the Castle and EDX series, as NUT's
nutdrv_qx reads it.
"""

from pathlib import Path

from firmware_sims.megatec_ups import Megatec
from firmware_sims.serial_line import SerialUps
from firmware_sims.snmp_faces import Plate
from firmware_sims.ups import Rating, Ups, View


def q6(view: View) -> str:
    """Return the answer to Q6, of one phase; the battery has no tap in its middle."""
    load = min(999, round(view.load))
    return (
        f"({view.input_volts:05.1f} 000.0 000.0 {view.input_hertz:04.1f} {view.output_volts:05.1f} 000.0 000.0 "
        f"{view.output_hertz:04.1f} {load:03d} 000 000 {view.battery_volts:05.1f} ---.- {view.temperature:04.1f} "
        f"{min(99999, round(view.runtime)):05d} {round(view.charge):03d} 32 00000000 00000000 11"
    )


def wa(view: View, rating: Rating) -> str:
    """Return the answer to WA: kW and kVA of each phase and of all, amperes, load, flags."""
    watts, apparent = view.watts / 1000.0, view.watts / 1000.0 * rating.apparent / rating.power
    return (
        f"({watts:05.1f} 000.0 000.0 {apparent:05.1f} 000.0 000.0 {watts:05.1f} {apparent:05.1f} "
        f"{view.output_amperes:05.1f} 000.0 000.0 {min(999, round(view.load)):03d} 00000000"
    )


class MegatecQ6(Megatec):
    """The conversation."""

    def answer(self, command: str) -> str | None:
        """Return the answer without its CR, or None for none."""
        view = self.ups.view()
        match command:
            case "Q6":
                return q6(view)
            case "WA":
                return wa(view, self.ups.rating)
            case "BPS":
                return f"({view.input_volts:05.1f} 000.0 000.0 {view.input_hertz:04.1f}"
            case "F" | "I":
                return "(NAK"
        answer = super().answer(command)
        return "(NAK" if answer == command else answer


class MegatecQ6Ups(SerialUps):
    """One simulated UPS that speaks Megatec Q6."""

    def __init__(self, ups: Ups, plate: Plate, *, link: Path | None = None, host: str = "", port: int = 0) -> None:
        """Remember what to be: see ``SerialUps``; ``plate`` is what it says of itself."""
        super().__init__(ups, MegatecQ6(ups, plate), link=link, host=host, port=port)
