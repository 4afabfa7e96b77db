"""Drills: the real chain, for practice. Nobody but the participants hears of one, and nothing real is touched by it."""

import asyncio

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from timetable import Clock, Day, Journal, RealClock, shipped

from contract.alarm import Alarm, Occurrence
from contract.errors import ConfigError, DrillError, IncidentError
from gateway.drill.desk import Drills
from gateway.drill.mail import ParticipantsOnly
from gateway.drill.play import Play
from gateway.drill.record import Record, drills
from gateway.drill.score import Verdict, report
from gateway.drill.script import Expectation, Input, Script, What, load_scripts, standard
from gateway.event import is_exercise
from gateway.incident import Purpose, Source
from gateway.plan.model import Words
from gateway.ports import Outcome

PLAN, CONTACTS = shipped()
PEOPLE = [person.id for person in CONTACTS.person]
CLAUSES = PLAN.clauses
UPS = Source(site="city", agent="order-room", device="ups-1", title="UPS", room="订单部", kind="ups")
TITLE = Words("停电演练", "Power cut")


class Teller:
    """Writes down whom it told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []

    async def tell(self, incident, clause, mail, person, *, again, report) -> None:
        assert clause.clause == incident.clause
        assert not again
        self.told.append((person.id, incident.code))
        await report(Outcome(channel="email", accepted=True, text=mail.id))


def script(*inputs, clause="3.1.1", **more):
    given = inputs or (Input(condition="on-battery"), Input(condition="on-battery", at=600.0, over=True))
    return Script(clause=clause, title=TITLE, input=tuple(given), **more)


class Practice:
    """One drill on a clock that is turned by hand."""

    def __init__(self, what, people, speed=1.0):
        self.clock, self.teller, self.journal = Clock(1_800_000_000.0), Teller(), Journal(lambda _event: None)
        expect = tuple(
            {"what": one.what.value, "within": one.within, "step": one.step, "who": one.who} for one in what.expect
        )
        self.record = Record(
            number=1,
            clause=what.clause,
            by="jiang",
            participants=tuple(people),
            speed=speed,
            started=self.clock.wall,
            expect=expect,
        )
        self.play = Play(self.record, what, PLAN, CONTACTS, self.journal, self.teller, self.clock)

    async def at(self, seconds):
        """Let so many seconds of the drill have passed."""
        while self.play.now < seconds:
            self.clock.turn(min(5.0, (seconds - self.play.now) / self.record.speed + 0.001))
            await self.play.look()
            await self.play.incidents.settled()
        await self.play.look()
        await self.play.incidents.settled()


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(CLAUSES), st.sets(st.sampled_from(PEOPLE)), st.sampled_from([1.0, 10.0, 60.0]))
def test_nobody_but_the_participants_ever_gets_a_message(clause, people, speed):
    async def practise():
        practice = Practice(standard(clause), people, speed)
        await practice.at(1900)
        return practice

    practice = asyncio.run(practise())
    assert {person for person, _ in practice.teller.told} <= people
    assert all(is_exercise(event.incident) for event in practice.journal.events_kept if event.incident)
    result = report(
        drills([*practice.journal.events_kept])[1] if practice.journal.events_kept else practice.record,
        practice.clock.wall,
    )
    assert {one.person for one in result.told if one.really} <= people


async def test_the_test_above_can_fail(monkeypatch):
    """A drill that hands every message on is found out."""

    async def careless(self, incident, clause, mail, person, *, again, report):
        await self._teller.tell(incident, clause, mail, person, again=again, report=report)

    monkeypatch.setattr(ParticipantsOnly, "tell", careless)
    practice = Practice(script(), ["wang"])
    await practice.at(60)
    assert not {person for person, _ in practice.teller.told} <= {"wang"}


async def test_what_others_would_have_been_told_is_in_the_report():
    practice = Practice(script(), ["wang"])
    await practice.at(700)
    told = report(drills(practice.journal.events_kept)[1], practice.clock.wall).told
    # who is first on call takes no part, and would have been told; the second was
    assert ("li", False) in {(one.person, one.really) for one in told}
    assert practice.teller.told[0] == ("wang", "DRILL1-A10")
    assert {one.person for one in told if one.really} == {"wang"}


async def test_a_drill_of_a_major_clause_calls_only_participants_to_the_headquarters():
    practice = Practice(standard(PLAN.find("3.1.7")), ["wang", "liang"])
    await practice.at(700)
    assert {person for person, _ in practice.teller.told} == {"wang", "liang"}
    incident = practice.play.incidents.get("DRILL1-A10")
    called = {mail.person for mail in incident.mails if mail.purpose is Purpose.HEADQUARTERS}
    assert called == {"sun", "liang"}  # on record: who would have been told too


async def test_it_is_scored():
    wanted = (
        Expectation(what=What.MINE, within=120.0),
        Expectation(what=What.STEP, within=300.0, step=1),
        Expectation(what=What.STEP, within=400.0, step=2),
        Expectation(what=What.CLOSED, within=1e6),
    )
    practice = Practice(script(expect=wanted), ["li"])
    await practice.at(100)
    await practice.play.incidents.mine("DRILL1-A10", "li")
    await practice.at(350)
    await practice.play.incidents.step("DRILL1-A10", "li", 0)
    await practice.at(500)
    result = report(_with(practice), practice.clock.wall)
    assert [line.verdict for line in result.lines] == [Verdict.MET, Verdict.LATE, Verdict.MISSED, Verdict.CUT]
    assert (result.met, result.counted) == (1, 3)
    assert [(one.person, one.what) for one in result.answers] == [("li", "mine"), ("li", "step")]


def _with(practice):
    found = drills(practice.journal.events_kept)[1]
    record = practice.record
    return msgspec.structs.replace(
        found, started=record.started, expect=record.expect, participants=record.participants
    )


async def test_time_runs_faster_for_the_drill_only():
    practice = Practice(script(), ["li", "wang"], speed=60.0)
    practice.clock.turn(6.0)  # six real seconds are six minutes
    await practice.play.look()
    await practice.play.incidents.settled()
    await practice.play.look()
    assert practice.play.now == pytest.approx(360.0)
    incident = practice.play.incidents.get("DRILL1-A10")
    assert incident.exercise


# ---- of a whole gateway


class Gateway:
    """The real incidents, and the drills beside them."""

    def __init__(self, scripts):
        self.day = Day("2026-11-25 10:00")
        self.day.journal = self.day.incidents._journal = Journal(lambda _event: None)
        self.teller, self.said = Teller(), []
        self.drills = Drills(
            self.day.incidents,
            PLAN,
            CONTACTS,
            scripts,
            self.day.journal,
            self.teller,
            RealClock(),
            self.say,
            version="abc",
        )

    async def say(self, person, what, record, more):
        self.said.append((person, what, record.code, more))

    async def until(self, done):
        async with asyncio.timeout(10):
            while not done():  # noqa: ASYNC110 - it runs on this machine's clock
                await asyncio.sleep(0.02)

    async def alarm(self, condition="on-battery"):
        stamp = self.day.clock.stamp()
        occurrence = Occurrence(id=f"o-{condition}", device="ups-1", condition=condition, since=stamp, raised=stamp)
        await self.day.incidents.on_alarm(Alarm(occurrence), UPS)


@pytest.fixture
def gateway():
    made = Gateway({"3.1.1": script(participants=("li", "wang"))})
    yield made
    made.day.close()


async def test_a_drill_from_its_beginning_to_its_end(gateway):
    record = await gateway.drills.start("3.1.1", "zhao", speed=600.0)
    await gateway.until(lambda: gateway.teller.told)
    code = gateway.teller.told[0][1]
    real = gateway.day.incidents  # a link or a command names the code, and comes to the right room
    await real.mine(code, "li")
    await gateway.until(lambda: real.get(code).checked is not None)
    await real.close(code, "li")
    await gateway.until(lambda: gateway.drills.running is None)
    result = await gateway.drills.report(record.number)
    assert (result.record.why, result.record.by, result.record.plan) == ("done", "zhao", "abc")
    assert [(who, what) for who, what, *_ in gateway.said] == [
        ("li", "begun"), ("wang", "begun"), ("li", "done"), ("wang", "done"),
    ]  # fmt: skip
    # no trace among the real ones, in memory or after a restart
    assert gateway.day.incidents.list() == ()
    await gateway.alarm()
    assert [one.code for one in gateway.day.incidents.list()] == ["A10"]
    gateway.day.incidents = gateway.day._made()
    await gateway.day.incidents.load()
    assert [one.code for one in gateway.day.incidents.list()] == ["A10"]


async def test_it_gives_way_to_a_real_alarm_at_once(gateway):
    record = await gateway.drills.start("3.1.1", "zhao")
    await gateway.until(gateway.drills.running.incidents.list)
    await gateway.alarm()
    await gateway.until(lambda: gateway.drills.running is None)
    result = await gateway.drills.report(record.number)
    assert (result.record.why, result.record.what) == ("real-alarm", "A10")
    assert ("li", "real-alarm", "DRILL1", "A10") in gateway.said


async def test_it_gives_way_to_what_is_opened_again_and_to_what_speaks_again(gateway):
    """Closed with a reason while it stood, or put aside: once people are told of it again, they must not be busy."""
    await gateway.alarm()
    await gateway.day.incidents.mark("o-on-battery", "put-aside", {"state": "shelved"})
    record = await gateway.drills.start("3.1.1", "zhao")  # what is put aside calls nobody
    await gateway.until(gateway.drills.running.incidents.list)
    await gateway.day.incidents.mark("o-on-battery", "annunciated", {"page_at": gateway.day.clock.wall})
    await gateway.until(lambda: gateway.drills.running is None)
    assert (await gateway.drills.report(record.number)).record.why == "real-alarm"
    await gateway.day.incidents.close("A10", "li", "检修")
    record = await gateway.drills.start("3.1.1", "zhao")
    await gateway.until(gateway.drills.running.incidents.list)
    await gateway.day.incidents.reopen("A10", "zhao", "仍未恢复")
    await gateway.until(lambda: gateway.drills.running is None)
    assert (await gateway.drills.report(record.number)).record.why == "real-alarm"


async def test_a_drill_that_breaks_does_not_keep_the_next_from_being_held(gateway, monkeypatch):
    async def broken(_self):
        raise IncidentError("a fault of the drill")

    with monkeypatch.context() as patch:
        patch.setattr(Play, "run", broken)
        await gateway.drills.start("3.1.1", "zhao")
        await gateway.until(lambda: gateway.drills.running is None)
    await gateway.drills.start("3.1.1", "zhao")
    await gateway.drills.close()


async def test_a_finding_does_not_end_it(gateway):
    await gateway.drills.start("3.1.1", "zhao")
    await gateway.alarm("replace-battery")
    await asyncio.sleep(0.3)
    assert gateway.drills.running is not None
    await gateway.drills.close()


async def test_none_begins_while_something_real_waits(gateway):
    await gateway.alarm()
    with pytest.raises(DrillError, match="A10 is real"):
        await gateway.drills.start("3.1.1", "zhao")
    await gateway.day.incidents.mine("A10", "li")
    await gateway.drills.start("3.1.1", "zhao")
    await gateway.drills.close()


async def test_a_restart_ends_it_and_says_so(gateway):
    await gateway.drills.start("3.1.1", "zhao", speed=10.0)
    await gateway.until(gateway.drills.running.incidents.list)
    await gateway.drills.close()
    gateway.said.clear()
    again = Drills(
        gateway.day.incidents, PLAN, CONTACTS, {}, gateway.day.journal, gateway.teller, RealClock(), gateway.say
    )
    await again.resume()
    assert ("wang", "restart", "DRILL1", "") in gateway.said
    assert (await again.report(1)).record.why == "restart"
    assert again.running is None


async def test_it_can_be_stopped(gateway):
    await gateway.drills.start("3.1.1", "zhao", speed=10.0)
    record = await gateway.drills.stop("zhao")
    assert (record.why, record.what) == ("stopped", "zhao")
    with pytest.raises(DrillError, match="no drill runs"):
        await gateway.drills.stop("zhao")


async def test_what_cannot_be_held_is_refused_with_a_sentence(gateway):
    with pytest.raises(DrillError, match="no clause"):
        await gateway.drills.start("9.9", "zhao")
    with pytest.raises(IncidentError, match="nobody here"):
        await gateway.drills.start("3.1.1", "nobody")
    with pytest.raises(IncidentError, match="nobody here"):
        await gateway.drills.start("3.1.1", "zhao", people=["gone"])
    with pytest.raises(DrillError, match="takes part"):
        await gateway.drills.start("3.1.5", "zhao")
    with pytest.raises(DrillError, match="times as fast"):
        await gateway.drills.start("3.1.1", "zhao", speed=0.0)
    await gateway.drills.start("3.1.1", "zhao")
    with pytest.raises(DrillError, match="DRILL1 runs"):
        await gateway.drills.start("3.1.1", "zhao")
    await gateway.drills.close()


# ---- the files


def test_every_mistake_of_a_drill_is_named_with_its_line():
    text = """clause = "3.1.1"
title = { zh = "演练", en = "Drill" }
participants = ["nobody"]
[[input]]
condition = "water"
[[expect]]
what = "step"
step = 99
within = "5m"
"""
    with pytest.raises(ConfigError) as error:
        load_scripts({"a.toml": text}, PLAN, PEOPLE)
    assert [(one.line, one.what.split(" ")[0]) for one in error.value.problems] == [
        (5, "'water'"),
        (3, "the"),
        (8, "clause"),
    ]
    with pytest.raises(ConfigError, match="no clause"):
        load_scripts(
            {"a.toml": 'clause = "9.9"\ntitle = { zh = "a", en = "b" }\n[[input]]\ncondition = "x"\n'}, PLAN, PEOPLE
        )


@pytest.mark.parametrize("clause", CLAUSES, ids=lambda clause: clause.clause)
async def test_every_clause_can_be_practised(clause):
    made = standard(clause)
    practice = Practice(made, ["li"])
    await practice.at(1)
    opened = practice.play.incidents.list()
    assert clause.clause in {one.clause for one in opened}  # and no clause that is about the same condition
    assert all(one.exercise for one in opened)
    assert made.expect


def test_an_input_is_a_condition_or_a_report_of_the_clause():
    text = """clause = "3.1.9"
title = { zh = "演练", en = "Drill" }
[[input]]
condition = "group-short"
[[input]]
report = "broke"
[[input]]
device = "collectors"
"""
    with pytest.raises(ConfigError) as error:
        load_scripts({"a.toml": text}, PLAN, PEOPLE)
    assert [(one.line, one.what) for one in error.value.problems] == [(7, "a condition, or a report?")]
    with pytest.raises(ConfigError) as error:
        load_scripts({"a.toml": text.rpartition("[[input]]")[0]}, PLAN, PEOPLE)
    said = [(one.line, one.what, one.hint) for one in error.value.problems]
    assert [line for line, *_ in said] == [4, 6]
    assert "name the device" in said[0][2]  # else clause 3.1.12 would be practised
    assert "has no report 'broke'" in said[1][1]
    right = (
        text.rpartition("[[input]]")[0]
        .replace('"broke"', '"broken"')
        .replace('group-short"', 'group-short"\ndevice = "scanners"')
    )
    assert load_scripts({"a.toml": right}, PLAN, PEOPLE)["3.1.9"].input[1].report == "broken"


async def test_what_people_report_is_practised_too():
    practice = Practice(
        Script(clause="3.4.3.1", title=TITLE, input=(Input(report="special", title="西岭县"),)), ["qin"]
    )
    await practice.at(5)
    assert [one.clause for one in practice.play.incidents.list()] == ["3.4.3.1"]
    assert [(who, code) for who, code in practice.teller.told if who == "qin"] == [("qin", "DRILL1-A10")]
