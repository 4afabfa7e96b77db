"""Rules about triggers: what can put a clause in force, how grave it is said to be, and when people may be woken."""

from collections import Counter
from collections.abc import Iterable, Iterator

from contract.condition import Severity
from contract.locate import Path
from contract.settings import did_you_mean
from gateway.plan.lint.site import COMMAND, Common, Found, Grade, Placed, Site
from gateway.plan.model import Certainty, Level, Trigger, Urgency, Wake, keys_of

COMING = ("arrival", "fleet", "vehicle", "weather")
"""Kinds that the plan is about and no agent reads yet; their clauses come into force by people's reports."""
_SLOW = 600.0
"""Seconds: what asks for action at once does not wait longer for people to be told."""


def unknown_kind(site: Site) -> Iterator[Found]:
    """Kinds of devices that there are none of."""
    known = site.fleet.every_kind()
    for placed in site.clauses if known else ():
        for index, kind in enumerate(placed.clause.kinds):
            if kind in COMING and kind not in known:
                what = f"no agent reads a {kind!r} yet: until one does, people report it"
                yield placed.found(("kinds", index), what, "wolfsmoke-gateway report", Grade.NOTE)
            elif kind not in known:
                yield placed.found(
                    ("kinds", index), f"no kind of device {kind!r}", did_you_mean(kind, known), Grade.ERROR
                )
    for common in site.common if known else ():
        for index, kind in enumerate(common.trigger.kinds):
            if kind not in known:
                yield common.found(
                    ("kinds", index), f"no kind of device {kind!r}", did_you_mean(kind, known), Grade.ERROR
                )


def unreachable(site: Site) -> Iterator[Found]:
    """Conditions that nothing raises, on devices of none of the kinds that the trigger is about."""
    known = site.fleet.every_kind()
    if not site.fleet.kinds or not site.fleet.sure:
        return
    for placed, at, trigger in site.triggers():
        kinds = [kind for kind in placed.clause.kinds_of(trigger) if kind in known]
        yield from _unreachable(site, placed, at, trigger, kinds)
    for common in site.common:
        kinds = sorted(set(common.trigger.kinds) & known) or sorted(known)
        yield from _unreachable(site, common, (), common.trigger, kinds)


def _unreachable(site: Site, placed: Placed | Common, at: Path, trigger: Trigger, kinds: list[str]) -> Iterator[Found]:
    names = [watch.name for kind in kinds for watch in site.fleet.kinds.get(kind, ())]
    for name in trigger.names:
        if kinds and not any(site.fleet.raises(kind, name) for kind in kinds):
            what = f"nothing raises {name!r} on {' or '.join(kinds)}: this never comes into force"
            yield placed.found((*at, *_named(trigger, name)), what, did_you_mean(name, names), Grade.ERROR)


def named_twice(site: Site) -> Iterator[Found]:
    """Names that stand twice in one list."""
    for placed in site.clauses:
        for key, names in (("kinds", placed.clause.kinds), ("departments", placed.clause.departments)):
            yield from _twice(placed, (key,), names)
        for index, trigger in placed.triggers:
            for key, names in (
                ("kinds", trigger.kinds),
                ("devices", trigger.devices),
                ("conditions", trigger.conditions),
            ):
                yield from _twice(placed, ("trigger", index, key), names)
    for common in site.common:
        yield from _twice(common, ("conditions",), common.trigger.conditions)


def _twice(placed: Placed | Common, path: Path, names: Iterable[str]) -> Iterator[Found]:
    for name, count in Counter(names).items():
        if count > 1:
            yield placed.found(path, f"{name!r} stands in it {count} times", "once is enough; was another one meant?")


def common_twice(site: Site) -> Iterator[Found]:
    """Two common triggers for one condition, of which only the first counts."""
    every = site.fleet.every_kind()
    taken: dict[tuple[str, str, str], Common] = {}
    for common in site.common:
        keys = list(keys_of(common.trigger, common.trigger.kinds or sorted(every) or [""]))
        for key in keys:
            if key in taken:
                other = taken[key]
                where = f"{other.file} has one already" if other.file != common.file else "there is one already"
                what = f"a second common trigger for {key[1]!r}: {where}"
                yield common.found(_named(common.trigger, key[1]), what, "put the two together", Grade.ERROR)
                break
        for key in keys:
            taken.setdefault(key, common)


def common_unused(site: Site) -> Iterator[Found]:
    """Common triggers that every clause says otherwise, so that they never count."""
    if not site.whole or not site.clauses:
        return
    kinds = {kind for placed in site.clauses for kind in placed.clause.kinds}
    said = {
        (kind, name)
        for placed, _, trigger in site.triggers()
        for kind, name, device in keys_of(trigger, placed.clause.kinds_of(trigger))
        if not device
    }
    for common in site.common:
        meant = set(common.trigger.kinds) & kinds or (set() if common.trigger.kinds else kinds)
        for name in common.trigger.names:
            if meant and all((kind, name) in said for kind in meant):
                what = f"{name!r} is said otherwise by a clause for every kind of device: this never counts"
                yield common.found(_named(common.trigger, name), what, "take it away, here or there")


def wakes_for_a_finding(site: Site) -> Iterator[Found]:
    """Findings that wake people."""
    for placed, at, trigger in _all(site):
        if trigger.level is Level.FINDING and trigger.wake is Wake.NIGHT:
            what = f"{_who(trigger)} is a finding, and wakes people"
            yield placed.found((*at, "wake"), what, 'write wake = "working", or raise the level')
        elif trigger.urgency is Urgency.FUTURE and trigger.wake is Wake.NIGHT:
            what = f"{_who(trigger)} is urgent in the future only, and wakes people"
            yield placed.found((*at, "wake"), what, 'write wake = "working", or urgency = "expected"')


def grave_waits(site: Site) -> Iterator[Found]:
    """What is grave, and waits for the morning."""
    for placed, at, trigger in _all(site):
        if trigger.wake is Wake.NIGHT:
            continue
        if trigger.level is Level.MAJOR:
            what = f"{_who(trigger)} is major, and waits for {_until(trigger)}"
            yield placed.found((*at, "wake"), what, 'write wake = "night"', Grade.ERROR)
        elif trigger.severity is Severity.EXTREME:
            what = f"{_who(trigger)} is extreme, and waits for {_until(trigger)}"
            yield placed.found((*at, "wake"), what, 'write wake = "night", or a severity that can wait')


def grave_finding(site: Site) -> Iterator[Found]:
    """Findings that are said to be of the gravest kind: a finding has no time limit."""
    for placed, at, trigger in _all(site):
        if trigger.level is Level.FINDING and trigger.severity is Severity.EXTREME:
            what = f"{_who(trigger)} is extreme, and only a finding: it has no time limit"
            yield placed.found((*at, "level"), what, 'write level = "partial", or a lesser severity')


def doubtful_major(site: Site) -> Iterator[Found]:
    """Headquarters called for what is only possible."""
    for placed, at, trigger in _all(site):
        if trigger.level is Level.MAJOR and trigger.certainty is Certainty.POSSIBLE:
            what = f"{_who(trigger)} is only possible, and calls the headquarters"
            yield placed.found((*at, "certainty"), what, 'write level = "partial": a person makes it major')


def major_without_head(site: Site) -> Iterator[Found]:
    """Major triggers in clauses whose ladder does not reach the command group."""
    for placed, at, trigger in site.triggers():
        rungs = placed.clause.escalation.rung
        if trigger.level is Level.MAJOR and rungs and all(rung.department != COMMAND for rung in rungs):
            what = f"{_who(trigger)} is major, and the ladder does not reach {COMMAND!r}"
            hint = f'add {{ department = "{COMMAND}", role = "head", after = "…" }} to the rungs'
            yield placed.found((*at, "level"), what, hint, Grade.ERROR)


def slow_to_tell(site: Site) -> Iterator[Found]:
    """What asks for action at once, and holds people back for long."""
    for placed, at, trigger in _all(site):
        if trigger.urgency is Urgency.IMMEDIATE and trigger.page_after > _SLOW:
            what = f"{_who(trigger)} is immediate, and people are told after {trigger.page_after / 60:g} minutes"
            yield placed.found((*at, "page_after"), what, "shorten it, or say that it is less urgent")


def told_after_the_deadline(site: Site) -> Iterator[Found]:
    """Paging delays that are longer than the time limit."""
    for placed, at, trigger in site.triggers():
        if trigger.page_after >= placed.clause.deadline.span:
            what = f"people are told of {_who(trigger)} when the time limit has passed"
            yield placed.found((*at, "page_after"), what, "shorten page_after, or lengthen deadline", Grade.ERROR)


def _all(site: Site) -> Iterator[tuple[Placed | Common, Path, Trigger]]:
    yield from site.triggers()
    for common in site.common:
        yield common, (), common.trigger


def _named(trigger: Trigger, name: str) -> Path:
    return ("condition",) if trigger.condition else ("conditions", trigger.conditions.index(name))


def _who(trigger: Trigger) -> str:
    return " and ".join(repr(name) for name in trigger.names[:1]) + (" …" if len(trigger.names) > 1 else "")


def _until(trigger: Trigger) -> str:
    return "the digest" if trigger.wake is Wake.DIGEST else "working hours"
