"""The agent's settings: one TOML file, read strictly. See ``config/agents`` for examples.

Relative paths in it are relative to the file. Secrets come from files, or from the service manager's credentials
(``LoadCredential=`` in the unit; systemd.exec(5)).
"""

import hashlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec

from agent import conditions
from agent.conditions import ConditionSettings
from agent.links.snmp import Engine, SnmpTarget
from contract import settings
from contract.condition import Condition
from contract.errors import ConfigError, Problem
from contract.locate import Locator
from contract.settings import Fault, Port, Seconds, Secret, SecretRef, SecretSource, Slug, did_you_mean

Text = Annotated[str, msgspec.Meta(min_length=1)]

MAX_SECRET: Final = 4096
"""Bytes; what is longer is another file."""
MIN_KEY: Final = 8
"""Characters of an SNMPv3 pass phrase (RFC 3414, 11.2)."""
DRIVERS: Final = ("snmp", "megatec")
"""A device has exactly one of these tables."""


class Tls(msgspec.Struct, frozen=True):
    """TLS to the broker. Paths of PEM files."""

    ca: Text
    certificate: str = ""
    """Of this agent, where the broker asks for one."""
    key: str = ""

    @staticmethod
    def faults(draft: Any) -> Iterable[Fault]:
        """Yield what does not fit."""
        if bool(draft.certificate) is not bool(draft.key):
            yield Fault("certificate and key belong together", "give both, or none")


class Broker(msgspec.Struct, frozen=True):
    """The MQTT broker."""

    host: Text
    port: Port = 1883
    user: str = ""
    password: Secret | None = None
    tls: Tls | None = None

    @staticmethod
    def faults(draft: Any) -> Iterable[Fault]:
        """Yield what does not fit."""
        yield from _host(draft.host)
        if draft.user and draft.password is None:
            yield Fault("a user without a password", 'write password = { file = "…" } or { credential = "…" }')
        if draft.user == "" and draft.password is not None:
            yield Fault("a password without a user", 'write user = "…"', ("password",))


class Snmp(msgspec.Struct, frozen=True, kw_only=True):
    """How to ask a device over SNMP."""

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

    @staticmethod
    def faults(draft: Any) -> Iterable[Fault]:
        """Yield what does not fit."""
        yield from _host(draft.host)
        if draft.timeout == 0.0:
            yield Fault("no time to answer", 'write timeout = "2s"', ("timeout",))
        if draft.version in ("1", "2c"):
            if draft.community is None:
                yield Fault("no community", 'write community = { file = "…" } or { credential = "…" }')
            for key in ("user", "auth", "auth_key", "priv", "priv_key", "context"):
                if getattr(draft, key):
                    yield Fault(f"SNMP {draft.version} has no {key}", 'write version = "3", or leave it out', (key,))
        elif draft.version == "3":
            yield from _v3_faults(draft)

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


class Megatec(msgspec.Struct, frozen=True, kw_only=True):
    """How to ask a device that speaks Megatec Q1."""

    port: Text
    """``/dev/ttyUSB0``, or ``socket://host:port`` for a serial server."""
    baudrate: Annotated[int, msgspec.Meta(ge=300, le=921600)] = 2400

    @staticmethod
    def faults(draft: Any) -> Iterable[Fault]:
        """Yield what does not fit."""
        if isinstance(draft.port, str) and not draft.port.startswith(("/", "socket://", "rfc2217://", "loop://")):
            yield Fault(f"{draft.port!r} is no port", 'write "/dev/ttyUSB0" or "socket://host:port"', ("port",))


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """A device, and how it is asked. Intervals are in seconds."""

    id: Slug
    title: str = ""
    kind: Literal["ups"] = "ups"
    room: str = ""
    poll: Seconds = 1.0
    """Between two polls of what matters most."""
    slow: Seconds = 30.0
    """Between two polls of everything."""
    profile: str = ""
    """Of agent/profiles; empty: the device is asked what it is."""
    snmp: Snmp | None = None
    megatec: Megatec | None = None
    condition: tuple[ConditionSettings, ...] = ()

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """What it is watched for: the defaults of its kind, as changed here."""
        return conditions.conditions(self.kind, self.condition)

    @staticmethod
    def faults(draft: Any) -> Iterable[Fault]:
        """Yield what does not fit."""
        named = [driver for driver in DRIVERS if getattr(draft, driver) is not None]
        if not named:
            yield Fault(
                "no driver: how is it asked?", f"write one of {', '.join(f'{name} = {{ … }}' for name in DRIVERS)}"
            )
        for extra in named[1:]:
            yield Fault(f"two drivers: {named[0]} and {extra}", "keep one; a second way is a second device", (extra,))
        if isinstance(draft.poll, float) and draft.poll < MIN_POLL:
            yield Fault(f"polls every {draft.poll:g} s", f'at least "{MIN_POLL * 1000:g}ms" lie between two', ("poll",))
        if isinstance(draft.poll, float) and isinstance(draft.slow, float) and draft.poll > draft.slow:
            what = f"the fast poll ({draft.poll:g} s) is longer than the slow one ({draft.slow:g} s)"
            yield Fault(what, f'write slow = "{draft.poll:g}s" or more', ("poll",))
        if isinstance(draft.profile, str) and draft.profile:
            yield from _profile(draft)
        if isinstance(draft.condition, tuple):
            yield from conditions.faults("ups" if draft.kind is settings.BAD else draft.kind, draft.condition)


MIN_POLL: Final = 0.1
"""Seconds. Cards answer some ten times a second at best."""


def _profile(draft: Any) -> Iterable[Fault]:
    if draft.snmp is None:
        yield Fault("a profile is for SNMP", "leave it out", ("profile",))
        return
    from agent.profiles import load_profiles  # noqa: PLC0415 - reads tables; only where one is named

    names = [profile.name for profile in load_profiles()]
    if draft.profile not in names:
        yield Fault(f"unknown profile {draft.profile!r}", did_you_mean(draft.profile, names), ("profile",))


class Agent(msgspec.Struct, frozen=True, kw_only=True):
    """Who this agent is."""

    site: Slug
    name: Slug
    room: str = ""
    """Where its devices stand, if they do not say otherwise."""
    state: Text = "/var/lib/wolfsmoke-agent"
    """The directory of its spool."""


class _File(msgspec.Struct, frozen=True):
    """The file as it is written."""

    agent: Agent
    broker: Broker
    device: tuple[Device, ...] = ()

    @staticmethod
    def faults(draft: Any) -> Iterable[Fault]:
        """Yield what does not fit."""
        if draft.device == ():
            yield Fault("no device", "add a [[device]] table")
        ids: set[str] = set()
        ports: dict[str, int] = {}
        for index, device in enumerate(draft.device if isinstance(draft.device, tuple) else ()):
            if not isinstance(device, Device | settings.Draft):
                continue
            if isinstance(device.id, str) and device.id in ids:
                yield Fault(f"a second device {device.id!r}", "give it another id", ("device", index, "id"))
            if isinstance(device.id, str):
                ids.add(device.id)
            port = device.megatec.port if isinstance(device.megatec, Megatec | settings.Draft) else None
            if isinstance(port, str) and ports.setdefault(port, index) != index:
                what = f"{port} is taken by device[{ports[port]}]"
                yield Fault(what, "one port, one device", ("device", index, "megatec", "port"))


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of an agent, ready for use: paths are absolute, rooms and titles filled in."""

    agent: Agent
    broker: Broker
    devices: tuple[Device, ...]
    digest: str
    """Of the file's text: tells a changed config from the same one."""


def load(path: Path, *, environment: Mapping[str, str] = os.environ) -> Config:
    """Return the settings of a file.

    Args:
        path: the TOML file.
        environment: names the directory of credentials ($CREDENTIALS_DIRECTORY).

    Raises:
        ConfigError: with every problem of the file.
    """
    try:
        text = path.read_text("utf-8-sig")
    except OSError as error:
        what = f"cannot be read: {error.strerror or type(error).__name__}"
        raise ConfigError([Problem(str(path), 0, "", what, "see config/agents for examples")]) from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise ConfigError([Problem(str(path), line, "", "not UTF-8 text", "save the file as UTF-8")]) from None
    config = parse(text, path, secrets=disk_secrets(path.parent, environment.get("CREDENTIALS_DIRECTORY", "")))
    if config.broker.tls is not None:
        _pem_files(config.broker.tls, path, text)
    return config


def parse(text: str, path: Path, *, secrets: SecretSource) -> Config:
    """Return the settings of a file's text.

    Args:
        text: the TOML text.
        path: where it comes from; relative paths are relative to it.
        secrets: reads the secrets.

    Raises:
        ConfigError: with every problem of the text.
    """
    file = settings.load(_File, text, file=str(path), secrets=secrets)
    folder = path.parent.absolute()
    broker = file.broker
    if broker.tls is not None:
        tls = Tls(*(str(folder / name) if name else "" for name in msgspec.structs.astuple(broker.tls)))
        broker = msgspec.structs.replace(broker, tls=tls)
    return Config(
        agent=msgspec.structs.replace(file.agent, state=str(folder / file.agent.state)),
        broker=broker,
        devices=tuple(
            msgspec.structs.replace(device, room=device.room or file.agent.room, title=device.title or device.id)
            for device in file.device
        ),
        digest=hashlib.sha256(text.encode()).hexdigest()[:16],
    )


def _pem_files(tls: Tls, path: Path, text: str) -> None:
    """Find out now, not at the first connection, that a file of TLS is missing."""
    problems = []
    for key, name in msgspec.structs.asdict(tls).items():
        try:
            if name:
                Path(name).open("rb").close()
        except OSError as error:
            what = f"{name} cannot be read: {error.strerror}"
            where = ("broker", "tls", key)
            problems.append(Problem(str(path), Locator(text).line(where), ".".join(where), what, "check the path"))
    if problems:
        raise ConfigError(problems)


def disk_secrets(folder: Path, credentials: str) -> SecretSource:
    """Return the reader of secrets.

    Args:
        folder: of the config file; relative paths start there.
        credentials: the service manager's directory of credentials, or an empty text.
    """

    def read(ref: SecretRef) -> str:
        if ref.credential and not credentials:
            raise LookupError("the service manager passed no credentials")
        if "/" in ref.credential:
            raise ValueError("a credential's name has no slash")
        path = Path(credentials) / ref.credential if ref.credential else folder / ref.file
        with path.open("rb") as file:
            body = file.read(MAX_SECRET + 1)
        if len(body) > MAX_SECRET:
            raise ValueError(f"{path} is longer than {MAX_SECRET} bytes")
        try:
            text = body.decode("utf-8").rstrip("\r\n")
        except UnicodeDecodeError:  # its own words would show a part of the secret
            raise ValueError(f"{path} is not UTF-8 text") from None
        if not text:
            raise ValueError(f"{path} is empty")
        return text

    return read


def _reveal(secret: Secret | None) -> str:
    return "" if secret is None else secret.reveal()


def _host(host: Any) -> Iterable[Fault]:
    """Yield what is wrong with the name of a host."""
    if isinstance(host, str) and ("/" in host or " " in host or (host.count(":") == 1)):
        yield Fault(f"{host!r} is no host name", "the name or address only; the port has a key of its own", ("host",))
