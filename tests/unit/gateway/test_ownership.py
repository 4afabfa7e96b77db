"""Who has it: hand over, accept, decline, lapse; ownership without progress ends. By timetable."""

import pytest
from msgspec.structs import replace

from contract.errors import IncidentError
from gateway.incident import IncidentState, Purpose, fold
from gateway.plan.model import Plan
from tests.unit.gateway import test_incidents as timetable
from tests.unit.gateway.test_incidents import SHIPPED, T0

MINUTE = 60


class Site(timetable.Site):
    """A site whose plan is the shipped one: owners are asked after half an hour."""

    plan = SHIPPED

    async def taken_by(self, person: str = "li") -> None:
        """Let the mains be lost, li be paged, and a person take it on, 40 s after the start."""
        await self.alarm("o1")
        await self.at(30)
        self.clock.wall = T0 + 40
        await self.incidents.mine("A10", person)


@pytest.fixture
def site() -> Site:
    return Site()


def purposes(told):
    return [(person, purpose) for person, purpose, _ in told]


async def test_a_handover_is_asked_and_the_taker_has_it_once_they_accept(site):
    await site.taken_by("li")
    await site.incidents.handover("A10", "li", "wang", "电工已到，等市电")
    assert purposes(await site.at(41)) == [("wang", Purpose.HANDOVER)]
    assert site.incidents.get("A10").owner == "li"  # until it is accepted
    assert await site.at(10 * MINUTE) == []
    await site.incidents.accept("A10", "wang")
    assert site.incidents.get("A10").owner == "wang"
    assert purposes(await site.at(10 * MINUTE + 1)) == [("li", Purpose.HANDED_OVER)]
    assert await site.at(30 * MINUTE) == []  # nobody else was ever called


@pytest.mark.parametrize("how", ["declined", "lapsed"])
async def test_a_handover_that_comes_to_nothing_goes_back_and_its_giver_has_to_say_that_they_have_it(site, how):
    await site.taken_by("li")
    await site.incidents.handover("A10", "li", "wang", "我下班了")
    at = 10 * MINUTE + 40
    assert purposes(await site.at(at - 1)) == [("wang", Purpose.HANDOVER)]
    if how == "declined":
        await site.incidents.decline("A10", "wang", "在外地")
    assert purposes(await site.at(at)) == [("li", Purpose.HANDED_BACK)]
    kind, words = site.incidents.get("A10").handover.answer, site.incidents.get("A10").handover.answer_words
    assert (kind, words) == (f"{how}-handover", "在外地" if how == "declined" else "")
    assert site.incidents.get("A10").owner == "li"
    assert await site.at(at + 10 * MINUTE - 1) == []
    told = purposes(await site.at(at + 10 * MINUTE))  # li went home: nobody has it
    assert told == [("li", Purpose.EXPIRED)]
    assert site.incidents.get("A10").state is IncidentState.OPEN
    assert ("wang", Purpose.PAGE) in purposes(await site.at(at + 15 * MINUTE))


async def test_a_giver_who_still_works_on_it_keeps_it(site):
    await site.taken_by("li")
    await site.incidents.handover("A10", "li", "wang", "换班")
    await site.at(41)
    await site.incidents.decline("A10", "wang")
    await site.at(60)
    await site.incidents.progress("A10", "li", "继续处理")
    assert await site.at(25 * MINUTE) == []


async def test_a_handover_is_told_anew_each_time_and_another_one_replaces_it(site):
    await site.taken_by("li")
    await site.incidents.handover("A10", "li", "wang", "换班")
    assert purposes(await site.at(41)) == [("wang", Purpose.HANDOVER)]
    await site.incidents.decline("A10", "wang")
    await site.incidents.handover("A10", "li", "wang", "请再考虑")  # at the same second
    assert ("wang", Purpose.HANDOVER) in purposes(await site.at(41))
    await site.incidents.handover("A10", "li", "zhao", "王值班不在")
    assert purposes(await site.at(42)) == [("zhao", Purpose.HANDOVER)]
    with pytest.raises(IncidentError, match="not being handed over to you"):
        await site.incidents.accept("A10", "wang")


async def test_the_giver_takes_it_back_and_the_taker_takes_it_with_the_usual_button(site):
    await site.taken_by("li")
    await site.incidents.handover("A10", "li", "wang", "换班")
    await site.incidents.mine("A10", "li")
    with pytest.raises(IncidentError, match="not being handed over"):
        await site.incidents.accept("A10", "wang")
    await site.incidents.handover("A10", "li", "wang", "换班")
    await site.incidents.mine("A10", "wang")
    assert site.kinds()[-1] == "accepted-handover"
    assert site.incidents.get("A10").owner == "wang"


async def test_who_takes_it_from_another_has_it_and_the_other_hears_of_it(site):
    await site.taken_by("li")
    await site.incidents.handover("A10", "li", "wang", "换班")
    await site.incidents.mine("A10", "zhao")
    assert purposes(await site.at(41)) == [("li", Purpose.HANDED_OVER)]
    assert site.incidents.get("A10").owner == "zhao"
    assert not site.incidents.get("A10").handover.pending


@pytest.mark.parametrize(
    ("act", "match"),
    [
        (lambda desk: desk.handover("A10", "wang", "zhao", "x"), "not yours: li has it"),
        (lambda desk: desk.handover("A10", "li", "li", "x"), "yours already"),
        (lambda desk: desk.handover("A10", "li", "wangg", "x"), "did you mean 'wang'"),
        (lambda desk: desk.handover("A10", "li", "wang", "  "), "needs a sentence"),
        (lambda desk: desk.accept("A10", "wang"), "not being handed over to you"),
        (lambda desk: desk.decline("A10", "wang"), "not being handed over to you"),
        (lambda desk: desk.progress("A10", "wang"), "not yours: li has it"),
        (lambda desk: desk.reopen("A10", "wang", "x"), "A10 is not closed"),
    ],
)
async def test_what_cannot_be_said_is_refused_with_the_way_out_and_leaves_no_event(site, act, match):
    await site.taken_by("li")
    before = site.kinds()
    with pytest.raises(IncidentError, match=match) as refused:
        await act(site.incidents)
    assert refused.value.hint
    assert site.kinds() == before


async def test_an_owner_who_is_not_heard_of_is_asked_once_and_then_the_ladder_is_climbed_on(site):
    await site.alarm("o1")
    await site.at(30)  # li
    await site.at(330)  # li again, and wang
    site.clock.wall = T0 + 400
    await site.incidents.mine("A10", "wang")
    asked = 400 + 30 * MINUTE
    assert await site.at(asked - 1) == []
    assert purposes(await site.at(asked)) == [("wang", Purpose.PROGRESS)]
    assert await site.at(asked + 10 * MINUTE - 1) == []
    expired = asked + 10 * MINUTE
    told = purposes(await site.at(expired))  # those who were told believe that wang has it
    assert told == [("wang", Purpose.EXPIRED), ("li", Purpose.PAGE)]
    incident = site.incidents.get("A10")
    assert (incident.owner, incident.expired, incident.state) == ("", "wang", IncidentState.OPEN)
    # 370 s of the ladder were climbed when it stood still: zhao's ten minutes are over 230 s later
    assert [person for person, _, _ in await site.at(expired + 229)] == []
    assert ("zhao", Purpose.PAGE) in purposes(await site.at(expired + 230))
    await site.incidents.mine("A10", "zhao")
    assert site.incidents.get("A10").expired == ""
    assert await site.at(expired + 29 * MINUTE) == []


@pytest.mark.parametrize("deed", ["progress", "note", "step"])
async def test_each_deed_of_the_owner_begins_their_time_anew(site, deed):
    await site.taken_by("li")
    for turn in range(1, 6):
        assert await site.at(40 + turn * 29 * MINUTE) == []
        if deed == "progress":
            await site.incidents.progress("A10", "li")
        elif deed == "note":
            await site.incidents.note("A10", "li", "仍在现场")
        else:
            await site.incidents.step("A10", "li", turn - 1)
    assert site.incidents.get("A10").owner == "li"


async def test_what_others_do_is_no_progress_of_the_owner(site):
    await site.taken_by("li")
    await site.at(29 * MINUTE)
    await site.incidents.note("A10", "wang", "看到了")
    await site.incidents.step("A10", "wang", 0)
    assert purposes(await site.at(31 * MINUTE)) == [("li", Purpose.PROGRESS)]


async def test_an_answer_to_the_question_stops_the_grace_and_the_next_silence_is_asked_for_again(site):
    await site.taken_by("li")
    asked = 40 + 30 * MINUTE
    await site.at(asked)
    site.clock.wall = T0 + asked + 60
    await site.incidents.progress("A10", "li", "更换保险")
    assert await site.at(asked + 60 + 30 * MINUTE - 1) == []
    assert purposes(await site.at(asked + 60 + 30 * MINUTE)) == [("li", Purpose.PROGRESS)]


async def test_a_ladder_that_everybody_was_on_is_climbed_again_for_nobody_has_it(site):
    await site.alarm("o1")
    for second in range(30, 3 * 3600, 30):
        await site.at(second)
    await site.incidents.mine("A10", "sun")
    silent = 3 * 3600 + 40 * MINUTE
    await site.at(silent - 10 * MINUTE)
    told = await site.at(silent)
    assert {person for person, _, _ in told} == {"li", "wang", "zhao", "chen", "sun"}


async def test_once_the_cause_is_gone_no_owner_is_asked(site):
    await site.taken_by("li")
    site.clock.wall = T0 + 100
    await site.alarm("o1", active=False)
    site.clock.wall = T0 + 165
    site.reads("OL")
    assert purposes(await site.at(170)) == [("li", Purpose.RECOVERY)]
    assert await site.at(10 * 3600) == []


async def test_a_finding_asks_nobody_and_a_clause_may_ask_never(site):
    site.clock.wall = T0
    await site.alarm("o1", "replace-battery")
    await site.incidents.mine("A10", "li")
    assert await site.at(60 * 3600) == []
    site.plan = Plan(tuple(replace(clause, progress=0.0) for clause in SHIPPED.clauses))
    site.restart()
    await site.alarm("o2")
    await site.incidents.progress("A10", "li")
    assert Purpose.PROGRESS not in {purpose for _, purpose, _ in await site.at(64 * 3600)}


async def test_a_restart_at_any_moment_resumes_every_one_of_these_timers(site):
    async def day(site, *, restarts: bool):
        await site.alarm("o1")
        for second in range(0, 9000, 20):
            if restarts:
                site.restart()
            await site.at(second)
            if second == 40:
                await site.incidents.mine("A10", "li")
            if second == 100:
                await site.incidents.handover("A10", "li", "wang", "换班")
            if second == 7000:
                await site.incidents.mine("A10", "zhao")
        return site.notifier.told

    assert await day(site, restarts=True) == await day(Site(), restarts=False)
    assert fold(site.journal.kept) == {"A10": site.incidents.get("A10")}
    assert {purpose for _, purpose, _ in site.notifier.told} >= {Purpose.HANDED_BACK, Purpose.EXPIRED}


async def test_the_timeline_says_which_rung_was_climbed(site):
    await site.alarm("o1")
    for second in range(0, 1300, 10):
        await site.at(second)
    climbed = [event for event in site.incidents.get("A10").timeline if event.kind == "escalated"]
    assert [(event.who, event.data["rung"], event.data["department"]) for event in climbed] == [
        ("wang", 1, "info-centre"),
        ("zhao", 2, "info-centre"),
        ("chen", 3, "marketing-centre"),
        ("sun", 4, "command-group"),
    ]
    before = [event.kind for event in site.incidents.get("A10").timeline]
    assert all(before[index + 1] == "message" for index, kind in enumerate(before) if kind == "escalated")
