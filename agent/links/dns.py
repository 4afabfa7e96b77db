"""One DNS question, RFC 1035, over UDP, sent to one server: the system's resolver would ask whom it likes."""

import asyncio
import ipaddress
import os
import socket
import struct

import msgspec

from agent.links import route as routes
from agent.links.route import Address
from agent.probing import Outcome, Route, State

_TYPES = {"A": 1, "AAAA": 28}
_RCODES = {1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED"}
_SENDS = 2
"""One datagram may be lost without a name server being dead."""


class Answer(msgspec.Struct, frozen=True):
    """What a server answered: its code, whether it was cut short, how many records, and the addresses among them."""

    code: int
    truncated: bool
    records: int
    addresses: tuple[str, ...]


def question(ident: int, name: str, kind: str = "A") -> bytes:
    """Return a query with recursion desired.

    Raises:
        ValueError: the name cannot be one.
    """
    labels = [label.encode("idna") if not label.isascii() else label.encode() for label in name.rstrip(".").split(".")]
    if not all(0 < len(label) < 64 for label in labels) or sum(len(label) + 1 for label in labels) > 254:
        raise ValueError(f"{name!r} is no name")
    wire = b"".join(bytes((len(label),)) + label for label in labels) + b"\0"
    return struct.pack("!HHHHHH", ident, 0x0100, 1, 0, 0, 0) + wire + struct.pack("!HH", _TYPES[kind], 1)


def read_answer(packet: bytes, asked: bytes) -> Answer | None:
    """Return the answer to a query; None for what is not one."""
    if len(packet) < 12:
        return None
    ident, bits, questions, records, _, _ = struct.unpack("!HHHHHH", packet[:12])
    if ident != struct.unpack("!H", asked[:2])[0] or not bits & 0x8000 or bits & 0x7800:
        return None
    at = 12
    if questions == 1:
        if packet[12 : len(asked)].lower() != asked[12:].lower():
            return None
        at = len(asked)
    elif questions or not bits & 15:  # only an error may leave the question out
        return None
    addresses: list[str] = []
    try:
        for _ in range(records):
            at = _skip_name(packet, at)
            kind, _, _, size = struct.unpack("!HHIH", packet[at : at + 10])
            data = packet[at + 10 : at + 10 + size]
            at += 10 + size
            if (kind, size) in ((1, 4), (28, 16)) and len(data) == size:
                addresses.append(str(ipaddress.ip_address(data)))
    except (struct.error, IndexError):
        if not bits & 0x0200:  # cut short, and does not say so
            return None
    return Answer(bits & 15, bool(bits & 0x0200), records, tuple(addresses))


def _skip_name(packet: bytes, at: int) -> int:
    """Return where a name ends; a pointer ends it.

    Raises:
        IndexError: it runs over the end.
    """
    while True:
        size = packet[at]
        if size >= 0xC0:
            return at + 2
        at += 1 + size
        if size == 0:
            return at


def judge(answer: Answer, expect: str) -> tuple[State, str]:
    """Say whether an answer is right: no error, at least one record, and the expected address among them."""
    if answer.code:
        return State.WRONG, _RCODES.get(answer.code, f"code {answer.code}")
    if answer.truncated and not answer.addresses:
        return State.RIGHT, "cut short"
    if not answer.records:
        return State.WRONG, "no such record"
    if expect and expect not in answer.addresses:
        return State.WRONG, f"not {expect}: {' '.join(answer.addresses) or 'no address'}"
    return State.RIGHT, " ".join(answer.addresses)


async def ask(route: Route, server: Address, port: int, name: str, *, expect: str = "", wait: float) -> Outcome:
    """Ask a server for a name's address.

    Raises:
        Unsent: this machine could not ask.
    """
    loop = asyncio.get_running_loop()
    kind = "AAAA" if ":" in expect else "A"
    asked = question(int.from_bytes(os.urandom(2), "big"), name, kind)
    began = loop.time()
    strange = 0
    try:
        sock = await routes.connected(route, server, port, socket.SOCK_DGRAM)
    except OSError as error:
        return Outcome(state=State.SILENT, says=routes.network_says(error))
    try:
        for send in range(_SENDS):
            await loop.sock_sendall(sock, asked)
            try:
                async with asyncio.timeout_at(began + wait * (send + 1) / _SENDS):
                    while True:
                        answer = read_answer(await loop.sock_recv(sock, 4096), asked)
                        if answer is not None:
                            delay = round(1000.0 * (loop.time() - began), 3)
                            state, says = judge(answer, expect)
                            return Outcome(state=state, delays=(delay,), code=answer.code, says=says)
                        strange += 1
            except TimeoutError:
                continue
    except OSError as error:
        # an ICMP "port unreachable" is an answer of the host, and none of a name server
        return Outcome(state=State.SILENT, says=routes.network_says(error))
    finally:
        sock.close()
    if strange:
        return Outcome(state=State.WRONG, says="what it answers is not DNS")
    return Outcome(state=State.SILENT, says="no answer")
