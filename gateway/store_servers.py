"""The time-series stores behind one port. The only importer of influxdb_client.

Bytes of line protocol go out in SYNCHRONOUS mode; what comes back is success, or an error that says what to do next:
the same lines again later (StoreAway), or never (StoreRefused).
"""

import base64
import re
from typing import Any, Final, Protocol

from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.client.write_api import SYNCHRONOUS
from influxdb_client.domain.write_precision import WritePrecision
from influxdb_client.rest import ApiException
from urllib3.exceptions import HTTPError, LocationParseError

from contract.errors import StoreAway, StoreError, StoreRefused
from gateway.config import Store as Settings

_REFUSED: Final = frozenset({400, 413, 422})
"""Answers that are about the lines; all others are about the server or about us."""
_HINTS: Final = {
    401: "check the token, or user and password",
    403: "the token may not write there",
    404: "create the bucket or database, or check its name and the url",
}
_STARTED: Final = re.compile(r"^vm_app_start_timestamp (\S+)", re.MULTILINE)


class Server(Protocol):
    """A store. Its methods block: they are called on a worker thread."""

    trail: float
    """Seconds after which what it took is safe there."""

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
    match settings.kind:
        case "influxdb1":
            return _Influx1(settings)
        case "victoriametrics":
            return _Victoria(settings)
        case _:
            return _Influx2(settings)


class _Influx2:
    """InfluxDB 2.x and 3.x: ``/api/v2/write``."""

    trail = 0.0

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        token = settings.token.reveal() if settings.token else ""
        self._client: Any = InfluxDBClient(
            url=settings.url.rstrip("/"), token=token, org=settings.org or "-", timeout=round(settings.timeout * 1000)
        )
        self._writer: Any = self._client.write_api(write_options=SYNCHRONOUS)

    def write(self, lines: bytes) -> None:
        """See ``Server``."""
        try:
            self._writer.write(bucket=self._settings.bucket, record=lines, write_precision=WritePrecision.MS)
        except (ApiException, HTTPError, OSError, ValueError) as error:
            raise _ours(error, self._settings.url) from None

    def started(self) -> str:
        """See ``Server``."""
        return ""

    def close(self) -> None:
        """See ``Server``."""
        self._client.close()


class _Victoria(_Influx2):
    """VictoriaMetrics: the same way in, but what it took reaches its disk only 5 to 7 s later (measured)."""

    trail = 10.0

    def started(self) -> str:
        """See ``Server``."""
        try:
            answer = self._client.api_client.call_api(
                "/metrics", "GET", response_type="str", _return_http_data_only=True, header_params={}
            )
        except (ApiException, HTTPError, OSError, ValueError) as error:
            raise _ours(error, self._settings.url) from None
        found = _STARTED.search(str(answer))
        return found[1] if found else ""


class _Influx1:
    """InfluxDB 1.x: ``/write``, through the same library."""

    trail = 0.0

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client: Any = InfluxDBClient(
            url=settings.url.rstrip("/"), token="", org="-", timeout=round(settings.timeout * 1000)
        )
        self._headers = {"Content-Type": "text/plain; charset=utf-8", "Accept": "application/json"}
        if settings.user and settings.password:
            pair = f"{settings.user}:{settings.password.reveal()}".encode()
            self._headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"

    def write(self, lines: bytes) -> None:
        """See ``Server``."""
        try:
            self._client.api_client.call_api(
                "/write",
                "POST",
                query_params=[("db", self._settings.database), ("precision", "ms")],
                header_params=dict(self._headers),
                body=lines,
            )
        except (ApiException, HTTPError, OSError, ValueError) as error:
            raise _ours(error, self._settings.url) from None

    def started(self) -> str:
        """See ``Server``."""
        return ""

    def close(self) -> None:
        """See ``Server``."""
        self._client.close()


def _ours(error: Any, url: str) -> StoreError:
    """Map what the library raises."""
    if isinstance(error, ApiException) and error.status:
        body = " ".join(str(error.body or error.reason or "").split())[:300]
        if error.status in _REFUSED:
            return StoreRefused(f"refused ({error.status}): {body}", where=url)
        hint = _HINTS.get(error.status, "")
        return StoreAway(f"it answered {error.status}: {body}", where=url, hint=hint)
    if isinstance(error, LocationParseError | ValueError):
        return StoreAway(f"the url cannot be used: {error}", where=url, hint="check [store] url")
    reason = getattr(error, "reason", None) or error
    return StoreAway(f"no answer: {reason}"[:300], where=url, hint="is it running, and is the url right?")
