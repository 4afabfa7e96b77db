"""What people decide of an incident: the approvals of a report, and the level that the plan leaves to them. Pure."""

from collections.abc import Mapping
from typing import Final

import msgspec

from gateway import reports
from gateway.event import Event
from gateway.incident.model import Incident, Symptom
from gateway.plan.terms import GRAVITY

DECISIONS: Final = ("approved", "refused", "confirmed")


def decided(now: Incident, event: Event) -> Incident:
    """Return the incident after one of the ``DECISIONS``."""
    if event.kind != "confirmed":
        return msgspec.structs.replace(now, report=reports.decided(now.report, event))
    data = event.data
    if data.get("lowered"):
        return _lowered(now, str(data.get("level", "")))
    level = str(data.get("level", "")), str(data.get("severity", "")), int(data.get("rank", 0))
    symptoms = tuple(raised(one, level) for one in now.symptoms)
    return msgspec.structs.replace(now, confirmed=level, symptoms=symptoms)


def raised(symptom: Symptom, confirmed: tuple[str, str, int] | None) -> Symptom:
    """Return a symptom that stands at the level that a person gave the incident, and at least so severe."""
    if confirmed is None or not symptom.active:
        return symptom
    level, severity, rank = confirmed
    level = _graver(level, symptom.level)
    if rank <= symptom.rank:
        severity, rank = symptom.severity, symptom.rank
    return msgspec.structs.replace(symptom, level=level, severity=severity, rank=rank)


def kept_low(symptom: Symptom, lowered: Mapping[str, str]) -> Symptom:
    """Return a symptom that comes again, of a condition whose level a person has lowered: no graver than that."""
    level = lowered.get(symptom.condition, "")
    if not level or symptom.follows or _graver(level, symptom.level) == level:
        return symptom
    return msgspec.structs.replace(symptom, level=level)


def _lowered(now: Incident, level: str) -> Incident:
    """Return the incident with all that stands at a level, or below it; it is as severe as before."""
    high = {one.condition for one in now.symptoms if one.active and _graver(level, one.level) != level}
    symptoms = tuple(
        msgspec.structs.replace(one, level=level) if one.active and one.condition in high else one
        for one in now.symptoms
    )
    lowered = {**now.lowered, **dict.fromkeys(sorted(high), level)}
    return msgspec.structs.replace(now, confirmed=None, symptoms=symptoms, lowered=lowered)


def _graver(one: str, other: str) -> str:
    """Return the graver of two levels; one that is not known is the least."""
    order = [level.value for level in GRAVITY]
    return max(one, other, key=lambda level: order.index(level) if level in order else -1)
