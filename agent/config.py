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

from agent import contacts, kinds
from agent.battery.driver import BatteryDriver, Kept
from agent.battery_test import BatteryTest
from agent.clock import SystemClock
from agent.contacts import Contact, Contacts
from agent.drivers.base import Driver
from agent.drivers.contacts import ContactsDriver
from agent.kinds import ConditionSettings
from agent.memberships import member_faults
from agent.memo import Memo
from agent.neighbours import Neighbours
from agent.traps.settings import Traps
from agent.ways import WAYS, Context, Way
from agent.ways.apcsmart import ApcSmart
from agent.ways.backup import Backup
from agent.ways.base import Tabled, meant
from agent.ways.group import Group
from agent.ways.host import Host
from agent.ways.line import Line
from agent.ways.line import neighbours as line_neighbours
from agent.ways.megatec import Megatec
from agent.ways.modbus import Modbus
from agent.ways.nut import Nut
from agent.ways.pair import Pair
from agent.ways.probe import Probe
from agent.ways.security import Security
from agent.ways.snmp import Snmp, misfits
from contract import files, settings
from contract.broker import FILES, Broker
from contract.clock import Clock
from contract.condition import Condition
from contract.errors import ConfigError
from contract.message import ITSELF
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
    promise: Seconds | None = None
    """How long a UPS must carry its load, as the plan relies on it; left out: nothing relies on it."""
    snmp: Snmp | None = None
    megatec: Megatec | None = None
    battery_test: BatteryTest | None = None
    """Allows the command for it."""
    modbus: Modbus | None = None
    contact: tuple[Contact, ...] = ()
    """What hangs on its inputs."""
    apcsmart: ApcSmart | None = None
    nut: Nut | None = None
    line: Line | None = None
    probe: Probe | None = None
    host: Host | None = None
    backup: Backup | None = None
    security: Security | None = None
    pair: Pair | None = None
    group: Group | None = None
    condition: tuple[ConditionSettings, ...] = ()

    @property
    def way(self) -> Way:
        """How it is asked."""
        ways: list[Way | None] = [getattr(self, name) for name in WAYS]
        return next(way for way in ways if way is not None)

    @property
    def address(self) -> str:
        """Name or address that its traps come from; empty for what has none, as on a serial line."""
        return str(getattr(self.way, "host", ""))

    @property
    def what(self) -> str:
        """Its kind."""
        return self.kind or meant(type(self.way), self.profile)

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
        """What it is watched for: the defaults of its kind, what its contacts ask for, all as changed here."""
        return kinds.conditions(self.what, self.condition, contacts.by_quantity(self.contact))

    def driver(self, neighbours: Neighbours, clock: Clock | None = None, state: Path | None = None) -> Driver:
        """Return its driver; it connects at its first read.

        Args:
            neighbours: what the other devices said.
            clock: the agent's; None: this host's alone.
            state: the agent's folder, where it may remember what it learns; None: nowhere.
        """
        clock = SystemClock() if clock is None else clock
        context = Context(
            kind=self.what,
            device=self.id,
            profile=self.profile,
            neighbours=neighbours,
            clock=clock,
            state=state,
        )
        driver = self.way.driver(context)
        if self.contact:
            driver = ContactsDriver(driver, Contacts(self.contact))
        if self.what != "ups":
            return driver
        return BatteryDriver(driver, clock, Memo(Kept, state and state / f"battery-{self.id}.json"), self.promise)

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
        kind = draft.kind if isinstance(draft.kind, str) else ""
        kind = kind or (meant(way, draft.profile if isinstance(draft.profile, str) else "") if way else "")
        if kind in kinds.kinds():
            yield from _intervals(draft, kind)
            if isinstance(draft.condition, tuple):
                known = [each for each in _listed(draft.contact) if isinstance(each, Contact)]
                yield from kinds.faults(kind, draft.condition, contacts.by_quantity(known))
        yield from contacts.faults(draft.contact)
        yield from _battery(draft, kind)
        if kind and isinstance(draft.snmp, Snmp | settings.Draft):
            yield from (Fault(each.what, each.hint, ("snmp", *each.at)) for each in misfits(draft.snmp, kind))
        if way is not None and isinstance(draft.profile, str) and draft.profile:
            yield from _profile(draft.profile, way, kind)
        if way is not None and draft.profile == "" and issubclass(way, Tabled):
            names = way.profiles(kind) if draft.kind else [name for each in way.KINDS for name in way.profiles(each)]
            hint = f'write profile = "…": one of {", ".join(sorted(names))}'
            yield Fault("it cannot say what it is", hint, ("profile",))


def _listed(drafts: Any) -> tuple[Any, ...]:
    return drafts if isinstance(drafts, tuple) else ()


MIN_POLL: Final = 0.1
"""Seconds. Cards answer some ten times a second at best."""
MAX_SLOW: Final = 86400.0
"""Seconds. What is asked less often is not watched."""


MIN_PROMISE: Final = 60.0
"""Seconds. What is shorter is over before anybody can act on it."""


def _battery(draft: Any, kind: str) -> Iterable[Fault]:
    """Yield what is wrong with what is said of a UPS's battery."""
    if kind not in ("", "ups") and draft.battery_test is not None:
        yield Fault(f"a {kind} has no battery to test", "leave it out", ("battery_test",))
    if isinstance(draft.promise, float) and kind and kind != "ups":
        yield Fault(f"a {kind} has no battery to promise anything", "leave promise out", ("promise",))
    if isinstance(draft.promise, float) and draft.promise < MIN_PROMISE:
        yield Fault(f"a promise of {draft.promise:g} s", 'write promise = "5h", or leave it out', ("promise",))


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
    traps: Traps | None = None

    @staticmethod
    def faults(draft: Any) -> Iterable[Fault]:
        """Yield what does not fit."""
        if draft.device == ():
            yield Fault("no device", "add a [[device]] table")
        ids: set[str] = set()
        buses = Buses()
        for index, device in enumerate(_listed(draft.device)):
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


class Buses:
    """Who has which serial port, or which host of Modbus devices: one device, or several of Modbus on one bus."""

    def __init__(self) -> None:
        """Start with every port free."""
        self._alone: dict[str, int] = {}
        self._shared: dict[str, tuple[int, str]] = {}
        """Port or host → its first device, and how that speaks."""
        self._units: dict[tuple[str, int], int] = {}

    def faults(self, index: int, device: Any) -> Iterable[Fault]:
        """Yield what is wrong between a device and those before it."""
        for name in WAYS:
            way = getattr(device, name)
            port = way.port if isinstance(way, msgspec.Struct | settings.Draft) and hasattr(way, "port") else None
            if isinstance(way, Modbus):
                yield from self._modbus(index, way, device.profile)
            elif isinstance(port, str) and port and name != "modbus":
                first = self._shared[port][0] if port in self._shared else self._alone.setdefault(port, index)
                if first != index:
                    what = f"{port} is taken by device[{first}]"
                    yield Fault(what, "one port, one device", ("device", index, name, "port"))

    def _modbus(self, index: int, way: Modbus, profile: Any) -> Iterable[Fault]:
        key = "port" if way.port else "host"
        line = way.line(profile if isinstance(profile, str) else "")
        bus = line.where
        if bus in self._alone:
            what = f"{bus} is taken by device[{self._alone[bus]}], which does not speak Modbus"
            yield Fault(what, "one port, one protocol", ("device", index, "modbus", key))
            return
        speaks = line.words or f"framing = {line.framing!r}"
        first, before = self._shared.setdefault(bus, (index, speaks))
        if speaks != before:
            hint = "all devices on a bus must be set to the same speed and parity: write it for each"
            yield Fault(
                f"{bus} is at {before} for device[{first}], and at {speaks} here", hint, ("device", index, "modbus")
            )
        other = self._units.setdefault((bus, way.unit), index)
        if other != index:
            what = f"unit {way.unit} on {bus} is device[{other}]"
            yield Fault(what, "one address, one device", ("device", index, "modbus", "unit"))


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
