"""Who is asked, by whom: every finder at every address, one question at a time for each host; every port after another."""

import asyncio
import logging
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, Protocol

from agent.scan.found import Found
from agent.scan.line import holder
from agent.scan.modbus import ModbusFinder
from agent.scan.net import WAIT, Net, Pace
from agent.scan.nut import NutFinder
from agent.scan.serial_apcsmart import ApcSmartFinder
from agent.scan.serial_megatec import MegatecFinder
from agent.scan.serial_modbus import ModbusRtuFinder
from agent.scan.snmp import SnmpFinder
from contract.errors import PortUnavailable

_log = logging.getLogger(__name__)
_MOST_HOSTS: Final = 64
"""Hosts that are asked at the same time."""
PER_PORT: Final = 30.0
"""Seconds that one serial port may take in all."""


class NetworkFinder(Protocol):
    """Finds what speaks one protocol at a host."""

    name: str

    @property
    def most(self) -> int:
        """Probes for a host that is silent."""
        ...

    async def find(self, net: Net, host: str, port: int) -> list[Found]:
        """Return what answers; raises nothing for what does not."""
        ...


class SerialFinder(Protocol):
    """Finds what speaks one protocol on a serial port."""

    name: str

    async def find(self, path: Path) -> list[Found]:
        """Return what answers. Raises PortUnavailable when there is no getting at the port."""
        ...


def network_finders(communities: Sequence[str]) -> tuple[NetworkFinder, ...]:
    """Return them all."""
    return SnmpFinder(communities), ModbusFinder(), NutFinder()


def serial_finders() -> tuple[SerialFinder, ...]:
    """Return them all, in the order in which a port is tried: who would mind the others' questions first."""
    return ApcSmartFinder(), MegatecFinder(), ModbusRtuFinder()


class Sweep:
    """Asks hosts; what was found so far is there at any time."""

    def __init__(
        self,
        hosts: Sequence[str],
        finders: Sequence[NetworkFinder],
        ports: Mapping[str, int],
        pace: Pace,
        *,
        rate: float,
        wait: float = WAIT,
        tell: Callable[[Found], None] = lambda _: None,
    ) -> None:
        """Take whom to ask, by which finders, at which ports, how fast (probes a second), and who hears of each at once."""
        self._hosts = hosts
        self._finders = [finder for finder in finders if finder.name in ports]
        self._ports = ports
        self._pace = pace
        self._net = Net(pace, wait)
        self._tell = tell
        self._workers = max(1, min(len(hosts), _MOST_HOSTS, math.ceil(rate * wait * 2)))
        self._found: dict[str, list[Found]] = {}
        self._left = iter(hosts)
        self.done = 0
        """Hosts that were asked everything."""

    @property
    def most(self) -> int:
        """Probes, if nobody answers."""
        return len(self._hosts) * sum(finder.most for finder in self._finders)

    @property
    def found(self) -> list[Found]:
        """What was found so far, in the order of the hosts."""
        return [each for host in self._hosts for each in self._found.get(host, ())]

    async def run(self) -> None:
        """Ask them all."""
        async with asyncio.TaskGroup() as group:
            for _ in range(self._workers):
                group.create_task(self._work())

    async def _work(self) -> None:
        for host in self._left:
            for finder in self._finders:
                for each in await finder.find(self._net, host, self._ports[finder.name]):
                    self._found.setdefault(host, []).append(each)
                    self._tell(each)
            self.done += 1


class SerialSweep:
    """Asks the serial ports of a folder, one after another."""

    def __init__(
        self,
        folder: Path,
        finders: Sequence[SerialFinder],
        *,
        tell: Callable[[Found], None] = lambda _: None,
        held: Callable[[Path], str] = holder,
    ) -> None:
        """Take the folder, who asks, who hears of each at once, and who knows whose a port is."""
        self._folder = folder
        self._finders = finders
        self._tell = tell
        self._held = held
        self.found: list[Found] = []
        self.done = 0

    def ports(self) -> list[Path]:
        """Return the ports, each device once, in order; none where there is no such folder."""
        if not self._folder.is_dir():
            return []
        by_device = {path.resolve(): path for path in sorted(self._folder.iterdir(), reverse=True)}
        return sorted(by_device.values())

    async def run(self) -> None:
        """Ask them all."""
        for path in self.ports():
            who = self._held(path)
            if who:
                _log.warning("scan: %s: left alone: %s has it", path, who)
            else:
                await self._port(path)
            self.done += 1

    async def _port(self, path: Path) -> None:
        try:
            async with asyncio.timeout(PER_PORT):
                for finder in self._finders:
                    found = await finder.find(path)
                    for each in found:
                        self.found.append(each)
                        self._tell(each)
                    if found:
                        return
        except TimeoutError:
            _log.warning("scan: %s: given up after %.0f s", path, PER_PORT)
            return
        except PortUnavailable as error:
            _log.warning("scan: %s: left alone: %s", path, error.what)
            return
        _log.info("scan: %s: nobody who speaks %s", path, " or ".join(finder.name for finder in self._finders))
