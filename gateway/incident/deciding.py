"""What people decide of an incident: the approvals of a report, and the level that the plan leaves to them. Pure."""

from typing import Final

import msgspec

from gateway import reports
from gateway.event import Event
from gateway.incident.model import Incident, Symptom

DECISIONS: Final = ("approved", "refused", "confirmed")


def decided(now: Incident, event: Event) -> Incident:
    """Return the incident after one of the ``DECISIONS``."""
    if event.kind != "confirmed":
        return msgspec.structs.replace(now, report=reports.decided(now.report, event))
    data = event.data
    level = str(data.get("level", "")), str(data.get("severity", "")), int(data.get("rank", 0))
    symptoms = tuple(raised(one, level) for one in now.symptoms)
    return msgspec.structs.replace(now, confirmed=level, symptoms=symptoms)


def raised(symptom: Symptom, confirmed: tuple[str, str, int] | None) -> Symptom:
    """Return a symptom that stands at the level that a person gave the incident, and at least so severe."""
    if confirmed is None or not symptom.active:
        return symptom
    level, severity, rank = confirmed
    if rank <= symptom.rank:
        severity, rank = symptom.severity, symptom.rank
    return msgspec.structs.replace(symptom, level=level, severity=severity, rank=rank)
