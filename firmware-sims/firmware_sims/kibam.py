"""A lead-acid battery of two wells: what can be had at once, and what flows after it (KiBaM).

Manwell and McGowan, "Lead acid battery storage model for hybrid energy systems", Solar Energy 50 (1993). The voltage follows
the first well, with the drop over an inner resistance; constant power is drawn, so that the current rises as the voltage
falls. Capacity and resistance follow age and temperature by a data sheet's table. Time is stepped; nothing waits.
"""

import math

import msgspec

_TEMPERATURES = (
    (0.0, 0.80),
    (5.0, 0.845),
    (10.0, 0.885),
    (15.0, 0.925),
    (20.0, 0.965),
    (25.0, 1.0),
    (30.0, 1.02),
    (40.0, 1.05),
)
_CELL = 2.0


class Cell(msgspec.Struct, frozen=True):
    """What it is made of. Charge is counted in hours at full load and 2 V a cell."""

    hours: float = 4.5
    """Charge of a new one at 25 °C."""
    share: float = 0.58
    """Of it that can be had at once."""
    flow: float = 0.9
    """Of the difference of the two levels that flows in an hour."""
    resistance: float = 0.075
    """V a cell at full load."""
    full: float = 2.115
    slope: float = 0.115
    knee: float = 0.012
    """How sharply the voltage falls at the end."""
    end: float = 1.75
    """V under load at which the UPS gives up."""
    age: float = 1.0
    """Charge that it still holds, of a new one's."""
    celsius: float = 25.0


class Battery:
    """One battery, full at first."""

    def __init__(self, cell: Cell) -> None:
        """Take what it is made of."""
        self.cell = cell
        self.celsius = cell.celsius
        self.used = 0.0
        """Hours at full load and 2 V."""
        self._resistance = cell.resistance * (1.0 + 1.6 * (1.0 - cell.age))
        self._first, self._second = self._wells()

    def _wells(self) -> tuple[float, float]:
        charge = self.cell.hours * self.cell.age * _warmth(self.celsius)
        return charge * self.cell.share, charge * (1.0 - self.cell.share)

    def refill(self, part: float = 1.0) -> None:
        """Charge it to a part of what it holds."""
        first, second = self._wells()
        self._first, self._second = first * part, second * part

    def current(self, load: float) -> float:
        """Return what is drawn at a load, of the rated power: with the losses of an inverter."""
        power = (0.025 + load) / (0.90 + 0.04 * load) * 0.94 if load > 0.0 else 0.0
        resistance = self._resistance * (1.0 + 0.008 * (25.0 - self.celsius))
        electromotive = self._electromotive()
        root = electromotive**2 - 4.0 * resistance * power * _CELL
        return (electromotive - math.sqrt(root)) / (2.0 * resistance) if root > 0.0 else power * _CELL / 1.2

    def volts(self, load: float) -> float:
        """Return the voltage of a cell under a load."""
        resistance = self._resistance * (1.0 + 0.008 * (25.0 - self.celsius))
        return self._electromotive() - resistance * self.current(load)

    def _electromotive(self) -> float:
        whole, _ = self._wells()
        used = min(1.04, max(0.0, 1.0 - self._first / whole))
        return self.cell.full - self.cell.slope * used - self.cell.knee * used / (1.06 - used)

    def drain(self, load: float, seconds: float) -> bool:
        """Draw for some seconds; say whether it still can."""
        hours = seconds / 3600.0
        current = self.current(load)
        share = self.cell.share
        flow = self.cell.flow * (self._second / (1.0 - share) - self._first / share) * share * (1.0 - share)
        self._first += (flow - current) * hours
        self._second -= flow * hours
        self.used += current * hours
        return self.volts(load) > self.cell.end


def _warmth(celsius: float) -> float:
    """Return the charge at a temperature, of that at 25 °C."""
    before = _TEMPERATURES[0]
    if celsius <= before[0]:
        return before[1]
    for here in _TEMPERATURES[1:]:
        if celsius <= here[0]:
            return before[1] + (here[1] - before[1]) * (celsius - before[0]) / (here[0] - before[0])
        before = here
    return before[1]
