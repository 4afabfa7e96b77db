"""The journal: what arrived, in the order of its arrival, on disk before anybody hears of it (SQLite, WAL).

One writer task gathers what is waiting and commits it together: messages, cursors, incident events, what readers set
aside. Readers ask by position, with a cursor of their own, and never delay a commit.

A message is known by (site, agent, epoch, seq). What was received of a stream is kept as ranges (``gateway.streams``),
so that a duplicate is known without an index over all that ever came. Messages without a number (hello, inventory) are
simply appended.

Many rows go in, and come out, with one step of SQLite's: each step gives up the interpreter's lock and has to get it
back, which under load costs more than the row.
"""

import asyncio
import json
import logging
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from contract.clock import Clock
from contract.errors import StorageError
from contract.message import SEPARATOR
from contract.ranges import Ranges
from gateway.event import Event, storable
from gateway.journal_file import KINDS, condemn, damaged, identify, open_file, rename
from gateway.record import Aside, Growth, Incoming, Stored, StreamKey
from gateway.streams import THINNED, Stream, Streams

_log = logging.getLogger(__name__)
T = TypeVar("T")

BATCH: Final = 2048
"""Messages in one commit at the most: some 10 ms."""
CHECKPOINT: Final = 20_000
"""Messages after which the ranges are written; a start reads as many again."""
_KIND: Final = {topic: number for number, topic in enumerate(KINDS)}
_EVENTS: Final = "SELECT id, at, incident, kind, who, text, data FROM events"
_COLUMNS: Final = 7
_GAP: Final = "INSERT INTO gaps VALUES (?, ?, ?, ?, ?, ?)"
_CHUNKS: Final = (128, 16, 1)
_INSERT: Final = {
    rows: "INSERT INTO messages (id, stream, kind, seq, first, received, body) VALUES "
    + ",".join(["(?,?,?,?,?,?,?)"] * rows)
    for rows in _CHUNKS
}


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
        self.path = path
        self.streams = Streams()
        self._clock = clock
        self._writer: sqlite3.Connection | None = None
        self._reader: sqlite3.Connection | None = None
        self._write_thread = ThreadPoolExecutor(1, "journal-write")
        self._read_thread = ThreadPoolExecutor(1, "journal-read")
        self._jobs: asyncio.Queue[_Job] = asyncio.Queue()
        self._checkpoint = 0
        """The position at the last checkpoint."""
        self._grown: set[asyncio.Event] = set()
        self._failing = False

    @classmethod
    async def open(cls, path: Path, clock: Clock) -> "Journal":
        """Open a journal, or create it. What can be read of a damaged one goes on in a new one.

        Raises:
            StorageError: the file cannot be used.
        """
        journal = cls(path, clock)
        await asyncio.get_running_loop().run_in_executor(journal._write_thread, journal._open)
        return journal

    def _open(self) -> None:
        writer = self._writer = open_file(self.path, f"{self._clock.stamp().wall:.0f}")
        try:
            self.id = identify(writer, self.path)
            kept = writer.execute("SELECT value FROM meta WHERE name = 'checkpoint'").fetchone()
            self._checkpoint = int(kept[0]) if kept else 0
            self.streams.load(writer, self._checkpoint)
            (last,) = writer.execute("SELECT coalesce(max(id), 0) FROM messages").fetchone()
            self.position = max(last, self._checkpoint)
            uri = f"{self.path.absolute().as_uri()}?mode=ro"
            self._reader = sqlite3.connect(uri, uri=True, check_same_thread=False)
        except (OSError, sqlite3.Error, ValueError) as error:
            if isinstance(error, sqlite3.Error) and damaged(error):
                condemn(self.path)
            hint = "start again: what can be read is saved then"
            raise StorageError(f"the journal cannot be read: {error}", where=str(self.path), hint=hint) from None

    async def run(self) -> None:
        """Write until cancelled. A disk that fails is told once; nothing is acknowledged meanwhile.

        Raises:
            StorageError: the file is damaged; the next start saves what it can.
        """
        while True:
            jobs = [await self._jobs.get()]
            size = len(jobs[0].messages)
            while size < BATCH and not self._jobs.empty():
                jobs.append(self._jobs.get_nowait())
                size += len(jobs[-1].messages)
            await self._commit(jobs)

    async def _commit(self, jobs: list[_Job]) -> None:
        ids, rows, position = self._number(jobs)
        new = self.streams.fresh()
        keep = self.position - self._checkpoint >= CHECKPOINT
        try:
            results = await self._on(self._write_thread, lambda: self._write(jobs, rows, new, keep=keep))
        except sqlite3.Error as error:
            self.streams.failed(new)
            for job in jobs:
                job.fail(StorageError(f"the journal cannot be written: {error}"))
            self._failed(error)
            return
        if self._failing:
            self._failing = False
            _log.warning("the journal can be written again")
        if keep:
            self._checkpoint = self.position
            self.streams.checkpointed()
        self.streams.committed()
        grown = position > self.position
        self.position = position
        for job, numbers, result in zip(jobs, ids, results, strict=True):
            job.succeed(result if job.work else numbers)
        if grown:
            for event in self._grown:
                event.set()

    def _failed(self, error: sqlite3.Error) -> None:
        if damaged(error):
            condemn(self.path)
            hint = "start again: what can be read is saved then"
            raise StorageError(f"the journal is damaged: {error}", where=str(self.path), hint=hint) from None
        if not self._failing:
            _log.error("the journal cannot be written: %s; nothing is acknowledged until it can", error)
        self._failing = True

    def _number(self, jobs: list[_Job]) -> tuple[list[list[int]], list[Any], int]:
        """Give ids to what is new; return them job by job, the rows as one flat list, and the last id."""
        streams = self.streams
        rows: list[Any] = []
        ids: list[list[int]] = []
        position = self.position
        for job in jobs:
            numbers: list[int] = []
            for message in job.messages:
                stream = streams.open((message.site, message.agent, message.epoch))
                seq = message.seq
                if seq and not streams.take(stream, seq, message.first, message.received):
                    numbers.append(0)
                    continue
                position += 1
                numbers.append(position)
                first = message.first or seq
                rows += (position, stream.number, _KIND[message.topic], seq, first, message.received, message.body)
            ids.append(numbers)
        return ids, rows, position

    def _write(self, jobs: list[_Job], rows: list[Any], new: list[Stream], *, keep: bool) -> list[Any]:
        writer = self._writer
        assert writer is not None  # noqa: S101 - nothing runs before open
        writer.execute("BEGIN IMMEDIATE")
        try:
            if keep:  # of what is committed so far
                self.streams.checkpoint(writer, self.position)
            self.streams.make(writer, new)
            at, left = 0, len(rows) // _COLUMNS
            for size in _CHUNKS:
                for _ in range(left // size):
                    writer.execute(_INSERT[size], rows[at : at + size * _COLUMNS])
                    at += size * _COLUMNS
                left %= size
            now = self._clock.stamp().wall
            thinned = [(stream.number, *span, "thinned", THINNED, now) for stream, span in self.streams.thinned()]
            writer.executemany(_GAP, thinned)
            results = [job.work(writer) if job.work else None for job in jobs]
            writer.execute("COMMIT")
        except BaseException:
            if writer.in_transaction:
                writer.execute("ROLLBACK")
            raise
        return results

    async def append(self, messages: Sequence[Incoming]) -> list[int]:
        """Commit messages; return their ids, in their order: 0 for one that was there before.

        Raises:
            StorageError: the disk did not take them.
        """
        job = _Job(messages, None)
        self._jobs.put_nowait(job)
        ids: list[int] = await job.done
        return ids

    async def do(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do something inside the next commit, on the writer's thread.

        Raises:
            StorageError: the disk did not take it.
        """
        job = _Job((), work)
        self._jobs.put_nowait(job)
        result: T = await job.done
        return result

    async def flushed(self) -> None:
        """Return once all that was given before is on disk.

        Raises:
            StorageError: the disk did not take it.
        """
        await self.do(lambda _writer: None)

    def have(self, site: str, agent: str, epoch: str) -> Ranges:
        """Return what was received of a stream; it is the journal's own, to be looked at only."""
        stream = self.streams.find((site, agent, epoch))
        return Ranges() if stream is None else stream.have

    async def rename(self) -> None:
        """Take a new id: this file turned out to be a restored one.

        Raises:
            StorageError: the disk did not take it.
        """
        self.id = await self.do(lambda writer: rename(writer, self.path))

    # Numbers that will never come

    async def name_gap(self, site: str, agent: str, epoch: str, gap: Ranges, kind: str, reason: str) -> Ranges:
        """Name numbers of a stream that will never come; return those that were not named before.

        Args:
            site: of the agent.
            agent: its name.
            epoch: of the stream.
            gap: the numbers.
            kind: ``lost``, ``thinned``, ``elsewhere`` (in another journal) or ``dropped`` (here, before the store had them).
            reason: a sentence.

        Raises:
            StorageError: the disk did not take it.
        """
        stream = self.streams.open((site, agent, epoch))

        def work(writer: sqlite3.Connection) -> Ranges:
            known = Ranges(
                writer.execute(
                    "SELECT first, last FROM gaps WHERE stream = ? AND last > 0", (stream.number,)
                ).fetchall()
            )
            new = gap.minus(known)
            at = self._clock.stamp().wall
            writer.executemany(_GAP, [(stream.number, *span, kind, reason, at) for span in new])
            return new

        return await self.do(work)

    async def unsure(self, site: str, agent: str, epoch: str, reason: str) -> bool:
        """Note that a stream has an end that nobody can number; say whether that is new.

        Raises:
            StorageError: the disk did not take it.
        """
        stream = self.streams.open((site, agent, epoch))

        def work(writer: sqlite3.Connection) -> bool:
            query = "SELECT 1 FROM gaps WHERE stream = ? AND kind = 'unsure'"
            if writer.execute(query, (stream.number,)).fetchone():
                return False
            writer.execute(_GAP, (stream.number, 0, 0, "unsure", reason, self._clock.stamp().wall))
            return True

        return await self.do(work)

    async def gaps(self) -> dict[StreamKey, Ranges]:
        """Return what is named as a gap, and has not come after all."""
        found: dict[StreamKey, Ranges] = {}
        for number, first, last in await self._read(
            "SELECT stream, first, last FROM gaps WHERE last > 0 AND kind <> 'dropped'", ()
        ):
            stream = self.streams.numbered(number)
            found.setdefault(stream.key, Ranges()).add_range(first, last)
        still = {key: gap.minus(self.have(*key)) for key, gap in found.items()}
        return {key: gap for key, gap in still.items() if gap}

    # What readers ask

    async def after(self, position: int, limit: int, *, readings: bool | None = None) -> list[Stored]:
        """Return the next messages behind a position.

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
        query = (
            "SELECT json_group_array(json_array(id, stream, kind, seq, received)), "
            "CAST(group_concat(body, char(30)) AS BLOB) "
            f"FROM (SELECT id, stream, kind, seq, received, CAST(body AS TEXT) AS body FROM messages WHERE {which})"  # noqa: S608
        )
        ((heads, bodies),) = await self._read(query, arguments)
        if not bodies:
            return []
        numbered = self.streams.numbered
        found = []
        for (number, stream, kind, seq, received), body in zip(
            msgspec.json.decode(heads, type=list[tuple[int, int, int, int, float]]),
            bodies.split(SEPARATOR),
            strict=True,
        ):
            of = numbered(stream)
            found.append(Stored(number, of.site, of.agent, KINDS[kind], received, body, of.epoch, seq))
        return found

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

        await self.do(work)

    async def aside(self, reader: str, *, final: bool, after: int = 0, limit: int = -1) -> list[Aside]:
        """Return what a reader has put aside: for good, or for later; behind a message, so many at the most."""
        query = (
            "SELECT message, reason, final FROM aside WHERE reader = ? AND final = ? AND message > ? "
            "ORDER BY message LIMIT ?"
        )
        return [Aside(row[0], row[1], bool(row[2])) for row in await self._read(query, (reader, final, after, limit))]

    async def take_up(self, reader: str, messages: Sequence[int]) -> None:
        """Forget that these were put aside: the reader is done with them."""
        rows = [(reader, number) for number in messages]
        await self.do(lambda writer: writer.executemany("DELETE FROM aside WHERE reader = ? AND message = ?", rows))

    def watch(self) -> "Growth":
        """Return something to wait on for new messages; use it as a context."""
        return Growth(self._grown)

    # Events

    async def record_event(self, event: Event) -> Event:
        """Commit an event of an incident; return it with its id.

        Raises:
            StorageError: the disk did not take it.
        """
        event = storable(event)
        row = (event.at, event.incident, event.kind, event.who, event.text, json.dumps(event.data, ensure_ascii=False))
        query = "INSERT INTO events (at, incident, kind, who, text, data) VALUES (?, ?, ?, ?, ?, ?)"
        number = await self.do(lambda writer: writer.execute(query, row).lastrowid)
        return msgspec.structs.replace(event, id=number or 0)

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
            if damaged(error):
                condemn(self.path)
            raise StorageError(f"the journal cannot be read: {error}", where=str(self.path)) from None

    async def _on(self, thread: ThreadPoolExecutor, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(thread, work)
