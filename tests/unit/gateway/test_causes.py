"""One incident for one root cause: sixty children, a hundred orders of arrival, a restart in the middle."""

import pathlib
import random
from collections import Counter
from collections.abc import Collection, Mapping

import pytest
from msgspec.structs import replace

from contract.alarm import Alarm, Occurrence
from contract.clock import Stamp
from contract.condition import Condition, Severity, Test
from contract.reading import Reading
from gateway.contacts import load_contacts
from gateway.event import Event
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


class Journal:
    def __init__(self) -> None:
        self.kept: list[Event] = []

    async def record_event(self, event: Event) -> Event:
        self.kept.append(replace(event, id=len(self.kept) + 1))
        return self.kept[-1]

    async def events(self, incident: str | None = None) -> list[Event]:
        return [event for event in self.kept if incident in (None, event.incident)]


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

    async def tell(self, incident, clause, mail, person, *, again, report) -> None:
        self.told.append((clause.clause, person.id, mail.purpose))
        await report(Outcome(channel="email", accepted=True, text="250 OK"))


class Site:
    """A gateway, and the verbs of a timetable."""

    def __init__(self, tree: str = TREE) -> None:
        self.clock, self.journal, self.facts, self.notifier = Clock(), Journal(), Facts(), Notifier()
        self.plan = replace(CLAUSES, dependencies=load_dependencies(tree))
        self.asked: list[Key] = []
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
        self.clock.wall = T0 + seconds
        before = len(self.notifier.told)
        for _ in range(3):
            await self.incidents.tick()
            await self.incidents.settled()
        return self.notifier.told[before:]

    async def alarm(self, source: Source, condition: str = "", *, active: bool = True, since: float = 0.0) -> None:
        condition = condition or SAYS.get(source.kind, "output-off")
        stamp = Stamp(T0 + since, since, "boot", trusted=True)
        occurrence = Occurrence(
            id=f"{source.device}/{condition}",
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
    for seed in range(25):
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
            if dice.random() < 0.3:
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
