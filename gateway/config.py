"""The gateway's settings: one TOML file, read strictly. See ``config/gateway.toml``.

Relative paths in it are relative to the file. Secrets come from files, or from the service manager's credentials
(``LoadCredential=`` in the unit; systemd.exec(5)).
"""

import os
from collections.abc import Iterable, Mapping
from email.utils import parseaddr
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from contract import files, locate, settings
from contract.broker import FILES, Broker, host_faults
from contract.errors import ConfigError, Problem
from contract.settings import Bytes, Fault, Port, Seconds, Secret, SecretSource, Slug, Text
from gateway.contacts import is_address

_PLAN: Final[locate.Path] = ("plan",)
_CONTACTS: Final[locate.Path] = ("contacts",)
_HOLIDAYS: Final[locate.Path] = ("holidays",)
_DEPENDENCIES: Final[locate.Path] = ("dependencies",)
_ALARMS: Final[locate.Path] = ("alarms",)
_STATE: Final[locate.Path] = ("gateway", "state")
_LEAST: Final = 64 * 2**20
"""Bytes that a journal must be allowed."""
_STATE_DIRECTORY: Final = "/var/lib/wolfsmoke-gateway"


class Board(msgspec.Struct, frozen=True):
    """Where the web pages are served."""

    host: Text = "127.0.0.1"
    port: Port = 8080


class Gateway(msgspec.Struct, frozen=True, kw_only=True):
    """Who this gateway is."""

    name: Slug
    site: str = ""
    """Only agents of this site are heard; empty: of every site."""
    state: Text = _STATE_DIRECTORY
    """The directory of the journal and the control socket."""
    public_url: str = ""
    """How people reach the board; without one, messages carry no links."""
    board: Board = Board()
    language: Literal["zh", "en"] = "zh"
    keep: Seconds = 14 * 86400.0
    """How long the journal keeps messages that every reader has passed, while there is room."""
    keep_bytes: Bytes = 4 * 2**30
    """How big the journal may become."""
    clock_limit: Seconds = 30.0
    """How far an agent's clock may be from the gateway's."""

    @staticmethod
    def faults(draft: Any) -> Iterable[Fault]:
        """Yield what does not fit."""
        url = draft.public_url
        if isinstance(url, str) and url and not url.startswith(("http://", "https://")):
            yield Fault(f"{url!r} is no URL", 'write "https://wolfsmoke.example.net"', ("public_url",))
        if isinstance(draft.keep_bytes, int) and draft.keep_bytes < _LEAST:
            yield Fault("too small for a journal", 'write "64 MiB" or more', ("keep_bytes",))


_STRANGE: Final = {
    "influxdb1": ("org", "bucket", "token"),
    "influxdb2": ("database", "user", "password"),
    "victoriametrics": ("org", "bucket", "database"),
}
"""Kind of store → what would be passed over without a word."""


class Store(msgspec.Struct, frozen=True, kw_only=True):
    """The time-series store."""

    kind: Literal["influxdb2", "influxdb1", "victoriametrics"]
    url: Text
    org: str = ""
    bucket: str = ""
    token: Secret | None = None
    database: str = ""
    user: str = ""
    password: Secret | None = None
    timeout: Seconds = 10.0

    @staticmethod
    def faults(draft: Any) -> Iterable[Fault]:
        """Yield what does not fit."""
        if isinstance(draft.url, str) and not draft.url.startswith(("http://", "https://")):
            yield Fault(f"{draft.url!r} is no URL", 'write "http://127.0.0.1:8086"', ("url",))
        if draft.kind == "influxdb2":
            if draft.token is None:
                yield Fault("InfluxDB 2 and 3 need a token", 'write token = { file = "…" } or { credential = "…" }')
            if draft.bucket == "":
                yield Fault("InfluxDB 2 and 3 need a bucket", 'write bucket = "…"')
        if draft.kind == "influxdb1" and draft.database == "":
            yield Fault("InfluxDB 1 needs a database", 'write database = "…"; create it with CREATE DATABASE')
        if draft.user and draft.password is None:
            yield Fault("a user without a password", 'write password = { file = "…" } or { credential = "…" }')
        for key in _STRANGE.get(draft.kind, ()):
            if getattr(draft, key) not in {"", None}:
                yield Fault(f"{draft.kind} takes none", "leave it out, or is it another kind of store?", (key,))
        if draft.timeout == 0.0:
            yield Fault("no time to answer", 'write timeout = "10s"', ("timeout",))


class Email(msgspec.Struct, frozen=True, kw_only=True):
    """The mail server."""

    host: Text
    port: Port = 587
    sender: Text
    user: str = ""
    password: Secret | None = None
    tls: Literal["starttls", "tls", "none"] = "starttls"

    @staticmethod
    def faults(draft: Any) -> Iterable[Fault]:
        """Yield what does not fit."""
        yield from host_faults(draft.host)
        sender = draft.sender
        if isinstance(sender, str) and (not is_address(parseaddr(sender)[1]) or not sender.isprintable()):
            hint = 'write "wolfsmoke@example.net", or "狼烟 <wolfsmoke@example.net>"'
            yield Fault(f"{draft.sender!r} is no address", hint, ("sender",))
        if draft.user and draft.password is None:
            yield Fault("a user without a password", 'write password = { file = "…" } or { credential = "…" }')


class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    """A receiver of signed HTTP messages."""

    url: Text
    secret: Secret

    @staticmethod
    def faults(draft: Any) -> Iterable[Fault]:
        """Yield what does not fit."""
        if isinstance(draft.url, str) and not draft.url.startswith(("http://", "https://")):
            yield Fault(f"{draft.url!r} is no URL", 'write "https://…"', ("url",))


class Notify(msgspec.Struct, frozen=True):
    """The ways to people."""

    email: Email | None = None
    webhook: dict[str, Webhook] = {}


class _File(msgspec.Struct, frozen=True, kw_only=True):
    """The file as it is written."""

    gateway: Gateway
    broker: Broker
    store: Store | None = None
    notify: Notify = Notify()
    plan: Text = "plan"
    contacts: Text = "contacts.toml"
    holidays: str = ""
    dependencies: Text | None = None
    drills: Text = "drills"
    """The directory of drills; there need be none."""
    alarms: str = ""


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of a gateway, ready for use: paths are absolute."""

    gateway: Gateway
    broker: Broker
    store: Store | None
    notify: Notify
    plan: Path
    """The directory of plan files."""
    contacts: Path
    holidays: Path | None = None
    """The file over the notices of public holidays; None: the notices alone."""
    dependencies: Path | None = None
    """The file of what depends on what; None: nothing does."""
    drills: Path
    """The directory of drills; it need not be there."""
    alarms: Path | None = None
    """What is done with alarms before the plan hears of them; None: nothing beyond what is always done."""


def load(path: Path, *, environment: Mapping[str, str] = os.environ, secrets: SecretSource | None = None) -> Config:
    """Return the settings of a file.

    Args:
        path: the TOML file.
        environment: names the directory of credentials ($CREDENTIALS_DIRECTORY).
        secrets: reads the secrets; None: as the service does.

    Raises:
        ConfigError: with every problem of the file.
    """
    file = str(path)
    text = files.settings_text(_read, file, examples="config/gateway.toml")
    secrets = secrets or secrets_of(path, environment)
    beside = {_CONTACTS: "contacts.toml", _HOLIDAYS: "", _DEPENDENCIES: "", _ALARMS: "", **FILES}
    named = files.named(text, beside, str(path.parent.absolute()))
    problems = files.unreadable(_read, named, file=file, text=text)
    plan = _plan(text, path.parent)
    if plan is not None and not plan.is_dir():
        line = locate.Locator(text).line(_PLAN)
        problems.append(Problem(file, line, "plan", f"{plan} is no directory", "name the directory of plan files"))
    try:
        config = parse(text, path, secrets=secrets)
    except ConfigError as error:
        problems = [*error.problems, *problems]
    if problems:
        raise ConfigError(problems)
    return config


def secrets_of(path: Path, environment: Mapping[str, str] = os.environ) -> SecretSource:
    """Return who reads the secrets of a settings file, as the service does."""
    return files.secrets_from(_read, str(path.parent), environment.get("CREDENTIALS_DIRECTORY", ""))


def channels_of(path: Path, secrets: SecretSource) -> tuple[str, Notify | None, Gateway | None]:
    """Return the file's text, the ways to people, and who the gateway is, whatever else is wrong with it.

    None for what cannot be read.
    """
    try:
        text = files.settings_text(_read, str(path), examples="")
    except ConfigError:  # told by ``load``
        return "", None, None
    read, _ = settings.as_far(_File, text, file=str(path), secrets=secrets)
    notify, gateway = getattr(read, "notify", None), getattr(read, "gateway", None)
    return (
        text,
        notify if isinstance(notify, Notify) else None,
        gateway if isinstance(gateway, Gateway) else None,
    )


def places(path: Path) -> tuple[Path | None, Path | None]:
    """Return where the plan's files and the contacts are, even of settings that are wrong elsewhere; None: nowhere."""
    try:
        text = files.settings_text(_read, str(path), examples="")
    except ConfigError:
        return None, None
    contacts = files.named(text, {_CONTACTS: "contacts.toml"}, str(path.parent.absolute())).get(_CONTACTS)
    return _plan(text, path.parent), None if contacts is None else Path(contacts)


def dependencies_of(path: Path) -> Path | None:
    """Return where it is said what depends on what, even by settings that are wrong elsewhere; None: nowhere."""
    return _place(path, _DEPENDENCIES)


def alarms_of(path: Path) -> Path | None:
    """Return where the rules of alarms are, even of settings that are wrong elsewhere; None: nowhere."""
    return _place(path, _ALARMS)


def holidays_of(path: Path) -> Path | None:
    """Return where the holidays over the public calendar are, even of settings that are wrong elsewhere; None: nowhere."""
    return _place(path, _HOLIDAYS)


def _place(path: Path, key: locate.Path) -> Path | None:
    try:
        text = files.settings_text(_read, str(path), examples="")
    except ConfigError:
        return None
    found = files.named(text, {key: ""}, str(path.parent.absolute())).get(key)
    return None if found is None else Path(found)


def state_of(path: Path) -> Path:
    """Return the state directory that a settings file names, whatever else is wrong with it.

    A person at a terminal has not the gateway's credentials, and answers an incident all the same.

    Raises:
        ConfigError: the file cannot be read, or is no settings file.
    """
    text = files.settings_text(_read, str(path), examples="config/gateway.toml")
    named = files.named(text, {_STATE: _STATE_DIRECTORY}, str(path.parent.absolute()))
    if _STATE not in named:
        raise ConfigError(
            [Problem(str(path), 0, locate.dotted(_STATE), "cannot be read from it", "is it a settings file?")]
        )
    return Path(named[_STATE])


def _plan(text: str, folder: Path) -> Path | None:
    named = files.named(text, {_PLAN: "plan"}, str(folder.absolute())).get(_PLAN)
    return None if named is None else Path(named)


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
        gateway=msgspec.structs.replace(file.gateway, state=str(folder / file.gateway.state)),
        broker=file.broker.in_folder(str(folder)),
        store=file.store,
        notify=file.notify,
        plan=folder / file.plan,
        contacts=folder / file.contacts,
        holidays=folder / file.holidays if file.holidays else None,
        dependencies=None if file.dependencies is None else folder / file.dependencies,
        drills=folder / file.drills,
        alarms=folder / file.alarms if file.alarms else None,
    )
