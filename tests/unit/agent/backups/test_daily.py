from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.backups.daily import Daily, minute, opens, said

CHINA = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")


def at(text, zone=CHINA):
    return datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()


@pytest.mark.parametrize(("text", "expected"), [("00:00", 0), ("22:05", 1325), ("24:00", 1440)])
def test_hours_are_read(text, expected):
    assert minute(text) == expected


@pytest.mark.parametrize("text", ["", "7:00", "24:01", "25:00", "12:60", "22:00:00", "２２:00", "noon"])
def test_what_is_no_hour_is_refused(text):
    with pytest.raises(ValueError, match="no time of the day"):
        minute(text)


def test_the_last_one_and_the_next_one():
    daily = Daily(minute("22:00"), CHINA)
    now = at("2026-11-25 21:59:59")
    assert (daily.last(now), daily.next(now)) == (at("2026-11-24 22:00"), at("2026-11-25 22:00"))
    now = at("2026-11-25 22:00:00")
    assert (daily.last(now), daily.next(now)) == (now, at("2026-11-26 22:00"))


def test_midnight_ends_the_day():
    daily = Daily(minute("24:00"), CHINA)
    assert daily.next(at("2026-11-25 23:59")) == at("2026-11-26 00:00")
    assert daily.last(at("2026-11-25 23:59")) == at("2026-11-25 00:00")


def test_the_hour_that_summer_time_leaves_out_comes_all_the_same():
    daily = Daily(minute("02:30"), BERLIN)
    before = at("2026-03-29 00:00", BERLIN)
    assert 1.5 * 3600 <= daily.next(before) - before <= 3.5 * 3600
    assert daily.next(daily.next(before)) > daily.next(before) + 20 * 3600


@given(st.floats(1.6e9, 2.2e9), st.integers(0, 1440), st.sampled_from([CHINA, BERLIN, None]))
def test_every_moment_lies_between_two_of_them_of_a_day_apart(now, at_minute, zone):
    daily = Daily(at_minute, zone)
    last, following = daily.last(now), daily.next(now)
    assert last <= now < following
    assert 22.9 * 3600 <= following - last <= 25.1 * 3600


def test_some_days_of_the_week_are_left_out():
    working = Daily(minute("22:00"), CHINA, frozenset(range(5)))
    saturday = at("2026-11-28 12:00")
    assert (working.last(saturday), working.next(saturday)) == (at("2026-11-27 22:00"), at("2026-11-30 22:00"))
    weekly = Daily(minute("24:00"), CHINA, frozenset([6]))
    assert weekly.last(at("2026-11-29 23:59")) == at("2026-11-23 00:00")
    assert weekly.next(at("2026-11-29 23:59")) == at("2026-11-30 00:00")
    assert opens(working, None, at("2026-11-30 22:00")) == at("2026-11-29 10:00")


@given(st.floats(1.6e9, 2.2e9), st.integers(0, 1440), st.frozensets(st.integers(0, 6), min_size=1))
def test_whatever_the_days_there_is_a_last_one_and_a_next_one(now, at_minute, days):
    daily = Daily(at_minute, CHINA, days)
    assert daily.last(now) <= now < daily.next(now)
    assert daily.last(daily.next(now)) == daily.next(now)
    assert daily.next(daily.last(now)) == daily.next(now)


def test_a_backup_counts_from_halfway_between_the_last_deadline_and_its_beginning():
    by, begins = Daily(minute("22:00"), CHINA), Daily(minute("20:00"), CHINA)
    due = at("2026-11-25 22:00")
    assert opens(by, begins, due) == at("2026-11-25 09:00")
    assert opens(by, None, due) == at("2026-11-25 10:00")
    early, late = Daily(minute("06:00"), CHINA), Daily(minute("23:00"), CHINA)
    assert opens(early, late, at("2026-11-25 06:00")) == at("2026-11-24 14:30")


def test_moments_are_said_in_the_sites_time():
    assert said(at("2026-11-25 22:00"), CHINA) == "11-25 22:00"
