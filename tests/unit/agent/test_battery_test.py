"""A battery is tested only where nothing speaks against it; whatever is not known speaks against it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.battery_test import BatteryTest, Diary, Kept, Told, against
from agent.memo import Memo
from agent.neighbours import Heard
from contract.reading import Reading, unavailable

NIGHT = BatteryTest(hours="02:00-05:00")
THREE = 3 * 3600.0


def heard(*flags, charge=100.0, at=100.0, contact=1.0):
    said = [
        Reading("ups.status", tuple(sorted(flags))),
        Reading("battery.charge", charge),
        Reading("x.contact", contact),
    ]
    return Heard(at, 1.0, {reading.quantity: reading for reading in said})


WELL = heard("OL")


def why(test=NIGHT, own=WELL, others=None, second=THREE):
    return against(test, own, {"ups-2": WELL} if others is None else others, now=101.0, second=second)


def test_nothing_speaks_against_it_at_night_with_everything_well():
    assert why() == ""
    assert why(own=heard("OL", "CHRG")) == ""
    assert why(others={}) == ""


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"test": None}, "do not allow"),
        ({"second": None}, "clock cannot be trusted"),
        ({"second": 5 * 3600.0}, "only at 02:00-05:00"),
        ({"own": None}, "not heard"),
        ({"own": heard("OL", at=10.0)}, "not heard"),
        ({"own": heard("OL", contact=0.0)}, "not heard"),
        ({"own": heard("OB")}, "on mains"),
        ({"own": heard()}, "on mains"),
        ({"own": heard("OL", "RB")}, "says RB"),
        ({"own": heard("OL", "BYPASS")}, "says BYPASS"),
        ({"own": heard("OL", charge=94.0)}, "95 % or more"),
        ({"own": heard("OL", charge=None)}, "95 % or more"),
        ({"others": {"ups-2": heard("OB")}}, "ups-2 is on battery"),
        ({"others": {"ups-2": heard("CAL", "OL")}}, "ups-2 is on battery"),
        ({"others": {"ups-2": None}}, "nobody knows how ups-2 is"),
        ({"others": {"ups-2": heard("OL", at=10.0)}}, "nobody knows how ups-2 is"),
    ],
)
def test_what_speaks_against_it_is_said(more, said):
    assert said in why(**more)


def test_a_status_that_is_not_known_speaks_against_it():
    unknown = Heard(100.0, 1.0, {**WELL.readings, "ups.status": unavailable("ups.status")})
    assert "on mains" in why(own=unknown)
    assert "nobody knows" in why(others={"ups-2": unknown})


@given(st.integers(0, 1439), st.integers(0, 1439), st.integers(0, 86399))
def test_hours_go_over_midnight_too(first, last, second):
    test = BatteryTest(hours=f"{first // 60:02}:{first % 60:02}-{last // 60:02}:{last % 60:02}")
    minute = second / 60
    inside = first <= minute < last if first < last else minute >= first or minute < last
    assert test.within(second) is inside


DAY = 86400.0
MONTHLY = BatteryTest(hours="02:00-05:00", every=30 * DAY)


def why_again(told, wall=1.79e9, now=101.0):
    return against(MONTHLY, WELL, {"ups-2": WELL}, now=now, second=THREE, told=told, wall=wall)


def test_it_is_not_tested_more_often_than_allowed():
    assert why_again(Told()) == ""
    assert "not more often than every 30 days" in why_again(Told(own=1.79e9 - 29 * DAY))
    assert why_again(Told(own=1.79e9 - 31 * DAY)) == ""
    assert why_again(Told(own=1.79e9 + DAY)) == ""  # a clock that was wrong must not forbid it for ever


def test_two_that_are_told_at_once_are_not_both_tested():
    assert "ups-2 was told to test its battery just now" in why_again(Told(others={"ups-2": 60.0}))
    assert why_again(Told(others={"ups-2": 30.0})) == ""
    assert why_again(Told(others={"elsewhere": 100.0})) == ""


async def test_when_a_battery_was_tested_outlives_the_agent(tmp_path):
    before = Diary(Memo(Kept, tmp_path / "tests.json"))
    await before.load()
    before.begin("ups-1", 100.0)
    before.begin("ups-2", 101.0)
    before.refused("ups-2")
    before.tried("ups-1", 1.79e9)
    assert before.told("ups-2") == Told(None, {"ups-1": 100.0})
    assert before.told("ups-1") == Told(1.79e9, {})
    await before.close()
    after = Diary(Memo(Kept, tmp_path / "tests.json"))
    await after.load()
    assert after.told("ups-1") == Told(1.79e9, {})
