"""One working method for all devices that keep tables: look once at what there is, then ask for the rows that matter.

A look walks columns; a poll is a GET of the known rows, of all parts together, so that few requests are sent. It is
looked at anew after a restart, when a part finds its rows gone, and now and then.
"""

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from agent.drivers.base import Identity, Lane
from agent.drivers.tables.base import Part, Walker
from agent.drivers.tables.columns import text, whole
from agent.drivers.tables.parts import Parts
from agent.drivers.tables.uptime import Uptime
from agent.links.snmp import Raw, SnmpLink
from agent.memo import Memo
from agent.profiles_network import Profile, choose
from contract.errors import DeviceGarbled, DeviceRefused
from contract.reading import Reading, judged

SYS_DESCR, SYS_OBJECT_ID, SYS_UPTIME = (f"1.3.6.1.2.1.1.{number}.0" for number in (1, 2, 3))
ENGINE_TIME: Final = "1.3.6.1.6.3.10.2.1.3.0"
"""snmpEngineTime, in seconds."""
HOST_UPTIME: Final = "1.3.6.1.2.1.25.1.1.0"
"""hrSystemUptime: of the host; sysUpTime is that of its agent."""
AGAIN_AFTER: Final = 20
"""Full polls between two looks."""


class Kept(msgspec.Struct):
    """What is remembered of a device between two starts of the agent."""

    figures: dict[str, dict[str, int]] = {}
    restarts: int = 0


class TablesDriver:
    """Reads one device."""

    def __init__(
        self,
        link: SnmpLink,
        parts: Sequence[Part],
        clock: Callable[[], float],
        *,
        needs: Sequence[Part] = (),
        what: str = "",
        profiles: Sequence[Profile] = (),
        profile: str = "",
        uptime: str = SYS_UPTIME,
        memo: Memo[Kept] | None = None,
    ) -> None:
        """Take what it is made of.

        Args:
            link: to the device.
            parts: what is read of it.
            clock: seconds, never stepped.
            needs: parts of which one must be there; none: the device is reachable, and that is enough.
            what: it is, for errors.
            profiles: the families that ``Parts`` chooses from.
            profile: of them, the one that is meant whatever the device says.
            uptime: OID of what counts as its uptime, where it has it.
            memo: where it is remembered what the agent must still know at its next start; None: nowhere.
        """
        self._link = link
        self._parts = parts
        self._clock = clock
        self._needs = needs
        self._what = what
        self._profiles = profiles
        self._wanted = profile
        self._clocks = tuple(dict.fromkeys((uptime, SYS_UPTIME)))
        self._has: tuple[str, ...] = ()
        """What of its clocks it has."""
        self._counts: str | None = None
        """Which of them the device has: one only, as two differ."""
        self._uptime = Uptime()
        self._identity = Identity()
        self._object_id: str | None = None
        """sysObjectID when it was looked at; None: it was not."""
        self._polls = 0
        self._memo = memo
        self._kept: Kept | None = None
        """What the memo has; None: it was not read yet."""

    @property
    def identity(self) -> Identity:
        """See ``Driver.identity``."""
        return self._identity

    async def close(self) -> None:
        """See ``Driver.close``."""
        self._object_id = None
        await self._link.close()
        if self._memo is not None:
            await self._memo.close()

    async def read(self, lane: Lane = Lane.ALL) -> Sequence[Reading]:
        """See ``Driver.read``."""
        await self._recall()
        if lane is Lane.ALL:
            self._polls += 1
        due = self._polls > AGAIN_AFTER or any(part.stale for part in self._parts)
        if self._object_id is None or (lane is Lane.ALL and due):
            await self._look()
        values = await self._ask(lane)
        now = self._clock()
        if self._changed(values, now):
            await self._look()
            values = await self._ask(lane)
            now = self._clock()
        found = self._own(values, lane, now)
        for part in self._parts:
            found += part.readings(values, lane, now)
        self._remember()
        return found

    async def _recall(self) -> None:
        """Take up what was remembered, once."""
        if self._memo is None or self._kept is not None:
            return
        self._kept = await self._memo.load() or Kept()
        self._uptime.restarts = self._kept.restarts
        for part in self._parts:
            part.restore(self._kept.figures)

    def _remember(self) -> None:
        if self._memo is None:
            return
        figures = {name: dict(those) for part in self._parts for name, those in part.kept().items()}
        kept = Kept(figures, self._uptime.restarts)
        if kept != self._kept:
            self._kept = kept
            self._memo.save(kept)

    async def _ask(self, lane: Lane) -> dict[str, Raw]:
        asked = [*self._has, SYS_UPTIME, SYS_OBJECT_ID]
        for part in self._parts:
            asked += part.asks(lane)
        values = await self._link.get(tuple(dict.fromkeys(asked)))
        if all(value is None for value in values.values()):
            self._object_id = None
            raise DeviceGarbled(
                "it answers, and has no value for anything that it had before", hint="it is looked at anew"
            )
        return values

    def _changed(self, values: dict[str, Raw], now: float) -> bool:
        """Say whether what answers is no longer what was looked at: it started anew, or is another device."""
        if self._counts is None:
            self._counts = next((oid for oid in self._clocks if values.get(oid) is not None), None)
        ticks = whole(values.get(self._counts or SYS_UPTIME))
        restarted = ticks is not None and self._uptime.take(ticks, now)
        other = values.get(SYS_OBJECT_ID) is not None and str(values[SYS_OBJECT_ID]) != self._object_id
        if restarted or other:
            for part in self._parts:
                part.restarted()
        return restarted or other

    async def _look(self) -> None:
        system = await self._link.get((SYS_OBJECT_ID, SYS_DESCR, *self._clocks, ENGINE_TIME))
        self._has = tuple(oid for oid in (*self._clocks, ENGINE_TIME) if system[oid] is not None)
        told = str(system[SYS_OBJECT_ID] or "")
        profiles = self._chosen(told)
        walker = Walker(self._link)
        self._object_id = None
        identity = Identity()
        for part in self._parts:
            if isinstance(part, Parts):
                part.profiles = profiles
            await part.look(walker)
            if isinstance(part, Parts):
                identity = part.identity
        if self._needs and not any(part.found for part in self._needs):
            hint = f"it speaks SNMP: is it a {self._what}, and may this community see its tables?"
            raise DeviceGarbled(f"nothing that a {self._what} says", hint=hint)
        self._identity = msgspec.structs.replace(identity, description=text(system[SYS_DESCR]))
        self._object_id = told
        self._polls = 0

    def _chosen(self, object_id: str) -> list[Profile]:
        """Return the families to ask for.

        Raises:
            DeviceRefused: the one that is meant does not exist.
        """
        if not self._wanted:
            return choose(self._profiles, object_id)
        named = [profile for profile in self._profiles if profile.name == self._wanted]
        if not named:
            names = ", ".join(profile.name for profile in self._profiles)
            raise DeviceRefused(f"no profile {self._wanted!r}", hint=f"there are {names}")
        return [*named, *(profile for profile in self._profiles if not profile.match and profile.name != self._wanted)]

    def _own(self, values: dict[str, Raw], lane: Lane, now: float) -> list[Reading]:
        """Return how long it has been running."""
        engine = whole(values.get(ENGINE_TIME)) if self._clocks == (SYS_UPTIME,) else None
        seconds = self._uptime.seconds(None if engine is None else float(engine))
        found = [
            judged("device.uptime", None if seconds is None else round(seconds, 2)),
            judged("x.restarts", float(self._uptime.restarts)),
            judged("x.restarts.recent", float(self._uptime.recent(now))),
        ]
        if self._counts == HOST_UPTIME and seconds is not None:
            found.append(judged("host.uptime", round(seconds, 2)))
        if lane is Lane.ALL:
            who = self._identity
            said = {"mfr": who.manufacturer, "model": who.model, "serial": who.serial, "description": who.description}
            found += [judged(f"device.{name}", word) for name, word in said.items() if word]
        return found
