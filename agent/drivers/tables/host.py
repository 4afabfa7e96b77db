"""A host from outside: HOST-RESOURCES-MIB (RFC 2790), and UCD-SNMP-MIB for what that does not tell of Linux's memory."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from agent.drivers.base import Lane
from agent.drivers.tables.base import Figures, Steady, Walker
from agent.drivers.tables.columns import Numbers, listed, natural, number, text, whole
from agent.links.snmp import Raw
from contract.reading import Reading, judged

DATE, USERS, PROCESSES = (f"1.3.6.1.2.1.25.1.{number}.0" for number in (2, 5, 6))
STORAGE: Final = "1.3.6.1.2.1.25.2.3.1"
STORAGE_TYPE, STORAGE_DESCR, STORAGE_UNITS, STORAGE_SIZE, STORAGE_USED = (
    f"{STORAGE}.{number}" for number in range(2, 7)
)
FILES_ACCESS, FILES_STORAGE = (f"1.3.6.1.2.1.25.3.8.1.{number}" for number in (5, 7))
"""hrFSAccess, hrFSStorageIndex."""
READ_ONLY: Final = 2
LOAD: Final = "1.3.6.1.2.1.25.3.3.1.2"
"""hrProcessorLoad: of the last minute, in percent."""
TICKS: Final = tuple(f"1.3.6.1.4.1.2021.11.{number}.0" for number in (53, 54, 50, 51, 52, 56, 61, 64))
"""ssCpuRaw…: ticks of idle, wait, then of work: user, nice, system, interrupt, softirq, steal. For an agent that has no
hrProcessorTable, or not yet: net-snmp has none in its first minute."""
_IDLE: Final = 2
"""The first so many of them are of no work."""
MEMORY_TOTAL, MEMORY_FREE, MEMORY_BUFFERS, MEMORY_CACHED = (
    f"1.3.6.1.4.1.2021.4.{number}.0" for number in (5, 6, 14, 15)
)
"""memTotalReal, memAvailReal, memBuffer, memCached in KiB."""
_SINGLE: Final = (DATE, USERS, PROCESSES, MEMORY_TOTAL, MEMORY_FREE, MEMORY_BUFFERS, MEMORY_CACHED)
RAM, VIRTUAL, FIXED, FLASH, NETWORK = (f"1.3.6.1.2.1.25.2.1.{number}" for number in (2, 3, 4, 9, 10))
_NO_DISKS: Final = ("/dev", "/proc", "/run", "/sys", "/snap", "/var/lib/docker", "/var/lib/containers")
"""Where Linux mounts what is no disk."""
_ZONE_STEP: Final = 900.0
"""Seconds: zones differ from one another by quarters of an hour."""


class Disk(msgspec.Struct, frozen=True):
    """One storage area."""

    name: str
    row: str
    unit: float
    """Bytes."""
    access: str = ""
    """OID that says whether it may be written to."""
    sealed: bool = False
    """Whether it was read-only from the start, and is full by nature: a medium, or an image."""


class Host:
    """One part of a driver: see ``base.Part``."""

    def __init__(self, wall: Callable[[], float | None]) -> None:
        """Take the agent's wall clock, in seconds since 1970, UTC; None while it cannot be believed itself."""
        self.found = False
        self.stale = False
        self.disks: dict[str, Disk] = {}
        self._wall = wall
        self._steady = Steady()
        self._numbers = Numbers()
        self._memory: Disk | None = None
        self._swap: Disk | None = None
        self._processors: tuple[str, ...] = ()
        self._ticks: tuple[int, ...] = ()
        self._has: frozenset[str] = frozenset()
        """Single objects that it has."""

    async def look(self, walker: Walker) -> None:
        """See ``base.Part.look``."""
        self.stale = False
        if await self._steady.lost(walker, (STORAGE_TYPE, STORAGE_DESCR, STORAGE_UNITS, LOAD), known=self.found):
            return
        types = await walker.column(STORAGE_TYPE) or {}
        columns = await walker.columns((STORAGE_DESCR, STORAGE_UNITS, STORAGE_SIZE))
        areas = {kind: list(_areas(kind, types, columns)) for kind in (RAM, VIRTUAL, FIXED, FLASH, NETWORK)}
        self._memory = next(iter(areas[RAM]), None)
        swap = (area for area in areas[VIRTUAL] if "swap" in area.name.lower())
        self._swap = next(swap, None)
        found: dict[str, Disk] = {}
        disks = [*areas[FIXED], *areas[FLASH], *areas[NETWORK]]
        files = await walker.columns((FILES_ACCESS, FILES_STORAGE))
        row_of = {text(storage): row for row, storage in files[FILES_STORAGE].items()}
        for disk in sorted(disks, key=lambda disk: natural(disk.name)):
            if _is_disk(disk):
                found[disk.name] = self._with_access(disk, row_of.get(disk.row), files[FILES_ACCESS])
        self.disks = found
        self._numbers.give(self.disks)
        self._processors = tuple(await walker.column(LOAD) or ())
        self._has = frozenset(await walker.there((*_SINGLE, *TICKS)))
        self.found = bool(types or self._processors)

    def asks(self, lane: Lane) -> Sequence[str]:
        """See ``base.Part.asks``."""
        asked = [f"{LOAD}.{row}" for row in self._processors] or [oid for oid in TICKS if oid in self._has]
        if lane is Lane.FAST:
            return asked
        areas = [
            *self.disks.values(),
            *((self._memory,) if self._memory else ()),
            *((self._swap,) if self._swap else ()),
        ]
        asked += [f"{column}.{area.row}" for area in areas for column in (STORAGE_SIZE, STORAGE_USED)]
        asked += [disk.access for disk in self.disks.values() if disk.access and not disk.sealed]
        return [*asked, *(oid for oid in _SINGLE if oid in self._has)]

    def restarted(self) -> None:
        """See ``base.Part.restarted``."""

    def kept(self) -> Figures:
        """See ``base.Part.kept``."""
        return {"host.disk": self._numbers.known}

    def restore(self, kept: Figures) -> None:
        """See ``base.Part.restore``."""
        self._numbers.restore(kept.get("host.disk", {}))

    def readings(self, values: Mapping[str, Raw], lane: Lane, now: float) -> list[Reading]:  # noqa: ARG002 - see Part
        """See ``base.Part.readings``."""
        found = [judged("host.cpu.load", self._load(values))]
        if lane is Lane.FAST:
            return found
        found.append(judged("host.processes", number(values.get(PROCESSES))))
        if values.get(USERS) is not None:
            found.append(judged("host.users", number(values[USERS])))
        found += self._memories(values)
        used: list[float] = []
        sealed: list[str] = []
        for name, disk in self.disks.items():
            prefix = f"host.disk.{self._numbers[name]}"
            size, share = _share(disk, values)
            self.stale = self.stale or values.get(f"{STORAGE_SIZE}.{disk.row}") is None
            found += [judged(f"{prefix}.name", name), judged(f"{prefix}.used", share)]
            if size is not None:
                found.append(judged(f"{prefix}.size", size))
            used += [share] if share is not None and not disk.sealed else []
            if disk.access and not disk.sealed and values.get(disk.access) == READ_ONLY:
                sealed.append(f"{name} takes nothing")
        found.append(judged("host.disk.used.maximum", max(used, default=None)))
        if self.disks:
            found += [judged("host.status", ("READONLY",) if sealed else ()), judged("host.problem", listed(sealed))]
        found.append(judged("host.clock.offset", offset(values.get(DATE), self._wall())))
        return found

    def _with_access(self, disk: Disk, row: str | None, access: Mapping[str, Raw]) -> Disk:
        if row is None:
            return disk
        known = self.disks.get(disk.name)
        sealed = known.sealed if known is not None else access.get(row) == READ_ONLY
        return msgspec.structs.replace(disk, access=f"{FILES_ACCESS}.{row}", sealed=sealed)

    def _load(self, values: Mapping[str, Raw]) -> float | None:
        """Return the processor time in use, in percent: of the last minute, or where the agent only counts, since the last poll."""
        if self._processors:
            loads = [load for row in self._processors if (load := number(values.get(f"{LOAD}.{row}"))) is not None]
            return round(sum(loads) / len(loads), 1) if loads else None
        before, self._ticks = self._ticks, tuple(whole(values.get(oid)) or 0 for oid in TICKS)
        if not before or not before[0]:  # in its first seconds net-snmp says 0 to all
            return None
        passed = [after - once for once, after in zip(before, self._ticks, strict=True)]
        if min(passed) < 0 or not sum(passed):
            return None
        return round(100.0 * (1 - sum(passed[:_IDLE]) / sum(passed)), 1)

    def _memories(self, values: Mapping[str, Raw]) -> Iterator[Reading]:
        total, free, buffers, cached = (
            number(values.get(oid)) for oid in (MEMORY_TOTAL, MEMORY_FREE, MEMORY_BUFFERS, MEMORY_CACHED)
        )
        if total and free is not None:
            given = min(total, free + (buffers or 0.0) + (cached or 0.0))
            yield judged("host.memory.used", round(100.0 * (total - given) / total, 2))
            yield judged("host.memory.total", total * 1024)
        else:
            size, share = _share(self._memory, values) if self._memory else (None, None)
            yield judged("host.memory.used", share)
            if size is not None:
                yield judged("host.memory.total", size)
        if self._swap is not None:
            size, share = _share(self._swap, values)
            if size:
                yield judged("host.swap.used", share)


def _areas(kind: str, types: Mapping[str, Raw], columns: Mapping[str, Mapping[str, Raw]]) -> Iterator[Disk]:
    for row, raw in types.items():
        unit = number(columns[STORAGE_UNITS].get(row))
        name = text(columns[STORAGE_DESCR].get(row))
        if str(raw).strip(".") == kind and unit and _count(columns[STORAGE_SIZE].get(row)):
            yield Disk(_short(name) or f"storage {row}", row, unit)


def _short(name: str) -> str:
    r"""Return a name without what changes with the medium: Windows says ``C:\ Label:  Serial Number 1a2b3c4d``."""
    return name.partition(" Label:")[0].strip()


def _is_disk(disk: Disk) -> bool:
    return not any(disk.name == place or disk.name.startswith(f"{place}/") for place in _NO_DISKS)


def _count(raw: Raw) -> float | None:
    """Return a number of units; more than 2^31 of them come as negative numbers."""
    said = whole(raw)
    return None if said is None else float(said + 2**32 if said < 0 else said)


def _share(area: Disk, values: Mapping[str, Raw]) -> tuple[float | None, float | None]:
    """Return the size in bytes, and what is used of it in percent."""
    size, used = (_count(values.get(f"{column}.{area.row}")) for column in (STORAGE_SIZE, STORAGE_USED))
    if not size:
        return None, None
    return size * area.unit, None if used is None else round(100.0 * used / size, 2)


def offset(raw: Raw, wall: float | None) -> float | None:
    """Return how far a DateAndTime (RFC 2579) is ahead of a clock, in seconds; None for what is none.

    It counts whole seconds, mostly; half of one is added. Without a zone its local time is taken for that of the nearest
    quarter of an hour, as zones are: then a clock that is wrong by a whole hour is not found out.
    """
    if wall is None or not isinstance(raw, bytes) or len(raw) not in (8, 11):
        return None
    try:
        year, (month, day, hour, minute, second) = int.from_bytes(raw[:2], "big"), raw[2:7]
        local = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC)
        if len(raw) == 11:
            zone = timedelta(hours=raw[9], minutes=raw[10])
            if raw[8:9] not in (b"+", b"-"):
                return None
            local += -zone if raw[8:9] == b"+" else zone
        seconds = local.timestamp() + (raw[7] / 10 if raw[7] else 0.5)
    except (ValueError, OverflowError):
        return None
    ahead = seconds - wall
    if len(raw) == 8:
        ahead -= round(ahead / _ZONE_STEP) * _ZONE_STEP
    return round(ahead, 1)
