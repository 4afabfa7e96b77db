"""How a message says how far its time limits have come. Pure."""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from gateway.incident import Incident, deadlines
from gateway.plan.model import Clause

PROVISIONAL: Final = ("暂按周一至周五", "counted Monday to Friday for now")
_GONE: Final = {
    50: ("时限已过一半", "half of its time is gone"),
    80: ("时限已用 80%", "80 % of its time are gone"),
    deadlines.MISSED: ("已超过时限", "past its time limit"),
}


def said(at: str, *, provisional: bool, english: bool) -> str:
    """Return a due time as people read it: with the mark of one that may still change."""
    note = PROVISIONAL[english]
    return (f"{at} ({note})" if english else f"{at}（{note}）") if provisional else at


def lines(
    incident: Incident, clause: Clause, about: Iterable[str], *, english: bool, moment: Callable[[float], str]
) -> Iterator[str]:
    """Yield a line for each limit that a message is about.

    Args:
        incident: whose limits they are.
        clause: its clause, for the words of the steps.
        about: ``clause:80``, ``step-0:100``.
        english: in English; else in Chinese.
        moment: a wall time → as people of the site read it.
    """
    names = {deadlines.CLAUSE: "The whole" if english else "整个事件"}
    for index, step in enumerate(clause.step):
        name = step.text.of("en" if english else "zh")
        names[deadlines.step_key(index)] = f"Step {index + 1}, {name}" if english else f"步骤 {index + 1}（{name}）"
    for mark in about:
        key, _, percent = mark.rpartition(":")
        limit = deadlines.find(incident.deadlines, key)
        gone = _GONE.get(int(percent) if percent.isdecimal() else 0)
        if limit is None or gone is None or key not in names:
            continue  # the plan has changed since
        due = said(moment(limit.at), provisional=limit.provisional, english=english)
        yield f"{names[key]}: {gone[1]}, due {due}" if english else f"{names[key]}：{gone[0]}，截止 {due}"
