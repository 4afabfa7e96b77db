"""A profile: one table of a device family, and what it makes of the answers. Pure."""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Final

import msgspec

from agent.drivers.base import Identity, Lane
from agent.links.snmp import Raw
from agent.profiles import evaluation
from agent.profiles.entries import Bits, Identifying, Point, Status, Table
from agent.profiles.raw import meets, text
from agent.profiles.rows import Rows, counting, place, spelled
from contract.quantities import find
from contract.reading import Reading, judged, unavailable

UPS_STATUS: Final = "ups.status"
NO_ALARM: Final = "none"
"""What an alarm text says of a device that can name its alarms, and names none."""
_NOTHING: Final[Mapping[str, Raw]] = {}


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """One device family."""

    name: str
    title: str
    source: str
    kind: str = "ups"
    """What its devices are: of ``agent/kinds``."""
    into: str = UPS_STATUS
    """The flags that its states go into. What they are called goes into the text beside: ``ups.alarm``."""
    match: tuple[str, ...] = ()
    confirm: tuple[str, ...] = ()
    manufacturer: str = ""
    """Said for devices that do not say it themselves."""
    identity: Identifying = Identifying()
    point: tuple[Point, ...] = ()
    status: tuple[Status, ...] = ()
    bits: tuple[Bits, ...] = ()
    table: tuple[Table, ...] = ()

    def oids(self, lane: Lane) -> tuple[str, ...]:
        """Return what to ask, each OID once; columns with every row that may be there."""
        found: dict[str, None] = {}
        for status in self.status:
            if status.fast or lane is Lane.ALL:
                found.update(dict.fromkeys((*status.asks(), *status.beside())))
        found.update(dict.fromkeys(entry.oid for entry in self.bits if entry.fast or lane is Lane.ALL))
        for point in self.point:
            if point.fast or lane is Lane.ALL:
                found.update(dict.fromkeys(point.asks()))
        if lane is Lane.ALL:
            found.update(dict.fromkeys(self.confirm))
            found.update(dict.fromkeys(status.name for status in self.status if status.name))
            for oids in msgspec.structs.astuple(self.identity):
                found.update(dict.fromkeys(oids))
        return tuple(found)

    def indexes(self) -> tuple[str, ...]:
        """Return the columns to walk, to find the rows of its tables."""
        return tuple(dict.fromkeys(table.index for table in self.table))

    def with_rows(self, rows: Rows, values: Mapping[str, Raw], before: Rows) -> tuple["Profile", Rows]:
        """Return the profile with the rows of its tables spelled out, and which these are.

        Args:
            rows: that a walk found, by index column.
            values: of what says which rows count (``agent.profiles.rows.wheres``).
            before: what this returned when the same device was looked at last.
        """
        counts = counting(self.table, rows, values, before)
        points, states = list(self.point), list(self.status)
        taken = {point.quantity for point in points}
        for at, table in enumerate(self.table):
            more, flags = spelled(table, counts[place(table, at)], values)
            states += flags
            for point in more:  # what a row or a table before has said, is said; and a fourth phase is none
                if point.quantity not in taken and find(point.quantity) is not None:
                    taken.add(point.quantity)
                    points.append(point)
        return msgspec.structs.replace(self, point=tuple(points), status=tuple(states), table=()), counts

    def settled(self, seen: AbstractSet[str]) -> "Profile":
        """Return the profile as it fits a device that had values for these OIDs: they are missed later, others are not."""
        return msgspec.structs.replace(
            self,
            point=tuple(_unit(point, seen) for point in self.point),
            status=tuple(
                msgspec.structs.replace(status, there=True) if status.unknown and status.oid in seen else status
                for status in self.status
            ),
        )

    @property
    def alarm(self) -> str:
        """The text beside the flags."""
        return self.into.removesuffix("status") + "alarm"

    @property
    def remembers(self) -> bool:
        """Whether what it said last matters: where a state is missed, its flags stay."""
        return any(status.unknown for status in self.status)

    def answers(self, values: Mapping[str, Raw]) -> bool:
        """Say whether the device is one of this family: something of ``confirm`` has a value."""
        return any(values.get(oid) is not None for oid in self.confirm)

    def who(self, values: Mapping[str, Raw]) -> Identity:
        """Return what the device says of itself."""
        texts = {
            field: next((said for oid in oids if (said := text(values.get(oid)))), "")
            for field, oids in msgspec.structs.asdict(self.identity).items()
        }
        return Identity(self.name, **(texts | {"manufacturer": texts["manufacturer"] or self.manufacturer}))

    def readings(
        self, values: Mapping[str, Raw], lane: Lane = Lane.ALL, before: Mapping[str, Raw] = _NOTHING
    ) -> list[Reading]:
        """Return the readings of one poll.

        Args:
            values: what the device answered, by OID.
            lane: which quantities were asked for.
            before: the last known values of its states: a state that is missed keeps its flags.
        """
        found = self._summary(values, lane, before)
        found += (reading for reading, _ in self._points(values, lane))
        return found

    def trace(self, values: Mapping[str, Raw], lane: Lane = Lane.ALL) -> list[tuple[Reading, str]]:
        """Return what each object contributes, with its OID; of its states, the flags that each raises."""
        found = self._points(values, lane)
        for status, oid, raw in self.known(values):
            flags, alarm = status.says(raw, values)
            found.append((judged(self.into, tuple(flags)), oid))
            if status.alarms:
                found.append((judged(self.alarm, alarm or NO_ALARM), oid))
        return found

    def known(self, values: Mapping[str, Raw]) -> Iterator[tuple[Status, str, Raw]]:
        """Yield the states that have a value which they may have, with their OIDs."""
        for status in self.status:
            if status.where and not meets(values, status.where):
                continue
            for oid in status.asks():
                raw = values.get(oid)
                if raw is not None and status.knows(raw):
                    yield status, oid, raw

    def _missed(self, values: Mapping[str, Raw], before: Mapping[str, Raw]) -> Iterator[Status]:
        """Yield the states that are not known: no value where there was one, or one that the table does not know."""
        for status in self.status:
            if status.numbers and status.oid not in before:
                continue  # a place for a probe, and never one in it
            if status.unknown and (not status.where or meets(values, status.where)):
                raw = values.get(status.oid)
                if status.there if raw is None else not status.knows(raw):
                    yield status

    def _points(self, values: Mapping[str, Raw], lane: Lane) -> list[tuple[Reading, str]]:
        found: list[tuple[Reading, str]] = []
        for point in self.point:
            if point.fast or lane is Lane.ALL:
                found += evaluation.readings(point, values)
        return found

    def _summary(self, values: Mapping[str, Raw], lane: Lane, before: Mapping[str, Raw]) -> list[Reading]:
        """Return the flags and, where the device names alarms, their text."""
        flags: set[str] = set()
        alarms: dict[str, None] = {}
        known = heard = False
        for status, _, raw in self.known(values):
            said, alarm = status.says(raw, values)
            flags |= said
            known = known or status.main or self.into != UPS_STATUS
            heard = heard or bool(status.alarms or status.name or status.label)
            if alarm:
                alarms[alarm] = None
        for status in self._missed(values, before) if self.remembers else ():
            said, _ = status.says(before.get(status.oid), values)
            flags |= said | set(status.unknown)
            known = heard = True
            alarms[status.called(values, "no state")] = None
        for bits in self.bits:
            word = text(values.get(bits.oid))
            for at, more in bits.flags.items():
                if word[int(at) - 1 : int(at)] == "1":
                    flags.update(more)
        found: list[Reading] = []
        if known:
            if "OB" in flags:  # a transfer seen by one object before another: the worse one counts
                flags.discard("OL")
            found.append(judged(self.into, tuple(flags)))
        elif any(status.main for status in self.status):
            found.append(unavailable(self.into))
        if heard and lane is Lane.ALL:
            found.append(judged(self.alarm, "; ".join(alarms)[:256] or NO_ALARM))
        return found


def _unit(point: Point, seen: AbstractSet[str]) -> Point:
    """Return a point without its unit where the device has no object for it: it is Celsius then."""
    if point.fahrenheit and not any(oid in seen for oid in point.fahrenheit):
        return msgspec.structs.replace(point, fahrenheit={})
    return point
