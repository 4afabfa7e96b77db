"""What the rules look at: the plan as it is written, the people, the channels, the devices, the day. Pure.

What does not load is a finding, and hides nothing else: of a clause with a mistake in it, the rules see the rest.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from enum import StrEnum
from typing import Any, Final

import msgspec

from contract.locate import Locator, Path
from contract.settings import BAD, Draft
from gateway.config import Notify
from gateway.contacts import Contacts, Department
from gateway.plan.headquarters import COMMAND
from gateway.plan.lint.fleet import Fleet
from gateway.plan.model import UNSAID, Clause, Closes, Escalation, Level, Rung, Step, Trigger
from gateway.worktime.days import Days
from gateway.worktime.limit import Count, Limit

__all__ = ["COMMAND", "Common", "Found", "Grade", "Lines", "Placed", "Site", "clauses_of", "common_of"]

_FOREVER: Final = Limit("", Count.ELAPSED, float("inf"))


class Grade(StrEnum):
    """How bad a finding is."""

    ERROR = "error"
    """On the day, somebody is not told, or something does not happen."""
    WARNING = "warning"
    """It works, and probably not as it is meant."""
    NOTE = "note"
    """Worth knowing."""


class Found(msgspec.Struct, frozen=True):
    """What a rule found, and where: file, and path to the key in it."""

    file: str
    path: Path
    what: str
    hint: str
    grade: Grade = Grade.WARNING


class Placed(msgspec.Struct, frozen=True, kw_only=True):
    """A clause and where it stands; what of it could not be read is left out."""

    file: str
    index: int
    clause: Clause
    triggers: tuple[tuple[int, Trigger], ...]
    """With their places in the file."""
    steps: tuple[tuple[int, Step], ...]

    @property
    def at(self) -> Path:
        """The path to it."""
        return "clause", self.index

    def found(self, path: Path, what: str, hint: str, grade: Grade = Grade.WARNING) -> Found:
        """Return a finding below the clause."""
        return Found(self.file, (*self.at, *path), f"clause {self.clause.clause or '?'}: {what}", hint, grade)

    def rungs(self) -> Iterator[tuple[Path, Rung]]:
        """Yield the rungs of its ladder, each with its path."""
        for index, rung in enumerate(self.clause.escalation.rung):
            yield ("escalation", "rung", index), rung

    @property
    def pages_at_night(self) -> bool:
        """Whether something in it wakes people."""
        return any(trigger.wake == "night" for _, trigger in self.triggers)

    @property
    def grave(self) -> bool:
        """Whether it is more than findings."""
        return any(trigger.level is not Level.FINDING for _, trigger in self.triggers)


class Common(msgspec.Struct, frozen=True, kw_only=True):
    """A trigger that concerns every kind of device, and where it stands."""

    file: str
    index: int
    trigger: Trigger

    def found(self, path: Path, what: str, hint: str, grade: Grade = Grade.WARNING) -> Found:
        """Return a finding below the trigger."""
        return Found(self.file, ("trigger", self.index, *path), what, hint, grade)


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """All that the rules look at."""

    clauses: tuple[Placed, ...] = ()
    common: tuple[Common, ...] = ()
    whole: bool = True
    """Whether every plan file could be read to its end: else nothing is concluded from what is not there."""
    contacts: Contacts | None = None
    contacts_file: str = ""
    notify: Notify | None = None
    config_file: str = ""
    days: Days = Days()
    """Which days are worked."""
    links: bool = True
    """Whether messages hold links."""
    tree_file: str = ""
    tree_text: str = ""
    """What depends on what; empty: nothing is said of it."""
    fleet: Fleet
    today: date

    @property
    def departments(self) -> Mapping[str, Department]:
        """Key → department; none while the contacts cannot be read."""
        return self.contacts.departments if self.contacts else {}

    def triggers(self) -> Iterator[tuple[Placed, Path, Trigger]]:
        """Yield the triggers of all the clauses, each with its path below the clause."""
        for placed in self.clauses:
            for index, trigger in placed.triggers:
                yield placed, ("trigger", index), trigger


class Lines:
    """The lines of several files."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        """Take file name → text."""
        self._texts = texts
        self._locators: dict[str, Locator] = {}

    def of(self, file: str, path: Path) -> int:
        """Return the line of a path; 0 when it has none."""
        if file not in self._texts:
            return 0
        if file not in self._locators:
            self._locators[file] = Locator(self._texts[file])
        return self._locators[file].line(path)


def clauses_of(file: str, read: Any) -> Iterator[Placed]:
    """Yield the clauses of a plan file as far as it could be read (see ``contract.settings.as_far``)."""
    for index, draft in enumerate(_listed(getattr(read, "clause", ()))):
        if isinstance(draft, Clause | Draft):
            yield _placed(file, index, draft)


def common_of(file: str, read: Any) -> Iterator[Common]:
    """Yield the common triggers of a plan file as far as it could be read."""
    for index, draft in enumerate(_listed(getattr(read, "trigger", ()))):
        if isinstance(draft, Trigger):
            yield Common(file=file, index=index, trigger=draft)


def _placed(file: str, index: int, draft: Any) -> Placed:
    """Return a clause; what is wrong in it is told already, and stands here as what no rule minds."""
    triggers = tuple((at, one) for at, one in enumerate(_listed(draft.trigger)) if isinstance(one, Trigger))
    steps = tuple((at, one) for at, one in enumerate(_listed(draft.step)) if isinstance(one, Step))
    if isinstance(draft, Clause):
        return Placed(file=file, index=index, clause=draft, triggers=triggers, steps=steps)
    ladder = draft.escalation if isinstance(draft.escalation, Escalation) else Escalation(rung=())
    clause = Clause(
        clause=_or(draft.clause, ""),
        title=UNSAID if draft.title is BAD or isinstance(draft.title, Draft) else draft.title,
        kinds=tuple(kind for kind in _listed(draft.kinds) if isinstance(kind, str)),
        departments=tuple(name for name in _listed(draft.departments) if isinstance(name, str)),
        deadline=_or(draft.deadline, _FOREVER),
        check_after=_or(draft.check_after, 60.0),
        closes=draft.closes if isinstance(draft.closes, Closes) else Closes.PERSON,
        trigger=tuple(one for _, one in triggers),
        step=tuple(one for _, one in steps),
        escalation=ladder,
    )
    return Placed(file=file, index=index, clause=clause, triggers=triggers, steps=steps)


def _or(value: Any, otherwise: Any) -> Any:
    return otherwise if value is BAD or isinstance(value, Draft) else value


def _listed(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else ()
