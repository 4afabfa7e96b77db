"""The journal: what arrived, in the order of its arrival, on disk before anybody hears of it (SQLite, WAL).

One writer (``gateway.journal.writer``) gathers what is waiting and commits it together: messages, cursors, incident
events, what readers set aside. Readers ask by position, with a cursor of their own, and never delay a commit.

A message is known by (site, agent, epoch, seq). What was received of a stream is kept as ranges (``gateway.journal.streams``),
so that a duplicate is known without an index over all that ever came. Messages without a number (hello, inventory) are
simply appended. What is let go of, and when, is ``gateway.journal.retention``'s.
"""

import asyncio
import json
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from contract.clock import Clock
from contract.errors import StorageError
from contract.message import SEPARATOR, Topic
from contract.ranges import Ranges
from gateway.event import Event, storable
from gateway.journal.file import KINDS, condemn, connect_to_read, damaged, rename
from gateway.journal.record import Aside, Gap, Growth, Incoming, Size, Stored, StreamKey
from gateway.journal.streams import RECEIVED, UNSURE, Streams
from gateway.journal.writer import GAP, Writer

T = TypeVar("T")

PAGE_BYTES: Final = 64 * 2**20
"""Bytes of messages that are read at once, where there are many more. SQLite makes one value of them."""
_EVENTS: Final = "SELECT id, at, incident, kind, who, text, data FROM events"


class Journal:
    """The journal of one gateway. Open it with ``Journal.open``; run its writer with ``run``."""

    def __init__(self, path: Path, clock: Clock) -> None:
        """Take the file and the clock; nothing is opened."""
        self.path = path
        self._clock = clock
        self._grown: set[asyncio.Event] = set()
        self._writer = Writer(path, clock, self._grown)
        self._reader: sqlite3.Connection | None = None
        self._read_thread = ThreadPoolExecutor(1, "journal-read")

    @classmethod
    async def open(cls, path: Path, clock: Clock) -> "Journal":
        """Open a journal, or create it. What can be read of a damaged one goes on in a new one.

        Raises:
            StorageError: the file cannot be used.
        """
        journal = cls(path, clock)
        await journal._writer.open()
        try:
            journal._reader = await journal._on_reader(lambda: connect_to_read(path))
            journal._reader.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 2 * PAGE_BYTES)
        except sqlite3.Error as error:
            raise StorageError(f"the journal cannot be read: {error}", where=str(path)) from None
        return journal

    @property
    def id(self) -> str:
        """Random, new whenever a journal is created, restored or rescued."""
        return self._writer.identity.id

    @property
    def former(self) -> tuple[str, ...]:
        """Its ids before it was restored, or rescued."""
        return self._writer.identity.former

    @property
    def position(self) -> int:
        """The id of the last message committed."""
        return self._writer.position

    @property
    def streams(self) -> Streams:
        """What was received of whom."""
        return self._writer.streams

    async def run(self) -> None:
        """Write until cancelled. A disk that fails is told once; nothing is acknowledged meanwhile.

        Raises:
            StorageError: the file is damaged; the next start saves what it can.
        """
        await self._writer.run()

    async def append(self, messages: Sequence[Incoming]) -> list[int]:
        """Commit messages; return their ids, in their order: 0 for one that was there before.

        Raises:
            StorageError: the disk did not take them.
        """
        return await self._writer.append(messages)

    async def do(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do something inside the next commit, on the writer's thread.

        Raises:
            StorageError: the disk did not take it.
        """
        return await self._writer.do(work)

    async def flushed(self) -> None:
        """Return once all that was given before is on disk.

        Raises:
            StorageError: the disk did not take it.
        """
        await self.do(lambda _writer: None)

    async def probe(self) -> bool:
        """Write something; say whether the disk took it."""
        at = f"{self._clock.stamp().wall:.0f}"
        try:
            await self.do(
                lambda writer: writer.execute("INSERT OR REPLACE INTO meta VALUES ('probe', ?)", (at,)).rowcount
            )
        except StorageError:
            return False
        return True

    def have(self, site: str, agent: str, epoch: str) -> Ranges:
        """Return what was received of a stream; it is the journal's own, to be looked at only."""
        stream = self.streams.find((site, agent, epoch))
        return Ranges() if stream is None else stream.have

    async def rename(self) -> None:
        """Take a new id: this file turned out to be a restored one.

        Raises:
            StorageError: the disk did not take it.
        """
        self._writer.identity = await self.do(lambda writer: rename(writer, self.path))

    # Numbers that will never come

    async def account(
        self,
        site: str,
        agent: str,
        gaps: Sequence[Gap],
        *,
        declared: Mapping[str, int] | None = None,
        events: Sequence[Event] = (),
    ) -> None:
        """Put on record what will never come, and what an agent says that it has given out, in one commit.

        Args:
            site: of the agent.
            agent: its name.
            gaps: what is not named yet.
            declared: epoch → the highest number that was given out.
            events: what people are told of it.

        Raises:
            StorageError: the disk did not take it.
        """
        wall = self._clock.stamp().wall
        spoken = declared or {}
        streams = {
            epoch: self.streams.open((site, agent, epoch), wall)
            for epoch in dict.fromkeys([*(gap.epoch for gap in gaps), *spoken])
        }
        rows = [
            (streams[gap.epoch], *span, gap.kind, gap.reason)
            for gap in gaps
            for span in ([(0, 0)] if gap.kind == UNSURE else gap.numbers)
        ]

        def work(writer: sqlite3.Connection) -> None:
            writer.executemany(GAP, [(stream.number, *row, wall) for stream, *row in rows])
            last = [(number, streams[epoch].number) for epoch, number in spoken.items()]
            writer.executemany("UPDATE streams SET last = max(last, ?) WHERE number = ?", last)
            for event in events:
                _record(writer, event)

        def known(_result: None) -> None:
            for stream, first, last, kind, _reason in rows:
                stream.name(kind, first, last)
            for epoch, number in spoken.items():
                streams[epoch].last = max(streams[epoch].last, number)

        await self._writer.do(work, known)

    async def gaps(self) -> dict[StreamKey, Ranges]:
        """Return what is named as a gap, and has not come after all."""
        found: dict[StreamKey, Ranges] = {}
        for number, first, last in await self._read(
            "SELECT stream, first, last FROM gaps WHERE last > 0 AND kind NOT IN (?, ?)", RECEIVED
        ):
            stream = self.streams.numbered(number)
            found.setdefault(stream.key, Ranges()).add_range(first, last)
        still = {key: gap.minus(self.have(*key)) for key, gap in found.items()}
        return {key: gap for key, gap in still.items() if gap}

    # What readers ask

    async def after(self, position: int, limit: int, *, readings: bool | None = None) -> list[Stored]:
        """Return the next messages behind a position; big ones may be fewer than there are, and are one at least.

        Args:
            position: the last id that was read, 0 for the beginning.
            limit: how many at the most.
            readings: only readings, only what is not readings, or (None) all.
        """
        which = {None: "", True: " AND kind = 0", False: " AND kind <> 0"}[readings]
        return await self._messages(f"id > ?{which} ORDER BY id LIMIT ?", (position, limit))

    async def message(self, number: int) -> Stored | None:
        """Return one message, None when it is no longer kept."""
        found = await self._messages("id = ?", (number,))
        return found[0] if found else None

    async def _messages(self, which: str, arguments: tuple[Any, ...]) -> list[Stored]:
        """Return messages, all in one step of SQLite's: each gives up the interpreter's lock, and costs more than a row."""
        rows = "SELECT id, stream, kind, seq, received, CAST(body AS TEXT) AS body FROM messages"
        all_of_it = (
            "json_group_array(json_array(id, stream, kind, seq, received)), CAST(group_concat(body, char(30)) AS BLOB)"
        )
        query = f"SELECT {all_of_it} FROM ({rows} WHERE {which})"  # noqa: S608
        sizes = f"SELECT id, length(body) AS size FROM messages WHERE {which}"  # noqa: S608
        sums = f"SELECT id, sum(size) OVER (ORDER BY id) - size AS before FROM ({sizes})"  # noqa: S608
        last = f"SELECT max(id) FROM ({sums}) WHERE before < {PAGE_BYTES}"  # noqa: S608 - looks at no body
        smaller = f"SELECT {all_of_it} FROM ({rows} WHERE id <= ({last}) AND {which})"  # noqa: S608
        ((heads, bodies),) = await self._read(query, arguments, smaller=smaller)
        if not bodies:
            return []
        numbered = self.streams.numbered
        found = []
        try:
            for (number, stream, kind, seq, received), body in zip(
                msgspec.json.decode(heads, type=list[tuple[int, int, int, int, float]]),
                bodies.split(SEPARATOR),
                strict=True,
            ):
                of = numbered(stream)
                found.append(Stored(number, of.site, of.agent, KINDS[kind], received, body, of.epoch, seq))
        except (ValueError, LookupError, msgspec.MsgspecError):  # bits have flipped where SQLite does not look
            plain = f"SELECT id, stream, kind, seq, received, body FROM messages WHERE {which}"  # noqa: S608
            return [self._doubtful(row) for row in await self._read(plain, arguments)]
        return found

    def _doubtful(self, row: tuple[Any, ...]) -> Stored:
        """Return a message of a row that may hold anything; without a body where it cannot be one."""
        number, stream, kind, seq, received, body = row
        fits = isinstance(body, bytes) and isinstance(kind, int) and 0 <= kind < len(KINDS) and isinstance(seq, int)
        if not fits or not isinstance(received, int | float):
            return Stored(number, "", "", Topic.READINGS, 0.0, b"")
        of = self.streams.numbered(stream)
        return Stored(number, of.site, of.agent, KINDS[kind], received, body, of.epoch, seq)

    async def position_at(self, wall: float) -> int:
        """Return the position before the first message received since a wall time.

        Ids rise as time does, so it is halved in on: a look at each of some thirty rows, however many there are. Where the
        wall clock was set back, it finds one such place.
        """
        first, last = 0, self.position
        while first < last:
            middle = (first + last) // 2
            rows = await self._read("SELECT id, received FROM messages WHERE id > ? ORDER BY id LIMIT 1", (middle,))
            if rows and rows[0][1] < wall:
                first = int(rows[0][0])
            else:
                last = middle
        return first

    async def cursor(self, reader: str) -> int:
        """Return how far a reader has come, 0 for one that is new."""
        rows = await self._read("SELECT position FROM cursors WHERE reader = ?", (reader,))
        return int(rows[0][0]) if rows else 0

    async def notes(self, reader: str) -> str:
        """Return what a reader kept beside its cursor."""
        rows = await self._read("SELECT notes FROM cursors WHERE reader = ?", (reader,))
        return str(rows[0][0]) if rows else ""

    async def set_cursor(
        self, reader: str, position: int, aside: Iterable[Aside] = (), notes: str | None = None
    ) -> None:
        """Remember how far a reader has come, what it put aside on the way, and its notes, in one commit.

        Without notes (None), those that it has stay.
        """
        rows = [(reader, one.message, one.reason, one.final) for one in aside]

        def work(writer: sqlite3.Connection) -> None:
            writer.executemany("INSERT OR REPLACE INTO aside VALUES (?, ?, ?, ?)", rows)
            writer.execute(
                "INSERT INTO cursors VALUES (?1, ?2, coalesce(?3, '')) ON CONFLICT DO UPDATE "
                "SET position = ?2, notes = coalesce(?3, notes)",
                (reader, position, notes),
            )

        await self.do(work)

    async def aside(self, reader: str, *, final: bool, after: int = 0, limit: int = -1) -> list[Aside]:
        """Return what a reader has put aside: for good, or for later; behind a message, so many at the most."""
        query = (
            "SELECT message, reason, final FROM aside WHERE reader = ? AND final = ? AND message > ? "
            "ORDER BY message LIMIT ?"
        )
        return [Aside(row[0], row[1], bool(row[2])) for row in await self._read(query, (reader, final, after, limit))]

    async def take_up(self, reader: str, messages: Sequence[int], aside: Iterable[Aside] = ()) -> None:
        """Forget that these were put aside, for the reader is done with them, but those that it puts aside anew."""
        rows = [(reader, number) for number in messages]
        anew = [(reader, one.message, one.reason, one.final) for one in aside]

        def work(writer: sqlite3.Connection) -> None:
            writer.executemany("DELETE FROM aside WHERE reader = ? AND message = ?", rows)
            writer.executemany("INSERT OR REPLACE INTO aside VALUES (?, ?, ?, ?)", anew)

        await self.do(work)

    def watch(self) -> "Growth":
        """Return something to wait on for new messages; use it as a context."""
        return Growth(self._grown)

    # What is let go of

    async def size(self) -> Size:
        """Return how big the file is."""
        pages, free, size = [
            int((await self._read(f"PRAGMA {name}", ()))[0][0])
            for name in ("page_count", "freelist_count", "page_size")
        ]
        return Size((pages - free) * size, free * size)

    async def covered(self, position: int) -> None:
        """See that a start knows of all up to this message without reading it: only then it may be dropped.

        Raises:
            StorageError: the disk did not take it.
        """
        if self._writer.checkpoint < position:
            await self._writer.keep_ranges()

    async def give_back(self, pages: int) -> None:
        """Give so many free pages of the file back to the disk, between two commits.

        Raises:
            StorageError: the disk did not take it.
        """
        vacuum = f"PRAGMA incremental_vacuum({pages})"
        try:
            # Each page is a step; ``execute`` stops after the first, for a row without columns is none to it.
            await self._writer.apart(lambda: self._writer.db.executescript(vacuum))
        except sqlite3.Error as error:
            raise StorageError(f"the journal cannot be made smaller: {error}", where=str(self.path)) from None

    async def forget(self, before: float) -> int:
        """Forget the streams that nobody has spoken in since a wall time; return how many.

        Raises:
            StorageError: the disk did not take it.
        """
        stale = self.streams.stale(before)
        if not stale:
            return 0
        position = await self.position_at(before)
        kept = await self._read(
            "SELECT stream FROM messages WHERE id <= ? UNION SELECT stream FROM messages WHERE kind <> 0", (position,)
        )
        numbers = {number for (number,) in kept}
        stale = [stream for stream in stale if stream.number not in numbers]
        gone = await self._writer.do(lambda db: Streams.forget(db, stale, before), self.streams.forgotten)
        return len(gone)

    # Events

    async def record_event(self, event: Event) -> Event:
        """Commit an event of an incident; return it with its id.

        Raises:
            StorageError: the disk did not take it.
        """
        event = storable(event)
        number = await self.do(lambda writer: _record(writer, event))
        return msgspec.structs.replace(event, id=number)

    async def events(self, incident: str | None = None) -> list[Event]:
        """Return the events of one incident, or all of them, in their order."""
        if incident is None:
            rows = await self._read(f"{_EVENTS} ORDER BY id", ())
        else:
            rows = await self._read(f"{_EVENTS} WHERE incident = ? ORDER BY id", (incident,))
        names = Event.__struct_fields__
        return [Event(**dict(zip(names, (*row[:6], json.loads(row[6])), strict=True))) for row in rows]

    async def close(self) -> None:
        """Close the file. The writer must have been cancelled."""
        if self._reader is not None:
            await self._on_reader(self._reader.close)
        self._read_thread.shutdown(wait=True)
        await self._writer.close()

    async def read(self, query: str, arguments: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """Return the rows of a query, asked on the readers' thread.

        Raises:
            StorageError: the file cannot be read.
        """
        return await self._read(query, arguments)

    async def _read(self, query: str, arguments: tuple[Any, ...], *, smaller: str = "") -> list[tuple[Any, ...]]:
        """Return the rows of a query, or of a smaller one, which takes the arguments twice, where a value is too big."""

        def read() -> list[tuple[Any, ...]]:
            assert self._reader is not None  # noqa: S101 - nothing is asked before open
            try:
                return self._reader.execute(query, arguments).fetchall()
            except sqlite3.DataError:
                if not smaller:
                    raise
                return self._reader.execute(smaller, arguments * 2).fetchall()

        try:
            return await self._on_reader(read)
        except sqlite3.Error as error:
            if damaged(error):
                condemn(self.path)
                self._writer.give_up(error)
            raise StorageError(f"the journal cannot be read: {error}", where=str(self.path)) from None

    async def _on_reader(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._read_thread, work)


def _record(writer: sqlite3.Connection, event: Event) -> int:
    """Write an event in the commit under way; return its id."""
    event = storable(event)
    row = (event.at, event.incident, event.kind, event.who, event.text, json.dumps(event.data, ensure_ascii=False))
    query = "INSERT INTO events (at, incident, kind, who, text, data) VALUES (?, ?, ?, ?, ?, ?)"
    return writer.execute(query, row).lastrowid or 0
