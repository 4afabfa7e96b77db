"""What traps are called: ``names.toml``. Nothing is decided by it; it is what the log and ``x.trap.last`` say."""

from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Final, Literal

import msgspec

from agent.links.ber import Value
from agent.traps.message import Notification
from contract.settings import Text, load

Severity = Literal["ok", "warning", "critical"]
_LONGEST: Final = 120
"""Characters of one value that are told."""
_MOST: Final = 12
"""Values of one trap that are told."""


class Trap(msgspec.Struct, frozen=True, kw_only=True):
    """A trap of a family."""

    name: Text
    severity: Severity = "warning"


class Labelled(msgspec.Struct, frozen=True, kw_only=True):
    """A value that comes with a family's traps."""

    oid: Text
    """Without its index."""
    name: Text
    words: dict[str, str] = {}
    """What its numbers, or OIDs, stand for."""


class Family(msgspec.Struct, frozen=True, kw_only=True):
    """The traps of one MIB."""

    name: Text
    enterprise: Text
    trap: dict[str, Trap]
    """By number."""
    value: tuple[Labelled, ...] = ()


class _Table(msgspec.Struct, frozen=True):
    family: tuple[Family, ...]


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """A trap in words."""

    name: str
    """``on-battery``; of an unknown one its OID."""
    family: str = ""
    severity: Severity = "warning"
    said: tuple[tuple[str, str], ...] = ()
    """What came with it, labelled; unknown values under their OID."""

    def __str__(self) -> str:
        family = f" ({self.family})" if self.family else ""
        said = ", ".join(f"{label} {value}" for label, value in self.said)
        return f"{self.name}{family}{': ' if said else ''}{said}"


@cache
def _known() -> tuple[Mapping[tuple[str, str], tuple[Family, Trap]], Mapping[str, Labelled]]:
    """Return the traps by enterprise and number, and the values by OID.

    Raises:
        ConfigError: the table is wrong.
    """
    text = resources.files(__package__).joinpath("names.toml").read_text("utf-8")
    families = load(_Table, text, file="names.toml").family
    traps = {(family.enterprise, n): (family, trap) for family in families for n, trap in family.trap.items()}
    return traps, {value.oid: value for family in families for value in family.value}


def told(notification: Notification) -> Told:
    """Return a trap in words."""
    traps, _ = _known()
    enterprise, _, number = notification.oid.rpartition(".")
    found = traps.get((enterprise.removesuffix(".0"), number))
    said = tuple(_said(oid, value) for oid, value in notification.values[:_MOST])
    if found is None:
        return Told(name=notification.oid, said=said)
    family, trap = found
    return Told(name=trap.name, family=family.name, severity=trap.severity, said=said)


def _said(oid: str, value: Value) -> tuple[str, str]:
    _, values = _known()
    base = oid
    for _ in range(3):  # itself, and without an index of one or two arcs
        if base in values:
            known = values[base]
            return known.name, known.words.get(str(value)) or _text(value)
        base = base.rpartition(".")[0]
    return oid, _text(value)


def _text(value: Value) -> str:
    """Return a value for a line of a log: no control character of a stranger gets there."""
    if value is None:
        return "-"
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return "".join(c if c.isprintable() else "?" for c in text.rstrip("\0")[:_LONGEST])
