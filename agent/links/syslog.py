"""A port for syslog: UDP and TCP, from known addresses only, and never more a second than can be looked at.

What is too much stays in the kernel, which drops it (UDP) or slows its sender (TCP): a flood costs no more than so many
messages a second.
"""

import asyncio
import contextlib
import logging
import socket
import struct
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

from agent.signs.syslog import LONGEST, Frames
from contract.errors import PortUnavailable

_log = logging.getLogger(__name__)
Network = IPv4Network | IPv6Network
_TICK: Final = 0.1
"""Seconds: the time in which the tenth part of a second's messages is taken."""
_CONNECTIONS: Final = 64
_PER_SOURCE: Final = 8
_CHUNK: Final = 16 << 10
_BYTES: Final = 256
"""Bytes of a stream that count as one more message."""
_MEMINFO: Final = 55
"""SO_MEMINFO (linux/sock_diag.h); its ninth number counts what was dropped."""


class SyslogPort:
    """Receives, and hands each message on with the address that it came from."""

    def __init__(
        self,
        host: str,
        port: int,
        take: Callable[[str, bytes], None],
        *,
        udp: bool = True,
        tcp: bool = True,
        allow: Sequence[Network] = (),
        rate: int = 1000,
    ) -> None:
        """Take where to listen, and who takes the messages. Nothing is opened here.

        Args:
            host: address to listen on.
            port: of UDP and of TCP; 0 for a free one.
            take: called with the sender's address and the message; it must not wait.
            udp: whether to listen on UDP.
            tcp: whether to listen on TCP.
            allow: who may send; nobody named: everybody.
            rate: messages a second that are taken at the most.
        """
        self.refused = 0
        """Messages and connections from addresses that are not allowed."""
        self.flooded = False
        """More came in the last tick than is taken."""
        self._host = host
        self.port = port
        self._take = take
        self._udp = udp
        self._tcp = tcp
        self._allow = tuple(allow)
        self._each = max(1, int(rate * _TICK))
        self._left = self._each
        self._again = asyncio.Event()
        self._socket: socket.socket | None = None
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._sources: dict[str, int] = {}
        self._reading = False
        self._lost = 0

    @property
    def is_open(self) -> bool:
        """Whether it listens."""
        return self._socket is not None or self._server is not None

    @property
    def dropped(self) -> int:
        """How many datagrams the kernel dropped because they were too many."""
        if self._socket is not None:
            with contextlib.suppress(OSError, struct.error):
                said = self._socket.getsockopt(socket.SOL_SOCKET, _MEMINFO, 36)
                self._lost = struct.unpack("9I", said)[8]
        return self._lost

    async def open(self) -> None:
        """Listen.

        Raises:
            PortUnavailable: the port cannot be had.
        """
        try:
            if self._udp:
                self._socket = _bound(self._host, self.port)
                self.port = self._socket.getsockname()[1]
                self._watch()
            if self._tcp:
                self._server = await asyncio.start_server(self._serve, self._host, self.port, limit=_CHUNK)
                self.port = self._server.sockets[0].getsockname()[1]
        except OSError as error:
            await self.close()
            where = f"syslog port {self.port}"
            hint = "below 1024 the unit needs AmbientCapabilities=CAP_NET_BIND_SERVICE; or another syslog has it"
            raise PortUnavailable(f"cannot be had: {error.strerror or error}", where=where, hint=hint) from error
        ticks = asyncio.create_task(self._tick())
        self._tasks.add(ticks)
        ticks.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Let go of the port and of all who are connected."""
        tasks, self._tasks = self._tasks, set()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._socket is not None:
            self._unwatch()
            self._socket.close()
        if self._server is not None:
            self._server.close()
        self._socket = self._server = None

    async def _tick(self) -> None:
        """Give out the messages that may be taken in each tick."""
        while True:
            await asyncio.sleep(_TICK)
            self.flooded = self._left <= 0
            self._left = self._each
            self._again.set()
            self._again.clear()
            self._watch()

    def _watch(self) -> None:
        if self._socket is not None and not self._reading:
            asyncio.get_running_loop().add_reader(self._socket, self._readable)
            self._reading = True

    def _unwatch(self) -> None:
        if self._socket is not None and self._reading:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._reading = False

    def _readable(self) -> None:
        assert self._socket is not None  # noqa: S101 - it is watched only while it is open
        for _ in range(min(32, self._left)):
            try:
                data, peer = self._socket.recvfrom(LONGEST)
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                _log.warning("syslog over UDP: %s", error)
                return
            self._left -= 1
            self._hand_on(_plain(peer[0]), data)
        if self._left <= 0:
            self._unwatch()  # the rest waits, or is dropped, in the kernel

    def _hand_on(self, source: str, data: bytes) -> None:
        if self._allowed(source):
            self._take(source, data)
        else:
            self.refused += 1

    def _allowed(self, source: str) -> bool:
        if not self._allow:
            return True
        address: IPv4Address | IPv6Address = ip_address(source.partition("%")[0])
        return any(address in network for network in self._allow)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = writer.get_extra_info("peername")
        source = _plain(peer[0]) if peer else "unknown"
        count = self._sources.get(source, 0)
        if not peer or not self._allowed(source) or count >= _PER_SOURCE or sum(self._sources.values()) >= _CONNECTIONS:
            self.refused += 1
            writer.close()
            return
        self._sources[source] = count + 1
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        frames = Frames()
        try:
            while data := await reader.read(_CHUNK):
                self._left -= len(data) // _BYTES  # many bytes that are no message cost their time too
                for frame in frames.feed(data):
                    await self._take_slowly(source, frame)
            if rest := frames.rest():
                await self._take_slowly(source, rest)
        except (ConnectionError, TimeoutError, OSError):
            pass  # it went away; so may anyone
        finally:
            self._sources[source] -= 1
            if not self._sources[source]:
                del self._sources[source]
            writer.close()

    async def _take_slowly(self, source: str, frame: bytes) -> None:
        while self._left <= 0:
            await self._again.wait()
        self._left -= 1
        self._take(source, frame)


def _bound(host: str, port: int) -> socket.socket:
    info = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM, flags=socket.AI_PASSIVE | socket.AI_NUMERICHOST)[0]
    found = socket.socket(info[0], socket.SOCK_DGRAM)
    try:
        found.setblocking(False)
        found.bind(info[4])
    except OSError:
        found.close()
        raise
    return found


def _plain(address: str) -> str:
    """Return an address as it is known: an IPv4 one that came over an IPv6 socket is an IPv4 one."""
    return address.removeprefix("::ffff:")
