"""Tokens for the links in messages: this person, this incident, nothing else. Shared with the board.

A token is the person's id and an HMAC-SHA256 over incident and person, cut to 128 bits, in URL-safe letters. It opens
a page; it changes nothing by itself.
"""

import base64
import hashlib
import hmac


def make(secret: bytes, code: str, person: str) -> str:
    """Return the token of a person for an incident."""
    return f"{person}.{_mac(secret, code, person)}"


def check(secret: bytes, code: str, token: str) -> str | None:
    """Return the person whose token it is; None if it was not made for this incident with this secret."""
    if not (code.isascii() and token.isascii()):
        return None
    person, _, mac = token.rpartition(".")
    if person and hmac.compare_digest(mac, _mac(secret, code, person)):
        return person
    return None


def url(public_url: str, secret: bytes, code: str, person: str) -> str:
    """Return the link of a person to an incident; an empty text when no public URL is configured."""
    return f"{public_url.rstrip('/')}/i/{code}/{make(secret, code, person)}" if public_url else ""


def _mac(secret: bytes, code: str, person: str) -> str:
    digest = hmac.new(secret, f"{code}\0{person}".encode(), hashlib.sha256).digest()[:16]
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")
