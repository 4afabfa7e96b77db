"""Whose trap it is: addresses of the devices, from the hosts in their settings."""

import asyncio
import ipaddress
import logging
import socket
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Final

_log = logging.getLogger(__name__)
REFRESH: Final = 300.0
"""Seconds between two looks at what names stand for."""

Resolve = Callable[[str], Awaitable[Iterable[str]]]
"""Returns the addresses of a name. Raises OSError when it has none, or nobody can be asked."""


def plain(address: str) -> str:
    """Return an address as it is compared: no zone, and IPv4 as such also where it came over an IPv6 socket."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return str(mapped or parsed)


async def by_system(name: str) -> list[str]:
    """Ask the system's resolver; see ``Resolve``."""
    found = await asyncio.get_running_loop().getaddrinfo(name, None, type=socket.SOCK_DGRAM)
    return [str(entry[4][0]) for entry in found]


class Hosts:
    """The devices by address."""

    def __init__(self, hosts: Mapping[str, str], resolve: Resolve = by_system) -> None:
        """Take the devices' hosts by their ids. Addresses are known at once, names once they were asked for."""
        self._names: dict[str, list[str]] = {}
        self._fixed: dict[str, list[str]] = {}
        self._resolved: dict[str, tuple[str, ...]] = {}
        """Name → its addresses when they were last heard: a cut that takes the name server takes no device."""
        self._resolve = resolve
        for device, host in hosts.items():
            where = self._fixed if _is_address(host) else self._names
            where.setdefault(plain(host), []).append(device)
        self._devices: dict[str, tuple[str, ...]] = {}
        self._index()

    def devices(self, address: str) -> tuple[str, ...]:
        """Return the ids of the devices at an address; none for a stranger's."""
        return self._devices.get(plain(address), ())

    async def run(self) -> None:
        """Ask for the names again and again."""
        while self._names:
            await self.refresh()
            await asyncio.sleep(REFRESH)

    async def refresh(self) -> None:
        """Ask for the names once."""
        for name in self._names:
            try:
                self._resolved[name] = tuple({plain(address) for address in await self._resolve(name)})
            except (OSError, UnicodeError) as error:
                if name not in self._resolved:
                    _log.warning("traps: %s has no address: %s (traps from there are a stranger's)", name, error)
                    self._resolved[name] = ()
        self._index()

    def _index(self) -> None:
        found: dict[str, list[str]] = {address: list(devices) for address, devices in self._fixed.items()}
        for name, devices in self._names.items():
            for address in self._resolved.get(name, ()):
                found.setdefault(address, []).extend(devices)
        self._devices = {address: tuple(dict.fromkeys(devices)) for address, devices in found.items()}


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True
