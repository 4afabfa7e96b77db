"""What every family of simulated devices has: its settings, and what it becomes when it runs."""

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Annotated, Final, Protocol

import msgspec

from contract import settings
from firmware_sims.faults import Fault
from firmware_sims.fields import Field
from firmware_sims.ups import Ups
from firmware_sims.world import Place, World

FreePort = Annotated[int, msgspec.Meta(ge=0, le=65535)]
"""0 for a free one."""
EVERY: Final = tuple(Fault)


def without(*faults: Fault) -> tuple[Fault, ...]:
    """Return the faults that a wire can have, but for these."""
    return tuple(fault for fault in Fault if fault not in faults)


class Simulated(Protocol):
    """A running device, whatever it speaks."""

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


class Placed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every device of a site file may say."""

    name: settings.Slug
    fed_by: str = ""
    """The UPS that feeds it; left out: it always has power."""
    behind: str = ""
    """The switch, or the port of one (``"switch-1:Gi0/3"``), that it is reached through."""
    boot: settings.Seconds = 5.0
    """From power to the first answer."""

    @property
    def place(self) -> Place:
        """Where it stands in the world."""
        switch, _, port = self.behind.partition(":")
        return Place(fed_by=self.fed_by, switch=switch, port=port, boot=self.boot)

    def make(self, yard: "Yard") -> "list[Made]":
        """Return what it becomes, not started yet; the first is the one that listens."""
        raise NotImplementedError


class Yard(msgspec.Struct, frozen=True, kw_only=True):
    """What a device may need while it is made."""

    clock: Callable[[], float]
    """Seconds."""
    fast: Callable[[], float]
    """The same, as much faster as the site says: for batteries."""
    wall: Callable[[], float]
    """Seconds since 1970."""
    folder: Path
    """Where serial ports and shares get their names."""
    upses: Mapping[str, Ups]
    """The UPSes, made before all else."""
    world: World


class Made(msgspec.Struct, kw_only=True):
    """A device of a site."""

    name: str
    device: Simulated
    place: Place
    fields: Mapping[str, Field]
    faults: tuple[Fault, ...] = EVERY
    """Those that make sense on its wire."""
    ups: Ups | None = None
    look: Callable[[], None] | None = None
    """Comes to now: takes over from the world what it shows of it."""
    settle: Callable[[], Awaitable[None]] | None = None
    """Does what was asked for and takes a while."""
    restart: Callable[[], object] | None = None
    """What it does when its power is back."""
    links: Mapping[str, Callable[[bool], None]] = msgspec.field(default_factory=dict)
    """A switch's ports: what sets the link of each, as its far end has power or not."""
    shut: Callable[[str], bool] | None = None
    """A switch's: whether a port carries nothing, as it is switched off, or its cable pulled."""
