"""A UPS on a serial line that speaks Megatec Q1: a pseudo-terminal under a name of its own, or a TCP port.

Layouts: Megatec protocol document, as NUT's blazer and nutdrv_qx read it. Commands end in CR; Q1, F, I, T, Tnn, TL,
CT and Q are known, S and C are taken and ignored; anything else is echoed, as the real ones do.
"""

import asyncio
from pathlib import Path

from firmware_sims.faults import DELAY_SECONDS, Fault, spoiled
from firmware_sims.pty import Pty
from firmware_sims.snmp_faces import Plate
from firmware_sims.ups import Rating, Ups, View

_TEST_SECONDS = 10.0
_LONGEST = 64
"""Bytes without a CR that are kept; no command is longer."""


def q1(view: View, rating: Rating, *, beeper: bool) -> str:
    """Return the status line. Online types report the voltage of a cell, the others that of the string."""
    battery = f"{view.battery_volts / rating.cells:4.2f}" if rating.online else f"{view.battery_volts:04.1f}"
    bits = (
        not view.mains,
        view.low,
        view.trim or view.boost,
        False,
        not rating.online,
        view.test,
        False,
        beeper,
    )
    flags = "".join("1" if bit else "0" for bit in bits)
    return (
        f"({view.input_volts:05.1f} {view.fault_volts:05.1f} {view.output_volts:05.1f} {min(999, round(view.load)):03d} "
        f"{view.input_hertz:04.1f} {battery:.4} {view.temperature:04.1f} {flags}"
    )


def rating_line(rating: Rating) -> str:
    """Return the answer to F: volts, amperes, battery volts, hertz."""
    amperes = round(rating.apparent / rating.volts)
    battery = f"{rating.string:05.1f}" if rating.string >= 100.0 else f"{rating.string:05.2f}"
    return f"#{rating.volts:05.1f} {amperes:03d} {battery} {rating.hertz:04.1f}"


def identity_line(plate: Plate) -> str:
    """Return the answer to I: company, model and version, padded."""
    return f"#{plate.manufacturer:<15.15} {plate.model:<10.10} {plate.firmware:<10.10}"


class Megatec:
    """The conversation: one command in, one answer out. No line of its own."""

    def __init__(self, ups: Ups, plate: Plate) -> None:
        """Speak for a model."""
        self._ups = ups
        self._plate = plate
        self._beeper = True

    def answer(self, command: str) -> str | None:
        """Return the answer without its CR, or None for none."""
        match command:
            case "Q1":
                return q1(self._ups.view(), self._ups.rating, beeper=self._beeper)
            case "F":
                return rating_line(self._ups.rating)
            case "I":
                return identity_line(self._plate)
            case "T":
                self._ups.test(_TEST_SECONDS)
            case "TL":
                self._ups.test(24 * 3600.0)
            case "CT":
                self._ups.cancel_test()
            case "Q":
                self._beeper = not self._beeper
            case _ if command[:1] == "T" and command[1:].isdigit():
                self._ups.test(60.0 * int(command[1:]))
            case _ if command[:1] in {"S", "C"} and command != "":
                pass
            case _:
                return command
        return None


class MegatecUps:
    """One simulated UPS on a serial line. Nothing is opened before ``start``."""

    def __init__(self, ups: Ups, plate: Plate, *, link: Path | None = None, host: str = "", port: int = 0) -> None:
        """Remember what to be.

        Args:
            ups: the model.
            plate: what it says of itself.
            link: name of the serial port, a symbolic link to the pseudo-terminal; None for a TCP port.
            host: where to listen when there is no link.
            port: TCP port; 0 for a free one.
        """
        self.ups = ups
        self._talk = Megatec(ups, plate)
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
        return f"megatec://{self.address}"

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
            self._pty = Pty(self._link, self._read)
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

    def _read(self, data: bytes) -> None:
        *commands, rest = (self._waiting + data).split(b"\r")
        self._waiting = rest[-_LONGEST:]
        for command in commands:
            self._received(command)

    def _received(self, command: bytes) -> None:
        loop = asyncio.get_running_loop()
        answer = self._answer(command)
        if answer:
            loop.call_later(DELAY_SECONDS if self._fault is Fault.DELAY else 0.0, self._write, answer)

    def _write(self, answer: bytes) -> None:
        if self._pty is not None:
            self._pty.write(answer)

    def _answer(self, command: bytes) -> bytes | None:
        text = command.decode("latin-1").strip("\n\0 ")
        answer = self._talk.answer(text) if text else None
        return None if answer is None else spoiled(answer.encode("latin-1") + b"\r", self._fault)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while True:
                answer = self._answer((await reader.readuntil(b"\r"))[:-1])
                if self._fault is Fault.DELAY:
                    await asyncio.sleep(DELAY_SECONDS)
                if answer:
                    writer.write(answer)
                    await writer.drain()
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
            pass  # the reader went away, or does not speak our language
        finally:
            self._writers.discard(writer)
            writer.close()
