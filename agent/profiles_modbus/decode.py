"""What registers hold: numbers, parts of them, texts, times. Pure."""

import math
import struct
from collections.abc import Mapping
from typing import Final, Literal

Type = Literal["u16", "bits", "s16", "u32", "s32", "f32", "bcd", "text", "time"]
SENTINELS: Final[dict[str, frozenset[int]]] = {
    "u16": frozenset({0xFFFF}),
    "s16": frozenset({0x7FFF, -0x8000}),
    "u32": frozenset({0xFFFFFFFF}),
    "s32": frozenset({0x7FFFFFFF, -0x80000000}),
}
"""Never a value, whoever says it. -1 of a signed type may be one: a tenth of a degree below zero."""


def decoded(words: tuple[int, ...], type: Type, order: Literal["big", "little"] = "big") -> float | None:  # noqa: A002 - the table's word
    """Return the number that registers hold; None for what is none: no BCD, no float."""
    raw = b"".join(word.to_bytes(2, "big") for word in (words if order == "big" else reversed(words)))
    match type:
        case "s16" | "s32":
            return int.from_bytes(raw, "big", signed=True)
        case "f32":
            (number,) = struct.unpack(">f", raw)
            return float(number) if math.isfinite(number) else None
        case "bcd":
            digits = raw.hex()
            return int(digits) if digits.isdigit() else None
        case _:
            return int.from_bytes(raw, "big")


def masked(number: int, mask: int) -> int:
    """Return the part of a number that a mask leaves, shifted down."""
    return (number & mask) >> ((mask & -mask).bit_length() - 1)


def taken(words: Mapping[tuple[int, int], int], function: int, address: int, count: int) -> tuple[int, ...] | None:
    """Return registers, or bits, that follow one another; None where one of them was not read."""
    found = tuple(words.get((function, address + more), -1) for more in range(count))
    return None if -1 in found else found


def text(words: tuple[int, ...]) -> str | None:
    """Return a text of ASCII, two characters a register, the first in the high byte; None where it is empty."""
    raw = b"".join(word.to_bytes(2, "big") for word in words)
    whole = raw.split(b"\0")[0].decode("ascii", "ignore")
    return "".join(char for char in whole if char.isprintable()).strip() or None


def time(words: tuple[int, ...]) -> str | None:
    """Return a time as ISO 8601 writes it; None for what is none, as a device says that has seen no strike."""
    year, month, day, hour, minute, *rest = words
    second = rest[0] if rest else 0
    year += 2000 if year < 100 else 0
    fits = 2000 <= year <= 2099 and 1 <= month <= 12 and 1 <= day <= 31 and hour < 24 and minute < 60 and second < 60
    if not fits:
        return None
    return f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}" + (f":{second:02}" if rest else "")
