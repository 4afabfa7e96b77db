"""SIP OPTIONS, RFC 3261 section 11, over UDP and TCP: does a trunk or a voice gateway live. Any response says yes."""

import asyncio
import secrets
import socket
from typing import Literal

import msgspec

from agent.links import route as routes
from agent.links import tcp
from agent.links.route import Address
from agent.probing import Outcome, Route, State

_T1 = 0.5
"""Seconds to the first retransmission (RFC 3261, 17.1.2.1); it doubles."""
_LONGEST = 65535


class Response(msgspec.Struct, frozen=True):
    """The first line of a response, and Retry-After in seconds where it has one."""

    code: int
    reason: str
    retry: float | None = None


def options(host: str, port: int, own: str, transport: Literal["udp", "tcp"], call: str) -> bytes:
    """Return a request; ``own`` is our address and port, ``call`` makes it unlike any other."""
    name = f"[{host}]" if ":" in host else host
    lines = (
        f"OPTIONS sip:{name}:{port} SIP/2.0",
        f"Via: SIP/2.0/{transport.upper()} {own};branch=z9hG4bK{call};rport",
        "Max-Forwards: 70",
        f"From: <sip:wolfsmoke@{own}>;tag={call[:8]}",
        f"To: <sip:{name}:{port}>",
        f"Call-ID: {call}@wolfsmoke",
        "CSeq: 1 OPTIONS",
        f"Contact: <sip:wolfsmoke@{own};transport={transport}>",
        "Accept: application/sdp",
        "User-Agent: wolfsmoke",
        "Content-Length: 0",
    )
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def read_response(data: bytes, call: str) -> Response | None:
    """Return the response to our request; None for what is not one."""
    head, end, _ = data.partition(b"\r\n\r\n")
    first, *rest = head.decode("utf-8", "replace").split("\r\n")
    version, _, status = first.partition(" ")
    code, _, reason = status.partition(" ")
    if not end or version != "SIP/2.0" or not (code.isascii() and code.isdigit() and len(code) == 3):
        return None
    if not 100 <= int(code) <= 699:
        return None
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in rest)}
    if headers.get("call-id", headers.get("i", "")) != f"{call}@wolfsmoke":
        return None
    digits = headers.get("retry-after", "").split(";")[0].split("(")[0].strip()
    retry = float(digits) if digits.isascii() and digits.isdigit() and len(digits) < 10 else None
    return Response(int(code), reason.strip()[:80], retry)


def outcome(response: Response, delay: float) -> Outcome:
    """Return what a response says: a trunk that refuses OPTIONS lives; one with an error of its own does not work."""
    state = State.RIGHT if response.code < 500 else State.WRONG
    says = f"{response.code} {response.reason}".strip()
    return Outcome(state=state, delays=(delay,), code=response.code, says=says, retry=response.retry)


async def ask(
    route: Route, address: Address, name: str, port: int, transport: Literal["udp", "tcp"], *, wait: float
) -> Outcome:
    """Send OPTIONS and wait for the final response.

    Raises:
        Unsent: this machine could not ask.
    """
    loop = asyncio.get_running_loop()
    began = loop.time()
    if transport == "tcp":
        first, taken = await tcp.connect(route, address, port, wait=wait)
        if taken is None:
            return first
        sock = taken
    else:
        try:
            sock = await routes.connected(route, address, port, socket.SOCK_DGRAM)
        except OSError as error:
            return Outcome(state=State.SILENT, says=routes.network_says(error))
    try:
        async with asyncio.timeout_at(began + wait):
            return await _talk(sock, name, port, transport)
    except TimeoutError:
        return Outcome(state=State.SILENT, says="no answer")
    except _Strange as strange:
        return Outcome(state=State.WRONG, delays=(1000.0 * (loop.time() - began),), says=str(strange))
    except OSError as error:
        return Outcome(state=State.SILENT, says=routes.network_says(error))
    finally:
        sock.close()


class _Strange(Exception):
    """It answers, and not in SIP."""


async def _talk(sock: socket.socket, name: str, port: int, transport: Literal["udp", "tcp"]) -> Outcome:
    loop = asyncio.get_running_loop()
    host, own_port = sock.getsockname()[:2]
    own = f"[{host}]:{own_port}" if ":" in host else f"{host}:{own_port}"
    call = secrets.token_hex(12)
    request = options(name, port, own, transport, call)
    began = loop.time()
    await loop.sock_sendall(sock, request)
    pause, due = _T1, began + _T1
    provisional: Response | None = None
    strange = False
    said = b""
    while True:
        try:
            async with asyncio.timeout_at(due) if transport == "udp" else asyncio.timeout(None):
                got = await loop.sock_recv(sock, _LONGEST)
        except TimeoutError:
            if provisional is not None or strange:
                break
            await loop.sock_sendall(sock, request)
            pause *= 2
            due = loop.time() + pause
            continue
        said = said + got if transport == "tcp" else got
        response = read_response(said, call)
        if response is not None and response.code >= 200:
            return outcome(response, round(1000.0 * (loop.time() - began), 3))
        if response is not None:
            provisional = response
            said = said.partition(b"\r\n\r\n")[2]
        elif transport == "udp":
            strange = True
        elif not got or len(said) > _LONGEST or (b"\r\n\r\n" in said and not said.startswith(b"SIP/2.0 ")):
            raise _Strange("what it answers is not SIP" if said else "it broke the connection off")
    if provisional is not None:
        return outcome(provisional, round(1000.0 * (loop.time() - began), 3))
    raise _Strange("what it answers is not SIP, or is no answer to us")
