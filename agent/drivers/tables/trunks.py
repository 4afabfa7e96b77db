"""Trunks and channels of a voice gateway: DS1-MIB, and what IF-MIB and ISDN-MIB say of the rest.

A trunk is a line of DS1-MIB, or where the device has none, an interface of type ds1 or e1. In service is what the settings
name under ``ports``; where they name nothing, whatever is not switched off. The others are spare.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec

from agent.drivers.base import Lane
from agent.drivers.tables import ds1
from agent.drivers.tables import interfaces as ifs
from agent.drivers.tables.base import Figures, Options, Steady, Walker
from agent.drivers.tables.columns import Numbers, listed, natural, number, text, whole
from agent.drivers.tables.interfaces import Port, fits
from agent.links.snmp import Raw
from contract.reading import Reading, judged

BEARER: Final = "1.3.6.1.2.1.10.20.1.2.1.1.2"
"""isdnBearerOperStatus (RFC 2127), by ifIndex: 1 idle, 2 connecting, 3 connected, 4 active."""
_IDLE: Final = 1
HEALTHY: Final = "ok"


class Trunk(msgspec.Struct, frozen=True, kw_only=True):
    """One trunk that was seen."""

    key: str
    name: str
    line: str = ""
    """Its dsx1LineIndex; empty where the device has no DS1-MIB."""
    port: Port | None = None
    """Its interface, where that is known."""
    circuit: str = ""

    def named(self, pattern: str) -> bool:
        """Say whether a pattern of the settings means it."""
        said = (self.name, self.circuit, self.line)
        return any(fits(pattern, word) for word in said if word) or (self.port is not None and self.port.named(pattern))

    @property
    def title(self) -> str:
        """What people call it."""
        return f"{self.name} ({self.circuit})" if self.circuit and self.circuit != self.name else self.name


class Trunks:
    """One part of a driver: see ``base.Part``."""

    def __init__(self, options: Options) -> None:
        """Take which trunks are in service."""
        self.found = False
        self.stale = False
        self.trunks: dict[str, Trunk] = {}
        self._options = options
        self._looked = False
        """Whether its tables could be read: a gateway with analog lines only has no trunk that could be dead."""
        self._steady = Steady()
        self._numbers = Numbers()
        self._gone: dict[str, Trunk] = {}
        self._missing: list[str] = []
        self._lines: dict[str, Port] = {}
        """Analog lines: FXS, FXO, E&M."""
        self._channels: dict[str, Port] = {}
        self._signalling: dict[str, Port] = {}
        self._bearers: tuple[str, ...] = ()

    async def look(self, walker: Walker) -> None:
        """See ``base.Part.look``."""
        self.stale = False
        naming = (ds1.STATUS, ds1.INTERFACE, ds1.CIRCUIT, *ifs.NAMING)
        if await self._steady.lost(walker, naming, known=self._looked):
            return
        self._looked = True
        status = await walker.column(ds1.STATUS) or {}
        columns = await walker.columns(ifs.LOOKED_AT)
        interfaces = ifs.ports(columns)
        lines = await walker.columns((ds1.INTERFACE, ds1.CIRCUIT))
        trunks = list(_trunks(status, lines, interfaces))
        found = {trunk.key: trunk for trunk in sorted(trunks, key=lambda trunk: natural(trunk.name))}
        before = self._gone | {key: trunk for key, trunk in self.trunks.items() if self._serves(trunk)}
        self._gone = {key: trunk for key, trunk in before.items() if key not in found}
        self.trunks = found
        of_type = {
            name: {key: port for key, port in interfaces.items() if port.type in types and port.oper is not None}
            for name, types in (("line", ifs.ANALOG), ("channel", {ifs.CHANNEL}), ("signal", ifs.SIGNALLING))
        }
        self._lines, self._channels, self._signalling = of_type["line"], of_type["channel"], of_type["signal"]
        self._bearers = tuple(await walker.column(BEARER) or ())
        known: list[Trunk | Port] = [*found.values(), *self._gone.values(), *self._lines.values()]
        self._missing = [name for name in self._options.ports if not any(one.named(name) for one in known)]
        self._numbers.give(found)
        self.found = bool(found or self._lines or self._channels)

    def asks(self, lane: Lane) -> Sequence[str]:
        """See ``base.Part.asks``."""
        asked: list[str] = []
        for trunk in self.trunks.values():
            if trunk.line:
                asked.append(f"{ds1.STATUS}.{trunk.line}")
            if trunk.port is not None:
                asked += [f"{ifs.OPER}.{trunk.port.index}", f"{ifs.ADMIN}.{trunk.port.index}"]
            if trunk.line and lane is Lane.ALL:
                asked += [f"{column}.{trunk.line}" for column in ds1.COUNTERS.values()]
        for port in self._signalling.values():
            asked += [f"{ifs.OPER}.{port.index}", f"{ifs.ADMIN}.{port.index}"]
        if lane is Lane.ALL:
            for port in (*self._lines.values(), *self._channels.values()):
                asked += [f"{ifs.OPER}.{port.index}", f"{ifs.ADMIN}.{port.index}"]
            asked += [f"{BEARER}.{row}" for row in self._bearers]
        return asked

    def restarted(self) -> None:
        """See ``base.Part.restarted``."""

    def kept(self) -> Figures:
        """See ``base.Part.kept``."""
        return {"x.trunk": self._numbers.known}

    def restore(self, kept: Figures) -> None:
        """See ``base.Part.restore``."""
        self._numbers.restore(kept.get("x.trunk", {}))

    def readings(self, values: Mapping[str, Raw], lane: Lane, now: float) -> list[Reading]:  # noqa: ARG002 - see Part
        """See ``base.Part.readings``."""
        found: list[Reading] = []
        all_flags: set[str] = set()
        remarks: list[str] = []
        dead = spare = serving = 0
        for key, trunk in self.trunks.items():
            flags = self._flags(trunk, values)
            if not self._serves(trunk, values):
                spare += flags is not None and not flags & ds1.BROKEN
            else:
                serving += 1
                dead += bool(flags and flags & ds1.DEAD)
                if flags is None:
                    all_flags.add("UNKNOWN")
                    remarks.append(f"{trunk.title} says no state")
                elif flags:
                    all_flags |= flags
                    remarks.append(f"{trunk.title} {' '.join(sorted(flags))}")
            found += self._of_trunk(key, trunk, flags, values, lane)
        self.stale = self.stale or bool(self._gone)  # it may be back
        for name in (*(trunk.title for trunk in self._gone.values()), *self._missing):
            all_flags.add("MISSING")
            remarks.append(f"{name} is not there")
        silent = [port for port in self._signalling.values() if _state(port, values) not in ("up", "disabled", None)]
        if len(silent) > dead:  # that of a dead trunk is down because the trunk is
            all_flags.add("SIGNALLING")
            remarks += [f"{port.title} down" for port in silent]
        if self._looked:
            found += [
                judged("x.trunk.status", tuple(all_flags)),
                judged("x.trunk.alarm", listed(remarks)),
                judged("x.trunk.watched", float(serving + len(self._gone) + len(self._missing))),
                judged("x.trunk.down", float(dead + len(self._gone))),
            ]
        if lane is Lane.ALL:
            found += self._totals(found, values, spare, dead)
        return found

    def _serves(self, trunk: Trunk, values: Mapping[str, Raw] | None = None) -> bool:
        """Say whether a trunk is in service."""
        if self._options.ports:
            return any(trunk.named(pattern) for pattern in self._options.ports)
        if trunk.port is None:
            return True
        admin = whole((values or {}).get(f"{ifs.ADMIN}.{trunk.port.index}"))
        return (trunk.port.admin if admin is None else admin) != ifs.ADMIN_DOWN

    def _flags(self, trunk: Trunk, values: Mapping[str, Raw]) -> frozenset[str] | None:
        """Return what is wrong with a trunk; None where the device does not say how it is."""
        flags: frozenset[str] | None = None
        if trunk.line:
            raw = values.get(f"{ds1.STATUS}.{trunk.line}")
            flags = ds1.flags(whole(raw))
            self.stale = self.stale or raw is None
        if trunk.port is not None:
            state = _state(trunk.port, values)
            if state not in ("up", None) and (flags is None or self._serves(trunk, values)):
                return (flags or frozenset()) | {"DOWN"}
            if flags is None and not trunk.line and state == "up":
                return frozenset()
        return flags

    def _of_trunk(
        self, key: str, trunk: Trunk, flags: frozenset[str] | None, values: Mapping[str, Raw], lane: Lane
    ) -> Iterator[Reading]:
        prefix = f"x.trunk.{self._numbers[key]}"
        yield judged(f"{prefix}.status", None if flags is None else " ".join(sorted(flags)) or HEALTHY)
        yield judged(f"{prefix}.up", None if flags is None else float(not flags & ds1.DEAD))
        if lane is Lane.FAST:
            return
        yield judged(f"{prefix}.name", trunk.name)
        if trunk.circuit:
            yield judged(f"{prefix}.circuit", trunk.circuit)
        if trunk.line:
            for name, column in ds1.COUNTERS.items():
                yield judged(f"{prefix}.{name}", number(values.get(f"{column}.{trunk.line}")))

    def _totals(self, found: Sequence[Reading], values: Mapping[str, Raw], spare: int, dead: int) -> Iterator[Reading]:
        errored = [
            reading.value
            for reading in found
            if reading.quantity.endswith(".errored.severely") and reading.good and isinstance(reading.value, float)
        ]
        if errored:
            yield judged("x.trunk.errored.maximum", max(errored))
        spare += sum(self._stands_by(port, values) for port in self._lines.values())
        if self.trunks or self._lines:
            yield judged("x.port.spare", float(spare))
            if self._options.reserve:
                yield judged("x.port.spare.missing", float(max(0, self._options.reserve - spare)))
        yield from self._traffic(values, dead)

    def _stands_by(self, line: Port, values: Mapping[str, Raw]) -> bool:
        """Say whether an analog line is spare, and could be used."""
        oper = whole(values.get(f"{ifs.OPER}.{line.index}"))
        if oper in (None, ifs.NOT_PRESENT):
            return False
        if self._options.ports:
            return not any(line.named(pattern) for pattern in self._options.ports)
        return whole(values.get(f"{ifs.ADMIN}.{line.index}")) == ifs.ADMIN_DOWN

    def _traffic(self, values: Mapping[str, Raw], dead: int) -> Iterator[Reading]:
        """Count the voice channels: those of trunks, and analog lines."""
        channels = {**self._channels, **self._lines}
        rows = {str(port.index) for port in channels.values()}
        states = [_state(port, values) for port in channels.values()]
        bearers = [whole(values.get(f"{BEARER}.{row}")) for row in self._bearers]
        count = sum(state != "disabled" for state in states) + sum(row not in rows for row in self._bearers)
        if not count:
            return
        down = sum(state not in ("up", "dormant", "disabled") for state in states)
        yield judged("x.channel.count", float(count))
        yield judged("x.channel.down", float(down))
        explained = dead * math.ceil(len(self._channels) / max(1, len(self.trunks)))
        yield judged("x.channel.faulty", float(max(0, down - explained)))
        if bearers and None not in bearers:
            busy = sum(state != _IDLE for state in bearers)
            yield judged("x.channel.busy", float(busy))
            yield judged("x.channel.free", float(max(0, count - down - busy)))


def _state(port: Port, values: Mapping[str, Raw]) -> str | None:
    oper, admin = (whole(values.get(f"{column}.{port.index}")) for column in (ifs.OPER, ifs.ADMIN))
    return ifs.status(oper, admin)


def _trunks(
    status: Mapping[str, Raw], lines: Mapping[str, Mapping[str, Raw]], interfaces: Mapping[str, Port]
) -> Iterator[Trunk]:
    by_index = {port.index: port for port in interfaces.values()}
    taken = set()
    for line in status:
        index = whole(lines[ds1.INTERFACE].get(line))
        port = by_index.get(index or 0) or by_index.get(int(line) if line.isdigit() else 0)
        circuit = text(lines[ds1.CIRCUIT].get(line))
        name = port.name if port is not None else circuit or f"line {line}"
        if port is not None:
            taken.add(port.index)
        yield Trunk(key=name if port is not None else f"line {line}", name=name, line=line, port=port, circuit=circuit)
    for key, port in interfaces.items():
        if port.type in ifs.DS1 and port.index not in taken and port.oper is not None:
            yield Trunk(key=key, name=port.name, port=port)
