"""Reports by people over the control socket: what can be reported, a report, its approvals, the level that a person confirms.

``GET /reports``; ``POST /reports`` with ``{"person": …, "clause": …, "report": …, "fields": {…}, "place": …}``;
``POST /incidents/CODE/{approve,refuse,confirm}`` with ``{"person": …, "text": …}``, for ``confirm``
``{"person": …, "level": …}``.
"""

from collections.abc import Callable
from typing import Annotated, Any

import msgspec
from fastapi import Body, FastAPI
from fastapi.responses import Response

from gateway import reports
from gateway.contacts import Contacts
from gateway.incident import Incident
from gateway.incidents import Incidents
from gateway.plan.model import Plan
from gateway.web import as_json

Text = Annotated[str, Body(max_length=4000)]


def add_routes(app: FastAPI, incidents: Incidents, full: Callable[[Incident], dict[str, Any]]) -> None:
    """Add the routes; ``full`` makes the answer of an incident."""

    @app.get("/reports")
    async def listing() -> Response:
        return as_json({"reports": listed(incidents.plan)})

    @app.post("/reports")
    async def report(
        person: Annotated[str, Body()],
        clause: Annotated[str, Body()],
        report: Annotated[str, Body()],
        fields: Annotated[dict[str, str] | None, Body()] = None,
        place: Text = "",
    ) -> Response:
        return as_json(full(await incidents.report(clause, report, person, fields or {}, place)))

    @app.post("/incidents/{code}/approve")
    async def approve(code: str, person: Annotated[str, Body()], text: Text = "") -> Response:
        return as_json(full(await incidents.approve(code, person, text)))

    @app.post("/incidents/{code}/refuse")
    async def refuse(code: str, person: Annotated[str, Body()], text: Text = "") -> Response:
        return as_json(full(await incidents.refuse(code, person, text)))

    @app.post("/incidents/{code}/confirm")
    async def confirm(code: str, person: Annotated[str, Body()], level: Annotated[str, Body()]) -> Response:
        return as_json(full(await incidents.confirm(code, person, level)))


def said(incident: Incident, contacts: Contacts) -> dict[str, list[tuple[str, str]]] | None:
    """Return what was reported, in both languages, as label and text; None where an alarm opened it."""
    names = {person.id: person.name for person in contacts.person}
    if incident.report is None:
        return None
    return {one: reports.rows(incident.report, one, lambda who: names.get(who, who)) for one in ("zh", "en")}


def listed(plan: Plan) -> list[dict[str, Any]]:
    """Return what people can report, clause by clause; JSON types only."""
    return [
        {
            "clause": clause.clause,
            "report": one.name,
            "title": msgspec.to_builtins(one.title),
            "fields": [msgspec.to_builtins(field) for field in one.field],
            "evidence": msgspec.to_builtins(one.evidence),
        }
        for clause in plan.clauses
        for one in clause.report
    ]
