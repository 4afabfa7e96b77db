"""One drill that runs: incidents of its own, on a clock of its own, over the same plan, people, journal and channels."""

import asyncio
import logging
from collections.abc import Collection, Mapping
from typing import Final

import msgspec

from contract.alarm import Alarm, Occurrence
from contract.clock import Clock
from contract.condition import Condition
from contract.errors import StorageError
from contract.reading import Reading
from gateway.contacts import Contacts
from gateway.drill.clock import ScaledClock
from gateway.drill.mail import ParticipantsOnly
from gateway.drill.record import PLAYED, Record
from gateway.drill.script import Input, Script, trigger_kind
from gateway.event import Event
from gateway.incident import Source, code_of
from gateway.incidents import Incidents
from gateway.plan.decide import Latest
from gateway.plan.dependencies import Key
from gateway.plan.model import Plan
from gateway.ports import Keeper, Teller

_log = logging.getLogger(__name__)
LOOK: Final = 0.25
"""Seconds between two looks at what is due, of the real clock."""
_ROOM: Final = "演练 drill"


class _Own:
    """The journal as a drill's incidents see it: what is new goes to the disk, and of what is there only theirs is seen."""

    def __init__(self, journal: Keeper) -> None:
        self._journal = journal
        self.events_kept: list[Event] = []

    async def record_event(self, event: Event) -> Event:
        kept = await self._journal.record_event(event)
        self.events_kept.append(kept)
        return kept

    async def events(self, incident: str | None = None) -> list[Event]:
        """A drill begins with none."""
        return [one for one in self.events_kept if incident in (None, one.incident)]


class _MadeUp:
    """The devices of a drill: once the cause is over, they say so at every look."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def latest(self, source: Source, quantity: str) -> Latest | None:  # noqa: ARG002 - a port's
        """A good reading, now."""
        return Latest(Reading(quantity, 1.0), self._clock.stamp().wall)

    def conditions(self, source: Source) -> Mapping[str, Condition]:  # noqa: ARG002 - a port's
        """None is known: a good reading has to do."""
        return {}

    def named(self, device: str) -> Collection[Key]:  # noqa: ARG002 - a port's
        """There is none: what is played follows from nothing."""
        return ()

    def kind(self, key: Key) -> str:  # noqa: ARG002 - a port's
        """It is not known."""
        return ""


class Play:
    """A drill, from its first input to its end. ``run`` starts it."""

    def __init__(
        self,
        record: Record,
        script: Script,
        plan: Plan,
        contacts: Contacts,
        journal: Keeper,
        teller: Teller,
        clock: Clock,
    ) -> None:
        """Take what is on record of it, what is played, and the parts of the real chain; nothing is started."""
        self.record = record
        self.clock = ScaledClock(clock, record.speed)
        self._script = script
        self._plan = plan
        self._clause = plan.find(script.clause)
        self._journal = journal
        self._inputs = sorted(script.input, key=lambda one: one.at)
        self._played = 0
        self._standing: dict[tuple[str, str], tuple[Occurrence, Source]] = {}
        self.incidents = Incidents(
            _Own(journal),
            plan,
            contacts,
            ParticipantsOnly(teller, record.participants),
            self.clock,
            _MadeUp(self.clock),
            name=lambda number: f"{record.code}-{code_of(number)}",
        )

    @property
    def now(self) -> float:
        """Seconds since it began, by its own clock."""
        return self.clock.stamp().wall - self.record.started

    async def run(self) -> str:
        """Play the inputs and let the plan work, until it is over; return why: ``done`` or ``time``."""
        while True:
            try:
                await self.look()
            except StorageError as error:
                _log.error("%s waits: %s", self.record.code, error)
            if self._played == len(self._inputs) and all(one.closed is not None for one in self.incidents.list()):
                return "done"
            if self.now >= self._script.ends:
                return "time"
            await asyncio.sleep(LOOK)

    async def look(self) -> None:
        """Do what is due.

        Raises:
            StorageError: the disk did not take it; the next look tries again.
        """
        while self._played < len(self._inputs) and self._inputs[self._played].at <= self.now:
            await self._play(self._inputs[self._played])
            self._played += 1
        await self.incidents.tick()

    async def stop(self) -> None:
        """Let the messages under way come to their end."""
        await self.incidents.stop()

    async def _play(self, one: Input) -> None:
        stamp = self.clock.stamp()
        data = {"drill": self.record.number, "condition": one.condition or one.report, "over": one.over}
        await self._journal.record_event(Event(at=stamp.wall, kind=PLAYED, data=data))
        if one.report:
            await self._report(one)
            return
        key = (one.device, one.condition)
        if one.over:
            occurrence, source = self._standing.pop(key, (None, None))
            if occurrence is None or source is None:
                return
            over = msgspec.structs.replace(occurrence, active=False, cleared=stamp)
            await self.incidents.on_alarm(Alarm(over), source)
            return
        source = self._source(one)
        name = f"{self.record.code}-{self._played}"
        occurrence = Occurrence(
            id=name, device=one.device, condition=one.condition, since=stamp, raised=stamp, quantity="x.contact"
        )
        self._standing[key] = occurrence, source
        await self.incidents.on_alarm(Alarm(occurrence), source)

    async def _report(self, one: Input) -> None:
        """Let who began the drill report something, with all that is asked for filled in."""
        declared = self._clause.reported(one.report) if self._clause else None
        if self._clause is None or declared is None:
            return
        fields = {field.name: "1" if field.number else "演练" for field in declared.field}
        await self.incidents.report(self._clause.clause, one.report, self.record.by, fields, one.title or _ROOM)

    def _source(self, one: Input) -> Source:
        kind = one.kind or (trigger_kind(self._plan, self._clause, one) if self._clause else "") or ""
        return Source(
            site="drill", agent=self.record.code.lower(), device=one.device, title=one.title, room=_ROOM, kind=kind
        )
