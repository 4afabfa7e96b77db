"""Incidents that come again: the same clause on the same device, soon after the last one was closed. Pure."""

from collections.abc import Iterable
from typing import Any

import msgspec

from gateway.incident.model import Incident, Source
from gateway.reports import Reported

Root = tuple[str, tuple[str, str, str]]
"""Clause, and the device's site, agent and name; of a report its name and place."""


class Recurring(msgspec.Struct, frozen=True, kw_only=True):
    """What came more than once: the codes in the order of their opening."""

    clause: str
    title_zh: str
    title_en: str
    source: Source
    codes: tuple[str, ...]


def root_of(incident: Incident) -> Root:
    """Return what two incidents must have in common."""
    return root(incident.clause, incident.source, incident.report, incident.code)


def root(clause: str, source: Source, report: Reported | None, code: str) -> Root:
    """Return the same of an incident that is about to open under this code.

    What people report has no device: it is the same again where they say the same of the same place. A request comes
    again with each customer, and what names no place may be anywhere: these are like no other.
    """
    if report is None:
        return clause, source.key
    alone = bool(report.approvals) or not report.place
    return clause, ("report", report.name, code if alone else report.place)


def before(incidents: Iterable[Incident], same: Root, now: float, within: float) -> Incident | None:
    """Return the last incident of the same root, if it was closed within so many seconds; 0 links nothing.

    Args:
        incidents: all of them, in the order of their opening.
        same: of the new one.
        now: when it opens, by the gateway's wall clock.
        within: seconds from the last one's closing.
    """
    last = None
    for one in incidents:
        if root_of(one) == same and one.closed is not None and not one.moved and now - one.closed < within:
            last = one
    return last


def link(last: Incident | None) -> dict[str, Any]:
    """Return what the first event of an incident says of the one before it."""
    return {"recurrence": {"of": last.code, "count": last.count + 1}} if last else {}


def recurring(incidents: Iterable[Incident], begin: float, end: float) -> list[Recurring]:
    """Return what came more than once between two wall times, the most frequent first: for the monthly analysis."""
    rows: dict[Root, list[Incident]] = {}
    for one in incidents:
        if begin <= one.opened < end and not one.moved:
            rows.setdefault(root_of(one), []).append(one)
    found = [
        Recurring(
            clause=some[0].clause,
            title_zh=some[-1].title_zh,
            title_en=some[-1].title_en,
            source=some[-1].source,
            codes=tuple(one.code for one in some),
        )
        for some in rows.values()
        if len(some) > 1
    ]
    return sorted(found, key=lambda one: -len(one.codes))
