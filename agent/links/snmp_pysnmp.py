"""SNMP by pysnmp: slower, and able to name an SNMPv3 context. The second engine behind the same port."""

import asyncio
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary

from pyasn1.error import PyAsn1Error
from pyasn1.type import univ
from pysnmp.error import PySnmpError
from pysnmp.hlapi.v3arch import asyncio as hlapi
from pysnmp.proto import errind, rfc1902, rfc1905
from pysnmp.proto.api import v2c

from agent.links.snmp import (
    WALK_ROWS,
    Raw,
    Requests,
    SnmpTarget,
    Walked,
    algorithm,
    check_keys,
    garbled,
    no_answer,
    no_keys,
    no_way,
    refused,
    retried,
)
from contract.errors import DeviceError, DeviceRefused

_log = logging.getLogger(__name__)

_AUTH = {
    "md5": hlapi.usmHMACMD5AuthProtocol,
    "sha": hlapi.usmHMACSHAAuthProtocol,
    "sha224": hlapi.usmHMAC128SHA224AuthProtocol,
    "sha256": hlapi.usmHMAC192SHA256AuthProtocol,
    "sha384": hlapi.usmHMAC256SHA384AuthProtocol,
    "sha512": hlapi.usmHMAC384SHA512AuthProtocol,
}
_PRIV = {
    "des": hlapi.usmDESPrivProtocol,
    "aes": hlapi.usmAesCfb128Protocol,
    "aes192": hlapi.usmAesCfb192Protocol,
    "aes256": hlapi.usmAesCfb256Protocol,
}
_FORBIDDEN = (6, 16)
"""noAccess, authorizationError."""
_REFUSALS = (
    errind.UnknownUserName,
    errind.WrongDigest,
    errind.DecryptionError,
    errind.AuthenticationFailure,
    errind.AuthenticationError,
    errind.UnsupportedSecurityLevel,
)


_MAY_WRITE = "the write community or user must be allowed to write, on the card's own pages"
_SET_REFUSALS = {
    2: ("no such object", "the card has no battery test, or hides it from this community"),
    3: ("bad value", "another firmware than the profile knows"),
    4: ("read only", _MAY_WRITE),
    5: ("general error", "is a test going on, or its battery not full?"),
    6: ("no access", _MAY_WRITE),
    7: ("wrong type", "another firmware than the profile knows"),
    10: ("wrong value", "another firmware than the profile knows"),
    11: ("no creation", "the card has no battery test"),
    12: ("inconsistent value", "is a test going on, or its battery not full?"),
    16: ("authorization error", _MAY_WRITE),
    17: ("not writable", _MAY_WRITE),
}
"""error-status of an answer to a SET (RFC 3416, 3): what it says, and what helps."""
_SLACK = 1.0
"""Seconds: its clock ticks in half seconds, and it starts slowly."""
_CREDENTIALS = ("user", "auth", "auth_key", "priv", "priv_key")


class _Shared:
    """An engine, and how many links use it. One for each device would cost 1 MiB each; one for all mixes up users."""

    def __init__(self) -> None:
        self.engine: Any = hlapi.SnmpEngine()
        self.links = 0
        self._receive = self.engine.message_dispatcher.receive_message
        self.engine.message_dispatcher.receive_message = self._received

    def _received(self, *datagram: Any) -> Any:
        """Take a datagram. On some that are garbled its decoder falls over its own feet: one that cannot be read never came."""
        try:
            return self._receive(*datagram)
        except (PyAsn1Error, TypeError, LookupError, ValueError) as error:
            _log.debug("a datagram that cannot be read: %r", error)
            return b""


_ENGINES: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[tuple[str, ...], _Shared]] = WeakKeyDictionary()
"""By event loop and credentials."""


class PysnmpLink:
    """One device by pysnmp."""

    def __init__(self, target: SnmpTarget) -> None:
        """Remember whom to ask."""
        self._target = target
        self._credentials = tuple(str(getattr(target, name)) for name in _CREDENTIALS)
        self._shared: _Shared | None = None
        self._route: Any = None
        self._requests = Requests(self._exchange, target.retries)

    async def get(self, oids: Sequence[str]) -> dict[str, Raw]:
        """See ``SnmpLink.get``."""
        return await self._requests.get(oids)

    async def set(self, oid: str, value: int | str) -> None:
        """See ``SnmpWriter.set``."""
        wire = rfc1902.Integer32(value) if isinstance(value, int) else rfc1902.ObjectIdentifier(value)
        with _errors(self._target):
            async with asyncio.timeout(self._target.timeout + _SLACK):
                whom = await self._whom()
                what = hlapi.ObjectType(hlapi.ObjectIdentity(oid), wire)
                status, _ = self._checked(await hlapi.set_cmd(*whom, what, lookupMib=False), reading=False)
        if status:
            why, hint = _SET_REFUSALS.get(status, (f"error {status}", "look into its MIB"))
            raise DeviceRefused(f"it does not let {oid} be set: {why}", where=str(self._target), hint=hint)

    async def walk(self, root: str) -> dict[str, Raw]:
        """See ``SnmpLink.walk``."""
        return await retried(lambda: self._walk(root), self._target.retries)

    async def close(self) -> None:
        """See ``SnmpLink.close``."""
        self._requests.forget()
        shared, self._shared, self._route = self._shared, None, None
        if shared is not None:
            shared.links -= 1
            if not shared.links:
                _ENGINES[asyncio.get_running_loop()].pop(self._credentials)
                shared.engine.close_dispatcher()

    async def _exchange(self, oids: Sequence[str]) -> dict[str, Raw] | None:
        with _errors(self._target):
            async with asyncio.timeout(self._target.timeout + _SLACK):
                whom = await self._whom()
                asked = [hlapi.ObjectType(hlapi.ObjectIdentity(oid)) for oid in oids]
                status, rows = self._checked(await hlapi.get_cmd(*whom, *asked, lookupMib=False))
            return None if status else {str(name): _raw(value) for name, value in rows}

    async def _walk(self, root: str) -> dict[str, Raw]:
        if self._target.version != "1":
            rows = await self._steps(root, WALK_ROWS)
            if rows is not None:
                return rows
        rows = await self._steps(root, 1)  # a card that cannot send many rows at once may send them one by one
        if rows is None:
            raise garbled(self._target, f"it refuses to go on below {root}")
        return rows

    async def _steps(self, root: str, many: int) -> dict[str, Raw] | None:
        """Walk by so many rows in a step; return None where the device refuses a step."""
        target = self._target
        walked = Walked(root)
        start = hlapi.ObjectType(hlapi.ObjectIdentity(root))
        options = {"lexicographicMode": False, "lookupMib": False}
        with _errors(target):
            async with asyncio.timeout(target.timeout + _SLACK) as limit:
                whom = await self._whom()
                if many == 1:
                    steps = hlapi.walk_cmd(*whom, start, **options)
                else:
                    steps = hlapi.bulk_walk_cmd(*whom, 0, many, start, **options)
                async for step in steps:
                    status, rows = self._checked(step)
                    if status:
                        return None
                    if not all(walked.take(str(name), _raw(value)) for name, value in rows):
                        break
                    limit.reschedule(asyncio.get_running_loop().time() + target.timeout + _SLACK)
        return walked.rows

    async def _whom(self) -> tuple[Any, ...]:
        """Return what every command begins with: engine, user, route, context."""
        if self._shared is None:
            self._shared = self._share()
        if self._route is None:
            self._route = await self._open()
        context = hlapi.ContextData(contextName=self._target.context.encode())
        return self._shared.engine, self._auth(), self._route, context

    def _checked(self, answer: tuple[Any, Any, Any, Any], *, reading: bool = True) -> tuple[int, Any]:
        """Return the status and the rows of an answer.

        Raises:
            DeviceError: there was none, or it forbids that we read.
        """
        indication, status, _, rows = answer
        if indication is not None:
            raise self._error(indication)
        if reading and int(status) in _FORBIDDEN:
            raise refused(self._target, "this user or community may not read that")
        return int(status), rows

    def _share(self) -> _Shared:
        engines = _ENGINES.setdefault(asyncio.get_running_loop(), {})
        if self._credentials not in engines:
            engines[self._credentials] = _Shared()
        engines[self._credentials].links += 1
        return engines[self._credentials]

    async def _open(self) -> Any:
        target = self._target
        try:
            return await hlapi.UdpTransportTarget.create((target.host, target.port), target.timeout, retries=0)
        except PySnmpError as error:
            raise no_way(target, str(error)) from error

    def _auth(self) -> Any:
        target = self._target
        if target.version != "3":
            return hlapi.CommunityData(target.community, mpModel=0 if target.version == "1" else 1)
        check_keys(target)
        keys: dict[str, Any] = {}
        if target.auth_key:
            keys |= {"authKey": target.auth_key, "authProtocol": algorithm(_AUTH, target.auth or "sha", target)}
        if target.priv_key:
            keys |= {"privKey": target.priv_key, "privProtocol": algorithm(_PRIV, target.priv or "aes", target)}
        try:
            return hlapi.UsmUserData(target.user, **keys)  # noqa: S509 - the level is the device's and the site's choice
        except (PySnmpError, PyAsn1Error) as error:
            raise no_keys(target, str(error)) from error

    def _error(self, indication: Any) -> DeviceError:
        if isinstance(indication, errind.RequestTimedOut):
            return no_answer(self._target)
        if isinstance(indication, _REFUSALS):
            return refused(self._target, str(indication))
        return garbled(self._target, indication)


@contextmanager
def _errors(target: SnmpTarget) -> Iterator[None]:
    """Turn every error of the library into ours."""
    try:
        yield
    except TimeoutError:
        raise no_answer(target) from None
    except OSError as error:
        raise no_way(target, error.strerror or str(error)) from error
    except (PySnmpError, PyAsn1Error, ValueError) as error:
        raise garbled(target, error) from error


def _raw(value: Any) -> Raw:
    """Return pysnmp's value as ours."""
    if isinstance(value, rfc1905.NoSuchObject | rfc1905.NoSuchInstance | rfc1905.EndOfMibView | v2c.Null):
        return None
    if isinstance(value, rfc1902.ObjectIdentifier | v2c.ObjectIdentifier):
        return str(value)
    if isinstance(value, rfc1902.IpAddress):
        return str(value.prettyPrint())
    if isinstance(value, univ.OctetString):  # Opaque too
        return bytes(value)
    return int(value)
