"""From the journal to the incidents: alarms in the order of their arrival, with a cursor of their own.

What began and ended while an agent was cut off pages nobody: alarms that its hello still held, and that stand no more,
only write history, once their end has come. What stands, its hello says at once.

Times are given by the gateway's clock: an agent says how long ago something was, on a clock that nobody steps.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec

from contract.alarm import Alarm, Occurrence, report
from contract.errors import UNREADABLE, MessageError, StorageError
from contract.message import Alarms, Hello, Spans, Topic, decode
from contract.ranges import Ranges
from gateway.dating import dated
from gateway.journal import Journal
from gateway.journal.record import Stored
from gateway.live import AgentKey, DeviceView, Live

_log = logging.getLogger(__name__)
READER: Final = "incidents"
_PAGE: Final = 256
_RESTORED: Final = 100_000
"""Readings that are read at a start at the most, the newest: they take a second or two. The charts fill up again."""
_AGAIN: Final = 5.0
"""Seconds until the next try, once the disk failed."""

OnAlarm = Callable[[Alarm, DeviceView], Awaitable[None]]


async def _nobody(_alarm: Alarm, _view: DeviceView) -> None:
    return None


class _Backlog(msgspec.Struct):
    """What an agent still held when it said hello, and what then stood."""

    held: dict[str, Ranges] = {}
    standing: set[str] = set()


class _Kept(msgspec.Struct, frozen=True):
    """The same on disk, beside the cursor."""

    site: str
    agent: str
    held: dict[str, Spans]
    standing: tuple[str, ...]


class _Waiting(msgspec.Struct, frozen=True):
    """An alarm of a device that no inventory has described yet, and whether it is of the past."""

    occurrence: Occurrence
    past: bool


class Feed:
    """Hands each alarm to the incidents once; again after a crash between the two, which changes nothing there."""

    def __init__(self, journal: Journal, live: Live, on_alarm: OnAlarm, on_past: OnAlarm = _nobody) -> None:
        """Take where alarms come from, what is known of their devices, who acts on them, and who writes the history."""
        self._journal = journal
        self._live = live
        self._on_alarm = on_alarm
        self._on_past = on_past
        self._backlog: dict[AgentKey, _Backlog] = {}
        self._waiting: dict[AgentKey, dict[str, _Waiting]] = {}
        self._wake = asyncio.Event()
        self._known = journal.position

    def wake(self, position: int) -> None:
        """Say that there is something new, and that what is known now has it already, up to this id.

        What is in the journal and not yet known waits: an alarm would not find its device.
        """
        self._known = position
        self._wake.set()

    async def run(self) -> None:
        """Hand on what is new, until cancelled."""
        position: int | None = None
        while True:
            self._wake.clear()
            try:
                if position is None:
                    self._backlog = _taken_up(await self._journal.notes(READER))
                    position = await self._journal.cursor(READER)
                read = await self._journal.after(position, _PAGE, readings=False)
                rows = [row for row in read if row.id <= self._known]
                for row in rows:
                    await self._hand_on(row)
                    position = row.id
                if rows:
                    await self._journal.set_cursor(READER, position, notes=_notes(self._backlog))
            except StorageError as error:
                _log.error("alarms wait: %s", error)
                await asyncio.sleep(_AGAIN)
                continue
            if not rows:  # a page of big messages is short, and not the last
                await self._wake.wait()

    async def _hand_on(self, row: Stored) -> None:
        key = (row.site, row.agent)
        try:
            match row.topic:
                case Topic.ALARMS:
                    await self._alarm(key, decode(Alarms, row.body), row.received)
                case Topic.HELLO:
                    hello = decode(Hello, row.body)
                    held = {one.epoch: Ranges(one.spans) for one in hello.held if one.spans}
                    self._backlog[key] = _Backlog(held, {one.id for one in hello.standing})
                    for occurrence in hello.standing:
                        known = dated(occurrence, hello.at, hello.at.boottime, row.received)
                        await self._occurrence(key, known, past=False)
                case Topic.INVENTORY:
                    for one in list(self._waiting.pop(key, {}).values()):
                        await self._occurrence(key, one.occurrence, past=one.past)
        except MessageError as error:  # an older release kept what this one refuses
            _log.warning("message %d of the journal cannot be used: %s", row.id, error)

    async def _alarm(self, key: AgentKey, message: Alarms, received: float) -> None:
        backlog = self._backlog.get(key)
        occurrence = dated(message.occurrence, message.at, message.sent, received)
        old = backlog is not None and message.seq in backlog.held.get(message.epoch, ())
        if old and backlog is not None and occurrence.active and occurrence.id not in backlog.standing:
            return  # it is over; its end, which is still on its way, says all there is to say
        await self._occurrence(key, occurrence, past=old and not occurrence.active)

    async def _occurrence(self, key: AgentKey, occurrence: Occurrence, *, past: bool) -> None:
        view = self._live.devices.get((*key, occurrence.device))
        if view is None or not view.known:
            if occurrence.active or past:
                self._waiting.setdefault(key, {})[occurrence.id] = _Waiting(occurrence, past)
            else:
                self._waiting.get(key, {}).pop(occurrence.id, None)
            if occurrence.active:
                return
            view = view or DeviceView(*key, occurrence.device)  # what is over needs no description: it opens nothing
        known = self._live.alarms.get(occurrence.id)
        alarm = report(known, occurrence)
        if alarm.occurrence.active is occurrence.active:
            alarm = msgspec.structs.replace(alarm, occurrence=occurrence)  # with its times by the gateway's clock
        await self._on_alarm(alarm, view)
        if past and view.known:
            await self._on_past(alarm, view)


def _notes(backlog: dict[AgentKey, _Backlog]) -> str:
    """Return what has to be known after a restart: what is of the past, though it is still on its way."""
    kept = [
        _Kept(*key, {epoch: tuple(spans) for epoch, spans in one.held.items()}, tuple(sorted(one.standing)))
        for key, one in backlog.items()
        if one.held
    ]
    return msgspec.json.encode(kept).decode() if kept else ""


def _taken_up(notes: str) -> dict[AgentKey, _Backlog]:
    try:
        kept = msgspec.json.decode(notes or "[]", type=list[_Kept])
    except UNREADABLE:  # of another release: the agents say hello again
        return {}
    return {
        (one.site, one.agent): _Backlog({epoch: Ranges(spans) for epoch, spans in one.held.items()}, set(one.standing))
        for one in kept
    }


async def rebuild(journal: Journal, live: Live, since: float) -> None:
    """Fill what is known now from the journal: every alarm and inventory, and the readings since a wall time.

    Of those the newest ones, where there are very many; and some in any case, so that each device has its last values.

    Raises:
        StorageError: the journal cannot be read.
    """
    position = 0
    while rows := await journal.after(position, 1000, readings=False):
        for row in rows:
            live.restore(row)
        position = rows[-1].id
    newest = journal.position
    position = max(min(await journal.position_at(since), newest - 2000), newest - _RESTORED, 0)
    while rows := await journal.after(position, 1000, readings=True):
        for row in rows:
            live.restore(row)
        position = rows[-1].id
        await asyncio.sleep(0)  # messages may arrive meanwhile
