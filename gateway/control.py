"""The incidents over HTTP, for the command line: served on a unix socket that only this machine's operators can open.

Whoever may open the socket is believed when they say who they are; the socket's file mode is the lock. People who are
elsewhere answer through the board, with a token.
"""

from collections.abc import Callable
from typing import Annotated, Any

import msgspec
from fastapi import Body, FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response

from contract.command import Verb
from contract.errors import CommandRefused, IncidentError, IncidentUnknown, StorageError
from gateway import control_headquarters, control_reports
from gateway.alarms.control import add_alarms
from gateway.alarms.people import People
from gateway.board import staff
from gateway.board.agents import AgentRow
from gateway.board.render import Renderer
from gateway.commands import Commander
from gateway.drill import doors
from gateway.drill.desk import Drills
from gateway.incident import Incident
from gateway.incidents import Incidents
from gateway.plan.model import Plan
from gateway.web import as_json

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
    drills: Drills | None = None,
    alarms: People | None = None,
) -> FastAPI:
    """Return the app: ``GET /agents``, ``GET /devices``, ``POST /command``, ``GET /incidents[/CODE]``, ``GET /recurring``, the alarms (``gateway.alarms.control``), ``POST /incidents/CODE/VERB``.

    VERB is one of seen, mine, step, shed, close, note, handover, accept, decline, progress, reopen; reports by people and their
    approvals are ``control_reports``, the headquarters ``control_headquarters``.

    The bodies are JSON: ``{"person": …, "reason": …}``, ``{"person": …, "text": …}``, and
    ``{"person": …, "number": …}`` for a step or a load that is off, the first of which is 1, ``{"person": …, "to": …, "text": …}`` for a handover; a command is ``{"person": …, "agent": …, "device": …,
    "verb": …, "output": …, "seconds": …}``, answered when it is done, or when its time is over. Errors are ``{"error": …, "hint": …}``, those for
    people with the whole sentence as ``zh`` and ``en`` too; with 404 for an unknown code, 409 for what cannot be done, 422
    for a body that cannot be used, 503 while the disk fails.
    """
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)

    _say_errors(app)
    if commander is not None:
        _add_commands(app, incidents, commander)
    if drills is not None:
        _add_drills(app, incidents, drills)
    if alarms is not None:
        add_alarms(app, alarms)

    @app.get("/agents")
    async def all_agents() -> Response:
        rows = [
            {**msgspec.to_builtins(zh), "clock": {"zh": zh.clock, "en": en.clock}}
            for zh, en in zip(agents("zh"), agents("en"), strict=True)
        ]
        return as_json({"agents": rows, "utc_offset": incidents.utc_offset()})

    @app.get("/devices")
    async def all_devices() -> Response:
        return as_json({"devices": devices()})

    _add_incidents(app, incidents)
    return app


def _add_incidents(app: FastAPI, incidents: Incidents) -> None:
    def full(incident: Incident) -> dict[str, Any]:
        said = control_reports.said(incident, incidents.contacts)
        return {
            **details(incident, incidents.plan),
            "report": said,
            "utc_offset": incidents.utc_offset(incident.source.site),
        }

    control_reports.add_routes(app, incidents, full)
    control_headquarters.add_routes(app, incidents, full)

    @app.get("/incidents")
    async def listing(*, closed: bool = False) -> Response:
        found = [summary(one) for one in incidents.list() if closed or one.closed is None or one.stands_closed]
        return as_json({"incidents": found, "utc_offset": incidents.utc_offset()})

    @app.get("/incidents/{code}")
    async def one(code: str) -> Response:
        return as_json(full(incidents.get(code)))

    @app.post("/incidents/{code}/seen")
    async def seen(code: str, person: Annotated[str, Body(embed=True)]) -> Response:
        return as_json(full(await incidents.seen(code, person)))

    @app.post("/incidents/{code}/mine")
    async def mine(code: str, person: Annotated[str, Body(embed=True)]) -> Response:
        return as_json(full(await incidents.mine(code, person)))

    @app.post("/incidents/{code}/step")
    async def step(code: str, person: Annotated[str, Body()], number: Annotated[int, Body()]) -> Response:
        return as_json(full(await incidents.step(code, person, number - 1)))

    @app.post("/incidents/{code}/shed")
    async def shed(code: str, person: Annotated[str, Body()], number: Annotated[int, Body()]) -> Response:
        return as_json(full(await incidents.shed(code, person, number - 1)))

    @app.post("/incidents/{code}/close")
    async def close(code: str, person: Annotated[str, Body()], reason: Text = "") -> Response:
        return as_json(full(await incidents.close(code, person, reason)))

    @app.post("/incidents/{code}/note")
    async def note(code: str, person: Annotated[str, Body()], text: Text) -> Response:
        return as_json(full(await incidents.note(code, person, text)))

    _add_hands(app, incidents, full)


def _add_hands(app: FastAPI, incidents: Incidents, full: Callable[[Incident], dict[str, Any]]) -> None:
    """Add how an incident goes from hand to hand, opens again, and comes again."""

    @app.post("/incidents/{code}/handover")
    async def handover(code: str, person: Annotated[str, Body()], to: Annotated[str, Body()], text: Text) -> Response:
        return as_json(full(await incidents.handover(code, person, to, text)))

    @app.post("/incidents/{code}/accept")
    async def accept(code: str, person: Annotated[str, Body(embed=True)]) -> Response:
        return as_json(full(await incidents.accept(code, person)))

    @app.post("/incidents/{code}/decline")
    async def decline(code: str, person: Annotated[str, Body()], text: Text = "") -> Response:
        return as_json(full(await incidents.decline(code, person, text)))

    @app.post("/incidents/{code}/progress")
    async def progress(code: str, person: Annotated[str, Body()], text: Text = "") -> Response:
        return as_json(full(await incidents.progress(code, person, text)))

    @app.post("/incidents/{code}/reopen")
    async def reopen(code: str, person: Annotated[str, Body()], reason: Text = "") -> Response:
        return as_json(full(await incidents.reopen(code, person, reason)))

    @app.get("/recurring")
    async def recurring(days: Annotated[float, Query(gt=0, le=3660)] = 31.0) -> Response:
        found = incidents.recurring(days)
        rows = [{**msgspec.to_builtins(one), "place": one.source.place} for one in found]
        return as_json({"recurring": rows, "days": days})


def _say_errors(app: FastAPI) -> None:
    @app.exception_handler(IncidentError)
    async def refused(_request: Request, error: IncidentError) -> JSONResponse:
        status = 404 if isinstance(error, IncidentUnknown) else 409
        body = {"error": error.what, "hint": error.hint, "zh": error.of("zh"), "en": error.of("en")}
        return JSONResponse(body, status)

    @app.exception_handler(StorageError)
    async def failing(_request: Request, error: StorageError) -> JSONResponse:
        return JSONResponse({"error": error.what, "hint": error.hint}, 503)

    @app.exception_handler(RequestValidationError)
    async def unusable(_request: Request, error: RequestValidationError) -> JSONResponse:
        """Say what of a body cannot be used: where, and why; not the body itself, which may be long."""
        wrong = [f"{'.'.join(map(str, one['loc'][1:])) or one['loc'][0]}: {one['msg']}" for one in error.errors()]
        return JSONResponse({"error": "; ".join(wrong), "hint": ""}, 422)

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
        return as_json(reply)


def _add_drills(app: FastAPI, incidents: Incidents, drills: Drills) -> None:
    """Add ``GET /drills``, ``GET /drills/NUMBER[/page]``, ``POST /drills`` and ``POST /drills/stop``."""
    contacts = incidents.contacts
    names = {person.id: person.name for person in contacts.person}
    render = Renderer(contacts.hours.tz)

    def name(person: str) -> str:
        return names.get(person, person)

    @app.get("/drills")
    async def all_drills() -> Response:
        return as_json(await doors.listing(drills))

    @app.get("/drills/{number}")
    async def one_drill(number: int) -> Response:
        return as_json(await doors.details(drills, number, name))

    @app.get("/drills/{number}/page")
    async def drill_page(number: int, language: str = "zh") -> Response:
        return as_json({"html": await doors.html(drills, number, language, name, render)})

    @app.post("/drills/stop")
    async def stop(person: Annotated[str, Body(embed=True)]) -> Response:
        record = await drills.stop(person)
        return as_json(await doors.details(drills, record.number, name))

    @app.post("/drills")
    async def start(
        person: Annotated[str, Body()],
        clause: Annotated[str, Body()],
        speed: Annotated[float, Body()] = 1.0,
        people: Annotated[list[str] | None, Body()] = None,
    ) -> Response:
        record = await drills.start(clause, person, speed=speed, people=people or ())
        return as_json(await doors.details(drills, record.number, name))


def summary(incident: Incident) -> dict[str, Any]:
    """Return an incident without its timeline; JSON types only."""
    worst = incident.worst
    head = incident.head
    return {
        "code": incident.code,
        "clause": incident.clause,
        "title": {"zh": head.title_zh or incident.title_zh, "en": head.title_en or incident.title_en},
        "state": incident.state.value,
        "level": worst.level,
        "severity": worst.severity,
        "source": msgspec.to_builtins(incident.source),
        "place": incident.source.place,
        "owner": incident.owner,
        "expired": incident.expired,
        "handover": _handover(incident),
        "recurrence": {"of": incident.recurs, "count": incident.count, "next": incident.recurred},
        "seen": list(incident.seen),
        "headquarters": staff.facts(incident),
        "steps": [index + 1 for index in incident.steps],
        "opened": incident.opened,
        "deadline": incident.deadline,
        "overdue": incident.overdue,
        "limits": [msgspec.to_builtins(one) for one in incident.deadlines],
        "gone": incident.gone,
        "checked": incident.checked,
        "closed": incident.closed,
        "late": incident.late,
        "countdowns": msgspec.to_builtins(incident.countdowns),
        "of": incident.of,
        "waits": incident.waits,
        "affected": [msgspec.to_builtins(one) | {"place": one.place} for one in incident.affected()],
    }


def _handover(incident: Incident) -> dict[str, Any] | None:
    """Return who is asked to take it over; None where nobody is."""
    offer = incident.handover
    return {"to": offer.taker, "at": offer.at, "text": offer.words} if offer is not None and offer.pending else None


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
