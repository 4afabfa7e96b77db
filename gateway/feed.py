"""From the journal to the incidents: alarms in the order of their arrival, with a cursor of their own.

What began and ended while an agent was cut off pages nobody: alarms that its hello still held, and that stand no more,
only write history. What stands, its hello says at once.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec

from contract.alarm import Alarm, Occurrence, report
from contract.errors import MessageError, StorageError
from contract.message import Alarms, Hello, Topic, decode
from contract.ranges import Ranges
from gateway.journal import Journal
from gateway.live import AgentKey, DeviceView, Live
from gateway.record import Stored

_log = logging.getLogger(__name__)
READER: Final = "incidents"
_PAGE: Final = 256
_RESTORED: Final = 100_000
"""Readings that are read at a start at the most, the newest: they take a second or two. The charts fill up again."""
_AGAIN: Final = 5.0
"""Seconds until the next try, once the disk failed."""

OnAlarm = Callable[[Alarm, DeviceView], Awaitable[None]]


class _Backlog(msgspec.Struct):
    """What an agent still held when it said hello, and what then stood."""

    held: dict[str, Ranges] = {}
    standing: set[str] = set()


class Feed:
    """Hands each alarm to the incidents once; again after a crash between the two, which changes nothing there."""

    def __init__(self, journal: Journal, live: Live, on_alarm: OnAlarm) -> None:
        """Take where alarms come from, what is known of their devices, and who acts on them."""
        self._journal = journal
        self._live = live
        self._on_alarm = on_alarm
        self._backlog: dict[AgentKey, _Backlog] = {}
        self._waiting: dict[AgentKey, dict[str, Occurrence]] = {}
        """Alarms of devices that no inventory has described yet."""
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
        position = await self._journal.cursor(READER)
        while True:
            self._wake.clear()
            try:
                read = await self._journal.after(position, _PAGE, readings=False)
                rows = [row for row in read if row.id <= self._known]
                for row in rows:
                    await self._hand_on(row)
                    position = row.id
                if rows:
                    await self._journal.set_cursor(READER, position)
            except StorageError as error:
                _log.error("alarms wait: %s", error)
                await asyncio.sleep(_AGAIN)
                continue
            if len(rows) < _PAGE:
                await self._wake.wait()

    async def _hand_on(self, row: Stored) -> None:
        key = (row.site, row.agent)
        try:
            match row.topic:
                case Topic.ALARMS:
                    await self._alarm(key, decode(Alarms, row.body))
                case Topic.HELLO:
                    hello = decode(Hello, row.body)
                    held = {one.epoch: Ranges(one.spans) for one in hello.held}
                    self._backlog[key] = _Backlog(held, {one.id for one in hello.standing})
                    for occurrence in (*hello.standing, *self._ended(key)):
                        await self._occurrence(key, occurrence)
                case Topic.INVENTORY:
                    for occurrence in list(self._waiting.pop(key, {}).values()):
                        await self._occurrence(key, occurrence)
        except MessageError as error:  # an older release kept what this one refuses
            _log.warning("message %d of the journal cannot be used: %s", row.id, error)

    async def _alarm(self, key: AgentKey, message: Alarms) -> None:
        backlog = self._backlog.get(key)
        occurrence = message.occurrence
        old = backlog is not None and message.seq in backlog.held.get(message.epoch, ())
        if old and backlog is not None and occurrence.active and occurrence.id not in backlog.standing:
            return
        await self._occurrence(key, occurrence)

    def _ended(self, key: AgentKey) -> list[Occurrence]:
        """Return the alarms of an agent that are over; those that nobody knows as standing are passed over later."""
        return [
            alarm.occurrence
            for name, alarm in self._live.alarms.items()
            if self._live.owners.get(name) == key and not alarm.occurrence.active
        ]

    async def _occurrence(self, key: AgentKey, occurrence: Occurrence) -> None:
        view = self._live.devices.get((*key, occurrence.device))
        if view is None or not view.known:
            if occurrence.active:
                self._waiting.setdefault(key, {})[occurrence.id] = occurrence
                return
            self._waiting.get(key, {}).pop(occurrence.id, None)
            view = view or DeviceView(*key, occurrence.device)  # what is over needs no description: it opens nothing
        known = self._live.alarms.get(occurrence.id)
        await self._on_alarm(report(known, occurrence), view)


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
