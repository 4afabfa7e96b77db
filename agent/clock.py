"""The clocks of this host (Linux)."""

import ctypes
import time
from pathlib import Path

import msgspec

from contract.clock import Stamp

_STA_UNSYNC = 0x0040
_STA_NANO = 0x2000
_ERROR = 5  # TIME_ERROR: clock not synchronised
_NEAR = 2.0
"""Seconds: a clock this near to the gateway's is trusted, whatever the kernel says."""
_FAR = 30.0
"""Seconds: a clock this far from the gateway's is not trusted, whatever the kernel says: somebody has set it."""
_GOOD_FOR = 3600.0
"""Seconds: how long the gateway's word counts; boottime drifts by some 0.1 s in it."""
_LOOK_EVERY = 10.0


class SystemClock:
    """Boottime, wall time, and whether the wall can be trusted (adjtimex(2), or the gateway's heartbeat)."""

    def __init__(self) -> None:
        """Read the boot id; nothing else."""
        self.boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip().replace("-", "")[:16]
        self._gateway: tuple[float, float] | None = None
        """Boottime at which the gateway spoke, and its wall clock minus that."""
        self._gateway_sure = True
        self._trusted = False
        self._looked = -_LOOK_EVERY
        self._ahead = 0.0
        """Wall minus boottime at the last look."""

    def boottime(self) -> float:
        """See ``Clock.boottime``."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)

    def stamp(self) -> Stamp:
        """See ``Clock.stamp``."""
        now = self.boottime()
        wall = time.time()
        if now - self._looked >= _LOOK_EVERY or abs(wall - now - self._ahead) > _NEAR:  # a step shows at once
            self._looked, self._ahead = now, wall - now
            off = self._off(now, wall)
            near, far = off is not None and off <= _NEAR, off is not None and off > _FAR and self._gateway_sure
            self._trusted = near or (not far and synchronised())
        return Stamp(round(wall, 3), round(now, 3), self.boot, self._trusted)

    def gateway_says(self, wall: float, *, trusted: bool = True) -> None:
        """Take the time of a heartbeat that came just now, and whether the gateway can trust its own clock."""
        now = self.boottime()
        self._gateway_sure = trusted
        self._gateway = now, wall - now
        self._looked = -_LOOK_EVERY

    def gateway_now(self) -> float | None:
        """Return the gateway's wall time, carried on by boottime; None while it was not heard of late."""
        now = self.boottime()
        if self._gateway is None or now - self._gateway[0] > _GOOD_FOR:
            return None
        return now + self._gateway[1]

    def _off(self, now: float, wall: float) -> float | None:
        """Return how far the wall clock is from the gateway's, carried on by boottime; None while that is not known."""
        if self._gateway is None:
            return None
        spoke, ahead = self._gateway
        return abs(wall - now - ahead) if now - spoke <= _GOOD_FOR else None


class KernelClock(msgspec.Struct, frozen=True):
    """What the kernel knows of its clock (adjtimex(2))."""

    synchronised: bool = False
    offset: float = 0.0
    """Seconds that it is still to be moved on: what its time source was ahead. Not all time daemons leave it here."""
    error: float = 0.0
    """Seconds that it can be wrong by, at the most."""


def kernel_clock() -> KernelClock:
    """Return what the kernel knows of its clock."""
    buffer = (ctypes.c_long * 64)()  # struct timex is smaller; modes 0 only reads
    state = int(ctypes.CDLL(None).adjtimex(buffer))
    status_at = 5 * ctypes.sizeof(ctypes.c_long) // ctypes.sizeof(ctypes.c_int)  # behind five longs, padding included
    status = ctypes.cast(buffer, ctypes.POINTER(ctypes.c_int))[status_at]
    unit = 1e-9 if status & _STA_NANO else 1e-6
    known = state not in (-1, _ERROR) and not status & _STA_UNSYNC
    return KernelClock(known, buffer[1] * unit, buffer[3] * 1e-6)


def synchronised() -> bool:
    """Say whether the kernel calls its clock synchronised."""
    return kernel_clock().synchronised
