"""What one commit drops of the journal: a few thousand messages, and the names of those that somebody still waits for."""

import sqlite3
from collections.abc import Callable, Sequence
from typing import Any, Final

from contract.ranges import Ranges

DELETE: Final = "DELETE FROM messages WHERE id = ?"


def dropping(
    readers: Sequence[str], at: int, last: int, before: float, count: int, wall: float
) -> Callable[[sqlite3.Connection], int]:
    """Return a step: drop the next readings that nobody waits for; it returns up to which message it came."""
    named = ",".join("?" * len(readers))
    waits = f"SELECT 1 FROM aside WHERE reader IN ({named}) AND message = messages.id AND final = 0"  # noqa: S608
    drop = f"DELETE FROM messages WHERE id > ? AND id <= ? AND kind = 0 AND received < ? AND NOT EXISTS ({waits})"  # noqa: S608

    def step(db: sqlite3.Connection) -> int:
        query = "SELECT max(id) FROM (SELECT id FROM messages WHERE id > ? AND id <= ? ORDER BY id LIMIT ?)"
        (reached,) = db.execute(query, (at, last, count)).fetchone()
        if reached is None:
            return last
        for reader in readers:
            _name_refused(db, reader, at, reached, before, wall)
        db.execute(drop, (at, reached, before, *readers))
        return int(reached)

    return step


def _name_refused(db: sqlite3.Connection, reader: str, at: int, last: int, before: float, wall: float) -> None:
    """Name, by number, what a reader has set aside for good: the messages go, and with them what says whose they were."""
    query = (
        "SELECT stream, seq, reason FROM aside JOIN messages ON id = message "
        "WHERE reader = ? AND message > ? AND message <= ? AND final = 1 AND kind = 0 AND received < ?"
    )
    found: dict[tuple[int, str], list[tuple[int, int]]] = {}
    for stream, seq, reason in db.execute(query, (reader, at, last, before)):
        found.setdefault((stream, reason), []).append((seq, seq))
    for (stream, reason), numbers in found.items():
        _name(db, stream, Ranges(numbers), "refused", reason, wall)
    gone = "SELECT 1 FROM messages WHERE id = message AND received >= ?"
    db.execute(
        f"DELETE FROM aside WHERE reader = ? AND message > ? AND message <= ? AND final = 1 AND NOT EXISTS ({gone})",  # noqa: S608
        (reader, at, last, before),
    )


def drop_named(
    db: sqlite3.Connection, messages: Sequence[int], readers: Sequence[str], reason: str, wall: float
) -> None:
    """Drop messages; name those that a reader has not passed, or has set aside."""
    named = ",".join("?" * len(readers))
    query = f"SELECT coalesce(min(position), 0), count(*) FROM cursors WHERE reader IN ({named})"  # noqa: S608
    position, known = db.execute(query, tuple(readers)).fetchone()
    passed = position if known == len(readers) else 0  # one that has not begun has passed nothing
    if not readers:
        passed = messages[-1]
    found: dict[int, list[tuple[int, int]]] = {}
    for number in messages:
        row = db.execute("SELECT stream, seq FROM messages WHERE id = ?", (number,)).fetchone()
        aside = f"DELETE FROM aside WHERE reader IN ({named}) AND message = ? RETURNING 1"  # noqa: S608
        waited = db.execute(aside, (*readers, number)).fetchall()
        if row is not None and (number > passed or waited):
            found.setdefault(row[0], []).append((row[1], row[1]))
    for stream, numbers in found.items():
        _name(db, stream, Ranges(numbers), "dropped", reason, wall)
    db.executemany(DELETE, [(number,) for number in messages])


def _name(db: sqlite3.Connection, stream: int, numbers: Ranges, kind: str, reason: str, wall: float) -> None:
    rows: list[tuple[Any, ...]] = [(stream, *span, kind, reason, wall) for span in numbers]
    db.executemany("INSERT INTO gaps VALUES (?, ?, ?, ?, ?, ?)", rows)
