"""Who has what: the gateways' journals, as far as this agent must know them. Pure: acknowledgements and beats in.

With no names configured, whoever acknowledges is enough. With names, a message is settled once every named gateway has
it; one that is not heard is not waited for with live messages, but what it lacks stays on the disk for it.
"""

import logging
import math
from collections.abc import Sequence
from typing import Final

from contract.message import HEARTBEAT, Ack, Heartbeat
from contract.ranges import Ranges

_log = logging.getLogger(__name__)
PRESENT: Final = 2.5 * HEARTBEAT
"""Seconds after its last word until a gateway counts as away."""
MANY: Final = 16
"""Gateways that are told apart where none is named; more are strangers on our topic."""


class Journals:
    """The gateways of one agent."""

    def __init__(self, names: Sequence[str] = ()) -> None:
        """Take the gateways that must have everything; none: whoever acknowledges is enough."""
        self.names = tuple(names)
        self._sessions: dict[str, str] = {}
        self._ids: dict[str, str] = {}
        """Gateway → its journal."""
        self._have: dict[str, dict[str, Ranges]] = {name: {} for name in self.names}
        """Gateway → epoch → what it has of it; only where names count."""
        self._heard: dict[str, float] = {}
        """Gateway → boottime of its last word on this connection."""
        self._strangers: set[str] = set()

    def ours(self, gateway: str) -> bool:
        """Say whether what this gateway says counts; a stranger is told of once."""
        if not self.names or gateway in self.names:
            return True
        if gateway not in self._strangers and len(self._strangers) < MANY:
            self._strangers.add(gateway)
            _log.warning(
                "a gateway acknowledges that is not waited for: %r (does [agent] gateways name the right ones: %s?)",
                gateway,
                ", ".join(self.names),
            )
        return False

    def beat(self, beat: Heartbeat, now: float, *, retained: bool) -> bool:
        """Take a heartbeat; say whether its session is a new one."""
        name = beat.gateway
        if self.names and name not in self.names:
            return False
        if not beat.online:
            if not retained:
                self._heard.pop(name, None)
            return False
        if not retained:
            self._heard[name] = now
        if self.names and beat.journal and self._ids.get(name, beat.journal) != beat.journal:
            self._have[name].clear()  # the new journal has nothing of it; its first acknowledgement makes us begin anew
        if self._sessions.get(name) == beat.session:
            return False
        if len(self._sessions) >= MANY:
            self._sessions.clear()
        self._sessions[name] = beat.session
        return True

    def acknowledged(self, ack: Ack, now: float) -> tuple[bool, Ranges]:
        """Take an acknowledgement that counts.

        Returns:
            Whether its journal is another than before, and what of the epoch it did not have before, where names count.
        """
        name = ack.gateway
        known = self._ids.get(name, "")
        if len(self._ids) >= MANY:
            self._ids.clear()
        self._ids[name] = ack.journal
        self._heard[name] = now
        renewed, new = known not in ("", ack.journal), Ranges()
        if self.names:
            if renewed:
                self._have[name].clear()
            had = self.has(name, ack.epoch)
            new = Ranges(ack.have).minus(had)
            self._have[name][ack.epoch] = had.union(new)
        return renewed, new

    def settled(self, ack: Ack) -> Ranges:
        """Return what of the epoch everybody has who must have it."""
        if not self.names:
            return Ranges(ack.have)
        first, *others = (self.has(name, ack.epoch) for name in self.names)
        for other in others:
            first = first.common(other)
        return first

    def has(self, name: str, epoch: str) -> Ranges:
        """Return what of an epoch a named gateway has; of one that is not named it is not kept: nothing."""
        return self._have.get(name, {}).get(epoch, Ranges())

    def somebody(self, key: tuple[str, int]) -> bool:
        """Say whether any named gateway has a message."""
        epoch, seq = key
        return any(seq in have.get(epoch, ()) for have in self._have.values())

    def awaited(self, now: float) -> tuple[str, ...]:
        """Return the named gateways that are there; all of them if none is."""
        there = tuple(name for name in self.names if now - self._heard.get(name, -math.inf) <= PRESENT)
        return there or self.names

    def forget(self, epoch: str) -> None:
        """Forget an epoch of which nothing is held."""
        for have in self._have.values():
            have.pop(epoch, None)

    def cut(self) -> None:
        """Take the end of a connection: who is there shows on the next one."""
        self._heard.clear()
