"""The page behind a person's link: the incident, and what they may answer now. Only a POST changes anything."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final
from urllib.parse import parse_qs

from fastapi import FastAPI, Request, Response
from fastapi.responses import RedirectResponse, StreamingResponse

from contract.errors import IncidentError, IncidentUnknown
from gateway import links
from gateway.board.pages import Pages
from gateway.board.stream import Doors, Picture
from gateway.incident import Incident

MAX_REASON: Final = 500
"""Characters of a reason."""
MAX_BODY: Final = 16 * 1024
"""Bytes of a form; 500 Chinese characters take 4,500 when encoded."""


Act = Callable[..., Awaitable[object]]
"""One of the verbs of ``IncidentDesk``."""


class _Refused(Exception):
    """The answer is a page with a sentence."""

    def __init__(self, status: int, heading: str, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.heading = heading
        self.sentence = sentence


def add_routes(app: FastAPI, pages: Pages, doors: Doors) -> None:
    """Add the routes of persons' links."""

    @app.exception_handler(_Refused)
    async def refused(request: Request, why: _Refused) -> Response:
        return pages.sentence(request, why.status, why.heading, why.sentence)

    @app.api_route("/i/{code}/{token}", methods=["GET", "HEAD"])
    async def page(request: Request, code: str, token: str) -> Response:
        incident, person = _admitted(pages, request, code, token)
        return pages.incident(request, incident, person, most=MAX_REASON)

    @app.get("/i/{code}/{token}/live")
    async def stream(request: Request, code: str, token: str) -> Response:
        incident, _ = _admitted(pages, request, code, token)
        words = pages.words(request)
        action = request.url.path.removesuffix("/live")
        if doors.full:
            raise _Refused(503, "refused-title", words("too-many"))

        def picture() -> Picture:
            return pages.case(pages.desk.get(incident.code), words, action)

        events = doors.stream(picture, pages.changes)
        return StreamingResponse(events, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})

    desk = pages.desk
    for verb, how, act in (
        ("seen", _answer, desk.seen),
        ("mine", _answer, desk.mine),
        ("step", _numbered, desk.step),
        ("shed", _numbered, desk.shed),
        ("close", _close, desk.close),
        # from hand to hand, and open again
        ("accept", _answer, desk.accept),
        ("decline", _with_words, desk.decline),
        ("progress", _with_words, desk.progress),
        ("reopen", partial(_with_words, closed=True), desk.reopen),
        ("handover", _to, desk.handover),
        # what is approved or refused, and who commands
        ("approve", _with_words, desk.approve),
        ("refuse", _with_words, desk.refuse),
        ("confirm", _with_words, desk.confirm),
        ("authorise", _to, desk.authorise),
        ("lower", _to, desk.lower),
    ):
        app.post(f"/i/{{code}}/{{token}}/{verb}")(_button(pages, how, act))


def _button(pages: Pages, how: Callable[..., Awaitable[Response]], act: Act) -> Callable[..., Awaitable[Response]]:
    """Return the route of a person's button: ``how`` reads what they sent with it, ``act`` does what it says."""

    async def pressed(request: Request, code: str, token: str) -> Response:
        return await how(pages, request, (code, token), act)

    return pressed


async def _to(
    pages: Pages, request: Request, link: tuple[str, str], act: Callable[[str, str, str, str], Awaitable[object]]
) -> Response:
    """Do what a person's button says, with what they chose, and the words that they wrote beside it."""
    _admitted(pages, request, *link)
    fields = await _fields(pages, request)

    async def chosen(code: str, person: str) -> object:
        return await act(code, person, fields.get("to", ""), fields.get("text", ""))

    return await _answer(pages, request, link, chosen)


async def _with_words(
    pages: Pages,
    request: Request,
    link: tuple[str, str],
    act: Callable[[str, str, str], Awaitable[object]],
    *,
    closed: bool = False,
) -> Response:
    """Do what a person's button says, with the words that they wrote beside it."""
    _admitted(pages, request, *link)
    text = await _field(pages, request, "text")

    async def with_text(code: str, person: str) -> object:
        return await act(code, person, text)

    return await _answer(pages, request, link, with_text, closed=closed)


async def _numbered(
    pages: Pages, request: Request, link: tuple[str, str], tick: Callable[[str, str, int], Awaitable[object]]
) -> Response:
    """Tick a step of the plan, or a load that is off."""
    _admitted(pages, request, *link)
    number = await _field(pages, request, "number")
    if not (number.isascii() and number.isdigit() and len(number) < 4):
        raise _Refused(400, "refused-title", pages.words(request)("unreadable"))

    async def act(code: str, person: str) -> object:
        return await tick(code, person, int(number) - 1)

    return await _answer(pages, request, link, act)


async def _close(
    pages: Pages, request: Request, link: tuple[str, str], close: Callable[[str, str, str], Awaitable[object]]
) -> Response:
    """Close the incident with a reason, or ask for one and keep what was typed."""
    incident, person = _admitted(pages, request, *link)
    words = pages.words(request)
    reason = await _field(pages, request, "reason")
    if not reason or len(reason) > MAX_REASON:
        wrong = words("reason-long", most=MAX_REASON) if reason else words("reason-missing")
        return pages.incident(request, incident, person, status=422, wrong=wrong, reason=reason, most=MAX_REASON)

    async def act(code: str, person: str) -> object:
        return await close(code, person, reason)

    return await _answer(pages, request, link, act)


def _admitted(pages: Pages, request: Request, code: str, token: str) -> tuple[Incident, str]:
    """Return the incident and whose link it is.

    Raises:
        _Refused: the link was not made here for this incident, or there is none of that code.
    """
    words = pages.words(request)
    person = links.check(pages.settings.secret, code, token)
    if person is None:
        raise _Refused(403, "forged-title", words("forged"))
    try:
        return pages.desk.get(code), person
    except IncidentUnknown:
        raise _Refused(404, "unknown-title", words("unknown-incident", code=code)) from None


async def _answer(
    pages: Pages,
    request: Request,
    link: tuple[str, str],
    act: Callable[[str, str], Awaitable[object]],
    *,
    closed: bool = False,
) -> Response:
    """Do what a person's button says, then send the browser back to the page: reloading it repeats nothing.

    ``closed`` is whether a closed incident takes this answer.
    """
    incident, person = _admitted(pages, request, *link)
    words = pages.words(request)
    if incident.closed is not None and not closed:
        raise _Refused(409, "refused-title", words("is-closed"))
    try:
        await act(incident.code, person)
    except IncidentError as error:
        raise _Refused(409, "refused-title", words("refused", what=error.of(words.language))) from None
    path, _, done = request.url.path.rpartition("/")
    return RedirectResponse(f"{path}?done={done}", 303)


async def _field(pages: Pages, request: Request, name: str) -> str:
    """Return a field of a form; an empty text when it is not there. See ``_fields``."""
    return (await _fields(pages, request)).get(name, "")


async def _fields(pages: Pages, request: Request) -> dict[str, str]:
    """Return the fields of a form.

    Raises:
        _Refused: what was sent is too big, or no form.
    """
    words = pages.words(request)
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MAX_BODY:
            raise _Refused(413, "refused-title", words("too-big"))
    try:
        fields = parse_qs(body.decode(), strict_parsing=bool(body), errors="strict", max_num_fields=10)
    except ValueError:
        raise _Refused(400, "refused-title", words("unreadable")) from None
    return {name: values[0].strip() for name, values in fields.items()}
