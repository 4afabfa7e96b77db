"""A clause of the plan, as its TOML file writes it. CAP 1.2's words say how urgent, how bad and how sure it is."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Any

import msgspec

from contract.condition import Severity
from contract.settings import Fault, Seconds, Slug

RANK: dict[Severity, int] = {severity: rank for rank, severity in enumerate(Severity, 1)}
"""How severities compare; 0 is less than any."""


class Level(StrEnum):
    """The plan's levels, and a finding: something to mend before it becomes an incident of the plan."""

    MAJOR = "major"
    PARTIAL = "partial"
    REQUEST = "request"
    FINDING = "finding"


class Wake(StrEnum):
    """When people may be woken for it."""

    NIGHT = "night"
    WORKING = "working"
    DIGEST = "digest"


class Urgency(StrEnum):
    """CAP 1.2: how soon somebody has to act."""

    IMMEDIATE = "immediate"
    EXPECTED = "expected"
    FUTURE = "future"


class Certainty(StrEnum):
    """CAP 1.2: how sure it is."""

    OBSERVED = "observed"
    LIKELY = "likely"
    POSSIBLE = "possible"


class Role(StrEnum):
    """Whom of a department."""

    ON_CALL = "on-call"
    """The first of its on-call order."""
    SECOND = "second"
    """The second; the head, where there is no second."""
    HEAD = "head"


class Closes(StrEnum):
    """How an incident of a clause ends, once its cause is gone and checked."""

    PERSON = "person"
    ITSELF = "itself"


Filled = Annotated[str, msgspec.Meta(min_length=1)]


class Words(msgspec.Struct, frozen=True):
    """A text in the two languages."""

    zh: Filled
    en: Filled

    def of(self, language: str) -> str:
        """Return the text in a language; Chinese unless English is asked for."""
        return self.en if language == "en" else self.zh


class Trigger(msgspec.Struct, frozen=True, kw_only=True):
    """A condition that puts the clause in force."""

    condition: Slug
    kinds: tuple[Slug, ...] = ()
    """Of which of the clause's kinds; none: of all."""
    title: Words
    level: Level
    wake: Wake
    urgency: Urgency
    severity: Severity
    certainty: Certainty = Certainty.OBSERVED
    page_after: Seconds = 0.0
    """People are told only when it has stood for so long. The board does not wait."""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """Something that has to be done, by whom, and by when."""

    owner: Slug
    """A department."""
    text: Words
    within: Seconds | None = None
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

    @staticmethod
    def faults(draft: Any) -> Iterable[Fault]:
        """Yield what is wrong with the ladder as a whole."""
        if isinstance(draft.rung, tuple) and not draft.rung:
            yield Fault("a ladder without rungs tells nobody", 'write rung = [{ department = "…" }]', ("rung",))
        if isinstance(draft.repeats, int) and not 0 <= draft.repeats <= 20:
            yield Fault(f"{draft.repeats} repeats", "write 0 to 20", ("repeats",))
        if isinstance(draft.repeat, float) and 0 < draft.repeat < 30:
            yield Fault("repeats faster than a person can answer", 'write at least "30s"', ("repeat",))


class Clause(msgspec.Struct, frozen=True, kw_only=True):
    """One clause of the plan."""

    clause: Annotated[str, msgspec.Meta(pattern=r"^\d+(\.\d+){1,4}$")]
    title: Words
    kinds: tuple[Slug, ...]
    """The kinds of devices that it is about."""
    departments: tuple[Slug, ...]
    """Who answers for it, first the one that leads."""
    deadline: Seconds
    """By when it has to be dealt with, from the opening."""
    check_after: Seconds = 60.0
    """Good readings must have confirmed for so long that the cause is gone."""
    closes: Closes = Closes.PERSON
    trigger: tuple[Trigger, ...]
    step: tuple[Step, ...] = ()
    escalation: Escalation

    def triggered_by(self, condition: str, kind: str = "") -> Trigger | None:
        """Return the trigger for a condition; where a kind is given, on devices of that kind."""
        for trigger in self.trigger:
            if trigger.condition == condition and (not kind or kind in self.kinds_of(trigger)):
                return trigger
        return None

    def kinds_of(self, trigger: Trigger) -> tuple[str, ...]:
        """Return the kinds of devices that one of its triggers is about."""
        return trigger.kinds or self.kinds

    @staticmethod
    def faults(draft: Any) -> Iterable[Fault]:
        """Yield what is wrong with the clause as a whole."""
        if isinstance(draft.clause, str) and isinstance(draft.trigger, tuple):
            if not draft.trigger:
                yield Fault("a clause without a trigger never comes into force", "add [[clause.trigger]]", ("trigger",))
            yield from _twice(draft)
        if draft.kinds == ():
            yield Fault("about no kind of device", 'write kinds = ["ups"]', ("kinds",))
        if isinstance(draft.departments, tuple) and not draft.departments:
            yield Fault("nobody answers for it", 'write departments = ["info-centre"]', ("departments",))


def _twice(draft: Any) -> Iterable[Fault]:
    """Yield the triggers that another one has said already, or that are about what the clause is not about."""
    of = draft.kinds if isinstance(draft.kinds, tuple) else ()
    seen: set[tuple[str, str]] = set()
    for index, trigger in enumerate(draft.trigger):
        if not isinstance(trigger, Trigger):
            continue
        for kind in trigger.kinds:
            if kind not in of:
                yield Fault(
                    f"the clause is not about {kind!r}", "name it in the clause's kinds", ("trigger", index, "kinds")
                )
        keys = {(kind, trigger.condition) for kind in trigger.kinds or of}
        if keys & seen:
            at = ("trigger", index, "condition")
            yield Fault(f"a second trigger for {trigger.condition!r}", "put the two together", at)
        seen |= keys


class PlanFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file of the plan."""

    clause: tuple[Clause, ...] = ()
    trigger: tuple[Trigger, ...] = ()
    """What concerns every kind of device: each first clause that is about a kind has it too, where no clause says it
    otherwise of that kind."""


class Plan(msgspec.Struct, frozen=True):
    """All the clauses."""

    clauses: tuple[Clause, ...] = ()

    def find(self, clause: str) -> Clause | None:
        """Return a clause by its number."""
        return next((one for one in self.clauses if one.clause == clause), None)

    def match(self, kind: str, condition: str) -> tuple[Clause, Trigger] | None:
        """Return the clause that a condition on a kind of device puts in force."""
        for clause in self.clauses:
            trigger = clause.triggered_by(condition, kind)
            if trigger is not None:
                return clause, trigger
        return None
