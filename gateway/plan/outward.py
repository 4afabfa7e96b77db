"""What a clause wants done outside for an incident, and what has been done of it: receivers told, outputs on and off. Pure.

All of it follows from the incident's timeline. An act is an event before it begins (``outward``), and what became of it is
another (``outward-done``, ``outward-failed``); each has a key that the same reason always gives again, so that nothing is
done twice, after a restart neither.
"""

from collections.abc import Iterator
from enum import StrEnum
from typing import Final

import msgspec

from gateway.event import Event
from gateway.incident import Incident, Symptom, apply
from gateway.plan.model import Clause
from gateway.plan.outward_model import On, Output

FRESH: Final = 900.0
"""Seconds: what happened longer ago is no news for a receiver. A plan that names a new one begins with what comes."""


class Kind(StrEnum):
    """What is done."""

    WEBHOOK = "webhook"
    ON = "on"
    OFF = "off"


class Act(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was begun."""

    key: str
    id: str
    """Its own number, the same in every try."""
    at: float
    again: bool = False
    """Begun once more after a restart: what became of it was not known."""
    over: bool = False
    """It was done, or given up."""


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """Something to do."""

    key: str
    kind: Kind
    index: int
    """Of the webhook, or of the output, in the clause."""
    on: str = ""
    """What the receiver hears of."""
    until: float = 0.0
    """When an output is to be off at the latest (wall)."""


class Occasion(msgspec.Struct, frozen=True):
    """Something of an incident that a receiver may hear of."""

    on: On
    event: int
    at: float
    level: str


def acts(incident: Incident) -> dict[str, Act]:
    """Return what was begun for an incident, by key."""
    found: dict[str, Act] = {}
    for event in incident.timeline:
        key = str(event.data.get("key", ""))
        if event.kind == "outward":
            again = bool(event.data.get("again", False))
            found[key] = Act(key=key, id=str(event.data.get("id", "")), at=event.at, again=again)
        elif event.kind in ("outward-done", "outward-failed") and key in found:
            found[key] = msgspec.structs.replace(found[key], over=True)
    return found


def due(incident: Incident, clause: Clause, now: float) -> tuple[Due, ...]:
    """Return what is to be done now, begun or not. A drill moves nothing, and no receiver hears of it.

    Args:
        incident: any.
        clause: of the incident.
        now: wall time.
    """
    if incident.exercise or incident.late or not (clause.webhook or clause.output):
        return ()
    begun = acts(incident)
    wanted = [*_hooks(incident, clause, now), *_outputs(incident, clause, begun, now)]
    return tuple(one for one in wanted if one.key not in begun or not begun[one.key].over)


def occasions(incident: Incident) -> Iterator[Occasion]:
    """Yield what happened to an incident, the oldest first: by telling its events once more."""
    before: Incident | None = None
    rank = 0
    for event in incident.timeline:
        after = apply(before, event)
        was = before or Incident(code=after.code)
        level = after.worst.level
        if after.round != was.round and not after.late:
            rank = after.worst.rank
            yield Occasion(On.OPENED, event.id, event.at, level)
        elif after.gone is None and after.worst.rank > rank:
            rank = after.worst.rank
            yield Occasion(On.WORSE, event.id, event.at, level)
        if after.owner and after.owner != was.owner:
            yield Occasion(On.OWNED, event.id, event.at, level)
        if after.overdue and not was.overdue:
            yield Occasion(On.OVERDUE, event.id, event.at, level)
        if after.gone is not None and was.gone is None and not after.late:
            yield Occasion(On.GONE, event.id, event.at, level)
        if after.closed is not None and was.closed is None and not after.late:
            yield Occasion(On.CLOSED, event.id, event.at, level)
        before = after


def _hooks(incident: Incident, clause: Clause, now: float) -> Iterator[Due]:
    happened = [one for one in occasions(incident) if now - one.at <= FRESH] if clause.webhook else []
    for index, hook in enumerate(clause.webhook):
        for one in happened:
            if one.on in hook.on and (not hook.levels or one.level in hook.levels):
                key = f"{Kind.WEBHOOK.value}:{hook.name}:{one.event}:{one.on.value}"
                yield Due(key=key, kind=Kind.WEBHOOK, index=index, on=one.on.value)


def _outputs(incident: Incident, clause: Clause, begun: dict[str, Act], now: float) -> Iterator[Due]:
    for index, output in enumerate(clause.output):
        named = f"{output.agent}/{output.device}/{output.output}"
        for reason, until, silenced in _sounding(incident, output):
            on, off = (f"{kind.value}:{named}:{reason}" for kind in (Kind.ON, Kind.OFF))
            if until <= now:
                continue  # it has gone off by itself
            if not silenced:
                yield Due(key=on, kind=Kind.ON, index=index, until=until)
            elif on in begun:
                yield Due(key=off, kind=Kind.OFF, index=index, until=until)


def _sounding(incident: Incident, output: Output) -> list[tuple[int, float, bool]]:
    """Return why an output is on: the event, until when at the most, and whether somebody has answered since.

    One that sounds already goes on; after an answer, or after its time, what is new makes it sound again.
    """
    found: list[tuple[int, float, bool]] = []
    for event in incident.timeline:
        match event.kind:
            case "opened" | "joined" | "confirmed" if _concerns(event, output):
                if not found or found[-1][2] or event.at >= found[-1][1]:
                    found.append((event.id, event.at + output.seconds, False))
            case "seen" | "mine" | "closed":
                found = [(reason, until, True) for reason, until, _ in found]
    return found


def _concerns(event: Event, output: Output) -> bool:
    """Say whether an output is switched on for an event: something begins, or a person says that it is graver."""
    if event.kind == "confirmed":
        return not output.conditions and output.about("", str(event.data.get("level", "")))
    symptom = msgspec.convert(event.data.get("symptom", {}), Symptom)
    return output.about(symptom.condition, symptom.level)
