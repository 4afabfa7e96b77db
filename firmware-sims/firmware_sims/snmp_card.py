"""What simulated SNMP cards share: pysnmp's command responder over a table of functions. SNMP v1, v2c and v3 authPriv.

pysnmp's own MIB tree is left out: a table of functions answers, which is fast enough for many devices polled each
second. Faults are made on the datagrams, where a real line makes them, and on the values, where a real card makes them.
"""

from bisect import bisect_right
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Generic, TypeVar

import msgspec
from pyasn1.type import univ
from pysnmp.entity import config
from pysnmp.entity.rfc3413 import cmdrsp
from pysnmp.proto import rfc1902, rfc1905
from pysnmp.smi import error as smi

from firmware_sims.faults import Fault
from firmware_sims.snmp_faces import Answer, Counter, Gauge, Integer, Name, Oid, Text, Ticks
from firmware_sims.snmp_port import AREA, READERS, SnmpPort, allow, allow_community, wire

_SYSTEM = (1, 3, 6, 1, 2, 1, 1)
_AUTH = {"md5": config.USM_AUTH_HMAC96_MD5, "sha": config.USM_AUTH_HMAC96_SHA, "sha256": config.USM_AUTH_HMAC192_SHA256}
_PRIV = {"des": config.USM_PRIV_CBC56_DES, "aes": config.USM_PRIV_CFB128_AES}
_WRITER = "writer"
"""Name of who may set over v1 and v2c."""

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


class SnmpCard(SnmpPort, Generic[View]):
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
        write_user: User | None = None,
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
            write_community: that may set, too, over v1 and v2c; empty: nobody may.
            write_user: the same of v3.
            writes: what can be set.
        """
        writer = "" if write_user is None else write_user.name
        table = _Table(entries, view, clock, writes or {}, {_WRITER, writer})
        super().__init__(table, host=host, port=port, community=community)
        self._write_community = write_community
        self._users = [
            (each, areas) for each, areas in ((user, (AREA,)), (write_user, (AREA, AREA))) if each is not None
        ]

    def _admit(self, snmp: Any) -> None:
        for user, areas in self._users:
            config.add_v3_user(snmp, user.name, _AUTH[user.auth], user.auth_key, _PRIV[user.priv], user.priv_key)
            config.add_vacm_user(snmp, 3, user.name, "authPriv", *areas)
        if self._write_community:
            allow_community(snmp, _WRITER, self._write_community, AREA, AREA)

    def _responders(self) -> Sequence[Any]:
        return (*READERS, cmdrsp.SetCommandResponder)


class _Table:
    """Answers what pysnmp's MIB tree would; pysnmp's names, therefore."""

    fault = Fault.NONE

    def __init__(
        self,
        entries: Entries[Any],
        view: Callable[[], Any],
        clock: Callable[[], float],
        writes: Writes,
        writers: Collection[str],
    ) -> None:
        self._writes = writes
        self._writers = writers
        self._view = view
        self._entries = entries
        self._order = list(entries)
        self._clock = clock
        self._started = clock()

    def read_variables(self, *asked: Any, **about: Any) -> list[Any]:
        """Answer a GET."""
        allow(asked, about)
        view, uptime = self._view(), self._clock() - self._started
        answers = []
        for name, _ in asked:
            answer = self._say(tuple(name), view, uptime)
            answers.append((name, rfc1905.noSuchObject if answer is None else wire(answer)))
        return answers

    def read_next_variables(self, *asked: Any, **about: Any) -> list[Any]:
        """Answer a GETNEXT or one row of a GETBULK."""
        allow(asked, about)
        view, uptime = self._view(), self._clock() - self._started
        answers = []
        for name, _ in asked:
            answers.append((name, rfc1905.endOfMibView))
            for following in self._order[bisect_right(self._order, tuple(name)) :]:
                answer = self._say(following, view, uptime)
                if answer is not None:
                    answers[-1] = (rfc1902.ObjectName(following), wire(answer))
                    break
        return answers

    def write_variables(self, *asked: Any, **about: Any) -> list[Any]:
        """Answer a SET: of one object, or as many as are there; none is set unless all can be."""
        asking = about["snmpEngine"].observer.get_execution_context("rfc3412.receiveMessage:request")
        if str(asking["securityName"]) not in self._writers:  # pysnmp's own views let everybody write who may read
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
