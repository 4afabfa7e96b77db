"""The incidents over HTTP, for the command line: served on a unix socket that only this machine's operators can open.

Whoever may open the socket is believed when they say who they are; the socket's file mode is the lock. People who are
elsewhere answer through the board, with a token.
"""

from collections.abc import Callable
from typing import Annotated, Any

import msgspec
from fastapi import Body, FastAPI, Request
from fastapi.responses import JSONResponse, Response

from contract.command import Verb
from contract.errors import CommandRefused, IncidentError, IncidentUnknown, StorageError
from gateway.board.agents import AgentRow
from gateway.commands import Commander
from gateway.incident import Incident
from gateway.incidents import Incidents
from gateway.plan.model import Plan

SOCKET = "control.sock"
"""Its name in the state directory."""

Text = Annotated[str, Body(max_length=4000)]


def _no_agents(_language: str) -> list[AgentRow]:
    return []


def _no_devices() -> list[dict[str, Any]]:
    return []


def create(
    incidents: Incidents,
    agents: Callable[[str], list[AgentRow]] = _no_agents,
    commander: Commander | None = None,
    devices: Callable[[], list[dict[str, Any]]] = _no_devices,
) -> FastAPI:
    """Return the app: ``GET /agents``, ``GET /devices`` (as their inventories say), ``POST /command``, ``GET /incidents[/CODE]``, ``POST /incidents/CODE/{seen,mine,step,close,note}``.

    The bodies are JSON: ``{"person": …, "reason": …}``, ``{"person": …, "text": …}``, and
    ``{"person": …, "number": …}`` for a step, the first of which is 1; a command is ``{"person": …, "agent": …, "device": …,
    "verb": …, "output": …, "seconds": …}``, answered when it is done, or when its time is over. Errors are ``{"error": …, "hint": …}``, those for
    people with the whole sentence as ``zh`` and ``en`` too; with 404 for an unknown code, 409 for what cannot be done, 503
    while the disk fails.
    """
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)

    def full(incident: Incident) -> dict[str, Any]:
        return {**details(incident, incidents.plan), "utc_offset": incidents.utc_offset(incident.source.site)}

    _say_errors(app)
    if commander is not None:
        _add_commands(app, incidents, commander)

    @app.get("/agents")
    async def all_agents() -> Response:
        rows = [
            {**msgspec.to_builtins(zh), "clock": {"zh": zh.clock, "en": en.clock}}
            for zh, en in zip(agents("zh"), agents("en"), strict=True)
        ]
        return _json({"agents": rows, "utc_offset": incidents.utc_offset()})

    @app.get("/devices")
    async def all_devices() -> Response:
        return _json({"devices": devices()})

    @app.get("/incidents")
    async def listing(*, closed: bool = False) -> Response:
        found = [summary(one) for one in incidents.list() if closed or one.closed is None]
        return _json({"incidents": found, "utc_offset": incidents.utc_offset()})

    @app.get("/incidents/{code}")
    async def one(code: str) -> Response:
        return _json(full(incidents.get(code)))

    @app.post("/incidents/{code}/seen")
    async def seen(code: str, person: Annotated[str, Body(embed=True)]) -> Response:
        return _json(full(await incidents.seen(code, person)))

    @app.post("/incidents/{code}/mine")
    async def mine(code: str, person: Annotated[str, Body(embed=True)]) -> Response:
        return _json(full(await incidents.mine(code, person)))

    @app.post("/incidents/{code}/step")
    async def step(code: str, person: Annotated[str, Body()], number: Annotated[int, Body()]) -> Response:
        return _json(full(await incidents.step(code, person, number - 1)))

    @app.post("/incidents/{code}/close")
    async def close(code: str, person: Annotated[str, Body()], reason: Text = "") -> Response:
        return _json(full(await incidents.close(code, person, reason)))

    @app.post("/incidents/{code}/note")
    async def note(code: str, person: Annotated[str, Body()], text: Text) -> Response:
        return _json(full(await incidents.note(code, person, text)))

    return app


def _say_errors(app: FastAPI) -> None:
    @app.exception_handler(IncidentError)
    async def refused(_request: Request, error: IncidentError) -> JSONResponse:
        status = 404 if isinstance(error, IncidentUnknown) else 409
        body = {"error": error.what, "hint": error.hint, "zh": error.of("zh"), "en": error.of("en")}
        return JSONResponse(body, status)

    @app.exception_handler(StorageError)
    async def failing(_request: Request, error: StorageError) -> JSONResponse:
        return JSONResponse({"error": error.what, "hint": error.hint}, 503)

    @app.exception_handler(CommandRefused)
    async def not_sent(_request: Request, error: CommandRefused) -> JSONResponse:
        return JSONResponse({"error": error.what, "hint": error.hint}, 409)


def _add_commands(app: FastAPI, incidents: Incidents, commander: Commander) -> None:
    @app.post("/command")
    async def command(
        person: Annotated[str, Body()],
        agent: Annotated[str, Body()],
        device: Annotated[str, Body()],
        verb: Annotated[str, Body()],
        output: Annotated[str, Body()] = "",
        seconds: Annotated[float, Body(ge=0, le=86400)] = 0.0,
    ) -> Response:
        incidents.contacts.find(person)
        site, _, name = agent.partition("/")
        if verb not in set(Verb):
            raise CommandRefused(f"no command {verb!r}", hint=f"there are {', '.join(Verb)}")
        reply = await commander.command((site, name), device, Verb(verb), who=person, output=output, seconds=seconds)
        return _json(reply)


def summary(incident: Incident) -> dict[str, Any]:
    """Return an incident without its timeline; JSON types only."""
    worst = incident.worst
    return {
        "code": incident.code,
        "clause": incident.clause,
        "title": {"zh": worst.title_zh or incident.title_zh, "en": worst.title_en or incident.title_en},
        "state": incident.state.value,
        "level": worst.level,
        "severity": worst.severity,
        "source": msgspec.to_builtins(incident.source),
        "place": incident.source.place,
        "owner": incident.owner,
        "seen": list(incident.seen),
        "steps": [index + 1 for index in incident.steps],
        "opened": incident.opened,
        "deadline": incident.deadline,
        "overdue": incident.overdue,
        "limits": [msgspec.to_builtins(one) for one in incident.deadlines],
        "gone": incident.gone,
        "checked": incident.checked,
        "closed": incident.closed,
        "late": incident.late,
    }


def details(incident: Incident, plan: Plan) -> dict[str, Any]:
    """Return an incident with its symptoms, the plan's steps and its timeline; JSON types only."""
    clause = plan.find(incident.clause)
    wanted = [
        {"number": index + 1, "zh": step.text.zh, "en": step.text.en, "done": index in incident.steps}
        for index, step in enumerate(clause.step if clause else ())
    ]
    return {
        **summary(incident),
        "plan": wanted,
        "symptoms": [msgspec.to_builtins(symptom) for symptom in incident.symptoms],
        "timeline": [msgspec.to_builtins(event) for event in incident.timeline],
    }


def _json(value: object) -> Response:
    return Response(msgspec.json.encode(value), media_type="application/json")
