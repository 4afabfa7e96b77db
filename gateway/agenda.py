"""Which incidents have to be looked at, and when: what nobody has news of, and for which nothing falls due, costs nothing.

Pure: it knows codes and wall times. Everything in it follows from the incidents, so nothing of it is kept.
"""

import math
import zlib
from collections.abc import Hashable, Iterable, Iterator
from typing import Final, Generic, TypeVar

R = TypeVar("R", bound=Hashable)
NOW: Final = -math.inf
SURELY: Final = 60.0
"""Seconds after which an incident is looked at in any case, and as many again by which that is spread."""


class Agenda(Generic[R]):
    """The incidents that are not yet at rest, and all of them by their root."""

    def __init__(self) -> None:
        """Begin with none."""
        self._wakes: dict[str, float] = {}
        self._by_root: dict[R, dict[str, None]] = {}

    def __iter__(self) -> Iterator[str]:
        """Yield those not at rest, in the order in which they came."""
        return iter(tuple(self._wakes))

    def learn(self, code: str, root: R, *, rests: bool) -> None:
        """Take note of an incident after news of it: it is looked at next, unless it is at rest."""
        self._by_root.setdefault(root, {})[code] = None
        if rests:
            self._wakes.pop(code, None)
        else:
            self._wakes[code] = NOW

    def of(self, root: R) -> Iterable[str]:
        """Return all incidents of a root, the oldest first."""
        return self._by_root.get(root, ())

    def due(self, code: str, now: float) -> bool:
        """Say whether an incident has to be looked at."""
        return self._wakes.get(code, math.inf) <= now

    def looked(self, code: str, now: float, again: float | None) -> None:
        """Note that it was looked at, and when something falls due (wall seconds; None: only after news).

        It is looked at within two minutes all the same, not all at once: readings and the calendar are no news.
        """
        surely = now + SURELY * (1 + zlib.crc32(code.encode()) % 64 / 64)
        if code in self._wakes:
            self._wakes[code] = surely if again is None else min(again, surely)

    def again(self, code: str) -> float:
        """Return when an incident is looked at again (wall seconds)."""
        return self._wakes.get(code, math.inf)
