"""The journal: what arrived, in the order of its arrival, on disk before anybody hears of it (SQLite, WAL).

One writer task gathers what is waiting and commits it together: messages, the ranges received of each stream, cursors,
incident events, what readers set aside. Readers ask by position, with a cursor of their own, and never delay a commit.

A message is known by (site, agent, epoch, seq). What was received of a stream is kept as ranges, in the same commit as
the messages, so that a duplicate is known without an index over all that ever came. Messages without a number (hello,
inventory) are simply appended.
"""

import asyncio
import json
import logging
import secrets
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from contract.clock import Clock
from contract.errors import StorageError
from contract.message import Topic
from contract.ranges import Ranges
from gateway.event import Event, storable
from gateway.record import SCHEMA, Aside, Growth, Incoming, Stored, Stream

_log = logging.getLogger(__name__)
T = TypeVar("T")

BATCH: Final = 256
"""Messages in one commit at the most: some 2 ms where fsync is quick."""
_MESSAGES: Final = "SELECT id, site, agent, topic, received, body, epoch, seq FROM messages"
_EVENTS: Final = "SELECT id, at, incident, kind, who, text, data FROM events"


class _Job:
    """Work for the writer: what to do inside the next commit, and who waits for it."""

    __slots__ = ("done", "messages", "work")

    def __init__(self, messages: Sequence[Incoming], work: Callable[[sqlite3.Connection], Any] | None) -> None:
        self.messages = messages
        self.work = work
        self.done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    def succeed(self, result: Any) -> None:
        """Tell the one who waits, if they still do."""
        if not self.done.done():
            self.done.set_result(result)

    def fail(self, error: StorageError) -> None:
        """Tell the one who waits, if they still do."""
        if not self.done.done():
            self.done.set_exception(error)


class Journal:
    """The journal of one gateway. Open it with ``Journal.open``; run its writer with ``run``."""

    def __init__(self, path: Path, clock: Clock) -> None:
        """Take the file and the clock; nothing is opened."""
        self.id = ""
        self.position = 0
        """The id of the last message committed."""
        self._path = path
        self._clock = clock
        self._writer: sqlite3.Connection | None = None
        self._reader: sqlite3.Connection | None = None
        self._write_thread = ThreadPoolExecutor(1, "journal-write")
        self._read_thread = ThreadPoolExecutor(1, "journal-read")
        self._jobs: asyncio.Queue[_Job] = asyncio.Queue()
        self._have: dict[Stream, Ranges] = {}
        self._grown: set[asyncio.Event] = set()
        self._failing = False

    @classmethod
    async def open(cls, path: Path, clock: Clock) -> "Journal":
        """Open a journal, or create it.

        Raises:
            StorageError: the file cannot be used.
        """
        journal = cls(path, clock)
        await asyncio.get_running_loop().run_in_executor(journal._write_thread, journal._open)
        return journal

    def _open(self) -> None:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            writer = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
            self._writer = writer
            writer.execute("PRAGMA journal_mode=WAL")
            writer.execute("PRAGMA synchronous=FULL")  # an acknowledged message survives a power cut
            writer.executescript(SCHEMA)
            self._identify(writer)
            for site, agent, epoch, have in writer.execute("SELECT site, agent, epoch, have FROM streams"):
                self._have[site, agent, epoch] = Ranges(json.loads(have))
            row = writer.execute("SELECT seq FROM sqlite_sequence WHERE name = 'messages'").fetchone()
            self.position = row[0] if row else 0
            self._reader = sqlite3.connect(
                f"{self._path.absolute().as_uri()}?mode=ro", uri=True, check_same_thread=False
            )
        except (OSError, sqlite3.Error) as error:
            hint = "is the disk full, the directory not ours, or the file no journal?"
            raise StorageError(f"the journal cannot be opened: {error}", where=str(self._path), hint=hint) from None

    def _identify(self, writer: sqlite3.Connection) -> None:
        """Give a new journal an id; one whose file is another than before was restored, and is a new journal too."""
        known = dict(writer.execute("SELECT name, value FROM meta"))
        found = self._path.stat()
        file = f"{found.st_dev}:{found.st_ino}"
        self.id = known.get("journal", "")
        if not self.id or known.get("file") != file:
            self.id = secrets.token_hex(8)
            rows = [("journal", self.id), ("file", file)]
            writer.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", rows)

    async def run(self) -> None:
        """Write until cancelled. A disk that fails is told once; nothing is acknowledged meanwhile."""
        while True:
            jobs = [await self._jobs.get()]
            size = len(jobs[0].messages)
            while size < BATCH and not self._jobs.empty():
                jobs.append(self._jobs.get_nowait())
                size += len(jobs[-1].messages)
            await self._commit(jobs)

    async def _commit(self, jobs: list[_Job]) -> None:
        have: dict[Stream, Ranges] = {}
        stored, position = self._number(jobs, have)
        try:
            results = await self._on(self._write_thread, lambda: self._write(jobs, stored, have))
        except sqlite3.Error as error:
            if not self._failing:
                _log.error("the journal cannot be written: %s; nothing is acknowledged until it can", error)
            self._failing = True
            for job in jobs:
                job.fail(StorageError(f"the journal cannot be written: {error}"))
            return
        if self._failing:
            self._failing = False
            _log.warning("the journal can be written again")
        self._have.update(have)
        grown = position > self.position
        self.position = position
        for job, fresh, result in zip(jobs, stored, results, strict=True):
            job.succeed(result if job.work else fresh)
        if grown:
            for event in self._grown:
                event.set()

    def _number(self, jobs: list[_Job], have: dict[Stream, Ranges]) -> tuple[list[list[Stored]], int]:
        """Give ids to what is new, job by job; note in ``have`` what its streams will have."""
        stored: list[list[Stored]] = []
        position = self.position
        for job in jobs:
            fresh: list[Stored] = []
            for message in job.messages:
                if message.seq and not self._new(message, have):
                    continue
                position += 1
                fresh.append(Stored(position, *_columns(message)))
            stored.append(fresh)
        return stored, position

    def _new(self, message: Incoming, have: dict[Stream, Ranges]) -> bool:
        stream = (message.site, message.agent, message.epoch)
        ranges = have.get(stream)
        if ranges is None:
            ranges = have[stream] = Ranges(self._have.get(stream, ()))
        return ranges.add(message.seq)

    def _write(self, jobs: list[_Job], stored: list[list[Stored]], have: dict[Stream, Ranges]) -> list[Any]:
        writer = self._writer
        assert writer is not None  # noqa: S101 - nothing runs before open
        writer.execute("BEGIN IMMEDIATE")
        try:
            writer.executemany(
                "INSERT INTO messages (id, site, agent, topic, received, body, epoch, seq) VALUES (?,?,?,?,?,?,?,?)",
                [msgspec.structs.astuple(row) for rows in stored for row in rows],
            )
            writer.executemany(
                "INSERT INTO streams VALUES (?, ?, ?, ?, '[]', '{}') ON CONFLICT DO UPDATE SET have = excluded.have",
                [(*stream, json.dumps(list(ranges))) for stream, ranges in have.items()],
            )
            results = [job.work(writer) if job.work else None for job in jobs]
            writer.execute("COMMIT")
        except BaseException:
            if writer.in_transaction:
                writer.execute("ROLLBACK")
            raise
        return results

    async def append(self, messages: Sequence[Incoming]) -> list[Stored]:
        """Commit messages; return those that were not there before, in their order.

        Raises:
            StorageError: the disk did not take them.
        """
        job = _Job(messages, None)
        self._jobs.put_nowait(job)
        stored: list[Stored] = await job.done
        return stored

    async def _do(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do something inside the next commit."""
        job = _Job((), work)
        self._jobs.put_nowait(job)
        result: T = await job.done
        return result

    async def flushed(self) -> None:
        """Return once all that was given before is on disk.

        Raises:
            StorageError: the disk did not take it.
        """
        await self._do(lambda _writer: None)

    def have(self, site: str, agent: str, epoch: str) -> Ranges:
        """Return what was received of a stream."""
        return Ranges(self._have.get((site, agent, epoch), ()))

    def epochs(self, site: str, agent: str) -> list[str]:
        """Return the epochs of an agent of which anything was received."""
        return [epoch for at, name, epoch in self._have if (at, name) == (site, agent)]

    async def lose(self, site: str, agent: str, epoch: str, lost: Ranges) -> Ranges:
        """Name numbers of a stream that will never come; return those that were not named before."""

        def work(writer: sqlite3.Connection) -> Ranges:
            row = writer.execute(
                "SELECT lost FROM streams WHERE site = ? AND agent = ? AND epoch = ?", (site, agent, epoch)
            ).fetchone()
            known = Ranges(json.loads(row[0]) if row else ())
            new = lost.minus(known)
            if new:
                writer.execute(
                    "INSERT INTO streams VALUES (?, ?, ?, '[]', ?, '{}') "
                    "ON CONFLICT DO UPDATE SET lost = excluded.lost",
                    (site, agent, epoch, json.dumps(list(known.union(new)))),
                )
            return new

        return await self._do(work)

    async def lost(self) -> dict[Stream, Ranges]:
        """Return what is named lost and has not come after all."""
        rows = await self._read("SELECT site, agent, epoch, lost, have FROM streams WHERE lost <> '[]'", ())
        named = {(row[0], row[1], row[2]): Ranges(json.loads(row[3])).minus(Ranges(json.loads(row[4]))) for row in rows}
        return {stream: ranges for stream, ranges in named.items() if ranges}

    async def after(self, position: int, limit: int, *, readings: bool | None = None) -> list[Stored]:
        """Return the next messages behind a position.

        Args:
            position: the last id that was read, 0 for the beginning.
            limit: how many at the most.
            readings: only readings, only what is not readings, or (None) all.
        """
        which = {None: "", True: " AND topic = 'readings'", False: " AND topic <> 'readings'"}[readings]
        query = f"{_MESSAGES} WHERE id > ?{which} ORDER BY id LIMIT ?"
        return [_stored(row) for row in await self._read(query, (position, limit))]

    async def message(self, number: int) -> Stored | None:
        """Return one message, None when it is no longer kept."""
        rows = await self._read(f"{_MESSAGES} WHERE id = ?", (number,))
        return _stored(rows[0]) if rows else None

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

    async def set_cursor(self, reader: str, position: int, aside: Iterable[Aside] = (), notes: str = "") -> None:
        """Remember how far a reader has come, what it put aside on the way, and its notes, in one commit."""
        rows = [(reader, one.message, one.reason, one.final) for one in aside]

        def work(writer: sqlite3.Connection) -> None:
            writer.executemany("INSERT OR REPLACE INTO aside VALUES (?, ?, ?, ?)", rows)
            writer.execute("INSERT OR REPLACE INTO cursors VALUES (?, ?, ?)", (reader, position, notes))

        await self._do(work)

    async def aside(self, reader: str, *, final: bool) -> list[Aside]:
        """Return what a reader has put aside: for good, or for later."""
        query = "SELECT message, reason, final FROM aside WHERE reader = ? AND final = ? ORDER BY message"
        return [Aside(row[0], row[1], bool(row[2])) for row in await self._read(query, (reader, final))]

    async def take_up(self, reader: str, messages: Sequence[int]) -> None:
        """Forget that these were put aside: the reader is done with them."""
        rows = [(reader, number) for number in messages]
        await self._do(lambda writer: writer.executemany("DELETE FROM aside WHERE reader = ? AND message = ?", rows))

    async def prune(self, before: float, readers: Sequence[str], *, limit: int = 5000) -> int:
        """Drop readings received before a wall time that every one of these readers has passed; return how many."""
        names = json.dumps(list(readers))
        # The writer looks at what is old only: a look at every message there is would hold up the acknowledgements.
        oldest = await self.position_at(before)

        def work(writer: sqlite3.Connection) -> int:
            slowest = writer.execute(
                "SELECT coalesce(min(coalesce(position, 0)), 9e18) FROM json_each(?) "
                "LEFT JOIN cursors ON reader = json_each.value",
                (names,),
            ).fetchone()[0]
            return writer.execute(
                "DELETE FROM messages WHERE id IN (SELECT id FROM messages WHERE received < ? AND id <= ? "
                "AND topic = 'readings' AND id NOT IN (SELECT message FROM aside WHERE final = 0) LIMIT ?)",
                (before, min(slowest, oldest), limit),
            ).rowcount

        return await self._do(work)

    async def record_event(self, event: Event) -> Event:
        """Commit an event of an incident; return it with its id.

        Raises:
            StorageError: the disk did not take it.
        """
        event = storable(event)
        row = (event.at, event.incident, event.kind, event.who, event.text, json.dumps(event.data, ensure_ascii=False))
        query = "INSERT INTO events (at, incident, kind, who, text, data) VALUES (?, ?, ?, ?, ?, ?)"
        number = await self._do(lambda writer: writer.execute(query, row).lastrowid)
        return msgspec.structs.replace(event, id=number or 0)

    async def events(self, incident: str | None = None) -> list[Event]:
        """Return the events of one incident, or all of them, in their order."""
        if incident is None:
            rows = await self._read(f"{_EVENTS} ORDER BY id", ())
        else:
            rows = await self._read(f"{_EVENTS} WHERE incident = ? ORDER BY id", (incident,))
        names = Event.__struct_fields__
        return [Event(**dict(zip(names, (*row[:6], json.loads(row[6])), strict=True))) for row in rows]

    def watch(self) -> "Growth":
        """Return something to wait on for new messages; use it as a context."""
        return Growth(self._grown)

    async def close(self) -> None:
        """Close the file. The writer must have been cancelled."""
        while not self._jobs.empty():
            self._jobs.get_nowait().done.cancel()
        for thread, connection in ((self._read_thread, self._reader), (self._write_thread, self._writer)):
            if connection is not None:
                await self._on(thread, connection.close)
            thread.shutdown(wait=True)

    async def _read(self, query: str, arguments: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        def read() -> list[tuple[Any, ...]]:
            assert self._reader is not None  # noqa: S101 - nothing is asked before open
            return self._reader.execute(query, arguments).fetchall()

        try:
            return await self._on(self._read_thread, read)
        except sqlite3.Error as error:
            raise StorageError(f"the journal cannot be read: {error}", where=str(self._path)) from None

    async def _on(self, thread: ThreadPoolExecutor, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(thread, work)


def _columns(message: Incoming) -> tuple[Any, ...]:
    return (
        message.site,
        message.agent,
        message.topic,
        message.received,
        message.body,
        message.epoch,
        message.seq,
    )


def _stored(row: tuple[Any, ...]) -> Stored:
    return Stored(row[0], row[1], row[2], Topic(row[3]), *row[4:])
