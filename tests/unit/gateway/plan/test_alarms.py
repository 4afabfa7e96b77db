"""Alarms put aside, suppressed, made worse, counted and calmed: what people hear of them, and what they do not."""

import pytest
from timetable import event, told, trigger

from contract.alarm import Alarm, Occurrence
from contract.reading import Reading
from gateway.alarms import aside
from gateway.alarms.model import load_rules
from gateway.board import cases, views
from gateway.board.words import Words
from gateway.incident import IncidentState, Purpose, Source

ON, OFF = "OL", "OB DISCHRG"


@pytest.fixture
def day(desk_days):
    return desk_days


# Shelved


def test_a_shelved_alarm_opens_nothing_and_speaks_when_its_shelving_ends(day):
    day = day()
    ups = day.device("ups-1", "ups")
    day.put("shelved", "city/order-room/ups-1", minutes=30)
    day.at(1)
    ups.says(ups_status=OFF)
    day.never(day.until(29.9), trigger("3.1.1"), told())
    assert day.states() == {"on-battery": "shelved"}
    day.want(day.between(30, 30.2), trigger("3.1.1"), told("li"))
    assert day.states() == {"on-battery": "unacknowledged"}


@pytest.mark.parametrize("target", ["city/order-room/ups-1/on-battery", "city/order-room/ups-1", "o1"])
def test_what_is_shelved_in_an_incident_stops_paging_and_climbs_afresh_afterwards(day, target):
    day = day()
    ups = day.device("ups-1", "ups")
    ups.says(ups_status=OFF)
    day.want(day.between(0.5, 0.6), told("li"))
    day.put("shelved", target, minutes=60)
    day.at(59)
    assert day.count(told()) == 1
    day.want(day.between(60.4, 60.7), event("annunciated"), told("li"))
    day.want(day.between(65.4, 65.8), told("wang"))
    day.never(day.until(69), told("zhao"), told("sun"))


def test_the_board_says_who_has_put_it_aside_why_and_until_when(day):
    day = day()
    ups = day.device("ups-1", "ups")
    day.put("shelved", "city/order-room/ups-1", minutes=30, why="换电池")
    ups.says(ups_status=OFF)
    (row,) = views.alarms(day.live, Words("zh"), day.clock.wall)
    assert (row.state, row.why, row.until) == ("shelved", "li 换电池", day.time_of(30))
    day.at(31)
    (row,) = views.alarms(day.live, Words("zh"), day.clock.wall)
    assert (row.state, row.why, row.until) == ("unacknowledged", "", 0.0)


def test_its_incident_says_what_was_done_with_it(day):
    day = day()
    ups = day.device("ups-1", "ups")
    ups.says(ups_status=OFF)
    day.put("shelved", "o1", minutes=30, why="换电池")
    day.at(31)
    lines = {one.label: one.text for one in cases.case(day.newest, Words("zh"), str).timeline}
    assert lines["暂不报警"] == "市电中断，电池供电 · 已搁置 · 换电池"
    assert lines["重新报警"] == "市电中断，电池供电"


def test_another_condition_of_the_device_still_speaks(day):
    day = day()
    ups = day.device("ups-1", "ups")
    day.put("shelved", "city/order-room/ups-1/on-battery", minutes=60)
    ups.says(ups_status="OB DISCHRG LB")
    day.want(day.between(0, 0.1), trigger("3.1.1"), told("li"))
    assert day.newest.worst.condition == "low-battery"


def test_it_ended_while_it_was_shelved_and_nobody_ever_hears_of_it(day):
    day = day()
    ups = day.device("ups-1", "ups")
    day.put("shelved", "city/order-room/ups-1", minutes=30)
    ups.says(ups_status=OFF)
    day.at(10)
    ups.says(ups_status=ON)
    day.never(day.until(60), trigger("3.1.1"), told())
    assert day.states()["on-battery"] == "returned-unacknowledged"


@pytest.mark.parametrize("restart_at", [5, 29.99, 30.01, 40])
def test_a_restart_forgets_no_shelving_and_no_alarm_behind_it(day, restart_at):
    day = day()
    ups = day.device("ups-1", "ups")
    day.put("shelved", "city/order-room/ups-1", minutes=30)
    day.at(1)
    ups.says(ups_status=OFF)
    day.at(restart_at)
    if restart_at > 30:
        assert day.count(trigger("3.1.1")) == 1
    day.restart()
    day.at(45)
    assert day.count(trigger("3.1.1")) == 1
    assert day.count(told("li")) > 0
    assert day.incidents.list()[0].opened >= day.time_of(30)


def test_a_gateway_that_was_down_when_it_ended_lets_it_speak_at_its_start(day):
    day = day()
    ups = day.device("ups-1", "ups")
    day.put("shelved", "city/order-room/ups-1", minutes=30)
    ups.says(ups_status=OFF)
    day.at(1)
    day.clock.turn(3600)  # nothing runs
    day.restart()
    day.want(day.between(61, 61.6), trigger("3.1.1"), told("li"))


def test_when_the_clock_is_put_right_it_ends_after_the_same_time(day):
    day = day()
    ups = day.device("ups-1", "ups")
    day.put("shelved", "city/order-room/ups-1", minutes=30)
    ups.says(ups_status=OFF)
    day.at(10)
    day.clock_is_put(-7200.0)
    day.never(day.until(29.9), trigger("3.1.1"))
    day.want(day.between(30, 30.2), trigger("3.1.1"))


def test_unshelved_before_its_end_it_speaks_at_once(day):
    day = day()
    ups = day.device("ups-1", "ups")
    day.put("shelved", "city/order-room/ups-1", minutes=300)
    ups.says(ups_status=OFF)
    day.at(10)
    day.put("unshelved", "city/order-room/ups-1")
    day.want(day.between(10, 10.6), trigger("3.1.1"), told("li"))


def test_who_has_taken_it_on_keeps_it_when_it_speaks_again(day):
    day = day()
    ups = day.device("ups-1", "ups")
    ups.says(ups_status=OFF)
    day.want(day.between(0.5, 0.6), told("li"))
    day.answer("mine", "li")
    day.put("shelved", "o1", minutes=30)
    day.never(day.until(44), told("wang"))
    assert day.newest.owner == "li"
    assert day.count(event("annunciated")) == 1


def test_while_the_disk_fails_nothing_is_shelved_and_nothing_is_lost(day):
    day = day()
    ups = day.device("ups-1", "ups")
    day.put("shelved", "city/order-room/ups-1", minutes=1)
    ups.says(ups_status=OFF)
    day.at(0.9)
    day.journal.broken = True
    day.at(3)
    assert day.count(trigger("3.1.1")) == 0
    day.journal.broken = False
    day.want(day.between(3, 3.3), trigger("3.1.1"), told("li"))


# Out of service


def test_out_of_service_lasts_until_it_is_put_back(day):
    day = day()
    ups = day.device("ups-1", "ups")
    day.put("out-of-service", "city/order-room/ups-1")
    ups.says(ups_status=OFF)
    day.restart()
    day.never(day.until(20 * 60), trigger("3.1.1"), told())
    assert day.states() == {"on-battery": "out-of-service"}
    day.put("in-service", "city/order-room/ups-1")
    day.want(day.between(20 * 60, 20 * 60 + 0.6), trigger("3.1.1"))


# Suppressed by design

MAINS = """
[[suppress]]
conditions = ["contact-lost", "bypass"]
kinds = ["ups"]
devices = ["ups-2"]
why = { zh = "上级 UPS 停电", en = "the UPS before it is on battery" }
while = { conditions = ["on-battery"], devices = ["ups-1"] }
"""


def test_a_rule_keeps_an_alarm_quiet_while_its_cause_stands_and_no_longer(day):
    day = day(MAINS)
    first, second = day.device("ups-1", "ups"), day.device("ups-2", "ups")
    first.says(ups_status=OFF)
    day.at(1)
    second.says(ups_status="OL BYPASS")
    day.at(5)
    assert [one.source.device for one in day.incidents.list()] == ["ups-1"]
    assert day.states()["bypass"] == "suppressed"
    first.says(ups_status=ON)
    day.at(6)
    assert [one.source.device for one in day.incidents.list()] == ["ups-2", "ups-1"]


def test_a_cause_that_comes_later_quiets_what_already_stands(day):
    day = day(MAINS)
    first, second = day.device("ups-1", "ups"), day.device("ups-2", "ups")
    second.says(ups_status="OL BYPASS")
    day.at(1)
    assert len(day.incidents.list()) == 1
    first.says(ups_status=OFF)
    aside_now = day.want(day.between(1, 1.1), event("put-aside"))
    assert aside_now.data["state"] == "suppressed"
    day.restart()
    day.never(day.between(1, 30), told(clause="3.1.1", person="x"))
    assert all(mail.at == 0 for one in day.incidents.list() if one.source.device == "ups-2" for mail in one.mails)
    first.says(ups_status=ON)
    day.want(day.between(30, 30.3), event("annunciated"))


def test_the_cause_out_of_service_keeps_nothing_quiet(day):
    day = day(MAINS)
    first, second = day.device("ups-1", "ups"), day.device("ups-2", "ups")
    day.put("out-of-service", "city/order-room/ups-1")
    first.says(ups_status=OFF)
    second.says(ups_status="OL BYPASS")
    day.want(day.between(0, 0.2), trigger("3.1.1"))


def test_between_hours_and_over_midnight(day):
    rule = """
[[suppress]]
conditions = ["bypass"]
why = { zh = "夜间维护", en = "works at night" }
between = ["22:00", "06:00"]
"""
    day = day(rule, begins="2026-11-25 21:50")
    ups = day.device("ups-1", "ups")
    day.at("22:30")
    ups.says(ups_status="OL BYPASS")
    day.never(day.until("2026-11-26 05:59"), trigger("3.1.1"))
    day.want(day.between("2026-11-26 06:00", "2026-11-26 06:01"), trigger("3.1.1"))


# Worse by what was before

WORSE = """
[[worse]]
condition = "contact-lost"
after = ["on-battery"]
becomes = "contact-lost-on-battery"
"""


def test_contact_lost_while_on_battery_is_worse_than_on_mains(day):
    day = day(WORSE, begins="2026-11-25 03:00")
    first, second = day.device("ups-1", "ups"), day.device("ups-2", "ups")
    first.says(ups_status=OFF)
    second.says(ups_status=ON)
    day.at(5)
    first.falls_silent()
    second.falls_silent()
    day.at(20)
    lost = {one.source.device: one.worst for one in day.incidents.list()}
    assert "电池" in lost["ups-1"].title_zh
    assert (lost["ups-1"].severity, lost["ups-2"].severity) == ("extreme", "moderate")
    day.restart()
    first.says(ups_status=ON)
    day.at(30)
    assert {one.source.device: one.state for one in day.incidents.list()}["ups-1"] is IncidentState.CHECKED


def test_a_plan_that_has_nothing_worse_still_takes_the_condition_itself(day):
    day = day(WORSE.replace("contact-lost-on-battery", "nothing-of-the-plan"))
    ups = day.device("ups-1", "ups")
    ups.says(ups_status=OFF)
    ups.falls_silent()
    day.at(5)
    assert {one.condition for one in day.newest.symptoms} == {"on-battery", "contact-lost"}


def test_an_agent_silent_while_a_ups_of_it_was_on_battery_is_worse(day):
    day = day(WORSE.replace('"contact-lost"', '"agent-silent"').replace('"contact-lost-on', '"agent-silent-on'))
    ups = day.device("ups-1", "ups")
    other = day.device("ups-9", "ups", agent="depot")
    ups.says(ups_status=OFF)
    for agent in ("order-room", "depot"):
        source = Source(site="city", agent=agent, device=f"@{agent}", title="代理", kind="ups")
        stamp = day.clock.stamp()
        lost = Occurrence(id=f"s-{agent}", device=f"@{agent}", condition="agent-silent", since=stamp, raised=stamp)
        day.hear(Alarm(lost), source)
    assert other.answers
    said = {one.source.device: one.worst.severity for one in day.incidents.list()}
    assert said["@order-room"] == "extreme"
    assert said["@depot"] == "moderate"


# Conditions that no agent judges

HOT = """
[[condition]]
name = "room-too-hot"
kinds = ["environment"]
devices = ["t-1"]
quantity = "ambient.temperature"
test = "above"
setpoint = 35.0
deadband = 2.0
on_delay = "30s"
off_delay = "30s"
"""


def warm(day, probe, minutes, value):
    """The probe says this every ten seconds."""
    for _ in range(int(minutes * 6)):
        day.at((day.clock.wall - day.begins) / 60 + 1 / 6)
        day.reads(probe, ambient_temperature=value)
        probe.readings["ambient.temperature"] = Reading("ambient.temperature", value)


def test_what_no_agent_judges_the_gateway_does_and_a_restart_knows_it(day):
    day = day(HOT)
    probe, other = day.device("t-1", "environment"), day.device("t-2", "environment")
    warm(day, probe, 1, 40.0)
    warm(day, other, 1, 40.0)
    day.at(3)
    (incident,) = day.incidents.list()
    assert (incident.source.device, incident.worst.condition) == ("t-1", "room-too-hot")
    day.restart()
    warm(day, probe, 3, 34.0)  # within the deadband
    assert [one.code for one in day.incidents.list()] == [incident.code]
    assert day.newest.active
    warm(day, probe, 3, 30.0)
    assert day.newest.state is IncidentState.CHECKED


def test_silence_ends_none_of_them(day):
    day = day(HOT)
    probe = day.device("t-1", "environment")
    warm(day, probe, 1, 40.0)
    day.at(120)
    assert day.newest.active


def test_a_rule_that_is_taken_away_ends_what_it_raised(day):
    day = day(HOT)
    probe = day.device("t-1", "environment")
    warm(day, probe, 1, 40.0)
    assert day.newest.active
    day.rules = load_rules("")
    day.restart()
    assert not day.newest.active


def test_one_that_is_shelved_before_a_restart_is_shelved_after_it(day):
    day = day(HOT)
    probe = day.device("t-1", "environment")
    day.put("shelved", "city/order-room/t-1", minutes=60)
    warm(day, probe, 1, 40.0)
    day.at(2)
    (held,) = [known.id for known, _ in day.desk.known()]
    day.put("shelved", held, minutes=90)
    day.restart()
    day.never(day.until(89), trigger("3.1.10"), trigger("3.1.1"))
    assert [known.id for known, _ in day.desk.known()] == [held]
    day.at(95)
    assert len(day.incidents.list()) == 1


# Counts

SEVERAL = """
[[count]]
name = "several-on-battery"
title = { zh = "多台 UPS", en = "several UPSes" }
conditions = ["on-battery"]
at_least = 3
within = "10m"
instead = true
"""


def test_three_within_ten_minutes_are_one_alarm_and_the_single_ones_fall_quiet(day):
    day = day(SEVERAL)
    upses = [day.device(f"ups-{number}", "ups") for number in range(4)]
    for minute, ups in enumerate(upses):
        day.at(0.1 * minute)
        ups.says(ups_status=OFF)
    day.at(1)
    counted = day.incidents.list()[0]
    assert counted.source.device == "@several-on-battery"
    assert counted.worst.value >= 3
    assert {day.states()[name] for name in day.states()} == {"suppressed", "unacknowledged"}
    day.at(30)
    assert {one.code for one in day.incidents.list() if one.mails} == {counted.code}
    for ups in upses:
        ups.says(ups_status=ON)
    day.at(50)
    assert day.incidents.get(counted.code).state is IncidentState.CHECKED


def test_a_count_survives_a_restart_as_the_same_alarm(day):
    day = day(SEVERAL)
    upses = [day.device(f"ups-{number}", "ups") for number in range(3)]
    for ups in upses:
        ups.says(ups_status=OFF)
    day.at(2)
    opened = day.count(trigger("3.1.1"))
    day.restart()
    day.at(20)
    assert day.count(trigger("3.1.1")) == opened
    assert len([one for one in day.live.standing() if one.alarm.occurrence.device.startswith("@")]) == 1


# Chattering and fleeting


def flap(day, ups, start, times, every=0.3):
    for turn in range(times):
        day.at(start + turn * every)
        ups.raises("bypass")
        day.at(start + turn * every + every / 2)
        ups.raises("bypass", active=False)


def test_what_chatters_is_one_incident_one_page_and_one_event_that_counts(day):
    day = day()
    ups = day.device("ups-1", "ups")
    flap(day, ups, 1, 20)
    day.want(day.between(6, 7.1), told("li"))
    day.answer("mine", "li")
    flap(day, ups, 7.2, 30)
    assert day.count(trigger("3.1.1")) == 1
    assert len(day.incidents.list()) == 1
    assert day.count(event("joined")) <= 2
    assert [one.data["count"] for one in day.happened if one.what == "chattering"] == [3, 6, 12, 24, 48]
    ups.says(ups_status=ON)
    day.want(day.between(16, 22), event("chattering", over=True))
    assert day.newest.symptoms[-1].chattering == 0
    assert day.count(told(purpose=Purpose.PAGE)) == 1


def test_what_chatters_and_then_stands_still_stands_when_it_has_ceased(day):
    day = day()
    ups = day.device("ups-1", "ups")
    flap(day, ups, 1, 10)
    day.at(5)
    ups.raises("bypass")
    day.at(20)
    assert day.newest.active
    assert day.newest.gone is None
    ups.says(ups_status=ON)
    ups.raises("bypass", active=False)
    day.at(25)
    assert not day.newest.active


@pytest.mark.parametrize("restart_at", [2.5, 4.05, 6])
def test_a_restart_amid_chatter_loses_neither_the_alarm_nor_its_end(day, restart_at):
    day = day()
    ups = day.device("ups-1", "ups")
    for turn in range(12):
        at = 1 + turn * 0.3
        day.at(at)
        ups.raises("bypass")
        if at <= restart_at < at + 0.3:
            day.at(max(at, min(restart_at, at + 0.14)))
            day.restart()
        day.at(at + 0.15)
        ups.raises("bypass", active=False)
    if restart_at > 5:
        day.at(restart_at)
        day.restart()
    ups.says(ups_status=ON)
    day.at(20)
    assert not day.newest.active
    assert len(day.incidents.list()) == 1


def test_a_fleeting_alarm_is_on_record_and_pages_nobody(day):
    day = day()
    ups = day.device("ups-1", "ups")
    ups.says(ups_status=OFF)
    day.at(0.2)
    ups.says(ups_status=ON)
    day.never(day.until(10), told())
    (symptom,) = day.newest.symptoms
    assert symptom.fleeting


def test_a_shelved_alarm_that_chatters_is_shelved_all_along(day):
    day = day()
    ups = day.device("ups-1", "ups")
    day.put("shelved", "city/order-room/ups-1", minutes=60)
    flap(day, ups, 1, 20)
    day.never(day.until(59), trigger("3.1.1"), told())
    assert aside.SHELVED in {one.kind for one in day.journal.events_kept}
