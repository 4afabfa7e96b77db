"""A drill is the fold of its events, as an incident is. Pure."""

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from gateway.event import EXERCISE, Event, is_exercise
from gateway.incident import Incident, fold

STARTED: Final = "drill-started"
PLAYED: Final = "drill-input"
ENDED: Final = "drill-ended"


class Played(msgspec.Struct, frozen=True):
    """An input that was played, and when (the drill's wall clock)."""

    at: float
    condition: str
    over: bool


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One drill, as far as it has come. Wall times are those of the drill's own clock, which begins at the real time."""

    number: int
    clause: str = ""
    title_zh: str = ""
    title_en: str = ""
    by: str = ""
    participants: tuple[str, ...] = ()
    speed: float = 1.0
    plan: str = ""
    """What the plan was: the beginning of its hash."""
    expect: tuple[dict[str, Any], ...] = ()
    started: float = 0.0
    ended: float | None = None
    why: str = ""
    """Why it ended: ``done``, ``time``, ``stopped``, ``real-alarm``, ``restart``."""
    what: str = ""
    """The real incident that ended it, or who stopped it."""
    inputs: tuple[Played, ...] = ()
    incidents: tuple[Incident, ...] = ()

    @property
    def code(self) -> str:
        """Its name: ``DRILL1``."""
        return f"{EXERCISE}{self.number}"


def drills(events: Iterable[Event]) -> dict[int, Record]:
    """Return the drills of a journal by their numbers, the oldest first."""
    found: dict[int, Record] = {}
    theirs: dict[str, list[Event]] = {}
    for event in events:
        if is_exercise(event.incident):
            theirs.setdefault(event.incident.partition("-")[0], []).append(event)
        elif event.kind in (STARTED, PLAYED, ENDED):
            number = int(event.data.get("drill", 0))
            found[number] = _after(found.get(number) or Record(number=number), event)
    return {
        number: msgspec.structs.replace(one, incidents=tuple(fold(theirs.get(one.code, ())).values()))
        for number, one in found.items()
    }


def _after(now: Record, event: Event) -> Record:
    change, data = msgspec.structs.replace, event.data
    match event.kind:
        case "drill-started":
            return change(
                now,
                clause=str(data.get("clause", "")),
                title_zh=str(data.get("title_zh", "")),
                title_en=str(data.get("title_en", "")),
                by=event.who,
                participants=tuple(data.get("participants", ())),
                speed=float(data.get("speed", 1.0)),
                plan=str(data.get("plan", "")),
                expect=tuple(data.get("expect", ())),
                started=event.at,
            )
        case "drill-input":
            played = Played(event.at, str(data.get("condition", "")), bool(data.get("over")))
            return change(now, inputs=(*now.inputs, played))
        case _:
            return change(now, ended=event.at, why=str(data.get("why", "")), what=event.text)
