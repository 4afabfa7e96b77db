"""How many of late, in all and from whom. Pure, and of bounded size whoever sends: sources can be forged by the million."""

from collections import OrderedDict, deque
from typing import Final

_PARTS: Final = 60
"""Parts of the window: it slides by one of them."""
_KNOWN: Final = 256
"""Sources of which more than a few came."""
_STRANGERS: Final = 512
"""Sources of which a few came."""
_FEW: Final = 3


class Counts:
    """Counts within a sliding window, in parts."""

    def __init__(self, window: float) -> None:
        """Take its length in seconds."""
        self._part = window / _PARTS
        self._parts: deque[tuple[int, int]] = deque()
        """Which part, and how many came in it; those alone in which some came."""
        self._total = 0

    def add(self, now: float, count: int = 1) -> None:
        """Take some that came at this moment, on a clock that never goes back."""
        part = int(now // self._part)
        if self._parts and self._parts[-1][0] >= part:
            last, before = self._parts.pop()
            self._parts.append((last, before + count))
        else:
            self._parts.append((part, count))
        self._total += count
        self._drop(part)

    def total(self, now: float) -> int:
        """Return how many came within the window before this moment."""
        self._drop(int(now // self._part))
        return self._total

    def _drop(self, part: int) -> None:
        while self._parts and self._parts[0][0] <= part - _PARTS:
            self._total -= self._parts.popleft()[1]


class Burst:
    """Counts in all, and by source."""

    def __init__(self, window: float) -> None:
        """Take the window's length in seconds."""
        self._window = window
        self._all = Counts(window)
        self._known: dict[str, Counts] = {}
        self._strangers: OrderedDict[str, Counts] = OrderedDict()
        """Those who came last stand last; a flood of new ones pushes out strangers alone."""

    def add(self, source: str, now: float, count: int = 1) -> None:
        """Take some from a source."""
        self._all.add(now, count)
        known = self._known.get(source)
        if known is not None:
            known.add(now, count)
            return
        stranger = self._strangers.pop(source, None) or Counts(self._window)
        stranger.add(now, count)
        if stranger.total(now) > _FEW:
            self._promote(source, stranger, now)
            return
        self._strangers[source] = stranger
        if len(self._strangers) > _STRANGERS:
            self._strangers.popitem(last=False)

    def total(self, now: float) -> int:
        """Return how many came from all within the window."""
        return self._all.total(now)

    def worst(self, now: float) -> tuple[str, int]:
        """Return the source of most, and how many; ("", 0) where none came."""
        counts = [(counts.total(now), source) for source, counts in (*self._known.items(), *self._strangers.items())]
        most, source = max(counts, default=(0, ""))
        return (source, most) if most else ("", 0)

    def _promote(self, source: str, counts: Counts, now: float) -> None:
        if len(self._known) >= _KNOWN:
            least = min(self._known, key=lambda each: self._known[each].total(now))
            if self._known[least].total(now) > counts.total(now):
                self._strangers[source] = counts
                return
            del self._known[least]
        self._known[source] = counts
