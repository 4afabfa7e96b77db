"""The parts of a device: fans, supplies, boards, sensors, by the tables of ``agent.profiles_network``."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec

from agent.drivers.base import Identity, Lane
from agent.drivers.tables import sensors
from agent.drivers.tables.base import Figures, Walker
from agent.drivers.tables.columns import Numbers, listed, natural, number, text, whole
from agent.links.snmp import Raw
from agent.profiles_network import FLAGS, PARTS, PREFIXES, SENTINELS, Profile, Sensors, Table, Value
from contract.reading import Reading, judged, unavailable

CLASS, DESCR, NAME = (f"1.3.6.1.2.1.47.1.1.1.1.{number}" for number in (5, 2, 7))
FIRMWARE, SERIAL, MODEL = (f"1.3.6.1.2.1.47.1.1.1.1.{number}" for number in (10, 11, 13))
CHASSIS: Final = 3
"""entPhysicalClass."""
_FREE: Final = ("cpu", "memory", "optics", *PREFIXES)
"""Parts that may go without an alarm: transceivers are pulled by people."""
MOST: Final = 300
"""Parts of which each says its own figures; the others count in what is said of all. A message has an end."""
SILENT: Final = "tells nothing of its parts"
_LIMITED: Final = ("temperature", "voltage", "current", "speed")
"""What a sensor may measure for its device's limits to count: light is out of limits wherever nothing is plugged in."""


class Component(msgspec.Struct, frozen=True):
    """One part that was seen."""

    name: str
    row: str
    """Its column and index."""
    table: Table
    state: str = ""
    """OID of its state."""
    values: tuple[tuple[Value, str], ...] = ()
    """What it measures, and the OID."""
    limits: Mapping[str, float] = {}
    """Limits by OID of the value."""
    sensor: tuple[str, ...] = ()
    """Of a sensor in the layout of RFC 3433: OIDs of value, status."""
    scaled: tuple[Raw, Raw] = (None, None)
    """Its scale and precision."""
    measures: str = ""
    alarms: tuple[str, ...] = ()
    """Of such a sensor: OIDs that say whether a grave limit is passed."""
    key: str = ""
    """What it is called for good."""

    @property
    def prefix(self) -> str:
        """What the names of its quantities begin with, but for the number."""
        return self.table.prefix


class Parts:
    """One part of a driver: see ``base.Part``."""

    def __init__(self, profiles: Sequence[Profile]) -> None:
        """Take the families to choose from."""
        self.found = False
        self.stale = False
        self.profiles: Sequence[Profile] = profiles
        """Of the device; set before each look by who knows what the device is."""
        self.components: dict[str, Component] = {}
        self.identity = Identity()
        self._numbers: dict[str, Numbers] = {}
        self._gone: dict[str, Component] = {}
        self._unread: set[str] = set()
        """Columns that the device does not let us read."""
        self._told = False
        """Whether the device ever told of its parts."""

    async def look(self, walker: Walker) -> None:
        """See ``base.Part.look``."""
        self.stale = False
        before_unread, self._unread = self._unread, set()
        found = dict(sorted(_keyed(await self._seen(walker)).items(), key=lambda item: natural(item[0])))
        if self.components and not self._unread <= before_unread:
            self._unread = before_unread
            return  # unreadable for once: parts would be missed, or have other names
        if found:
            before = self._gone | self.components
            self._gone = {key: part for key, part in before.items() if key not in found and _missed(part)}
        self.components = found
        self.found = bool(found)
        self.identity = await self._who(walker)
        for component in found.values():
            self._numbers.setdefault(component.prefix, Numbers()).give((component.key,))

    def asks(self, lane: Lane) -> Sequence[str]:
        """See ``base.Part.asks``."""
        if lane is Lane.FAST:
            return ()
        asked: dict[str, None] = {}
        for part in self.components.values():
            asked.update(dict.fromkeys((*((part.state,) if part.state else ()), *part.sensor, *part.alarms)))
            for value, oid in part.values:
                asked[oid] = None
                if value.rest:
                    asked[_beside(value, oid)] = None
        return tuple(asked)

    def restarted(self) -> None:
        """See ``base.Part.restarted``."""

    def kept(self) -> Figures:
        """See ``base.Part.kept``."""
        return {prefix: numbers.known for prefix, numbers in self._numbers.items()}

    def restore(self, kept: Figures) -> None:
        """See ``base.Part.restore``."""
        for prefix in (*(f"x.network.{part}" for part in PARTS), *PREFIXES.values()):
            if prefix in kept:
                self._numbers.setdefault(prefix, Numbers()).restore(kept[prefix])

    def sources(self) -> dict[str, str]:
        """Return which quantity each OID leads to, for those who check."""
        found: dict[str, str] = {}
        for part in self.components.values():
            prefix = f"{part.prefix}.{self._numbers[part.prefix][part.key]}"
            found |= {oid: f"{prefix}.{value.quantity}" for value, oid in part.values}
            if part.state:
                found[part.state] = f"{prefix}.status"
            if part.sensor:
                found[part.sensor[0]] = f"{prefix}.{part.measures}"
        return found

    def readings(self, values: Mapping[str, Raw], lane: Lane, now: float) -> list[Reading]:  # noqa: ARG002 - see Part
        """See ``base.Part.readings``."""
        if lane is Lane.FAST:
            return []
        found: list[Reading] = []
        measured: list[Reading] = []
        flags: set[str] = set()
        remarks: list[str] = []
        for place, part in enumerate(self.components.values()):
            said = list(self._of_part(part, values, flags, remarks))
            measured += said
            found += said if place < MOST else ()
        self.stale = self.stale or bool(self._gone)  # it may be back
        for part in self._gone.values():
            flags.update(("MISSING", _flag(part.table)))
            remarks.append(f"{part.name} is gone")
        found += _aggregates(measured)
        if self._tells():
            self._told = True
            found += [judged("x.network.status", tuple(flags)), judged("x.network.alarm", listed(remarks))]
        elif self._unread or self._told:
            found.append(unavailable("x.network.status"))
        else:  # many a small switch: no alarm can come of it, and that is said wherever the device is shown
            found += [judged("x.network.status", tuple(flags)), judged("x.network.alarm", listed(remarks, SILENT))]
        return found

    async def _seen(self, walker: Walker) -> list[Component]:
        """Return what is there: the family's own tables first, and what only stands in for them where they have nothing."""
        seen: list[Component] = []
        for profile in self.profiles:
            for table in profile.table:
                if not table.spare:
                    seen += await self._table(table, walker)
        for profile in self.profiles:
            for base in profile.sensors:
                if profile.match or not any(part.table.part == "sensor" for part in seen):
                    seen += await self._sensors(base, walker)
        better = {part.table.part for part in seen}
        for profile in self.profiles:
            for table in profile.table:
                if table.spare and table.part not in better:
                    seen += await self._table(table, walker)
        return seen

    def _tells(self) -> bool:
        """Say whether any part has a state of its own."""
        return any((part.state or part.sensor) and part.table.part in FLAGS for part in self.components.values())

    async def _column(self, walker: Walker, oid: str) -> Mapping[str, Raw]:
        column = await walker.column(oid)
        if column is None:
            self._unread.add(oid)
        return column or {}

    async def _table(self, table: Table, walker: Walker) -> list[Component]:
        lead = (table.state,) if table.state else tuple(value.column for value in table.value)
        rows: dict[str, None] = {}
        for oid in lead:
            rows.update(dict.fromkeys(await self._column(walker, oid)))
        if not rows:
            return []
        columns = {oid: await self._column(walker, oid) for oid in table.columns()}
        return [part for row in rows if (part := _component(table, row, columns)) is not None]

    async def _sensors(self, base: Sensors, walker: Walker) -> list[Component]:
        kind = f"{base.base}.{sensors.TYPE}"
        column = await self._column(walker, kind)
        if not column:
            return []
        scale, precision = (f"{base.base}.{number}" for number in (sensors.SCALE, sensors.PRECISION))
        names = {oid: await self._column(walker, oid) for oid in (NAME, DESCR, scale, precision)}
        grave: dict[str, list[str]] = {}
        if base.limits:
            severities = await walker.column(f"{base.limits}.{sensors.LIMIT_SEVERITY}")
            for row, severity in (severities or {}).items():
                if (whole(severity) or 0) >= sensors.MAJOR:
                    oid = f"{base.limits}.{sensors.LIMIT_EVALUATION}.{row}"
                    grave.setdefault(row.rpartition(".")[0], []).append(oid)
        found = []
        for row, raw in column.items():
            measures = sensors.quantity(raw, base.kinds)
            if measures is None:
                continue
            name = next((said for oid in (NAME, DESCR) if (said := text(names[oid].get(row)))), f"sensor {row}")
            which = (sensors.VALUE, sensors.STATUS)
            found.append(
                Component(
                    name=name,
                    row=f"{kind}.{row}",
                    table=Table(part="sensor"),
                    sensor=tuple(f"{base.base}.{column}.{row}" for column in which),
                    scaled=(names[scale].get(row), names[precision].get(row)),
                    measures=measures,
                    alarms=tuple(grave.get(row, ())) if measures in _LIMITED else (),
                )
            )
        return found

    def _of_part(
        self, part: Component, values: Mapping[str, Raw], flags: set[str], remarks: list[str]
    ) -> Iterator[Reading]:
        prefix = f"{part.prefix}.{self._numbers[part.prefix][part.key]}"
        yield judged(f"{prefix}.name", part.name)
        if part.sensor:
            yield from _sensor(part, prefix, values, flags, remarks)
            return
        if part.state:
            state = whole(values.get(part.state))
            word = None if state is None else part.table.word(state)
            if state in part.table.bad:
                flags.add(_flag(part.table))
                remarks.append(f"{part.name} {word}")
            elif state is None or state in part.table.absent:
                self.stale = True  # it was there at the last look
            elif word is None and part.table.part in FLAGS:
                flags.add("UNKNOWN")
                remarks.append(f"{part.name} in unknown state {state}")
            yield judged(f"{prefix}.status", word)
        for value, oid in part.values:
            measured = _measured(value, oid, values)
            yield judged(f"{prefix}.{value.quantity}", measured)
            limit = part.limits.get(oid)
            if measured is not None and limit is not None and measured >= limit:
                flags.add(value.flag or _flag(part.table))
                remarks.append(f"{part.name} {measured:g}, limit {limit:g}")

    async def _who(self, walker: Walker) -> Identity:
        """Return what the chassis says of itself."""
        classes = await walker.column(CLASS) or {}
        chassis = next((row for row, raw in classes.items() if raw == CHASSIS), None)
        families = [profile for profile in self.profiles if profile.match]
        known = len(families) == 1  # all are asked where the device does not say what it is
        maker, family = (families[0].manufacturer, families[0].name) if known else ("", "")
        if chassis is None:
            return Identity(profile=family, manufacturer=maker)
        columns = await walker.columns((MODEL, SERIAL, FIRMWARE, DESCR))
        model, serial, firmware, descr = (text(column.get(chassis)) for column in columns.values())
        return Identity(family, maker, model or descr, serial, firmware, "")


def _component(table: Table, row: str, columns: Mapping[str, Mapping[str, Raw]]) -> Component | None:
    """Return the part of a row; None where there is none: an empty slot, or a row of another kind of part."""
    for oid, wanted in table.where.items():
        if whole(columns[oid].get(row)) not in wanted:
            return None
    if any(whole(columns[oid].get(row)) in unwanted for oid, unwanted in table.unless.items()):
        return None
    state = whole(columns[table.state].get(row)) if table.state else None
    if table.state and (state is None or state in table.absent):
        return None
    measured = tuple(
        (value, f"{value.column}.{row}")
        for value in table.value
        if _sound(value, number(columns[value.column].get(row))) is not None
    )
    if not measured and not table.state:
        return None
    limits = {
        oid: limit * value.scale
        for value, oid in measured
        if value.limit and (limit := _sound(value, number(columns[value.limit].get(row)))) is not None
    }
    name = next((said for oid in table.name if (said := text(columns[oid].get(row)))), f"{table.label} {row}".strip())
    state_oid = f"{table.state}.{row}" if table.state else ""
    return Component(name, state_oid or measured[0][1], table, state_oid, measured, limits)


def _keyed(seen: Sequence[Component]) -> dict[str, Component]:
    """Return parts by what they are called for good: by name, as indexes change with a restart; by both if they must."""
    names = Counter((part.prefix, part.name) for part in seen)
    found = {}
    for part in seen:
        key = f"{part.prefix} {part.name}"
        if names[part.prefix, part.name] > 1:
            key = f"{key} {part.row}"
        found[key] = msgspec.structs.replace(part, key=key)
    return found


def _missed(part: Component) -> bool:
    """Say whether it is missed when it is gone."""
    return bool(part.state) and part.table.part not in _FREE


def _sound(value: Value, said: float | None) -> float | None:
    return None if said is None or said in SENTINELS or said in value.none else said


def _beside(value: Value, oid: str) -> str:
    return value.rest + oid[len(value.column) :]


def _measured(value: Value, oid: str, values: Mapping[str, Raw]) -> float | None:
    said = _sound(value, number(values.get(oid)))
    if said is None:
        return None
    if value.rest:
        rest = _sound(value, number(values.get(_beside(value, oid))))
        whole_of_it = None if rest is None else said + rest
        return round(100.0 * said / whole_of_it, 2) if whole_of_it else None
    return round(said * value.scale, 9)


def _sensor(
    part: Component, prefix: str, values: Mapping[str, Raw], flags: set[str], remarks: list[str]
) -> Iterator[Reading]:
    value, state = (values.get(oid) for oid in part.sensor)
    status = whole(state)
    if status == sensors.BROKEN:
        flags.add("SENSOR")
        remarks.append(f"{part.name} has failed")
    elif any(values.get(oid) == sensors.TRUE for oid in part.alarms):
        flags.add("HEAT" if part.measures == "temperature" else "SENSOR")
        remarks.append(f"{part.name} beyond its limit")
    yield judged(f"{prefix}.status", sensors.WORDS.get(status or 0))
    measured = sensors.value(value, *part.scaled) if status in (sensors.OK, None) else None
    yield judged(f"{prefix}.{part.measures}", measured)


def _flag(table: Table) -> str:
    return table.flag or FLAGS.get(table.part, "SENSOR")


def _aggregates(found: Sequence[Reading]) -> list[Reading]:
    """Return the highest of what is measured several times."""
    result = []
    for start, end, name in (
        ("x.network.", ".temperature", "x.network.temperature.maximum"),
        ("x.network.cpu.", ".percent", "x.network.cpu.load"),
        ("x.network.memory.", ".percent", "x.network.memory.used"),
    ):
        alike = [reading for reading in found if reading.quantity.startswith(start) and reading.quantity.endswith(end)]
        good = [reading.value for reading in alike if reading.good and isinstance(reading.value, float)]
        if alike:
            result.append(judged(name, max(good)) if good else unavailable(name))
    return result
