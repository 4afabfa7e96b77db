"""What the journal lets go of, and when: old messages that every reader has passed, the oldest sooner when it is too big.

Policy, in this order: (1) messages older than ``keep`` that every reader has passed; (2) while the file is over its
limit, the oldest that every reader has passed, whatever their age; (3) still over it, because the store takes nothing:
readings that it has not seen are thinned out, one a minute of each device is left, then one in ten minutes; (4) then
the oldest go. What (3) and (4) take is named, in the list of gaps, on record and in the log.

Reports of alarms that stand, the last hello and inventory of each agent, and events stay. What a reader has set aside
for later is spared by (1) and (2). Nothing goes that a start would have to read to know what was received.

A step takes a few thousand messages and is a commit of its own; others have their turn between two.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from contract.clock import Clock
from contract.errors import UNREADABLE, MessageError, StorageError
from contract.message import Alarms, Topic, decode
from gateway.event import Event
from gateway.journal import Journal
from gateway.journal.record import Size, Stored
from gateway.journal.retention_steps import DELETE, drop_named, dropping

_log = logging.getLogger(__name__)

LOOK: Final = 10.0
"""Seconds between two looks at the size; sooner when the limit would be reached before that."""
_LOOK_LEAST: Final = 1.0
_STEP: Final = 10_000
"""Messages that a commit drops at the most."""
_STEP_LEAST: Final = 200
_PAGE: Final = 1000
_FROM: Final = 0.9
"""Of the limit: from here on what all have passed goes, so that the limit is not reached between two looks."""
_ROOMY: Final = 0.85
"""Of the limit: what is left then."""
_DOWN_TO: Final = 0.95
"""Of the limit: what is left when it was reached all the same, and readings go that somebody waits for."""
_SPARE: Final = 0.1
"""Of what is in use: how much more the file keeps for the next day."""
_PAGES: Final = 1024
"""Pages that are given back to the disk at once: some 30 ms, in which nothing is committed."""
_FORGET: Final = 90 * 86400.0
"""Seconds after which what was received of a stream is forgotten; more when messages are kept longer."""
_RECENT: Final = 6 * 3600.0
"""Seconds over which the present rate is taken."""
_SAMPLE: Final = 2000
"""Messages whose size is looked at."""
_HEAD: Final = 24
"""Bytes of a message's row beside its body."""
GRADES: Final = {
    60.0: "over its limit while the store took nothing: one a minute of each device is left",
    600.0: "over its limit while the store took nothing: one in ten minutes of each device is left",
}
"""Seconds between two readings of a device that are left → the reason that the others are named with."""
OLDEST: Final = "over its limit while the store took nothing: the oldest went"
_ALL: Final = float("inf")


class _At(msgspec.Struct, frozen=True):
    boot: str = ""
    boottime: float = 0.0


class _Poll(msgspec.Struct, frozen=True):
    """What thinning has to know of a reading."""

    device: str = ""
    at: _At = _At()
    values: dict[str, msgspec.Raw] = {}


class Retention:
    """Keeps one journal within its limits. ``run`` looks at its size; ``nightly`` drops what is old."""

    def __init__(
        self,
        journal: Journal,
        clock: Clock,
        *,
        keep: float,
        most: int,
        readers: Sequence[str],
        rare_readers: Sequence[str],
        standing: Callable[[], set[str]],
        disk: Callable[[], int],
    ) -> None:
        """Take the journal and its limits.

        Args:
            journal: whose messages go.
            clock: the gateway's.
            keep: seconds that a message stays at least, while there is room.
            most: bytes that the file may have.
            readers: who has to have passed a reading before it goes; none: nobody.
            rare_readers: who has to have passed any other message.
            standing: returns the ids of the occurrences that stand.
            disk: returns the bytes that are free where it lies.
        """
        self._journal = journal
        self._clock = clock
        self._keep = keep
        self._most = most
        self._readers = tuple(readers)
        self._rare_readers = tuple(rare_readers)
        self._standing = standing
        self._disk = disk
        self._busy = asyncio.Lock()
        self._swept = 0
        """Up to here only what is spared is left of what all had passed."""
        self._thinned = dict.fromkeys(GRADES, 0)
        """Grade → the message up to which it was thinned out."""
        self._told: set[str] = set()
        """What was told of the present trouble."""

    async def run(self) -> None:
        """Say what there is room for; then keep the size within its limit, until cancelled."""
        pause, left = 0.0, 0
        while True:
            growth = 0.0
            try:
                if not pause:
                    _log.info("%s", await self.room())
                found = (await self._journal.size()).used
                growth = (found - left) / pause if pause else 0.0
                left = await self.look()
            except StorageError:
                pass  # told by the journal
            pause = next_look(self._most * _FROM - left, growth)
            await asyncio.sleep(pause)

    async def room(self) -> str:
        """Return a sentence on what the journal holds, and how long it could go on without the store."""
        size = await self._journal.size()
        position, passed = self._journal.position, await self._passed(self._readers)
        wall = self._clock.stamp().wall
        first = await self._journal.read("SELECT received FROM messages ORDER BY id LIMIT 1")
        try:
            most, doubt = min(self._most, size.used + size.free + self._disk()), ""
        except OSError as error:
            most, doubt = self._most, f" (the disk does not say how much of it is free: {error.strerror or error})"
        said = f"the journal holds {_size(size.used)} of {_size(most)}{doubt}"
        said += "" if most == self._most else f" (the disk has not the {_size(self._most)} of keep_bytes)"
        if not first:
            return f"{said}: no message yet"
        said += f", messages of {_span(max(0.0, wall - first[0][0]))}"
        since = max(position - await self._journal.position_at(wall - _RECENT), 0)
        bodies = "SELECT avg(length(body)) FROM (SELECT body FROM messages ORDER BY id DESC LIMIT ?)"
        mean = float((await self._journal.read(bodies, (_SAMPLE,)))[0][0]) + _HEAD
        rate = since / min(_RECENT, max(wall - first[0][0], 1.0))
        if rate <= 0:
            return said
        room = max(0.0, most - max(0, position - passed) * mean)
        return f"{said}; if the store is away, it has room for {_span(room / (rate * mean))} at the present rate"

    async def nightly(self) -> None:
        """Drop what is old, forget streams of long ago, and give free space back to the disk."""
        try:
            async with self._busy:
                self._swept = 0
                before = self._clock.stamp().wall - self._keep
                old = await self._journal.position_at(before)
                await self._drop_passed(old, before, _never)
                await self._drop_rare(old, before, _never)
                forgotten = await self._journal.forget(self._clock.stamp().wall - max(_FORGET, self._keep))
                if forgotten:
                    _log.info("%d epochs that nobody has spoken in for long are forgotten", forgotten)
                await self._give_back()
        except StorageError:
            return  # told by the journal; the next night tries again

    async def look(self) -> int:
        """Make room where the limit is reached; return the bytes in use.

        Raises:
            StorageError: the disk did not take it.
        """
        size = await self._journal.size()
        if size.used > self._most * _FROM:
            async with self._busy:
                size = await self._make_room()
        if size.used <= self._most:
            await self._over()
        return size.used

    async def _make_room(self) -> Size:
        await self._drop_passed(self._journal.position, _ALL, self._roomy)  # as far as all have passed
        if not self._roomy(await self._journal.size()):
            await self._drop_rare(self._journal.position, _ALL, self._roomy)
        if (await self._journal.size()).used > self._most:
            await self._drop_unpassed()
        await self._give_back()
        return await self._journal.size()

    async def _drop_unpassed(self) -> None:
        """Drop what somebody still waits for: thinned out first, then the oldest."""
        for grade, reason in GRADES.items():
            if not self._enough(await self._journal.size()):
                await self._thin(grade, reason)
        if not self._enough(await self._journal.size()):
            await self._drop_oldest()

    def _roomy(self, size: Size) -> bool:
        return size.used <= self._most * _ROOMY

    def _enough(self, size: Size) -> bool:
        return size.used <= self._most * _DOWN_TO

    async def _passed(self, readers: Sequence[str]) -> int:
        """Return the message up to which all these readers have come."""
        return min([await self._journal.cursor(reader) for reader in readers], default=self._journal.position)

    async def _drop_passed(self, last: int, before: float, enough: Callable[[Size], bool]) -> None:
        """Drop readings up to a message that all have passed, received before a wall time, until there is enough room."""
        last = min(last, await self._passed(self._readers))
        await self._journal.covered(last)
        at = self._swept
        while at < last:
            size = await self._journal.size()
            if enough(size):
                return
            step = _STEP if before < _ALL else self._share(size, at)
            at = await self._journal.do(dropping(self._readers, at, last, before, step, self._clock.stamp().wall))
            if before == _ALL:
                self._swept = at

    def _share(self, size: Size, at: int) -> int:
        """Return how many messages to drop next, so that it is about as many as there are too many."""
        too_much = (size.used - self._most * _ROOMY) / size.used
        return min(_STEP, max(_STEP_LEAST, int(too_much * (self._journal.position - at))))

    async def _drop_rare(self, last: int, before: float, enough: Callable[[Size], bool]) -> None:
        """Drop alarms, hellos and inventories that all have passed, but for those that say how it stands."""
        last = min(last, await self._passed(self._rare_readers))
        await self._journal.covered(last)
        query = "SELECT max(id) FROM messages WHERE kind <> 0 AND kind > 1 GROUP BY stream, kind"
        spared = {number for (number,) in await self._journal.read(query)}
        standing = self._standing()
        at = 0
        while at < last:
            rows = await self._journal.after(at, _PAGE, readings=False)
            gone = [
                (row.id,)
                for row in rows
                if row.id <= last and row.received < before and row.id not in spared and not _speaks_of(row, standing)
            ]
            if gone:
                await self._journal.do(_deleting(gone))
                if enough(await self._journal.size()):
                    return
            at = rows[-1].id if rows else last

    async def _thin(self, grade: float, reason: str) -> None:
        """Thin out what the store has not seen, the oldest first, until there is enough room."""
        at = max(await self._passed(self._readers), self._thinned[grade])
        last = self._journal.position
        seen: dict[tuple[str, str, str, tuple[str, ...]], tuple[str, int]] = {}
        while at < last:
            rows = await self._journal.after(at, _PAGE, readings=True)
            if not rows:
                break
            gone = []
            for row in rows:
                try:
                    poll = _POLL.decode(row.body)
                except UNREADABLE:
                    continue
                device = (row.site, row.agent, poll.device, tuple(poll.values))
                minute = (poll.at.boot, int(poll.at.boottime // grade))
                if seen.get(device) == minute:
                    gone.append(row.id)
                seen[device] = minute
            at = self._thinned[grade] = rows[-1].id
            if gone:
                await self._drop_named(gone, reason)
                if self._enough(await self._journal.size()):
                    return

    async def _drop_oldest(self) -> None:
        """Drop the oldest readings, whoever waits for them, until there is enough room."""
        at = 0
        while not self._enough(await self._journal.size()):
            query = "SELECT id FROM messages WHERE id > ? AND kind = 0 ORDER BY id LIMIT ?"
            gone = [number for (number,) in await self._journal.read(query, (at, _PAGE))]
            if not gone:
                await self._tell(
                    "full", "the journal is over its limit, and holds no readings any more: allow it more (keep_bytes)"
                )
                return
            await self._drop_named(gone, OLDEST)
            at = gone[-1]

    async def _drop_named(self, messages: Sequence[int], reason: str) -> None:
        """Drop readings that may not have been stored, and name them; tell of it once."""
        await self._journal.covered(messages[-1])
        wall = self._clock.stamp().wall
        await self._journal.do(lambda db: drop_named(db, messages, self._readers, reason, wall))
        await self._tell(reason, f"readings are dropped before the store had them: {reason}")

    async def _tell(self, what: str, text: str) -> None:
        if what not in self._told:
            self._told.add(what)
            _log.error("the journal: %s", text)
            zh = "日志已满，部分读数未入库即被丢弃"
            await self._journal.record_event(
                Event(at=self._clock.stamp().wall, kind="dropped", text=f"{zh} {text}", data={"reason": what})
            )

    async def _over(self) -> None:
        """Say that the trouble is over, once the store has come to where it was thinned out."""
        if self._told and await self._passed(self._readers) >= max(self._thinned.values()):
            self._told.clear()
            _log.warning("the journal: within its limit again, and the store has caught up")

    async def _give_back(self) -> None:
        """Give the space that a day does not need back to the disk, a little at a time."""
        size = await self._journal.size()
        while size.free > size.used * _SPARE:
            await self._journal.give_back(_PAGES)
            left = await self._journal.size()
            if left.free >= size.free:
                return
            size = left


_POLL: Final = msgspec.json.Decoder(_Poll)


def next_look(left: float, growth: float) -> float:
    """Return the seconds until the next look at the size: twice before the limit is reached, as it grows now.

    Args:
        left: bytes up to the limit.
        growth: bytes a second.
    """
    return LOOK if growth <= 0 else min(LOOK, max(_LOOK_LEAST, left / growth / 2))


def _deleting(messages: Sequence[tuple[int]]) -> Callable[[sqlite3.Connection], object]:
    return lambda db: db.executemany(DELETE, messages)


def _never(_size: Size) -> bool:
    return False


def _speaks_of(row: Stored, standing: set[str]) -> bool:
    """Say whether a message is the report of an alarm that stands."""
    if row.topic is not Topic.ALARMS:
        return False
    try:
        return decode(Alarms, row.body).occurrence.id in standing
    except MessageError:
        return False


def _size(count: float) -> str:
    return f"{count / 2**30:.1f} GiB" if count >= 2**30 else f"{count / 2**20:.0f} MiB"


def _span(seconds: float) -> str:
    hours = seconds / 3600
    return f"{hours / 24:.0f} days" if hours >= 96 else f"{hours:.0f} h" if hours >= 2 else f"{seconds / 60:.0f} min"
