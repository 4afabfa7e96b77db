"""Values as devices send them: numbers that come as texts, texts that come padded, and numbers that mean nothing."""

import math
from collections.abc import Mapping

from agent.links.snmp import Raw

SENTINELS = frozenset({65535, 4294967295, 2147483647, -2147483648, -2147483647})
"""Never a value, whoever says it."""

Wanted = str | tuple[str, ...]
"""What an object must say: a text, one of several, or, with ``*`` at its end, what the text begins with in any case."""


def number(raw: Raw) -> float | None:
    """Return a number, also of a text that holds one, as some cards answer."""
    if isinstance(raw, int | float):
        return float(raw) if math.isfinite(raw) else None
    try:
        found = float(text(raw))
    except ValueError:
        return None
    return found if math.isfinite(found) else None


def text(raw: Raw) -> str:
    """Return a text without the NULs, blanks and bad bytes that cards pad with."""
    if raw is None:
        return ""
    found = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else str(raw)
    return "".join(char for char in found.split("\0")[0] if char.isprintable()).strip()


def says(raw: Raw, wanted: Wanted) -> bool:
    """Say whether an object says what it must."""
    if not isinstance(wanted, str):
        return any(says(raw, each) for each in wanted)
    if wanted.endswith("*"):
        return text(raw).lower().startswith(wanted[:-1].lower())
    return text(raw) == wanted


def masked(raw: Raw, mask: int) -> str:
    """Return what words stand for: the text of a value, or of those of its bits that a mask takes."""
    value = number(raw) if mask else None
    return text(raw) if value is None else str(int(value) & mask)


def meets(values: Mapping[str, Raw], wanted: Mapping[str, Wanted]) -> bool:
    """Say whether all of these objects say what they must."""
    return all(says(values.get(oid), said) for oid, said in wanted.items())
