"""The UDP port where traps come in. What comes is taken at once, a few at a time; a flood is left to the kernel."""

import asyncio
import errno
import logging
import socket
from collections.abc import Callable
from typing import Final

_log = logging.getLogger(__name__)

Take = Callable[[bytes, str], bytes | None]
"""Takes a datagram and the address that it came from; returns an answer, or None. It must not wait."""

LARGEST: Final = 65535
AT_ONCE: Final = 64
"""Datagrams taken before the event loop has its turn again."""
PAUSE: Final = 0.05
"""Seconds without looking after ``MOST`` datagrams without a break: what comes meanwhile, the kernel keeps or drops."""
MOST: Final = 1024
BUFFER: Final = 1 << 20
"""Octets that the kernel may keep for us; it may allow less."""
AGAIN: Final = 30.0
"""Seconds until a port that could not be had is tried again."""

_HINTS: Final = {
    errno.EACCES: "ports below 1024 need CAP_NET_BIND_SERVICE: AmbientCapabilities= and CapabilityBoundingSet= in the unit",
    errno.EPERM: "ports below 1024 need CAP_NET_BIND_SERVICE: AmbientCapabilities= and CapabilityBoundingSet= in the unit",
    errno.EADDRINUSE: "another program has it, perhaps snmptrapd: end that one, or let it forward to another port",
    errno.EADDRNOTAVAIL: "no interface of this machine has that address: write 0.0.0.0 for all of them",
}


class TrapPort:
    """Listens until cancelled."""

    def __init__(self, host: str, port: int, take: Take) -> None:
        """Remember where, and who takes what comes. Nothing is opened here."""
        self._where = (host, port)
        self._take = take
        self._socket: socket.socket | None = None
        self._row = 0
        """Datagrams taken without a break."""
        self.opened = asyncio.Event()

    @property
    def port(self) -> int:
        """Where it listens, once opened."""
        return int(self._socket.getsockname()[1]) if self._socket else self._where[1]

    async def run(self) -> None:
        """Listen for ever. A port that cannot be had is told once, and tried again: it stops no device."""
        told = ""
        while self._socket is None:
            try:
                self._socket = self._open()
            except OSError as error:
                said = f"{error.strerror or error}"
                if said != told:
                    hint = _HINTS.get(error.errno or 0, "look at the address of [traps] listen")
                    _log.error("traps: cannot listen on %s port %d: %s (%s)", *self._where, said, hint)
                told = said
                await asyncio.sleep(AGAIN)
        loop = asyncio.get_running_loop()
        loop.add_reader(self._socket, self._readable)
        self.opened.set()
        _log.info("traps: listening on %s port %d", self._where[0], self.port)
        try:
            await asyncio.Event().wait()
        finally:
            port, self._socket = self._socket, None
            loop.remove_reader(port)
            port.close()

    def _open(self) -> socket.socket:
        host, _ = self._where
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        port = socket.socket(family, socket.SOCK_DGRAM)
        try:
            port.setblocking(False)
            if family == socket.AF_INET6:
                port.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            port.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
            port.bind(self._where)
        except OSError:
            port.close()
            raise
        return port

    def _readable(self) -> None:
        port = self._socket
        if port is None:
            return
        for _ in range(AT_ONCE):
            try:
                datagram, sender = port.recvfrom(LARGEST)
            except BlockingIOError:
                self._row = 0
                return
            except OSError:  # what an earlier answer met, such as a port that nobody has: not ours to mend
                return
            answer = self._take(datagram, str(sender[0]))
            if answer is not None:
                self._send(answer, sender)
        self._row += AT_ONCE
        if self._row >= MOST:
            self._row = 0
            loop = asyncio.get_running_loop()
            loop.remove_reader(port)
            loop.call_later(PAUSE, self._go_on)

    def _go_on(self) -> None:
        if self._socket is not None:
            asyncio.get_running_loop().add_reader(self._socket, self._readable)

    def _send(self, answer: bytes, sender: tuple[object, ...]) -> None:
        """Answer; one that the kernel has no room for is lost, and the sender asks again."""
        try:
            if self._socket is not None:
                self._socket.sendto(answer, sender)
        except OSError as error:
            _log.debug("traps: an answer to %s was lost: %s", sender[0], error)
