"""Opening the spool; and saving what can be read of one that is damaged.

A damaged file is set aside under a new name, and its messages, epochs and conditions go row by row into a new one. What
of it is gone, the outbox can tell: it knows which numbers it had.
"""

import contextlib
import logging
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from agent.outbox.spool import HINT, MOST, SCHEMA, Spool, epochs_of_messages, is_damage
from contract.errors import MessageError, StorageError, StorageFull, StorageTaken
from contract.message import Alarms, Readings, Topic, decode

_log = logging.getLogger(__name__)
_PATIENCE: Final = 1.0
"""Seconds that a lock of somebody else is waited for."""
_ADDED: Final = (
    ("messages", "first", "INTEGER NOT NULL DEFAULT 0"),
    ("epochs", "last", "INTEGER NOT NULL DEFAULT 0"),
    ("epochs", "settled", "INTEGER NOT NULL DEFAULT 0"),
    ("epochs", "journal", "TEXT NOT NULL DEFAULT ''"),
    ("epochs", "state", "TEXT NOT NULL DEFAULT 'open'"),
)
"""Columns that a spool of an earlier version has not."""
_LOG: Final = 1 << 20
"""Bytes of the log of commits after which they go to the file; on a disk without room for both, nothing can be written."""
_EXTRA: Final = ("-wal", "-shm")


def open_spool(path: Path, stamp: str, *, damaged: bool = False) -> Spool:
    """Open the spool, or make one. A damaged file is set aside under a name with ``stamp``; what can be read of it stays.

    Args:
        path: of the file.
        stamp: for the name of one that is set aside.
        damaged: it turned out to be so while it was worked with.

    Raises:
        StorageTaken: another agent has it open.
        StorageFull: it is damaged, and there is no room to save it.
        StorageError: the disk does not let us.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        finished = _finish(path)
        try:
            database = connect(path)
            if not damaged:
                return Spool(database, path, finished)
            database.close()
            raise sqlite3.DatabaseError("it could not be read")  # noqa: TRY301 - goes the way of all that are damaged
        except sqlite3.DatabaseError as error:
            if not is_damage(error):
                raise
            aside = _rescue(path, stamp, error)
            return Spool(connect(path), path, str(aside))
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_BUSY:
            hint = "another agent works with this directory: give each its own `state`"
            raise StorageTaken(f"the spool cannot be opened: {error}", where=str(path), hint=hint) from None
        raise StorageError(f"the spool cannot be opened: {error}", where=str(path), hint=HINT) from None
    except OSError as error:
        raise StorageError(f"the spool cannot be opened: {error.strerror}", where=str(path), hint=HINT) from None


def connect(path: Path, trace: Callable[[str], None] | None = None) -> sqlite3.Connection:
    """Open a database with all that a spool needs; ``trace`` hears every statement.

    Raises:
        sqlite3.Error: it cannot be used; ``is_damage`` says whether it is damaged.
    """
    connection = _bare(path)
    connection.set_trace_callback(trace)
    try:
        connection.execute("PRAGMA locking_mode=EXCLUSIVE")  # a second agent here would send our messages as its own
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute(f"PRAGMA journal_size_limit={_LOG}")
        connection.execute(f"PRAGMA wal_autocheckpoint={_LOG // 4096}")
        connection.execute("PRAGMA cache_size=-512")  # KiB; nothing is read twice
        connection.executescript(SCHEMA)
        for table, column, kind in _ADDED:
            if column not in {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}:
                connection.execute(f"ALTER TABLE {table} ADD COLUMN {column} {kind}")
        ended_well = connection.execute("SELECT max(state = 'open') FROM epochs").fetchone() == (0,)
        if not ended_well:  # it reads all of the file; what a clean end left is looked at when it is read
            found = connection.execute("PRAGMA quick_check(1)").fetchone()
            if found != ("ok",):
                raise sqlite3.DatabaseError(found[0])
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _bare(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=_PATIENCE, check_same_thread=False)
    connection.text_factory = lambda text: text.decode("utf-8", "replace")  # what is damaged is no error of its own
    return connection


def _rescue(path: Path, stamp: str, damage: sqlite3.Error) -> Path:
    """Build a new file from what can be read, and put it in place of the damaged one; return where that is now."""
    new = _rescued(path)
    _remove(new)
    for older in path.parent.glob(f"{path.name}.damaged-*"):
        older.unlink()  # one is enough to look at, and the room is needed
    if shutil.disk_usage(path.parent).free < path.stat().st_size:
        raise StorageFull("it is damaged, and there is no room for what can be saved of it", where=str(path), hint=HINT)
    counts: dict[str, int] = {}
    try:
        target = _bare(new)
        try:
            target.execute("PRAGMA journal_mode=MEMORY")  # no second file: what is committed is in this one
            target.executescript(SCHEMA)
            with contextlib.closing(_bare(path)) as source:
                with contextlib.suppress(sqlite3.Error):
                    source.execute("PRAGMA locking_mode=EXCLUSIVE")
                counts = _copy(source, target)
        finally:
            target.close()
    except (OSError, sqlite3.Error):
        _remove(new)  # the damaged one stays where it is, for the next try
        raise
    aside = path.with_name(f"{path.name}.damaged-{stamp}")
    path.rename(aside)
    for extra in _EXTRA:
        with contextlib.suppress(FileNotFoundError):
            path.with_name(path.name + extra).rename(aside.with_name(aside.name + extra))
    new.rename(path)
    _sync(path.parent)
    _log.error(
        "the spool %s is damaged (%s); it is set aside as %s; %d messages of %d epochs and %d conditions could be read and"
        " are kept (look after its disk: a card that begins to fail goes on failing)",
        path,
        damage,
        aside,
        counts["messages"],
        counts["epochs"],
        counts["conditions"],
    )
    return aside


def _finish(path: Path) -> str:
    """Finish a rescue that ended between its renames; return where the damaged file is, empty if there was none."""
    new = _rescued(path)
    if path.exists() or not new.exists():
        return ""
    for extra in _EXTRA:  # of the damaged file; the new one must not be read with them
        path.with_name(path.name + extra).unlink(missing_ok=True)
    new.rename(path)
    _sync(path.parent)
    return next((str(aside) for aside in path.parent.glob(f"{path.name}.damaged-*")), "")


def _rescued(path: Path) -> Path:
    return path.with_name(f"{path.name}.rescued")


def _sync(folder: Path) -> None:
    """Wait until the names in a folder are on the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove(path: Path) -> None:
    for extra in ("", *_EXTRA):
        path.with_name(path.name + extra).unlink(missing_ok=True)


def _copy(source: sqlite3.Connection, target: sqlite3.Connection) -> dict[str, int]:
    """Copy all rows that can be read; say how many of which."""
    counts = {}
    epochs = [(number, epoch) for number, epoch in _plain(source, "number, epoch", "epochs") if isinstance(epoch, str)]
    with target:
        for number, epoch in epochs:
            target.execute("INSERT OR IGNORE INTO epochs (number, epoch) VALUES (?, ?)", (number, epoch))
        for values in _plain(source, "last, settled, journal, state, epoch", "epochs"):
            if _fits(values, int, int, str, str, str):
                target.execute(
                    "UPDATE epochs SET last = ?, settled = ?, journal = ?, state = ? WHERE epoch = ?", values
                )
        counts["conditions"] = 0
        for table, *kinds in (
            ("conditions", str, str, bytes),
            ("voided", str, str, int, int),
            ("standings", str, str),
            ("measured", str, float),
        ):
            marks = ", ".join("?" for _ in kinds)
            for values in _plain(source, "*", table):
                if _fits(values, *kinds):
                    target.execute(f"INSERT OR IGNORE INTO {table} VALUES ({marks})", values)  # noqa: S608 - our own names
                    counts["conditions"] += table == "conditions"
    names = list(dict.fromkeys([*(epoch for _, epoch in epochs), *_epochs(source)]))
    counts["epochs"] = len(names)
    counts["messages"] = 0
    for epoch in names:
        with target:
            target.execute("INSERT OR IGNORE INTO epochs (epoch) VALUES (?)", (epoch,))
            for values in _messages(source, epoch):
                target.execute("INSERT OR IGNORE INTO messages VALUES (?, ?, ?, ?, ?)", (epoch, *values))
                counts["messages"] += 1
    return counts


def _plain(source: sqlite3.Connection, columns: str, table: str) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of a small table as far as they can be read; first from its beginning."""
    with contextlib.suppress(sqlite3.Error):
        yield from source.execute(f"SELECT {columns} FROM {table}")  # noqa: S608 - our own names


def _fits(values: tuple[Any, ...], *kinds: type) -> bool:
    return len(values) == len(kinds) and all(map(isinstance, values, kinds))


def _epochs(source: sqlite3.Connection) -> Iterator[str]:
    with contextlib.suppress(sqlite3.Error):
        yield from epochs_of_messages(source)


def _messages(source: sqlite3.Connection, epoch: str) -> Iterator[tuple[int, str, bytes, int]]:
    """Yield the whole messages of an epoch; where nothing can be read, go on behind it, in growing strides."""
    columns = "seq, topic, body, first"
    if "first" not in {row[1] for row in _plain(source, "*", "pragma_table_info('messages')")}:
        columns = "seq, topic, body, 0"
    at, stride = 0, 1
    while at < MOST:
        try:
            rows = source.execute(
                f"SELECT {columns} FROM messages WHERE epoch = ? AND seq > ? ORDER BY seq",  # noqa: S608 - our own names
                (epoch, at),
            )
            for seq, topic, body, first in rows:
                if isinstance(seq, int) and at < seq <= MOST:
                    at, stride = seq, 1
                    if _whole(epoch, seq, topic, body):
                        yield seq, topic, body, first if isinstance(first, int) and 0 < first < seq else 0
        except sqlite3.Error:
            at, stride = at + stride, stride * 2
        else:
            return


def _whole(epoch: str, seq: int, topic: object, body: object) -> bool:
    """Say whether a message is what was kept: SQLite has no checksums."""
    if not isinstance(body, bytes):
        return False
    try:
        message = decode(Alarms, body) if topic == Topic.ALARMS.value else decode(Readings, body)
    except MessageError:
        return False
    return topic in (Topic.ALARMS.value, Topic.READINGS.value) and (message.epoch, message.seq) == (epoch, seq)
