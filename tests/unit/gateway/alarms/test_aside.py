"""What people put aside: a fold of events, whose shelvings end by themselves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import to_builtins

from contract.alarm import AlarmState
from contract.errors import UsageError
from gateway.alarms.aside import Target, after, fold, target_of
from gateway.event import CLOCK, Event

T0 = 1_800_000_000.0
UPS = ("city", "order-room", "ups-1")
OTHER = ("city", "order-room", "ups-2")


def event(kind, target, at=T0, **data):
    return Event(at=at, kind=kind, who="li", text="why", data={"target": to_builtins(target), **data})


def test_a_device_shelved_keeps_all_its_conditions_quiet_until_its_end():
    register = fold([event("shelved", target_of("city/order-room/ups-1"), until=T0 + 3600)])
    for condition in ("on-battery", "bypass"):
        assert register.find("o", UPS, condition, T0 + 3599).state is AlarmState.SHELVED
        assert register.find("o", UPS, condition, T0 + 3600) is None
    assert register.find("o", OTHER, "bypass", T0) is None


def test_a_condition_and_an_occurrence_are_no_more_than_that():
    register = fold(
        [
            event("shelved", target_of("city/order-room/ups-1/bypass"), until=T0 + 60),
            event("shelved", target_of("o7"), until=T0 + 60),
        ]
    )
    assert register.find("o1", UPS, "bypass", T0)
    assert register.find("o1", UPS, "overload", T0) is None
    assert register.find("o7", OTHER, "overload", T0)


def test_what_is_out_of_service_is_that_before_it_is_shelved_and_stays_until_put_back():
    device = target_of("city/order-room/ups-1")
    register = fold([event("shelved", device, until=T0 + 60), event("out-of-service", device)])
    assert register.find("o", UPS, "bypass", T0).state is AlarmState.OUT_OF_SERVICE
    assert register.find("o", UPS, "bypass", T0 + 1e9).state is AlarmState.OUT_OF_SERVICE
    assert fold([event("out-of-service", device), event("in-service", device)]).find("o", UPS, "bypass", T0) is None


def test_when_the_clock_is_put_right_a_shelving_lasts_as_long_as_it_would_have():
    register = fold(
        [
            event("shelved", target_of("city/order-room/ups-1"), until=T0 + 3600),
            Event(at=T0 + 100, kind=CLOCK, data={"shift": -50.0}),
        ]
    )
    assert register.find("o", UPS, "bypass", T0 + 3549)
    assert register.find("o", UPS, "bypass", T0 + 3550) is None


def test_names_that_people_write_come_back_as_they_were():
    for text in ("4f1c", "hq/a/ups-1", "hq/a/ups-1/bypass", "hq/a/@a:clock/clock-offset", "//@broker"):
        assert str(target_of(text)) == text


@pytest.mark.parametrize("text", ["", "  ", "hq/a", "hq/a/", "hq/a/b/c/d", "hq/a/b/", "o\n1", "x" * 400])
def test_what_is_no_alarm_is_refused_with_the_way_out(text):
    with pytest.raises(UsageError, match="alarm list"):
        target_of(text)


TARGETS = [target_of(text) for text in ("o1", "city/order-room/ups-1", "city/order-room/ups-1/bypass", "o2")]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["shelved", "unshelved", "out-of-service", "in-service", CLOCK, "opened", "held"]),
        st.sampled_from(TARGETS),
        st.floats(0, 500),
        st.floats(1, 3000),
    ),
    max_size=30,
)


@given(STEPS)
def test_it_follows_from_the_events_alone_and_nothing_is_shelved_beyond_its_end(steps):
    """A naive model keeps each target's end by itself; the fold agrees with it at every moment."""
    now, events = T0, []
    ends: dict[tuple[str, Target], float] = {}
    register = fold([])
    for kind, target, passed, lasts in steps:
        now += passed
        if kind == CLOCK:
            events.append(Event(at=now, kind=kind, data={"shift": lasts}))
            ends = {key: end + lasts for key, end in ends.items()}
            now += lasts
        else:
            events.append(event(kind, target, now, until=now + lasts))
        if kind in ("shelved", "out-of-service"):
            ends[kind, target] = now + lasts if kind == "shelved" else float("inf")
        elif kind in ("unshelved", "in-service"):
            ends.pop(("shelved" if kind == "unshelved" else "out-of-service", target), None)
        register = after(register, events[-1])
        assert {(one.state.value, one.target) for one in register.standing(now)} == {
            key for key, end in ends.items() if now < end
        }
    assert fold(events) == register
