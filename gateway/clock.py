"""The clocks of this host (Linux), and the one that the gateway runs by. The gateway's host is the site's clock."""

import ctypes
import time
from pathlib import Path
from typing import Final

from contract.clock import Stamp

_STA_UNSYNC = 0x0040
_ERROR = 5  # TIME_ERROR: clock not synchronised
_LOOK_EVERY = 10.0

NEAR: Final = 2.0
"""Seconds that the system's clock may be away from ours before it counts as stepped."""
SETTLED: Final = 5.0
"""Seconds that it has to stay there: what is put right at once was no step."""
BEGINNING: Final = 1_577_836_800.0
"""2020-01-01: a clock before it is none. A host without a clock battery starts in 1970."""


class SystemClock:
    """Boottime, wall time, and whether the kernel calls the wall synchronised (adjtimex(2))."""

    def __init__(self) -> None:
        """Read the boot id; nothing else."""
        self.boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip().replace("-", "")[:16]
        self._trusted = False
        self._looked = -_LOOK_EVERY

    def boottime(self) -> float:
        """See ``Clock.boottime``."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)

    def wall(self) -> float:
        """Return seconds since 1970; cheaper than a stamp."""
        return time.time()

    def stamp(self) -> Stamp:
        """See ``Clock.stamp``."""
        now = self.boottime()
        if now - self._looked >= _LOOK_EVERY:
            self._looked = now
            self._trusted = _synchronised()
        return Stamp(round(time.time(), 3), round(now, 3), self.boot, self._trusted)


class SteadyClock(SystemClock):
    """Wall time as boottime and an offset, so that no step of the system's clock moves a timer.

    ``gateway.follow`` keeps the offset on disk, and sets it anew when the system's clock was put right.
    """

    def __init__(self, system: SystemClock) -> None:
        """Begin where the system's clock is."""
        self.boot = system.boot
        self._system = system
        self.offset = system.wall() - system.boottime()
        """Wall time at boot, by this clock."""
        self._elsewhere: tuple[float, float] | None = None
        """Since when (boottime) the system's clock is elsewhere, and how far."""

    def boottime(self) -> float:
        """See ``Clock.boottime``."""
        return self._system.boottime()

    def wall(self) -> float:
        """Return seconds since 1970."""
        return self._system.boottime() + self.offset

    def stamp(self) -> Stamp:
        """See ``Clock.stamp``; trusted while the kernel calls its clock synchronised, and it is ours."""
        system = self._system.stamp()
        wall = system.boottime + self.offset
        return Stamp(round(wall, 3), system.boottime, self.boot, system.trusted and abs(system.wall - wall) <= NEAR)

    def stepped(self) -> float | None:
        """Return by how much (seconds) the system's clock was stepped, once it has stayed there; ask once a second."""
        now, system = self._system.boottime(), self._system.wall()
        by = system - now - self.offset
        if abs(by) <= NEAR or (system < BEGINNING and system < self.wall()):
            self._elsewhere = None
        elif self._elsewhere is None or abs(by - self._elsewhere[1]) > NEAR:
            self._elsewhere = (now, by)
        elif now - self._elsewhere[0] >= SETTLED:
            return by
        return None

    def move(self, by: float) -> None:
        """Go on at another wall time, ``by`` seconds from this one."""
        self.offset += by
        self._elsewhere = None


def _synchronised() -> bool:
    """Say whether the kernel calls its clock synchronised."""
    buffer = (ctypes.c_long * 64)()  # struct timex is smaller; modes 0 only reads
    state = int(ctypes.CDLL(None).adjtimex(buffer))
    status = ctypes.cast(buffer, ctypes.POINTER(ctypes.c_int))[10]
    return state not in (-1, _ERROR) and not status & _STA_UNSYNC
