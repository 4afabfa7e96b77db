"""How an incident begins, and how it begins again: rounds, and what a person reopens. Pure."""

from typing import Any

import msgspec

from gateway import reports
from gateway.event import Event
from gateway.incident import deadlines
from gateway.incident.deciding import kept_low, raised
from gateway.incident.headquarters import Headquarters
from gateway.incident.model import Hold, Incident, Source, Symptom
from gateway.plan.model import Level


def opened(now: Incident, event: Event) -> Incident:
    """Return an incident that has just begun."""
    data = event.data
    symptom = msgspec.convert(data.get("symptom", {}), Symptom)
    before = data.get("recurrence", {})
    return msgspec.structs.replace(
        now,
        recurs=str(before.get("of", "")),
        count=int(before.get("count", 1)),
        clause=str(data.get("clause", "")),
        title_zh=str(data.get("title_zh", "")),
        title_en=str(data.get("title_en", "")),
        source=msgspec.convert(data.get("source", {}), Source),
        opened=event.at,
        round=event.at,
        symptoms=(symptom,),
        **_limits(symptom, event),
        waits=float(data.get("waits", 0.0)),
        of=str(data.get("of", "")),
        report=reports.opened(data),
    )


def learned(now: Incident, event: Event) -> Incident:
    """Return what was learned afterwards: opened and closed by one event, at the times when it was."""
    begun = opened(now, event)
    symptom = begun.worst
    return msgspec.structs.replace(
        begun,
        opened=symptom.since,
        round=symptom.since,
        deadline=0.0,
        counts_from=0.0,
        deadlines=(),
        gone=symptom.ended,
        closed=event.at,
        held=False,
        handover=None,
        notices=(),
        late=True,
    )


def _limits(symptom: Symptom, event: Event) -> dict[str, Any]:
    """Return the fields of the time limits that begin with a symptom; a finding has none."""
    if symptom.level == Level.FINDING:
        return {"deadline": 0.0, "counts_from": 0.0, "deadlines": ()}
    limits = deadlines.read(event.data.get("limits", ()))
    clause = deadlines.find(limits, deadlines.CLAUSE)
    at = clause.at if clause else float(event.data.get("deadline", 0.0))  # so earlier versions said it
    return {"deadline": at, "counts_from": event.at, "deadlines": limits}


def joined(now: Incident, event: Event) -> Incident:
    """Add a symptom; once the cause was gone, it begins a new round, unless it never really went."""
    symptom = msgspec.convert(event.data.get("symptom", {}), Symptom)
    same_round = now.gone is None or now.comes_back(event.at)
    symptom = raised(symptom, now.confirmed if same_round else None)
    symptom = kept_low(symptom, now.lowered) if same_round else symptom
    symptoms = (*(one for one in now.symptoms if one.id != symptom.id), symptom)
    after = msgspec.structs.replace(now, symptoms=symptoms)
    if now.counts_from == 0 and symptom.level != Level.FINDING:
        after = msgspec.structs.replace(after, **_limits(symptom, event))  # they begin here
    if now.gone is None:
        return aloud_again(now, after, event)
    if now.comes_back(event.at):
        return msgspec.structs.replace(after, gone=None)
    return anew(after, event, symptom)


def aloud_again(now: Incident, after: Incident, event: Event) -> Incident:
    """Return what becomes of an incident ``now`` by an event ``after`` which something of it speaks.

    If all of it was put aside, nothing could be done meanwhile: an owner's time begins anew, and so do the time limits. If
    nobody has it, the ladder is climbed afresh, rung by rung.
    """
    if not now.put_aside or not after.aloud:
        return after
    if now.owner:
        hold = msgspec.structs.replace(now.hold, progress=event.at, after=len(now.mails))
        return msgspec.structs.replace(after, hold=hold, overdue=False, **_limits(after.worst, event))
    return msgspec.structs.replace(anew(after, event, after.worst), steps=now.steps)


def reopened(now: Incident, event: Event) -> Incident:
    """Return a closed incident open again: a new round, which a person holds open where no alarm stands."""
    if now.closed is None:
        return now
    again = anew(now, event, now.worst)
    return msgspec.structs.replace(again, held=not now.active, late=False, seen=(event.who,) if event.who else ())


def anew(now: Incident, event: Event, symptom: Symptom) -> Incident:
    """Return an incident at the beginning of a new round: people are told afresh, and time limits begin."""
    return msgspec.structs.replace(
        now,
        round=event.at,
        **_limits(symptom, event),
        overdue=False,
        mails=(),
        seen=(),
        owner="",
        owned_rank=0,
        hold=Hold(),
        handover=None,
        expired="",
        notices=(),
        rungs=(),
        climb=0,
        climbed=0.0,
        steps=(),
        confirmed=None,
        lowered={},
        headquarters=Headquarters(),
        gone=None,
        checked=None,
        closed=None,
        held=False,
    )
