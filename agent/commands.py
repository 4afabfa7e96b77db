"""Commands of the gateway: carried out once, in time, and answered.

Nothing is kept on disk: a command that an agent's end interrupts is answered by nobody, and the gateway says so.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from agent.drivers.base import Lane
from contract.clock import Clock
from contract.command import Command, Outcome, Reply, Verb
from contract.errors import CommandRefused, DeviceError
from contract.message import Readings
from contract.reading import Reading

_log = logging.getLogger(__name__)
_AT_ONCE = 16
"""Commands under way at the same time; more are refused."""
_REMEMBERED = 256
"""Answers that are given again when the same command comes again."""


class Obeying(Protocol):
    """A device that can be told; see ``agent.polling.Poller``."""

    async def poll_once(self, lane: Lane) -> Sequence[Reading]:
        """Read it now."""
        ...

    async def act(self, verb: Verb, output: str, seconds: float) -> str:
        """Let it do something."""
        ...


Forbids = Callable[[Command], str]
"""Says why a command must not be carried out now; empty: nothing speaks against it."""


Tried = Callable[[Command, bool], None]
"""Hears that a command was tried, or, False, that its device refused it."""


class Commands:
    """Takes commands and answers them."""

    def __init__(
        self,
        clock: Clock,
        gateway_now: Callable[[], float | None],
        devices: Mapping[str, Obeying],
        answer: Callable[[Reply], None],
        forbids: Forbids = lambda _command: "",
        tried: Tried = lambda _command, _tried: None,
    ) -> None:
        """Take who obeys and who hears the answers. Nothing starts here.

        Args:
            clock: of this host, for the stamps.
            gateway_now: the gateway's wall time; None while it is not known.
            devices: id → who carries it out.
            answer: takes each reply; it must not wait.
            forbids: a last look at what must not be done.
            tried: hears what became of one that ``forbids`` let pass.
        """
        self._clock = clock
        self._gateway_now = gateway_now
        self._devices = devices
        self._answer = answer
        self._forbids = forbids
        self._tried = tried
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._answered: OrderedDict[str, Reply] = OrderedDict()

    def take(self, command: Command) -> None:
        """Begin to carry out a command; one that came before is answered as it was then."""
        if not command.id:
            return  # nobody could be answered
        if command.id in self._answered:
            self._answer(self._answered[command.id])
        elif command.id not in self._tasks:
            if len(self._tasks) >= _AT_ONCE:
                self._say(command, Outcome.REFUSED, f"{_AT_ONCE} commands are under way: try again")
                return
            task = self._tasks[command.id] = asyncio.create_task(self._carry_out(command))
            task.add_done_callback(lambda _task: self._tasks.pop(command.id))

    async def close(self) -> None:
        """Give up what is under way."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _carry_out(self, command: Command) -> None:
        now = self._gateway_now()
        if now is None:
            self._say(command, Outcome.REFUSED, "the gateway's clock is not known here yet: try again in a moment")
        elif now > command.expires:
            self._say(command, Outcome.EXPIRED, f"it came {now - command.expires:.0f} s after its time")
        else:
            try:
                await self._do(command)
            except CommandRefused as error:
                self._say(command, Outcome.REFUSED, str(error))
            except DeviceError as error:
                self._say(command, Outcome.FAILED, str(error))

    async def _do(self, command: Command) -> None:
        device = self._devices.get(command.device)
        if device is None:
            raise CommandRefused(f"no device {command.device!r} here")
        try:
            verb = Verb(command.verb)
        except ValueError:
            raise CommandRefused(f"{command.verb!r} is not known here (is the agent older?)") from None
        if reason := self._forbids(command):
            raise CommandRefused(reason, where=command.device)
        if verb is Verb.READ:
            readings = await device.poll_once(Lane.ALL)
            contact = any(reading.quantity == "x.contact" and reading.value == 1.0 for reading in readings)
            outcome = Outcome.DONE if contact else Outcome.FAILED
            self._say(command, outcome, "" if contact else "it does not answer", readings)
        else:
            _log.warning("%s: %s %s, asked for by %s", command.device, verb.value, command.output, command.who or "?")
            tried = True
            try:
                said = await device.act(verb, command.output, command.seconds)
            except CommandRefused:
                tried = False
                raise
            finally:
                self._tried(command, tried)
            self._say(command, Outcome.DONE, said)

    def _say(self, command: Command, outcome: Outcome, text: str, readings: Sequence[Reading] = ()) -> None:
        at = self._clock.stamp()
        said = Readings.of(command.device, at, readings)
        reply = Reply(command.id, command.device, command.verb, outcome, text, at, said.values, said.quality)
        if outcome is not Outcome.DONE:
            _log.warning("%s: %s: %s: %s", command.device, command.verb, outcome.value, text)
        self._answered[command.id] = reply
        while len(self._answered) > _REMEMBERED:
            self._answered.popitem(last=False)
        self._answer(reply)
