"""What breaks, when, and until when. Pure: the same seed, length and abilities give the same schedule.

One fault at a time for each target, so that what is lost can be laid at its door; stepped clocks go with everything.
Different targets break together as chance has it.
"""

import random
from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import NamedTuple


class Kind(StrEnum):
    """A kind of fault."""

    KILL = "kill"
    """kill -9, started again."""
    TERM = "term"
    """SIGTERM, started again."""
    CUT = "cut"
    """The link is down."""
    HALF = "half"
    """One direction is silently dropped."""
    LOSS = "loss"
    """Three packets of ten are dropped, both ways."""
    SLOW = "slow"
    """The link is throttled below what is said."""
    JITTER = "jitter"
    """Packets are delayed, overtake one another, come twice."""
    FULL = "full"
    """Its disk has no room."""
    STEP = "step"
    """Its wall clock is an hour off."""


AGENTS = ("agent-1", "agent-2", "agent-3")
GATEWAY, BROKER, STORE = "gateway", "broker", "store"
LINKS = frozenset({Kind.CUT, Kind.HALF, Kind.LOSS, Kind.SLOW, Kind.JITTER})
HOUR = 3600.0
_SECONDS = {
    Kind.KILL: (0.3, 3.0),
    Kind.TERM: (0.3, 3.0),
    Kind.CUT: (1.0, 6.0),
    Kind.HALF: (2.0, 6.0),
    Kind.LOSS: (4.0, 8.0),
    Kind.SLOW: (4.0, 8.0),
    Kind.JITTER: (5.0, 10.0),
    Kind.FULL: (3.0, 6.0),
    Kind.STEP: (5.0, 14.0),
}
"""How long a fault lasts, the least and the most."""
_LONG = (20.0, 45.0)
"""The same, of one link fault in four of a long round: beyond what a keepalive waits."""
_LONG_ROUND = 120.0
_AGENT_WEIGHT = 3
"""How much oftener an agent is hit than what all of them need; and a process, than a link, a disk or a clock."""
_KILL_WEIGHT = 3
_EVERY = 2.5
"""Seconds to each fault, beside one of each kind."""
_GAP = 1.0
"""Seconds between two faults of one target."""
_AFTER_FULL = 3.0
"""The same after a full disk: what was only in memory needs its time to get there."""
_BACKLOG = 12.0
"""Seconds of the cut that leaves a backlog at the end of the round."""
_LEAD = 2.0
_TRIES = 200


class Fault(NamedTuple):
    """One fault. Times are seconds from the beginning of the round."""

    kind: Kind
    target: str
    at: float
    until: float
    amount: float = 0.0
    """Seconds of a step; the direction, 0 in and 1 out, of what is half open."""


class Flip(NamedTuple):
    """One mains failure of a device."""

    device: str
    at: float
    until: float


Abilities = Mapping[str, Collection[Kind]]
"""Target → what can be done to it here."""


def schedule(seed: int, seconds: float, abilities: Abilities) -> list[Fault]:
    """Return the faults of a round, in their order.

    Every kind that is possible comes at least once; all are over at the end. The last one is a cut of an agent's link,
    so that the end finds a backlog under way and nothing else wrong.
    """
    rng = random.Random(f"{seed} {seconds} faults")
    found: list[Fault] = []
    kinds = [kind for kind in Kind if any(kind in able for able in abilities.values())]
    cuttable = [target for target in AGENTS if Kind.CUT in abilities.get(target, ())]
    if cuttable and seconds > 2 * _BACKLOG:
        target = rng.choice(cuttable)
        found.append(Fault(Kind.CUT, target, seconds - _BACKLOG, seconds))
    for kind in kinds:
        targets = [target for target, able in abilities.items() if kind in able]
        _place(found, rng, kind, targets, seconds)
    everything = [(target, kind) for target, able in abilities.items() for kind in Kind if kind in able]
    weights = [
        (_AGENT_WEIGHT if target in AGENTS else 1) * (_KILL_WEIGHT if kind is Kind.KILL else 1)
        for target, kind in everything
    ]
    for _ in range(round(seconds / _EVERY)):
        if everything:
            target, kind = rng.choices(everything, weights)[0]
            _place(found, rng, kind, [target], seconds)
    return sorted(found, key=lambda fault: fault.at)


def flips(seed: int, seconds: float, devices: Collection[str], *, every: float = 1.6) -> list[Flip]:
    """Return the mains failures of a round: of one device or another every few seconds, each some seconds long."""
    rng = random.Random(f"{seed} {seconds} flips")
    found: list[Flip] = []
    at = 1.0
    while at < seconds - 4.0:
        device = rng.choice(sorted(devices))
        if not any(flip.device == device and at < flip.until + 2.0 for flip in found):
            found.append(Flip(device, round(at, 2), round(at + rng.uniform(1.5, 3.5), 2)))
        at += rng.uniform(0.4 * every, 1.6 * every)
    return found


def conflict(one: Fault, other: Fault) -> bool:
    """Say whether two faults must not be: of one target, too near to each other.

    Nor may the gateway's clock and an agent's be stepped at once: two that are wrong in the same way cannot be told from
    two that are right.
    """
    if one.kind is other.kind is Kind.STEP and GATEWAY in (one.target, other.target):
        return max(one.at, other.at) < min(one.until, other.until) + _GAP
    if one.target != other.target or (one.kind is Kind.STEP) != (other.kind is Kind.STEP):
        return False
    first, second = sorted((one, other), key=lambda fault: fault.at)
    return second.at < first.until + (_AFTER_FULL if first.kind is Kind.FULL else _GAP)


def _place(found: list[Fault], rng: random.Random, kind: Kind, targets: list[str], seconds: float) -> None:
    """Add one fault where it fits, if it fits anywhere."""
    for _ in range(_TRIES):
        least, most = _SECONDS[kind]
        if kind in LINKS and seconds >= _LONG_ROUND and rng.random() < 0.25:
            least, most = _LONG
        lasts = rng.uniform(least, most)
        if lasts > seconds - _LEAD - 1.0:
            continue
        at = rng.uniform(_LEAD, seconds - lasts)
        amount = {Kind.STEP: rng.choice((-HOUR, HOUR)), Kind.HALF: float(rng.randrange(2))}.get(kind, 0.0)
        fault = Fault(kind, rng.choice(targets), round(at, 2), round(at + lasts, 2), amount)
        if not any(conflict(fault, other) for other in found):
            found.append(fault)
            return
