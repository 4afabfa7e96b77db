"""From events to incidents: each event changes one thing. Pure."""

from collections.abc import Iterable

import msgspec

from gateway.event import CLOCK, Event
from gateway.incident.clock import corrected
from gateway.incident.mails import mails_after
from gateway.incident.model import Incident
from gateway.incident.rounds import joined, learned, opened


def fold(events: Iterable[Event]) -> dict[str, Incident]:
    """Return the incidents of a journal, by code, in the order of their opening."""
    incidents: dict[str, Incident] = {}
    for event in events:
        if event.kind == CLOCK:
            incidents = {code: corrected(incident, event) for code, incident in incidents.items()}
        elif event.incident:
            incidents[event.incident] = apply(incidents.get(event.incident), event)
    return incidents


def apply(incident: Incident | None, event: Event) -> Incident:
    """Return the incident after an event; a kind that is not known only joins the timeline."""
    before = incident or Incident(code=event.incident)
    after = _changed(before, event)
    return msgspec.structs.replace(after, timeline=(*before.timeline, event))


def _changed(now: Incident, event: Event) -> Incident:
    change = msgspec.structs.replace
    data = event.data
    match event.kind:
        case "opened" | "history":
            return opened(now, event) if event.kind == "opened" else learned(now, event)
        case "joined":
            return joined(now, event)
        case "ended":
            ended = tuple(
                change(symptom, active=False, ended=event.at) if symptom.id == data.get("id") else symptom
                for symptom in now.symptoms
            )
            return change(now, symptoms=ended)
        case "cause-gone":
            return change(now, gone=event.at)
        case "message" | "resent" | "accepted" | "failed":
            return change(now, mails=mails_after(now.mails, event))
        case "seen":
            return change(now, seen=tuple(dict.fromkeys((*now.seen, event.who))))
        case "mine":
            seen = tuple(dict.fromkeys((*now.seen, event.who)))
            return change(now, owner=event.who, seen=seen, owned_rank=now.worst.rank)
        case "step":
            return change(now, steps=tuple(sorted({*now.steps, int(data.get("index", 0))})))
        case "overdue":
            return change(now, overdue=True)
        case "checked":
            return change(now, checked=event.at)
        case "closed":
            return change(now, closed=event.at)
        case _:
            return now
