"""The agent's settings: one TOML file, read strictly. See ``config/agents`` for examples.

Relative paths in it are relative to the file. Secrets come from files, or from the service manager's credentials
(``LoadCredential=`` in the unit; systemd.exec(5)).
"""

import hashlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from agent import kinds
from agent.drivers.base import Driver
from agent.kinds import ConditionSettings
from agent.neighbours import Neighbours
from agent.ways import WAYS, Context, Way
from agent.ways.backup import Backup
from agent.ways.host import Host
from agent.ways.megatec import Megatec
from agent.ways.security import Security
from agent.ways.snmp import Snmp
from contract import files, settings
from contract.broker import FILES, Broker
from contract.clock import Clock
from contract.condition import Condition
from contract.errors import ConfigError
from contract.settings import Bytes, Fault, Seconds, SecretSource, Slug, Text, did_you_mean


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """A device, and how it is asked. Intervals are in seconds."""

    id: Slug
    title: str = ""
    kind: str = ""
    """Of ``agent/kinds``; empty: what its way mostly asks."""
    room: str = ""
    poll: Seconds | None = None
    """Between two polls of what matters most; left out: as its kind is asked."""
    slow: Seconds | None = None
    """Between two polls of everything."""
    profile: str = ""
    """Of the tables of its way; empty: the device is asked what it is."""
    snmp: Snmp | None = None
    megatec: Megatec | None = None
    host: Host | None = None
    backup: Backup | None = None
    security: Security | None = None
    condition: tuple[ConditionSettings, ...] = ()

    @property
    def way(self) -> Way:
        """How it is asked."""
        ways: list[Way | None] = [getattr(self, name) for name in WAYS]
        return next(way for way in ways if way is not None)

    @property
    def what(self) -> str:
        """Its kind."""
        return self.kind or self.way.KINDS[0]

    @property
    def interval(self) -> float:
        """Between two polls of what matters most, in seconds."""
        return kinds.kinds()[self.what].poll if self.poll is None else self.poll

    @property
    def full_interval(self) -> float:
        """Between two polls of everything, in seconds."""
        return max(self.interval, kinds.kinds()[self.what].slow) if self.slow is None else self.slow

    @property
    def timeout(self) -> float:
        """That one poll may take, in seconds."""
        return kinds.kinds()[self.what].timeout

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """What it is watched for: the defaults of its kind, as changed here."""
        return kinds.conditions(self.what, self.condition)

    def driver(self, neighbours: Neighbours, state: str = "", clock: Clock | None = None) -> Driver:
        """Return its driver; it connects at its first read.

        Args:
            neighbours: know what the other devices said.
            state: folder where it may keep what should outlive a restart.
            clock: the agent's.
        """
        context = Context(
            kind=self.what, device=self.id, profile=self.profile, neighbours=neighbours, state=state, clock=clock
        )
        return self.way.driver(context)

    @staticmethod
    def faults(draft: Any) -> Iterable[Fault]:
        """Yield what does not fit."""
        named = [name for name in WAYS if getattr(draft, name) is not None]
        if not named:
            yield Fault(
                "no driver: how is it asked?", f"write one of {', '.join(f'{name} = {{ … }}' for name in WAYS)}"
            )
        for extra in named[1:]:
            yield Fault(f"two drivers: {named[0]} and {extra}", "keep one; a second way is a second device", (extra,))
        if isinstance(draft.poll, float) and draft.poll < MIN_POLL:
            yield Fault(f"polls every {draft.poll:g} s", f'at least "{MIN_POLL * 1000:g}ms" lie between two', ("poll",))
        if isinstance(draft.slow, float) and draft.slow > MAX_SLOW:
            yield Fault(f"asks for everything every {draft.slow:g} s", 'at least once a day: write "1h"', ("slow",))
        way = WAYS[named[0]] if named else None
        if isinstance(draft.kind, str) and draft.kind:
            yield from _kind(draft.kind, way)
        kind = draft.kind if isinstance(draft.kind, str) and draft.kind else way.KINDS[0] if way else ""
        if kind in kinds.kinds():
            yield from _intervals(draft, kind)
            if isinstance(draft.condition, tuple):
                yield from kinds.faults(kind, draft.condition)
        if way is not None and isinstance(draft.profile, str) and draft.profile:
            yield from _profile(draft.profile, way, kind)


ITSELF: Final = "agent"
"""The id, and the kind, of the agent among its devices."""
MIN_POLL: Final = 0.1
"""Seconds. Cards answer some ten times a second at best."""
MAX_SLOW: Final = 86400.0
"""Seconds. What is asked less often is not watched."""


def _kind(kind: str, way: type[Way] | None) -> Iterable[Fault]:
    if kind not in kinds.kinds():
        yield Fault(f"unknown kind {kind!r}", did_you_mean(kind, kinds.kinds()), ("kind",))
    elif way is not None and kind not in way.KINDS:
        yield Fault(f"a {kind} is not asked in this way", f"kind is one of {', '.join(way.KINDS)}", ("kind",))


def _intervals(draft: Any, kind: str) -> Iterable[Fault]:
    poll = kinds.kinds()[kind].poll if draft.poll is None else draft.poll
    if isinstance(poll, float) and isinstance(draft.slow, float) and poll > draft.slow:
        what = f"the fast poll ({poll:g} s) is longer than the slow one ({draft.slow:g} s)"
        yield Fault(what, f'write slow = "{poll:g}s" or more', ("poll" if draft.poll is not None else "slow",))


def _profile(profile: str, way: type[Way], kind: str) -> Iterable[Fault]:
    names = way.profiles(kind)
    if not names:
        yield Fault("it is not asked by a table", "leave profile out", ("profile",))
    elif profile not in names:
        yield Fault(f"unknown profile {profile!r}", did_you_mean(profile, names), ("profile",))


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
    condition: tuple[ConditionSettings, ...] = ()
    """What it watches itself for: changes a default of the kind ``agent``, or adds one."""

    @staticmethod
    def faults(draft: Any) -> Iterable[Fault]:
        """Yield what does not fit."""
        if isinstance(draft.keep_bytes, int) and draft.keep_bytes < MIN_KEEP:
            yield Fault(f"too small for a spool: {draft.keep_bytes} bytes", 'write "16 MiB" or more', ("keep_bytes",))
        if isinstance(draft.gateways, tuple):
            for index, name in enumerate(draft.gateways):
                if name is not settings.BAD and name in draft.gateways[:index]:
                    yield Fault(f"the gateway {name!r} twice", "name each once", ("gateways", index))
        if isinstance(draft.condition, tuple):
            yield from kinds.faults(ITSELF, draft.condition)


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
            if device.id == ITSELF:
                what = f"{ITSELF!r} is the agent itself, which is watched always"
                yield Fault(what, "give the device another id", ("device", index, "id"))
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

    @property
    def itself(self) -> Device:
        """The agent as a device: it watches itself."""
        agent = self.agent
        return Device(id=ITSELF, kind=ITSELF, title=agent.name, room=agent.room, condition=agent.condition)


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
