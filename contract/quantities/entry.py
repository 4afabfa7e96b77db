"""One entry of the dictionary, and how entries are written."""

from enum import StrEnum

import msgspec


class Kind(StrEnum):
    """What a value of a quantity is. It never changes for a name, so that a store's column never changes type."""

    NUMBER = "number"
    TEXT = "text"
    FLAGS = "flags"


class Quantity(msgspec.Struct, frozen=True):
    """One entry of the dictionary."""

    name: str
    kind: Kind
    meaning: str
    unit: str = ""
    low: float = 0.0
    high: float = 0.0
    flags: tuple[str, ...] = ()

    def plausible(self, value: float | str | tuple[str, ...]) -> bool:
        """Say whether a value can be one of this quantity."""
        match self.kind:
            case Kind.NUMBER:
                return isinstance(value, int | float) and not isinstance(value, bool) and self.low <= value <= self.high
            case Kind.TEXT:
                return isinstance(value, str) and 0 < len(value) <= 256
            case Kind.FLAGS:
                return isinstance(value, tuple) and set(value) <= set(self.flags)


def number(name: str, unit: str, low: float, high: float, meaning: str) -> Quantity:
    """Return the entry of a number with its plausible range."""
    return Quantity(name, Kind.NUMBER, meaning, unit, low, high)


def text(name: str, meaning: str) -> Quantity:
    """Return the entry of a text."""
    return Quantity(name, Kind.TEXT, meaning)


def flags(name: str, words: tuple[str, ...], meaning: str) -> Quantity:
    """Return the entry of a set of flags."""
    return Quantity(name, Kind.FLAGS, meaning, flags=words)
