"""The root cause of an incident and what it took with it, as messages and pages say it. Pure."""

from typing import Final

from gateway.board.words import Words
from gateway.event import Event
from gateway.incident import Incident

MOST: Final = 8
"""Devices that are named."""


def lines(incident: Incident, words: Words, clause: str = "") -> list[str]:
    """Return what else is affected, in one line; none, where nothing is. Of one clause only, if it is given."""
    found = incident.affected(clause)
    if not found:
        return []
    names = [" ".join(one.place.split()) for one in found]
    said = words("comma").join(names[:MOST])
    if len(names) > MOST:
        said = words("affected-rest", names=said)
    if clause:
        return [f"{words('affected')}{words('colon')}{said}"]
    return [words("affected-more", n=len(names), names=said)]


def because(incident: Incident, words: Words) -> str:
    """Return the root cause, in one line."""
    head = incident.head
    title = words.either(head.title_zh, head.title_en) or words.name("condition", head.condition)
    return f"{words('root-cause')}{words('colon')}{title} — {' '.join(incident.source.place.split())} [{incident.code}]"


def gone_over(event: Event, words: Words) -> str:
    """Return what a line of a timeline says of devices whose trouble follows from something else; empty of any other."""
    match event.kind, event.data:
        case "joined", {"symptom": {"source": {"device": str(device)} as source, "condition": str(condition)}} if (
            device
        ):
            return f"{source.get('title') or device}{words('colon')}{words.name('condition', condition)}"
        case "merged", {"symptoms": [*symptoms], "out_of": str(code)}:
            devices = dict.fromkeys(one["source"].get("title") or one["source"]["device"] for one in symptoms)
            return f"{code}{words('colon')}{words('comma').join(devices)}"
        case _:
            return ""
