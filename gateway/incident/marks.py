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
from gateway.incident.rounds import aloud_again

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
    return aloud_again(now, after, event) if event.kind == "annunciated" and now.closed is None else after
