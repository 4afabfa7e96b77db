"""How a drill went: what was expected and when it came, who was told and who would have been. Pure."""

from collections.abc import Iterable
from enum import StrEnum

import msgspec

from gateway.drill.record import Record
from gateway.drill.script import Expectation, What
from gateway.event import Event

UNLISTED = "drill"
"""The channel of a message that nobody got: its person takes no part."""


class Verdict(StrEnum):
    """What became of an expectation."""

    MET = "met"
    LATE = "late"
    MISSED = "missed"
    CUT = "cut"
    """The drill ended before its time was over."""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One expectation, and what became of it. Times are seconds from the drill's beginning."""

    expected: Expectation
    verdict: Verdict
    took: float | None = None
    who: str = ""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """One message: who got it, or would have got it."""

    at: float
    person: str
    purpose: str
    code: str
    really: bool


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody did."""

    at: float
    person: str
    what: str
    step: int = 0


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """All of it."""

    record: Record
    lines: tuple[Line, ...]
    told: tuple[Told, ...]
    answers: tuple[Answer, ...]

    @property
    def met(self) -> int:
        """How many expectations were met in time."""
        return sum(1 for line in self.lines if line.verdict is Verdict.MET)

    @property
    def counted(self) -> int:
        """How many count: those whose time was cut short do not."""
        return sum(1 for line in self.lines if line.verdict is not Verdict.CUT)


def report(record: Record, now: float) -> Report:
    """Return how a drill went so far; ``now`` is its own clock's, for one that runs."""
    events = sorted(
        (event for incident in record.incidents for event in incident.timeline), key=lambda event: (event.at, event.id)
    )
    end = (record.ended if record.ended is not None else now) - record.started
    expected = (msgspec.convert(one, Expectation) for one in record.expect)
    return Report(
        record=record,
        lines=tuple(_line(one, events, record.started, end) for one in expected),
        told=tuple(_told(events, record.started)),
        answers=tuple(_answers(events, record.started)),
    )


def _line(wanted: Expectation, events: Iterable[Event], started: float, end: float) -> Line:
    for event in events:
        if _does(wanted, event):
            took = event.at - started
            verdict = Verdict.MET if took <= wanted.within else Verdict.LATE
            return Line(expected=wanted, verdict=verdict, took=took, who=event.who)
    return Line(expected=wanted, verdict=Verdict.MISSED if end >= wanted.within else Verdict.CUT)


def _does(wanted: Expectation, event: Event) -> bool:
    if wanted.who and event.who != wanted.who:
        return False
    match wanted.what:
        case What.STEP:
            return event.kind == "step" and int(event.data.get("index", -1)) + 1 == wanted.step
        case What.CLOSED:
            return event.kind == "closed" and bool(event.who)
        case What.SEEN:
            return event.kind in ("seen", "mine")  # who takes it on has seen it
        case What.MINE:
            return event.kind == "mine"


def _told(events: Iterable[Event], started: float) -> Iterable[Told]:
    events = list(events)
    unlisted = {
        event.data.get("message")
        for event in events
        if event.kind == "accepted" and event.data.get("channel") == UNLISTED
    }
    for event in events:
        if event.kind == "message":
            yield Told(
                at=event.at - started,
                person=event.who,
                purpose=str(event.data.get("purpose", "page")),
                code=event.incident,
                really=event.data.get("message") not in unlisted,
            )


def _answers(events: Iterable[Event], started: float) -> Iterable[Answer]:
    for event in events:
        if event.kind in ("seen", "mine", "step", "noted", "closed") and event.who:
            step = int(event.data.get("index", -1)) + 1 if event.kind == "step" else 0
            yield Answer(at=event.at - started, person=event.who, what=event.kind, step=step)
