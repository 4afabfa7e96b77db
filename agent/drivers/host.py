"""The machine that the agent runs on. What is asked, and what is said of it; psutil is behind ``agent/links/host.py``."""

import asyncio
import logging
import platform
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, Protocol

from agent.aside import Aside
from agent.clock import KernelClock
from agent.drivers.base import Identity, Lane
from agent.drivers.said import brief, joined
from agent.links.host import Disk, Look, Processors
from agent.links.systemctl import Service
from contract.errors import DeviceError, PortUnavailable
from contract.reading import Reading, Value, judged

_log = logging.getLogger(__name__)
_DISKS: Final = 64
"""Disks that are told of by number; the fullest of all is told whatever their number."""
_SENSORS: Final = 32
_PATIENCE: Final = 3.0
"""Seconds that the disks are waited for."""


class Host(Protocol):
    """What the driver needs of the machine; see ``agent.links.host.ThisHost``. It may block."""

    def look(self) -> Look:
        """Return how it is now; raises OSError."""
        ...

    def disks(self) -> Sequence[Disk]:
        """Return how full its disks are; raises OSError. It may hang where the other does not."""
        ...


class Services(Protocol):
    """What the driver needs of the service manager; see ``agent.links.systemctl.Systemctl``."""

    async def ask(self, names: Sequence[str]) -> Mapping[str, Service]:
        """Return how services are, by their names; raises DeviceError."""
        ...


class HostDriver:
    """Reads the machine that we run on."""

    def __init__(
        self, host: Host, services: Services, clock: Callable[[], KernelClock], names: Sequence[str], *, disks: bool
    ) -> None:
        """Take who looks, who knows of services, what the kernel says of its clock, and what is asked for.

        Args:
            host: looks at the machine.
            services: knows of services.
            clock: returns what the kernel knows of its clock.
            names: of the services that should run.
            disks: whether the disks are named in the settings: they must then be there, and take writes.
        """
        self._host = host
        self._services = services
        self._clock = clock
        self._names = tuple(names)
        self._named = disks
        self._aside = Aside("host")
        self._disks_aside = Aside("disks", "a disk or a share of this host does not answer")
        self._wrong: list[tuple[str, str]] = []
        """What was wrong with the disks when they were last looked at: flags, and what is said of them."""
        self._last: Processors | None = None
        self._written: set[str] = set()
        """Disks that took writes once."""
        self._numbers: dict[str, int] = {}
        self._told = ""
        self._identity = Identity()

    @property
    def identity(self) -> Identity:
        """See ``Driver.identity``."""
        return self._identity

    async def read(self, lane: Lane = Lane.ALL) -> Sequence[Reading]:
        """See ``Driver.read``."""
        try:
            look = await self._aside.do(self._host.look)
        except OSError as error:
            raise PortUnavailable(f"the kernel does not tell: {error}", where="host") from error
        self._identity = Identity(profile="host", model=platform.machine(), firmware=platform.release())
        before, self._last = look.before or self._last, look.processors
        disks, down = await self._disks(), await self._down()
        status, problem = self._status(look, disks, down)
        said: list[tuple[str, Value | None]] = [
            ("host.status", status),
            ("host.problem", problem),
            *_load(before, look.processors),
            ("host.memory.used", _part(look.memory_used)),
            ("host.disk.used.maximum", _most(disk.used for disk in disks or ())),
            ("host.services.down", None if down is None else float(len(down))),
        ]
        if lane is Lane.ALL:
            said += self._rest(look, disks or ())
        return [judged(name, value) for name, value in said]

    async def close(self) -> None:
        """See ``Driver.close``."""

    async def _disks(self) -> Sequence[Disk] | None:
        """Return the disks; None while one of them does not answer: the rest of the host is told all the same."""
        try:
            async with asyncio.timeout(_PATIENCE):
                return await self._disks_aside.do(self._host.disks)
        except (TimeoutError, DeviceError, OSError):
            return None

    async def _down(self) -> list[str] | None:
        """Return the services that do not run, with their state; None where that cannot be known."""
        if not self._names:
            return []
        try:
            services = await self._services.ask(self._names)
        except DeviceError as error:
            if str(error) != self._told:
                self._told = str(error)
                _log.warning("services: %s", error)
            return None
        self._told = ""
        return [f"{name} {service.state}" for name, service in services.items() if not service.running]

    def _status(self, look: Look, disks: Sequence[Disk] | None, down: list[str] | None) -> tuple[tuple[str, ...], str]:
        if disks is not None:
            self._wrong = [(flag, problem) for flag, problem in map(self._disk_wrong, disks) if flag]
        flags = {flag for flag, _ in self._wrong}
        problems = [problem for _, problem in self._wrong]
        if disks is None:
            flags.add("BLIND")
            problems.append("a disk does not answer")
        if down:
            flags.add("SERVICE")
            problems += down
        if down is None:
            flags.add("BLIND")
            problems.append("its services cannot be asked for")
        if not self._clock().synchronised:
            flags.add("CLOCK")
            problems.append("the clock is not synchronised")
        if look.reboot:
            flags.add("REBOOT")
            problems.append("an update waits for a restart")
        return tuple(sorted(flags)), joined(problems)

    def _disk_wrong(self, disk: Disk) -> tuple[str, str]:
        """Return the flag and the sentence of what is wrong with a disk; empty where nothing is."""
        if not disk.mounted:
            return "UNMOUNTED", f"{disk.point} is not mounted"
        if not disk.readonly:
            self._written.add(disk.point)
            blind = disk.size is None and self._named
            return ("BLIND", f"{disk.point} cannot be looked at") if blind else ("", "")
        if disk.point in self._written or disk.by_error or self._named:
            return "READONLY", f"{disk.point} is read-only"
        return "", ""  # it was so when we came, and nobody named it: it is meant to be

    def _rest(self, look: Look, disks: Sequence[Disk]) -> list[tuple[str, Value | None]]:
        clock = self._clock()
        said: list[tuple[str, Value | None]] = [
            ("host.load.minute", round(look.load[0], 2)),
            ("host.load.quarter", round(look.load[2], 2)),
            ("host.memory.total", float(look.memory)),
            ("host.disk.inodes.maximum", _most(disk.inodes for disk in disks)),
            ("host.uptime", round(look.uptime, 0)),
            ("host.clock.offset", round(clock.offset, 6) if clock.synchronised else None),
            ("host.clock.error", clock.error),
            ("host.processes", None if look.processes is None else float(look.processes)),
            ("host.users", float(look.users)),
        ]
        if look.swap_used is not None:
            said.append(("host.swap.used", _part(look.swap_used)))
        for disk in disks:
            number = self._numbers.setdefault(disk.point, len(self._numbers) + 1)
            if number > _DISKS:
                continue
            said += [
                (f"host.disk.{number}.name", brief(disk.point)),
                (f"host.disk.{number}.used", _part(disk.used)),
                (f"host.disk.{number}.size", disk.size),
            ]
            if disk.inodes is not None:
                said.append((f"host.disk.{number}.inodes", _part(disk.inodes)))
        return said + _sensors(look)


def _sensors(look: Look) -> list[tuple[str, Value | None]]:
    """Return the temperatures; what a broken sensor says is told, and not counted among the highest."""
    if not look.sensors:
        return []
    believed = [value for name, value in look.sensors if judged("host.sensor.1.temperature", value).good]
    said: list[tuple[str, Value | None]] = [("host.temperature.maximum", max(believed, default=None))]
    for number, (name, value) in enumerate(look.sensors[:_SENSORS], 1):
        said += [(f"host.sensor.{number}.name", brief(name)), (f"host.sensor.{number}.temperature", value)]
    return said


def _load(before: Processors | None, now: Processors) -> list[tuple[str, Value | None]]:
    """Return what the processors did between two looks."""
    total = 0.0 if before is None else now.total - before.total
    if before is None or total <= 0.0:
        return [("host.cpu.load", None), ("host.cpu.wait", None)]
    parts = {"host.cpu.load": now.busy - before.busy, "host.cpu.wait": now.waiting - before.waiting}
    # the kernel's counters of waiting may go back a little (proc(5))
    return [(name, _part(min(100.0, max(0.0, 100.0 * part / total)))) for name, part in parts.items()]


def _part(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


def _most(values: Iterable[float | None]) -> float | None:
    return _part(max((value for value in values if value is not None), default=None))
