"""The pages: what is put into which template, in which language."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import tzinfo
from typing import Any, Protocol

import msgspec
from fastapi import Request, Response
from fastapi.responses import HTMLResponse
from markupsafe import Markup

from gateway.board import agents as presence
from gateway.board import cases, decisions, outlook, planpage, staff, views
from gateway.board.ports import IncidentDesk, LiveView, StoreView
from gateway.board.render import Renderer
from gateway.board.stream import Picture, Shared
from gateway.board.words import LANGUAGES, Words
from gateway.incident import Incident
from gateway.plan.model import Plan

COOKIE = "lang"
_YEAR = 31536000
MOST_AGENTS = 100
ANSWERS = frozenset(
    {
        "seen",
        "mine",
        "step",
        "shed",
        "close",
        "handover",
        "accept",
        "decline",
        "progress",
        "reopen",
        "approve",
        "refuse",
        "confirm",
        "authorise",
        "lower",
    },
)
"""Of these, the page says that they are recorded."""
"""Agents on the first page, those to look at first: its script is sent them at every change."""


class JSON(Response):
    """An answer for machines."""

    media_type = "application/json"

    def __init__(self, content: object, status_code: int = 200) -> None:
        """Take anything that msgspec can write."""
        super().__init__(msgspec.json.encode(content), status_code)


class BoardSettings(Protocol):
    """The settings that pages need."""

    @property
    def secret(self) -> bytes:
        """Signs the links."""
        ...

    @property
    def name(self) -> str:
        """The site's name."""
        ...

    @property
    def language(self) -> str:
        """The first language."""
        ...

    @property
    def ages(self) -> views.Ages:
        """From when on readings are stale."""
        ...

    @property
    def clock_limit(self) -> float:
        """From how many seconds on an agent's clock is wrong."""
        ...

    @property
    def recent(self) -> int:
        """How many closed incidents are shown."""
        ...


class Pages:
    """Makes every page of the board."""

    def __init__(
        self,
        live: LiveView,
        desk: IncidentDesk,
        settings: BoardSettings,
        *,
        wall: Callable[[], float],
        name: Callable[[str], str],
        department: Callable[[str, str], str],
        plan: Plan,
        zone: tzinfo | None,
        store: Callable[[], StoreView | None],
        fills: planpage.Fills,
        drill: Callable[[], str],
        people: Sequence[tuple[str, str]] = (),
        orders: staff.Orders = staff.no_orders,
    ) -> None:
        """Take what the board was created with."""
        self.desk = desk
        self.settings = settings
        self.wall = wall
        self.name = name
        self.people = people
        self._orders = orders
        self._live = live
        self._plan = plan
        self._department = department
        self._store = store
        self._fills = fills
        self._drill = drill
        self._render = Renderer(zone)
        self._shared: dict[str, Shared] = {}

    def words(self, request: Request) -> Words:
        """Return the language of a reader: asked for now, chosen before, or the first one."""
        for choice in (request.query_params.get("lang"), request.cookies.get(COOKIE)):
            if choice in LANGUAGES:
                return Words(choice)
        return Words(self.settings.language)

    def html(self, request: Request, template: str, *, status: int = 200, **values: Any) -> Response:
        """Return a page; a language asked for by ``?lang=`` is kept in a cookie."""
        words = self.words(request)
        now = self.wall()
        more = {"site_name": self.settings.name, "here": _here(request), "offset": self._render.offset(now)}
        more["drill"] = self._drill()
        body = self._render(template, words, now, **more, **values)
        answer = HTMLResponse(body, status)
        if request.query_params.get("lang") in LANGUAGES:
            answer.set_cookie(COOKIE, words.language, max_age=_YEAR, httponly=True, samesite="lax")
        return answer

    def sentence(self, request: Request, status: int, heading: str, sentence: str) -> Response:
        """Return a page that says one thing."""
        words = self.words(request)
        return self.html(request, "sentence.html", status=status, heading=words(heading), sentence=sentence)

    @contextmanager
    def changes(self) -> Iterator[asyncio.Event]:
        """Return an event that is set at each change of what a page shows, while it is held."""
        with self._live.changes() as event:
            end = self.desk.subscribe(lambda *_: event.set())
            try:
                yield event
            finally:
                end()

    # The first page

    def board(self, request: Request) -> Response:
        """Return the first page."""
        words = self.words(request)
        picture = self.picture(words, all_rows="all" in request.query_params)
        charts = msgspec.json.encode(views.charts(self._live, words)).decode()
        fragments: dict[str, Any] = {key: Markup(html) for key, html in picture.fragments.items()}  # noqa: S704 - our own, escaped
        stream = f"/live?lang={words.language}"
        return self.html(request, "board.html", stream=stream, charts=charts, **fragments)

    def rows(self, request: Request, key: tuple[str, str, str]) -> Response | None:
        """Return all the readings of one device, for a page that has opened them; None when it is not there."""
        words = self.words(request)
        now = self.wall()
        card = views.card(self._live, key, words, self.settings.ages, now)
        return None if card is None else HTMLResponse(self._render("_rows.html", words, now, list=card.rows))

    def shared(self, words: Words) -> Picture:
        """Return the first page as it is now, or was a moment ago: made once for all who look, and seldom if it is big."""
        if words.language not in self._shared:
            self._shared[words.language] = Shared(lambda: self.picture(words))
        return self._shared[words.language]()

    def picture(self, words: Words, *, all_rows: bool = False) -> Picture:
        """Return the first page as it is now; the readings that a page opens on demand only if they are asked for."""
        now = self.wall()
        cards = views.cards(self._live, words, self.settings.ages, now)
        alarms = views.alarms(self._live, words, now)
        agents = self._agents(words, now)
        shown = self._cases(words)
        standing = sum(1 for row in alarms if row.active)
        blind = sum(1 for card in cards if card.blind)
        calm = "no-alarms-empty" if not cards else "no-alarms-blind" if blind else "no-alarms"
        render = self._render
        fragments = {
            "summary": render(
                "_summary.html",
                words,
                now,
                alarms=standing,
                blind=blind,
                open=sum(1 for case in shown if not case.closed),
                pending=sum(1 for card in cards if card.state == "pending"),
                fine=sum(1 for card in cards if card.state == "fine"),
                devices=len(cards),
                store=self._store(),
            ),
            "alarms": render("_alarms.html", words, now, list=alarms, calm=calm),
            "devices": render("_devices.html", words, now, list=cards, all=all_rows),
            "agents": render("_agents.html", words, now, list=agents[:MOST_AGENTS], more=len(agents) - MOST_AGENTS),
            "incidents": render("_incidents.html", words, now, list=shown),
        }
        title = f"{self.settings.name} · {words('board')}"
        spoken = "; ".join(f"{row.condition}: {row.title}" for row in alarms if row.active) or words(calm)
        title = f"({standing}) {title}" if standing else title
        return Picture(now, render.moment(now, now), title, spoken, fragments)

    def facts(self, words: Words) -> dict[str, Any]:
        """Return the first page for machines."""
        now = self.wall()
        return {
            "now": now,
            "alarms": views.alarms(self._live, words, now),
            "devices": views.cards(self._live, words, self.settings.ages, now),
            "agents": self._agents(words, now),
            "incidents": self._cases(words),
            "store": self._store(),
        }

    def _agents(self, words: Words, now: float) -> list[presence.AgentRow]:
        return presence.agents(self._live, words, now, clock_limit=self.settings.clock_limit)

    def _cases(self, words: Words) -> list[cases.Case]:
        found = list(self.desk.list())
        running = [one for one in found if one.closed is None or one.stands_closed]
        closed = [one for one in found if one.closed is not None and not one.stands_closed][: self.settings.recent]
        return [cases.case(one, words, self.name) for one in (*running, *closed)]

    def plan(self, request: Request) -> Response:
        """Return the plan as a page."""
        return self.html(
            request, "plan.html", clauses=planpage.view(self._plan, self.words(request), self._department, self._fills)
        )

    # A person's page

    def incident(
        self,
        request: Request,
        incident: Incident,
        person: str,
        *,
        status: int = 200,
        wrong: str = "",
        reason: str = "",
        most: int,
    ) -> Response:
        """Return the page of one incident for one person."""
        words = self.words(request)
        done = request.query_params.get("done", "")
        action = _here(request)
        fragments = self.case(incident, words, action).fragments
        offer = incident.handover
        return self.html(
            request,
            "incident.html",
            status=status,
            case=cases.case(incident, words, self.name),
            facts=Markup(fragments["case"]),  # noqa: S704 - rendered, escaped, by us
            more=Markup(fragments["more"]),  # noqa: S704 - rendered, escaped, by us
            person=self.name(person),
            done=f"done-{done}" if done in ANSWERS else "",
            yours=incident.owner == person,
            asked=decisions.asked(incident, person),
            levels=decisions.levels(incident, self._plan.find(incident.clause)),
            offered=offer is not None and offer.pending and offer.taker == person,
            people=[(who, name) for who, name in self.people if who != person],
            orders=self._orders(incident, person),
            action=action,
            stream=f"{action}/live?lang={words.language}",
            wrong=wrong,
            reason=reason,
            most=most,
        )

    def case(self, incident: Incident, words: Words, action: str) -> Picture:
        """Return what changes on the page of one incident; its buttons stand below the address ``action``."""
        now = self.wall()
        case = cases.case(incident, words, self.name)
        clause = self._plan.find(incident.clause)
        steps = cases.steps(incident, clause, words, now, name=self.name, department=self._department)
        device = None if case.closed else views.card(self._live, incident.source.key, words, self.settings.ages, now)
        title = f"{case.code} {case.title}"
        announce = words.name("incident", case.state)
        battery = outlook.rows(incident.countdowns, words, lambda at: self._render.moment(at, now), now)
        reported = staff.rows(incident, words, self.name) + decisions.rows(incident, words, self.name)
        loads = outlook.items(incident.countdowns, words)
        fragments = {
            "case": self._render("_case.html", words, now, case=case, battery=battery, reported=reported),
            "more": self._render(
                "_more.html", words, now, case=case, device=device, steps=steps, loads=loads, action=action
            ),
        }
        return Picture(now, self._render.moment(now, now), title, announce, fragments)


def _here(request: Request) -> str:
    """Return the page that a request is about; a button's address is one step below its page."""
    path = request.url.path
    return path.rpartition("/")[0] if request.method == "POST" else path
