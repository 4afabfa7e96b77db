"""Times, and the clock as an argument.

Durations run on *boottime* (seconds since the host booted, suspend included), which no operator and no time server
steps. *Wall* time is what the host believes the date to be; it counts only when *trusted*.
"""

from typing import Annotated, Protocol

import msgspec

Wall = Annotated[float, msgspec.Meta(ge=0.0, le=253402300799.0)]
"""Seconds since 1970-01-01 UTC, to the end of the year 9999: a date that cannot be written is refused at the door."""
Boottime = Annotated[float, msgspec.Meta(ge=0.0, le=1e10)]
"""Seconds since the host booted."""
Boot = Annotated[str, msgspec.Meta(max_length=64)]
"""The kernel's boot id, 36 characters on Linux: what is remembered by it must not be of any length."""


class Stamp(msgspec.Struct, frozen=True, omit_defaults=True):
    """A moment, by the clocks of one host."""

    wall: Wall = 0.0
    """Seconds since 1970-01-01 UTC, as the host believed."""
    boottime: Boottime = 0.0
    """Seconds since the host booted (CLOCK_BOOTTIME)."""
    boot: Boot = ""
    """The boot that ``boottime`` belongs to: the kernel's boot id."""
    trusted: bool = False
    """Whether the wall clock could be trusted: synchronised, or within 2 s of the gateway's."""

    def since(self, earlier: "Stamp") -> float:
        """Seconds from ``earlier`` to this moment: on boottime within one boot, else on the wall clocks."""
        if self.boot and self.boot == earlier.boot:
            return self.boottime - earlier.boottime
        return self.wall - earlier.wall


class Clock(Protocol):
    """What both sides ask of a clock. Tests pass one that they turn by hand."""

    def stamp(self) -> Stamp:
        """Return this moment."""
        ...

    def boottime(self) -> float:
        """Return seconds since the host booted; cheap."""
        ...
