"""From the journal to the time-series store, with a cursor of its own. One bad line never stops the rest.

The cursor follows only what the store has taken, and, where a store keeps what it took in memory first, only once that
is safe on its disk: a store that was started anew meanwhile gets it again. Points have the time of their measurement,
so that what is written twice stands there once.

Set aside for later: readings that cannot be dated yet, and those of a device that no inventory has described. Set
aside for good: what the store refuses, with its reason.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, Literal, TypeVar

import msgspec

from contract.clock import Stamp
from contract.errors import UNREADABLE, MessageError, StorageError, StoreAway, StoreRefused
from contract.message import Alarms, Hello, Topic, decode
from gateway.dating import Dating
from gateway.journal import Journal
from gateway.journal.record import Aside, Stored
from gateway.live import Live
from gateway.store.lines import Poll, Series, poll_line, poll_of
from gateway.store.servers import Server

_log = logging.getLogger(__name__)
T = TypeVar("T")

READER: Final = "store"
PAGE: Final = 4000
"""Messages in one request at the most."""
_TURN: Final = 500
"""Messages after which others have their turn."""
_BACKOFF: Final = (1.0, 60.0)
_GATHER: Final = 0.2
"""Seconds: what comes within it goes out in one request."""
_LOOK: Final = 30.0
"""Seconds between two looks at what was set aside for later."""
_LOOK_LEAST: Final = 2.0
LATE_AFTER: Final = 60.0
"""Seconds from measuring to arrival after which a point is marked as late: it came from an agent's disk."""
_PAGE_LEAST: Final = 250
SLOW: Final = 5.0
"""Seconds for one request after which a store is called slow."""
UNDATED: Final = "its clock is not known yet"
BROKEN: Final = "it cannot be read"
UNKNOWN: Final = "no inventory describes its device yet"


class Line(msgspec.Struct, frozen=True, gc=False):
    """A line, and the message that it comes from."""

    message: int
    body: bytes


class _Page(msgspec.Struct, frozen=True):
    """Messages up to a position: the lines to write, and what is put aside."""

    position: int
    lines: list[Line]
    aside: list[Aside]


class _Sent(msgspec.Struct, frozen=True):
    """A position up to which the store took everything, and since when."""

    position: int
    at: float


class Status(msgspec.Struct, frozen=True):
    """How the store does."""

    state: Literal["writes", "slow", "away"]
    seconds: float
    """For how long it has been so."""
    why: str
    """A sentence, where it is slow or away."""
    behind: int
    """Messages of the journal that it has not taken yet."""
    written: int
    """Lines since the start."""
    refused: int
    """Lines since the start that it will never take; the journal knows their reasons."""


class Store:
    """Writes what the journal holds."""

    def __init__(
        self,
        server: Server,
        journal: Journal,
        live: Live,
        *,
        backoff: tuple[float, float] = _BACKOFF,
        sure: Callable[[], bool] = lambda: True,
    ) -> None:
        """Take what is needed.

        Args:
            server: the store.
            journal: where readings come from.
            live: who knows the devices.
            backoff: the pauses while the store is away, the first and the longest; seconds.
            sure: says whether the gateway's clock can be trusted.
        """
        self.refused = 0
        """Lines that the store will never take."""
        self.written = 0
        self._server = server
        self._journal = journal
        self._live = live
        self._backoff = backoff
        self._dating = Dating(sure)
        self._noted = 0
        """The changes of it that are kept."""
        self._thread = ThreadPoolExecutor(1, "store")
        self._position = 0
        self._cursor = 0
        self._under_way: asyncio.Task[list[Aside]] | None = None
        """The request of ``_page``: the next page is made meanwhile."""
        self._page = _Page(0, [], [])
        self._sent = 0.0
        self._most = PAGE
        self._trailing: deque[_Sent] = deque()
        self._started = ""
        self._looked = float("-inf")
        self._state: Literal["writes", "slow", "away"] = "writes"
        self._why = ""
        self._since = 0.0
        self._news = False
        self._tried = 0
        """Of what was put aside for later: the last one that was tried again; 0 once all had their turn."""

    async def run(self) -> None:
        """Write until cancelled. A store that is away is told once, and tried again."""
        pause = self._backoff[0]
        self._since = self._now()
        try:
            with self._journal.watch() as grown:
                looked, begun = 0.0, False
                while True:
                    try:
                        if not begun:
                            await self._begin()
                            begun = True
                        grown.clear()
                        moved = await self._step()
                        if self._now() - looked >= _LOOK or self._news:
                            looked = self._now()
                            self._news = False
                            await self._take_up()
                        pause = self._backoff[0]
                    except (StoreAway, StorageError) as error:
                        self._lost(error)
                        self._rewind()
                        await asyncio.sleep(pause)
                        pause = min(pause * 2, self._backoff[1])
                        continue
                    if not moved:
                        await self._rest(grown)
        finally:
            self._rewind()
            await asyncio.shield(self._on_thread(self._server.close))
            self._thread.shutdown(wait=False)

    def status(self) -> Status:
        """Return how the store does."""
        behind = max(0, self._journal.position - self._position)
        return Status(self._state, self._now() - self._since, self._why, behind, self.written, self.refused)

    async def _begin(self) -> None:
        self._cursor = self._position = await self._journal.cursor(READER)
        notes = await self._journal.notes(READER)
        try:
            kept = msgspec.json.decode(notes or "[]", type=list[tuple[str, str, str, float]])
        except UNREADABLE as error:
            _log.warning("what was known of the agents' clocks cannot be read (%s): it is learned anew", error)
            return
        for known in kept:
            self._dating.remember(*known)

    async def _rest(self, grown: asyncio.Event) -> None:
        """Wait for more, then a moment for what comes with it; wake up for the trailing cursor."""
        wait = _LOOK
        if self._trailing:
            wait = max(0.05, self._due() - self._now())
        try:
            async with asyncio.timeout(wait):
                await grown.wait()
                await asyncio.sleep(_GATHER)
        except TimeoutError:
            return

    async def _step(self) -> bool:
        """Make the next page while the one before it is under way, and send it; say whether there may be more."""
        await self._look_at_server()
        most = self._most
        rows = await self._journal.after(self._position, most)
        page = await self._made_of(rows)
        aside = await self._landed()
        if rows:
            self._position = page.position
            self._page = page
            self._sent = self._now()
            self._under_way = asyncio.create_task(self._write(page.lines))
        more = len(rows) == most
        if not more:
            aside += await self._landed()
        await self._advance(aside)
        return more

    async def _made_of(self, rows: Sequence[Stored]) -> _Page:
        lines: list[Line] = []
        aside: list[Aside] = []
        for number, row in enumerate(rows, 1):
            if number % _TURN == 0:
                await asyncio.sleep(0)
            made = self._line(row)
            if isinstance(made, str):
                aside.append(Aside(row.id, made, final=made == BROKEN))
            elif made is not None:
                lines.append(made)
        return _Page(rows[-1].id if rows else self._position, lines, aside)

    async def _landed(self) -> list[Aside]:
        """Wait until the store has the page that is under way; return what has to be put aside of it.

        Raises:
            StoreAway: nothing is known of what it took.
        """
        if self._under_way is None:
            return []
        task, self._under_way = self._under_way, None
        try:
            refused = await task
        except StoreAway:
            self._most = max(_PAGE_LEAST, self._most // 2)  # a slow one may still take less at once
            raise
        self._trailing.append(_Sent(self._page.position, self._now()))
        self._goes(self._now() - self._sent)
        return [*self._page.aside, *refused]

    async def _look_at_server(self) -> None:
        """See whether the store was started anew: it may have forgotten what is not safe yet."""
        if not self._server.trail or (self._started and self._now() < self._due()):
            return
        self._looked = self._now()
        started = await self._on_thread(self._server.started)
        if self._started and started != self._started and self._trailing:
            self._started = started
            raise StoreAway("it was started anew; what it may have forgotten is sent again")
        self._started = started

    def _due(self) -> float:
        """Return when the server is looked at again: once something may be safe there, and not too often."""
        first = self._trailing[0].at if self._trailing else self._now()
        return max(first + self._server.trail, self._looked + _LOOK_LEAST)

    async def _advance(self, aside: Sequence[Aside]) -> None:
        """Move the cursor behind what is safe in the store; what is put aside goes with it."""
        position = self._cursor
        safe = (self._looked if self._server.trail else self._now()) - self._server.trail
        while self._trailing and self._trailing[0].at <= safe:
            position = self._trailing.popleft().position
        if position != self._cursor or aside:
            changes = self._dating.changes
            await self._journal.set_cursor(READER, position, aside, self._notes())
            self._cursor, self._noted = position, changes

    def _rewind(self) -> None:
        """Go back to the cursor: what is under way goes again."""
        if self._under_way is not None:
            self._under_way.cancel()
            self._under_way = None
        self._trailing.clear()
        self._position = self._cursor

    def _line(self, row: Stored) -> Line | str | None:
        """Return a message's line, why it must wait, or None when it has none. Learns of clocks on the way."""
        try:
            match row.topic:
                case Topic.READINGS:
                    poll = poll_of(row.body)
                    self._learn(row, poll.at, poll.sent)
                    return self._made(row, poll)
                case Topic.ALARMS:
                    alarm = decode(Alarms, row.body)
                    self._learn(row, alarm.at, alarm.sent)
                case Topic.HELLO:
                    hello = decode(Hello, row.body)
                    self._learn(row, hello.at, hello.at.boottime)
                case Topic.INVENTORY:
                    self._news = True
        except MessageError as error:  # an older release kept what this one refuses
            _log.warning("message %d of the journal cannot be used: %s", row.id, error)
            return BROKEN if row.topic is Topic.READINGS else None
        return None

    def _learn(self, row: Stored, at: Stamp, sent: float) -> None:
        if self._dating.learn(row.site, row.agent, at, sent, row.received):
            self._news = True

    def _made(self, row: Stored, poll: Poll) -> Line | str | None:
        key = (row.site, row.agent, poll.device)
        view = self._live.devices.get(key)
        device = view.device if view is not None and view.known else self._live.former.get(key)
        if device is None or not device.kind:
            return UNKNOWN
        at = self._dating.date(row.site, row.agent, poll.at)
        if at is None:
            return UNDATED
        series = Series(device.kind, row.site, device.room, row.agent, poll.device)
        late = row.received - at
        late = round(late, 1) if late > LATE_AFTER else 0.0
        body = poll_line(series, poll, row.body, at, texts=self._server.texts, late=late)
        return None if body is None else Line(row.id, body)

    async def _take_up(self) -> None:
        """Try again what was put aside for later."""
        done: list[int] = []
        lines: list[Line] = []
        # Behind what was tried: what never can be written must not be first.
        page = await self._journal.aside(READER, final=False, after=self._tried, limit=PAGE)
        more = len(page) == PAGE
        self._tried = page[-1].message if more else 0
        for one in page:
            row = await self._journal.message(one.message)
            made = None if row is None else self._line(row)
            if isinstance(made, Line):
                lines.append(made)
            if not isinstance(made, str):
                done.append(one.message)
        if not done:
            return  # and the next ones have their turn at the next look
        self._news = self._news or more
        refused = await self._write(lines)
        if self._server.trail and lines:  # few, and rare: safe there before they are forgotten here
            started = await self._on_thread(self._server.started)
            await asyncio.sleep(self._server.trail)
            if await self._on_thread(self._server.started) != started:
                raise StoreAway("it was started anew")
        await self._journal.take_up(READER, done, refused)

    def _notes(self) -> str | None:
        """Return what has to be remembered of the agents' clocks; None when nothing is new since the last time."""
        if self._noted == self._dating.changes:
            return None
        return msgspec.json.encode(self._dating.known()).decode()

    async def _write(self, lines: Sequence[Line]) -> list[Aside]:
        """Write lines; return those that the store will never take. Halves what it refuses until the bad one is alone.

        Raises:
            StoreAway: nothing is known of what it took; all of it goes again.
        """
        if not lines:
            return []
        try:
            await self._on_thread(lambda: self._server.write(b"\n".join(one.body for one in lines)))
        except StoreRefused as error:
            if len(lines) == 1:
                self.refused += 1
                if self.refused == 1:
                    _log.warning("the store refuses a line; it is set aside, and more like it silently: %s", error)
                return [Aside(lines[0].message, error.what, final=True)]
            half = len(lines) // 2
            return await self._write(lines[:half]) + await self._write(lines[half:])
        self.written += len(lines)
        return []

    def _goes(self, took: float) -> None:
        """Note a request that was taken, and the seconds that it took."""
        if took < SLOW:
            self._most = min(PAGE, self._most * 2)
            if self._state != "writes":
                _log.warning("store: there again")
                self._be("writes", "")
            return
        why = f"a request of {len(self._page.lines)} lines takes {took:.0f} s"
        if self._state != "slow":
            _log.warning("store: slow: %s; nothing is lost meanwhile", why)
        self._be("slow", why)

    def _lost(self, error: StoreAway | StorageError) -> None:
        if self._state != "away":
            _log.warning("store: away: %s; the journal keeps what it misses", error)
        self._be("away", str(error))

    def _be(self, state: Literal["writes", "slow", "away"], why: str) -> None:
        if state != self._state:
            self._since = self._now()
        self._state, self._why = state, why

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()

    async def _on_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)
