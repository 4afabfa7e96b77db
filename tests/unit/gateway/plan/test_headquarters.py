"""The headquarters of a major incident, by timetable: who is called, who stands in, who is authorised."""

import contextlib
from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from timetable import CONFIG, Day, event, shipped, told, trigger

from contract.errors import ConfigError, IncidentError
from gateway.authorisation import Authorisation
from gateway.contacts import load_contacts
from gateway.event import Event
from gateway.incident import Purpose, fold
from gateway.notify.message import compose, facts
from gateway.plan.headquarters import acting, post_of

CALL, ACTING, COMMAND, DOWN = Purpose.HEADQUARTERS, Purpose.ACTING, Purpose.COMMAND, Purpose.STOOD_DOWN
ZHAO, GAO = "zhao", "gao"  # heads of the departments that clause 3.1.7 names


def crippled(day):
    """Both hosts are down."""
    pair = day.device("pair-1", "pair", room="机房")
    pair.raises("pair-down")
    return pair


def granted(**more):
    """The shipped contacts with an advance authorisation."""
    _, contacts = shipped()
    said = {
        "by": "sun",
        "person": ZHAO,
        "clauses": ("3.1.7",),
        "begins": date(2026, 11, 1),
        "until": date(2026, 12, 1),
        "reason": "出差",
    }
    return replace(contacts, authorisation=(Authorisation(**{**said, **more}),))


def test_head_and_deputies_are_called_at_once_at_any_hour(days):
    night = days("2026-11-28 03:00")  # a Saturday
    crippled(night)
    night.want(night.between(0, 0.1), trigger("3.1.7"), event("headquarters"), told("sun", CALL), told("liang", CALL))
    night.want(night.between(0, 0.1), told("li"))  # the ladder goes on beside it
    night.at(1)
    night.answer("seen", "sun")
    night.never(night.until(60), told("", ACTING), told("", COMMAND))
    assert post_of(night.newest).commander == "sun"
    assert post_of(night.newest).acting == ""


def test_the_head_is_away_and_the_deputy_answers(day):
    day.failing = {"sun"}
    crippled(day)
    day.want(day.between(0, 0.1), told("liang", CALL))
    day.at(1)
    day.answer("mine", "liang")
    day.never(day.until(30), told("", ACTING))
    assert post_of(day.newest).acting == ""


def test_nobody_answers_and_the_next_is_called_without_being_appointed(day):
    crippled(day)
    pause = day.plan.find("3.1.7").escalation.repeat / 60
    day.never(day.between(0, pause - 0.1), told("", ACTING))
    day.want(day.between(pause, pause + 0.1), told(ZHAO, ACTING))
    assert post_of(day.newest).acting == ZHAO
    assert post_of(day.newest).temporary == ""
    day.want(day.between(2 * pause, 2 * pause + 0.2), told(GAO, ACTING))
    day.answer("seen", GAO)
    assert post_of(day.newest).acting == GAO
    day.answer("seen", "sun")
    assert post_of(day.newest).acting == ""  # the commander is there


def test_whom_no_channel_reaches_is_not_waited_for(day):
    day.failing = {"sun", "liang", ZHAO}
    crippled(day)
    day.want(day.between(0, 0.1), told(ZHAO, ACTING), told(GAO, ACTING))
    assert post_of(day.newest).acting == GAO


def test_a_restart_in_between_calls_nobody_twice(day):
    crippled(day)
    day.at(1)
    day.restart()
    before = day.newest
    day.at(2)
    assert day.count(told("sun", CALL)) == 1
    assert day.count(event("headquarters")) == 1
    assert day.newest.headquarters == before.headquarters
    pause = day.plan.find("3.1.7").escalation.repeat / 60
    day.want(day.between(pause, pause + 0.1), told(ZHAO, ACTING))


def test_the_head_authorises_and_that_is_on_record(day):
    crippled(day)
    day.at(1)
    day.answer("authorise", "sun", ZHAO, "我在外地")
    day.want(day.between(1, 1.1), event("authorised", by="sun", person=ZHAO, advance=False), told(ZHAO, COMMAND))
    day.restart()
    post = post_of(day.newest)
    assert (post.temporary, post.by, post.reason, post.commander) == (ZHAO, "sun", "我在外地", "sun")
    day.never(day.until(30), told("", ACTING))  # the head has been heard of


@pytest.mark.parametrize(
    ("who", "whom", "why"),
    [
        ("li", ZHAO, "不由您下达"),
        (ZHAO, ZHAO, "不由您下达"),
        ("sun", "li", "不能担任"),  # no head
        ("sun", "song", "不能担任"),  # head of a department that has no part in it
        ("sun", "liang", "不能担任"),
        ("sun", "nobody", "通讯录里没有"),
    ],
)
def test_who_may_not_is_refused_with_a_sentence(day, who, whom, why):
    crippled(day)
    day.at(1)
    with pytest.raises(IncidentError) as refused:
        day.answer("authorise", who, whom)
    assert why in refused.value.of("zh")
    assert refused.value.of("en")
    assert post_of(day.newest).temporary == ""


def test_what_is_not_major_has_nobody_to_authorise(day):
    day.device("ups-1", "ups").says(ups_status="OB DISCHRG")
    day.at(1)
    with pytest.raises(IncidentError, match="not major"):
        day.answer("authorise", "sun", ZHAO)
    assert day.count(event("headquarters")) == 0


def test_an_advance_authorisation_takes_effect_and_ends_with_its_last_day(days):
    day = days("2026-12-01 23:50", contacts=granted())
    crippled(day)
    day.want(day.between(0, 0.1), event("authorised", by="sun", person=ZHAO, advance=True), told(ZHAO, COMMAND))
    assert post_of(day.newest).temporary == ZHAO
    day.want(day.between(10, 10.1), event("authorisation-ended", person=ZHAO))
    assert post_of(day.newest).temporary == ""


def test_an_advance_authorisation_begins_while_nobody_has_answered(days):
    day = days("2026-11-30 23:50", contacts=granted(begins=date(2026, 12, 1)))
    crippled(day)
    day.never(day.between(0, 9.9), event("authorised"))
    day.want(day.between(10, 10.1), event("authorised", person=ZHAO), told(ZHAO, COMMAND))


@pytest.mark.parametrize(
    "more",
    [
        {"until": date(2026, 11, 24)},
        {"begins": date(2026, 12, 1), "until": date(2026, 12, 5)},
        {"by": "li"},
        {"person": "li"},
        {"person": "song"},
        {"clauses": ("3.1.4",)},
    ],
)
def test_an_advance_authorisation_that_does_not_count_is_ignored(days, more):
    day = days("2026-11-25 10:00", contacts=granted(**more))
    crippled(day)
    day.never(day.until(30), event("authorised"), told("", COMMAND))
    assert post_of(day.newest).temporary == ""


def test_a_correction_of_the_clock_moves_the_headquarters_and_not_the_date(days):
    day = days("2026-11-25 10:00", contacts=granted())
    crippled(day)
    day.at(1)
    before = day.newest.headquarters
    day.clock_is_put(3600)
    after = day.newest.headquarters
    assert after.called == before.called + 3600
    assert after.authority.at == before.authority.at + 3600
    assert after.authority.until == before.authority.until


def test_a_level_that_a_person_confirms_calls_the_headquarters_and_a_lower_one_stands_it_down(day):
    day.run(day.incidents.report("3.3.4", "accident", "zhu", {"vehicle": "A1", "position": "318", "injured": "有"}))
    day.never(day.until(5), event("headquarters"), told("", CALL))  # never by itself
    day.answer("confirm", "sun", "major")
    day.want(day.between(5, 5.1), event("headquarters"), told("sun", CALL), told("liang", CALL))
    with pytest.raises(IncidentError) as refused:
        day.answer("lower", "zhu", "partial", "已处理")
    assert "不由您" in refused.value.of("zh")
    with pytest.raises(IncidentError, match="reason"):
        day.answer("lower", "sun", "partial", " ")
    with pytest.raises(IncidentError, match="cannot be lowered"):
        day.answer("lower", "sun", "major", "更高")
    day.at(8)
    day.answer("lower", "sun", "partial", "伤员已送医")
    day.want(day.between(8, 8.1), told("liang", DOWN))
    day.restart()
    day.never(day.between(8.2, 60), told("", DOWN), told("", ACTING), told("", CALL))
    assert day.newest.worst.level == "partial"
    assert post_of(day.newest) is None


def test_the_temporary_commander_lowers_and_a_flap_of_the_same_calls_nobody_again(day):
    pair = crippled(day)
    day.want(day.between(0, 0.1), told("sun", CALL), told("liang", CALL))
    day.at(1)
    day.answer("authorise", "liang", ZHAO)
    day.at(2)
    day.answer("lower", ZHAO, "partial", "业务已切换")
    day.want(day.between(2, 2.1), told("sun", DOWN), told("liang", DOWN))
    day.at(3)
    pair.raises("pair-down", active=False)
    day.at(3.5)
    pair.raises("pair-down")
    day.never(day.until(20), told("", CALL))
    pair.raises("pair-split")  # something else that is major
    day.want(day.between(20, 20.1), told("sun", CALL), told("liang", CALL))


def test_messages_and_facts_say_who_has_which_part(day):
    crippled(day)
    day.at(1)
    day.answer("authorise", "sun", ZHAO, "在外地")
    day.at(1.1)
    clause = day.plan.find("3.1.7")
    names = {one.id: one.name for one in day.contacts.person}
    for language, wanted in (
        ("zh", ("指挥长：孙副组长", "副指挥长：梁副组长", "临时指挥：赵主任")),
        ("en", ("Commander: ",)),
    ):
        text = compose(day.newest, clause, CALL, language, link="", utc_offset=28800.0, name=names.__getitem__)
        assert all(one in text.body for one in wanted)
    assert "请组成应急指挥部" in compose(day.newest, clause, CALL, "zh", link="", utc_offset=0.0).subject
    said = facts(day.newest, clause, CALL, link="")["headquarters"]
    assert (said["commander"], said["temporary"], said["by"]) == ("sun", ZHAO, "sun")


def written(begins, until):
    text = (CONFIG / "contacts.toml").read_text("utf-8")
    more = f'[[authorisation]]\nby = "sun"\nperson = "zhao"\nclauses = ["3.1.7"]\nfrom = {begins}\nuntil = {until}\n'
    return load_contacts(text + more)


def test_days_may_be_written_with_quotes_and_without():
    plain, quoted = written("2026-11-01", "2026-12-01"), written('"2026-11-01"', '"2026-12-01"')
    assert plain.authorisation == quoted.authorisation
    assert plain.authorisation[0].until == date(2026, 12, 1)


@pytest.mark.parametrize("until", ["2026-10-01", "2026-12-01T10:00:00", "20261201", '"soon"', "true"])
def test_what_is_no_day_is_said_with_its_line(until):
    with pytest.raises(ConfigError, match="until"):
        written("2026-11-01", until)


PEOPLE = ["sun", "liang", ZHAO, GAO, "li", "song", ""]
EVENTS = st.lists(
    st.one_of(
        st.builds(
            lambda by, person, advance: ("authorised", by, {"by": by, "person": person, "advance": advance}),
            st.sampled_from(PEOPLE),
            st.sampled_from(PEOPLE),
            st.booleans(),
        ),
        st.just(("headquarters", "", {"commander": "sun", "deputies": ["liang"]})),
        st.just(("authorisation-ended", "", {})),
        st.just(("confirmed", "sun", {"level": "partial", "lowered": True})),
        st.just(("confirmed", "sun", {"level": "major", "severity": "extreme", "rank": 4})),
        st.just(("cause-gone", "", {})),
        st.just(("closed", "li", {})),
        st.just(("reopened", "li", {})),
        st.builds(lambda who: ("seen", who, {}), st.sampled_from(PEOPLE)),
    ),
    max_size=25,
)


@given(EVENTS)
@settings(max_examples=200, deadline=None)
def test_there_is_never_a_temporary_commander_without_the_word_of_head_or_deputy(happened):
    symptom = {"id": "o1", "condition": "pair-down", "level": "major", "rank": 4}
    events = [Event(id=1, at=1.0, incident="A10", kind="opened", data={"clause": "3.1.7", "symptom": symptom})]
    for at, (kind, who, data) in enumerate(happened, 2):
        events.append(Event(id=at, at=float(at), incident="A10", kind=kind, who=who, data=data))
        incident = fold(events)["A10"]
        temporary = incident.headquarters.temporary
        given_by = [one for one in events if one.kind == "authorised" and one.data.get("by") in ("sun", "liang")]
        assert not temporary or any(one.data.get("person") == temporary for one in given_by)
        assert not temporary or incident.headquarters.called
        assert acting(incident) == "" or incident.headquarters.called


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["authorise", "lower", "seen", "mine"]),
            st.sampled_from(PEOPLE[:-1]),
            st.sampled_from(PEOPLE[:-1]),
        ),
        max_size=6,
    )
)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_people_try_only_head_and_deputy_appoint(tries):
    day = Day("2026-11-25 10:00")
    try:
        crippled(day)
        for minute, (what, who, whom) in enumerate(tries, 1):
            day.at(minute)
            words = {"authorise": (whom,), "lower": ("partial", "好转")}.get(what, ())
            with contextlib.suppress(IncidentError):
                day.answer(what, who, *words)
            hq = day.newest.headquarters
            if hq.temporary:
                assert hq.authority.by in ("sun", "liang")
                assert hq.temporary in {ZHAO, GAO}
    finally:
        day.close()
