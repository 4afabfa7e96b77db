"""A clause of the plan, as its TOML file writes it. CAP 1.2's words say how urgent, how bad and how sure it is."""

from collections.abc import Iterable
from typing import Annotated, Any

import msgspec

from contract.condition import Severity
from contract.settings import Fault, Seconds, Slug
from gateway.plan.dependencies import Tree
from gateway.plan.outward_model import Hook, Load, Output, Shedding
from gateway.plan.report_model import Report
from gateway.plan.terms import GRAVITY, UNSAID, Certainty, Closes, Filled, Level, Role, Urgency, Wake, Words
from gateway.worktime.limit import Limit

__all__ = [
    "GRAVITY",
    "RANK",
    "UNSAID",
    "Certainty",
    "Clause",
    "Closes",
    "Escalation",
    "Filled",
    "Key",
    "Level",
    "Plan",
    "PlanFile",
    "Report",
    "Role",
    "Rung",
    "Step",
    "Trigger",
    "Urgency",
    "Wake",
    "Words",
    "keys_of",
]

RANK: dict[Severity, int] = {severity: rank for rank, severity in enumerate(Severity, 1)}
"""How severities compare; 0 is less than any."""


Number = Annotated[str, msgspec.Meta(pattern=r"^\d+(\.\d+){1,4}$")]
"""The plan's own number of a clause."""


class Trigger(msgspec.Struct, frozen=True, kw_only=True):
    """A condition that puts the clause in force."""

    condition: Slug = ""
    conditions: tuple[Slug, ...] = ()
    """Several that are dealt with alike, instead of one; the loader makes a trigger of each."""
    kinds: tuple[Slug, ...] = ()
    """Of which of the clause's kinds; none: of all."""
    devices: tuple[Slug, ...] = ()
    """On which devices, by their ids; none: on all that no other trigger names."""
    title: Words = UNSAID
    """Left out: what the condition is called."""
    level: Level
    wake: Wake
    urgency: Urgency
    severity: Severity
    certainty: Certainty = Certainty.OBSERVED
    page_after: Seconds = 0.0
    """People are told only when it has stood for so long. The board does not wait."""
    beside: tuple[Number, ...] = ()
    """Other clauses that the same alarm puts in force too: the accident is one thing, the water in the warehouse another."""

    @property
    def names(self) -> tuple[str, ...]:
        """The conditions that it is about."""
        return (self.condition, *self.conditions) if self.condition else self.conditions

    @staticmethod
    def faults(draft: Any) -> Iterable[Fault]:
        """Yield what does not fit."""
        if isinstance(draft.condition, str) and isinstance(draft.conditions, tuple):
            if bool(draft.condition) is bool(draft.conditions):
                yield Fault("condition, or conditions?", 'write condition = "on-battery", or conditions = ["…", "…"]')
            elif draft.conditions and draft.title != UNSAID:
                yield Fault(
                    "one title for several conditions", "leave it out: each is called by its own name", ("title",)
                )


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """Something that has to be done, by whom, and by when."""

    owner: Slug
    """A department."""
    text: Words
    within: Limit | None = None
    """Time limit, from the opening."""


class Rung(msgspec.Struct, frozen=True, kw_only=True):
    """Who is told if nobody has taken it on by then; counted from the start of paging."""

    department: Slug
    role: Role = Role.ON_CALL
    after: Seconds = 0.0


class Escalation(msgspec.Struct, frozen=True, kw_only=True):
    """The way up."""

    rung: tuple[Rung, ...]
    repeat: Seconds = 300.0
    repeats: int = 3
    handover: Seconds = 600.0
    """Who is asked to take it over has so long to say so; then it is the giver's again."""
    grace: Seconds = 600.0
    """An owner who is asked how far they are has so long to answer; then the ladder is climbed on."""

    @staticmethod
    def faults(draft: Any) -> Iterable[Fault]:
        """Yield what is wrong with the ladder as a whole."""
        if isinstance(draft.rung, tuple) and not draft.rung:
            yield Fault("a ladder without rungs tells nobody", 'write rung = [{ department = "…" }]', ("rung",))
        if isinstance(draft.repeats, int) and not 0 <= draft.repeats <= 20:
            yield Fault(f"{draft.repeats} repeats", "write 0 to 20", ("repeats",))
        if isinstance(draft.repeat, float) and 0 < draft.repeat < 30:
            yield Fault("repeats faster than a person can answer", 'write at least "30s"', ("repeat",))
        for name in ("handover", "grace"):
            span = getattr(draft, name)
            if isinstance(span, float) and span < 60:
                yield Fault("shorter than a person needs to answer", 'write at least "1m"', (name,))


class Clause(msgspec.Struct, frozen=True, kw_only=True):
    """One clause of the plan."""

    clause: Number
    title: Words
    lead: Words | None = None
    """What every message of it begins with: what nobody may forget at the scene."""
    kinds: tuple[Slug, ...] = ()
    """The kinds of devices that it is about; none, where only people report it."""
    common: bool = True
    """Whether it may be the one that has the triggers of every kind of device, see ``PlanFile``."""
    departments: tuple[Slug, ...]
    """Who answers for it, first the one that leads."""
    deadline: Limit
    """By when it has to be dealt with, from the opening."""
    check_after: Seconds = 60.0
    """Good readings must have confirmed for so long that the cause is gone."""
    progress: Seconds | None = None
    """An owner of whom nothing was heard for so long is asked; ``"0s"``: never. Left out: see ``progress_of``."""
    closed_standing: Seconds = 8 * 3600.0
    """Closed with a reason while its alarm stands, it is opened again after so long; ``"0s"``: never."""
    recurrence: Seconds = 30 * 86400.0
    """The same on the same device, within so long of the last one's closing, is told as its recurrence; ``"0s"``: never."""
    closes: Closes = Closes.PERSON
    trigger: tuple[Trigger, ...] = ()
    report: tuple[Report, ...] = ()
    """What people report of it."""
    confirm: tuple[Level, ...] = ()
    """To which levels a person may raise it; none: it stays what the trigger says."""
    confirm_by: tuple[Slug, ...] = ()
    """The departments whose people may; none: those that answer for it."""
    step: tuple[Step, ...] = ()
    escalation: Escalation
    shedding: tuple[Shedding, ...] = ()
    """What hands may switch off while a UPS is on battery."""
    webhook: tuple[Hook, ...] = ()
    """Receivers that hear of its incidents."""
    output: tuple[Output, ...] = ()
    """Sirens, lamps, relays that it switches on."""

    def triggered_by(self, condition: str, kind: str = "", device: str = "") -> Trigger | None:
        """Return the trigger for a condition: where they are given, on devices of a kind, and on a device.

        One that names the device goes before one that names none.
        """
        general = None
        for trigger in self.trigger:
            if condition in trigger.names and (not kind or kind in self.kinds_of(trigger)):
                if device in trigger.devices:
                    return trigger
                if not trigger.devices or not device:
                    general = general or trigger
        return general

    def reported(self, name: str) -> Report | None:
        """Return a report by its name."""
        return next((one for one in self.report if one.name == name), None)

    @property
    def confirmers(self) -> tuple[str, ...]:
        """The departments whose people may raise its level."""
        return self.confirm_by or self.departments

    def kinds_of(self, trigger: Trigger) -> tuple[str, ...]:
        """Return the kinds of devices that one of its triggers is about."""
        return trigger.kinds or self.kinds

    @staticmethod
    def faults(draft: Any) -> Iterable[Fault]:
        """Yield what is wrong with the clause as a whole."""
        if isinstance(draft.clause, str) and isinstance(draft.trigger, tuple):
            if not draft.trigger and not draft.report:
                hint = "add [[clause.trigger]], or [[clause.report]] where people report it"
                yield Fault("a clause without a trigger or a report never comes into force", hint, ("trigger",))
            yield from _twice(draft)
        if draft.kinds == () and draft.trigger:
            yield Fault("about no kind of device", 'write kinds = ["ups"]', ("kinds",))
        if isinstance(draft.departments, tuple) and not draft.departments:
            yield Fault("nobody answers for it", 'write departments = ["info-centre"]', ("departments",))
        for name in ("progress", "closed_standing"):
            span = getattr(draft, name)
            if isinstance(span, float) and 0 < span < 300:
                yield Fault(
                    "sooner than anybody can have done something", 'write at least "5m", or "0s" for never', (name,)
                )
        yield from _reports(draft)


Key = tuple[str, str, str]
"""Kind of device, condition, device ("" for all)."""


def keys_of(trigger: Trigger, kinds: Iterable[str]) -> Iterable[Key]:
    """Yield all that a trigger is about, on these kinds of devices."""
    for kind in kinds:
        for condition in trigger.names:
            for device in trigger.devices or ("",):
                yield kind, condition, device


def _twice(draft: Any) -> Iterable[Fault]:
    """Yield the triggers that another one has said already, or that are about what the clause is not about."""
    of = draft.kinds if isinstance(draft.kinds, tuple) else ()
    seen: set[Key] = set()
    for index, trigger in enumerate(draft.trigger):
        if not isinstance(trigger, Trigger):
            continue
        for kind in trigger.kinds:
            if kind not in of:
                yield Fault(
                    f"the clause is not about {kind!r}", "name it in the clause's kinds", ("trigger", index, "kinds")
                )
        keys = set(keys_of(trigger, trigger.kinds or of))
        for condition in dict.fromkeys(condition for _, condition, _ in sorted(keys & seen)):
            at = ("trigger", index, "condition" if trigger.condition else "conditions")
            yield Fault(f"a second trigger for {condition!r}", "put the two together", at)
        seen |= keys


def loads_of(clause: Clause | None) -> tuple[Load, ...]:
    """Return all that a clause lists as fed by UPSes: a load's number is its place in it."""
    return tuple(load for one in clause.shedding for load in one.load) if clause else ()


def loads_on(clause: Clause, device: str) -> tuple[tuple[int, Load], ...]:
    """Return what a UPS feeds, the most dispensable first, each with its number in the clause."""
    listed = [(device in one.devices, load) for one in clause.shedding for load in one.load]
    return tuple((index, load) for index, (its, load) in enumerate(listed) if its)


def _reports(draft: Any) -> Iterable[Fault]:
    """Yield what is wrong with the reports next to each other, and with the levels that people may give."""
    names: set[str] = set()
    for index, report in enumerate(draft.report if isinstance(draft.report, tuple) else ()):
        name = getattr(report, "name", None)
        if isinstance(name, str) and name in names:
            yield Fault(f"a second report {name!r}", "give each a name of its own", ("report", index, "name"))
        names |= {name} if isinstance(name, str) else set()
    for index, level in enumerate(draft.confirm if isinstance(draft.confirm, tuple) else ()):
        if level not in (Level.PARTIAL, Level.MAJOR):
            yield Fault(f"{level!s} is no level to raise it to", 'write "partial" or "major"', ("confirm", index))
    if draft.confirm_by and not draft.confirm:
        yield Fault("nothing is there to confirm", 'write confirm = ["partial", "major"]', ("confirm_by",))


class PlanFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file of the plan."""

    clause: tuple[Clause, ...] = ()
    trigger: tuple[Trigger, ...] = ()
    """What concerns every kind of device: each first clause that is about a kind has it too, where no clause says it
    otherwise of that kind."""


class Plan(msgspec.Struct, frozen=True):
    """All the clauses, and what depends on what."""

    clauses: tuple[Clause, ...] = ()
    dependencies: Tree = Tree()

    def find(self, clause: str) -> Clause | None:
        """Return a clause by its number."""
        return next((one for one in self.clauses if one.clause == clause), None)

    def match(self, kind: str, condition: str, device: str = "") -> tuple[Clause, Trigger] | None:
        """Return the clause that a condition on a kind of device puts in force; first, one that names the device."""
        found = None
        for clause in self.clauses:
            trigger = clause.triggered_by(condition, kind, device)
            if trigger is not None and device in trigger.devices:
                return clause, trigger
            if trigger is not None and (found is None or (found[1].devices and not trigger.devices)):
                found = clause, trigger
        return found
