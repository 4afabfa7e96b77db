"""Simulated UPSes on a serial line: a pseudo-terminal under a name of its own, or a TCP port.

What they say is a ``Talk``; the line, its clients and what goes wrong on it are here.
"""

import asyncio
from pathlib import Path
from typing import Protocol

from firmware_sims.faults import DELAY_SECONDS, Fault, spoiled
from firmware_sims.stream import StreamDevice
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


class SerialUps(StreamDevice):
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
        super().__init__(link=link, host=host, port=port)
        self.ups = ups
        self._talk = talk

    @property
    def url(self) -> str:
        """What ``wolfsmoke-agent read`` is given to read it."""
        return f"{self.scheme}://{self.address}"

    def _received(self, data: bytes) -> None:
        commands, self._waiting = self._talk.split(self._waiting + data)
        for command in commands:
            answer = self._answer(command)
            if answer:
                delay = DELAY_SECONDS if self._fault is Fault.DELAY else 0.0
                asyncio.get_running_loop().call_later(delay, self._write, answer)

    def _answer(self, command: bytes) -> bytes | None:
        answer = self._talk.reply(command, self._fault)
        whole = None if answer is None else spoiled(answer, self._fault)
        return None if whole is None else self._talk.unasked() + whole

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        waiting = b""
        while received := await reader.read(1024):
            commands, waiting = self._talk.split(waiting + received)
            for command in commands:
                answer = self._answer(command)
                if self._fault is Fault.DELAY:
                    await asyncio.sleep(DELAY_SECONDS)
                if answer:
                    writer.write(answer)
                    await writer.drain()
