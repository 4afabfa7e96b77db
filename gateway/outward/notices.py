"""An incident in the words of CAP 1.2. Pure."""

from collections.abc import Sequence

from contract.notice import Notice, Summary, Text
from gateway.incident import Incident
from gateway.plan.model import Plan, Report, Trigger

LIFE = 3600.0
"""Seconds that a notice is to be believed."""
UNKNOWN = "Unknown"
_CODES = 100


def notice(incident: Incident, plan: Plan, *, gateway: str, now: float) -> Notice:
    """Return what others hear of an incident.

    Args:
        incident: an open one.
        plan: the plan; it may no longer have the incident's clause.
        gateway: the gateway's name.
        now: wall time.
    """
    worst = incident.head
    trigger = _trigger(incident, plan)
    drill = incident.exercise
    place = incident.source.place
    title = Text(worst.title_zh or incident.title_zh, worst.title_en or incident.title_en)
    return Notice(
        gateway=gateway,
        code=incident.code,
        clause=incident.clause,
        level=worst.level,
        status="Exercise" if drill else "Actual",
        urgency="Past" if incident.gone is not None else _cap(trigger.urgency.value if trigger else ""),
        severity=_cap(worst.severity),
        certainty=_cap(trigger.certainty.value if trigger else ""),
        event=Text(incident.title_zh, incident.title_en),
        headline=Text(
            f"{'【演练】' if drill else ''}{title.zh} — {place}", f"{'Exercise: ' if drill else ''}{title.en} — {place}"
        ),
        onset=min((symptom.since for symptom in incident.active), default=worst.since),
        sent=now,
        expires=now + LIFE,
        state=incident.state.value,
        owner=incident.owner,
        deadline=incident.deadline,
        overdue=incident.overdue,
        site=incident.source.site,
        agent=incident.source.agent,
        device=incident.source.device,
        conditions=tuple(dict.fromkeys(symptom.condition for symptom in incident.active)),
        ends=min((one.ends for one in incident.countdowns if one.ends), default=0.0),
    )


def summary(incidents: Sequence[Incident], *, gateway: str, now: float) -> Summary:
    """Return the open incidents of a site in one line."""
    real = [one for one in incidents if not one.exercise]
    standing = [one.head for one in real if one.gone is None]
    worst = max(standing, key=lambda symptom: symptom.rank, default=None)
    return Summary(
        gateway=gateway,
        open=len(real),
        unowned=sum(not one.owner for one in real),
        overdue=sum(one.overdue for one in real),
        severity=_cap(worst.severity) if worst else "",
        codes=tuple(one.code for one in real[:_CODES]),
        sent=now,
        expires=now + LIFE,
    )


def _trigger(incident: Incident, plan: Plan) -> Trigger | Report | None:
    """Return what of the plan put it in force: a report, a trigger of its clause, or of the one beside which it is."""
    clause = plan.find(incident.clause)
    if clause is None:
        return None
    if incident.report is not None:
        return clause.reported(incident.report.name)
    condition, source = incident.head.condition, incident.source
    own = clause.triggered_by(condition, source.kind, source.device) or clause.triggered_by(condition)
    match = None if own else plan.match(source.kind, condition, source.device)
    return match[1] if match else own


def _cap(word: str) -> str:
    """Return one of our words as CAP writes it."""
    return word.capitalize() if word else UNKNOWN
