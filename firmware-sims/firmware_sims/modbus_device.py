"""Modbus devices on one line: a pseudo-terminal or a TCP port that speaks RTU, or a port that speaks Modbus TCP.

It answers on the raw stream, so that it can also answer wrong. Layouts: MODBUS application protocol 1.1b3, over serial
line 1.02, on TCP/IP 1.0b. Functions 1 to 4 read, 5 and 15 switch
the coils of a model that has a ``switch``; what is more is an illegal function.
"""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from firmware_sims.faults import DELAY_SECONDS, GARBAGE, Fault
from firmware_sims.modbus_models import COILS, DISCRETE, HOLDING, INPUT, Model, Switchable
from firmware_sims.stream import StreamDevice

_REQUEST = 8
"""Bytes of an RTU request to read."""
_LONGEST = 260
_MOST = {COILS: 2000, DISCRETE: 2000, HOLDING: 125, INPUT: 125}
WRITE_COIL, WRITE_COILS = 5, 15
_SWITCHES = (WRITE_COIL, WRITE_COILS)
_ON = 0xFF00
ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_VALUE = 1, 2, 3


def crc(data: bytes) -> bytes:
    """Return the checksum of an RTU frame, low byte first."""
    value = 0xFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = (value >> 1) ^ 0xA001 if value & 1 else value >> 1
    return value.to_bytes(2, "little")


def answer(model: Model, request: bytes, *, sentinels: bool = False) -> bytes:
    """Return the answer to a request, both without address and checksum."""
    function = request[0]
    if function in _SWITCHES:
        return _switched(model, request)
    if function not in _MOST:
        return bytes((function | 0x80, ILLEGAL_FUNCTION))
    address, count = int.from_bytes(request[1:3], "big"), int.from_bytes(request[3:5], "big")
    if len(request) != 5 or not 1 <= count <= _MOST[function]:
        return bytes((function | 0x80, ILLEGAL_VALUE))
    there = model.image(sentinels=sentinels).get(function)
    if there is None:
        return bytes((function | 0x80, ILLEGAL_FUNCTION))
    words = [there.get(address + place) for place in range(count)]
    if None in words:
        return bytes((function | 0x80, ILLEGAL_ADDRESS))
    known = [word for word in words if word is not None]
    if function in (COILS, DISCRETE):
        data = sum(bit << place for place, bit in enumerate(known)).to_bytes((count + 7) // 8, "little")
    else:
        data = b"".join(word.to_bytes(2, "big") for word in known)
    return bytes((function, len(data))) + data


def _switched(model: Model, request: bytes) -> bytes:
    """Return the answer to a request to switch one coil (5), or several (15)."""
    function = request[0]
    if not isinstance(model, Switchable):
        return bytes((function | 0x80, ILLEGAL_FUNCTION))
    address, word = int.from_bytes(request[1:3], "big"), int.from_bytes(request[3:5], "big")
    if function == WRITE_COIL:
        bits = [word == _ON]
        right = word in (_ON, 0) and len(request) == 5
    else:
        bits = [bool(request[6 + place // 8] >> place % 8 & 1) for place in range(min(word, 8 * (len(request) - 6)))]
        right = 1 <= word <= 1968 and len(request) == 6 + (word + 7) // 8 == 6 + request[5]
    if not right:
        return bytes((function | 0x80, ILLEGAL_VALUE))
    if not model.switch(address, bits):
        return bytes((function | 0x80, ILLEGAL_ADDRESS))
    return request[:5]


def _size(seen: bytes) -> int:
    """Return the bytes of the RTU request that begins here, as far as can be seen."""
    return 9 + seen[6] if seen[1] == WRITE_COILS else _REQUEST


class ModbusDevice(StreamDevice):
    """Simulated devices on one line, by their units. Nothing is opened before ``start``."""

    def __init__(
        self,
        units: Mapping[int, Model] | Model,
        *,
        link: Path | None = None,
        host: str = "",
        port: int = 0,
        framing: Literal["tcp", "rtu"] = "tcp",
    ) -> None:
        """Remember what to be.

        Args:
            units: the models by their addresses; a single one is unit 1.
            link: name of the serial port, a symbolic link to the pseudo-terminal; None for a TCP port.
            host: where to listen when there is no link.
            port: TCP port; 0 for a free one.
            framing: of a TCP port.
        """
        super().__init__(link=link, host=host, port=port)
        self.units: dict[int, Model] = dict(units) if isinstance(units, Mapping) else {1: units}
        self.unit_faults: dict[int, Fault] = {}
        """What is wrong with one of them alone."""
        self.requests: list[tuple[int, int, int, int]] = []
        """What was asked, also of units that are not there: unit, function, address, count."""
        self._rtu = link is not None or framing == "rtu"

    @property
    def url(self) -> str:
        """What ``wolfsmoke-agent read`` is given to read the first of them."""
        return self.url_of(min(self.units))

    def url_of(self, unit: int) -> str:
        """Return what ``wolfsmoke-agent read`` is given to read one of them."""
        if self._link:
            return f"modbus+rtu://{self._link}?unit={unit}"
        return f"modbus{'+rtu' if self._rtu else ''}://{self.address}/{unit}"

    async def set_fault(self, fault: Fault, unit: int | None = None) -> None:
        """Misbehave from now on, all or one unit; ``unplug`` takes the port away, anything else brings it back."""
        if unit is None:
            await super().set_fault(fault)
        else:
            self.unit_faults[unit] = fault

    def _received(self, data: bytes) -> None:
        loop = asyncio.get_running_loop()
        self._waiting, replies = self._rtu_replies(self._waiting + data)
        for reply, delay in replies:
            loop.call_later(delay, self._write, reply)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        waiting = b""
        while data := await reader.read(1024):
            look = self._rtu_replies if self._rtu else self._tcp_replies
            waiting, replies = look(waiting + data)
            for reply, delay in replies:
                await asyncio.sleep(delay)
                writer.write(reply)
                await writer.drain()

    def _rtu_replies(self, seen: bytes) -> tuple[bytes, list[tuple[bytes, float]]]:
        """Return what is left of what was seen, and the replies with their delays. Noise between requests is let pass."""
        replies = []
        at = 0
        while len(seen) - at >= _REQUEST:
            size = _size(seen[at:])
            frame = seen[at : at + size]
            if len(frame) < size <= _LONGEST:
                break
            if crc(frame[:-2]) != frame[-2:]:
                at += 1
                continue
            at += size
            reply = self._reply(frame[0], frame[1:-2])
            if reply is not None:
                unit, body, fault = reply
                whole = bytes((unit,)) + body
                replies.append((_spoiled(whole + crc(whole), fault), _delay(fault)))
        return seen[at:][-_LONGEST:], [(data, delay) for data, delay in replies if data]

    def _tcp_replies(self, seen: bytes) -> tuple[bytes, list[tuple[bytes, float]]]:
        replies = []
        while len(seen) >= 8:
            size = 6 + int.from_bytes(seen[4:6], "big")
            if len(seen) < size:
                break
            frame, seen = seen[:size], seen[size:]
            reply = self._reply(frame[6], frame[7:])
            if reply is not None:
                unit, body, fault = reply
                number = frame[:2] if fault is not Fault.ADDRESS else bytes((frame[0] ^ 0xFF, frame[1]))
                head = number + b"\0\0" + (len(body) + 1).to_bytes(2, "big") + bytes((unit,))
                plain = Fault.NONE if fault is Fault.CHECKSUM else fault  # it has none
                replies.append((_spoiled(head + body, plain), _delay(fault)))
        return seen, [(data, delay) for data, delay in replies if data]

    def _reply(self, unit: int, request: bytes) -> tuple[int, bytes, Fault] | None:
        """Return who answers, what, and what is wrong with it; None for silence."""
        asked = int.from_bytes(request[1:3], "big"), int.from_bytes(request[3:5], "big")
        self.requests.append((unit, request[0] if request else 0, *asked))
        model = self.units.get(unit)
        own = self.unit_faults.get(unit, Fault.NONE)
        fault = own if own is not Fault.NONE else self._fault
        if model is None or not request or fault in (Fault.SILENCE, Fault.UNPLUG):
            return None
        body = answer(model, request, sentinels=fault is Fault.SENTINELS)
        return (unit % 247 + 1 if fault is Fault.ADDRESS else unit), body, fault


def _spoiled(frame: bytes, fault: Fault) -> bytes:
    match fault:
        case Fault.GARBAGE:
            return GARBAGE
        case Fault.HALF:
            return frame[: len(frame) // 2]
        case Fault.CHECKSUM:
            return frame[:-1] + bytes((frame[-1] ^ 0x5A,))
        case _:
            return frame


def _delay(fault: Fault) -> float:
    return DELAY_SECONDS if fault is Fault.DELAY else 0.0
