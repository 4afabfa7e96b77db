"""Which files are still being written, and how fast they grow. Pure; durations on boottime."""

from collections import deque
from collections.abc import Iterable
from typing import Final

import msgspec

from agent.backups.verdict import Sight

_SPAN: Final = 900.0
"""Seconds of growth that a rate is made of."""
_SHORTEST: Final = 20.0
"""Seconds of growth without which there is no rate."""


class _Seen(msgspec.Struct):
    sight: Sight
    since: float
    """Boottime since when it is as it is."""
    settled: bool
    sizes: deque[tuple[float, int]]


class Growth:
    """Remembers how the files were when they were last seen."""

    def __init__(self, settle: float) -> None:
        """Take how long a file must be as it is to count as whole, in seconds."""
        self._settle = settle
        self._seen: dict[str, _Seen] = {}

    def look(self, sights: Iterable[Sight], now: float, wall: float) -> None:
        """Take all files there are at this moment; those that are gone are forgotten."""
        before, self._seen = self._seen, {}
        for sight in sights:
            seen = before.get(sight.path)
            if seen is None:
                # one of long ago was whole before we came; a date in the future says nothing
                old = self._settle <= wall - sight.modified
                seen = _Seen(sight, now, old, deque([(now, sight.size)], maxlen=60))
            elif sight != seen.sight:
                if sight.size < seen.sight.size:
                    seen.sizes.clear()  # written anew
                seen.sight, seen.since, seen.settled = sight, now, False
                seen.sizes.append((now, sight.size))
            elif now - seen.since >= self._settle:
                seen.settled = True
            while len(seen.sizes) > 2 and now - seen.sizes[0][0] > _SPAN:
                seen.sizes.popleft()
            self._seen[sight.path] = seen

    def settled(self, sight: Sight) -> bool:
        """Say whether a file is no longer being written."""
        seen = self._seen.get(sight.path)
        return seen is not None and seen.settled

    def rate(self, sight: Sight, now: float) -> float | None:
        """Return bytes a second that it grew by of late; None while that cannot be known."""
        seen = self._seen.get(sight.path)
        if seen is None:
            return None
        since, first = seen.sizes[0]
        return (sight.size - first) / (now - since) if now - since >= _SHORTEST else None
