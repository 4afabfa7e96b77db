"""What a person has reported, as an incident keeps it: who, the words as they were, and who has approved. Pure.

First-asked responsibility (首问负责制): who reports is on record, hears what is decided and when a limit passes; who takes
it on (我处理) owns it until it is handed over.
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from gateway.event import Event
from gateway.plan.terms import Words


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What was said to one of the fields that are asked for."""

    name: str
    label: Words
    value: str


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody has approved, or refused."""

    index: int
    """Which of the approvals, 0 for the first."""
    who: str
    approved: bool
    at: float
    text: str = ""


class Reported(msgspec.Struct, frozen=True, kw_only=True):
    """A report. Its words are those of the plan as it was: the plan may change."""

    name: str
    person: str
    called: str
    """The name of the person."""
    place: str = ""
    answers: tuple[Said, ...] = ()
    approvals: tuple[Words, ...] = ()
    """What has to be approved, in this order."""
    decisions: tuple[Decision, ...] = ()

    @property
    def refused(self) -> bool:
        """Whether somebody has refused it: nothing is approved after that."""
        return any(not one.approved for one in self.decisions)

    @property
    def due(self) -> int | None:
        """Return which approval is due, 0 for the first; None when none is wanted any more."""
        done = len(self.decisions)
        return done if done < len(self.approvals) and not self.refused else None

    @property
    def decided(self) -> bool:
        """Whether it needed approvals, and has its answer."""
        return bool(self.approvals) and self.due is None

    def value(self, name: str) -> str:
        """Return what was said to a field; an empty text where nothing was."""
        return next((one.value for one in self.answers if one.name == name), "")

    def same(self, other: "Reported") -> bool:
        """Say whether another report says the same thing, by the same person."""
        return msgspec.structs.replace(self, decisions=()) == msgspec.structs.replace(other, decisions=())


def opened(data: Mapping[str, Any]) -> Reported | None:
    """Return the report that an incident was opened by; None for an alarm."""
    return msgspec.convert(data["report"], Reported) if "report" in data else None


def decided(report: Reported | None, event: Event) -> Reported | None:
    """Return a report after an event: ``approved`` or ``refused``, of the approval that was due."""
    index = int(event.data.get("index", -1))
    if report is None or index != report.due:
        return report
    decision = Decision(index=index, who=event.who, approved=event.kind == "approved", at=event.at, text=event.text)
    return msgspec.structs.replace(report, decisions=(*report.decisions, decision))


def moved(report: Reported | None, by: float) -> Reported | None:
    """Return a report after the clock was put right by so many seconds."""
    if report is None:
        return None
    decisions = tuple(msgspec.structs.replace(one, at=one.at + by) for one in report.decisions)
    return msgspec.structs.replace(report, decisions=decisions)


def rows(report: Reported, language: str, name: Callable[[str], str]) -> list[tuple[str, str]]:
    """Return what people read of a report: label, text.

    Args:
        report: the report.
        language: ``zh`` or ``en``.
        name: a person's id → their name.
    """
    english = language == "en"
    said = [("Reported by" if english else "报告人", report.called)]
    said += [("Place" if english else "地点", report.place)] if report.place else []
    said += [(one.label.of(language), one.value) for one in report.answers]
    for index, words in enumerate(report.approvals):
        one = report.decisions[index] if index < len(report.decisions) else None
        said.append((words.of(language), _verdict(one, name, english=english, due=index == report.due)))
    return said


def _verdict(one: Decision | None, name: Callable[[str], str], *, english: bool, due: bool) -> str:
    if one is None:
        return ("waits for it" if english else "待审批") if due else "-"
    verdict = ("approved" if english else "已批准") if one.approved else ("refused" if english else "未批准")
    return " ".join(part for part in (name(one.who), verdict, one.text) if part)
