"""Keys of SNMPv3 users: from pass phrase to the key of one engine (RFC 3414, A.2; RFC 7860), and what it signs. Pure."""

import hashlib
import hmac
from functools import cache, lru_cache
from typing import Final

import msgspec

_MEGABYTE: Final = 1 << 20
_DIGESTS: Final = {
    "md5": ("md5", 12),
    "sha": ("sha1", 12),
    "sha224": ("sha224", 16),
    "sha256": ("sha256", 24),
    "sha384": ("sha384", 32),
    "sha512": ("sha512", 48),
}
"""Algorithm → its name in hashlib, and how many octets of it travel."""
ALGORITHMS: Final = tuple(_DIGESTS)


class User(msgspec.Struct, frozen=True, kw_only=True):
    """A user, with pass phrases. Printing it shows none."""

    name: str
    auth: str = ""
    """Of ``ALGORITHMS``, or empty."""
    auth_key: str = ""
    priv: str = ""
    """des, aes, aes192, aes256, or empty."""
    priv_key: str = ""
    engine: bytes = b""
    """The only sender who may speak in this name; empty: any."""

    def __repr__(self) -> str:
        return f"User({self.name!r})"

    __str__ = __repr__

    @property
    def level(self) -> int:
        """The flags that its messages must have: 1 authenticated, 3 encrypted too."""
        return (1 if self.auth else 0) | (2 if self.priv else 0)


@cache  # as many as the settings have
def _master(digest: str, phrase: str) -> bytes:
    """Return Ku: the digest of a megabyte of the pass phrase; the slow part, on purpose."""
    octets = phrase.encode()
    return hashlib.new(digest, (octets * (_MEGABYTE // len(octets) + 1))[:_MEGABYTE], usedforsecurity=False).digest()


@lru_cache(512)
def localised(auth: str, phrase: str, engine: bytes) -> bytes:
    """Return the key of a pass phrase at one engine."""
    digest, _ = _DIGESTS[auth]
    master = _master(digest, phrase)
    return hashlib.new(digest, master + engine + master, usedforsecurity=False).digest()


@lru_cache(512)
def cipher_keys(auth: str, phrase: str, engine: bytes, octets: int) -> tuple[bytes, ...]:
    """Return the keys of so many octets that devices make of a pass phrase.

    A digest that is too short is made longer in two ways: Blumenthal's (draft-blumenthal-aes-usm, net-snmp) and Reeder's
    (draft-reeder-snmpv3-usm-3desede, Cisco). Nothing in a message says which.
    """
    digest, _ = _DIGESTS[auth]
    key = localised(auth, phrase, engine)
    if len(key) >= octets:
        return (key[:octets],)
    blumenthal, reeder = key, key
    while len(blumenthal) < octets:
        blumenthal += hashlib.new(digest, blumenthal, usedforsecurity=False).digest()
    while len(reeder) < octets:
        longer = hashlib.new(
            digest, (reeder[-len(key) :] * (_MEGABYTE // len(key) + 1))[:_MEGABYTE], usedforsecurity=False
        )
        reeder += hashlib.new(digest, longer.digest() + engine + longer.digest(), usedforsecurity=False).digest()
    return blumenthal[:octets], reeder[:octets]


def signature_octets(auth: str) -> int:
    """Return how long a signature is."""
    return _DIGESTS[auth][1]


def signature(auth: str, key: bytes, message: bytes) -> bytes:
    """Return what authenticates a message whose place for it holds zeros."""
    digest, octets = _DIGESTS[auth]
    return hmac.digest(key, message, digest)[:octets]


def same(one: bytes, other: bytes) -> bool:
    """Compare two signatures in a time that says nothing of them."""
    return hmac.compare_digest(one, other)
