"""What is known of one battery, and how it learns. Pure.

The *use* of a battery is counted in seconds at full load and 25 °C: ``(load + IDLE) ** exponent / warmth`` for each second.
A full battery can be used for its *capacity*; the UPS gives up when its depth, use by capacity, is 1. Capacity and exponent
(Peukert's law) are known as a normal distribution of the logarithm of the one and of the other, with what they have in
common: a discharge at one load says little of another. A discharge down to the end measures the capacity to 5 %; one that
mains ends sooner measures it by how far the voltage came down its curve (``curve``). Between discharges it grows older,
and what is known of it less certain. Before the first one there is only what the UPS claims, which may be wrong by a factor
of two, and is taken for no better.

Sources: Peukert's law as in IEEE 1184; a capacity of 1 % less for each degree below 25 °C and an end of life at 80 % after
some 5 years are common to the data sheets of valve-regulated batteries.
"""

import math
from collections.abc import Sequence
from typing import Final

import msgspec

from agent.battery import curve as curves

IDLE: Final = 0.03
"""What the UPS takes for itself, of its rated power."""
CLAIM: Final = 0.5
"""Standard deviation of the logarithm of a claimed runtime: seven in ten are between 0.6 and 1.65 of the truth."""
NOTHING: Final = 1.2
"""The same, when nothing is claimed at all."""
GUESS: Final = math.log(1800.0)
"""Logarithm of the capacity that is taken for a start where nothing is claimed."""
END: Final = 0.05
"""How exactly a discharge to the end measures, of the capacity; more by what was not known of it."""
NO_TEMPERATURE: Final = 0.08
NO_LOAD: Final = 0.35
LIMITS: Final = (0.0, 16.0)
"""Of the logarithm of a capacity: a second to a hundred days at full load."""
AGEING: Final = 0.05
"""Of its capacity a year, that a battery loses by itself."""
DRIFT: Final = 0.12
"""By how much its capacity may have changed otherwise in a year, and..."""
ROUND: Final = 0.06
"""...from one discharge to the next."""
MOST_YEARS: Final = 5.0
"""That are reckoned at once: longer, and the battery, or the clock, is another one."""
YEAR: Final = 365.25 * 86400.0
RECHARGE: Final = 3.0 * 3600.0
"""Time constant of a charger, s: after 10 h some 3 % are still missing."""
FLAW: Final = 0.12
"""How likely it is, at each discharge, that the battery is not what it was."""
SETTLE: Final = 120.0
"""Seconds after which the voltage has settled: it dips at first, and comes back."""
POINTS: Final = 81
USED: Final = 10
"""Samples that are held against the curve: more of them are not more independent."""
MOST: Final = 64
"""Samples that are kept of one discharge."""
BETWEEN: Final = 30.0
"""Seconds between two of them, at first."""


class Sample(msgspec.Struct, frozen=True, array_like=True):
    """One look at the battery while it was drained."""

    use: float
    """s, since the start of the discharge."""
    cell: float
    """V of one cell, under load."""
    load: float
    """Of the rated power."""


class Run(msgspec.Struct, frozen=True):
    """One discharge so far."""

    exponent: float = 1.15
    """By which its use is counted; kept while it lasts."""
    start: float = 0.0
    """Depth at its beginning."""
    seconds: float = 0.0
    use: float = 0.0
    use_log: float = 0.0
    """Use, each second weighed by the logarithm of its load: how a mistake in the exponent would show."""
    charge: float | None = None
    """% that the UPS claimed at its beginning."""
    left: float | None = None
    """% that it claimed last."""
    warm: bool = True
    """Whether the temperature was known."""
    loaded: bool = True
    """Whether the load was known."""
    between: float = BETWEEN
    sampled: float = 0.0
    """When the last sample was taken, s since its beginning."""
    samples: tuple[Sample, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what no discharge can be; a file may say it."""
        if not (0.5 <= self.exponent <= 2.0 and 0.0 <= self.start <= 1.0 and 0.0 <= self.use < 1e12):
            raise ValueError("no discharge is like that")


class Known(msgspec.Struct, frozen=True):
    """What is known of one battery; kept on disk."""

    capacity: float = GUESS
    """Logarithm of seconds at full load and 25 °C."""
    exponent: float = 1.15
    spread: tuple[float, float, float] = (NOTHING**2, 0.0, 0.07**2)
    """Variances of the two, and in the middle what they have in common."""
    curve: tuple[float, ...] = curves.GENERAL
    drop: float = curves.DROP
    """V that a cell loses at full load."""
    runs: int = 0
    """Discharges that taught something."""
    deep: int = 0
    """Those among them that taught the curve."""
    when: float = 0.0
    """Wall time of the last lesson, s; 0 where it is not known."""

    def __post_init__(self) -> None:
        """Refuse what no battery can be; a file may say it."""
        fits = len(self.curve) == len(curves.GENERAL) and all(0.0 < volts < 10.0 for volts in self.curve)
        low, high = LIMITS
        a, b, c = self.spread
        sound = 0.0 < a < 100.0 and 0.0 < c < 1.0 and b * b <= a * c
        if not (fits and sound and low <= self.capacity <= high and 0.9 <= self.exponent <= 1.5):
            raise ValueError("no battery is like that")


class Outlook(msgspec.Struct, frozen=True):
    """How long a battery will last at a load, s: as likely more as less, and the bounds in which it is four times in five."""

    middle: float
    low: float
    high: float


def warmth(celsius: float | None) -> float:
    """Return the capacity at a temperature, of that at 25 °C."""
    if celsius is None:
        return 1.0
    return max(0.5, 1.0 - 0.01 * (25.0 - celsius)) if celsius < 25.0 else min(1.04, 1.0 + 0.002 * (celsius - 25.0))


def rate(load: float, celsius: float | None, exponent: float) -> float:
    """Return the use of one second. The load is of the rated power."""
    return float((max(0.0, load) + IDLE) ** exponent) / warmth(celsius)


def alike(loads: Sequence[float], exponent: float) -> float:
    """Return the steady load that uses as much as these do on average: the peaks of one that swings cost more than its mean."""
    mean = sum((max(0.0, load) + IDLE) ** exponent for load in loads) / len(loads)
    return float(mean ** (1.0 / exponent)) - IDLE


def end(known: Known, peak: float) -> float:
    """Return the depth at which the UPS gives up where the load rises this far above itself: the voltage falls under its peaks first."""
    sag = known.drop * max(0.0, peak)
    low, high = 0.5, 1.0
    for _ in range(20):
        middle = (low + high) / 2.0
        low, high = (middle, high) if curves.volts(known.curve, middle) > known.curve[-1] + sag else (low, middle)
    return high


def claimed(known: Known, runtime: float, load: float, celsius: float | None, depth: float) -> Known:
    """Return a battery of which nothing is known but what the UPS claims: the runtime left, s, at this load and depth."""
    if known.runs or runtime < 1.0:
        return known
    capacity = _bounded(math.log(runtime * rate(load, celsius, known.exponent) / max(0.05, 1.0 - depth)))
    return msgspec.structs.replace(known, capacity=capacity, spread=(CLAIM**2, 0.0, known.spread[2]))


def aged(known: Known, wall: float) -> Known:
    """Return a battery at a wall time: older, and less surely known. Replaced ones are for ``replaced``."""
    if not known.runs or not known.when or wall <= known.when:
        return known
    years = min(MOST_YEARS, (wall - known.when) / YEAR)
    a, b, c = known.spread
    capacity = _bounded(known.capacity - AGEING * years)
    return msgspec.structs.replace(known, capacity=capacity, spread=(a + DRIFT**2 * years, b, c), when=wall)


def replaced(known: Known) -> Known:
    """Return a battery in the place of another: of the same make, most likely, and how much it holds is open again."""
    _, _, c = known.spread
    return msgspec.structs.replace(known, spread=(CLAIM**2, 0.0, c), runs=0)


def recharged(depth: float, seconds: float) -> float:
    """Return the depth after so long on mains."""
    return depth * math.exp(-max(0.0, seconds) / RECHARGE)


def carried_on(run: Run, seconds: float, load: float | None, celsius: float | None) -> Run:
    """Return a discharge after so many more seconds; None is not known."""
    weight = seconds * rate(0.5 if load is None else load, celsius, run.exponent)
    log = math.log((0.5 if load is None else max(0.0, load)) + IDLE)
    return msgspec.structs.replace(
        run,
        seconds=run.seconds + seconds,
        use=run.use + weight,
        use_log=run.use_log + weight * log,
        warm=run.warm and celsius is not None,
        loaded=run.loaded and load is not None,
    )


def sampled(run: Run, cell: float, load: float) -> Run:
    """Return a discharge with one more look at the voltage of a cell; what comes too soon is left out."""
    if run.seconds < SETTLE or run.seconds - run.sampled < run.between:
        return run
    samples = (*run.samples, Sample(round(run.use, 2), round(cell, 4), round(load, 4)))
    between = run.between
    if len(samples) > MOST:
        samples, between = samples[1::2], between * 2.0
    return msgspec.structs.replace(run, samples=samples, between=between, sampled=run.seconds)


def ahead(known: Known, depth: float, load: float, celsius: float | None, peak: float = 0.0) -> Outlook:
    """Return how long it would last from now, on mains as it is; ``peak`` is how far the load rises above itself."""
    log = math.log(max(0.0, load) + IDLE)
    a, b, c = known.spread
    deviation = math.sqrt(max(1e-6, a - 2.0 * log * b + log * log * c))
    middle = math.exp(known.capacity) * max(0.0, end(known, peak) - depth) / rate(load, celsius, known.exponent)
    return Outlook(middle, middle * math.exp(-1.2816 * deviation), middle * math.exp(1.2816 * deviation))


def outlook(known: Known, run: Run, load: float, celsius: float | None, peak: float = 0.0) -> Outlook:
    """Return how long it will last from here, while it is drained; ``peak`` is how far the load rises above itself."""
    speed, last = rate(load, celsius, run.exponent), end(known, peak)
    left: list[float] = []
    reached, bounds = 0.0, (0.1, 0.5, 0.9)
    for log, weight in _belief(known, run):
        reached += weight
        while len(left) < len(bounds) and reached >= bounds[len(left)] - 1e-9:
            left.append(max(0.0, math.exp(log) * (last - run.start) - run.use) / speed)
    low, middle, high = left
    return Outlook(middle, low, high)


def depth(known: Known, run: Run) -> float:
    """Return how deep a discharge has gone."""
    middle = sum(log * weight for log, weight in _belief(known, run))
    return min(1.0, run.start + run.use / math.exp(middle))


def learned(known: Known, run: Run, *, empty: bool, wall: float) -> Known:
    """Return what is known after a discharge.

    Args:
        known: before it.
        run: the discharge.
        empty: the UPS gave up at its end; mains came back otherwise.
        wall: now, s; 0 where it is not known.
    """
    if run.use <= 0.0 or run.start > 0.9:
        return known
    mean, variance, slope = _prior(known, run)
    if empty:
        value = math.log(run.use / (1.0 - run.start))
        noise = END**2 + (not run.warm) * NO_TEMPERATURE**2 + (not run.loaded) * NO_LOAD**2 + (0.3 * run.start) ** 2
    else:
        belief = _belief(known, run)
        middle = sum(log * weight for log, weight in belief)
        after = max(END**2 / 2.0, sum((log - middle) ** 2 * weight for log, weight in belief))
        if abs(middle - mean) > 2.0 * math.sqrt(variance):
            variance = max(
                variance, (middle - mean) ** 2 / 2.0
            )  # it is not what it was: what was known of it counts less
        if after > 0.85 * variance:
            return known  # too short to say anything
        noise = 1.0 / (1.0 / after - 1.0 / variance)
        value = mean + (middle - mean) * variance / (variance - after)
    known = _updated(known, value, noise, slope)
    return _with_curve(
        msgspec.structs.replace(known, runs=known.runs + 1, when=wall or known.when),
        run,
        value if empty else known.capacity,
        empty,
    )


def stepped(known: Known, before: Sample, after: Sample) -> Known:
    """Return what is known after two looks close to one another, between which the load may have changed: the drop under load."""
    step = after.load - before.load
    if abs(step) < 0.08:
        return known
    drop = (before.cell - after.cell) / step
    if not 0.0 <= drop <= 0.6:
        return known
    return msgspec.structs.replace(known, drop=known.drop + 0.5 * (drop - known.drop))


def _bounded(capacity: float) -> float:
    return min(LIMITS[1], max(LIMITS[0], capacity))


def _prior(known: Known, run: Run) -> tuple[float, float, float]:
    """Return mean and variance of the logarithm of the capacity, as far as this discharge's loads show it; and their logarithm."""
    a, b, c = known.spread
    slope = run.use_log / run.use if run.use else 0.0
    shift = known.exponent - run.exponent
    return known.capacity - slope * shift, max(1e-5, a - 2.0 * slope * b + slope * slope * c + ROUND**2), slope


def _belief(known: Known, run: Run) -> list[tuple[float, float]]:
    """Return logarithms of the capacity, ascending, and how likely each is: by what was known, and what the voltage says."""
    mean, variance, _ = _prior(known, run)
    deviation = math.sqrt(variance)
    wide = max(3.5 * deviation, 1.3)
    grid = [mean + wide * (2.0 * at / (POINTS - 1) - 1.0) for at in range(POINTS)]
    if deviation < 0.15:  # finer where it is most likely
        grid = sorted({*grid, *(mean + 3.0 * deviation * (2.0 * at / (POINTS - 1) - 1.0) for at in range(POINTS))})
    evidence = Evidence(known, run)
    flaw = FLAW if known.runs else 0.0
    weights: list[float] = []
    for at, log in enumerate(grid):
        width = grid[min(at + 1, len(grid) - 1)] - grid[max(at - 1, 0)]
        likely = (1.0 - flaw) * _normal(log - mean, deviation) + flaw * _normal(log - mean + 0.25, 0.4)
        weights.append(math.log(likely * width + 1e-300) + evidence(log))
    most = max(weights)
    scaled = [math.exp(weight - most) for weight in weights]
    total = sum(scaled)
    return [(log, weight / total) for log, weight in zip(grid, scaled, strict=True)]


def _normal(off: float, deviation: float) -> float:
    return math.exp(-0.5 * (off / deviation) ** 2) / deviation


class Evidence:
    """What the looks at the battery say of a capacity: the logarithm of their likelihood."""

    def __init__(self, known: Known, run: Run) -> None:
        self._start = run.start
        self._use = run.use
        self._curve = known.curve
        chosen = _spread_out(run.samples)
        self._open = [(sample.use, sample.cell + known.drop * sample.load) for sample in chosen]
        self._noise = 0.015 if known.deep else 0.03
        self._offset = 0.02 if known.deep else 0.06
        self._claim: float | None = None
        spent = 0.0 if run.charge is None or run.left is None else run.charge - run.left
        if not chosen and run.use > 0.0 and spent >= 5.0:
            self._claim = math.log(run.use / (spent / 100.0))

    def __call__(self, log: float) -> float:
        """Return it, for a logarithm of the capacity."""
        capacity = math.exp(log)
        found = 0.0
        over = self._start + self._use / capacity - 1.0
        if over > 0.0:  # it lives on
            found -= 0.5 * (over / 0.03) ** 2
        if self._claim is not None:
            found -= 0.5 * ((log - self._claim) / CLAIM) ** 2
        if self._open:
            off = [seen - curves.volts(self._curve, self._start + use / capacity) for use, seen in self._open]
            noise, count = self._noise**2, len(off)
            # a common offset of the whole discharge (temperature, age) is nothing that speaks of its capacity
            common = sum(off) ** 2 / (noise * (count + noise / self._offset**2))
            found -= 0.5 * (sum(each * each for each in off) / noise - common)
        return found


def _spread_out(samples: Sequence[Sample]) -> Sequence[Sample]:
    """Return some of them, evenly, the last one among them."""
    if len(samples) <= USED:
        return samples
    return [samples[round(at * (len(samples) - 1) / (USED - 1))] for at in range(USED)]


def _updated(known: Known, value: float, noise: float, slope: float) -> Known:
    """Return what is known after a measurement of capacity less slope times what the exponent is off (Kalman's step)."""
    a, b, c = known.spread
    a += ROUND**2
    first, second = a - slope * b, b - slope * c
    total = first - slope * second + noise
    gain_capacity, gain_exponent = first / total, second / total
    off = value - known.capacity
    return msgspec.structs.replace(
        known,
        capacity=_bounded(known.capacity + gain_capacity * off),
        exponent=min(1.4, max(1.0, known.exponent + gain_exponent * off)),
        spread=(a - gain_capacity * first, b - gain_capacity * second, max(0.02**2, c - gain_exponent * second)),
    )


def _with_curve(known: Known, run: Run, log: float, empty: bool) -> Known:  # noqa: FBT001 - one of two ends
    """Return what is known with the curve that a deep discharge has shown."""
    capacity = math.exp(log)
    seen = [(run.start + each.use / capacity, each.cell + known.drop * each.load) for each in run.samples]
    certain = empty or (math.sqrt(known.spread[0]) < 0.15 and bool(known.deep))
    if not certain or len(seen) < 4 or seen[-1][0] - run.start < 0.4:
        return known
    trust = (0.9 if not known.deep else 0.5) if empty else 0.25
    return msgspec.structs.replace(known, curve=curves.taught(known.curve, seen, trust), deep=known.deep + empty)
