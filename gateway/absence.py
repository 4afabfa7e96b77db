"""Alarms that an agent no longer speaks of, as after a new installation: they end, once it is sure who spoke.

What an agent's hello leaves out stands no more. But another agent under its name may have said that hello, so it is
waited a while for a word of them (``Live.absent``).
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from contract.alarm import Alarm
from contract.clock import Clock
from contract.errors import StorageError
from gateway.live import DeviceView, Live
from gateway.twins import Twins

_log = logging.getLogger(__name__)
LOOK: Final = 5.0
"""Seconds between two looks."""

OnAlarm = Callable[[Alarm, DeviceView], Awaitable[None]]


class Absence:
    """Ends what is not spoken of."""

    def __init__(self, live: Live, twins: Twins, clock: Clock, on_alarm: OnAlarm) -> None:
        """Take what is known, who speaks twice, the clock, and who acts on alarms."""
        self._live = live
        self._twins = twins
        self._clock = clock
        self._on_alarm = on_alarm
        self._over: list[Alarm] = []
        """Those that the disk has not taken yet."""

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            try:
                await self.look()
            except StorageError as error:
                _log.error("alarms that are over are not yet on record: %s", error)
            await asyncio.sleep(LOOK)

    async def look(self) -> None:
        """End what an agent has not spoken of for long enough.

        Raises:
            StorageError: the disk did not take it; the next look tries again.
        """
        self._over += self._live.absent(self._twins.standing(self._clock.boottime()))
        while self._over:
            alarm = self._over[0]
            key = self._live.owners.get(alarm.occurrence.id, ("", ""))
            device = alarm.occurrence.device
            view = self._live.devices.get((*key, device)) or DeviceView(*key, device)
            _log.warning("%s/%s: %s: its agent no longer speaks of it; it ends", *key, alarm.occurrence.condition)
            await self._on_alarm(alarm, view)
            del self._over[0]
