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
from agent.buses import Buses
from agent.device import Device, listed
from agent.kinds import ConditionSettings
from agent.memberships import member_faults
from agent.traps.settings import Traps
from agent.ways.line import Line
from agent.ways.line import neighbours as line_neighbours
from contract import files, settings
from contract.broker import FILES, Broker
from contract.errors import ConfigError
from contract.message import ITSELF
from contract.notice import PLAN
from contract.settings import Bytes, Fault, Seconds, SecretSource, Slug, Text, did_you_mean


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
        if draft.name == PLAN:
            yield Fault(f"no agent can be called {PLAN!r}: topics of that name are the gateway's", "", ("name",))
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
    traps: Traps | None = None

    @staticmethod
    def faults(draft: Any) -> Iterable[Fault]:
        """Yield what does not fit."""
        if draft.device == ():
            yield Fault("no device", "add a [[device]] table")
        ids: set[str] = set()
        buses = Buses()
        for index, device in enumerate(listed(draft.device)):
            if not isinstance(device, Device | settings.Draft):
                continue
            if isinstance(device.id, str) and device.id in ids:
                yield Fault(f"a second device {device.id!r}", "give it another id", ("device", index, "id"))
            if device.id == ITSELF:
                what = f"{ITSELF!r} is the agent itself, which is watched always"
                yield Fault(what, "give the device another id", ("device", index, "id"))
            if isinstance(device.id, str):
                ids.add(device.id)
            yield from buses.faults(index, device)
        if isinstance(draft.device, tuple):
            yield from member_faults(draft.device)
            yield from _strangers(draft.device, ids)


def _strangers(devices: tuple[Any, ...], ids: set[str]) -> Iterable[Fault]:
    """Yield the devices that a line's self-check asks for, and that are not there."""
    for index, device in enumerate(devices):
        if isinstance(device, Device | settings.Draft) and isinstance(device.line, Line | settings.Draft):
            for name, at in line_neighbours(device.line):
                if name not in ids:
                    yield Fault(f"no device {name!r} here", did_you_mean(name, ids), ("device", index, "line", *at))


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of an agent, ready for use: paths are absolute, rooms and titles filled in."""

    agent: Agent
    broker: Broker
    devices: tuple[Device, ...]
    traps: Traps | None = None
    """Left out, nobody listens."""
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
        traps=file.traps,
        digest=hashlib.sha256(text.encode()).hexdigest()[:16],
    )
