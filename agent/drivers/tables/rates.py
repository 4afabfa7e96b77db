"""From counters to rates, and what is far above the usual. Pure; the clock is an argument.

A counter that fell was reset, or wrapped: 64 bits never wrap, 32 bits do every 34 s at 1 Gbit/s. A rate that the line
cannot carry is none.
"""

from collections import deque
from statistics import median
from typing import Final

OVER: Final = 1.1
"""Of the rated speed: what counters that are refreshed now and then may show for one interval."""


def rate(before: int | None, after: int | None, seconds: float, *, bits: int = 64, most: float = 0.0) -> float | None:
    """Return how fast a counter counts, per second; None where that cannot be known.

    Args:
        before: as it was.
        after: as it is.
        seconds: between the two.
        bits: of the counter.
        most: what is possible, per second; 0 where that is not known.
    """
    if before is None or after is None or seconds <= 0.0:
        return None
    size = 2**bits
    if bits == 32 and most * seconds >= size:
        return None  # it may have gone round more than once
    counted = after - before
    if counted < 0:
        if bits != 32:
            return None
        counted += size
        if not most and counted >= size / 2:
            return None  # more likely a reset than so long a way
    result = counted / seconds
    return None if most and result > most * OVER else result


class History:
    """What is usual for one figure: the medians of a day's spans of five minutes.

    What is far above it is not learned from, until it has lasted so long that it is the new usual.
    """

    SPAN: Final = 300.0
    SPANS: Final = 288
    LEAST: Final = 12
    """Spans before it judges: an hour."""
    TIMES: Final = 3.0
    """Of the 95th percentile: what is far above."""
    SETTLED: Final = 7200.0
    """Seconds after which a new level is the usual one."""

    def __init__(self) -> None:
        """Start with nothing known."""
        self._spans: deque[float] = deque(maxlen=self.SPANS)
        self._now: list[float] = []
        """Values of the span that is running."""
        self._since: float | None = None
        """When it began."""
        self._above: float | None = None
        """When the figure began to be far above."""
        self._usual: float | None = None

    def far_above(self, value: float, now: float, *, least: float, young: float | None = None) -> bool:
        """Take a value; say whether it is far above what is usual.

        Args:
            value: the figure, at this time.
            now: seconds.
            least: what is never too much, however little is usual.
            young: what is too much while nothing is known to be usual; None: nothing is.
        """
        limit = young if self._usual is None else max(least, self.TIMES * self._usual)
        above = limit is not None and value > limit
        if not above:
            self._above = None
            self._learn(value, now)
        elif self._above is None:
            self._above = now
        elif now - self._above >= self.SETTLED:
            self._forget()
            self._learn(value, now)
            return False
        return above

    def _forget(self) -> None:
        """Begin anew, at a new level."""
        self._spans.clear()
        self._now = []
        self._since = self._above = self._usual = None

    def _learn(self, value: float, now: float) -> None:
        if self._since is None:
            self._since = now
        if now - self._since >= self.SPAN and self._now:
            self._spans.append(median(self._now))
            self._now = []
            self._since = now
            if len(self._spans) >= self.LEAST:
                ordered = sorted(self._spans)
                self._usual = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
        self._now.append(value)
