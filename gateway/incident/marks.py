"""What an incident keeps of one of its alarms beside its beginning and its end. Pure.

===============  ==================================================================================
event            data, beside ``id`` of the occurrence
===============  ==================================================================================
``put-aside``    ``state``: shelved, out-of-service or suppressed; the text says why
``annunciated``  ``page_at``: it speaks again; what limits there are begin anew
``chattering``   ``count``: how often it has come; ``over``: it does no longer
===============  ==================================================================================
"""

from typing import Final

from msgspec.structs import replace

from gateway.event import Event
from gateway.incident.model import Incident
from gateway.incident.rounds import anew, limits_from

MARKS: Final = frozenset({"put-aside", "annunciated", "chattering"})


def marked(now: Incident, event: Event) -> Incident:
    """Return an incident after one of the events above; one of an alarm that it does not have changes nothing."""
    data = event.data
    changes: dict[str, object]
    match event.kind:
        case "put-aside":
            changes = {"aside": str(data.get("state", ""))}
        case "annunciated":
            changes = {"aside": "", "page_at": float(data.get("page_at", event.at))}
        case _:
            changes = {"chattering": 0 if data.get("over") else int(data.get("count", 0))}
    symptoms = tuple(replace(one, **changes) if one.id == data.get("id") else one for one in now.symptoms)
    after = replace(now, symptoms=symptoms)
    if event.kind != "annunciated" or now.closed is not None or now.aloud or not after.aloud:
        return after
    if now.owner:  # nothing could be done meanwhile: the owner's time begins anew, and so do the time limits
        hold = replace(now.hold, progress=event.at, after=len(now.mails))
        return replace(after, hold=hold, overdue=False, **limits_from(after.worst, event))
    # nobody was told for a while, and nobody has it: the ladder is climbed afresh, rung by rung
    return replace(anew(after, event, after.worst), steps=now.steps)
