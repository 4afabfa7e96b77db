"""Suppression by design: which alarms keep which others quiet, and when. Pure; each alarm costs the rules, not the alarms."""

from collections.abc import Callable, Hashable, Iterable, Iterator
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
    """One rule, and the alarms that keep it in force now, by where they are."""

    def __init__(self, rule: Suppress, scope: Scope) -> None:
        self.rule = rule
        self.scope = scope
        self.causes: dict[Hashable, set[str]] = {}

    def holds(self, known: Known) -> bool:
        """Say whether one of its causes, and not the alarm itself, stands near enough."""
        return self.rule.cause is None or bool(self.causes.get(self.scope(known.source), set()) - {known.id})


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
        for one in self._by_effect.get(known.condition, ()):
            rule = one.rule
            if rule.covers(known.source) and rule.in_hours(wall, self._utc_offset) and one.holds(known):
                return rule.why
        return None

    def began(self, known: Known) -> frozenset[str]:
        """Take an alarm that may keep others quiet; return the conditions that it may have changed."""
        changed: set[str] = set()
        for one in self._touched(known):
            there = one.causes.setdefault(one.scope(known.source), set())
            if not there or len(there) == 1:  # the second one counts for the first, which does not keep itself quiet
                changed.update(one.rule.conditions)
            there.add(known.id)
        return frozenset(changed)

    def ended(self, known: Known) -> frozenset[str]:
        """Take its end; return the conditions that it may have changed."""
        changed: set[str] = set()
        for one in self._touched(known):
            scope = one.scope(known.source)
            there = one.causes.get(scope, set())
            there.discard(known.id)
            if len(there) <= 1:
                changed.update(one.rule.conditions)
            if not there:
                one.causes.pop(scope, None)
        return frozenset(changed)

    def anew(self, causes: Iterable[Known]) -> None:
        """Begin again with these alarms: some were put out of service, or back."""
        for one in self._rules:
            one.causes.clear()
        for known in causes:
            self.began(known)

    def turned(self, wall: float) -> frozenset[str]:
        """Return the conditions of those rules whose hours began or ended since it was last asked."""
        hours = tuple(one.rule.in_hours(wall, self._utc_offset) for one in self._rules)
        before, self._hours = self._hours or hours, hours
        turned = [one.rule for one, old, new in zip(self._rules, before, hours, strict=True) if old is not new]
        return frozenset(condition for rule in turned for condition in rule.conditions)

    def _touched(self, known: Known) -> Iterator[_Rule]:
        for one in self._by_cause.get(known.condition, ()):
            if one.rule.cause is not None and one.rule.cause.covers(known.source):
                yield one


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
