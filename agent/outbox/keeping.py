"""The spool as the event loop sees it: what is on the disk, what waits for the next commit, whether the disk works.

A disk that fails, at the start or later, stops nothing: messages stay in memory, and the disk is tried again. A damaged
file is set aside and saved (``agent/outbox/rescue.py``). Each is told once, and once when it is over.
"""

import asyncio
import logging
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from typing import Final, TypeVar

from agent.outbox.spool import MOST, Account, Batch, Contents, Row, Space, Spool
from agent.watch import Watched
from contract.alarm import Standing
from contract.clock import Clock
from contract.errors import StorageDamaged, StorageError, StorageFull, StorageTaken
from contract.message import Voided
from contract.ranges import Range, Ranges

_log = logging.getLogger(__name__)
RETRY: Final = 5.0
"""Seconds until a disk that fails is tried again; each time twice as long, for it must not be worn by trying."""
RETRY_MOST: Final = 60.0
NO_ROOM_MOST: Final = 3600.0
"""The same where there is no room to save a damaged file: each try reads all of it."""
DROP_MOST: Final = 2000
"""Numbers that go from the disk in one commit; an alarm may have to wait for one."""
HANGS: Final = 5.0
"""Seconds after which a disk that has not done what it was asked for hangs."""
HUNG: Final = "the spool's disk does not answer"
LESS: Final = 0.95
"""What part of its size a spool may keep that found no room."""
NEAR: Final = 0.05
"""How far the mean size of a message may be off on disk: each write of it is one page more in a commit."""
SIZES: Final = 1000
"""Messages over which their mean size is taken."""
REMEMBERED: Final = 86400.0
"""Seconds that a damage is spoken of."""
T = TypeVar("T")


class Keeper:
    """The disk of one outbox. Only the task that runs the outbox calls what is async."""

    def __init__(self, open_spool: Callable[[bool], Spool], worker: Executor, clock: Clock, epoch: str) -> None:
        """Take what opens the spool (told whether it was found to be damaged), the one thread that works on it, the clock, and the running epoch."""
        self.disk: dict[str, Ranges] = {}
        """What the spool holds, epoch by epoch, the oldest first."""
        self.pending = Batch()
        """For the next commit."""
        self.space = Space(0, MOST)
        """What room there is."""
        self.full = False
        """The last commit found no room."""
        self.size = 0.0
        """Measured mean size of a message."""
        self._kept_size = 0.0
        """The one that the disk knows."""
        self._open_spool = open_spool
        self._worker = worker
        self._clock = clock
        self._epoch = epoch
        self._spool: Spool | None = None
        self._fails = ""
        """What is wrong with the disk; empty: it works."""
        self._retry = -math.inf
        self._pause = RETRY
        self._unnoted: Sequence[Account] | None = None
        """There was no room to note our epoch yet: what is to be noted of earlier ones with it."""
        self._broken = False
        """The file was found to be damaged, and nothing was done about it yet."""
        self._asked: float | None = None
        """When the disk was asked for what it is doing; None: it has nothing to do."""
        self._hung = False
        self._damaged = -math.inf
        """Boottime at which that happened."""

    @property
    def open(self) -> bool:
        """Whether there is a spool to be worked with."""
        return self._spool is not None

    @property
    def noted(self) -> bool:
        """Whether the disk knows of our epoch, and how far the earlier ones came."""
        return self._spool is not None and self._unnoted is None

    @property
    def due(self) -> bool:
        """Whether the disk may be tried now."""
        return not self._fails or self._clock.boottime() >= self._retry

    @property
    def trouble(self) -> str:
        """What is to be said of the disk, in a sentence; empty: nothing."""
        if self._hung:
            return f"{HUNG}; messages stay in memory"
        if self._fails:
            return self._fails
        if self._clock.boottime() - self._damaged < REMEMBERED:
            return "the spool was damaged; what could be read of it is kept"
        return ""

    def hangs(self) -> bool:
        """Say whether the disk has not done for long what it was asked for; it is told once."""
        if self._asked is not None and not self._hung and self._clock.boottime() - self._asked >= HANGS:
            self._hung = True
            _log.error("%s; messages stay in memory meanwhile", HUNG)
        return self._hung

    async def reopen(self, left: Sequence[Account], *, again: bool) -> Contents | None:
        """Open the spool, and its epoch in it; return what is there, or None when the disk does not let us.

        One that has no room for the epoch is read all the same; the epoch is noted with the first commit.

        Args:
            left: what is known of earlier epochs.
            again: this process has begun its work, and goes on whatever comes.

        Raises:
            StorageTaken: another agent works with it; only at first.
        """
        damaged, self._broken = self._broken, False

        def work() -> tuple[Spool, Contents, Space, StorageFull | None]:
            spool = self._open_spool(damaged)
            full = None
            try:
                try:
                    spool.open_epoch(self._epoch, left)
                except StorageFull as error:
                    full = error
                return spool, spool.contents(self._epoch), spool.space(), full
            except BaseException:
                spool.close()
                raise

        try:
            spool, contents, self.space, full = await self._on_disk(work)
        except StorageError as error:
            if isinstance(error, StorageTaken) and not again:
                raise
            if isinstance(error, StorageDamaged) and not damaged:
                self._broken = True
                return await self.reopen(left, again=again)  # once more, to save it
            self._failed(error, NO_ROOM_MOST if isinstance(error, StorageFull) else RETRY_MOST)
            self._broken = damaged or isinstance(error, StorageDamaged)
            return None
        self._spool = spool
        if contents.aside:
            self._damaged = self._clock.boottime()
        self._unnoted = left if full else None
        if full:
            self._no_room(full)
        else:
            self._well()
        return contents

    async def commit(self, rows: Sequence[Row]) -> bool:
        """Write messages and all that waits for a commit; if the disk fails, they wait for the next one."""
        if self.full and rows and not await self.commit(()):
            return False  # what goes makes room for what comes
        batch, self.pending = self.pending, Batch()
        batch.keep = rows
        batch.drop, self.pending.drop = _some(batch.drop)
        if rows and self.pending.drop and not self.full:  # there is so much to go that what is new goes alone
            self.pending.drop, batch.drop = [*batch.drop, *self.pending.drop], []
        if not batch:
            return True
        if abs(self.size - self._kept_size) > NEAR * self._kept_size:
            batch.size = self.size
        left = self._unnoted

        def work(spool: Spool) -> Space:
            if left is not None:
                spool.open_epoch(self._epoch, left)
            return spool.commit(batch)

        space = await self._try(work)
        if space is None:
            self.pending = _both(batch, self.pending)
            return False
        self._unnoted = None
        self.space = space
        if rows or not self.full:
            self._well()
        self._kept_size = batch.size or self._kept_size
        return True

    async def page(self, epoch: str, start: int, count: int) -> tuple[list[Row], bool] | None:
        """See ``Spool.page``; None: the disk fails."""
        return await self._try(lambda spool: spool.page(epoch, start, count))

    async def work(self, work: Callable[[Spool], T]) -> T | None:
        """Do something with the spool; None: the disk fails."""
        done = await self._try(work)
        if done is not None and self.full:
            self._retry = -math.inf  # there may be room now
        return done

    async def close(self) -> None:
        """Close the spool."""
        spool, self._spool = self._spool, None
        if spool is not None:
            await self._on_disk(spool.close)

    def measure(self, size: int, number: int) -> None:
        """Take the size of a message, the so manyth of this process, into the mean."""
        self.size = self.size + (size - self.size) / min(number, SIZES) if self.size else float(size)

    def drop(self, epoch: str, numbers: Ranges) -> None:
        """Let go of what everybody has, with the next commit."""
        kept = self.disk.get(epoch)
        if not kept:
            return
        left = kept.minus(numbers)
        dropped = kept.minus(left)
        if dropped:
            self._left(epoch, left)
            self.pending.drop = [*self.pending.drop, *((epoch, span) for span in dropped)]

    def void(self, voided: Voided) -> None:
        """Let go of what will never be sent, with the next commit, and remember why."""
        kept = self.disk.get(voided.epoch)
        if kept:
            self._left(voided.epoch, kept.minus(Ranges(voided.spans)))
        self.pending = _both(self.pending, Batch(void=[voided]))

    def save(self, watched: Iterable[Watched]) -> None:
        """Keep, with the next commit, where conditions stand."""
        self.pending = _both(self.pending, Batch(watched=list(watched)))

    def note(self, standings: Mapping[str, Standing | None]) -> None:
        """Keep, with the next commit, how far occurrences came."""
        self.pending.standings = {**self.pending.standings, **standings}

    def _left(self, epoch: str, left: Ranges) -> None:
        if left:
            self.disk[epoch] = left
        else:
            del self.disk[epoch]

    async def _try(self, work: Callable[[Spool], T]) -> T | None:
        spool = self._spool
        if spool is None:
            return None
        try:
            done = await self._on_disk(lambda: work(spool))
        except StorageError as error:
            if isinstance(error, StorageFull):
                self._no_room(error)
                return None
            self._failed(error)
            await self.close()  # the next try begins with a fresh look at the file
            if isinstance(error, StorageDamaged):
                self._broken, self._retry = True, -math.inf  # it only gets better by being saved
            return None
        return done

    def _no_room(self, error: StorageFull) -> None:
        self._failed(error)
        self.full = True
        self.space = Space(self.space.used, min(self.space.most, int(self.space.used * LESS)))

    def _failed(self, error: StorageError, most: float = RETRY_MOST) -> None:
        self._retry = self._clock.boottime() + self._pause
        self._pause = min(self._pause * 2, most)
        if not self._fails:
            _log.error("%s; messages stay in memory meanwhile", error)
        self._fails = f"{error.what}; messages stay in memory"

    def _well(self) -> None:
        """Take it that something was written."""
        self.full, self._pause = False, RETRY
        if self._fails:
            self._fails = ""
            _log.warning("the spool can be written again")

    async def _on_disk(self, work: Callable[[], T]) -> T:
        """Run on the spool's thread; once begun it is done, even if the task that asked is cancelled."""
        self._asked = self._clock.boottime()
        try:
            return await asyncio.shield(asyncio.get_running_loop().run_in_executor(self._worker, work))
        finally:
            self._asked = None
            if self._hung:
                self._hung = False
                _log.warning("the spool's disk answers again")


def _both(early: Batch, late: Batch) -> Batch:
    """Return what two batches change, without messages: those are still in memory."""
    watched = {(each.device, each.condition): each for each in [*early.watched, *late.watched]}
    void: dict[tuple[str, str], Ranges] = {}
    for voided in [*early.void, *late.void]:
        key = voided.epoch, voided.reason
        void[key] = void.get(key, Ranges()).union(voided.spans)
    return Batch(
        drop=_merged([*early.drop, *late.drop]),
        void=[Voided(epoch, tuple(spans), reason) for (epoch, reason), spans in void.items()],
        watched=list(watched.values()),
        forget=list(dict.fromkeys([*early.forget, *late.forget])),
        ended=list({account.epoch: account for account in [*early.ended, *late.ended]}.values()),
        done=list(dict.fromkeys([*early.done, *late.done])),
        standings={**early.standings, **late.standings},
    )


def _some(drop: Sequence[tuple[str, Range]]) -> tuple[list[tuple[str, Range]], list[tuple[str, Range]]]:
    """Return what goes in one commit, and the rest."""
    now: list[tuple[str, Range]] = []
    rest: list[tuple[str, Range]] = []
    room = DROP_MOST
    for epoch, (first, last) in drop:
        end = min(last, first + room - 1)
        if end >= first:
            now.append((epoch, (first, end)))
            room -= end - first + 1
        if end < last:
            rest.append((epoch, (end + 1, last)))
    return now, rest


def _merged(drop: Iterable[tuple[str, Range]]) -> list[tuple[str, Range]]:
    ranges: dict[str, list[Range]] = {}
    for epoch, span in drop:
        ranges.setdefault(epoch, []).append(span)
    return [(epoch, span) for epoch, spans in ranges.items() for span in Ranges(spans)]
