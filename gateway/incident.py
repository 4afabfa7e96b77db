"""An incident is the fold of its events. Pure: the same events give the same incident, after a restart too.

::

    opened ──▶ OPEN ──mine──▶ OWNED ──┐
                 │                    │ cause-gone
                 │                    ▼
                 └── cause-gone ──▶ GONE ──checked──▶ CHECKED ──closed──▶ CLOSED
                                      │                 │
                                      └──── joined ─────┴──▶ OPEN: a new round, people are told afresh

What began and ended before anybody here knew of it (a line was cut) comes as one event, ``history``, and is closed.

Times are the gateway's wall clock. When that is put right, all times of the open incidents move with it (``corrected``):
no duration changes, and what is shown is right by the new time.

Trouble that comes back before it was checked that it is gone, and soon (``SOON``), never went: the same round goes on,
with its owner and with what people were told. So a mains that flaps does not page at each return.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, Final

import msgspec

from gateway import deadlines
from gateway.deadlines import Deadline
from gateway.event import CLOCK, Event, is_exercise
from gateway.plan.model import Level

SOON: Final = 600.0
"""Seconds: what comes back within them, and unchecked, is the same trouble."""


class IncidentState(StrEnum):
    """Where an incident stands."""

    OPEN = "open"
    OWNED = "owned"
    GONE = "gone"
    CHECKED = "checked"
    CLOSED = "closed"


class Purpose(StrEnum):
    """Why a person is told."""

    PAGE = "page"
    WORSE = "worse"
    WARNING = "warning"
    OVERDUE = "overdue"
    RECOVERY = "recovery"


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """The device that an incident is about."""

    site: str = ""
    agent: str = ""
    device: str = ""
    title: str = ""
    room: str = ""
    kind: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        """Site, agent, device."""
        return self.site, self.agent, self.device

    @property
    def place(self) -> str:
        """Where it is, for people: the room once, though a title may begin with it."""
        name = self.title or self.device
        return name if name.startswith(self.room) else f"{self.room} {name}"


class Symptom(msgspec.Struct, frozen=True, kw_only=True):
    """One alarm occurrence of an incident. Times are the gateway's wall clock."""

    id: str = ""
    condition: str = ""
    severity: str = ""
    """The plan's."""
    rank: int = 0
    level: str = ""
    title_zh: str = ""
    title_en: str = ""
    quantity: str = ""
    value: Any = None
    since: float = 0.0
    page_at: float = 0.0
    """When people are told of it, the paging delay and working hours taken in."""
    ready: float = 0.0
    """When the paging delay is over."""
    wake: str = ""
    """When people may be woken for it, by the plan."""
    active: bool = True
    ended: float = 0.0


class Mail(msgspec.Struct, frozen=True, kw_only=True):
    """One message to one person, and what became of it."""

    id: str
    person: str
    purpose: Purpose
    at: float
    rank: int = 0
    accepted: bool = False
    failed: bool = False
    """By every channel of the person."""
    about: tuple[str, ...] = ()
    """Which time limits, and how much of each is gone: ``clause:80``."""
    again: bool = False
    """Sent once more after a restart, marked 重发: its outcome was not known. It never goes a third time."""

    @property
    def pending(self) -> bool:
        """Whether nobody knows yet what became of it."""
        return not (self.accepted or self.failed)


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    """Where an incident stands, and how it came there."""

    code: str
    clause: str = ""
    title_zh: str = ""
    title_en: str = ""
    source: Source = Source()
    opened: float = 0.0
    deadline: float = 0.0
    """Of the clause; 0 for none."""
    overdue: bool = False
    counts_from: float = 0.0
    """Since when time limits run in this round; 0 while there are only findings."""
    deadlines: tuple[Deadline, ...] = ()
    """The limits in force, that of the clause and those of its steps."""
    round: float = 0.0
    """When the trouble began, the last time."""
    symptoms: tuple[Symptom, ...] = ()
    mails: tuple[Mail, ...] = ()
    """Those of this round."""
    seen: tuple[str, ...] = ()
    owner: str = ""
    owned_rank: int = 0
    """How bad it was when the owner took it on."""
    steps: tuple[int, ...] = ()
    gone: float | None = None
    checked: float | None = None
    closed: float | None = None
    late: bool = False
    """It began and ended before anybody here knew of it: it pages nobody."""
    timeline: tuple[Event, ...] = ()

    @property
    def exercise(self) -> bool:
        """Whether it is a drill's: CAP status Exercise, not Actual."""
        return is_exercise(self.code)

    @property
    def state(self) -> IncidentState:
        """Where it stands."""
        if self.closed is not None:
            return IncidentState.CLOSED
        if self.checked is not None:
            return IncidentState.CHECKED
        if self.gone is not None:
            return IncidentState.GONE
        return IncidentState.OWNED if self.owner else IncidentState.OPEN

    @property
    def active(self) -> tuple[Symptom, ...]:
        """The symptoms that stand now."""
        return tuple(symptom for symptom in self.symptoms if symptom.active)

    @property
    def over(self) -> bool:
        """Whether nothing of it stands any more, and that is not yet on record."""
        return self.gone is None and self.closed is None and bool(self.symptoms) and not self.active

    @property
    def worst(self) -> Symptom:
        """The gravest symptom: of those that stand, else of all."""
        return max(self.active or self.symptoms or (Symptom(),), key=lambda symptom: symptom.rank)

    @property
    def told(self) -> dict[str, tuple[float, ...]]:
        """Person → when they were paged in this round; messages under way count, so that nobody is told twice.

        Of pages that failed by every channel only the last counts: it says when to try again, and uses up no repeat.
        """
        times: dict[str, tuple[float, ...]] = {}
        failed: dict[str, float] = {}
        for mail in self.mails:
            if mail.purpose is not Purpose.PAGE:
                continue
            if mail.failed:
                failed[mail.person] = mail.at
            else:
                times[mail.person] = (*times.get(mail.person, ()), mail.at)
        for person, at in failed.items():
            if at > max(times.get(person, ()), default=0.0):
                times[person] = (*times.get(person, ()), at)
        return times

    def comes_back(self, at: float) -> bool:
        """Say whether trouble now is the same trouble again: it had gone, unchecked, and not for long."""
        return self.gone is not None and self.checked is None and self.closed is None and at - self.gone < SOON

    def reached(self) -> tuple[str, ...]:
        """Return those whom a message of this round reached, as far as is known, in order."""
        return tuple(dict.fromkeys(mail.person for mail in self.mails if mail.accepted))

    @property
    def unheard(self) -> bool:
        """Whether people were told in this round, and no message came to anybody, as far as is known."""
        answered = self.owner or self.seen or self.closed is not None
        return not answered and bool(self.mails) and all(mail.failed for mail in self.mails)

    def unreachable(self, person: str) -> bool:
        """Say whether the last message to a person failed by every channel."""
        last = next((mail for mail in reversed(self.mails) if mail.person == person), None)
        return last is not None and last.failed


def fold(events: Iterable[Event]) -> dict[str, Incident]:
    """Return the incidents of a journal, by code, in the order of their opening."""
    incidents: dict[str, Incident] = {}
    for event in events:
        if event.kind == CLOCK:
            incidents = {code: corrected(incident, event) for code, incident in incidents.items()}
        elif event.incident:
            incidents[event.incident] = apply(incidents.get(event.incident), event)
    return incidents


def apply(incident: Incident | None, event: Event) -> Incident:
    """Return the incident after an event; a kind that is not known only joins the timeline."""
    before = incident or Incident(code=event.incident)
    after = _changed(before, event)
    return msgspec.structs.replace(after, timeline=(*before.timeline, event))


def corrected(incident: Incident, event: Event) -> Incident:
    """Return an incident after the gateway's clock was put right: an open one with all its times moved.

    Args:
        incident: any; one that is closed stays as it was told.
        event: of the kind ``CLOCK``.
    """
    by = float(event.data.get("shift", 0.0))
    if incident.closed is not None or by == 0.0:
        return incident
    change = msgspec.structs.replace
    pages: Mapping[str, float] = event.data.get("pages", {})

    def moved(at: float) -> float:
        return at + by if at else at  # 0: there is none

    symptoms = (
        change(
            one,
            since=moved(one.since),
            ready=moved(one.ready),
            page_at=float(pages.get(one.id, moved(one.page_at))),
            ended=moved(one.ended),
        )
        for one in incident.symptoms
    )
    limits = deadlines.moved(incident.deadlines, by, event.data.get("limits", {}).get(incident.code, ()))
    return change(
        incident,
        opened=moved(incident.opened),
        deadline=next((one.at for one in limits if one.key == deadlines.CLAUSE), moved(incident.deadline)),
        counts_from=moved(incident.counts_from),
        deadlines=limits,
        round=moved(incident.round),
        symptoms=tuple(symptoms),
        mails=tuple(change(mail, at=moved(mail.at)) for mail in incident.mails),
        gone=None if incident.gone is None else incident.gone + by,
        checked=None if incident.checked is None else incident.checked + by,
        timeline=(*(change(past, at=moved(past.at)) for past in incident.timeline), event),
    )


def _changed(now: Incident, event: Event) -> Incident:
    change = msgspec.structs.replace
    data = event.data
    match event.kind:
        case "opened" | "history":
            return _opened(now, event) if event.kind == "opened" else _history(now, event)
        case "joined":
            return _joined(now, event)
        case "ended":
            ended = tuple(
                change(symptom, active=False, ended=event.at) if symptom.id == data.get("id") else symptom
                for symptom in now.symptoms
            )
            return change(now, symptoms=ended)
        case "cause-gone":
            return change(now, gone=event.at)
        case "message" | "resent" | "accepted" | "failed":
            return change(now, mails=_mails(now.mails, event))
        case "seen":
            return change(now, seen=tuple(dict.fromkeys((*now.seen, event.who))))
        case "mine":
            seen = tuple(dict.fromkeys((*now.seen, event.who)))
            return change(now, owner=event.who, seen=seen, owned_rank=now.worst.rank)
        case "step":
            return change(now, steps=tuple(sorted({*now.steps, int(data.get("index", 0))})))
        case "deadline-set" | "warned" | "missed" | "overdue":
            return _limited(now, event)
        case "checked":
            return change(now, checked=event.at)
        case "closed":
            return change(now, closed=event.at)
        case _:
            return now


def _opened(now: Incident, event: Event) -> Incident:
    data = event.data
    symptom = msgspec.convert(data.get("symptom", {}), Symptom)
    return msgspec.structs.replace(
        now,
        clause=str(data.get("clause", "")),
        title_zh=str(data.get("title_zh", "")),
        title_en=str(data.get("title_en", "")),
        source=msgspec.convert(data.get("source", {}), Source),
        opened=event.at,
        round=event.at,
        symptoms=(symptom,),
        **_beginning(symptom, event),
    )


def _history(now: Incident, event: Event) -> Incident:
    """Return what was learned afterwards: opened and closed by one event, at the times when it was."""
    opened = _opened(now, event)
    symptom = opened.worst
    return msgspec.structs.replace(
        opened,
        opened=symptom.since,
        round=symptom.since,
        deadline=0.0,
        counts_from=0.0,
        gone=symptom.ended,
        closed=event.at,
        late=True,
    )


def _beginning(symptom: Symptom, event: Event) -> dict[str, Any]:
    """Return the fields of the time limits that begin with a symptom; a finding has none."""
    if symptom.level == Level.FINDING:
        return {"deadline": 0.0, "counts_from": 0.0, "deadlines": ()}
    limits = deadlines.read(event.data.get("limits", ()))
    clause = deadlines.find(limits, deadlines.CLAUSE)
    at = clause.at if clause else float(event.data.get("deadline", 0.0))  # so earlier versions said it
    return {"deadline": at, "counts_from": event.at, "deadlines": limits}


def _limited(now: Incident, event: Event) -> Incident:
    """Return the incident after a time limit was set, is half gone, or was missed (``overdue`` in earlier versions)."""
    if event.kind == "overdue":
        return msgspec.structs.replace(now, overdue=True)
    limits = deadlines.changed(now.deadlines, event)
    if now.overdue and not now.deadlines:  # an earlier version told it
        limits = deadlines.changed(limits, Event(kind="missed", data={"key": deadlines.CLAUSE}))
    clause = deadlines.find(limits, deadlines.CLAUSE)
    deadline = clause.at if clause else now.deadline
    missed = now.overdue if clause is None else clause.reached == deadlines.MISSED
    return msgspec.structs.replace(now, deadlines=limits, deadline=deadline, overdue=missed)


def _joined(now: Incident, event: Event) -> Incident:
    """Add a symptom; once the cause was gone, it begins a new round, unless it never really went."""
    symptom = msgspec.convert(event.data.get("symptom", {}), Symptom)
    symptoms = (*(one for one in now.symptoms if one.id != symptom.id), symptom)
    after = msgspec.structs.replace(now, symptoms=symptoms)
    if now.counts_from == 0 and symptom.level != Level.FINDING:
        after = msgspec.structs.replace(after, **_beginning(symptom, event))
    if now.gone is None:
        return after
    if now.comes_back(event.at):
        return msgspec.structs.replace(after, gone=None)
    return msgspec.structs.replace(
        after,
        round=event.at,
        **_beginning(symptom, event),
        overdue=False,
        mails=(),
        seen=(),
        owner="",
        owned_rank=0,
        steps=(),
        gone=None,
        checked=None,
        closed=None,
    )


def _mails(mails: tuple[Mail, ...], event: Event) -> tuple[Mail, ...]:
    data = event.data
    number = str(data.get("message", ""))
    if event.kind == "message":
        if any(mail.id == number for mail in mails):
            return mails
        purpose = Purpose(data.get("purpose", Purpose.PAGE))
        about = tuple(map(str, data.get("about", ())))
        rank = int(data.get("rank", 0))
        new = Mail(id=number, person=event.who, purpose=purpose, at=event.at, rank=rank, about=about)
        return (*mails, new)
    return tuple(_outcome(mail, event) if mail.id == number else mail for mail in mails)


def _outcome(mail: Mail, event: Event) -> Mail:
    """Return the message after news of it: one channel that took it counts for more than another's failure."""
    if event.kind == "resent":
        return msgspec.structs.replace(mail, again=True)
    if event.kind == "accepted":
        return msgspec.structs.replace(mail, accepted=True, failed=False)
    if event.data.get("last") and not mail.accepted:
        return msgspec.structs.replace(mail, failed=True)
    return mail


_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"  # no I, no O: read out on the phone, they are digits


def code_of(number: int) -> str:
    """Return the code of the n-th incident, from 1: ``A10`` … ``Z99``, then ``A100`` … with three digits."""
    index = number - 1
    digits = 2
    while index >= len(_LETTERS) * 9 * 10 ** (digits - 1):
        index -= len(_LETTERS) * 9 * 10 ** (digits - 1)
        digits += 1
    first = 10 ** (digits - 1)
    return f"{_LETTERS[index % len(_LETTERS)]}{first + index // len(_LETTERS)}"
