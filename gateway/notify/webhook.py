"""Signed webhooks. The only importer of httpx on the notifying side.

The receiver checks ``X-Wolfsmoke-Signature: sha256=<hex>``: HMAC-SHA256 with the shared secret over timestamp, a dot,
and the body's bytes; and that ``X-Wolfsmoke-Timestamp`` (seconds since 1970) is recent. ``docs/webhook.md`` has it in full.
"""

import hashlib
import hmac
import ssl
from collections.abc import Mapping
from functools import cache
from typing import Any

import httpx
import msgspec

from contract.clock import Clock
from contract.errors import NotifyAway, NotifyRefused, NotifyUnknown
from gateway.config import Webhook
from gateway.notify.letter import Letter

_FOR_NOW = frozenset({408, 425, 429})
"""4xx answers that a later try may turn (RFC 9110, RFC 6585)."""


@cache
def _trust() -> ssl.SSLContext:
    """Return whom to trust, the site's own CA where the system has it; read once, for it takes longer than a message."""
    context = httpx.create_ssl_context()
    context.load_default_certs()
    return context


def signature(secret: bytes, timestamp: str, body: bytes) -> str:
    """Return the value of the signature header."""
    return "sha256=" + hmac.new(secret, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


class WebhookChannel:
    """Posts to one receiver."""

    def __init__(self, name: str, settings: Webhook, clock: Clock, *, timeout: float = 10.0) -> None:
        """Keep the settings, and how long the receiver may take (seconds); nothing is opened."""
        self._timeout = timeout
        self._name = name
        self._settings = settings
        self._clock = clock

    async def send(self, letter: Letter) -> str:
        """See ``Channel``."""
        said = {"id": letter.id, "person": letter.person.id, "subject": letter.subject, "text": letter.body}
        return await self.post({**said, **letter.facts})

    async def post(self, said: Mapping[str, Any]) -> str:
        """Send a signed message; return the answer. JSON types only.

        Raises:
            NotifyAway: try again.
            NotifyUnknown: it was handed over, and what became of it is not known.
            NotifyRefused: the receiver will never take it.
        """
        body = msgspec.json.encode(said)
        timestamp = str(int(self._clock.stamp().wall))
        headers = {
            "Content-Type": "application/json",
            "X-Wolfsmoke-Timestamp": timestamp,
            "X-Wolfsmoke-Signature": signature(self._settings.secret.reveal().encode(), timestamp, body),
        }
        where = f"webhook {self._name}"
        try:
            async with httpx.AsyncClient(verify=_trust(), timeout=self._timeout, follow_redirects=False) as client:
                answer = await client.post(self._settings.url, content=body, headers=headers)
        except (httpx.InvalidURL, httpx.UnsupportedProtocol):
            raise NotifyRefused("its url cannot be used", where=where, hint="write https://host/path") from None
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise NotifyAway(f"the receiver is away: {str(error) or type(error).__name__}", where=where) from None
        except httpx.HTTPError as error:
            raise NotifyUnknown(
                f"the receiver did not answer: {str(error) or type(error).__name__}", where=where
            ) from None
        status = answer.status_code
        if 200 <= status < 300:
            return f"HTTP {status}"
        if status >= 500 or status in _FOR_NOW:
            raise NotifyAway(f"the receiver said {status}", where=where)
        hint = "the receiver does not accept the signature: check the secret" if status in (401, 403) else ""
        raise NotifyRefused(f"the receiver said {status}", where=where, hint=hint)
