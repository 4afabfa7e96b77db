"""Sockets that leave by one line: bound to an interface or an address, so that each of several lines is judged by itself.

SO_BINDTODEVICE needs no privilege since Linux 5.7, for a socket that is not bound yet.
"""

import asyncio
import errno
import ipaddress
import os
import socket
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Final

from agent.probing import Route

Address = tuple[socket.AddressFamily, str]
"""Family and numeric address."""

_NO_WAY: Final = {
    errno.ENETUNREACH: "no route to it",
    errno.EHOSTUNREACH: "a router says that it cannot be reached",
    errno.ENETDOWN: "the interface is down",
    errno.EHOSTDOWN: "it does not answer at all (no ARP)",
    errno.ECONNREFUSED: "refused",
    errno.ECONNRESET: "it broke the connection off",
    errno.ECONNABORTED: "it broke the connection off",
    errno.EPIPE: "it broke the connection off",
    errno.ETIMEDOUT: "no answer",
    errno.ENOPROTOOPT: "a router says that it cannot be reached",
}
"""What the network says, not this machine: the target counts as silent, or as refusing."""


class Unsent(Exception):
    """A probe could not be sent, for a reason on this machine."""

    def __init__(self, why: str, hint: str = "") -> None:
        """Take why, and what to do about it."""
        super().__init__(why)
        self.why = why
        self.hint = hint


def network_says(error: OSError) -> str:
    """Return what the network said of a target.

    Raises:
        Unsent: it was not the network, but this machine.
    """
    said = _NO_WAY.get(error.errno or 0)
    if said is None:
        raise _unsent(error)
    return said


def _unsent(error: OSError, route: Route | None = None) -> Unsent:
    if error.errno == errno.EPERM and route is not None and route.interface:
        hint = "Linux before 5.7 wants CAP_NET_RAW for that: write the line's address as source instead"
        return Unsent(f"not permitted to choose {route.interface}", hint)
    if error.errno in (errno.EPERM, errno.EACCES):
        return Unsent("not permitted to send", "a local firewall (OUTPUT) drops it, or the service may not")
    if error.errno == errno.ENODEV and route is not None:
        return Unsent(f"no interface {route.interface}", "is the adapter plugged in? `ip link` lists what there is")
    if error.errno == errno.EADDRNOTAVAIL and route is not None:
        return Unsent(f"the address {route.source} is not ours now", "is the interface up? `ip address` lists ours")
    return Unsent(f"could not be sent: {error.strerror or error}")


def opened(route: Route, family: int, kind: int, proto: int = 0) -> socket.socket:
    """Return a non-blocking socket on its route.

    Raises:
        PermissionError: this kind of socket is not allowed.
        Unsent: the route cannot be taken.
    """
    sock = socket.socket(family, kind, proto)
    try:
        sock.setblocking(False)
        if route.interface:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, route.interface.encode() + b"\0")
        if route.source:
            sock.bind((route.source, 0))
    except OSError as error:
        sock.close()
        raise _unsent(error, route) from None
    except BaseException:
        sock.close()
        raise
    return sock


async def connected(route: Route, address: Address, port: int, kind: int) -> socket.socket:
    """Return a socket that is connected.

    Raises:
        OSError: what the network said; or this machine: see ``network_says``.
        Unsent: the route cannot be taken.
    """
    family, host = address
    sock = opened(route, family, kind)
    try:
        await asyncio.get_running_loop().sock_connect(sock, (host, port))
    except BaseException:
        sock.close()
        raise
    return sock


def numeric(host: str) -> Address | None:
    """Return the address that a text is, or None for a name."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None
    return (socket.AF_INET if address.version == 4 else socket.AF_INET6), host


_AGAIN: Final = 20.0
"""Seconds before a name that never had an address is asked for again."""


def _no_address(host: str) -> Unsent:
    return Unsent(f"the name {host} has no address now", "is it right? An address needs no name server")


@cache
def _names() -> ThreadPoolExecutor:
    """Return threads of our own: those of the loop are the broker's too, and a dead name server holds them for long."""
    return ThreadPoolExecutor(2, "names")


def _look_up(host: str, family: int) -> list[Address]:
    """Return the addresses, those of IPv4 first: which of them the line can carry, only the line knows."""
    infos = socket.getaddrinfo(host, None, family=family, type=socket.SOCK_STREAM)
    infos.sort(key=lambda info: info[0] != socket.AF_INET)
    return [(socket.AddressFamily(info[0]), str(info[4][0])) for info in infos]


class Resolver:
    """Names to addresses, by the system. What was found is kept: a name server that is dead is not a dead target."""

    def __init__(self, *, keep: float = 300.0, wait: float = 3.0) -> None:
        """Take for how long an answer is not asked for again, and how long to wait for one, in seconds."""
        self._keep = keep
        self._wait = wait
        self._known: dict[str, tuple[Address, float]] = {}
        self._asked: dict[str, float] = {}

    async def address(self, host: str, route: Route) -> Address:
        """Return an address of a host, of the family of the route's source if it has one.

        Raises:
            Unsent: no name server knows it, and none ever did.
        """
        found = numeric(host)
        if found is not None:
            return found
        loop = asyncio.get_running_loop()
        now = loop.time()
        known = self._known.get(host)
        if known is not None and now < max(known[1], self._asked[host]) + self._keep:
            return known[0]
        if known is None and now < self._asked.get(host, -_AGAIN) + _AGAIN:
            raise _no_address(host)
        self._asked[host] = now
        source = numeric(route.source) if route.source else None
        family = source[0] if source else socket.AF_UNSPEC
        try:
            async with asyncio.timeout(self._wait):
                infos = await loop.run_in_executor(_names(), _look_up, host, family)
        except (OSError, TimeoutError, UnicodeError):
            infos = []
        if infos:
            self._known[host] = (infos[0], now)
            return infos[0]
        if known is not None:
            return known[0]
        raise _no_address(host)


def user_may_ping() -> str:
    """Say what is missing to ping."""
    return (
        "let net.ipv4.ping_group_range include the agent's group"
        f" ({os.getgid()}): sysctl net.ipv4.ping_group_range='0 2147483647', or give the service CAP_NET_RAW"
    )
