"""A device that misbehaves as it is told: what the tests of the SNMP engines talk to."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

DESCR, OBJECT_ID, UPTIME, CONTACT = (f"1.3.6.1.2.1.1.{number}.0" for number in (1, 2, 3, 4))
ABSENT = "1.3.6.1.2.1.33.1.2.4.0"
A, B, C = (f"1.3.6.1.2.1.33.1.9.{number}.0" for number in (1, 2, 3))
NO_SUCH_OBJECT, NO_SUCH_INSTANCE, END_OF_VIEW, NULL = b"\x80\x00", b"\x81\x00", b"\x82\x00", b"\x05\x00"
TOO_BIG, NO_SUCH_NAME, GENERAL = 1, 2, 5
GET, GET_NEXT, GET_BULK = 0xA0, 0xA1, 0xA5


def tlv(tag: int, body: bytes) -> bytes:
    if len(body) < 128:
        return bytes((tag, len(body))) + body
    return bytes((tag, 0x82)) + len(body).to_bytes(2, "big") + body


def integer(value: int, tag: int = 2) -> bytes:
    return tlv(tag, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def oid(text: str) -> bytes:
    first, second, *rest = map(int, text.split("."))
    body = bytes((first * 40 + second,))
    for number in rest:
        septets = [number & 0x7F]
        while number := number >> 7:
            septets.insert(0, number & 0x7F | 0x80)
        body += bytes(septets)
    return tlv(6, body)


def oid_text(body: bytes) -> str:
    numbers, number = [body[0] // 40, body[0] % 40], 0
    for byte in body[1:]:
        number = number << 7 | byte & 0x7F
        if byte < 128:
            numbers.append(number)
            number = 0
    return ".".join(map(str, numbers))


def split(data: bytes) -> list[tuple[int, bytes]]:
    found, at = [], 0
    while at < len(data):
        tag, size, at = data[at], data[at + 1], at + 2
        if size > 127:
            size, at = int.from_bytes(data[at : at + size - 128], "big"), at + size - 128
        found.append((tag, data[at : at + size]))
        at += size
    return found


class Request(NamedTuple):
    version: int
    community: bytes
    id: int
    oids: list[str]
    kind: int = GET
    repeat: int = 1
    """Rows that a GETBULK asks for."""

    def answer(
        self,
        values: Mapping[str, bytes] | Sequence[tuple[str, bytes]],
        *,
        error: int = 0,
        index: int = 0,
        request_id: int | None = None,
    ):
        rows = b"".join(
            tlv(0x30, oid(name) + value) for name, value in (values.items() if isinstance(values, Mapping) else values)
        )
        head = integer(self.id if request_id is None else request_id) + integer(error) + integer(index)
        return tlv(0x30, integer(self.version) + tlv(4, self.community) + tlv(0xA2, head + tlv(0x30, rows)))

    def refusal(self, error: int, index: int = 0) -> bytes:
        return self.answer(dict.fromkeys(self.oids, NULL), error=error, index=index)


def parse(data: bytes) -> Request:
    (_, message), *_ = split(data)
    (_, version), (_, community), (kind, pdu) = split(message)
    (_, number), _, (_, repeat), (_, rows) = split(pdu)
    names = [oid_text(split(row)[0][1]) for _, row in split(rows)]
    times = int.from_bytes(repeat, "big") if kind == GET_BULK else 1
    return Request(version[0], community, int.from_bytes(number, "big", signed=True), names, kind, times)


Behaviour = Callable[[Request], Sequence[bytes | tuple[float, bytes]]]


class Device(asyncio.DatagramProtocol):
    """Answers as its behaviour says: datagrams, each at once or after a delay in seconds."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.asked: list[list[str]] = []

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.port = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, addr: Any) -> None:
        request = parse(data)
        self.asked.append(request.oids)
        for item in self.behaviour(request):
            delay, answer = item if isinstance(item, tuple) else (0.0, item)
            if delay:
                asyncio.get_running_loop().call_later(delay, self.transport.sendto, answer, addr)
            else:
                self.transport.sendto(answer, addr)


@asynccontextmanager
async def device(behaviour: Behaviour) -> AsyncIterator[Device]:
    transport, protocol = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: Device(behaviour), local_addr=("127.0.0.1", 0)
    )
    try:
        yield protocol
    finally:
        transport.close()


def seven(request: Request) -> list[bytes]:
    """Answer 7 to everything."""
    return [request.answer(dict.fromkeys(request.oids, integer(7)))]
