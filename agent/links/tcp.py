"""TCP from outside: does a port take connections, and what does an SSH server call itself (RFC 4253, section 4.2)."""

import asyncio
import socket

from agent.links import route as routes
from agent.links.route import Address
from agent.probing import Outcome, Route, State

_BANNER_LINES = 20
"""Lines that an SSH server may say before its banner."""
_LONGEST = 255
"""Bytes of an SSH banner, by RFC 4253."""


async def connect(route: Route, address: Address, port: int, *, wait: float) -> tuple[Outcome, socket.socket | None]:
    """Connect, and return what came of it and, if it worked, the socket; who gets it closes it.

    Raises:
        Unsent: this machine could not ask.
    """
    loop = asyncio.get_running_loop()
    began = loop.time()
    try:
        async with asyncio.timeout(wait):
            sock = await routes.connected(route, address, port, socket.SOCK_STREAM)
    except TimeoutError:
        return Outcome(state=State.SILENT, says="no answer"), None
    except OSError as error:
        said = routes.network_says(error)
        if isinstance(error, ConnectionRefusedError):
            return Outcome(state=State.WRONG, delays=(_since(began),), says=said), None
        return Outcome(state=State.SILENT, says=said), None
    return Outcome(state=State.RIGHT, delays=(_since(began),)), sock


async def port(route: Route, address: Address, number: int, *, wait: float) -> Outcome:
    """Say whether a port takes connections; refused is an answer, and a wrong one.

    Raises:
        Unsent: this machine could not ask.
    """
    outcome, sock = await connect(route, address, number, wait=wait)
    if sock is not None:
        sock.close()
    return outcome


async def ssh(route: Route, address: Address, number: int, *, wait: float) -> Outcome:
    """Return the banner of an SSH server.

    Raises:
        Unsent: this machine could not ask.
    """
    outcome, sock = await connect(route, address, number, wait=wait)
    if sock is None:
        return outcome
    try:
        async with asyncio.timeout(wait):
            says = await _banner(sock)
    except TimeoutError:
        says = ""
    except OSError:
        says = "it broke the connection off"
    finally:
        sock.close()
    if says.startswith("SSH-"):
        right = says.startswith(("SSH-2.0-", "SSH-1.99-"))
        return Outcome(state=State.RIGHT if right else State.WRONG, delays=outcome.delays, says=says)
    return Outcome(
        state=State.WRONG, delays=outcome.delays, says=f"no SSH banner: {says!r}" if says else "no SSH banner"
    )


async def _banner(sock: socket.socket) -> str:
    """Return the line that begins with SSH-, or the first one if there is none."""
    loop = asyncio.get_running_loop()
    said = b""
    while len(said) < _LONGEST * _BANNER_LINES:
        more = await loop.sock_recv(sock, 1024)
        said += more
        *lines, rest = said.split(b"\n")
        for line in lines if more else (*lines, rest):
            if line.startswith(b"SSH-"):
                return _plain(line)
        if not more or len(lines) >= _BANNER_LINES:
            break
    return _plain(said.split(b"\n")[0])


def _plain(line: bytes) -> str:
    text = line[:_LONGEST].decode("utf-8", "replace").strip()
    return "".join(letter if letter.isprintable() else "?" for letter in text)[:120]


def _since(began: float) -> float:
    return round(1000.0 * (asyncio.get_running_loop().time() - began), 3)
