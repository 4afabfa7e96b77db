"""Incidents by timetable: a clock turned by hand, a journal in memory, a notifier that writes down whom it told."""

import pathlib
from collections.abc import Mapping

import pytest
from in_memory import Journal
from msgspec.structs import replace

from contract.alarm import Alarm, Occurrence, Standing
from contract.clock import Stamp
from contract.condition import Condition, Severity, Test
from contract.errors import IncidentError, StorageError
from contract.reading import Quality, Reading
from gateway.contacts import load_contacts
from gateway.incident import Incident, IncidentState, Purpose, Source, fold
from gateway.incidents import Incidents
from gateway.plan.decide import Latest
from gateway.plan.loader import load_plan
from gateway.plan.model import Plan
from gateway.ports import Outcome

CONFIG = pathlib.Path(__file__).parents[3] / "config"
CONTACTS = load_contacts((CONFIG / "contacts.toml").read_text("utf-8"))
SHIPPED = load_plan({"3.1.toml": (CONFIG / "plan" / "3.1.toml").read_text("utf-8")}, CONTACTS.departments)
PLAN = Plan(
    tuple(
        replace(one, progress=0.0, step=tuple(replace(step, within=None) for step in one.step))
        for one in SHIPPED.clauses
    )
)
"""Owners are not asked how far they are, and steps have no limits: those are ``test_ownership`` and ``test_limits``."""
T0 = 1_800_000_000.0  # Friday 2027-01-15, 16:00 in China
UPS = Source(site="city", agent="order-room", device="ups-1", title="订单部 UPS", room="订单部", kind="ups")
ON_BATTERY = Condition(name="on-battery", quantity="ups.status", test=Test.HAS, flag="OB")


class Clock:
    """A clock that only the test turns."""

    def __init__(self) -> None:
        self.wall = T0

    def stamp(self) -> Stamp:
        return Stamp(self.wall, self.wall - T0, "boot", trusted=True)

    def boottime(self) -> float:
        return self.wall - T0


class Facts:
    """The readings that the test lays down."""

    def __init__(self) -> None:
        self.readings: dict[str, Latest] = {}

    def latest(self, source: Source, quantity: str) -> Latest | None:
        assert source.key == UPS.key
        return self.readings.get(quantity)

    def conditions(self, source: Source) -> Mapping[str, Condition]:
        assert source.key == UPS.key
        return {"on-battery": ON_BATTERY}


class Notifier:
    """Writes down whom it told; answers as the test wishes."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Purpose, bool]] = []
        self.failing: set[str] = set()
        self.silent = False

    async def tell(self, incident, clause, mail, person, *, again, report) -> None:
        assert clause.clause == incident.clause
        self.told.append((person.id, mail.purpose, again))
        if self.silent:
            return
        failed = person.id in self.failing
        await report(Outcome(channel="email", accepted=not failed, text="250 OK", last=failed))


class Site:
    """All of it, and the verbs of a timetable."""

    plan = PLAN

    def __init__(self) -> None:
        self.clock, self.journal, self.facts, self.notifier = Clock(), Journal(), Facts(), Notifier()
        self.standings: list[tuple[str, str, Standing]] = []
        self.restart()

    def restart(self) -> None:
        self.incidents = Incidents(
            self.journal,
            self.plan,
            CONTACTS,
            self.notifier,
            self.clock,
            self.facts,
            on_standing=lambda *standing: self.standings.append(standing),
        )

    async def at(self, seconds: float) -> list[tuple[str, Purpose, bool]]:
        """Let the time be T0 + seconds, do what is due, and return who was told."""
        self.clock.wall = T0 + seconds
        before = len(self.notifier.told)
        await self.incidents.tick()
        await self.incidents.settled()
        await self.incidents.tick()
        await self.incidents.settled()
        return self.notifier.told[before:]

    async def alarm(self, name: str, condition: str = "on-battery", *, active: bool = True, **more) -> None:
        occurrence = Occurrence(
            id=name,
            device="ups-1",
            condition=condition,
            severity=Severity.SEVERE,
            active=active,
            quantity="ups.status",
            value=("DISCHRG", "OB"),
            **more,
        )
        await self.incidents.on_alarm(Alarm(occurrence), UPS)

    def reads(self, *flags: str, quality: Quality = Quality.GOOD) -> None:
        self.facts.readings["ups.status"] = Latest(Reading("ups.status", flags, quality), self.clock.wall)

    def kinds(self, code: str = "A10") -> list[str]:
        return [event.kind for event in self.incidents.get(code).timeline]


@pytest.fixture
def site() -> Site:
    return Site()


async def test_the_main_job_from_mains_lost_to_closed(site):
    await site.alarm("o1")
    incident = site.incidents.get("A10")
    assert (incident.clause, incident.state, incident.opened) == ("3.1.1", IncidentState.OPEN, T0)
    assert incident.deadline == T0 + 5 * 3600

    assert await site.at(29) == []
    assert await site.at(30) == [("li", Purpose.PAGE, False)]
    assert await site.at(100) == []
    await site.incidents.seen("a10", "li")
    assert await site.at(330) == [("wang", Purpose.PAGE, False)]  # seen stops the repeats to li, not the escalation
    await site.incidents.mine("A10", "wang")
    assert site.incidents.get("A10").state is IncidentState.OWNED
    assert await site.at(3600) == []

    site.clock.wall = T0 + 3700
    await site.alarm("o1", active=False)
    assert await site.at(3700) == []  # over, as far as the alarm says; people hear it when it is checked
    with pytest.raises(IncidentError, match="not yet checked"):
        await site.incidents.close("A10", "wang")
    site.reads("OL")
    await site.at(3730)
    assert site.incidents.get("A10").state is IncidentState.GONE
    site.clock.wall = T0 + 3755
    site.reads("CHRG", "OL")
    assert await site.at(3761) == [("li", Purpose.RECOVERY, False), ("wang", Purpose.RECOVERY, False)]
    incident = site.incidents.get("A10")
    assert incident.state is IncidentState.CHECKED
    checked = next(event for event in incident.timeline if event.kind == "checked")
    assert checked.data == {"evidence": {"ups.status": ["CHRG", "OL"]}}
    await site.at(4000)
    assert site.incidents.get("A10").state is IncidentState.CHECKED  # a person closes what people were told of
    assert (await site.incidents.close("A10", "wang")).state is IncidentState.CLOSED
    assert site.standings == [
        ("o1", "order-room", Standing.TOLD),
        ("o1", "order-room", Standing.OWNED),
    ]
    assert site.kinds() == [
        "opened", "message", "accepted", "seen", "escalated", "message", "accepted", "mine", "ended", "cause-gone",
        "checked", "message", "message", "accepted", "accepted", "closed",
    ]  # fmt: skip


async def test_accepted_alone_never_stops_the_escalation(site):
    await site.alarm("o1")
    told = [(second, person) for second in range(0, 3700, 10) for person, _, _ in await site.at(second)]
    assert [person for _, person in told[:7]] == ["li", "li", "wang", "li", "wang", "zhao", "chen"]
    assert [second for second, person in told if person == "li"] == [30, 330, 630, 930]
    assert (1230, "sun") in told


async def test_a_restart_in_the_middle_resumes_every_timer(site):
    for second in range(0, 5000, 5):
        if second == 0:
            await site.alarm("o1")
        site.restart()
        site.clock.wall = T0 + second
        await site.at(second)
    restarted = site.notifier.told
    calm = Site()
    await calm.alarm("o1")
    for second in range(0, 5000, 5):
        await calm.at(second)
    assert restarted == calm.notifier.told
    assert len(restarted) > 10


async def test_a_message_whose_outcome_is_unknown_goes_again_once_and_says_so(site):
    await site.alarm("o1")
    site.notifier.silent = True
    assert await site.at(30) == [("li", Purpose.PAGE, False)]
    site.notifier.silent = False
    site.restart()
    assert await site.at(31) == [("li", Purpose.PAGE, True)]
    site.restart()
    assert await site.at(32) == []


async def test_a_gateway_that_crashes_again_and_again_sends_one_extra_message_and_then_asks_the_next_person(site):
    await site.alarm("o1")
    site.notifier.silent = True
    assert await site.at(30) == [("li", Purpose.PAGE, False)]
    site.restart()
    assert await site.at(31) == [("li", Purpose.PAGE, True)]
    site.restart()
    assert await site.at(32) == [("wang", Purpose.PAGE, False)]
    site.restart()
    assert await site.at(33) == [("wang", Purpose.PAGE, True)]


async def test_a_fleeting_one_pages_nobody_and_closes_itself_after_the_check(site):
    await site.alarm("o1")
    site.clock.wall = T0 + 20
    await site.alarm("o1", active=False)
    assert await site.at(40) == []
    site.reads("OL")
    await site.at(79)
    assert site.incidents.get("A10").state is IncidentState.GONE
    assert await site.at(81) == []
    assert site.kinds() == ["opened", "ended", "cause-gone", "checked", "closed"]


@pytest.mark.parametrize("how", ["nothing", "stale", "unknown", "still on battery"])
async def test_nothing_is_checked_by_silence_or_by_doubtful_readings(site, how):
    await site.alarm("o1")
    site.clock.wall = T0 + 20
    if how == "stale":
        site.reads("OL")
    await site.alarm("o1", active=False)
    site.clock.wall = T0 + 85
    if how == "unknown":
        site.reads("OL", quality=Quality.IMPLAUSIBLE)
    elif how == "still on battery":
        site.reads("OB")
    await site.at(90)
    await site.at(1000)
    assert site.incidents.get("A10").state is IncidentState.GONE


async def test_repeats_of_an_alarm_change_nothing(site):
    for _ in range(5):
        await site.alarm("o1")
    await site.at(30)
    for _ in range(5):
        await site.alarm("o1")
    assert len(site.incidents.list()) == 1
    assert site.kinds() == ["opened", "message", "accepted"]
    await site.alarm("o1", active=False)
    await site.alarm("o1", active=False)
    assert site.kinds().count("cause-gone") == 1


async def test_what_ended_before_it_was_seen_opens_nothing(site):
    await site.alarm("o1", active=False)
    assert site.incidents.list() == ()


async def test_what_the_plan_does_not_name_opens_nothing(site):
    await site.alarm("o1", "colour-wrong")
    assert site.incidents.list() == ()


async def test_further_trouble_of_the_device_joins_and_is_told_only_if_worse(site):
    await site.alarm("o1")
    await site.at(30)
    await site.incidents.mine("A10", "li")
    await site.alarm("o2", "overload")  # as bad as what they know
    assert await site.at(70) == []
    await site.alarm("o3", "low-battery")
    assert await site.at(71) == [("li", Purpose.WORSE, False)]
    assert await site.at(72) == []
    assert len(site.incidents.list()) == 1
    assert [symptom.condition for symptom in site.incidents.get("A10").symptoms] == [
        "on-battery",
        "overload",
        "low-battery",
    ]
    assert site.standings[-1] == ("o3", "order-room", Standing.OWNED)


async def test_who_saw_the_lesser_trouble_hears_of_the_graver_one_though_another_was_paged_for_it_first(site):
    await site.alarm("o1", "card-blind")
    assert await site.at(120) == [("li", Purpose.PAGE, False)]
    await site.incidents.seen("A10", "li")
    site.clock.wall = T0 + 400
    await site.alarm("o2", "over-temperature")  # people wait two minutes for it
    assert await site.at(420) == [("wang", Purpose.PAGE, False)]
    assert await site.at(519) == []
    assert await site.at(520) == [("li", Purpose.WORSE, False)]
    assert await site.at(521) == []


async def test_an_owner_who_cannot_be_told_that_it_is_worse_is_tried_again_and_others_are_told(site):
    await site.alarm("o1")
    await site.at(30)
    await site.incidents.mine("A10", "li")
    site.notifier.failing = {"li"}
    await site.alarm("o2", "low-battery")
    assert await site.at(60) == [("li", Purpose.WORSE, False), ("wang", Purpose.PAGE, False)]
    assert await site.at(61) == []
    assert await site.at(360) == [("li", Purpose.WORSE, False), ("wang", Purpose.PAGE, False)]
    site.notifier.failing = set()
    assert (await site.at(660))[0] == ("li", Purpose.WORSE, False)
    assert await site.at(3000) == []  # the owner knows: nobody climbs on
    site.restart()
    assert await site.at(3001) == []


async def test_an_owner_whom_no_page_reached_stops_the_escalation_all_the_same(site):
    site.notifier.failing = {"li"}
    await site.alarm("o1")
    await site.at(30)
    await site.incidents.mine("A10", "li")  # seen on the board
    assert await site.at(4000) == []


@pytest.mark.parametrize("purpose", [Purpose.OVERDUE, Purpose.RECOVERY])
async def test_what_no_channel_took_goes_again_a_few_times_and_comes_once(site, purpose):
    await site.alarm("o1")
    await site.at(30)
    await site.incidents.mine("A10", "li")
    at = 5 * 3600
    if purpose is Purpose.RECOVERY:
        at = 165
        site.clock.wall = T0 + 100
        await site.alarm("o1", active=False)
        site.clock.wall = T0 + at
        site.reads("OL")
    site.notifier.failing = {"li"}
    told = [
        (second, why) for second in range(at, at + 3600, 30) for who, why, _ in await site.at(second) if who == "li"
    ]
    assert told == [(at + 300 * again, purpose) for again in range(4)]
    site.restart()
    site.notifier.failing = set()
    assert await site.at(at + 7200) == []


async def test_what_no_channel_took_comes_once_they_work_again(site):
    await site.alarm("o1")
    await site.at(30)
    await site.incidents.mine("A10", "li")
    site.notifier.failing = {person.id for person in CONTACTS.person}
    late = 5 * 3600
    assert {who for who, _, _ in await site.at(late)} == {"li", "sun"}
    site.notifier.failing = set()
    assert await site.at(late + 299) == []
    assert await site.at(late + 300) == [("li", Purpose.OVERDUE, False), ("sun", Purpose.OVERDUE, False)]
    assert await site.at(late + 3600) == []


async def test_the_log_names_the_alarm_that_joined_and_the_one_that_ended(site, caplog):
    caplog.set_level("INFO")
    await site.alarm("o1")
    await site.alarm("o2", "low-battery")
    await site.alarm("o1", active=False)
    said = [line for line in caplog.messages if line.endswith((": joined", ": ended"))]
    assert len(said) == 2
    assert "low-battery" in said[0]
    assert "on-battery" in said[1]


async def test_the_cause_is_gone_only_when_all_of_it_is(site):
    await site.alarm("o1")
    await site.alarm("o2", "low-battery")
    await site.alarm("o1", active=False)
    assert site.incidents.get("A10").state is IncidentState.OPEN
    await site.alarm("o2", active=False)
    assert site.incidents.get("A10").state is IncidentState.GONE


async def test_trouble_that_comes_back_once_it_was_checked_begins_a_new_round(site):
    await site.alarm("o1")
    await site.at(30)
    await site.incidents.mine("A10", "li")
    await site.incidents.step("A10", "li", 0)
    site.clock.wall = T0 + 40
    await site.alarm("o1", active=False)
    site.clock.wall = T0 + 95
    site.reads("OL")
    assert await site.at(101) == [("li", Purpose.RECOVERY, False)]
    site.clock.wall = T0 + 110
    await site.alarm("o2")
    again = site.incidents.get("A10")
    assert (again.state, again.owner, again.steps) == (IncidentState.OPEN, "", ())
    assert again.deadline == T0 + 110 + 5 * 3600
    assert await site.at(139) == []
    assert await site.at(140) == [("li", Purpose.PAGE, False)]
    assert len(site.incidents.list()) == 1


async def test_trouble_that_comes_back_long_after_begins_a_new_round_though_nothing_was_checked(site):
    await site.alarm("o1")
    await site.at(30)
    await site.incidents.mine("A10", "li")
    site.clock.wall = T0 + 40
    await site.alarm("o1", active=False)
    site.clock.wall = T0 + 40 + 600
    await site.alarm("o2")
    assert site.incidents.get("A10").owner == ""
    assert await site.at(670) == [("li", Purpose.PAGE, False)]


async def test_a_mains_that_flaps_is_one_round_and_keeps_its_owner(site):
    told = []
    for at in range(0, 600, 30):  # 20 s on battery, 10 s on mains
        site.clock.wall = T0 + at
        await site.alarm(f"o{at}")
        told += await site.at(at)
        if at == 60:
            await site.incidents.mine("A10", "li")
        site.clock.wall = T0 + at + 20
        await site.alarm(f"o{at}", active=False)
        told += await site.at(at + 20)
    assert told == [("li", Purpose.PAGE, False)]  # at 30 s, though it never stood for 30 s
    assert site.incidents.get("A10").owner == "li"
    assert len(site.incidents.list()) == 1


async def test_a_flap_that_nobody_owns_still_escalates(site):
    told = []
    for at in range(0, 1300, 30):
        site.clock.wall = T0 + at
        await site.alarm(f"o{at}")
        told += await site.at(at)
        site.clock.wall = T0 + at + 20
        await site.alarm(f"o{at}", active=False)
        told += await site.at(at + 20)
    assert {person for person, _, _ in told} == {"li", "wang", "zhao", "chen", "sun"}
    assert {purpose for _, purpose, _ in told} == {Purpose.PAGE}


async def test_after_closing_new_trouble_is_a_new_incident(site):
    await site.alarm("o1")
    await site.incidents.close("A10", "li", "drill by hand")
    await site.alarm("o1")
    await site.alarm("o2")
    assert [incident.code for incident in site.incidents.list()] == ["B10", "A10"]


async def test_who_cannot_be_reached_hands_over_at_once(site):
    site.notifier.failing = {"li", "wang"}
    await site.alarm("o1")
    assert [person for person, _, _ in await site.at(30)][:2] == ["li", "wang"]
    assert [person for person, _, _ in await site.at(31)][:1] == ["zhao"]


async def test_while_no_channel_works_it_is_tried_again_and_again(site):
    site.notifier.failing = {person.id for person in CONTACTS.person}
    await site.alarm("o1")
    for second in range(30, 2 * 3600, 30):
        await site.at(second)
    site.notifier.failing = set()
    told = [person for second in range(2 * 3600, 2 * 3600 + 330, 30) for person, _, _ in await site.at(second)]
    assert {"li", "wang", "zhao", "sun"} <= set(told)


async def test_a_crash_between_the_end_of_the_last_alarm_and_the_next_line_is_made_good(site):
    await site.alarm("o1")
    await site.at(30)
    await site.alarm("o1", active=False)
    assert site.journal.kept.pop().kind == "cause-gone"
    site.restart()
    await site.at(40)
    assert site.incidents.get("A10").state is IncidentState.GONE
    assert await site.at(400) == []  # and nobody else is woken for what is over


async def test_an_outage_that_began_long_ago_pages_at_once(site):
    site.clock.wall = T0 + 600
    await site.alarm("o1", raised=Stamp(T0, 0.0, "there", trusted=True))
    assert await site.at(600) == [("li", Purpose.PAGE, False)]


async def test_a_clock_that_is_not_trusted_or_runs_ahead_counts_from_now(site):
    await site.alarm("o1", raised=Stamp(12.0, 0.0, "there"), since=Stamp(T0 + 9999, 0.0, "there", trusted=True))
    assert await site.at(29) == []
    assert await site.at(30) == [("li", Purpose.PAGE, False)]


async def test_a_finding_waits_for_working_hours(site):
    site.clock.wall = T0 + 4 * 3600  # 20:00 on a Friday
    await site.alarm("o1", "replace-battery")
    assert await site.at(10 * 3600) == []
    monday = 64.5 * 3600
    assert await site.at(monday - 1) == []
    assert await site.at(monday) == [("li", Purpose.PAGE, False)]


async def test_a_time_limit_that_passes_is_told_once_to_the_owner_the_told_and_the_top(site):
    await site.alarm("o1")
    await site.at(30)
    await site.at(330)
    await site.incidents.mine("A10", "wang")
    assert await site.at(5 * 3600 - 1) == [("wang", Purpose.WARNING, False), ("zhao", Purpose.WARNING, False)]
    told = await site.at(5 * 3600)
    assert {purpose for _, purpose, _ in told} == {Purpose.OVERDUE}
    assert sorted(person for person, _, _ in told) == ["li", "sun", "wang"]
    site.restart()
    assert await site.at(5 * 3600 + 1) == []
    assert site.kinds().count("missed") == 1


async def test_a_finding_has_no_time_limit_until_something_worse_joins(site):
    await site.alarm("o1", "replace-battery")
    assert site.incidents.get("A10").deadline == 0.0
    await site.at(6 * 3600)
    assert not site.incidents.get("A10").overdue
    assert site.notifier.told == [("li", Purpose.PAGE, False)]
    site.clock.wall = T0 + 7 * 3600
    await site.alarm("o2")
    assert site.incidents.get("A10").deadline == T0 + 12 * 3600


@pytest.mark.parametrize("verb", ["seen", "mine", "close"])
async def test_strangers_and_unknown_codes_are_refused_with_a_hint(site, verb):
    await site.alarm("o1")
    with pytest.raises(IncidentError, match=r"nobody here is called 'wangg'.*did you mean 'wang'"):
        await getattr(site.incidents, verb)("A10", "wangg")
    with pytest.raises(IncidentError, match="no incident 'A11'"):
        await getattr(site.incidents, verb)("A11", "wang")
    assert site.kinds() == ["opened"]


async def test_what_is_closed_takes_notes_only(site):
    await site.alarm("o1")
    await site.incidents.close("A10", "li", "tested by hand")
    with pytest.raises(IncidentError, match="A10 is closed"):
        await site.incidents.mine("A10", "li")
    await site.incidents.note("A10", "li", "电工已到场")
    with pytest.raises(IncidentError, match="needs words"):
        await site.incidents.note("A10", "li", " ")
    assert site.incidents.get("A10").timeline[-1].text == "电工已到场"


async def test_closing_what_still_stands_needs_a_reason(site):
    await site.alarm("o1")
    with pytest.raises(IncidentError, match="its cause still stands"):
        await site.incidents.close("A10", "li", "  ")
    assert (await site.incidents.close("A10", "li", "maintenance")).state is IncidentState.CLOSED_STANDING


async def test_steps_are_ticked_off_once(site):
    await site.alarm("o1")
    await site.incidents.step("A10", "li", 0)
    await site.incidents.step("A10", "li", 0)
    assert site.incidents.get("A10").steps == (0,)
    assert site.incidents.get("A10").timeline[-1].data["zh"].startswith("确认 UPS 已带载")
    with pytest.raises(IncidentError, match="has no step 100"):
        await site.incidents.step("A10", "li", 99)


async def test_a_disk_that_fails_forgets_nothing(site):
    site.journal.broken = True
    with pytest.raises(StorageError):
        await site.alarm("o1")
    assert site.incidents.list() == ()
    site.journal.broken = False
    await site.alarm("o1")
    site.journal.broken = True
    with pytest.raises(StorageError):
        await site.at(30)
    assert site.notifier.told == []
    site.journal.broken = False
    assert await site.at(31) == [("li", Purpose.PAGE, False)]


async def test_listeners_hear_every_change_until_they_end_it(site):
    heard: list[Incident] = []
    end = site.incidents.subscribe(heard.append)
    await site.alarm("o1")
    end()
    await site.incidents.mine("A10", "li")
    assert [incident.state for incident in heard] == [IncidentState.OPEN]


async def test_the_journal_alone_gives_the_same_incidents(site):
    await test_the_main_job_from_mains_lost_to_closed(site)
    assert fold(site.journal.kept) == {"A10": site.incidents.get("A10")}


# What is learned afterwards


async def past(site, name="o1", condition="on-battery", *, began=-900.0, ended=-300.0, **more):
    occurrence = Occurrence(
        id=name,
        device="ups-1",
        condition=condition,
        active=False,
        raised=Stamp(T0 + began, 0.0, "there", trusted=True),
        cleared=Stamp(T0 + ended, 0.0, "there", trusted=True),
        **more,
    )
    await site.incidents.on_past(Alarm(occurrence), UPS)


async def test_what_began_and_ended_during_a_cut_is_on_record_and_pages_nobody(site):
    await past(site)
    (incident,) = site.incidents.list()
    assert (incident.code, incident.clause, incident.state) == ("A10", "3.1.1", IncidentState.CLOSED)
    assert (incident.opened, incident.gone, incident.closed) == (T0 - 900, T0 - 300, T0)
    assert incident.late
    assert incident.source == UPS
    assert site.kinds() == ["history"]
    assert [told for second in range(0, 40_000, 600) for told in await site.at(second)] == []
    assert fold(site.journal.kept) == {"A10": incident}


async def test_it_is_on_record_once_however_often_it_comes(site):
    for _ in range(3):
        await past(site)
        site.restart()
        await past(site)
        await site.alarm("o1")  # its beginning, which came late too
        await site.alarm("o1", active=False)
    assert len(site.journal.kept) == 1


async def test_an_incident_that_knows_the_occurrence_goes_on_and_learns_of_no_history(site):
    await site.alarm("o1")
    await site.at(30)
    await past(site)
    assert site.kinds() == ["opened", "message", "accepted"]
    await site.alarm("o1", active=False)
    assert site.incidents.get("A10").state is IncidentState.GONE


async def test_history_joins_no_open_incident_and_opens_none(site):
    await site.alarm("o2")
    await past(site)
    assert [(one.code, one.state.value) for one in site.incidents.list()] == [("B10", "closed"), ("A10", "open")]
    await site.alarm("o3", "low-battery")
    assert [one.code for one in site.incidents.list() if one.closed is None] == ["A10"]


async def test_what_the_plan_does_not_name_is_no_history_either(site):
    await past(site, condition="colour-wrong")
    assert site.incidents.list() == ()


async def test_history_ended_after_it_began_whatever_the_clocks_say(site):
    await past(site, began=500.0, ended=-100.0)
    (incident,) = site.incidents.list()
    assert incident.opened == incident.gone == T0 - 100


async def test_an_alarm_of_two_days_ago_that_still_stands_pages_at_once(site):
    await site.alarm("o1", raised=Stamp(T0 - 2 * 86400, 0.0, "there", trusted=True))
    assert await site.at(0) == [("li", Purpose.PAGE, False)]
