"""Looks at the UPSes that are on battery, and keeps with their incidents how long they last and what hands are to do.

What is reckoned is in ``gateway.plan.countdown``. An event is kept when the outlook changes by enough to matter, not at
each look.
"""

import asyncio
import logging
from collections.abc import Mapping
from typing import Final, Protocol

import msgspec

from contract.clock import Clock
from contract.errors import StorageError
from gateway.incident import Incident, Source, Symptom
from gateway.plan import countdown
from gateway.plan.countdown import Countdown, Supply
from gateway.plan.model import Clause, Plan, loads_on
from gateway.plan.outward_model import HANDS, Shedding
from gateway.ports import Facts

_log = logging.getLogger(__name__)
ON_BATTERY: Final = "on-battery"
"""The condition that starts it."""
LOOK: Final = 10.0
"""Seconds between two looks."""
OLD: Final = 900.0
"""Seconds after which a reading says nothing of now. An end that was foreseen is a moment, and keeps better than a runtime."""


class Desk(Protocol):
    """The part of the incidents that is needed here."""

    @property
    def plan(self) -> Plan:
        """The plan."""
        ...

    def open(self) -> tuple[Incident, ...]:
        """Return the open incidents."""
        ...

    async def keep(self, code: str, kind: str, who: str, text: str, data: Mapping[str, object]) -> None:
        """Keep an event."""
        ...


class Countdowns:
    """The countdowns of all incidents that have one."""

    def __init__(self, desk: Desk, facts: Facts, clock: Clock) -> None:
        """Take the incidents, the last readings, and the clock."""
        self._desk = desk
        self._facts = facts
        self._clock = clock

    async def run(self) -> None:
        """Look, again and again, until cancelled."""
        while True:
            try:
                await self.look()
            except StorageError as error:
                _log.error("the outlook of a battery is not on record: %s", error)
            await asyncio.sleep(LOOK)

    async def look(self) -> None:
        """Bring all countdowns up to date.

        Raises:
            StorageError: one could not be kept.
        """
        for incident in self._desk.open():
            await self._look(incident, self._clock.stamp().wall)

    async def _look(self, incident: Incident, now: float) -> None:
        standing = on_battery(incident)
        known = {one.device: one for one in incident.countdowns}
        for name in known.keys() - standing.keys():
            await self._keep(incident, {"device": name, "over": True})
        for name, symptom in standing.items():
            clause = self._desk.plan.find(symptom.clause or incident.clause)
            source = symptom.source if symptom.follows else incident.source
            before = known.get(name)
            after = (
                outlook(source, symptom.since, clause, before, Numbers(source, self._facts, now)) if clause else None
            )
            if after is None or not countdown.is_news(before, after, now):
                continue
            graver = now if countdown.is_graver(before, after, now) else before.graver if before else 0.0
            after = msgspec.structs.replace(after, device=name, place=source.place, graver=graver)
            await self._keep(incident, msgspec.to_builtins(after))

    async def _keep(self, incident: Incident, data: Mapping[str, object]) -> None:
        await self._desk.keep(incident.code, "countdown", "", "", data)


def on_battery(incident: Incident) -> dict[str, Symptom]:
    """Return the alarms of an incident that mean a UPS on battery, by the device's name; of one device, the first."""
    found: dict[str, Symptom] = {}
    for symptom in incident.active:
        if symptom.condition == ON_BATTERY:
            source = symptom.source if symptom.follows else incident.source
            found.setdefault("/".join(source.key), symptom)
    return found


def outlook(
    source: Source, since: float, clause: Clause, before: Countdown | None, read: "Numbers"
) -> Countdown | None:
    """Return the countdown by the last readings; None, where they are old and what was said before still is the best.

    Args:
        source: the UPS.
        since: when its alarm began (wall).
        clause: that is about it.
        before: what was said last.
        read: its numbers.
    """
    now = read.now
    said = read("x.battery.runtime.learned") or read("battery.runtime")
    if said is None and before is not None and before.ends and not read.any_fresh:
        return None  # nothing is heard of it: the end that was foreseen stands
    shedding = next(
        (one for one in clause.shedding if source.device in one.devices), Shedding(devices=(source.device,))
    )
    learned = read("x.battery.runtime.learned") is not None
    error = read("x.battery.runtime.error") if learned else None
    watts, percent, nominal = (
        found[0] if (found := read(name)) is not None else None
        for name in ("ups.realpower", "ups.load", "ups.realpower.nominal")
    )
    load, loads = countdown.amounts(loads_on(clause, source.device), watts=watts, percent=percent, nominal=nominal)
    supply = Supply(
        at=said[1] if said else now,
        runtime=said[0] if said else None,
        error=error[0] if error else 0.0,
        claimed=said is not None and not learned,
        load=load,
    )
    promised = _promised(since, shedding, before, read)
    return countdown.advise(supply, promised, loads, now=now, hands=shedding.hands or HANDS, before=before)


class Numbers:
    """The good and fresh numbers of a device."""

    def __init__(self, source: Source, facts: Facts, now: float) -> None:
        """Take whose, where they are, and the wall time."""
        self.now = now
        self._source = source
        self._facts = facts

    def __call__(self, quantity: str) -> tuple[float, float] | None:
        """Return a number, and when it was measured (wall); None: there is none, or it is old."""
        last = self._facts.latest(self._source, quantity)
        if last is None or not last.reading.good or self.now - last.at > OLD:
            return None
        value = last.reading.value
        return (float(value), last.at) if isinstance(value, int | float) and not isinstance(value, bool) else None

    @property
    def any_fresh(self) -> bool:
        """Whether its status is heard."""
        last = self._facts.latest(self._source, "ups.status")
        return last is not None and last.reading.good and self.now - last.at <= OLD


def _promised(since: float, shedding: Shedding, before: Countdown | None, read: Numbers) -> float:
    """Return until when it is promised to hold (wall), 0 for no promise: from the beginning by our own clock of outages."""
    said = read("x.battery.promised")
    promise = said[0] if said else shedding.promise
    if promise is None:
        return before.promised if before else 0.0
    elapsed = read("x.battery.elapsed")
    began = elapsed[1] - elapsed[0] if elapsed is not None and elapsed[0] > 0 else since
    return began + promise
