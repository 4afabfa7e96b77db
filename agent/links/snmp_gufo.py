"""SNMP by gufo-snmp, and what that library does not do by itself.

* A datagram with a wrong request id makes it wait anew each time; the whole exchange is bounded here.
* It hides NULL, noSuchInstance and error-status; here a point without an answer is None.
* A request that was refused as a whole looks like one for OIDs that are not there; a witness tells them apart.
* It hides the error-status of a walk too: a bulk that was refused looks like the end. Where it may be one, the walk is
  done again row by row. A refusal there still looks like the end; the engine pysnmp tells them apart.
* A session that was disturbed is thrown away, so that a late answer cannot be taken for the next one.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from gufo.snmp import (
    Aes128Key,
    Aes192Key,
    Aes256Key,
    DesKey,
    Md5Key,
    NoSuchInstance,
    Sha1Key,
    Sha224Key,
    Sha256Key,
    Sha384Key,
    Sha512Key,
    SnmpAuthError,
    SnmpError,
    SnmpVersion,
    User,
)
from gufo.snmp.aio import SnmpSession

from agent.links.snmp import (
    WALK_ROWS,
    WITNESS,
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

_VERSIONS = {"1": SnmpVersion.v1, "2c": SnmpVersion.v2c, "3": SnmpVersion.v3}
_AUTH = {
    "md5": Md5Key,
    "sha": Sha1Key,
    "sha224": Sha224Key,
    "sha256": Sha256Key,
    "sha384": Sha384Key,
    "sha512": Sha512Key,
}
_PRIV = {"des": DesKey, "aes": Aes128Key, "aes192": Aes192Key, "aes256": Aes256Key}


_NO_TIMEOUT: Any = None
"""Its own timeout begins anew with each datagram that is not the answer, and costs a timer; ours bounds the whole."""
_PANIC = "PanicException"
"""Its Rust panics on some cut answers; that arrives as a BaseException of a class that cannot be imported."""


class GufoLink:
    """One device by gufo-snmp."""

    def __init__(self, target: SnmpTarget) -> None:
        """Remember whom to ask."""
        self._target = target
        self._session: SnmpSession | None = None
        self._address = ""
        """What its name stood for last: a cut that takes the name server must not take the UPS."""
        self._requests = Requests(self._exchange, target.retries)

    async def get(self, oids: Sequence[str]) -> dict[str, Raw]:
        """See ``SnmpLink.get``."""
        return await self._requests.get(oids)

    async def walk(self, root: str) -> dict[str, Raw]:
        """See ``SnmpLink.walk``."""
        return await retried(lambda: self._walk(root), self._target.retries)

    async def close(self) -> None:
        """See ``SnmpLink.close``."""
        self._session = None
        self._requests.forget()

    async def _exchange(self, oids: Sequence[str]) -> dict[str, Raw] | None:
        got = await self._send(oids)
        if got:
            return got
        if self._target.version == "1" or WITNESS in oids or WITNESS not in await self._send((WITNESS, *oids)):
            return None
        return got

    async def _send(self, oids: Sequence[str]) -> dict[str, Raw]:
        """Send one request and return what came."""
        target = self._target
        session, self._session = self._session, None
        with _errors(target):
            async with asyncio.timeout(target.timeout):
                if session is None:
                    session = await self._open()
                try:
                    got: dict[str, Raw] = await session.get_many(oids)
                except NoSuchInstance:
                    got = {}
        self._session = session  # only when undisturbed, also by cancelling
        return got

    async def _walk(self, root: str) -> dict[str, Raw]:
        if self._target.version == "1":
            return await self._steps(root, 1)
        rows = await self._steps(root, WALK_ROWS)
        if len(rows) % WALK_ROWS:  # it ended within a bulk, so that was not refused
            return rows
        single = await self._steps(root, 1)
        return single if len(single) > len(rows) else rows

    async def _steps(self, root: str, many: int) -> dict[str, Raw]:
        """Walk by so many rows in a step."""
        target = self._target
        session, self._session = self._session, None
        walked = Walked(root)
        with _errors(target):
            async with asyncio.timeout(target.timeout) as limit:
                if session is None:
                    session = await self._open()
                rows = session.getnext(root) if many == 1 else session.getbulk(root, many)
                with suppress(NoSuchInstance):
                    async for oid, value in rows:
                        if not walked.take(oid, value):
                            break
                        limit.reschedule(asyncio.get_running_loop().time() + target.timeout)
        self._session = session
        return walked.rows

    async def _open(self) -> SnmpSession:
        target = self._target
        session = SnmpSession(
            await self._resolve(),
            target.port,
            community=target.community,
            user=_user(target) if target.version == "3" else None,
            version=_VERSIONS[target.version],
            timeout=_NO_TIMEOUT,
        )
        if target.version == "3":
            await session.refresh()
        return session

    async def _resolve(self) -> str:
        target = self._target
        try:
            return str(ipaddress.ip_address(target.host))
        except ValueError:
            pass
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(target.timeout / 2 if self._address else None):
                found = await loop.getaddrinfo(target.host, target.port, type=socket.SOCK_DGRAM)
        except OSError:  # TimeoutError is one
            if not self._address:
                raise
        else:
            self._address = str(found[0][4][0])
        return self._address


@contextmanager
def _errors(target: SnmpTarget) -> Iterator[None]:
    """Turn every error of the library into ours."""
    try:
        yield
    except TimeoutError:
        raise no_answer(target) from None
    except SnmpAuthError as error:
        raise refused(target, str(error) or "authentication failed") from error
    except SnmpError as error:
        raise garbled(target, error) from error
    except ConnectionRefusedError as error:
        raise no_way(target, "nothing listens on that port") from error
    except OSError as error:
        raise no_way(target, error.strerror or str(error)) from error
    except (ValueError, RuntimeError) as error:
        raise garbled(target, error) from error
    except BaseException as error:
        if type(error).__name__ == _PANIC:
            raise garbled(target, error) from error
        raise


def _user(target: SnmpTarget) -> User:
    """Return the v3 user.

    Raises:
        DeviceRefused: its keys cannot be used.
    """
    check_keys(target)
    auth = algorithm(_AUTH, target.auth or "sha", target)(target.auth_key.encode()) if target.auth_key else None
    priv = algorithm(_PRIV, target.priv or "aes", target)(target.priv_key.encode()) if target.priv_key else None
    try:
        return User(target.user, auth_key=auth, priv_key=priv)
    except ValueError as error:
        raise no_keys(target, str(error)) from error
