"""Who has it: hand over, accept, decline, lapse; ownership without progress ends. By timetable, in minutes."""

import pytest
from msgspec.structs import replace
from timetable import Day, event, shipped, told

from contract.errors import IncidentError
from gateway.incident import IncidentState, Purpose, fold
from gateway.plan.model import Plan

ON, OFF = "OL", "OB DISCHRG"


LIMITS = (Purpose.WARNING, Purpose.OVERDUE)


def heard(day, when):
    """Let the time pass; return who was told, and why, since the last time that this was asked; but of time limits."""
    before = getattr(day, "asked_to", 0)
    day.at(when)
    day.asked_to = len(day.happened)
    return [(one.who, one.purpose) for one in day.happened[before:] if one.what == "told" and one.purpose not in LIMITS]


def taken_by(day, person="li"):
    """Let the mains be lost, li be paged at 0.5, and a person take it on at 1."""
    ups = day.device("ups-1", "ups")
    ups.says(ups_status=OFF)
    assert heard(day, 1) == [("li", Purpose.PAGE)]
    day.answer("mine", person)
    return ups


def test_a_handover_is_asked_and_the_taker_has_it_once_they_accept(day):
    taken_by(day)
    day.answer("handover", "li", "wang", "电工已到，等市电")
    assert heard(day, 10.9) == [("wang", Purpose.HANDOVER)]
    assert day.newest.owner == "li"  # until it is accepted
    day.answer("accept", "wang")
    assert day.newest.owner == "wang"
    assert heard(day, 40.8) == [("li", Purpose.HANDED_OVER)]  # nobody else was ever called


@pytest.mark.parametrize("how", ["declined", "lapsed"])
def test_a_handover_that_comes_to_nothing_goes_back_and_its_giver_has_to_say_that_they_have_it(day, how):
    taken_by(day)
    day.answer("handover", "li", "wang", "我下班了")
    assert heard(day, 10.9) == [("wang", Purpose.HANDOVER)]
    if how == "declined":
        day.at(11 - 0.001)
        day.answer("decline", "wang", "在外地")
    day.want(day.between(10.9, 11), told("li", Purpose.HANDED_BACK))
    offer = day.newest.handover
    assert (offer.answer, offer.answer_words) == (f"{how}-handover", "在外地" if how == "declined" else "")
    assert day.newest.owner == "li"
    assert heard(day, 20.9) == [("li", Purpose.HANDED_BACK)]
    assert heard(day, 21.1) == [("li", Purpose.EXPIRED)]  # li went home: nobody has it
    assert day.newest.state is IncidentState.OPEN
    day.want(day.between(25.4, 25.6), told("wang"))


def test_a_giver_who_still_works_on_it_keeps_it(day):
    taken_by(day)
    day.answer("handover", "li", "wang", "换班")
    day.answer("decline", "wang")
    day.at(2)
    day.answer("progress", "li", "继续处理")
    assert heard(day, 31.9) == [("wang", Purpose.HANDOVER), ("li", Purpose.HANDED_BACK)]


def test_a_handover_is_told_anew_each_time_and_another_one_replaces_it(day):
    taken_by(day)
    day.answer("handover", "li", "wang", "换班")
    day.answer("decline", "wang")
    day.answer("handover", "li", "wang", "请再考虑")  # at the same second
    assert day.count(told("wang", Purpose.HANDOVER)) == 2
    day.answer("handover", "li", "zhao", "王值班不在")
    assert day.count(told("zhao", Purpose.HANDOVER)) == 1
    with pytest.raises(IncidentError, match="not being handed over to you"):
        day.answer("accept", "wang")


def test_the_giver_takes_it_back_and_the_taker_takes_it_with_the_usual_button(day):
    taken_by(day)
    day.answer("handover", "li", "wang", "换班")
    day.answer("mine", "li")
    with pytest.raises(IncidentError, match="not being handed over"):
        day.answer("accept", "wang")
    day.answer("handover", "li", "wang", "换班")
    day.answer("mine", "wang")
    assert day.newest.owner == "wang"
    assert day.count(event("accepted-handover")) == 1


def test_who_takes_it_from_another_has_it_and_the_other_hears_of_it(day):
    taken_by(day)
    day.answer("handover", "li", "wang", "换班")
    day.answer("mine", "zhao")
    assert day.count(told("li", Purpose.HANDED_OVER)) == 1
    assert day.newest.owner == "zhao"
    assert not day.newest.handover.pending


@pytest.mark.parametrize(
    ("verb", "said", "match"),
    [
        ("handover", ("wang", "zhao", "x"), "not yours: li has it"),
        ("handover", ("li", "li", "x"), "yours already"),
        ("handover", ("li", "wangg", "x"), "did you mean 'wang'"),
        ("handover", ("li", "wang", "  "), "needs a sentence"),
        ("accept", ("wang",), "not being handed over to you"),
        ("decline", ("wang",), "not being handed over to you"),
        ("progress", ("wang",), "not yours: li has it"),
        ("reopen", ("wang", "x"), "A10 is not closed"),
    ],
)
def test_what_cannot_be_said_is_refused_with_the_way_out_and_leaves_no_event(day, verb, said, match):
    taken_by(day)
    before = len(day.happened)
    with pytest.raises(IncidentError, match=match) as refused:
        day.answer(verb, *said)
    assert refused.value.hint
    assert len(day.happened) == before


def test_an_owner_who_is_not_heard_of_is_asked_once_and_then_the_ladder_is_climbed_on(day):
    day.device("ups-1", "ups").says(ups_status=OFF)
    assert heard(day, 6.5) == [("li", Purpose.PAGE), ("li", Purpose.PAGE), ("wang", Purpose.PAGE)]
    day.answer("mine", "wang")
    assert heard(day, 36.4) == []
    assert heard(day, 46.4) == [("wang", Purpose.PROGRESS)]  # at 36.5
    # at 46.5 it is nobody's; those who were told believe that wang has it
    assert heard(day, 46.6) == [("wang", Purpose.EXPIRED), ("li", Purpose.PAGE)]
    assert (day.newest.owner, day.newest.expired, day.newest.state) == ("", "wang", IncidentState.OPEN)
    # six of zhao's ten minutes were over when the ladder stood still
    assert heard(day, 50.4) == []
    assert heard(day, 50.6) == [("zhao", Purpose.PAGE), ("chen", Purpose.PAGE)]
    day.answer("mine", "zhao")
    assert day.newest.expired == ""
    assert heard(day, 80.5) == []


@pytest.mark.parametrize("deed", ["progress", "note", "step"])
def test_each_deed_of_the_owner_begins_their_time_anew(day, deed):
    taken_by(day)
    for turn in range(1, 6):
        assert heard(day, 1 + turn * 29) == []
        day.answer(deed, "li", *{"progress": (), "note": ("仍在现场",), "step": (turn - 1,)}[deed])
    assert day.newest.owner == "li"


def test_what_others_do_is_no_progress_of_the_owner(day):
    taken_by(day)
    day.at(30)
    day.answer("note", "wang", "看到了")
    day.answer("step", "wang", 0)
    day.want(day.between(31, 31), told("li", Purpose.PROGRESS))


def test_an_answer_to_the_question_stops_the_grace_and_the_next_silence_is_asked_for_again(day):
    taken_by(day)
    day.want(day.between(31, 31), told("li", Purpose.PROGRESS))
    day.at(32)
    day.answer("progress", "li", "更换保险")
    day.want(day.between(62, 62), told("li", Purpose.PROGRESS))
    assert day.count(event("owner-expired")) == 0


def test_a_question_that_no_channel_took_is_asked_again_within_the_grace(day):
    taken_by(day)
    day.failing = {"li"}
    assert heard(day, 40.9) == [("li", Purpose.PROGRESS)] * 2
    day.want(day.between(41, 41), event("owner-expired"))


def test_a_ladder_that_everybody_was_on_is_climbed_again_for_nobody_has_it(day):
    day.device("ups-1", "ups").says(ups_status=OFF)
    day.at(180)
    day.answer("mine", "sun")
    day.at(219.9)
    assert {who for who, _ in heard(day, 220.1)} == {"li", "wang", "zhao", "chen", "sun"}


def test_an_owner_who_cannot_be_told_that_it_is_worse_stays_in_the_dark_though_they_were_asked(day):
    ups = taken_by(day)
    day.failing = {"li"}
    day.at(30)
    ups.says(ups_status="OB LB DISCHRG")
    day.want(day.between(30, 30.1), told("li", Purpose.WORSE), told("wang"))
    day.want(day.between(35, 35.1), told("li", Purpose.WORSE), told("wang"))
    day.want(day.between(60, 60.1), told("li", Purpose.PROGRESS))  # the owner's time began anew
    day.at(61)
    before = day.count(told("sun"))
    day.at(70.2)
    assert day.count(event("owner-expired")) == 1
    assert day.count(told("sun")) > before  # and who was called before is called again


def test_once_the_cause_is_gone_no_owner_is_asked(day):
    ups = taken_by(day)
    ups.says(ups_status=ON)
    assert heard(day, 600) == [("li", Purpose.RECOVERY)]


def test_a_finding_asks_nobody_and_a_clause_may_ask_never():
    plan, contacts = shipped()
    never = Plan(tuple(replace(clause, progress=0.0) for clause in plan.clauses))
    for a_plan, condition in ((plan, "replace-battery"), (never, "on-battery")):
        day = Day(plan=a_plan, contacts=contacts)
        day.device("ups-1", "ups").raises(condition)
        day.answer("mine", "li")
        day.at(3000)
        assert day.count(told("li", Purpose.PROGRESS)) == 0, condition
        day.close()


def test_a_restart_at_any_moment_resumes_every_one_of_these_timers():
    def played(*, restarts):
        day = Day()
        day.device("ups-1", "ups").says(ups_status=OFF)
        for turn in range(300):
            if restarts:
                day.restart()
            day.at(turn * 0.5)
            said = {2: ("mine", "li"), 4: ("handover", "li", "wang", "换班"), 240: ("mine", "zhao")}.get(turn)
            if said:
                day.answer(*said)
        happened = [(one.at, one.what, one.who, one.purpose) for one in day.happened if one.what == "told"]
        assert fold(day.journal.events_kept) == {"A10": day.newest}
        day.close()
        return happened

    calm = played(restarts=False)
    assert played(restarts=True) == calm
    assert {purpose for _, _, _, purpose in calm} >= {Purpose.HANDED_BACK, Purpose.EXPIRED, Purpose.HANDOVER}


def test_a_clock_that_is_put_right_changes_none_of_these_timers(day):
    taken_by(day)
    day.answer("handover", "li", "wang", "换班")
    day.at(5)
    day.clock_is_put(-7200)
    day.want(day.between(11, 11), event("lapsed-handover"))
    day.clock_is_put(+3600)
    day.want(day.between(21, 21), event("owner-expired"))


def test_the_timeline_says_which_rung_was_climbed(day):
    day.device("ups-1", "ups").says(ups_status=OFF)
    day.at(21)
    climbed = [one for one in day.happened if one.what == "escalated"]
    assert [(one.who, one.data["rung"], one.data["department"]) for one in climbed] == [
        ("wang", 1, "info-centre"),
        ("zhao", 2, "info-centre"),
        ("chen", 3, "marketing-centre"),
        ("sun", 4, "command-group"),
    ]
    kinds = [one.kind for one in day.newest.timeline]
    assert all(kinds[index + 1] == "message" for index, kind in enumerate(kinds) if kind == "escalated")
