"""Values as devices send them: numbers that come as texts, texts that come padded, and numbers that mean nothing."""

import math
from collections.abc import Mapping

from agent.links.snmp import Raw

SENTINELS = frozenset({65535, 4294967295, 2147483647, -2147483648, -2147483647})
"""Never a value, whoever says it."""

Wanted = str | tuple[str, ...]
"""What an object must say: a text, or one of several."""


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
    return text(raw) == wanted if isinstance(wanted, str) else text(raw) in wanted


def meets(values: Mapping[str, Raw], wanted: Mapping[str, Wanted]) -> bool:
    """Say whether all of these objects say what they must."""
    return all(says(values.get(oid), said) for oid, said in wanted.items())
