"""What simulated SNMP cards share: pysnmp's command responder over a table of functions. SNMP v1, v2c and v3 authPriv.

pysnmp's own MIB tree is left out: a table of functions answers, which is fast enough for many devices polled each
second. Faults are made on the datagrams, where a real line makes them, and on the values, where a real card makes them.
"""

import asyncio
from bisect import bisect_right
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

import msgspec
from pyasn1.type import univ
from pysnmp.carrier.asyncio.dgram import udp
from pysnmp.entity import config, engine
from pysnmp.entity.rfc3413 import cmdrsp, context
from pysnmp.proto import rfc1902, rfc1905
from pysnmp.smi import error as smi

from firmware_sims.faults import DELAY_SECONDS, Fault, spoiled
from firmware_sims.snmp_faces import Answer, Counter, Gauge, Integer, Name, Oid, Text, Ticks

_AREA = (1, 3, 6, 1)
_SYSTEM = (1, 3, 6, 1, 2, 1, 1)
_AUTH = {"md5": config.USM_AUTH_HMAC96_MD5, "sha": config.USM_AUTH_HMAC96_SHA, "sha256": config.USM_AUTH_HMAC192_SHA256}
_PRIV = {"des": config.USM_PRIV_CBC56_DES, "aes": config.USM_PRIV_CFB128_AES}
_WRITER = "writer"
"""Name of who may set."""
_OTHER = 0x55
"""What a request id is mixed with, to be another one."""

View = TypeVar("View")
Entries = Mapping[Oid, Callable[[View, float], Answer | None]]
"""By OID, sorted: what is answered, of the view and the uptime in seconds; None for a row that is not there now."""

Writes = Mapping[Oid, Callable[[int | str], bool]]
"""By OID: takes a number, or an OID as dotted text; says whether it may be set so."""


class User(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An SNMPv3 user with authentication and privacy. The keys are a toy's: they guard nothing."""

    name: str
    auth_key: str
    priv_key: str
    auth: str = "sha"
    priv: str = "aes"

    def __post_init__(self) -> None:
        """Raise ValueError for what SNMP does not allow."""
        if self.auth not in _AUTH or self.priv not in _PRIV:
            raise ValueError(f"auth is one of {', '.join(_AUTH)}, priv one of {', '.join(_PRIV)}")
        if min(len(self.auth_key), len(self.priv_key)) < 8:
            raise ValueError("an SNMPv3 key has at least 8 characters")


class SnmpCard(Generic[View]):
    """One simulated card. Nothing listens before ``start``."""

    def __init__(
        self,
        entries: Entries[View],
        view: Callable[[], View],
        clock: Callable[[], float],
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        community: str = "public",
        user: User | None = None,
        write_community: str = "",
        writes: Writes | None = None,
    ) -> None:
        """Remember what to be.

        Args:
            entries: what it answers.
            view: returns the model as it is now.
            clock: seconds, for its uptime.
            host: where to listen.
            port: UDP port; 0 for a free one.
            community: for v1 and v2c.
            user: for v3.
            write_community: that may set, too; empty: nobody may.
            writes: what can be set.
        """
        self._table = _Table(entries, view, clock, writes or {})
        self._write_community = write_community
        self._host = host
        self._port = port
        self._community = community
        self._user = user
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

    async def set_fault(self, fault: Fault) -> None:
        """Misbehave from now on; an unplugged network port is silent."""
        self._fault = self._table.fault = fault
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
        if self._user is not None:
            user = self._user
            config.add_v3_user(snmp, user.name, _AUTH[user.auth], user.auth_key, _PRIV[user.priv], user.priv_key)
            config.add_vacm_user(snmp, 3, user.name, "authPriv", _AREA)
        if self._write_community:
            config.add_v1_system(snmp, _WRITER, self._write_community)
            for model in (1, 2):
                config.add_vacm_user(snmp, model, _WRITER, "noAuthNoPriv", _AREA, _AREA)
        asked = context.SnmpContext(snmp)
        asked.unregister_context_name("")
        asked.register_context_name("", self._table)
        for responder in (
            cmdrsp.GetCommandResponder,
            cmdrsp.NextCommandResponder,
            cmdrsp.BulkCommandResponder,
            cmdrsp.SetCommandResponder,
        ):
            responder(snmp, asked)

    async def stop(self) -> None:
        """Let go of the port."""
        if self._engine is not None:
            self._engine.close_dispatcher()
        self._engine = self._transport = None


class _Table:
    """Answers what pysnmp's MIB tree would; pysnmp's names, therefore."""

    fault = Fault.NONE

    def __init__(
        self, entries: Entries[Any], view: Callable[[], Any], clock: Callable[[], float], writes: Writes
    ) -> None:
        self._writes = writes
        self._view = view
        self._entries = entries
        self._order = list(entries)
        self._clock = clock
        self._started = clock()

    def read_variables(self, *asked: Any, **about: Any) -> list[Any]:
        """Answer a GET."""
        self._allow(asked, about)
        view, uptime = self._view(), self._clock() - self._started
        answers = []
        for name, _ in asked:
            answer = self._say(tuple(name), view, uptime)
            answers.append((name, rfc1905.noSuchObject if answer is None else _wire(answer)))
        return answers

    def read_next_variables(self, *asked: Any, **about: Any) -> list[Any]:
        """Answer a GETNEXT or one row of a GETBULK."""
        self._allow(asked, about)
        view, uptime = self._view(), self._clock() - self._started
        answers = []
        for name, _ in asked:
            answers.append((name, rfc1905.endOfMibView))
            for following in self._order[bisect_right(self._order, tuple(name)) :]:
                answer = self._say(following, view, uptime)
                if answer is not None:
                    answers[-1] = (rfc1902.ObjectName(following), _wire(answer))
                    break
        return answers

    def write_variables(self, *asked: Any, **about: Any) -> list[Any]:
        """Answer a SET: of one object, or as many as are there; none is set unless all can be."""
        asking = about["snmpEngine"].observer.get_execution_context("rfc3412.receiveMessage:request")
        if str(asking["securityName"]) != _WRITER:  # pysnmp's own views let everybody write who may read
            raise smi.NoAccessError(name=asked[0][0], idx=0)
        for index, (name, _) in enumerate(asked):
            if tuple(name) not in self._writes:
                error = smi.NotWritableError if tuple(name) in self._entries else smi.NoCreationError
                raise error(name=name, idx=index)
        for index, (name, value) in enumerate(asked):
            plain = str(value) if isinstance(value, univ.ObjectIdentifier) else int(value)
            if not self._writes[tuple(name)](plain):
                raise smi.WrongValueError(name=name, idx=index)
        return list(asked)

    def _say(self, oid: Oid, view: Any, uptime: float) -> Answer | None:
        entry = self._entries.get(oid)
        answer = entry(view, uptime) if entry is not None else None
        hollow = self.fault is Fault.SENTINELS and oid[: len(_SYSTEM)] != _SYSTEM
        return nothing(answer) if hollow and answer is not None else answer

    @staticmethod
    def _allow(asked: Any, about: Any) -> None:
        """Ask pysnmp once whether this user may read at this security level; it raises what to answer if not."""
        if asked and about.get("acFun"):
            about["acFun"]("read", (rfc1902.ObjectName(_AREA), None), **about)


def nothing(answer: Answer) -> Answer:
    """Return what a card says of a value that it has not got."""
    match answer:
        case Integer():
            return Integer(-1)
        case Gauge() | Counter() | Ticks():
            return type(answer)(2**32 - 1)
        case Text():
            return Text("")
        case Name():
            return Name("0.0")


def renumbered(message: bytes) -> bytes:
    """Return an answer as one to another request: with another request id, or, in v3, another message id."""
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


def _wire(answer: Answer) -> Any:
    match answer:
        case Integer(value):
            return rfc1902.Integer32(value)
        case Gauge(value):
            return rfc1902.Gauge32(value)
        case Counter(value):
            return rfc1902.Counter32(value)
        case Ticks(value):
            return rfc1902.TimeTicks(value)
        case Text(value):
            return rfc1902.OctetString(value.encode())
        case Name(value):
            return rfc1902.ObjectIdentifier(value)


class _Udp(udp.UdpAsyncioTransport):  # type: ignore[misc] # pysnmp is untyped
    """The datagrams, with the faults of a line."""

    fault = Fault.NONE

    def send_message(self, outgoingMessage: bytes, transportAddress: Any) -> None:  # noqa: N803 - pysnmp's names
        """Send an answer, as far as the fault lets it."""
        answer = spoiled(outgoingMessage, self.fault)
        if answer is None:
            return
        if self.fault is Fault.ADDRESS:
            answer = renumbered(answer)
        delay = DELAY_SECONDS if self.fault is Fault.DELAY else 0.0
        self.loop.call_later(delay, self._send, answer, transportAddress)

    def _send(self, answer: bytes, address: Any) -> None:
        if self.transport is not None and not self.transport.is_closing():
            self.transport.sendto(answer, self.normalize_address(address))
