"""A device of the settings: how it is asked, for what it is watched, and its driver. See ``config/agents`` for examples."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import msgspec

from agent import contacts, kinds, outputs
from agent.battery.driver import BatteryDriver, Kept
from agent.battery_test import BatteryTest
from agent.clock import SystemClock
from agent.contacts import Contact, Contacts
from agent.drivers.base import Driver
from agent.drivers.contacts import ContactsDriver
from agent.kinds import ConditionSettings
from agent.memo import Memo
from agent.neighbours import Neighbours
from agent.outputs import Output
from agent.ways import WAYS, Context, Way
from agent.ways.apcsmart import ApcSmart
from agent.ways.backup import Backup
from agent.ways.base import Tabled, meant
from agent.ways.group import Group
from agent.ways.host import Host
from agent.ways.line import Line
from agent.ways.megatec import Megatec
from agent.ways.modbus import Modbus
from agent.ways.nut import Nut
from agent.ways.pair import Pair
from agent.ways.probe import Probe
from agent.ways.security import Security
from agent.ways.snmp import Snmp, misfits
from contract import settings
from contract.clock import Clock
from contract.condition import Condition
from contract.settings import Fault, Seconds, Slug, did_you_mean


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
    output: tuple[Output, ...] = ()
    """Which of its outputs commands may switch."""
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
            outputs=self.output,
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
        if isinstance(draft.poll, float) and draft.poll > MAX_SLOW:
            yield Fault(f"polls every {draft.poll:g} s", 'at least once a day: write "1h"', ("poll",))
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
                known = [each for each in listed(draft.contact) if isinstance(each, Contact)]
                yield from kinds.faults(kind, draft.condition, contacts.by_quantity(known))
        yield from contacts.faults(draft.contact)
        yield from _battery(draft, kind)
        yield from _outputs(draft)
        if kind and isinstance(draft.snmp, Snmp | settings.Draft):
            yield from (Fault(each.what, each.hint, ("snmp", *each.at)) for each in misfits(draft.snmp, kind))
        if way is not None and isinstance(draft.profile, str) and draft.profile:
            yield from _profile(draft.profile, way, kind)
        if way is not None and draft.profile == "" and issubclass(way, Tabled):
            names = way.profiles(kind) if draft.kind else [name for each in way.KINDS for name in way.profiles(each)]
            hint = f'write profile = "…": one of {", ".join(sorted(names))}'
            yield Fault("it cannot say what it is", hint, ("profile",))


def listed(drafts: Any) -> tuple[Any, ...]:
    """Return the tables of a list as far as it could be read; none where it could not."""
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


def _outputs(draft: Any) -> Iterable[Fault]:
    """Yield what is wrong with the outputs that may be switched."""
    if not draft.output:
        return
    if draft.modbus is None:
        yield Fault("it has no outputs that can be switched", "only Modbus modules have; leave it out", ("output",))
        return
    profile = draft.profile if isinstance(draft.profile, str) else ""
    yield from outputs.faults(draft.output, Modbus.outputs(profile))


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
