"""What the journal keeps, and how it lies on disk."""

import asyncio
from typing import Final

import msgspec

from contract.message import Topic

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT, site TEXT NOT NULL, agent TEXT NOT NULL, topic TEXT NOT NULL,
    epoch TEXT NOT NULL, seq INTEGER NOT NULL, received REAL NOT NULL, body BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS rare ON messages (id) WHERE topic <> 'readings';
CREATE TABLE IF NOT EXISTS streams (
    site TEXT, agent TEXT, epoch TEXT, have TEXT NOT NULL, lost TEXT NOT NULL, voided TEXT NOT NULL,
    PRIMARY KEY (site, agent, epoch)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS cursors (reader TEXT PRIMARY KEY, position INTEGER NOT NULL, notes TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS aside (
    reader TEXT, message INTEGER, reason TEXT NOT NULL, final INTEGER NOT NULL,
    PRIMARY KEY (reader, message)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS events (
    id INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, incident TEXT NOT NULL, kind TEXT NOT NULL,
    who TEXT NOT NULL, text TEXT NOT NULL, data TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS timeline ON events (incident, id);
"""

Stream = tuple[str, str, str]
"""Site, agent, epoch."""


class Incoming(msgspec.Struct, frozen=True):
    """A message that arrived. ``seq`` is 0 for one without a number; ``received`` is the gateway's wall clock."""

    site: str
    agent: str
    topic: Topic
    body: bytes
    received: float
    epoch: str = ""
    seq: int = 0


class Stored(msgspec.Struct, frozen=True):
    """A message in the journal. Ids rise; they are never used again."""

    id: int
    site: str
    agent: str
    topic: Topic
    received: float
    body: bytes
    epoch: str = ""
    seq: int = 0


class Aside(msgspec.Struct, frozen=True):
    """A message that a reader has put aside; ``final`` when it will not be tried again."""

    message: int
    reason: str
    final: bool


class Growth:
    """Tells of new messages while it is held."""

    def __init__(self, registry: set[asyncio.Event]) -> None:
        """Take where to register."""
        self._registry = registry
        self._event = asyncio.Event()

    def __enter__(self) -> asyncio.Event:
        self._registry.add(self._event)
        return self._event

    def __exit__(self, *_: object) -> None:
        self._registry.discard(self._event)
