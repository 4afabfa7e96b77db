"""Plan files to clauses: every problem of every file in one listing. Pure: texts come in."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Protocol

import msgspec

from contract.errors import ConfigError, Problem
from contract.locate import Locator, Path, dotted
from contract.settings import did_you_mean, load
from gateway.board import words
from gateway.plan import outward_model
from gateway.plan.model import UNSAID, Clause, Key, Plan, PlanFile, Trigger, Words, keys_of

_NAMES = words.Words("zh")
_ENGLISH = words.Words("en")


class Holders(Protocol):
    """A department, as far as the plan looks at it."""

    def holder(self, role: str) -> str:
        """Return who has a role in it; an empty text where nobody has."""
        ...


def load_plan(
    texts: Mapping[str, str],
    departments: Mapping[str, Holders] | None = None,
    webhooks: Collection[str] | None = None,
) -> Plan:
    """Return the plan.

    Args:
        texts: file name → its text.
        departments: those of the contacts, by key; None leaves them unchecked.
        webhooks: those of the gateway's settings; None leaves them unchecked.

    Raises:
        ConfigError: with every problem of all the files.
    """
    problems: list[Problem] = []
    clauses: list[Clause] = []
    common: list[Trigger] = []
    taken: dict[str, str] = {}
    by_condition: dict[Key, str] = {}
    named = outward_model.Named(*(None if names is None else frozenset(names) for names in (departments, webhooks)))
    places: list[tuple[str, Locator, Path, str, Trigger]] = []
    for file, text in sorted(texts.items()):
        try:
            loaded = load(PlanFile, text, file=file)
        except ConfigError as error:
            problems.extend(error.problems)
            continue
        locator = Locator(text)
        common.extend(loaded.trigger)
        for index, clause in enumerate(loaded.clause):
            at: Path = ("clause", index)
            for path, what, hint in (*_misfits(clause, departments, taken, by_condition), *_outward(clause, named)):
                where = (*at, *path)
                problems.append(Problem(file, locator.line(where), dotted(where), what, hint))
            taken.setdefault(clause.clause, file)
            for trigger in clause.trigger:
                for key in keys_of(trigger, clause.kinds_of(trigger)):
                    by_condition.setdefault(key, clause.clause)
            places += [
                (file, locator, (*at, "trigger", one, "beside"), clause.clause, trigger)
                for one, trigger in enumerate(clause.trigger)
                if trigger.beside
            ]
            clauses.append(clause)
    problems.extend(_lonely(places, taken))
    if not texts:
        problems.append(Problem("plan", 0, "", "no plan file", "put at least one *.toml into the plan's folder"))
    elif not clauses and not problems:
        problems.append(Problem(min(texts), 0, "", "no clause in the whole plan", "add a [[clause]]"))
    if problems:
        raise ConfigError(problems)
    return Plan(tuple(_with_common([_single(clause) for clause in clauses], [*_each(common)])))


def _outward(clause: Clause, named: outward_model.Named) -> Iterator[tuple[Path, str, str]]:
    conditions = frozenset(name for trigger in clause.trigger for name in trigger.names)
    return outward_model.misfits(clause.shedding, clause.webhook, clause.output, conditions, named)


def _lonely(places: Iterable[tuple[str, Locator, Path, str, Trigger]], known: Mapping[str, str]) -> Iterator[Problem]:
    """Yield the clauses that should come into force beside another, and cannot."""
    for file, locator, path, clause, trigger in places:
        for number in trigger.beside:
            line, hint = locator.line(path), did_you_mean(number, known)
            if number == clause:
                yield Problem(file, line, dotted(path), "a clause beside itself", "name another one")
            elif number not in known:
                yield Problem(file, line, dotted(path), f"the plan has no clause {number!r}", hint)


def _single(clause: Clause) -> Clause:
    return msgspec.structs.replace(clause, trigger=tuple(_each(clause.trigger)))


def _each(triggers: Iterable[Trigger]) -> Iterator[Trigger]:
    """Yield one trigger for each condition, each with a title."""
    for trigger in triggers:
        for condition in trigger.names:
            title = trigger.title
            if title == UNSAID:
                title = Words(_NAMES.name("condition", condition), _ENGLISH.name("condition", condition))
            yield msgspec.structs.replace(trigger, condition=condition, conditions=(), title=title)


def _with_common(clauses: Iterable[Clause], common: Iterable[Trigger]) -> Iterator[Clause]:
    """Yield the clauses with the triggers that concern every kind of device: in the first clause that is about the kind."""
    clauses = list(clauses)
    first = {kind: clause.clause for clause in reversed(clauses) if clause.common for kind in clause.kinds}
    said = {
        (kind, one.condition)
        for clause in clauses
        for one in clause.trigger
        for kind in clause.kinds_of(one)
        if not one.devices
    }
    for clause in clauses:
        mine = [kind for kind in clause.kinds if first.get(kind) == clause.clause]
        more = []
        for trigger in common:
            kinds = tuple(
                kind for kind in mine if kind in (trigger.kinds or mine) and (kind, trigger.condition) not in said
            )
            if kinds:
                more.append(msgspec.structs.replace(trigger, kinds=kinds))
        yield msgspec.structs.replace(clause, trigger=(*clause.trigger, *more))


def _misfits(
    clause: Clause,
    departments: Mapping[str, Holders] | None,
    taken: Mapping[str, str],
    by_condition: Mapping[Key, str],
) -> Iterator[tuple[Path, str, str]]:
    """Yield what is wrong with a clause next to the others and the contacts: path, what, hint."""
    if clause.clause in taken:
        yield (
            ("clause",),
            f"clause {clause.clause} is in {taken[clause.clause]} already",
            "a clause stands in one place",
        )
    for index, trigger in enumerate(clause.trigger):
        key_of = "condition" if trigger.condition else "conditions"
        for kind, condition, device in keys_of(trigger, clause.kinds_of(trigger)):
            other = by_condition.get((kind, condition, device))
            if other is not None and other != clause.clause:
                what = f"{condition!r} of {device or kind!r} triggers clause {other} already"
                yield ("trigger", index, key_of), what, "one condition puts one clause in force"
        for condition in trigger.names if trigger.title == UNSAID else ():
            if _NAMES.name("condition", condition) == condition:
                hint = 'check the name, or write title = { zh = "…", en = "…" }'
                yield ("trigger", index, key_of), f"no condition {condition!r} is known", hint
    if departments is None:
        return
    named: list[tuple[Path, str]] = [(("departments",), name) for name in clause.departments]
    named += [(("step", index, "owner"), step.owner) for index, step in enumerate(clause.step)]
    named += [(("escalation", "rung"), rung.department) for rung in clause.escalation.rung]
    named += [(("confirm_by",), name) for name in clause.confirm_by]
    approvers = [
        (("report", index, "approval", step, "by"), who)
        for index, report in enumerate(clause.report)
        for step, approval in enumerate(report.approval)
        for who in approval.by
    ]
    named += [(path, who.department) for path, who in approvers]
    for path, name in named:
        if name not in departments:
            yield path, f"the contacts have no department {name!r}", did_you_mean(name, departments)
    for path, who in approvers:
        if who.department in departments and not departments[who.department].holder(who.role):
            what = f"nobody is {who.role!r} of {who.department!r}: nobody could approve it"
            yield path, what, f'write roles = {{ {who.role} = "…" }} there in the contacts'
