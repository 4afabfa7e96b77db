"""A UPS behind an SNMP card: pysnmp's command responder over the physical model. SNMP v1, v2c and v3 authPriv.

pysnmp's own MIB tree is left out: a table of functions answers, which is fast enough for many devices polled each
second. Faults are made on the datagrams, where a real line makes them.
"""

import asyncio
from bisect import bisect_right
from collections.abc import Callable
from typing import Any

import msgspec
from pysnmp.carrier.asyncio.dgram import udp
from pysnmp.entity import config, engine
from pysnmp.entity.rfc3413 import cmdrsp, context
from pysnmp.proto import rfc1902, rfc1905

from firmware_sims.faults import DELAY_SECONDS, Fault, spoiled
from firmware_sims.snmp_faces import Answer, Counter, Face, Gauge, Integer, Name, Plate, Table, Text, Ticks, table
from firmware_sims.ups import Ups

_AREA = (1, 3, 6, 1)
_AUTH = {"md5": config.USM_AUTH_HMAC96_MD5, "sha": config.USM_AUTH_HMAC96_SHA, "sha256": config.USM_AUTH_HMAC192_SHA256}
_PRIV = {"des": config.USM_PRIV_CBC56_DES, "aes": config.USM_PRIV_CFB128_AES}


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


class SnmpUps:
    """One simulated UPS with a network card. Nothing listens before ``start``."""

    def __init__(
        self,
        ups: Ups,
        plate: Plate,
        clock: Callable[[], float],
        *,
        face: Face = "rfc1628",
        host: str = "127.0.0.1",
        port: int = 0,
        community: str = "public",
        user: User | None = None,
    ) -> None:
        """Remember what to be.

        Args:
            ups: the model.
            plate: what it says of itself.
            clock: seconds, for its uptime.
            face: which MIB it shows.
            host: where to listen.
            port: UDP port; 0 for a free one.
            community: for v1 and v2c.
            user: for v3.
        """
        self.ups = ups
        self._table = _Table(ups, table(face, plate, ups.rating), clock)
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
        self._fault = fault
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
        asked = context.SnmpContext(snmp)
        asked.unregister_context_name("")
        asked.register_context_name("", self._table)
        for responder in (cmdrsp.GetCommandResponder, cmdrsp.NextCommandResponder, cmdrsp.BulkCommandResponder):
            responder(snmp, asked)

    async def stop(self) -> None:
        """Let go of the port."""
        if self._engine is not None:
            self._engine.close_dispatcher()
        self._engine = self._transport = None


class _Table:
    """Answers what pysnmp's MIB tree would; pysnmp's names, therefore."""

    def __init__(self, ups: Ups, entries: Table, clock: Callable[[], float]) -> None:
        self._ups = ups
        self._entries = entries
        self._order = list(entries)
        self._clock = clock
        self._started = clock()

    def read_variables(self, *asked: Any, **about: Any) -> list[Any]:
        """Answer a GET."""
        self._allow(asked, about)
        view, uptime = self._ups.view(), self._clock() - self._started
        answers = []
        for name, _ in asked:
            entry = self._entries.get(tuple(name))
            answer = entry(view, uptime) if entry is not None else None
            answers.append((name, rfc1905.noSuchObject if answer is None else _wire(answer)))
        return answers

    def read_next_variables(self, *asked: Any, **about: Any) -> list[Any]:
        """Answer a GETNEXT or one row of a GETBULK."""
        self._allow(asked, about)
        view, uptime = self._ups.view(), self._clock() - self._started
        answers = []
        for name, _ in asked:
            answers.append((name, rfc1905.endOfMibView))
            for following in self._order[bisect_right(self._order, tuple(name)) :]:
                answer = self._entries[following](view, uptime)
                if answer is not None:
                    answers[-1] = (rfc1902.ObjectName(following), _wire(answer))
                    break
        return answers

    @staticmethod
    def _allow(asked: Any, about: Any) -> None:
        """Ask pysnmp once whether this user may read at this security level; it raises what to answer if not."""
        if asked and about.get("acFun"):
            about["acFun"]("read", (rfc1902.ObjectName(_AREA), None), **about)


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
        delay = DELAY_SECONDS if self.fault is Fault.DELAY else 0.0
        self.loop.call_later(delay, self._send, answer, transportAddress)

    def _send(self, answer: bytes, address: Any) -> None:
        if self.transport is not None and not self.transport.is_closing():
            self.transport.sendto(answer, self.normalize_address(address))
