"""Strike counters: how many strikes there were, from a counter of the device that wraps, or is set back.

The first reading is the base: what the device had counted before it was watched, and what it counts while the agent is
not running, is in its own ``x.surge.strikes`` only. Pure; the time is an argument.
"""

from collections import deque
from typing import Final

from contract.reading import Reading, judged, unavailable

OWN: Final = "x.surge.strikes"
TOTAL: Final = "x.surge.strikes.total"
RECENT: Final = "x.surge.strikes.recent"
HOUR: Final = 3600.0
"""Seconds that ``x.surge.strikes.recent`` looks back."""
MOST: Final = 1000
"""Strikes between two readings that are believed. One protector never sees so many: more is another counter."""


class StrikeCounter:
    """Counts what one counter goes up."""

    def __init__(self, span: int) -> None:
        """Take how many values the device's counter has: 65536 for a register, 256 for a byte."""
        self._span = span
        self._near = max(8, min(span // 16, MOST))
        """A counter that was so near its top, and is as near its bottom, has wrapped."""
        self._last: int | None = None
        self._sure = True
        """The last value followed from the one before it."""
        self.total = 0
        self._steps: deque[tuple[float, int]] = deque()

    def take(self, count: int, now: float) -> int:
        """Take a reading at a time, in seconds; return the strikes since the reading before."""
        last, self._last = self._last, count
        if last is None:
            return 0
        step = count - last
        if step < 0:
            wrapped = last >= self._span - self._near and count < self._near and self._sure
            step = count + self._span - last if wrapped else 0
            self._sure = True  # set back: it counts from here
        else:
            self._sure = step <= MOST
            step = step if self._sure else 0
        if step:
            self.total += step
            self._steps.append((now, step))
        return step

    def recent(self, now: float) -> int:
        """Return the strikes of the last hour."""
        while self._steps and now - self._steps[0][0] > HOUR:
            self._steps.popleft()
        return sum(step for _, step in self._steps)

    def readings(self, own: Reading, now: float) -> list[Reading]:
        """Return ``x.surge.strikes.total`` and ``.recent`` after a reading of the device's own counter."""
        if not own.good or not isinstance(own.value, int | float):
            return [unavailable(TOTAL), unavailable(RECENT)]
        self.take(int(own.value), now)
        return [judged(TOTAL, float(self.total)), judged(RECENT, float(self.recent(now)))]
