"""The port to SNMP devices: what a driver asks, whichever engine answers.

Two engines stand behind it: gufo-snmp (fast, the default) and pysnmp (v3 contexts, diagnosis, platforms without a
gufo-snmp wheel; imported on demand). One conformance suite holds both.
"""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Literal, Protocol, TypeVar

import msgspec

from contract.errors import DeviceError, DeviceGarbled, DeviceRefused, DeviceTimeout, PortUnavailable

Raw = int | float | bytes | str | None
"""A value as it came: numbers, octet strings as bytes, OIDs as dotted text; None where the device has none."""

Engine = Literal["gufo", "pysnmp"]

MAX_OIDS = 24
"""OIDs in one request: with more, small cards answer tooBig, or not at all."""

WALK_ROWS = 20
"""Rows asked for in one step of a walk: what small cards put into one datagram."""
MAX_ROWS = 20_000
"""Rows after which a walk is given up: a device that never ends would hold its poll for ever."""

WITNESS = "1.3.6.1.2.1.1.3.0"
"""sysUpTime: every agent has it."""
MIN_KEY = 8
"""Characters of a v3 key (RFC 3414, 11.2)."""


class SnmpTarget(msgspec.Struct, frozen=True, kw_only=True):
    """Whom to ask, and how. Times are in seconds. Printing it shows no secret."""

    host: str
    port: int = 161
    version: Literal["1", "2c", "3"] = "2c"
    community: str = ""
    user: str = ""
    auth: str = ""
    """v3: md5, sha, sha224, sha256, sha384, sha512, or empty."""
    auth_key: str = ""
    priv: str = ""
    """v3: des, aes, aes192, aes256, or empty."""
    priv_key: str = ""
    context: str = ""
    timeout: float = 2.0
    retries: int = 1

    def __repr__(self) -> str:
        return f"snmp://{self.host}:{self.port}?version={self.version}"

    __str__ = __repr__


class SnmpWriter(Protocol):
    """Sets a value on one device, with a community or a user of its own."""

    async def set(self, oid: str, value: int | str) -> None:
        """Set one object, once: a number is an INTEGER, dotted text an OID.

        Raises:
            DeviceTimeout: no answer (also to a wrong community): whether it was set is not known.
            DeviceRefused: it says no, and why.
            DeviceGarbled: its answer is not SNMP.
            PortUnavailable: no way to it.
        """
        ...

    async def close(self) -> None:
        """Let go of the socket."""
        ...


class SnmpLink(Protocol):
    """Asks one device."""

    async def get(self, oids: Sequence[str]) -> dict[str, Raw]:
        """Return exactly these OIDs; None for each that the device has no value for.

        Raises:
            DeviceTimeout: no answer (also to a wrong community: SNMP is silent then).
            DeviceRefused: it answered that we may not (v3 user or key).
            DeviceGarbled: its answer is not SNMP.
            PortUnavailable: no way to it.
        """
        ...

    async def walk(self, root: str) -> dict[str, Raw]:
        """Return all that the device has below an OID, in its order; empty where it has nothing.

        Raises:
            DeviceTimeout: no answer; also where it stopped answering in the middle.
            DeviceRefused: we may not.
            DeviceGarbled: its answers are not SNMP, go in circles, or do not end.
            PortUnavailable: no way to it.
        """
        ...

    async def close(self) -> None:
        """Let go of the socket, and forget what the device had not; a later ``get`` starts afresh."""
        ...


def no_answer(target: SnmpTarget) -> DeviceTimeout:
    """Return the error of silence, in the words that fit the version."""
    secret = "user and keys" if target.version == "3" else "community"
    return DeviceTimeout(
        f"no answer within {target.timeout:g} s",
        where=str(target),
        hint=f"is it on, reachable on UDP port {target.port}, and is the {secret} right? A wrong one gets silence",
    )


def no_keys(target: SnmpTarget, why: str) -> DeviceRefused:
    """Return the error of a v3 user or keys that cannot be used at all."""
    return DeviceRefused(f"its user or keys cannot be used: {why}", where=str(target), hint="check the settings")


def check_keys(target: SnmpTarget) -> None:
    """See that v3 keys can be used, before an engine says so in its own words.

    Raises:
        DeviceRefused: they cannot.
    """
    if any(key and len(key) < MIN_KEY for key in (target.auth_key, target.priv_key)):
        raise no_keys(target, f"a key has at least {MIN_KEY} characters")
    if target.priv_key and not target.auth_key:
        raise no_keys(target, "a privacy key needs an authentication key beside it")
    if not target.user:
        raise no_keys(target, "version 3 needs a user")


def garbled(target: SnmpTarget, why: object) -> DeviceGarbled:
    """Return the error of an answer that is none."""
    return DeviceGarbled(f"its answer is not SNMP: {why}", where=str(target), hint="is another service on that port?")


def refused(target: SnmpTarget, why: str) -> DeviceRefused:
    """Return the error of a device that says no."""
    return DeviceRefused(f"refused: {why}", where=str(target), hint="check the user, its keys and their algorithms")


def no_way(target: SnmpTarget, why: str) -> PortUnavailable:
    """Return the error of a host that cannot be reached."""
    return PortUnavailable(f"cannot be reached: {why}", where=str(target), hint="check the host's name and the network")


A = TypeVar("A")


def algorithm(table: Mapping[str, A], name: str, target: SnmpTarget) -> A:
    """Return an algorithm by its name.

    Raises:
        DeviceRefused: there is none of that name.
    """
    if name not in table:
        raise refused(target, f"no algorithm {name!r}; there are {', '.join(table)}")
    return table[name]


class Walked:
    """What a walk has brought so far: in order, within its root, and bounded."""

    def __init__(self, root: str) -> None:
        """Start at a root, with nothing."""
        self.rows: dict[str, Raw] = {}
        self._root = _numbers(root)
        self._last = self._root

    def take(self, oid: str, value: Raw) -> bool:
        """Take one row; say whether the walk goes on.

        Raises:
            ValueError: the device goes in circles, or does not end.
        """
        here = _numbers(oid)
        if here[: len(self._root)] != self._root:
            return False
        if here <= self._last:
            raise ValueError(f"its rows go in circles at {oid}")
        if len(self.rows) == MAX_ROWS:
            raise ValueError(f"more than {MAX_ROWS} rows")
        self.rows[oid] = value
        self._last = here
        return True


def _numbers(oid: str) -> tuple[int, ...]:
    return tuple(int(number) for number in oid.strip(".").split("."))


async def retried(once: Callable[[], Awaitable[dict[str, Raw]]], retries: int) -> dict[str, Raw]:
    """Walk, once more where it was lost on the way."""
    for _ in range(retries):
        try:
            return await once()
        except (DeviceTimeout, DeviceGarbled):
            continue
    return await once()


Exchange = Callable[[Sequence[str]], Awaitable[dict[str, Raw] | None]]
"""Sends one request once. Returns what came, or None when the device refused the request as a whole."""

FORGET_AFTER = 60.0
"""Seconds after which what the device did not have is asked for again: a row of an alarm table comes and goes."""


class Requests:
    """What both engines do about devices that take a request as a whole or not at all.

    SNMP v1 refuses a request for one unknown OID, careless v2c agents for one that they cannot read, and small cards
    when the answer would be too big; and one malformed value spoils an answer.
    Such a request is halved until the culprits stand alone; these are remembered,
    and so is the size that went through.
    """

    def __init__(self, exchange: Exchange, retries: int, clock: Callable[[], float] = time.monotonic) -> None:
        """Take the engine's way to send a request, how often to repeat one without an answer, and a clock in seconds."""
        self._exchange = exchange
        self._attempts = retries + 1
        self._size = MAX_OIDS
        self._proven = 0
        """The most OIDs in a request that was answered."""
        self._absent: set[str] = set()
        self._clock = clock
        self._since = 0.0
        """When the first of them was found absent."""

    def forget(self) -> None:
        """Ask for everything again; sizes stay, they are the device's nature."""
        self._absent.clear()

    async def get(self, oids: Sequence[str]) -> dict[str, Raw]:
        """See ``SnmpLink.get``."""
        asked = oids
        if self._absent:
            asked = [oid for oid in oids if oid not in self._absent]
            if self._clock() - self._since >= FORGET_AFTER or not asked:  # nothing is said without having asked
                self.forget()
                asked = oids
        answer: dict[str, Raw] = dict.fromkeys(oids)
        at = 0
        while at < len(asked):
            part = asked[at : at + self._size]
            await self._ask(part, answer)
            at += len(part)
        return answer

    async def _ask(self, part: Sequence[str], answer: dict[str, Raw]) -> None:
        try:
            got = await self._retried(part)
        except DeviceGarbled:
            if not await self._speaks():
                raise
            got = None  # one of these OIDs spoils its answer
        if got is not None:
            self._proven = max(self._proven, len(part))
            for oid, value in got.items():
                if oid in answer:  # never more than was asked
                    answer[oid] = value
        elif len(part) == 1:
            if not self._absent:
                self._since = self._clock()
            self._absent.add(part[0])
        else:
            before = len(self._absent)
            middle = len(part) // 2
            await self._ask(part[:middle], answer)
            await self._ask(part[middle:], answer)
            if len(self._absent) == before:  # both halves went through: only the size was wrong
                self._size = max(1, min(self._size, len(part) - middle))

    async def _speaks(self) -> bool:
        try:
            return bool(await self._exchange((WITNESS,)))
        except DeviceError:
            return False

    async def _retried(self, part: Sequence[str]) -> dict[str, Raw] | None:
        for attempt in range(self._attempts):
            try:
                return await self._exchange(part)
            except (DeviceTimeout, DeviceGarbled) as error:
                if attempt + 1 < self._attempts:
                    continue
                if isinstance(error, DeviceTimeout) and 0 < self._proven < len(part):  # too big, and dropped?
                    self._size = max(self._proven, len(part) // 2)
                raise
        raise AssertionError  # the loop returns or raises
