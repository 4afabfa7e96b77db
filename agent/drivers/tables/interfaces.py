"""IF-MIB: what interfaces a device has (RFC 2863). Pure."""

import re
from collections.abc import Iterable, Mapping
from fnmatch import translate
from functools import cache
from typing import Final

import msgspec

from agent.drivers.tables.columns import natural, number, text, whole
from agent.links.snmp import Raw

ENTRY: Final = "1.3.6.1.2.1.2.2.1"
EXTENDED: Final = "1.3.6.1.2.1.31.1.1.1"
DESCR, TYPE, SPEED, ADMIN, OPER = (f"{ENTRY}.{number}" for number in (2, 3, 5, 7, 8))
NAME, HIGH_SPEED, CONNECTOR, ALIAS, DISCONTINUITY = (f"{EXTENDED}.{number}" for number in (1, 15, 17, 18, 19))
IN_OCTETS, OUT_OCTETS = f"{ENTRY}.10", f"{ENTRY}.16"
HC_IN_OCTETS, HC_OUT_OCTETS = f"{EXTENDED}.6", f"{EXTENDED}.10"
IN_DISCARDS, IN_ERRORS, OUT_DISCARDS, OUT_ERRORS = (f"{ENTRY}.{number}" for number in (13, 14, 19, 20))
TABLE_CHANGE: Final = "1.3.6.1.2.1.31.1.5.0"
"""ifTableLastChange: sysUpTime at which rows came or went last."""

LOOKED_AT: Final = (DESCR, TYPE, NAME, ALIAS, CONNECTOR, OPER, ADMIN, HC_IN_OCTETS, HIGH_SPEED)
"""Columns that are walked when a device is looked at."""

NAMING: Final = (DESCR, TYPE, NAME, OPER)
"""Of them, those that say which interfaces there are, and what they are called."""

STATES: Final = {2: "down", 3: "testing", 5: "dormant", 6: "not present", 7: "lower layer down"}
"""ifOperStatus, what is not up and known; 4 is unknown."""
UP, NOT_PRESENT, ADMIN_DOWN = 1, 6, 2

DS1: Final = frozenset({18, 19})
ANALOG: Final = frozenset({100, 101, 102})
"""E&M, FXO, FXS."""
CHANNEL: Final = 81
"""ds0."""
SIGNALLING: Final = frozenset({63, 77})
"""isdn, lapd: D channels."""
PHYSICAL: Final = frozenset({6, 7, 26, 30, 33, 39, 45, 62, 69, 94, 96, 97, 117, 169, 250}) | DS1 | ANALOG
"""ifTypes of what has a socket: Ethernet, serial lines, DSL, SDH, E1, telephone lines."""

_ENDLESS = 4294967295
"""ifSpeed of what is faster than it can say."""


class Port(msgspec.Struct, frozen=True, kw_only=True):
    """One interface, as it was when the device was looked at."""

    index: int
    """ifIndex: another one, perhaps, after a restart."""
    name: str = ""
    """ifName, else ifDescr: what stays."""
    descr: str = ""
    alias: str = ""
    type: int = 0
    connector: bool | None = None
    """Whether it has a socket; None where the device does not say."""
    wide_in: bool = False
    """Whether it has 64-bit counters of octets in."""
    wide_out: bool = False
    fast: bool = False
    """Whether it has ifHighSpeed."""
    oper: int | None = None
    admin: int | None = None

    @property
    def physical(self) -> bool:
        """Whether a cable can go in."""
        return self.type in PHYSICAL and self.connector is not False

    @property
    def title(self) -> str:
        """What people call it: its name, and the alias that they gave."""
        return f"{self.name} ({self.alias})" if self.alias and self.alias != self.name else self.name

    def named(self, pattern: str) -> bool:
        """Say whether a pattern of the settings means it."""
        return any(fits(pattern, said) for said in (self.name, self.descr, self.alias, str(self.index)) if said)


@cache
def _regex(pattern: str) -> re.Pattern[str]:
    return re.compile(translate(pattern.lower().replace("[", "[[]")))


def fits(pattern: str, name: str) -> bool:
    """Say whether a name fits a pattern with ``*`` and ``?``; case does not count."""
    return _regex(pattern).match(name.lower()) is not None


def ports(columns: Mapping[str, Mapping[str, Raw]]) -> dict[str, Port]:
    """Return the interfaces by what they are called for good, in the order of their names.

    Args:
        columns: ``LOOKED_AT``, rows by ifIndex; and ifHCOutOctets, where ifHCInOctets does not speak for it.
    """
    rows: dict[str, None] = {}
    for column in NAMING:
        rows.update(dict.fromkeys(columns.get(column, ())))
    found = [_port(row, columns) for row in rows if row.isdigit()]
    taken: dict[str, int] = {}
    for port in found:
        taken[port.name] = taken.get(port.name, 0) + 1
    ordered = sorted(found, key=lambda port: (not port.physical, natural(port.name), port.index))
    return {port.name if taken[port.name] == 1 else f"{port.name}@{port.index}": port for port in ordered}


def _port(row: str, columns: Mapping[str, Mapping[str, Raw]]) -> Port:
    def of(column: str) -> Raw:
        return columns.get(column, {}).get(row)

    descr = text(of(DESCR))
    connector = whole(of(CONNECTOR))
    return Port(
        index=int(row),
        name=text(of(NAME)) or descr or row,
        descr=descr,
        alias=text(of(ALIAS)),
        type=whole(of(TYPE)) or 0,
        connector={1: True, 2: False}.get(connector or 0),
        wide_in=of(HC_IN_OCTETS) is not None,
        wide_out=of(HC_OUT_OCTETS if HC_OUT_OCTETS in columns else HC_IN_OCTETS) is not None,
        fast=bool(of(HIGH_SPEED)),
        oper=whole(of(OPER)),
        admin=whole(of(ADMIN)),
    )


def speed(high: Raw, low: Raw) -> float | None:
    """Return the rated speed in bit/s from ifHighSpeed and ifSpeed; None where neither says any."""
    fast = number(high)
    if fast:
        return fast * 1e6
    slow = number(low)
    return slow if slow and slow != _ENDLESS else None


def status(oper: int | None, admin: int | None) -> str | None:
    """Return the state in a word; None where the device has none."""
    if oper == UP:
        return "up"
    if admin == ADMIN_DOWN and oper in STATES:
        return "disabled"
    return STATES.get(oper or 0)


def missing(patterns: Iterable[str], known: Iterable[Port]) -> list[str]:
    """Return the patterns that mean no interface."""
    there = list(known)
    return [pattern for pattern in patterns if not any(port.named(pattern) for port in there)]
