"""Taking up what is on the disk: at the start, after a failure, and what a damaged file had and has no longer."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from agent.outbox.backlog import GONE, Backlog
from agent.outbox.entry import Entry, Key, from_disk
from agent.outbox.keeping import Keeper
from agent.outbox.lanes import Lanes
from agent.outbox.ledger import Ledger
from agent.outbox.spool import Contents, Row
from agent.outbox.standing import Standings
from contract.message import Voided
from contract.ranges import Range, Ranges

_log = logging.getLogger(__name__)
PATIENCE = 1.5
"""Seconds that the start waits for the disk."""
DAMAGED: Final = "the spool was damaged"


class Opening:
    """Opens the spool of one outbox, and sets what is thought to be there right by what is."""

    def __init__(
        self,
        keeper: Keeper,
        ledger: Ledger,
        lanes: Lanes,
        standings: Standings,
        backlog: Backlog,
        void: Callable[[Sequence[Voided]], None],
    ) -> None:
        """Take the disk, who must know what is on it, and who is told of what is gone."""
        self.done = False
        """The disk could be read, once at least."""
        self._keeper = keeper
        self._ledger = ledger
        self._lanes = lanes
        self._standings = standings
        self._backlog = backlog
        self._void = void
        self._begun: asyncio.Task[Contents | None] | None = None
        """The disk is still at it since the start."""

    async def begin(self) -> Contents | None:
        """Open the spool; None: the disk fails, or takes its time, and ``again`` has the rest.

        Raises:
            StorageTaken: another agent works with this spool.
        """
        self._begun = asyncio.create_task(self._keeper.reopen(self._ledger.earlier, again=False))
        await asyncio.wait({self._begun}, timeout=PATIENCE)
        if not self._begun.done():
            _log.warning("the spool's disk takes its time; what is in the spool comes later")
            return None
        return await self.again()

    async def again(self) -> Contents | None:
        """Try once more, or go on waiting for the first try; None: the disk fails."""
        begun, self._begun = self._begun, None
        if begun is not None:
            contents = await begun
        else:
            contents = await self._keeper.reopen(self._ledger.earlier, again=True)
        if contents is not None:
            self._take_in(contents)
        return contents

    def _take_in(self, contents: Contents) -> None:
        """Set what is thought to be on the disk right by what is there."""
        before, damaged = self._keeper.disk, bool(contents.aside)
        held = self._without_pending(contents.held)
        self._keeper.disk = held
        self._lanes.compare(held)
        self._ledger.take_in(contents, held, self._keeper.pending.done)
        if not self.done:
            self.done = True
            self._keeper.size = self._keeper.size or contents.size
            self._standings.restore(contents.standings)
            for voided in contents.voided:
                self._ledger.remember(voided)
        if self._keeper.noted:
            self._ledger.on_disk()
        memory = self._alarms_from(contents.alarms)
        if damaged and not before:  # nobody knows what was there, but from where to where it may have been
            before = self._ledger.perhaps()
            for (epoch, _), spans in self._ledger.voided.items():
                before[epoch] = before.get(epoch, Ranges()).minus(spans)
        for epoch, ranges in before.items():
            lost = ranges.minus(held.get(epoch, Ranges())).minus(memory.get(epoch, Ranges()))
            if lost:
                self._void([Voided(epoch, tuple(lost), DAMAGED if damaged else GONE)])
        self._backlog.rewind()

    def _without_pending(self, held: dict[str, Ranges]) -> dict[str, Ranges]:
        """Return what is on the disk and is not to be dropped by the next commit."""
        gone: dict[str, list[Range]] = {}
        for epoch, span in self._keeper.pending.drop:
            gone.setdefault(epoch, []).append(span)
        for voided in self._keeper.pending.void:
            gone.setdefault(voided.epoch, []).extend(voided.spans)
        left = {epoch: ranges.minus(Ranges(gone.get(epoch, ()))) for epoch, ranges in held.items()}
        return {epoch: ranges for epoch, ranges in left.items() if ranges}

    def _alarms_from(self, rows: Iterable[Row]) -> dict[str, Ranges]:
        """Take the alarms of the disk into memory, before those that are there; return all numbers in memory."""
        mine = dict(self._lanes.alarms.entries)
        alarms: dict[Key, Entry] = {}
        for row in rows:
            key = row.epoch, row.seq
            if row.seq in self._keeper.disk.get(row.epoch, ()):
                entry = mine.pop(key, None) or from_disk(row)
                if entry is not None:  # else it goes the way of what cannot be read, when the backlog comes by
                    alarms[key] = entry
        self._lanes.alarms.refill([*alarms.items(), *mine.items()])
        return self._lanes.numbers()
