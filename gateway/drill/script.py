"""What a drill plays, and what is expected of people: ``config/drills/*.toml``. Pure: texts come in."""

from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum
from typing import Annotated, Any, Final

import msgspec

from contract.errors import ConfigError, Problem
from contract.locate import Locator, Path, dotted
from contract.settings import Fault, Seconds, Slug, did_you_mean, load
from gateway.plan.model import Clause, Level, Plan, Words
from gateway.worktime.limit import Count

OVER_AFTER: Final = 1200.0
"""Seconds after which the cause is gone, where no script says it."""
OWNED_WITHIN: Final = 600.0
"""Seconds within which somebody is expected to take it on, where no script says it."""
LINGERS: Final = 3600.0
"""Seconds that a drill goes on after its last input, for people to check and to close."""


class Input(msgspec.Struct, frozen=True, kw_only=True):
    """A condition that begins, or ends, on a device that is made up; or what a person reports."""

    at: Seconds = 0.0
    """After the drill's beginning."""
    condition: Slug = ""
    report: Slug = ""
    """One of the clause's reports, instead of a condition; what it asks for is filled in."""
    over: bool = False
    """It ends then."""
    kind: Slug | None = None
    """Of the device; left out: the first one that the clause is about and the condition concerns."""
    device: Annotated[str, msgspec.Meta(max_length=63)] = "drill"
    title: str = ""
    """Of the device, for people; of a report, the place."""

    @staticmethod
    def faults(draft: Any) -> Iterable[Fault]:
        """Yield what does not fit."""
        if isinstance(draft.condition, str) and isinstance(draft.report, str):
            if bool(draft.condition) is bool(draft.report):
                yield Fault("a condition, or a report?", 'write condition = "on-battery", or report = "fault"')
            elif draft.report and draft.over is True:
                yield Fault("what people report is over when a person closes it", "leave it out", ("over",))


class What(StrEnum):
    """What people are expected to do."""

    SEEN = "seen"
    MINE = "mine"
    STEP = "step"
    CLOSED = "closed"


class Expectation(msgspec.Struct, frozen=True, kw_only=True):
    """Something that people do in time."""

    what: What
    within: Seconds
    """From the drill's beginning."""
    who: Slug | None = None
    """A person; left out: anybody."""
    step: Annotated[int, msgspec.Meta(ge=0)] = 0
    """The number of the plan's step, from 1."""

    @staticmethod
    def faults(draft: Any) -> Iterable[Fault]:
        """Yield what does not fit."""
        if (
            isinstance(draft.what, What)
            and isinstance(draft.step, int)
            and (draft.what is What.STEP) is not bool(draft.step)
        ):
            yield Fault("a step has a number, and nothing else has", 'write what = "step", step = 1')


class Script(msgspec.Struct, frozen=True, kw_only=True):
    """One drill."""

    clause: str
    title: Words
    participants: tuple[Slug, ...] = ()
    """Who gets messages; nobody else does, whatever the plan says."""
    lasts: Seconds = 0.0
    """At the most; left out: an hour after the last input."""
    input: tuple[Input, ...]
    expect: tuple[Expectation, ...] = ()

    @property
    def ends(self) -> float:
        """Seconds after which it is over in any case."""
        return self.lasts or max((one.at for one in self.input), default=0.0) + LINGERS

    @staticmethod
    def faults(draft: Any) -> Iterable[Fault]:
        """Yield what is wrong with the drill as a whole."""
        if draft.input == ():
            yield Fault("nothing happens in it", 'write [[input]] condition = "on-battery"', ("input",))


def load_scripts(texts: Mapping[str, str], plan: Plan, people: Collection[str]) -> dict[str, Script]:
    """Return the drills by the clauses that they practise.

    Args:
        texts: file name → its text.
        plan: whose clauses are practised.
        people: the ids of all who can be told.

    Raises:
        ConfigError: with every problem of all the files.
    """
    problems: list[Problem] = []
    scripts: dict[str, Script] = {}
    for file, text in sorted(texts.items()):
        try:
            script = load(Script, text, file=file)
        except ConfigError as error:
            problems.extend(error.problems)
            continue
        locator = Locator(text)
        for path, what, hint in _misfits(script, plan, people, scripts):
            problems.append(Problem(file, locator.line(path), dotted(path), what, hint))
        scripts.setdefault(script.clause, script)
    if problems:
        raise ConfigError(problems)
    return scripts


def _misfits(
    script: Script, plan: Plan, people: Collection[str], others: Mapping[str, Script]
) -> Iterable[tuple[Path, str, str]]:
    clause = plan.find(script.clause)
    if clause is None:
        yield ("clause",), f"the plan has no clause {script.clause!r}", did_you_mean(script.clause, _numbers(plan))
        return
    if script.clause in others:
        yield ("clause",), f"a second drill of clause {script.clause}", "put the two together"
    for index, one in enumerate(script.input):
        if one.report:
            if clause.reported(one.report) is None:
                hint = did_you_mean(one.report, [each.name for each in clause.report])
                yield ("input", index, "report"), f"clause {script.clause} has no report {one.report!r}", hint
        elif trigger_kind(plan, clause, one) is None:
            known = sorted({name for trigger in clause.trigger for name in trigger.names})
            devices = sorted({name for each in clause.trigger if one.condition in each.names for name in each.devices})
            hint = f'name the device, as device = "{devices[0]}"' if devices else did_you_mean(one.condition, known)
            yield ("input", index, "condition"), f"{one.condition!r} does not put clause {script.clause} in force", hint
    named: list[tuple[Path, str]] = [(("participants",), name) for name in script.participants]
    named += [(("expect", index, "who"), one.who) for index, one in enumerate(script.expect) if one.who]
    for path, name in named:
        if name not in people:
            yield path, f"the contacts have no person {name!r}", did_you_mean(name, people)
    for index, wanted in enumerate(script.expect):
        if wanted.step > len(clause.step):
            what = f"clause {script.clause} has {len(clause.step)} steps, and no step {wanted.step}"
            yield ("expect", index, "step"), what, "count the [[clause.step]] from 1"


def trigger_kind(plan: Plan, clause: Clause, one: Input) -> str | None:
    """Return on which kind of device an input puts the clause in force, by itself or beside another; None: on none."""
    for kind in (one.kind,) if one.kind else clause.kinds:
        match = plan.match(kind, one.condition, one.device)
        if match is not None and (match[0].clause == clause.clause or clause.clause in match[1].beside):
            return kind
    return None


def standard(clause: Clause) -> Script:
    """Return the drill of a clause for which nobody has written one: its gravest trigger, its steps in their time.

    A clause that no alarm puts in force begins with its first report.
    """
    speaks = [one for one in clause.trigger if one.level != Level.FINDING] or list(clause.trigger)
    if speaks:
        first = speaks[0]
        delay = first.page_after
        begins = Input(
            condition=first.names[0],
            kind=clause.kinds_of(first)[0],
            device=first.devices[0] if first.devices else "drill",
        )
        inputs = [begins, msgspec.structs.replace(begins, at=max(OVER_AFTER, 2 * delay), over=True)]
    else:
        delay = clause.report[0].page_after  # a clause has the one or the other
        inputs = [Input(report=clause.report[0].name)]
    expect = [Expectation(what=What.MINE, within=OWNED_WITHIN + delay)]
    expect += [
        Expectation(what=What.STEP, within=step.within.amount + delay, step=number)
        for number, step in enumerate(clause.step, 1)
        if step.within and step.within.count is Count.ELAPSED  # no drill goes on into the next working day
    ]
    return Script(clause=clause.clause, title=clause.title, input=tuple(inputs), expect=tuple(expect))


def _numbers(plan: Plan) -> list[str]:
    return [one.clause for one in plan.clauses]
