"""What people read of the headquarters of an incident, in messages and on pages. Pure."""

from collections.abc import Callable
from typing import Any

import msgspec

from gateway.board.words import Words
from gateway.commanding import lower_levels
from gateway.contacts import Contacts
from gateway.event import Event
from gateway.incident import Incident, Purpose
from gateway.incident.headquarters import AUTHORISED, CALLED, ENDED
from gateway.plan.headquarters import Post, candidates, post_of
from gateway.plan.model import Plan

Name = Callable[[str], str]


class Offer(msgspec.Struct, frozen=True):
    """What a person may order on the page of an incident: who could command, to which levels it could be lowered."""

    people: tuple[tuple[str, str], ...] = ()
    levels: tuple[str, ...] = ()


def rows(incident: Incident, words: Words, name: Name) -> list[tuple[str, str]]:
    """Return who has which part, as label and text; nothing while no headquarters stands."""
    post = post_of(incident)
    if post is None:
        return []
    found = [(words("commander"), name(post.commander) if post.commander else words("unnamed"))]
    if post.deputies:
        found.append((words("deputies"), words("comma").join(name(one) for one in post.deputies)))
    if post.temporary:
        by = words("authority-advance" if post.advance else "authority", by=name(post.by))
        said = words("comma").join(part for part in (name(post.temporary), by, post.reason) if part)
        found.append((words("temporary-commander"), said))
    if post.acting:
        found.append((words("acting-contact"), f"{name(post.acting)}{words('comma')}{words('acting-only')}"))
    return found


def facts(incident: Incident) -> dict[str, Any] | None:
    """Return the same for machines, people by their ids; JSON types only."""
    post: Post | None = post_of(incident)
    return None if post is None else msgspec.to_builtins(post)


def sentence(incident: Incident, purpose: Purpose, words: Words, name: Name) -> list[str]:
    """Return the sentence above the facts of a message about the headquarters; none for other messages."""
    hq = incident.headquarters
    by = hq.authority.by if purpose is Purpose.COMMAND and hq.authority else hq.stood_by
    if purpose not in (Purpose.HEADQUARTERS, Purpose.COMMAND, Purpose.ACTING, Purpose.STOOD_DOWN):
        return []
    return [words(f"say.{purpose.value}", by=name(by) if by else ""), ""]


def said(event: Event, words: Words, name: Name) -> str:
    """Return what a line of the timeline says of the headquarters; an empty text for other events."""
    data = event.data
    match event.kind:
        case kind if kind == CALLED:
            people = [data.get("commander", ""), *data.get("deputies", ())]
            return words("comma").join(name(str(one)) for one in people if one)
        case kind if kind == AUTHORISED:
            key = "authority-given-advance" if data.get("advance") else "authority-given"
            given = words(key, by=name(str(data.get("by", ""))), person=name(str(data.get("person", ""))))
            reason = event.text or str(data.get("reason", ""))
            return words("colon").join(part for part in (given, reason) if part)
        case kind if kind == ENDED:
            return name(str(data.get("person", "")))
        case "confirmed" if data.get("lowered"):
            to = words("lowered-to", level=words.name("level", str(data.get("level", ""))))
            return words("colon").join(part for part in (to, event.text) if part)
        case _:
            return ""


Orders = Callable[[Incident, str], Offer]
"""An incident and a person → what they may order now."""


def no_orders(_incident: Incident, _person: str) -> Offer:
    """Offer nothing."""
    return Offer()


def of_contacts(plan: Plan, contacts: Contacts) -> Orders:
    """Return what says what people may order now; it is checked again when they press."""
    names = {one.id: one.name for one in contacts.person}

    def orders(incident: Incident, person: str) -> Offer:
        hq = incident.headquarters
        if not hq.called or incident.closed is not None:
            return Offer()
        clause = plan.find(incident.clause)
        people = candidates(clause, contacts, hq.givers) if clause and person in hq.givers else ()
        levels = lower_levels(incident) if person in hq.members else ()
        return Offer(tuple((one, names.get(one, one)) for one in people), levels)

    return orders
