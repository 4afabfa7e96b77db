"""What no journal has acknowledged, on disk (SQLite), and where the conditions stand.

Every change is one transaction that is on the disk when the call returns (``synchronous=FULL``). The outbox calls
from one worker thread; nothing here is shared.
"""

import logging
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from agent.watch import Watched
from contract.errors import StorageError
from contract.message import Topic, Voided
from contract.ranges import Range, Ranges

_log = logging.getLogger(__name__)
_SCHEMA = """
CREATE TABLE IF NOT EXISTS messages (
  epoch TEXT NOT NULL, seq INTEGER NOT NULL, topic TEXT NOT NULL, body BLOB NOT NULL,
  PRIMARY KEY (epoch, seq)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS alarms ON messages (epoch, seq) WHERE topic = 'alarms';
CREATE TABLE IF NOT EXISTS epochs (number INTEGER PRIMARY KEY AUTOINCREMENT, epoch TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS voided (epoch TEXT NOT NULL, reason TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER);
CREATE TABLE IF NOT EXISTS conditions (
  device TEXT NOT NULL, condition TEXT NOT NULL, body BLOB NOT NULL, PRIMARY KEY (device, condition)) WITHOUT ROWID;
"""
_HINT = "is the disk full, or its folder not writable?"
_PATIENCE = 1.0
"""Seconds that a lock of somebody else is waited for."""
VOIDED_MOST = 1000
"""Ranges of voided numbers that are remembered."""


class Row(msgspec.Struct, frozen=True):
    """One message that is kept."""

    epoch: str
    seq: int
    topic: Topic
    body: bytes


class Batch(msgspec.Struct):
    """What one commit changes."""

    keep: Sequence[Row] = ()
    """Messages; one that is there stays as it is."""
    drop: Sequence[tuple[str, Range]] = ()
    """Messages that are there no longer: epoch, first and last number."""
    void: Sequence[Voided] = ()
    """Numbers that will never be sent; their messages go too."""
    watched: Sequence[Watched] = ()
    forget: Sequence[tuple[str, str]] = ()
    """Device and condition that are watched no longer."""

    def __bool__(self) -> bool:
        return bool(self.keep or self.drop or self.void or self.watched or self.forget)


class Spool:
    """The agent's own database. Every method raises StorageError when the disk does not play along."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        """Take an open connection; ``open_spool`` makes one."""
        self._db = connection
        self._path = path

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    def open_epoch(self, epoch: str) -> None:
        """Note a new epoch after the ones that are there; forget old ones that hold nothing."""
        with self._transaction() as db:
            db.execute("DELETE FROM epochs WHERE epoch NOT IN (SELECT DISTINCT epoch FROM messages)")
            db.execute("INSERT OR IGNORE INTO epochs (epoch) VALUES (?)", (epoch,))
            db.execute(
                "DELETE FROM voided WHERE rowid NOT IN (SELECT rowid FROM voided ORDER BY rowid DESC LIMIT ?)",
                (VOIDED_MOST,),
            )

    def commit(self, batch: Batch) -> None:
        """Make all changes of a batch, or none."""
        messages = [(row.epoch, row.seq, row.topic.value, row.body) for row in batch.keep]
        voided = [(each.epoch, each.reason, *span) for each in batch.void for span in each.spans]
        spans = [(epoch, *span) for epoch, span in batch.drop] + [(epoch, *span) for epoch, _, *span in voided]
        states = [(each.device, each.condition, msgspec.json.encode(each)) for each in batch.watched]
        with self._transaction() as db:
            db.executemany("INSERT OR IGNORE INTO messages VALUES (?, ?, ?, ?)", messages)
            db.executemany("INSERT INTO voided VALUES (?, ?, ?, ?)", voided)
            db.executemany("DELETE FROM messages WHERE epoch = ? AND seq BETWEEN ? AND ?", spans)
            db.executemany("INSERT OR REPLACE INTO conditions VALUES (?, ?, ?)", states)
            db.executemany("DELETE FROM conditions WHERE device = ? AND condition = ?", batch.forget)

    def held(self) -> dict[str, Ranges]:
        """Return what is kept, epoch by epoch, the oldest first."""
        found: dict[str, Ranges] = {}
        with self._transaction() as db:
            for (epoch,) in db.execute("SELECT epoch FROM epochs ORDER BY number").fetchall():
                ranges = Ranges()
                for (seq,) in db.execute("SELECT seq FROM messages WHERE epoch = ? ORDER BY seq", (epoch,)):
                    ranges.add(seq)
                if ranges:
                    found[epoch] = ranges
        return found

    def alarms(self) -> list[Row]:
        """Return every alarm that is kept, in the order of their queueing."""
        with self._transaction() as db:
            rows = db.execute(
                "SELECT m.epoch, m.seq, m.body FROM messages m JOIN epochs e USING (epoch)"
                " WHERE m.topic = 'alarms' ORDER BY e.number, m.seq"
            )
            return [Row(epoch, seq, Topic.ALARMS, body) for epoch, seq, body in rows]

    def read(self, spans: Iterable[tuple[str, Range]]) -> list[Row]:
        """Return the messages of these ranges."""
        found = []
        with self._transaction() as db:
            for epoch, span in spans:
                rows = db.execute(
                    "SELECT seq, topic, body FROM messages WHERE epoch = ? AND seq BETWEEN ? AND ? ORDER BY seq",
                    (epoch, *span),
                )
                found += [Row(epoch, seq, Topic(topic), body) for seq, topic, body in rows]
        return found

    def voided(self) -> list[Voided]:
        """Return the numbers that will never be sent, and why."""
        found: dict[tuple[str, str], Ranges] = {}
        with self._transaction() as db:
            for epoch, reason, first, last in db.execute("SELECT epoch, reason, first, last FROM voided"):
                key = epoch, reason
                found[key] = found.get(key, Ranges()).union([(first, last)])
        return [Voided(epoch, tuple(spans), reason) for (epoch, reason), spans in found.items()]

    def watched(self) -> list[Watched]:
        """Return where the conditions stood; what cannot be read any more is left out."""
        found = []
        with self._transaction() as db:
            for (body,) in db.execute("SELECT body FROM conditions"):
                try:
                    found.append(msgspec.json.decode(body, type=Watched))
                except msgspec.DecodeError:
                    _log.warning("a condition in the spool cannot be read; it starts as normal")
        return found

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        try:
            with self._db:
                yield self._db
        except sqlite3.Error as error:
            raise StorageError(f"the spool: {error}", where=str(self._path), hint=_HINT) from None


def open_spool(path: Path, stamp: str) -> Spool:
    """Open the spool, or make one. A damaged file is set aside under a name with ``stamp``, and a new one begins.

    Raises:
        StorageError: the folder cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return _connect(path)
    except sqlite3.OperationalError as error:
        taken = error.sqlite_errorcode == sqlite3.SQLITE_BUSY
        hint = "another agent works with this directory: give each its own `state`" if taken else _HINT
        raise StorageError(f"the spool cannot be opened: {error}", where=str(path), hint=hint) from None
    except sqlite3.DatabaseError as error:
        aside = path.with_name(f"{path.name}.damaged-{stamp}")
        path.rename(aside)
        for extra in ("-wal", "-shm"):
            path.with_name(path.name + extra).unlink(missing_ok=True)
        _log.error("the spool %s is damaged (%s); it is set aside as %s, and a new one begins", path, error, aside)
        return _connect(path)
    except OSError as error:
        raise StorageError(f"the spool cannot be opened: {error.strerror}", where=str(path), hint=_HINT) from None


def _connect(path: Path) -> Spool:
    connection = sqlite3.connect(path, timeout=_PATIENCE, check_same_thread=False)
    try:
        connection.execute("PRAGMA locking_mode=EXCLUSIVE")  # a second agent here would send our messages as its own
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA cache_size=-512")  # KiB; nothing is read twice
        connection.executescript(_SCHEMA)
        found = connection.execute("PRAGMA quick_check(1)").fetchone()
        if found != ("ok",):
            raise sqlite3.DatabaseError(found[0])
    except sqlite3.Error:
        connection.close()
        raise
    return Spool(connection, path)
