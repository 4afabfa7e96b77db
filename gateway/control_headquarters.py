"""The headquarters over the control socket.

``POST /incidents/CODE/authorise`` with ``{"person": …, "whom": …, "reason": …}``; ``POST /incidents/CODE/lower`` with
``{"person": …, "level": …, "reason": …}``; ``POST /incidents/CODE/limit`` with ``{"person": …, "limit": …, "number": …}``, the
number that of a step, 0 for the whole.
"""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Body, FastAPI
from fastapi.responses import Response

from gateway.incident import Incident
from gateway.incidents import Incidents
from gateway.web import as_json

Text = Annotated[str, Body(max_length=4000)]


def add_routes(app: FastAPI, incidents: Incidents, full: Callable[[Incident], dict[str, Any]]) -> None:
    """Add the routes; ``full`` makes the answer of an incident."""

    @app.post("/incidents/{code}/authorise")
    async def authorise(
        code: str, person: Annotated[str, Body()], whom: Annotated[str, Body()], reason: Text = ""
    ) -> Response:
        return as_json(full(await incidents.authorise(code, person, whom, reason)))

    @app.post("/incidents/{code}/lower")
    async def lower(
        code: str, person: Annotated[str, Body()], level: Annotated[str, Body()], reason: Text = ""
    ) -> Response:
        return as_json(full(await incidents.lower(code, person, level, reason)))

    @app.post("/incidents/{code}/limit")
    async def limit(
        code: str,
        person: Annotated[str, Body()],
        limit: Annotated[str, Body(max_length=100)],
        number: Annotated[int, Body()] = 0,
    ) -> Response:
        return as_json(full(await incidents.limit(code, person, limit, number)))
