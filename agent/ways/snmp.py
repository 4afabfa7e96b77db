"""Devices that speak SNMP: which objects mean what stands in ``agent/profiles``, for those with tables in ``profiles_network``."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Final, Literal
from urllib.parse import SplitResult, unquote

import msgspec

from agent.drivers.base import Driver
from agent.links.snmp import MIN_KEY, Engine, SnmpTarget
from agent.memo import Memo
from agent.ways import url
from agent.ways.base import Context
from contract.broker import host_faults
from contract.errors import UsageError
from contract.settings import Fault, Port, Seconds, Secret, Text

_ALGORITHMS: Final = {
    "auth": ("md5", "sha", "sha224", "sha256", "sha384", "sha512"),
    "priv": ("des", "aes", "aes192", "aes256"),
}
_V3: Final = ("user", "auth", "auth_key", "priv", "priv_key", "context")
_TABLES: Final = ("network", "trunk", "host")
"""Kinds of devices that keep tables."""
_PORTS: Final = ("network", "trunk")
_OPTIONS: Final = ("version", "timeout", "engine", *_V3, "ports", "reserve", "vrrp")
_V3_EXAMPLE: Final = "snmp://host?version=3&user=…&auth=sha&auth_key=…&priv=aes&priv_key=…"


class Snmp(msgspec.Struct, frozen=True, kw_only=True):
    """How to ask a device over SNMP."""

    KINDS: ClassVar[tuple[str, ...]] = ("ups", "environment", "power", *_TABLES)
    EXAMPLE: ClassVar[str] = "snmp://community@host"

    host: Text
    port: Port = 161
    version: Literal["1", "2c", "3"] = "2c"
    community: Secret | None = None
    user: str = ""
    auth: Literal["", "md5", "sha", "sha224", "sha256", "sha384", "sha512"] = ""
    auth_key: Secret | None = None
    priv: Literal["", "des", "aes", "aes192", "aes256"] = ""
    priv_key: Secret | None = None
    context: str = ""
    timeout: Seconds = 2.0
    retries: Annotated[int, msgspec.Meta(ge=0, le=10)] = 1
    engine: Engine = "gufo"
    ports: tuple[Text, ...] = ()
    """Of a network device or a voice gateway: ports or trunks in service, by name, description, alias or index, with ``*``
    and ``?``. Left out: every port that was up since the agent started; every trunk that is not switched off."""
    reserve: Annotated[int, msgspec.Meta(ge=0, le=10_000)] = 0
    """Spare ports that there should be."""
    vrrp: str = ""
    """The virtual router that counts for ``x.vrrp.state``: its name, or its VRID."""

    @staticmethod
    def faults(draft: Any) -> Iterable[Fault]:
        """Yield what does not fit."""
        yield from host_faults(draft.host)
        if draft.timeout == 0.0:
            yield Fault("no time to answer", 'write timeout = "2s"', ("timeout",))
        if draft.version in ("1", "2c"):
            if draft.community is None:
                yield Fault("no community", 'write community = { file = "…" } or { credential = "…" }')
            for key in _V3:
                if getattr(draft, key):
                    yield Fault(f"SNMP {draft.version} has no {key}", 'write version = "3", or leave it out', (key,))
        elif draft.version == "3":
            yield from _v3_faults(draft)

    @classmethod
    def profiles(cls, kind: str) -> Sequence[str]:
        """See ``Way.profiles``."""
        if kind in _TABLES:
            from agent import profiles_network  # noqa: PLC0415 - reads tables; only where one is named

            return [profile.name for profile in profiles_network.load_profiles()] if kind != "host" else ()
        from agent.profiles import load_profiles  # noqa: PLC0415

        return [profile.name for profile in load_profiles() if profile.kind == kind]

    @classmethod
    def from_url(cls, parts: SplitResult) -> "Snmp":
        """See ``Way.from_url``.

        ::

            snmp://community@host:port?timeout=2              SNMP 2c; version=1 for the old one
            snmp://host?version=3&user=…&auth=sha256&auth_key=…&priv=aes&priv_key=…
            snmp://community@host?ports=Gi0/1,Te*&reserve=4&vrrp=VI_1       for --kind network, trunk
        """
        where = f"snmp://{parts.hostname or ''}"
        host = url.host(parts, f"{cls.EXAMPLE}, or {_V3_EXAMPLE}")
        options = url.options(parts, _OPTIONS, where)
        version = options.get("version", "2c").removeprefix("v")
        if version not in ("1", "2c", "3"):
            raise UsageError(f"no SNMP version {version!r}", where=where, hint="version is 1, 2c or 3")
        engine = options.get("engine", "gufo")
        if engine not in ("gufo", "pysnmp"):
            raise UsageError(f"no engine {engine!r}", where=where, hint="engine is gufo or pysnmp")
        community = unquote(parts.netloc.rpartition("@")[0])  # a colon is a part of it: SNMP has no passwords
        if version == "3":
            _check_v3(options, where)
            if community:
                raise UsageError("SNMP 3 has no community", where=where, hint="write ?version=3&user=… behind the host")
        else:
            for name in _V3:
                if name in options:
                    hint = "add version=3, or leave it out"
                    raise UsageError(f"SNMP {version} has no {name}", where=where, hint=hint)
        return cls(
            host=host,
            port=url.port(parts) or 161,
            version=version,  # type: ignore[arg-type] # checked above, as the others are
            community=None if version == "3" else Secret(community or "public"),
            user=options.get("user", ""),
            auth=options.get("auth", "sha" if "auth_key" in options else ""),  # type: ignore[arg-type]
            priv=options.get("priv", "aes" if "priv_key" in options else ""),  # type: ignore[arg-type]
            context=options.get("context", ""),
            timeout=url.timeout(options, 2.0, where),
            engine=engine,  # type: ignore[arg-type]
            auth_key=_secret(options, "auth_key"),
            priv_key=_secret(options, "priv_key"),
            ports=tuple(name for name in options.get("ports", "").split(",") if name),
            reserve=_reserve(options, where),
            vrrp=options.get("vrrp", ""),
        )

    def target(self) -> SnmpTarget:
        """Return whom to ask, as the link wants it: with the secrets."""
        return SnmpTarget(
            host=self.host,
            port=self.port,
            version=self.version,
            community=_reveal(self.community),
            user=self.user,
            auth=self.auth,
            auth_key=_reveal(self.auth_key),
            priv=self.priv,
            priv_key=_reveal(self.priv_key),
            context=self.context,
            timeout=self.timeout,
            retries=self.retries,
        )

    def driver(self, context: Context) -> Driver:
        """See ``Way.driver``."""
        from agent.links.snmp_engines import open_link  # noqa: PLC0415

        if context.kind in _TABLES:
            from agent.drivers.tables.base import Options  # noqa: PLC0415
            from agent.drivers.tables.driver import Kept  # noqa: PLC0415
            from agent.drivers.tables.make import MAKERS  # noqa: PLC0415

            options = Options(ports=self.ports, reserve=self.reserve, vrrp=self.vrrp)
            link = open_link(self.target(), self.engine)
            path = context.state / f"tables-{context.device}.json" if context.state and context.device else None
            return MAKERS[context.kind](link, options, context.profile, context.clock, Memo(Kept, path))
        from agent.drivers.snmp import SnmpDriver  # noqa: PLC0415
        from agent.profiles import load_profiles  # noqa: PLC0415

        profiles = [profile for profile in load_profiles() if profile.kind == context.kind]
        return SnmpDriver(open_link(self.target(), self.engine), profiles, context.profile)


def misfits(draft: Any, kind: str) -> Iterable[Fault]:
    """Yield what the table says that a device of this kind has no use for.

    Args:
        draft: the table, or as much of it as could be read.
        kind: of the device.
    """
    for key, kinds in (("ports", _PORTS), ("reserve", _PORTS), ("vrrp", ("network", "host"))):
        if getattr(draft, key) and kind not in kinds:
            hint = f'write kind = "{kinds[0]}" if it is one; {key} is for {" and ".join(kinds)}'
            yield Fault(f"a {kind} has no {key}", hint, (key,))


def _v3_faults(draft: Any) -> Iterable[Fault]:
    if not draft.user:
        yield Fault("SNMP 3 needs a user", 'write user = "…"')
    if draft.community is not None:
        yield Fault("SNMP 3 has no community", "write user, auth, auth_key, priv, priv_key instead", ("community",))
    for name, key in (("auth", "auth_key"), ("priv", "priv_key")):
        secret = getattr(draft, key)
        if getattr(draft, name) and secret is None:
            yield Fault(f"{name} without {key}", f'write {key} = {{ file = "…" }} or {{ credential = "…" }}', (name,))
        if getattr(draft, name) == "" and secret is not None:
            yield Fault(f"{key} without {name}", f'write {name} = "{"sha256" if name == "auth" else "aes"}"', (key,))
        if isinstance(secret, Secret) and len(secret.reveal()) < MIN_KEY:
            yield Fault(f"shorter than {MIN_KEY} characters", "SNMP 3 allows no shorter pass phrase", (key,))
    if draft.priv and draft.auth == "":
        yield Fault("priv without auth", 'SNMP 3 encrypts only what it authenticates: write auth = "sha256"', ("priv",))


def _check_v3(options: Mapping[str, str], where: str) -> None:
    """Find out now what no device would answer to."""
    if not options.get("user"):
        raise UsageError("SNMP version 3 needs a user", where=where, hint="add &user=…")
    for kind, names in _ALGORITHMS.items():
        name, key = options.get(kind), options.get(f"{kind}_key")
        if name is not None and name not in names:
            raise UsageError(f"no algorithm {kind}={name!r}", where=where, hint=f"there are {', '.join(names)}")
        if name is not None and key is None:
            raise UsageError(f"{kind} without {kind}_key", where=where, hint=f"add &{kind}_key=…")
        if key is not None and len(key) < MIN_KEY:
            what = f"{kind}_key is shorter than {MIN_KEY} characters"
            raise UsageError(what, where=where, hint=f"SNMP 3 allows no shorter one; {url.ESCAPE}")
    if "priv_key" in options and "auth_key" not in options:
        hint = "SNMP 3 encrypts only what it authenticates: add &auth=sha&auth_key=…"
        raise UsageError("priv_key without auth_key", where=where, hint=hint)


def _secret(options: Mapping[str, str], name: str) -> Secret | None:
    return Secret(options[name]) if name in options else None


def _reserve(options: Mapping[str, str], where: str) -> int:
    text = options.get("reserve", "0")
    if not text.isdecimal() or len(text) > 4:
        raise UsageError(f"no number of ports: {text!r}", where=where, hint="write &reserve=4")
    return int(text)


def _reveal(secret: Secret | None) -> str:
    return "" if secret is None else secret.reveal()
