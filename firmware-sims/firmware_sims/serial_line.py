"""Simulated UPSes on a serial line: a pseudo-terminal under a name of its own, or a TCP port.

What they say is a ``Talk``; the line, its clients and what goes wrong on it are here.
"""

import asyncio
from pathlib import Path
from typing import Protocol

from firmware_sims.faults import DELAY_SECONDS, Fault, spoiled
from firmware_sims.pty import Pty
from firmware_sims.ups import Ups

LONGEST = 64
"""Bytes without the end of a command that are kept; no command is longer."""


class Talk(Protocol):
    """A conversation without a line of its own: bytes in, commands out of them, one answer to each."""

    def split(self, received: bytes) -> tuple[list[bytes], bytes]:
        """Return the whole commands, and what is left over."""
        ...

    def reply(self, command: bytes, fault: Fault) -> bytes | None:
        """Return the whole answer, or None for none.

        Of the faults, those that only the protocol can show are obeyed here: ``sentinels``, and ``checksum`` where it
        has one.
        """
        ...

    def unasked(self) -> bytes:
        """Return what the device says of itself, without a question; empty for nothing."""
        ...


def lines(received: bytes) -> tuple[list[bytes], bytes]:
    """Return the commands that end in CR, and what is left over."""
    *commands, rest = received.split(b"\r")
    return commands, rest[-LONGEST:]


class SerialUps:
    """One simulated UPS on a serial line. Nothing is opened before ``start``."""

    scheme = "megatec"
    """Of the URL that reads it."""

    def __init__(self, ups: Ups, talk: Talk, *, link: Path | None = None, host: str = "", port: int = 0) -> None:
        """Remember what to be.

        Args:
            ups: the model.
            talk: what it says.
            link: name of the serial port, a symbolic link to the pseudo-terminal; None for a TCP port.
            host: where to listen when there is no link.
            port: TCP port; 0 for a free one.
        """
        self.ups = ups
        self._talk = talk
        self._link = link.absolute() if link else None
        self._host = host or "127.0.0.1"
        self._port = port
        self._pty: Pty | None = None
        self._waiting = b""
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._fault = Fault.NONE

    @property
    def address(self) -> str:
        """The port's path, or ``host:port``, once started."""
        return str(self._link) if self._link else f"{self._host}:{self._port}"

    @property
    def url(self) -> str:
        """What ``wolfsmoke-agent read`` is given to read it."""
        return f"{self.scheme}://{self.address}"

    @property
    def fault(self) -> Fault:
        """What is wrong with it."""
        return self._fault

    async def set_fault(self, fault: Fault) -> None:
        """Misbehave from now on; ``unplug`` takes the port away, anything else brings it back."""
        was, self._fault = self._fault, fault
        if fault is Fault.UNPLUG:
            await self._close()
        elif was is Fault.UNPLUG:
            await self.start()

    async def start(self) -> None:
        """Open the line.

        Raises:
            OSError: the name or the port cannot be had.
        """
        if self._link is not None:
            self._waiting = b""
            self._pty = Pty(self._link, self._received)
            self._pty.open()
            return
        self._server = await asyncio.start_server(self._serve, self._host, self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close the line."""
        await self._close()

    async def _close(self) -> None:
        if self._pty is not None:
            self._pty.close()
            self._pty = None
        if self._server is not None:
            self._server.close()
            for writer in tuple(self._writers):
                writer.close()
            self._server = None

    def _received(self, received: bytes) -> None:
        commands, self._waiting = self._talk.split(self._waiting + received)
        for command in commands:
            answer = self._answer(command)
            if answer:
                delay = DELAY_SECONDS if self._fault is Fault.DELAY else 0.0
                asyncio.get_running_loop().call_later(delay, self._write, answer)

    def _write(self, answer: bytes) -> None:
        if self._pty is not None:
            self._pty.write(answer)

    def _answer(self, command: bytes) -> bytes | None:
        answer = self._talk.reply(command, self._fault)
        whole = None if answer is None else spoiled(answer, self._fault)
        return None if whole is None else self._talk.unasked() + whole

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        waiting = b""
        try:
            while received := await reader.read(1024):
                commands, waiting = self._talk.split(waiting + received)
                for command in commands:
                    answer = self._answer(command)
                    if self._fault is Fault.DELAY:
                        await asyncio.sleep(DELAY_SECONDS)
                    if answer:
                        writer.write(answer)
                        await writer.drain()
        except ConnectionError:
            pass  # the reader went away
        finally:
            self._writers.discard(writer)
            writer.close()
