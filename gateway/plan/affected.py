"""Whom a root cause concerns beyond its own clause. Pure.

An incident has one clause, that of its root cause, and one ladder. What the root cause took with it may be the matter
of other clauses, whose people have to act too: order seats down are the marketing centre's, whatever the UPS did. Each
of them is told once for each of these clauses, by its paging delay and its hours. Who is called first for the root
cause itself is not told again: that message names all that is affected.
"""

from collections.abc import Iterable

from gateway.contacts import Contacts
from gateway.incident import Incident, Mail, Purpose, Symptom
from gateway.plan.decide import ladder_of
from gateway.plan.model import Clause, Level, Plan, Role
from gateway.plan.once import Tell


def affected(
    incident: Incident, clause: Clause, plan: Plan, contacts: Contacts, now: float
) -> tuple[list[Tell], list[float]]:
    """Return whom to tell now that something of theirs is affected, and when to look again (wall seconds)."""
    if incident.closed is not None or not any(symptom.follows for symptom in incident.speaking):
        return [], []
    tell: list[Tell] = []
    wakes: list[float] = []
    first = {rung.person for rung in ladder_of(incident, clause, contacts).rungs if rung.after <= 0}
    for other, symptoms in _others(incident, plan):
        at = min(symptom.page_at for symptom in symptoms)
        for person in _people(other, contacts):
            if person in first or person == incident.owner:
                continue
            mails = [mail for mail in incident.mails if mail.person == person and mail.clause == other.clause]
            again = _again(mails, at, other)
            if again is None:
                continue
            if again <= now:
                tell.append(Tell(person, Purpose.AFFECTED, other.clause))
            else:
                wakes.append(again)
    return tell, wakes


def _others(incident: Incident, plan: Plan) -> Iterable[tuple[Clause, list[Symptom]]]:
    """Yield each other clause with what stands of it, in the order of their numbers; findings tell nobody."""
    by_clause: dict[str, list[Symptom]] = {}
    for symptom in incident.speaking:
        if symptom.follows and symptom.level != Level.FINDING and symptom.clause != incident.clause:
            by_clause.setdefault(symptom.clause, []).append(symptom)
    for name, symptoms in sorted(by_clause.items()):
        found = plan.find(name)
        if found is not None:
            yield found, symptoms


def _people(clause: Clause, contacts: Contacts) -> Iterable[str]:
    """Return who is on call for each department of a clause."""
    found = (contacts.departments.get(key) for key in clause.departments)
    people = (department.person(Role.ON_CALL) for department in found if department)
    return dict.fromkeys(person for person in people if person)


def _again(mails: list[Mail], at: float, clause: Clause) -> float | None:
    """Return when a message may go: at its time; once more after one that failed by every channel; None: it went."""
    if not mails:
        return at
    pause = clause.escalation.repeat
    if pause <= 0 or len(mails) > clause.escalation.repeats or any(not mail.failed for mail in mails):
        return None
    return mails[-1].at + pause
