"""The headquarters (应急指挥部) of a major incident, as its events say it. Pure; part of the fold.

``headquarters`` calls it: commander and deputies, as the contacts named them then. ``authorised`` makes somebody temporary
commander (临时指挥), by a word of one of these; an event that names anybody else as its giver changes nothing.
``authorisation-ended`` ends that. A level that a person lowers stands the headquarters down.
"""

from typing import Final

import msgspec

from gateway.event import Event

CALLED: Final = "headquarters"
AUTHORISED: Final = "authorised"
ENDED: Final = "authorisation-ended"
ANSWERS: Final = frozenset({
    "seen", "mine", "handover", "accepted-handover", "declined-handover", "progress", "noted", "step", "shed",
    "approved", "refused", "confirmed", AUTHORISED,
})  # fmt: skip
"""What people do with an incident: whoever does one of these knows of it."""


class Authority(msgspec.Struct, frozen=True, kw_only=True):
    """Who is temporary commander, and by whose word."""

    person: str
    by: str
    at: float
    reason: str = ""
    advance: bool = False
    """Whether it was given in advance, in the contacts; else on the spot."""
    until: float = 0.0
    """When it ends, by the calendar; 0: with the headquarters."""


class Headquarters(msgspec.Struct, frozen=True, kw_only=True):
    """How it stands. Times are the gateway's wall clock."""

    called: float = 0.0
    """0: it is not called."""
    after: int = 0
    """How many messages of the round went before it was called."""
    commander: str = ""
    deputies: tuple[str, ...] = ()
    authority: Authority | None = None
    answered: tuple[str, ...] = ()
    """Who has been heard of since it became major."""
    stood_down: float = 0.0
    """When a person lowered the level; 0: nobody did, or it was called again."""
    stood_by: str = ""
    stood_after: int = 0
    """How many messages of the round went before that."""

    @property
    def temporary(self) -> str:
        """The temporary commander; empty for nobody."""
        return self.authority.person if self.authority else ""

    @property
    def givers(self) -> tuple[str, ...]:
        """Who may authorise a temporary commander."""
        return tuple(one for one in (self.commander, *self.deputies) if one)

    @property
    def members(self) -> tuple[str, ...]:
        """All of it, each once."""
        return tuple(dict.fromkeys(one for one in (*self.givers, self.temporary) if one))

    @property
    def heard(self) -> bool:
        """Whether one of its members has answered."""
        return any(one in self.answered for one in self.members)


def changed(now: Headquarters, event: Event, *, major: bool, mails: int) -> Headquarters:
    """Return the headquarters after an event.

    Args:
        now: before it.
        event: of the incident.
        major: whether the incident is major after it.
        mails: how many messages of the round there are.
    """
    data = event.data
    change = msgspec.structs.replace
    if major and event.who and event.kind in ANSWERS:
        now = change(now, answered=tuple(dict.fromkeys((*now.answered, event.who))))
    match event.kind:
        case "headquarters":
            deputies = tuple(map(str, data.get("deputies", ())))
            commander = str(data.get("commander", ""))
            return change(
                now, called=event.at, after=mails, commander=commander, deputies=deputies, stood_down=0.0, stood_by=""
            )
        case "authorised" if now.called and data.get("by") in now.givers and data.get("person"):
            authority = Authority(
                person=str(data["person"]),
                by=str(data["by"]),
                at=event.at,
                reason=event.text or str(data.get("reason", "")),
                advance=bool(data.get("advance")),
                until=float(data.get("until", 0.0)),
            )
            return change(now, authority=authority)
        case "authorisation-ended":
            return change(now, authority=None)
        case "confirmed" if data.get("lowered") and now.called:
            return Headquarters(after=now.after, stood_down=event.at, stood_by=event.who, stood_after=mails)
        case _:
            return now


def moved(now: Headquarters, by: float) -> Headquarters:
    """Return it after the clock was put right by so many seconds. The end of an authorisation is a date, and stays."""
    change = msgspec.structs.replace
    authority = change(now.authority, at=now.authority.at + by) if now.authority else None
    called = now.called + by if now.called else 0.0
    return change(now, called=called, authority=authority, stood_down=now.stood_down + by if now.stood_down else 0.0)
