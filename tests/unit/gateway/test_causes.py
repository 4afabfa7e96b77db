"""One incident for one root cause: sixty children, a hundred orders of arrival, a restart in the middle."""

import asyncio
import pathlib
import random
from collections import Counter
from collections.abc import Collection, Mapping

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from in_memory import Journal
from msgspec.structs import replace

from contract.alarm import Alarm, Occurrence
from contract.clock import Stamp
from contract.condition import Condition, Severity, Test
from contract.reading import Reading
from gateway.contacts import load_contacts
from gateway.incident import Incident, Purpose, Source, fold
from gateway.incidents import Incidents
from gateway.plan.decide import Latest
from gateway.plan.dependencies import Key, load_dependencies
from gateway.plan.loader import load_plan
from gateway.ports import Outcome

CONFIG = pathlib.Path(__file__).parents[3] / "config"
CONTACTS = load_contacts((CONFIG / "contacts.toml").read_text("utf-8"))
CLAUSES = load_plan(
    {path.name: path.read_text("utf-8") for path in (CONFIG / "plan").glob("*.toml")}, CONTACTS.departments
)
T0 = 1_800_000_000.0  # Friday 2027-01-15, 16:00 in China

SWITCHES = [f"switch-{n}" for n in range(5)]
HOSTS = [f"host-{n}" for n in range(30)]
LINES = [f"line-{n}" for n in range(15)]
SEATS = [f"seats-{n}" for n in range(10)]
SAYS = {"network": "contact-lost", "host": "contact-lost", "line": "line-down", "group": "group-short"}
TREE = f"""
[[dependency]]
of = "city/hall/ups-1"
children = ["rack"]

[[dependency]]
of = "rack"
children = {SWITCHES}

[[dependency]]
all_of = ["switch-0", "switch-1"]
children = {HOSTS}

[[dependency]]
of = "switch-2"
children = {LINES}

[[dependency]]
any_of = ["host-0", "host-1"]
children = {SEATS}
"""
UPS = Source(site="city", agent="hall", device="ups-1", title="机房 UPS", room="机房", kind="ups")


def child(device: str) -> Source:
    kind = {"switch": "network", "host": "host", "line": "line", "seats": "group"}[device.partition("-")[0]]
    return Source(site="city", agent=f"of-{kind}", device=device, title=device, kind=kind)


CHILDREN = [child(device) for device in (*SWITCHES, *HOSTS, *LINES, *SEATS)]


class Clock:
    wall = T0

    def stamp(self) -> Stamp:
        return Stamp(self.wall, self.wall - T0, "boot", trusted=True)

    def boottime(self) -> float:
        return self.wall - T0


class Facts:
    """What devices say: by default, that nothing is known."""

    def __init__(self) -> None:
        self.readings: dict[tuple[Key, str], Latest] = {}
        self.known = {one.key: one.kind for one in (UPS, *CHILDREN)}

    def latest(self, source: Source, quantity: str) -> Latest | None:
        return self.readings.get((source.key, quantity))

    def conditions(self, source: Source) -> Mapping[str, Condition]:
        lost = Condition(name="contact-lost", quantity="x.contact", test=Test.BELOW, setpoint=0.5, on_delay=15.0)
        off = Condition(name="output-off", quantity="ups.status", test=Test.HAS, flag="OFF")
        return {"contact-lost": lost, **({"output-off": off} if source.kind == "ups" else {})}

    def named(self, device: str) -> Collection[Key]:
        return [key for key in self.known if key[2] == device]

    def kind(self, key: Key) -> str:
        return self.known.get(key, "")


class Notifier:
    def __init__(self) -> None:
        self.told: list[tuple[str, str, Purpose]] = []

    async def tell(self, _incident, clause, mail, person, *, again, report) -> None:
        assert not again
        self.told.append((clause.clause, person.id, mail.purpose))
        await report(Outcome(channel="email", accepted=True, text="250 OK"))


class Site:
    """A gateway, and the verbs of a timetable."""

    def __init__(self, tree: str = TREE) -> None:
        self.clock, self.journal, self.facts, self.notifier = Clock(), Journal(), Facts(), Notifier()
        self.plan = replace(CLAUSES, dependencies=load_dependencies(tree))
        self.asked: list[Key] = []
        self.shift = 0.0
        """By how much the clock was put right."""
        self.restart()

    def restart(self) -> None:
        self.incidents = Incidents(
            self.journal,
            self.plan,
            CONTACTS,
            self.notifier,
            self.clock,
            self.facts,
            ask=lambda key, _: self.asked.append(key),
        )

    async def at(self, seconds: float) -> list[tuple[str, str, Purpose]]:
        self.clock.wall = T0 + self.shift + seconds
        before = len(self.notifier.told)
        for _ in range(2):
            await self.incidents.tick()
            await self.incidents.settled()
        return self.notifier.told[before:]

    async def alarm(
        self, source: Source, condition: str = "", *, active: bool = True, since: float = 0.0, number: str = ""
    ) -> None:
        condition = condition or SAYS.get(source.kind, "output-off")
        stamp = Stamp(T0 + self.shift + since, since, "boot", trusted=True)
        occurrence = Occurrence(
            id=f"{source.device}/{condition}/{source.kind}{number}",
            device=source.device,
            condition=condition,
            severity=Severity.SEVERE,
            active=active,
            since=stamp,
            raised=stamp,
            quantity="ups.status" if source.kind == "ups" else "x.contact",
        )
        await self.incidents.on_alarm(Alarm(occurrence), source)

    def reads(self, source: Source, quantity: str = "x.contact", value: object = 1.0) -> None:
        self.facts.readings[source.key, quantity] = Latest(Reading(quantity, value), self.clock.wall)

    def well(self, *sources: Source) -> None:
        for source in sources:
            self.reads(source)
            if source.kind == "ups":
                self.reads(source, "ups.status", ("OL",))

    @property
    def all(self) -> list[Incident]:
        return list(reversed(self.incidents.list()))

    def holders(self) -> Counter[str]:
        """Device → in how many incidents it stands."""
        return Counter(one.where(symptom).device for one in self.all for symptom in one.active)


async def test_sixty_children_in_a_hundred_orders_with_a_restart_are_one_incident_and_no_child_is_lost():
    for seed in range(100):
        dice = random.Random(seed)
        site = Site()
        arrivals = [UPS, *CHILDREN]
        dice.shuffle(arrivals)
        if seed < 10:  # the parent first, and last
            arrivals.remove(UPS)
            arrivals.insert(0 if seed < 5 else len(arrivals), UPS)
        cut = dice.randrange(1, len(arrivals))
        for index, source in enumerate(arrivals):
            site.clock.wall = T0 + index / 3
            if index == cut:
                site.restart()
            await site.alarm(source, since=dice.uniform(0.0, index / 3))
            if dice.random() < 0.2:
                await site.at(index / 3)
        for seconds in (21, 40, 100, 150, 299):
            await site.at(seconds)
        (one,) = site.all
        assert one.clause == "3.1.1", seed
        assert one.source.key == UPS.key
        assert site.holders() == Counter({source.device: 1 for source in arrivals}), seed
        assert Counter(site.notifier.told) == {
            ("3.1.1", "li", Purpose.PAGE): 1,
            ("3.1.4", "chen", Purpose.AFFECTED): 1,
            ("3.1.7", "chen", Purpose.AFFECTED): 1,
            ("3.1.12", "chen", Purpose.AFFECTED): 1,
        }, seed
        before = {code: one for code, one in fold(site.journal.kept).items() if not one.moved}
        assert before == {one.code: one}, seed


async def test_without_the_parents_alarm_each_child_speaks_for_itself():
    site = Site()
    for source in CHILDREN:
        if source.kind in ("network", "host"):
            await site.alarm(source)
    await site.at(29)
    assert not site.notifier.told
    await site.at(31)
    await site.at(121)
    # a switch that is lost takes its hosts with it; the rack and the UPS say nothing
    roots = {one.source.device: len(one.active) for one in site.all}
    assert roots == {"switch-0": 31, "switch-1": 1, "switch-2": 1, "switch-3": 1, "switch-4": 1}
    assert site.holders() == Counter({one.device: 1 for one in CHILDREN if one.kind in ("network", "host")})
    assert {(clause, person) for clause, person, _ in site.notifier.told} >= {("3.1.5", "li"), ("3.1.7", "chen")}


async def test_a_child_waits_until_its_parent_was_looked_at_again_and_then_pages_by_its_own_delay():
    site = Site()
    lines = child("line-0")
    site.well(child("switch-2"))  # before the trouble: that proves nothing
    site.clock.wall = T0 + 1
    await site.alarm(lines, since=1.0)
    await site.at(5)
    assert site.asked
    assert set(site.asked) == {("city", "of-network", "switch-2")}
    assert site.all[0].waits == T0 + 46
    site.clock.wall = T0 + 8
    site.well(child("switch-2"))
    await site.at(8)
    assert [event.kind for event in site.all[0].timeline] == ["opened", "released"]
    assert await site.at(60) == []
    assert await site.at(61) == [("3.1.4", "li", Purpose.PAGE)]  # a minute after it began


async def test_a_parent_that_may_be_lost_is_waited_for_and_one_that_cannot_be_reached_not_for_ever():
    site = Site()
    site.facts.readings[UPS.key, "ups.status"] = Latest(Reading("ups.status", ("OFF",)), T0 + 2)
    site.facts.readings[UPS.key, "x.contact"] = Latest(Reading("x.contact", 1.0), T0 + 2)
    await site.alarm(child("switch-3"), since=1.0)
    await site.at(20)
    assert site.all[0].waits == T0 + 45  # its reading says off: the alarm is on its way
    await site.at(46)
    assert [event.kind for event in site.all[0].timeline] == ["opened"]
    assert await site.at(200)  # nobody said that the UPS was lost: the switch speaks for itself


async def test_what_stays_bad_once_the_root_is_well_speaks_up_and_what_it_takes_with_it_follows():
    site = Site()
    for source in (UPS, child("line-0"), child("switch-2"), child("line-1"), child("host-9")):
        await site.alarm(source)
    await site.at(1)
    (root,) = site.all
    await site.incidents.mine(root.code, "li")
    site.clock.wall = T0 + 100
    await site.alarm(UPS, active=False)
    await site.at(200)
    await site.alarm(child("host-9"), active=False)
    site.restart()
    await site.at(399)
    assert [one.code for one in site.all] == [root.code]
    told = await site.at(401)  # five minutes after the UPS was well again
    assert told == [("3.1.5", "li", Purpose.PAGE), ("3.1.4", "chen", Purpose.AFFECTED)]
    ours, left = site.all
    assert (left.source.device, left.of) == ("switch-2", root.code)
    assert {one.where(symptom).device for one in (left,) for symptom in one.active} == {"switch-2", "line-0", "line-1"}
    assert ours.active == ()
    assert fold(site.journal.kept)[left.code] == left


async def test_what_comes_back_by_itself_within_the_time_given_is_told_to_nobody():
    site = Site()
    await site.alarm(UPS, since=0.0)
    await site.at(1)
    site.clock.wall = T0 + 10
    await site.alarm(UPS, active=False)
    site.reads(UPS, "ups.status", ("OL",))
    await site.at(11)
    await site.alarm(child("switch-4"), since=9.0)  # it went down with the UPS, and is still starting
    before = len(site.notifier.told)
    await site.at(250)
    (_, late) = site.all
    assert late.of == site.all[0].code
    await site.alarm(child("switch-4"), active=False)
    site.clock.wall = T0 + 311
    site.well(UPS, child("switch-4"))
    await site.at(311)
    assert [purpose for _, _, purpose in site.notifier.told[before:] if purpose is Purpose.PAGE] == []
    assert late.source.device == "switch-4"


async def test_what_a_person_closed_while_it_stood_still_speaks_up():
    site = Site()
    for source in (UPS, child("switch-2")):
        await site.alarm(source)
    await site.at(1)
    await site.incidents.close("A10", "li", "known: the new UPS comes on Monday")
    assert await site.at(200) == []
    await site.alarm(UPS, active=False)
    site.restart()
    assert await site.at(499) == []
    assert await site.at(501) == [("3.1.5", "li", Purpose.PAGE)]


async def test_who_was_told_of_a_child_keeps_it():
    site = Site()
    await site.alarm(child("switch-2"))
    assert await site.at(150) == [("3.1.5", "li", Purpose.PAGE)]
    await site.alarm(UPS, since=150.0)
    await site.at(151)
    assert [one.source.device for one in site.all] == ["switch-2", "ups-1"]


async def test_fire_follows_from_nothing_and_neither_does_what_is_graver_stay_unsaid():
    site = Site(TREE.replace(f"children = {SEATS}", 'children = ["smoke-1"]'))
    smoke = Source(site="city", agent="hall", device="smoke-1", kind="environment", title="机房烟感")
    site.facts.known[smoke.key] = smoke.kind
    for source in (UPS, child("host-0")):
        await site.alarm(source)
    await site.alarm(smoke, "smoke")
    assert [one.source.device for one in site.all] == [
        "ups-1",
        "smoke-1",
        "smoke-1",
    ]  # the accident, and its room's plan
    assert site.all[1].waits == 0.0


async def test_of_two_supplies_one_is_no_cause():
    site = Site()
    for device in ("switch-0", "host-3"):
        await site.alarm(child(device))
    await site.at(31)
    assert [one.source.device for one in site.all] == ["switch-0", "host-3"]
    await site.alarm(child("switch-1"))
    await site.at(32)
    assert [one.source.device for one in site.all] == ["switch-0", "switch-1"]


async def test_what_an_agent_depends_on_its_devices_depend_on_too():
    site = Site('[[dependency]]\nof = "switch-0"\nchildren = ["city/of-host", "city/of-network"]\n')
    await site.alarm(child("host-7"), since=1.0)
    await site.alarm(child("host-8"), since=1.0)
    await site.alarm(child("switch-0"), since=3.0)  # read by an agent behind itself
    await site.at(4)
    (one,) = site.all
    assert one.source.device == "switch-0"
    assert len(one.active) == 3


async def test_a_clock_that_is_put_right_moves_what_waits():
    site = Site()
    await site.alarm(child("switch-3"))

    def believe() -> None:
        site.clock.wall += 3600

    await site.incidents.correct(3600, {"boot": "boot", "offset": 0.0}, believe)
    assert site.all[0].waits == T0 + 3645
    assert fold(site.journal.kept)[site.all[0].code] == site.all[0]


@pytest.mark.parametrize("kind", ["merged", "joined"])
async def test_the_proof_would_see_a_lost_child(kind):
    """Plant the fault that it is there for: of what is kept, one alarm goes missing on the way."""
    site = Site()
    order = [CHILDREN[0], UPS, *CHILDREN[1:]]
    for source in order:
        await site.alarm(source)
        await site.at(1)
    site.journal.kept.remove(next(event for event in site.journal.kept if event.kind == kind))
    site.restart()
    await site.incidents.load()
    whole = len(site.all) == 1 and site.holders() == Counter({source.device: 1 for source in order})
    assert not whole


@pytest.mark.parametrize("order", [["host", "line", "ups"], ["ups", "line", "host"], ["line", "ups", "host"]])
async def test_an_agent_that_is_silent_is_one_incident_whatever_it_watches(order):
    site = Site("")
    agent = Source(site="city", agent="desk", device="@desk", title="代理 agent desk")
    for kind in order:
        source = replace(agent, kind=kind)
        await site.alarm(source, "agent-silent")
        site.restart()
    await site.at(1)
    (one,) = site.all
    assert {symptom.clause or one.clause for symptom in one.active} == {"3.1.1", "3.1.4", "3.1.7"}
    told = Counter([*await site.at(121), *await site.at(200)])
    assert told == {(one.clause, "li", Purpose.PAGE): 1, **{
        (clause, "chen", Purpose.AFFECTED): 1 for clause in ("3.1.1", "3.1.4", "3.1.7") if clause != one.clause
    }}  # fmt: skip


async def test_what_followed_from_something_in_between_that_is_over_follows_from_the_root_and_has_its_time():
    site = Site()
    seats, host = child("seats-0"), child("host-0")
    await site.alarm(UPS)
    await site.alarm(host)
    await site.alarm(UPS, active=False)
    await site.alarm(seats)  # the host alone is to blame
    await site.at(1)
    await site.alarm(UPS, number="/2", since=1.0)
    await site.alarm(host, active=False)
    await site.at(2)
    (one,) = site.all
    assert [symptom.of for symptom in one.active if symptom.follows] == ["city/hall/ups-1"]
    await site.at(400)
    await site.alarm(UPS, active=False, number="/2")
    await site.at(500)
    assert len(site.all) == 1  # it may take as long to come back as after any other power cut


WHO = [UPS, UPS, *CHILDREN[:3], *(child(name) for name in ("host-0", "host-1", "line-0", "seats-0"))]
STEPS = st.one_of(
    st.tuples(st.just("alarm"), st.sampled_from(WHO)),
    st.tuples(st.just("over"), st.sampled_from(WHO)),
    st.tuples(st.just("well"), st.sampled_from(WHO)),
    st.tuples(st.just("wait"), st.sampled_from([1.0, 20.0, 90.0, 400.0])),
    st.tuples(st.sampled_from(["restart", "mine", "close", "clock"]), st.just(None)),
)


async def test_what_is_left_over_is_not_lost_in_what_somebody_closed():
    """The seats followed from the UPS; that is well again, and the host, which stands above them too, was closed by hand."""
    host, seats = child("host-0"), next(one for one in WHO if one.device == "seats-0")
    alarm, close = ("alarm", UPS), ("close", None)
    await whatever([("alarm", host), close, alarm, ("alarm", seats), ("over", UPS)])


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=st.lists(STEPS, min_size=10, max_size=40))
def test_whatever_happens_each_alarm_stands_in_one_incident_and_the_journal_knows_all(steps):
    asyncio.run(whatever(steps))


async def whatever(steps) -> None:
    site, numbers, standing, now = Site(), Counter(), {}, 0.0
    for what, about in steps:
        if what == "wait":
            now += about
        elif what == "alarm" and about.device not in standing:
            numbers[about.device] += 1
            standing[about.device] = f"/{numbers[about.device]}"
            await site.alarm(about, since=now, number=standing[about.device])
        elif what == "over" and about.device in standing:
            await site.alarm(about, active=False, number=standing.pop(about.device))
        elif what == "well":
            site.well(about)
        elif what == "restart":
            site.restart()
            await site.incidents.load()
        elif what == "clock":

            def believe() -> None:
                site.shift += 3600.0
                site.clock.wall += 3600.0

            await site.incidents.correct(3600.0, {}, believe)
        elif what in ("mine", "close") and (opened := [one for one in site.all if one.closed is None]):
            one = opened[-1]
            await (
                site.incidents.mine(one.code, "li") if what == "mine" else site.incidents.close(one.code, "li", "so")
            )
        await site.at(now)
        assert site.holders() == Counter(dict.fromkeys(standing, 1))
        kept = {code: one for code, one in fold(site.journal.kept).items() if not one.moved}
        assert kept == {one.code: one for one in site.all}
    once = Counter(
        (event.incident, event.who, event.data.get("clause"), one.round)
        for one in site.all
        for event in one.timeline
        if event.kind == "message" and event.data["purpose"] == "affected" and event.at >= one.round
    )
    assert not once or max(once.values()) == 1
    await site.at(now + 1000.0)  # by then each is with its root cause, or by itself
    for one in site.all:
        bad = {symptom.of for symptom in one.active if symptom.follows}
        assert bad <= {"city/hall/ups-1", *standing}, (bad, standing)
        assert "ups-1" in standing or "city/hall/ups-1" not in bad
