"""Finds Modbus servers on TCP: device identification (function 43/14), else one register. Nothing is ever written."""

import struct
from collections.abc import Sequence
from typing import Final

from agent.scan.found import Found, Setting, clean
from agent.scan.net import Net, Stream

PROBES: Final[Sequence[tuple[bytes, str]]] = (
    (b"\x2b\x0e\x01\x00", "device identification"),
    (b"\x03\x00\x00\x00\x01", "a holding register"),
    (b"\x04\x00\x01\x00\x01", "an input register"),
)
"""PDUs that any server answers, if only by an exception (Modbus application protocol 1.1b3, 6.21, 6.3, 6.4)."""
UNITS: Final = (1, 255)
"""A gateway's first device, and the gateway itself (Modbus on TCP/IP implementation guide, 4.4)."""
_GATEWAY: Final = (10, 11)
"""Exceptions: gateway path unavailable, gateway target device failed to respond."""
_HEADER: Final = struct.Struct(">HHHB")
_LONGEST: Final = 253


class ModbusFinder:
    """Asks the units in turn, until one answers."""

    name = "modbus"
    most = 1

    async def find(self, net: Net, host: str, port: int) -> list[Found]:
        """Return the first unit that answers."""
        async with net.tcp(host, port) as stream:
            if stream is None:
                return []
            gateway = False
            for unit in UNITS:
                words = await self._unit(stream, unit)
                if words:
                    return [_found(host, port, unit, words)]
                gateway = gateway or words is not None
        return (
            [_found(host, port, UNITS[0], "a gateway, and nobody there", "ask it for other units")] if gateway else []
        )

    async def _unit(self, stream: Stream, unit: int) -> str | None:
        """Return in words what a unit answers; empty where a gateway has no such unit, None for silence."""
        words: str | None = None
        for number, (pdu, what) in enumerate(PROBES, start=1):
            transaction = unit << 8 | number
            question = _HEADER.pack(transaction, 0, len(pdu) + 1, unit) + pdu
            answer = _answer(await stream.ask(question, _whole), transaction, unit)
            if answer is not None and nobody(answer):
                words = ""
            elif answer is not None and fits(pdu, answer):
                return said(pdu, answer, what)
        return words


def nobody(answer: bytes) -> bool:
    """Say whether a gateway answers in the place of a unit that it cannot reach: exceptions 10 and 11."""
    return len(answer) == 2 and answer[0] >= 0x80 and answer[1] in _GATEWAY


def fits(question: bytes, answer: bytes) -> bool:
    """Say whether a PDU answers another: by its function, or by an exception to it."""
    return (
        not nobody(answer)
        and len(answer) >= 2
        and answer[0] & 0x7F == question[0]
        and (answer[0] < 0x80 or len(answer) == 2)
    )


def said(question: bytes, answer: bytes, what: str) -> str:
    """Return in words what a PDU answers."""
    if answer[0] & 0x80:
        return f"answers, and has not {what} (exception {answer[1]})"
    named = identification(answer) if question[0] == 0x2B else []
    if named:
        return ", ".join(named)
    return f"answers to {what}"


def identification(answer: bytes) -> list[str]:
    """Return vendor, product and revision of the answer to 43/14; what is cut short is left out."""
    if len(answer) < 7 or answer[1] != 0x0E:
        return []
    words: list[str] = []
    at = 7
    for _ in range(answer[6]):
        if at + 2 > len(answer) or at + 2 + answer[at + 1] > len(answer):
            break
        words.append(clean(answer[at + 2 : at + 2 + answer[at + 1]], 40))
        at += 2 + answer[at + 1]
    return [word for word in words if word]


def _whole(said: bytes) -> bool:
    return len(said) >= 6 and len(said) >= 6 + int.from_bytes(said[4:6], "big")


def _answer(said: bytes, transaction: int, unit: int) -> bytes | None:
    """Return the PDU of an answer; None for anything else."""
    if len(said) < _HEADER.size + 1:
        return None
    number, protocol, length, whose = _HEADER.unpack_from(said)
    if (number, protocol, whose) != (transaction, 0, unit) or not 2 < length <= _LONGEST + 1 or len(said) < 6 + length:
        return None
    return said[_HEADER.size : 6 + length]


def _found(host: str, port: int, unit: int, words: str, missing: str = "") -> Found:
    known: tuple[tuple[str, Setting], ...] = (("tcp_port", port),) if port != 502 else ()
    return Found(
        where=host,
        protocol="Modbus TCP",
        says=f"unit {unit}: {words}",
        way="modbus",
        settings=(("host", host), *known, ("unit", unit)),
        missing=missing or "nothing says what its registers mean: name its kind and profile",
    )
