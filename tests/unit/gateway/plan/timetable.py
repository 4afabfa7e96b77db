"""Scenarios of the plan that read as a timetable: the real conditions of the agent, the real plan, a clock turned by hand.

::

    def test_the_mains_are_lost_at_night(day):
        ups = day.device("ups-1", "ups")
        day.at("03:00")
        ups.says(ups_status="OB DISCHRG")
        day.want(day.between("03:00:30", "03:00:35"), told("li"))
        day.never(day.until("03:05"), told("wang"))

Times are minutes from the beginning, or clock times of the site. ``at`` and ``want`` let the time pass up to there, doing
all that falls due on the way. A ``want`` looks at what nobody has asked for yet: it fails when the first thing of this
kind came too early, too late, or not at all.
"""

import asyncio
import functools
import pathlib
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

import msgspec

from agent.kinds import defaults
from agent.watch import Watch
from contract.alarm import Alarm, Occurrence
from contract.clock import Stamp
from contract.condition import Condition, wakes_at
from contract.errors import StorageError
from contract.quantities import find
from contract.reading import Reading
from gateway.contacts import Contacts, load_contacts
from gateway.event import Event
from gateway.incident import Incident, Purpose, Source
from gateway.incidents import Incidents
from gateway.plan.decide import Latest
from gateway.plan.loader import load_plan
from gateway.plan.model import Plan
from gateway.ports import Outcome

CONFIG = pathlib.Path(__file__).parents[4] / "config"
ZONE = timezone(timedelta(hours=8))
STEPS = 20_000
"""Turns of the clock in one scenario at the most: something that falls due again and again, and never gets done, is found."""
SOON = 0.001
When = float | str
"""Minutes from the beginning, or a clock time: ``"03:00"``, ``"2026-11-26 08:30"``."""


@functools.cache
def shipped() -> tuple[Plan, Contacts]:
    """The plan and the people of the example configuration."""
    contacts = load_contacts((CONFIG / "contacts.toml").read_text("utf-8"))
    texts = {path.name: path.read_text("utf-8") for path in sorted((CONFIG / "plan").glob("*.toml"))}
    return load_plan(texts, contacts.departments), contacts


class Seen(msgspec.Struct, frozen=True):
    """Something that happened, by the wall clock: an event of an incident, or a message to a person."""

    at: float
    what: str
    code: str = ""
    clause: str = ""
    who: str = ""
    purpose: str = ""
    data: dict[str, Any] = {}

    def __str__(self) -> str:
        more = " ".join(part for part in (self.code, self.clause, self.who, self.purpose) if part)
        return f"{datetime.fromtimestamp(self.at, ZONE):%m-%d %H:%M:%S.%f}"[:-5] + f" {self.what} {more}"


class Match(msgspec.Struct, frozen=True):
    """What is wanted, and its name."""

    name: str
    fits: Callable[[Seen], bool]


def event(kind: str, **data: Any) -> Match:
    """An event of an incident, with this in its data."""
    words = " ".join([kind, *(f"{key}={value}" for key, value in data.items())])
    return Match(words, lambda one: one.what == kind and all(one.data.get(key) == data[key] for key in data))


def trigger(clause: str) -> Match:
    """The plan's clause comes into force: an incident is opened."""
    return Match(f"opened {clause}", lambda one: one.what == "opened" and one.clause == clause)


def told(person: str = "", purpose: Purpose | str = Purpose.PAGE, clause: str = "") -> Match:
    """A message to a person; to anybody, where none is named."""

    def fits(one: Seen) -> bool:
        who, where = not person or one.who == person, not clause or one.clause == clause
        return one.what == "told" and one.purpose == str(purpose) and who and where

    return Match(f"{person or 'somebody'} told ({purpose})", fits)


closed = event("closed")
overdue = event("missed", key="clause")
gone = event("cause-gone")


class Clock:
    """A clock that only the timetable turns; its wall time can be put right."""

    def __init__(self, wall: float) -> None:
        self.wall = wall
        self.boot = 1000.0

    def stamp(self) -> Stamp:
        return Stamp(self.wall, self.boot, "boot", trusted=True)

    def boottime(self) -> float:
        return self.boot

    def turn(self, seconds: float) -> None:
        self.wall += seconds
        self.boot += seconds


class RealClock:
    """This machine's, from a fixed date: for what runs by itself."""

    def stamp(self) -> Stamp:
        return Stamp(1_800_000_000.0 + time.monotonic(), time.monotonic(), "boot", trusted=True)

    def boottime(self) -> float:
        return time.monotonic()


class Journal:
    """Events in memory; a disk that can fail."""

    def __init__(self, kept: Callable[[Event], None]) -> None:
        self.events_kept: list[Event] = []
        self.broken = False
        self._kept = kept

    async def record_event(self, one: Event) -> Event:
        if self.broken:
            raise StorageError("the disk is full")
        one = msgspec.structs.replace(one, id=len(self.events_kept) + 1)
        one = msgspec.json.decode(msgspec.json.encode(one), type=Event)  # only what a disk can keep
        self.events_kept.append(one)
        self._kept(one)
        return one

    async def events(self, incident: str | None = None) -> list[Event]:
        return [one for one in self.events_kept if incident in (None, one.incident)]


class Device:
    """A device that is watched as the agent watches it, and says what the scenario lets it say."""

    def __init__(self, day: "Day", source: Source, conditions: tuple[Condition, ...]) -> None:
        self.source = source
        self.conditions = {one.name: one for one in conditions}
        self.readings: dict[str, Reading] = {}
        self.answers = True
        self._day = day
        self._watch = Watch(source.device, conditions, day.new_id)

    def says(self, **values: Any) -> None:
        """Say these from now on: ``ups_status="OB"`` is ``ups.status``; a text of flags is a set of them."""
        readings = []
        for name, value in values.items():
            quantity = name.replace("_", ".") if find(name.replace("_", ".")) else name
            said = tuple(value.split()) if isinstance(value, str) and _is_flags(quantity) else value
            readings.append(Reading(quantity, said))
        self.readings |= {one.quantity: one for one in readings}
        self.answers = True
        self._tell(self._watch.readings([Reading("x.contact", 1.0), *self.readings.values()], self._day.clock.stamp()))

    def falls_silent(self) -> None:
        """Answer no more: every value is unknown from now on."""
        self.answers = False
        lost = [Reading("x.contact", 0.0), *self._watch.unheard([Reading("x.contact", 0.0)])]
        self._tell(self._watch.readings(lost, self._day.clock.stamp()))

    def raises(self, condition: str, *, active: bool = True) -> None:
        """Let a condition stand, or end, whatever is read: for those that somebody else judges."""
        self._day.alarm_of(self, condition, active=active)

    def tick(self) -> None:
        """Judge what time alone changes."""
        self._tell(self._watch.tick(self._day.clock.stamp()))

    def wakes(self) -> float | None:
        """When time alone may change something, as boottime."""
        times = [wakes_at(self.conditions[kept.condition], kept.progress) for kept in self._watch.states()]
        return min((at for at in times if at is not None), default=None)

    def _tell(self, changes: Any) -> None:
        for change in changes:
            if change.news is not None:
                self._day.hear(Alarm(change.news), self.source)


class Day:
    """One scenario: what there is, what the time is, and what has happened."""

    def __init__(self, begins: str = "2026-11-25 10:00", plan: Plan | None = None, contacts: Contacts | None = None):
        self.begins = datetime.fromisoformat(begins).replace(tzinfo=ZONE).timestamp()
        self.clock = Clock(self.begins)
        shipped_plan, shipped_contacts = shipped()
        self.plan, self.contacts = plan or shipped_plan, contacts or shipped_contacts
        self.happened: list[Seen] = []
        self.devices: dict[tuple[str, str, str], Device] = {}
        self.failing: set[str] = set()
        """People whom no channel reaches."""
        self.journal = Journal(self._kept)
        self._asked: set[int] = set()
        self._ids = 0
        self._raised: dict[tuple[str, str, str, str], Any] = {}
        self._runner = asyncio.Runner()
        self.incidents = self._made()

    # Time

    def time_of(self, when: When) -> float:
        """Return a time of the timetable as wall seconds."""
        if not isinstance(when, str):
            return self.begins + 60.0 * when
        if "-" in when:
            return datetime.fromisoformat(when).replace(tzinfo=ZONE).timestamp()
        day = datetime.fromtimestamp(self.begins, ZONE).date()
        at = datetime.fromisoformat(f"{day} {when}").replace(tzinfo=ZONE).timestamp()
        return at if at >= self.begins else at + 86400.0  # past midnight

    def at(self, when: When) -> "Day":
        """Let the time pass up to there."""
        self._pass(self.time_of(when))
        return self

    def between(self, first: When, last: When) -> tuple[float, float]:
        """A span of time."""
        return self.time_of(first), self.time_of(last)

    def until(self, last: When) -> tuple[float, float]:
        """From now on, up to there."""
        return self.clock.wall, self.time_of(last)

    # What is wanted

    def want(self, span: tuple[float, float], *matches: Match) -> Seen:
        """Let the time pass to the end of the span; each of these must have happened in it, the first time it was not yet asked for."""
        self._pass(span[1] + SOON)
        found = None
        for match in matches:
            fits = [index for index, one in enumerate(self.happened) if index not in self._asked and match.fits(one)]
            assert fits, f"{match.name}: it never happened\n{self.story()}"
            found = self.happened[fits[0]]
            self._asked.add(fits[0])
            assert span[0] - SOON <= found.at <= span[1] + SOON, (
                f"{match.name}: at the wrong time: {found}\n{self.story()}"
            )
        assert found is not None, "nothing is wanted"
        return found

    def never(self, span: tuple[float, float], *matches: Match) -> None:
        """Let the time pass to the end of the span; none of these may happen in it."""
        self._pass(span[1])
        for match in matches:
            for one in self.happened:
                assert not (match.fits(one) and span[0] <= one.at <= span[1]), f"{match.name}: {one}\n{self.story()}"

    def count(self, match: Match) -> int:
        """How often something has happened."""
        return sum(1 for one in self.happened if match.fits(one))

    def story(self) -> str:
        """All that has happened, for people."""
        return "\n".join(["what happened:", *map(str, self.happened)])

    # What there is, and what befalls it

    def device(self, name: str, kind: str, *, agent: str = "order-room", room: str = "订单部", **more: Any) -> Device:
        """A device with the conditions of its kind."""
        source = Source(site="city", agent=agent, device=name, title=name, room=room, kind=kind)
        device = Device(self, source, tuple(defaults(kind, **more).values()))
        self.devices[source.key] = device
        return device

    def alarm_of(self, device: Device, condition: str, *, active: bool = True) -> None:
        """An alarm of a device, as somebody else judged it."""
        key = (*device.source.key, condition)
        stamp = self.clock.stamp()
        if active:
            known = device.conditions.get(condition)
            self._raised[key] = Occurrence(
                id=self.new_id(),
                device=device.source.device,
                condition=condition,
                since=stamp,
                raised=stamp,
                quantity=known.quantity if known else "x.contact",
            )
        occurrence = self._raised[key]
        if not active:
            occurrence = msgspec.structs.replace(occurrence, active=False, cleared=stamp)
        self.hear(Alarm(occurrence), device.source)

    def new_id(self) -> str:
        """The id of an occurrence."""
        self._ids += 1
        return f"o{self._ids}"

    def hear(self, alarm: Alarm, source: Source) -> None:
        """The gateway hears of an alarm."""
        self.run(self.incidents.on_alarm(alarm, source))
        self._settle()

    def restart(self) -> None:
        """The gateway's process is killed, and starts anew from its journal."""
        self.incidents = self._made()
        self.run(self.incidents.load())
        self._settle()

    def clock_is_put(self, seconds: float) -> None:
        """The gateway's wall clock was wrong by so much, and is put right."""

        def believe() -> None:
            self.clock.wall += seconds
            self.begins += seconds
            self.happened = [msgspec.structs.replace(one, at=one.at + seconds) for one in self.happened]

        self.run(self.incidents.correct(seconds, {}, believe))
        self._settle()

    def answer(self, what: str, person: str, *words: Any, code: str = "") -> None:
        """A person answers: ``seen``, ``mine``, ``step``, ``note``, ``close`` …; of the newest incident, if no code is said."""
        self.run(getattr(self.incidents, what)(code or self.newest.code, person, *words))
        self._settle()

    @property
    def newest(self) -> Incident:
        """The newest incident."""
        return self.incidents.list()[0]

    def run(self, work: Any) -> Any:
        """Run something asynchronous to its end."""
        return self._runner.run(work)

    def close(self) -> None:
        """Let go of the event loop."""
        self._runner.close()

    # Ports of the incidents

    def latest(self, source: Source, quantity: str) -> Latest | None:
        """What the device said a moment ago."""
        device = self.devices.get(source.key)
        if device is None or not device.answers:
            return None
        reading = Reading("x.contact", 1.0) if quantity == "x.contact" else device.readings.get(quantity)
        return None if reading is None else Latest(reading, self.clock.wall)

    def conditions(self, source: Source) -> Mapping[str, Condition]:
        """The conditions of a device."""
        device = self.devices.get(source.key)
        return device.conditions if device else {}

    def named(self, device: str) -> list[tuple[str, str, str]]:
        """All devices of an id."""
        return [key for key in self.devices if key[2] == device]

    def kind(self, key: tuple[str, str, str]) -> str:
        """The kind of a device."""
        return self.devices[key].source.kind if key in self.devices else ""

    async def tell(self, incident: Incident, clause: Any, mail: Any, person: Any, *, again: bool, report: Any) -> None:
        """Write down who was told; a person in ``failing`` is reached by no channel."""
        failed = person.id in self.failing
        purpose = str(mail.purpose)
        self.happened.append(
            Seen(self.clock.wall, "told", incident.code, clause.clause, person.id, purpose, {"again": again})
        )
        await report(Outcome(channel="email", accepted=not failed, text="250 OK", last=failed))

    def _kept(self, one: Event) -> None:
        if one.kind != "message":
            known = self.incidents.get(one.incident).clause if one.incident and one.kind != "opened" else ""
            clause = str(one.data.get("clause", known))
            self.happened.append(Seen(one.at, one.kind, one.incident, clause, one.who, data=one.data))

    def _made(self) -> Incidents:
        return Incidents(self.journal, self.plan, self.contacts, self, self.clock, self)

    def _pass(self, target: float) -> None:
        for _ in range(STEPS):
            wake = self._settle()
            boot = [at for at in (device.wakes() for device in self.devices.values()) if at is not None]
            soonest = min([wake, *(self.clock.wall + at - self.clock.boot for at in boot)], default=target)
            if soonest >= target:
                break
            self.clock.turn(max(SOON, soonest - self.clock.wall))
            for device in self.devices.values():
                device.tick()
        else:
            raise AssertionError(f"something falls due for ever\n{self.story()}")
        self.clock.turn(max(0.0, target - self.clock.wall))
        self._settle()

    def _settle(self) -> float:
        """Do what is due now; return when the next thing is."""
        wake = None
        for _ in range(4):
            wake = self.run(self._tick())
            if wake is None or wake > self.clock.wall:
                break
        return float("inf") if wake is None else wake

    async def _tick(self) -> float | None:
        try:
            await self.incidents.tick()
            await self.incidents.settled()
            return await self.incidents.tick()
        except StorageError:
            return self.clock.wall + 5.0


def _is_flags(quantity: str) -> bool:
    known = find(quantity)
    return known is not None and known.kind.value == "flags"
