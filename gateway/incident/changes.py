"""From events to incidents: each event changes one thing. Pure."""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

import msgspec

from gateway.event import CLOCK, Event, concerns
from gateway.incident import deadlines, headquarters
from gateway.incident.clock import corrected
from gateway.incident.deciding import DECISIONS, decided
from gateway.incident.mails import mails_after
from gateway.incident.marks import MARKS, marked
from gateway.incident.merging import left, merged, released
from gateway.incident.model import Incident
from gateway.incident.owning import HANDS, owned, put_down, shown
from gateway.incident.rounds import joined, learned, opened, reopened
from gateway.plan import countdown


def fold(events: Iterable[Event]) -> dict[str, Incident]:
    """Return the incidents of a journal, by code, in the order of their opening."""
    incidents: dict[str, Incident] = {}
    for event in events:
        take(incidents, event)
    return incidents


def take(incidents: dict[str, Incident], event: Event) -> None:
    """Let an event change the incidents that it is about: its own, the one that it says has come back, and that from which something goes over to it."""
    if event.kind == CLOCK:
        incidents.update({code: corrected(incident, event) for code, incident in incidents.items()})
    elif event.incident:
        incidents[event.incident] = after = apply(incidents.get(event.incident), event)
        for code in concerns(event)[1:]:
            incidents[code] = left(incidents.get(code, Incident(code=code)), event)
        before = incidents.get(after.recurs) if event.kind in ("opened", "history") else None
        if before is not None and before.code != after.code:
            incidents[before.code] = msgspec.structs.replace(before, recurred=after.code)


def apply(incident: Incident | None, event: Event) -> Incident:
    """Return the incident after an event; a kind that is not known only joins the timeline."""
    before = incident or Incident(code=event.incident)
    change = CHANGES.get(event.kind)
    after = shown(change(before, event) if change else before, event)
    outlook = countdown.after(before.countdowns, event.kind, event.data)
    staff = headquarters.changed(after.headquarters, event, major=after.major, mails=len(after.mails))
    timeline = (*before.timeline, event)
    return msgspec.structs.replace(after, timeline=timeline, countdowns=outlook, headquarters=staff)


def _ended(now: Incident, event: Event) -> Incident:
    fleeting = bool(event.data.get("fleeting"))
    ended = tuple(
        msgspec.structs.replace(symptom, active=False, ended=event.at, fleeting=fleeting)
        if symptom.id == event.data.get("id")
        else symptom
        for symptom in now.symptoms
    )
    return msgspec.structs.replace(now, symptoms=ended)


def _gone(now: Incident, event: Event) -> Incident:
    return msgspec.structs.replace(now, gone=event.at)


def _checked(now: Incident, event: Event) -> Incident:
    return msgspec.structs.replace(now, checked=event.at)


def _posted(now: Incident, event: Event) -> Incident:
    return msgspec.structs.replace(now, mails=mails_after(now.mails, event))


def _seen(now: Incident, event: Event) -> Incident:
    return msgspec.structs.replace(now, seen=tuple(dict.fromkeys((*now.seen, event.who))))


def _stepped(now: Incident, event: Event) -> Incident:
    return msgspec.structs.replace(now, steps=tuple(sorted({*now.steps, int(event.data.get("index", 0))})))


def _overdue(now: Incident, _: Event) -> Incident:
    return msgspec.structs.replace(now, overdue=True)


def _climbed(now: Incident, event: Event) -> Incident:
    return msgspec.structs.replace(now, rungs=tuple(sorted({*now.rungs, int(event.data.get("rung", 0))})))


def _limited(now: Incident, event: Event) -> Incident:
    """Return the incident after a time limit was set, is half gone, or was missed."""
    limits = deadlines.changed(now.deadlines, event)
    if now.overdue and not now.deadlines:  # an earlier version told it
        limits = deadlines.changed(limits, Event(kind="missed", data={"key": deadlines.CLAUSE}))
    clause = deadlines.find(limits, deadlines.CLAUSE)
    if clause is None:
        return msgspec.structs.replace(now, deadlines=limits)
    missed = clause.reached == deadlines.MISSED
    return msgspec.structs.replace(now, deadlines=limits, deadline=clause.at, overdue=missed)


CHANGES: Final[Mapping[str, Callable[[Incident, Event], Incident]]] = {
    "opened": opened,
    "history": learned,
    "joined": joined,
    "merged": merged,
    "released": released,
    "ended": _ended,
    "cause-gone": _gone,
    "checked": _checked,
    "closed": put_down,
    "reopened": reopened,
    **dict.fromkeys(("message", "resent", "accepted", "failed"), _posted),
    "seen": _seen,
    **dict.fromkeys(HANDS, owned),
    **dict.fromkeys(DECISIONS, decided),
    "escalated": _climbed,
    "step": _stepped,
    **dict.fromkeys(("deadline-set", "warned", "missed"), _limited),
    "overdue": _overdue,  # of earlier versions
    **dict.fromkeys(MARKS, marked),
}
"""Kind of an event → what it changes. What is not here changes nothing."""
