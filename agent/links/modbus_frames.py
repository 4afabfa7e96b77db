"""Modbus frames, read strictly: what arrived is the answer, or not yet, or something else that can be named. Pure.

Layouts: MODBUS over serial line 1.02 (RTU: unit, function, data, CRC16 low byte first, polynomial A001 from FFFF) and
MODBUS messaging on TCP/IP 1.0b (transaction, protocol 0, length, unit, function, data). The library below decodes more
than it should, and throws away without a word what is wrong; the sentence that helps at night needs the bytes.
"""

from typing import Final

import msgspec

from contract.errors import DeviceError, DeviceGarbled, DeviceRefused, DeviceTimeout

COILS, DISCRETE, HOLDING, INPUT = 1, 2, 3, 4
"""Function codes that read, by what they read."""
SWITCH: Final = 5
"""Function code that switches one coil. Its answer repeats the request, so that an adapter that hears itself looks like a
device that obeys: what was switched must be read back."""
ON, OFF = 0xFF00, 0x0000
"""What stands where the others have their count."""
NAMES: Final = {COILS: "coil", DISCRETE: "discrete input", HOLDING: "holding register", INPUT: "input register"}
MOST_REGISTERS: Final = 125
MOST_BITS: Final = 2000
_EXCEPTION: Final = 0x80

ILLEGAL: Final = frozenset({1, 2, 3})
"""Exception codes that say: not this function, not this address, not this many. Another request may be answered."""
NOBODY_BEHIND: Final = 11
"""Exception code of a gateway whose device does not answer: as good as silence."""
_EXCEPTIONS: Final = {
    1: ("illegal function", "it does not read this kind of register: is the profile that of this device?"),
    2: ("illegal data address", "it has no such register: is the profile that of this device?"),
    3: ("illegal data value", "it does not take so many registers at once"),
    4: ("device failure", "it says that it failed while it did what was asked; look at it"),
    5: ("acknowledged, and not done yet", "it is asked again at the next poll"),
    6: ("busy", "it is asked again at the next poll"),
    8: ("memory parity error", "its memory is damaged; look at it"),
    10: ("gateway path unavailable", "the gateway has no way to it: look at the gateway's settings"),
    11: ("the device behind the gateway does not answer", "is it on, is its address right, are A and B swapped?"),
}


class Ask(msgspec.Struct, frozen=True):
    """One request: of a unit (1 to 247), by function code, so many from an address (as on the wire, from 0).

    For ``SWITCH`` the count is ``ON`` or ``OFF``.
    """

    unit: int
    function: int
    address: int
    count: int

    @property
    def payload(self) -> int:
        """Bytes of data that the answer has, without the count of them."""
        if self.function == SWITCH:
            return 3
        return (self.count + 7) // 8 if self.function in (COILS, DISCRETE) else 2 * self.count

    @property
    def head(self) -> bytes:
        """What the answer has behind its function code: the count of its bytes, or the request again."""
        if self.function == SWITCH:
            return self.address.to_bytes(2, "big") + self.count.to_bytes(2, "big")
        return bytes((self.payload,))

    def __str__(self) -> str:
        if self.function == SWITCH:
            return f"switch coil {self.address} {'on' if self.count == ON else 'off'}"
        last = self.address + self.count - 1
        which = f"{self.address}" if self.count == 1 else f"{self.address} to {last}"
        return f"{NAMES.get(self.function, 'function')} {which}"


class ModbusRefused(DeviceRefused):
    """The device answered with an exception; ``code`` is its number."""

    def __init__(self, what: str, *, where: str = "", hint: str = "", code: int = 0) -> None:
        """Take the sentence and the code."""
        super().__init__(what, where=where, hint=hint)
        self.code = code


class GatewaySilence(DeviceTimeout):
    """A gateway says that the device behind it does not answer: no silence of the line."""


def crc16(data: bytes) -> bytes:
    """Return the checksum of an RTU frame, as it is sent."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ 0xA001 if crc & 1 else crc >> 1
    return crc.to_bytes(2, "little")


def answer(seen: bytes, ask: Ask, *, rtu: bool, transaction: int = 0) -> bytes:
    """Return the frame that answers a request, out of all that arrived since; empty where it is not there (yet)."""
    return _rtu_answer(seen, ask) if rtu else _tcp_answer(seen, ask, transaction)


def _rtu_answer(seen: bytes, ask: Ask) -> bytes:
    for start in range(len(seen) - 4):  # noise, or an echo of the request, may come first
        frame = _rtu_frame(seen[start:], ask)
        if frame:
            return frame
    return b""


def _rtu_frame(data: bytes, ask: Ask) -> bytes:
    if len(data) < 5 or data[0] != ask.unit:
        return b""
    if data[1] == ask.function | _EXCEPTION:
        size = 5
    elif data[1] == ask.function and data[2:].startswith(ask.head):
        size = 5 + ask.payload
    else:
        return b""
    frame = data[:size]
    return frame if len(frame) == size and crc16(frame[:-2]) == frame[-2:] else b""


def _tcp_answer(seen: bytes, ask: Ask, transaction: int) -> bytes:
    for frame in _tcp_frames(seen):
        said, unit, function = int.from_bytes(frame[:2], "big"), frame[6], frame[7]
        if said != transaction or unit != ask.unit:
            continue  # late, or of another unit
        if function == ask.function | _EXCEPTION and len(frame) == 9:
            return frame
        if function == ask.function and len(frame) == 9 + ask.payload and frame[8:].startswith(ask.head):
            return frame
    return b""


def _tcp_frames(seen: bytes) -> list[bytes]:
    """Return the whole frames at the beginning of a stream."""
    found = []
    while len(seen) >= 8 and seen[2:4] == b"\0\0":
        size = 6 + int.from_bytes(seen[4:6], "big")
        if not 8 <= size <= 260 or len(seen) < size:
            break
        found.append(seen[:size])
        seen = seen[size:]
    return found


def refusal(code: int, ask: Ask, where: str) -> DeviceError:
    """Return the error that an exception code stands for."""
    what, hint = _EXCEPTIONS.get(code, ("an exception that the standard does not know", "look into its manual"))
    if ask.function == SWITCH and code in ILLEGAL:
        hint = "it lets this coil not be switched: is the output's number right, and is it a module with relays?"
    if code == NOBODY_BEHIND:
        return GatewaySilence(what, where=where, hint=hint)
    return ModbusRefused(f"{ask}: {what} (exception {code})", where=where, hint=hint, code=code)


def diagnosis(seen: bytes, ask: Ask, where: str, *, rtu: bool, line: str, seconds: float) -> DeviceError:
    """Return what is to be said where no answer came in time.

    Args:
        seen: all bytes that arrived since the request.
        ask: what was asked.
        where: the port and the unit.
        rtu: RTU frames; otherwise those of Modbus TCP.
        line: the settings of a serial line, in words; empty where there is none.
        seconds: how long was waited.
    """
    if not seen:
        hint = "is it on, is its address right" + (f", does it speak at {line}, are A and B swapped?" if line else "?")
        return DeviceTimeout(f"no answer within {seconds:g} s", where=where, hint=hint)
    return _rtu_diagnosis(seen, ask, where, line, seconds) if rtu else _tcp_diagnosis(seen, ask, where)


def _rtu_diagnosis(seen: bytes, ask: Ask, where: str, line: str, seconds: float) -> DeviceError:
    request = bytes((ask.unit, ask.function)) + ask.address.to_bytes(2, "big") + ask.count.to_bytes(2, "big")
    if seen == request + crc16(request):
        hint = "the adapter hears itself, which does no harm; the device is off, or its wires are"
        return DeviceTimeout(f"only an echo within {seconds:g} s", where=where, hint=hint)
    other = _stranger(seen, ask)
    if other is not None:
        hint = "two masters on one bus, two devices that share an address, or one that answers late"
        return DeviceGarbled(f"an answer in the name of unit {other}", where=where, hint=hint)
    shown = seen[:24].hex(" ")
    if seen[0] == ask.unit and len(seen) > 1 and seen[1] & ~_EXCEPTION == ask.function:
        counted = len(seen) > 2 and ask.function != SWITCH
        size = 5 if seen[1] & _EXCEPTION else 5 + (seen[2] if counted else ask.payload)
        if len(seen) < size:
            hint = "a loose wire, a missing terminator, or a timeout that is too short for it"
            return DeviceGarbled(f"half an answer, {len(seen)} of {size} bytes: {shown}", where=where, hint=hint)
        if crc16(seen[: size - 2]) == seen[size - 2 : size]:
            what = f"an answer to something else, of {seen[2]} bytes where {ask.payload} were asked for: {shown}"
            if not counted:
                what = f"an answer to something else than to {ask}: {shown}"
            return DeviceGarbled(what, where=where, hint="another master on the bus, or a device that answers late")
        hint = "noise on the wires: shield, terminator, A and B; or two devices that share an address"
        return DeviceGarbled(f"an answer with a wrong checksum: {shown}", where=where, hint=hint)
    hint = "noise, or another speed or parity"
    if line:
        hint += f" than {line}: try 4800, 9600, 19200, and parity N or E; then look at A and B, shield and terminator"
    return DeviceGarbled(f"nothing of what arrives is Modbus: {shown}", where=where, hint=hint)


def _stranger(seen: bytes, ask: Ask) -> int | None:
    """Return whose whole frame, of another unit, is in what arrived; None for nobody's."""
    for start in range(len(seen) - 4):
        data = seen[start:]
        if data[0] == ask.unit or data[1] & ~_EXCEPTION not in NAMES:
            continue
        size = 5 if data[1] & _EXCEPTION else 5 + data[2]
        if len(data) >= size and crc16(data[: size - 2]) == data[size - 2 : size]:
            return data[0]
    return None


def _tcp_diagnosis(seen: bytes, ask: Ask, where: str) -> DeviceError:
    shown = seen[:24].hex(" ")
    frames = _tcp_frames(seen)
    if not frames:
        if seen[2:4] == b"\0\0"[: len(seen[2:4])] and len(seen) < 6 + int.from_bytes(seen[4:6] or b"\0\xff", "big"):
            hint = "a gateway that breaks answers off; look at its settings and its serial side"
            return DeviceGarbled(f"half an answer: {shown}", where=where, hint=hint)
        hint = 'a serial server that does not translate? Then write framing = "rtu"'
        return DeviceGarbled(f"what arrives is not Modbus TCP: {shown}", where=where, hint=hint)
    units = {frame[6] for frame in frames} - {ask.unit}
    if units:
        hint = "write its number as unit, if that is the device"
        return DeviceGarbled(f"an answer in the name of unit {min(units)}", where=where, hint=hint)
    hint = "a gateway that mixes up answers, or answers late: a longer timeout may help"
    return DeviceGarbled(f"an answer to something else: {shown}", where=where, hint=hint)
