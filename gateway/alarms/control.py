"""The alarms over HTTP, on the control socket (``gateway.control``)."""

from typing import Annotated

from fastapi import Body, FastAPI, Query
from fastapi.responses import Response

from gateway.alarms.figures import DAY
from gateway.alarms.people import People
from gateway.web import as_json

Text = Annotated[str, Body(max_length=4000)]
Name = Annotated[str, Body(max_length=400)]


def add_alarms(app: FastAPI, people: People) -> None:
    """Add ``GET /alarms``, ``GET /alarms/figures?seconds=…`` and ``POST /alarms/{shelve,unshelve,out,back}``.

    The bodies are JSON: ``{"person": …, "target": …, "reason": …, "seconds": …}``; to put back needs neither reason nor
    seconds. Errors are those of the incidents.
    """

    @app.get("/alarms")
    async def listing() -> Response:
        return as_json(people.listing())

    @app.get("/alarms/figures")
    async def figures(seconds: Annotated[float, Query(gt=0, le=366 * DAY)] = DAY) -> Response:
        return as_json(people.figures(seconds))

    @app.post("/alarms/shelve")
    async def shelve(
        person: Name, target: Name, seconds: Annotated[float, Body(allow_inf_nan=False)], reason: Text = ""
    ) -> Response:
        return as_json(await people.shelve(target, person, seconds, reason))

    @app.post("/alarms/unshelve")
    async def unshelve(person: Name, target: Name) -> Response:
        return as_json(await people.unshelve(target, person))

    @app.post("/alarms/out")
    async def out(person: Name, target: Name, reason: Text = "") -> Response:
        return as_json(await people.out(target, person, reason))

    @app.post("/alarms/back")
    async def back(person: Name, target: Name) -> Response:
        return as_json(await people.back(target, person))
