"""The time limits of an incident: when they begin, who hears that half of one is gone, 80 %, all of it. Pure.

A limit begins with the first symptom of a round that is more than a finding. Who hears of a limit of the clause:

=========  =============================================================================================
at 50 %    the owner; while there is none, who is on call in the department that leads
at 80 %    and that department's head
missed     the owner, everybody who was told, who reported it, and the top of the ladder
=========  =============================================================================================

Of a step's limit, its own department hears, and the owner once it is missed. While nobody owns the incident nobody does:
the ladder climbs, and a second thread of messages beside it would be noise. For the same reason a short limit (``BRIEF``)
has no warnings, and of a short step that is missed the owner alone hears: whoever has taken a power cut on at three in the
morning has their hands full. The board shows what is late all the same.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import msgspec

from gateway.contacts import Contacts, Department
from gateway.incident import Incident, Purpose
from gateway.incident.deadlines import CLAUSE, MISSED, Deadline, step_key
from gateway.plan.model import Clause, Level, Role
from gateway.plan.once import Tell, once, together
from gateway.worktime.hours import WorkTime
from gateway.worktime.limit import Count, Limit, due, part

BRIEF: Final = 1800.0
"""Seconds: no warning goes before the end of a limit that ends so soon."""


class Mark(msgspec.Struct, frozen=True):
    """So much of a limit is gone, which has to go on record, with those who hear of it."""

    key: str
    percent: int
    people: tuple[str, ...]

    @property
    def kind(self) -> str:
        """The kind of its event."""
        return "missed" if self.percent == MISSED else "warned"

    @property
    def data(self) -> dict[str, object]:
        """What its event says."""
        return {"key": self.key, "percent": self.percent, "people": list(self.people)}


def of_clause(clause: Clause, begins: float, time: WorkTime) -> list[dict[str, Any]]:
    """Return the limits of a clause and its steps that begin then, as events hold them."""
    limits = [(CLAUSE, clause.deadline)]
    limits += [(step_key(index), step.within) for index, step in enumerate(clause.step) if step.within is not None]
    return [msgspec.to_builtins(_deadline(key, limit, begins, time)) for key, limit in limits]


def of_words(key: str, limit: Limit, begins: float, time: WorkTime) -> dict[str, Any]:
    """Return a limit that a person sets, as an event holds it."""
    return dict(msgspec.to_builtins(_deadline(key, limit, begins, time)))


def owed(incident: Incident, clause: Clause, time: WorkTime) -> list[dict[str, Any]]:
    """Return the limits that ought to be in force and are not: those of an incident that an earlier version opened."""
    if incident.counts_from == 0 or incident.deadlines or incident.closed is not None:
        return []
    return of_clause(clause, incident.counts_from, time)


def _deadline(key: str, limit: Limit, begins: float, time: WorkTime) -> Deadline:
    ends = due(begins, limit, time)
    return Deadline(
        key=key,
        words=limit.words,
        begins=begins,
        half=part(begins, limit, time, 0.5),
        most=part(begins, limit, time, 0.8),
        at=ends.at,
        provisional=ends.provisional,
    )


def pressing(incident: Incident, now: float) -> bool:
    """Say whether time limits count: a finding waits for working hours, and has none."""
    return any(symptom.level != Level.FINDING and symptom.page_at <= now for symptom in incident.pressing)


def _running(incident: Incident) -> Iterator[Deadline]:
    """Yield the limits that somebody still has to keep."""
    done = {step_key(index) for index in incident.steps}
    return (one for one in incident.deadlines if one.key not in done)


def marks(incident: Incident, clause: Clause, contacts: Contacts, top: str, now: float) -> list[Mark]:
    """Return what has to go on record now.

    Args:
        incident: an open one, whose cause stands.
        clause: its clause.
        contacts: who is in which department.
        top: who stands at the top of its ladder.
        now: the gateway's wall clock.
    """
    if not pressing(incident, now):
        return []
    found = []
    for one in _running(incident):
        percent = one.passed(now)
        if percent > one.reached:
            brief = one.at - one.begins < BRIEF
            if brief and percent < MISSED:
                continue
            people = _people(incident, clause, contacts, one.key, percent, top)
            found.append(
                Mark(one.key, percent, people if not brief or one.key == CLAUSE else people and (incident.owner,))
            )
    return found


def _people(
    incident: Incident, clause: Clause, contacts: Contacts, key: str, percent: int, top: str
) -> tuple[str, ...]:
    owner = incident.owner
    if key == CLAUSE:
        if percent == MISSED:
            asked = incident.report.person if incident.report else ""  # who was asked first answers for it
            return _in_order(owner, *incident.told, asked, top)
        leads = contacts.departments.get(clause.departments[0])
        return _in_order(owner or _of(leads, Role.ON_CALL), *([_of(leads, Role.HEAD)] if percent > 50 else []))
    index = next((number for number in range(len(clause.step)) if step_key(number) == key), None)
    if not owner or index is None:
        return ()
    department = contacts.departments.get(clause.step[index].owner)
    ours = department is not None and owner in (*department.on_call, department.head)
    first = owner if ours else _of(department, Role.ON_CALL)
    return _in_order(
        first, *([_of(department, Role.HEAD)] if percent > 50 else []), *([owner] if percent == MISSED else [])
    )


def _of(department: Department | None, role: Role) -> str:
    return department.person(role) if department else ""


def _in_order(*people: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(person for person in people if person))


def told(incident: Incident, clause: Clause, now: float) -> tuple[list[Tell], list[float]]:
    """Return who has to hear now how far the limits have come, and when to look again."""
    tell: list[Tell] = []
    wakes: list[float] = []
    for one in _running(incident):
        if one.reached:
            purpose = Purpose.OVERDUE if one.reached == MISSED else Purpose.WARNING
            now_due, later = once(incident, clause, one.people, purpose, now, about=one.about)
            tell += now_due
            wakes += later
        if pressing(incident, now):
            wakes += [at for _, at in one.marks if at > now][:1]
    return together(tell), wakes


def after_correction(
    incidents: Iterable[Incident], by: float, time: Callable[[str], WorkTime]
) -> dict[str, list[dict[str, Any]]]:
    """Return the limits that are a matter of the calendar, once the clock was put right by ``by`` seconds: code → limits.

    Working hours and midnight are those of the right clock; what is merely elapsed moves with it, and is not in here.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    for incident in incidents:
        for one in incident.deadlines if incident.closed is None else ():
            limit = Limit.from_text(one.words) if one.words else None
            if limit is not None and limit.count is not Count.ELAPSED:
                fresh = _deadline(one.key, limit, one.begins + by, time(incident.source.site))
                fresh = msgspec.structs.replace(fresh, reached=one.reached, people=one.people)
                found.setdefault(incident.code, []).append(msgspec.to_builtins(fresh))
    return found
