"""What the pages show of an incident: its timeline, the plan's steps. Pure: the time is an argument."""

from collections.abc import Callable, Iterator

import msgspec

from gateway.board import staff, trees
from gateway.board.words import Words
from gateway.event import Event
from gateway.incident import Incident
from gateway.incident.deadlines import CLAUSE, find, step_key
from gateway.plan.model import Clause


class Entry(msgspec.Struct, frozen=True):
    """One line of a timeline."""

    at: float
    kind: str
    label: str
    who: str
    text: str


class Sign(msgspec.Struct, frozen=True):
    """One alarm of an incident."""

    title: str
    active: bool


class Step(msgspec.Struct, frozen=True):
    """One step of an incident's clause. ``due`` is a wall time, 0 for none."""

    number: int
    text: str
    who: str
    due: float
    late: bool
    done: str
    """Who did it; empty while nobody has."""
    done_at: float


def steps(
    incident: Incident,
    clause: Clause | None,
    words: Words,
    now: float,
    *,
    name: Callable[[str], str],
    department: Callable[[str, str], str],
) -> list[Step]:
    """Return what the plan wants done.

    Args:
        incident: the incident.
        clause: its clause; None when the plan no longer has it.
        words: the language.
        now: the wall time.
        name: a person's id → their name.
        department: a department's key and a language → its title.
    """
    done = {event.data.get("index"): event for event in incident.timeline if event.kind == "step"}
    made = []
    for index, step in enumerate(clause.step if clause else ()):
        event = done.get(index) if index in incident.steps else None
        limit = find(incident.deadlines, step_key(index))
        due = limit.at if limit else 0.0
        late = event is None and incident.closed is None and 0 < due < now
        who = department(step.owner, words.language)
        by = name(event.who) if event else ""
        made.append(Step(index + 1, step.text.of(words.language), who, due, late, by, event.at if event else 0.0))
    return made


class Case(msgspec.Struct, frozen=True):
    """One incident. ``title`` is what is wrong, ``plan`` the title of its clause."""

    code: str
    clause: str
    plan: str
    title: str
    about: str
    state: str
    closed: bool
    overdue: bool
    unheard: bool
    late: bool
    """It was learned afterwards."""
    gone: float
    """When its cause was gone, 0 while it stands."""
    owner: str
    notes: tuple[str, ...]
    """Who is asked to take it over, from whom it was taken back, what it is a recurrence of."""
    opened: float
    deadline: float
    provisional: bool
    """Its time limit is counted Monday to Friday, as the holidays are not known yet."""
    signs: tuple[Sign, ...]
    """Those of its own device."""
    affected: tuple[str, ...]
    """What its root cause took with it, in a line or none."""
    of: str
    """The incident from which it was left over, if it was."""
    waits: float
    """Nobody is told before then; 0: that is over."""
    timeline: tuple[Entry, ...]


def case(incident: Incident, words: Words, name: Callable[[str], str]) -> Case:
    """Return an incident as the pages show it.

    Args:
        incident: the incident.
        words: the language.
        name: a person's id → their name.
    """
    source = incident.source
    signs = (
        Sign(words.either(one.title_zh, one.title_en) or words.name("condition", one.condition), one.active)
        for one in incident.symptoms
        if not one.follows
    )
    worst = incident.head
    plan = words.either(incident.title_zh, incident.title_en)
    return Case(
        code=incident.code,
        clause=incident.clause,
        plan=plan,
        title=words.either(worst.title_zh, worst.title_en) or plan or incident.code,
        about=" · ".join(dict.fromkeys(part for part in (source.title or source.device, source.room) if part)),
        state=incident.state.value,
        closed=incident.closed is not None,
        overdue=incident.overdue and incident.closed is None,
        unheard=incident.unheard,
        late=incident.late,
        gone=incident.gone or 0.0,
        owner=name(incident.owner) if incident.owner else "",
        notes=tuple(_notes(incident, words, name)),
        opened=incident.opened,
        deadline=incident.deadline,
        provisional=any(one.provisional for one in incident.deadlines if one.key == CLAUSE),
        signs=tuple(signs),
        affected=tuple(trees.lines(incident, words)),
        of=incident.of,
        waits=incident.waits if incident.gone is None and incident.closed is None else 0.0,
        timeline=tuple(_entry(event, words, name) for event in incident.timeline),
    )


def _notes(incident: Incident, words: Words, name: Callable[[str], str]) -> Iterator[str]:
    offer = incident.handover
    if offer is not None and offer.pending:
        yield words("handing", taker=name(offer.taker))
    if incident.expired:
        yield words("expired", who=name(incident.expired))
    if incident.recurs:
        yield f"{words('recurs')}{words('colon')}{words('recurrence', n=incident.count, code=incident.recurs)}"
    if incident.recurred:
        yield words("recurred", code=incident.recurred)


def _entry(event: Event, words: Words, name: Callable[[str], str]) -> Entry:
    who = name(event.who) if event.who else ""
    return Entry(
        event.at,
        event.kind,
        words.name("event", event.kind),
        who,
        trees.gone_over(event, words)
        or staff.said(event, words, name)
        or _decided(event, words)
        or _said(event, words, name),
    )


def _said(event: Event, words: Words, name: Callable[[str], str]) -> str:
    """Return what a line of a timeline says beside its kind: what a person wrote, or what the event is about."""
    match event.kind, event.data:
        case (("opened" | "joined" | "history"), {"symptom": {"title_zh": str(zh), "title_en": str(en)}}):
            return words.either(zh, en)
        case (("opened" | "joined" | "history"), {"symptom": {"condition": str(condition)}}):
            return words.name("condition", condition)
        case (("ended" | "put-aside" | "annunciated" | "chattering"), {"condition": str(condition)}):
            return _of_alarm(event, words.name("condition", condition), words)
        case "message", {"purpose": str(purpose)}:
            return words.name("purpose", purpose)
        case (("accepted" | "failed"), {"channel": str(channel)}):
            return " · ".join(part for part in (channel, event.text) if part)
        case (("step" | "shed"), {"index": int(index), "zh": str(zh), "en": str(en)}):
            return f"{index + 1}. {words.either(zh, en)}"
        case "handover", {"to": str(taker)}:
            return f"→ {name(taker)}{words('colon')}{event.text}"
        case (("warned" | "missed" | "escalated"), _):
            return _of_time(event, words)
        case "reopened", _ if not event.who:
            return words("reopened-itself")
        case "closed", {"standing": [*_]}:
            return f"{words('standing-closed')}{words('semicolon')}{event.text}"
        case "closed", {"itself": True}:
            return words("closed-itself")
        case _:
            return event.text


def _decided(event: Event, words: Words) -> str:
    """Return what an approval, a refusal, or a person's level says; an empty text for other events."""
    match event.kind, event.data:
        case (("approved" | "refused"), {"zh": str(zh), "en": str(en)}):
            return " · ".join(part for part in (words.either(zh, en), event.text) if part)
        case "confirmed", {"level": str(level)}:
            return words.name("level", level)
        case _:
            return ""


def _of_time(event: Event, words: Words) -> str:
    """Return what time has brought: a rung of the ladder, or how much of a limit is gone."""
    match event.data:
        case {"rung": int(rung), "zh": str(zh), "en": str(en)}:
            return words("rung", n=rung + 1, department=words.either(zh, en))
        case {"key": str(key), "percent": int(percent)}:
            number = key.rpartition("-")[2]
            return f"{words('steps')} {int(number) + 1} · {percent} %" if number.isdecimal() else f"{percent} %"
        case _:
            return event.text


def _of_alarm(event: Event, condition: str, words: Words) -> str:
    """Return what an event of one alarm says: who or what has put it aside, how often it has come."""
    match event.kind, event.data:
        case "put-aside", {"state": str(state)}:
            return " · ".join(part for part in (condition, words.name("alarm", state), event.text) if part)
        case "chattering", {"count": int(count)}:
            return f"{condition} ×{count}"
        case _:
            return condition
