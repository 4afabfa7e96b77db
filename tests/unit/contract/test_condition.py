"""Conditions: normal, pending, active, returning; on a clock that the test turns."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.condition import Condition, Phase, Progress, Test, Unknown, step, wakes_at
from contract.reading import Quality, Reading

HOT = Condition(
    name="hot", quantity="battery.temperature", test=Test.ABOVE, setpoint=45, deadband=3, on_delay=10, off_delay=20
)
ON_BATTERY = Condition(name="on-battery", quantity="ups.status", test=Test.HAS, flag="OB", unless=("CAL",))


def degrees(value: float, quality: Quality = Quality.GOOD) -> Reading:
    return Reading("battery.temperature", value, quality)


def status(*flags: str, quality: Quality = Quality.GOOD) -> Reading:
    return Reading("ups.status", flags, quality)


def run(condition, *steps) -> list[Phase]:
    """Return the phase after each (now, reading)."""
    progress, phases = Progress(), []
    for now, reading in steps:
        progress = step(condition, progress, reading, now)
        phases.append(progress.phase)
    return phases


def test_the_whole_way_there_and_back():
    assert run(
        HOT,
        (0, degrees(40)),
        (1, degrees(46)),
        (10.9, degrees(46)),
        (11, degrees(46)),
        (12, degrees(43)),  # inside the deadband: still hot
        (13, degrees(41)),
        (32.9, degrees(41)),
        (33, degrees(41)),
    ) == [
        Phase.NORMAL,
        Phase.PENDING,
        Phase.PENDING,
        Phase.ACTIVE,
        Phase.ACTIVE,
        Phase.RETURNING,
        Phase.RETURNING,
        Phase.NORMAL,
    ]


def test_without_on_delay_one_wrong_reading_is_enough():
    assert run(ON_BATTERY, (0, status("OL")), (1, status("OB", "DISCHRG"))) == [Phase.NORMAL, Phase.ACTIVE]


def test_without_off_delay_one_right_reading_is_enough():
    assert run(ON_BATTERY, (0, status("OB")), (1, status("OL"))) == [Phase.ACTIVE, Phase.NORMAL]


def test_a_battery_test_is_no_outage():
    assert run(ON_BATTERY, (0, status("OB", "CAL"))) == [Phase.NORMAL]


def test_a_flicker_shorter_than_the_on_delay_raises_nothing():
    assert Phase.ACTIVE not in run(HOT, (0, degrees(50)), (9, degrees(40)), (11, degrees(50)), (20, degrees(40)))


def test_trouble_that_comes_back_within_the_off_delay_is_the_same_trouble():
    progress = step(HOT, Progress(Phase.ACTIVE, 10, 5), degrees(40), 50)
    assert progress == Progress(Phase.RETURNING, 50, 5)
    assert step(HOT, progress, degrees(50), 60) == Progress(Phase.ACTIVE, 60, 5)


@pytest.mark.parametrize("quality", [Quality.STALE, Quality.IMPLAUSIBLE, Quality.UNAVAILABLE])
def test_unknown_is_never_ok(quality):
    active = Progress(Phase.ACTIVE, 10, 5)
    assert step(HOT, active, degrees(20, quality), 100) == active
    returning = Progress(Phase.RETURNING, 100, 5)
    assert step(HOT, returning, degrees(20, quality), 110).phase is Phase.ACTIVE
    assert step(HOT, Progress(), degrees(99, quality), 0) == Progress()


def test_a_condition_can_treat_unknown_as_trouble():
    careful = Condition(name="x", quantity="ups.status", test=Test.LACKS, flag="OL", unknown=Unknown.ALARM)
    assert run(careful, (0, Reading("ups.status", None, Quality.UNAVAILABLE))) == [Phase.ACTIVE]


def test_lacks_is_the_opposite_of_has():
    lacks = Condition(name="x", quantity="ups.status", test=Test.LACKS, flag="OL", unless=("CAL",))
    assert lacks.wrong(status("OB"), standing=False) is True
    assert lacks.wrong(status("OL"), standing=False) is False
    assert lacks.wrong(status("CAL"), standing=False) is False


def test_a_value_of_another_kind_is_unknown():
    assert HOT.wrong(Reading("battery.temperature", "warm"), standing=False) is None
    assert ON_BATTERY.wrong(Reading("ups.status", 3.0), standing=True) is None


def test_time_alone_ends_the_delays():
    pending = step(HOT, Progress(), degrees(50), 5)
    assert wakes_at(HOT, pending) == 15
    assert step(HOT, pending, None, 14.9) == pending
    active = step(HOT, pending, None, 15)
    assert active == Progress(Phase.ACTIVE, 15, 5)
    assert wakes_at(HOT, active) is None
    returning = step(HOT, active, degrees(20), 20)
    assert wakes_at(HOT, returning) == 40
    assert step(HOT, returning, None, 40).phase is Phase.NORMAL
    assert wakes_at(HOT, Progress()) is None


conditions = st.builds(
    Condition,
    name=st.just("c"),
    quantity=st.just("battery.temperature"),
    test=st.sampled_from([Test.ABOVE, Test.BELOW]),
    setpoint=st.integers(0, 50).map(float),
    deadband=st.integers(0, 10).map(float),
    on_delay=st.sampled_from([0.0, 1.0, 5.0]),
    off_delay=st.sampled_from([0.0, 1.0, 5.0]),
    unknown=st.sampled_from(Unknown),
)
reports = st.one_of(
    st.none(), st.builds(degrees, st.integers(0, 60).map(float), st.sampled_from([Quality.GOOD, Quality.STALE]))
)
histories = st.lists(st.tuples(st.sampled_from([0.0, 0.5, 1.0, 4.0, 9.0]), reports), max_size=40)
ALLOWED = {
    Phase.NORMAL: set(Phase) - {Phase.RETURNING},
    Phase.PENDING: {Phase.PENDING, Phase.ACTIVE, Phase.NORMAL},
    Phase.ACTIVE: {Phase.ACTIVE, Phase.RETURNING, Phase.NORMAL},
    Phase.RETURNING: {Phase.RETURNING, Phase.ACTIVE, Phase.NORMAL},
}


@given(conditions, histories)
def test_whatever_comes_the_phases_follow_the_drawing(condition, history):
    progress, now = Progress(), 0.0
    for wait, reading in history:
        now += wait
        before, progress = progress, step(condition, progress, reading, now)
        assert progress.phase in ALLOWED[before.phase]
        assert progress.began <= progress.since <= now
        # nothing that is due is left undone, and nothing changes a second time
        wakes = wakes_at(condition, progress)
        assert wakes is None or wakes > now
        assert step(condition, progress, None, now) == progress
        # an alarm that stood keeps the moment at which the trouble began
        if before.standing and progress.standing:
            assert progress.began == before.began
        # only a good reading that is right ever ends one
        good = reading is not None and reading.good
        if before.phase is Phase.ACTIVE and progress.phase is not Phase.ACTIVE:
            assert good
            assert not condition.wrong(reading, standing=True)


@given(conditions, histories)
def test_an_alarm_needs_its_on_delay_of_trouble(condition, history):
    progress, now = Progress(), 0.0
    for wait, reading in history:
        now += wait
        before, progress = progress, step(condition, progress, reading, now)
        if not before.standing and progress.standing:
            assert now - progress.began >= condition.on_delay


@given(conditions, st.integers(0, 60).map(float))
def test_the_deadband_only_ever_holds(condition, value):
    fresh = condition.wrong(degrees(value), standing=False)
    held = condition.wrong(degrees(value), standing=True)
    assert held or not fresh
