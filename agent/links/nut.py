r"""Network UPS Tools: the conversation with ``upsd``, RFC 9271. A line out, lines in; no library is needed.

Words with blanks or special characters stand in double quotes; within them ``\"`` and ``\\`` stand for ``"`` and ``\``.
An error is ``ERR`` and its name. The certificate of a server is checked: by the system's authorities, or by one that is
given, which may be its own.
"""

import asyncio
import re
import ssl
from collections.abc import Awaitable, Coroutine, Sequence
from typing import Any, Final, Protocol, TypeVar

import msgspec

from contract.errors import DeviceError, DeviceGarbled, DeviceRefused, DeviceTimeout, PortUnavailable

T = TypeVar("T")

LONGEST: Final = 4096
"""Bytes of the longest line that is read; RFC 9271 has no longer word than 256."""
MOST: Final = 5000
"""Lines of one list: a big PDU has some 600 variables."""
_WORD: Final = re.compile(r'"((?:[^"\\]|\\.)*)"|([^\s"]+)')
_ERROR: Final = re.compile(r"ERR ([A-Z][A-Z0-9-]{2,40})(?: .*)?")

_REFUSALS: Final = {
    "ACCESS-DENIED": "its upsd.conf or upsd.users does not let this host or user in",
    "INVALID-USERNAME": "write another user; they are in the server's upsd.users",
    "INVALID-PASSWORD": "write another password; they are in the server's upsd.users",
    "USERNAME-REQUIRED": 'write user = "…"',
    "PASSWORD-REQUIRED": "write a password",
    "FEATURE-NOT-CONFIGURED": "its upsd.conf names no certificate (CERTFILE, or CERTPATH and CERTIDENT): no TLS",
    "FEATURE-NOT-SUPPORTED": "this server was built without TLS: leave tls out, or tunnel it",
    "UNKNOWN-COMMAND": "it is very old, or no NUT server",
}


class Opener(Protocol):
    """Connects; see ``asyncio.open_connection``."""

    def __call__(
        self, host: str, port: int, *, limit: int
    ) -> Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        """Return the two directions."""
        ...


class NutTarget(msgspec.Struct, frozen=True, kw_only=True):
    """Whom to ask."""

    host: str
    port: int = 3493
    user: str = ""
    password: str = ""
    tls: bool = False
    ca: str = ""
    """File of the certificates that the server's is checked against; empty for the system's."""
    timeout: float = 2.5
    """Seconds for one answer, or for the way there."""

    @property
    def where(self) -> str:
        """The server, for errors."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class NutError(DeviceError):
    """The server answered ``ERR``; ``code`` is its name."""

    def __init__(self, code: str, *, where: str) -> None:
        """Take the name of the error."""
        super().__init__(f"the NUT server says {code}", where=where, hint=_REFUSALS.get(code, ""))
        self.code = code


class NutLink(Protocol):
    """What the driver needs of a server."""

    @property
    def where(self) -> str:
        """The server, for errors."""
        ...

    async def ask(self, *words: str) -> list[str]:
        """Send a command, return the words of its one line."""
        ...

    async def listing(self, *words: str) -> list[list[str]]:
        """Send ``LIST``, return the words of each line of the list."""
        ...

    async def close(self) -> None:
        """Hang up."""
        ...


def words(line: str) -> list[str] | None:
    """Return the words of a line; None where a quote is not closed, or stands within a word."""
    found = []
    position = 0
    line = line.strip(" \t\r\n")
    while position < len(line):
        match = _WORD.match(line, position)
        if match is None:
            return None
        position = match.end()
        if position < len(line) and line[position] not in " \t":
            return None
        found.append(match[2] if match[1] is None else re.sub(r"\\(.)", r"\1", match[1]))
        while position < len(line) and line[position] in " \t":
            position += 1
    return found


def written(command: Sequence[str]) -> bytes:
    """Return a command as it goes out: words that need it in quotes.

    Raises:
        ValueError: a word has a line in it.
    """
    parts = []
    for word in command:
        if "\n" in word or "\r" in word:
            raise ValueError("a word of one line")
        plain = re.fullmatch(r"[\w.@:+/-]+", word, re.ASCII)
        parts.append(word if plain else '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"')
    return " ".join(parts).encode() + b"\n"


class NutConnection:
    """One server. It connects, and logs in, when it is first asked, and again after it was lost."""

    def __init__(self, target: NutTarget, opened: Opener = asyncio.open_connection) -> None:
        """Remember whom to ask, and how a connection is made."""
        self._target = target
        self._opened = opened
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    @property
    def where(self) -> str:
        """See ``NutLink.where``."""
        return self._target.where

    async def ask(self, *words: str) -> list[str]:
        """Send a command, return the words of its one line.

        Raises:
            NutError: the server says ``ERR``.
            DeviceTimeout: no answer in time.
            DeviceGarbled: the answer is no line of the protocol.
            DeviceRefused: it does not let us in.
            PortUnavailable: it cannot be reached, or hung up.
        """
        await self._ready()
        return await self._guarded(self._exchange(words))

    async def listing(self, *words: str) -> list[list[str]]:
        """Send ``LIST`` and the words, return the words of each line between its begin and its end; errors as in ``ask``."""
        await self._ready()
        return await self._guarded(self._list(words))

    async def close(self) -> None:
        """Hang up; asking again connects again."""
        writer, self._reader, self._writer = self._writer, None, None
        if writer is not None:
            writer.close()

    async def _ready(self) -> None:
        if self._reader is not None and self._reader.at_eof():
            await self.close()  # it hung up since it was last asked, as a server does that is started anew
        if self._writer is not None:
            return
        try:
            await self._guarded(self._connect())
        except NutError as error:
            await self.close()
            raise DeviceRefused(error.what, where=self.where, hint=error.hint) from None

    async def _connect(self) -> None:
        target = self._target
        self._reader, self._writer = await self._opened(target.host, target.port, limit=LONGEST)
        if target.tls:
            await self._exchange(("STARTTLS",))
            await self._writer.start_tls(self._context(), server_hostname=target.host)
        if target.user:
            await self._exchange(("USERNAME", target.user))
            await self._exchange(("PASSWORD", target.password))

    def _context(self) -> ssl.SSLContext:
        try:
            return ssl.create_default_context(cafile=self._target.ca or None)
        except (OSError, ssl.SSLError) as error:
            what = f"the certificates in {self._target.ca} cannot be read: {error}"
            raise DeviceRefused(what, where=self.where, hint="ca names a PEM file that the agent may read") from error

    async def _exchange(self, command: Sequence[str]) -> list[str]:
        self._send(command)
        return await self._line()

    async def _list(self, command: Sequence[str]) -> list[list[str]]:
        self._send(("LIST", *command))
        first = await self._line()
        if first != ["BEGIN", "LIST", *command]:
            raise self._garbled(" ".join(first))
        found: list[list[str]] = []
        while True:
            line = await self._line()
            if line[:2] == ["END", "LIST"]:
                return found
            if line[: len(command)] != list(command):
                raise self._garbled(" ".join(line))
            found.append(line[len(command) :])
            if len(found) > MOST:
                raise DeviceGarbled(f"a list of more than {MOST} lines", where=self.where, hint="no NUT server?")

    def _send(self, command: Sequence[str]) -> None:
        if self._writer is None:
            raise PortUnavailable("the NUT server hung up", where=self.where)
        try:
            self._writer.write(written(command))
        except ValueError:
            hint = "take the line break out of user, password or ups"
            raise DeviceRefused("a name with a line break in it", where=self.where, hint=hint) from None

    async def _line(self) -> list[str]:
        if self._reader is None:
            raise PortUnavailable("the NUT server hung up", where=self.where)
        try:
            received = await self._reader.readuntil(b"\n")
        except asyncio.LimitOverrunError:
            raise DeviceGarbled(
                f"a line of more than {LONGEST} bytes", where=self.where, hint="no NUT server?"
            ) from None
        line = received.decode("utf-8", "replace")
        error = _ERROR.fullmatch(line.strip())
        if error is not None:
            raise NutError(error[1], where=self.where)
        found = words(line)
        if not found:
            raise self._garbled(line)
        return found

    def _garbled(self, line: str) -> DeviceGarbled:
        return DeviceGarbled(f"no answer of a NUT server: {line[:60]!r}", where=self.where, hint="is this its port?")

    async def _guarded(self, work: Coroutine[Any, Any, T]) -> T:
        """Await; name what goes wrong on the way, and hang up for all but an error that the server itself named."""
        try:
            async with asyncio.timeout(self._target.timeout):
                return await work
        except NutError:
            raise
        except TimeoutError:
            await self.close()
            hint = "is upsd running, and does it LISTEN on that address?"
            what = f"no answer within {self._target.timeout:g} s"
            raise DeviceTimeout(what, where=self.where, hint=hint) from None
        except asyncio.IncompleteReadError:
            await self.close()
            hint = "it lets only so many clients in (MAXCONN), or not this host"
            raise PortUnavailable("the NUT server hung up", where=self.where, hint=hint) from None
        except ssl.SSLError as error:
            await self.close()
            hint = "name its certificate, or its authority's, with ca; the name in it must be the host's"
            raise DeviceRefused(f"no TLS: {error}", where=self.where, hint=hint) from error
        except OSError as error:
            await self.close()
            hint = "is upsd running, and does it LISTEN on that address?"
            what = f"the NUT server cannot be reached: {error.strerror or error}"
            raise PortUnavailable(what, where=self.where, hint=hint) from error
        except DeviceError:
            await self.close()
            raise
        except asyncio.CancelledError:
            await self.close()  # an answer may be half read
            raise
