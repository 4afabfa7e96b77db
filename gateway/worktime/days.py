"""Which days are worked: the notices, with the site's own ``holidays.toml`` over them. Pure: text in, days out.

A year that neither covers is counted Monday to Friday, and what is computed with it is provisional (暂按周一至周五). The
notice for a year comes in the autumn before it, so that one is missed only from November on.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date, timedelta
from typing import Any, Final

import msgspec

from contract.settings import BAD, Fault, Text, load
from gateway.worktime import notices

_NOTICE_MONTH: Final = 11
"""From this month on, the next year ought to be known."""
_LONGEST: Final = 31
"""Days in one stretch; more is a slip in the year."""
_YEARS: Final = (2008, 2100)


class Stretch(msgspec.Struct, frozen=True):
    """One day, or all days from one to another, both of them in it."""

    first: date
    last: date

    @classmethod
    def from_text(cls, text: str) -> "Stretch":
        """Return the days of ``"2027-02-05"`` or ``"2027-02-05 to 2027-02-12"``.

        Raises:
            ValueError: they are none; the sentence and the hint are parted by `` | ``.
        """
        hint = 'write "2027-02-05", or "2027-02-05 to 2027-02-12"'
        first, to, last = text.strip().partition(" to ")
        try:
            made = cls(date.fromisoformat(first.strip()), date.fromisoformat((last if to else first).strip()))
        except ValueError:
            raise ValueError(f"{text!r} is no date | {hint}") from None
        if made.last < made.first:
            raise ValueError(f"{text!r} ends before it begins | {hint}")
        if (made.last - made.first).days >= _LONGEST:
            raise ValueError(f"{text!r} is longer than a month | is the year right? {hint}")
        if not all(_YEARS[0] <= day.year <= _YEARS[1] for day in (made.first, made.last)):
            raise ValueError(f"{text!r}: no year of ours | {hint}")
        return made

    def __iter__(self) -> Iterator[date]:
        for number in range((self.last - self.first).days + 1):
            yield self.first + timedelta(days=number)


class Holiday(msgspec.Struct, frozen=True, kw_only=True):
    """One holiday: the days off, and the days that are worked to make up for it."""

    name: Text
    off: tuple[Stretch, ...] = ()
    work: tuple[Stretch, ...] = ()

    @staticmethod
    def faults(draft: Any) -> Iterable[Fault]:
        """Yield what is wrong with the holiday as a whole."""
        if draft.off == () and draft.work == ():
            yield Fault("no day off and no day worked", 'write off = ["2027-02-05 to 2027-02-12"]')


class Holidays(msgspec.Struct, frozen=True, kw_only=True):
    """The whole file. What it says of a day goes before the notice."""

    years: tuple[int, ...] = ()
    """Those that it holds the whole notice of, so that nothing of them is provisional."""
    holiday: tuple[Holiday, ...] = ()

    @staticmethod
    def faults(draft: Any) -> Iterable[Fault]:
        """Yield the days of which two things are said, and years that are none."""
        for index, year in enumerate(draft.years if isinstance(draft.years, tuple) else ()):
            if isinstance(year, int) and not _YEARS[0] <= year <= _YEARS[1]:
                yield Fault(f"{year} is no year of ours", "write years = [2027]", ("years", index))
        said: dict[date, str] = {}
        for index, holiday in enumerate(draft.holiday if isinstance(draft.holiday, tuple) else ()):
            for field in ("off", "work"):
                stretches = getattr(holiday, field, BAD)
                for number, stretch in enumerate(stretches if isinstance(stretches, tuple) else ()):
                    for day in stretch if isinstance(stretch, Stretch) else ():
                        if day in said:
                            what = f"{day} is said to be {said[day]} already"
                            yield Fault(what, "say each day once", ("holiday", index, field, number))
                            break
                        said[day] = f"{field} for {getattr(holiday, 'name', '')}"


class Days:
    """Which days are worked, and which of that is known."""

    def __init__(self, holidays: Holidays | None = None) -> None:
        """Take what stands over the notices."""
        mine = holidays or Holidays()
        self._years = frozenset(mine.years)
        self._said: Mapping[date, bool] = {
            day: worked
            for holiday in mine.holiday
            for worked, stretches in ((False, holiday.off), (True, holiday.work))
            for stretch in stretches
            for day in stretch
        }

    def worked(self, day: date) -> bool:
        """Say whether a day is worked."""
        if day in self._said:
            return self._said[day]
        return day.weekday() < 5 if day.year in self._years else notices.worked(day)

    def covers(self, year: int) -> bool:
        """Say whether a year's holidays are known."""
        return year in self._years or notices.covers(year)

    def uncovered(self, today: date) -> tuple[int, ...]:
        """Return the years whose holidays ought to be known today and are not: this one, and from November the next."""
        years: Collection[int] = (today.year, today.year + 1) if today.month >= _NOTICE_MONTH else (today.year,)
        return tuple(year for year in years if not self.covers(year))


def load_holidays(text: str, *, file: str = "holidays.toml") -> Holidays:
    """Return the holidays of a TOML text.

    Raises:
        ConfigError: with every problem of it.
    """
    return load(Holidays, text, file=file)
