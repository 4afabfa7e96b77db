"""The readings on the disk, on their way back to memory: the oldest first, at a bounded rate, inside half of the window."""

from collections.abc import Callable, Sequence
from typing import Final

from agent.entry import from_disk
from agent.journals import Journals
from agent.keeping import Keeper
from agent.lanes import WINDOW, Lanes
from agent.spool import Row
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
        self._keeper = keeper
        self._lanes = lanes
        self._journals = journals
        self._clock = clock
        self._void = void
        self._allowance = 0.0
        self._at = clock.boottime()
        self._cursor: tuple[str, int] = ("", 0)
        """Epoch and number where it goes on; what is before it is in memory, or was."""

    def rewind(self) -> None:
        """Begin anew."""
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
        count = min(int(self._allowance), WINDOW // 2 - len(self._lanes.readings))
        begin = self._next() if count > 0 and self._lanes.sender is not None and self._keeper.works else None
        if begin is None:
            return
        epoch, start = begin
        page = await self._keeper.page(epoch, start, count + len(self._lanes.readings))
        if page is None:
            return
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
            self._lanes.alarms[row.epoch, row.seq] = entry
            return False
        self._allowance -= 1
        self._lanes.readings[row.epoch, row.seq] = entry
        return True

    def _wanted(self, epoch: str) -> Ranges:
        """Return what of an epoch is on the disk and somebody who is there lacks."""
        held = self._keeper.disk.get(epoch, Ranges())
        answered = self._journals.answered(epoch, self.awaited)
        return held.minus(answered) if answered else held

    def _next(self) -> tuple[str, int] | None:
        """Return where it goes on."""
        epochs = list(self._keeper.disk)
        at, number = self._cursor
        for epoch in epochs[epochs.index(at) if at in epochs else 0 :]:
            wanted = self._wanted(epoch)
            start = wanted.after(number if epoch == at else 1)
            while start and (epoch, start) in self._lanes:
                start = wanted.after(start + 1)
            if start:
                return epoch, start
        return None
