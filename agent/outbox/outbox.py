"""What must reach the gateway: memory first, then the spool; lanes; what is not acknowledged.

The identity of a message is (agent, epoch, seq): every process start opens an epoch, and numbers count within it. A
message is sent at once; what is unacknowledged after a second goes to the spool in one commit; an alarm is committed at
once, beside its sending. Lanes, each with a window of its own: alarms (first in, first out; always in memory), live
readings, then the readings on disk at a bounded rate. Everything happens on the event loop; only the spool works on a thread of its
own. A disk that fails costs no message while memory lasts. Every number that was ever given out is held, acknowledged,
voided with its reason, or stood for by a later one; what a crash took from memory shows in ``hello``, which says how far
each epoch came.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from typing import TypeVar

import msgspec

from agent.outbox.backlog import Backlog
from agent.outbox.entry import Entry, Key, Sender
from agent.outbox.full import PAGE
from agent.outbox.journals import Journals
from agent.outbox.keeping import Keeper
from agent.outbox.lanes import RESTAMP_AFTER, Lanes
from agent.outbox.ledger import Ledger
from agent.outbox.mark import Mark
from agent.outbox.opening import Opening
from agent.outbox.room import Room
from agent.outbox.spool import Row, Spool
from agent.outbox.standing import Standings
from agent.watch import Watched
from contract.alarm import Occurrence
from contract.clock import Clock
from contract.message import Ack, Alarms, Heartbeat, Hello, Readings, Topic, Voided, encode
from contract.ranges import Range, Ranges

_log = logging.getLogger(__name__)

SPOOL_AFTER = RESTAMP_AFTER
"""Seconds without an acknowledgement until a message is kept on disk."""
TICK = 0.25
KEEP_BYTES = 256 << 20
"""Bytes on disk."""
MEMORY_MOST = 20_000
"""Messages in memory while the disk fails."""

Message = TypeVar("Message", Readings, Alarms)


class Outbox:
    """The messages of one agent."""

    def __init__(
        self,
        open_spool: Callable[[bool], Spool],
        worker: Executor,
        clock: Clock,
        epoch: str,
        standing: Callable[[], list[Occurrence]],
        *,
        mark: Mark | None = None,
        gateways: Sequence[str] = (),
        keep_bytes: int = KEEP_BYTES,
        page: int = PAGE,
        states: Callable[[], list[Watched]] = list,
        late: Callable[[list[Watched]], None] = lambda _: None,
    ) -> None:
        """Take the disk, the clock, a new epoch, and who knows what stands.

        Args:
            open_spool: opens the spool; told whether it was found to be damaged.
            worker: the one thread that works on it.
            clock: of this host.
            epoch: a new one.
            standing: returns the occurrences that stand.
            mark: where it is noted how far we spoke.
            gateways: who must have everything; none: whoever acknowledges is enough.
            keep_bytes: how much the spool may hold.
            page: how many messages are looked at in one go when it is full.
            states: returns where all conditions stand, to be kept anew when the spool had to be.
            late: takes where they stood, when the spool could be opened only later than us.
        """
        self.epoch = epoch
        self._clock = clock
        self._boot = clock.stamp().boot
        self._standing = standing
        self._states = states
        self._late = late
        self._ledger = Ledger(epoch, mark or Mark())
        self._keeper = Keeper(open_spool, worker, clock, epoch)
        self._room = Room(self._keeper, keep_bytes, page)
        self._lanes = Lanes(self._boot)
        self._journals = Journals(gateways)
        self._standings = Standings(standing, self._keeper.note)
        self._backlog = Backlog(self._keeper, self._lanes, self._journals, clock, self._void)
        self.unsaid = False
        """Hello has more to say than when it was said last: the spool could be read only now."""
        self._opening = Opening(self._keeper, self._ledger, self._lanes, self._standings, self._backlog, self._void)
        self._wake = asyncio.Event()
        """There is an alarm to keep, or room in the window."""
        self._urgent = False
        """It must not wait for the next tick."""
        self._unsendable = False

    async def open(self) -> list[Watched]:
        """Open the epoch on disk; return where the conditions stood.

        A disk that fails is tried again later; one that takes its time is not waited for: polls must begin.

        Raises:
            StorageTaken: another agent works with this spool.
        """
        self._ledger.open()
        contents = await self._opening.begin()
        return [] if contents is None else contents.watched

    async def close(self) -> None:
        """Close the spool and the mark."""
        await self._keeper.close()
        self._ledger.close()

    @property
    def held(self) -> int:
        """Messages that not every journal has acknowledged that must."""
        return sum(ranges.count() for ranges in self._keeper.disk.values()) + len(self._lanes.unspooled())

    @property
    def size(self) -> float:
        """Measured mean size of a message in bytes; 0: nothing was measured yet."""
        return self._keeper.size

    @property
    def used(self) -> int:
        """Bytes of the disk that are in use."""
        return self._keeper.space.used

    @property
    def full(self) -> bool:
        """Whether there is no room: old readings are thinned out, or dropped."""
        return bool(self._room.trouble)

    @property
    def failing(self) -> bool:
        """Whether the disk cannot be used."""
        return bool(self._keeper.trouble)

    @property
    def trouble(self) -> str:
        """What is wrong, in a sentence; empty: nothing."""
        return self._keeper.trouble or self._room.trouble

    def put_readings(self, message: Readings) -> None:
        """Queue the readings of one poll; sent at once if the window is open."""
        self._queue(Topic.READINGS, message)

    def put_alarms(self, messages: Sequence[Alarms], watched: Sequence[Watched] = ()) -> None:
        """Queue changes of occurrences: sent at once; ``run`` puts them on disk at once, with their conditions.

        Nobody waits for the disk here: one that stalls must not stall the polls.
        """
        for message in messages:
            self._queue(Topic.ALARMS, message)
        self.save(watched)
        self._hurry()

    def save(self, watched: Iterable[Watched]) -> None:
        """Keep, with the next commit, where conditions stand that nobody is told about yet."""
        self._keeper.save(watched)

    def forget(self, gone: Iterable[tuple[str, str]]) -> None:
        """Forget, with the next commit, conditions (device, name) that are watched no longer."""
        self._keeper.pending.forget = [*self._keeper.pending.forget, *gone]

    async def flush(self) -> None:
        """Put on disk all that is only in memory, and how far we came: the process ends."""
        if not self._keeper.open:
            await self._mend()
        self._keeper.pending.ended = [self._ledger.ours]
        await self._commit(self._lanes.unspooled())
        while self._keeper.pending.drop and self._keeper.due:
            await self._commit(())

    def hello(self) -> Hello:
        """Return the first message after connecting."""
        self.unsaid = False
        return Hello(
            epoch=self.epoch,
            at=self._clock.stamp(),
            held=self._ledger.held(self._lanes.numbers(self._keeper.disk)),
            voided=self._ledger.lost(),
            standing=tuple(self._standing()),
            partial=not self._opening.done,
            number=self._ledger.number(),
        )

    def connected(self, sender: Sender) -> None:
        """Begin to send: all that is waiting, the alarms first."""
        self._lanes.sender = sender
        self._again()

    def disconnected(self) -> None:
        """Stop sending; what was under way waits again."""
        self._lanes.sender = None
        self._lanes.again(self._journals.somebody)
        self._journals.cut()

    def counts(self, gateway: str) -> bool:
        """Say whether a gateway is one of ours."""
        return not self._journals.names or gateway in self._journals.names

    def heartbeat(self, beat: Heartbeat, *, retained: bool) -> bool:
        """Take the gateway's heartbeat; say whether hello must be said again, because it started after the last one.

        One that the broker had kept was spoken before we said hello.
        """
        return self._journals.beat(beat, self._clock.boottime(), retained=retained) and not retained

    def acknowledged(self, ack: Ack) -> None:
        """Drop what the journals have. For a journal that is new, everything that is still held is sent again."""
        if not ack.journal or not self._journals.ours(ack.gateway):
            return
        self._standings.take(ack.alarms)
        if ack.epoch not in self._ledger:
            return
        have = Ranges(ack.have).common(Ranges([(1, self._ledger.highest(ack.epoch))]))
        ack = msgspec.structs.replace(ack, have=tuple(have))  # of what comes later nobody can have anything
        now = self._clock.boottime()
        renewed, new = self._journals.acknowledged(ack, now)
        settled = self._journals.settled(ack)
        self._lanes.drop(ack.epoch, settled)
        self._keeper.drop(ack.epoch, settled)
        if ack.epoch == self.epoch:
            self._ledger.settle(self._lowest(), ack.journal)
        if renewed:
            self._ledger.renewed(ack.gateway)
            self._again()
        else:
            self._lanes.answer(ack.epoch, new)
            if ack.gateway == self._backlog.turn:
                self._lanes.old.drop(ack.epoch, new)
        if self._ledger.confirm(ack, self._journals.names) and not self._holds(ack.epoch):
            self._ledger.forget(ack.epoch)
            self._journals.forget(ack.epoch)
            self._keeper.pending.done = [*self._keeper.pending.done, ack.epoch]
        self._lanes.pump(now)
        if self._keeper.disk:
            self._wake.set()

    async def run(self) -> None:
        """Keep the outbox moving until cancelled."""
        due = self._clock.boottime()
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(TICK):
                    await self._wake.wait()
            self._wake.clear()
            now = self._clock.boottime()
            ticks = self._urgent or now >= due
            if ticks:
                due = now + TICK
            await self._beside(asyncio.create_task(self.tick() if ticks else self._backlog.step()))

    async def _beside(self, work: asyncio.Task[None]) -> None:
        """Wait for work that may wait for the disk, and go on with what needs none: a disk may hang for minutes."""
        try:
            while True:
                await asyncio.wait({work}, timeout=TICK)
                if work.done():
                    return await work
                if self._keeper.hangs():
                    self._forget_oldest()
                self._move(self._clock.boottime())
        finally:
            work.cancel()

    async def tick(self) -> None:
        """Do what time asks for: keep on disk, send again, replay, make room. Alarms are kept whatever the time."""
        self._urgent = False
        now = self._clock.boottime()
        due = self._keeper.due
        if due and not self._keeper.open:
            await self._mend()
        self._standings.tick()
        unspooled = self._lanes.unspooled()
        late = [(key, entry) for key, entry in unspooled if entry.topic is Topic.ALARMS]
        fresh = unspooled[len(late) :]
        if len(fresh) > MEMORY_MOST or any(now - entry.queued >= SPOOL_AFTER for _, entry in fresh):
            late += fresh  # the younger ones too: while nobody answers, one commit a second spares the flash
        if due and self._keeper.open and (late or self._keeper.pending):
            await self._commit(late)
            if self._keeper.pending.drop and self._keeper.due:
                self._hurry()
        self._forget_oldest()  # after the disk had its chance
        self._move(now)
        await self._backlog.step()
        if due and self._keeper.open and not self._keeper.pending and self._room.needed(now):
            self._void(await self._room.step(self._lanes, now))
            self._hurry()

    def _move(self, now: float) -> None:
        """Do what time asks for, but for the disk."""
        self._look_who_is_there(now)
        if self._lanes.sender is not None:
            self._backlog.give_way(now)
            self._lanes.overdue(now)
            self._lanes.pump(now)
        for epoch, seq in self._lanes.rest(now):
            self._backlog.turn_back(epoch, seq)

    def _queue(self, topic: Topic, message: Message) -> None:
        now = self._clock.boottime()
        sent = round(now, 3) if message.at.boot == self._boot else 0.0
        try:
            number = self._ledger.last + 1
            body = encode(msgspec.structs.replace(message, epoch=self.epoch, seq=number, sent=sent))
        except ValueError as error:  # a text that is no Unicode
            if not self._unsendable:
                self._unsendable = True
                _log.error("a message cannot be written as JSON, and is left out, as will be its like: %s", error)
            return
        self._ledger.count()
        self._keeper.measure(len(body), number)
        self._lanes.add((self.epoch, number), Entry(topic, body, now), now)

    def _hurry(self) -> None:
        """Go on at once: there is something to do."""
        self._urgent = True
        self._wake.set()

    def _lowest(self) -> int:
        """Return the lowest number of this epoch that is held, 0 for none."""
        held = self._lanes.lowest(self.epoch)
        on_disk = self._keeper.disk.get(self.epoch)
        return min([*held, on_disk.lowest] if on_disk else held, default=0)

    def _holds(self, epoch: str) -> bool:
        return epoch in self._keeper.disk or epoch in self._lanes.epochs()

    def _look_who_is_there(self, now: float) -> None:
        """Wait for a gateway that is back, and no longer for one that is gone."""
        awaited = self._journals.awaited(now)
        if awaited != self._backlog.awaited:
            self._backlog.wait_for(awaited)

    def _forget_oldest(self) -> None:
        """Let the oldest readings go when the disk fails and memory is full, and remember which."""
        waiting = list(self._lanes.live.unspooled)
        over = len(waiting) - MEMORY_MOST
        if over > 0:
            gone: dict[str, list[Range]] = {}
            for epoch, seq in waiting[: over + MEMORY_MOST // 100]:
                gone.setdefault(epoch, []).append((seq, seq))
            reason = "the disk failed and memory was full"
            self._void([Voided(epoch, tuple(Ranges(spans)), reason) for epoch, spans in gone.items()])

    def _void(self, lost: Sequence[Voided]) -> None:
        for voided in lost:
            for span in voided.spans:
                self._lanes.lose(voided.epoch, span)
            self._keeper.void(voided)
            self._ledger.void(voided)
        if lost:
            self._ledger.settle(self._lowest())

    def _again(self) -> None:
        """Send everything that somebody who is there lacks, from the beginning."""
        self._lanes.again(self._journals.somebody)
        self._backlog.rewind()
        self._lanes.pump(self._clock.boottime())
        self._wake.set()

    async def _mend(self) -> None:
        """Try the disk again; when it is there, take up what is on it."""
        first = not self._opening.done
        contents = await self._opening.again()
        if contents is None:
            return
        if first:
            self._late(contents.watched)
            self.unsaid = True
        self.save(self._states())

    async def _commit(self, entries: Sequence[tuple[Key, Entry]]) -> None:
        """Write messages and all that waits for a commit."""
        rows = [Row(*key, entry.topic, entry.body, entry.first) for key, entry in entries]
        if not await self._keeper.commit(rows):
            return
        self._ledger.on_disk()
        for (epoch, seq), entry in entries:
            if (epoch, seq) in self._lanes:
                self._lanes.spooled((epoch, seq))
                self._keeper.disk.setdefault(epoch, Ranges()).add_range(entry.first or seq, seq)
            else:  # acknowledged while it was on its way to the disk
                span = entry.first or seq, seq
                self._keeper.pending.drop = [*self._keeper.pending.drop, (epoch, span)]
