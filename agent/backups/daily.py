"""Hours of the day, by the site's clock. Pure: the zone and the moment are arguments."""

import re
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


class Daily(msgspec.Struct, frozen=True):
    """A time of each day."""

    minute: int
    zone: tzinfo | None = None
    """None: the zone of the machine."""

    def last(self, now: float) -> float:
        """Return the latest one that is not after ``now`` (wall time, as all here)."""
        day = self._day(now)
        candidates = (self._on(day + timedelta(days=ahead)) for ahead in (1, 0, -1, -2))
        return next(moment for moment in candidates if moment <= now)

    def next(self, now: float) -> float:
        """Return the first one after ``now``."""
        day = self._day(now)
        candidates = (self._on(day + timedelta(days=ahead)) for ahead in (-1, 0, 1, 2))
        return next(moment for moment in candidates if moment > now)

    def _day(self, now: float) -> date:
        return datetime.fromtimestamp(now, UTC).astimezone(self.zone).date()

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
