"""A time limit of the plan, as people write it, and when it falls due. Pure.

====================  ================================================================================================
``"30m"``, ``"5h"``   elapsed, by night and on holidays too
``"1 working day"``   the end of working hours of the next working day
``"4 working hours"`` so much working time
``"same day"``        24:00 of the day on which it begins
``"17:30"``           when the site's clock shows that, the next time
====================  ================================================================================================

Working days are counted as the Civil Code counts days (民法典, articles 201 and 203), which is how a customer and a vendor
read 一个工作日内: the day on which it begins is not counted, at whatever hour; the last day ends with business hours.
"""

import re
from datetime import timedelta
from enum import StrEnum
from typing import ClassVar, Final

import msgspec

from contract.settings import seconds as duration
from gateway.worktime.hours import WorkTime

_WORKING: Final = re.compile(r"(\d{1,4}(?:\.\d+)?)\s+working\s+(day|hour)s?")
_CLOCK: Final = re.compile(r"(\d{1,2}):(\d{2})")
_DAY: Final = 86400.0
_MOST: Final = 366 * _DAY
EXAMPLES: Final = 'write "30m", "5h", "1 working day", "4 working hours", "same day" or "17:30"'


class Count(StrEnum):
    """What is counted."""

    ELAPSED = "elapsed"
    WORKING_DAYS = "working-days"
    WORKING_HOURS = "working-hours"
    CLOCK = "clock"
    """Until the site's clock shows a time."""


class Due(msgspec.Struct, frozen=True):
    """When a limit falls due (wall seconds)."""

    at: float
    provisional: bool = False
    """A year in it is counted Monday to Friday, as its holidays are not known: 暂按周一至周五."""


class Limit(msgspec.Struct, frozen=True):
    """A time limit."""

    EXAMPLE: ClassVar[str] = '"5h"'

    words: str
    """As it is written; ``from_text`` gives the same limit from it."""
    count: Count
    amount: float
    """Seconds; of working days their number; of a clock time the seconds after midnight."""

    @classmethod
    def from_text(cls, text: str) -> "Limit":
        """Return the limit of its words.

        Raises:
            ValueError: they are none; the sentence and the hint are parted by `` | ``.
        """
        words = " ".join(text.split())
        if words in {"same day", "24:00"}:
            return cls(words, Count.CLOCK, _DAY)
        if match := _WORKING.fullmatch(words):
            return cls._working(words, float(match[1]), match[2])
        if match := _CLOCK.fullmatch(words):
            if int(match[1]) > 23 or int(match[2]) > 59:
                raise ValueError(f"{text!r} is no time of day | {EXAMPLES}")
            return cls(words, Count.CLOCK, int(match[1]) * 3600.0 + int(match[2]) * 60.0)
        try:
            amount = duration(words)
        except ValueError:
            raise ValueError(f"{text!r} is no time limit | {EXAMPLES}") from None
        if not 0 < amount <= _MOST:
            raise ValueError(f"{text!r} cannot be kept: more than nothing, a year at the most | {EXAMPLES}")
        return cls(words, Count.ELAPSED, amount)

    @property
    def span(self) -> float:
        """About how many seconds it lasts, to compare limits with one another: a working day, or a clock time, is a day."""
        match self.count:
            case Count.WORKING_DAYS:
                return self.amount * _DAY
            case Count.CLOCK:
                return _DAY
            case _:
                return self.amount

    @classmethod
    def _working(cls, words: str, number: float, unit: str) -> "Limit":
        if unit == "day" and number != int(number):
            raise ValueError(f"{words!r}: working days are whole | {EXAMPLES}")
        if not 0 < number <= 250 * (8 if unit == "hour" else 1):
            raise ValueError(f"{words!r} cannot be kept: more than nothing, a year at the most | {EXAMPLES}")
        if unit == "day":
            return cls(words, Count.WORKING_DAYS, number)
        return cls(words, Count.WORKING_HOURS, number * 3600.0)


def due(start: float, limit: Limit, time: WorkTime) -> Due:
    """Return when a limit that begins at ``start`` (wall seconds) falls due at a site."""
    match limit.count:
        case Count.ELAPSED:
            return Due(start + limit.amount)
        case Count.CLOCK:
            today = time.day(start)
            at = time.at(today, limit.amount)
            return Due(at if at > start else time.at(today + timedelta(days=1), limit.amount))
        case Count.WORKING_DAYS:
            at = time.end_of_working_day(time.day(start), int(limit.amount))
            first = time.day(start) + timedelta(days=1)
        case Count.WORKING_HOURS:
            at = time.after(start, limit.amount)
            first = time.day(start)
    years = range(first.year, time.day(at).year + 1)
    return Due(at, not all(time.days.covers(year) for year in years))


def part(start: float, limit: Limit, time: WorkTime, share: float) -> float:
    """Return the moment at which a share (0 to 1) of a limit's time has passed: of what it counts."""
    end = due(start, limit, time).at
    if limit.count in {Count.ELAPSED, Count.CLOCK}:
        return start + share * (end - start)
    return time.after(start, share * time.worked(start, end))
