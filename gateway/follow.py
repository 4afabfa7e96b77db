"""The gateway's clock on record: one event for each boot, and one for each time that the system's clock was put right.

Every timer of the gateway is a wall time of ``gateway.clock.SteadyClock``. After a restart within the same boot the same
offset goes on, so that timers resume to the second, whatever was done to the system's clock meanwhile. When that clock
has stayed elsewhere for some seconds, one event says by how much; with it every time of the open incidents moves, and so
no duration changes. The event is the one truth: a crash before it changed nothing, and one after it is made good by the
fold.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final

from contract.errors import StorageError
from gateway.clock import SteadyClock
from gateway.event import CLOCK, Event
from gateway.ports import Keeper

_log = logging.getLogger(__name__)
LOOK: Final = 1.0
"""Seconds between two looks at the system's clock."""

Correct = Callable[[float, dict[str, Any], Callable[[], None]], Awaitable[None]]
"""Keeps a correction (seconds, and what the event says beside it), then calls what believes it."""


class Follower:
    """Keeps the offset of the gateway's clock, and follows the system's."""

    def __init__(self, clock: SteadyClock, journal: Keeper, correct: Correct) -> None:
        """Take the clock, where its offset is kept, and who has times that move with it."""
        self._clock = clock
        self._journal = journal
        self._correct = correct
        self._kept = False
        self._failing = False

    async def resume(self, last: float = 0.0) -> None:
        """Go on as before a restart; on a new boot, begin at the system's clock. Call it before any timer runs.

        Args:
            last: a wall time that surely is in the past: when the last message came. A clock that was lost with the power
                does not take the timers back to 1970; they go on from there.

        Raises:
            StorageError: the journal cannot be read.
        """
        events = list(await self._journal.events(""))
        anchor = next((event for event in reversed(events) if event.kind == CLOCK), None)
        if anchor is not None and anchor.data.get("boot") == self._clock.boot:
            self._clock.move(float(anchor.data["offset"]) - self._clock.offset)
            self._kept = True
            return
        last = max([last, *(event.at for event in events[-1:])])
        if self._clock.wall() < last:
            self._clock.move(last - self._clock.wall())
        await self._anchor()

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            await asyncio.sleep(LOOK)
            await self.look()

    async def look(self) -> None:
        """Follow the system's clock, once it was put right. While the disk fails, the old time goes on."""
        if not self._kept:
            await self._anchor()
            return
        by = self._clock.stepped()
        if by is None:
            return
        data = {"boot": self._clock.boot, "offset": self._clock.offset + by}
        try:
            await self._correct(by, data, lambda: self._clock.move(by))
        except StorageError as error:
            self._tell(error)
            return
        self._failing = False
        _log.warning("the system's clock was put %+.1f s: every timer goes on as before, by the new time", by)

    async def _anchor(self) -> None:
        data = {"boot": self._clock.boot, "offset": self._clock.offset, "shift": 0.0}
        try:
            await self._journal.record_event(Event(at=self._clock.wall(), kind=CLOCK, data=data))
        except StorageError as error:
            self._tell(error)
            return
        self._kept, self._failing = True, False

    def _tell(self, error: StorageError) -> None:
        if not self._failing:
            _log.error("the gateway's clock is not on record, and follows no step: %s", error)
        self._failing = True
