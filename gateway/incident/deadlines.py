"""The time limits of an incident that are in force: how the events make them. Pure; part of the fold.

``deadline-set`` sets them, each under its key; ``warned`` and ``missed`` say how far time has come, and who hears of it.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from gateway.event import Event

CLAUSE: Final = "clause"
"""The key of the limit of the whole clause."""
MISSED: Final = 100


def step_key(index: int) -> str:
    """Return the key of a step's limit; the first step is 0."""
    return f"step-{index}"


class Deadline(msgspec.Struct, frozen=True, kw_only=True):
    """One limit in force. Times are the gateway's wall clock."""

    key: str
    words: str = ""
    """The limit as the plan writes it; empty where a person set the time itself."""
    begins: float = 0.0
    half: float = 0.0
    """When half of the time that counts is gone."""
    most: float = 0.0
    """When 80 % of it are."""
    at: float = 0.0
    provisional: bool = False
    """A year in it is counted Monday to Friday: 暂按周一至周五."""
    reached: int = 0
    """How much of it is on record as gone: 0, 50, 80, or 100 when it was missed."""
    people: tuple[str, ...] = ()
    """Who hears of that."""

    @property
    def about(self) -> str:
        """What a message about it, as far as it has come, is marked with."""
        return about(self.key, self.reached)

    def passed(self, now: float) -> int:
        """Return how much of it is gone: 0, 50, 80 or 100."""
        return max((mark for mark, at in self.marks if now >= at), default=0)

    @property
    def marks(self) -> tuple[tuple[int, float], ...]:
        """How much is gone, and when."""
        return (50, self.half), (80, self.most), (MISSED, self.at)


def about(key: str, mark: int) -> str:
    """Return what a message about a limit is marked with."""
    return f"{key}:{mark}"


def changed(deadlines: tuple[Deadline, ...], event: Event) -> tuple[Deadline, ...]:
    """Return the limits after ``deadline-set``, ``warned`` or ``missed``."""
    data = event.data
    if event.kind == "deadline-set":
        fresh = read(data.get("limits", ()))
        keys = {one.key for one in fresh}
        return (*(one for one in deadlines if one.key not in keys), *fresh)
    mark = MISSED if event.kind == "missed" else int(data.get("percent", 0))
    people = tuple(map(str, data.get("people", ())))
    return tuple(
        msgspec.structs.replace(one, reached=mark, people=people)
        if one.key == data.get("key") and mark > one.reached
        else one
        for one in deadlines
    )


def read(limits: Iterable[Mapping[str, Any]]) -> tuple[Deadline, ...]:
    """Return the limits as an event holds them."""
    return tuple(msgspec.convert(dict(one), Deadline) for one in limits)


def moved(deadlines: tuple[Deadline, ...], by: float, anew: Iterable[Mapping[str, Any]] = ()) -> tuple[Deadline, ...]:
    """Return the limits after the clock was put right; ``anew`` holds those that are a matter of the calendar."""
    others = {one.key: one for one in read(anew)}
    return tuple(
        others.get(one.key)
        or msgspec.structs.replace(one, begins=one.begins + by, half=one.half + by, most=one.most + by, at=one.at + by)
        for one in deadlines
    )


def find(deadlines: tuple[Deadline, ...], key: str) -> Deadline | None:
    """Return the limit of a key."""
    return next((one for one in deadlines if one.key == key), None)
