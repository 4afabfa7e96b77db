"""What the plan demands of an incident now: whom to tell, what to check, whether it closes. Pure.

Nothing here remembers: all of it follows from the incident (its events), the clause, the contacts and the time.
"""

from collections.abc import Callable, Iterable, Mapping

import msgspec

from contract.alarm import Occurrence
from contract.clock import Stamp
from contract.condition import Condition
from contract.escalation import Ladder, due
from contract.escalation import Rung as Person
from contract.reading import Reading
from gateway.contacts import Contacts, Department
from gateway.incident import Incident, Purpose, Source, Symptom
from gateway.plan import headquarters, limits
from gateway.plan.approving import hear
from gateway.plan.countdown import to_hear
from gateway.plan.limits import Mark
from gateway.plan.model import RANK, Clause, Closes, Trigger, Wake
from gateway.plan.once import Tell, may_go, once
from gateway.plan.ownership import Held, holding
from gateway.plan.waking import Hours, page_at, rests_until, waking

FRESH = 90.0
"""Seconds: a reading that is older confirms nothing."""
PAST = 30 * 86400.0
"""Seconds: an alarm that claims to have begun longer ago counts from now."""
LOOK_AGAIN = 5.0
"""Seconds between two looks, while the readings do not yet confirm that the cause is gone."""

CALLS = (Purpose.PAGE, Purpose.WARNING, Purpose.OVERDUE)
"""What calls people, and has to wait for their hours where the plan lets nobody be woken."""


class Demand(msgspec.Struct, frozen=True, kw_only=True):
    """What has to be done now, and when to ask again (wall seconds; None when only an event can change something)."""

    tell: tuple[Tell, ...] = ()
    check: bool = False
    close: bool = False
    marks: tuple[Mark | headquarters.Record, ...] = ()
    """How far the time limits have come, and what the headquarters is, to go on record before anybody is told."""
    became: str = ""
    """Kind of an event that time alone has made true; once it is kept, ask again."""
    who: str = ""
    """Whom it concerns."""
    wakes_at: float | None = None


class Latest(msgspec.Struct, frozen=True):
    """The last reading of a quantity, and when it was measured, by the gateway's wall clock."""

    reading: Reading
    at: float


def symptom_of(occurrence: Occurrence, trigger: Trigger, hours: Hours, now: float) -> Symptom:
    """Return what an incident keeps of an occurrence. Its paging delay counts from when it began, if that is known."""
    since = _by_our_clock(occurrence.raised if occurrence.raised.trusted else occurrence.since, now)
    ready = since + trigger.page_after
    return Symptom(
        id=occurrence.id,
        condition=occurrence.condition,
        severity=trigger.severity.value,
        rank=RANK[trigger.severity],
        level=trigger.level.value,
        title_zh=trigger.title.zh,
        title_en=trigger.title.en,
        quantity=occurrence.quantity,
        value=list(occurrence.value) if isinstance(occurrence.value, tuple) else occurrence.value,
        since=since,
        page_at=page_at(ready, trigger.wake, hours),
        ready=ready,
        wake=trigger.wake.value,
    )


def past_symptom_of(occurrence: Occurrence, trigger: Trigger, hours: Hours, now: float) -> Symptom:
    """Return the same of an occurrence that is over; it began before it ended, whatever its clock says."""
    symptom = symptom_of(occurrence, trigger, hours, now)
    ended = _by_our_clock(occurrence.cleared, now)
    return msgspec.structs.replace(symptom, active=False, ended=ended, since=min(symptom.since, ended))


def _by_our_clock(stamp: Stamp, now: float) -> float:
    """Return when something was, by the gateway's clock; now, where that cannot be known."""
    return stamp.wall if stamp.trusted and now - PAST <= stamp.wall <= now else now


def pages_after(incidents: Iterable[Incident], by: float, hours: Callable[[str], Hours]) -> dict[str, float]:
    """Return when people are told of what waits for the calendar, once the clock was put right by ``by`` seconds.

    Working hours are those of the right clock; ``hours``: site → its hours. Occurrence → wall time, by the clock as it is then.
    """
    return {
        symptom.id: page_at(symptom.ready + by, Wake(symptom.wake), hours(incident.where(symptom).site))
        for incident in incidents
        for symptom in incident.symptoms
        if incident.closed is None and symptom.wake in (Wake.WORKING, Wake.DIGEST)
    }


def demand(incident: Incident, clause: Clause, contacts: Contacts, now: float, hours: Hours | None = None) -> Demand:
    """Return what the plan demands of an incident now; ``hours`` of its site, left out: by the public calendar alone."""
    hours = hours or contacts.worktime(incident.source.site)
    if incident.closed is not None:
        return _closed(incident, clause, hours, now)
    held = holding(incident, clause, hours, now)
    if held.became:
        return Demand(became=held.became, who=held.who)
    if incident.put_aside:  # nobody is told, and no limit runs, until it speaks again; but what goes from hand to hand
        return Demand(tell=held.tell, wakes_at=min(held.wakes, default=None))
    if incident.gone is not None:
        return _afterwards(incident, clause, held, now)
    if incident.waits > now:
        return Demand(wakes_at=incident.waits)
    top = next((rung.person for rung in reversed(ladder_of(incident, clause, contacts).rungs)), "")
    staff = headquarters.orders(incident, clause, contacts, now)
    marks: tuple[Mark | headquarters.Record, ...] = (
        *staff.records,
        *limits.marks(incident, clause, contacts, top, now),
    )
    tell = list(held.tell)
    wakes = list(held.wakes)
    for found, next_looks in (
        _worse(incident, clause, now),
        (staff.tell, staff.wakes),
        limits.told(incident, clause, now),
        _approvals(incident, clause, contacts, hours, now),
    ):
        tell += found
        wakes += next_looks
    tell += _pressed(incident, tell)
    started = None if incident.report and incident.report.refused else _started(incident)
    if started is not None and (not incident.owner or _owner_in_the_dark(incident)):
        if started > now:
            wakes.append(started)
        else:
            if not incident.told:  # late, after a cut: the ladder is still climbed rung by rung
                started = now - incident.climbed
            told = incident.told
            ladder = ladder_of(incident, clause, contacts)
            reporter = {incident.report.person: (incident.round,)} if incident.report else {}  # they know of it
            seen = (*incident.seen, *reporter)
            answer = due(ladder, started=started, now=now, told={**reporter, **told}, seen=seen)
            already = {one.person for one in tell}
            tell += [Tell(person, Purpose.PAGE) for person in answer.people if person not in already]
            wakes += [answer.wakes_at] if answer.wakes_at is not None else []
    rests = rests_until(incident, now, hours)
    if rests is not None:
        tell = [one for one in tell if one.purpose not in CALLS]
        wakes.append(rests)
    return Demand(tell=tuple(tell), marks=marks, wakes_at=min(wakes, default=None))


def _started(incident: Incident) -> float | None:
    """Return when the ladder begins or began to be climbed; None while nothing stands that pages."""
    if not incident.speaking:
        return None
    pages = [mail.at for mail in incident.pages]
    if pages:
        return min(pages) - incident.climbed
    return min((symptom.page_at for symptom in incident.speaking), default=None)


def climbed(incident: Incident, clause: Clause, contacts: Contacts, person: str) -> tuple[int, Department] | None:
    """Return the rung that the ladder climbs by paging a person, from 0, and its department; None if it climbs none."""
    for index, rung in enumerate(clause.escalation.rung):
        department = contacts.departments.get(rung.department)
        if department is not None and department.person(rung.role) == person:
            return (index, department) if index and index not in incident.rungs else None
    return None


def _closed(incident: Incident, clause: Clause, hours: Hours, now: float) -> Demand:
    """Return what is left to do once it is closed: what a person closed while it stood is opened again, if it stays."""
    if not incident.stands_closed or incident.put_aside or incident.closed is None or clause.closed_standing <= 0:
        return Demand()
    at = waking(incident.worst, incident.closed + clause.closed_standing, hours)
    return Demand(became="reopened") if at <= now else Demand(wakes_at=at)


def _worse(incident: Incident, clause: Clause, now: float) -> tuple[list[Tell], list[float]]:
    """Return those who have to hear that it is worse than what they were told, and when to look again."""
    tell: list[Tell] = []
    wakes: list[float] = []
    people = dict.fromkeys([*(mail.person for mail in incident.mails), *([incident.owner] if incident.owner else [])])
    for person in people:
        mails = [mail for mail in incident.mails if mail.person == person]
        came = [mail for mail in mails if not mail.failed]  # who got nothing at all is for the ladder
        known = max([incident.owned_rank, *(mail.rank for mail in came or mails)])
        graver = [symptom.page_at for symptom in incident.speaking if symptom.rank > known]
        at = may_go(incident, clause, person, Purpose.WORSE, known + 1)
        if not graver or at is None:
            continue
        at = max(at, min(graver))
        if at <= now:
            tell.append(Tell(person, Purpose.WORSE))
        else:
            wakes.append(at)
    return tell, wakes


def _pressed(incident: Incident, tell: Iterable[Tell]) -> list[Tell]:
    """Return those who have to hear that more must be switched off, or sooner: who works on it, else who was told."""
    people = [incident.owner] if incident.owner else list(incident.told)
    heard: dict[str, float] = {}
    for mail in incident.mails:
        if not mail.failed or mail.purpose is Purpose.ADVICE:  # what failed is not tried again: the ladder goes on
            heard[mail.person] = max(mail.at, heard.get(mail.person, 0.0))
    now = {one.person for one in tell}
    late = to_hear(incident.countdowns, heard, people)
    return [Tell(person, Purpose.ADVICE) for person in late if person not in now]


def _owner_in_the_dark(incident: Incident) -> bool:
    """Say whether it got worse and the owner could not be told: then others have to hear of it."""
    mails = [mail for mail in incident.mails if mail.person == incident.owner]
    news = [
        index for index, mail in enumerate(mails) if mail.purpose is Purpose.WORSE and mail.rank > incident.owned_rank
    ]
    return bool(news) and all(mail.failed for mail in mails[news[-1] :])


def _approvals(
    incident: Incident, clause: Clause, contacts: Contacts, hours: Hours, now: float
) -> tuple[list[Tell], list[float]]:
    """Return those who have to approve a report, or to hear what is decided, and when to look again."""
    tell: list[Tell] = []
    wakes: list[float] = []
    for person, purpose, since in hear(incident, clause, contacts, hours):
        may = may_go(incident, clause, person, purpose)
        if may is not None and max(may, since) > now:
            wakes.append(max(may, since))
        elif may is not None:
            tell.append(Tell(person, purpose))
    return tell, wakes


def ladder_of(incident: Incident, clause: Clause, contacts: Contacts) -> Ladder:
    """Return the ladder as people: who cannot be reached hands their place to the next at once."""
    rungs: list[Person] = []
    inherited: float | None = None
    for rung in clause.escalation.rung:
        department = contacts.departments.get(rung.department)
        person = department.person(rung.role) if department else ""
        if not person:
            continue
        after = rung.after if inherited is None else min(rung.after, inherited)
        if incident.unreachable(person):
            inherited = after
        elif all(one.person != person for one in rungs):
            inherited = None
        rungs.append(Person(person, after))
    return Ladder(tuple(rungs), clause.escalation.repeat, clause.escalation.repeats)


def _afterwards(incident: Incident, clause: Clause, held: Held, now: float) -> Demand:
    """Return what is left to do once the cause is gone: check, then say so to those who were told, close.

    People hear that it is over only when it is checked: a mains that flaps, or an agent that fell silent, is no recovery.
    """
    assert incident.gone is not None  # noqa: S101 - the caller has looked
    if incident.checked is None:
        check_at = incident.gone + clause.check_after
        look = Demand(wakes_at=check_at) if now < check_at else Demand(check=True, wakes_at=now + LOOK_AGAIN)
        wakes_at = min((look.wakes_at or now, *held.wakes))
        return msgspec.structs.replace(look, tell=held.tell, wakes_at=wakes_at)
    people = dict.fromkeys([*incident.reached(), *([incident.owner] if incident.owner else [])])
    tell, wakes = once(incident, clause, people, Purpose.RECOVERY, now)
    nobody_knows = not incident.mails and not incident.owner
    close = clause.closes is Closes.ITSELF or nobody_knows
    return Demand(tell=(*held.tell, *tell), close=close, wakes_at=min((*held.wakes, *wakes), default=None))


def confirm(
    incident: Incident,
    latest: Callable[[Source, str], Latest | None],
    conditions: Callable[[Source], Mapping[str, Condition]],
    now: float,
) -> dict[str, object] | None:
    """Return the readings that confirm that the cause is gone, or None while they do not.

    Args:
        incident: whose cause is gone, as far as the alarms say.
        latest: device, quantity → its last reading.
        conditions: those of a device, by name. Where one is not known, a good reading has to do, as the agent has
            judged it already.
        now: the gateway's wall clock.
    """
    if incident.gone is None or incident.active:
        return None
    evidence: dict[str, object] = {}
    for symptom in _of_this_round(incident):
        source = incident.where(symptom)
        seen = latest(source, symptom.quantity)
        if seen is None or not seen.reading.good:
            return None
        if seen.at <= incident.gone or now - seen.at > FRESH:
            return None
        condition = conditions(source).get(symptom.condition)
        if condition is not None and condition.wrong(seen.reading, standing=True) is not False:
            return None
        value = seen.reading.value
        name = f"{source.agent}/{source.device} {symptom.quantity}" if symptom.follows else symptom.quantity
        evidence[name] = list(value) if isinstance(value, tuple) else value
    return evidence


def _of_this_round(incident: Incident) -> list[Symptom]:
    return [symptom for symptom in incident.symptoms if symptom.ended >= incident.round]
