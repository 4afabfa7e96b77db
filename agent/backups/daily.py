"""Hours of the day, by the site's clock. Pure: the zone and the moment are arguments."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final

import msgspec

_TEXT: Final = re.compile(r"([01]\d|2[0-4]):([0-5]\d)")


def minute(text: str) -> int:
    """Return the minute of the day of ``"22:00"``; ``"24:00"`` is the midnight that ends it.

    Raises:
        ValueError: it is no time of the day.
    """
    match = _TEXT.fullmatch(text)
    found = int(match[1]) * 60 + int(match[2]) if match else -1
    if not 0 <= found <= 24 * 60:
        raise ValueError(f"{text!r} is no time of the day")
    return found


WEEK: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Daily(msgspec.Struct, frozen=True):
    """A time of each day, or of some days of the week."""

    minute: int
    zone: tzinfo | None = None
    """None: the zone of the machine."""
    days: frozenset[int] = frozenset(range(7))
    """0 is Monday. The midnight that ends a day is that day's."""

    def last(self, now: float) -> float:
        """Return the latest one that is not after ``now`` (wall time, as all here)."""
        return next(moment for moment in self._near(now, -1) if moment <= now)

    def next(self, now: float) -> float:
        """Return the first one after ``now``."""
        return next(moment for moment in self._near(now, 1) if moment > now)

    def _near(self, now: float, way: int) -> Iterator[float]:
        """Yield those around a moment, from a little before it on, or, with ``way`` -1, backwards from a little behind."""
        day = datetime.fromtimestamp(now, UTC).astimezone(self.zone).date()
        for ahead in range(-2, 10):
            near = day + timedelta(days=way * ahead)
            if near.weekday() in self.days:
                yield self._on(near)

    def _on(self, day: date) -> float:
        """Return the one of a day; an hour that a change of the clock leaves out comes as if it had not changed."""
        day += timedelta(days=self.minute // 1440)
        left = self.minute % 1440
        plain = datetime.combine(day, time(left // 60, left % 60))
        return (plain.replace(tzinfo=self.zone) if self.zone else plain.astimezone()).timestamp()


def opens(end: Daily, begin: Daily | None, due: float) -> float:
    """Return from when on a backup counts for the one that is due then.

    That is halfway between the last deadline and the hour at which it begins (the deadline itself where none is
    named): a backup that is a little late counts for its own day, one that is a little early for the next.
    """
    before = end.last(due - 1.0)
    started = begin.last(due) if begin else due
    return (before + max(before, started)) / 2


def said(moment: float, zone: tzinfo | None) -> str:
    """Return a moment for people: ``11-25 22:00``."""
    return datetime.fromtimestamp(moment, UTC).astimezone(zone).strftime("%m-%d %H:%M")
