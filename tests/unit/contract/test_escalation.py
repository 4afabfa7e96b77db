"""Escalation: who is told next, and when."""

from hypothesis import given
from hypothesis import strategies as st

from contract.escalation import Due, Ladder, Rung, due, exhausted

LADDER = Ladder((Rung("ann"), Rung("bo", 300), Rung("chen", 900)), repeat=120, repeats=2)


def test_the_first_is_told_at_once():
    assert due(LADDER, started=1000, now=1000, told={}) == Due(("ann",), 1120)


def test_nobody_is_told_before_the_start():
    assert due(LADDER, started=1000, now=990, told={}) == Due((), 1000)


def test_each_is_told_again_until_seen():
    assert due(LADDER, started=0, now=119, told={"ann": [0]}) == Due((), 120)
    assert due(LADDER, started=0, now=120, told={"ann": [0]}).people == ("ann",)
    assert due(LADDER, started=0, now=240, told={"ann": [0, 120]}).people == ("ann",)
    assert due(LADDER, started=0, now=299, told={"ann": [0, 120, 240]}) == Due((), 300)


def test_seen_stops_repeats_to_that_person_only():
    assert due(LADDER, started=0, now=200, told={"ann": [0]}, seen={"ann"}) == Due((), 300)
    assert due(LADDER, started=0, now=300, told={"ann": [0]}, seen={"ann"}).people == ("bo",)


def test_mine_stops_the_escalation():
    assert due(LADDER, started=0, now=5000, told={"ann": [0]}, owned=True) == Due()


def test_after_an_outage_of_our_own_all_that_is_due_is_told_once():
    assert due(LADDER, started=0, now=10_000, told={}).people == ("ann", "bo", "chen")


def test_a_ladder_without_rungs_is_exhausted():
    assert due(Ladder(), started=0, now=0, told={}) == Due()
    assert exhausted(Ladder(), {})


def test_it_is_exhausted_when_everybody_was_told():
    assert not exhausted(LADDER, {"ann": [0], "bo": [300]})
    assert exhausted(LADDER, {"ann": [0], "bo": [300], "chen": [900]})


people = st.sampled_from(["a", "b", "c"])
ladders = st.builds(
    Ladder,
    st.lists(st.builds(Rung, people, st.integers(0, 50).map(float)), max_size=4).map(tuple),
    st.integers(0, 20).map(float),
    st.integers(0, 3),
)


@given(ladders, st.sets(people))
def test_followed_to_the_end_everyone_is_told_in_time_and_not_too_often(ladder, seen):
    told: dict[str, list[float]] = {}
    now = 0.0
    for _ in range(100):
        now_due = due(ladder, started=0, now=now, told=told, seen=seen)
        assert len(set(now_due.people)) == len(now_due.people)
        for person in now_due.people:
            told.setdefault(person, []).append(now)
        after = due(ladder, started=0, now=now, told=told, seen=seen)
        assert after.people == ()
        assert after.wakes_at == now_due.wakes_at
        if after.wakes_at is None:
            break
        assert after.wakes_at > now
        now = after.wakes_at
    else:
        raise AssertionError("it never ends")
    assert exhausted(ladder, told)
    for person, times in told.items():
        assert times[0] == min(rung.after for rung in ladder.rungs if rung.person == person)
        repeats = 0 if person in seen or ladder.repeat == 0 else ladder.repeats
        assert len(times) == 1 + repeats
