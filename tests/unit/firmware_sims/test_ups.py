"""The physics hold, whatever happens and however often anybody looks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_sims.ups import Rating, Ups

RATING = Rating(power=800, apparent=1000, battery=200, charger=150, string=24)


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


EVENTS = st.lists(
    st.tuples(
        st.floats(0, 7200),
        st.sampled_from(["cut", "restore", "load", "test", "cancel", "sag", "look"]),
        st.floats(0, 1200),
    ),
    max_size=30,
)


def play(ups, clock, events):
    for wait, what, amount in events:
        clock.now += wait
        match what:
            case "cut":
                ups.cut()
            case "restore":
                ups.restore()
            case "load":
                ups.set_load(amount)
            case "test":
                ups.test(amount)
            case "cancel":
                ups.cancel_test()
            case "sag":
                ups.set_mains(amount / 4)
            case _:
                ups.view()
        yield ups.view()


@given(EVENTS, st.floats(0, 100))
def test_charge_stays_within_bounds_and_flags_agree(events, charge):
    clock = Clock()
    ups = Ups(RATING, clock, load=300, charge=charge)
    for view in play(ups, clock, events):
        assert 0.0 <= view.charge <= 100.0
        assert view.low == (view.charge <= RATING.low)
        assert not (view.on_battery and view.mains)
        assert not (view.on_battery and view.test)
        assert view.output or view.watts == 0.0
        assert view.output or view.output_volts == 0.0
        assert view.runtime >= 0.0
        assert 1.6 * RATING.cells < view.battery_volts < 2.4 * RATING.cells


@given(EVENTS, st.floats(0, 100))
def test_energy_is_neither_made_nor_lost(events, charge):
    clock = Clock()
    ups = Ups(RATING, clock, load=300, charge=charge)
    for view in play(ups, clock, events):
        stored = RATING.battery * view.charge / 100
        before = RATING.battery * charge / 100
        assert stored == pytest.approx(before - ups.totals.drained + ups.totals.charged, abs=1e-6)
        assert ups.totals.delivered <= ups.totals.drained + 1e-9


@given(EVENTS, st.integers(2, 9))
def test_looking_changes_nothing(events, looks):
    clock, often = Clock(), Clock()
    quiet, watched = Ups(RATING, clock, load=300, charge=80), Ups(RATING, often, load=300, charge=80)
    for wait, what, amount in events:
        list(play(quiet, clock, [(wait, what, amount)]))
        for _ in range(looks):
            often.now += wait / looks
            watched.view()
        list(play(watched, often, [(0.0, what, amount)]))
    assert watched.view().charge == pytest.approx(quiet.view().charge, abs=0.06)  # full is reached in a last small step


def test_a_power_cut_runs_its_course():
    clock = Clock()
    ups = Ups(RATING, clock, load=400)
    assert ups.view().mains
    ups.cut()
    clock.now += 1
    view = ups.view()
    assert view.on_battery
    assert view.transfers == 1
    assert view.on_battery_seconds == 1
    assert view.input_volts == 0
    assert view.output_volts == RATING.volts
    clock.now += view.runtime * 0.9
    assert ups.view().low
    clock.now += view.runtime
    empty = ups.view()
    assert not empty.output
    assert not empty.on_battery
    assert empty.charge == 0
    ups.restore()
    assert ups.view().output
    clock.now += 4 * 3600
    assert ups.view().charge == 100


def test_the_claimed_runtime_is_the_runtime():
    clock = Clock()
    ups = Ups(RATING, clock, load=250)
    ups.cut()
    runtime = ups.view().runtime
    clock.now += runtime - 0.5
    assert ups.view().output
    clock.now += 1
    assert not ups.view().output


def test_twice_the_load_lasts_less_than_half():
    ups = Ups(RATING, Clock(), load=350)
    light = ups.view().runtime
    ups.set_load(700)
    assert ups.view().runtime < light / 2


def test_a_test_drains_but_is_no_outage():
    clock = Clock()
    ups = Ups(RATING, clock, load=400)
    ups.test(10)
    clock.now += 5
    view = ups.view()
    assert view.test
    assert not view.on_battery
    assert view.charge < 100
    clock.now += 6
    assert not ups.view().test


def test_a_line_interactive_one_lowers_and_raises_the_mains():
    ups = Ups(Rating(online=False), Clock())
    ups.set_mains(200)
    assert ups.view().boost
    assert 215 < ups.view().output_volts < 240
    ups.set_mains(260)
    assert ups.view().trim
    ups.set_mains(150)
    assert ups.view().on_battery
