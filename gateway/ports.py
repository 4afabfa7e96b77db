"""What the incidents need of the other rooms, as ports: the journal, the live picture, the notifier."""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from typing import Protocol

import msgspec

from contract.alarm import Standing
from contract.condition import Condition
from gateway.contacts import Person
from gateway.event import Event
from gateway.incident import Incident, Mail, Source
from gateway.plan.decide import Latest
from gateway.plan.dependencies import Key
from gateway.plan.model import Clause


class Keeper(Protocol):
    """The part of the journal that is needed here."""

    async def record_event(self, event: Event) -> Event:
        """Keep an event; return it with its id."""
        ...

    async def events(self, incident: str | None = None) -> Iterable[Event]:
        """Return the events kept, the oldest first."""
        ...


class Facts(Protocol):
    """The part of the live picture that is needed here."""

    def latest(self, source: Source, quantity: str) -> Latest | None:
        """Return the last reading of a quantity."""
        ...

    def conditions(self, source: Source) -> Mapping[str, Condition]:
        """Return the conditions of a device, by name."""
        ...

    def named(self, device: str) -> Collection[Key]:
        """Return all devices of an id, of whatever agent."""
        ...

    def kind(self, key: Key) -> str:
        """Return the kind of a device; empty where it is not known."""
        ...


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one try to tell a person."""

    channel: str
    accepted: bool
    text: str = ""
    """The server's answer, or why it failed."""
    last: bool = False
    """Nothing is left to try."""
    unknown: bool = False
    """It was handed over, and may have come to the person all the same."""


class Teller(Protocol):
    """Sends one message to one person by the channels they have."""

    async def tell(
        self,
        incident: Incident,
        clause: Clause,
        mail: Mail,
        person: Person,
        *,
        again: bool,
        report: Callable[[Outcome], Awaitable[None]],
    ) -> None:
        """Send; report each outcome as it comes; the last one is accepted, or says that nothing is left."""
        ...


OnStanding = Callable[[str, str, Standing], None]
"""Called with occurrence id, agent, and how far it came."""
OnChange = Callable[[Incident], None]
