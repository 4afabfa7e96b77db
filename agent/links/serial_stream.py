"""A serial port as an asyncio transport, for protocols that are written for streams; and what its hardware counted.

It needs no library of its own: the port is opened by ``agent.links.serial``, and read by its file descriptor.
"""

import asyncio
import contextlib
import errno
import fcntl
import os
import struct
import termios
from typing import Any, Final

import msgspec

_TIOCGICOUNT: Final = 0x545D
"""Linux: reads struct serial_icounter_struct, eleven counters and nine reserved words (include/uapi/linux/serial.h)."""
_COUNTERS: Final = struct.Struct("20i")
_CHUNK: Final = 1024


class LineErrors(msgspec.Struct, frozen=True):
    """What the hardware counted since the system started: what it could not read as characters."""

    framing: int = 0
    overrun: int = 0
    parity: int = 0

    def since(self, before: "LineErrors") -> str:
        """Say what these counts tell of the time since others were taken; empty where nothing was wrong."""
        if self.parity > before.parity:
            return f"the port counts {self.parity - before.parity} parity errors: try another parity, N, E or O"
        if self.framing > before.framing:
            return f"the port counts {self.framing - before.framing} framing errors: try another speed"
        if self.overrun > before.overrun:
            return f"the port lost characters {self.overrun - before.overrun} times: the machine or the adapter is too slow"
        return ""


def line_errors(descriptor: int) -> LineErrors:
    """Return what a port counted; zeros for one that does not count."""
    try:
        counted = _COUNTERS.unpack(fcntl.ioctl(descriptor, _TIOCGICOUNT, bytes(_COUNTERS.size)))
    except OSError:
        return LineErrors()
    return LineErrors(framing=counted[6], overrun=counted[7], parity=counted[8])


class SerialTransport(asyncio.Transport):
    """One open port. Data goes to the protocol as it comes; a port that vanishes is a lost connection."""

    def __init__(self, port: Any, protocol: Any) -> None:
        """Take a port of pyserial, and an ``asyncio.Protocol``. It works once started."""
        super().__init__()
        self._port = port
        self._protocol = protocol
        self._descriptor: int = port.fileno()
        self._waiting = b""
        self._closed = False

    def start(self) -> None:
        """Begin to read."""
        os.set_blocking(self._descriptor, False)
        asyncio.get_running_loop().add_reader(self._descriptor, self._readable)
        self._protocol.connection_made(self)

    @property
    def errors(self) -> LineErrors:
        """What the port counted."""
        return LineErrors() if self._closed else line_errors(self._descriptor)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send, without waiting."""
        if not self._closed:
            self._waiting += bytes(data)
            self._writable()

    def is_closing(self) -> bool:
        """Say whether it is closed."""
        return self._closed

    def close(self) -> None:
        """Let go of the port; what was not sent is thrown away."""
        if self._closed:
            return
        self._closed = True
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._descriptor)
        loop.remove_writer(self._descriptor)
        with contextlib.suppress(OSError, termios.error):  # a close waits for what is not sent yet, else
            termios.tcflush(self._descriptor, termios.TCOFLUSH)
        with contextlib.suppress(OSError, termios.error):
            self._port.close()

    def abort(self) -> None:
        """Let go of the port."""
        self.close()

    def _readable(self) -> None:
        try:
            data = os.read(self._descriptor, _CHUNK)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._lost(error)
            return
        if data:
            self._protocol.data_received(data)
        else:  # ready, and nothing there: the far end hung up
            self._lost(OSError(errno.EIO, os.strerror(errno.EIO)))

    def _writable(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            self._waiting = self._waiting[os.write(self._descriptor, self._waiting) :]
        except (BlockingIOError, InterruptedError):
            pass
        except OSError as error:
            self._lost(error)
            return
        if self._waiting:
            loop.add_writer(self._descriptor, self._writable)
        else:
            loop.remove_writer(self._descriptor)

    def _lost(self, error: OSError) -> None:
        self.close()
        self._protocol.connection_lost(error)
