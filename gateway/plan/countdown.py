"""How long a UPS on battery lasts, and what hands are to switch off by when, so that it lasts as promised. Pure.

The product switches nothing off. It reckons so: a battery holds ``runtime`` at ``load``, so at another load it holds
``runtime * load / other``. That is on the safe side, for a battery that is drawn on less gives more (Peukert).

With ``short`` the energy that is missing for the promise, the first *k* entries of the list, taking *S* together, have to
be off ``short / S`` seconds before the promised end at the latest. That moment stands still while nobody does anything and
the load stays as it is. Once it has passed, more has to go: *k* only rises as time goes on.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import msgspec

from gateway.plan.outward_model import HANDS, Load

SLACK: Final = 0.05
"""Of the time to go: by so much more must it hold without an entry, before the entry is taken off the list again."""
MATERIAL: Final = 0.1
"""Of the time to go: what moves by less is no news."""
LEAST: Final = 120.0
"""Seconds: what moves by less is no news either."""


class Supply(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a UPS on battery. Times are the gateway's wall clock."""

    at: float
    """When it was measured."""
    runtime: float | None
    """Seconds left from then; None: not known."""
    error: float = 0.0
    """By how many seconds that may be wrong."""
    claimed: bool = False
    """It is what the UPS claims."""
    load: float | None
    """W, or percent of the rated power: the same as the list's amounts."""


class Sheddable(msgspec.Struct, frozen=True):
    """An entry of the list, and what it takes in the unit of the load; None: cannot be said."""

    index: int
    load: Load
    amount: float | None


class Off(msgspec.Struct, frozen=True, kw_only=True):
    """Something to switch off."""

    index: int = 0
    """In the clause's lists, counted on from one to the next, from 0."""
    zh: str = ""
    en: str = ""
    owner: str = ""
    """The department."""
    by: float = 0.0
    """Wall time at the latest; 0: it cannot be said when."""


class Countdown(msgspec.Struct, frozen=True, kw_only=True):
    """What an incident carries while a UPS is on battery. Times are the gateway's wall clock, 0 for none."""

    device: str = ""
    """The UPS: site, agent and device, with slashes."""
    place: str = ""
    """Where it is, for people."""
    at: float = 0.0
    """Of the readings that it comes from."""
    ends: float = 0.0
    """The predicted end; 0: not known."""
    claimed: bool = False
    """It is what the UPS claims: no discharge has taught better."""
    promised: float = 0.0
    reach: float = 0.0
    """The end if all of ``off`` were off now."""
    short: bool = False
    """Not even that reaches the promise."""
    off: tuple[Off, ...] = ()
    """The most dispensable first."""
    done: tuple[int, ...] = ()
    """What hands have switched off, by index."""
    graver: float = 0.0
    """When the advice last became more pressing."""


def amounts(
    loads: Sequence[tuple[int, Load]], *, watts: float | None, percent: float | None, nominal: float | None
) -> tuple[float | None, tuple[Sheddable, ...]]:
    """Return the load and what each entry takes in one unit: W if they can be had, else percent of the rated power.

    Args:
        loads: the list, each with its number in the clause.
        watts: the load in W.
        percent: the load in percent of the rated power.
        nominal: the rated power, W.
    """
    if not nominal and watts and percent:
        nominal = watts / percent * 100.0
    if watts is None and percent is not None and nominal:
        watts = percent / 100.0 * nominal
    rows = []
    for index, load in loads:
        if watts is None:
            amount = load.percent
        elif load.watts is not None:
            amount = load.watts
        else:
            amount = load.percent / 100.0 * nominal if load.percent is not None and nominal else None
        rows.append(Sheddable(index, load, amount))
    return (percent if watts is None else watts), tuple(rows)


def lasts(supply: Supply, load: float) -> float:
    """Return for how many seconds the battery holds at another load, on the safe side; ``load`` above nought."""
    if supply.runtime is None or supply.load is None:
        return 0.0
    return max(0.0, supply.runtime - supply.error) * supply.load / load


def advise(
    supply: Supply,
    promised: float,
    loads: Sequence[Sheddable],
    *,
    now: float,
    hands: float = HANDS,
    before: Countdown | None = None,
) -> Countdown:
    """Return what is to be expected, and to be done.

    Args:
        supply: what the UPS says.
        promised: until when it is to hold; 0: nothing is promised.
        loads: what it feeds, the most dispensable first.
        now: wall time.
        hands: seconds that people need.
        before: what was said last; the list shrinks only where there is room enough.
    """
    done = before.done if before else ()
    usable = [one for one in loads if not one.load.keep and one.index not in done]
    if supply.runtime is None:
        asked = usable if promised > now else []
        return Countdown(at=supply.at, promised=promised, off=tuple(_off(one, 0.0) for one in asked), done=done)
    ends = supply.at + supply.runtime
    said = Countdown(at=supply.at, ends=ends, claimed=supply.claimed, promised=promised, done=done)
    left = promised - supply.at
    if not promised or left <= 0 or promised <= now:
        return said
    if not supply.load or supply.load < 0:
        short = supply.runtime - supply.error < left
        return msgspec.structs.replace(said, short=short, off=tuple(_off(one, 0.0) for one in usable if short))
    counted = [one for one in usable if one.amount]
    saved = _saved(counted, supply.load, sum(one.amount or 0.0 for one in loads if one.load.keep))
    listed = {one.index for one in before.off} if before else set()
    count, latest = _how_many(supply, left, saved, now + hands)
    again = sum(one.index in listed for one in counted)
    if again > count:  # what was on the list stays there, until the promise holds without it, and with room
        with_room, latest_then = _how_many(supply, left * (1.0 + SLACK), saved, now + hands)
        kept = min(again, with_room)
        if kept > count:
            count = kept
            latest = latest_then if kept == with_room else _latest(supply, left * (1.0 + SLACK), saved[kept - 1])
    if not count:
        return msgspec.structs.replace(said, short=lasts(supply, supply.load) < left)
    reach = supply.at + lasts(supply, max(supply.load - saved[count - 1], supply.load * 0.01))
    by = min(latest, promised)
    return msgspec.structs.replace(
        said,
        reach=reach,
        short=by < now and reach < promised,
        off=tuple(_off(one, max(by, now)) for one in counted[:count]),
    )


def _off(one: Sheddable, by: float) -> Off:
    return Off(index=one.index, zh=one.load.zh, en=one.load.en, owner=one.load.by, by=by)


def _saved(counted: Sequence[Sheddable], load: float, kept: float) -> list[float]:
    """Return what the first entry, the first two … save: never more than is drawn beside what is kept."""
    total, sums = 0.0, []
    for one in counted:
        total += one.amount or 0.0
        sums.append(min(total, max(0.0, load - kept)))
    return sums


def _latest(supply: Supply, left: float, saved: float) -> float:
    """Return until when loads that take ``saved`` have to be off, so that it holds for ``left`` seconds."""
    missing = (supply.load or 0.0) * left - max(0.0, (supply.runtime or 0.0) - supply.error) * (supply.load or 0.0)
    return supply.at + left - missing / saved if saved > 0 else supply.at


def _how_many(supply: Supply, left: float, saved: Sequence[float], ready: float) -> tuple[int, float]:
    """Return how many entries have to go, and until when (wall); all of them, where the time is too short for fewer."""
    if lasts(supply, supply.load or 1.0) >= left:
        return 0, 0.0
    for count, amount in enumerate(saved, 1):
        latest = _latest(supply, left, amount)
        if latest >= ready:
            return count, latest
    return len(saved), _latest(supply, left, saved[-1]) if saved else 0.0


def is_news(before: Countdown | None, after: Countdown, now: float) -> bool:
    """Say whether what is said now differs from what was said last by enough to be worth an event."""
    if before is None:
        return True
    if (before.short, _indices(before)) != (after.short, _indices(after)):
        return True
    pairs = [(before.ends, after.ends), (before.promised, after.promised)]
    pairs += [(old.by, new.by) for old, new in zip(before.off, after.off, strict=True)]
    return any(_moved(old, new, now) for old, new in pairs)


def is_graver(before: Countdown | None, after: Countdown, now: float) -> bool:
    """Say whether people have to do more, or sooner, than they were told."""
    if before is None:
        return bool(after.off) or after.short
    if (after.short and not before.short) or set(_indices(after)) - set(_indices(before)):
        return True
    was = {one.index: one.by for one in before.off}
    return any(one.by < was[one.index] and _moved(was[one.index], one.by, now) for one in after.off)


def _indices(countdown: Countdown) -> tuple[int, ...]:
    return tuple(one.index for one in countdown.off)


def _moved(old: float, new: float, now: float) -> bool:
    if not old or not new:
        return bool(old) is not bool(new)
    return abs(new - old) > max(LEAST, MATERIAL * (old - now))


def after(countdowns: Sequence[Countdown], kind: str, data: Mapping[str, Any]) -> tuple[Countdown, ...]:
    """Return the countdowns after an event of their incident; what hands have switched off stays off until it is over."""
    match kind:
        case "countdown":
            name = str(data.get("device", ""))
            others = tuple(one for one in countdowns if one.device != name)
            if data.get("over"):
                return others
            new = msgspec.convert(dict(data), Countdown, strict=False)
            done = {index for one in countdowns if one.device == name for index in one.done}
            new = msgspec.structs.replace(new, done=tuple(sorted({*done, *new.done})))
            return tuple(sorted((*others, new), key=lambda one: one.device))
        case "shed":
            return tuple(shed(one, int(data.get("index", 0))) for one in countdowns)
        case "cause-gone" | "closed":
            return ()
        case _:
            return tuple(countdowns)


def shed(countdown: Countdown, index: int) -> Countdown:
    """Return the countdown after hands have switched something off."""
    off = tuple(one for one in countdown.off if one.index != index)
    return msgspec.structs.replace(countdown, off=off, done=tuple(sorted({*countdown.done, index})))


def moved(countdown: Countdown, by: float) -> Countdown:
    """Return the countdown after the gateway's clock was put right by so many seconds."""

    def at(wall: float) -> float:
        return wall + by if wall else wall

    return msgspec.structs.replace(
        countdown,
        at=at(countdown.at),
        ends=at(countdown.ends),
        promised=at(countdown.promised),
        reach=at(countdown.reach),
        graver=at(countdown.graver),
        off=tuple(msgspec.structs.replace(one, by=at(one.by)) for one in countdown.off),
    )


def to_hear(countdowns: Sequence[Countdown], heard: Mapping[str, float], people: Collection[str]) -> tuple[str, ...]:
    """Return those to whom no message came since the advice became more pressing.

    Args:
        countdowns: of the incident.
        heard: person → when the last message came to them (wall).
        people: who is to know.
    """
    graver = max((one.graver for one in countdowns), default=0.0)
    return tuple(person for person in people if heard.get(person, 0.0) < graver)
