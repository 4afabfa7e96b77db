"""What goes over from one incident to another once its root cause is known. Pure.

One event changes both: there is no moment at which an alarm is in neither, or in two.
"""

import msgspec

from gateway.event import Event
from gateway.incident.model import Incident, Symptom
from gateway.incident.rounds import aloud_again


def merged(now: Incident, event: Event) -> Incident:
    """Return the incident of a root cause with all of another one, which followed from it."""
    more = msgspec.convert(event.data.get("symptoms", []), tuple[Symptom, ...])
    ids = {one.id for one in more}
    after = msgspec.structs.replace(now, symptoms=(*(one for one in now.symptoms if one.id not in ids), *more))
    return aloud_again(now, after, event)


def released(now: Incident, _: Event) -> Incident:
    """Return an incident that follows from nothing: it need not wait."""
    return msgspec.structs.replace(now, waits=0.0)


def left(now: Incident, event: Event) -> Incident:
    """Return the incident from which something, or all, went over to that of the event."""
    if event.kind == "merged":
        after = msgspec.structs.replace(now, symptoms=(), closed=event.at, moved=event.incident)
    else:
        gone = event.data.get("symptom", {}).get("id")
        after = msgspec.structs.replace(now, symptoms=tuple(one for one in now.symptoms if one.id != gone))
    return msgspec.structs.replace(after, timeline=(*now.timeline, event))
