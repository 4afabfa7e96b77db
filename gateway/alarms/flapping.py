"""Chattering alarms, calmed: to the incidents they are one alarm that stands until they have been quiet for long enough.

The *carrier* is the occurrence that the incident knows. While the condition chatters, those that come after it are counted,
and stand in every list; the carrier's end is kept back. If its incident is closed, the next occurrence is the carrier.
"""

from collections.abc import Callable, Iterator
from typing import Final

from gateway.alarms.chatter import Track, came, ceases_at, doubled
from gateway.alarms.model import Chatter
from gateway.alarms.standing import Known

Line = tuple[str, str, str, str]
"""Site, agent, device, condition."""
_MANY: Final = 20_000
"""Tracks in memory, from which on those that are long over are dropped."""


class Flapping:
    """What comes and goes."""

    def __init__(self, settings: Chatter, speaks: Callable[[str], bool]) -> None:
        """Take the settings, and who knows whether an occurrence stands in an open incident."""
        self._settings = settings
        self._speaks = speaks
        self._tracks: dict[Line, Track] = {}
        self._carriers: dict[Line, str] = {}
        self._ends: dict[Line, Known] = {}
        self.left: list[Known] = []
        """The ends of carriers for which another one speaks by now; whoever hands one on takes it out."""

    def came(self, known: Known, now: float) -> None:
        """Count a new occurrence; ``now`` is a clock that nobody steps."""
        if len(self._tracks) > _MANY:
            self._tracks = {line: track for line, track in self._tracks.items() if self._recent(track, now)}
        before = self._tracks.get(known.line, Track())
        track = self._tracks[known.line] = came(before, now, self._settings)
        if track.chattering and not before.chattering:
            self._carriers[known.line] = known.id

    def adopt(self, known: Known, count: int, now: float, end: Known | None) -> None:
        """Take up what chattered before a restart, the newest first: its carrier, how often it had come, its end, if it is over."""
        if known.line in self._carriers:  # it speaks for another that was closed while it stood
            self.left += [end] if end is not None else []
            return
        self._tracks[known.line] = Track((now,), count)
        self._carriers[known.line] = known.id
        if end is not None:
            self._ends[known.line] = end

    def swallows(self, known: Known) -> bool:
        """Say whether the incident is not to hear of an occurrence: its carrier speaks for it."""
        if not self._tracks.get(known.line, Track()).chattering or self._carriers.get(known.line) == known.id:
            return False
        if self._speaks(self._carriers.get(known.line, "")):
            return True
        self._carriers[known.line] = known.id
        end = self._ends.pop(known.line, None)
        self.left += [end] if end is not None else []
        return False

    def keeps(self, over: Known) -> bool:
        """Say whether the incident is not yet to hear that an occurrence is over: it will be back in a moment."""
        if not self._tracks.get(over.line, Track()).chattering or self._carriers.get(over.line) != over.id:
            return False
        self._ends[over.line] = over
        return True

    def news(self, line: Line) -> tuple[str, int] | None:
        """Return the carrier, and how often it has come, where that is worth an event."""
        track = self._tracks.get(line, Track())
        carrier = self._carriers.get(line)
        if carrier is None or not track.chattering or not doubled(track.count, self._settings.times):
            return None
        return carrier, track.count

    def ceased(self, now: float) -> Iterator[Line]:
        """Yield what has been quiet for long enough."""
        for line in list(self._carriers):
            track = self._tracks.get(line, Track())
            if not track.chattering or now >= ceases_at(track, self._settings):
                yield line

    def calm(self, line: Line) -> tuple[str, int, Known | None]:
        """Let what comes now speak for itself; return the carrier, how often it has come, and its end, if it is over."""
        track = self._tracks.get(line, Track())
        self._tracks[line] = Track(track.times[-1:])
        return self._carriers.get(line, ""), track.count, self._ends.get(line)

    def forget(self, line: Line) -> None:
        """All of it is on record."""
        self._carriers.pop(line, None)
        self._ends.pop(line, None)

    def counts(self) -> dict[Line, int]:
        """Return what chatters now, and how often it has come."""
        return {line: track.count for line in self._carriers if (track := self._tracks.get(line, Track())).chattering}

    def _recent(self, track: Track, now: float) -> bool:
        return track.chattering or now - track.times[-1] <= self._settings.within
