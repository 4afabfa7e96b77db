"""The UDP port of a simulated SNMP agent: pysnmp's command responders over whoever answers, and the faults of a line.

pysnmp's own MIB tree is left out: what answers is a table or a picture of a model (``snmp_card``, ``snmp_agent``).
"""

import asyncio
from collections.abc import Sequence
from typing import Any, Final, Protocol

import msgspec
from pysnmp.carrier.asyncio.dgram import udp
from pysnmp.entity import config, engine
from pysnmp.entity.rfc3413 import cmdrsp, context
from pysnmp.proto import rfc1902

from firmware_sims.faults import DELAY_SECONDS, Fault, spoiled
from firmware_sims.snmp_faces import Counter, Gauge, Integer, Name, Text, Ticks

AREA: Final = (1, 3, 6, 1)
READERS: Final = (cmdrsp.GetCommandResponder, cmdrsp.NextCommandResponder, cmdrsp.BulkCommandResponder)
_OTHER: Final = 0x55
"""What a request id is mixed with, to be another one."""


class Counter64(msgspec.Struct, frozen=True):
    """Counter64."""

    value: int


class Octets(msgspec.Struct, frozen=True):
    """OCTET STRING that is no text."""

    value: bytes


Cell = Integer | Gauge | Counter | Counter64 | Ticks | Text | Octets | Name


class Answering(Protocol):
    """Answers as pysnmp's MIB tree would (``read_variables`` and so on), and obeys the faults that are values."""

    fault: Fault


class SnmpPort:
    """One simulated agent's port. Nothing listens before ``start``."""

    def __init__(self, answering: Answering, *, host: str, port: int, community: str) -> None:
        """Take who answers, where to listen (port 0: a free one), and the community of v1 and v2c."""
        self._answering = answering
        self._host = host
        self._port = port
        self._community = community
        self._engine: Any = None
        self._transport: _Udp | None = None

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
        return self._answering.fault

    @property
    def requests(self) -> int:
        """Datagrams that it answered since its start."""
        return self._transport.answered if self._transport is not None else 0

    async def set_fault(self, fault: Fault) -> None:
        """Misbehave from now on; an unplugged network port is silent."""
        self._answering.fault = fault
        if self._transport is not None:
            self._transport.fault = fault

    async def start(self) -> None:
        """Listen.

        Raises:
            OSError: the port cannot be had.
        """
        transport = _Udp()
        transport.fault, transport.swallowed = self.fault, self._swallowed()
        endpoint, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: transport, local_addr=(self._host, self._port)
        )
        self._port = endpoint.get_extra_info("sockname")[1]
        self._transport = transport
        self._engine = snmp = engine.SnmpEngine()
        config.add_transport(snmp, udp.DOMAIN_NAME, transport)
        allow_community(snmp, "area", self._community, AREA)
        self._admit(snmp)
        asked = context.SnmpContext(snmp)
        asked.unregister_context_name("")
        asked.register_context_name("", self._answering)
        for responder in self._responders():
            responder(snmp, asked)

    async def stop(self) -> None:
        """Let go of the port."""
        if self._engine is not None:
            self._engine.close_dispatcher()
        self._engine = self._transport = None

    def _admit(self, snmp: Any) -> None:
        """Let more people in than those who know the community."""

    def _responders(self) -> Sequence[Any]:
        """Return what is answered: reading."""
        return READERS

    def _swallowed(self) -> frozenset[Fault]:
        """Return the faults with which no datagram arrives, beside those that are silence everywhere."""
        return frozenset()


def allow_community(snmp: Any, name: str, community: str, *areas: tuple[int, ...]) -> None:
    """Let a community of v1 and v2c read an area, and write a second one."""
    config.add_v1_system(snmp, name, community)
    for model in (1, 2):
        config.add_vacm_user(snmp, model, name, "noAuthNoPriv", *areas)


def allow(asked: Any, about: Any) -> None:
    """Ask pysnmp once whether this user may read at this security level; it raises what to answer if not."""
    if asked and about.get("acFun"):
        about["acFun"]("read", (rfc1902.ObjectName(AREA), None), **about)


def wire(cell: Cell) -> Any:
    """Return a value as pysnmp's; counters wrap as theirs do."""
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


def renumbered(message: bytes) -> bytes:
    """Return an answer as one to another request: with another request id, or, in v3, another message id (RFC 3416)."""
    at, _ = _inside(message, 0)
    version, after = _inside(message, at)
    at, end = _inside(message, after)
    if message[version] != 3:  # behind the community comes the PDU, and in it the request id
        at, _ = _inside(message, end)
    number, end = _inside(message, at)
    place = max(number, end - 1)
    return message[:place] + bytes((message[place] ^ _OTHER,)) + message[place + 1 :]


def _inside(message: bytes, at: int) -> tuple[int, int]:
    """Return where the contents of the BER element at a place begin and end."""
    size, at = message[at + 1], at + 2
    if size > 127:
        size, at = int.from_bytes(message[at : at + size - 128], "big"), at + size - 128
    return at, at + size


class _Udp(udp.UdpAsyncioTransport):  # type: ignore[misc] # pysnmp is untyped
    """The datagrams, with the faults of a line."""

    fault = Fault.NONE
    swallowed: frozenset[Fault] = frozenset()
    answered = 0

    def send_message(self, outgoingMessage: bytes, transportAddress: Any) -> None:  # noqa: N803 - pysnmp's names
        """Send an answer, as far as the fault lets it."""
        self.answered += 1
        answer = None if self.fault in self.swallowed else spoiled(outgoingMessage, self.fault)
        if answer is None:
            return
        if self.fault is Fault.ADDRESS:
            answer = renumbered(answer)
        delay = DELAY_SECONDS if self.fault is Fault.DELAY else 0.0
        self.loop.call_later(delay, self._send, answer, transportAddress)

    def _send(self, answer: bytes, address: Any) -> None:
        if self.transport is not None and not self.transport.is_closing():
            self.transport.sendto(answer, self.normalize_address(address))
