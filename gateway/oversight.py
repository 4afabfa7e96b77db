"""The alarms of the gateway itself: what it finds wrong with agents, the broker, the store, and its own journal.

Silence is never read as health: an agent that is not heard, and a broker that is away, are alarms. Each is raised for
each kind of device that it concerns, so that the plan's clause for that kind comes into force. What cannot be known now
(of one agent, while the broker is away) neither begins nor ends.
"""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

import msgspec

from contract.alarm import Alarm, Occurrence
from contract.clock import Clock, Stamp
from contract.condition import Severity
from contract.errors import StorageError
from contract.message import Alarms
from contract.reading import Reading, Value
from gateway.incident import Incident, Source
from gateway.live import OWN, Live
from gateway.plan.decide import Latest

_log = logging.getLogger(__name__)
LOOK: Final = 5.0
"""Seconds between two looks."""

OnAlarm = Callable[[Alarm, Source], Awaitable[None]]
Key = tuple[str, str, str, str]
"""Site, agent (both empty for what concerns no agent), kind of device, condition."""


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """What one look says of one matter: whether it is wrong, since when (boottime; None: since now), and the proof."""

    site: str = ""
    agent: str = ""
    kind: str
    wrong: bool
    since: float | None = None
    value: Value


class Watch(msgspec.Struct, frozen=True, kw_only=True):
    """One condition that the gateway judges itself."""

    condition: str
    severity: Severity
    after: float
    """Seconds that it must have been wrong."""
    quantity: str
    """What it is about; ``value`` of a case is its reading."""
    part: str = ""
    """What of an agent, or of the gateway: each has incidents of its own, so that a finding hides no alarm."""
    title: str = "代理 agent"
    look: Callable[[], Iterable[Case]]
    """Yields what is known now."""


class Oversight:
    """Looks, raises, ends; takes up after a restart what stood before it."""

    def __init__(self, live: Live, clock: Clock, watches: Iterable[Watch], on_alarm: OnAlarm) -> None:
        """Take what is known, the clock, what is watched, and who acts on alarms."""
        self._live = live
        self._clock = clock
        self._watches = {watch.condition: watch for watch in watches}
        self._on_alarm = on_alarm
        self._standing: dict[Key, tuple[Occurrence, Source]] = {}
        self._wrong: dict[Key, float] = {}
        """Since when (boottime) it is wrong, where the look does not say."""
        self._proof: dict[tuple[str, str, str, str], Latest] = {}
        """(Site, agent, kind, quantity) → what the last look found to be right."""

    def adopt(self, incidents: Iterable[Incident]) -> None:
        """Take up what stood before a restart, so that it neither opens twice nor stands for ever."""
        for incident in incidents:
            for symptom in incident.active:
                source = incident.where(symptom)
                watch = self._watches.get(symptom.condition)
                if watch is not None and source.device.startswith("@"):
                    since = Stamp(symptom.since, trusted=True)
                    occurrence = _occurrence(symptom.id, watch, source, since)
                    self._standing[source.site, source.agent, source.kind, symptom.condition] = (occurrence, source)
                    self._live.alarm(source.site, source.agent, Alarms(occurrence=occurrence))

    def moved(self, by: float) -> None:
        """Move the times of what stands: the gateway's clock was put right by so many seconds."""
        for key, (occurrence, source) in self._standing.items():
            since = msgspec.structs.replace(occurrence.since, wall=max(0.0, occurrence.since.wall + by))
            moved = msgspec.structs.replace(occurrence, since=since, raised=since)
            self._standing[key] = (moved, source)
            self._live.alarm(source.site, source.agent, Alarms(occurrence=moved))

    def latest(self, source: Source, quantity: str) -> Latest | None:
        """Return the proof that something is right again, as the last look found it."""
        return self._proof.get((source.site, source.agent, source.kind, quantity))

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            try:
                await self.look()
            except StorageError as error:
                _log.error("what the gateway itself finds wrong is not yet on record: %s", error)
            await asyncio.sleep(LOOK)

    async def look(self) -> None:
        """Raise what is wrong for long enough, end what is right again.

        Raises:
            StorageError: the disk did not take it; the next look tries again.
        """
        for key, (occurrence, _) in list(self._standing.items()):
            known = self._live.alarms.get(occurrence.id)
            if known is None or not known.occurrence.active:
                del self._standing[key]  # somebody else has ended it
        for watch in self._watches.values():
            for case in watch.look():
                await self._judge(watch, case)
        kinds = {(one.site, one.agent, one.kind) for one in self._live.devices.values() if one.known}
        for key in [key for key in self._standing if key[1] and key[:3] not in kinds]:
            await self._end(key)  # it has no such device any more: nobody will say that it is right again

    async def _judge(self, watch: Watch, case: Case) -> None:
        key = (case.site, case.agent, case.kind, watch.condition)
        now = self._clock.boottime()
        if case.wrong:
            since = self._wrong.setdefault(key, now) if case.since is None else case.since
            if now - since >= watch.after and key not in self._standing:
                await self._raise(key, watch, case)
            return
        self._wrong.pop(key, None)
        proof = Latest(Reading(watch.quantity, case.value), self._clock.stamp().wall)
        self._proof[case.site, case.agent, case.kind, watch.quantity] = proof
        if key in self._standing:
            await self._end(key)

    async def _raise(self, key: Key, watch: Watch, case: Case) -> None:
        title = f"{watch.title} {case.agent}".strip()
        room = self._rooms(case.site, case.agent) if case.agent else ""
        # No device can have this name: it begins with a sign that names must not have.
        name = "@" + ":".join(part for part in (case.agent, watch.part) if part)
        source = Source(site=case.site, agent=case.agent, device=name, title=title, room=room, kind=case.kind)
        occurrence = _occurrence(f"{OWN}{secrets.token_hex(8)}", watch, source, self._clock.stamp(), case.value)
        _log.warning("%s: %s (%s devices)", title, watch.condition, case.kind)
        await self._on_alarm(self._live.alarm(case.site, case.agent, Alarms(occurrence=occurrence)), source)
        self._standing[key] = (occurrence, source)

    async def _end(self, key: Key) -> None:
        occurrence, source = self._standing[key]
        over = msgspec.structs.replace(occurrence, active=False, cleared=self._clock.stamp())
        await self._on_alarm(self._live.alarm(source.site, source.agent, Alarms(occurrence=over)), source)
        del self._standing[key]

    def _rooms(self, site: str, agent: str) -> str:
        rooms = {view.room: None for view in self._live.devices.values() if (view.site, view.agent) == (site, agent)}
        return "、".join(room for room in rooms if room)


def _occurrence(name: str, watch: Watch, source: Source, since: Stamp, value: Value | None = None) -> Occurrence:
    return Occurrence(
        id=name,
        device=source.device,
        condition=watch.condition,
        severity=watch.severity,
        since=since,
        raised=since,
        quantity=watch.quantity,
        value=value,
    )
