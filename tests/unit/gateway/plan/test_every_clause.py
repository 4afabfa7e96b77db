"""Every clause on a bad day: restarts at the worst moments, nobody answers, the clock is put right, and at last it is over.

One scenario for each clause, by its gravest alarm, or by what a person reports where no device sees it.
"""

from datetime import datetime

import pytest
from timetable import ZONE, Day, closed, event, shipped, told, trigger

from gateway.incident import IncidentState
from gateway.plan.model import RANK, Clause, Level, Wake

PLAN, CONTACTS = shipped()
HOUR = 3600.0


def gravest(clause: Clause):
    """The trigger that a scenario uses: the gravest that wakes people, else the gravest."""
    return max(clause.trigger, key=lambda one: (one.level != Level.FINDING, one.wake is Wake.NIGHT, RANK[one.severity]))


def begins(day: Day, clause: Clause):
    """Put a clause in force; return its incident's code, who it wakes, and what ends its cause."""
    if not clause.trigger:
        report = clause.report[0]
        said = {one.name: "12" if one.number else "西岭" for one in report.field}
        incident = day.run(day.incidents.report(clause.clause, report.name, "deng", said, "西岭"))
        return incident.code, report.wake, None
    one = gravest(clause)
    kind = clause.kinds_of(one)[0]
    device = day.device(one.devices[0] if one.devices else "device-1", "ups")
    device.source = type(device.source)(
        site="city", agent="hall", device=device.source.device, title="设备", room="机房", kind=kind
    )
    day.devices = {device.source.key: device}
    device.raises(one.condition)
    found = next(each for each in day.incidents.list() if each.clause == clause.clause)
    return found.code, one.wake, lambda: device.raises(one.condition, active=False)


@pytest.mark.parametrize("clause", PLAN.clauses, ids=lambda one: one.clause)
def test_a_bad_day(days, clause: Clause):
    day = days("2026-11-25 09:00")
    code, wake, ends = begins(day, clause)
    day.want(day.between(0, 0), trigger(clause.clause))
    day.restart()  # before anybody was told
    by = "2026-11-26 08:31" if wake is Wake.DIGEST else "2026-11-25 09:30"
    first = day.want(day.until(by), told(clause=clause.clause))
    day.restart()  # just after
    day.clock_is_put(-HOUR)
    rungs = {rung.after for rung in clause.escalation.rung}
    climbed = first.at - HOUR + max(rungs)
    if wake is not Wake.NIGHT:  # its rungs wait for working hours too
        climbed = CONTACTS.worktime("city").working(climbed)
    climbed += 60.0
    day.at(f"{datetime.fromtimestamp(climbed, ZONE):%Y-%m-%d %H:%M:%S}")  # nobody answers
    people = {one.who for one in day.happened if one.what == "told" and one.code == code}
    wanted = {CONTACTS.departments[rung.department].person(rung.role) for rung in clause.escalation.rung}
    assert wanted <= people, day.story()
    last, somebody = day.incidents.get(code), min(people)
    assert last.state is IncidentState.OPEN
    day.answer("mine", somebody, code=code)  # after the escalation
    day.restart()
    assert day.incidents.get(code).owner == somebody
    for index in range(len(clause.step)):
        day.answer("step", somebody, index, code=code)
    if ends is not None:
        ends()
        assert day.incidents.get(code).state in (IncidentState.GONE, IncidentState.CHECKED)
    day.answer("close", somebody, "查明并处理完毕", code=code)
    day.want(day.until(f"{datetime.fromtimestamp(day.clock.wall + 60, ZONE):%Y-%m-%d %H:%M:%S}"), closed)
    before = day.count(told(clause=clause.clause))
    day.restart()
    day.never(
        day.until(f"{datetime.fromtimestamp(day.clock.wall + 2 * HOUR, ZONE):%Y-%m-%d %H:%M:%S}"), event("opened")
    )
    assert day.count(told(clause=clause.clause)) == before  # what is closed is quiet
    assert day.incidents.get(code).steps == tuple(range(len(clause.step)))
