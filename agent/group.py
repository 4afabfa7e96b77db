"""Several devices of which so many must be ready, and which spare takes over from whom. Pure.

A member of which nobody knows is not ready, and not down either: a group is short only if it is so whatever the unknown ones
are, and has enough only by those that are known to be ready. A spare that has taken over stays where it is until the member
is back, and is never given away twice.
"""

from collections.abc import Mapping, Sequence

import msgspec


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Who there is, and how many are wanted."""

    members: tuple[str, ...]
    """In the order in which spares are given to them."""
    spares: tuple[str, ...] = ()
    """In the order in which they are given; none: whoever is ready beyond the need is a spare."""
    need: int
    reserve: int
    """Spares that should be ready."""


class Tally(msgspec.Struct, frozen=True):
    """What the group amounts to."""

    ready: int
    unknown: int
    down: tuple[str, ...]
    takeover: dict[str, str]
    """Member that is down → its spare."""
    spare: int
    """Spares that are ready and not taken."""
    flags: tuple[str, ...]


def tally(wanted: Wanted, ready: Mapping[str, bool | None], before: Mapping[str, str]) -> Tally:
    """Count.

    Args:
        wanted: who there is.
        ready: of each of them; None is not known.
        before: who had taken over from whom at the last look.
    """
    everybody = (*wanted.members, *wanted.spares)
    count = sum(ready[each] is True for each in everybody)
    unknown = sum(ready[each] is None for each in everybody)
    takeover = _takeover(wanted, ready, before)
    if wanted.spares:
        free = [each for each in wanted.spares if each not in takeover.values()]
        spare = sum(ready[each] is True for each in free)
        maybe = sum(ready[each] is None for each in free)
    else:
        spare = max(0, count - wanted.need)
        maybe = max(0, count + unknown - wanted.need) - spare
    flags = {"UNKNOWN"} if unknown else set()
    if count >= wanted.need:
        flags.add("ENOUGH")
    elif count + unknown < wanted.need:
        flags.add("SHORT")
    if any(ready[each] is False for each in wanted.members):
        flags.add("DEGRADED")
    elif all(ready[each] for each in wanted.members):
        flags.add("WHOLE")
    flags |= _reserve(spare, maybe, wanted.reserve)
    down = tuple(each for each in everybody if ready[each] is False)
    return Tally(count, unknown, down, takeover, spare, tuple(sorted(flags)))


def counted(value: float | None, need: float) -> tuple[str, ...]:
    """Return the flags of a number that one device says, such as its spare ports, against a need."""
    if value is None:
        return ("UNKNOWN",)
    return ("ENOUGH",) if value >= need else ("SHORT",)


def _reserve(spare: int, maybe: int, reserve: int) -> set[str]:
    if spare >= reserve:
        return {"SPARED"}
    if spare + maybe == 0:
        return {"NOSPARE"}
    return {"SPARELOW"} if spare + maybe < reserve else set()


def _takeover(wanted: Wanted, ready: Mapping[str, bool | None], before: Mapping[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for member in wanted.members:
        spare = before.get(member)
        back = ready[member] is True
        if spare in wanted.spares and not back and ready[spare] is not False and spare not in found.values():
            found[member] = spare
    for member in wanted.members:
        if ready[member] is not False or member in found:
            continue
        free = (each for each in wanted.spares if ready[each] and each not in found.values())
        spare = next(free, None)
        if spare is not None:
            found[member] = spare
    return found


def spoken(takeover: Mapping[str, str], order: Sequence[str]) -> str:
    """Return who takes over from whom, for people: ``seat-3 → spare-1``, in the order of the members."""
    return "; ".join(f"{each} → {takeover[each]}" for each in order if each in takeover)
