"""What stands in a profile's table: its points, states and rows. What they mean in a file: ``agent.profiles``."""

from collections.abc import Mapping
from typing import Literal

import msgspec

from agent.links.snmp import Raw
from agent.profiles.raw import SENTINELS, Wanted, masked, number, text

ROWS = (1, 2, 3)


class Identifying(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """OIDs of what a device says of itself."""

    manufacturer: tuple[str, ...] = ()
    model: tuple[str, ...] = ()
    serial: tuple[str, ...] = ()
    firmware: tuple[str, ...] = ()


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """One quantity."""

    quantity: str
    oid: tuple[str, ...]
    single: str = ""
    scale: tuple[float, ...] = (1.0,)
    fast: bool = False
    none: tuple[int, ...] = ()
    words: dict[str, str] = {}
    offset: float = 0.0
    rows: tuple[int, ...] = ROWS
    where: dict[str, Wanted] = {}
    phases: str = ""
    guess: tuple[float, ...] = ()
    expect: tuple[float, float] | None = None
    digits: str = ""
    mask: int = 0
    live: dict[str, Wanted] = {}
    fahrenheit: dict[str, Wanted] = {}

    def asks(self) -> list[str]:
        """Return the OIDs to ask, rows spelled out."""
        asked = [oid.replace("#", str(row)) for oid in (*self.oid, *self.where) for row in self._rows_of(oid)]
        return [*asked, *(oid for oid in (self.phases, self.digits) if oid), *self.live, *self.fahrenheit]

    def _rows_of(self, oid: str) -> tuple[int, ...]:
        return self.rows if "#" in oid else (0,)


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """What one value puts into the flags of its device, and into the text of its alarms."""

    oid: str
    flags: dict[str, tuple[str, ...]] = {}
    main: bool = False
    fast: bool = False
    above: dict[str, tuple[str, ...]] = {}
    """Flags for a number above the key."""
    alarms: dict[str, str] = {}
    quiet: tuple[int | str, ...] = ()
    normal: str = ""
    abnormal: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    where: dict[str, Wanted] = {}
    mask: int = 0
    numbers: bool = False
    """Any number is well, and only its loss is not: a probe that measures, and then does not."""
    none: tuple[int, ...] = ()
    name: str = ""
    label: str = ""
    there: bool = False
    """It had a value when the device was looked at: without one now, it is not known."""

    def asks(self) -> list[str]:
        """Return the OIDs to ask, rows spelled out."""
        return [self.oid.replace("#", str(row)) for row in (ROWS if "#" in self.oid else (0,))]

    def beside(self) -> list[str]:
        """Return the OIDs of what else it needs: what is normal, and what says that it counts."""
        return [*((self.normal,) if self.normal else ()), *self.where]

    def says(self, raw: Raw, values: Mapping[str, Raw]) -> tuple[frozenset[str], str]:
        """Return the flags and the alarm that a value stands for."""
        word = masked(raw, self.mask) if self.mask else text(raw)
        alarm = self.alarms.get(word, "")
        flags = {*self.flags.get(word, ()), *(("ALARM",) if alarm else ())}
        value = number(raw)
        if value is not None and value not in SENTINELS:
            flags.update(flag for limit, more in self.above.items() if value > float(limit) for flag in more)
        if self.normal and word and text(values.get(self.normal)) not in ("", word):
            flags.update(self.abnormal)
        if flags and not alarm and (self.name or self.label):
            alarm = self.called(values, ", ".join(sorted(flag.lower() for flag in flags)))
        return frozenset(flags), alarm

    def called(self, values: Mapping[str, Raw], what: str) -> str:
        """Return what people are told of it: its own name on the device, or what the profile calls it."""
        return f"{(text(values.get(self.name)) if self.name else '') or self.label or self.oid}: {what}"

    def knows(self, raw: Raw) -> bool:
        """Say whether a value is one that this object may have."""
        if self.numbers:
            value = number(raw)
            return value is not None and value not in SENTINELS and value not in self.none
        word = masked(raw, self.mask) if self.mask else text(raw)
        quiet = word in map(str, self.quiet)
        return quiet or word in self.flags or word in self.alarms or (bool(self.above) and number(raw) is not None)


class Bits(msgspec.Struct, frozen=True, kw_only=True):
    """What the characters of a text put into the flags of its device."""

    oid: str
    flags: dict[str, tuple[str, ...]] = {}
    fast: bool = False


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of a number that only the device knows, under indexes of its own."""

    index: str
    number: Literal["order", "index"] = "order"
    plus: int = 0
    where: dict[str, Wanted] = {}
    name: str = ""
    point: tuple[Point, ...] = ()
    status: tuple[Status, ...] = ()

    def wheres(self) -> set[str]:
        """Return the columns that say which rows count, and for what."""
        return {*self.where, *(column for point in self.point for column in point.where)}
