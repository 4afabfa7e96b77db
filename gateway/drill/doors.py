"""Drills over the control socket, as JSON with the sentences for people in both languages."""

from collections.abc import Callable
from typing import Any

import msgspec

from gateway.board.render import Renderer
from gateway.board.words import Words
from gateway.drill import page
from gateway.drill.desk import Drills
from gateway.drill.score import Report

LANGUAGES = ("zh", "en")


async def listing(drills: Drills) -> dict[str, Any]:
    """Return all the drills, the newest first, a line each."""
    found = await drills.reports()
    rows = [{language: page.row(one, Words(language)) for language in LANGUAGES} for one in found]
    return {"drills": [{"number": one.record.number, **row} for one, row in zip(found, rows, strict=True)]}


async def details(drills: Drills, number: int, name: Callable[[str], str]) -> dict[str, Any]:
    """Return how one went.

    Raises:
        DrillError: there is none of this number.
    """
    found = await drills.report(number)
    return {**_plain(found), **{language: page.text(found, Words(language), name) for language in LANGUAGES}}


def _plain(report: Report) -> dict[str, Any]:
    plain = dict(msgspec.to_builtins(report))
    plain["record"] = {key: value for key, value in plain["record"].items() if key != "incidents"}
    return {**plain, "met": report.met, "counted": report.counted}


async def html(drills: Drills, number: int, language: str, name: Callable[[str], str], render: Renderer) -> str:
    """Return how one went, as a page of its own.

    Raises:
        DrillError: there is none of this number.
    """
    found, words = await drills.report(number), Words(language)
    return render(
        "drill.html",
        words,
        found.record.ended or found.record.started,
        report=found,
        why=page.why(found, words),
        wanted=lambda line: page.wanted(line, words),
        name=name,
    )
