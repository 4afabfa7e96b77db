"""Strike counters: a wrap is counted, a reset is not, and a million strikes there are never."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.strikes import HOUR, MOST, StrikeCounter
from contract.reading import Quality, judged, unavailable


def counted(span, *values):
    counter = StrikeCounter(span)
    for at, value in enumerate(values):
        counter.take(value, float(at))
    return counter.total


@pytest.mark.parametrize(
    ("span", "values", "total"),
    [
        (65536, (12,), 0),  # the base
        (65536, (12, 12, 14), 2),
        (65536, (65530, 4), 10),  # wrapped
        (256, (254, 1), 3),
        (1 << 32, ((1 << 32) - 2, 3), 5),
        (65536, (40000, 0, 3), 3),  # cleared by hand
        (65536, (12, 3, 5), 2),  # set back
        (256, (120, 0), 0),
        (65536, (65530, 2000), 0),  # near the top, but not near the bottom: another device
        (65536, (12, 60000, 12, 13), 1),  # one wrong reading
        (65536, (12, 65530, 12, 13), 1),
        (1 << 32, (12, 4_000_000_000, 12), 0),
        (65536, (5, 5 + MOST), MOST),
    ],
)
def test_what_a_counter_goes_up_is_counted(span, values, total):
    assert counted(span, *values) == total


@given(st.sampled_from([256, 65536, 1 << 32]), st.data())
def test_the_total_never_falls_and_never_leaps(span, data):
    counter, before = StrikeCounter(span), 0
    for at, value in enumerate(data.draw(st.lists(st.integers(0, span - 1), max_size=50))):
        counter.take(value, float(at))
        assert 0 <= counter.total - before <= MOST + counter._near * 2
        before = counter.total


@given(st.integers(0, 255), st.lists(st.integers(0, 5), max_size=400))
def test_a_byte_that_wraps_again_and_again_counts_all(start, steps):
    counter, value = StrikeCounter(256), start
    counter.take(value, 0.0)
    for at, step in enumerate(steps):
        value = (value + step) % 256
        counter.take(value, float(at))
    assert counter.total == sum(steps)


def test_recent_are_those_of_the_last_hour():
    counter = StrikeCounter(65536)
    counter.take(0, 0.0)
    counter.take(3, 10.0)
    counter.take(4, 2000.0)
    assert counter.recent(2000.0) == 4
    assert counter.recent(10.0 + HOUR) == 4
    assert counter.recent(11.0 + HOUR) == 1
    assert counter.recent(2001.0 + HOUR) == 0


def test_a_reading_that_is_not_good_is_not_counted_and_not_nothing():
    counter = StrikeCounter(65536)
    counter.readings(judged("x.surge.strikes", 5.0), 0.0)
    lost = counter.readings(unavailable("x.surge.strikes"), 1.0)
    assert [reading.quality for reading in lost] == [Quality.UNAVAILABLE] * 2
    found = {each.quantity: each.value for each in counter.readings(judged("x.surge.strikes", 7.0), 2.0)}
    assert found == {"x.surge.strikes.total": 2.0, "x.surge.strikes.recent": 2.0}
