"""What a driver must remember beyond its process: one small JSON file a device, written whole and in the background.

A file that cannot be read is set aside under another name, with a word in the log; work goes on as if there had been none.
No poll waits for the disk, but for the first one, and that not long.
"""

import asyncio
import contextlib
import logging
import os
from pathlib import Path
from typing import Final, Generic, TypeVar

import msgspec

from contract.errors import UNREADABLE

_log = logging.getLogger(__name__)
T = TypeVar("T", bound=msgspec.Struct)

PATIENCE: Final = 1.0
"""Seconds that the file is waited for at the start."""
MOST: Final = 1 << 20
"""Bytes; what is longer is another file."""


class _Page(msgspec.Struct, frozen=True):
    """The file as it is written."""

    version: int
    kept: msgspec.Raw


_PAGE: Final = msgspec.json.Decoder(_Page)


class Memo(Generic[T]):
    """One file. Nothing is opened before ``load``."""

    def __init__(self, kind: type[T], path: Path | None, *, version: int = 1) -> None:
        """Take what is kept, where (None: nowhere), and the version of its form."""
        # Made here, on one thread: msgspec looks into a type at its first use, and two threads that do so at once crash.
        self._decoder = msgspec.json.Decoder(kind)
        self._path = path
        self._version = version
        self._next: T | None = None
        self._writing: asyncio.Task[None] | None = None
        self._failed = False

    async def load(self) -> T | None:
        """Return what was kept; None for nothing, or nothing that can be used."""
        if self._path is None:
            return None
        try:
            async with asyncio.timeout(PATIENCE):
                return await asyncio.to_thread(self._read, self._path)
        except TimeoutError:
            _log.warning("%s: the disk does not answer; starting without what was learned", self._path)
            return None

    def save(self, kept: T) -> None:
        """Keep it, soon; what is given meanwhile follows, the last one only."""
        if self._path is None:
            return
        self._next = kept
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write(self._path))

    async def close(self) -> None:
        """Wait until all is written."""
        if self._writing is not None:
            await self._writing

    async def _write(self, path: Path) -> None:
        while self._next is not None:
            kept, self._next = self._next, None
            body = msgspec.json.encode(_Page(self._version, msgspec.Raw(msgspec.json.encode(kept))))
            try:
                await asyncio.to_thread(_replace, path, body)
            except OSError as error:
                if not self._failed:
                    hint = "what is learned is lost at the next start"
                    _log.warning("%s: cannot be written: %s (%s)", path, error.strerror or error, hint)
                self._failed = True
            else:
                self._failed = False

    def _read(self, path: Path) -> T | None:
        try:
            with path.open("rb") as file:
                body = file.read(MOST + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            _log.warning("%s: cannot be read: %s (starting without it)", path, error.strerror or error)
            return None
        try:
            page = _PAGE.decode(body)
            if page.version == self._version:
                return self._decoder.decode(page.kept)
            what = f"is of version {page.version}, and this one reads {self._version}"
        except UNREADABLE as error:
            what = f"cannot be understood: {error}"
        aside = path.with_suffix(".damaged")
        with contextlib.suppress(OSError):
            path.replace(aside)
        _log.warning("%s: %s; set aside as %s", path, what, aside.name)
        return None


def _replace(path: Path, body: bytes) -> None:
    """Write a file whole: after a power cut there is the old one or the new one.

    Raises:
        OSError: the disk does not let us.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    with fresh.open("wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
