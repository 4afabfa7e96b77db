"""A simulated site: which devices there are, from a TOML file; started and stopped together, on one model of the site.

::

    async with running(settings, clock, folder) as site:
        site.ups("server-room").cut()
        site.set("smoke-1", "smoke", "true")
        await site.look()
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec

from contract import settings
from contract.errors import ConfigError, Problem, UsageError
from contract.settings import did_you_mean
from firmware_sims import fields
from firmware_sims.families import FAMILIES
from firmware_sims.families.base import Made, Placed, Simulated, Yard
from firmware_sims.families.field import BackupSettings, Environment, Modbus, RoomSettings
from firmware_sims.families.network import HostSettings, LineSettings, SwitchSettings, Syslog, Voice
from firmware_sims.families.ups import Device, Nut, Traps
from firmware_sims.faults import Fault
from firmware_sims.ups import Ups
from firmware_sims.world import State, World

__all__ = ["Device", "Simulated", "Site", "SiteSettings", "load", "running", "text_of"]

LOOK: Final = 0.1
"""Seconds between two looks at the world: what a device needs to die with its power."""


class SiteSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A site file."""

    ups: tuple[Device, ...] = ()
    speed: Annotated[float, msgspec.Meta(ge=0.01, le=10000)] = 1.0
    """How much faster than the clock batteries drain and charge, and rooms warm."""
    room: tuple[RoomSettings, ...] = ()
    nut: tuple[Nut, ...] = ()
    traps: tuple[Traps, ...] = ()
    switch: tuple[SwitchSettings, ...] = ()
    host: tuple[HostSettings, ...] = ()
    voice: tuple[Voice, ...] = ()
    line: tuple[LineSettings, ...] = ()
    environment: tuple[Environment, ...] = ()
    modbus: tuple[Modbus, ...] = ()
    backup: tuple[BackupSettings, ...] = ()
    syslog: tuple[Syslog, ...] = ()

    @property
    def devices(self) -> Iterator[Placed]:
        """Every device, family by family; a bus with all its units is one."""
        for family in FAMILIES:
            yield from getattr(self, family)

    @staticmethod
    def faults(draft: Any) -> Iterable[settings.Fault]:
        """Yield what does not fit."""
        tables = [(family, at, each) for family in FAMILIES for at, each in enumerate(_listed(getattr(draft, family)))]
        if all(getattr(draft, family) == () for family in FAMILIES):
            hint = f"add one of {', '.join(f'[[{family}]]' for family in FAMILIES)}"
            yield settings.Fault("a site has at least one device", hint)
        yield from _names(tables)
        upses = {each.name for each in _listed(draft.ups) if isinstance(each.name, str)}
        rooms = {each.name for each in _listed(draft.room) if isinstance(each.name, str)}
        switches = {each.name: each for each in _listed(draft.switch) if isinstance(each.name, str)}
        for at, room in enumerate(_listed(draft.room)):
            yield from _known(room.cooled_by, upses, "UPS", ("room", at, "cooled_by"))
        for family, at, each in tables:
            where = (family, at)
            yield from _known(each.fed_by, upses, "UPS", (*where, "fed_by"))
            yield from _behind(each.behind, switches, (*where, "behind"))
            named = each.ups if family in ("nut", "traps") else ()
            for name in (named,) if isinstance(named, str) else _texts(named):
                yield from _known(name, upses, "UPS", (*where, "ups"))
            if family == "environment":
                yield from _known(each.room, rooms, "room", (*where, "room"))
            for place, unit in enumerate(_listed(each.unit) if family == "modbus" else ()):
                yield from _known(unit.room, rooms, "room", (*where, "unit", place, "room"))
        yield from _rings(switches)


def _listed(drafts: Any) -> tuple[Any, ...]:
    usable = msgspec.Struct | settings.Draft
    return tuple(each for each in drafts if isinstance(each, usable)) if isinstance(drafts, tuple) else ()


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(each for each in value if isinstance(each, str)) if isinstance(value, tuple) else ()


def _names(tables: list[tuple[str, int, Any]]) -> Iterable[settings.Fault]:
    """Yield the names that are there twice; units on a bus have names of their own."""
    seen = {"all"}
    for family, at, each in tables:
        named: list[tuple[tuple[str | int, ...], Any]] = [((family, at, "name"), each.name)]
        if family == "modbus":
            named += [((family, at, "unit", place, "name"), unit.name) for place, unit in enumerate(_listed(each.unit))]
        for where, name in named:
            if isinstance(name, str) and name in seen:
                yield settings.Fault(f"a second device {name!r}", "give it another name", where)
            elif isinstance(name, str):
                seen.add(name)


def _known(name: Any, names: Iterable[str], what: str, where: tuple[str | int, ...]) -> Iterable[settings.Fault]:
    if isinstance(name, str) and name and name not in names:
        hint = did_you_mean(name, names) if names else "there is none in this file"
        yield settings.Fault(f"no {what} {name!r} here", hint, where)


def _behind(text: Any, switches: Mapping[str, Any], where: tuple[str | int, ...]) -> Iterable[settings.Fault]:
    if not isinstance(text, str) or not text:
        return
    switch, colon, port = text.partition(":")
    yield from _known(switch, switches, "switch", where)
    found = switches.get(switch)
    if colon and isinstance(found, SwitchSettings) and port not in found.port_names:
        yield settings.Fault(f"{switch} has no port {port!r}", did_you_mean(port, found.port_names), where)


def _rings(switches: Mapping[str, Any]) -> Iterable[settings.Fault]:
    """Yield the switches that hang behind themselves."""
    for at, name in enumerate(switches):
        seen, now = {name}, name
        while now in switches and isinstance(switches[now].behind, str) and switches[now].behind:
            now = switches[now].behind.partition(":")[0]
            if now in seen:
                yield settings.Fault(
                    f"{name} hangs behind itself", "one switch has the uplink", ("switch", at, "behind")
                )
                break
            seen.add(now)


class Site:
    """Running devices by name, and the world that they stand in."""

    def __init__(self, made: Mapping[str, Made], world: World | None = None) -> None:
        """Hold them."""
        self.made = dict(made)
        self.world = world or World(time.monotonic, {})
        self._wanted: dict[str, Fault] = {}
        """Fault of each device that the world has silenced, for when it is reached again."""
        self._off: set[str] = set()
        self._links: dict[tuple[str, str], bool] = {}
        self._looking = asyncio.Lock()
        self.world.shut_by(self._shut)

    @property
    def devices(self) -> dict[str, Simulated]:
        """Every device by its name."""
        return {name: made.device for name, made in self.made.items()}

    def __getitem__(self, name: str) -> Simulated:
        """Return a device.

        Raises:
            UsageError: there is none of that name.
        """
        return self.one(name).device

    def one(self, name: str) -> Made:
        """Return what is known of a device.

        Raises:
            UsageError: there is none of that name.
        """
        if name not in self.made:
            near = did_you_mean(name, self.made)
            raise UsageError(f"no device named {name!r}", hint=f"{near}, or all" if near.startswith("known") else near)
        return self.made[name]

    def ups(self, name: str) -> Ups:
        """Return the model of a UPS.

        Raises:
            UsageError: there is none of that name, or it is none.
        """
        return _ups_of(self.one(name), [each.name for each in self.made.values() if each.ups])

    def upses(self, name: str) -> list[Ups]:
        """Return the model of one UPS, or of every one for ``all``.

        Raises:
            UsageError: there is none of that name, or it is none.
        """
        return [made.ups for made in self.made.values() if made.ups] if name == "all" else [self.ups(name)]

    def set(self, name: str, field: str, value: str) -> None:
        """Set a field of a device; ``power`` switches anything but a UPS on and off.

        Raises:
            UsageError: there is no such device or field, or the field does not take this.
        """
        made = self.one(name)
        fields.put({**made.fields, **self._power(made)}, name, field, value)

    async def set_fault(self, name: str, fault: Fault) -> None:
        """Let a device misbehave, or ``all`` of those on whose wire this fault makes sense.

        Raises:
            UsageError: there is no such device, or the fault makes no sense on its wire.
        """
        chosen = [made for made in self.made.values() if fault in made.faults] if name == "all" else [self.one(name)]
        for made in chosen:
            if fault not in made.faults:
                hint = f"there are {', '.join(each.value for each in made.faults)}"
                raise UsageError(f"no fault {fault.value!r} on its wire", where=name, hint=hint)
            if made.name in self._wanted:
                self._wanted[made.name] = fault
            else:
                await made.device.set_fault(fault)

    async def look(self) -> None:
        """Come to now: what has no power falls silent, what has it again comes back, rooms warm and cool."""
        async with self._looking:
            self.world.look()
            self.plug()
            for name, made in self.made.items():
                if made.look is not None:
                    made.look()
                if made.settle is not None:
                    await made.settle()
                await self._stand(name, made)

    def plug(self) -> None:
        """Let the link of each port follow the power at its far end; by hand it may be set otherwise meanwhile."""
        for (switch, port), link in self.world.links().items():
            if self._links.get((switch, port)) is not link:
                self._links[switch, port] = link
                self.made[switch].links[port](link)

    async def _stand(self, name: str, made: Made) -> None:
        """Silence a device that is not reached, or let it speak again."""
        state = self.world.state(name)
        if state is State.OFF:
            self._off.add(name)
        if state is not State.UP and name not in self._wanted:
            self._wanted[name] = made.device.fault
            await made.device.set_fault(Fault.SILENCE)
        if state is State.UP and name in self._wanted:
            if name in self._off and made.restart is not None:
                made.restart()
            self._off.discard(name)
            await made.device.set_fault(self._wanted.pop(name))

    def show(self) -> dict[str, dict[str, object]]:
        """Return every device as it is now, ready for JSON."""
        shown: dict[str, dict[str, object]] = {}
        for name, made in self.made.items():
            fault = self._wanted.get(name, made.device.fault)
            model = msgspec.to_builtins(made.ups.view()) if made.ups else {}
            said = {field: each.get() for field, each in made.fields.items()} if not made.ups else {}
            shown[name] = {
                "url": made.device.url,
                "fault": fault.value,
                "state": self.world.state(name).value,
                **model,
                **said,
            }
        return shown

    def _shut(self, switch: str, port: str) -> bool:
        shut = self.made[switch].shut
        return shut is not None and shut(port)

    def _power(self, made: Made) -> fields.Fields:
        off = self.world.switched_off

        def put(on: bool) -> None:  # noqa: FBT001 - the state of a switch
            off.discard(made.name) if on else off.add(made.name)

        return {} if made.ups else {"power": fields.truth(put, lambda: made.name not in off)}


def _ups_of(made: Made, known: list[str]) -> Ups:
    if made.ups is None:
        raise UsageError(f"{made.name} is no UPS", hint=f"there are: {', '.join(known)}, or all")
    return made.ups


def load(path: Path) -> SiteSettings:
    """Read a site file.

    Raises:
        ConfigError: with every problem of it.
    """
    return settings.load(SiteSettings, text_of(path), file=str(path))


def text_of(path: Path) -> str:
    """Return the text of a settings file.

    Raises:
        ConfigError: it cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError([Problem(str(path), 0, "", f"cannot be read: {error.strerror}", "check the path")]) from None
    except UnicodeDecodeError:
        raise ConfigError([Problem(str(path), 0, "", "is not UTF-8 text", "save it as UTF-8")]) from None


@asynccontextmanager
async def running(
    site: SiteSettings, clock: Callable[[], float], folder: Path, *, wall: Callable[[], float] = time.time
) -> AsyncIterator[Site]:
    """Run a site's devices.

    Args:
        site: which.
        clock: seconds.
        folder: where serial ports and shares get their names.
        wall: seconds since 1970.

    Raises:
        UsageError: a port cannot be had.
    """
    whole = make(site, clock, folder, wall=wall)
    async with AsyncExitStack() as stack:
        for made in whole.made.values():
            try:
                await made.device.start()
            except OSError as error:
                hint = "another program has the port: choose another, or 0 for a free one"
                raise UsageError(
                    f"cannot open {made.device.address}: {error.strerror}", where=made.name, hint=hint
                ) from error
            stack.push_async_callback(made.device.stop)
        await whole.look()
        looking = asyncio.create_task(_keep(whole))
        try:
            yield whole
        finally:
            looking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await looking


async def _keep(site: Site) -> None:
    while True:
        await asyncio.sleep(LOOK)
        await site.look()


def make(
    site: SiteSettings, clock: Callable[[], float], folder: Path, *, wall: Callable[[], float] = time.time
) -> Site:
    """Return a site, not started yet; see ``running``."""

    def fast() -> float:
        return clock() * site.speed

    upses: dict[str, Ups] = {}
    world = World(clock, upses)
    world.rooms.update({room.name: room.air(site.speed) for room in site.room})
    yard = Yard(clock=clock, fast=fast, wall=wall, folder=folder, upses=upses, world=world)
    upses.update({device.name: device.build(yard) for device in site.ups})
    made = {each.name: each for device in site.devices for each in device.make(yard)}
    for name, each in made.items():
        world.put(name, each.place)
    whole = Site(made, world)
    whole.plug()
    return whole
