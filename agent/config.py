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
from contract import files, settings
from contract.broker import FILES, Broker, host_faults
from contract.condition import Condition
from contract.errors import ConfigError
from contract.settings import Bytes, Fault, Port, Seconds, Secret, SecretSource, Slug, Text, did_you_mean

MIN_KEY: Final = 8
"""Characters of an SNMPv3 pass phrase (RFC 3414, 11.2)."""
DRIVERS: Final = ("snmp", "megatec")
"""A device has exactly one of these tables."""


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
        yield from host_faults(draft.host)
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
        if isinstance(draft.slow, float) and draft.slow > MAX_SLOW:
            yield Fault(f"asks for everything every {draft.slow:g} s", 'at least once a day: write "1h"', ("slow",))
        if isinstance(draft.poll, float) and isinstance(draft.slow, float) and draft.poll > draft.slow:
            what = f"the fast poll ({draft.poll:g} s) is longer than the slow one ({draft.slow:g} s)"
            yield Fault(what, f'write slow = "{draft.poll:g}s" or more', ("poll",))
        if isinstance(draft.profile, str) and draft.profile:
            yield from _profile(draft)
        if isinstance(draft.condition, tuple):
            yield from conditions.faults("ups" if draft.kind is settings.BAD else draft.kind, draft.condition)


MIN_POLL: Final = 0.1
"""Seconds. Cards answer some ten times a second at best."""
MAX_SLOW: Final = 86400.0
"""Seconds. What is asked less often is not watched."""


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
    keep_bytes: Bytes = 256 << 20
    """How much its spool may hold."""
    keep: Seconds = 3 * 86400.0
    """How long a cut should be lived through with all readings: it is told at start if the spool is too small for it."""
    gateways: tuple[Slug, ...] = ()
    """Who must have everything; none: whoever acknowledges is enough."""

    @staticmethod
    def faults(draft: Any) -> Iterable[Fault]:
        """Yield what does not fit."""
        if isinstance(draft.keep_bytes, int) and draft.keep_bytes < MIN_KEEP:
            yield Fault(f"too small for a spool: {draft.keep_bytes} bytes", 'write "16 MiB" or more', ("keep_bytes",))
        if isinstance(draft.gateways, tuple):
            for index, name in enumerate(draft.gateways):
                if name is not settings.BAD and name in draft.gateways[:index]:
                    yield Fault(f"the gateway {name!r} twice", "name each once", ("gateways", index))


MIN_KEEP: Final = 16 << 20
"""Bytes of the smallest spool: below it, what is dropped in one go would be most of it."""


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
    file = str(path)
    text = files.settings_text(_read, file, examples="config/agents")
    secrets = files.secrets_from(_read, str(path.parent), environment.get("CREDENTIALS_DIRECTORY", ""))
    problems = files.unreadable(_read, files.named(text, FILES, str(path.parent.absolute())), file=file, text=text)
    try:
        config = parse(text, path, secrets=secrets)
    except ConfigError as error:
        problems = [*error.problems, *problems]
    if problems:
        raise ConfigError(sorted(problems, key=lambda problem: problem.line))
    return config


def _read(path: str, most: int) -> bytes:
    with Path(path).open("rb") as file:
        return file.read(most)


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
    return Config(
        agent=msgspec.structs.replace(file.agent, state=str(folder / file.agent.state)),
        broker=file.broker.in_folder(str(folder)),
        devices=tuple(
            msgspec.structs.replace(device, room=device.room or file.agent.room, title=device.title or device.id)
            for device in file.device
        ),
        digest=hashlib.sha256(text.encode()).hexdigest()[:16],
    )


def _reveal(secret: Secret | None) -> str:
    return "" if secret is None else secret.reveal()
