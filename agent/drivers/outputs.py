"""A driver around another: switches the outputs that the settings name, and off again in time.

Every switching is read back. One that is on has its end from the moment that it was tried: it is switched off then, again
and again until it is read back as off, whether or not anybody can be told. At the first read, what may have been left on
by an agent that was killed is switched off in the same way.
"""

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, Protocol

from agent import outputs
from agent.drivers.base import Driver, Identity, Lane, obey, verbs
from agent.outputs import Output
from contract.clock import Clock
from contract.command import Verb
from contract.errors import CommandRefused, DeviceError, DeviceRefused
from contract.reading import Reading, judged

_log = logging.getLogger(__name__)
Sleep = Callable[[float], Awaitable[None]]

LOOK: Final = 0.25
"""Seconds between two looks at the clock while something is on: the loop's own clock stands while the host sleeps."""
AGAIN: Final = 1.0
"""Seconds between two tries to switch off."""
TRY: Final = 5.0
"""Seconds that one may take: the bus may be busy with others."""
SWITCHES: Final = frozenset({Verb.ON, Verb.OFF})


class Switch(Protocol):
    """What is needed of a link; see ``agent.links.modbus.ModbusLink``."""

    async def switch(self, address: int, *, on: bool) -> None:
        """Switch one coil; raises DeviceError."""
        ...

    async def read(self, function: int, address: int, count: int) -> Sequence[int]:
        """Return bits; raises DeviceError."""
        ...

    async def close(self) -> None:
        """Let go of it."""
        ...


class OutputsDriver:
    """Reads what another driver reads, and switches."""

    def __init__(
        self,
        driver: Driver,
        link: Switch,
        allowed: Sequence[Output],
        coils: Mapping[int, int],
        clock: Clock,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        """Remember what may be switched. Nothing starts here.

        Args:
            driver: who reads.
            link: to the device.
            allowed: the outputs that the settings name.
            coils: number of an output → address of its coil.
            clock: of this host.
            sleep: waits for some seconds.
        """
        self._driver = driver
        self._link = link
        self._allowed = tuple(allowed)
        self._coils = coils
        self._clock = clock
        self._sleep = sleep
        self._until: dict[str, float] = {}
        """Output → boottime from which on it must be off; it stays here until it was read back as off."""
        self._known: dict[str, bool] = {}
        """As they were last read back."""
        self._keeper: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()
        """One output is switched at a time, with its reading back."""
        self._begun = False
        self._told: set[str] = set()
        """Outputs whose trouble was logged."""

    @property
    def identity(self) -> Identity:
        """See ``Driver.identity``."""
        return self._driver.identity

    @property
    def verbs(self) -> frozenset[Verb]:
        """See ``Actor.verbs``."""
        return verbs(self._driver) | SWITCHES

    async def read(self, lane: Lane = Lane.ALL) -> Sequence[Reading]:
        """See ``Driver.read``; with it, the outputs as they were read back."""
        if not self._begun:
            self._begun = True
            now = self._clock.boottime()
            self._until.update((each.name, now) for each in self._allowed if each.at_start == "off")
        self._keep()
        found = list(await self._driver.read(lane))
        said = {reading.quantity: reading.value for reading in found if reading.good}
        for output in self._allowed:
            seen = said.get(f"outlet.{output.output}.status")
            if seen in ("on", "off"):
                self._known[output.name] = seen == "on"
        return [*found, *self._readings(lane)]

    async def act(self, verb: Verb, output: str, seconds: float) -> str:
        """See ``Actor.act``."""
        if verb not in SWITCHES:
            return await obey(self._driver, verb, output, seconds)
        if not self._allowed:
            raise CommandRefused("its settings name no output: write [[device.output]]")
        meant = outputs.chosen(self._allowed, output)
        if verb is Verb.OFF:
            return await self._off(meant)
        return await self._on(meant, outputs.lasting(meant, seconds))

    async def close(self) -> None:
        """See ``Driver.close``: what is on because of us goes off before."""
        keeper, self._keeper = self._keeper, None
        if keeper is not None:
            keeper.cancel()
            await asyncio.wait({keeper})
        try:
            now = self._clock.boottime()
            for output in self._allowed:
                if output.name in self._until:
                    self._until[output.name] = now
                    await self._try_off(output)
        finally:
            try:
                await self._link.close()
            finally:
                await self._driver.close()

    async def _on(self, output: Output, seconds: float) -> str:
        self._until[output.name] = self._clock.boottime() + seconds
        self._keep()
        done = False
        try:
            await self._switched(output, on=True)
            done = True
        finally:
            if not done:  # it may have been heard all the same
                self._until[output.name] = self._clock.boottime()
        return f"{output.name} is on, for {seconds:g} s"

    async def _off(self, output: Output) -> str:
        self._until[output.name] = self._clock.boottime()  # from now on it is tried until it is off
        self._keep()
        try:
            await self._switched(output, on=False)
        except DeviceError as error:
            what = f"{error.what}; it is tried again until it is off"
            raise type(error)(what, where=error.where, hint=error.hint) from None
        return f"{output.name} is off"

    async def _switched(self, output: Output, *, on: bool, overdue: bool = False) -> None:
        """Switch, and read back; ``overdue``: only if its time is still over once it is our turn.

        Raises:
            DeviceError: it does not answer, or does not obey.
        """
        address = self._coils[output.output]
        async with self._turn:
            if overdue and self._until.get(output.name, math.inf) > self._clock.boottime():
                return  # somebody has switched it on, or off, meanwhile
            if on and self._clock.boottime() >= self._until.get(output.name, 0.0):
                raise DeviceRefused("too late: its time was over before it could be switched on")
            await self._link.switch(address, on=on)
            bits = await self._link.read(1, address, 1)
            is_on = bool(bits[0])
            self._known[output.name] = is_on
            if is_on is not on:
                what = f"{output.name} was told to go {_word(on)}, and says that it is {_word(is_on)}"
                raise DeviceRefused(what, hint="is the module in another mode, or its relay stuck? Look at it")
            if not on:
                if self._until.get(output.name, math.inf) <= self._clock.boottime():  # else it is about to go on again
                    del self._until[output.name]
                if output.name in self._told:
                    self._told.discard(output.name)
                    _log.warning("%s is off at last", output.name)

    def _keep(self) -> None:
        """See that somebody looks after what must go off."""
        if self._until and (self._keeper is None or self._keeper.done()):
            self._keeper = asyncio.create_task(self._looked_after())

    async def _looked_after(self) -> None:
        while self._until:
            now = self._clock.boottime()
            due = [each for each in self._allowed if self._until.get(each.name, math.inf) <= now]
            late = [each for each in due if not await self._try_off(each)]
            await self._sleep(AGAIN if late else LOOK)

    async def _try_off(self, output: Output) -> bool:
        """Switch one off; say whether it is. What is wrong is logged once."""
        try:
            async with asyncio.timeout(TRY):
                await self._switched(output, on=False, overdue=True)
        except (DeviceError, TimeoutError) as error:
            if output.name not in self._told:
                self._told.add(output.name)
                _log.warning("%s cannot be switched off, and is tried again: %s", output.name, error or "no answer")
            return False
        return True

    def _readings(self, lane: Lane) -> list[Reading]:
        found = []
        for output in self._allowed:
            if output.name in self._known:
                found.append(judged(f"x.output.{output.output}.status", _word(self._known[output.name])))
            if lane is Lane.ALL:
                found.append(judged(f"x.output.{output.output}.name", output.name))
        return found


def _word(on: bool) -> str:  # noqa: FBT001 - two words
    return "on" if on else "off"
