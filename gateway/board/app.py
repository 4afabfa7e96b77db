"""The board's web application: its routes, put together from what it is given."""

from collections.abc import Callable, Sequence
from datetime import tzinfo
from typing import Annotated, Any, Final

import msgspec
from fastapi import FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import StreamingResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from contract.errors import StorageError
from gateway.board import staff, views
from gateway.board.headers import SecureHeaders
from gateway.board.pages import JSON, Pages
from gateway.board.person import add_routes
from gateway.board.planpage import Fills
from gateway.board.ports import IncidentDesk, LiveView, StoreView
from gateway.board.render import STATIC
from gateway.board.stream import Doors
from gateway.plan.model import Plan

HOUR: Final = 3600.0
BUCKETS: Final = 360
"""A chart of an hour has one of these each 10 s, with its lowest and highest value."""
_EVENTS: Final = {"X-Accel-Buffering": "no", "Cache-Control": "no-store"}


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What the board is told."""

    secret: bytes
    """Signs the links of persons; shared with who sends them."""
    name: str = "wolfsmoke"
    """The site's name, in the heading."""
    language: str = "zh"
    """The first language; a reader may switch."""
    ages: views.Ages = views.Ages()
    clock_limit: float = 30.0
    """From how many seconds on an agent's clock is wrong."""
    streams: int = 100
    """Pages that may be open at once."""
    recent: int = 20
    """Closed incidents that the first page still shows."""


def create(
    live: LiveView,
    desk: IncidentDesk,
    settings: Settings,
    *,
    wall: Callable[[], float],
    name: Callable[[str], str] = str,
    department: Callable[[str, str], str] = lambda key, _language: key,
    plan: Plan | None = None,
    zone: tzinfo | None = None,
    store: Callable[[], StoreView | None] = lambda: None,
    fills: Fills = lambda _department, _role: "",
    drill: Callable[[], str] = lambda: "",
    people: Sequence[tuple[str, str]] = (),
    orders: staff.Orders = staff.no_orders,
) -> FastAPI:
    """Return the board.

    Call ``app.state.doors.close()`` before the server stops: it ends the streams of the open pages.

    Args:
        live: what is known now.
        desk: the incidents.
        settings: what the board is told.
        wall: the gateway's wall clock, seconds since 1970.
        name: a person's id → their name.
        department: a department's key and a language → its title.
        plan: where the steps of a clause stand.
        zone: the site's time zone, in which times are shown; without one, that of this host.
        store: how the time-series store does; None where there is none.
        fills: a department and a role → the name of who fills it now.
        drill: the code of the drill that runs; empty: none does.
        people: those to whom an incident can be handed over: id, name.
        orders: an incident and a person → what they may order of its headquarters.
    """
    doors = Doors(settings.streams)
    pages = Pages(
        live,
        desk,
        settings,
        wall=wall,
        name=name,
        department=department,
        plan=plan or Plan(),
        zone=zone,
        store=store,
        fills=fills,
        drill=drill,
        people=people,
        orders=orders,
    )
    # No generated documentation: its pages load scripts from elsewhere.
    app = FastAPI(title=settings.name, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.doors = doors
    app.add_middleware(SecureHeaders)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")

    @app.api_route("/", methods=["GET", "HEAD"])
    async def first(request: Request) -> Response:
        return pages.board(request)

    @app.api_route("/plan", methods=["GET", "HEAD"])
    async def plan_page(request: Request) -> Response:
        return pages.plan(request)

    @app.get("/live")
    async def stream(request: Request) -> Response:
        words = pages.words(request)
        if doors.full:
            return pages.sentence(request, 503, "refused-title", words("too-many"))
        events = doors.stream(lambda: pages.shared(words), pages.changes)
        return StreamingResponse(events, media_type="text/event-stream", headers=_EVENTS)

    _add_facts(app, live, pages, settings)
    add_routes(app, pages, doors)

    @app.exception_handler(StorageError)
    async def failing(request: Request, _error: StorageError) -> Response:
        return pages.sentence(request, 503, "refused-title", pages.words(request)("not-recorded"))

    @app.exception_handler(HTTPException)
    async def refused(request: Request, error: HTTPException) -> Response:
        if request.url.path.startswith("/api/"):
            return JSON({"error": str(error.detail)}, error.status_code)
        sentence = pages.words(request)("wrong-method" if error.status_code == 405 else "no-page")
        answer = pages.sentence(request, error.status_code, "unknown-title", sentence)
        answer.headers.update(error.headers or {})
        return answer

    @app.exception_handler(RequestValidationError)
    async def unusable(_request: Request, error: RequestValidationError) -> Response:
        missing = [_said(problem) for problem in error.errors()]
        return JSON({"error": "; ".join(missing)}, 422)

    return app


def _add_facts(app: FastAPI, live: LiveView, pages: Pages, settings: Settings) -> None:
    """Add what the pages' scripts ask for, and machines."""

    @app.get("/rows")
    async def rows(
        request: Request,
        site: Annotated[str, Query(max_length=64)],
        agent: Annotated[str, Query(max_length=64)],
        device: Annotated[str, Query(max_length=64)],
    ) -> Response:
        answer = pages.rows(request, (site, agent, device))
        return answer or JSON({"error": f"no device {site}/{agent}/{device}"}, 404)

    @app.get("/api/live.json")
    async def live_json(request: Request) -> Response:
        return JSON(pages.facts(pages.words(request)))

    @app.get("/api/history")
    async def history(
        site: Annotated[str, Query(max_length=64)],
        agent: Annotated[str, Query(max_length=64)],
        device: Annotated[str, Query(max_length=64)],
        quantity: Annotated[str, Query(max_length=128)],
    ) -> Response:
        view = live.devices.get((site, agent, device))
        if view is None:
            return JSON({"error": f"no device {site}/{agent}/{device}"}, 404)
        now = pages.wall()
        points = live.history(site, agent, device, quantity, now - HOUR)
        gap = settings.ages.reading(view.interval)
        times, values = views.thinned(points, buckets=BUCKETS, gap=gap)
        return JSON({"now": now, "quantity": quantity, "times": times, "values": values})

    @app.api_route("/health", methods=["GET", "HEAD"])
    async def health() -> Response:
        online = sum(1 for agent in live.agents.values() if agent.online)
        agents = {"known": len(live.agents), "online": online}
        return JSON({"status": "ok", "now": pages.wall(), "agents": agents, "devices": len(live.devices)})


def _said(problem: dict[str, Any]) -> str:
    return f"{problem['loc'][-1]}: {problem['msg']}"
