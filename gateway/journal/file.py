"""The journal's file (SQLite, WAL): how it lies on disk, how it is opened, and whether it is the one that it was.

``kind`` is 0 for a reading. The few other messages stand in a small index as well, with all that there is of them: a
start reads them one after the other, wherever they lie.
"""

import logging
import secrets
import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from contract.errors import StorageError
from contract.message import Topic

_log = logging.getLogger(__name__)

NAME: Final = "journal.db"
"""In the gateway's state directory."""
KINDS: Final[tuple[Topic, ...]] = (Topic.READINGS, Topic.ALARMS, Topic.HELLO, Topic.INVENTORY)
"""The topics that are journaled; a row's ``kind`` is the place here."""
_FORMAT: Final = 1
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS streams (
    number INTEGER PRIMARY KEY, site TEXT NOT NULL, agent TEXT NOT NULL, epoch TEXT NOT NULL,
    have TEXT NOT NULL, doubles INTEGER NOT NULL, touched REAL NOT NULL, last INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS messages (
    id INTEGER PRIMARY KEY, stream INTEGER NOT NULL, kind INTEGER NOT NULL, seq INTEGER NOT NULL,
    first INTEGER NOT NULL, received REAL NOT NULL, body BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS rare ON messages (id, stream, kind, seq, received, body) WHERE kind <> 0;
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
_PAGE: Final = 8192
"""Bytes: a poll of a big UPS has some 3 KiB, and several of them fit."""
_CHECKPOINT: Final = 4000
"""Pages of the WAL before it is written home: three times a second at full load is too often."""
_WAL_MOST: Final = 64 * 1024 * 1024
_DAMAGED: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_FORMER: Final = 20
"""Former ids of a journal that are remembered."""


class Identity(msgspec.Struct, frozen=True):
    """Which journal this is."""

    id: str
    former: tuple[str, ...] = ()
    """Its ids before it was restored, or rescued: what they acknowledged, this one ought to have."""


def damaged(error: sqlite3.Error) -> bool:
    """Say whether an error means that the file itself is broken."""
    said = str(error)
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGED or "malformed" in said or "Could not decode" in said


def condemn(path: Path) -> None:
    """Note that the file was found damaged: the next start saves what it can."""
    with suppress(OSError):  # a full disk may not even hold this; the next start finds the damage by itself
        mark(path).touch()


def mark(path: Path) -> Path:
    """Return the file whose presence says that the journal was found damaged."""
    return path.with_name(f"{path.name}.damaged")


def beside(path: Path, extra: str) -> Path:
    """Return a file beside the journal: its name with something appended."""
    return path.with_name(path.name + extra)


def connect(path: Path) -> sqlite3.Connection:
    """Open a file for writing, with all its tables.

    Raises:
        StorageError: it is of another version.
        sqlite3.Error: it cannot be used.
    """
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        db.execute(f"PRAGMA page_size = {_PAGE}")
        db.execute("PRAGMA auto_vacuum = INCREMENTAL")  # before the first table: what is dropped is given back
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")  # an acknowledged message survives a power cut
        db.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT}")
        db.execute(f"PRAGMA journal_size_limit = {_WAL_MOST}")
        _check_version(db, path)
        db.executescript(_SCHEMA)
        if not db.execute("SELECT 1 FROM pragma_table_info('streams') WHERE name = 'last'").fetchone():
            db.execute("ALTER TABLE streams ADD COLUMN last INTEGER NOT NULL DEFAULT 0")  # made before there was one
        db.execute(f"PRAGMA user_version = {_FORMAT}")
    except BaseException:
        db.close()
        raise
    return db


def _check_version(db: sqlite3.Connection, path: Path) -> None:
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version == 0 and db.execute("SELECT 1 FROM sqlite_master WHERE name = 'messages'").fetchone():
        raise StorageError(
            "the journal is of a version before 0.1.0", where=str(path), hint="move it away: a new one begins"
        )
    if version > _FORMAT:
        raise StorageError(
            f"the journal is of a newer version (format {version})", where=str(path), hint="install that version"
        )


def connect_to_read(path: Path) -> sqlite3.Connection:
    """Open a file for reading, whether or not somebody writes to it.

    Raises:
        sqlite3.Error: it cannot be used.
    """
    uri = f"{path.absolute().as_uri()}?mode=ro"
    db = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
    try:
        db.execute("SELECT 1 FROM sqlite_master").fetchone()
    except sqlite3.OperationalError:
        db.close()
        if beside(path, "-wal").exists() or not path.exists():
            raise
        # Nobody writes, and we may not make the files that sharing needs.
        db = sqlite3.connect(f"{uri}&immutable=1", uri=True, isolation_level=None, check_same_thread=False)
    return db


def identify(db: sqlite3.Connection, path: Path, *, wal: bool) -> Identity:
    """Return which journal this is: a new one by its id, and so one that was restored, or has lost its last commits.

    A restored one is known by the file itself, which is another one than before, or by the number of its starts, which
    stands in a file beside it too. One that was not closed must have its ``-wal``.

    Args:
        db: its connection.
        path: its file.
        wal: whether there was a ``-wal`` beside it before it was opened.
    """
    known = dict(db.execute("SELECT name, value FROM meta"))
    starts, open_then = _starts(path)
    why = ""
    if known.get("file", "").rpartition(":")[2] != _file(path):  # an earlier release wrote the device before it
        why = "its file is another one than before: it was restored, or copied"
    elif starts and starts != int(known.get("starts", 0)):
        why = "it is an older copy of itself"
    elif open_then and not wal:
        why = "its last commits are gone: the -wal file beside it is missing"
    identity = _known(known)
    if not identity.id or why:
        if identity.id:
            _log.warning("the journal %s gets a new id, and the agents send what they still hold: %s", path, why)
        identity = rename(db, path)
    number = max(starts, int(known.get("starts", 0))) + 1
    db.execute("INSERT OR REPLACE INTO meta VALUES ('starts', ?)", (str(number),))
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()  # what the file beside it says, the file itself says too
    _note(path, f"{number} open")
    return identity


def rename(db: sqlite3.Connection, path: Path) -> Identity:
    """Give the journal a new id; return it."""
    old = _known(dict(db.execute("SELECT name, value FROM meta")))
    former = [one for one in (*old.former, old.id) if one][-_FORMER:]
    name = secrets.token_hex(8)
    rows = [("journal", name), ("file", _file(path)), ("former", " ".join(former))]
    db.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", rows)
    return Identity(name, tuple(former))


def _known(meta: dict[str, str]) -> Identity:
    return Identity(meta.get("journal", ""), tuple(meta.get("former", "").split()))


def _file(path: Path) -> str:
    return str(path.stat().st_ino)  # not its device's, which some file systems number anew at each boot


def signed_off(path: Path) -> None:
    """Note that the journal was closed: nothing of it is in its ``-wal``."""
    starts, _ = _starts(path)
    if starts:
        _note(path, f"{starts} closed")


def _starts(path: Path) -> tuple[int, bool]:
    """Return the number of the last start, 0 when it is not known, and whether the journal was left open."""
    try:
        words = beside(path, ".starts").read_text("ascii").split()
        return int(words[0]), words[1] == "open"
    except (OSError, ValueError, IndexError):
        return 0, False


def _note(path: Path, text: str) -> None:
    fresh = beside(path, ".starts.new")
    with suppress(OSError):  # it is a second opinion only
        fresh.write_text(text, "ascii")
        fresh.replace(beside(path, ".starts"))
