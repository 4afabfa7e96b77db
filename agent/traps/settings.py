"""The table ``[traps]`` of an agent's settings."""

import ipaddress
from collections.abc import Iterable
from typing import Any, Literal

import msgspec

from agent.links.snmp import MIN_KEY
from agent.traps import keys
from contract.settings import Fault, Secret, Text


class TrapUser(msgspec.Struct, frozen=True, kw_only=True):
    """An SNMPv3 user who may send traps and informs."""

    name: Text
    auth: Literal["", "md5", "sha", "sha224", "sha256", "sha384", "sha512"] = ""
    auth_key: Secret | None = None
    priv: Literal["", "des", "aes", "aes192", "aes256"] = ""
    priv_key: Secret | None = None
    engine: str = ""
    """Engine id of the only sender who may use this name, in hexadecimal; empty: any."""

    @staticmethod
    def faults(draft: Any) -> Iterable[Fault]:
        """Yield what does not fit."""
        for name, key in (("auth", "auth_key"), ("priv", "priv_key")):
            secret = getattr(draft, key)
            if getattr(draft, name) and secret is None:
                yield Fault(f"{name} without {key}", f'write {key} = {{ credential = "…" }}', (name,))
            if getattr(draft, name) == "" and secret is not None:
                yield Fault(
                    f"{key} without {name}", f'write {name} = "{"sha256" if name == "auth" else "aes"}"', (key,)
                )
            if isinstance(secret, Secret) and len(secret.reveal()) < MIN_KEY:
                yield Fault(f"shorter than {MIN_KEY} characters", "SNMP 3 allows no shorter pass phrase", (key,))
        if draft.priv and draft.auth == "":
            hint = 'SNMP 3 encrypts only what it authenticates: write auth = "sha256"'
            yield Fault("priv without auth", hint, ("priv",))
        if isinstance(draft.engine, str) and draft.engine and _engine(draft.engine) is None:
            hint = 'write 10 to 64 hexadecimal digits: engine = "80001f8804…"; left out, any sender may use the name'
            yield Fault("no engine id", hint, ("engine",))

    def user(self) -> keys.User:
        """Return it with its secrets."""
        return keys.User(
            name=self.name,
            auth=self.auth,
            auth_key=self.auth_key.reveal() if self.auth_key else "",
            priv=self.priv,
            priv_key=self.priv_key.reveal() if self.priv_key else "",
            engine=_engine(self.engine) or b"",
        )


class Traps(msgspec.Struct, frozen=True, kw_only=True):
    """Where traps are listened for, and whose are taken."""

    listen: Text = "0.0.0.0:162"
    """``address:port``; ``[::]:162`` for both IPv6 and IPv4."""
    communities: tuple[Secret, ...] = ()
    """Of v1 and v2c."""
    user: tuple[TrapUser, ...] = ()
    """Of v3."""

    @property
    def address(self) -> tuple[str, int]:
        """Host and port to listen at."""
        host, _, port = self.listen.rpartition(":")
        return host.strip("[]"), int(port)

    @staticmethod
    def faults(draft: Any) -> Iterable[Fault]:
        """Yield what does not fit."""
        if isinstance(draft.listen, str) and not _listens(draft.listen):
            hint = 'write an address of this machine and a port: "0.0.0.0:162", "[::]:162", "192.0.2.5:162"'
            yield Fault(f"{draft.listen!r} is nowhere to listen", hint, ("listen",))
        if draft.communities == () and draft.user == ():
            hint = 'write communities = [{ credential = "…" }] for v1 and v2c, or a [[traps.user]] for v3'
            yield Fault("nobody may send: neither communities nor users", hint)
        names: set[str] = set()
        for index, user in enumerate(draft.user if isinstance(draft.user, tuple) else ()):
            name = getattr(user, "name", None)
            if isinstance(name, str) and name in names:
                yield Fault(f"a second user {name!r}", "name each once", ("user", index, "name"))
            if isinstance(name, str):
                names.add(name)


def _engine(text: str) -> bytes | None:
    """Return an engine id (RFC 3411: 5 to 32 octets); None for what is none."""
    try:
        engine = bytes.fromhex(text.lower().removeprefix("0x").replace(":", ""))
    except ValueError:
        return None
    return engine if 5 <= len(engine) <= 32 else None


def _listens(text: str) -> bool:
    host, _, port = text.rpartition(":")
    try:
        address = ipaddress.ip_address(host.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    bracketed = host.startswith("[") and host.endswith("]")
    return bracketed is (address.version == 6) and port.isascii() and port.isdigit() and 0 < int(port[:6]) <= 65535
