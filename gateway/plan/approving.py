"""Who hears of an approval: those who may give it, their head when they take too long, and the reporter in the end. Pure."""

from collections.abc import Iterator

from gateway.contacts import Contacts
from gateway.incident import Incident, Purpose
from gateway.plan.model import Clause
from gateway.plan.report_model import Approval, Approver, Report
from gateway.plan.waking import Hours, waking
from gateway.reports import Reported


def due_of(incident: Incident, clause: Clause) -> tuple[Report, Approval] | None:
    """Return the approval that an incident waits for, and the report that it belongs to; None while it waits for none."""
    report = incident.report
    declared = clause.reported(report.name) if report else None
    if report is None or declared is None or report.due is None or report.due >= len(declared.approval):
        return None  # the plan may have changed
    return declared, declared.approval[report.due]


def entitled(approval: Approval, declared: Report, reported: Reported) -> tuple[Approver, ...]:
    """Return which roles may approve the amount that was reported."""
    amount = number(reported.value(declared.quantity)) if declared.quantity else None
    return tuple(one for one in approval.by if one.up_to is None or (amount is not None and amount <= one.up_to))


def number(text: str) -> float | None:
    """Return an amount as people type it; None for anything else, and for what is less than nothing or endless."""
    if "_" in text:  # which Python would take
        return None
    try:
        value = float(text.strip().replace(",", "").replace("，", ""))
    except ValueError:
        return None
    return value if 0 <= value < 1e12 else None


def hear(incident: Incident, clause: Clause, contacts: Contacts, hours: Hours) -> Iterator[tuple[str, Purpose, float]]:
    """Yield who has to hear of the approvals, why, and from when on (wall seconds)."""
    report = incident.report
    if report is None:
        return
    last = max((one.at for one in report.decisions), default=0.0)
    if report.decided:
        yield report.person, Purpose.DECIDED, waking(incident.worst, last, hours)
        return
    since = waking(incident.worst, last, hours) if last else incident.worst.page_at
    due = due_of(incident, clause)
    if due is None:
        return
    declared, approval = due
    known = contacts.departments
    roles = [one for one in entitled(approval, declared, report) if one.department in known]
    people = dict.fromkeys(known[one.department].holder(one.role) for one in roles)
    for person in people:
        if person:
            yield person, Purpose.APPROVAL, since
    heads = dict.fromkeys(known[one.department].head or "" for one in roles)
    for head in heads:
        if head and head not in people:
            yield head, Purpose.APPROVAL, waking(incident.worst, since + approval.within, hours)
