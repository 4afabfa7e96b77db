"""The agent put together: the one place that knows all its parts, and the order in which they start and stop."""

import asyncio
import gc
import logging
import math
import os
import secrets
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import msgspec

from agent.battery_test import Diary, Kept, against
from agent.clock import SystemClock
from agent.commands import Commands
from agent.config import Config
from agent.device import Device as Watchable
from agent.drivers.base import Driver
from agent.drivers.itself import Inside, ItselfDriver
from agent.health import OwnHealth, free
from agent.lateness import Lateness
from agent.links.board import ThisBoard
from agent.memo import Memo
from agent.neighbours import LastHeard
from agent.outbox.mark import open_mark
from agent.outbox.outbox import Outbox
from agent.outbox.rescue import open_spool
from agent.outbox.room import SIZE, Outlook, tell
from agent.outbox.spool import Spool
from agent.polling import Poller, phase
from agent.systemd import Notifier
from agent.traps.engine import started
from agent.traps.service import TrapService
from agent.uplink import Uplink
from agent.watch import Change, Watch, Watched
from contract.alarm import Occurrence
from contract.clock import Stamp
from contract.command import Command, Reply, Verb
from contract.message import ITSELF, Alarms, Device, Inventory, Readings
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
        self._devices = (*config.devices, config.itself)
        self._quantities: dict[str, set[str]] = {device.id: set() for device in self._devices}
        self._heard = LastHeard()
        self._intervals = {device.id: (device.interval, device.full_interval) for device in self._devices}
        self._lateness = Lateness()
        self._health = OwnHealth(Path(config.agent.state))
        self._told: object = None
        """Of the inventory: what it was made of when it was last told."""
        self._status = ""
        self._fed = -math.inf
        self._by_id: dict[str, Poller] = {}
        self._diary = Diary(Memo(Kept, Path(config.agent.state) / "battery-tests.json"))
        self._commands = Commands(
            self._clock, self._clock.gateway_now, self._by_id, self._answer, self._forbids, self._tried
        )
        self._outbox: Outbox
        self._uplink: Uplink
        self._traps: TrapService | None = None

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
                await self._diary.load()
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
        tell(Outlook(room, self._rate, outbox.size or SIZE), settings.keep, short=room < settings.keep_bytes)

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
            health=self._health.look,
            on_command=self._commands.take,
        )
        now = self._clock.stamp()
        if config.traps is not None:
            self._traps = TrapService(
                config.traps,
                {device.id: device.address for device in config.devices if device.address},
                self._poke,
                self._clock.boottime,
                own=started(Path(config.agent.state) / "traps-engine"),
                salt=secrets.randbits(64),
            )
        for device in self._devices:
            watch = Watch(device.id, device.conditions, new_id)
            watch.restore(kept, now)
            self._pollers.append(
                Poller(
                    device.id,
                    self._driver(device),
                    watch,
                    self._take,
                    self._clock,
                    poll=device.interval,
                    slow=device.full_interval,
                    timeout=device.timeout,
                    beside=partial(self._beside, device.id),
                )
            )
        self._by_id.update((poller.device, poller) for poller in self._pollers)
        self._take_back(kept, now)

    def _answer(self, reply: Reply) -> None:
        self._uplink.reply(reply)

    def _forbids(self, command: Command) -> str:
        """Say what speaks against a command, of all that is known here."""
        if command.verb != Verb.BATTERY_TEST:
            return ""
        devices = {device.id: device for device in self._config.devices if device.what == "ups"}
        own = devices.pop(command.device, None)
        if own is None:
            return "it is no UPS"
        stamp = self._clock.stamp()
        local = time.localtime(stamp.wall)
        reason = against(
            own.battery_test,
            self._heard.heard(own.id),
            {name: self._heard.heard(name) for name in devices},
            now=stamp.boottime,
            second=local.tm_hour * 3600.0 + local.tm_min * 60.0 if stamp.trusted else None,
            told=self._diary.told(own.id),
            wall=stamp.wall,
        )
        if not reason:
            self._diary.begin(own.id, stamp.boottime)
        return reason

    def _tried(self, command: Command, tried: bool) -> None:  # noqa: FBT001 - see Tried
        if command.verb != Verb.BATTERY_TEST:
            return
        if tried:
            self._diary.tried(command.device, self._clock.stamp().wall)
        else:
            self._diary.refused(command.device)

    def _poke(self, device: str) -> None:
        self._by_id[device].poke()

    def _beside(self, device: str, full: bool) -> list[Reading]:  # noqa: FBT001 - see Beside
        return [] if self._traps is None else self._traps.readings(device, full=full)

    def _driver(self, device: Watchable) -> Driver:
        state = Path(self._config.agent.state)
        if device.id != ITSELF:
            return device.driver(self._heard, self._clock, state)
        return ItselfDriver(self._inside, self._health.look, ThisBoard(state), self._clock, self._version)

    def _inside(self) -> Inside:
        """Say how we are, for the device that we are."""
        outbox, loop = self._outbox, asyncio.get_running_loop()
        others = [poller for poller in self._pollers if poller.device != ITSELF]
        return Inside(
            held=outbox.held,
            used=outbox.used,
            left=self._config.agent.keep_bytes - outbox.used,
            rate=self._rate,
            size=outbox.size or SIZE,
            full=outbox.full,
            failing=outbox.failing,
            trouble=outbox.trouble,
            devices=len(others),
            silent=sum(1 for poller in others if poller.contact is False),
            late=self._lateness.worst(loop.time()),
        )

    @property
    def _rate(self) -> float:
        """Messages a second."""
        return sum(1 / device.interval for device in self._devices)

    def _take_back(self, kept: Iterable[Watched], now: Stamp) -> None:
        """End the alarms of devices and conditions that the config no longer has: nobody watches them any more."""
        watched = {(device.id, condition.name) for device in self._devices for condition in device.conditions}
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
        workers = [self._outbox.run(), self._uplink.run(), self._look_after(), self._lateness.run()]
        if self._traps is not None:
            workers.append(self._traps.run())
        now = asyncio.get_running_loop().time()
        for number, poller in enumerate(self._pollers):
            workers.append(poller.run(now + phase(number, len(self._pollers), poller.interval), number))
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(worker) for worker in workers]
                gc.freeze()  # what is there now stays; no need to look at it again and again
                self._notifier.say(READY=1)
                _log.info("epoch %s: watching %d devices", self._outbox.epoch, len(self._config.devices))
                await stop.wait()
                for task in tasks:
                    task.cancel()
        finally:
            self._notifier.say(STOPPING=1)
            await self._commands.close()
            # What a command switched on goes off whatever the disk does: it may hang, or fail.
            closing = [asyncio.create_task(poller.driver.close()) for poller in self._pollers]
            try:
                await self._diary.close()
                await self._outbox.flush()
            finally:
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
        for device, poller in zip(self._devices, self._pollers, strict=True):
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
            answering = sum(1 for poller in self._pollers if poller.contact and poller.device != ITSELF)
            broker = "connected" if self._uplink.connected else "away"
            status = f"{answering} of {len(self._config.devices)} devices answer; broker {broker}"
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
