import pytest

from agent.drivers.tables.uptime import WRAP, Uptime

DAY = 86400.0


def fed(*pairs: tuple[float, float]) -> tuple[Uptime, list[bool]]:
    """Return what was seen of pairs of uptime and time, in seconds."""
    uptime = Uptime()
    return uptime, [uptime.take(int(value * 100), now) for value, now in pairs]


def test_a_device_that_runs_on_did_not_restart():
    _, seen = fed((100, 0), (110, 10), (120, 20))
    assert seen == [False, False, False]


def test_a_restart_between_two_polls_is_seen():
    uptime, seen = fed((5000, 0), (4, 10))
    assert seen == [False, True]
    assert uptime.restarts == 1


def test_a_young_device_that_restarts_is_seen_too():
    _, seen = fed((20, 0), (5, 10))
    assert seen[-1]


def test_a_restart_behind_a_long_silence_is_seen_though_uptime_is_higher_again():
    _, seen = fed((100, 0), (500, 1000))
    assert seen[-1]


def test_the_wrap_after_497_days_is_no_restart_and_time_goes_on():
    uptime, seen = fed((WRAP - 5, 0), (5, 10))
    assert not seen[-1]
    assert uptime.restarts == 0
    assert uptime.seconds() == pytest.approx(WRAP + 5)


def test_a_wrap_during_a_silence_of_hours_is_no_restart():
    _, seen = fed((WRAP - 3600, 0), (3600, 7200))
    assert not seen[-1]


def test_a_restart_shortly_before_the_wrap_is_one():
    _, seen = fed((WRAP - 5 * DAY, 0), (60, 600))
    assert seen[-1]


def test_a_tick_that_is_a_little_slow_is_no_restart():
    _, seen = fed((0, 0), (DAY * 0.99, DAY))
    assert not seen[-1]


def test_the_engine_tells_how_often_it_wrapped_before_we_came():
    uptime, _ = fed((1000, 0))
    assert uptime.seconds(2 * WRAP + 1003) == pytest.approx(2 * WRAP + 1000)


def test_an_engine_that_is_younger_or_does_not_fit_is_not_asked():
    uptime, _ = fed((1000, 0))
    assert uptime.seconds(20.0) == 1000
    assert uptime.seconds(1.5 * WRAP) == 1000


def test_restarts_of_the_last_hour_are_counted():
    uptime, _ = fed((5000, 0), (3, 10), (1, 20))
    assert uptime.recent(20) == 2
    assert uptime.recent(20 + 3599) == 1
    assert uptime.recent(20 + 3601) == 0


@pytest.mark.parametrize("nonsense", [2**63, -1, 2**32, 2**32 - 1, 9_000_000])
def test_one_answer_that_cannot_be_is_no_restart_and_no_wrap(nonsense):
    uptime = Uptime()
    said = ((100, 0), (nonsense, 10), (2100, 20), (3100, 30))
    assert [uptime.take(hundredths, now) for hundredths, now in said] == [False] * 4
    assert uptime.seconds() == 31
    assert uptime.restarts == 0


def test_a_device_that_says_so_twice_has_run_for_longer():
    uptime, seen = fed((100, 0), (90_000, 10), (90_010, 20))
    assert seen == [False, False, False]
    assert uptime.seconds() == 90_010


def test_nothing_is_known_before_the_first_answer():
    assert Uptime().seconds() is None
