"""The plan as a page: one clause a section, with its triggers, steps and the way up, as people read them. Pure."""

import re
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from gateway.board.words import Words
from gateway.contacts import Contacts
from gateway.plan.model import Clause, Plan, Role, Rung, Trigger
from gateway.worktime.limit import Count, Limit

Fills = Callable[[str, Role], str]
"""Department and role → the name of who fills it now; empty when nobody does."""
Titles = Callable[[str, str], str]
"""A department's key and a language → its title."""


class TriggerRow(msgspec.Struct, frozen=True, kw_only=True):
    """Triggers that are dealt with alike."""

    titles: tuple[str, ...]
    level: str
    level_name: str
    wake: str
    wake_name: str
    severity: str
    severity_name: str
    after: str
    only: str
    """Kinds or devices, where it is not about all of the clause's."""


class ReportRow(msgspec.Struct, frozen=True, kw_only=True):
    """What people report."""

    title: str
    level: str
    level_name: str
    wake_name: str
    approvals: tuple[str, ...]
    """Each with who may give it, and by when."""


class StepRow(msgspec.Struct, frozen=True, kw_only=True):
    """A step."""

    text: str
    owner: str
    within: str


class RungRow(msgspec.Struct, frozen=True, kw_only=True):
    """Those who are told at one moment."""

    after: str
    people: tuple[tuple[str, str], ...]
    """Department with role, and the name of who fills it now."""


class ClauseView(msgspec.Struct, frozen=True, kw_only=True):
    """A clause as people read it."""

    number: str
    anchor: str
    title: str
    level: str
    """The gravest of its triggers."""
    level_name: str
    departments: tuple[str, ...]
    kinds: tuple[str, ...]
    deadline: str
    check: str
    closes: str
    triggers: tuple[TriggerRow, ...]
    reports: tuple[ReportRow, ...]
    lead: str
    """What every message of it begins with."""
    steps: tuple[StepRow, ...]
    ladder: tuple[RungRow, ...]
    note: str


def view(plan: Plan, words: Words, title: Titles, fills: Fills) -> list[ClauseView]:
    """Return the clauses by their numbers.

    Args:
        plan: the plan.
        words: the language.
        title: a department's key and a language → its title.
        fills: who fills a role now.
    """
    return [_clause(one, words, title, fills) for one in sorted(plan.clauses, key=_order)]


def of_contacts(contacts: Contacts) -> tuple[Titles, Fills]:
    """Return what ``view`` asks of the contacts."""
    departments = contacts.departments
    names = {person.id: person.name for person in contacts.person}

    def title(key: str, language: str) -> str:
        return departments[key].title.of(language) if key in departments else key

    def fills(key: str, role: Role) -> str:
        person = departments[key].person(role) if key in departments else ""
        return names.get(person, person)

    return title, fills


def _order(clause: Clause) -> tuple[int, ...]:
    return tuple(int(part) for part in clause.clause.split("."))


def _clause(clause: Clause, words: Words, title: Titles, fills: Fills) -> ClauseView:
    ladder = clause.escalation
    levels = [trigger.level.value for trigger in clause.trigger] + [report.level.value for report in clause.report]
    level = max(levels, key=_gravity, default="")
    return ClauseView(
        number=clause.clause,
        anchor="c-" + re.sub(r"\W", "-", clause.clause),
        title=clause.title.of(words.language),
        level=level,
        level_name=words.name("level", level),
        departments=tuple(title(key, words.language) for key in clause.departments),
        kinds=tuple(words.name("kind", kind) for kind in clause.kinds),
        deadline=limit_of(clause.deadline, words),
        check=words("plan-check-after", span=span_of(clause.check_after, words)),
        closes=words.name("closes", clause.closes.value),
        triggers=tuple(_triggers(clause, words)),
        reports=tuple(_reports(clause, words, title)),
        lead=clause.lead.of(words.language) if clause.lead else "",
        steps=tuple(
            StepRow(
                text=step.text.of(words.language),
                owner=title(step.owner, words.language),
                within="" if step.within is None else words("plan-within", span=limit_of(step.within, words)),
            )
            for step in clause.step
        ),
        ladder=tuple(_ladder(ladder.rung, words, title, fills)),
        note=words("plan-ladder-note", span=span_of(ladder.repeat, words), count=ladder.repeats),
    )


def _gravity(level: str) -> int:
    order = ("finding", "request", "prepare", "partial", "major")
    return order.index(level) if level in order else 0


def _triggers(clause: Clause, words: Words) -> Iterable[TriggerRow]:
    """Yield the triggers, those that are dealt with alike as one, the gravest first."""
    alike: dict[tuple[Any, ...], list[Trigger]] = {}
    for trigger in clause.trigger:
        key = (trigger.level, trigger.wake, trigger.severity, trigger.page_after, trigger.kinds, trigger.devices)
        alike.setdefault(key, []).append(trigger)
    for group in sorted(alike.values(), key=lambda group: -_gravity(group[0].level.value)):
        one = group[0]
        names = [words.name("kind", kind) for kind in one.kinds if set(one.kinds) != set(clause.kinds)]
        only = words("comma").join([*names, *one.devices])
        yield TriggerRow(
            titles=tuple(dict.fromkeys(trigger.title.of(words.language) for trigger in group)),
            level=one.level.value,
            level_name=words.name("level", one.level.value),
            wake=one.wake.value,
            wake_name=words.name("wake", one.wake.value),
            severity=one.severity.value,
            severity_name=words.name("severity", one.severity.value),
            after=span_of(one.page_after, words) if one.page_after else words("plan-at-once"),
            only=words("plan-only", names=only) if only else "",
        )


def _reports(clause: Clause, words: Words, title: Titles) -> Iterable[ReportRow]:
    """Yield what people report, each with its approvals in order."""
    for one in clause.report:
        yield ReportRow(
            title=one.title.of(words.language),
            level=one.level.value,
            level_name=words.name("level", one.level.value),
            wake_name=words.name("wake", one.wake.value),
            approvals=tuple(
                f"{approval.text.of(words.language)}{words('colon')}"
                + words("plan-or").join(
                    dict.fromkeys(
                        f"{title(who.department, words.language)} {words.name('role', who.role)}" for who in approval.by
                    )
                )
                + f" · {words('plan-within', span=span_of(approval.within, words))}"
                for approval in one.approval
            ),
        )


def _ladder(rungs: Iterable[Rung], words: Words, title: Titles, fills: Fills) -> Iterable[RungRow]:
    at: dict[float, list[tuple[str, str]]] = {}
    for rung in rungs:
        role = words.name("role", rung.role.value)
        where = f"{title(rung.department, words.language)} {role}"
        at.setdefault(rung.after, []).append((where, fills(rung.department, rung.role) or words("plan-vacant")))
    for after, people in sorted(at.items()):
        yield RungRow(after=f"+{span_of(after, words)}" if after else words("plan-at-once"), people=tuple(people))


def limit_of(limit: Limit, words: Words) -> str:
    """Return a time limit as people read it."""
    match limit.count:
        case Count.ELAPSED:
            return span_of(limit.amount, words)
        case Count.WORKING_DAYS:
            return words("limit-days", n=int(limit.amount))
        case Count.WORKING_HOURS:
            return words("limit-hours", n=f"{limit.amount / 3600:g}")
        case Count.CLOCK:
            minutes = int(limit.amount) // 60
            return words("limit-clock", at=f"{minutes // 60:02d}:{minutes % 60:02d}")


def span_of(limit: float, words: Words) -> str:
    """Return a time limit as people say it: without the units of which it has none."""
    whole = round(limit)
    parts = [("d", whole // 86400), ("h", whole // 3600 % 24), ("m", whole // 60 % 60), ("s", whole % 60)]
    return " ".join(words(f"span-{unit}", n=n) for unit, n in parts if n) or words("span-s", n=0)


def as_text(clauses: Iterable[ClauseView], words: Words) -> Iterable[str]:
    """Yield the plan line by line, for a terminal."""
    colon, comma = words("colon"), words("comma")
    for one in clauses:
        yield f"{one.number} {one.title}  [{one.level_name}]"
        yield f"  {words('plan-departments')}{colon}{comma.join(one.departments)}"
        yield f"  {words('plan-deadline')}{colon}{one.deadline}  {one.check}  {one.closes}"
        yield f"  {words('plan-triggers')}"
        for row in one.triggers:
            more = "  ".join(part for part in (row.level_name, row.wake_name, row.after, row.only) if part)
            yield f"    {words('semicolon').join(row.titles)}  ({more})"
        for report in one.reports:
            yield f"  {words('plan-reports')}{colon}{report.title}  ({report.level_name}  {report.wake_name})"
            yield from (f"    {approval}" for approval in report.approvals)
        yield f"  {words('plan-steps')}"
        for number, step in enumerate(one.steps, 1):
            yield f"    {number}. {step.owner}  {step.text}  {step.within}".rstrip()
        yield f"  {words('plan-ladder')}"
        for rung in one.ladder:
            yield f"    {rung.after:<10}  " + "  ".join(f"{where} {name}" for where, name in rung.people)
        yield ""
