"""The ports of a device: which are watched, how they are, what they carry. IF-MIB (RFC 2863).

Watched are those that the settings name, down or not; where they name none, every port with a socket that was up since
it is watched and has not been switched off on purpose. The number of a port in ``x.port.#`` is its place among all, by
name: it stays when a restart deals out new ifIndexes.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec

from agent.drivers.base import Lane
from agent.drivers.tables import interfaces as ifs
from agent.drivers.tables.base import Figures, Options, Steady, Walker
from agent.drivers.tables.columns import Numbers, listed, whole
from agent.drivers.tables.interfaces import Port
from agent.drivers.tables.rates import History, rate
from agent.links.snmp import Raw
from contract.reading import Reading, judged, unavailable

ERRORS: Final = 1.0
"""Errors a second that are never too much for an alarm, whatever is usual."""
ERRORS_YOUNG: Final = 10.0
"""Errors a second that are too much while nothing is known to be usual."""
SURGE: Final = 0.1
"""Of the rated speed: traffic that is never a surge."""
SURGE_LEAST: Final = 1e6
"""Bits a second that are never one, where the speed is not known."""
MOST: Final = 200
"""Ports of which each says its own figures: a message holds some 300. The others count in what is said of all."""
_UP: Final = "x.port.up"
FIGURES: Final = ("in.rate", "out.rate", "in.errors", "out.errors", "in.discards", "out.discards")
_COUNTERS: Final = {
    "in.rate": (ifs.HC_IN_OCTETS, ifs.IN_OCTETS),
    "out.rate": (ifs.HC_OUT_OCTETS, ifs.OUT_OCTETS),
    "in.errors": (ifs.IN_ERRORS, ifs.IN_ERRORS),
    "out.errors": (ifs.OUT_ERRORS, ifs.OUT_ERRORS),
    "in.discards": (ifs.IN_DISCARDS, ifs.IN_DISCARDS),
    "out.discards": (ifs.OUT_DISCARDS, ifs.OUT_DISCARDS),
}


class Sample(msgspec.Struct, frozen=True):
    """The counters of one port at one time."""

    at: float
    discontinuity: int | None
    counts: dict[str, int | None]


class Seen(msgspec.Struct):
    """What is remembered of one port."""

    state: str | None = None
    """Its last state in a word; None: unknown."""
    was_up: bool = False
    sample: Sample | None = None
    errors: History = msgspec.field(default_factory=History)
    traffic: dict[str, History] = msgspec.field(default_factory=lambda: {"in.rate": History(), "out.rate": History()})
    errors_now: float | None = None
    """Errors a second, in and out."""
    erring: bool = False
    """Whether they are far above the usual."""
    surging: float | None = None
    """Bits a second, while they are far above the usual."""


class Ports:
    """One part of a driver: see ``base.Part``."""

    def __init__(self, options: Options) -> None:
        """Take which ports are watched."""
        self.found = False
        self.stale = False
        self.ports: dict[str, Port] = {}
        """Every interface by what it is called for good."""
        self._options = options
        self._numbers = Numbers()
        self._seen: dict[str, Seen] = {}
        self._missing: list[str] = []
        """Patterns of the settings that mean no port there ever was."""
        self._gone: dict[str, Port] = {}
        """What was watched, and has no row any more: its board was pulled, or is dead."""
        self._steady = Steady()
        self._change: Raw = None

    @property
    def watched(self) -> dict[str, Port]:
        """What is watched now."""
        named = self._options.ports
        return {
            key: port
            for key, port in self.ports.items()
            if (any(port.named(pattern) for pattern in named) if named else port.physical and self._of(key).was_up)
        }

    async def look(self, walker: Walker) -> None:
        """See ``base.Part.look``."""
        columns = await walker.columns(ifs.LOOKED_AT)
        if not columns[ifs.HC_IN_OCTETS]:
            columns |= await walker.columns((ifs.HC_OUT_OCTETS,))
        found = ifs.ports(columns)
        self.stale = False
        if await self._steady.lost(walker, ifs.NAMING, known=bool(self.ports)):
            return
        self._change = await walker.value(ifs.TABLE_CHANGE)
        before = self._gone | self.watched
        self.ports = found
        self.found = bool(found)
        self._numbers.give(found)
        self._gone = {key: port for key, port in before.items() if key not in found}
        self._missing = ifs.missing(self._options.ports, [*found.values(), *self._gone.values()])
        for key, port in found.items():
            self._note(key, port, port.oper, port.admin)

    def asks(self, lane: Lane) -> Sequence[str]:
        """See ``base.Part.asks``."""
        watched = self.watched
        if lane is Lane.FAST:
            asked = [f"{ifs.OPER}.{port.index}" for port in watched.values()]
            down = (port for key, port in watched.items() if self._of(key).state != "up")
            return [*asked, *(f"{ifs.ADMIN}.{port.index}" for port in down)]
        asked = [ifs.TABLE_CHANGE] if self._change is not None else []
        for key, port in self.ports.items():
            if key in watched:
                asked += [f"{column}.{port.index}" for column in _columns(port)]
            elif port.physical:
                asked += [f"{ifs.OPER}.{port.index}", f"{ifs.ADMIN}.{port.index}"]
        return asked

    def restarted(self) -> None:
        """See ``base.Part.restarted``."""
        for seen in self._seen.values():
            seen.sample = None

    def kept(self) -> Figures:
        """See ``base.Part.kept``. Also the ports that were up: one that is down at the next start is missed all the same."""
        return {"x.port": self._numbers.known, _UP: {key: 1 for key, seen in self._seen.items() if seen.was_up}}

    def restore(self, kept: Figures) -> None:
        """See ``base.Part.restore``."""
        self._numbers.restore(kept.get("x.port", {}))
        for key in kept.get(_UP, {}):
            self._of(key).was_up = True

    def readings(self, values: Mapping[str, Raw], lane: Lane, now: float) -> list[Reading]:
        """See ``base.Part.readings``."""
        self._notice(values, lane)
        watched = self.watched
        found: list[Reading] = []
        for place, (key, port) in enumerate(watched.items()):
            said = list(self._of_port(key, port, values, lane, now))
            found += said if place < MOST else ()
        found += self._summary(watched)
        if lane is Lane.ALL:
            known = [errors for key in watched if (errors := self._of(key).errors_now) is not None]
            found += [judged("x.port.errors.maximum", round(max(known), 3))] if known else []
            found += self._spare(watched)
        return found

    def _of(self, key: str) -> Seen:
        return self._seen.setdefault(key, Seen())

    def _note(self, key: str, port: Port, oper: int | None, admin: int | None) -> None:
        seen = self._of(key)
        seen.state = ifs.status(oper, admin)
        if seen.state == "up":
            seen.was_up = True
        elif seen.state == "disabled" and port.physical and not self._options.ports:
            seen.was_up = False  # somebody took it out of service

    def _notice(self, values: Mapping[str, Raw], lane: Lane) -> None:
        """Take the states; see whether the table is still the one that was looked at."""
        change = values.get(ifs.TABLE_CHANGE)
        if (change is not None and change != self._change) or (lane is Lane.ALL and self._gone):
            self.stale = True  # rows came or went, or one is waited for
        for key, port in self.ports.items():
            asked = f"{ifs.OPER}.{port.index}"
            if asked not in values:
                continue
            oper = whole(values[asked])
            admin = values.get(f"{ifs.ADMIN}.{port.index}")
            self._note(key, port, oper, port.admin if admin is None and lane is Lane.FAST else whole(admin))
            if oper is None and port.oper is not None:
                self.stale = True  # its row is gone: a board was pulled, or the indexes are new

    def _of_port(self, key: str, port: Port, values: Mapping[str, Raw], lane: Lane, now: float) -> Iterator[Reading]:
        prefix = f"x.port.{self._numbers[key]}"
        seen = self._of(key)
        up = None if seen.state is None else float(seen.state == "up")
        yield judged(f"{prefix}.up", up)
        if lane is Lane.FAST:
            return
        yield judged(f"{prefix}.name", port.name)
        if port.alias:
            yield judged(f"{prefix}.alias", port.alias)
        yield judged(f"{prefix}.status", seen.state)
        speed = ifs.speed(values.get(f"{ifs.HIGH_SPEED}.{port.index}"), values.get(f"{ifs.SPEED}.{port.index}"))
        if speed is not None:
            yield judged(f"{prefix}.speed", speed)
        rates = self._rates(seen, port, values, speed or 0.0, now)
        for figure in FIGURES:
            value = rates[figure]
            if value is not None or seen.state == "up":
                yield judged(f"{prefix}.{figure}", None if value is None else round(value, 3))
        self._judge(seen, rates, speed, now)

    def _rates(
        self, seen: Seen, port: Port, values: Mapping[str, Raw], speed: float, now: float
    ) -> dict[str, float | None]:
        counts = {figure: whole(values.get(f"{_column(figure, port)}.{port.index}")) for figure in FIGURES}
        before = seen.sample
        after = Sample(now, whole(values.get(f"{ifs.DISCONTINUITY}.{port.index}")), counts)
        seen.sample = after
        if before is None or before.discontinuity != after.discontinuity:
            return dict.fromkeys(FIGURES)
        result: dict[str, float | None] = {}
        for figure in FIGURES:
            octets = figure.endswith(".rate")
            bits = 64 if octets and _column(figure, port) == _COUNTERS[figure][0] else 32
            # what a tunnel or a VLAN calls its speed is a number for routing, not what it can carry
            most = speed / 8 if octets and (port.physical or bits == 32) else 0.0
            counted = rate(before.counts[figure], counts[figure], now - before.at, bits=bits, most=most)
            result[figure] = counted * 8 if octets and counted is not None else counted
        return result

    @staticmethod
    def _judge(seen: Seen, rates: Mapping[str, float | None], speed: float | None, now: float) -> None:
        """Hold errors and traffic against the port's own history; what is not known changes nothing."""
        known = [value for value in (rates["in.errors"], rates["out.errors"]) if value is not None]
        if known:
            seen.errors_now = sum(known)
            seen.erring = seen.errors.far_above(seen.errors_now, now, least=ERRORS, young=ERRORS_YOUNG)
        least = max(SURGE_LEAST, SURGE * speed) if speed else SURGE_LEAST
        above: list[float] = []
        unknown = True
        for figure, history in seen.traffic.items():
            value = rates[figure]
            if value is not None:
                unknown = False
                above += [value] if history.far_above(value, now, least=least) else []
        if not unknown:
            seen.surging = max(above, default=None)

    def _summary(self, watched: Mapping[str, Port]) -> list[Reading]:
        flags: set[str] = set()
        remarks: list[str] = []
        down = 0
        for name in self._missing:
            flags.add("UNKNOWN")
            remarks.append(f"{name} is not there")
        for port in self._gone.values():
            down += 1
            flags.add("DOWN")
            remarks.append(f"{port.title} is gone")
        for key, port in watched.items():
            seen = self._of(key)
            if seen.state is None:
                flags.add("UNKNOWN")
                remarks.append(f"{port.title} says no state")
            elif seen.state != "up":
                down += 1
                flags.add("DOWN")
                remarks.append(f"{port.title} {seen.state}")
            elif seen.erring:
                flags.add("ERRORS")
                remarks.append(f"{port.title} {seen.errors_now:.3g} errors/s")
            if seen.state == "up" and seen.surging is not None:
                flags.add("SURGE")
                remarks.append(f"{port.title} {seen.surging / 1e6:.3g} Mbit/s")
        if not self.ports:
            return [unavailable("x.port.status")]
        return [
            judged("x.port.status", tuple(flags)),
            judged("x.port.alarm", listed(remarks)),
            judged("x.port.watched", float(len(watched) + len(self._gone) + len(self._missing))),
            judged("x.port.down", float(down)),
        ]

    def _spare(self, watched: Mapping[str, Port]) -> Iterator[Reading]:
        """Count the ports with a socket that nothing has used since they are watched."""
        if not self.ports:
            return
        usable = [
            key
            for key, port in self.ports.items()
            if port.physical and key not in watched and not self._of(key).was_up and self._of(key).state is not None
        ]
        spare = sum(self._of(key).state != "not present" for key in usable)
        yield judged("x.port.spare", float(spare))
        if self._options.reserve:
            yield judged("x.port.spare.missing", float(max(0, self._options.reserve - spare)))


def _column(figure: str, port: Port) -> str:
    wide = port.wide_in if figure.startswith("in.") else port.wide_out
    return _COUNTERS[figure][0 if wide else 1]


def _columns(port: Port) -> list[str]:
    """Return what is asked of a watched port."""
    rated = ifs.HIGH_SPEED if port.fast else ifs.SPEED
    more = (
        (ifs.DISCONTINUITY,) if port.wide_in else ()
    )  # without ifXTable SNMP v1 would refuse the whole request for it
    return [ifs.OPER, ifs.ADMIN, rated, *more, *(_column(figure, port) for figure in FIGURES)]
