"""The readings on the disk, on their way back to memory: the oldest first, at a bounded rate, in a window of their own."""

import math
from collections.abc import Callable, Sequence
from typing import Final

from agent.outbox.entry import RESEND_AFTER, from_disk
from agent.outbox.journals import Journals
from agent.outbox.keeping import Keeper
from agent.outbox.lanes import OLD, Lanes
from agent.outbox.spool import Row
from contract.clock import Clock
from contract.message import Topic, Voided
from contract.ranges import Ranges

RATE: Final = 1000.0
"""Messages a second at the most."""
GONE: Final = "gone from the disk"
UNREADABLE: Final = "it could not be read any more"


class Backlog:
    """Where the replay is. Times are boottimes."""

    def __init__(
        self, keeper: Keeper, lanes: Lanes, journals: Journals, clock: Clock, void: Callable[[Sequence[Voided]], None]
    ) -> None:
        """Take the disk, the memory, who has what, the clock, and who is told of what cannot be had any more."""
        self.awaited: tuple[str, ...] = journals.awaited(0.0)
        """The gateways that messages are sent for."""
        self.turn = next(iter(self.awaited), "")
        """The one whose turn it is; nobody where none is named."""
        self._keeper = keeper
        self._lanes = lanes
        self._journals = journals
        self._clock = clock
        self._void = void
        self._allowance = 0.0
        self._at = clock.boottime()
        self._cursor: tuple[str, int] = ("", 0)
        """Epoch and number where it goes on; what is before it is in memory, or was."""
        self._looked: dict[str, float] = {}
        """Gateway → when the alarms were looked through for those that it alone lacks."""

    def rewind(self) -> None:
        """Begin anew."""
        self._cursor = ("", 0)
        self._looked.clear()

    def wait_for(self, awaited: tuple[str, ...]) -> None:
        """Send for these gateways from now on."""
        self.awaited = awaited
        if self.turn not in awaited:
            self._pass_on()
        self.rewind()

    def give_way(self, now: float) -> None:
        """Let it be another gateway's turn if this one answers nothing: it must not hold up the others."""
        if len(self.awaited) > 1 and self._lanes.old.overdue(now):
            self._pass_on()

    def _pass_on(self) -> None:
        awaited = self.awaited
        at = awaited.index(self.turn) if self.turn in awaited else -1
        self.turn = awaited[(at + 1) % len(awaited)]
        self._lanes.old.clear()
        self._cursor = ("", 0)

    def turn_back(self, epoch: str, seq: int) -> None:
        """Come by a message again."""
        at, number = self._cursor
        epochs = list(self._keeper.disk)
        if epoch in epochs and at in epochs and (epochs.index(epoch), seq) < (epochs.index(at), number):
            self._cursor = epoch, seq

    async def step(self) -> None:
        """Take as many as may go now."""
        now = self._clock.boottime()
        self._allowance = min(self._allowance + (now - self._at) * RATE, RATE)
        self._at = now
        if self._lanes.sender is None:
            return
        begin = self._begin(now)
        self._lanes.pump(now)
        count = min(int(self._allowance), self._lanes.old.room)
        if begin is None or count <= 0 or not self._keeper.open:
            return
        epoch, start = begin
        cursor = self._cursor
        page = await self._keeper.page(epoch, start, count + OLD)
        if page is None or self._cursor != cursor:
            return  # it was rewound meanwhile
        rows, more = page
        wanted = self._wanted(epoch)  # some may be acknowledged meanwhile
        covered, end = Ranges(), start
        for row in rows:
            if count <= 0:
                break
            covered.add_range(*row.span)
            end = row.seq
            if (epoch, row.seq) not in self._lanes and row.seq in wanted:
                count -= self._load(row)
        else:
            end = end if more else max(end, wanted.highest)
        lost = wanted.common(Ranges([(start, end)])).minus(covered)
        if lost:
            self._void([Voided(epoch, tuple(lost), GONE)])
        self._cursor = epoch, end + 1
        self._lanes.pump(self._clock.boottime())

    def _load(self, row: Row) -> bool:
        """Take a message into memory; say whether it is a reading that goes."""
        entry = from_disk(row)
        if entry is None:
            self._void([Voided(row.epoch, (row.span,), UNREADABLE)])
            return False
        if row.topic is Topic.ALARMS:
            self._lanes.alarms.add((row.epoch, row.seq), entry)
            return False
        self._allowance -= 1
        self._lanes.old.add((row.epoch, row.seq), entry)
        return True

    def _wanted(self, epoch: str) -> Ranges:
        """Return what of an epoch is on the disk and the one whose turn it is lacks."""
        held = self._keeper.disk.get(epoch, Ranges())
        has = self._journals.has(self.turn, epoch)
        return held.minus(has) if has else held

    def _begin(self, now: float) -> tuple[str, int] | None:
        """Return where it goes on; when one gateway has all, it is the next one's turn."""
        for _ in self.awaited or ("",):
            self._load_alarms(now)
            begin = self._next()
            if begin is not None or self._lanes.old.entries:
                return begin
            if len(self.awaited) > 1:
                self._pass_on()
        return None

    def _load_alarms(self, now: float) -> None:
        """Take the alarms that another gateway has and this one lacks, now and then: all were sent to it once."""
        if not self.turn or now - self._looked.get(self.turn, -math.inf) < RESEND_AFTER:
            return
        self._looked[self.turn] = now
        for key, entry in self._lanes.alarms.entries.items():
            rests = entry.answered and (entry.sent is None or now - entry.sent >= RESEND_AFTER)
            if rests and key[1] not in self._journals.has(self.turn, key[0]):
                self._lanes.old.add(key, entry)

    def _next(self) -> tuple[str, int] | None:
        """Return where it goes on."""
        epochs = list(self._keeper.disk)
        at, number = self._cursor
        for epoch in epochs[epochs.index(at) if at in epochs else 0 :]:
            wanted = self._wanted(epoch)
            start = wanted.after(number if epoch == at else 1)
            while start and (epoch, start) in self._lanes:
                self._cursor = epoch, start + 1  # it is turned back when that leaves memory
                start = wanted.after(start + 1)
            if start:
                return epoch, start
        return None
