"""What a person hears once: when it may go, and when again if no channel took it. Pure."""

from collections.abc import Iterable

import msgspec

from gateway.incident import Incident, Purpose
from gateway.plan.model import Clause


class Tell(msgspec.Struct, frozen=True):
    """Somebody has to be told."""

    person: str
    purpose: Purpose
    clause: str = ""
    """Of which clause, where that is not the incident's."""
    about: tuple[str, ...] = ()
    """Which time limits, and how much of each is gone: ``clause:80``, ``step-0:100``."""


def may_go(
    incident: Incident,
    clause: Clause,
    person: str,
    purpose: Purpose,
    rank: int = 0,
    *,
    after: int = 0,
    about: str = "",
) -> float | None:
    """Return when a message of this purpose, about something at least so bad, may go to a person.

    At once (0.0) if none went since the first ``after`` messages of the round; where every channel failed, after the
    ladder's pause, as often as the ladder repeats; that it is worse, until somebody hears it. None: it went.
    """
    mails = [
        mail
        for mail in incident.mails[after:]
        if mail.person == person
        and mail.purpose is purpose
        and mail.rank >= rank
        and (not about or about in mail.about)
    ]
    if not mails:
        return 0.0
    pause = clause.escalation.repeat
    often = purpose is not Purpose.WORSE and len(mails) > clause.escalation.repeats
    if pause <= 0 or often or any(not mail.failed for mail in mails):
        return None
    return mails[-1].at + pause


def once(
    incident: Incident,
    clause: Clause,
    people: Iterable[str],
    purpose: Purpose,
    now: float,
    *,
    after: int = 0,
    about: str = "",
) -> tuple[list[Tell], list[float]]:
    """Return whom of these to tell now, and when to look again: each hears it once."""
    when = [(person, may_go(incident, clause, person, purpose, after=after, about=about)) for person in people]
    marked = (about,) if about else ()
    tell = [Tell(person, purpose, about=marked) for person, at in when if at is not None and at <= now]
    return tell, [at for _, at in when if at is not None and at > now]


def together(tells: Iterable[Tell]) -> list[Tell]:
    """Return one message to each person of each purpose, about all that there is to tell."""
    merged: dict[tuple[str, Purpose, str], tuple[str, ...]] = {}
    for tell in tells:
        key = (tell.person, tell.purpose, tell.clause)
        merged[key] = (*merged.get(key, ()), *tell.about)
    return [Tell(*key, about=about) for key, about in merged.items()]
