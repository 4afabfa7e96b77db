import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.drivers.tables.rates import History, rate


def test_a_counter_that_counts_gives_a_rate():
    assert rate(1000, 2000, 10) == 100


def test_a_wide_counter_that_fell_was_reset_and_gives_none():
    assert rate(10**12, 5, 10) is None


def test_a_narrow_counter_wraps():
    assert rate(2**32 - 500, 500, 10, bits=32, most=12.5e6) == 100


def test_a_narrow_counter_on_a_fast_line_may_have_gone_round_twice():
    assert rate(0, 500, 60, bits=32, most=125e6) is None


def test_a_rate_that_the_line_cannot_carry_is_none():
    assert rate(0, 10**12, 10, most=125e6) is None
    assert rate(2**32 - 1, 0, 0.001, bits=32) == 1000


def test_a_reset_of_a_narrow_counter_of_unknown_speed_is_not_taken_for_a_wrap():
    assert rate(100_000, 5, 10, bits=32) is None


@pytest.mark.parametrize(("before", "after", "seconds"), [(None, 1, 1), (1, None, 1), (1, 2, 0), (1, 2, -5)])
def test_what_is_not_known_gives_none(before, after, seconds):
    assert rate(before, after, seconds) is None


@given(st.integers(0, 2**32 - 1), st.integers(0, 10**6), st.floats(1, 30))
def test_whatever_the_start_the_same_traffic_gives_the_same_rate(start, counted, seconds):
    after = (start + counted) % 2**32
    found = rate(start, after, seconds, bits=32, most=1.25e8 if seconds < 30 else 1.25e6)
    assert found is None or found == pytest.approx(counted / seconds)


def settled(value: float, hours: float = 4.0) -> tuple[History, float]:
    history, now = History(), 0.0
    while now < hours * 3600:
        assert not history.far_above(value * (1 + 0.2 * ((now // 60) % 3)), now, least=1.0)
        now += 60
    return history, now


def test_far_above_the_usual_is_seen_and_the_usual_again_ends_it():
    history, now = settled(100)
    assert history.far_above(1000, now, least=1)
    assert not history.far_above(130, now + 60, least=1)


def test_twice_the_usual_is_not_far_above():
    history, now = settled(100)
    assert not history.far_above(250, now, least=1)


def test_a_surge_is_not_learned_from():
    history, now = settled(100)
    for minute in range(60):
        assert history.far_above(1000, now + 60 * minute, least=1)
    assert history.far_above(1000, now + 3600, least=1)


def test_a_level_that_stays_is_the_new_usual():
    history, now = settled(100)
    said = [history.far_above(1000, now + 60 * minute, least=1) for minute in range(200)]
    assert said[0]
    assert not said[-1]


def test_nothing_is_far_above_in_the_first_hour_unless_told():
    assert not History().far_above(1e9, 0, least=1)
    assert History().far_above(50, 0, least=1, young=10)


def test_what_is_never_too_much_is_not_even_where_nothing_is_usual():
    history, now = settled(0)
    assert not history.far_above(5, now, least=10)
    assert history.far_above(11, now, least=10)
