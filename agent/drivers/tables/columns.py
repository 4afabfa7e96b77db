"""Columns of SNMP tables: what a walk brings, put in order; and values as text and numbers."""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from agent.links.snmp import Raw

_ENCODINGS: Final = ("utf-8", "gb18030")
"""Aliases are typed in by people: in UTF-8, or in what a Chinese terminal sent."""
LONGEST: Final = 256
"""Characters of a text."""


def under(values: Mapping[str, Raw], column: str) -> dict[str, Raw]:
    """Return the rows of a column that a walk brought: by what stands behind the column's OID."""
    start = len(column) + 1
    return {oid[start:]: raw for oid, raw in values.items() if oid.startswith(f"{column}.")}


def number(raw: Raw) -> float | None:
    """Return a number; also of a text that holds one, as some agents answer."""
    if isinstance(raw, int | float):
        return float(raw)
    try:
        return float(text(raw)) if raw is not None else None
    except ValueError:
        return None


def whole(raw: Raw) -> int | None:
    """Return an integer, such as a state or a counter."""
    return raw if isinstance(raw, int) else None


def text(raw: Raw) -> str:
    """Return a text without the NULs, blanks and control characters that devices pad with."""
    if raw is None:
        return ""
    said = _decoded(raw) if isinstance(raw, bytes) else str(raw)
    return "".join(char for char in said.split("\0")[0] if char.isprintable()).strip()[:LONGEST]


def _decoded(raw: bytes) -> str:
    for encoding in _ENCODINGS:
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return raw.decode("utf-8", "replace")


def natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """Return a key that sorts ``Gi0/9`` before ``Gi0/10``."""
    parts = re.findall(r"\d+|\D+", name)
    return tuple((0, int(part), "") if part.isdigit() else (1, 0, part.lower()) for part in parts)


class Numbers:
    """Gives each key a number from 1 on, and never another one: what the numbers mean must not change in the store."""

    def __init__(self) -> None:
        """Start with none."""
        self._known: dict[str, int] = {}

    @property
    def known(self) -> dict[str, int]:
        """Those that were given."""
        return dict(self._known)

    def restore(self, known: Mapping[str, int]) -> None:
        """Take up what was given by an earlier process; nothing of what cannot be."""
        if min(known.values(), default=1) >= 1 and len(set(known.values())) == len(known):
            self._known = dict(known)

    def give(self, keys: Iterable[str]) -> None:
        """Give numbers to those that have none, in this order."""
        for key in keys:
            if key not in self._known:
                self._known[key] = max(self._known.values(), default=0) + 1

    def __getitem__(self, key: str) -> int:
        self.give((key,))
        return self._known[key]


def listed(remarks: Iterable[str], nothing: str = "none") -> str:
    """Return remarks as one text that fits; says how many more there are."""
    said = ""
    left = list(remarks)
    while left:
        more = f"; and {len(left) - 1} more" if len(left) > 1 else ""
        longer = f"{said}; {left[0]}" if said else left[0]
        if len(longer) + len(more) > LONGEST:
            return f"{said}; and {len(left)} more" if said else longer[:LONGEST]
        said = longer
        left = left[1:]
    return said or nothing
