"""What the plan demands of who has an incident: that they are heard of, that a handover is answered. Pure.

Whoever took it on has it until somebody else has said that they take it. That is worth something only while they work on
it: an owner of whom nothing was heard is asked once, and after a grace the ladder is climbed on. A handover that came to
nothing is such a question too, since the giver believes that it is in other hands.
"""

from typing import Final

import msgspec

from gateway.incident import Incident, Purpose
from gateway.plan.model import Clause, Level, Urgency
from gateway.plan.once import Tell, once
from gateway.plan.waking import Hours, waking

IMMEDIATE: Final = 1800.0
"""Seconds without progress, where somebody has to act at once."""
OTHERWISE: Final = 7200.0
LAPSED: Final = "lapsed-handover"
EXPIRED: Final = "owner-expired"
_QUESTIONS: Final = (Purpose.PROGRESS, Purpose.HANDED_BACK)


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """What follows from who has it: whom to tell, what time has made true, and when to look again (wall seconds)."""

    tell: tuple[Tell, ...] = ()
    became: str = ""
    """Kind of the event that has to be kept: ``LAPSED`` or ``EXPIRED``."""
    who: str = ""
    """Whom that concerns: who did not answer."""
    wakes: tuple[float, ...] = ()


def holding(incident: Incident, clause: Clause, hours: Hours, now: float) -> Held:
    """Return what has to be done about who has it; for open incidents only."""
    tell: list[Tell] = []
    wakes: list[float] = []
    for notice in incident.notices:
        if incident.put_aside and notice.purpose is Purpose.EXPIRED:
            continue  # that is a page
        found, looks = once(incident, clause, [notice.person], notice.purpose, now, after=notice.after)
        tell += found
        wakes += looks
    ends = _ends(incident, clause, hours)
    if ends is not None and ends[0] <= now:
        who = incident.handover.taker if ends[1] == LAPSED and incident.handover else incident.owner
        return Held(became=ends[1], who=who)
    wakes += [ends[0]] if ends is not None else []
    asks = _asks(incident, clause, hours)
    if asks is not None and asks > now:
        wakes.append(asks)
    elif asks is not None:
        found, looks = once(incident, clause, [incident.owner], Purpose.PROGRESS, now, after=incident.hold.after)
        tell += found
        wakes += looks
    return Held(tell=tuple(tell), wakes=tuple(wakes))


def progress_of(incident: Incident, clause: Clause) -> float:
    """Return for how long (seconds) an owner may be silent; 0 for ever.

    What the clause says; else half an hour where CAP's urgency is *immediate*, two hours otherwise. A finding has all
    the time that it takes.
    """
    worst = incident.worst
    if clause.progress is not None:
        return clause.progress
    if worst.level == Level.FINDING:
        return 0.0
    source = incident.source
    trigger = clause.triggered_by(worst.condition, source.kind, source.device) or clause.triggered_by(worst.condition)
    return IMMEDIATE if trigger is not None and trigger.urgency is Urgency.IMMEDIATE else OTHERWISE


def _ends(incident: Incident, clause: Clause, hours: Hours) -> tuple[float, str] | None:
    """Return when it goes from hand to hand by itself, and by what kind of event; None while nothing leads there."""
    offer = incident.handover
    if offer is not None and offer.pending:
        return offer.at + clause.escalation.handover, LAPSED
    if _asks(incident, clause, hours) is None:
        return None
    asked = [
        mail.at
        for mail in incident.mails[incident.hold.after :]
        if mail.person == incident.owner and mail.purpose in _QUESTIONS
    ]
    return (waking(incident.worst, asked[0] + clause.escalation.grace, hours), EXPIRED) if asked else None


def _asks(incident: Incident, clause: Clause, hours: Hours) -> float | None:
    """Return when the owner is asked how far they are; None for never: nobody has it, its cause is gone, it is put aside."""
    span = progress_of(incident, clause)
    handed = incident.handover is not None and incident.handover.pending
    if not incident.owner or handed or incident.gone is not None or incident.put_aside or span <= 0:
        return None
    begins = max(incident.hold.progress, incident.worst.page_at)  # what got worse gives the owner their time anew
    return waking(incident.worst, begins + span, hours)
