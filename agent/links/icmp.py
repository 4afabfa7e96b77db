"""ICMP echo, RFC 792 and RFC 4443, without a program or a library.

The kernel's ping sockets need no privilege where net.ipv4.ping_group_range allows them (systemd sets it so); else a raw
socket and CAP_NET_RAW. A reply is known by the random token in it, so that no other program's counts as ours.
"""

import asyncio
import contextlib
import ctypes
import os
import socket
import struct
import time
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from agent.links import route as routes
from agent.links.route import Address, Unsent
from agent.probing import Outcome, Route, State

GAP: Final = 0.1
"""Seconds between two requests of one go."""
_TOKEN: Final = 8
"""Bytes that tell our requests."""
_REPLY = {socket.AF_INET: 0, socket.AF_INET6: 129}
_REQUEST = {socket.AF_INET: 8, socket.AF_INET6: 128}
_EXCEEDED = {socket.AF_INET: 11, socket.AF_INET6: 3}
"""Time exceeded: only this proves that a packet came so far. Anybody on the way may say that something is unreachable."""
_IP_RECVERR, _IPV6_RECVERR = 11, 25
_SO_ATTACH_FILTER, _SO_TIMESTAMPNS = 26, 35
_TIMESPEC: Final = struct.Struct("@ll")
_AT_ONCE = 256
"""Packets that are read before somebody else has a turn."""
_ORIGIN_ICMP, _ORIGIN_ICMP6 = 2, 3


def checksum(data: bytes) -> int:
    """Return the Internet checksum, RFC 1071."""
    padded = data + b"\0" * (len(data) % 2)
    total: int = sum(struct.unpack(f"!{len(padded) // 2}H", padded))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def request(family: int, ident: int, number: int, token: bytes) -> bytes:
    """Return an echo request; the kernel puts in the checksum of ICMPv6, and the identifier of a ping socket."""
    kind = _REQUEST[socket.AddressFamily(family)]
    bare = struct.pack("!BBHHH", kind, 0, 0, ident, number) + token
    return bare[:2] + struct.pack("!H", checksum(bare)) + bare[4:] if family == socket.AF_INET else bare


def read_packet(packet: bytes, family: int, *, raw: bool) -> tuple[int, int, bytes] | None:
    """Return type, sequence number and token of an echo reply, or of the request that a router let expire; None for others.

    Args:
        packet: as the socket gave it.
        family: of the socket.
        raw: whether the socket is a raw one: those of IPv4 give the IP header too.
    """
    family = socket.AddressFamily(family)
    if raw and family == socket.AF_INET:
        packet = packet[(packet[0] & 15) * 4 :] if packet else b""
    if len(packet) < 8:
        return None
    kind = packet[0]
    if kind == _REPLY[family]:
        return kind, struct.unpack("!H", packet[6:8])[0], packet[8 : 8 + _TOKEN]
    if kind != _EXCEEDED[family]:
        return None
    inner = packet[8:]
    if len(inner) < 20:
        return None
    inner = inner[(inner[0] & 15) * 4 :] if family == socket.AF_INET else inner[40:]
    if len(inner) < 8 or inner[0] != _REQUEST[family]:
        return None
    return kind, struct.unpack("!H", inner[6:8])[0], inner[8 : 8 + _TOKEN]


def _only_ours(sock: socket.socket, family: socket.AddressFamily, ident: int) -> None:
    """Have the kernel hand a raw socket replies to its own identifier, and what expired on the way.

    Else each of a hundred of them would be woken by the replies to all the others. Classic BPF, bpf(4): a raw socket of
    IPv4 gives the IP header too.
    """
    header = (0xB1, 0, 0, 0) if family == socket.AF_INET else (0x01, 0, 0, 0)  # X = its length, or 0
    steps = (
        header,
        (0x50, 0, 0, 0),  # the type
        (0x15, 0, 2, _REPLY[family]),
        (0x48, 0, 0, 4),  # the identifier
        (0x15, 1, 2, ident),
        (0x15, 0, 1, _EXCEEDED[family]),
        (0x06, 0, 0, 0xFFFFFFFF),  # take it
        (0x06, 0, 0, 0),
    )
    program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
    with contextlib.suppress(OSError):  # without it all is right, and dearer
        sock.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("@HP", len(steps), ctypes.addressof(program)))


class _Said(NamedTuple):
    """What came back: from whom, about which request, whether it is the reply, and its wall time by the kernel (0: none)."""

    sender: str
    number: int
    reply: bool
    wall: float


class _Sock:
    """One socket that sends echo requests and hands on what comes back."""

    def __init__(self, route: Route, family: socket.AddressFamily) -> None:
        """Open it.

        Raises:
            Unsent: we may not, or the route cannot be taken.
        """
        proto = socket.IPPROTO_ICMP if family == socket.AF_INET else socket.IPPROTO_ICMPV6
        self.family = family
        self.raw = False
        self._tries = 1
        self.ident = int.from_bytes(os.urandom(2), "big")
        self.token = os.urandom(_TOKEN)
        try:
            self.sock = routes.opened(route, family, socket.SOCK_DGRAM, proto)
        except PermissionError:
            self.raw = True
            try:
                self.sock = routes.opened(route, family, socket.SOCK_RAW, proto)
            except PermissionError:
                raise Unsent("not permitted to ping", routes.user_may_ping()) from None
            _only_ours(self.sock, family, self.ident)
        except OSError as error:  # no IPv6 on this machine
            raise Unsent(f"no ping socket: {error.strerror}") from None
        self.sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)

    def errors_please(self) -> None:
        """Have the kernel keep what routers say; a raw socket hears it by itself."""
        if not self.raw:
            self._tries = 3  # a send is where such a socket tells of an earlier error, instead of sending
            level, option = (
                (socket.IPPROTO_IP, _IP_RECVERR)
                if self.family == socket.AF_INET
                else (socket.IPPROTO_IPV6, _IPV6_RECVERR)
            )
            self.sock.setsockopt(level, option, 1)

    def send(self, host: str, number: int, hops: int = 0) -> str:
        """Send a request; return what the network said at once, "" for nothing.

        Raises:
            Unsent: this machine could not send it.
        """
        try:
            if hops:
                level, option = (
                    (socket.IPPROTO_IP, socket.IP_TTL)
                    if self.family == socket.AF_INET
                    else (socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS)
                )
                self.sock.setsockopt(level, option, hops)
            self._send(request(self.family, self.ident, number, self.token), host)
        except BlockingIOError:
            return "its queue is full"
        except OSError as error:
            return routes.network_says(error)
        return ""

    def _send(self, packet: bytes, host: str) -> None:
        for tries_left in reversed(range(self._tries)):
            try:
                self.sock.sendto(packet, (host, 0))
                break
            except OSError:
                if not tries_left:
                    raise

    def received(self) -> list[_Said]:
        """Return what is there."""
        found: list[_Said] = []
        for _ in range(_AT_ONCE):
            try:
                packet, ancillary, _, sender = self.sock.recvmsg(2048, 128)
            except BlockingIOError:
                break
            except OSError:  # what a router said of an earlier one; the details are in the queue of errors
                continue
            read = read_packet(packet, self.family, raw=self.raw)
            if read is not None and read[2] == self.token:
                found.append(_Said(str(sender[0]), read[1], read[0] == _REPLY[self.family], _stamped(ancillary)))
        return found if self.raw else found + self._errors()

    def _errors(self) -> list[_Said]:
        """Return who said of which request that it went no further, from a ping socket's queue of errors."""
        found: list[_Said] = []
        for _ in range(_AT_ONCE):
            try:
                packet, ancillary, _, _ = self.sock.recvmsg(2048, 512, socket.MSG_ERRQUEUE)
            except OSError:
                break
            for _, _, data in ancillary:
                if len(data) < 24 or data[4] not in (_ORIGIN_ICMP, _ORIGIN_ICMP6) or len(packet) < 8 + _TOKEN:
                    continue
                if data[5] != _EXCEEDED[self.family]:
                    continue
                offender = (
                    socket.inet_ntop(socket.AF_INET, data[20:24])
                    if self.family == socket.AF_INET
                    else socket.inet_ntop(socket.AF_INET6, data[24:40])
                )
                if packet[8 : 8 + _TOKEN] == self.token:
                    found.append(_Said(offender, struct.unpack("!H", packet[6:8])[0], reply=False, wall=0.0))
        return found


def _stamped(ancillary: Iterable[tuple[int, int, bytes]]) -> float:
    """Return when the kernel received a packet, by the wall clock; 0 where it does not say."""
    for level, kind, data in ancillary:
        if (level, kind, len(data)) == (socket.SOL_SOCKET, _SO_TIMESTAMPNS, _TIMESPEC.size):
            seconds, nanoseconds = _TIMESPEC.unpack(data)
            return float(seconds + nanoseconds / 1e9)
    return 0.0


async def _listen(sock: _Sock, take: Callable[[_Said], bool], until: float) -> None:
    """Hand on what comes until somebody says that it is enough, or until this time of the loop."""
    loop = asyncio.get_running_loop()
    enough = asyncio.Event()

    def readable() -> None:
        for said in sock.received():
            if take(said):
                enough.set()

    loop.add_reader(sock.sock, readable)
    try:
        async with asyncio.timeout_at(until):
            await enough.wait()
    except TimeoutError:
        pass
    finally:
        loop.remove_reader(sock.sock)


async def echo(route: Route, address: Address, *, count: int, wait: float) -> Outcome:
    """Send so many echo requests, a tenth of a second apart, and wait so many seconds after the last one.

    Raises:
        Unsent: none could be sent.
    """
    loop = asyncio.get_running_loop()
    family, host = address
    sock = _Sock(route, family)
    sent: dict[int, tuple[float, float]] = {}
    back: dict[int, float] = {}
    said = ""

    def take(reply: _Said) -> bool:
        number = reply.number
        if reply.reply and number in sent and number not in back and _same(reply.sender, host):
            back[number] = _delay(*sent[number], loop.time(), reply.wall)
        return len(back) == count

    async def ask() -> None:
        nonlocal said
        for number in range(1, count + 1):
            if number > 1:
                await asyncio.sleep(GAP)
            sent[number] = loop.time(), time.time()
            said = sock.send(host, number) or said

    until = loop.time() + (count - 1) * GAP + wait
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(ask())
            group.create_task(_listen(sock, take, until))
    except BaseExceptionGroup as group_of_errors:
        raise group_of_errors.exceptions[0] from None
    finally:
        sock.sock.close()
    delays = tuple(round(1000.0 * back[number], 3) for number in sorted(back))
    if delays:
        return Outcome(state=State.RIGHT, sent=count, delays=delays)
    return Outcome(state=State.SILENT, sent=count, says=said or "no answer")


def _delay(sent: float, sent_wall: float, now: float, wall: float) -> float:
    """Return the seconds of a round trip: by the kernel's stamp, so that it is not ours to be busy; if no clock was stepped."""
    steady, stamped = now - sent, wall - sent_wall
    return stamped if wall and 0.0 <= stamped <= steady else steady


async def trace(route: Route, address: Address, *, most: int, wait: float) -> tuple[str, ...]:
    """Return who answers at one hop, two hops, … on the way to an address; all are asked at once.

    Raises:
        Unsent: nothing could be sent.
    """
    loop = asyncio.get_running_loop()
    family, host = address
    sock = _Sock(route, family)
    found: dict[int, str] = {}
    there = most + 1

    def take(said: _Said) -> bool:
        nonlocal there
        if 1 <= said.number <= most:
            found.setdefault(said.number, said.sender)
            if said.reply or _same(said.sender, host):
                there = min(there, said.number)
        return all(number in found for number in range(1, min(there, most) + 1))

    try:
        sock.errors_please()
        for hops in range(1, most + 1):
            sock.send(host, hops, hops)
        await _listen(sock, take, loop.time() + wait)
    finally:
        sock.sock.close()
    furthest = min(there, max(found, default=0))
    return tuple(found.get(hops, "") for hops in range(1, furthest + 1))


def _same(one: str, other: str) -> bool:
    return one.partition("%")[0] == other.partition("%")[0]
