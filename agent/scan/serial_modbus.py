"""Finds Modbus devices on a serial line (RTU): addresses 1 to 10, at the speed that most have. Nothing is ever written."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from agent.scan.found import Found
from agent.scan.line import Line
from agent.scan.modbus import PROBES, fits, said

ADDRESSES: Final = range(1, 11)
FORMATS: Final = ((9600, "N"), (9600, "E"))
WAIT: Final = 0.2
"""Seconds for an answer; at 9600 baud a question takes 8 ms, and slow sensors think for 100."""
_KNOCKS: Final[Sequence[int]] = (1, 2)
"""Which probes tell whether anybody is at an address: the register ones, which every clone knows."""


def crc(frame: bytes) -> bytes:
    """Return the CRC16 of a frame, low octet first (Modbus over serial line 1.02, 2.5.1.2)."""
    value = 0xFFFF
    for octet in frame:
        value ^= octet
        for _ in range(8):
            value = value >> 1 ^ (0xA001 if value & 1 else 0)
    return value.to_bytes(2, "little")


class ModbusRtuFinder:
    """Asks the addresses in turn, with and without parity."""

    name = "modbus"

    def __init__(self, wait: float = WAIT) -> None:
        """Take the patience for one answer, in seconds."""
        self._wait = wait

    async def find(self, path: Path) -> list[Found]:
        """Return the devices on a line.

        Raises:
            PortUnavailable: there is no getting at it.
        """
        for baudrate, parity in FORMATS:
            with Line(path, baudrate, parity) as line:
                found = [
                    _found(path, baudrate, parity, address, words)
                    for address in ADDRESSES
                    if (words := await self._address(line, address))
                ]
            if found:
                return found
        return []

    async def _address(self, line: Line, address: int) -> str:
        """Return in words what an address answers; empty where nobody is."""
        for knock in _KNOCKS:
            pdu, what = PROBES[knock]
            answer = await self._ask(line, address, pdu)
            if answer and fits(pdu, answer):
                asked, _ = PROBES[0]
                named = await self._ask(line, address, asked)
                if named and fits(asked, named) and not named[0] & 0x80:
                    return said(asked, named, "")
                return said(pdu, answer, what)
        return ""

    async def _ask(self, line: Line, address: int, pdu: bytes) -> bytes:
        """Return the PDU of a sound answer from this address; empty for anything else."""
        question = bytes((address,)) + pdu
        question += crc(question)
        answer = await line.ask(question, self._wait)
        answer = answer.removeprefix(question)  # some adapters hear themselves
        if len(answer) < 5 or answer[0] != address or crc(answer[:-2]) != answer[-2:]:
            return b""
        return answer[1:-2]


def _found(path: Path, baudrate: int, parity: str, address: int, words: str) -> Found:
    return Found(
        where=str(path),
        protocol="Modbus RTU",
        says=f"address {address} at {baudrate} 8{parity}1: {words}",
        way="modbus",
        settings=(("port", str(path)), ("baudrate", baudrate), ("parity", parity), ("unit", address)),
        missing="nothing says what its registers mean: name its kind and profile",
    )
