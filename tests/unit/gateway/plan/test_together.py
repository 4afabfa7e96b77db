"""What different parts of the plan do to one another: put aside and beside, chatter and closing, reports and recurrence."""

import pytest
from at_the_desk import DeskDay
from msgspec.structs import replace
from timetable import event, shipped, told

from gateway.incident import Incident, IncidentState, Purpose, Source, Symptom
from gateway.plan.decide import pages_after
from gateway.plan.dependencies import load_dependencies

ON, OFF = "OL", "OB DISCHRG"
TREE = """
[[dependency]]
of = "core-1"
children = ["billing"]
"""
WARM = """
[[condition]]
name = "room-too-hot"
quantity = "ambient.temperature"
kinds = ["environment"]
test = "above"
setpoint = 40.0
"""


@pytest.fixture
def day(desk_days):
    return desk_days


def flap(day, ups, start, times, every=0.3):
    for number in range(times):
        day.at(start + number * every)
        ups.raises("on-battery")
        day.at(start + number * every + every / 2)
        ups.raises("on-battery", active=False)


# Put aside, and the clause beside


def test_smoke_that_is_shelved_is_silent_in_the_clause_beside_it_too(day):
    day = day()
    probe = day.device("smoke-1", "environment")
    probe.raises("smoke")
    day.at(0.1)
    assert len(day.incidents.open()) == 2
    before = day.count(told())
    day.put("shelved", "city/order-room/smoke-1/smoke", minutes=60)
    day.at(59)
    assert day.count(told()) == before, day.story()
    assert all(one.put_aside for one in day.incidents.open())
    day.at(61)
    assert not any(one.put_aside for one in day.incidents.open())
    assert day.count(told()) > before


# Chatter, and closing


def chattering_closed(day):
    ups = day.device("ups-1", "ups")
    flap(day, ups, 1, 4)
    day.at(2.3)
    day.answer("mine", "li")
    day.answer("close", "li", "试验")  # while its end is kept back
    return ups, day.newest.code


def test_what_chattered_and_was_closed_ends_with_the_next_one_that_speaks_for_it(day):
    day = day()
    ups, code = chattering_closed(day)
    ups.raises("on-battery")
    day.at(2.5)
    ups.raises("on-battery", active=False)
    day.at(30)
    assert not day.incidents.get(code).active, day.story()
    day.at(60 * 20)
    assert not day.count(event("reopened")), day.story()


def test_what_chattered_and_was_closed_ends_after_a_restart_too(day):
    day = day()
    _, code = chattering_closed(day)
    day.restart()
    day.at(60 * 20)
    assert not day.incidents.get(code).active, day.story()
    assert not day.count(event("reopened")), day.story()


# The gateway's own alarms, and restarts


def test_an_own_alarm_closed_while_it_stands_is_the_same_after_a_restart(day):
    day = day(WARM)
    probe = day.device("probe-1", "environment")
    day.reads(probe, ambient_temperature=45.0)
    day.at(1)
    day.answer("close", day.contacts.person[0].id, "空调已修")
    day.restart()
    day.reads(probe, ambient_temperature=45.0)
    day.at(2)
    assert len(day.incidents.list()) == 1, day.story()
    day.reads(probe, ambient_temperature=20.0)
    day.at(3)
    assert day.newest.state is IncidentState.CLOSED, day.story()


def test_an_own_alarm_that_came_and_went_while_shelved_is_not_raised_by_a_restart(day):
    day = day(WARM)
    probe = day.device("probe-1", "environment")
    day.put("shelved", "city/order-room/probe-1", minutes=30)
    day.reads(probe, ambient_temperature=45.0)
    day.at(1)
    assert list(day.desk.known())
    day.reads(probe, ambient_temperature=20.0)
    day.at(2)
    assert not list(day.desk.known())
    day.at(40)
    day.restart()
    assert not list(day.desk.known())
    day.at(41)
    assert not day.incidents.list(), day.story()


# Put aside, and hands


def test_a_handover_of_what_is_put_aside_reaches_its_taker(day):
    day = day()
    ups = day.device("ups-1", "ups")
    ups.says(ups_status=OFF)
    day.want(day.between(0.5, 0.6), told("li"))
    day.answer("mine", "li")
    day.put("shelved", "city/order-room/ups-1", minutes=240)
    day.answer("handover", "li", "wang", "换班")
    day.want(day.until(1), told("wang", Purpose.HANDOVER))
    day.answer("accept", "wang")
    day.never(day.until(239), told(), told(purpose=Purpose.PROGRESS))


def test_no_time_limit_runs_while_all_of_it_is_put_aside_though_somebody_has_it(day):
    day = day()
    ups = day.device("ups-1", "ups")
    ups.says(ups_status=OFF)
    day.want(day.between(0.5, 0.6), told("li"))
    day.answer("mine", "li")
    limit = day.newest.deadline - day.newest.counts_from
    minutes = limit / 60 + 5
    if minutes > 1430:
        pytest.skip("too long")
    day.put("shelved", "city/order-room/ups-1", minutes=minutes)
    day.at(minutes + 1)
    assert day.newest.owner == "li"
    assert not day.newest.overdue, day.story()
    assert day.newest.deadline > day.clock.wall + limit / 2


# A restart at the end


def test_that_it_is_over_is_said_though_it_was_closed_and_the_gateway_killed_before_the_letter_went(day):
    day = day()
    ups = day.device("ups-1", "ups")
    ups.says(ups_status=OFF)
    day.want(day.between(0.5, 0.6), told("li"))
    ups.says(ups_status=ON)
    day.want(day.until(60), told("li", Purpose.RECOVERY))
    day.answer("close", "wang", "好了")
    code = day.newest.code
    (outcome,) = [one for one in day.journal.events_kept if one.kind == "accepted"][1:]
    day.journal.events_kept.remove(outcome)
    day.restart()
    day.want(day.until(61), told("li", Purpose.RECOVERY))
    assert not any(mail.pending for mail in day.incidents.get(code).mails)
    day.restart()
    assert day.count(told(purpose=Purpose.RECOVERY)) == 2


# Reports


def report(day, clause, name, place, **fields):
    answers = {
        one.name: "5" if one.number else fields.get(one.name, "某")
        for one in day.plan.find(clause).reported(name).field
    }
    found = day.run(day.incidents.report(clause, name, "li", answers, place))
    day.at((day.clock.wall - day.begins) / 60 + 0.1)
    return found


def finished(day, *args, **fields):
    code = report(day, *args, **fields).code
    day.answer("close", "li", "已处理", code=code)
    day.at((day.clock.wall - day.begins) / 60 + 60)
    return code


def test_the_next_request_is_no_recurrence_of_the_last_one(day):
    day = day()
    for place in ("", "城东"):
        finished(day, "3.4.3.1", "occasion", place, customer="甲")
        assert not report(day, "3.4.3.1", "occasion", place, customer="乙").recurs


def test_what_is_reported_of_the_same_place_again_has_come_again(day):
    day = day()
    first = finished(day, "3.3.1", "breakdown", "城东", vehicle="A1")
    elsewhere = finished(day, "3.3.1", "breakdown", "城西", vehicle="B2")
    assert not day.incidents.get(elsewhere).recurs
    assert report(day, "3.3.1", "breakdown", "城东", vehicle="A1").recurs == first


def test_a_request_is_reopened_though_another_one_is_open(day):
    day = day()
    code = finished(day, "3.4.3.1", "occasion", "", customer="甲")
    report(day, "3.4.3.1", "occasion", "", customer="乙")
    day.answer("reopen", "li", "客户又来电", code=code)
    assert day.incidents.get(code).closed is None


def test_what_joins_while_all_else_is_shelved_is_told_from_the_first_rung_on(day):
    day = day()
    ups = day.device("ups-1", "ups")
    ups.says(ups_status=OFF)
    day.want(day.between(0.5, 0.6), told("li"))
    day.put("shelved", "city/order-room/ups-1/on-battery", minutes=400)
    day.at(300)
    ups.raises("low-battery")
    day.at(302)
    assert day.newest.code == "A10"
    said = [one.who for one in day.happened if one.what == "told" and one.at > day.time_of(299)]
    assert said == ["li"], day.story()
    assert not day.newest.overdue


# Root causes


@pytest.fixture
def room(day):
    day = day(plan=replace(shipped()[0], dependencies=load_dependencies(TREE)))
    return day, day.device("core-1", "network"), day.device("billing", "host")


def test_what_follows_from_a_root_cause_that_is_shelved_is_heard_of(room):
    day, core, host = room
    core.raises("contact-lost")
    day.at(1)
    day.put("shelved", "city/order-room/core-1", minutes=600)
    before = day.count(told())
    day.at(30)
    assert day.count(told()) == before
    host.raises("contact-lost")
    day.at(45)
    (one,) = day.incidents.list()
    assert not one.put_aside
    assert day.count(told()) > before, day.story()


def test_what_a_person_wrote_or_did_is_not_merged_away(room):
    day, core, host = room
    host.raises("contact-lost")
    day.at(0.01)
    child = day.newest.code
    day.answer("note", "li", "机房有焦味")
    core.raises("contact-lost")
    day.at(5)
    assert any(one.text == "机房有焦味" for one in day.incidents.get(child).timeline), day.story()


def test_a_child_that_is_shelved_stays_so_when_it_is_left_over(room):
    day, core, host = room
    core.raises("contact-lost")
    host.raises("contact-lost")
    day.at(1)
    day.put("shelved", "city/order-room/billing", minutes=120)
    core.says()
    core.raises("contact-lost", active=False)
    day.at(30)
    left = [one for one in day.incidents.list() if one.source.device == "billing"]
    assert [one.put_aside for one in left] == [True], day.story()
    assert not left[0].mails
    day.at(135)
    assert day.incidents.get(left[0].code).mails, day.story()


def test_a_child_that_chatters_while_its_root_cause_stands_ends_with_it(room):
    day, core, host = room
    core.raises("contact-lost")
    for number in range(5):
        day.at(1 + number * 0.3)
        host.raises("contact-lost")
        day.at(1.15 + number * 0.3)
        host.raises("contact-lost", active=False)
    day.restart()
    core.says()
    host.says()
    core.raises("contact-lost", active=False)
    day.at(40)
    assert [one.source.device for one in day.incidents.list()] == ["core-1"], day.story()
    assert not day.newest.active
    assert day.newest.state in {IncidentState.CHECKED, IncidentState.CLOSED}, day.story()


def test_a_handover_under_way_goes_on_though_the_root_cause_is_found(room):
    day, core, host = room
    host.raises("contact-lost")
    day.at(3)
    day.answer("mine", "li")
    day.answer("handover", "li", "wang", "我在路上")
    core.raises("contact-lost")
    day.at(5)
    day.answer("accept", "wang", code="A10")
    assert day.incidents.get("A10").owner == "wang", day.story()


def test_when_the_clock_is_put_right_what_follows_waits_for_the_hours_of_its_own_site():
    _, contacts = shipped()
    here, there = replace(contacts.hours, start=9 * 3600.0), replace(contacts.hours, start=11 * 3600.0)
    day = DeskDay()
    night = day.time_of("2026-11-26 03:00")
    day.close()
    one = Symptom(id="o1", ready=night, page_at=night, wake="working", source=Source(site="branch", device="host-1"))
    found = pages_after(
        [Incident(code="A10", source=Source(site="city", device="core-1"), symptoms=(one,))],
        60.0,
        lambda site: there if site == "branch" else here,
    )
    assert found == {"o1": day.time_of("2026-11-26 11:00")}
