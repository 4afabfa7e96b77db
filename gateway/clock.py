"""The clocks of this host (Linux). The gateway's host is the site's clock: it follows a time server."""

import ctypes
import time
from pathlib import Path

from contract.clock import Stamp

_STA_UNSYNC = 0x0040
_ERROR = 5  # TIME_ERROR: clock not synchronised
_LOOK_EVERY = 10.0


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


def _synchronised() -> bool:
    """Say whether the kernel calls its clock synchronised."""
    buffer = (ctypes.c_long * 64)()  # struct timex is smaller; modes 0 only reads
    state = int(ctypes.CDLL(None).adjtimex(buffer))
    status = ctypes.cast(buffer, ctypes.POINTER(ctypes.c_int))[10]
    return state not in (-1, _ERROR) and not status & _STA_UNSYNC
