"""The alarms over HTTP, on the control socket (``gateway.control``)."""

from typing import Annotated, Any

import msgspec
from fastapi import Body, FastAPI, Query
from fastapi.responses import Response

from gateway.alarms.figures import DAY
from gateway.alarms.people import People

Text = Annotated[str, Body(max_length=4000)]
Name = Annotated[str, Body(max_length=400)]


def add_alarms(app: FastAPI, people: People) -> None:
    """Add ``GET /alarms``, ``GET /alarms/figures?seconds=…`` and ``POST /alarms/{shelve,unshelve,out,back}``.

    The bodies are JSON: ``{"person": …, "target": …, "reason": …, "seconds": …}``; to put back needs neither reason nor
    seconds. Errors are those of the incidents.
    """

    @app.get("/alarms")
    async def listing() -> Response:
        return _json(people.listing())

    @app.get("/alarms/figures")
    async def figures(seconds: Annotated[float, Query(gt=0, le=366 * DAY)] = DAY) -> Response:
        return _json(people.figures(seconds))

    @app.post("/alarms/shelve")
    async def shelve(
        person: Name, target: Name, seconds: Annotated[float, Body(allow_inf_nan=False)], reason: Text = ""
    ) -> Response:
        return _json(await people.shelve(target, person, seconds, reason))

    @app.post("/alarms/unshelve")
    async def unshelve(person: Name, target: Name) -> Response:
        return _json(await people.unshelve(target, person))

    @app.post("/alarms/out")
    async def out(person: Name, target: Name, reason: Text = "") -> Response:
        return _json(await people.out(target, person, reason))

    @app.post("/alarms/back")
    async def back(person: Name, target: Name) -> Response:
        return _json(await people.back(target, person))


def _json(value: dict[str, Any]) -> Response:
    return Response(msgspec.json.encode(value), media_type="application/json")
