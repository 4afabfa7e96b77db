"""What a way is: how a device is asked. Its table in the settings, its URL, and the driver that they lead to.

A way's module imports no protocol library before a driver is made: settings are checked without them.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Protocol, runtime_checkable
from urllib.parse import SplitResult

import msgspec

from agent.clock import SystemClock
from agent.drivers.base import Driver
from agent.neighbours import Neighbours, Nobody
from contract.clock import Clock


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """What a driver may know of its device, and of the agent around it."""

    kind: str
    """Of ``agent/kinds``."""
    device: str = ""
    """Its id; empty where it is read from the command line."""
    profile: str = ""
    """Of the tables that its way knows; empty: the device is asked what it is."""
    neighbours: Neighbours = Nobody()
    clock: Clock = msgspec.field(default_factory=SystemClock)
    """The agent's, which may know the gateway's time."""
    state: Path | None = None
    """The folder for what must be remembered (``agent.memo``); None: nothing is."""


class Way(Protocol):
    """One way: a table in the settings (a ``msgspec.Struct``, with ``faults`` as ``contract.settings`` wants them)."""

    KINDS: ClassVar[tuple[str, ...]]
    """What may be asked in this way; the first is meant where the settings say nothing."""
    EXAMPLE: ClassVar[str]
    """A URL, for hints. Empty: it has none."""

    @classmethod
    def profiles(cls, kind: str) -> Sequence[str]:
        """Return the names of its tables for devices of a kind; none for a way that has no tables."""
        ...

    @classmethod
    def from_url(cls, parts: SplitResult) -> "Way":
        """Return the settings that a URL stands for; see ``agent.ways.url`` for what helps.

        Raises:
            UsageError: the URL is wrong.
        """
        ...

    def driver(self, context: Context) -> Driver:
        """Return the driver; it connects at its first read."""
        ...


@runtime_checkable
class Tabled(Protocol):
    """A way whose devices cannot say what they are: a profile must be named, and says the kind."""

    @classmethod
    def kind_of(cls, profile: str) -> str:
        """Return the kind of what a profile is for; empty for a profile that there is not."""
        ...


def meant(way: type[Way], profile: str) -> str:
    """Return the kind of a device whose settings name none: that of its profile, else the first of its way."""
    if issubclass(way, Tabled):
        return way.kind_of(profile) or way.KINDS[0]
    named = (kind for kind in way.KINDS if profile and profile in way.profiles(kind))
    return next(named, way.KINDS[0])
