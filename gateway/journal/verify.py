"""``wolfsmoke-gateway journal verify``: what a journal has received, and what of it is stored, waits, or is missing.

Read-only, from one moment's view of the file, whether or not a gateway writes to it. While agents are sending, numbers
that came out of turn may be missing for some seconds.
"""

import sqlite3
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import msgspec

from contract.errors import MessageError, StorageError
from contract.message import Hello, Topic, decode
from contract.ranges import Ranges
from gateway.journal.file import KINDS, connect_to_read
from gateway.journal.record import StreamKey
from gateway.journal.streams import Stream, Streams

STORE: Final = "store"
"""The reader whose cursor says what is stored."""
SILENT: Final = 86_400.0
"""Seconds without a word from an agent after which what it holds counts as missing."""
HARMLESS: Final = frozenset({"elsewhere"})
"""Kinds of gaps that are no loss: another journal has them."""

Spans = tuple[tuple[int, int], ...]


class NamedGap(msgspec.Struct, frozen=True):
    """Numbers that never came, or came and were never stored, and why."""

    kind: str
    """``lost``, ``thinned``, ``elsewhere``, ``unsure`` (an end without a number), ``dropped`` or ``refused``."""
    reason: str
    count: int
    numbers: Spans
    """Empty for ``unsure``."""


class AsideCount(msgspec.Struct, frozen=True):
    """What a reader has set aside of a stream, by reason."""

    reader: str
    reason: str
    final: bool
    count: int


class StreamReport(msgspec.Struct, frozen=True):
    """One epoch of an agent. All but ``missing``, ``held`` and ``gaps`` counts messages that were received."""

    site: str
    agent: str
    epoch: str
    received: Spans
    count: int
    """How many numbers were received."""
    kept: int
    """How many messages are in the journal still."""
    stored: int | None
    """How many the store has; None where the journal knows of no store. Alarms count once it has passed them."""
    waiting: int
    """How many it has not come to yet."""
    aside: tuple[AsideCount, ...]
    duplicates: int
    """How often a number came again."""
    missing: Spans
    """What was given out, has not come, and nobody has named."""
    held: Spans
    """What the agent's last hello said it holds: it is on its way."""
    gaps: tuple[NamedGap, ...]
    since: float = 0.0
    """Wall time of that hello."""
    silent: float = 0.0
    """Seconds since the agent was last heard, where that is so long that what it holds counts as missing; else 0."""

    @property
    def refused(self) -> int:
        """How many readings the store has refused for good, whether or not the journal still has them."""
        kept = sum(one.count for one in self.aside if one.reader == STORE and one.final)
        return kept + sum(gap.count for gap in self.gaps if gap.kind == "refused")

    @property
    def complete(self) -> bool:
        """Whether nothing is missing, lost, or refused by the store for good."""
        if self.missing or (self.held and self.silent):
            return False
        return not self.refused and all(gap.kind in HARMLESS for gap in self.gaps)


class Report(msgspec.Struct, frozen=True):
    """All of a journal."""

    journal: str
    """Its id."""
    file: str
    messages: int
    position: int
    """The id of the last message."""
    cursors: dict[str, int]
    streams: tuple[StreamReport, ...]
    aside_unknown: int
    """How many are set aside of which no message is kept any more."""
    faults: tuple[str, ...]
    """What does not fit together."""

    @property
    def complete(self) -> bool:
        """Whether nothing is missing, lost or contradictory."""
        return not self.faults and all(stream.complete for stream in self.streams)


class _Holds(msgspec.Struct, frozen=True):
    """What the last hello of an agent said that it holds of one epoch."""

    numbers: Ranges
    since: float
    silent: float


class _Kept(msgspec.Struct):
    """What the rows say of one stream."""

    numbers: Ranges
    covered: Ranges
    """The same, with what thinned messages stand for."""
    waiting: int = 0
    rows: int = 0
    twice: int = 0


_NOTHING: Final = _Holds(Ranges(), 0.0, 0.0)


def verify(path: Path, *, wall: float = 0.0) -> Report:
    """Return what a journal's file says.

    Args:
        path: the file.
        wall: the time now; 0: it is not looked at how long an agent was silent.

    Raises:
        StorageError: it cannot be read.
    """
    if not path.exists():
        raise StorageError(
            "there is no journal", where=str(path), hint="name it with --file, or the settings with --config"
        )
    try:
        db = connect_to_read(path)
        try:
            db.execute("BEGIN")  # one moment's view
            return _report(db, path, wall)
        finally:
            db.close()
    except (sqlite3.Error, ValueError, LookupError, TypeError) as error:
        hint = "a damaged journal is rescued when the gateway starts"
        raise StorageError(f"the journal cannot be read: {error}", where=str(path), hint=hint) from None


def _report(db: sqlite3.Connection, path: Path, wall: float) -> Report:
    meta = dict(db.execute("SELECT name, value FROM meta"))
    checkpoint = int(meta.get("checkpoint", 0))
    streams = Streams()
    streams.load(db, checkpoint)
    cursors = dict(db.execute("SELECT reader, position FROM cursors"))
    kept = _kept(db, cursors.get(STORE))
    (last,) = db.execute("SELECT coalesce(max(id), 0) FROM messages").fetchone()
    position = max(last, checkpoint)
    rows = sum(one.rows for one in kept.values())
    aside, unknown = _aside(db)
    gaps = _gaps(db)
    held = _held(db, streams, wall)
    found = [
        _stream(stream, kept.get(stream.number, _Kept(Ranges(), Ranges())), aside.get(stream.number, ()),
                gaps.get(stream.number, ()), held.get(stream.key, _NOTHING), store=STORE in cursors)
        for stream in streams.all()
        if stream.epoch and (stream.spoken or stream.number in gaps)
    ]  # fmt: skip
    return Report(
        journal=meta.get("journal", ""),
        file=str(path),
        messages=rows,
        position=position,
        cursors=cursors,
        streams=tuple(sorted(found, key=lambda one: (one.site, one.agent, one.epoch))),
        aside_unknown=unknown,
        faults=tuple(_faults(streams, kept, cursors, position, whole=rows == position)),
    )


def _kept(db: sqlite3.Connection, stored: int | None) -> dict[int, _Kept]:
    """Look at every row once: stream → what its rows say."""
    found: dict[int, _Kept] = {}
    behind = -1 if stored is None else stored
    for stream, number, first, seq in db.execute("SELECT stream, id, first, seq FROM messages ORDER BY id"):
        one = found.get(stream)
        if one is None:
            one = found[stream] = _Kept(Ranges(), Ranges())
        one.rows += 1
        if seq:
            one.waiting += number > behind >= 0
            one.twice += not one.numbers.add(seq)
            if first == seq:
                one.covered.add(seq)
            else:
                one.covered.add_range(first, seq)
    return found


def _aside(db: sqlite3.Connection) -> tuple[dict[int, tuple[AsideCount, ...]], int]:
    """Return stream → what is set aside of it, and of how many that is not known any more."""
    query = (
        "SELECT stream, reader, reason, final, count(*) FROM aside LEFT JOIN messages ON id = message "
        "GROUP BY stream, reader, reason, final ORDER BY stream, count(*) DESC"
    )
    found: dict[int, list[AsideCount]] = {}
    unknown = 0
    for stream, reader, reason, final, count in db.execute(query):
        if stream is None:
            unknown += count
        else:
            found.setdefault(stream, []).append(AsideCount(reader, reason, bool(final), count))
    return {stream: tuple(counts) for stream, counts in found.items()}, unknown


def _gaps(db: sqlite3.Connection) -> dict[int, list[tuple[str, str, Ranges]]]:
    """Return stream → kind, reason and numbers of what is named."""
    found: dict[int, dict[tuple[str, str], list[tuple[int, int]]]] = {}
    for stream, first, last, kind, reason in db.execute(
        "SELECT stream, first, last, kind, reason FROM gaps ORDER BY at"
    ):
        found.setdefault(stream, {}).setdefault((kind, reason), []).append((first, last))
    return {
        stream: [(kind, reason, Ranges(span for span in spans if span[1])) for (kind, reason), spans in named.items()]
        for stream, named in found.items()
    }


def _held(db: sqlite3.Connection, streams: Streams, wall: float) -> dict[StreamKey, _Holds]:
    """Return what the last hello of each agent said that it holds, and how long the agent has been silent since."""
    query = "SELECT stream, body, received, max(id) FROM messages WHERE kind <> 0 AND kind = ? GROUP BY stream"
    heard: dict[tuple[str, str], float] = {}
    for stream in streams.all():
        agent = (stream.site, stream.agent)
        heard[agent] = max(heard.get(agent, 0.0), stream.touched)
    found: dict[StreamKey, _Holds] = {}
    for number, body, received, _ in db.execute(query, (KINDS.index(Topic.HELLO),)):
        stream = streams.numbered(number)
        silent = wall - max(received, heard.get((stream.site, stream.agent), 0.0))
        with suppress(MessageError):
            for held in decode(Hello, bytes(body)).held:
                key = (stream.site, stream.agent, held.epoch)
                found[key] = _Holds(Ranges(held.spans), received, silent if silent > SILENT else 0.0)
    return found


def _stream(
    stream: Stream,
    kept: _Kept,
    aside: Iterable[AsideCount],
    named: Iterable[tuple[str, str, Ranges]],
    held: _Holds,
    *,
    store: bool,
) -> StreamReport:
    gaps: list[NamedGap] = []
    dropped = thinned = 0
    have = stream.have
    missing = Ranges([(1, max(stream.spoken, held.numbers.highest))]).minus(have)
    for kind, reason, numbers in named:
        received = kind in {"dropped", "refused"}
        left = numbers if received or kind == "thinned" else numbers.minus(have)  # what came after all is no gap
        if left or kind == "unsure":
            gaps.append(NamedGap(kind, reason, left.count(), tuple(left)))
        missing = missing.minus(left)
        dropped += left.count() if received else 0
        thinned += left.count() if kind == "thinned" else 0
    coming = missing.common(held.numbers)
    never = sum(one.count for one in aside if one.reader == STORE)
    return StreamReport(
        site=stream.site,
        agent=stream.agent,
        epoch=stream.epoch,
        received=tuple(have),
        count=have.count() - thinned,
        kept=kept.rows,
        stored=max(0, have.count() - thinned - kept.waiting - never - dropped) if store else None,
        waiting=kept.waiting,
        aside=tuple(aside),
        duplicates=stream.doubles,
        missing=tuple(missing.minus(coming)),
        held=tuple(coming),
        gaps=tuple(gaps),
        since=held.since,
        silent=held.silent,
    )


def _faults(
    streams: Streams, kept: dict[int, _Kept], cursors: dict[str, int], position: int, *, whole: bool
) -> Iterable[str]:
    """Yield what does not fit together.

    Args:
        streams: what was received, as the journal knows it.
        kept: what its rows say.
        cursors: of the readers.
        position: of the last message.
        whole: whether no message was ever dropped.
    """
    known: set[Any] = {stream.number for stream in streams.all()}
    for reader, at in cursors.items():
        if at > position:
            yield f"the reader {reader} stands at {at}, behind the last message {position}"
    for number, one in kept.items():
        if number not in known:
            yield f"{one.rows} messages are of a stream {number} that is not known"
            continue
        stream = streams.numbered(number)
        name = "/".join(stream.key)
        if one.twice:
            yield f"{name}: {one.twice} numbers are there twice"
        more = one.covered.minus(stream.have)
        if more:
            yield f"{name}: {more.count()} messages are there that count as not received: {list(more)[:5]}"
        less = stream.have.minus(one.covered)
        if whole and less:
            yield f"{name}: {less.count()} messages count as received and are not there: {list(less)[:5]}"
    for stream in streams.all():
        if whole and stream.have and stream.number not in kept:
            yield f"{'/'.join(stream.key)}: {stream.have.count()} messages count as received and are not there"
