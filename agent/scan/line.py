"""A serial port for a scan: any speed and parity, frames that end by silence. It opens only what nobody else has."""

import asyncio
import errno
import fcntl
import os
import struct
import termios
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from contract.errors import PortUnavailable

_SPEEDS: Final = {1200: termios.B1200, 2400: termios.B2400, 9600: termios.B9600, 19200: termios.B19200}
_DTR: Final = struct.pack("I", termios.TIOCM_DTR)
_RTS: Final = struct.pack("I", termios.TIOCM_RTS)
_PSEUDO: Final = range(136, 144)
"""Device numbers of pseudo-terminals: whoever made one always has it open."""
_LONGEST: Final = 512
QUIET: Final = 0.06
"""Seconds of silence that end a frame: 3.5 characters, and what a USB adapter makes of them."""


def holder(path: Path, proc: Path = Path("/proc"), locks: Path = Path("/run/lock")) -> str:
    """Return who has a port open, as far as we may know; empty for nobody.

    Args:
        path: of the port.
        proc: where the kernel shows processes; another user's are shown to root only.
        locks: where programs leave their lock files (FHS, 5.9).
    """
    real = path.resolve()
    try:
        if os.major(real.stat().st_rdev) in _PSEUDO:
            return ""
    except OSError:
        return ""  # opening it says what is wrong
    lock = locks / f"LCK..{real.name}"
    if lock.exists():
        pid = lock.read_text("ascii", "replace").strip()
        if pid.isdigit() and (proc / pid).exists():
            return _name(proc / pid)
    for process in proc.iterdir():
        if process.name.isdigit() and process.name != str(os.getpid()) and _has(process, real):
            return _name(process)
    return ""


def _has(process: Path, real: Path) -> bool:
    try:
        return any(link.readlink() == real for link in (process / "fd").iterdir())
    except OSError:
        return False  # gone, or another user's


def _name(process: Path) -> str:
    try:
        command = (process / "comm").read_text("utf-8", "replace").strip()
    except OSError:
        command = "a program"
    return f"{command} (process {process.name})"


class Line:
    """An open port; used in ``with``."""

    def __init__(self, path: Path, baudrate: int, parity: str = "N") -> None:
        """Remember the port; parity is N or E, 8 data bits, 1 stop bit."""
        self._path = path
        self._baudrate = baudrate
        self._parity = parity
        self._fd = -1

    def __enter__(self) -> Self:
        """Open it.

        Raises:
            PortUnavailable: it is missing, taken, forbidden, or no serial port.
        """
        try:
            self._fd = os.open(self._path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            fcntl.ioctl(self._fd, termios.TIOCEXCL)
            self._set()
        except (OSError, termios.error) as error:
            self._close()
            number = error.errno if isinstance(error, OSError) else error.args[0]
            taken = number in (errno.EBUSY, errno.EAGAIN)
            what = "another program has it" if taken else os.strerror(number or errno.EIO)
            raise PortUnavailable(what, where=str(self._path)) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let it go."""
        self._close()

    async def ask(self, question: bytes, wait: float) -> bytes:
        """Send; return what comes until it is quiet again, or nothing after so many seconds."""
        loop = asyncio.get_running_loop()
        came = asyncio.Event()
        answer = b""
        try:
            termios.tcflush(self._fd, termios.TCIFLUSH)
            os.write(self._fd, question)
            loop.add_reader(self._fd, came.set)
            while len(answer) < _LONGEST:
                async with asyncio.timeout(QUIET if answer else wait):
                    await came.wait()
                answer += os.read(self._fd, _LONGEST)
                came.clear()
        except (OSError, termios.error):  # TimeoutError too: it is quiet, or the port has gone
            return answer
        finally:
            loop.remove_reader(self._fd)
        return answer

    def _set(self) -> None:
        """Set speed and format; DTR up and RTS down, as cables that feed their adapter want it."""
        speed = _SPEEDS[self._baudrate]
        _, _, _, _, _, _, characters = termios.tcgetattr(self._fd)
        control = termios.CS8 | termios.CREAD | termios.CLOCAL | (termios.PARENB if self._parity == "E" else 0)
        characters[termios.VMIN], characters[termios.VTIME] = 0, 0
        wanted = [termios.IGNPAR, 0, control, 0, speed, speed, characters]
        try:
            termios.tcsetattr(self._fd, termios.TCSANOW, wanted)
        except termios.error as error:
            if self._parity == "N" or error.args[0] != errno.EINVAL:
                raise
            # glibc says so where all was set but the parity: pseudo-terminals have none, and need none
        try:
            fcntl.ioctl(self._fd, termios.TIOCMBIS, _DTR)
            fcntl.ioctl(self._fd, termios.TIOCMBIC, _RTS)
        except OSError:
            return  # a pseudo-terminal has no such lines

    def _close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
