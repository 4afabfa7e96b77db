"""The journal's writer: gathers what is waiting and commits it together, on a thread of its own.

Many rows go in with one step of SQLite's: each step gives up the interpreter's lock and has to get it back, which under
load costs more than the row.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, TypeVar

from contract.clock import Clock
from contract.errors import StorageError
from gateway.journal.file import KINDS, Identity, beside, condemn, damaged, identify, signed_off
from gateway.journal.record import Incoming
from gateway.journal.rescue import open_file, rescue
from gateway.journal.streams import THINNED, Stream, Streams

_log = logging.getLogger(__name__)
T = TypeVar("T")

BATCH: Final = 2048
"""Messages in one commit at the most: some 10 ms."""
CHECKPOINT: Final = 20_000
"""Messages after which the ranges are written; a start reads as many again."""
GAP: Final = "INSERT INTO gaps VALUES (?, ?, ?, ?, ?, ?)"
_KIND: Final = {topic: number for number, topic in enumerate(KINDS)}
_COLUMNS: Final = 7
_CHUNKS: Final = (128, 16, 1)
_ROW: Final = "(?,?,?,?,?,?,?)"
_INSERT: Final = {
    rows: f"INSERT INTO messages (id, stream, kind, seq, first, received, body) VALUES {','.join([_ROW] * rows)}"  # noqa: S608
    for rows in _CHUNKS
}
_AGAIN: Final = "start again: what can be read is saved then"


def _nothing(_result: Any) -> None:
    pass


class _Job:
    """Work for the writer: what to do inside the next commit, and who waits for it."""

    __slots__ = ("checkpoint", "done", "messages", "then", "work")

    def __init__(
        self,
        messages: Sequence[Incoming],
        work: Callable[[sqlite3.Connection], Any] | None,
        then: Callable[[Any], None] = _nothing,
        *,
        checkpoint: bool = False,
    ) -> None:
        self.messages = messages
        self.work = work
        self.then = then
        self.checkpoint = checkpoint
        self.done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    def succeed(self, result: Any) -> None:
        """Tell the one who waits, if they still do."""
        self.then(result)
        if not self.done.done():
            self.done.set_result(result)

    def fail(self, error: StorageError) -> None:
        """Tell the one who waits, if they still do."""
        if not self.done.done():
            self.done.set_exception(error)


class Writer:
    """Commits what it is given. ``open`` runs on its own thread, ``run`` on the event loop."""

    def __init__(self, path: Path, clock: Clock, grown: set[asyncio.Event]) -> None:
        """Take the file, the clock, and who is told of new messages; nothing is opened."""
        self.identity = Identity("")
        self.position = 0
        """The id of the last message committed."""
        self.checkpoint = 0
        """The position at the last checkpoint: a start reads the messages behind it."""
        self.streams = Streams()
        self._path = path
        self._clock = clock
        self._grown = grown
        self._db: sqlite3.Connection | None = None
        self._thread = ThreadPoolExecutor(1, "journal-write")
        self._jobs: asyncio.Queue[_Job] = asyncio.Queue()
        self._failing = False
        self._broken: StorageError | None = None
        self._left = False
        """Whether there was a ``-wal`` when it was opened."""

    @property
    def db(self) -> sqlite3.Connection:
        """The connection; for its own thread."""
        assert self._db is not None  # noqa: S101 - nothing runs before open
        return self._db

    async def open(self) -> None:
        """Open the file, or create it. What can be read of a damaged one goes on in a new one.

        Raises:
            StorageError: the file cannot be used.
        """
        await self.apart(self._open)

    def _open(self) -> None:
        path, wall = self._path, self._clock.stamp().wall
        self._left = beside(path, "-wal").exists()
        self._db = open_file(path, wall)
        try:
            try:
                self._load()
            except (sqlite3.Error, ValueError, TypeError, LookupError) as error:
                if isinstance(error, sqlite3.Error) and not damaged(error):
                    raise
                self._db.close()
                self._db = rescue(path, wall, str(error))
                self._load()
        except (OSError, sqlite3.Error, ValueError, TypeError, LookupError) as error:
            raise StorageError(f"the journal cannot be read: {error}", where=str(path)) from None

    def _load(self) -> None:
        db, streams = self.db, Streams()
        (last,) = db.execute("SELECT coalesce(max(id), 0) FROM messages").fetchone()
        kept = db.execute("SELECT value FROM meta WHERE name = 'checkpoint'").fetchone()
        self.checkpoint = int(kept[0]) if kept else 0
        streams.load(db, self.checkpoint)
        self.streams = streams
        self.position = max(last, self.checkpoint)
        self.identity = identify(db, self._path, wal=self._left)

    async def run(self) -> None:
        """Write until cancelled. A disk that fails is told once; nothing is acknowledged meanwhile.

        Raises:
            StorageError: the file is damaged; the next start saves what it can.
        """
        try:
            while True:
                jobs = [await self._jobs.get()]
                size = len(jobs[0].messages)
                while size < BATCH and not self._jobs.empty():
                    jobs.append(self._jobs.get_nowait())
                    size += len(jobs[-1].messages)
                await self._commit(jobs)
        except StorageError as error:
            self._broken = error
            while not self._jobs.empty():
                self._jobs.get_nowait().fail(error)
            raise

    async def _commit(self, jobs: list[_Job]) -> None:
        ids, rows, position = self._number(jobs)
        new = self.streams.fresh()
        keep = self.position - self.checkpoint >= CHECKPOINT or any(job.checkpoint for job in jobs)
        ranges = self.streams.changed() if keep else None  # of what is committed so far
        try:
            results = await self.apart(lambda: self._write(jobs, rows, new, ranges))
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
            self.checkpoint = self.position
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
            condemn(self._path)
            raise StorageError(f"the journal is damaged: {error}", where=str(self._path), hint=_AGAIN) from None
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
                stream = streams.open((message.site, message.agent, message.epoch), message.received)
                seq = message.seq
                if not seq:
                    streams.speak(stream, message.received)
                elif not streams.take(stream, seq, message.first, message.received):
                    numbers.append(0)
                    continue
                position += 1
                numbers.append(position)
                first = message.first or seq
                rows += (position, stream.number, _KIND[message.topic], seq, first, message.received, message.body)
            ids.append(numbers)
        return ids, rows, position

    def _write(
        self, jobs: list[_Job], rows: list[Any], new: list[Stream], ranges: list[tuple[Any, ...]] | None
    ) -> list[Any]:
        writer = self.db
        writer.execute("BEGIN IMMEDIATE")
        try:
            if ranges is not None:
                self.streams.checkpoint(writer, ranges, self.position)
            self.streams.make(writer, new)
            at, left = 0, len(rows) // _COLUMNS
            for size in _CHUNKS:
                for _ in range(left // size):
                    writer.execute(_INSERT[size], rows[at : at + size * _COLUMNS])
                    at += size * _COLUMNS
                left %= size
            now = self._clock.stamp().wall
            thinned = [(stream.number, *span, "thinned", THINNED, now) for stream, span in self.streams.thinned()]
            writer.executemany(GAP, thinned)
            results = [job.work(writer) if job.work else None for job in jobs]
            # A cursor that somebody still holds would keep the file open, and its -wal, after it was closed.
            results = [None if isinstance(result, sqlite3.Cursor) else result for result in results]
            writer.execute("COMMIT")
        except BaseException:
            if writer.in_transaction:
                writer.execute("ROLLBACK")
            raise
        return results

    async def append(self, messages: Sequence[Incoming]) -> list[int]:
        """See ``Journal.append``."""
        ids: list[int] = await self._given(_Job(messages, None))
        return ids

    async def do(self, work: Callable[[sqlite3.Connection], T], then: Callable[[T], None] = _nothing) -> T:
        """See ``Journal.do``; ``then`` is called with the result, on the event loop, before the next commit begins."""
        result: T = await self._given(_Job((), work, then))
        return result

    async def keep_ranges(self) -> None:
        """Make a checkpoint now.

        Raises:
            StorageError: the disk did not take it.
        """
        await self._given(_Job((), _nothing, checkpoint=True))

    async def _given(self, job: _Job) -> Any:
        if self._broken is not None:
            raise self._broken
        self._jobs.put_nowait(job)
        return await job.done

    def give_up(self, error: sqlite3.Error) -> None:
        """End ``run`` with an error that somebody else has met: the file is damaged."""

        def fail(_writer: sqlite3.Connection) -> None:
            raise error

        job = _Job((), fail)
        job.done.cancel()  # nobody waits for it
        self._jobs.put_nowait(job)

    async def apart(self, work: Callable[[], T]) -> T:
        """Do something on the writer's thread, between two commits."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def close(self) -> None:
        """Close the file. ``run`` must have been cancelled."""
        while not self._jobs.empty():
            self._jobs.get_nowait().done.cancel()
        if self._db is not None:
            ranges = self.streams.changed()
            await self.apart(lambda: self._close(ranges))
        self._thread.shutdown(wait=True)

    def _close(self, ranges: list[tuple[Any, ...]]) -> None:
        try:
            if self._broken is None:
                self.db.execute("BEGIN IMMEDIATE")
                self.streams.checkpoint(self.db, ranges, self.position)
                self.db.execute("COMMIT")
        except sqlite3.Error as error:
            _log.warning("the journal's ranges are not written (%s): the next start reads more", error)
        finally:
            self.db.close()
            if not beside(self._path, "-wal").exists():
                signed_off(self._path)
