"""The agent put together: the one place that knows all its parts, and the order in which they start and stop."""

import asyncio
import gc
import logging
import math
import os
import secrets
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from agent.clock import SystemClock
from agent.config import Config
from agent.health import OwnHealth, free
from agent.mark import open_mark
from agent.neighbours import LastHeard
from agent.outbox import Outbox
from agent.polling import Poller, phase
from agent.rescue import open_spool
from agent.room import SIZE, Outlook, tell
from agent.spool import Spool
from agent.systemd import Notifier
from agent.uplink import Uplink
from agent.watch import Change, Watch, Watched
from contract.alarm import Occurrence
from contract.clock import Stamp
from contract.message import Alarms, Device, Inventory, Readings
from contract.reading import Quality, Reading

_log = logging.getLogger(__name__)

CLOSING = 3.0
"""Seconds for all devices to let go of their links."""
LOOK = 1.0
"""Seconds between two looks at what systemd and the inventory should know."""


def new_id() -> str:
    """Return a random id: of an epoch, of an occurrence."""
    return secrets.token_hex(8)


class App:
    """One running agent."""

    def __init__(self, config: Config, version: str, notifier: Notifier, watchdog: float) -> None:
        """Take the settings, our version, who tells systemd, and how often its watchdog wants to hear (seconds; 0 never)."""
        self._config = config
        self._version = version
        self._notifier = notifier
        self._watchdog = watchdog
        self._clock = SystemClock()
        self._pollers: list[Poller] = []
        self._quantities: dict[str, set[str]] = {device.id: set() for device in config.devices}
        self._heard = LastHeard()
        self._intervals = {device.id: (device.interval, device.full_interval) for device in config.devices}
        self._told: object = None
        """Of the inventory: what it was made of when it was last told."""
        self._status = ""
        self._fed = -math.inf
        self._outbox: Outbox
        self._uplink: Uplink

    async def run(self, stop: asyncio.Event) -> None:
        """Run until ``stop`` is set. A disk that fails stops nothing.

        Raises:
            StorageTaken: another agent works with this spool.
        """
        settings = self._config.agent
        folder = Path(settings.state)
        with ThreadPoolExecutor(1, "spool") as worker:

            def spool(damaged: bool) -> Spool:  # noqa: FBT001 - the keeper knows one of its kind
                stamp = self._clock.stamp()
                return open_spool(folder / "spool.db", f"{stamp.wall:.0f}-{stamp.boottime:.0f}", damaged=damaged)

            runtime = os.environ.get("RUNTIME_DIRECTORY", "").partition(":")[0]
            self._outbox = Outbox(
                spool,
                worker,
                self._clock,
                new_id(),
                self._standing,
                mark=open_mark(Path(runtime or folder, "mark"), self._clock.boot),
                gateways=settings.gateways,
                keep_bytes=settings.keep_bytes,
                states=self._states,
                late=self._late,
            )
            try:
                self._compose(await self._outbox.open())
                self._tell_room(folder)
                await self._work(stop)
            except (
                BaseExceptionGroup
            ) as group:  # a fault of ours; the first one says it, the service manager starts anew
                raise group.exceptions[0] from None
            finally:
                await self._outbox.close()

    def _tell_room(self, folder: Path) -> None:
        """Say how long the spool lasts."""
        settings, outbox = self._config.agent, self._outbox
        on_disk = free(folder)
        room = settings.keep_bytes if on_disk is None else min(settings.keep_bytes, on_disk + outbox.used)
        rate = sum(1 / device.interval for device in self._config.devices)
        tell(Outlook(room, rate, outbox.size or SIZE), settings.keep, short=room < settings.keep_bytes)

    def _compose(self, kept: list[Watched]) -> None:
        config = self._config
        self._uplink = Uplink(
            broker=config.broker,
            site=config.agent.site,
            agent=config.agent.name,
            version=self._version,
            outbox=self._outbox,
            clock=self._clock,
            inventory=self._inventory,
            on_gateway_clock=lambda wall, trusted: self._clock.gateway_says(wall, trusted=trusted),
            health=OwnHealth(Path(config.agent.state)).look,
        )
        now = self._clock.stamp()
        for device in config.devices:
            watch = Watch(device.id, device.conditions, new_id)
            watch.restore(kept, now)
            self._pollers.append(
                Poller(
                    device.id,
                    device.driver(self._heard, config.agent.state, self._clock),
                    watch,
                    self._take,
                    self._clock,
                    poll=device.interval,
                    slow=device.full_interval,
                    timeout=device.timeout,
                )
            )
        self._take_back(kept, now)

    def _take_back(self, kept: Iterable[Watched], now: Stamp) -> None:
        """End the alarms of devices and conditions that the config no longer has: nobody watches them any more."""
        watched = {(device.id, condition.name) for device in self._config.devices for condition in device.conditions}
        gone = [each for each in kept if (each.device, each.condition) not in watched]
        for each in gone:
            after = Watched(each.device, each.condition)
            if each.occurrence is None or not each.occurrence.active:
                continue
            _log.warning("%s: %s is no longer watched; its alarm ends", each.device, each.condition)
            ended = msgspec.structs.replace(each.occurrence, active=False, cleared=now, quality=Quality.UNAVAILABLE)
            self._outbox.put_alarms([Alarms(at=now, occurrence=ended)], [after])
        self._outbox.forget([(each.device, each.condition) for each in gone])

    def _states(self) -> list[Watched]:
        return [state for poller in self._pollers for state in poller.watch.states()]

    def _late(self, kept: list[Watched]) -> None:
        """Take the alarms of an earlier process that could not be read at the start.

        One whose device has not answered since stands on. The others end: what goes on has a new one since.
        """
        now = self._clock.stamp()
        standing = {occurrence.id for occurrence in self._standing()}
        for each in kept:
            if each.occurrence is None or not each.occurrence.active or each.occurrence.id in standing:
                continue
            if not any(poller.watch.restore_late(each, now) for poller in self._pollers):
                ended = msgspec.structs.replace(each.occurrence, active=False, cleared=now, quality=Quality.UNAVAILABLE)
                self._outbox.put_alarms([Alarms(at=now, occurrence=ended)])

    async def _work(self, stop: asyncio.Event) -> None:
        workers = [self._outbox.run(), self._uplink.run(), self._look_after()]
        now = asyncio.get_running_loop().time()
        for number, poller in enumerate(self._pollers):
            workers.append(poller.run(now + phase(number, len(self._pollers), poller.interval), number))
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(worker) for worker in workers]
                gc.freeze()  # what is there now stays; no need to look at it again and again
                self._notifier.say(READY=1)
                _log.info("epoch %s: watching %d devices", self._outbox.epoch, len(self._pollers))
                await stop.wait()
                for task in tasks:
                    task.cancel()
        finally:
            self._notifier.say(STOPPING=1)
            await self._outbox.flush()
            closing = [asyncio.create_task(poller.driver.close()) for poller in self._pollers]
            await asyncio.wait(closing, timeout=CLOSING)

    def _take(self, device: str, at: Stamp, readings: Sequence[Reading], changes: list[Change]) -> None:
        """Take one poll: the alarms first."""
        interval, full = self._intervals[device]
        self._heard.take(device, at.boottime, interval, readings, full=full)
        told = [change for change in changes if change.news is not None]
        if len(told) < len(changes):
            self._outbox.save([change.kept for change in changes if change.news is None])
        if told:
            for change in told:
                _log_change(change.news)
            alarms = [Alarms(at=at, occurrence=change.news) for change in told if change.news is not None]
            self._outbox.put_alarms(alarms, [change.kept for change in told])
        self._outbox.put_readings(Readings.of(device, at, readings))
        self._quantities[device].update(reading.quantity for reading in readings)

    def _standing(self) -> list[Occurrence]:
        return [occurrence for poller in self._pollers for occurrence in poller.watch.standing()]

    def _inventory(self) -> Inventory:
        devices = []
        for device, poller in zip(self._config.devices, self._pollers, strict=True):
            identity = poller.driver.identity
            devices.append(
                Device(
                    id=device.id,
                    kind=device.what,
                    room=device.room,
                    title=device.title,
                    profile=identity.profile,
                    manufacturer=identity.manufacturer,
                    model=identity.model,
                    serial=identity.serial,
                    firmware=identity.firmware,
                    interval=device.interval,
                    quantities=tuple(sorted(self._quantities[device.id])),
                    conditions=device.conditions,
                )
            )
        return Inventory(
            at=self._clock.stamp(), version=self._version, config=self._config.digest, devices=tuple(devices)
        )

    async def _look_after(self) -> None:
        """Tell the inventory when it is new, and systemd how it goes; feed the watchdog while every poll moves on."""
        while True:
            await asyncio.sleep(LOOK)
            known = [(poller.driver.identity, len(self._quantities[poller.device])) for poller in self._pollers]
            if known != self._told:
                self._told = known
                self._uplink.publish_inventory()
            answering = sum(1 for poller in self._pollers if poller.contact)
            broker = "connected" if self._uplink.connected else "away"
            status = f"{answering} of {len(self._pollers)} devices answer; broker {broker}"
            if status != self._status:
                self._status = status
                self._notifier.say(STATUS=status)
            now = self._clock.boottime()
            if (
                self._watchdog
                and now - self._fed >= self._watchdog
                and all(poller.moving(now) for poller in self._pollers)
            ):
                self._fed = now
                self._notifier.say(WATCHDOG=1)


def _log_change(occurrence: Occurrence | None) -> None:
    if occurrence is not None:
        word = "raised" if occurrence.active else "cleared"
        value = " ".join(occurrence.value) if isinstance(occurrence.value, tuple) else occurrence.value
        _log.warning("%s: %s %s (%s = %s)", occurrence.device, occurrence.condition, word, occurrence.quantity, value)
