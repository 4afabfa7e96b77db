"""Who would be told what, when and by which channel: the real incidents, plan, contacts and stages, over a clock that leaps.

Nothing here decides anything. ``Incidents`` is the gateway's own, with a journal in memory and channels that only write
down; the time leaps over what a running gateway would sleep.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

import msgspec

from contract.alarm import Alarm, Occurrence
from contract.clock import Stamp
from contract.condition import Condition, Severity
from contract.errors import IncidentError, NotifyRefused, UsageError
from contract.reading import Reading
from gateway.contacts import Contacts
from gateway.event import Event
from gateway.incident import Incident, Source
from gateway.incidents import LOOK, Incidents
from gateway.notify.letter import Channel, Letter
from gateway.notify.pipeline import Notifier, standard_stages
from gateway.plan.decide import Latest
from gateway.plan.dependencies import Key
from gateway.plan.lint.fleet import Watch
from gateway.plan.model import Plan

_BOOT: Final = "simulated"
_LEAST: Final = 0.001
"""Seconds by which the clock leaps at the least: what is due and never done must not hold it."""
_TURNS: Final = 2000
"""Leaps at the most, beside those that only look."""


class Act(msgspec.Struct, frozen=True, order=True):
    """What people or devices do, so many seconds after the alarm."""

    after: float
    verb: str
    """``seen`` or ``mine`` (by a person), ``alarm`` (a further condition), ``clear`` (all is well again)."""
    of: str = ""


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """A person's report; its fields as they are asked for."""

    clause: str
    name: str
    who: str
    fields: Mapping[str, str] = {}


class Story(msgspec.Struct, frozen=True, kw_only=True):
    """What is played."""

    source: Source
    watch: Watch = Watch("")
    """The condition that is raised, and what it is judged by."""
    report: Said | None = None
    """What a person reports instead."""
    start: float
    """Wall time of the alarm: the agent's on-delay is over then."""
    length: float
    """Seconds that are played."""
    acts: tuple[Act, ...] = ()
    others: Mapping[Key, str] = {}
    """Site, agent and device → kind, of all the devices that there are."""
    down: frozenset[str] = frozenset()
    """Channels that take nothing: ``email``, ``webhook:<name>``."""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the timetable."""

    at: float
    """Wall time."""
    after: float
    """Seconds since the alarm."""
    kind: str
    """The kind of the event."""
    who: str = ""
    purpose: str = ""
    channel: str = ""
    """By which the message went; of a channel that refused it, ``failed`` is the kind."""
    text: str = ""


class Timetable(msgspec.Struct, frozen=True):
    """What would happen; ``incidents`` as they stand at the end."""

    lines: tuple[Line, ...]
    incidents: tuple[Incident, ...]


class LeapingClock:
    """A clock that is turned by hand."""

    def __init__(self, wall: float) -> None:
        """Begin at a wall time."""
        self._start = wall
        self.wall = wall

    def stamp(self) -> Stamp:
        """See ``Clock``."""
        return Stamp(self.wall, self.boottime(), _BOOT, trusted=True)

    def boottime(self) -> float:
        """See ``Clock``."""
        return self.wall - self._start

    def leap(self, to: float) -> None:
        """Let it be this wall time, or a moment later than now."""
        self.wall = max(to, self.wall + _LEAST)


class Memory:
    """Events in memory. See ``ports.Keeper``."""

    def __init__(self) -> None:
        """Begin empty."""
        self.kept: list[Event] = []

    async def record_event(self, event: Event) -> Event:
        """Keep an event."""
        kept = msgspec.structs.replace(event, id=len(self.kept) + 1)
        self.kept.append(kept)
        return kept

    async def events(self, incident: str | None = None) -> Iterable[Event]:
        """Return the events kept."""
        return [event for event in self.kept if incident in (None, event.incident)]


class Recorder:
    """A channel that writes down what it is given. See ``letter.Channel``."""

    def __init__(self, *, down: bool = False) -> None:
        """Take whether it refuses everything."""
        self.letters: list[Letter] = []
        self._down = down

    async def send(self, letter: Letter) -> str:
        """Take a letter, or refuse it."""
        if self._down:
            raise NotifyRefused("down in this simulation")
        self.letters.append(letter)
        return ""


class _Readings:
    """What the devices say: of the story's nothing, until all is well again; all others are well. See ``ports.Facts``."""

    def __init__(self, clock: LeapingClock, story: Story) -> None:
        self.well = False
        self._clock = clock
        self._key = story.source.key
        self._others = story.others

    def latest(self, source: Source, quantity: str) -> Latest | None:
        if self.well or source.key != self._key:
            return Latest(Reading(quantity, 1.0), self._clock.wall)
        return None

    def conditions(self, _source: Source) -> Mapping[str, Condition]:
        return {}  # a good reading has to do

    def named(self, device: str) -> Collection[Key]:
        return [key for key in self._others if key[2] == device]

    def kind(self, key: Key) -> str:
        return self._others.get(key, "")


async def simulate(plan: Plan, contacts: Contacts, channels: Iterable[str], story: Story) -> Timetable:
    """Play a story.

    Args:
        plan: the plan.
        contacts: the people in it.
        channels: the names of those that are configured.
        story: what happens.

    Raises:
        UsageError: it never ends.
    """
    clock = LeapingClock(story.start)
    journal, readings = Memory(), _Readings(clock, story)
    recorders = {name: Recorder(down=name in story.down) for name in channels}
    ways: dict[str, Channel] = {**recorders}
    teller = Notifier(ways, standard_stages(ways), secret=b"simulated", utc_offset=contacts.hours.offset(story.start))
    incidents = Incidents(journal, plan, contacts, teller, clock, readings)
    first = Act(0.0, "alarm", story.watch.name) if story.report is None else Act(0.0, "report")
    acts = [first, *sorted(story.acts)]
    cast = _Cast(story, incidents, readings, clock)
    said: list[Line] = []
    for _ in range(_TURNS + int(story.length / LOOK)):
        while acts and story.start + acts[0].after <= clock.wall:
            said += await cast.play(acts.pop(0))
        at = await _settle(incidents, journal)
        # a running gateway looks so often too, whatever it thinks falls due
        due = [clock.wall + LOOK, *([] if at is None else [at]), *(story.start + act.after for act in acts[:1])]
        over = not acts and all(one.closed is not None for one in incidents.list())
        if over or min(due) > story.start + story.length:
            lines = [*said, *_lines(journal.kept, story.start, _subjects(recorders.values()))]
            return Timetable(tuple(sorted(lines, key=lambda line: line.at)), incidents.list())
        clock.leap(min(due))
    raise UsageError(f"something falls due again and again, at {clock.boottime():g} s", hint="please report this")


async def _settle(incidents: Incidents, journal: Memory) -> float | None:
    """Do all that is due now, and what follows from it at once; return when the next thing falls due."""
    while True:
        before = len(journal.kept)
        at = await incidents.tick()
        await incidents.settled()
        if len(journal.kept) == before:
            return at


class _Cast:
    """Plays what people and devices do."""

    def __init__(self, story: Story, incidents: Incidents, readings: _Readings, clock: LeapingClock) -> None:
        self._story = story
        self._incidents = incidents
        self._readings = readings
        self._clock = clock
        self._standing: dict[str, Occurrence] = {}

    async def play(self, act: Act) -> list[Line]:
        """Do it; return a line where it could not be done."""
        match act.verb:
            case "alarm":
                self._readings.well = False
                watch = self._story.watch if act.of == self._story.watch.name else Watch(act.of)
                await self._report(self._raised(watch))
            case "report":
                if said := self._story.report:
                    await self._incidents.report(said.clause, said.name, said.who, said.fields)
            case "clear":
                self._readings.well = True
                for one in self._standing.values():
                    await self._report(msgspec.structs.replace(one, active=False, cleared=self._clock.stamp()))
                self._standing.clear()
            case verb:
                try:
                    for case in [each for each in self._incidents.list() if each.closed is None][:1]:
                        await (self._incidents.seen if verb == "seen" else self._incidents.mine)(case.code, act.of)
                except IncidentError as error:
                    line = Line(at=self._clock.wall, after=act.after, kind="refused", who=act.of, text=error.of("en"))
                    return [line]
        return []

    def _raised(self, watch: Watch) -> Occurrence:
        now = self._clock.stamp()
        occurrence = Occurrence(
            id=f"simulated-{len(self._standing) + 1}-{now.boottime:g}",
            device=self._story.source.device,
            condition=watch.name,
            severity=Severity.SEVERE,
            since=now,
            raised=now,
            quantity=watch.quantity,
            value=(watch.flag,) if watch.flag else None,
        )
        self._standing[occurrence.id] = occurrence
        return occurrence

    async def _report(self, occurrence: Occurrence) -> None:
        await self._incidents.on_alarm(Alarm(occurrence), self._story.source)


def _subjects(recorders: Iterable[Recorder]) -> dict[str, str]:
    return {letter.id: letter.subject for recorder in recorders for letter in recorder.letters}


def _lines(events: Sequence[Event], start: float, subjects: Mapping[str, str]) -> Iterable[Line]:
    """Yield the events as lines; a message and its acceptance are one."""
    ways = {event.data["message"]: event.data["channel"] for event in events if event.kind == "accepted"}
    for event in events:
        if event.kind == "accepted":
            continue
        message = str(event.data.get("message", ""))
        text = subjects.get(message, "") if event.kind == "message" else event.text
        if event.kind in ("opened", "joined"):
            text = event.data["symptom"]["condition"]
        yield Line(
            at=event.at,
            after=event.at - start,
            kind=event.kind,
            who=event.who,
            purpose=str(event.data.get("purpose", "")),
            channel=str(event.data.get("channel", "") or ways.get(message, "")),
            text=text,
        )
