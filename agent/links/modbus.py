"""Modbus buses: several devices on one port, one request at a time; a dead one does not stall its neighbours.

A device that does not answer costs a timeout, and while it lasts nobody else on the bus can be asked. So a device that
was silent, or spoke nonsense, twice in a row is left alone for ``APART`` seconds where others share its bus: its reads
fail at once meanwhile, and say when it is asked again. A single lost frame is asked for again at once.

Timing: MODBUS over serial line 1.02, 2.4.1 (turnaround) and 2.5.1.1 (the gap between frames).
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Protocol
from weakref import WeakValueDictionary

import msgspec

from agent.links.modbus_frames import OFF, ON, SWITCH, Ask, GatewaySilence
from agent.links.modbus_line import Line
from agent.links.modbus_wire import PymodbusWire
from contract.errors import DeviceError, DeviceGarbled, DeviceTimeout, PortUnavailable

__all__ = ["APART", "Bus", "Line", "ModbusLink", "Wire", "open_link"]

APART: Final = 30.0
"""Seconds between two requests to a device that does not answer, on a bus that it shares."""
_LONG: Final = 1.0
"""Seconds: a connection that took this long to fail is not tried again at once by everybody who waited for it."""
_REST: Final = 5.0
"""Seconds until it is."""


class Wire(Protocol):
    """What a bus needs of its connection; see ``agent.links.modbus_wire``."""

    @property
    def open(self) -> bool:
        """Whether there is a connection, as far as is known."""
        ...

    async def connect(self) -> None:
        """Open it; raises PortUnavailable."""
        ...

    async def ask(self, ask: Ask, *, wake: bytes = b"", pause: float = 0.0, seconds: float) -> Sequence[int]:
        """Ask once; raises DeviceError."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


class _Standing(msgspec.Struct):
    """How a device on a bus does."""

    trusted: bool = False
    """Its last request had an answer."""
    until: float = 0.0
    """It is left alone until then."""
    why: str = ""
    strays: float = 0.0
    """Until then an answer to an earlier request may still come."""


class Bus:
    """One port or host, with all devices behind it."""

    def __init__(
        self,
        line: Line,
        wire: Wire,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Take the line and its connection; ``clock`` gives seconds, ``sleep`` waits for some."""
        self.line = line
        self._wire = wire
        self._clock = clock
        self._sleep = sleep
        self._lock = asyncio.Lock()
        self._units: dict[int, _Standing] = {}
        self._users: list[object] = []
        self._free = 0.0
        """When the line has been silent for long enough since the last frame."""
        self._down: tuple[float, PortUnavailable] | None = None
        """Until when, and why, no connection is tried."""

    def join(self, user: object, unit: int) -> None:
        """Count a device in."""
        self._units.setdefault(unit, _Standing())
        if user not in self._users:
            self._users.append(user)

    def leave(self, user: object, unit: int) -> None:
        """Count it out; the last one closes the connection."""
        if user in self._users:
            self._users.remove(user)
        self._units.pop(unit, None)
        if not self._users:
            self._wire.close()

    async def read(self, ask: Ask, *, wake: bytes = b"", pause: float = 0.0, seconds: float = 0.0) -> Sequence[int]:
        """Return what a device says.

        Args:
            ask: what to read.
            wake: bytes that go before it, on an RTU line.
            pause: seconds after them.
            seconds: that the answer may take; 0 for the line's own.

        Raises:
            DeviceTimeout: no answer; or it is not asked now, because it had none lately.
            DeviceError: of every other kind.
        """
        seconds = seconds or self.line.timeout
        standing = self._units.setdefault(ask.unit, _Standing())
        self._look(ask, standing)
        async with self._lock:
            self._look(ask, standing)  # it may have been given up while we waited
            try:
                values = await self._twice(ask, standing, wake, pause, seconds)
            except (GatewaySilence, DeviceTimeout, DeviceGarbled) as error:
                self._failed(standing, error)
                raise
            except asyncio.CancelledError:
                self._forsaken(standing, seconds)
                raise
            except PortUnavailable:
                self._wire.close()
                raise
            except DeviceError:  # it said no, and so it is there
                standing.trusted, standing.until = True, 0.0
                raise
            finally:
                self._free = self._clock() + self.line.gap
            standing.trusted, standing.until = True, 0.0
            return values

    def _look(self, ask: Ask, standing: _Standing) -> None:
        left = standing.until - self._clock()
        if left > 0.0:
            where = f"{self.line.where} unit {ask.unit}"
            hint = f"its neighbours on the bus are not kept waiting; it is asked again in {left:.0f} s"
            raise DeviceTimeout(f"not asked now; last time: {standing.why}", where=where, hint=hint)

    async def _twice(self, ask: Ask, standing: _Standing, wake: bytes, pause: float, seconds: float) -> Sequence[int]:
        """Ask; a device that answered last time may lose a frame, and is asked again."""
        before = self._wire.open
        try:
            return await self._once(ask, standing, wake, pause, seconds)
        except GatewaySilence:
            raise
        except PortUnavailable:
            if not before:
                raise
            self._wire.close()  # gateways close what was idle; and it may be back already
            return await self._once(ask, standing, wake, pause, seconds)
        except (DeviceTimeout, DeviceGarbled):
            if not standing.trusted:
                raise
            return await self._once(ask, standing, wake, pause, seconds, again=True)

    async def _once(
        self, ask: Ask, standing: _Standing, wake: bytes, pause: float, seconds: float, *, again: bool = False
    ) -> Sequence[int]:
        await self._connected()
        now = self._clock()
        wait = max(self._free - now, 0.0 if again else standing.strays - now)  # the same again: a late answer is right
        if wait > 0.0:
            await self._sleep(wait)
        try:
            values = await self._wire.ask(ask, wake=wake, pause=pause, seconds=seconds)
        except GatewaySilence:
            raise
        except (DeviceTimeout, DeviceGarbled):
            self._forsaken(standing, seconds)
            raise
        if again and self.line.rtu:  # both requests may have been heard: the second answer is then still to come
            standing.strays = self._clock() + seconds
        return values

    async def _connected(self) -> None:
        if self._wire.open:
            return
        began = self._clock()
        if self._down is not None and began < self._down[0]:
            raise self._down[1]
        try:
            await self._wire.connect()
        except PortUnavailable as error:
            ended = self._clock()
            self._down = (ended + _REST, error) if ended - began >= _LONG and len(self._users) > 1 else None
            raise
        self._down = None

    def _forsaken(self, standing: _Standing, seconds: float) -> None:
        """Take it that an answer may come yet that nobody waits for."""
        if self.line.port:
            standing.strays = self._clock() + seconds
        else:  # and a connection that died on the way looks like silence for a quarter of an hour
            self._wire.close()

    def _failed(self, standing: _Standing, error: DeviceError) -> None:
        if not standing.trusted and len(self._units) > 1:
            standing.until = self._clock() + APART
            standing.why = error.what
        standing.trusted = False


class ModbusLink:
    """One device on a bus."""

    def __init__(self, bus: Bus, unit: int, *, timeout: float = 0.0) -> None:
        """Take the bus, the device's address on it, and the seconds that it may take, if not the line's own."""
        self._bus = bus
        self._unit = unit
        self._timeout = timeout
        bus.join(self, unit)

    @property
    def url(self) -> str:
        """Where it is, for errors."""
        return f"{self._bus.line.where} unit {self._unit}"

    async def read(
        self, function: int, address: int, count: int, *, wake: bytes = b"", pause: float = 0.0
    ) -> Sequence[int]:
        """Return registers (0 to 65535), or bits (0 and 1).

        Args:
            function: 1 coils, 2 discrete inputs, 3 holding registers, 4 input registers.
            address: of the first, from 0.
            count: how many.
            wake: bytes that go before, on an RTU line.
            pause: seconds after them.

        Raises:
            DeviceError: of every kind; ModbusRefused with the code of an exception.
        """
        self._bus.join(self, self._unit)
        ask = Ask(self._unit, function, address, count)
        return await self._bus.read(ask, wake=wake, pause=pause, seconds=self._timeout)

    async def switch(self, address: int, *, on: bool) -> None:
        """Switch one coil. That the device answers says little: read it back.

        Args:
            address: of the coil, from 0.
            on: what it is to be.

        Raises:
            DeviceError: of every kind; ModbusRefused with the code of an exception.
        """
        self._bus.join(self, self._unit)
        await self._bus.read(Ask(self._unit, SWITCH, address, ON if on else OFF), seconds=self._timeout)

    async def close(self) -> None:
        """Let go of the bus; reading again takes it again."""
        self._bus.leave(self, self._unit)


_buses: WeakValueDictionary[str, Bus] = WeakValueDictionary()
"""One owner a port, as long as somebody uses it: a serial port can be had once only."""


def open_link(line: Line, unit: int) -> ModbusLink:
    """Return the link to a device; all of one port share its bus. It connects at its first read."""
    bus = _buses.get(line.where)
    if bus is None:
        bus = _buses[line.where] = Bus(line, PymodbusWire(line))
    return ModbusLink(bus, unit, timeout=line.timeout)
