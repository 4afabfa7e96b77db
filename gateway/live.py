"""What is known now: devices and their last readings, alarms, agents. Fed after the commit; rebuilt from the journal.

Everything is on the event loop; nothing here waits, stores or sends.
"""

import asyncio
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection, Container, Iterator
from contextlib import contextmanager
from typing import Any, Final

import msgspec

from contract.alarm import Alarm, AlarmState, report
from contract.clock import Clock, Stamp
from contract.errors import MessageError
from contract.message import TYPES, Alarms, Device, Hello, Inventory, Message, Readings, State, decode
from contract.reading import Reading
from gateway.dating import Dating, dated
from gateway.journal.record import Stored

HOUR: Final = 3600.0
OWN: Final = "gateway-"
"""Begins the id of each alarm that the gateway raised itself."""
STEP: Final = 10.0
"""Seconds between two points of a history: enough for an hour's chart, little enough for every device in memory."""
_POINTS: Final = int(HOUR / STEP) + 1
ABSENT_AFTER: Final = 60.0
"""Seconds after a hello in which an alarm may still be spoken of; two agents under one name are known sooner."""
SILENT_AFTER: Final = 35.0
"""Seconds without a heartbeat after which an agent counts as away, whatever its last will says: three and a bit."""
_UNREAD: Final = 32
"""Polls of a device that may wait to be read."""
_FORMER: Final = 10_000
"""Devices remembered that are no longer there."""
_KEPT: Final = 2000
"""Alarms that are over, kept in memory at the most."""

DeviceKey = tuple[str, str, str]
AgentKey = tuple[str, str]
OnReadings = Callable[[str, str, Readings, float, float], None]
"""Site, agent, the poll, when it was measured and when it came, by the gateway's wall clock."""


def _nobody(_site: str, _agent: str, _message: Readings, _at: float, _received: float) -> None:
    return None


class LastReading(msgspec.Struct, frozen=True):
    """The last reading of one quantity."""

    reading: Reading
    stamp: Stamp
    """When it was measured, by the agent's clocks."""
    at: float
    """When it was measured, by the gateway's wall clock as well as it is known."""
    received: float


class _Poll(msgspec.Struct, frozen=True):
    """A poll that nobody has asked for yet."""

    message: Readings
    at: float
    received: float


class DeviceView:
    """A device, as its inventory describes it, with its last readings."""

    def __init__(self, site: str, agent: str, name: str) -> None:
        """Know it by name only; the inventory follows."""
        self.site = site
        self.agent = agent
        self.device = Device(id=name)
        self.known = False
        """Whether an inventory has described it."""
        self._readings: dict[str, LastReading] = {}
        self._unread: list[_Poll] = []
        """Polls that nobody has asked for yet: most are outdated before anybody looks."""
        self._charted: dict[tuple[str, ...], float] = {}
        """Quantities of a poll → wall time of the last one whose numbers are in the history."""

    @property
    def readings(self) -> dict[str, LastReading]:
        """The last reading of each quantity."""
        self._read()
        return self._readings

    def take(self, message: Readings, at: float, received: float) -> bool:
        """Take a poll; say whether its numbers belong into the history."""
        unread = self._unread
        last = unread[-1] if unread else None
        if last is None:
            unread.append(_Poll(message, at, received))
        elif at >= last.at:
            if _covers(message, last.message):
                unread.pop()
            unread.append(_Poll(message, at, received))
        elif not _covers(last.message, message):
            unread.append(_Poll(message, at, received))
        if len(unread) > _UNREAD:
            self._read()
        shape = tuple(message.values)
        charted = self._charted.get(shape)
        if charted is not None and at < charted + STEP:
            return False
        if len(self._charted) > _UNREAD:
            self._charted.clear()
        self._charted[shape] = at
        return True

    def _read(self) -> None:
        """Take up what came since somebody asked. A poll older than what is known of a quantity only fills what is missing."""
        readings = self._readings
        for poll in self._unread:
            for reading in poll.message.readings():
                last = readings.get(reading.quantity)
                if last is None or poll.at >= last.at:
                    readings[reading.quantity] = LastReading(reading, poll.message.at, poll.at, poll.received)
        self._unread.clear()

    @property
    def id(self) -> str:
        """Its name in topics."""
        return self.device.id

    @property
    def title(self) -> str:
        """Its name for people."""
        return self.device.title or self.device.id

    @property
    def room(self) -> str:
        """Where it stands."""
        return self.device.room

    @property
    def kind(self) -> str:
        """What it is: ``ups`` …; empty while it is not known."""
        return self.device.kind

    @property
    def interval(self) -> float:
        """Seconds between two polls; 0 when it is not known."""
        return self.device.interval


def _covers(newer: Readings, older: Readings) -> bool:
    """Say whether nothing of an older poll is left to know once there is a newer one."""
    return older.values.keys() <= newer.values.keys() and not older.quality


class AgentView:
    """An agent's presence."""

    def __init__(self, site: str, name: str, clock: Clock) -> None:
        """Know it by name only."""
        self.site = site
        self.name = name
        self.said = False
        """What its last ``state`` said."""
        self.seen: float | None = None
        """Boottime of the gateway when it was last heard."""
        self.last_seen = 0.0
        """Wall time of the same, 0 for never."""
        self.offset = 0.0
        """Its wall clock minus the gateway's, at its last heartbeat; seconds."""
        self.epoch = ""
        self.version = ""
        self.held = 0
        """Messages that it still holds."""
        self.trouble = ""
        """What is wrong with itself, in its own words; empty: nothing."""
        self.unsaid: dict[str, float] = {}
        """Standing alarms that its last hello did not speak of → when that was (boottime)."""
        self._clock = clock

    @property
    def online(self) -> bool:
        """Whether it is there: it says so, and says so often enough."""
        return self.said and self.seen is not None and self._clock.boottime() - self.seen <= SILENT_AFTER


class StandingAlarm(msgspec.Struct, frozen=True):
    """An alarm, and whose it is."""

    site: str
    agent: str
    alarm: Alarm


class _Ring:
    """The last hour of one quantity. As big at its start as it will ever be: what memory holds an hour later is known now."""

    __slots__ = ("_at", "_next", "_values")

    def __init__(self) -> None:
        self._at = array("d", bytes(8 * _POINTS))
        self._values = array("d", bytes(8 * _POINTS))
        self._next = 0
        """Where the next point goes: in place of the oldest one. Times of nought are none."""

    def add(self, at: float, value: float) -> None:
        if at < self._at[self._next - 1] + STEP:
            return  # too near the last one, or older: backlog draws no live chart
        self._at[self._next] = at
        self._values[self._next] = value
        self._next = (self._next + 1) % _POINTS

    def since(self, at: float) -> list[tuple[float, float]]:
        times = self._at[self._next :] + self._at[: self._next]
        values = self._values[self._next :] + self._values[: self._next]
        first = max(bisect_left(times, at), bisect_right(times, 0.0))
        return list(zip(times[first:], values[first:], strict=True))


class Live:
    """The state of the whole site in memory."""

    def __init__(self, clock: Clock, charted: Collection[str] | None = None) -> None:
        """Start empty.

        Args:
            clock: of this host.
            charted: the quantities whose last hour is kept; None: all of them.
        """
        self._charted = None if charted is None else frozenset(charted)
        self.devices: dict[DeviceKey, DeviceView] = {}
        self._names: dict[AgentKey, set[str]] = {}
        """Agent → its devices, described or not."""
        self.named: dict[str, list[DeviceKey]] = {}
        """Device id → all that have it."""
        self.former: dict[DeviceKey, Device] = {}
        """Devices that no inventory has any more: their readings may still be on their way to the store."""
        self.agents: dict[AgentKey, AgentView] = {}
        self.alarms: dict[str, Alarm] = {}
        """Occurrence id → alarm."""
        self.owners: dict[str, AgentKey] = {}
        """Occurrence id → the agent that reported it."""
        self.dating = Dating(lambda: clock.stamp().trusted)
        self._history: dict[tuple[str, str, str, str], _Ring] = {}
        self._watchers: set[asyncio.Event] = set()
        self._forget_above = _KEPT
        self._clock = clock
        self.on_readings: OnReadings = _nobody
        """Called with each poll, also with those that a restart reads again."""

    def readings(self, site: str, agent: str, message: Readings, received: float) -> None:
        """Take a poll. One older than what is known of a quantity only fills what is missing."""
        view = self.device(site, agent, message.device)
        self.dating.learn(site, agent, message.at, message.sent, received)
        at = self.dating.date(site, agent, message.at)
        if at is None:  # for the moment
            at = received - max(0.0, message.sent - message.at.boottime)
        if view.take(message, at, received):
            for quantity, value in message.values.items():
                if isinstance(value, int | float) and (self._charted is None or quantity in self._charted):
                    key = (site, agent, message.device, quantity)
                    self._history.setdefault(key, _Ring()).add(at, value)
        self.on_readings(site, agent, message, at, received)
        self._tell()

    def alarm(self, site: str, agent: str, message: Alarms, received: float | None = None) -> Alarm:
        """Take a report of an occurrence; return the alarm as it stands now.

        Args:
            site: of the agent.
            agent: its name.
            message: the report.
            received: the gateway's wall clock at its arrival, by which it is dated; None: it has its dates.
        """
        occurrence = message.occurrence
        if received is not None:
            occurrence = dated(occurrence, message.at, message.sent, received)
        alarm = self.alarms[occurrence.id] = report(self.alarms.get(occurrence.id), occurrence)
        self.owners[occurrence.id] = (site, agent)
        owner = self.agents.get((site, agent))
        if owner is not None:
            owner.unsaid.pop(occurrence.id, None)
        if len(self.alarms) > self._forget_above:
            self._forget()
        self._tell()
        return alarm

    def hello(self, site: str, agent: str, message: Hello, received: float | None = None) -> None:
        """Take an agent's first message: its standing alarms, and those that it does not speak of; see ``absent``."""
        view = self.agent(site, agent)
        view.epoch = message.epoch
        at, sent = message.at, message.at.boottime
        for occurrence in message.standing:
            self.alarm(site, agent, Alarms(at=at, sent=sent, occurrence=occurrence), received)
        standing = {occurrence.id for occurrence in message.standing}
        view.unsaid = {}
        if message.partial or any(held.spans for held in message.held):
            return
        now = self._clock.boottime()
        for name, alarm in self.alarms.items():
            own = name.startswith(OWN) or alarm.occurrence.device.startswith("@")
            if alarm.occurrence.active and not own and name not in standing and self.owners.get(name) == (site, agent):
                view.unsaid[name] = now

    def absent(self, twins: Container[AgentKey]) -> list[Alarm]:
        """End the alarms that an agent has not spoken of since its hello; return them.

        It is given a while: another agent under its name (``twins``) may have said that hello, and knows nothing of them.
        """
        ended: list[Alarm] = []
        for key, view in self.agents.items():
            for name, since in list(view.unsaid.items()) if key not in twins else ():
                alarm = self.alarms.get(name)
                if alarm is not None and alarm.occurrence.active and self._clock.boottime() - since < ABSENT_AFTER:
                    continue
                del view.unsaid[name]
                if alarm is not None and alarm.occurrence.active:
                    over = msgspec.structs.replace(alarm.occurrence, active=False, cleared=self._clock.stamp())
                    ended.append(self.alarm(*key, Alarms(occurrence=over)))
        return ended

    def inventory(self, site: str, agent: str, message: Inventory) -> None:
        """Take an agent's devices; one that is no longer there is forgotten."""
        names = {device.id for device in message.devices}
        for name in sorted(self._names.get((site, agent), set()) - names):
            key = (site, agent, name)
            self._names[site, agent].discard(name)
            gone = self.devices.pop(key)
            self.named[name].remove(key)
            if gone.known:
                self.former[key] = gone.device
                if len(self.former) > _FORMER:
                    del self.former[next(iter(self.former))]
            for row in [row for row in self._history if row[:3] == key]:
                del self._history[row]
        for device in message.devices:
            view = self.device(site, agent, device.id)
            view.device = device
            view.known = True
        self._tell()

    def state(self, site: str, agent: str, message: State, received: float, *, retained: bool = False) -> None:
        """Take an agent's heartbeat. A retained one is from an unknown time: it says who, not that they are there."""
        view = self.agent(site, agent)
        before = (view.online, view.held)
        view.said = message.online
        view.version = message.version
        view.held = message.held
        view.trouble = message.trouble
        if not retained:
            view.epoch = message.epoch or view.epoch
            view.seen = self._clock.boottime()
            view.last_seen = received
            if message.online:
                view.offset = message.at.wall - received
        if (view.online, view.held) != before:
            self._tell()

    def restore(self, row: Stored) -> None:
        """Take a message of the journal at the start; one that cannot be used is passed over."""
        kind: type[Any] = TYPES[row.topic]
        try:
            message: Message = decode(kind, row.body)
        except MessageError:
            return
        match message:
            case Readings():
                self.readings(row.site, row.agent, message, row.received)
            case Alarms():
                self.alarm(row.site, row.agent, message, row.received)
            case Hello():
                self.hello(row.site, row.agent, message, row.received)
            case Inventory():
                self.inventory(row.site, row.agent, message)

    def heard(self, site: str, agent: str, received: float) -> None:
        """Note that a live message of an agent came: it is there."""
        view = self.agent(site, agent)
        view.seen = self._clock.boottime()
        view.last_seen = received

    def update(self, occurrence: str, change: Callable[[Alarm], Alarm]) -> None:
        """Change an alarm: acknowledge, shelve, advance … One that is not known is left aside."""
        alarm = self.alarms.get(occurrence)
        if alarm is not None:
            self.alarms[occurrence] = change(alarm)
            self._tell()

    def device(self, site: str, agent: str, name: str) -> DeviceView:
        """Return a device, new if need be."""
        key = (site, agent, name)
        view = self.devices.get(key)
        if view is None:
            view = self.devices[key] = DeviceView(site, agent, name)
            self._names.setdefault((site, agent), set()).add(name)
            self.named.setdefault(name, []).append((site, agent, name))
        return view

    def agent(self, site: str, name: str) -> AgentView:
        """Return an agent, new if need be."""
        view = self.agents.get((site, name))
        if view is None:
            view = self.agents[site, name] = AgentView(site, name, self._clock)
        return view

    def standing(self) -> list[StandingAlarm]:
        """Return the alarms that people must still see: all but those that are over and acknowledged."""
        wall = self._clock.stamp().wall
        return [
            StandingAlarm(*self.owners[name], alarm)
            for name, alarm in self.alarms.items()
            if alarm.state(wall) is not AlarmState.NORMAL
        ]

    def history(self, site: str, agent: str, device: str, quantity: str, since: float) -> list[tuple[float, float]]:
        """Return the numbers of one quantity as (wall time, value), oldest first; the last hour at the most."""
        ring = self._history.get((site, agent, device, quantity))
        return [] if ring is None else ring.since(max(since, self._clock.stamp().wall - HOUR))

    @contextmanager
    def changes(self) -> Iterator[asyncio.Event]:
        """Return an event that is set at every change while it is held; clear it before looking."""
        event = asyncio.Event()
        self._watchers.add(event)
        try:
            yield event
        finally:
            self._watchers.discard(event)

    def _tell(self) -> None:
        for event in self._watchers:
            event.set()

    def _forget(self) -> None:
        """Drop the oldest alarms that are over; look again only when there are many more."""
        over = [name for name, alarm in self.alarms.items() if not alarm.occurrence.active]
        for name in over[: len(self.alarms) - _KEPT // 2]:
            del self.alarms[name]
            del self.owners[name]
        self._forget_above = max(_KEPT, 2 * len(self.alarms))
