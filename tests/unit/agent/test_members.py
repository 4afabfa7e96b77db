"""Whether members answer, and whether they pass."""

import pytest

from agent.members import Roll, Trial
from agent.neighbours import LastHeard
from contract.condition import Test
from contract.reading import Quality, Reading


def heard(now, *readings, contact=1.0):
    last = LastHeard()
    last.take("a", now, 1.0, [*readings, Reading("x.contact", contact)])
    return last


def test_a_member_that_was_never_heard_is_not_known():
    assert Roll(LastHeard()).answers("a", 100.0) is None


def test_a_member_is_down_once_it_was_asked_in_vain_for_long():
    last = heard(100.0)
    roll = Roll(last, lost=60.0)
    assert roll.answers("a", 100.0) is True
    said = {}
    for now in range(101, 175):
        last.take("a", float(now), 1.0, [Reading("x.contact", 0.0)])
        said[now] = roll.answers("a", now + 0.5)
    assert said[101] is None
    assert said[160] is None
    assert said[161] is False
    last.take("a", 175.0, 1.0, [Reading("x.contact", 1.0)])
    assert roll.answers("a", 175.0) is True


def test_a_member_whose_polls_stand_still_is_not_known_however_long():
    roll = Roll(heard(100.0))
    assert roll.answers("a", 104.0) is True
    assert roll.answers("a", 5000.0) is None
    assert Roll(heard(100.0, contact=0.0)).answers("a", 5000.0) is None


@pytest.mark.parametrize(
    ("trial", "reading", "passes"),
    [
        (Trial(), Reading("x.contact", 1.0), True),
        (Trial(quantity="pair.role", word="master"), Reading("pair.role", "Master"), True),
        (Trial(quantity="pair.role", word="master"), Reading("pair.role", "backup"), False),
        (Trial(quantity="ups.status", word="OL"), Reading("ups.status", ("CHRG", "OL")), True),
        (Trial(quantity="ups.status", test=Test.LACKS, flag="OB"), Reading("ups.status", ("OB",)), False),
        (Trial(quantity="pair.lag", test=Test.BELOW, setpoint=30.0), Reading("pair.lag", 29.0), True),
        (Trial(quantity="pair.lag", test=Test.BELOW, setpoint=30.0), Reading("pair.lag", 31.0), False),
        (Trial(quantity="pair.lag", test=Test.BELOW, setpoint=30.0), Reading("pair.lag", None, Quality.STALE), None),
        (Trial(quantity="pair.lag", test=Test.BELOW, setpoint=30.0), Reading("x.late", 1.0), None),
    ],
)
def test_a_member_passes_by_what_it_says_and_what_is_not_good_is_not_known(trial, reading, passes):
    assert Roll(heard(100.0, reading)).passes("a", trial, 100.0) is passes


def test_what_a_member_no_longer_says_is_not_known_though_it_answers():
    last = LastHeard()
    last.take("a", 100.0, 1.0, [Reading("pair.role", "master"), Reading("x.contact", 1.0)], full=30.0)
    roll = Roll(last)
    for now in range(101, 250):
        last.take("a", float(now), 1.0, [Reading("x.contact", 1.0)], full=30.0)
        said = roll.said("a", "pair.role", float(now))
        assert (said is not None) is (now <= 195), now
