"""The time-series stores behind one port. The only importer of influxdb_client.

Bytes of line protocol go out one request at a time; what comes back is success, which is 204 and nothing else (a login
page answers 200), or an error that says what to do next: the same lines again later (StoreAway), or never
(StoreRefused).
"""

import base64
import re
from collections.abc import Sequence
from typing import Any, Final, Protocol

import msgspec
from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.rest import ApiException
from urllib3.exceptions import HTTPError, LocationParseError, ReadTimeoutError

from contract.errors import StoreAway, StoreError, StoreRefused
from contract.settings import Secret
from gateway.config import Store as Settings

_STORED: Final = 204
_TOO_BIG: Final = 413
_REFUSED: Final = frozenset({400, 422})
"""Answers about the lines, when it is a store that gives them; all others are about the server or about us."""
_ELSEWHERE: Final = "is the url that of the store itself, with the right http or https?"
_HINTS: Final = {
    400: _ELSEWHERE,
    401: "check the token, or user and password",
    403: "the user or token may not write there: give it the right to",
    404: "create the bucket or database, or check its name, the url and the kind of the store",
    422: _ELSEWHERE,
    429: "it asks for less; nothing is lost meanwhile",
    503: "it is overloaded or starting; nothing is lost meanwhile",
}
_STARTED: Final = re.compile(r"^vm_app_start_timestamp (\S+)", re.MULTILINE)
_TRAIL: Final = 10.0
"""Seconds: what VictoriaMetrics took reaches its disk 5 to 7 s later (measured)."""


class Server(Protocol):
    """A store. Its methods block: they are called on a worker thread."""

    trail: float
    """Seconds after which what it took is safe there."""
    texts: bool
    """Whether it keeps texts; one that does not would show them as numbers."""

    def write(self, lines: bytes) -> None:
        """Write lines, times in milliseconds.

        Raises:
            StoreAway: the same lines again later.
            StoreRefused: it will not take them as they are.
        """
        ...

    def started(self) -> str:
        """Return what changes whenever the server is started anew; an empty text where that does not matter.

        Raises:
            StoreAway: it does not answer.
        """
        ...

    def close(self) -> None:
        """Let go of the connections."""
        ...


def open_server(settings: Settings) -> Server:
    """Return the store of these settings; nothing is connected yet."""
    basic = _basic(settings.user, settings.password)
    token = f"Token {settings.token.reveal()}" if settings.token else ""
    match settings.kind:
        case "influxdb1":
            return _Server(settings, "/write", [("db", settings.database)], basic)
        case "victoriametrics":
            return _Victoria(settings, "/api/v2/write", [], basic or token)
        case _:  # InfluxDB 3 takes the same, and passes over the org
            where = [("org", settings.org or "-"), ("bucket", settings.bucket)]
            return _Server(settings, "/api/v2/write", where, token)


def _basic(user: str, password: Secret | None) -> str:
    if not user or password is None:
        return ""
    return f"Basic {base64.b64encode(f'{user}:{password.reveal()}'.encode()).decode()}"


class _Server:
    """A store that has what it took on its disk before it answers."""

    trail = 0.0
    texts = True

    def __init__(self, settings: Settings, path: str, where: Sequence[tuple[str, str]], authorization: str) -> None:
        """Take the settings, the path that is written to and its parameters, and what says who we are."""
        self._url = settings.url.rstrip("/")
        self._path = path
        self._parameters = [*where, ("precision", "ms")]
        self._headers = {"Content-Type": "text/plain; charset=utf-8", "Accept": "application/json"}
        if authorization:
            self._headers["Authorization"] = authorization
        self._client: Any = InfluxDBClient(url=self._url, token="", org="-", timeout=round(settings.timeout * 1000))

    def write(self, lines: bytes) -> None:
        """See ``Server``."""
        body, status = self._ask(self._path, "POST", query_params=self._parameters, body=lines)
        if status != _STORED:
            raise StoreAway(f"it answered {status}, not {_STORED}: {_said(body)}", where=self._url, hint=_ELSEWHERE)

    def started(self) -> str:
        """See ``Server``."""
        return ""

    def close(self) -> None:
        """See ``Server``."""
        self._client.close()

    def _ask(self, path: str, method: str, **more: Any) -> tuple[str, int]:
        """Return what was answered, and its status, which is below 300."""
        try:
            body, status, _ = self._client.api_client.call_api(
                path, method, header_params=dict(self._headers), response_type="str", **more
            )
        except (ApiException, HTTPError, OSError, ValueError) as error:
            raise _ours(error, self._url) from None
        return str(body), int(status)


class _Victoria(_Server):
    """VictoriaMetrics: it keeps what it took in memory first, and writes 0 where it is given a text."""

    trail = _TRAIL
    texts = False

    def started(self) -> str:
        """See ``Server``."""
        found = _STARTED.search(self._ask("/metrics", "GET")[0])
        return found[1] if found else ""


def _ours(error: Any, url: str) -> StoreError:
    """Map what the library raises."""
    if isinstance(error, ApiException) and error.status:
        said = _said(error.body or error.reason or "")
        if error.status == _TOO_BIG or (error.status in _REFUSED and _of_a_store(error.body or "")):
            return StoreRefused(f"refused ({error.status}): {said}", where=url)
        hint = _HINTS.get(error.status, "" if error.status >= 500 else _ELSEWHERE)
        return StoreAway(f"it answered {error.status}: {said}", where=url, hint=hint)
    if isinstance(error, UnicodeDecodeError):
        return StoreAway("its answer is no text", where=url, hint=_ELSEWHERE)
    if isinstance(error, LocationParseError | ValueError):
        return StoreAway(f"the url cannot be used: {error}", where=url, hint="check [store] url")
    reason = getattr(error, "reason", None) or error
    if isinstance(reason, ReadTimeoutError):
        hint = "is it overloaded? Nothing is lost meanwhile; [store] timeout says how long it may take"
        return StoreAway("it did not answer in time", where=url, hint=hint)
    return StoreAway(f"no answer: {reason}"[:300], where=url, hint="is it running, and is the url right?")


class _Complaint(msgspec.Struct):
    """What a store says is wrong: InfluxDB 1 and 3 write ``error``, InfluxDB 2 ``message``."""

    error: str = ""
    message: str = ""


_COMPLAINT: Final = msgspec.json.Decoder(_Complaint)


def _complaint(body: str) -> str:
    try:
        found = _COMPLAINT.decode(body)
    except (msgspec.DecodeError, UnicodeEncodeError):
        return ""
    return found.error or found.message


def _of_a_store(body: str) -> bool:
    """Say whether a refusal is a store's own: JSON of InfluxDB, or VictoriaMetrics' sentence with the request in it.

    A port that speaks TLS, or a proxy before the store, answers 400 too: then nobody has seen the lines.
    """
    return bool(_complaint(body)) or "requestURI:" in body


def _said(body: str) -> str:
    """Return what a server says in one short line; nothing in it can dress up as something else in a log."""
    text = _complaint(body) or body[:1000]
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())[:300]
