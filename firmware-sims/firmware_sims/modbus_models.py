"""What a simulated Modbus device is made of: small models that are set by hand, and the registers that they show."""

import math
import struct
from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

import msgspec

COILS, DISCRETE, HOLDING, INPUT = 1, 2, 3, 4

Image = dict[int, dict[int, int]]
"""Function code that reads → address on the wire → word, or bit. What is not in it is an illegal address."""


class Model(Protocol):
    """Something with registers."""

    def image(self, *, sentinels: bool = False) -> Image:
        """Return what can be read now; with sentinels, as a device says it that has no value for anything."""
        ...


@runtime_checkable
class Switchable(Protocol):
    """A model with coils that can be switched."""

    def switch(self, address: int, bits: Sequence[bool]) -> bool:
        """Switch coils from an address on; say whether there are so many."""
        ...


def signed(number: float) -> int:
    """Return a number as a 16-bit register in two's complement."""
    return round(number) & 0xFFFF


def single(number: float) -> tuple[int, int]:
    """Return a number as two registers, an IEEE float, the high word first."""
    return struct.unpack(">HH", struct.pack(">f", number))


class Registers(msgspec.Struct):
    """Registers as they stand, for what has no model of its own."""

    words: Image
    signed: frozenset[tuple[int, int]] = frozenset()
    """Function and address of those whose sentinel is 0x7FFF."""

    def image(self, *, sentinels: bool = False) -> Image:
        """See ``Model.image``."""
        if not sentinels:
            return self.words
        return {
            function: {
                at: word if function in (COILS, DISCRETE) else 0x7FFF if (function, at) in self.signed else 0xFFFF
                for at, word in words.items()
            }
            for function, words in self.words.items()
        }

    @classmethod
    def from_case(cls, image: Mapping[str, Mapping[str, int]]) -> "Registers":
        """Return the registers of a recording: ``{"fc4": {"1": 305}}``."""
        return cls(
            {int(name.removeprefix("fc")): {int(at): word for at, word in image[name].items()} for name in image}
        )


class Climate(msgspec.Struct):
    """An XY-MD02: degrees Celsius and percent."""

    temperature: float = 22.5
    humidity: float = 45.0
    divisor: int = 10
    """100 for its clones."""

    def image(self, *, sentinels: bool = False) -> Image:
        """See ``Model.image``."""
        if sentinels:
            return {INPUT: {1: 0x7FFF, 2: 0xFFFF}}
        return {INPUT: {1: signed(self.temperature * self.divisor), 2: round(self.humidity * self.divisor)}}


class Inputs(msgspec.Struct):
    """A module of digital inputs, and relays: True is closed, and on. A contact has no sentinel."""

    inputs: list[bool] = msgspec.field(default_factory=lambda: [False] * 16)
    relays: list[bool] = []
    stuck: bool = False
    """Its relays are burnt in: it says that it switches, and does not."""
    switched: list[tuple[int, bool]] = []
    """What was switched, in its order."""

    def switch(self, address: int, bits: Sequence[bool]) -> bool:
        """See ``Switchable``."""
        if address + len(bits) > len(self.relays):
            return False
        for place, bit in enumerate(bits, address):
            self.switched.append((place, bit))
            if not self.stuck:
                self.relays[place] = bit
        return True

    def image(self, *, sentinels: bool = False) -> Image:  # noqa: ARG002 - see the class
        """See ``Model.image``."""
        return {DISCRETE: dict(enumerate(map(int, self.inputs))), COILS: dict(enumerate(map(int, self.relays)))}


class Detector(msgspec.Struct):
    """A surge protector detector of Leixun: floats, a life, alarm bits."""

    leakage: float = 0.02
    """mA."""
    voltage: float = 228.0
    temperature: float = 31.5
    room: float = 26.0
    strikes: int = 0
    life: int = 96
    last: tuple[int, int, int, int, int] = (0, 0, 0, 0, 0)
    """Year, month, day, hour, minute of the last strike."""
    failed: bool = False
    earth: bool = False
    leaking: bool = False
    mains_lost: bool = False

    def strike(self, count: int = 1) -> None:
        """Let lightning strike; the counter has 16 bits, whatever it is shown as."""
        self.strikes = (self.strikes + count) & 0xFFFF

    def image(self, *, sentinels: bool = False) -> Image:
        """See ``Model.image``."""
        floats = (self.leakage, 220.0, self.voltage, self.temperature, self.room, 11.0, self.strikes, self.strikes)
        holding = {}
        for place, number in enumerate(floats):
            holding[2 * place], holding[2 * place + 1] = single(math.nan if sentinels else number)
        holding |= dict.fromkeys(range(16, 28), 0)
        holding |= {28 + place: 0xFFFF if sentinels else part for place, part in enumerate(self.last)}
        holding[33] = 0xFFFF if sentinels else self.life
        bits = (0, 0, 0, self.failed, self.earth, 0, self.leaking, self.mains_lost)
        return {HOLDING: holding, DISCRETE: dict(enumerate(map(int, bits)))}


class Bytes(msgspec.Struct):
    """A surge protector detector of Zhongpu Zhonghe: two registers; its counter is a byte."""

    temperature: float = 23.5
    strikes: int = 0
    alarms: int = 0
    """Bits."""

    def strike(self, count: int = 1) -> None:
        """Let lightning strike; the counter wraps at 256."""
        self.strikes = (self.strikes + count) & 0xFF

    def image(self, *, sentinels: bool = False) -> Image:
        """See ``Model.image``: the byte counters have no sentinel."""
        temperature = 0x7FFF if sentinels else signed(self.temperature * 10)
        return {INPUT: {0: temperature, 1: (self.strikes & 0xFF) << 8 | self.alarms & 0xFF}}


class Earth(msgspec.Struct):
    """An earth meter as it stands beside such detectors: an alarm, a value, and how many decimals it has."""

    resistance: float = 1.2
    """Ohm."""
    alarm: bool = False

    def image(self, *, sentinels: bool = False) -> Image:
        """See ``Model.image``."""
        if sentinels:
            return {HOLDING: {12: 0xFFFF, 13: 0xFFFF, 14: 0xFFFF}}
        return {HOLDING: {12: int(self.alarm), 13: round(self.resistance * 100) & 0xFFFF, 14: 2}}
