"""Carries out what clauses want done outside: tells receivers, switches outputs on and off.

What is to be done is in ``gateway.plan.outward``. An act is in the journal before it begins. After a restart, a receiver hears
once more at the most, marked ``again``; a command is sent again under its own number, which its agent carries out once.
"""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, Final, Protocol

import msgspec

from contract.clock import Clock, Stamp
from contract.command import Outcome, Reply, Verb
from contract.errors import CommandRefused, NotifyAway, NotifyRefused, NotifyUnknown, StorageError
from gateway.incident import Incident
from gateway.outward.notices import notice
from gateway.plan.model import Clause, Plan
from gateway.plan.outward import Act, Due, Kind, acts, due
from gateway.plan.outward_model import Output

_log = logging.getLogger(__name__)
PAUSES: Final = (1.0, 4.0, 30.0, 120.0)
"""Seconds before each further try of a receiver."""
NEXT: Final = 5.0
"""Seconds between two tries of a command, and until the disk is tried again."""
PATIENCE: Final = 10.0
"""Seconds that an agent has for a command."""
MOST: Final = 30.0
"""Seconds that one try of a receiver may take."""


class Desk(Protocol):
    """The part of the incidents that is needed here."""

    @property
    def plan(self) -> Plan:
        """The plan."""
        ...

    def list(self) -> tuple[Incident, ...]:
        """Return all incidents."""
        ...

    def get(self, code: str) -> Incident:
        """Return one."""
        ...

    async def keep(self, code: str, kind: str, who: str, text: str, data: Mapping[str, object]) -> None:
        """Keep an event."""
        ...


class Receiver(Protocol):
    """A webhook."""

    async def post(self, said: Mapping[str, Any]) -> str:
        """Send a signed message; return the answer.

        Raises:
            NotifyAway: try again.
            NotifyUnknown: what became of it is not known.
            NotifyRefused: it will never take it.
        """
        ...


class Orders(Protocol):
    """The part of the commander that is needed here."""

    async def command(
        self,
        to: tuple[str, str],
        device: str,
        verb: Verb,
        *,
        who: str,
        output: str = "",
        seconds: float = 0.0,
        patience: float = PATIENCE,
        number: str = "",
    ) -> Reply:
        """Send a command; return what came of it."""
        ...


class Doing:
    """All that is under way outside."""

    def __init__(
        self,
        desk: Desk,
        receivers: Mapping[str, Receiver],
        orders: Orders,
        clock: Clock,
        *,
        gateway: str,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Take the incidents, the receivers by name, who commands agents, the clock, our name, and what waits."""
        self._desk = desk
        self._receivers = receivers
        self._orders = orders
        self._clock = clock
        self._gateway = gateway
        self._sleep = sleep
        self._under_way: dict[tuple[str, str], asyncio.Task[None]] = {}
        """Code and key → the task."""
        self._dirty: dict[str, None] = {}
        self._wake = asyncio.Event()

    def changed(self, incident: Incident) -> None:
        """Note that an incident changed."""
        self._dirty[incident.code] = None
        self._wake.set()

    async def run(self) -> None:
        """Do what is wanted, until cancelled."""
        self._dirty.update(dict.fromkeys(one.code for one in self._desk.list()))
        try:
            while True:
                self._wake.clear()
                self.begin()
                await self._wake.wait()
        finally:
            await self.stop()

    def begin(self) -> None:
        """Begin what is wanted of the incidents that changed, and is not under way."""
        for code in list(self._dirty):
            del self._dirty[code]
            incident = self._desk.get(code)
            clause = self._desk.plan.find(incident.clause)
            for one in due(incident, clause, self._now()) if clause else ():
                if (code, one.key) not in self._under_way:
                    task = asyncio.get_running_loop().create_task(self._do(code, one))
                    self._under_way[code, one.key] = task
                    task.add_done_callback(partial(self._ended, (code, one.key)))

    def _ended(self, at: tuple[str, str], _task: asyncio.Task[None]) -> None:
        self._under_way.pop(at, None)

    async def settled(self) -> None:
        """Wait until nothing is under way."""
        while self._under_way:
            await asyncio.wait(self._under_way.values())

    async def stop(self) -> None:
        """Leave what is under way to the next start."""
        tasks = list(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _do(self, code: str, one: Due) -> None:
        act = await self._start(code, one)
        if act is None:
            return
        if one.kind is Kind.WEBHOOK:
            done, text = await self._tell(code, one, act)
        else:
            done, text = await self._switch(code, one, act)
        kind = "outward-done" if done else "outward-failed"
        if not done:
            _log.warning("incident %s: %s: %s", code, one.key, text)
        await self._persist(code, kind, text, {"key": one.key})

    async def _start(self, code: str, one: Due) -> Act | None:
        """Keep that it begins; None where it must not: what it was is done, or was cut short twice."""
        incident = self._desk.get(code)
        before = acts(incident).get(one.key)
        if before is not None and before.over:
            return None
        if before is not None and one.kind is not Kind.WEBHOOK:
            return before  # under its own number it is carried out once
        if before is not None and before.again:
            await self._persist(code, "outward-failed", "cut short twice: its outcome is not known", {"key": one.key})
            return None
        number = before.id if before else secrets.token_hex(8)
        data = {
            "key": one.key,
            "id": number,
            "kind": one.kind.value,
            "on": one.on,
            **({"again": True} if before else {}),
        }
        await self._persist(code, "outward", _named(one), data)
        return acts(self._desk.get(code))[one.key]

    # Receivers

    async def _tell(self, code: str, one: Due, act: Act) -> tuple[bool, str]:
        incident, clause = self._of(code)
        hook = clause.webhook[one.index]
        receiver = self._receivers.get(hook.name)
        if receiver is None:
            return False, f"the gateway has no webhook {hook.name!r}"
        said = notice(incident, self._desk.plan, gateway=self._gateway, now=self._now())
        body = {"id": act.id, "on": one.on, "again": act.again, **msgspec.to_builtins(said)}
        text = ""
        for pause in (*PAUSES, None):
            try:
                async with asyncio.timeout(MOST):
                    return True, await receiver.post(body)
            except (TimeoutError, NotifyUnknown) as error:
                text = str(error) or f"not done within {MOST:g} s"
                if body["again"]:
                    return False, text
                body["again"] = True
            except NotifyAway as error:
                text = str(error)
            except NotifyRefused as error:
                return False, str(error)
            if pause is not None:
                await self._sleep(pause)
        return False, text

    # Outputs

    async def _switch(self, code: str, one: Due, act: Act) -> tuple[bool, str]:
        """Try until it is done, nobody wants it any more, or its time is over."""
        incident, clause = self._of(code)
        output = clause.output[one.index]
        number, text, tries = act.id, "", 0
        while True:
            now = self._now()
            wanted = next((each for each in due(self._desk.get(code), clause, now) if each.key == one.key), None)
            if wanted is None:
                return False, text or "it was not wanted any more before it was done"
            left = wanted.until - now
            try:
                reply = await self._order(incident, clause, output, one.kind, number, left)
            except (CommandRefused, StorageError) as error:
                text = str(error)
            else:
                text = reply.text
                if reply.outcome is Outcome.DONE:
                    return True, text
                if reply.at != Stamp():  # the agent would answer the same number so for ever
                    tries += 1
                    number = f"{act.id}-{tries}"
            await self._sleep(min(NEXT, max(left, 0.0)))

    async def _order(
        self, incident: Incident, clause: Clause, output: Output, kind: Kind, number: str, left: float
    ) -> Reply:
        return await self._orders.command(
            (output.site or incident.source.site, output.agent),
            output.device,
            Verb.ON if kind is Kind.ON else Verb.OFF,
            who=f"{incident.code} {clause.clause}",
            output=output.output,
            seconds=left if kind is Kind.ON else 0.0,
            patience=PATIENCE,
            number=number,
        )

    def _of(self, code: str) -> tuple[Incident, Clause]:
        incident = self._desk.get(code)
        clause = self._desk.plan.find(incident.clause)
        assert clause is not None  # noqa: S101 - nothing is due without one
        return incident, clause

    async def _persist(self, code: str, kind: str, text: str, data: Mapping[str, object]) -> None:
        """Keep an event, as soon as the disk takes it."""
        while True:
            try:
                await self._desk.keep(code, kind, "", text, data)
            except StorageError as error:
                _log.error("%s of %s is not on record: %s", kind, code, error)
                await self._sleep(NEXT)
            else:
                return

    def _now(self) -> float:
        return self._clock.stamp().wall


def _named(one: Due) -> str:
    """Return an act for the timeline: without the number of the event that is its reason."""
    kind, name, *rest = one.key.split(":")
    return " ".join([kind, name, *rest[1:]])
