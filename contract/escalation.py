"""Escalation: who is told next, and when. Pure: what was told and when comes in, whom to tell now comes out.

收到 (seen) stops repeats to that person only; 我处理 (mine) stops the escalation. Times are seconds on one clock of the
caller's; rungs count from the start of paging.
"""

from collections.abc import Collection, Mapping, Sequence

import msgspec


class Rung(msgspec.Struct, frozen=True):
    """One person, and how long after the start they are told if nobody owns it by then (seconds)."""

    person: str
    after: float = 0.0


class Ladder(msgspec.Struct, frozen=True):
    """The way up. Each person is told again every ``repeat`` seconds, ``repeats`` times at the most, until seen."""

    rungs: tuple[Rung, ...] = ()
    repeat: float = 300.0
    repeats: int = 3


class Due(msgspec.Struct, frozen=True):
    """Whom to tell now (in order, no one twice), and when to ask again; None when nothing more can fall due."""

    people: tuple[str, ...] = ()
    wakes_at: float | None = None


def due(
    ladder: Ladder,
    *,
    started: float,
    now: float,
    told: Mapping[str, Sequence[float]],
    seen: Collection[str] = (),
    owned: bool = False,
) -> Due:
    """Return whom to tell now.

    Args:
        ladder: the way up.
        started: when paging began (the plan's paging delay is already over).
        now: the moment that is asked about.
        told: person → the times at which they were told.
        seen: those who answered 收到.
        owned: whether somebody took it on (我处理).
    """
    if owned:
        return Due()
    people: list[str] = []
    wakes: list[float] = []
    for person, after in _first_rungs(ladder).items():
        times = told.get(person, ())
        if not times:
            at = started + after
        elif person not in seen and len(times) <= ladder.repeats and ladder.repeat > 0:
            at = max(times) + ladder.repeat
        else:
            continue
        if at > now:
            wakes.append(at)
            continue
        people.append(person)
        if person not in seen and len(times) < ladder.repeats and ladder.repeat > 0:
            wakes.append(now + ladder.repeat)
    return Due(tuple(people), min(wakes, default=None))


def _first_rungs(ladder: Ladder) -> dict[str, float]:
    """Return each person's earliest rung: someone who stands on the ladder twice is told once a round."""
    first: dict[str, float] = {}
    for rung in ladder.rungs:
        first[rung.person] = min(rung.after, first.get(rung.person, rung.after))
    return first


def exhausted(ladder: Ladder, told: Mapping[str, Sequence[float]]) -> bool:
    """Say whether everybody on the ladder was told: from here on only repeats are left."""
    return all(told.get(rung.person) for rung in ladder.rungs)
