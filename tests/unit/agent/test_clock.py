import time
from pathlib import Path

import pytest

from agent import clock as module
from agent.clock import SystemClock, synchronised


@pytest.fixture
def clock(monkeypatch):
    monkeypatch.setattr(module, "synchronised", lambda: False)
    return SystemClock()


def test_boottime_is_the_kernels_and_never_goes_back(clock):
    first, second = clock.boottime(), clock.boottime()
    assert 0 < first <= second
    assert abs(first - float(Path("/proc/uptime").read_text().split()[0])) < 5


def test_a_stamp_has_both_clocks_and_the_boot(clock):
    stamp = clock.stamp()
    assert stamp.wall == pytest.approx(time.time(), abs=5)
    assert stamp.boot == SystemClock().boot
    assert len(stamp.boot) == 16


def test_a_clock_that_nobody_synchronised_is_not_trusted(clock):
    assert not clock.stamp().trusted


@pytest.mark.parametrize(("ahead", "trusted"), [(0.0, True), (1.5, True), (-1.5, True), (2.5, False), (-3600.0, False)])
def test_a_clock_within_two_seconds_of_the_gateways_is_trusted(clock, ahead, trusted):
    clock.gateway_says(time.time() + ahead)
    assert clock.stamp().trusted is trusted


def test_a_wall_clock_that_is_stepped_after_the_gateway_spoke_is_no_longer_trusted(clock, monkeypatch):
    now = time.time()
    clock.gateway_says(now)
    monkeypatch.setattr(module.time, "time", lambda: now + 3600)
    assert not clock.stamp().trusted


def test_a_clock_that_somebody_set_is_not_trusted_though_the_kernel_calls_it_synchronised(monkeypatch):
    now = time.time()
    monkeypatch.setattr(module, "synchronised", lambda: True)
    clock = SystemClock()
    assert clock.stamp().trusted, "nobody says otherwise"
    clock.gateway_says(now)
    assert clock.stamp().trusted
    monkeypatch.setattr(module.time, "time", lambda: now - 3600)
    assert not clock.stamp().trusted, "at once, not at the next look"
    monkeypatch.setattr(module.time, "time", lambda: now + 10)
    assert clock.stamp().trusted, "the two follow different time servers"


def test_a_gateway_that_is_not_sure_of_its_clock_contradicts_nobody(monkeypatch):
    monkeypatch.setattr(module, "synchronised", lambda: True)
    clock = SystemClock()
    clock.gateway_says(time.time() + 3600, trusted=False)
    assert clock.stamp().trusted
    clock.gateway_says(time.time() + 3600, trusted=True)
    assert not clock.stamp().trusted


def test_the_kernel_can_be_asked():
    assert synchronised() in (True, False)
