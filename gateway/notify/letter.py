"""What goes through the stages, and the ports between them."""

import secrets
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import msgspec

from gateway.contacts import Person
from gateway.ports import Outcome


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """One message to one person; from the route on, to one address by one channel."""

    id: str
    """The message's own number: the same in every try."""
    code: str
    purpose: str
    person: Person
    subject: str
    body: str
    facts: dict[str, Any] = {}
    """The same for machines."""
    again: bool = False
    """Its outcome was not known: sent once more, marked 重发 (``resent``)."""
    channel: str = ""
    """``email``, or ``webhook:<name>``."""
    address: str = ""

    def resent(self) -> "Letter":
        """Return it marked as sent once more: the person may have it already."""
        if self.again:
            return self
        mark = "(sent again) " if self.person.language == "en" else "【重发】"
        return msgspec.structs.replace(
            self,
            again=True,
            subject=mark + self.subject,
            body=f"{mark}\n{self.body}",
            facts={**self.facts, "again": True},
        )


def outside(person: Person, channel: str, address: str, *, purpose: str, subject: str, body: str) -> Letter:
    """Return a letter of no incident, to one address by one channel."""
    return Letter(
        id=secrets.token_hex(8),
        code="",
        purpose=purpose,
        person=person,
        subject=subject,
        body=body,
        facts={"purpose": purpose},
        channel=channel,
        address=address,
    )


Report = Callable[[Outcome], Awaitable[None]]
Onward = Callable[[Letter], Awaitable[Outcome]]


class Stage(Protocol):
    """One station on the way of a letter."""

    async def __call__(self, letter: Letter, onward: Onward, report: Report) -> Outcome:
        """Return what became of it; ``onward`` is the rest of the way, ``report`` writes a try into the timeline."""
        ...


class Channel(Protocol):
    """A way to a person."""

    async def send(self, letter: Letter) -> str:
        """Hand the letter to the server; return its answer.

        Raises:
            NotifyAway: try again.
            NotifyUnknown: it was handed over, and what became of it is not known.
            NotifyRefused: it will never take it.
        """
        ...
