"""Messages to one person, gathered in a flood: one message about fifteen alarms, not fifteen (ISA-18.2, EEMUA 191).

The first message goes at once. Those that come soon after it wait for one another for a moment, and go one by one as long
as a person can take them in; beyond that, as one message that names them all. Each incident keeps its own record of who
was told, and escalates as ever: nothing is hidden, only the letters are fewer. A flood is an event when it begins and ends.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Protocol

import msgspec

from contract.clock import Clock
from contract.condition import Severity
from contract.errors import StorageError
from gateway.alarms.model import Flood
from gateway.contacts import Person
from gateway.event import Event
from gateway.incident import Incident, Mail, Purpose
from gateway.notify.letter import Report
from gateway.plan.model import RANK, Clause
from gateway.ports import Keeper, Outcome

_log = logging.getLogger(__name__)
KIND: Final = "flood"
_GATHERED: Final = frozenset({Purpose.PAGE, Purpose.RECOVERY})
Also = Sequence[tuple[Incident, Clause]]


class Teller(Protocol):
    """Sends one message to one person, about one incident or more."""

    async def tell(
        self,
        incident: Incident,
        clause: Clause,
        mail: Mail,
        person: Person,
        *,
        again: bool,
        report: Report,
        also: Also = (),
    ) -> None:
        """See ``ports.Teller``; ``also`` are the incidents that the message speaks of besides."""
        ...


Wait = Callable[[float, asyncio.Event], Awaitable[None]]
"""Waits so many seconds, or until the event is set."""


async def wait(seconds: float, hurry: asyncio.Event) -> None:
    """See ``Wait``."""
    try:
        async with asyncio.timeout(max(0.0, seconds)):
            await hurry.wait()
    except TimeoutError:
        return


class _Waiting(msgspec.Struct, frozen=True):
    """A message that waits for others."""

    incident: Incident
    clause: Clause
    mail: Mail
    report: Report
    gone: asyncio.Future[bool]
    """Whether it went with the others; if not, it goes by itself now."""

    @property
    def order(self) -> tuple[int, float]:
        """The gravest first, then the oldest."""
        return -self.incident.worst.rank, self.incident.opened


class _Box:
    """What waits for one person."""

    def __init__(self) -> None:
        self.waiting: list[_Waiting] = []
        self.since = float("-inf")
        """When the last message went (boottime)."""
        self.free = float("-inf")
        """When the next one may go."""
        self.hurry = asyncio.Event()


class Position:
    """How many new incidents a person was told of lately. Pure: the time is an argument."""

    def __init__(self, settings: Flood) -> None:
        """Take when it is a flood."""
        self._settings = settings
        self._came: deque[tuple[float, str]] = deque()
        self._codes: set[str] = set()
        self.flooded = False

    def came(self, code: str, now: float) -> bool:
        """Count an incident, once; say whether a flood began with it."""
        self.look(now)
        if code not in self._codes:
            self._codes.add(code)
            self._came.append((now, code))
        begins = not self.flooded and self.count > self._settings.more_than
        self.flooded = self.flooded or begins
        return begins

    def look(self, now: float) -> bool:
        """Forget what is long ago; say whether a flood ended with that: half as many are left as make one."""
        while self._came and now - self._came[0][0] > self._settings.within:
            self._codes.discard(self._came.popleft()[1])
        ends = self.flooded and self.count <= self._settings.more_than // 2
        self.flooded = self.flooded and not ends
        return ends

    @property
    def count(self) -> int:
        """How many there are within the time."""
        return len(self._came)


class Gathering:
    """See the module; it is a ``ports.Teller``."""

    def __init__(
        self,
        teller: Teller,
        settings: Flood,
        clock: Clock,
        journal: Keeper,
        *,
        pause: Wait = wait,
    ) -> None:
        """Take who tells, when it is a flood, the clock, where it is kept that one began, and how to wait."""
        self._teller = teller
        self._settings = settings
        self._clock = clock
        self._journal = journal
        self._pause = pause
        self._boxes: dict[tuple[str, Purpose, bool], _Box] = {}
        self._positions: dict[str, Position] = {}

    def floods(self) -> dict[str, int]:
        """Return whom a flood has reached, and how many incidents they were told of lately."""
        return {person: one.count for person, one in self._positions.items() if one.flooded}

    async def look(self) -> None:
        """See whether a flood is over."""
        for person, position in tuple(self._positions.items()):
            if position.look(self._clock.boottime()):
                await self._note(person, position.count, over=True)

    async def tell(
        self, incident: Incident, clause: Clause, mail: Mail, person: Person, *, again: bool, report: Report
    ) -> None:
        """See ``ports.Teller``."""
        if mail.purpose not in _GATHERED:
            await self._teller.tell(incident, clause, mail, person, again=again, report=report)
            return
        now = self._clock.boottime()
        position = self._positions.setdefault(person.id, Position(self._settings))
        await self.look()
        if mail.purpose is Purpose.PAGE and position.came(incident.code, now):
            await self._note(person.id, position.count, over=False)
        box = self._boxes.setdefault((person.id, mail.purpose, again), _Box())
        if not box.waiting and now >= box.free:
            box.since, box.free = now, now + self._settings.gather
            await self._teller.tell(incident, clause, mail, person, again=again, report=report)
            return
        mine = _Waiting(incident, clause, mail, report, asyncio.get_running_loop().create_future())
        box.waiting.append(mine)
        if incident.worst.rank >= RANK[Severity.EXTREME]:
            box.hurry.set()
        with_others = await mine.gone if len(box.waiting) > 1 else await self._carry(box, position, person, again=again)
        if not with_others:
            await self._teller.tell(incident, clause, mail, person, again=again, report=report)

    async def _carry(self, box: _Box, position: Position, person: Person, *, again: bool) -> bool:
        """Wait for others, and send as one what has come together; say whether it was. The first that waits does it."""
        try:
            await self._pause(box.since + self._settings.gather - self._clock.boottime(), asyncio.Event())
            await self._pause(box.free - self._clock.boottime(), box.hurry)
        except asyncio.CancelledError:
            _release(box.waiting, None)
            box.waiting = []
            raise
        together, box.waiting = sorted(box.waiting, key=lambda one: one.order), []
        as_one = position.flooded and len(together) > 1
        box.since = self._clock.boottime()
        box.free = box.since + (self._settings.pause if as_one else self._settings.gather)
        box.hurry.clear()
        if not as_one:
            _release(together, False)
            return False
        try:
            await self._as_one(together, person, again=again)
        except asyncio.CancelledError:
            _release(together, None)
            raise
        _release(together, True)
        return True

    async def _as_one(self, together: Sequence[_Waiting], person: Person, *, again: bool) -> None:
        first = together[0]
        also = [(one.incident, one.clause) for one in together[1:]]

        async def report(outcome: Outcome) -> None:
            for one in together:
                await one.report(outcome)

        _log.warning("a flood of alarms: %d incidents go to %s as one message", len(together), person.id)
        await self._teller.tell(first.incident, first.clause, first.mail, person, again=again, report=report, also=also)

    async def _note(self, person: str, count: int, *, over: bool) -> None:
        wall = self._clock.stamp().wall
        try:
            await self._journal.record_event(Event(at=wall, kind=KIND, who=person, data={"count": count, "over": over}))
        except StorageError as error:
            _log.error("that a flood of alarms began or ended is not on record: %s", error)


def _release(waiting: Sequence[_Waiting], gone: bool | None) -> None:  # noqa: FBT001 - the future's own result
    """Let those that wait go on; None: the gateway stops."""
    for one in waiting:
        if one.gone.done():
            continue
        if gone is None:
            one.gone.cancel()
        else:
            one.gone.set_result(gone)
