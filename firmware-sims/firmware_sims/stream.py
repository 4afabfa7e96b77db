"""A simulated device on a stream of bytes: a pseudo-terminal under a name of its own, or a TCP port."""

import asyncio
from pathlib import Path

from firmware_sims.faults import Fault
from firmware_sims.pty import Pty


class StreamDevice:
    """The line of a device, its clients, and its plug. Nothing is opened before ``start``."""

    def __init__(self, *, link: Path | None, host: str, port: int) -> None:
        """Take where it hangs.

        Args:
            link: name of the serial port, a symbolic link to the pseudo-terminal; None for a TCP port.
            host: where to listen when there is no link; empty for loopback.
            port: TCP port; 0 for a free one.
        """
        self._link = link.absolute() if link else None
        self._host = host or "127.0.0.1"
        self._port = port
        self._pty: Pty | None = None
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._waiting = b""
        """What came on the pseudo-terminal and is no whole request yet."""
        self._fault = Fault.NONE

    @property
    def address(self) -> str:
        """The port's path, or ``host:port``, once started."""
        return str(self._link) if self._link else f"{self._host}:{self._port}"

    @property
    def fault(self) -> Fault:
        """What is wrong with it."""
        return self._fault

    async def set_fault(self, fault: Fault) -> None:
        """Misbehave from now on; ``unplug`` takes the port away, anything else brings it back."""
        was, self._fault = self._fault, fault
        if fault is Fault.UNPLUG:
            await self.stop()
        elif was is Fault.UNPLUG:
            await self.start()

    async def start(self) -> None:
        """Open the line.

        Raises:
            OSError: the name or the port cannot be had.
        """
        self._waiting = b""
        if self._link is not None:
            self._pty = Pty(self._link, self._received)
            self._pty.open()
            return
        self._server = await asyncio.start_server(self._client, self._host, self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close the line, and hang up on who is there."""
        if self._pty is not None:
            self._pty.close()
            self._pty = None
        if self._server is not None:
            self._server.close()
            self._server = None
            writers = tuple(self._writers)
            for writer in writers:
                writer.close()
            await asyncio.gather(*(writer.wait_closed() for writer in writers), return_exceptions=True)

    def _write(self, answer: bytes) -> None:
        """Send to whoever is on the pseudo-terminal."""
        if self._pty is not None:
            self._pty.write(answer)

    def _received(self, data: bytes) -> None:
        """Take what a client of the pseudo-terminal wrote; a device of TCP alone has none."""
        raise NotImplementedError

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Talk to one client of the TCP port until it goes."""
        raise NotImplementedError

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            await self._serve(reader, writer)
        except ConnectionError:
            pass  # the reader went away
        finally:
            self._writers.discard(writer)
            writer.close()
