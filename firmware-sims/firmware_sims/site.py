"""A simulated site: which devices there are, from a TOML file; started and stopped together.

::

    async with running(settings, clock, folder) as site:
        site["server-room"].ups.cut()
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Annotated, Literal, Protocol

import msgspec

from contract import settings
from contract.errors import ConfigError, Problem, UsageError
from firmware_sims.faults import Fault
from firmware_sims.megatec_ups import MegatecUps
from firmware_sims.snmp_faces import Plate
from firmware_sims.snmp_ups import SnmpUps, User
from firmware_sims.ups import Rating, Ups

Percent = Annotated[float, msgspec.Meta(ge=0, le=100)]
FaceName = Literal["rfc1628", "powernet", "megatec"]


class Device(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One simulated UPS."""

    name: settings.Slug
    face: FaceName
    host: str = "127.0.0.1"
    port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 0
    """UDP port of an SNMP face, TCP port of a Megatec one without ``link``; 0 for a free one."""
    link: str = ""
    """Megatec: name of the serial port, relative to the folder that the site runs in."""
    community: str = "public"
    user: User | None = None
    manufacturer: str = "Wolfsmoke"
    model: str = "Sim 3000"
    serial: str = "SIM-1"
    load: Annotated[float, msgspec.Meta(ge=0)] = 800.0
    """W."""
    charge: Percent = 100.0
    rating: Rating = Rating()

    def __post_init__(self) -> None:
        """Raise ValueError for what does not go together."""
        if self.link and self.face != "megatec":
            raise ValueError(f"the face {self.face!r} has no serial port | leave link out, or write face = 'megatec'")
        if self.user and self.face == "megatec":
            raise ValueError("Megatec knows no users | leave user out")
        if (
            min(self.rating.power, self.rating.apparent, self.rating.battery, self.rating.volts, self.rating.string)
            <= 0
        ):
            raise ValueError("a rating must be above 0")


class SiteSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A site file."""

    ups: tuple[Device, ...] = ()
    speed: Annotated[float, msgspec.Meta(ge=0.01, le=10000)] = 1.0
    """How much faster than the clock batteries drain and charge."""

    def __post_init__(self) -> None:
        """Raise ValueError for a site that cannot be."""
        names = [device.name for device in self.ups]
        if not names:
            raise ValueError("a site has at least one [[ups]]")
        if len(set(names)) < len(names):
            raise ValueError("two devices have the same name")


class Simulated(Protocol):
    """A running device, whatever it speaks."""

    ups: Ups

    @property
    def address(self) -> str:
        """Where it is."""
        ...

    @property
    def url(self) -> str:
        """How to read it."""
        ...

    @property
    def fault(self) -> Fault:
        """What is wrong with it."""
        ...

    async def set_fault(self, fault: Fault) -> None:
        """Misbehave from now on."""
        ...

    async def start(self) -> None:
        """Begin to answer."""
        ...

    async def stop(self) -> None:
        """Stop answering."""
        ...


class Site:
    """Running devices by name."""

    def __init__(self, devices: dict[str, Simulated]) -> None:
        """Hold them."""
        self.devices = devices

    def __getitem__(self, name: str) -> Simulated:
        """Return a device.

        Raises:
            UsageError: there is none of that name.
        """
        if name not in self.devices:
            raise UsageError(f"no device named {name!r}", hint=f"there are: {', '.join(self.devices)}, or all")
        return self.devices[name]

    def named(self, name: str) -> list[Simulated]:
        """Return one device, or every one for ``all``."""
        return list(self.devices.values()) if name == "all" else [self[name]]

    def show(self) -> dict[str, dict[str, object]]:
        """Return every device as it is now, ready for JSON."""
        return {
            name: {"url": device.url, "fault": device.fault.value, **msgspec.to_builtins(device.ups.view())}
            for name, device in self.devices.items()
        }


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
async def running(site: SiteSettings, clock: Callable[[], float], folder: Path) -> AsyncIterator[Site]:
    """Run a site's devices.

    Args:
        site: which.
        clock: seconds.
        folder: where serial ports get their names.

    Raises:
        UsageError: a port cannot be had.
    """
    devices: dict[str, Simulated] = {}
    async with AsyncExitStack() as stack:
        for device in site.ups:
            made = make(device, clock, folder, speed=site.speed)
            try:
                await made.start()
            except OSError as error:
                hint = "another program has the port: choose another, or 0 for a free one"
                raise UsageError(
                    f"cannot open {made.address}: {error.strerror}", where=device.name, hint=hint
                ) from error
            stack.push_async_callback(made.stop)
            devices[device.name] = made
        yield Site(devices)


def make(device: Device, clock: Callable[[], float], folder: Path, *, speed: float = 1.0) -> Simulated:
    """Return a device, not started yet."""
    ups = Ups(device.rating, lambda: clock() * speed, load=device.load, charge=device.charge)
    plate = Plate(device.name, device.manufacturer, device.model, device.serial)
    if device.face == "megatec":
        link = folder / device.link if device.link else None
        return MegatecUps(ups, plate, link=link, host=device.host, port=device.port)
    return SnmpUps(
        ups,
        plate,
        clock,
        face=device.face,
        host=device.host,
        port=device.port,
        community=device.community,
        user=device.user,
    )
