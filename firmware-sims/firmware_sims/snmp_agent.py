"""An SNMP agent over rows that a model makes: pysnmp's command responder, v1 and v2c. What keeps tables is built on it.

Rows are made anew a few times a second; a GETBULK that walks them sees one picture. Faults are made on the datagrams,
but for sentinels, which are values.
"""

import asyncio
from bisect import bisect_right
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
from pysnmp.carrier.asyncio.dgram import udp
from pysnmp.entity import config, engine
from pysnmp.entity.rfc3413 import cmdrsp, context
from pysnmp.proto import rfc1902, rfc1905

from firmware_sims.faults import DELAY_SECONDS, Fault, spoiled
from firmware_sims.snmp_faces import Counter, Gauge, Integer, Name, Oid, Text, Ticks

_AREA: Final = (1, 3, 6, 1)
FRESH: Final = 0.05
"""Seconds that one picture of the model is good for."""


class Counter64(msgspec.Struct, frozen=True):
    """Counter64."""

    value: int


class Octets(msgspec.Struct, frozen=True):
    """OCTET STRING that is no text."""

    value: bytes


Cell = Integer | Gauge | Counter | Counter64 | Ticks | Text | Octets | Name
Rows = Mapping[Oid, Cell]
"""Everything that the agent says, by OID."""


class SnmpAgent:
    """One simulated agent. Nothing listens before ``start``."""

    def __init__(
        self, rows: Callable[[], Rows], *, host: str = "127.0.0.1", port: int = 0, community: str = "public"
    ) -> None:
        """Remember what to be.

        Args:
            rows: makes what it says, each time anew.
            host: where to listen.
            port: UDP port; 0 for a free one.
            community: for v1 and v2c.
        """
        self._picture = _Picture(rows)
        self._host = host
        self._port = port
        self._community = community
        self._engine: Any = None
        self._transport: _Udp | None = None
        self._fault = Fault.NONE

    @property
    def address(self) -> str:
        """``host:port``, once started."""
        return f"{self._host}:{self._port}"

    @property
    def url(self) -> str:
        """What ``wolfsmoke-agent read`` is given to read it."""
        return f"snmp://{self._community}@{self.address}"

    @property
    def fault(self) -> Fault:
        """What is wrong with it."""
        return self._fault

    @property
    def requests(self) -> int:
        """Datagrams that it answered since its start."""
        return self._transport.answered if self._transport is not None else 0

    async def set_fault(self, fault: Fault) -> None:
        """Misbehave from now on; an unplugged network port is silent."""
        self._fault = self._picture.fault = fault
        if self._transport is not None:
            self._transport.fault = fault

    async def start(self) -> None:
        """Listen.

        Raises:
            OSError: the port cannot be had.
        """
        transport = _Udp()
        transport.fault = self._fault
        endpoint, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: transport, local_addr=(self._host, self._port)
        )
        self._port = endpoint.get_extra_info("sockname")[1]
        self._transport = transport
        self._engine = snmp = engine.SnmpEngine()
        config.add_transport(snmp, udp.DOMAIN_NAME, transport)
        config.add_v1_system(snmp, "area", self._community)
        for model in (1, 2):
            config.add_vacm_user(snmp, model, "area", "noAuthNoPriv", _AREA)
        asked = context.SnmpContext(snmp)
        asked.unregister_context_name("")
        asked.register_context_name("", self._picture)
        for responder in (cmdrsp.GetCommandResponder, cmdrsp.NextCommandResponder, cmdrsp.BulkCommandResponder):
            responder(snmp, asked)

    async def stop(self) -> None:
        """Let go of the port."""
        if self._engine is not None:
            self._engine.close_dispatcher()
        self._engine = self._transport = None


class _Picture:
    """Answers what pysnmp's MIB tree would; pysnmp's names, therefore."""

    def __init__(self, rows: Callable[[], Rows]) -> None:
        self.fault = Fault.NONE
        self._make = rows
        self._rows: Rows = {}
        self._order: list[Oid] = []
        self._taken: float | None = None

    def read_variables(self, *asked: Any, **about: Any) -> list[Any]:
        """Answer a GET."""
        _allow(asked, about)
        self._refresh()
        cells = ((name, self._rows.get(tuple(name))) for name, _ in asked)
        return [(name, rfc1905.noSuchInstance if cell is None else self._wire(cell)) for name, cell in cells]

    def read_next_variables(self, *asked: Any, **about: Any) -> list[Any]:
        """Answer a GETNEXT or one row of a GETBULK."""
        _allow(asked, about)
        self._refresh()
        answers = []
        for name, _ in asked:
            at = bisect_right(self._order, tuple(name))
            if at == len(self._order):
                answers.append((name, rfc1905.endOfMibView))
            else:
                following = self._order[at]
                answers.append((rfc1902.ObjectName(following), self._wire(self._rows[following])))
        return answers

    def _refresh(self) -> None:
        now = asyncio.get_running_loop().time()
        if self._taken is None or now - self._taken > FRESH:
            self._rows = self._make()
            self._order = sorted(self._rows)
            self._taken = now

    def _wire(self, cell: Cell) -> Any:
        return _wire(_sentinel(cell) if self.fault is Fault.SENTINELS else cell)


def _allow(asked: Any, about: Any) -> None:
    """Ask pysnmp once whether this user may read; it raises what to answer if not."""
    if asked and about.get("acFun"):
        about["acFun"]("read", (rfc1902.ObjectName(_AREA), None), **about)


def _sentinel(cell: Cell) -> Cell:
    """Return what devices say when they have no value; names of what they are stay."""
    match cell:
        case Integer():
            return Integer(2147483647)
        case Gauge():
            return Gauge(4294967295)
        case Text() | Octets():
            return Text("")
        case _:
            return cell


def _wire(cell: Cell) -> Any:
    match cell:
        case Integer(value):
            return rfc1902.Integer32(value)
        case Gauge(value):
            return rfc1902.Gauge32(value)
        case Counter(value):
            return rfc1902.Counter32(value % 2**32)
        case Counter64(value):
            return rfc1902.Counter64(value % 2**64)
        case Ticks(value):
            return rfc1902.TimeTicks(value % 2**32)
        case Text(value):
            return rfc1902.OctetString(value.encode())
        case Octets(value):
            return rfc1902.OctetString(value)
        case Name(value):
            return rfc1902.ObjectIdentifier(value)


def other_request(answer: bytes) -> bytes:
    """Return an answer under another request id, as a late one, or one for somebody else, has (RFC 3416)."""
    at = _inside(answer, 0)
    for _ in range(2):  # version, community
        at = _behind(answer, at)
    at = _inside(answer, at)  # of the PDU
    last = _behind(answer, at) - 1
    return answer[:last] + bytes((answer[last] ^ 0x55,)) + answer[last + 1 :]


def _inside(message: bytes, at: int) -> int:
    """Return where the contents of the BER value at a place begin."""
    first = message[at + 1]
    return at + 2 + (first & 0x7F if first & 0x80 else 0)


def _behind(message: bytes, at: int) -> int:
    """Return where the BER value at a place ends."""
    start = _inside(message, at)
    first = message[at + 1]
    length = int.from_bytes(message[at + 2 : start], "big") if first & 0x80 else first
    return start + length


class _Udp(udp.UdpAsyncioTransport):  # type: ignore[misc] # pysnmp is untyped
    """The datagrams, with the faults of a line."""

    fault = Fault.NONE
    answered = 0

    def send_message(self, outgoingMessage: bytes, transportAddress: Any) -> None:  # noqa: N803 - pysnmp's names
        """Send an answer, as far as the fault lets it. One with a wrong checksum is dropped on its way by UDP."""
        self.answered += 1
        answer = None if self.fault is Fault.CHECKSUM else spoiled(outgoingMessage, self.fault)
        if answer is None:
            return
        if self.fault is Fault.ADDRESS:
            answer = other_request(answer)
        delay = DELAY_SECONDS if self.fault is Fault.DELAY else 0.0
        self.loop.call_later(delay, self._send, answer, transportAddress)

    def _send(self, answer: bytes, address: Any) -> None:
        if self.transport is not None and not self.transport.is_closing():
            self.transport.sendto(answer, self.normalize_address(address))
