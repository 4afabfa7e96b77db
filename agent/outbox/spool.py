"""What no journal has acknowledged, on disk (SQLite), how far each epoch came, and where the conditions stand.

Every change is one transaction that is on the disk when the call returns (``synchronous=FULL``). The outbox calls
from one worker thread; nothing here is shared. How a file is opened, and saved when it is damaged: ``agent/outbox/rescue.py``.
"""

import logging
import shutil
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from agent.outbox.full import Merge
from agent.watch import Watched
from contract.alarm import Standing
from contract.errors import UNREADABLE, StorageDamaged, StorageError, StorageFull
from contract.message import Topic, Voided
from contract.ranges import Range, Ranges

_log = logging.getLogger(__name__)
SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS messages (
  epoch TEXT NOT NULL, seq INTEGER NOT NULL, topic TEXT NOT NULL, body BLOB NOT NULL, first INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (epoch, seq)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS alarms ON messages (epoch, seq) WHERE topic = 'alarms';
CREATE TABLE IF NOT EXISTS epochs (
  number INTEGER PRIMARY KEY AUTOINCREMENT, epoch TEXT NOT NULL UNIQUE, last INTEGER NOT NULL DEFAULT 0,
  settled INTEGER NOT NULL DEFAULT 0, journal TEXT NOT NULL DEFAULT '', state TEXT NOT NULL DEFAULT 'open');
CREATE TABLE IF NOT EXISTS voided (epoch TEXT NOT NULL, reason TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER);
CREATE TABLE IF NOT EXISTS conditions (
  device TEXT NOT NULL, condition TEXT NOT NULL, body BLOB NOT NULL, PRIMARY KEY (device, condition)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS standings (occurrence TEXT PRIMARY KEY, standing TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS measured (name TEXT PRIMARY KEY, value REAL NOT NULL) WITHOUT ROWID;
"""
HINT: Final = "is the disk full, or its folder not writable?"
VOIDED_MOST: Final = 1000
"""Ranges of voided numbers that are remembered."""
EPOCHS_MOST: Final = 1000
"""Epochs that are remembered though nothing of them is held."""
MOST: Final = 2**53 - 1
"""The highest number that a message may have."""
RESERVE: Final = 8 << 20
"""Bytes of the disk that are left free: what a commit needs beside the file. On a small disk a quarter of it."""
T = TypeVar("T")

_WATCHED: Final = msgspec.json.Decoder(Watched)
"""Made with the module: two threads that use a type for the first time at once crash."""


class Row(msgspec.Struct, frozen=True):
    """One message that is kept."""

    epoch: str
    seq: int
    topic: Topic
    body: bytes
    first: int = 0
    """The lowest number that it stands for; 0: itself only."""

    @property
    def span(self) -> Range:
        """The numbers that it stands for."""
        return self.first or self.seq, self.seq


class Space(msgspec.Struct, frozen=True):
    """How much room there is, in bytes."""

    used: int
    """In use: what the next messages can have instead does not count."""
    most: int
    """What may be in use as the disk is now, whatever the settings say."""


class Account(msgspec.Struct, frozen=True):
    """How far an epoch came; see ``message.Held``."""

    epoch: str
    last: int = 0
    settled: int = 0
    journal: str = ""
    unsure: bool = False


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
    ended: Sequence[Account] = ()
    """Epochs that ended, with all that there is to say of them."""
    done: Sequence[str] = ()
    """Epochs of which a gateway knows all: nothing more is remembered of them."""
    standings: Mapping[str, Standing | None] = {}
    """Occurrence → how far it came; None: it stands no longer."""
    size: float = 0.0
    """Measured mean size of a message, in bytes; 0: nothing new. It goes along, and is no reason for a commit."""

    def __bool__(self) -> bool:
        changes = (self.keep, self.drop, self.void, self.watched, self.forget, self.ended, self.done, self.standings)
        return any(changes)


class Contents(msgspec.Struct, frozen=True):
    """All that an outbox needs to know when it opens."""

    held: dict[str, Ranges]
    """Numbers, epoch by epoch, the oldest first."""
    accounts: list[Account]
    """Of all epochs but the running one, the oldest first."""
    voided: list[Voided]
    alarms: list[Row]
    watched: list[Watched]
    standings: dict[str, Standing]
    size: float
    """Measured mean size of a message; 0: nothing was measured yet."""
    aside: str
    """Where a damaged file was set aside; empty: it was not damaged."""


class Spool:
    """The agent's own database. Every method raises StorageError when the disk does not play along."""

    def __init__(self, connection: sqlite3.Connection, path: Path, aside: str = "") -> None:
        """Take an open connection; ``rescue.open_spool`` makes one."""
        self._db = connection
        self._path = path
        self.aside = aside
        """Where the file before this one was set aside, because it was damaged; empty: it was not."""

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    def open_epoch(self, epoch: str, left: Sequence[Account] = ()) -> None:
        """Note a new epoch after the ones that are there, and how far those before it came.

        Args:
            epoch: the new one.
            left: what is known of epochs that ended; others that did not say how they ended are unsure from now on.
        """
        with self._transaction() as db:
            for account in left:
                _end(db, account)
            db.execute("UPDATE epochs SET state = 'unsure' WHERE state = 'open' AND epoch != ?", (epoch,))
            kept = set(epochs_of_messages(db))
            # What a kill left between two commits: it goes once more, and is known as a double.
            db.executemany(
                "INSERT OR IGNORE INTO epochs (epoch, state) VALUES (?, 'unsure')", [(each,) for each in kept]
            )
            rows = db.execute("SELECT number, epoch, last, state FROM epochs ORDER BY number DESC").fetchall()
            empty = [(number, last, state) for number, of, last, state in rows if of not in kept]
            mute = [(number,) for number, last, state in empty if last == 0 and state == "ended"]
            many = [(number,) for number, _, _ in empty[EPOCHS_MOST:]]
            db.executemany("DELETE FROM epochs WHERE number = ?", [*mute, *many])
            db.execute("INSERT OR IGNORE INTO epochs (epoch) VALUES (?)", (epoch,))
            old = db.execute(
                "DELETE FROM voided WHERE rowid NOT IN (SELECT rowid FROM voided ORDER BY rowid DESC LIMIT ?)",
                (VOIDED_MOST,),
            ).rowcount
        if many or old:
            _log.warning("%d epochs and %d ranges of lost messages that no gateway took are forgotten", len(many), old)

    def contents(self, epoch: str) -> Contents:
        """Return what is there; ``epoch`` is the running one."""
        return Contents(
            held=self.held(),
            accounts=self.accounts(epoch),
            voided=self.voided(),
            alarms=self.alarms(),
            watched=self.watched(),
            standings=self.standings(),
            size=self.size(),
            aside=self.aside,
        )

    def commit(self, batch: Batch) -> Space:
        """Make all changes of a batch, or none; return what room there is."""
        messages = [(row.epoch, row.seq, row.topic.value, row.body, row.first) for row in batch.keep]
        spans = [(epoch, *span) for epoch, span in batch.drop]
        spans += [(each.epoch, *span) for each in batch.void for span in each.spans]
        states = [(each.device, each.condition, msgspec.json.encode(each)) for each in batch.watched]
        with self._transaction() as db:
            db.executemany("INSERT OR IGNORE INTO messages VALUES (?, ?, ?, ?, ?)", messages)
            for each in batch.void:
                _void(db, each)
            db.executemany("DELETE FROM messages WHERE epoch = ? AND seq BETWEEN ? AND ?", spans)
            db.executemany("INSERT OR REPLACE INTO conditions VALUES (?, ?, ?)", states)
            db.executemany("DELETE FROM conditions WHERE device = ? AND condition = ?", batch.forget)
            for account in batch.ended:
                _end(db, account)
            for epoch in batch.done:
                db.execute("DELETE FROM epochs WHERE epoch = ?", (epoch,))
                db.execute("DELETE FROM voided WHERE epoch = ?", (epoch,))
            for occurrence, standing in batch.standings.items():
                if standing is None:
                    db.execute("DELETE FROM standings WHERE occurrence = ?", (occurrence,))
                else:
                    db.execute("INSERT OR REPLACE INTO standings VALUES (?, ?)", (occurrence, standing.value))
            if batch.size:
                db.execute("INSERT OR REPLACE INTO measured VALUES ('size', ?)", (batch.size,))
            return self._space()

    def space(self) -> Space:
        """Return what room there is."""
        with self._transaction():
            return self._space()

    def held(self) -> dict[str, Ranges]:
        """Return the numbers that are kept, epoch by epoch, the oldest first."""
        found: dict[str, Ranges] = {}
        with self._transaction() as db:
            for (epoch,) in db.execute("SELECT epoch FROM epochs ORDER BY number").fetchall():
                ranges = Ranges()
                for seq, first in db.execute("SELECT seq, first FROM messages WHERE epoch = ? ORDER BY seq", (epoch,)):
                    if _number(seq):
                        ranges.add_range(first if _number(first) and first < seq else seq, seq)
                if ranges:
                    found[epoch] = ranges
        return found

    def accounts(self, epoch: str) -> list[Account]:
        """Return how far the epochs before this one came, the oldest first."""
        query = "SELECT epoch, last, settled, journal, state FROM epochs WHERE epoch != ? ORDER BY number"
        with self._transaction() as db:
            rows = db.execute(query, (epoch,)).fetchall()
        return [
            Account(of, last, settled, journal, unsure=state != "ended") for of, last, settled, journal, state in rows
        ]

    def alarms(self) -> list[Row]:
        """Return every alarm that is kept, in the order of their queueing."""
        with self._transaction() as db:
            rows = db.execute(
                "SELECT m.epoch, m.seq, m.topic, m.body, m.first FROM messages m JOIN epochs e USING (epoch)"
                " WHERE m.topic = 'alarms' ORDER BY e.number, m.seq"
            )
            return _rows(rows)

    def page(self, epoch: str, start: int, count: int) -> tuple[list[Row], bool]:
        """Return the messages of an epoch from a number on, so many at the most, and whether there may be more.

        What makes no sense is left out.
        """
        query = "SELECT epoch, seq, topic, body, first FROM messages WHERE epoch = ? AND seq >= ? ORDER BY seq LIMIT ?"
        with self._transaction() as db:
            found = db.execute(query, (epoch, start, count)).fetchall()
        return _rows(found), len(found) == count

    def merge(self, epoch: str, merges: Sequence[Merge]) -> Space:
        """Let messages stand for the ones before them, which go; return what room there is."""
        with self._transaction() as db:
            db.executemany(
                "DELETE FROM messages WHERE epoch = ? AND seq BETWEEN ? AND ? AND topic = 'readings'",
                [(epoch, merge.first, merge.seq - 1) for merge in merges],
            )
            db.executemany(
                "UPDATE messages SET first = ? WHERE epoch = ? AND seq = ?",
                [(merge.first, epoch, merge.seq) for merge in merges],
            )
            return self._space()

    def voided(self) -> list[Voided]:
        """Return the numbers that will never be sent, and why."""
        found: dict[tuple[str, str], list[Range]] = {}
        with self._transaction() as db:
            for epoch, reason, first, last in db.execute("SELECT epoch, reason, first, last FROM voided"):
                found.setdefault((epoch, reason), []).append((first, last))
        return [Voided(epoch, tuple(Ranges(spans)), reason) for (epoch, reason), spans in found.items()]

    def watched(self) -> list[Watched]:
        """Return where the conditions stood; what cannot be read any more is left out."""
        found = []
        with self._transaction() as db:
            for (body,) in db.execute("SELECT body FROM conditions"):
                try:
                    found.append(_WATCHED.decode(body))
                except (*UNREADABLE, TypeError):
                    _log.warning("a condition in the spool cannot be read; it starts as normal")
        return found

    def standings(self) -> dict[str, Standing]:
        """Return how far the occurrences came that stood."""
        known = {standing.value: standing for standing in Standing}
        with self._transaction() as db:
            rows = db.execute("SELECT occurrence, standing FROM standings").fetchall()
        return {occurrence: known[standing] for occurrence, standing in rows if standing in known}

    def size(self) -> float:
        """Return the measured mean size of a message in bytes; 0: nothing was measured yet."""
        with self._transaction() as db:
            row = db.execute("SELECT value FROM measured WHERE name = 'size'").fetchone()
        return row[0] if row and isinstance(row[0], float) else 0.0

    def _space(self) -> Space:
        ((pages,), (free,), (size,)) = (
            self._db.execute(f"PRAGMA {name}").fetchone() for name in ("page_count", "freelist_count", "page_size")
        )
        return Space(int((pages - free) * size), self._most())

    def _most(self) -> int:
        """Return how many bytes the file may have: what it has, and what is free, but for a reserve."""
        try:
            room = self._path.stat().st_size + shutil.disk_usage(self._path.parent).free
        except OSError:
            return MOST  # the next commit will find out
        return room - min(RESERVE, room // 4)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        try:
            with self._db:
                yield self._db
        except sqlite3.Error as error:
            raise _kind(error)(f"the spool: {error}", where=str(self._path), hint=HINT) from None


def epochs_of_messages(db: sqlite3.Connection) -> Iterator[str]:
    """Yield the epochs that messages are of: one seek for each, whatever the number of messages."""
    epoch = ""
    while True:
        (found,) = db.execute("SELECT min(epoch) FROM messages WHERE epoch > ?", (epoch,)).fetchone()
        if not isinstance(found, str):
            return
        epoch = found
        yield epoch


def _kind(error: sqlite3.Error) -> type[StorageError]:
    if is_damage(error):
        return StorageDamaged
    return StorageFull if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL else StorageError


def is_damage(error: sqlite3.Error) -> bool:
    """Say whether the file is damaged, and not only out of reach."""
    code = getattr(error, "sqlite_errorcode", None)
    if code is not None:
        unreadable = code in (sqlite3.SQLITE_IOERR_READ, sqlite3.SQLITE_IOERR_SHORT_READ)  # a sector that is gone
        return unreadable or code & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
    return type(error) is sqlite3.DatabaseError  # ours, of quick_check


def _void(db: sqlite3.Connection, voided: Voided) -> None:
    """Add to what is voided for this reason, in as few ranges as can be: what is lost in small portions stays small."""
    key = voided.epoch, voided.reason
    known = db.execute("SELECT first, last FROM voided WHERE epoch = ? AND reason = ?", key).fetchall()
    db.execute("DELETE FROM voided WHERE epoch = ? AND reason = ?", key)
    spans = Ranges(known).union(voided.spans)
    db.executemany("INSERT INTO voided VALUES (?, ?, ?, ?)", [(*key, *span) for span in spans])


def _end(db: sqlite3.Connection, account: Account) -> None:
    state = "unsure" if account.unsure else "ended"
    db.execute("INSERT OR IGNORE INTO epochs (epoch) VALUES (?)", (account.epoch,))
    db.execute(
        "UPDATE epochs SET last = max(last, ?), settled = max(settled, ?), journal = ?, state = ? WHERE epoch = ?",
        (account.last, account.settled, account.journal, state, account.epoch),
    )


def _rows(found: Iterable[Sequence[Any]]) -> list[Row]:
    topics = {Topic.ALARMS.value: Topic.ALARMS, Topic.READINGS.value: Topic.READINGS}
    return [
        Row(epoch, seq, topics[topic], body, first if _number(first) and first < seq else 0)
        for epoch, seq, topic, body, first in found
        if _number(seq) and topic in topics and isinstance(body, bytes)
    ]


def _number(value: object) -> bool:
    """Say whether it can be a message's number; a damaged page may say anything."""
    return isinstance(value, int) and 1 <= value <= MOST
