"""Which days are worked: the notices, the site's own file over them, and every mistake in it with its line."""

import pathlib
from datetime import date, datetime, timedelta, timezone

import pytest

from contract.errors import ConfigError
from gateway.contacts import load_contacts
from gateway.worktime import notices
from gateway.worktime.days import Days, load_holidays
from gateway.worktime.hours import Hours, WorkTime

CONFIG = pathlib.Path(__file__).parents[4] / "config"
SHIPPED = (CONFIG / "holidays.toml").read_text("utf-8")
CHINA = timezone(timedelta(hours=8))
FILE = """\
years = [2027]

[[holiday]]
name = "春节"
off = ["2027-02-05 to 2027-02-12", "2027-02-15"]
work = ["2027-01-30"]

[[holiday]]
name = "厂休"
off = ["2026-08-03"]
"""


def wall(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=CHINA).timestamp()


def test_the_file_goes_before_the_notices():
    days = Days(load_holidays(FILE))
    assert not days.worked(date(2026, 8, 3))
    assert Days().worked(date(2026, 8, 3))
    assert [days.worked(date(2027, 2, day)) for day in (4, 5, 12, 13, 15, 16)] == [True, *[False] * 4, True]
    assert days.worked(date(2027, 1, 30))


def test_a_date_needs_no_quotes():
    assert load_holidays(FILE.replace('"2027-02-15"', "2027-02-15")) == load_holidays(FILE)


def test_a_year_is_known_by_a_notice_or_by_the_file_that_says_so():
    last = notices.last_year()
    assert Days().covers(last)
    assert not Days().covers(last + 1)
    assert Days(load_holidays(f"years = [{last + 1}]")).covers(last + 1)
    only_a_day = f'[[holiday]]\nname = "厂休"\noff = ["{last + 1}-05-04"]'
    assert not Days(load_holidays(only_a_day)).covers(last + 1)


def test_the_next_year_is_missed_from_november_on():
    last = notices.last_year()
    days = Days()
    assert days.uncovered(date(last, 10, 31)) == ()
    assert days.uncovered(date(last, 11, 1)) == (last + 1,)
    assert days.uncovered(date(last + 1, 1, 1)) == (last + 1,)
    assert days.uncovered(date(last + 1, 11, 1)) == (last + 1, last + 2)


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ('"2027-02-15"', '"2027-02-30"', "is no date"),
        ('"2027-02-15"', "true", "is no date"),
        ("2027-02-05 to 2027-02-12", "2027-02-12 to 2027-02-05", "ends before it begins"),
        ("2027-02-05 to 2027-02-12", "2027-02-05 to 2028-02-12", "longer than a month"),
        ('work = ["2027-01-30"]', 'work = ["2027-02-06"]', "is said to be off for 春节 already"),
        ("years = [2027]", "years = [27]", "27 is no year of ours"),
        ('name = "厂休"', "", "name: missing"),
        ('off = ["2026-08-03"]', "", "no day off and no day worked"),
        ('off = ["2026-08-03"]', 'of = ["2026-08-03"]', "did you mean 'off'?"),
    ],
)
def test_a_mistake_is_named_with_its_line(right, wrong, said):
    assert right in FILE
    with pytest.raises(ConfigError) as raised:
        load_holidays(FILE.replace(right, wrong))
    [problem, *_] = [str(one) for one in raised.value.problems if said in str(one)]
    assert problem.startswith("holidays.toml:")
    if wrong:
        line = FILE[: FILE.index(right)].count("\n") + 1
        assert problem.startswith(f"holidays.toml:{line}:"), problem


def test_the_shipped_file_is_right():
    load_holidays(SHIPPED)


@pytest.mark.parametrize(
    ("at", "begins"),
    [
        ("2026-02-13 18:00", "2026-02-14 08:30"),  # a Saturday that makes up
        ("2026-02-14 12:00", "2026-02-14 12:00"),
        ("2026-02-14 17:30", "2026-02-24 08:30"),  # Spring Festival
        ("2026-02-28 09:00", "2026-02-28 09:00"),
        ("2026-10-01 09:00", "2026-10-08 08:30"),
        ("2026-03-02 07:00", "2026-03-02 08:30"),
    ],
)
def test_working_hours_know_holidays_and_make_up_days(at, begins):
    assert WorkTime(Hours()).working(wall(at)) == wall(begins)
    assert Hours().working(wall(at)) == wall(begins)
    assert WorkTime(Hours()).next_digest(wall(at)) >= wall(at)


def test_the_digest_waits_for_a_working_day():
    assert WorkTime(Hours()).next_digest(wall("2026-02-14 08:31")) == wall("2026-02-24 08:30")


def test_a_year_in_which_nobody_works_ends_nothing_in_a_loop():
    days = Days()
    days.worked = lambda _day: False  # type: ignore[method-assign]
    time = WorkTime(Hours(), days)
    at = wall("2026-01-01 00:00")
    assert time.working(at) == at
    assert time.end_of_working_day(date(2026, 1, 1), 1) > at
    assert time.after(at, 3600.0) == at + 3600.0


CONTACTS = (CONFIG / "contacts.toml").read_text("utf-8")


def test_a_site_may_have_hours_of_its_own():
    text = CONTACTS + '\n[site.kashgar.hours]\nstart = "10h"\nend = "19h"\nzone = "Asia/Urumqi"\n'
    contacts = load_contacts(text)
    assert contacts.worktime("kashgar").working(wall("2026-03-02 09:00")) == wall("2026-03-02 12:00")
    assert contacts.worktime("hq").working(wall("2026-03-02 07:00")) == wall("2026-03-02 08:30")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('zone = "Asia/Peking"', "no time zone 'Asia/Peking'"),
        ('zone = "/etc/passwd"', "no time zone"),
        ('zone = "Asia/Shanghai"\nutc_offset = "8h"', "a time zone, and an offset too"),
        ('utc_offset = "25h"', "no place is so far ahead"),
    ],
)
def test_hours_that_cannot_be_are_named(line, said):
    with pytest.raises(ConfigError, match=said):
        load_contacts(CONTACTS + f"\n[site.branch.hours]\n{line}\n")
