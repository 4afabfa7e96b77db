"""The runner: asks each device on its own schedule, on the monotonic clock, and does what all drivers need.

Timeout, x.contact, conditions, counters and logging are here, so that a driver is one working method. A slow or dead
device delays nobody: each has a task of its own.
"""

import asyncio
import logging
import math
from collections.abc import Callable, Sequence

import msgspec

from agent.drivers.base import Driver, Lane, obey, verbs
from agent.watch import Change, Watch
from contract.clock import Clock, Stamp
from contract.command import Verb
from contract.errors import CommandRefused, DeviceError, DeviceTimeout
from contract.reading import Reading

_log = logging.getLogger(__name__)
Emit = Callable[[str, Stamp, Sequence[Reading], list[Change]], None]
"""Takes one poll: device, time, readings, what changed. It must not wait: the next poll does."""

Beside = Callable[[bool], Sequence[Reading]]
"""Returns what is known of a device without asking it: all of it, or (False) what is new since it was called last."""

MILLISECOND = 0.001
POKE_GAP = 0.2
"""Seconds between two polls out of turn: a storm of traps is no storm of polls."""
SLOT = 0.25
"""Seconds between the phases of devices: those of one phase are asked together, which costs less than half of one by one."""


def phase(number: int, count: int, interval: float) -> float:
    """Return when in its interval (seconds) the device of this number, of so many, has its turn."""
    slots = max(1, min(count, round(interval / SLOT)))
    return interval * (number * slots // count) / slots


class Counters(msgspec.Struct):
    """What became of the polls of one device."""

    polls: int = 0
    failures: int = 0
    late: int = 0
    """Polls that began more than one interval after their time; those in between were left out."""


class Poller:
    """Polls one device until cancelled."""

    def __init__(
        self,
        device: str,
        driver: Driver,
        watch: Watch,
        emit: Emit,
        clock: Clock,
        *,
        poll: float,
        slow: float,
        timeout: float,
        beside: Beside = lambda full: (),  # noqa: ARG005 - nothing is known
    ) -> None:
        """Take what to ask, who judges, who takes the readings; times in seconds. Nothing starts here.

        ``beside`` returns what is known of the device in other ways, such as its traps; also when a poll fails.
        """
        self.device = device
        self.interval = poll
        self.driver = driver
        self.watch = watch
        self.counters = Counters()
        self.contact: bool | None = None
        self.last = clock.boottime()
        """Boottime of the end of the last poll, good or not: progress."""
        self._at = Stamp()
        """Of the last poll."""
        self._emit = emit
        self._clock = clock
        self._every = max(1, round(slow / poll))
        self._timeout = timeout
        self._beside = beside
        self._poke = asyncio.Event()
        self._turn = asyncio.Lock()
        """A device does one thing at a time."""
        self._asked = 0.0
        """When it was asked last, on the loop's clock."""

    async def run(self, start: float | None = None, turn: int = 0) -> None:
        """Poll for ever.

        Args:
            start: of the first poll, on the loop's clock; now if left out.
            turn: how many polls sooner than the others' the second full one comes.
        """
        loop = asyncio.get_running_loop()
        if start is None:
            start = loop.time()
        tick = 0
        while True:
            due = start + tick * self.interval
            while await self._poked_before(due):
                await self.poll_once(Lane.FAST)
            behind = int((loop.time() - due) / self.interval)
            if behind > 0:  # the device took longer than its interval: keep the phase, leave polls out
                self.counters.late += 1
            full = tick == 0 or any((tick + turn + left) % self._every == 0 for left in range(behind + 1))
            tick += behind
            await self.poll_once(Lane.ALL if full else Lane.FAST)
            tick += 1

    def poke(self) -> None:
        """Ask it at once, out of turn: something said that there is news. Its schedule stays as it is."""
        self._poke.set()

    async def _poked_before(self, due: float) -> bool:
        """Wait for the time of the next poll; say whether somebody asked for one before."""
        try:
            async with asyncio.timeout_at(due):
                await self._poke.wait()
        except TimeoutError:
            return False
        self._poke.clear()
        loop = asyncio.get_running_loop()
        soonest = max(loop.time(), self._asked + POKE_GAP)
        await asyncio.sleep(min(soonest, due) - loop.time())
        return soonest < due  # else the next poll in turn is soon enough

    async def poll_once(self, lane: Lane) -> Sequence[Reading]:
        """Ask once, judge, hand on; return what was said."""
        async with self._turn:
            return await self._ask(lane)

    async def act(self, verb: Verb, output: str, seconds: float) -> str:
        """Let the device do something between two polls; look at it at once afterwards.

        Raises:
            CommandRefused: it cannot, or must not.
            DeviceError: it did not obey.
        """
        if verb not in verbs(self.driver):
            raise CommandRefused(f"it knows no {verb.value}", where=self.device)
        try:
            async with self._turn, asyncio.timeout(self._timeout):
                return await obey(self.driver, verb, output, seconds)
        except TimeoutError:
            raise DeviceTimeout(f"not done within {self._timeout:g} s", where=self.device) from None
        except (CommandRefused, DeviceError):
            raise
        except Exception as error:  # the supervised edge: who gave the command hears of a fault in a driver too
            _log.exception("%s: a fault in its driver", self.device)
            raise DeviceError(f"a fault in its driver: {type(error).__name__}", where=self.device) from error
        finally:
            self.poke()

    async def _ask(self, lane: Lane) -> Sequence[Reading]:
        self.counters.polls += 1
        self._asked = asyncio.get_running_loop().time()
        readings: list[Reading]
        try:
            async with asyncio.timeout(self._timeout):
                readings = [_sayable(reading) for reading in await self.driver.read(lane)]
            readings.append(Reading("x.contact", 1.0))
            self._back()
        except DeviceError as error:
            readings = self._lost(error)
        except TimeoutError:
            readings = self._lost(DeviceTimeout(f"not done within {self._timeout:g} s"))
        except Exception as error:  # noqa: BLE001 - the supervised edge: a fault in one driver must not stop its neighbours
            _log.exception("%s: a fault in its driver", self.device)
            readings = self._lost(DeviceError(f"a fault in its driver: {type(error).__name__}"))
        at = self._at = _later(self._clock.stamp(), self._at)
        asked_for_all = lane is Lane.ALL or not self.contact
        readings += self._beside(asked_for_all)
        judged = [*readings, *self.watch.unheard(readings)] if asked_for_all else readings
        changes = self.watch.readings(judged, at) + self.watch.tick(at)
        self._emit(self.device, at, readings, changes)
        self.last = self._clock.boottime()
        return readings

    def moving(self, now: float) -> bool:
        """Say whether polls go on, whatever becomes of them; ``now`` is boottime."""
        return now - self.last <= 2 * (self.interval + self._timeout)

    def _lost(self, error: DeviceError) -> list[Reading]:
        self.counters.failures += 1
        if self.contact is not False:
            _log.warning("%s: contact lost: %s", self.device, error)
        self.contact = False
        return [Reading("x.contact", 0.0)]

    def _back(self) -> None:
        if self.contact is False:
            _log.warning("%s: contact is back", self.device)
        self.contact = True


def _later(at: Stamp, last: Stamp) -> Stamp:
    """Return a stamp that is later than the last one by both clocks: what has one millisecond has one place in a store."""
    if at.boot != last.boot or at.boottime - last.boottime >= 2 * MILLISECOND:
        return at
    boottime = max(at.boottime, last.boottime + MILLISECOND)
    stepped = abs(at.wall - last.wall) > 1.0
    wall = at.wall if stepped else max(at.wall, last.wall + MILLISECOND)  # the two are rounded apart
    return msgspec.structs.replace(at, wall=round(wall, 3), boottime=round(boottime, 3))


def _sayable(reading: Reading) -> Reading:
    """Put right what JSON cannot carry: no number and infinite are left out, half a character is replaced."""
    value = reading.value
    if isinstance(value, float) and not math.isfinite(value):
        return msgspec.structs.replace(reading, value=None)
    if isinstance(value, str):
        return msgspec.structs.replace(reading, value=_unicode(value))
    if isinstance(value, tuple):
        return msgspec.structs.replace(reading, value=tuple(map(_unicode, value)))
    return reading


def _unicode(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
