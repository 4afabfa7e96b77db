"""One HTTP or HTTPS GET, for a host that says of itself what it is. HTTP/1.0 (RFC 1945): the answer ends with the connection."""

import asyncio
import contextlib
import ssl
from typing import Final
from urllib.parse import urlsplit

from contract.errors import DeviceGarbled, DeviceRefused, DeviceTimeout, PortUnavailable

MOST: Final = 256 << 10
"""Bytes of an answer."""


async def get(url: str, seconds: float) -> str:
    """Return the body of a page. No redirect is followed: it leads to another host's word.

    Raises:
        PortUnavailable: nobody is there.
        DeviceTimeout: no whole answer in time.
        DeviceRefused: another status than 200.
        DeviceGarbled: it is no HTTP, no text, or too long.
    """
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    host, port = parts.hostname or "", parts.port or (443 if secure else 80)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    where = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
    try:
        async with asyncio.timeout(seconds):
            context = ssl.create_default_context() if secure else None
            reader, writer = await asyncio.open_connection(host, port, ssl=context, limit=MOST)
            try:
                head = (
                    f"GET {target} HTTP/1.0\r\nHost: {parts.netloc.rpartition('@')[2]}\r\nUser-Agent: wolfsmoke\r\n\r\n"
                )
                writer.write(head.encode())
                body = await _all(reader, where)
            finally:
                writer.close()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()
    except TimeoutError:
        raise DeviceTimeout(f"no whole answer within {seconds:g} s", where=where) from None
    except OSError as error:  # ssl's too
        raise PortUnavailable(f"cannot be asked: {error.strerror or error}", where=where) from None
    except UnicodeError:
        raise PortUnavailable(f"no name of a host: {host[:60]!r}", where=where) from None
    return _body(body, where)


async def _all(reader: asyncio.StreamReader, where: str) -> bytes:
    body = b""
    while more := await reader.read(MOST):
        body += more
        if len(body) > MOST:
            raise DeviceGarbled(
                f"says more than {MOST} bytes", where=where, hint="it should say one word, or some JSON"
            )
    return body


def _body(answer: bytes, where: str) -> str:
    head, found, body = answer.partition(b"\r\n\r\n")
    if not found:
        head, found, body = answer.partition(b"\n\n")
    first = head.split(b"\n", 1)[0].decode("ascii", "replace").split()
    if not found or len(first) < 2 or not first[0].startswith("HTTP/") or not first[1].isdigit():
        raise DeviceGarbled("no HTTP answer", where=where, hint="another service listens on this port")
    if first[1] != "200":
        raise DeviceRefused(f"status {first[1]}", where=where, hint="the page must answer with 200")
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise DeviceGarbled("no UTF-8 text", where=where) from None
