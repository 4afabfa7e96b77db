"""Reports by people: what they have to say, who approves in which order, what a person confirms, and what survives."""

import contextlib

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from timetable import Day, event, overdue, told, trigger

from contract.alarm import Alarm
from contract.errors import IncidentError
from gateway.incident import Incident, Purpose, fold
from gateway.notify.message import compose

SPECIAL = {"customer": "1024 号", "why": "婚期提前", "day": "11-26", "brand": "甲", "cartons": "20"}
OCCASION = {"customer": "1024 号", "occasion": "婚庆", "day": "12-01", "brand": "甲", "cartons": "20"}


def refused(day: Day, what: str, person: str, *words: str) -> IncidentError:
    with pytest.raises(IncidentError) as raised:
        day.answer(what, person, *words)
    return raised.value


def report(day: Day, name: str, fields: dict[str, str], person: str = "jiang") -> Incident:
    found: Incident = day.run(day.incidents.report("3.4.3.1", name, person, fields, "西岭县"))
    return found


def test_the_approvals_follow_in_order_each_by_its_own_role(day):
    report(day, "special", SPECIAL)
    day.want(day.between(0, 0), trigger("3.4.3.1"))
    day.want(day.between(0, 0.1), told("qin", Purpose.APPROVAL))
    assert day.count(told("tang", Purpose.APPROVAL)) == 0  # not yet their turn
    early = refused(day, "approve", "tang")
    assert "市场经理" in early.of("zh")
    assert "秦市场" in early.of("zh")
    day.at(30)
    day.answer("approve", "qin", "情况属实")
    day.want(day.between(30, 30.1), event("approved", index=0), told("tang", Purpose.APPROVAL))
    assert "唐副经理" in refused(day, "approve", "qin").of("zh")
    day.at(50)
    day.answer("approve", "tang")
    day.want(day.between(50, 50.1), event("approved", index=1), told("jiang", Purpose.DECIDED))
    assert "全部批准" in refused(day, "approve", "tang").of("zh")
    assert [one.who for one in day.newest.report.decisions] == ["qin", "tang"]


def test_an_approval_in_the_evening_wakes_neither_the_next_nor_the_reporter(day):
    report(day, "special", SPECIAL)
    day.at("22:00")
    day.answer("approve", "qin")
    day.never(day.until("2026-11-26 08:29"), told("tang", Purpose.APPROVAL))
    day.want(day.between("2026-11-26 08:30", "2026-11-26 08:31"), told("tang", Purpose.APPROVAL))
    day.at("2026-11-26 22:00")
    day.answer("approve", "tang")
    day.never(day.until("2026-11-27 08:29"), told("jiang", Purpose.DECIDED))
    day.want(day.between("2026-11-27 08:30", "2026-11-27 08:31"), told("jiang", Purpose.DECIDED))


def test_a_refusal_says_why_and_ends_it(day):
    report(day, "special", SPECIAL)
    day.at(5)
    assert "理由" in refused(day, "refuse", "qin", " ").of("zh")
    day.answer("refuse", "qin", "紧俏品牌不补")
    day.want(day.between(5, 5.1), event("refused"), told("jiang", Purpose.DECIDED))
    assert "否决" in refused(day, "approve", "tang").of("zh")
    before = day.count(told())
    day.never(day.until("13:00"), told("tang", Purpose.APPROVAL))
    assert day.count(told()) == before  # nobody is paged for what will not be
    day.answer("close", "jiang", "已告知客户")


def test_a_larger_amount_is_for_a_higher_rank(day):
    report(day, "occasion", {**OCCASION, "cartons": "51"})
    day.at(1)
    assert day.count(told("he", Purpose.APPROVAL)) == 0
    said = refused(day, "approve", "he")
    assert "超过您的审批权限 50" in said.of("zh")
    assert "唐副经理" in said.of("zh")
    day.answer("approve", "tang")
    assert day.newest.report.decided


@pytest.mark.parametrize("person", ["he", "tang"])
def test_a_small_amount_is_for_either(day, person):
    report(day, "occasion", {**OCCASION, "cartons": "50"})
    day.want(day.between(0, 0.1), told("he", Purpose.APPROVAL), told("tang", Purpose.APPROVAL))
    day.answer("approve", person)
    assert day.newest.report.decided


def test_who_takes_too_long_has_a_head_who_hears_of_it(day):
    report(day, "special", SPECIAL)
    day.want(day.between(120, 120.1), told("gao", Purpose.APPROVAL))
    assert "秦市场" in refused(day, "approve", "gao").of("zh")  # a reminder makes nobody the approver


def test_the_reporter_is_on_record_and_not_paged_for_what_they_said(day):
    report(day, "occasion", OCCASION)
    day.never(day.until(59), told("jiang"))
    day.want(day.between(60, 60.1), told("chen"))  # the ladder is climbed as for an alarm
    day.want(day.between("2026-11-26 17:30", "2026-11-26 17:31"), overdue, told("jiang", Purpose.OVERDUE))


def test_the_same_report_sent_twice_is_one(day):
    first = report(day, "occasion", OCCASION)
    assert report(day, "occasion", OCCASION).code == first.code
    assert report(day, "occasion", {**OCCASION, "cartons": "21"}).code != first.code
    day.at(11)
    assert report(day, "occasion", OCCASION).code != first.code  # another wedding


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, ["客户名称、编号：没有填写", "数量（条）：没有填写"]),
        ({**OCCASION, "cartons": "二十"}, ["数量（条）：'二十' 不是数量"]),
        ({**OCCASION, "cartons": "-1"}, ["不是数量"]),
        ({**OCCASION, "cartons": "1_0"}, ["不是数量"]),
        ({**OCCASION, "cartons": "nan"}, ["不是数量"]),
        ({**OCCASION, "cartons": "inf"}, ["不是数量"]),
        ({**OCCASION, "brend": "甲"}, ["brend：没有这一项", "brand（品牌）"]),
        ({**OCCASION, "customer": "x" * 501}, ["超过 500 个字"]),
    ],
)
def test_what_is_wrong_with_a_report_is_said_at_once(day, fields, said):
    with pytest.raises(IncidentError) as raised:
        report(day, "occasion", fields)
    assert all(one in raised.value.of("zh") for one in said), raised.value.of("zh")
    assert day.incidents.list() == ()


@pytest.mark.parametrize(
    ("clause", "name", "person", "said"),
    [
        ("3.4.9", "occasion", "jiang", "预案没有 '3.4.9' 条"),
        ("3.4.3.1", "wedding", "jiang", "可以报告：occasion、special、consumer"),
        ("3.1.7", "down", "jiang", "只由报警启动"),
        ("3.4.3.1", "occasion", "nobody", "通讯录里没有"),
    ],
)
def test_a_report_that_there_is_not_says_what_there_is(day, clause, name, person, said):
    with pytest.raises(IncidentError) as raised:
        day.run(day.incidents.report(clause, name, person, OCCASION))
    assert said in raised.value.of("zh")


def test_a_warning_is_not_a_disaster_until_a_person_says_so(day):
    day.run(day.incidents.report("3.2.1", "disaster", "jin", {"what": "暴雨", "areas": "全市"}))
    assert day.newest.worst.level == "prepare"
    day.want(day.between(0, 0.1), told("yang"))
    assert "不由您确认" in refused(day, "confirm", "yang", "major").of("zh")
    assert "可以确认为：partial、major" in refused(day, "confirm", "sun", "extreme").of("zh")
    day.at(4)
    day.answer("confirm", "sun", "major")
    assert (day.newest.worst.level, day.newest.worst.severity) == ("major", "extreme")
    day.want(day.between(4, 4.1), event("confirmed", level="major"), told("yang", Purpose.WORSE))
    day.answer("confirm", "sun", "partial")  # it is graver already
    assert day.newest.worst.level == "major"
    day.restart()
    assert day.newest.worst.level == "major"


def test_a_level_is_not_confirmed_where_nobody_would_hear_of_it(day):
    """The warning is over, the damage is there: that is a report, and people are told of it."""
    warning = day.device("forecast", "ups")
    warning.source = msgspec.structs.replace(warning.source, kind="weather")
    warning.raises("weather-red")
    day.at(10)
    warning.raises("weather-red", active=False)
    day.at(12)
    assert "请另行报告" in refused(day, "confirm", "sun", "major").of("zh")
    assert not [one for one in day.newest.timeline if one.kind == "confirmed"]


def test_what_the_plan_fixes_no_person_raises(day):
    ups = day.device("ups-1", "ups")
    ups.says(ups_status="OB DISCHRG")
    assert "级别由预案规定" in refused(day, "confirm", "sun", "major").of("zh")
    assert "预案不要求审批" in refused(day, "approve", "sun").of("zh")


def test_an_accident_is_never_headquarters_by_itself(day):
    day.run(day.incidents.report("3.3.4", "accident", "jiang", {"vehicle": "甲", "position": "乙", "injured": "有"}))
    day.at("12:00")
    assert day.newest.worst.level == "partial"
    day.answer("confirm", "sun", "major")
    assert day.newest.worst.level == "major"


def test_smoke_opens_the_rooms_own_plan_beside_the_accident_and_both_end(day):
    room = day.device("room", "environment")
    room.raises("smoke")
    day.want(day.between(0, 0), trigger("2.1.2.7"), trigger("3.1.10"))
    room.raises("smoke")  # said again, by a restarted agent: another occurrence joins each
    day.restart()
    assert [one.clause for one in day.incidents.list()] == ["3.1.10", "2.1.2.7"]
    for one in day.incidents.list():
        assert len(one.symptoms) == 2
    room.raises("smoke", active=False)
    assert {sum(each.active for each in one.symptoms) for one in day.incidents.list()} == {1}


def test_a_kill_between_the_two_opens_the_second_at_the_next_word(day):
    room = day.device("room", "environment")
    room.raises("smoke")
    both = [one for one in day.journal.events_kept if one.kind == "opened"]
    day.journal.events_kept = [one for one in day.journal.events_kept if one.incident != both[1].incident]
    day.restart()
    assert [one.clause for one in day.incidents.list()] == ["2.1.2.7"]
    occurrence = day._raised[(*room.source.key, "smoke")]
    day.hear(Alarm(occurrence), room.source)
    assert sorted(one.clause for one in day.incidents.list()) == ["2.1.2.7", "3.1.10"]


def test_water_in_a_warehouse_has_its_own_plan(day):
    day.device("warehouse-water", "environment").raises("water")
    assert sorted(one.clause for one in day.incidents.list()) == ["2.1.2.7", "3.2.3"]


def test_a_message_of_a_report_says_who_reported_what_and_whom_to_call(day):
    found = report(day, "special", SPECIAL)
    names = {one.id: one.name for one in day.contacts.person}
    clause = day.plan.find("3.4.3.1")
    zh, en = (
        compose(found, clause, Purpose.APPROVAL, language, link="", utc_offset=28800.0, name=names.__getitem__).body
        for language in ("zh", "en")
    )
    for said in ("【请审批】", "报告人：蒋客户经理", "地点：西岭县", "数量（条）：20", "市场经理审核：待审批"):
        assert said in zh
    for said in (
        "Please approve: ",
        "Reported by: 蒋客户经理",
        "Cartons: 20",
        "The market manager reviews: waits for it",
    ):
        assert said in en


def test_a_safety_accidents_message_begins_with_safety(day):
    day.device("room", "environment").raises("smoke")
    accident = day.incidents.list()[-1]
    text = compose(accident, day.plan.find("2.1.2.7"), Purpose.PAGE, "zh", link="", utc_offset=28800.0)
    assert text.body.startswith("人身安全第一，先报119，勿独自进入")
    assert "人身安全第一" in text.subject


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["approve", "refuse", "confirm", "mine", "restart", "time", "clock"]),
            st.sampled_from(["qin", "tang", "he", "jiang", "sun"]),
        ),
        max_size=8,
    )
)
def test_whatever_people_try_the_order_stands_and_a_restart_changes_nothing(tries):
    day = Day("2026-11-25 10:00")
    try:
        report(day, "special", SPECIAL)
        for what, person in tries:
            if what == "restart":
                day.restart()
            elif what == "time":
                day._pass(day.clock.wall + 1800)
            elif what == "clock":
                day.clock_is_put(3600)
            else:
                words = {"refuse": ("不行",), "confirm": ("major",)}.get(what, ())
                with contextlib.suppress(IncidentError):
                    day.answer(what, person, *words)
            found = day.newest
            assert fold(day.journal.events_kept)[found.code] == found
            decisions = found.report.decisions
            assert [one.index for one in decisions] == list(range(len(decisions)))
            assert [one.who for one in decisions] == ["qin", "tang"][: len(decisions)]
            assert all(one.approved for one in decisions[:-1])
            assert all(found.opened <= one.at <= day.clock.wall for one in decisions)
    finally:
        day.close()


def test_what_wakes_nobody_wakes_nobody_by_its_repeats_rungs_and_limits_either(day):
    day.at("16:55")
    day.run(day.incidents.report("2.1.2.5", "fault", "deng", {"equipment": "分拣线", "symptom": "停机"}, "分拣车间"))
    day.want(day.between("16:55", "16:56"), told("yang"))
    day.want(day.between("17:25", "17:26"), told("zhu"))
    day.at("17:30:10")
    calls = [told(purpose=one) for one in (Purpose.PAGE, Purpose.WARNING, Purpose.OVERDUE)]
    before = [day.count(one) for one in calls]
    day.at("2026-11-26 08:29")
    assert [day.count(one) for one in calls] == before
    assert day.count(overdue) == 1  # it is on record all the same
    day.want(day.between("2026-11-26 08:30", "2026-11-26 08:31"), told("sun"), told("yang", Purpose.OVERDUE))


def test_what_a_person_has_said_to_be_graver_does_not_wait_for_the_morning(day):
    warning = day.device("forecast", "ups")
    warning.source = msgspec.structs.replace(warning.source, kind="weather")
    day.at("17:20")
    warning.raises("weather-warning")
    day.at("22:00")
    day.answer("confirm", "jin", "major")
    before = day.count(told("sun"))
    day.at("22:40")
    assert day.count(told("sun")) > before
