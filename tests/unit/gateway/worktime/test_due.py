"""When limits fall due, against a table that was counted by hand."""

import pathlib
import subprocess
import sys
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.worktime.days import Days, load_holidays
from gateway.worktime.hours import Hours, WorkTime
from gateway.worktime.limit import Limit, due, part

HERE = pathlib.Path(__file__).parent
CHINA = timezone(timedelta(hours=8))
TIME = WorkTime(Hours())
CASES = [
    [cell.strip() for cell in line.split("|")]
    for line in (HERE / "due.txt").read_text("utf-8").splitlines()
    if not line.startswith("#")
]


def wall(text: str, zone=CHINA) -> float:
    return datetime.strptime(text[:16], "%Y-%m-%d %H:%M").replace(tzinfo=zone).timestamp()


def said(at: float, zone=CHINA) -> str:
    return f"{datetime.fromtimestamp(at, zone):%Y-%m-%d %H:%M %a}"


def test_the_table_is_long_enough_and_is_what_the_sheet_says():
    made = subprocess.run([sys.executable, HERE / "due_sheet.py"], capture_output=True, text=True, check=True).stdout
    assert made == (HERE / "due.txt").read_text("utf-8")
    assert len(CASES) >= 200
    assert len({limit for _, limit, _ in CASES}) >= 12
    assert {start[:4] for start, _, _ in CASES} == {"2025", "2026"}


@pytest.mark.parametrize(("start", "limit", "end"), CASES)
def test_a_limit_falls_due_when_the_hand_counted_table_says(start, limit, end):
    answer = due(wall(start), Limit.from_text(limit), TIME)
    assert (said(answer.at), answer.provisional) == (end, False)


def test_every_day_of_both_years_is_what_the_sheet_says():
    """The plant: one wrong day anywhere would have to show."""
    sheet: dict[str, object] = {"__name__": "sheet"}
    exec((HERE / "due_sheet.py").read_text("utf-8"), sheet)
    marks = dict(sheet["DAYS"])  # type: ignore[call-overload]
    assert len(marks) == 730
    days = Days()
    assert {day: days.worked(datetime.fromisoformat(day).date()) for day in marks} == {
        day: mark == "W" for day, mark in marks.items()
    }


@pytest.mark.parametrize(
    ("start", "limit", "share", "at"),
    [
        ("2025-01-24 12:00", "4h", 0.5, "2025-01-24 14:00 Fri"),
        ("2025-01-24 12:00", "4h", 0.8, "2025-01-24 15:12 Fri"),
        # 27 January is worked, then eight days are off: 5.5 h of it, and 9 of the day after them
        ("2025-01-27 12:00", "1 working day", 0.5, "2025-02-05 10:15 Wed"),
        ("2025-01-27 12:00", "1 working day", 0.8, "2025-02-05 14:36 Wed"),
        ("2026-02-15 03:00", "1 working day", 0.5, "2026-02-24 13:00 Tue"),
        ("2025-03-04 20:00", "4 working hours", 0.5, "2025-03-05 10:30 Wed"),
        ("2025-03-04 20:00", "same day", 0.5, "2025-03-04 22:00 Tue"),
    ],
)
def test_a_share_is_of_what_counts(start, limit, share, at):
    assert said(part(wall(start), Limit.from_text(limit), TIME, share)) == at


@given(
    st.floats(wall("2025-01-01 00:00"), wall("2026-11-30 00:00")),
    st.sampled_from(["30m", "5h", "1 working day", "3 working days", "4 working hours", "same day", "17:30"]),
)
def test_a_limit_ends_after_it_begins_and_its_shares_lie_between_in_order(start, words):
    limit = Limit.from_text(words)
    end = due(start, limit, TIME).at
    half, most = part(start, limit, TIME, 0.5), part(start, limit, TIME, 0.8)
    assert start <= half <= most <= end
    assert start < end


@given(st.floats(wall("2025-01-01 00:00"), wall("2026-11-30 00:00")), st.floats(0.01, 300.0))
def test_working_time_after_a_start_is_the_working_time_in_between(start, hours):
    assert TIME.worked(start, TIME.after(start, hours * 3600)) == pytest.approx(hours * 3600, abs=1e-3)


@pytest.mark.parametrize(
    "words",
    [
        "",
        "soon",
        "1 day",
        "1.5 working days",
        "0 working days",
        "25:00",
        "12:60",
        "5",
        "0s",
        "9999 working days",
        "800d",
    ],
)
def test_words_that_are_no_limit_say_what_may_be_written(words):
    with pytest.raises(ValueError, match='"1 working day", "4 working hours", "same day" or "17:30"'):
        Limit.from_text(words)


def test_a_year_that_nobody_knows_counts_monday_to_friday_and_says_so():
    answer = due(wall("2098-12-31 12:00"), Limit.from_text("1 working day"), TIME)
    assert (said(answer.at), answer.provisional) == ("2099-01-01 17:30 Thu", True)
    assert not due(wall("2098-12-31 12:00"), Limit.from_text("5h"), TIME).provisional


def test_a_limit_over_the_turn_of_the_year_is_provisional_if_it_counts_days_of_the_unknown_one():
    limit = Limit.from_text("1 working day")
    assert not due(wall("2026-12-30 12:00"), limit, TIME).provisional
    answer = due(wall("2026-12-31 12:00"), limit, TIME)
    assert (said(answer.at), answer.provisional) == ("2027-01-01 17:30 Fri", True)
    days = Days(load_holidays('years = [2027]\n[[holiday]]\nname = "元旦"\noff = ["2027-01-01 to 2027-01-03"]\n'))
    answer = due(wall("2026-12-31 12:00"), limit, WorkTime(Hours(), days))
    assert (said(answer.at), answer.provisional) == ("2027-01-04 17:30 Mon", False)


def test_each_site_counts_by_its_own_clock():
    east, west = WorkTime(Hours(zone="Asia/Shanghai")), WorkTime(Hours(zone="Europe/Berlin"))
    start = wall("2025-03-27 23:30")
    assert said(due(start, Limit.from_text("same day"), east).at) == "2025-03-28 00:00 Fri"
    assert said(due(start, Limit.from_text("same day"), west).at) == "2025-03-28 07:00 Fri"
    # that zone's clocks go forward in the night to 30 March 2025: midnight to midnight is 23 hours
    assert said(due(wall("2025-03-30 07:00"), Limit.from_text("24:00"), west).at) == "2025-03-31 06:00 Mon"
