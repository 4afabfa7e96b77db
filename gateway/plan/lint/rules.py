"""The list of rules, and how they are asked: every one, whatever the others find."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Final

import msgspec

from contract import settings
from contract.errors import ConfigError, Problem
from gateway.config import Notify
from gateway.contacts import Contacts
from gateway.plan.lint import command, devices, ladders, outside, outward, people, times, tree, triggers
from gateway.plan.lint.fleet import Fleet
from gateway.plan.lint.site import Common, Found, Grade, Lines, Placed, Site, clauses_of, common_of
from gateway.plan.loader import load_plan
from gateway.plan.model import PlanFile
from gateway.worktime.days import Days

Rule = Callable[[Site], Iterable[Found]]

RULES: Final[tuple[Rule, ...]] = (
    # what puts a clause in force
    triggers.unknown_kind,
    triggers.unreachable,
    triggers.named_twice,
    triggers.common_twice,
    triggers.common_unused,
    triggers.wakes_for_a_finding,
    triggers.grave_waits,
    triggers.grave_finding,
    triggers.doubtful_major,
    triggers.major_without_head,
    command.no_command,
    command.useless_authorisation,
    triggers.slow_to_tell,
    triggers.told_after_the_deadline,
    # what is to be done, and by when
    times.nothing_to_do,
    times.step_after_the_deadline,
    times.step_without_limit,
    times.steps_out_of_order,
    times.step_said_twice,
    times.closes_unchecked,
    times.impossible_hours,
    times.uncovered_year,
    # who is told next
    ladders.nobody_on_a_rung,
    ladders.rung_without_a_turn,
    ladders.one_person,
    ladders.rungs_out_of_order,
    ladders.late_first_rung,
    ladders.rung_after_the_deadline,
    ladders.repeats,
    ladders.leader_untold,
    ladders.owner_untold,
    # people, and the ways to them
    people.one_language,
    people.no_way_to,
    people.one_channel,
    people.odd_preference,
    people.shared_address,
    people.on_call_twice,
    people.unused_department,
    people.unused_person,
    people.no_digest,
    people.example_address,
    people.unused_webhook,
    people.in_the_clear,
    people.weak_secret,
    people.no_links,
    outside.not_verified,
    outside.of_no_clause,
    outside.approved_too_late,
    # the devices that there are
    devices.device_without_entry,
    devices.condition_untold,
    devices.own_condition_untold,
    devices.unknown_device,
    # what is done outside
    outward.unknown_output,
    outward.unknown_ups,
    outward.nothing_to_shed,
    tree.unknown_in_tree,
)
"""Each yields what it finds; its name, with hyphens, is that of its findings."""

UNREADABLE: Final = "does-not-load"
"""The name of what the loaders say."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that would fail on the day; ``line`` is 1 for the first, 0 when no line can be named."""

    file: str
    line: int
    grade: Grade
    rule: str
    what: str
    hint: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        advice = f"\n    {self.hint}" if self.hint else ""
        return f"{place}: {self.grade.value}: {self.what} [{self.rule}]{advice}"


class Papers(msgspec.Struct, frozen=True, kw_only=True):
    """What is looked at, as it was read."""

    plan: Mapping[str, str]
    """File → its text."""
    contacts: Contacts | None = None
    contacts_file: str = ""
    contacts_text: str = ""
    notify: Notify | None = None
    config_file: str = ""
    config_text: str = ""
    days: Days = Days()
    """Which days are worked."""
    links: bool = True
    name: str = ""
    """The gateway's."""
    tree_file: str = ""
    tree_text: str = ""
    problems: tuple[Problem, ...] = ()
    """What was found while contacts and settings were read."""


def lint(papers: Papers, fleet: Fleet, today: date) -> list[Finding]:
    """Return all that would fail on the day: what does not load, and what the rules find in the rest; by file and line."""
    problems = list(papers.problems)
    clauses: list[Placed] = []
    common: list[Common] = []
    whole = True
    for file, text in sorted(papers.plan.items()):
        read, wrong = settings.as_far(PlanFile, text, file=file)
        whole = whole and not wrong
        clauses += clauses_of(file, read)
        common += common_of(file, read)
    try:
        departments = papers.contacts.departments if papers.contacts else None
        load_plan(papers.plan, departments, papers.notify.webhook if papers.notify else None)
    except ConfigError as error:
        problems += error.problems
    site = Site(
        clauses=tuple(clauses),
        common=tuple(common),
        whole=whole,
        contacts=papers.contacts,
        contacts_file=papers.contacts_file,
        notify=papers.notify,
        config_file=papers.config_file,
        links=papers.links,
        days=papers.days,
        tree_file=papers.tree_file,
        tree_text=papers.tree_text,
        fleet=fleet,
        today=today,
    )
    lines = Lines({**papers.plan, papers.contacts_file: papers.contacts_text, papers.config_file: papers.config_text})
    findings = [_of_problem(problem) for problem in dict.fromkeys(problems)]
    findings += [finding_of(rule, found, lines) for rule in RULES for found in rule(site)]
    return sorted(findings, key=lambda one: (one.file, one.line, one.rule, one.what))


def finding_of(rule: Rule, found: Found, lines: Lines) -> Finding:
    """Return what a rule found, with its line."""
    match found.path:
        case ("line", int() as line):
            pass
        case path:
            line = lines.of(found.file, path)
    return Finding(
        file=found.file,
        line=line,
        grade=found.grade,
        rule=rule.__name__.replace("_", "-"),
        what=found.what,
        hint=found.hint,
    )


def _of_problem(problem: Problem) -> Finding:
    what = f"{problem.key}: {problem.what}" if problem.key else problem.what
    return Finding(
        file=problem.file, line=problem.line, grade=Grade.ERROR, rule=UNREADABLE, what=what, hint=problem.hint
    )
