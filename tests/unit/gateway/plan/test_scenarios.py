"""The plan by timetable: the normal cases of clause 3.1.1, and the awkward ones that every clause shares."""

import pytest
from msgspec.structs import replace
from timetable import Day, closed, event, gone, overdue, shipped, told, trigger

from gateway.incident import IncidentState, Purpose
from gateway.plan.model import Plan
from gateway.worktime.limit import Limit

ON, OFF = "OL", "OB DISCHRG"


def test_the_mains_are_lost_and_come_back(day):
    ups = day.device("ups-1", "ups")
    day.at(1)
    ups.says(ups_status=OFF)
    day.want(day.between(1, 1), trigger("3.1.1"))
    day.want(day.between(1.5, 1.6), told("li"))
    day.at(3)
    day.answer("mine", "li")
    day.at(40)
    ups.says(ups_status=ON)
    day.want(day.between(40.08, 40.1), gone)  # five seconds of mains: a flicker is no return
    day.want(day.between(41, 41.3), event("checked"), told("li", Purpose.RECOVERY))
    day.at(45)
    day.answer("close", "li")
    assert day.newest.state is IncidentState.CLOSED
    assert day.count(told("wang")) == 0


def test_nobody_answers_and_it_climbs(day):
    ups = day.device("ups-1", "ups")
    ups.says(ups_status=OFF)
    day.want(day.between(0.5, 0.6), told("li"))
    day.want(day.between(5.5, 5.6), told("wang"))
    day.want(day.between(10.5, 10.6), told("zhao"), told("chen"))
    day.want(day.between(20.5, 20.6), told("sun"))
    day.answer("mine", "sun")
    before = day.count(told())
    day.never(day.until(60), told())
    assert day.count(told()) == before


def test_an_answer_after_the_escalation_ends_it(day):
    ups = day.device("ups-1", "ups")
    ups.says(ups_status=OFF)
    day.want(day.between(5.5, 5.6), told("wang"))
    day.at(6)
    day.answer("mine", "li")
    day.never(day.until(30), told("wang"), told("zhao"), told("sun"))


def test_the_cause_is_back_within_the_off_delay(day):
    ups = day.device("ups-1", "ups")
    ups.says(ups_status=OFF)
    day.at(0.2)
    ups.says(ups_status=ON)
    day.at(0.25)
    ups.says(ups_status=OFF)
    day.want(day.between(0.5, 0.6), told("li"))
    assert day.count(trigger("3.1.1")) == 1
    assert day.count(gone) == 0


def test_an_alarm_during_a_restart_is_told_in_time(day):
    ups = day.device("ups-1", "ups")
    ups.says(ups_status=OFF)
    day.at(0.4)
    day.restart()
    day.want(day.between(0.5, 0.6), told("li"))
    day.at(5.4)
    day.restart()
    day.want(day.between(5.5, 5.6), told("wang"))


def test_three_causes_at_once(day):
    ups, other, third = (day.device(name, "ups") for name in ("ups-1", "ups-2", "ups-3"))
    for one in (ups, other, third):
        one.says(ups_status=OFF)
    day.at(1)
    assert day.count(trigger("3.1.1")) == 3
    for one in day.incidents.list():
        day.answer("mine", "li", code=one.code)
    ups.says(ups_status="OB DISCHRG LB")
    day.want(day.between(1, 1.1), told("li", Purpose.WORSE))
    assert day.count(told("li", Purpose.WORSE)) == 1


def test_the_head_is_away(day):
    day.failing = {"zhao", "chen"}
    ups = day.device("ups-1", "ups")
    ups.says(ups_status=OFF)
    day.want(day.between(10.5, 10.6), told("zhao"), told("sun"))  # who is reached by nothing hands the turn on at once


@pytest.mark.parametrize("begins", ["2026-11-25 23:59", "2026-12-31 23:59"])
def test_across_midnight_and_years_end(days, begins):
    night = days(begins)
    ups = night.device("ups-1", "ups")
    night.at(0.8)
    ups.says(ups_status=OFF)
    night.want(night.between(1.3, 1.35), told("li"))
    night.want(night.between(6.3, 6.35), told("wang"))


def test_a_step_of_the_clock_changes_no_timer(day):
    ups = day.device("ups-1", "ups")
    ups.says(ups_status=OFF)
    day.want(day.between(0.5, 0.6), told("li"))
    day.at(2)
    day.clock_is_put(3600)
    day.want(day.between(5.5, 5.6), told("wang"))
    day.clock_is_put(-7200)
    day.want(day.between(10.5, 10.6), told("zhao"))


def test_a_finding_waits_for_the_working_day(days):
    night = days("2026-11-27 20:00")  # a Friday evening
    ups = night.device("ups-1", "ups")
    ups.says(ups_status="OL RB")
    night.want(night.between("2026-11-30 08:30", "2026-11-30 08:31"), told("li"))


def test_the_time_limit_passes(day):
    ups = day.device("ups-1", "ups")
    ups.says(ups_status=OFF)
    day.at(1)
    day.answer("mine", "li")
    day.want(day.between("15:00", "15:01"), overdue, told("sun", Purpose.OVERDUE))


def test_a_full_disk_delays_and_loses_nothing(day):
    ups = day.device("ups-1", "ups")
    ups.says(ups_status=OFF)
    day.journal.broken = True
    day.at(2)
    assert day.count(told()) == 0
    day.journal.broken = False
    day.want(day.between(2, 2.2), told("li"))


def test_the_timetable_can_fail(day):
    """Too early, too late, not at all, and once too often."""
    ups = day.device("ups-1", "ups")
    ups.says(ups_status=OFF)
    with pytest.raises(AssertionError, match="wrong time"):
        day.want(day.between(0.6, 0.7), told("li"))
    with pytest.raises(AssertionError, match="never happened"):
        day.want(day.between(0.7, 1), closed)
    with pytest.raises(AssertionError, match="wang told"):
        day.never(day.until(6), told("wang"))
    assert isinstance(day, Day)


def test_half_of_a_limit_is_gone_before_spring_festival_and_the_rest_after_it(days):
    """A vendor is to be there within a working day: it ends with the first working day after the festival."""
    plan, _ = shipped()
    day = days("2026-02-14 16:00", plan=with_deadline(plan, "3.1.1", "1 working day"))
    ups = day.device("ups-1", "ups")
    ups.says(ups_status=OFF)
    day.at(1)
    day.answer("mine", "li")
    day.never(day.until("2026-02-24 08:30"), told("li", Purpose.WARNING))
    day.want(day.between("2026-02-24 12:15", "2026-02-24 12:15"), told("li", Purpose.WARNING))
    day.want(day.between("2026-02-24 15:24", "2026-02-24 15:24"), told("zhao", Purpose.WARNING))
    day.want(day.between("2026-02-24 17:30", "2026-02-24 17:30"), overdue, told("sun", Purpose.OVERDUE))


def with_deadline(plan, number, words):
    """The plan with another time limit in one clause, and none in its steps."""
    limit = Limit.from_text(words)
    return Plan(
        tuple(
            replace(one, deadline=limit, step=tuple(replace(step, within=None) for step in one.step))
            if one.clause == number
            else one
            for one in plan.clauses
        )
    )
