"""Has devices read out of turn: those on which others depend, while it is not known whether they are well."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from contract.clock import Clock
from contract.errors import CommandRefused, StorageError
from gateway.plan.dependencies import Key

_log = logging.getLogger(__name__)
AGAIN: Final = 10.0
"""Seconds in which a device is asked once, however many depend on it."""
AT_ONCE: Final = 8
"""Devices that are asked at the same time."""

Read = Callable[[Key, str], Awaitable[object]]
"""Has a device read, for an incident; returns when it was, or when its time is over. Raises CommandRefused, StorageError."""


class Asker:
    """Takes what is to be read; ``run`` has it read. What is refused is read at its next poll."""

    def __init__(self, read: Read, clock: Clock) -> None:
        """Take the way to the devices, and the clock."""
        self._read = read
        self._clock = clock
        self._asked: dict[Key, float] = {}
        self._queue: asyncio.Queue[tuple[Key, str]] = asyncio.Queue()

    def __call__(self, device: Key, incident: str) -> None:
        """Have a device read soon, unless it was just asked."""
        now = self._clock.boottime()
        self._asked = {key: at for key, at in self._asked.items() if now - at < AGAIN}
        if device not in self._asked:
            self._asked[device] = now
            self._queue.put_nowait((device, incident))

    async def run(self) -> None:
        """Have read what is asked for, until cancelled."""
        room = asyncio.Semaphore(AT_ONCE)
        async with asyncio.TaskGroup() as group:
            while True:
                device, incident = await self._queue.get()
                await room.acquire()
                group.create_task(self._one(device, incident, room))

    async def _one(self, device: Key, incident: str, room: asyncio.Semaphore) -> None:
        try:
            await self._read(device, incident)
        except (CommandRefused, StorageError) as error:
            _log.info("%s is not read out of turn: %s", "/".join(device), error)
        finally:
            room.release()
