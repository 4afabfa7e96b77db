"""Clause 2: a major incident has a headquarters. Whom that calls, who stands in, and who has been authorised. Pure.

::

    major ──▶ head (指挥长) and deputies (副指挥长) are called, all at once, at any hour; the clause's ladder beside it
                │ nobody of them answers within the ladder's pause, or no channel reaches them
                ▼
              the heads of the clause's departments are called one after the other: acting contact (代为联络)

The acting contact commands nothing: it is whom to ring. Temporary commander (临时指挥) is somebody only by the word of head
or deputy, given on the spot or in advance with dates, and on record as an event. Nothing here appoints anybody.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

import msgspec

from gateway.authorisation import Authorisation
from gateway.contacts import Contacts, Department
from gateway.incident import Incident, Purpose
from gateway.incident.headquarters import AUTHORISED, CALLED, ENDED, Headquarters
from gateway.incident.model import Mail
from gateway.plan.model import Clause, Level
from gateway.plan.once import Tell, once

COMMAND: Final = "command-group"
"""The department that sets up the headquarters (the plan, clause 2)."""
PAUSE: Final = 300.0
"""Seconds until the next is called, where the ladder has no pause."""
_CALLS: Final = (Purpose.HEADQUARTERS, Purpose.COMMAND, Purpose.ACTING)


class Record(msgspec.Struct, frozen=True):
    """An event that has to go on record before anybody is told."""

    kind: str
    data: dict[str, object] = {}


class Orders(msgspec.Struct, frozen=True):
    """What has to be put on record, whom to tell, and when to look again (wall seconds)."""

    records: tuple[Record, ...] = ()
    tell: tuple[Tell, ...] = ()
    wakes: tuple[float, ...] = ()


class Post(msgspec.Struct, frozen=True, kw_only=True):
    """Who has which part in the headquarters; an empty text for nobody."""

    commander: str
    deputies: tuple[str, ...]
    temporary: str
    by: str
    """Who authorised the temporary commander."""
    advance: bool
    until: float
    reason: str
    acting: str


def post_of(incident: Incident) -> Post | None:
    """Return who has which part; None while no headquarters stands."""
    hq = incident.headquarters
    if not hq.called or incident.closed is not None:
        return None
    given = hq.authority
    return Post(
        commander=hq.commander,
        deputies=hq.deputies,
        temporary=hq.temporary,
        by=given.by if given else "",
        advance=given.advance if given else False,
        until=given.until if given else 0.0,
        reason=given.reason if given else "",
        acting=acting(incident),
    )


def orders(incident: Incident, clause: Clause, contacts: Contacts, now: float) -> Orders:
    """Return what the headquarters demands of an open incident whose cause stands."""
    hq = incident.headquarters
    if hq.stood_down and not hq.called:
        heard = dict.fromkeys(
            mail.person for mail in _calls(incident) if not mail.failed and mail.person != hq.stood_by
        )
        tell, wakes = once(incident, clause, heard, Purpose.STOOD_DOWN, now, after=hq.stood_after)
        stood = Orders(tell=tuple(tell), wakes=tuple(wakes))
    else:
        stood = Orders()
    group = contacts.departments.get(COMMAND)
    ready = [one.ready for one in incident.pressing if one.level == Level.MAJOR]
    if group is None or not ready:
        return stood
    if not hq.called:
        if min(ready) > now:
            return _with(stood, wakes=(min(ready),))
        data: dict[str, object] = {"commander": group.head or "", "deputies": list(group.deputies)}
        return _with(stood, records=(Record(CALLED, data),))
    records, changes = _authority(hq, clause, contacts, incident.source.site, now)
    if records:
        return Orders(records=records)
    tell, wakes = once(incident, clause, hq.givers, Purpose.HEADQUARTERS, now, after=hq.after)
    if hq.temporary:
        more, later = once(incident, clause, [hq.temporary], Purpose.COMMAND, now, after=hq.after)
        tell, wakes = tell + more, wakes + later
    following, at = _next(incident, clause, contacts)
    if following and at > now:
        wakes.append(at)
    elif following and not tell:  # those who are told in this moment have the pause to answer
        tell.append(Tell(following, Purpose.ACTING))
    return Orders(tell=tuple(tell), wakes=(*wakes, *changes))


def acting(incident: Incident) -> str:
    """Return the acting contact: nobody of the headquarters has answered, and this one was called instead."""
    hq = incident.headquarters
    if not hq.called or hq.heard:
        return ""
    called = [mail for mail in incident.mails[hq.after :] if mail.purpose is Purpose.ACTING]
    there = [mail.person for mail in called if mail.person in hq.answered]
    reached = [mail.person for mail in called if not mail.failed]
    return next(iter(there), "") or next(reversed(reached), "")


def heads(clause: Clause, contacts: Contacts) -> Iterator[tuple[Department, str]]:
    """Yield the departments that a clause names, by the kind of event, with their heads; the command group is none."""
    for key in dict.fromkeys(clause.departments):
        department = contacts.departments.get(key)
        if department is not None and key != COMMAND and department.head:
            yield department, department.head


def candidates(clause: Clause, contacts: Contacts, givers: tuple[str, ...]) -> tuple[str, ...]:
    """Return who can be made temporary commander by ``givers``: heads of the clause's departments, each once."""
    return tuple(dict.fromkeys(head for _, head in heads(clause, contacts) if head not in givers))


def in_advance(
    contacts: Contacts, clause: Clause, givers: tuple[str, ...], site: str
) -> Iterator[tuple[Authorisation, float, float]]:
    """Yield the advance authorisations that count for a clause, and from when to when (wall seconds).

    What somebody gave who may not, or to somebody who is no head of its departments, does not count.
    """
    may = candidates(clause, contacts, givers)
    for one in contacts.authorisation:
        if one.by in givers and one.person in may and clause.clause in one.clauses:
            time = contacts.worktime(site)
            yield one, time.at(one.begins, 0.0), time.at(one.until + timedelta(days=1), 0.0)


def _authority(
    hq: Headquarters, clause: Clause, contacts: Contacts, site: str, now: float
) -> tuple[tuple[Record, ...], tuple[float, ...]]:
    """Return what has to go on record of who was authorised, and when that changes by the calendar."""
    given = hq.authority
    if given is not None and given.until and given.until <= now:
        return (Record(ENDED, {"person": given.person, "by": given.by}),), ()
    if given is not None:
        return (), ((given.until,) if given.until else ())
    if any(one in hq.answered for one in hq.givers):
        return (), ()  # it is meant for when they are away, and they are there
    later = []
    for one, begins, ends in in_advance(contacts, clause, hq.givers, site):
        if begins <= now < ends:
            data = {"by": one.by, "person": one.person, "reason": one.reason, "advance": True, "until": ends}
            return (Record(AUTHORISED, data),), ()
        later += [begins] if begins > now else []
    return (), tuple(later)


def _next(incident: Incident, clause: Clause, contacts: Contacts) -> tuple[str, float]:
    """Return who is called next as acting contact, and when; an empty text for nobody."""
    hq = incident.headquarters
    calls = _calls(incident)
    called = [mail for mail in calls if mail.purpose is Purpose.ACTING]
    there = {*hq.members, *(mail.person for mail in called)}
    if hq.heard or any(mail.person in hq.answered for mail in called):
        return "", 0.0
    person = next((head for _, head in heads(clause, contacts) if head not in there), "")
    last = called[-1:] or _last_of_each(calls)
    if all(mail.failed for mail in last):
        return person, hq.called
    return person, max(mail.at for mail in last if not mail.failed) + (clause.escalation.repeat or PAUSE)


def _calls(incident: Incident) -> list[Mail]:
    return [mail for mail in incident.mails[incident.headquarters.after :] if mail.purpose in _CALLS]


def _last_of_each(calls: list[Mail]) -> list[Mail]:
    return list({mail.person: mail for mail in calls}.values())


def _with(stood: Orders, *, records: tuple[Record, ...] = (), wakes: tuple[float, ...] = ()) -> Orders:
    return msgspec.structs.replace(stood, records=records, wakes=(*stood.wakes, *wakes))
