"""The hours of a site: when people work there, by its own time zone. Pure."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta, timezone, tzinfo
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from contract.settings import Fault, Seconds
from gateway.worktime.days import Days

_DAY: Final = timedelta(days=1)
_ZONE: Final = "Asia/Shanghai"
_FAR: Final = 400
"""Days ahead that a working day is looked for: a year in which nobody works has a mistake in it."""


def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (OSError, ValueError):  # unknown, or no name of a file at all; ZoneInfoNotFoundError is a KeyError
        return None
    except KeyError:
        return None


class Hours(msgspec.Struct, frozen=True, kw_only=True):
    """Working hours of working days, in the site's time."""

    zone: str = ""
    """Its time zone, by its IANA name; empty: Asia/Shanghai."""
    utc_offset: Seconds | None = None
    """Ahead of UTC, where no zone is named."""
    start: Seconds = 8.5 * 3600.0
    """After midnight."""
    end: Seconds = 17.5 * 3600.0
    digest: Seconds = 8.5 * 3600.0

    @staticmethod
    def faults(draft: Any) -> Iterable[Fault]:
        """Yield what does not fit."""
        if isinstance(draft.zone, str) and draft.zone:
            if _zone(draft.zone) is None:
                yield Fault(f"no time zone {draft.zone!r}", 'write its IANA name: zone = "Asia/Shanghai"', ("zone",))
            if isinstance(draft.utc_offset, float):
                yield Fault("a time zone, and an offset too", "leave utc_offset out", ("utc_offset",))
        if isinstance(draft.utc_offset, float) and draft.utc_offset >= 86400.0:
            yield Fault("no place is so far ahead of UTC", 'write utc_offset = "8h"', ("utc_offset",))

    @property
    def tz(self) -> tzinfo:
        """Its time zone."""
        if self.utc_offset is not None:
            return timezone(timedelta(seconds=self.utc_offset))
        return _zone(self.zone or _ZONE) or timezone(timedelta(hours=8))

    def offset(self, wall: float) -> float:
        """Return how far ahead of UTC it is at a moment, in seconds."""
        ahead = datetime.fromtimestamp(wall, self.tz).utcoffset()
        return 0.0 if ahead is None else ahead.total_seconds()

    def working(self, wall: float) -> float:
        """Return the same as ``WorkTime.working``, by the notices alone."""
        return WorkTime(self).working(wall)

    def next_digest(self, wall: float) -> float:
        """Return the same as ``WorkTime.next_digest``, by the notices alone."""
        return WorkTime(self).next_digest(wall)


class WorkTime:
    """When people of a site work. Moments are wall seconds since 1970, whatever the zone."""

    def __init__(self, hours: Hours, days: Days | None = None) -> None:
        """Take the hours of a day, and which days are worked."""
        self.hours = hours
        self.days = days or Days()
        self._tz = hours.tz

    def day(self, wall: float) -> date:
        """Return the date at the site."""
        return datetime.fromtimestamp(wall, self._tz).date()

    def at(self, day: date, seconds: float) -> float:
        """Return the moment at which the site's clock shows so many seconds after a day's midnight; 86400 is 24:00."""
        midnight = datetime(day.year, day.month, day.day, tzinfo=self._tz)
        return (midnight + timedelta(seconds=seconds)).timestamp()

    def working(self, wall: float) -> float:
        """Return this moment if it is in working hours, else the beginning of the next ones."""
        for day in self._days_from(self.day(wall)):
            if self.days.worked(day) and wall < self.at(day, self.hours.end):
                return max(wall, self.at(day, self.hours.start))
        return wall

    def next_digest(self, wall: float) -> float:
        """Return the next hour of the digest on a working day."""
        for day in self._days_from(self.day(wall)):
            if self.days.worked(day) and self.at(day, self.hours.digest) >= wall:
                return self.at(day, self.hours.digest)
        return wall

    def end_of_working_day(self, day: date, number: int) -> float:
        """Return the end of working hours of the n-th working day after a day."""
        left = number
        for later in self._days_from(day + _DAY):
            left -= self.days.worked(later)
            if left <= 0:
                return self.at(later, self.hours.end)
        return self.at(day + _FAR * _DAY, self.hours.end)

    def worked(self, start: float, end: float) -> float:
        """Return how much working time lies between two moments, in seconds."""
        total = 0.0
        day = self.day(start)
        while self.at(day, 0.0) < end:
            if self.days.worked(day):
                opens, shuts = self.at(day, self.hours.start), self.at(day, self.hours.end)
                total += max(0.0, min(end, shuts) - max(start, opens))
            day += _DAY
        return total

    def after(self, start: float, seconds: float) -> float:
        """Return the moment at which so much working time has passed since a start."""
        left = seconds
        for day in self._days_from(self.day(start), far=_FAR + int(seconds // 3600)):
            if not self.days.worked(day):
                continue
            begins, shuts = max(start, self.at(day, self.hours.start)), self.at(day, self.hours.end)
            if begins + left <= shuts:
                return begins + left
            left -= max(0.0, shuts - begins)
        return start + seconds

    def _days_from(self, day: date, far: int = _FAR) -> Iterable[date]:
        return (day + number * _DAY for number in range(far))
