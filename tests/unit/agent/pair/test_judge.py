"""The table of a pair's states."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.pair.judge import DAY, Findings, Memory, Rules, judge
from contract.clock import Stamp
from contract.quantities.pair import PAIR_STATUS

RULES = Rules(settle=10.0, switched=600.0)
UP, DOWN, DARK = True, False, None


def at(seconds, boot="one", *, trusted=True):
    return Stamp(1e9 + seconds, seconds, boot, trusted)


def found(answers, active, **rest):
    return Findings(answers=answers, active=active, **rest)


def after(looks, rules=RULES):
    """Return memory and flags after looks that are so many seconds apart."""
    memory, flags, now = Memory(), (), 100.0
    for seconds, look in looks:
        now += seconds
        memory, flags = judge(memory, look, rules, at(now))
    return memory, set(flags)


HEALTHY = found((UP, UP), (True, False))


@pytest.mark.parametrize(
    ("look", "flags"),
    [
        (HEALTHY, {"SERVING", "SINGLE", "REDUNDANT"}),
        (found((UP, DOWN), (True, None)), {"SERVING", "SINGLE", "NOREDUNDANCY"}),
        (found((UP, DARK), (True, None)), {"SERVING", "UNKNOWN"}),
        (found((UP, DARK), (True, False)), {"SERVING", "SINGLE", "UNKNOWN"}),
        (found((UP, UP), (True, None)), {"SERVING", "UNKNOWN"}),
        (found((UP, UP), (True, False), fit=False), {"SERVING", "SINGLE", "NOREDUNDANCY"}),
        (found((UP, UP), (True, False), fit=False, late=True), {"SERVING", "SINGLE", "LAG"}),
        (found((UP, UP), (True, False), fit=None), {"SERVING", "SINGLE", "UNKNOWN"}),
        (found((UP, UP), (True, True)), {"SERVING", "SPLIT"}),
        (found((UP, UP), (False, False)), {"NOACTIVE"}),
        (found((UP, DOWN), (False, None)), {"NOACTIVE", "NOREDUNDANCY"}),
        (found((DOWN, DOWN), (None, None)), {"DOWN"}),
        (found((DOWN, DOWN), (True, False)), {"SERVING", "SINGLE", "NOREDUNDANCY"}),  # the virtual address is served
        (found((DOWN, DARK), (None, None)), {"UNKNOWN", "NOREDUNDANCY"}),
        (found((DARK, DARK), (None, None)), {"UNKNOWN"}),
        (found((UP, UP), (None, None)), {"UNKNOWN"}),
    ],
)
def test_what_is_found_for_long_gives_its_flags(look, flags):
    assert after([(0, look), (11, look)])[1] == flags


@pytest.mark.parametrize("odd", [(True, True), (False, False)], ids=["both active", "none active"])
def test_a_clean_change_of_places_is_an_event_and_no_trouble(odd):
    looks = [(0, HEALTHY), (2, found((UP, UP), odd)), (2, found((UP, UP), odd))]
    assert after(looks)[1] == {"SETTLING"}
    memory, flags = after([*looks, (2, found((UP, UP), (False, True)))])
    assert flags == {"SERVING", "SINGLE", "REDUNDANT", "SWITCHED"}
    assert (memory.active, memory.switches) == (1, 1)
    assert memory.exercised == 1e9 + 106


def test_the_event_of_a_change_ends_by_itself():
    looks = [(0, HEALTHY), (2, found((UP, UP), (False, True)))]
    assert "SWITCHED" in after([*looks, (599, found((UP, UP), (False, True)))])[1]
    assert "SWITCHED" not in after([*looks, (601, found((UP, UP), (False, True)))])[1]


def test_trouble_that_comes_and_goes_within_the_settle_time_starts_anew():
    none = found((UP, UP), (False, False))
    assert after([(0, HEALTHY), (2, none), (8, none), (1, HEALTHY), (2, none), (8, none)])[1] == {"SETTLING"}


def test_what_is_not_known_changes_no_places():
    memory, _ = after([(0, HEALTHY), (2, found((DARK, DARK), (None, None))), (500, HEALTHY)])
    assert memory.switches == 0


def test_a_change_while_the_agent_was_away_is_seen_by_what_was_remembered():
    memory, _ = judge(Memory(active=0), found((UP, UP), (False, True)), RULES, at(5, "two"))
    assert (memory.active, memory.switches) == (1, 1)


def test_a_pair_that_did_not_change_places_for_too_long_is_to_be_exercised():
    rules = Rules(exercise=90 * DAY)
    memory, flags = judge(Memory(), HEALTHY, rules, at(0))
    assert "UNEXERCISED" not in flags, "it is watched only now"
    late = at(91 * DAY)
    assert "UNEXERCISED" in judge(memory, HEALTHY, rules, late)[1]
    drilled = Rules(exercise=90 * DAY, drilled=1e9 + 30 * DAY)
    assert "UNEXERCISED" not in judge(memory, HEALTHY, drilled, late)[1]
    _, flags = judge(memory, found((UP, UP), (False, True)), rules, late)
    assert "UNEXERCISED" not in flags


def test_a_change_that_was_seen_before_the_clock_was_right_is_an_exercise_once_it_is():
    rules = Rules(settle=10.0, exercise=30 * DAY)
    memory, _ = judge(Memory(active=0, exercised=1e9 - 40 * DAY, watched=1e8), HEALTHY, rules, at(0, "zero"))
    early = Stamp(5.0, 5.0, "one", trusted=False)
    memory, _ = judge(memory, found((UP, UP), (False, True)), rules, early)
    memory, flags = judge(memory, found((UP, UP), (False, True)), rules, at(65.0))
    assert "UNEXERCISED" not in flags
    assert memory.exercised == 1e9 + 5.0
    assert "SWITCHED" in flags


def test_a_clock_that_cannot_be_trusted_calls_nothing_overdue():
    memory = Memory(active=0, watched=1.0)
    assert "UNEXERCISED" not in judge(memory, HEALTHY, Rules(exercise=DAY), at(0, trusted=False))[1]


TRI = st.sampled_from([True, False, None])
LOOK = st.builds(Findings, answers=st.tuples(TRI, TRI), active=st.tuples(TRI, TRI), fit=TRI, late=st.booleans())


@given(st.lists(st.tuples(st.sampled_from([0.0, 1.0, 11.0, 1e6]), LOOK), min_size=1, max_size=20))
def test_whatever_is_found_the_flags_do_not_contradict_one_another(looks):
    _, flags = after(looks)
    assert flags <= set(PAIR_STATUS)
    assert flags & {"SINGLE", "SPLIT", "NOACTIVE", "DOWN", "SETTLING", "UNKNOWN"}, "something is always said"
    assert len(flags & {"SINGLE", "SPLIT", "NOACTIVE", "DOWN", "SETTLING"}) <= 1
    assert len(flags & {"REDUNDANT", "NOREDUNDANCY", "LAG"}) <= 1
    assert not flags >= {"REDUNDANT", "UNKNOWN"}
    assert "SINGLE" in flags or "REDUNDANT" not in flags
    assert not flags & {"DOWN", "NOACTIVE"} or "SERVING" not in flags
