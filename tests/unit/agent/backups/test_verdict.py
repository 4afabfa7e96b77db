"""What is right and what is wrong with a backup, hour by hour."""

from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.backups.daily import Daily, minute
from agent.backups.verdict import Backup, Plan, Sight, Wholeness, judge, tape

CHINA = ZoneInfo("Asia/Shanghai")
BY, BEGINS = Daily(minute("22:00"), CHINA), Daily(minute("20:00"), CHINA)
PLAN = Plan(by=BY, begins=BEGINS, age=26 * 3600.0, zone=CHINA)
GB = 10**9


def at(text):
    return datetime.fromisoformat(f"2026-11-{text}").replace(tzinfo=CHINA).timestamp()


def sight(when, size=GB):
    return Sight(f"/b/{when}", size, at(when))


HISTORY = [sight(f"{day} 21:30") for day in range(23, 15, -1)]
CALM = Backup(whole=sight("24 21:30"), earlier=HISTORY)


def flags(backup, now, plan=PLAN):
    return sorted(judge(backup, plan, at(now)).flags)


def change(**what):
    return msgspec.structs.replace(CALM, **what)


@pytest.mark.parametrize("now", ["24 21:40", "24 22:10", "25 03:00", "25 12:00", "25 20:00", "25 20:29"])
def test_a_good_one_is_no_trouble_until_the_next_is_late(now):
    assert flags(CALM, now) == []


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("25 20:31", ["LATE"]),  # it should have begun: early enough to be mended
        ("25 21:59", ["LATE"]),
        ("25 22:01", ["MISSING"]),
        ("25 23:40", ["MISSING", "STALE"]),
        ("26 20:40", ["LATE", "MISSING", "STALE"]),
    ],
)
def test_one_that_does_not_come_is_late_before_it_is_missing(now, expected):
    assert flags(CALM, now) == expected


def test_one_that_comes_after_its_hour_ends_the_trouble_and_does_not_count_for_the_next_day():
    late = change(whole=sight("25 23:10"), earlier=[CALM.whole, *HISTORY])
    assert flags(late, "25 23:20") == []
    assert flags(late, "26 20:40") == ["LATE"]
    assert flags(late, "26 22:10") == ["MISSING"]


def test_one_that_is_being_written_is_no_trouble_while_it_is_fast_enough():
    writing = change(writing=sight("25 21:00", GB // 2), rate=GB / 7200)
    assert flags(writing, "25 20:50") == ["WRITING"]
    assert judge(writing, PLAN, at("25 20:50")).left == pytest.approx(3600)


def test_one_that_grows_too_slowly_will_not_make_it_and_that_is_said_in_time():
    writing = change(writing=sight("25 20:50", GB // 10), rate=GB / 36000)
    verdict = judge(writing, PLAN, at("25 20:50"))
    assert sorted(verdict.flags) == ["LATE", "WRITING"]
    assert "ready at 11-26 05:50, due 11-25 22:00" in verdict.problems[0]


def test_without_an_hour_to_begin_what_was_usual_counts():
    plan = msgspec.structs.replace(PLAN, begins=None)
    assert flags(CALM, "25 21:55", plan) == []
    early = change(whole=sight("24 15:00"), earlier=[sight(f"{day} 15:00") for day in range(23, 15, -1)])
    assert flags(early, "25 15:20", plan) == []
    assert flags(early, "25 15:31", plan) == ["LATE"]


def test_with_nothing_known_nothing_is_usual():
    plan = msgspec.structs.replace(PLAN, begins=None)
    assert flags(Backup(whole=sight("24 21:30")), "25 21:50", plan) == []


@pytest.mark.parametrize("plan", [Plan(), PLAN])
def test_none_at_all_is_missing(plan):
    assert flags(Backup(), "25 12:00", plan) == ["MISSING"]


def test_the_first_one_while_it_is_written_is_not_missing_where_no_hour_is_named():
    assert flags(Backup(writing=sight("25 12:00")), "25 12:00", Plan()) == ["WRITING"]


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (0, ["SMALL"]),
        (GB // 2 - 1, ["SMALL"]),
        (GB // 2, []),
        (2 * GB, []),
        (2 * GB + 1, ["LARGE"]),
    ],
)
def test_its_size_is_held_against_its_own_history(size, expected):
    assert flags(change(whole=sight("24 21:30", size)), "24 22:10") == expected


def test_one_bad_day_in_the_history_moves_nothing():
    assert flags(change(earlier=[sight("23 21:30", 10), *HISTORY[1:]]), "24 22:10") == []
    assert flags(change(earlier=[sight("23 21:30", 10), *HISTORY[1:]], whole=sight("24 21:30", 10)), "24 22:10") == [
        "SMALL"
    ]


def test_a_new_size_is_usual_after_four_days():
    sizes = [3 * GB] * 3 + [GB] * 4
    days = [sight(f"{23 - ago} 21:30", size) for ago, size in enumerate(sizes)]
    assert flags(change(whole=sight("24 21:30", 3 * GB), earlier=days), "24 22:10") == ["LARGE"]
    sizes = [3 * GB] * 4 + [GB] * 3
    days = [sight(f"{23 - ago} 21:30", size) for ago, size in enumerate(sizes)]
    assert flags(change(whole=sight("24 21:30", 3 * GB), earlier=days), "24 22:10") == []


def test_limits_hold_without_a_history():
    plan = msgspec.structs.replace(PLAN, smallest=GB, largest=3 * GB)
    assert flags(Backup(whole=sight("24 21:30", GB - 1)), "24 22:10", plan) == ["SMALL"]
    assert flags(Backup(whole=sight("24 21:30", 3 * GB + 1)), "24 22:10", plan) == ["LARGE"]
    assert flags(Backup(whole=sight("24 21:30", 0)), "24 22:10", PLAN) == ["SMALL"]


def test_what_a_test_found_is_told():
    assert flags(change(tested=Wholeness.DAMAGED, finding="gzip: CRC"), "24 22:10") == ["DAMAGED"]
    assert flags(change(tested=Wholeness.FAILED, finding="too long"), "24 22:10") == ["UNTESTED"]
    assert flags(change(tested=Wholeness.RUNNING), "24 22:10") == []


def test_a_date_in_the_future_is_never_taken_for_fresh_without_a_word():
    assert flags(change(whole=sight("25 21:30")), "24 22:10") == ["CLOCK"]


def test_a_tape_record_is_asked_for_at_its_hour_and_not_before():
    by = Daily(minute("23:00"), CHINA)

    def wrong(record, now):
        return tape(at(record) if record else None, by=by, begins=BEGINS, now=at(now), zone=CHINA)

    assert wrong("24 22:40", "25 22:59") == ""
    assert "no tape record for 11-25 23:00" in wrong("24 22:40", "25 23:00")
    assert wrong("25 22:50", "25 23:00") == ""
    assert wrong("25 23:30", "26 01:00") == ""
    assert "there is none" in wrong(None, "25 12:00")


sights = st.builds(Sight, st.just("/b"), st.integers(0, 10**13), st.floats(0, 4e9))
backups = st.builds(
    Backup,
    whole=st.none() | sights,
    writing=st.none() | sights,
    rate=st.none() | st.floats(-1e9, 1e9),
    earlier=st.lists(sights, max_size=10),
    tested=st.sampled_from(Wholeness),
)


@given(backups, st.floats(1.8e9, 1.9e9), st.booleans())
def test_whatever_the_files_are_there_is_a_verdict(backup, now, begins):
    verdict = judge(backup, msgspec.structs.replace(PLAN, begins=BEGINS if begins else None), now)
    assert bool(verdict.problems) is verdict.wrong
