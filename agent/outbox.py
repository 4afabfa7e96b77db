"""What must reach the gateway: memory first, then the spool; lanes; what is not acknowledged.

The identity of a message is (agent, epoch, seq): every process start opens an epoch, and numbers count within it. A
message is sent at once; what is unacknowledged after a second goes to the spool in one commit; an alarm is committed at
once, beside its sending. Lanes: alarms (first in, first out, outside the window; always in memory), live readings, then
the readings on disk at a bounded rate. Everything happens on the event loop; only the spool works on a thread of its
own. A disk that fails costs no message while memory lasts, and what had to go is named in ``hello``.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from typing import TypeVar

import msgspec

from agent.entry import RESEND_AFTER, Entry, Key, Sender, restamped
from agent.spool import Batch, Row, Spool
from agent.watch import Watched
from contract.alarm import Occurrence
from contract.clock import Clock
from contract.errors import StorageError
from contract.message import Ack, Alarms, Heartbeat, Held, Hello, Readings, Topic, Voided, encode
from contract.ranges import Range, Ranges

_log = logging.getLogger(__name__)

WINDOW = 64
"""Readings messages that may be under way at once; alarms go outside it."""
SPOOL_AFTER = 1.0
"""Seconds without an acknowledgement until a message is kept on disk."""
RESEND_MOST = 300.0
BACKLOG_RATE = 200.0
"""Messages from the disk a second, in half of the window at the most: live ones keep their latency."""
TICK = 0.25
KEEP_MOST = 1_000_000
"""Messages on disk, some 500 bytes each; beyond that the oldest readings go."""
MEMORY_MOST = 20_000
"""Messages in memory while the disk fails."""

T = TypeVar("T")
Message = TypeVar("Message", Readings, Alarms)


class Outbox:
    """The messages of one agent."""

    def __init__(
        self, spool: Spool, worker: Executor, clock: Clock, epoch: str, standing: Callable[[], list[Occurrence]]
    ) -> None:
        """Take the spool and the one thread that works on it, the clock, a new epoch, and who knows what stands."""
        self.epoch = epoch
        self._spool = spool
        self._worker = worker
        self._clock = clock
        self._boot = clock.stamp().boot
        self._standing = standing
        self._seq = 0
        self._alarms: dict[Key, Entry] = {}
        """All that are held, in the order of their queueing; the older epochs first."""
        self._readings: dict[Key, Entry] = {}
        """Those that are under way, and those that are not on disk yet."""
        self._disk: dict[str, Ranges] = {}
        """What the spool holds, epoch by epoch, the oldest first."""
        self._voided: dict[tuple[str, str], Ranges] = {}
        """Epoch and reason → what will never be sent; merged, so that hello stays small."""
        self._pending = Batch()
        """For the next commit."""
        self._alarmed = asyncio.Event()
        """There is an alarm to keep."""
        self._sender: Sender | None = None
        self._journal = ""
        self._session = ""
        self._outstanding = 0
        """Readings that are sent and not acknowledged."""
        self._allowance = 0.0
        self._replayed = 0.0
        self._disk_fails = False
        self._unsendable = False

    async def open(self) -> list[Watched]:
        """Open the epoch on disk; return where the conditions stood.

        Raises:
            StorageError: the spool cannot be used.
        """
        await self._on_disk(lambda: self._spool.open_epoch(self.epoch))
        self._disk = await self._on_disk(self._spool.held)
        for voided in await self._on_disk(self._spool.voided):
            self._note_voided(voided)
        self._replayed = self._clock.boottime()
        for row in await self._on_disk(self._spool.alarms):
            self._alarms[row.epoch, row.seq] = Entry(row.topic, row.body, 0.0, spooled=True)  # stamped anew when sent
        return await self._on_disk(self._spool.watched)

    @property
    def held(self) -> int:
        """Messages that no journal has acknowledged yet."""
        on_disk = sum(len(ranges) for ranges in self._disk.values())
        return on_disk + sum(not entry.spooled for entry in [*self._alarms.values(), *self._readings.values()])

    def put_readings(self, message: Readings) -> None:
        """Queue the readings of one poll; sent at once if the window is open."""
        entry = self._queue(self._readings, Topic.READINGS, message)
        if entry is not None and self._sender is not None and self._outstanding < WINDOW:
            self._send(entry)

    def put_alarms(self, messages: Sequence[Alarms], watched: Sequence[Watched] = ()) -> None:
        """Queue changes of occurrences: sent at once; ``run`` puts them on disk at once, with their conditions.

        Nobody waits for the disk here: one that stalls must not stall the polls.
        """
        for message in messages:
            entry = self._queue(self._alarms, Topic.ALARMS, message)
            if entry is not None and self._sender is not None:
                self._send(entry)
        self.save(watched)
        self._alarmed.set()

    def save(self, watched: Iterable[Watched]) -> None:
        """Keep, with the next commit, where conditions stand that nobody is told about yet."""
        self._pending.watched = [*self._pending.watched, *watched]

    def forget(self, gone: Iterable[tuple[str, str]]) -> None:
        """Forget, with the next commit, conditions (device, name) that are watched no longer."""
        self._pending.forget = [*self._pending.forget, *gone]

    async def flush(self) -> None:
        """Put on disk all that is only in memory: the process ends."""
        entries = {**self._alarms, **self._readings}
        await self._commit([(key, entry) for key, entry in entries.items() if not entry.spooled])

    def hello(self) -> Hello:
        """Return the first message after connecting."""
        holding = {epoch: Ranges(ranges) for epoch, ranges in self._disk.items()}
        for epoch, seq in [*self._alarms, *self._readings]:
            holding.setdefault(epoch, Ranges()).add(seq)
        holding.setdefault(self.epoch, Ranges())
        held = tuple(
            Held(epoch, tuple(ranges), self._seq if epoch == self.epoch else ranges.highest)
            for epoch, ranges in holding.items()
        )
        return Hello(
            epoch=self.epoch,
            at=self._clock.stamp(),
            held=held,
            voided=tuple(Voided(epoch, tuple(spans), reason) for (epoch, reason), spans in self._voided.items()),
            standing=tuple(self._standing()),
        )

    def connected(self, sender: Sender) -> None:
        """Begin to send: all that is waiting, the alarms first."""
        self._sender = sender
        self._again()

    def disconnected(self) -> None:
        """Stop sending; what was under way waits again."""
        self._sender = None
        self._forget_sending()

    def heartbeat(self, beat: Heartbeat, *, retained: bool) -> bool:
        """Take the gateway's heartbeat; say whether hello must be said again, because it started after the last one.

        One that the broker had kept was spoken before we said hello.
        """
        if not beat.online or beat.session == self._session:
            return False
        self._session = beat.session
        return not retained

    def acknowledged(self, ack: Ack) -> None:
        """Drop what the journal has. From a journal that is new, everything that is still held is sent again."""
        if not ack.journal or (ack.epoch != self.epoch and ack.epoch not in self._disk):
            return
        have = Ranges(ack.have)
        for lane in (self._alarms, self._readings):
            for key in [key for key in lane if key[0] == ack.epoch and key[1] in have]:
                self._outstanding -= lane.pop(key).sent is not None and lane is self._readings
        kept = self._disk.get(ack.epoch)
        if kept:
            left = kept.minus(have)
            if len(left) < len(kept):
                self._left_on_disk(ack.epoch, left, kept.minus(left))
        if ack.journal != self._journal:
            known, self._journal = self._journal, ack.journal
            if known:
                self._again()
        self._pump()

    async def run(self) -> None:
        """Keep the outbox moving until cancelled."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(TICK):
                    await self._alarmed.wait()
            await self.tick()

    async def tick(self) -> None:
        """Do what time asks for: keep on disk, send again, replay. Alarms are kept whatever the time."""
        self._alarmed.clear()
        now = self._clock.boottime()
        late = [(key, entry) for key, entry in self._alarms.items() if not entry.spooled]
        fresh = [(key, entry) for key, entry in self._readings.items() if not entry.spooled]
        if len(fresh) > MEMORY_MOST or any(now - entry.queued >= SPOOL_AFTER for _, entry in fresh):
            late += fresh  # the younger ones too: while nobody answers, one commit a second spares the flash
        if late or self._pending:
            await self._commit(late)
        self._make_room()  # after the disk had its chance
        if self._sender is not None:
            for entry in [*self._alarms.values(), *self._readings.values()]:
                if entry.sent is not None and now - entry.sent >= entry.resend:
                    entry.resend = min(entry.resend * 2, RESEND_MOST)
                    entry.sent = None
                    self._outstanding -= entry.topic is Topic.READINGS
            self._pump()
        for key in [key for key, entry in self._readings.items() if entry.spooled and entry.sent is None]:
            del self._readings[key]  # the disk has it, and it has to wait: no need to hold it twice
        if self._sender is not None:
            await self._replay(now)

    def _queue(self, lane: dict[Key, Entry], topic: Topic, message: Message) -> Entry | None:
        now = self._clock.boottime()
        sent = round(now, 3) if message.at.boot == self._boot else 0.0
        try:
            body = encode(msgspec.structs.replace(message, epoch=self.epoch, seq=self._seq + 1, sent=sent))
        except ValueError as error:  # a text that is no Unicode
            if not self._unsendable:
                self._unsendable = True
                _log.error("a message cannot be written as JSON, and is left out, as will be its like: %s", error)
            return None
        self._seq += 1
        entry = lane[self.epoch, self._seq] = Entry(topic, body, now)
        return entry

    def _send(self, entry: Entry) -> None:
        assert self._sender is not None  # noqa: S101 - the callers look
        now = entry.sent = self._clock.boottime()
        if now - entry.queued > SPOOL_AFTER:
            entry.body = restamped(entry, self._boot, now)
        self._outstanding += entry.topic is Topic.READINGS
        self._sender.send(entry.topic, entry.body)

    def _pump(self) -> None:
        """Send what waits in memory: alarms, then readings while the window is open."""
        if self._sender is None:
            return
        for entry in [entry for entry in self._alarms.values() if entry.sent is None]:
            self._send(entry)
        if self._outstanding < WINDOW:
            waiting = [entry for entry in self._readings.values() if entry.sent is None]
            for entry in waiting[: WINDOW - self._outstanding]:
                self._send(entry)

    async def _replay(self, now: float) -> None:
        """Take some readings from the disk, at a bounded rate and inside the window."""
        self._allowance = min(self._allowance + (now - self._replayed) * BACKLOG_RATE, BACKLOG_RATE)
        self._replayed = now
        wanted = self._oldest(min(int(self._allowance), WINDOW // 2 - len(self._readings)))
        if not wanted:
            return
        try:
            rows = await self._on_disk(lambda: self._spool.read(wanted))
        except StorageError as error:
            self._disk_failed(error)
            return
        self._disk_works()
        for row in rows:
            key = row.epoch, row.seq
            if key in self._readings or row.seq not in self._disk.get(row.epoch, ()):
                continue  # acknowledged meanwhile
            self._allowance -= 1
            self._readings[key] = Entry(row.topic, row.body, 0.0, spooled=True)
        found = {(row.epoch, row.seq) for row in rows}
        missing = [(epoch, n) for epoch, span in wanted for n in range(span[0], span[1] + 1) if (epoch, n) not in found]
        if missing:
            self._void([(epoch, (seq, seq)) for epoch, seq in missing], "gone from the disk")
        self._pump()

    def _oldest(self, count: int) -> list[tuple[str, Range]]:
        """Return the ranges of the oldest readings that are only on disk."""
        found: list[tuple[str, Range]] = []
        for epoch, ranges in self._disk.items():
            for first, last in ranges:
                for seq in range(first, last + 1):
                    if count <= 0:
                        return found
                    if (epoch, seq) in self._readings or (epoch, seq) in self._alarms:
                        continue
                    count -= 1
                    if found and found[-1][0] == epoch and found[-1][1][1] == seq - 1:
                        found[-1] = epoch, (found[-1][1][0], seq)
                    else:
                        found.append((epoch, (seq, seq)))
        return found

    def _make_room(self) -> None:
        """Let the oldest readings go when there are too many, and remember which."""
        over = sum(len(ranges) for ranges in self._disk.values()) - KEEP_MOST
        if over > 0:
            self._void(self._oldest(over + KEEP_MOST // 100), "the spool was full")
        waiting = [key for key, entry in self._readings.items() if not entry.spooled]
        over = len(waiting) - MEMORY_MOST
        if over > 0:
            oldest = waiting[: over + MEMORY_MOST // 100]
            self._void([(epoch, (seq, seq)) for epoch, seq in oldest], "the disk failed and memory was full")

    def _void(self, spans: Sequence[tuple[str, Range]], reason: str) -> None:
        gone: dict[str, list[Range]] = {}
        for epoch, span in spans:
            gone.setdefault(epoch, []).append(span)
            for seq in range(span[0], span[1] + 1):
                entry = self._readings.pop((epoch, seq), None)
                self._outstanding -= entry is not None and entry.sent is not None
        for epoch, ranges in gone.items():
            if epoch in self._disk:
                self._left_on_disk(epoch, self._disk[epoch].minus(Ranges(ranges)), Ranges())
            voided = Voided(epoch, tuple(Ranges(ranges)), reason)
            self._note_voided(voided)
            self._pending.void = [*self._pending.void, voided]
            _log.error("%d messages of epoch %s are lost: %s", len(Ranges(ranges)), epoch, reason)

    def _note_voided(self, voided: Voided) -> None:
        key = voided.epoch, voided.reason
        self._voided[key] = self._voided.get(key, Ranges()).union(voided.spans)

    def _left_on_disk(self, epoch: str, left: Ranges, dropped: Ranges) -> None:
        self._disk[epoch] = left
        if not left:
            del self._disk[epoch]
        self._pending.drop = [*self._pending.drop, *((epoch, span) for span in dropped)]

    def _again(self) -> None:
        self._forget_sending()
        self._pump()

    def _forget_sending(self) -> None:
        for entry in [*self._alarms.values(), *self._readings.values()]:
            entry.sent = None
            entry.resend = RESEND_AFTER
        self._outstanding = 0

    async def _commit(self, entries: Sequence[tuple[Key, Entry]]) -> None:
        """Write messages and all that waits for a commit; if the disk fails, they wait for the next one."""
        batch, self._pending = self._pending, Batch()
        batch.keep = [Row(*key, entry.topic, entry.body) for key, entry in entries]
        if not batch:
            return
        try:
            await self._on_disk(lambda: self._spool.commit(batch))
        except StorageError as error:
            late = self._pending
            self._pending = Batch(
                drop=[*batch.drop, *late.drop],
                void=[*batch.void, *late.void],
                watched=list({(w.device, w.condition): w for w in [*batch.watched, *late.watched]}.values()),
                forget=[*batch.forget, *late.forget],
            )
            self._disk_failed(error)
            return
        self._disk_works()
        for key, entry in entries:
            if key in self._readings or key in self._alarms:
                entry.spooled = True
                self._disk.setdefault(key[0], Ranges()).add(key[1])
            else:  # acknowledged while it was on its way to the disk
                self._pending.drop = [*self._pending.drop, (key[0], (key[1], key[1]))]

    def _disk_failed(self, error: StorageError) -> None:
        if not self._disk_fails:
            self._disk_fails = True
            _log.error("%s; messages stay in memory meanwhile", error)

    def _disk_works(self) -> None:
        if self._disk_fails:
            self._disk_fails = False
            _log.warning("the spool can be written again")

    async def _on_disk(self, work: Callable[[], T]) -> T:
        """Run on the spool's thread; once begun it is done, even if the task that asked is cancelled."""
        return await asyncio.shield(asyncio.get_running_loop().run_in_executor(self._worker, work))
