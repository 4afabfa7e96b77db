"""Suppression by design: which alarms keep which others quiet, and when. Pure; each alarm costs the rules, not the alarms."""

from collections.abc import Callable, Hashable, Iterator
from typing import Final

from gateway.alarms.model import Count, Rules, Suppress, While
from gateway.alarms.standing import Known
from gateway.incident import Source
from gateway.plan.model import Words

Scope = Callable[[Source], Hashable]
_SCOPES: Final[dict[str, Scope]] = {
    "site": lambda source: source.site,
    "agent": lambda source: (source.site, source.agent),
    "device": lambda source: source.key,
    "any": lambda _source: None,
}


class _Rule:
    """One rule, the alarms that keep it in force now, and those that it keeps quiet then; both by where they are."""

    def __init__(self, rule: Suppress, scope: Scope) -> None:
        self.rule = rule
        self.scope = scope
        self.causes: dict[Hashable, set[str]] = {}
        self.effects: dict[Hashable, set[str]] = {}

    def holds(self, known: Known) -> bool:
        """Say whether one of its causes, and not the alarm itself, stands near enough."""
        return self.rule.cause is None or bool(self.causes.get(self.scope(known.source), set()) - {known.id})

    def changed(self, known: Known, there: set[str]) -> set[str]:
        """Return the alarms for which it matters that a cause came or went; ``there`` are the others.

        The first one matters to all; the second to the first, which does not keep itself quiet.
        """
        if len(there) > 1:
            return set()
        return there or self.effects.get(self.scope(known.source), set())


class Suppression:
    """All the rules."""

    def __init__(self, rules: Rules, utc_offset: float) -> None:
        """Take the rules, and the site's time in seconds ahead of UTC."""
        self._utc_offset = utc_offset
        self._rules = [_Rule(rule, _SCOPES[rule.same]) for rule in rules.suppress]
        self._rules += [_instead(count) for count in rules.count if count.instead]
        self._by_cause: dict[str, list[_Rule]] = {}
        self._by_effect: dict[str, list[_Rule]] = {}
        for rule in self._rules:
            for condition in rule.rule.cause.conditions if rule.rule.cause else ():
                self._by_cause.setdefault(condition, []).append(rule)
            for condition in rule.rule.conditions:
                self._by_effect.setdefault(condition, []).append(rule)
        self._hours: tuple[bool, ...] | None = None

    def why(self, known: Known, wall: float) -> Words | None:
        """Return why an alarm is suppressed now; None: it is not."""
        for one in self._quieting(known):
            if one.rule.in_hours(wall, self._utc_offset) and one.holds(known):
                return one.rule.why
        return None

    def began(self, known: Known, *, cause: bool) -> set[str]:
        """Take an alarm that stands; return those (by id) that it may have quieted.

        Args:
            known: the alarm.
            cause: whether it may keep others quiet.
        """
        changed: set[str] = set()
        for one in self._quieting(known):
            one.effects.setdefault(one.scope(known.source), set()).add(known.id)
        for one in self._kept_by(known) if cause else ():
            there = one.causes.setdefault(one.scope(known.source), set())
            changed |= one.changed(known, there - {known.id})
            there.add(known.id)
        return changed

    def ended(self, known: Known) -> set[str]:
        """Take its end; return those (by id) that it may have kept quiet."""
        changed: set[str] = set()
        for one in self._quieting(known):
            _discard(one.effects, one.scope(known.source), known.id)
        for one in self._kept_by(known):
            scope = one.scope(known.source)
            if known.id in one.causes.get(scope, ()):
                _discard(one.causes, scope, known.id)
                changed |= one.changed(known, one.causes.get(scope, set()))
        return changed

    def anew(self) -> None:
        """Begin again: some were put out of service, or back."""
        for one in self._rules:
            one.causes.clear()
            one.effects.clear()

    def turned(self, wall: float) -> set[str]:
        """Return the alarms (by id) of those rules whose hours began or ended since it was last asked."""
        hours = tuple(one.rule.in_hours(wall, self._utc_offset) for one in self._rules)
        before, self._hours = self._hours or hours, hours
        turned = [one for one, old, new in zip(self._rules, before, hours, strict=True) if old is not new]
        return {name for one in turned for names in one.effects.values() for name in names}

    def _kept_by(self, known: Known) -> Iterator[_Rule]:
        """Yield the rules of which an alarm is a cause."""
        for one in self._by_cause.get(known.condition, ()):
            if one.rule.cause is not None and one.rule.cause.covers(known.source):
                yield one

    def _quieting(self, known: Known) -> Iterator[_Rule]:
        """Yield the rules that may quiet an alarm."""
        return (one for one in self._by_effect.get(known.condition, ()) if one.rule.covers(known.source))


def _discard(index: dict[Hashable, set[str]], scope: Hashable, name: str) -> None:
    there = index.get(scope, set())
    there.discard(name)
    if not there:
        index.pop(scope, None)


def _instead(count: Count) -> _Rule:
    """Return the rule by which one alarm stands for those that it counts."""
    cause = While(conditions=(count.name,))
    title = count.title
    why = Words(f"已由“{title.zh}”合并报警", f"{title.en}: one alarm for all of them")
    where = {name: getattr(count, name) for name in ("sites", "agents", "kinds", "devices")}
    rule = Suppress(conditions=count.conditions, why=why, cause=cause, **where)
    if count.each == "site":
        return _Rule(rule, lambda source: (source.site, source.kind))
    return _Rule(rule, lambda source: source.kind)
