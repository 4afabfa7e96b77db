"""The alarms that the gateway raises from many readings and many alarms: conditions of its own, and counts."""

import secrets
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

import msgspec

from contract.alarm import Occurrence
from contract.clock import Clock, Stamp
from contract.condition import Condition, Test
from contract.message import Readings
from contract.reading import Reading, Value
from gateway.alarms.counts import Group, Tally
from gateway.alarms.judge import LATE, Judge
from gateway.alarms.model import Rules
from gateway.alarms.standing import Known
from gateway.incident import Source
from gateway.live import OWN, Live
from gateway.plan.decide import Latest

COUNTED: Final = "x.count"
"""What a count is about: how many there are."""

Key = tuple[str, str, str, str, str]
"""Condition, site, agent, device, kind."""


class Change(msgspec.Struct, frozen=True):
    """An alarm of the gateway's own that began or ended, and who is to be told once it is on record."""

    occurrence: Occurrence
    source: Source
    done: Callable[[], None]


class Own:
    """All of them. ``changes`` yields what is new; nothing here waits or stores."""

    def __init__(self, rules: Rules, live: Live, clock: Clock) -> None:
        """Take the rules, what is known, and the clock."""
        self._live = live
        self._clock = clock
        self._judge = Judge(rules.condition)
        self._tallies = {rule.name: Tally(rule) for rule in rules.count}
        self._standing: dict[Key, Occurrence] = {}

    @property
    def names(self) -> frozenset[str]:
        """The conditions that are raised here."""
        return self._judge.names | self._tallies.keys()

    def take(self, site: str, agent: str, message: Readings, at: float, received: float) -> None:
        """Judge a poll, also one that a restart reads again; ``at`` and ``received`` are of the gateway's wall clock."""
        view = self._live.devices.get((site, agent, message.device))
        if view is not None and received - at <= LATE:
            ago = max(0.0, self._clock.stamp().wall - received)
            self._judge.take(view, message, self._clock.boottime() - ago)

    def began(self, known: Known, ago: float = 0.0) -> None:
        """Count an alarm that began so many seconds ago."""
        for tally in self._tallies.values():
            tally.began(known, self._clock.boottime() - ago)

    def ended(self, known: Known) -> None:
        """Count it no longer: it is over, or put aside by a person."""
        for tally in self._tallies.values():
            tally.ended(known)

    def adopt(self, occurrence: Occurrence, source: Source) -> bool:
        """Take up what stood before a restart; say whether it is still raised here."""
        view = self._live.devices.get(source.key)
        counted = occurrence.condition in self._tallies
        if not counted and (view is None or not self._judge.adopt(view, occurrence.condition, self._clock.boottime())):
            return False
        self._standing[_key(occurrence.condition, source)] = occurrence
        return True

    def moved(self, by: float) -> Iterator[tuple[Occurrence, Source]]:
        """Yield what stands, its times moved: the gateway's clock was put right by so many seconds."""
        for key, occurrence in self._standing.items():
            since = msgspec.structs.replace(occurrence.since, wall=max(0.0, occurrence.since.wall + by))
            self._standing[key] = moved = msgspec.structs.replace(occurrence, since=since, raised=since)
            yield moved, Source(site=key[1], agent=key[2], device=key[3], kind=key[4])

    def changes(self) -> Iterator[Change]:
        """Yield what has begun and ended; each again until its ``done`` was called."""
        now = self._clock.boottime()
        for change in self._judge.due(self._live.devices, now):
            began = self._clock.stamp()
            since = msgspec.structs.replace(
                began, wall=max(0.0, began.wall - (now - change.since)), boottime=max(0.0, change.since)
            )
            yield self._change(
                change.condition, change.source, change.value, since, active=change.active,
                done=partial(self._judge.told, change),
            )  # fmt: skip
        for tally in self._tallies.values():
            for group, count in tally.counts(now):
                source = _source(tally, group)
                standing = _key(tally.rule.name, source) in self._standing
                if (count >= tally.rule.at_least) is not standing:
                    condition = _counting(tally)
                    yield self._change(
                        condition, source, float(count), self._clock.stamp(), active=not standing, done=lambda: None
                    )

    def latest(self, source: Source, quantity: str) -> Latest | None:
        """Return how many there are, as the proof that they are few again."""
        tally = self._tallies.get(source.device.removeprefix("@"))
        if quantity != COUNTED or tally is None:
            return None
        counts = dict(tally.counts(self._clock.boottime()))
        value = float(counts.get((source.site, source.kind), 0))
        return Latest(Reading(COUNTED, value), self._clock.stamp().wall)

    def conditions(self, source: Source) -> dict[str, Condition]:
        """Return the conditions of a device that are judged here, and that one reading can show to be over."""
        tally = self._tallies.get(source.device.removeprefix("@")) if source.device.startswith("@") else None
        return {tally.rule.name: _counting(tally)} if tally is not None else self._judge.conditions(source)

    def _change(
        self, condition: Condition, source: Source, value: Value | None, since: Stamp, *, active: bool,
        done: Callable[[], None],
    ) -> Change:  # fmt: skip
        key = _key(condition.name, source)
        before = self._standing.get(key)
        now = self._clock.stamp()
        if before is None:
            before = Occurrence(
                id=f"{OWN}{secrets.token_hex(8)}", device=source.device, condition=condition.name,
                severity=condition.severity, since=since, raised=now, quantity=condition.quantity, value=value,
            )  # fmt: skip
        after = before if active else msgspec.structs.replace(before, active=False, cleared=now)

        def settle() -> None:
            if active:
                self._standing[key] = after
            else:
                self._standing.pop(key, None)
            done()

        return Change(after, source, settle)


def _key(condition: str, source: Source) -> Key:
    return (condition, *source.key, source.kind if source.device.startswith("@") else "")


def _source(tally: Tally, group: Group) -> Source:
    """Return what a count is about. No device can have this name: it begins with a sign that names must not have."""
    title = tally.rule.title
    return Source(site=group[0], device=f"@{tally.rule.name}", title=f"{title.zh} {title.en}", kind=group[1])


def _counting(tally: Tally) -> Condition:
    rule = tally.rule
    return Condition(
        name=rule.name, quantity=COUNTED, test=Test.ABOVE, setpoint=rule.at_least - 0.5, severity=rule.severity
    )
