"""What the journal takes and gives: messages, and what readers put aside."""

import asyncio

import msgspec

from contract.message import Topic
from contract.ranges import Ranges

StreamKey = tuple[str, str, str]
"""Site, agent, epoch; the epoch is empty for messages without a number."""


class Incoming(msgspec.Struct, frozen=True, gc=False):
    """A message that arrived. ``seq`` is 0 for one without a number; ``received`` is the gateway's wall clock."""

    site: str
    agent: str
    topic: Topic
    body: bytes
    received: float
    epoch: str = ""
    seq: int = 0
    first: int = 0
    """The lowest number that it stands for, where the agent has thinned out; 0: its own."""


class Stored(msgspec.Struct, frozen=True, gc=False):
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


class Gap(msgspec.Struct, frozen=True):
    """Numbers of an epoch that will never come."""

    epoch: str
    numbers: Ranges
    """Empty for ``unsure``."""
    kind: str
    """``lost``, ``thinned``, ``elsewhere`` (in another journal), or ``unsure``: an end that nobody can number."""
    reason: str
    """A sentence."""


class Size(msgspec.Struct, frozen=True):
    """How big the journal's file is, in bytes."""

    used: int
    free: int
    """Pages in it that hold nothing: they are used first."""


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
