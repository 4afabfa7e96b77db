"""How it ends, and that it may not have ended: closing, what stands all the same, reopening, coming again. In minutes."""

import pytest
from msgspec.structs import replace
from timetable import Day, closed, event, shipped, told, trigger

from contract.errors import IncidentError
from gateway.incident import IncidentState, Purpose, fold
from gateway.notify.message import compose
from gateway.plan.model import Plan

ON, OFF = "OL", "OB DISCHRG"
DAY = 24 * 60


def outage(day, begin, end):
    """Let the mains be lost and come back; li takes it on, and closes it once it is checked."""
    ups = day.devices.get(("city", "order-room", "ups-1")) or day.device("ups-1", "ups")
    day.at(begin)
    ups.says(ups_status=OFF)
    day.answer("mine", "li")
    day.at(end)
    ups.says(ups_status=ON)
    day.at(end + 5)
    day.answer("close", "li")
    assert day.newest.state is IncidentState.CLOSED


def test_closed_while_it_stands_is_called_so_until_its_alarm_ends(day):
    ups = day.device("ups-1", "ups")
    ups.says(ups_status=OFF)
    day.at(2)
    with pytest.raises(IncidentError, match="cause still stands"):
        day.answer("close", "li")
    day.answer("close", "li", "停电检修，已知")
    last = day.newest.timeline[-1]
    assert (last.data, last.text) == ({"checked": False, "standing": ["on-battery"]}, "停电检修，已知")
    assert day.newest.state is IncidentState.CLOSED_STANDING
    day.never(day.until(100), told())
    day.at(101)
    ups.says(ups_status=ON)
    day.at(102)
    assert day.newest.state is IncidentState.CLOSED
    day.never(day.until(DAY), told(), event("reopened"))


def test_what_stands_eight_hours_after_it_was_closed_is_spoken_of_again(day):
    ups = day.device("ups-1", "ups")
    ups.says(ups_status=OFF)
    day.want(day.between(0.5, 0.5), told("li"))
    day.at(2)
    day.answer("close", "li", "停电检修")
    day.clock_is_put(-3000)  # no timer changes
    day.restart()
    day.never(day.until(481.9), told())
    day.want(day.between(482, 482), event("reopened"), told("li"))
    assert (day.newest.state, day.newest.timeline[-1].kind) == (IncidentState.OPEN, "accepted")
    day.want(day.between(487, 487), told("wang"))
    assert day.newest.deadline == day.time_of(482) + 5 * 3600
    assert len(day.incidents.list()) == 1


def test_a_finding_that_was_closed_and_stands_waits_for_working_hours(days):
    day = days("2026-11-27 15:00")  # a Friday
    day.device("ups-1", "ups").says(ups_status="OL RB")
    day.at(30)
    day.answer("close", "li", "新电池已订购")
    day.want(day.between("2026-11-30 08:30", "2026-11-30 08:31"), event("reopened"))


def test_a_clause_may_leave_it_closed():
    plan, contacts = shipped()
    day = Day(plan=Plan(tuple(replace(one, closed_standing=0.0) for one in plan.clauses)), contacts=contacts)
    day.device("ups-1", "ups").says(ups_status=OFF)
    day.answer("close", "li", "停电检修")
    day.never(day.until(3 * DAY), event("reopened"))
    day.close()


def test_what_was_closed_and_stands_is_not_opened_again_beside_another_one_for_the_same(day):
    ups = day.device("ups-1", "ups")
    ups.says(ups_status=OFF)
    day.want(day.between(0, 0), trigger("3.1.1"))
    day.at(1)
    day.answer("close", "li", "停电检修")
    day.at(2)
    ups.says(ups_status="OB DISCHRG LB")
    day.want(day.between(2, 2), trigger("3.1.1"))
    day.never(day.until(600), event("reopened"))
    with pytest.raises(IncidentError, match="A10 goes on as B10"):
        day.answer("reopen", "wang", "仍在", code="A10")


def test_a_person_reopens_it_and_only_a_person_closes_it_again(day):
    outage(day, 1, 10)
    day.at(60)
    with pytest.raises(IncidentError, match="needs a reason"):
        day.answer("reopen", "wang", " ")
    day.answer("reopen", "wang", "UPS 仍有异响")
    assert day.newest.state is IncidentState.OPEN
    day.want(day.between(60, 60), told("li"))  # the ladder begins anew
    day.want(day.between(65, 65), told("wang"))
    day.answer("mine", "wang")
    day.never(day.until(80), closed, event("cause-gone"))  # all readings are good, and it stays open
    with pytest.raises(IncidentError, match="no sensor can say that it is over"):
        day.answer("close", "wang")
    day.restart()
    day.answer("close", "wang", "更换风扇")
    assert day.newest.state is IncidentState.CLOSED
    assert fold(day.journal.events_kept) == {"A10": day.newest}


def test_its_alarm_joins_what_a_person_holds_open_and_its_end_closes_nothing(day):
    outage(day, 1, 10)
    day.at(60)
    day.answer("reopen", "wang", "仍有异响")
    day.answer("mine", "wang")
    ups = day.devices["city", "order-room", "ups-1"]
    ups.says(ups_status=OFF)
    day.at(62)
    ups.says(ups_status=ON)
    day.never(day.until(70), event("cause-gone"))
    assert len(day.incidents.list()) == 1
    assert day.newest.state is IncidentState.OWNED


def test_what_comes_again_within_thirty_days_is_linked_both_ways_and_counted(day):
    outage(day, 1, 10)
    outage(day, 2 * DAY, 2 * DAY + 10)
    outage(day, 20 * DAY, 20 * DAY + 10)
    outage(day, 51 * DAY, 51 * DAY + 10)  # 31 days later
    rows = [(one.code, one.recurs, one.count, one.recurred) for one in reversed(day.incidents.list())]
    assert rows == [("A10", "", 1, "B10"), ("B10", "A10", 2, "C10"), ("C10", "B10", 3, ""), ("D10", "", 1, "")]
    opened = next(one for one in day.journal.events_kept if one.incident == "C10")
    assert opened.data["recurrence"] == {"of": "B10", "count": 3}
    assert fold(day.journal.events_kept) == {one.code: one for one in day.incidents.list()}
    assert [one.codes for one in day.incidents.recurring(32)] == [("C10", "D10")]
    assert [one.codes for one in day.incidents.recurring(365)] == [("A10", "B10", "C10", "D10")]
    day.restart()
    assert day.incidents.get("A10").recurred == "B10"


def test_another_device_and_another_clause_are_no_recurrence(day):
    outage(day, 1, 10)
    day.at(60)
    day.device("ups-2", "ups").says(ups_status=OFF)
    assert (day.newest.code, day.newest.recurs) == ("B10", "")


def test_people_read_that_it_came_again(day):
    outage(day, 1, 10)
    outage(day, DAY + 1, DAY + 10)
    clause = day.plan.find("3.1.1")

    def body(language):
        return compose(day.newest, clause, Purpose.PAGE, language, link="", utc_offset=28800.0).body

    assert "再次发生：第 2 次，上次 A10\n" in body("zh")
    assert "Again: no. 2 in a row, the last was A10\n" in body("en")
