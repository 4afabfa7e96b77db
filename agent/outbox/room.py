"""Room on the disk: how long it lasts, and how it is made when the spool is full."""

import logging
import math
from typing import Final

import msgspec

from agent.outbox.full import PAGE, STAGES, Bucket, glance, thin
from agent.outbox.keeping import Keeper
from agent.outbox.lanes import Lanes
from agent.outbox.spool import Row, Space, Spool
from contract.message import Topic, Voided
from contract.ranges import Ranges

_log = logging.getLogger(__name__)
SIZE: Final = 340.0
"""Bytes of a message before one was measured: a UPS's status, charge, runtime, load and voltages."""
ROW: Final = 120.0
"""Bytes that the spool needs for such a message beside its body, half-filled pages included; measured."""
FULL: Final = "the spool was full"
GOAL: Final = 0.9
"""How full the spool is left."""
CALM: Final = 0.5
"""How full it may be to be out of trouble."""
PAUSE: Final = 60.0
"""Seconds until it is looked again whether something can go, when nothing can."""
SMALL: Final = 1 << 20
"""Bytes that a spool may have, whatever the disk says: so small a one is not what fills it."""
DROP: Final = 4
"""What part of a page is dropped in one go: a quarter."""
ALARMS: Final = len(STAGES) + 1
"""The last stage: there is nothing but alarms."""
_WORDS: Final = ("one a minute", "one in ten minutes")


class Outlook(msgspec.Struct, frozen=True):
    """How long the spool lasts."""

    room: int
    """Bytes."""
    rate: float
    """Messages a second."""
    size: float
    """Bytes of a message, without what the spool needs for it."""

    @property
    def seconds(self) -> float:
        """How long all of it is kept in full."""
        return self.room / (self.rate * (self.size + ROW))

    def needs(self, seconds: float) -> int:
        """Return the bytes that so many seconds need."""
        return round(seconds * self.rate * (self.size + ROW))


def tell(outlook: Outlook, keep: float, *, short: bool) -> None:
    """Log how long the spool lasts; a warning when that is less than what is asked for.

    Args:
        outlook: how long it lasts.
        keep: what is asked for, in seconds.
        short: the disk has less room than the settings allow.
    """
    said = f"{outlook.rate:.3g} messages a second of {outlook.size:.0f} bytes, {_mib(outlook.room)}"
    line = f"the spool has room for {_time(outlook.seconds)} at the present rate ({said})"
    if outlook.seconds >= keep:
        _log.info("%s", line)
        return
    remedy = "give its disk more room" if short else f'write keep_bytes = "{_mib(outlook.needs(keep) * 1.1)}"'
    _log.warning(
        "%s, which is less than keep = %s; after that old readings are thinned out (%s, or poll less often)",
        line,
        _time(keep),
        remedy,
    )


def _time(seconds: float) -> str:
    return f"{seconds / 3600:.0f} h" if seconds >= 7200 else f"{seconds / 60:.0f} min"


def _mib(size: float) -> str:
    return f"{size / (1 << 20):.0f} MiB"


class Room:
    """Makes room, one page at a time. See ``agent/outbox/full.py`` for what goes."""

    def __init__(self, keeper: Keeper, most: int, page: int = PAGE) -> None:
        """Take the disk, how many bytes may be in use, and how many messages are looked at in one go."""
        self._keeper = keeper
        self._keep = most
        self._page = page
        self._making = False
        self._again = -math.inf
        """When it is looked again whether something can go."""
        self._at: list[tuple[str, int]] = [("", 0) for _ in STAGES]
        """How far each stage has come: epoch, number of the last message that it looked at."""
        self._seen: list[dict[str, Bucket]] = [{} for _ in STAGES]
        self._told: set[int] = set()

    @property
    def trouble(self) -> str:
        """What is to be said, in a sentence; empty: nothing."""
        if not self._told:
            return ""
        stage = max(self._told)
        return f"the spool is full: {_done(stage)}"

    def needed(self, now: float) -> bool:
        """Say whether there is something to do (boottime)."""
        used, most = self._keeper.space.used, self._most
        if used > most:
            self._making = True
        elif used <= most * GOAL:
            self._making = False
            if used <= most * CALM and self._told:
                self._told.clear()
                _log.warning("the spool has room again")
        return self._making and now >= self._again

    @property
    def _most(self) -> int:
        """The bytes that may be in use: as set, or as the disk has."""
        return min(self._keep, max(self._keeper.space.most, SMALL))

    async def step(self, lanes: Lanes, now: float) -> list[Voided]:
        """Make some room; return what had to go for good."""
        for stage in range(len(STAGES)):
            start = self._start(stage)
            if start is not None:
                self._tell(stage)
                await self._thin(stage, *start, lanes)
                return []
        gone = await self._oldest(lanes)
        if not gone and self._keeper.open:  # there is nothing but alarms, or what is under way
            self._again = now + PAUSE
            self._tell(ALARMS)
        return gone

    def _start(self, stage: int) -> tuple[str, int] | None:
        """Return where a stage goes on; None when it has come to the youngest page, which is left alone."""
        epochs = list(self._keeper.disk)
        epoch, number = self._at[stage]
        if epoch not in epochs:
            if not epochs:
                return None
            epoch, number = epochs[0], 0
        ahead = self._keeper.disk[epoch].highest - number
        while ahead <= 0 or (epoch == epochs[-1] and ahead < self._page):
            if epoch == epochs[-1]:
                return None
            epoch, number = epochs[epochs.index(epoch) + 1], 0
            ahead = self._keeper.disk[epoch].highest
        return epoch, number

    async def _thin(self, stage: int, epoch: str, start: int, lanes: Lanes) -> None:
        held = self._keeper.disk[epoch]
        in_memory = {seq for lane in (lanes.live, lanes.old) for of, seq in lane.entries if of == epoch}
        every, page = STAGES[stage], self._page
        seen = dict(self._seen[stage])  # what is looked at in vain is looked at anew

        def work(spool: Spool) -> tuple[list[Row], bool, Space]:
            rows, more = spool.page(epoch, start, page)
            glances = [glance(row.seq, row.first, row.body, every, reading=row.topic is Topic.READINGS) for row in rows]
            merges = thin(glances, seen, lambda seq: seq in in_memory or seq not in held, more=more)
            return rows, more, spool.merge(epoch, merges) if merges else self._keeper.space

        done = await self._keeper.work(work)
        if done is None:
            return
        self._seen[stage] = seen
        rows, more, self._keeper.space = done
        last = rows[-1].seq if rows else 0
        # The last one is looked at again: it may be absorbed by what follows. If it was alone, the epoch is through.
        self._at[stage] = epoch, last if more and last > start else held.highest

    async def _oldest(self, lanes: Lanes) -> list[Voided]:
        """Return the oldest readings, as lost."""
        for epoch, held in list(self._keeper.disk.items()):
            at = held.lowest
            while at:
                rows, more = await self._keeper.page(epoch, at, max(1, self._page // DROP)) or ([], False)
                gone = [
                    row.span
                    for row in rows
                    if row.topic is Topic.READINGS and (epoch, row.seq) not in lanes and row.seq in held
                ]
                if gone:
                    self._tell(len(STAGES))
                    return [Voided(epoch, tuple(Ranges(gone)), FULL)]
                at = held.after(rows[-1].seq + 1) if more and rows else 0
        return []

    def _tell(self, stage: int) -> None:
        if stage not in self._told:
            self._told.add(stage)
            _log.error("the spool is full (%s): %s; alarms all stay", _mib(self._most), _done(stage))


def _done(stage: int) -> str:
    if stage == ALARMS:
        return "nothing in it can go"
    if stage == len(STAGES):
        return "the oldest readings are dropped"
    return f"old readings are thinned out to {_WORDS[stage]} for each device"
