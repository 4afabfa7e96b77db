"""What is saved of a damaged journal: all that can be read goes into a new file, which then takes its place.

The damaged file is set aside as it is. The new one is made beside it and takes its name only once it is whole, so that
a rescue that is cut short begins anew. It is a new journal, with a new id: the agents send what they still hold.
"""

import json
import logging
import os
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from contract.errors import StorageError
from contract.ranges import Ranges
from gateway.journal.file import KINDS, beside, connect, damaged, mark
from gateway.journal.streams import Streams

_log = logging.getLogger(__name__)

_TABLES: Final = ("events", "streams", "gaps", "cursors", "aside", "messages")
"""What is saved, the dearest first."""
_BY_NAME: Final = {
    "cursors": ("reader", "reader {0}"),
    "aside": ("reader || printf(' %020d', message)", "reader {0}, message {0}"),
}
"""Tables without a row number: their key as one text, and their order."""
_STREAM: Final = 8
"""Columns of ``streams``."""
_FARTHEST: Final = 2**40
"""A number that no row has reached."""
_BEHIND: Final = 1_000_000
"""Messages that cannot be behind the last checkpoint."""
LOST: Final = "received, and not in the journal any more since its file was damaged; the store may not have them"

_Read = Callable[[str, tuple[Any, ...]], Iterable[tuple[Any, ...]]]


def open_file(path: Path, wall: float) -> sqlite3.Connection:
    """Open a journal, or create it. A damaged one is set aside under a name with the time; what can be read goes on.

    Raises:
        StorageError: the file cannot be used.
    """
    hint = "is the disk full, the directory not ours, or the file no journal?"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _finish(path)
        if mark(path).exists():
            return rescue(path, wall, "an earlier run found it damaged")
        try:
            return connect(path)
        except sqlite3.DatabaseError as error:
            if not damaged(error):
                raise
            return rescue(path, wall, str(error))
    except OSError as error:
        raise StorageError(f"the journal cannot be opened: {error.strerror}", where=str(path), hint=hint) from None
    except sqlite3.Error as error:
        raise StorageError(f"the journal cannot be opened: {error}", where=str(path), hint=hint) from None


def _finish(path: Path) -> None:
    """Finish, or throw away, a rescue that was cut short."""
    fresh = beside(path, ".rescued")
    if fresh.exists() and not path.exists():  # it was whole: the damaged one had been set aside already
        _clear_away(path)
        _take_the_place(fresh, path)
    for extra in ("", "-wal", "-shm"):
        beside(fresh, extra).unlink(missing_ok=True)


def _clear_away(path: Path) -> None:
    """Set aside what SQLite kept beside the damaged file: it would be played over the one that takes its place."""
    aside = max(path.parent.glob(f"{path.name}.damaged-*[0-9]"), key=lambda one: one.stat().st_mtime, default=None)
    for extra in ("-wal", "-shm"):
        left = beside(path, extra)
        if aside is None:
            left.unlink(missing_ok=True)
        elif left.exists():
            left.replace(beside(aside, extra))


def _take_the_place(fresh: Path, path: Path) -> None:
    """Give a rescued file its name, for good, and only then forget that the old one was damaged."""
    fresh.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    mark(path).unlink(missing_ok=True)


def rescue(path: Path, wall: float, why: str) -> sqlite3.Connection:
    """Set a damaged journal aside, and return the connection of a new one with all that could be read.

    Raises:
        OSError, sqlite3.Error: the disk does not take it.
    """
    _log.error("the journal %s is damaged (%s); what can be read of it is saved now", path, why)
    fresh, aside = beside(path, ".rescued"), beside(path, f".damaged-{wall:.0f}")
    db = connect(fresh)
    try:
        counts = _salvage(path, fresh, db)
        saved = ", ".join(f"{count} {table}" for table, count in counts.items() if count) or "nothing"
        text = f"日志文件损坏 the journal's file was damaged ({why}); it is set aside as {aside.name}. Saved: {saved}"
        data = json.dumps({"file": aside.name, "why": why, "saved": counts})
        db.execute(
            "INSERT INTO events (at, incident, kind, who, text, data) VALUES (?, '', 'damaged', '', ?, ?)",
            (wall, text, data),
        )
    finally:
        db.close()
    for extra in ("", "-wal", "-shm"):  # the file first: from then on the new one is the journal, whatever happens
        if beside(path, extra).exists():
            beside(path, extra).rename(beside(aside, extra))
    _take_the_place(fresh, path)
    _log.error(
        "the journal %s was damaged; it is set aside as %s. Saved: %s; the agents send what they still hold",
        path, aside, saved,
    )  # fmt: skip
    return connect(path)


def _salvage(path: Path, fresh: Path, db: sqlite3.Connection) -> dict[str, int]:
    """Copy what can be read, table by table; return how many rows of each."""
    counts: dict[str, int] = dict.fromkeys(_TABLES, 0)
    old = _open_damaged(path, fresh)
    if old is None:
        return counts

    def read(query: str, arguments: tuple[Any, ...]) -> Iterable[tuple[Any, ...]]:
        return old.execute(query, arguments)

    try:
        db.execute("BEGIN")
        checkpoint = _number(_meta(read, "checkpoint"))
        for table in _TABLES:
            before = db.total_changes
            if table in _BY_NAME:
                _copy_by_name(read, db, table)
            else:
                most = checkpoint + _BEHIND if table == "messages" and checkpoint else _FARTHEST
                _copy_by_number(read, db, table, most)
            counts[table] = db.total_changes - before
        former = " ".join(filter(None, [_meta(read, "former"), _meta(read, "journal")]))
        db.execute("INSERT OR REPLACE INTO meta VALUES ('former', ?)", (former,))
        _mend(db, checkpoint)
        db.execute("COMMIT")
    finally:
        old.close()
    return counts


def _open_damaged(path: Path, fresh: Path) -> sqlite3.Connection | None:
    """Open the file as far as it can be; where its first page is gone, with that of a new one: the tables are the same."""
    for attempt in ("as it is", "with a new first page"):
        old = sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, isolation_level=None)
        old.text_factory = lambda raw: raw.decode("utf-8", "replace")
        try:
            old.execute("PRAGMA writable_schema = ON")  # reads past an index that does not fit
            old.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.Error:
            old.close()
            if attempt != "as it is" or not _first_page(path, fresh):
                break
        else:
            return old
    return None


def _first_page(path: Path, fresh: Path) -> bool:
    """Put a new journal's first page over the old one's, and keep that beside it; say whether there was anything."""
    with sqlite3.connect(fresh, isolation_level=None) as db:
        (size,) = db.execute("PRAGMA page_size").fetchone()
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    db.close()
    if path.stat().st_size < 2 * size:
        return False
    with fresh.open("rb") as new, path.open("r+b") as old:
        beside(path, ".first-page").write_bytes(old.read(size))
        page = bytearray(new.read(size))
        pages = path.stat().st_size // size
        page[28:32] = pages.to_bytes(4, "big")  # https://www.sqlite.org/fileformat2.html
        old.seek(0)
        old.write(page)
    return True


def _copy_by_name(read: _Read, db: sqlite3.Connection, table: str) -> None:
    """Copy from the beginning to the damage, then from the end to it."""
    key, order = _BY_NAME[table]
    for falling in (False, True):
        query = f"SELECT {key}, * FROM {table} ORDER BY {order.format('DESC' if falling else 'ASC')}"  # noqa: S608
        with suppress(sqlite3.Error):
            _put(db, table, read(query, ()), falling=falling)
            return


def _copy_by_number(read: _Read, db: sqlite3.Connection, table: str, most: int) -> None:
    """Copy up to the damage, leap over it, copy back to it; and on, to the next damage.

    Args:
        read: asks the damaged file.
        db: the new one.
        table: the table's name.
        most: the highest number that a row may have.
    """
    rows = f"SELECT rowid, * FROM {table} WHERE rowid > ? AND rowid < ? ORDER BY rowid"  # noqa: S608
    at = 0
    while True:
        with suppress(sqlite3.Error):
            _put(db, table, read(rows, (at, most)))
            return
        (reached,) = db.execute(f"SELECT coalesce(max(rowid), 0) FROM {table}").fetchone()  # noqa: S608
        if table != "gaps":  # whose rows have no numbers of their own
            at = max(at, reached)
        landed = _leap(read, table, at, most)
        if landed is None:
            return
        with suppress(sqlite3.Error):
            _put(db, table, read(f"{rows} DESC", (at, landed)), falling=True)
        at = landed - 1


def _leap(read: _Read, table: str, at: int, most: int) -> int | None:
    """Return the number of the first row that can be read behind some damage; None: there is none."""
    query = f"SELECT rowid FROM {table} WHERE rowid > ? ORDER BY rowid LIMIT 1"  # noqa: S608
    far = 1
    while at + far < most:
        with suppress(sqlite3.Error):
            for (found,) in read(query, (at + far,)):
                if at + far < found < most:
                    return int(found)
        far *= 2
    return None


def _put(db: sqlite3.Connection, table: str, rows: Iterable[tuple[Any, ...]], *, falling: bool = False) -> None:
    """Copy rows, each with its key before it, while the keys rise, or fall: in a broken tree one may go in circles.

    Raises:
        sqlite3.Error: the rows cannot be read on.
    """
    last: Any = None
    for key, *row in rows:
        if not isinstance(key, int | str):
            raise sqlite3.DatabaseError("a row without a key")
        if last is not None and (key >= last if falling else key <= last):
            raise sqlite3.DatabaseError("the rows are out of order")
        last = key
        if table == "streams":
            row += [0] * (_STREAM - len(row))  # noqa: PLW2901 - of a file from before the last column
        if table != "messages" or _fits(row):
            db.execute(f"INSERT OR IGNORE INTO {table} VALUES ({','.join('?' * len(row))})", row)  # noqa: S608


def _fits(row: Sequence[Any]) -> bool:
    """Say whether a row can be a message: broken pages may be read as rows of anything."""
    *numbers, received, body = row
    return (
        all(isinstance(number, int) for number in numbers)
        and isinstance(received, int | float)
        and isinstance(body, bytes)
        and 0 <= numbers[2] < len(KINDS)
        and numbers[3] >= numbers[4] >= 0
    )


def _meta(read: _Read, name: str) -> str:
    try:
        return next((str(value) for (value,) in read("SELECT value FROM meta WHERE name = ? LIMIT 1", (name,))), "")
    except sqlite3.Error:
        return ""


def _number(text: str) -> int:
    try:
        return max(0, int(text))
    except ValueError:
        return 0


def _mend(db: sqlite3.Connection, checkpoint: int) -> None:
    """Make what was saved fit together: no message without a stream, the ranges of all, what is gone named as lost."""
    db.execute("DELETE FROM messages WHERE stream NOT IN (SELECT number FROM streams)")
    db.execute("DELETE FROM gaps WHERE typeof(first) <> 'integer' OR typeof(last) <> 'integer'")
    db.execute("UPDATE streams SET last = 0 WHERE typeof(last) <> 'integer'")
    for number, have in db.execute("SELECT number, have FROM streams").fetchall():
        try:
            Ranges(json.loads(have))
        except (ValueError, TypeError, LookupError):  # its messages say the rest
            db.execute("UPDATE streams SET have = '[]' WHERE number = ?", (number,))
    (last,) = db.execute(
        "SELECT max(?, (SELECT coalesce(max(id), 0) FROM messages), (SELECT coalesce(max(position), 0) FROM cursors), "
        "(SELECT coalesce(max(message), 0) FROM aside))",
        (checkpoint,),
    ).fetchone()
    streams = Streams()
    streams.load(db, 0)
    found = db.execute("SELECT position FROM cursors WHERE reader = 'store'").fetchone()
    stored = int(found[0]) if found else int(last)  # without a store nobody waits for them
    (there,) = db.execute("SELECT count(*) FROM messages WHERE id > ?", (stored,)).fetchone()
    if there < last - stored:
        (at,) = db.execute("SELECT max(received) FROM messages").fetchone()
        for number, span in _gone(db, streams, stored):
            db.execute("INSERT INTO gaps VALUES (?, ?, ?, 'dropped', ?, ?)", (number, *span, LOST, at or 0.0))
    streams.checkpoint(db, streams.changed(), last)


def _gone(db: sqlite3.Connection, streams: Streams, stored: int) -> Iterable[tuple[int, tuple[int, int]]]:
    """Yield the numbers that were received behind what the store has, and that no row is kept of: stream, range."""
    passed = dict(
        db.execute("SELECT stream, max(seq) FROM messages WHERE id <= ? AND seq > 0 GROUP BY stream", (stored,))
    )
    rows: dict[int, list[tuple[int, int]]] = {}
    for number, first, seq in db.execute("SELECT stream, first, seq FROM messages WHERE seq > 0"):
        rows.setdefault(number, []).append((first, seq))
    known: dict[int, list[tuple[int, int]]] = {}
    for number, first, last in db.execute("SELECT stream, first, last FROM gaps WHERE last > 0"):
        known.setdefault(number, []).append((first, last))
    for stream in streams.all():
        kept = Ranges(rows.get(stream.number, ()))
        since = passed.get(stream.number) or next(iter(kept), (1, 1))[0]
        missing = (
            stream.have.common(Ranges([(since, stream.have.highest)]))
            .minus(kept)
            .minus(Ranges(known.get(stream.number, ())))
        )
        for span in missing:
            yield stream.number, span
