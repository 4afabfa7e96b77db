"""The journal's file (SQLite, WAL): how it lies on disk, how it is opened, and what is saved of a damaged one.

``kind`` is 0 for a reading, so that the few other messages have a small index of their own.
"""

import logging
import secrets
import sqlite3
from pathlib import Path
from typing import Final

from contract.errors import StorageError
from contract.message import Topic

_log = logging.getLogger(__name__)

KINDS: Final[tuple[Topic, ...]] = (Topic.READINGS, Topic.ALARMS, Topic.HELLO, Topic.INVENTORY)
"""The topics that are journaled; a row's ``kind`` is the place here."""
_FORMAT: Final = 1
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS streams (
    number INTEGER PRIMARY KEY, site TEXT NOT NULL, agent TEXT NOT NULL, epoch TEXT NOT NULL,
    have TEXT NOT NULL, doubles INTEGER NOT NULL, touched REAL NOT NULL);
CREATE TABLE IF NOT EXISTS messages (
    id INTEGER PRIMARY KEY, stream INTEGER NOT NULL, kind INTEGER NOT NULL, seq INTEGER NOT NULL,
    first INTEGER NOT NULL, received REAL NOT NULL, body BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS rare ON messages (id) WHERE kind <> 0;
CREATE TABLE IF NOT EXISTS gaps (
    stream INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, kind TEXT NOT NULL, reason TEXT NOT NULL,
    at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS cursors (reader TEXT PRIMARY KEY, position INTEGER NOT NULL, notes TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS aside (
    reader TEXT, message INTEGER, reason TEXT NOT NULL, final INTEGER NOT NULL,
    PRIMARY KEY (reader, message)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS events (
    id INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, incident TEXT NOT NULL, kind TEXT NOT NULL,
    who TEXT NOT NULL, text TEXT NOT NULL, data TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS timeline ON events (incident, id);
"""
_TABLES: Final = ("events", "streams", "gaps", "cursors", "aside", "messages")
"""What is saved of a damaged file, the dearest first. Its identity is not: it is a new journal."""
_PAGE: Final = 8192
"""Bytes: a poll of a big UPS has some 3 KiB, and several of them fit."""
_CHECKPOINT: Final = 4000
"""Pages of the WAL before it is written home: three times a second at full load is too often."""
_WAL_MOST: Final = 64 * 1024 * 1024
_DAMAGED: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


def damaged(error: sqlite3.Error) -> bool:
    """Say whether an error means that the file itself is broken."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGED or "malformed" in str(error)


def open_file(path: Path, stamp: str) -> sqlite3.Connection:
    """Open a journal, or create it. A damaged one is set aside under a name with ``stamp``; what can be read goes on.

    Raises:
        StorageError: the file cannot be used.
    """
    hint = "is the disk full, the directory not ours, or the file no journal?"
    mark = _mark(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if mark.exists():
            return _rescue(path, stamp, "an earlier run found it damaged")
        try:
            return _connect(path)
        except sqlite3.DatabaseError as error:
            if not damaged(error):
                raise
            return _rescue(path, stamp, str(error))
    except OSError as error:
        raise StorageError(f"the journal cannot be opened: {error.strerror}", where=str(path), hint=hint) from None
    except sqlite3.Error as error:
        raise StorageError(f"the journal cannot be opened: {error}", where=str(path), hint=hint) from None


def condemn(path: Path) -> None:
    """Note that the file was found damaged: the next start saves what it can."""
    _mark(path).touch()


def _mark(path: Path) -> Path:
    return path.with_name(f"{path.name}.damaged")


def _connect(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        db.execute(f"PRAGMA page_size = {_PAGE}")
        db.execute("PRAGMA auto_vacuum = INCREMENTAL")  # before the first table: what is dropped is given back
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")  # an acknowledged message survives a power cut
        db.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT}")
        db.execute(f"PRAGMA journal_size_limit = {_WAL_MOST}")
        (version,) = db.execute("PRAGMA user_version").fetchone()
        if version == 0 and db.execute("SELECT 1 FROM sqlite_master WHERE name = 'messages'").fetchone():
            raise StorageError(
                "the journal is of a version before 0.1.0", where=str(path), hint="move it away: a new one begins"
            )
        if version > _FORMAT:
            raise StorageError(
                f"the journal is of a newer version (format {version})", where=str(path), hint="install that version"
            )
        db.executescript(_SCHEMA)
        db.execute(f"PRAGMA user_version = {_FORMAT}")
    except BaseException:
        db.close()
        raise
    return db


def _rescue(path: Path, stamp: str, why: str) -> sqlite3.Connection:
    aside = path.with_name(f"{path.name}.damaged-{stamp}")
    for extra in ("", "-wal", "-shm"):
        old = path.with_name(path.name + extra)
        if old.exists():
            old.rename(aside.with_name(aside.name + extra))
    db = _connect(path)
    counts = _salvage(aside, db)
    _mark(path).unlink(missing_ok=True)
    saved = ", ".join(f"{count} {table}" for table, count in counts.items() if count) or "nothing"
    _log.error(
        "the journal %s was damaged (%s); it is set aside as %s. Saved: %s; the agents send what they still hold",
        path, why, aside, saved,
    )  # fmt: skip
    return db


def _salvage(aside: Path, db: sqlite3.Connection) -> dict[str, int]:
    """Copy what can be read, table by table: from its beginning to the damage, then from its end to it."""
    counts: dict[str, int] = {}
    try:
        old = sqlite3.connect(f"{aside.absolute().as_uri()}?mode=rw", uri=True)
    except sqlite3.Error:
        return counts
    try:
        old.execute("PRAGMA writable_schema = ON")  # reads past an index that does not fit
        db.execute("BEGIN")
        for table in _TABLES:
            before = db.total_changes
            for order in ("ASC", "DESC"):
                if _copy(old, db, table, order):
                    break
            counts[table] = db.total_changes - before
        db.execute("DELETE FROM meta")
        position = db.execute("SELECT coalesce(max(id), 0) FROM messages").fetchone()[0]
        # A reader must not stand before what it has read, nor behind what there is.
        db.execute("UPDATE cursors SET position = min(position, ?)", (position,))
        db.execute("DELETE FROM aside WHERE message > ?", (position,))
        db.execute("COMMIT")
    finally:
        old.close()
    return counts


def _copy(old: sqlite3.Connection, db: sqlite3.Connection, table: str, order: str) -> bool:
    """Copy a table's rows in this order until it ends (return True) or cannot be read on."""
    by = {"cursors": "reader", "aside": "reader"}.get(table, "rowid")
    try:
        for row in old.execute(f"SELECT * FROM {table} ORDER BY {by} {order}"):  # noqa: S608 - names of our own
            places = ",".join("?" * len(row))
            db.execute(f"INSERT OR IGNORE INTO {table} VALUES ({places})", row)  # noqa: S608
    except sqlite3.Error:
        return False
    return True


def identify(db: sqlite3.Connection, path: Path) -> str:
    """Return the journal's id: new for a new journal, and for one whose file is another than before (a restored one)."""
    known = dict(db.execute("SELECT name, value FROM meta"))
    found = path.stat()
    file = f"{found.st_dev}:{found.st_ino}"
    if known.get("journal") and known.get("file") == file:
        return str(known["journal"])
    return rename(db, path)


def rename(db: sqlite3.Connection, path: Path) -> str:
    """Give the journal a new id; return it."""
    found = path.stat()
    name = secrets.token_hex(8)
    rows = [("journal", name), ("file", f"{found.st_dev}:{found.st_ino}")]
    db.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", rows)
    return name
