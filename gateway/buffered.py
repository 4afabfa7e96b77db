"""A socket that is read and written in large pieces.

paho reads each packet with three calls of ``recv`` and answers it with one of ``send``; at many thousand messages a
second these system calls are a third of what receiving costs. Knows nothing of MQTT; belongs to the event loop.
"""

import asyncio
import socket
import ssl
from typing import Final

_PIECE: Final = 256 * 1024
_AGAIN: Final = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class BufferedSocket:
    """Takes the place of a connected, non-blocking socket. What is sent goes out at the end of the loop's turn."""

    def __init__(self, sock: socket.socket) -> None:
        """Take the socket; ``close`` closes it."""
        self._sock = sock
        self._loop = asyncio.get_running_loop()
        self._in = b""
        self._at = 0
        self._out = bytearray()
        self._soon: asyncio.Handle | None = None
        self._writing = False
        self._closed = False

    @property
    def unread(self) -> bool:
        """Whether there is something to read that the kernel does not know of."""
        return self._at < len(self._in) or (isinstance(self._sock, ssl.SSLSocket) and self._sock.pending() > 0)

    def recv(self, most: int) -> bytes:
        """Return some bytes; none at the end.

        Raises:
            OSError: BlockingIOError when there are none now; the connection is lost.
        """
        at = self._at
        if at >= len(self._in):
            self._in = self._sock.recv(_PIECE)
            at = 0
        self._at = at + most
        return self._in[at : at + most]

    def send(self, data: bytes | bytearray) -> int:
        """Take all of it; an error shows at the next call of ``recv``."""
        self._out += data
        if self._soon is None and not self._writing:
            self._soon = self._loop.call_soon(self.flush)
        return len(data)

    def flush(self) -> None:
        """Write what was sent, as far as the network takes it; the rest as soon as it does."""
        self._soon = None
        if self._closed:
            return
        try:
            while self._out:
                del self._out[: self._sock.send(self._out)]
        except _AGAIN:
            pass
        except OSError:  # the reader meets it, and says so
            self._out.clear()
        if bool(self._out) is not self._writing:
            self._writing = bool(self._out)
            if self._writing:
                self._loop.add_writer(self._sock, self.flush)
            else:
                self._loop.remove_writer(self._sock)

    @property
    def waiting(self) -> int:
        """Bytes that the network has not taken yet."""
        return len(self._out)

    def fileno(self) -> int:
        """Return the socket's."""
        return self._sock.fileno()

    def setblocking(self, flag: bool) -> None:  # noqa: FBT001 - the socket's own signature
        """Do nothing: it never blocks."""

    def close(self) -> None:
        """Close it, after one try to write what is left."""
        if self._closed:
            return
        self.flush()
        self._closed = True
        if self._writing:
            self._loop.remove_writer(self._sock)
        self._sock.close()
