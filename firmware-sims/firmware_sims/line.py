"""What is behind a line: a name server, a web page, an SSH banner and a SIP trunk on ports of the loopback.

Nobody can be made silent to pings there, so a line of the demo is probed with what these answer. All of it can lose,
delay and fall silent on command; a TCP port falls silent as behind a cut line: it takes no connection, and refuses none.
"""

import asyncio
import contextlib
import random
import socket
import struct
from collections.abc import Callable
from typing import cast

import msgspec

from firmware_sims.faults import DELAY_SECONDS, Fault, spoiled

_BACKLOG = 4
"""Connections of our own that fill the queue of a port that is to be silent."""
_LONGEST = 65536


class FarEnd(msgspec.Struct):
    """The model: how the line is, and what stands behind it. It may be changed at any time."""

    cut: bool = False
    """Nothing comes back."""
    loss: float = 0.0
    """Part of the answers that are lost, 0 to 1."""
    delay: float = 0.0
    """Seconds that an answer takes longer."""
    names: dict[str, str] = msgspec.field(default_factory=lambda: {"www.example.com": "192.0.2.80"})
    """Names that the name server knows, and their addresses."""
    name_code: int = 0
    """The name server's error: 0 none, 2 SERVFAIL, 5 REFUSED."""
    page_status: int = 200
    page: str = "OK"
    sip_code: int = 200
    sip_retry: int = 0
    """Seconds of Retry-After; 0 for none."""


class Line:
    """One simulated far end. Nothing is opened before ``start``."""

    def __init__(self, far: FarEnd, *, host: str = "127.0.0.1", rng: random.Random | None = None) -> None:
        """Take the model, where to listen, and what decides whether an answer is lost."""
        self.far = far
        self._host = host
        self._rng = rng or random.Random()  # noqa: S311 - it decides what is lost, not what is secret
        self._fault = Fault.NONE
        self._stack = contextlib.AsyncExitStack()
        self._ports = {"http": 0, "dns": 0, "ssh": 0, "sip": 0}
        self._holes: list[socket.socket] = []
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def address(self) -> str:
        """Where its page is, once started."""
        return f"{self._host}:{self._ports['http']}"

    @property
    def url(self) -> str:
        """What ``wolfsmoke-agent read`` is given to read it."""
        return self.urls[0]

    @property
    def urls(self) -> tuple[str, ...]:
        """All that can be asked, for ``probes`` of a line: page, TCP port, SSH, SIP, DNS."""
        name = next(iter(self.far.names), "www.example.com")
        return (
            f"http://{self.address}/#contains=OK",
            f"tcp://{self.address}",
            f"ssh://{self._host}:{self._ports['ssh']}",
            f"sip://{self._host}:{self._ports['sip']}",
            f"dns://{self._host}:{self._ports['dns']}/{name}",
        )

    @property
    def fault(self) -> Fault:
        """What is wrong with it."""
        return self._fault

    async def set_fault(self, fault: Fault) -> None:
        """Misbehave from now on. ``silence`` is a line that is cut; ``unplug`` a host without its services."""
        self._fault = fault
        await self._open_or_close()

    async def set_cut(self, *, cut: bool) -> None:
        """Cut the line, or mend it."""
        self.far.cut = cut
        await self._open_or_close()

    async def start(self) -> None:
        """Open the ports, and keep their numbers from then on.

        Raises:
            OSError: a port cannot be had.
        """
        await self._listen()

    async def stop(self) -> None:
        """Close the ports."""
        await self._close()

    @property
    def _silent(self) -> bool:
        return self.far.cut or self._fault is Fault.SILENCE

    async def _open_or_close(self) -> None:
        await self._close()
        if self._silent:
            self._bury()
        elif self._fault is not Fault.UNPLUG:
            await self._listen()

    async def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        for name, serve in (("http", self._serve_page), ("ssh", self._serve_banner), ("sip", self._serve_sip)):
            server = await asyncio.start_server(serve, self._host, self._ports[name], reuse_address=True)
            self._stack.push_async_callback(_closed, server)
            self._ports[name] = server.sockets[0].getsockname()[1]
        for name, answer in (("dns", self._dns), ("sip", self._sip)):
            transport, _ = await loop.create_datagram_endpoint(
                lambda answer=answer: _Datagrams(answer, self._later),  # type: ignore[misc] # bound at once
                (self._host, self._ports[name]),
            )
            self._stack.callback(transport.close)
            self._ports[name] = transport.get_extra_info("sockname")[1]

    async def _close(self) -> None:
        for task in tuple(self._tasks):
            task.cancel()
        for sock in self._holes:
            sock.close()
        self._holes.clear()
        await self._stack.aclose()

    def _bury(self) -> None:
        """Leave ports whose queue is full: the kernel drops who knocks, as a line that is cut does."""
        for name in ("http", "ssh", "sip"):
            hole = socket.socket()
            hole.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            hole.bind((self._host, self._ports[name]))
            hole.listen(0)
            self._holes.append(hole)
            for _ in range(_BACKLOG):
                filler = socket.socket()
                filler.setblocking(False)
                with contextlib.suppress(BlockingIOError):
                    filler.connect((self._host, self._ports[name]))
                self._holes.append(filler)

    def _later(self, answer: bytes | None, send: Callable[[bytes], object]) -> None:
        """Send an answer, if the line lets it through, when it does."""
        said = None if answer is None else spoiled(answer, self._fault)
        if said is None or self._silent or self._rng.random() < self.far.loss:
            return
        asyncio.get_running_loop().call_later(self._wait, send, said)

    @property
    def _wait(self) -> float:
        return self.far.delay + (DELAY_SECONDS if self._fault is Fault.DELAY else 0.0)

    def _dns(self, packet: bytes) -> bytes | None:
        """Return the answer to one question for an A record, RFC 1035."""
        if len(packet) < 17:
            return None
        ident = packet[:2] if self._fault is not Fault.ADDRESS else bytes(255 - byte for byte in packet[:2])
        labels, at = [], 12
        while at < len(packet) and packet[at]:
            labels.append(packet[at + 1 : at + 1 + packet[at]].decode("latin-1"))
            at += 1 + packet[at]
        question = packet[12 : at + 5]
        address = self.far.names.get(".".join(labels).lower(), "")
        code = self.far.name_code or (0 if address else 3)
        records = b""
        if address and not code and self._fault is not Fault.SENTINELS:
            records = b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 60, 4) + socket.inet_aton(address)
        return ident + struct.pack("!HHHHH", 0x8180 | code, 1, 1 if records else 0, 0, 0) + question + records

    def _sip(self, packet: bytes) -> bytes | None:
        """Return the response to a request, RFC 3261: its Via, From, To, Call-ID and CSeq as they came."""
        lines = packet.decode("utf-8", "replace").split("\r\n")
        if not lines[0].endswith(" SIP/2.0"):
            return None
        kept = [line for line in lines[1:] if line.partition(":")[0].lower() in _ECHOED]
        if self._fault is Fault.ADDRESS:
            kept = ["Call-ID: another@call" if line.lower().startswith("call-id") else line for line in kept]
        code = 404 if self._fault is Fault.SENTINELS else self.far.sip_code
        if self.far.sip_retry:
            kept.append(f"Retry-After: {self.far.sip_retry}")
        head = [f"SIP/2.0 {code} {_REASONS.get(code, 'Simulated')}", *kept, "Content-Length: 0", "", ""]
        return "\r\n".join(head).encode()

    def _page(self) -> bytes:
        body = b"" if self._fault is Fault.SENTINELS else self.far.page.encode()
        head = f"HTTP/1.1 {self.far.page_status} {_REASONS.get(self.far.page_status, 'Simulated')}\r\n"
        return f"{head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body

    async def _serve_page(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._serve(reader, writer, lambda _: self._page())

    async def _serve_sip(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._serve(reader, writer, self._sip)

    async def _serve_banner(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._serve(reader, writer, lambda _: b"SSH-2.0-Wolfsmoke_Sim\r\n", asked=False)

    async def _serve(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        answer: Callable[[bytes], bytes | None],
        *,
        asked: bool = True,
    ) -> None:
        """Answer one request over TCP; what a lossy line loses, TCP would send again: it is late instead."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - asyncio runs it as one
        self._tasks.add(task)
        try:
            request = await reader.readuntil(b"\r\n\r\n") if asked else b""
            late = 1.0 if self._rng.random() < self.far.loss else 0.0
            await asyncio.sleep(self._wait + late)
            said = answer(request)
            left = None if said is None else spoiled(said, self._fault)
            if left and not self._silent:
                writer.write(left)
                await writer.drain()
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError, asyncio.CancelledError):
            pass  # the prober went away, or we close
        finally:
            self._tasks.discard(task)
            writer.close()


_ECHOED = frozenset({"via", "from", "to", "call-id", "cseq"})
_REASONS = {200: "OK", 404: "Not Found", 500: "Server Internal Error", 503: "Service Unavailable"}


async def _closed(server: asyncio.Server) -> None:
    """Close a server; its connections end by themselves."""
    server.close()


class _Datagrams(asyncio.DatagramProtocol):
    """Answers each datagram."""

    def __init__(
        self,
        answer: Callable[[bytes], bytes | None],
        later: Callable[[bytes | None, Callable[[bytes], object]], None],
    ) -> None:
        self._answer = answer
        self._later = later
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what answers leave by."""
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Answer, if there is an answer."""

        def send(answer: bytes) -> None:
            if self._transport is not None and not self._transport.is_closing():
                self._transport.sendto(answer, addr)

        self._later(self._answer(data[:_LONGEST]), send)
