"""Devices over SNMP: one working method over a link and the profiles of its kind."""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet

import msgspec

from agent.contacts import aggregates
from agent.drivers.base import Identity, Lane
from agent.links.snmp import Raw, SnmpLink
from agent.profiles import FALLBACK, Profile, choose
from agent.profiles import rows as tables
from agent.profiles.profile import UPS_STATUS
from agent.profiles.rows import Rows
from contract.errors import DeviceError, DeviceGarbled, DeviceRefused
from contract.reading import Reading, judged

SYS_DESCR = "1.3.6.1.2.1.1.1.0"
SYS_OBJECT_ID = "1.3.6.1.2.1.1.2.0"
SYS_UPTIME = "1.3.6.1.2.1.1.3.0"
ROOMS = "environment"
"""The kind whose conditions ask for the extremes over all probes."""
UNKNOWN_MODEL_HINT = (
    "it speaks SNMP, but no profile of this kind fits it: check its kind, name a profile, or add a table for it"
)
AGAIN_AFTER = 20
"""Full polls between two looks at everything the profiles know: a card may learn new objects after its start."""


class Plan(msgspec.Struct, frozen=True):
    """What one lane asks, and who reads the answers."""

    profiles: tuple[Profile, ...] = ()
    oids: tuple[str, ...] = ()

    @property
    def remembers(self) -> bool:
        """Whether the same answers may mean something else, after others in between."""
        return any(profile.remembers for profile in self.profiles)


class Memory(msgspec.Struct):
    """What is known of a device for as long as it is the same one."""

    who: tuple[str, str] = ("", "")
    """Its sysObjectID and sysDescr."""
    rows: dict[str, Rows] = {}
    """Of its tables, by profile: a probe that was there once is missed when it is gone."""
    columns: dict[str, Raw] = {}
    """What said which rows count."""
    seen: set[str] = set()
    """OIDs that had a value."""
    known: dict[str, Raw] = {}
    """The last known values of its states."""


class SnmpDriver:
    """Reads one device. The first read, and every one after a loss, finds out what it is and what it answers."""

    def __init__(self, link: SnmpLink, profiles: Sequence[Profile], profile: str = "") -> None:
        """Take the link, the profiles of its kind to choose from, and the name of one that is meant whatever it says."""
        self._link = link
        self._profiles = profiles
        self._wanted = profile
        self._identity = Identity()
        self._plans: dict[Lane, Plan] = {}
        self._said: dict[Lane, tuple[dict[str, Raw], list[Reading]]] = {}
        """The last answers, and what they mean: most polls of a fast lane say the same again."""
        self._polls = 0
        self._stranger = False
        """It answers, and is nothing that the profiles know: looked at with the full polls only."""
        self._memory = Memory()

    @property
    def profiles(self) -> tuple[Profile, ...]:
        """The profiles that read it, as they fit it; none before the first successful read."""
        plan = self._plans.get(Lane.ALL)
        return plan.profiles if plan else ()

    @property
    def identity(self) -> Identity:
        """See ``Driver.identity``."""
        return self._identity

    async def close(self) -> None:
        """See ``Driver.close``."""
        self._plans = {}
        self._stranger = False
        self._memory = Memory()
        await self._link.close()

    async def read(self, lane: Lane = Lane.ALL) -> Sequence[Reading]:
        """See ``Driver.read``."""
        if lane is Lane.ALL:
            self._polls += 1
        if self._stranger and lane is Lane.FAST:
            raise self._nobody()
        if not self._plans or self._polls > AGAIN_AFTER:
            return await self._identify()
        plan = self._plans[lane]
        try:
            values = await self._link.get(plan.oids)
        except DeviceError:
            self._plans = {}  # what answers after a loss may be another device
            raise
        if all(value is None for value in values.values()):
            self._plans = {}
            raise DeviceGarbled(
                "it answers, and has no value for anything that it had before", hint="it is looked at anew"
            )
        said = self._said.get(lane)
        if said is None or said[0] != values or plan.remembers:
            said = self._said[lane] = values, self._merged(plan.profiles, values, lane)
        return said[1]

    async def _identify(self) -> Sequence[Reading]:
        system = await self._link.get((SYS_OBJECT_ID, SYS_DESCR, SYS_UPTIME))
        who = str(system[SYS_OBJECT_ID] or ""), _words(system[SYS_DESCR])
        if who != self._memory.who:
            self._memory = Memory(who)
        candidates = self._candidates(who[0])
        values: dict[str, Raw] = {}
        chosen: list[Profile] = []
        for profile in candidates:
            oids = [oid for oid in profile.oids(Lane.ALL) if oid not in values]
            values.update(await self._link.get(oids))
            if profile.answers(values):
                chosen.append(profile)
                if profile.into != UPS_STATUS:
                    break  # the states of two would hide one another
        if not chosen and not self._wanted:
            chosen = await self._probe(candidates, values)
        self._stranger = not chosen
        if not chosen:
            raise self._nobody()
        chosen = [await self._fitted(profile, values) for profile in chosen]
        seen = self._memory.seen
        self._plans = {Lane.ALL: _thorough(chosen, seen), Lane.FAST: _brisk(chosen, values, seen)}
        self._said = {}
        self._polls = 0 if self._settled() else AGAIN_AFTER
        self._identity = _identity(chosen, values, system)
        return [*self._merged(chosen, values, Lane.ALL), *_uptime(system.get(SYS_UPTIME))]

    def _settled(self) -> bool:
        """Say whether a card with tables has rows: one that has just started may have none yet."""
        tables = [rows for found in self._memory.rows.values() for rows in found.values()]
        return not tables or any(tables)

    async def _fitted(self, profile: Profile, values: dict[str, Raw]) -> Profile:
        """Return a profile as it fits this device, with the rows of its tables; ask what these hold."""
        memory = self._memory
        if profile.table:
            rows = {index: tables.found(index, await self._link.walk(index)) for index in profile.indexes()}
            said = await self._link.get(tables.wheres(profile.table, rows))
            memory.columns.update((oid, value) for oid, value in said.items() if value is not None)
            before = memory.rows.get(profile.name, {})
            profile, memory.rows[profile.name] = profile.with_rows(rows, memory.columns, before)
            values.update(await self._link.get([oid for oid in profile.oids(Lane.ALL) if oid not in values]))
        memory.seen.update(oid for oid, value in values.items() if value is not None)
        return profile.settled(memory.seen)

    def _merged(self, profiles: Sequence[Profile], values: Mapping[str, Raw], lane: Lane) -> list[Reading]:
        """Return the readings of the profiles, and remember what is known of the states.

        The extremes of a room are those of all its probes: in the full lane alone, or a maximum would jump.
        """
        found = merged(profiles, values, lane, self._memory.known)
        if lane is Lane.ALL and any(profile.kind == ROOMS for profile in profiles):
            found += aggregates(found)
        for profile in profiles:
            if profile.remembers:
                self._memory.known.update((oid, raw) for _, oid, raw in profile.known(values))
        return found

    async def _probe(self, tried: Sequence[Profile], values: dict[str, Raw]) -> list[Profile]:
        """Ask a device that does not say who it is for a sign of each family; take the first that answers."""
        for profile in self._profiles:
            if profile in tried or not profile.answers(await self._link.get(profile.confirm)):
                continue
            values.update(await self._link.get(profile.oids(Lane.ALL)))
            return [profile]
        return []

    def _candidates(self, sys_object_id: str) -> list[Profile]:
        if not self._wanted:
            return choose(self._profiles, sys_object_id)
        names = [profile.name for profile in self._profiles]
        if self._wanted not in names:
            raise DeviceRefused(f"no profile {self._wanted!r}", hint=f"there are {', '.join(names)}")
        wanted = [profile for profile in self._profiles if profile.name == self._wanted]
        return wanted + [profile for profile in self._profiles if profile.name == FALLBACK != self._wanted]

    def _nobody(self) -> DeviceGarbled:
        kind = next((profile.kind for profile in self._profiles), "")
        what = "a UPS" if kind == "ups" else f"a device of kind {kind}"
        return DeviceGarbled(f"nothing that {what} says", hint=UNKNOWN_MODEL_HINT)


def merged(
    profiles: Sequence[Profile], values: Mapping[str, Raw], lane: Lane, before: Mapping[str, Raw]
) -> list[Reading]:
    """Return the readings of the profiles; a later one fills in only what the earlier ones have no good value for."""
    if len(profiles) == 1:
        return profiles[0].readings(values, lane, before)
    found: dict[str, Reading] = {}
    for profile in profiles:
        for reading in profile.readings(values, lane, before):
            other = found.get(reading.quantity)
            if other is None or (not other.good and reading.good):
                found[reading.quantity] = reading
    return list(found.values())


def _thorough(profiles: Sequence[Profile], seen: AbstractSet[str]) -> Plan:
    """Return the plan of the full lane: what answered, and what comes and goes."""
    asked = dict.fromkeys(oid for profile in profiles for oid in profile.oids(Lane.ALL))
    return Plan(tuple(profiles), _worth(asked, profiles, seen))


def _brisk(profiles: Sequence[Profile], values: Mapping[str, Raw], seen: AbstractSet[str]) -> Plan:
    """Return the plan of the fast lane.

    Every quantity comes from the profile that gives it in the full lane, and the flags from all of its states:
    otherwise values and flags would change with the lane, and alarms come and go.
    """
    owner: dict[str, str] = {}
    good: set[str] = set()
    for profile in profiles:
        for reading in profile.readings(values, Lane.ALL):
            if reading.quantity not in owner or (reading.good and reading.quantity not in good):
                owner[reading.quantity] = profile.name
            if reading.good:
                good.add(reading.quantity)
    lean: list[Profile] = []
    for profile in profiles:
        mine = owner.get(profile.into) == profile.name
        points = [
            point for point in profile.point if point.fast and owner.get(point.quantity, profile.name) == profile.name
        ]
        flags = [msgspec.structs.replace(entry, fast=True) for entry in profile.status if mine]
        bits = [msgspec.structs.replace(entry, fast=True) for entry in profile.bits if mine]
        if points or flags or bits:
            lean.append(msgspec.structs.replace(profile, point=tuple(points), status=tuple(flags), bits=tuple(bits)))
    asked = dict.fromkeys(oid for profile in lean for oid in profile.oids(Lane.FAST))
    there = _worth(asked, lean, seen)
    if any(values.get(oid) is not None for oid in there):
        return Plan(tuple(lean), there)
    sign = next((oid for oid in profiles[0].confirm if values.get(oid) is not None), SYS_OBJECT_ID)
    return Plan(tuple(lean), (*there, sign))  # nothing is fast here: at least see that it answers


def _worth(asked: Iterable[str], profiles: Sequence[Profile], seen: AbstractSet[str]) -> tuple[str, ...]:
    """Return the OIDs worth asking again: those that had a value, and rows of alarm tables, empty while all is well."""
    rows = {oid for profile in profiles for entry in profile.status if "#" in entry.oid for oid in entry.asks()}
    return tuple(oid for oid in asked if oid in rows or oid in seen)


def _identity(profiles: Sequence[Profile], values: Mapping[str, Raw], system: Mapping[str, Raw]) -> Identity:
    said = [profile.who(values) for profile in profiles]
    return Identity(
        said[0].profile,
        manufacturer=next((who.manufacturer for who in said if who.manufacturer), ""),
        model=next((who.model for who in said if who.model), ""),
        serial=next((who.serial for who in said if who.serial), ""),
        firmware=next((who.firmware for who in said if who.firmware), ""),
        description=_words(system.get(SYS_DESCR)),
    )


def _uptime(ticks: Raw) -> list[Reading]:
    """Return how long the card has run (hundredths of a second, RFC 3418): after a loss, whether it started anew."""
    return [judged("device.uptime", ticks / 100.0)] if isinstance(ticks, int) and ticks >= 0 else []


def _words(raw: Raw) -> str:
    return raw.decode("utf-8", "replace")[:256] if isinstance(raw, bytes) else ""
