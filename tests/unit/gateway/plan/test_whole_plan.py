"""Every clause of the plan is in the shipped files, comes into force by its trigger or its report, and is closed."""

import pytest
from timetable import Day, closed, shipped, told, trigger

from gateway.incident import IncidentState
from gateway.plan.model import Clause, Level

# The numbers, as the plan counts them.
GROUPS = {
    "2.1.2": "5 6 7",
    "3.1": "1 2 3 4 5 6 7 8 9 10 11 12 13",
    "3.2": "1 2 3 4 5 6 7 8 9",
    "3.3": "1 2 3 4 5",
    "3.4": "2 3.1 4",
    "3.5": "2.1 2.2 3 4",
}
CLAUSES = [f"{group}.{number}" for group, numbers in GROUPS.items() for number in numbers.split()]
PLAN, CONTACTS = shipped()
BY_REPORT = [(clause.clause, report.name) for clause in PLAN.clauses for report in clause.report]
BY_ALARM = [
    (clause.clause, kind, one.condition, one.devices[0] if one.devices else f"{kind}-1")
    for clause in PLAN.clauses
    for one in clause.trigger
    for kind in clause.kinds_of(one)[:1]
]
DEPARTMENTS = {
    "command-group",
    "group-office",
    "info-centre",
    "marketing-centre",
    "district-office",
    "distribution",
    "finance",
    "security",
    "inspection",
}


def filled(clause: str, report: str) -> dict[str, str]:
    """What the report asks for, filled in."""
    declared = PLAN.find(clause).reported(report)  # type: ignore[union-attr]
    return {one.name: "20" if one.number else "甲" for one in declared.field}  # type: ignore[union-attr]


def test_every_clause_is_there_and_no_other():
    assert sorted(one.clause for one in PLAN.clauses) == sorted(CLAUSES)
    assert {clause for clause, *_ in (*BY_REPORT, *BY_ALARM)} == set(CLAUSES)


@pytest.mark.parametrize("clause", PLAN.clauses, ids=lambda one: one.clause)
def test_a_clause_says_who_does_what_by_when(clause: Clause):
    assert clause.step
    for step in clause.step:
        assert step.within, f"{clause.clause}: no time limit: {step.text.zh}"
        assert step.owner in CONTACTS.departments
    assert clause.deadline.amount > 0
    assert clause.escalation.rung[0].after == 0


@pytest.mark.parametrize("clause", PLAN.clauses, ids=lambda one: one.clause)
def test_whoever_has_to_do_something_is_told(clause: Clause):
    told = {rung.department for rung in clause.escalation.rung}
    assert {step.owner for step in clause.step} <= told


def test_the_heads_who_go_to_the_scene_of_an_accident_are_told_at_once(day: Day):
    day.device("warehouse-water", "environment").raises("water")
    day.want(
        day.between(0, 0.1), told("wu", clause="2.1.2.7"), told("zhao", clause="2.1.2.7"), told("zhu", clause="3.2.3")
    )


@pytest.mark.parametrize("number", ["2.1.2.5", "2.1.2.6"])
def test_what_can_be_read_is_not_left_to_reports(number: str):
    clause = PLAN.find(number)
    assert clause is not None
    assert clause.trigger
    assert all(one.devices for one in clause.trigger)  # every other host, line, endpoint is of another clause


def test_every_department_of_the_plan_is_in_the_contacts():
    assert set(CONTACTS.departments) >= DEPARTMENTS


@pytest.mark.parametrize(("clause", "report"), BY_REPORT)
def test_a_report_puts_its_clause_in_force_and_a_person_closes_it(day: Day, clause: str, report: str):
    before = day.run(day.incidents.report(clause, report, "deng", filled(clause, report), "西岭"))
    day.want(day.between(0, 0), trigger(clause))
    assert before.report is not None
    assert before.report.person == "deng"
    day.want(day.until("2026-11-26 08:31"), told(clause=clause))  # at the latest by the digest
    day.answer("close", "deng", "办好了", code=before.code)
    day.want(day.until("2026-11-26 08:32"), closed)
    assert day.incidents.get(before.code).state is IncidentState.CLOSED


@pytest.mark.parametrize(("clause", "kind", "condition", "name"), BY_ALARM)
def test_a_trigger_puts_its_clause_in_force_and_its_end_lets_it_be_closed(
    day: Day, clause: str, kind: str, condition: str, name: str
):
    device = (
        day.device(name, kind) if kind not in ("weather", "vehicle", "fleet", "arrival") else day.device(name, "ups")
    )
    if device.source.kind != kind:
        device.source = type(device.source)(**{**_fields(device.source), "kind": kind})
        day.devices[device.source.key] = device
    device.raises(condition)
    day.want(day.between(0, 0), trigger(clause))
    opened = [one for one in day.incidents.list() if one.clause == clause]
    device.raises(condition, active=False)
    assert opened[0].symptoms[0].title_zh
    for one in day.incidents.list():
        assert day.incidents.get(one.code).state is IncidentState.GONE
        day.answer("close", "zhao", "查明原因", code=one.code)
    assert {one.state for one in day.incidents.list()} == {IncidentState.CLOSED}


def _fields(source: object) -> dict[str, object]:
    return {name: getattr(source, name) for name in ("site", "agent", "device", "title", "room")}


def test_what_the_plan_leaves_to_people_stays_with_them():
    for number in ("3.2.1", "3.2.2"):
        clause = PLAN.find(number)
        assert clause is not None
        assert {one.level for one in (*clause.trigger, *clause.report)} == {Level.PREPARE}
        assert Level.MAJOR in clause.confirm
    accident = PLAN.find("3.3.4")
    assert accident is not None
    assert {one.level for one in (*accident.trigger, *accident.report)} == {
        Level.PARTIAL
    }  # never headquarters by itself


def test_safety_first_is_what_an_accidents_message_begins_with():
    clause = PLAN.find("2.1.2.7")
    assert clause is not None
    assert clause.lead is not None
    assert clause.lead.zh == "人身安全第一，先报119，勿独自进入"


def test_outside_contacts_are_there_for_whom_the_plan_calls():
    names = {clause: [one.name for one in CONTACTS.outside(clause, "line-1")] for clause in CLAUSES}
    for clause in ("2.1.2.6", "3.1.4", "3.1.5", "3.1.7", "3.1.8", "3.3.3", "3.5.2.1", "3.5.2.2"):
        assert names[clause], clause
    assert len(names["3.1.4"]) == 1  # each line has its own carrier
    assert all(one.day for one in CONTACTS.contact)
