"""A pseudo-terminal with a name of its own: a serial port that simulated devices hang on."""

import asyncio
import contextlib
import os
import tty
from collections.abc import Callable
from pathlib import Path


class Pty:
    """A pseudo-terminal with a name. Our own copy of the far end stays open, so that clients may come and go."""

    def __init__(self, link: Path, received: Callable[[bytes], None]) -> None:
        """Take the name, a symbolic link to be, and who takes what clients write. Nothing is opened before ``open``."""
        self._link = link
        self._received = received
        self._near = self._far = -1

    def open(self) -> None:
        """Make the terminal and its name.

        Raises:
            OSError: it cannot be had, or something else has the name.
        """
        if self._link.exists() and not self._link.is_symlink():
            raise FileExistsError(17, "is there already, and is not one of ours", str(self._link))
        self._near, self._far = os.openpty()
        for end in (self._near, self._far):
            tty.setraw(end)
        os.set_blocking(self._near, False)
        self._link.parent.mkdir(parents=True, exist_ok=True)
        self._link.unlink(missing_ok=True)
        self._link.symlink_to(os.ttyname(self._far))
        asyncio.get_running_loop().add_reader(self._near, self._readable)

    def close(self) -> None:
        """Take terminal and name away: clients see the cable pulled."""
        if self._near < 0:
            return
        asyncio.get_running_loop().remove_reader(self._near)
        self._link.unlink(missing_ok=True)
        os.close(self._near)
        os.close(self._far)
        self._near = self._far = -1

    def write(self, answer: bytes) -> None:
        """Send; what nobody fetches is dropped, as on a wire."""
        if self._near >= 0:
            with contextlib.suppress(BlockingIOError):
                os.write(self._near, answer)

    def _readable(self) -> None:
        try:
            data = os.read(self._near, 1024)
        except OSError:  # a client reset the line
            return
        self._received(data)
