"""What the gateway's journal has committed, as it can be seen from outside: the one place that knows its tables."""

import json
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
from faults import devices
from faults.evidence import Row
from faults.processes import now

from contract.errors import MessageError
from contract.message import Alarms, Hello, Readings, decode

_NAMED = "SELECT id, agent, epoch, seq, topic, body FROM messages WHERE id > ? ORDER BY id"
_NUMBERED = """
SELECT id, agent, epoch, seq,
  CASE kind WHEN 0 THEN 'readings' WHEN 1 THEN 'alarms' WHEN 2 THEN 'hello' ELSE '' END, CAST(body AS BLOB)
FROM messages JOIN streams ON streams.number = messages.stream WHERE id > ? ORDER BY id"""
"""The same of journals that know streams and topics by numbers."""
_GAPS = """
SELECT epoch, gaps.first, gaps.last FROM gaps JOIN streams ON streams.number = gaps.stream
WHERE kind = 'lost' AND gaps.last > 0"""


def _messages(journal: sqlite3.Connection, position: int) -> list[tuple[Any, ...]]:
    columns = {str(row[1]) for row in journal.execute("PRAGMA table_info(messages)")}
    return journal.execute(_NUMBERED if "stream" in columns else _NAMED, (position,)).fetchall()


def _row(agent: str, epoch: str, seq: int, topic: str, body: bytes, seen: float) -> Row | None:
    try:
        if topic == "readings":
            message = decode(Readings, body)
            values = {name: value for name, value in message.values.items() if not isinstance(value, str | tuple)}
            number = devices.decode(values) or 0
            at = message.at
            return Row(agent, epoch, seq, message.device, number, at=at.boottime, trusted=at.trusted, seen=seen)
        if topic == "alarms":
            alarm = decode(Alarms, body)
            said = alarm.occurrence
            if said.condition == "on-battery":
                at, since = alarm.at.boottime, said.since.boottime
                return Row(
                    agent,
                    epoch,
                    seq,
                    said.device,
                    occurrence=said.id,
                    active=said.active,
                    since=since,
                    at=at,
                    seen=seen,
                )
            return Row(agent, epoch, seq, seen=seen)
    except MessageError:
        return Row(agent, epoch, seq, seen=seen)
    return None


class Watcher:
    """Looks at the journal again and again, and notes when a row was there."""

    def __init__(self, path: Path) -> None:
        """Take the journal's file; it need not be there yet."""
        self.rows: dict[int, Row] = {}
        """Numbered messages by their id."""
        self.unsure: set[str] = set()
        """Epochs whose end a hello called unsure."""
        self.flow: dict[str, float] = {}
        """Agent → boottime at which readings of it were seen last."""
        self._path = path
        self._position = 0
        self._connection: sqlite3.Connection | None = None

    def look(self) -> None:
        """Take what is new; a journal that cannot be read now is read the next time."""
        try:
            if self._connection is None:
                if not self._path.exists():
                    return
                uri = f"{self._path.absolute().as_uri()}?mode=ro"
                self._connection = sqlite3.connect(uri, uri=True, timeout=0.2, isolation_level=None)
            found = _messages(self._connection, self._position)
        except sqlite3.Error:
            self.close()
            return
        seen = now()
        for number, agent, epoch, seq, topic, body in found:
            self._position = number
            if topic == "hello":
                self._hello(body)
            row = _row(agent, epoch, seq, topic, body, seen)
            if row is not None:
                self.rows[number] = row
                if row.number:
                    self.flow[agent] = seen

    def _hello(self, body: bytes) -> None:
        try:
            hello = decode(Hello, body)
        except MessageError:
            return
        self.unsure |= {held.epoch for held in hello.held if held.unsure}

    def close(self) -> None:
        """Let go of the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def events(self) -> list[tuple[str, dict[str, Any]]]:
        """Return kind and data of all events, in their order."""
        with self._opened() as journal:
            rows = journal.execute("SELECT kind, data FROM events ORDER BY id").fetchall()
        return [(str(kind), json.loads(data)) for kind, data in rows]

    def named(self) -> dict[str, set[int]]:
        """Return the numbers named lost, by epoch."""
        found: dict[str, set[int]] = {}
        for kind, data in self.events():
            if kind == "lost":
                for first, last in msgspec.convert(data["lost"], list[tuple[int, int]]):
                    found.setdefault(str(data["epoch"]), set()).update(range(first, last + 1))
        with self._opened() as journal:
            if journal.execute("SELECT 1 FROM sqlite_master WHERE name = 'gaps'").fetchone():
                for epoch, first, last in journal.execute(_GAPS):
                    found.setdefault(str(epoch), set()).update(range(first, last + 1))
        return found

    def end(self) -> tuple[list[Row], list[str]]:
        """Return the rows that are there at the end, with when each was seen, and what is no more."""
        self.look()
        there: list[Row] = []
        kept: set[int] = set()
        with self._opened() as journal:
            messages = _messages(journal, 0)
        for number, agent, epoch, seq, topic, body in messages:
            row = _row(agent, epoch, seq, topic, body, 0.0)
            if row is not None:
                known = self.rows.get(number)
                there.append(row._replace(seen=known.seen if known else 0.0))
                if known is not None and known == there[-1]:
                    kept.add(number)
        gone = [f"row {number}: {row}" for number, row in self.rows.items() if number not in kept]
        return there, gone

    def _opened(self) -> closing[sqlite3.Connection]:
        return closing(sqlite3.connect(f"{self._path.absolute().as_uri()}?mode=ro", uri=True, timeout=5.0))


def in_incidents(events: Iterable[tuple[str, dict[str, Any]]]) -> list[str]:
    """Return the occurrence of each event that opens an incident or joins one."""
    return [str(data["symptom"]["id"]) for kind, data in events if kind in ("opened", "joined") and "symptom" in data]
