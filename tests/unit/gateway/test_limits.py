"""Time limits by timetable: half gone, 80 %, missed; who hears of it, once, whatever is restarted or put right meanwhile."""

import itertools
import pathlib
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from in_memory import Journal
from msgspec.structs import replace

from contract.alarm import Alarm, Occurrence
from contract.clock import Stamp
from gateway.contacts import load_contacts
from gateway.event import Event
from gateway.incident import Incident, Purpose, Source, fold
from gateway.incidents import Incidents
from gateway.notify.message import compose, facts
from gateway.plan.loader import load_plan
from gateway.plan.model import Plan
from gateway.ports import Outcome
from gateway.worktime.limit import Limit

CONFIG = pathlib.Path(__file__).parents[3] / "config"
CONTACTS = load_contacts((CONFIG / "contacts.toml").read_text("utf-8"))
SHIPPED = load_plan({"3.1.toml": (CONFIG / "plan" / "3.1.toml").read_text("utf-8")}, CONTACTS.departments)
CHINA = timezone(timedelta(hours=8))
UPS = Source(site="city", agent="order-room", device="ups-1", title="订单部 UPS", room="订单部", kind="ups")
PAGE, WARNING, OVERDUE = Purpose.PAGE, Purpose.WARNING, Purpose.OVERDUE


def wall(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=CHINA).timestamp()


def plan_with(deadline: str, *, steps: bool = False) -> Plan:
    [clause] = SHIPPED.clauses
    step = clause.step if steps else tuple(replace(one, within=None) for one in clause.step)
    return Plan((replace(clause, progress=0.0, deadline=Limit.from_text(deadline), step=step),))


class Clock:
    def __init__(self, at: float) -> None:
        self.wall = at

    def stamp(self) -> Stamp:
        return Stamp(self.wall, self.wall, "boot", trusted=True)

    def boottime(self) -> float:
        return self.wall


class Nothing:
    def latest(self, _source, _quantity):
        return None

    def conditions(self, _source):
        return {}


class Site:
    """An incident of 3.1.1 that begins at a time, and who is told by when."""

    def __init__(self, begins: str, deadline: str, *, steps: bool = False) -> None:
        self.plan = plan_with(deadline, steps=steps)
        self.clock, self.journal = Clock(wall(begins)), Journal()
        self.told: list[tuple[str, str, Purpose, tuple[str, ...]]] = []
        self.failing: set[str] = set()
        self.restart()

    def restart(self) -> None:
        self.incidents = Incidents(self.journal, self.plan, CONTACTS, self, self.clock, Nothing())

    async def tell(self, _incident, _clause, mail, person, *, again, report) -> None:
        at = datetime.fromtimestamp(self.clock.wall, CHINA)
        if not again:
            self.told.append((f"{at:%m-%d %H:%M}", person.id, mail.purpose, mail.about))
        failed = person.id in self.failing
        await report(Outcome(channel="email", accepted=not failed, last=failed))

    async def alarm(self, name: str = "o1", condition: str = "on-battery", *, active: bool = True) -> None:
        occurrence = Occurrence(
            id=name, device="ups-1", condition=condition, active=active, quantity="ups.status", value=("OB",)
        )
        await self.incidents.on_alarm(Alarm(occurrence), UPS)

    async def until(self, text: str, stride: float = 60.0) -> list[tuple[str, str, Purpose, tuple[str, ...]]]:
        before = len(self.told)
        while True:
            await self.incidents.tick()
            await self.incidents.settled()
            if self.clock.wall >= wall(text):
                return self.told[before:]
            self.clock.wall = min(wall(text), self.clock.wall + stride)

    @property
    def incident(self) -> Incident:
        return self.incidents.get("A10")

    def kinds(self) -> list[tuple[str, object]]:
        return [(one.kind, one.data["key"]) for one in self.incident.timeline if one.kind in {"warned", "missed"}]


async def owned(begins: str, deadline: str, **more) -> Site:
    """Return a site whose incident li has taken on at once."""
    site = Site(begins, deadline, **more)
    await site.alarm()
    await site.incidents.mine("A10", "li")
    return site


async def test_an_elapsed_limit_warns_at_half_and_80_percent_and_is_missed_up_to_the_top():
    site = await owned("2026-03-03 02:00", "5h")
    assert await site.until("2026-03-03 07:00") == [
        ("03-03 04:30", "li", WARNING, ("clause:50",)),
        ("03-03 06:00", "li", WARNING, ("clause:80",)),
        ("03-03 06:00", "zhao", WARNING, ("clause:80",)),
        ("03-03 07:00", "li", OVERDUE, ("clause:100",)),
        ("03-03 07:00", "sun", OVERDUE, ("clause:100",)),
    ]
    assert site.kinds() == [("warned", "clause"), ("warned", "clause"), ("missed", "clause")]
    assert site.incident.overdue


async def test_a_working_day_over_spring_festival_warns_in_working_time():
    """From Sunday the 15th, off until the 23rd: the day that counts is the 24th."""
    site = await owned("2026-02-15 03:00", "1 working day")
    assert site.incident.deadline == wall("2026-02-24 17:30")
    told = await site.until("2026-02-25 09:00", stride=600.0)
    assert [(at, who) for at, who, why, _ in told if why is WARNING] == [
        ("02-24 13:00", "li"), ("02-24 15:50", "li"), ("02-24 15:50", "zhao"),
    ]  # fmt: skip
    assert [(at, who) for at, who, why, _ in told if why is OVERDUE] == [("02-24 17:30", "li"), ("02-24 17:30", "sun")]


async def test_while_nobody_owns_it_the_lead_on_call_hears_of_half():
    site = Site("2026-03-03 02:00", "5h")
    await site.alarm()
    told = await site.until("2026-03-03 04:40", stride=30.0)
    assert [(who, about) for _, who, why, about in told if why is WARNING] == [("li", ("clause:50",))]


async def test_steps_are_told_to_their_own_departments_once_somebody_works_on_it():
    site = await owned("2026-03-03 02:00", "5h", steps=True)
    told = await site.until("2026-03-03 03:10")
    assert told == [
        ("03-03 02:05", "li", OVERDUE, ("step-0:100",)),
        ("03-03 02:15", "li", OVERDUE, ("step-1:100", "step-2:100")),  # one message, not two
        ("03-03 02:30", "li", WARNING, ("step-3:50",)),
        ("03-03 02:48", "li", WARNING, ("step-3:80",)),
        ("03-03 02:48", "zhao", WARNING, ("step-3:80",)),
        ("03-03 03:00", "li", OVERDUE, ("step-3:100",)),
        ("03-03 03:00", "zhao", OVERDUE, ("step-3:100",)),
    ]


async def test_a_step_that_is_done_is_over():
    site = await owned("2026-03-03 02:00", "5h", steps=True)
    for index in range(5):
        await site.incidents.step("A10", "li", index)
    assert await site.until("2026-03-03 03:10") == []


async def test_while_nobody_owns_it_steps_leave_people_to_the_ladder():
    site = Site("2026-03-03 02:00", "5h", steps=True)
    await site.alarm()
    told = await site.until("2026-03-03 02:20", stride=30.0)
    assert {why for _, _, why, _ in told} == {PAGE}
    assert ("missed", "step-0") in site.kinds()  # on record all the same


async def test_what_no_channel_took_goes_again_and_each_hears_it_once():
    site = await owned("2026-03-03 02:00", "5h")
    site.failing = {"li"}
    told = await site.until("2026-03-03 04:33")
    assert [at for at, *_ in told] == ["03-03 04:30"]
    site.failing = set()
    told = await site.until("2026-03-03 05:30")
    assert [(at, who) for at, who, *_ in told] == [("03-03 04:35", "li")]


async def test_after_a_long_cut_only_the_last_that_was_passed_is_told():
    site = await owned("2026-03-03 02:00", "5h")
    site.clock.wall = wall("2026-03-03 08:00")
    site.restart()
    told = await site.until("2026-03-03 08:00")
    assert {why for _, _, why, _ in told} == {OVERDUE}
    assert site.kinds() == [("missed", "clause")]


async def test_a_finding_has_none_until_something_worse_joins():
    site = Site("2026-03-03 10:00", "5h")
    await site.alarm("o0", "replace-battery")
    await site.until("2026-03-03 16:00", stride=600.0)
    assert site.incident.deadlines == ()
    assert site.kinds() == []
    await site.alarm("o1")
    assert site.incident.deadline == wall("2026-03-03 21:00")


async def test_working_limits_are_those_of_the_right_clock():
    """The clock was a day behind: on the Friday that it is, a working day ends on Monday."""
    site = await owned("2026-03-05 10:00", "1 working day")
    assert site.incident.deadline == wall("2026-03-06 17:30")
    moved = 86400.0

    def believe() -> None:
        site.clock.wall += moved

    await site.incidents.correct(moved, {}, believe)
    assert site.incident.deadline == wall("2026-03-09 17:30")
    assert site.incident.opened == wall("2026-03-06 10:00")
    assert fold(site.journal.kept) == {"A10": site.incident}


async def test_an_incident_that_an_earlier_version_opened_gets_its_limits():
    site = await owned("2026-03-03 02:00", "5h")
    old = [
        replace(event, data={k: v for k, v in event.data.items() if k != "limits"} | {"deadline": event.at + 5 * 3600})
        if event.kind == "opened"
        else event
        for event in site.journal.kept
    ]
    site.journal.kept = old
    site.restart()
    told = await site.until("2026-03-03 07:00")
    assert [(at, who) for at, who, why, _ in told if why is OVERDUE] == [("03-03 07:00", "li"), ("03-03 07:00", "sun")]
    assert [event.kind for event in site.incident.timeline][2] == "deadline-set"


async def test_what_an_earlier_version_called_overdue_is_told_no_second_time():
    site = await owned("2026-03-03 02:00", "5h")
    opened = site.journal.kept[0]
    opened = replace(opened, data={key: value for key, value in opened.data.items() if key != "limits"})
    site.journal.kept = [
        opened,
        site.journal.kept[1],
        Event(id=3, kind="overdue", incident="A10", at=opened.at + 18000),
    ]
    site.clock.wall = wall("2026-03-03 07:00")
    site.restart()
    assert await site.until("2026-03-03 09:00") == []
    assert site.incident.overdue


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 400), max_size=6), st.sampled_from(["5h", "same day", "4 working hours", "90m"]))
async def test_restarts_anywhere_neither_lose_nor_double_a_warning(minutes, deadline):
    calm = await owned("2026-03-03 09:03", deadline)
    shaken = await owned("2026-03-03 09:03", deadline)
    stops = sorted({wall("2026-03-03 09:03") + minute * 60.0 for minute in minutes})
    for at in stops:
        await shaken.until(f"{datetime.fromtimestamp(at, CHINA):%Y-%m-%d %H:%M}")
        shaken.restart()
    end = "2026-03-04 00:10"
    await calm.until(end)
    await shaken.until(end)
    assert shaken.told == calm.told
    assert len(calm.told) == 5
    assert fold(shaken.journal.kept)["A10"].deadlines == shaken.incident.deadlines
    assert all(a[0] <= b[0] for a, b in itertools.pairwise(calm.told))


async def test_a_message_says_which_limit_and_how_far_it_has_come():
    site = await owned("2026-12-31 10:00", "1 working day", steps=True)
    [clause] = site.plan.clauses
    zh, en = (
        compose(
            site.incident, clause, WARNING, language, link="", utc_offset=8 * 3600.0, about=("clause:80", "step-3:50")
        )
        for language in ("zh", "en")
    )
    assert "【时限提醒】" in zh.subject
    assert "整个事件：时限已用 80%，截止 01-01 17:30:00（暂按周一至周五）" in zh.body
    assert "步骤 4（" in zh.body
    assert "时限已过一半，截止 12-31 11:00:00" in zh.body
    assert "The whole: 80 % of its time are gone, due 01-01 17:30:00 (counted Monday to Friday for now)" in en.body
    assert facts(site.incident, clause, WARNING, link="")["provisional"] is True


@pytest.mark.parametrize("about", [("step-99:50",), ("clause:",), ("",), ("clause:7",)])
async def test_marks_that_make_no_sense_say_nothing(about):
    site = await owned("2026-03-03 02:00", "5h")
    [clause] = site.plan.clauses
    assert compose(site.incident, clause, WARNING, "zh", link="", utc_offset=0.0, about=about).body
