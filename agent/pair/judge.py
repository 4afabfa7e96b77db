"""What a pair of hosts in hot standby amounts to. Pure: findings and a memory in, flags and the memory after it out.

======================== ======================== ==========================================================
active                   the other                flags
======================== ======================== ==========================================================
one                      answers, is fit          SERVING SINGLE REDUNDANT
one                      down, or not fit         SERVING SINGLE NOREDUNDANCY
one                      too far behind           SERVING SINGLE LAG
one                      not known                SERVING SINGLE UNKNOWN
one, the other's role    answers                  SERVING UNKNOWN: there may be two
is not known
both, for long           any                      SERVING SPLIT
none, for long           one answers at least     NOACTIVE
any                      both down                DOWN
not known                any                      UNKNOWN
both or none, not long   any                      SETTLING
======================== ======================== ==========================================================

*Long* is the settle time: while a pair changes places, none or both are active for some seconds. A host that is down is not
active, unless somebody saw that it is. Trouble ends by what is seen, never by what is not: a condition on SPLIT clears by
SINGLE, one on DOWN or NOACTIVE by SERVING, one on the redundancy by REDUNDANT. SWITCHED stands for a time after the active
host has changed; UNEXERCISED once the last change, or the last drill, was too long ago.
"""

from typing import Final

import msgspec

from contract.clock import Stamp

DAY: Final = 86400.0
Two = tuple[bool | None, bool | None]


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """How long is long; seconds."""

    settle: float = 10.0
    switched: float = 1800.0
    exercise: float | None = None
    """Between two changes of the active host, or two drills; None: nobody asks."""
    drilled: float = 0.0
    """Wall time of the last drill that people noted; 0: none."""


class Findings(msgspec.Struct, frozen=True, kw_only=True):
    """What was found at one look. None is not known."""

    answers: Two
    active: Two
    fit: bool | None = True
    """Whether the standby could take over; True where nobody asks."""
    late: bool = False
    """Whether it is not fit only because it is too far behind."""


class Memory(msgspec.Struct, frozen=True):
    """What must be remembered from look to look; kept on disk."""

    active: int | None = None
    """Who was active when exactly one was."""
    odd: Stamp | None = None
    """Since when none or both are."""
    switched: Stamp | None = None
    switches: int = 0
    exercised: float = 0.0
    """Wall time of the last change."""
    watched: float = 0.0
    """Wall time since when it is watched."""


def judge(memory: Memory, found: Findings, rules: Rules, now: Stamp) -> tuple[Memory, tuple[str, ...]]:
    """Return the memory after a look, and the flags of ``pair.status``."""
    first, second = (
        False if active is None and answers is False else active
        for active, answers in zip(found.active, found.answers, strict=True)
    )
    count = (first is True) + (second is True)
    sure = None not in (first, second)
    flags: set[str] = set()
    one = 0 if first else 1
    if sure and count == 1:
        memory = _seen(memory, one, now)
        flags |= {"SERVING", "SINGLE", _spare(found, 1 - one)}
    elif found.answers == (False, False) and not count:
        memory = _odd(memory, now)
        flags.add("DOWN")
    elif sure:
        memory = _odd(memory, now)
        long = memory.odd is not None and now.since(memory.odd) >= rules.settle
        flags |= ({"SERVING", "SPLIT"} if count else {"NOACTIVE"}) if long else {"SETTLING"}
    else:
        memory = msgspec.structs.replace(memory, odd=None)
        flags |= {"SERVING", "UNKNOWN"} if count else {"UNKNOWN"}
    if False in found.answers and not flags & {"SINGLE", "DOWN"}:
        flags.add("NOREDUNDANCY")
    if memory.switched is not None and 0.0 <= now.since(memory.switched) < rules.switched:
        flags.add("SWITCHED")
    if now.trusted:
        memory = _dated(memory, now)
    if now.trusted and not memory.watched:
        memory = msgspec.structs.replace(memory, watched=now.wall)
    last = exercised(memory, rules) or memory.watched
    if rules.exercise is not None and now.trusted and now.wall - last > rules.exercise:
        flags.add("UNEXERCISED")
    return memory, tuple(sorted(flags))


def exercised(memory: Memory, rules: Rules) -> float:
    """Return the wall time of the last change or drill; 0 for none."""
    return max(memory.exercised, rules.drilled)


def _seen(memory: Memory, active: int, now: Stamp) -> Memory:
    """Take that exactly one is active; another one than before is a change of places."""
    if memory.active == active:
        return msgspec.structs.replace(memory, odd=None) if memory.odd is not None else memory
    if memory.active is None:
        return msgspec.structs.replace(memory, active=active, odd=None)
    return msgspec.structs.replace(
        memory,
        active=active,
        odd=None,
        switched=now,
        switches=memory.switches + 1,
        exercised=now.wall if now.trusted else memory.exercised,
    )


def _dated(memory: Memory, now: Stamp) -> Memory:
    """Date a change that was seen while nobody knew the time, as after a power cut: it was an exercise too."""
    switched = memory.switched
    if switched is None or switched.trusted or switched.boot != now.boot:
        return memory
    wall = max(0.0, now.wall - now.since(switched))
    switched = msgspec.structs.replace(switched, wall=wall, trusted=True)
    return msgspec.structs.replace(memory, switched=switched, exercised=max(memory.exercised, wall))


def _odd(memory: Memory, now: Stamp) -> Memory:
    if memory.odd is not None and memory.odd.boot == now.boot:
        return memory
    return msgspec.structs.replace(memory, odd=now)


def _spare(found: Findings, standby: int) -> str:
    """Return the flag of the host that should take over."""
    answers = found.answers[standby]
    if answers is False or (found.fit is False and not found.late):
        return "NOREDUNDANCY"
    if found.fit is False:
        return "LAG"
    return "REDUNDANT" if answers and found.fit else "UNKNOWN"
