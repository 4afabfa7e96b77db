"""What was received of each stream (site, agent, epoch), as ranges. Pure but for the connection that it is handed.

Every message is in the journal before its number counts as received, so the ranges need not be written with each
commit: they are written now and then (a *checkpoint*), and after a start the messages behind the last checkpoint say
the rest. So a commit costs the same from one agent as from a thousand.
"""

import json
import sqlite3
from collections.abc import Iterable
from typing import Any, Final

from contract.ranges import Range, Ranges
from gateway.journal.record import StreamKey

RECEIVED: Final = ("dropped", "refused")
"""Kinds of gaps whose numbers were received all the same."""
UNSURE: Final = "unsure"
"""Kind of a gap without numbers: an end that nobody can number."""
THINNED: Final = "thinned out by the agent, whose disk was full"


class Stream:
    """One stream: what is committed of it, and what the commit that is under way brings."""

    __slots__ = ("agent", "doubles", "epoch", "have", "last", "named", "number", "pending", "site", "touched", "unsure")

    def __init__(self, number: int, key: StreamKey, have: Ranges, doubles: int = 0, touched: float = 0.0) -> None:
        """Take its number in the database and what is known of it."""
        self.number = number
        self.site, self.agent, self.epoch = key
        self.have = have
        self.doubles = doubles
        """Messages that came once more."""
        self.touched = touched
        """Wall time of the last message."""
        self.last = 0
        """The highest number that a hello said was given out, where that is more than was received by then."""
        self.named = Ranges()
        """Numbers that are named: they will never come."""
        self.unsure = False
        """It is on record that nobody can number its end."""
        self.pending: dict[int, int] = {}
        """Number → the lowest that it stands for: what the next commit brings."""

    @property
    def key(self) -> StreamKey:
        """Site, agent, epoch."""
        return self.site, self.agent, self.epoch

    @property
    def spoken(self) -> int:
        """The highest number that is known to have been given out."""
        return max(self.last, self.have.highest)

    def name(self, kind: str, first: int, last: int) -> None:
        """Know numbers as named, or (``unsure``) its end as one that nobody can number."""
        if kind == UNSURE:
            self.unsure = True
        elif kind not in RECEIVED:
            self.named.add_range(first, last)

    def take(self, seq: int, first: int) -> bool:
        """Note a number that is about to be committed; say whether it is new."""
        if seq in self.have or seq in self.pending:
            self.doubles += 1
            return False
        self.pending[seq] = first or seq
        return True


class Streams:
    """All the streams of a journal."""

    def __init__(self) -> None:
        """Start empty; ``load`` fills it."""
        self._by_key: dict[StreamKey, Stream] = {}
        self._by_number: dict[int, Stream] = {}
        self._by_agent: dict[tuple[str, str], list[Stream]] = {}
        self._touched: list[Stream] = []
        """Those with something pending."""
        self._new: list[Stream] = []
        """Those that the next commit has to make."""
        self._dirty: set[Stream] = set()
        """Those that have changed since the last checkpoint."""
        self._next = 1

    def load(self, db: sqlite3.Connection, checkpoint: int) -> None:
        """Read what the last checkpoint kept, then the messages behind it."""
        query = "SELECT number, site, agent, epoch, have, doubles, touched, last FROM streams"
        for number, site, agent, epoch, have, doubles, touched, last in db.execute(query):
            stream = Stream(number, (site, agent, epoch), Ranges(json.loads(have)), doubles, touched)
            stream.last = last
            self._add(stream)
        for number, first, last, kind in db.execute("SELECT stream, first, last, kind FROM gaps"):
            self.numbered(number).name(kind, first, last)
        rows = db.execute("SELECT stream, seq, first, received FROM messages WHERE id > ?", (checkpoint,))
        for number, seq, first, received in rows:
            stream = self.numbered(number)
            if seq:
                stream.have.add_range(first, seq)
            stream.touched = max(stream.touched, received)
            self._dirty.add(stream)

    def _add(self, stream: Stream) -> None:
        self._by_key[stream.key] = self._by_number[stream.number] = stream
        self._by_agent.setdefault((stream.site, stream.agent), []).append(stream)
        self._next = max(self._next, stream.number + 1)

    def find(self, key: StreamKey) -> Stream | None:
        """Return a stream of which something was received, or is about to be."""
        return self._by_key.get(key)

    def numbered(self, number: int) -> Stream:
        """Return the stream of a row; one of no name where it is not known, as after damage."""
        stream = self._by_number.get(number)
        return stream or Stream(number, ("unknown", f"stream-{number}", ""), Ranges())

    def of(self, site: str, agent: str) -> list[Stream]:
        """Return the streams of an agent of which numbers were received, or declared."""
        return [stream for stream in self._by_agent.get((site, agent), ()) if stream.epoch and stream.spoken]

    def all(self) -> Iterable[Stream]:
        """Return every stream."""
        return self._by_key.values()

    def open(self, key: StreamKey, wall: float) -> Stream:
        """Return a stream, new if need be: the commit under way makes it, as touched at this wall time."""
        stream = self._by_key.get(key)
        if stream is None:
            stream = Stream(self._next, key, Ranges(), touched=wall)
            self._add(stream)
            self._new.append(stream)
        return stream

    def take(self, stream: Stream, seq: int, first: int, received: float) -> bool:
        """Note a message that is about to be committed; say whether it is new."""
        if not stream.pending:
            self._touched.append(stream)
        stream.touched = max(stream.touched, received)
        return stream.take(seq, first)

    def speak(self, stream: Stream, received: float) -> None:
        """Note a message without a number that is about to be committed."""
        if received > stream.touched:
            stream.touched = received
            self._dirty.add(stream)

    def fresh(self) -> list[Stream]:
        """Return the streams that the commit under way has to make."""
        new, self._new = self._new, []
        return new

    @staticmethod
    def make(db: sqlite3.Connection, new: Iterable[Stream]) -> None:
        """Write new streams, in the commit under way."""
        rows = [(stream.number, *stream.key, stream.touched) for stream in new]
        db.executemany("INSERT INTO streams VALUES (?, ?, ?, ?, '[]', 0, ?, 0)", rows)

    def thinned(self) -> list[tuple[Stream, Range]]:
        """Return the numbers that the commit under way stands for, and that nobody will bring."""
        return [
            (stream, span)
            for stream in self._touched
            for seq, first in stream.pending.items()
            if first < seq
            for span in Ranges([(first, seq - 1)]).minus(stream.have)
        ]

    def committed(self) -> None:
        """What was pending is received."""
        for stream in self._touched:
            have = stream.have
            for seq, first in stream.pending.items():
                if first == seq:
                    have.add(seq)
                else:
                    have.add_range(first, seq)
            stream.pending.clear()
        self._dirty.update(self._touched)
        self._touched.clear()

    def failed(self, new: Iterable[Stream]) -> None:
        """What was pending is not received; the streams that are not there yet are made by a later commit."""
        self._new = [*new, *self._new]
        for stream in self._touched:
            stream.pending.clear()
        self._touched.clear()

    def changed(self) -> list[tuple[Any, ...]]:
        """Return what a checkpoint has to write: all that is received."""
        return [(json.dumps(list(one.have)), one.doubles, one.touched, one.number) for one in self._dirty]

    @staticmethod
    def checkpoint(db: sqlite3.Connection, ranges: list[tuple[Any, ...]], position: int) -> None:
        """Keep what ``changed`` returned, in the commit under way; ``position`` is the last message's id at that time."""
        db.executemany("UPDATE streams SET have = ?, doubles = ?, touched = ? WHERE number = ?", ranges)
        db.execute("INSERT OR REPLACE INTO meta VALUES ('checkpoint', ?)", (str(position),))

    def checkpointed(self) -> None:
        """The checkpoint is committed."""
        self._dirty.clear()

    def stale(self, before: float) -> list[Stream]:
        """Return the streams that nobody has spoken in since a wall time; not the last one of an agent.

        That one an agent may go on with, however long it was away.
        """
        last = {agent: max(streams, key=lambda stream: stream.touched) for agent, streams in self._spoken()}
        spared = set(last.values())
        return [
            stream
            for stream in self._by_key.values()
            if stream.touched < before and not stream.pending and stream not in spared and stream not in self._new
        ]

    def _spoken(self) -> Iterable[tuple[tuple[str, str], list[Stream]]]:
        for agent, streams in self._by_agent.items():
            numbered = [stream for stream in streams if stream.epoch]
            if numbered:
                yield agent, numbered

    @staticmethod
    def forget(db: sqlite3.Connection, stale: Iterable[Stream], before: float) -> list[Stream]:
        """Drop those of them that have not spoken after all, in the commit under way; return them.

        Args:
            db: in the commit under way, behind its messages.
            stale: streams that no message is kept of.
            before: the wall time since which they have not spoken.
        """
        gone = [stream for stream in stale if stream.touched < before and not stream.pending]
        numbers = [(stream.number,) for stream in gone]
        db.executemany("DELETE FROM streams WHERE number = ?", numbers)
        db.executemany("DELETE FROM gaps WHERE stream = ?", numbers)
        return gone

    def forgotten(self, gone: Iterable[Stream]) -> None:
        """They are dropped; before the next commit begins."""
        for stream in gone:
            del self._by_key[stream.key]
            del self._by_number[stream.number]
            self._by_agent[stream.site, stream.agent].remove(stream)
            self._dirty.discard(stream)
