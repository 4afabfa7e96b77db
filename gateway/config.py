"""The gateway's settings: one TOML file, read strictly. See ``config/gateway.toml``.

Relative paths in it are relative to the file. Secrets come from files, or from the service manager's credentials
(``LoadCredential=`` in the unit; systemd.exec(5)).
"""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec

from contract import settings
from contract.errors import ConfigError, Problem
from contract.locate import Locator
from contract.settings import Fault, Port, Seconds, Secret, SecretRef, SecretSource, Slug

Text = Annotated[str, msgspec.Meta(min_length=1)]
MAX_SECRET: Final = 4096
"""Bytes; what is longer is another file."""


class Tls(msgspec.Struct, frozen=True):
    """TLS to the broker. Paths of PEM files."""

    ca: Text
    certificate: str = ""
    """Of this gateway, where the broker asks for one."""
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


class Board(msgspec.Struct, frozen=True):
    """Where the web pages are served."""

    host: Text = "127.0.0.1"
    port: Port = 8080


class Gateway(msgspec.Struct, frozen=True, kw_only=True):
    """Who this gateway is."""

    name: Slug
    site: str = ""
    """Only agents of this site are heard; empty: of every site."""
    state: Text = "/var/lib/wolfsmoke-gateway"
    """The directory of the journal and the control socket."""
    public_url: str = ""
    """How people reach the board; without one, messages carry no links."""
    board: Board = Board()
    language: Literal["zh", "en"] = "zh"
    keep: Seconds = 14 * 86400.0
    """How long the journal keeps readings that every reader has passed."""

    @staticmethod
    def faults(draft: Any) -> Iterable[Fault]:
        """Yield what does not fit."""
        url = draft.public_url
        if isinstance(url, str) and url and not url.startswith(("http://", "https://")):
            yield Fault(f"{url!r} is no URL", 'write "https://wolfsmoke.example.net"', ("public_url",))


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
        yield from _host(draft.host)
        if isinstance(draft.sender, str) and "@" not in draft.sender:
            yield Fault(f"{draft.sender!r} is no address", 'write "wolfsmoke@example.net"', ("sender",))
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


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of a gateway, ready for use: paths are absolute."""

    gateway: Gateway
    broker: Broker
    store: Store | None
    notify: Notify
    plan: Path
    """The directory of plan files."""
    contacts: Path


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
        raise ConfigError([Problem(str(path), 0, "", what, "see config/gateway.toml for an example")]) from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise ConfigError([Problem(str(path), line, "", "not UTF-8 text", "save the file as UTF-8")]) from None
    config = parse(text, path, secrets=disk_secrets(path.parent, environment.get("CREDENTIALS_DIRECTORY", "")))
    problems = [*_missing(config, path, text)]
    if problems:
        raise ConfigError(problems)
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
        gateway=msgspec.structs.replace(file.gateway, state=str(folder / file.gateway.state)),
        broker=broker,
        store=file.store,
        notify=file.notify,
        plan=folder / file.plan,
        contacts=folder / file.contacts,
    )


def _missing(config: Config, path: Path, text: str) -> Iterable[Problem]:
    """Yield the files that are not there: found out now, not when they are needed."""
    named: list[tuple[tuple[str, ...], Path]] = [(("contacts",), config.contacts)]
    if config.broker.tls is not None:
        files = msgspec.structs.asdict(config.broker.tls).items()
        named += [(("broker", "tls", key), Path(name)) for key, name in files if name]
    for key, file in named:
        try:
            file.open("rb").close()
        except OSError as error:
            what = f"{file} cannot be read: {error.strerror}"
            yield Problem(str(path), Locator(text).line(key), ".".join(key), what, "check the path")
    if not config.plan.is_dir():
        line = Locator(text).line(("plan",))
        yield Problem(str(path), line, "plan", f"{config.plan} is no directory", "name the directory of plan files")


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


def _host(host: Any) -> Iterable[Fault]:
    """Yield what is wrong with the name of a host."""
    if isinstance(host, str) and ("/" in host or " " in host or (host.count(":") == 1)):
        yield Fault(f"{host!r} is no host name", "the name or address only; the port has a key of its own", ("host",))
