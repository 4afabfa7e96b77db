"""Who has it: taken on, handed over, accepted, declined, lapsed, taken back. Pure.

::

    nobody ──mine──▶ OWNER ──handover──▶ OWNER, a taker is asked ──accepted-handover──▶ the taker is OWNER
                      │ ▲                     │
                      │ └─ declined-handover, lapsed-handover: the giver is told, and has to show that they have it
                      └─ owner-expired: nobody has it, and the ladder is climbed on from where it stood still

What only the owner's deeds can prove is that somebody works on it; every deed of theirs begins its time anew.
"""

from typing import Final

import msgspec

from gateway.event import Event
from gateway.incident.model import Handover, Hold, Incident, Notice, Purpose

HANDS: Final = frozenset({
    "mine", "handover", "accepted-handover", "declined-handover", "lapsed-handover", "progress", "owner-expired",
})  # fmt: skip
"""The kinds of events that are dealt with here."""
DEEDS: Final = frozenset({"step", "noted", "progress"})
"""The kinds of events by which an owner shows that they work on it."""


def owned(now: Incident, event: Event) -> Incident:
    """Return an incident after an event about who has it."""
    match event.kind:
        case "mine":
            return _taken(now, event)
        case "handover" if now.owner and event.who == now.owner:
            offer = Handover(giver=now.owner, taker=str(event.data.get("to", "")), at=event.at, words=event.text)
            asked = _noticed(_without(now, Purpose.HANDOVER), offer.taker, Purpose.HANDOVER)
            return msgspec.structs.replace(asked, handover=offer, hold=_shown(now, event))
        case "accepted-handover" if _waits(now) and event.who == _of(now).taker:
            return _taken(now, event)
        case "declined-handover" | "lapsed-handover" if _waits(now):
            back = _noticed(_without(now, Purpose.HANDOVER), now.owner, Purpose.HANDED_BACK)
            return msgspec.structs.replace(back, handover=_answered(now, event), hold=_shown(now, event))
        case "owner-expired" if now.owner:
            return _taken_back(now, event)
        case _:
            return now


def shown(now: Incident, event: Event) -> Incident:
    """Return an incident after a deed: one of its owner is progress."""
    if not now.owner or event.kind not in DEEDS or event.who != now.owner:
        return now
    return msgspec.structs.replace(now, hold=_shown(now, event))


def put_down(now: Incident, event: Event) -> Incident:
    """Return an incident that nobody has to be told of any more: it is closed."""
    return msgspec.structs.replace(now, handover=_answered(now, event), notices=(), closed=event.at, held=False)


def _taken(now: Incident, event: Event) -> Incident:
    """Return it in the hands of who said so; who had it hears of that."""
    seen = tuple(dict.fromkeys((*now.seen, event.who)))
    since = now.hold.since if now.owner else event.at
    hold = Hold(since=since, progress=event.at, after=len(now.mails))
    after = _without(now, Purpose.HANDOVER, Purpose.HANDED_BACK, Purpose.EXPIRED, person=event.who)
    if now.owner and now.owner != event.who:
        after = _noticed(after, now.owner, Purpose.HANDED_OVER)
    rank = now.worst.rank
    answered = _answered(now, event)
    return msgspec.structs.replace(
        after, owner=event.who, seen=seen, owned_rank=rank, hold=hold, handover=answered, expired=""
    )


def _taken_back(now: Incident, event: Event) -> Incident:
    """Return it in nobody's hands: who was told believes that somebody has it, so all of them are told again."""
    pages = now.pages
    stood = max([now.hold.since, *(mail.at for mail in pages)])  # others were called while the owner was in the dark
    climbed = now.climbed + max(0.0, stood - pages[0].at) if pages else now.climbed
    after = msgspec.structs.replace(
        now,
        owner="",
        owned_rank=0,
        hold=Hold(),
        handover=_answered(now, event),
        expired=now.owner,
        seen=(),
        notices=(),
        rungs=(),
        climb=len(now.mails),
        climbed=climbed,
    )
    return _noticed(after, now.owner, Purpose.EXPIRED)


def _shown(now: Incident, event: Event) -> Hold:
    return msgspec.structs.replace(now.hold, progress=event.at, after=len(now.mails))


def _waits(now: Incident) -> bool:
    return now.handover is not None and now.handover.pending


def _of(now: Incident) -> Handover:
    assert now.handover is not None  # noqa: S101 - the caller has looked
    return now.handover


def _answered(now: Incident, event: Event) -> Handover | None:
    """Return the handover after its end; one that ended before stays as it was."""
    if not _waits(now):
        return now.handover
    return msgspec.structs.replace(_of(now), answer=event.kind, answer_words=event.text)


def _noticed(now: Incident, person: str, purpose: Purpose) -> Incident:
    others = tuple(one for one in now.notices if (one.person, one.purpose) != (person, purpose))
    return msgspec.structs.replace(now, notices=(*others, Notice(person, purpose, len(now.mails))))


def _without(now: Incident, *purposes: Purpose, person: str = "") -> Incident:
    """Return it without what nobody has to hear any more: of these purposes, and whatever one person was to hear."""
    kept = tuple(one for one in now.notices if one.purpose not in purposes and one.person != person)
    return msgspec.structs.replace(now, notices=kept)
