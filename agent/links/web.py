"""One HTTP GET over a socket of our own, so that it leaves by the line that is judged; and when the certificate ends.

The standard library reads the response; what it cannot do is choose the interface. No redirect is followed: where one
leads is another target.
"""

import asyncio
import http.client
import io
import ssl
import time
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Final, cast

import msgspec

from agent.links import tcp
from agent.links.route import Address
from agent.probing import Outcome, Route, State, Target

if TYPE_CHECKING:
    import socket

_LONGEST: Final = 256 << 10
"""Bytes of a response that are read; what is behind them is not searched."""
_DAY: Final = 86400.0


class Page(msgspec.Struct, frozen=True):
    """A response: its status, the reason, and as much of the body as was read."""

    status: int
    reason: str
    body: bytes


class _Bytes:
    """What the standard library takes for a socket."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, *_: object) -> io.BytesIO:
        return io.BytesIO(self._data)


def read_response(data: bytes) -> Page | None:
    """Return a response; None for what is not one. A body that was cut short is as long as it is."""
    if b"\r\n\r\n" not in data and b"\n\n" not in data:
        return None  # it broke off within the headers: the library would take what there is for all
    response = http.client.HTTPResponse(cast("socket.socket", _Bytes(data)))
    try:
        response.begin()
    except (http.client.HTTPException, ValueError, OSError):
        return None
    try:
        body = response.read()
    except http.client.IncompleteRead as error:
        body = error.partial
    except (http.client.HTTPException, ValueError, OSError, OverflowError):  # it claims more than a machine can count
        body = b""
    return Page(response.status, response.reason.strip()[:80], body)


def judge(page: Page, target: Target) -> tuple[State, str]:
    """Say whether a page is what it should be."""
    says = f"{page.status} {page.reason}".strip()
    right = page.status in target.codes if target.codes else 200 <= page.status < 400
    if not right:
        return State.WRONG, says
    if target.expect and target.expect.encode() not in page.body:
        return State.WRONG, f"{says}, without {target.expect[:60]!r}"
    return State.RIGHT, says


def days_left(certificate: bytes, now: float) -> float | None:
    """Return how many days a certificate (DER, RFC 5280) has left; None where that cannot be read. ``now`` is wall time."""
    try:
        _, body, _ = _der(certificate, 0)  # Certificate
        _, body, _ = _der(body, 0)  # tbsCertificate
        at = 0
        tag, _, after = _der(body, at)
        at = after if tag == 0xA0 else 0  # version
        for _ in range(3):  # serial number, algorithm, issuer
            _, _, at = _der(body, at)
        _, validity, _ = _der(body, at)
        _, _, at = _der(validity, 0)  # notBefore
        tag, text, _ = _der(validity, at)
        said = text.decode("ascii")
        if tag == 0x17:  # UTCTime: two digits of the year, 1950 to 2049
            said = ("19" if said >= "50" else "20") + said
        ends = datetime.strptime(said, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)
    except (IndexError, ValueError):
        return None
    return round((ends.timestamp() - now) / _DAY, 2)


def _der(data: bytes, at: int) -> tuple[int, bytes, int]:
    """Return tag, contents and end of the element at a place.

    Raises:
        IndexError: it is cut short.
    """
    tag, size, at = data[at], data[at + 1], at + 2
    if size & 0x80:
        many = size & 0x7F
        size, at = int.from_bytes(data[at : at + many], "big"), at + many
    if at + size > len(data):
        raise IndexError
    return tag, data[at : at + size], at + size


@cache
def _tls(*, verify: bool) -> ssl.SSLContext:
    """Return how TLS is spoken. Made once: reading the system's authorities takes long."""
    context = ssl.create_default_context()
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


async def get(route: Route, address: Address, target: Target) -> Outcome:
    """Get a page.

    Raises:
        Unsent: this machine could not ask.
    """
    outcome = await _get(route, address, target, verify=target.verify)
    if outcome.days is None and outcome.says.startswith(_BAD_CERTIFICATE):
        look = await _get(route, address, target, verify=False)  # whether it has ended is worth a second look
        outcome = msgspec.structs.replace(outcome, days=look.days)
    return outcome


_BAD_CERTIFICATE: Final = "certificate: "


async def _get(route: Route, address: Address, target: Target, *, verify: bool) -> Outcome:
    loop = asyncio.get_running_loop()
    began = loop.time()
    first, sock = await tcp.connect(route, address, target.port, wait=target.timeout)
    if sock is None:
        return first
    days: float | None = None
    delays = first.delays
    writer: asyncio.StreamWriter | None = None
    says = "no answer"
    try:
        async with asyncio.timeout_at(began + target.timeout):
            context = _tls(verify=verify) if target.scheme == "https" else None
            name = target.host if context else None
            reader, writer = await asyncio.open_connection(sock=sock, ssl=context, server_hostname=name)
            tls = writer.get_extra_info("ssl_object")
            if tls is not None:
                days = days_left(tls.getpeercert(binary_form=True) or b"", time.time())
            writer.write(_request(target))
            data = await _read(reader)
        page = read_response(data)
        if page is None:
            return Outcome(state=State.WRONG, delays=delays, says="what it answers is not HTTP", days=days)
        delays = (round(1000.0 * (loop.time() - began), 3),)
        state, says = judge(page, target)
        return Outcome(state=state, delays=delays, code=page.status, says=says, days=days)
    except TimeoutError:  # it took the connection: the way is well
        says = "it takes connections, and does not answer in time"
    except ssl.SSLCertVerificationError as error:
        says = f"{_BAD_CERTIFICATE}{error.verify_message}"
    except ssl.SSLError as error:
        says = f"TLS: {error.reason or error}"
    except OSError:
        says = "it broke the connection off"
    finally:
        if writer is not None:
            writer.transport.abort()
        sock.close()
    return Outcome(state=State.WRONG, delays=delays, says=says[:200], days=days)


async def _read(reader: asyncio.StreamReader) -> bytes:
    data = b""
    while len(data) < _LONGEST:
        more = await reader.read(65536)
        if not more:
            break
        data += more
        if _whole(data):  # some devices keep the connection open all the same
            break
    return data


def _whole(data: bytes) -> bool:
    """Say whether a response is complete by its own account."""
    head, end, body = data.partition(b"\r\n\r\n")
    if not end:
        return False
    for line in head.lower().split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        size = value.strip()
        if name == b"content-length" and size.isdigit() and len(size) < 16:
            return len(body) >= int(size)
        if name == b"transfer-encoding" and size == b"chunked":
            return body.endswith(b"0\r\n\r\n")
    return head[8:13] in (b" 204 ", b" 304 ")


def _request(target: Target) -> bytes:
    name = f"[{target.host}]" if ":" in target.host else target.host
    port = "" if target.port in (80, 443) else f":{target.port}"
    lines = (
        f"GET {target.path or '/'} HTTP/1.1",
        f"Host: {name}{port}",
        "User-Agent: wolfsmoke",
        "Accept: */*",
        "Connection: close",
    )
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii", "replace")
