"""The State Council's notices of public holidays and make-up working days. The only importer of chinesecalendar.

Each autumn's notice settles the year after it. What was published after the library's release is written into
``holidays.toml``.
"""

from datetime import date

import chinese_calendar


def last_year() -> int:
    """Return the last year that a published notice is known of."""
    return int(max(chinese_calendar.holidays).year)


def covers(year: int) -> bool:
    """Say whether the notice for a year is known."""
    first = int(min(chinese_calendar.holidays).year)
    return first <= year <= last_year()


def worked(day: date) -> bool:
    """Say whether a day is worked: Monday to Friday where no notice is known."""
    if not covers(day.year):
        return day.weekday() < 5
    return bool(chinese_calendar.is_workday(day))
