"""Commands to agents: sent, on the record, and answered in time or not at all."""

import asyncio
import logging
import secrets
from collections.abc import Callable
from typing import Any, Final, Protocol

import msgspec

from contract.clock import Clock
from contract.command import Command, Outcome, Reply, Verb
from contract.errors import CommandRefused
from contract.message import ROOT, encode
from gateway.event import Event
from gateway.live import AgentKey, Live

_log = logging.getLogger(__name__)
PATIENCE: Final = 30.0
"""Seconds until a command expires: a poll of everything may take 20."""
COMMAND: Final = "command"
REPLY: Final = "reply"
"""Kinds of events; they belong to no incident unless one sent them."""


class Recorder(Protocol):
    """The part of the journal that is needed here."""

    async def record_event(self, event: Event) -> Event:
        """Keep an event."""
        ...


class Commander:
    """Sends commands and waits for what becomes of them."""

    def __init__(
        self,
        live: Live,
        journal: Recorder,
        clock: Clock,
        send: Callable[[str, bytes], None],
        connected: Callable[[], bool],
    ) -> None:
        """Take what is known now, where it is recorded, the clock, and the way out."""
        self._live = live
        self._journal = journal
        self._clock = clock
        self._send = send
        self._connected = connected
        self._waiting: dict[str, tuple[AgentKey, asyncio.Future[Reply]]] = {}

    async def command(
        self,
        to: AgentKey,
        device: str,
        verb: Verb,
        *,
        who: str,
        output: str = "",
        seconds: float = 0.0,
        incident: str = "",
        patience: float = PATIENCE,
        number: str = "",
    ) -> Reply:
        """Send one command and return what came of it; one that nobody answers in time is expired.

        Args:
            to: site and name of the agent.
            device: its device.
            verb: what it is to do.
            who: the person who asks, or the clause that does.
            output: which output is switched.
            seconds: how long it stays on at the most.
            incident: for which it is done; on record there.
            patience: seconds until it expires.
            number: its own; the same one again is carried out once. Empty: a new one.

        Raises:
            CommandRefused: it cannot be sent, or must not be.
            StorageError: it cannot be recorded: nothing was sent.
        """
        self._check(to, device, verb)
        now = self._clock.stamp().wall
        command = Command(number or secrets.token_hex(8), device, verb.value, output, seconds, now, now + patience, who)
        said = {"site": to[0], "agent": to[1], **msgspec.to_builtins(command)}
        await self._journal.record_event(Event(at=now, incident=incident, kind=COMMAND, who=who, data=said))
        waiting: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._waiting[command.id] = to, waiting
        try:
            self._send(f"{ROOT}/{to[0]}/{to[1]}/commands", encode(command))
            async with asyncio.timeout(patience + 1.0):
                reply = await waiting
        except TimeoutError:
            text = f"nothing came back within {patience:.0f} s"
            reply = Reply(command.id, device, verb.value, Outcome.EXPIRED, text)
        finally:
            del self._waiting[command.id]
        _log.info("%s/%s/%s: %s asked by %s: %s %s", *to, device, verb.value, who, reply.outcome.value, reply.text)
        await self._journal.record_event(
            Event(at=self._clock.stamp().wall, incident=incident, kind=REPLY, who=who, data=_short(reply))
        )
        return reply

    def replied(self, site: str, agent: str, reply: Reply) -> None:
        """Take a reply; one that nobody waits for, or of another agent, is passed over."""
        to, waiting = self._waiting.get(reply.id, (None, None))
        if waiting is not None and to == (site, agent) and not waiting.done():
            waiting.set_result(reply)

    def _check(self, to: AgentKey, device: str, verb: Verb) -> None:
        if not self._connected():
            raise CommandRefused("the broker is away", hint="ask on site")
        known = [view for view in self._live.devices.values() if (view.site, view.agent) == to]
        if not known:
            raise CommandRefused(f"no agent {'/'.join(to)}", hint="wolfsmoke-gateway agents")
        if device not in {view.id for view in known if view.known}:
            names = ", ".join(sorted(view.id for view in known if view.known))
            raise CommandRefused(f"{'/'.join(to)} has no device {device!r}", hint=f"there are {names}")
        if not self._live.agent(*to).online:
            raise CommandRefused(f"{'/'.join(to)} is not heard", hint="wolfsmoke-gateway agents")
        if verb is Verb.BATTERY_TEST:
            self._check_batteries(to[0])

    def _check_batteries(self, site: str) -> None:
        """Look at the other UPSes: of all sites at those on battery, of this one also at those of which nobody knows.

        Raises:
            CommandRefused: one of them speaks against a test.
        """
        away, unknown = [], []
        for view in self._live.devices.values():
            if not view.known or view.kind != "ups":
                continue
            said = view.readings
            status, contact = said.get("ups.status"), said.get("x.contact")
            flags = status.reading.value if status is not None else None
            lost = contact is not None and contact.reading.value == 0.0
            if isinstance(flags, tuple) and "OB" in flags:
                away.append(f"{view.agent}/{view.id}")
            elif view.site == site and (flags is None or lost or not self._live.agent(view.site, view.agent).online):
                unknown.append(f"{view.agent}/{view.id}")
        if away:
            raise CommandRefused(f"on battery now: {', '.join(away)}", hint="wait until mains is back everywhere")
        if unknown:
            hint = "if it is gone for good, take it out of its agent's settings"
            raise CommandRefused(f"not known whether on battery: {', '.join(unknown)}", hint=hint)


def _short(reply: Reply) -> dict[str, Any]:
    """Return what is kept of a reply: what was read is among the readings already."""
    said: dict[str, Any] = msgspec.to_builtins(reply)
    return {key: value for key, value in said.items() if key not in ("values", "quality")}
