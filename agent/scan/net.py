"""How a scan asks over the network: in turns that keep a rate, each question with its own patience."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

import msgspec

WAIT: Final = 0.9
"""Seconds for an answer: less than TCP's first repeat, so that one probe is one packet."""
LONGEST: Final = 65535


class Answer(msgspec.Struct, frozen=True):
    """What came of a question over UDP."""

    datagram: bytes | None = None
    closed: bool = False
    """The host is there, and said that nobody listens at that port."""


class Pace:
    """Gives turns, so many a second and never several at once, and counts them."""

    def __init__(self, rate: float, clock: Callable[[], float] | None = None) -> None:
        """Take turns a second; the clock is the event loop's, if none is given."""
        self._gap = 1.0 / rate
        self._clock = clock
        self._next = 0.0
        self.sent = 0

    async def turn(self) -> None:
        """Wait for the next turn."""
        now = (self._clock or asyncio.get_running_loop().time)()
        mine = max(now, self._next)
        self._next = mine + self._gap
        await asyncio.sleep(mine - now)
        self.sent += 1


class Stream:
    """An open TCP connection, on which every question waits for its turn too."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, pace: Pace) -> None:
        """Take the connection."""
        self._reader = reader
        self._writer = writer
        self._pace = pace

    async def ask(self, question: bytes, enough: Callable[[bytes], bool], wait: float = WAIT) -> bytes:
        """Return what is answered until it is enough, the time is over, or the other side has left."""
        await self._pace.turn()
        answer = b""
        try:
            async with asyncio.timeout(wait):
                self._writer.write(question)
                while not enough(answer) and len(answer) < LONGEST:
                    more = await self._reader.read(4096)
                    if not more:
                        break
                    answer += more
        except (TimeoutError, OSError):
            pass  # what came before is what there is
        return answer


class Net:
    """Asks hosts."""

    def __init__(self, pace: Pace, wait: float = WAIT) -> None:
        """Take whose turn it is, and the patience in seconds."""
        self._pace = pace
        self._wait = wait

    async def udp(self, host: str, port: int, question: bytes, fits: Callable[[bytes], bool]) -> Answer:
        """Send one datagram; return the first answer that fits."""
        await self._pace.turn()
        loop = asyncio.get_running_loop()
        asked = _Datagrams(fits, loop.create_future())
        try:
            transport, _ = await loop.create_datagram_endpoint(lambda: asked, remote_addr=(host, port))
        except OSError:
            return Answer()  # no way there
        try:
            async with asyncio.timeout(self._wait):
                transport.sendto(question)
                return await asked.answer
        except TimeoutError:
            return Answer()
        finally:
            transport.close()

    @asynccontextmanager
    async def tcp(self, host: str, port: int) -> AsyncIterator[Stream | None]:
        """Connect; None where nobody answers."""
        await self._pace.turn()
        try:
            async with asyncio.timeout(self._wait):
                reader, writer = await asyncio.open_connection(host, port)
        except (TimeoutError, OSError):
            yield None
            return
        try:
            yield Stream(reader, writer, self._pace)
        finally:
            writer.close()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, fits: Callable[[bytes], bool], answer: "asyncio.Future[Answer]") -> None:
        self._fits = fits
        self.answer = answer

    def datagram_received(self, data: bytes, addr: tuple[str | None, int]) -> None:  # noqa: ARG002 - connected
        if not self.answer.done() and self._fits(data):
            self.answer.set_result(Answer(data))

    def error_received(self, exc: Exception) -> None:
        if not self.answer.done():
            self.answer.set_result(Answer(closed=isinstance(exc, ConnectionRefusedError)))
