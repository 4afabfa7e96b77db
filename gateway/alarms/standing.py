"""The alarms that stand, found by what the rules ask for. Adding one costs the same however many stand."""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from contract.alarm import Alarm, Occurrence
from contract.clock import Stamp
from gateway.beside import whose
from gateway.incident import Incident, Source, Symptom


class Known(msgspec.Struct, frozen=True):
    """An alarm that stands, and its device."""

    alarm: Alarm
    source: Source

    @property
    def id(self) -> str:
        """Its occurrence."""
        return self.alarm.occurrence.id

    @property
    def condition(self) -> str:
        """What is wrong."""
        return self.alarm.occurrence.condition

    @property
    def line(self) -> tuple[str, str, str, str]:
        """What comes and goes: the condition of the device."""
        return (*self.source.key, self.condition)


Place = tuple[str, str, str]
_AGENT = "@"
"""Begins the name of what the gateway itself watches: of an agent, all its devices of a kind."""


class Standing:
    """All of them."""

    def __init__(self) -> None:
        """Start empty."""
        self._all: dict[str, Known] = {}
        self._by_condition: dict[str, dict[str, None]] = {}
        self._by_device: dict[tuple[Place, str], dict[str, None]] = {}
        self._by_agent: dict[tuple[Place, str], dict[str, None]] = {}

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[Known]:
        return iter(tuple(self._all.values()))

    def get(self, occurrence: str) -> Known | None:
        """Return one."""
        return self._all.get(occurrence)

    def add(self, known: Known) -> bool:
        """Take one; say whether it is new."""
        new = known.id not in self._all
        self._all[known.id] = known
        if new:
            for index, key in self._places(known):
                index.setdefault(key, {})[known.id] = None
        return new

    def drop(self, occurrence: str) -> Known | None:
        """Forget one that is over; return it."""
        known = self._all.pop(occurrence, None)
        for index, key in self._places(known) if known is not None else ():
            there = index[key]
            del there[occurrence]
            if not there:
                del index[key]
        return known

    def of(self, conditions: Iterable[str]) -> Iterator[Known]:
        """Yield those of these conditions."""
        for condition in conditions:
            for name in tuple(self._by_condition.get(condition, ())):
                yield self._all[name]

    def on(self, source: Source, condition: str) -> Iterator[Known]:
        """Yield those of a condition on a device; of what is watched of an agent, on its devices of the same kind."""
        if source.device.startswith(_AGENT):
            names = self._by_agent.get(((source.site, source.agent, source.kind), condition), {})
        else:
            names = self._by_device.get((source.key, condition), {})
        for name in tuple(names):
            yield self._all[name]

    def _places(self, known: Known) -> Iterator[tuple[dict[Any, dict[str, None]], object]]:
        source = known.source
        yield self._by_condition, known.condition
        yield self._by_device, (source.key, known.condition)
        if not source.device.startswith(_AGENT):
            yield self._by_agent, ((source.site, source.agent, source.kind), known.condition)


def plain(alarm: Alarm, worse: str | None = None) -> Alarm:
    """Return an alarm that nothing has put aside."""
    change = {"shelved_until": None, "suppressed": False, "out_of_service": False, "why": ""}
    return msgspec.structs.replace(alarm, **change, worse=alarm.worse if worse is None else worse)


def standing_in(incidents: Iterable[Incident]) -> Iterator[tuple[Symptom, Source]]:
    """Yield the alarms that stand by what the incidents say, once each, though it is in a clause beside its own too.

    A person may have closed the incident while it stood: its end is wanted all the same.
    """
    for incident in incidents:
        for symptom in incident.active if incident.closed is None or incident.stands_closed else ():
            if whose(symptom.id) == symptom.id:
                yield symptom, incident.where(symptom)


def occurrence_of(symptom: Symptom, source: Source) -> Occurrence:
    """Return the occurrence that an incident knows."""
    value = tuple(symptom.value) if isinstance(symptom.value, list) else symptom.value
    since = Stamp(symptom.since, trusted=True)
    return Occurrence(
        id=symptom.id, device=source.device, condition=symptom.condition, since=since, raised=since,
        quantity=symptom.quantity, value=value,
    )  # fmt: skip
