"""How the voltage of a lead-acid cell falls as it is drained, without load: in general, and of one battery as it was seen.

Volts are of one cell (2 V nominal), as if nothing were drawn: the drop under load is added back. Depth is 0 when full and 1
when the UPS gives up. The general curve is that of data sheets of valve-regulated batteries at 3 to 10 h, and is wrong by
some 0.05 V for any one battery; one deep discharge teaches the battery's own.
"""

import math
from collections.abc import Sequence
from typing import Final

STEPS: Final = 20
"""Between depth 0 and 1."""
BEYOND: Final = 3.0
"""Volts that a cell loses for each depth beyond its end: there it falls like a stone."""
DROP: Final = 0.10
"""Volts that a cell loses at full load, where no step in the load has shown it yet."""
CELLS: Final = 6
"""In a block: strings are made of them."""

GENERAL: Final = tuple(2.10 - 0.17 * at / STEPS - 0.13 * (at / STEPS) ** 6 for at in range(STEPS + 1))


def volts(curve: Sequence[float], depth: float) -> float:
    """Return the voltage at a depth, between the points of a curve."""
    if depth >= 1.0:
        return curve[STEPS] - BEYOND * (depth - 1.0)
    place = max(0.0, depth) * STEPS
    low = int(place)
    return curve[low] + (curve[low + 1] - curve[low]) * (place - low)


def taught(curve: Sequence[float], seen: Sequence[tuple[float, float]], trust: float) -> tuple[float, ...]:
    """Return the curve after a discharge.

    Args:
        curve: what was known.
        seen: depth and volts, the deepest last.
        trust: of what was seen, from 0 to 1, against what was known.
    """
    if len(seen) < 2:
        return tuple(curve)
    sums = [0.0] * (STEPS + 1)
    counts = [0.0] * (STEPS + 1)
    for depth, measured in seen:
        place = min(1.0, max(0.0, depth)) * STEPS
        for at in (math.floor(place), math.ceil(place)):
            weight = max(1e-3, 1.0 - abs(place - at))
            sums[at] += weight * (measured - volts(curve, depth))
            counts[at] += weight
    points = [at for at in range(STEPS + 1) if counts[at] > 0.0]
    off = {at: sums[at] / counts[at] for at in points}
    return tuple(known + trust * _between(off, points, at) for at, known in enumerate(curve))


def _between(off: dict[int, float], points: list[int], at: int) -> float:
    """Return how far a point is off; where nothing was seen, as its neighbours are."""
    before = [point for point in points if point <= at]
    after = [point for point in points if point >= at]
    if not before or not after:
        return off[after[0] if after else before[-1]]
    low, high = before[-1], after[0]
    return off[low] if low == high else off[low] + (off[high] - off[low]) * (at - low) / (high - low)


def cells(string: float, nominal: float | None) -> int | None:
    """Return how many cells in series a string has, by its voltage on mains, and its nominal one where it is known.

    Some UPSes report the voltage of one cell. None: it can be no lead-acid string, or as good as one.
    """
    if nominal and 1.6 <= 2.0 * string / nominal <= 2.6:
        return max(1, round(nominal / 2.0))
    if 1.6 <= string <= 2.6:
        return 1
    blocks = round(string / 2.25 / CELLS)
    return blocks * CELLS if blocks and 1.6 <= string / (blocks * CELLS) <= 2.6 else None
