"""What happened to an incident: the one fact that is stored of it. State is what the events say."""

import json
from typing import Any, Final

import msgspec

CLOCK: Final = "clock"
"""The kind of the event that sets the gateway's clock; it belongs to no incident, and moves the times of all that are
open: ``shift`` (seconds), ``boot``, ``offset`` (wall time at boot), ``pages`` (occurrence → when people are told, where
that is a matter of the calendar), ``limits`` (incident → its time limits that are)."""

EXERCISE: Final = "DRILL"
"""How the codes of a drill's incidents begin: no other code can. They are in no list and in no figure of real ones."""


def is_exercise(code: str) -> bool:
    """Say whether an incident of this code is a drill's."""
    return code.startswith(EXERCISE)


class Event(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line of an incident's timeline, kept for ever."""

    id: int = 0
    """Given by the journal, rising."""
    at: float = 0.0
    """The gateway's wall clock, seconds since 1970."""
    incident: str = ""
    """The incident's code."""
    kind: str = ""
    """``opened``, ``joined``, ``ended``, ``cause-gone``, ``message``, ``resent``, ``accepted``, ``failed``, ``seen``, ``mine``, ``step``,
    ``noted``, ``deadline-set``, ``warned``, ``missed`` (``overdue`` in earlier versions), ``checked``, ``closed``, ``reopened``; ``handover``, ``accepted-handover``, ``declined-handover``, ``lapsed-handover``,
    ``progress``, ``owner-expired`` (``gateway.incident.owning``); ``escalated``; ``countdown`` (how long the battery lasts, and what has to be off by when), ``shed`` (hands have switched something off); ``outward``, ``outward-done``, ``outward-failed`` (a receiver or an output); ``approved``, ``refused``, ``confirmed`` (a level, by a person); ``headquarters``, ``authorised``, ``authorisation-ended`` (``gateway.incident.headquarters``); ``released``, ``merged`` (``gateway.causes``); ``put-aside``, ``annunciated``, ``chattering``
    (of one alarm, ``gateway.incident.marks``); of no incident ``shelved``, ``unshelved``, ``out-of-service``, ``in-service`` (``gateway.alarms.aside``),
    ``held`` (``gateway.alarms.desk``), ``flood`` (``gateway.notify.gathering``);
    ``countdown`` (how long the battery lasts, and what has to be off by when), ``shed`` (hands have switched something off);
    ``outward``, ``outward-done``, ``outward-failed`` (a receiver or an output); ``history`` (what began and ended before anybody here knew of it). Readers pass over kinds that they do not know."""
    who: str = ""
    """The person who did it, or whom it concerns."""
    text: str = ""
    """What a person wrote, or a sentence for the timeline."""
    data: dict[str, Any] = {}
    """What the kind needs; JSON types only."""


def concerns(event: Event) -> tuple[str, ...]:
    """Return the codes of the incidents that an event changes: its own, and that from which something goes over to it.

    One event does both, so that there is no moment at which an alarm is in neither.
    """
    other = event.data.get("out_of", "")
    return tuple(code for code in dict.fromkeys((event.incident, other)) if code)


def storable(event: Event) -> Event:
    """Return the event with texts that a database can keep.

    What came as no UTF-8, from a terminal or a mail server, holds lone surrogates; a question mark stands for each.
    """
    data = json.loads(_whole(json.dumps(event.data, ensure_ascii=False)))
    return msgspec.structs.replace(event, who=_whole(event.who), text=_whole(event.text), data=data)


def _whole(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")
