"""The physics of a UPS: mains, load, battery. Pure: the clock is given, nothing is started, nothing waits.

Every face (SNMP, Megatec) asks the same model, so that what they say is consistent. Between two events (a cut, a
change of load, an empty battery) everything is computed in closed form; how often anybody looks changes nothing.

Assumptions: a battery gives less of its energy the harder it is drained (Peukert's law, exponent 1.15, relative to a
one-hour discharge); the inverter takes 12 W for itself and loses 8 %; the charger gives constant power up to 90 %, then
tapers. Voltages of a lead-acid cell: 2.27 V floating, 2.12 V to 1.75 V while discharging, less the sag under load.
"""

import math
from collections.abc import Callable

import msgspec

_PEUKERT = 1.15
_INVERTER = 0.92
_IDLE_WATTS = 12.0
_CHARGER = 0.85
_TAPER = 0.90
_TAPER_END = 0.9995
_WINDOW = (0.80, 1.18)
"""Mains that the UPS accepts, of the nominal voltage."""
_TINY = 1e-9
_WORN = 50.0
"""% gone at which a UPS calls its battery worn out."""


class Rating(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the name plate says."""

    power: float = 2700.0
    """W."""
    apparent: float = 3000.0
    """VA."""
    battery: float = 600.0
    """Energy of the full battery at a one-hour discharge, Wh."""
    charger: float = 300.0
    """W."""
    low: float = 20.0
    """Charge at which the battery is called low, %."""
    volts: float = 230.0
    hertz: float = 50.0
    string: float = 48.0
    """Nominal voltage of the battery string, V (2 V a cell)."""
    online: bool = True
    """Online (double conversion); False: line-interactive, which lowers and raises the mains voltage."""

    @property
    def cells(self) -> int:
        """Cells in series."""
        return round(self.string / 2.0)


class View(msgspec.Struct, frozen=True):
    """The UPS at one moment. Charge and load in %, volts, amperes, watts, seconds, degrees Celsius."""

    mains: bool
    """Whether the mains can be used."""
    on_battery: bool
    """The battery feeds the load because the mains cannot; a test is not one."""
    test: bool
    output: bool
    low: bool
    overload: bool
    trim: bool
    boost: bool
    charging: bool
    charge: float
    runtime: float
    """Time left at this load; what it would be, while on mains."""
    battery_volts: float
    battery_amperes: float
    """Positive while discharging."""
    input_volts: float
    input_watts: float
    """What it takes from the mains: the load, its own losses, and the charger."""
    input_hertz: float
    fault_volts: float
    """Mains voltage at the last transfer to battery; the present one when there was none."""
    output_volts: float
    output_hertz: float
    output_amperes: float
    watts: float
    load: float
    temperature: float
    on_battery_seconds: float
    transfers: int
    """Times that the mains was lost."""
    replace: bool = False
    """It calls its battery worn out: half of it is gone."""


class Totals(msgspec.Struct):
    """Energy so far, Wh: what the load got from the battery, what the battery lost for it, what it was given."""

    delivered: float = 0.0
    drained: float = 0.0
    charged: float = 0.0


class Ups:
    """One UPS."""

    def __init__(
        self, rating: Rating, clock: Callable[[], float], *, load: float = 800.0, charge: float = 100.0
    ) -> None:
        """Start on good mains.

        Args:
            rating: the name plate.
            clock: seconds; only differences count.
            load: W.
            charge: %.
        """
        self.rating = rating
        self.totals = Totals()
        self._clock = clock
        self._at = clock()
        self._watts = load
        self._stored = rating.battery * charge / 100.0
        self._mains = rating.volts
        self._fault_volts = rating.volts
        self._transfers = 0
        self._since: float | None = None
        self._test_left = 0.0
        self._depleted = self._stored <= _TINY
        self._new = rating.battery
        self.worn = 0.0
        """How much of the battery's energy is gone for good, %."""

    @property
    def feeding(self) -> bool:
        """Whether its output has power."""
        self._advance()
        return self._output

    @property
    def mains(self) -> bool:
        """Whether it has mains that it can use."""
        return self._usable

    def cut(self) -> None:
        """Lose the mains."""
        self.set_mains(0.0)

    def restore(self) -> None:
        """Get the mains back at its nominal voltage."""
        self.set_mains(self.rating.volts)

    def set_mains(self, volts: float) -> None:
        """Set the mains voltage."""
        self._advance()
        before = self._usable
        self._mains = max(0.0, volts)
        if before and not self._usable:
            self._fault_volts = self._mains
            self._transfers += 1
            self._since = self._at
            self._test_left = 0.0
        elif self._usable:
            self._since = None
            self._depleted = False

    def set_load(self, watts: float) -> None:
        """Set the load, W."""
        self._advance()
        self._watts = max(0.0, watts)

    def set_charge(self, percent: float) -> None:
        """Put the battery where a story needs it."""
        self._advance()
        self._stored = self.rating.battery * min(100.0, max(0.0, percent)) / 100.0

    def wear(self, percent: float) -> None:
        """Let so much of the battery's energy be gone for good; it is as full as it was, of less."""
        self._advance()
        self.worn = min(99.0, max(0.0, percent))
        part = self._stored / self.rating.battery
        self.rating = msgspec.structs.replace(self.rating, battery=self._new * (1.0 - self.worn / 100.0))
        self._stored = part * self.rating.battery

    def test(self, duration: float) -> None:
        """Run the battery test: the load is on battery although the mains is there."""
        self._advance()
        if self._usable and self._stored > _TINY:
            self._test_left = duration

    def cancel_test(self) -> None:
        """End the battery test."""
        self._advance()
        self._test_left = 0.0

    def view(self) -> View:
        """Return the UPS as it is now."""
        self._advance()
        rating = self.rating
        usable, output = self._usable, self._output
        watts = self._watts if output else 0.0
        draining = output and (not usable or self._test_left > 0.0)
        charge = min(100.0, 100.0 * self._stored / rating.battery)
        volts = self._battery_volts(draining, watts)
        charging = usable and not draining and self._stored < rating.battery
        trim, boost, factor = self._regulation()
        if not output:
            output_volts = 0.0
        elif draining or rating.online:
            output_volts = rating.volts
        else:
            output_volts = self._mains * factor
        apparent = watts * rating.apparent / rating.power
        current = self._drain(watts) / volts if draining else (-self._charging() / volts if charging else 0.0)
        return View(
            mains=usable,
            on_battery=output and not usable,
            test=draining and usable,
            output=output,
            low=charge <= rating.low,
            overload=watts > rating.power,
            trim=trim and not draining,
            boost=boost and not draining,
            charging=charging,
            charge=charge,
            runtime=self._runtime(),
            battery_volts=volts,
            battery_amperes=current,
            input_volts=self._mains,
            input_watts=self._taken(watts, charging=charging) if usable and not draining else 0.0,
            input_hertz=rating.hertz if self._mains > 0.1 * rating.volts else 0.0,
            fault_volts=self._fault_volts,
            output_volts=output_volts,
            output_hertz=rating.hertz if output else 0.0,
            output_amperes=apparent / output_volts if output_volts else 0.0,
            watts=watts,
            load=100.0 * watts / rating.power,
            temperature=25.0 + 10.0 * min(1.5, watts / rating.power),
            on_battery_seconds=self._at - self._since if self._since is not None else 0.0,
            transfers=self._transfers,
            replace=self.worn >= _WORN,
        )

    @property
    def _usable(self) -> bool:
        low, high = _WINDOW
        return low * self.rating.volts <= self._mains <= high * self.rating.volts

    @property
    def _output(self) -> bool:
        """Mains or battery feeds the load; once empty, only the mains brings the output back."""
        return self._usable or not self._depleted

    def _regulation(self) -> tuple[bool, bool, float]:
        """Say whether the mains is lowered or raised, and by which factor."""
        if self.rating.online or not self._usable:
            return False, False, 1.0
        ratio = self._mains / self.rating.volts
        return ratio > 1.09, ratio < 0.91, 0.88 if ratio > 1.09 else 1.13 if ratio < 0.91 else 1.0

    def _drain(self, watts: float) -> float:
        """Return the power that leaves the battery for this load, W."""
        taken = watts / _INVERTER + _IDLE_WATTS
        return taken * float(max(1.0, taken / self.rating.battery) ** (_PEUKERT - 1.0))

    def _runtime(self) -> float:
        return 3600.0 * self._stored / self._drain(self._watts) if self._output else 0.0

    def _taken(self, watts: float, *, charging: bool) -> float:
        """Return the power from the mains; a line-interactive one passes the load on, without converting it."""
        load = watts / _INVERTER + _IDLE_WATTS if self.rating.online else watts + _IDLE_WATTS
        return load + (self._charging() / _CHARGER if charging else 0.0)

    def _charging(self) -> float:
        """Return the power that enters the battery now, W."""
        part = self._stored / self.rating.battery
        return self.rating.charger * _CHARGER * min(1.0, (1.0 - part) / (1.0 - _TAPER))

    def _battery_volts(self, draining: bool, watts: float) -> float:  # noqa: FBT001 - one of two curves
        part = min(1.0, self._stored / self.rating.battery)
        if draining:
            cell = 1.80 + 0.32 * part - 0.05 * min(2.0, watts / self.rating.power)
        elif self._usable:
            cell = 2.10 + 0.17 * part
        else:
            cell = 1.85 + 0.28 * part
        return cell * self.rating.cells

    def _advance(self) -> None:
        """Bring the model to now, from one event to the next."""
        now = self._clock()
        while (left := now - self._at) > 0.0:
            self._at += self._step(left)

    def _step(self, left: float) -> float:
        """Run up to ``left`` seconds of one mode; return how long it ran."""
        testing = self._usable and self._test_left > 0.0
        if testing or (not self._usable and not self._depleted):
            drain = self._drain(self._watts) / 3600.0
            step = min(left, self._stored / drain, self._test_left if testing else math.inf)
            self._stored = max(0.0, self._stored - step * drain)
            self.totals.drained += step * drain
            self.totals.delivered += step * self._watts / 3600.0
            if testing:
                self._test_left = 0.0 if self._stored <= _TINY else self._test_left - step
            elif self._stored <= _TINY:
                self._stored, self._depleted = 0.0, True
            return step
        if self._usable:
            before = self._stored
            self._stored = self._charged(left)
            self.totals.charged += self._stored - before
        return left

    def _charged(self, seconds: float) -> float:
        """Return the stored energy after charging."""
        full = self.rating.battery
        rate = self.rating.charger * _CHARGER / 3600.0
        knee = _TAPER * full
        stored = self._stored
        if stored >= full or rate <= 0.0:
            return stored
        if stored < knee:
            straight = min(seconds, (knee - stored) / rate)
            stored += straight * rate
            seconds -= straight
        if seconds > 0.0:
            stored = full - (full - stored) * math.exp(-seconds * rate / (full - knee))
        return full if stored >= _TAPER_END * full else stored
