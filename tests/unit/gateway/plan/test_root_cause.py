"""Root causes by timetable, with the conditions that agents judge: power, switch, host, line."""

import pytest
from msgspec.structs import replace
from timetable import Day, event, gone, shipped, told, trigger

from gateway.incident import IncidentState, Purpose
from gateway.plan.dependencies import load_dependencies

TREE = """
[[dependency]]
of = "ups-1"
children = ["core-1"]

[[dependency]]
of = "core-1"
children = ["billing", "line-1"]
"""
FINE, ON, OFF = "OL", "OB DISCHRG", "OFF"


@pytest.fixture
def room():
    """A UPS, a switch behind it, a host and a line behind that; a Wednesday in working hours."""
    day = Day("2026-11-25 10:00", plan=replace(shipped()[0], dependencies=load_dependencies(TREE)))
    day.ups, day.core = day.device("ups-1", "ups"), day.device("core-1", "network", agent="network-room")
    day.host, day.line = (
        day.device(name, kind, agent="far-end") for name, kind in (("billing", "host"), ("line-1", "line"))
    )
    day.ups.says(ups_status=FINE)
    yield day
    day.close()


def test_the_power_goes_and_all_behind_it_is_one_incident(room):
    day = room
    day.at(1)
    day.ups.says(ups_status=ON)
    day.want(day.between(1, 1), trigger("3.1.1"))
    day.want(day.between(1.5, 1.6), told("li"))
    day.at(2)
    day.answer("mine", "li")
    day.at(10)
    day.ups.says(ups_status=OFF)
    for device in (day.core, day.host):
        device.falls_silent()
    day.line.raises("line-down")
    day.at(14)
    assert [one.code for one in day.incidents.list()] == ["A10"]
    assert {one.device for one in day.newest.affected()} == {"core-1", "billing", "line-1"}
    assert day.count(told("chen", Purpose.AFFECTED, "3.1.4")) == 1
    assert day.count(told("li")) == 1
    assert day.count(told()) == 1


def test_the_switch_is_heard_of_first_and_its_hosts_before_that(room):
    day = room
    day.at(1.2)
    day.host.falls_silent()
    day.core.falls_silent()
    day.at(2)
    day.line.raises("line-down")
    day.want(day.between(2, 2), trigger("3.1.4"))
    day.want(day.between(2.2, 2.3), event("merged", of="core-1"))  # it has no answer for a minute before it says so
    day.restart()
    day.ups.says(ups_status=OFF)
    day.at(7)
    (one,) = day.incidents.list()
    assert (one.clause, one.source.device) == ("3.1.1", "ups-1")
    assert {device.device for device in one.affected()} == {"core-1", "billing", "line-1"}
    assert day.count(told("li")) == 1
    assert day.incidents.get("A10").code == one.code  # by the code under which it began


def test_a_switch_that_does_not_come_back_with_the_power_speaks_up_with_all_behind_it(room):
    day = room
    day.at(1)
    day.ups.says(ups_status=OFF)
    for device in (day.core, day.host):
        device.falls_silent()
    day.at(3)
    day.answer("mine", "li")
    day.at(10)
    day.ups.says(ups_status=FINE)
    root = day.newest.code
    day.never(day.until(14.9), told("li"), trigger("3.1.5"))
    day.want(day.between(15, 15.3), trigger("3.1.5"), told("li", clause="3.1.5"))
    left = day.newest
    assert (left.of, left.source.device) == (root, "core-1")
    assert {one.device for one in left.affected()} == {"billing"}
    day.want(day.between(15, 16.5), event("checked"), told("li", Purpose.RECOVERY))
    assert day.incidents.get(root).state is IncidentState.CHECKED


def test_what_comes_back_in_time_is_over_with_its_cause(room):
    day = room
    day.at(1)
    day.ups.says(ups_status=OFF)
    day.core.falls_silent()
    day.at(3)
    day.answer("mine", "li")
    day.at(10)
    day.ups.says(ups_status=FINE)
    day.at(13)
    assert day.count(gone) == 0  # not while the switch still starts
    day.core.says()
    day.want(day.between(13, 13.5), gone)
    day.never(day.until(30), trigger("3.1.5"))


def test_a_line_alone_is_nobody_elses_fault(room):
    day = room
    day.at(1)
    day.line.raises("line-down")
    day.core.says()
    day.want(day.between(1, 1.2), trigger("3.1.4"), event("released"))
    day.want(day.between(2, 2.1), told("li"))


def test_a_clock_that_is_put_right_changes_no_settling_time(room):
    day = room
    day.ups.says(ups_status=OFF)
    day.core.falls_silent()
    day.at(5)
    day.answer("mine", "li")
    day.ups.says(ups_status=FINE)
    day.at(7)
    day.clock_is_put(3600.0)
    day.never(day.until(9.9), trigger("3.1.5"))
    day.want(day.between(10, 10.3), trigger("3.1.5"))
