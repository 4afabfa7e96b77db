"""A share with the backups of a system: a gzip archive a day with its checksum beside it, and a record for each on tape."""

import asyncio
import contextlib
import gzip
import hashlib
import os
import random
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from firmware_sims.faults import GARBAGE, Fault

DAY: Final = 86400.0
_STEPS: Final = 20
"""Pieces in which a file is written."""
_SLOW: Final = 20.0
"""How much longer a backup takes under ``delay``."""


class Backups:
    """What the system backs up: change it, and the next backup is another one."""

    def __init__(self, size: int = 200_000, seconds: float = 0.0) -> None:
        """Take how large a backup is, in bytes, and how long it takes to be written."""
        self.size = size
        self.seconds = seconds
        self.tape = True
        """Whether its record is written when it is done."""


class BackupShare:
    """One share. Nothing is written before ``start``.

    Faults: ``silence`` writes no backup, ``delay`` one that takes twenty times as long, ``garbage`` one that is no
    archive, ``half`` one that stops before its half, ``checksum`` one that is not what its checksum says, ``address`` one
    under another system's name, ``sentinels`` an empty one; ``unplug`` takes the share away.
    """

    def __init__(
        self,
        backups: Backups,
        folder: Path,
        *,
        name: str = "sales",
        days: int = 7,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Remember what to be.

        Args:
            backups: the model.
            folder: of the share; it is made.
            name: of the system.
            days: backups that are there from the start, one of each of the last days.
            clock: wall time.
        """
        self.backups = backups
        self._folder = folder.absolute()
        self._name = name
        self._days = days
        self._clock = clock
        self._fault = Fault.NONE
        self._random = random.Random(name)  # noqa: S311 - it makes files, no secrets
        self._writing: asyncio.Task[None] | None = None

    @property
    def address(self) -> str:
        """The pattern of its files."""
        return f"{self._folder}/{self._name}-*.gz"

    @property
    def tape(self) -> str:
        """The log of what is on tape."""
        return f"{self._folder}/tape.log"

    @property
    def url(self) -> str:
        """What ``wolfsmoke-agent read`` is given to read it."""
        return f"backup://{self.address}"

    @property
    def fault(self) -> Fault:
        """What is wrong with it."""
        return self._fault

    async def set_fault(self, fault: Fault) -> None:
        """Misbehave from now on; ``unplug`` takes the share away, anything else brings it back."""
        was, self._fault = self._fault, fault
        if fault is Fault.UNPLUG:
            await self._cancel()
            with contextlib.suppress(OSError):
                self._folder.rename(self._away)
        elif was is Fault.UNPLUG:
            with contextlib.suppress(OSError):
                self._away.rename(self._folder)

    async def start(self) -> None:
        """Have the backups of the last days.

        Raises:
            OSError: the folder cannot be written to.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        now = self._clock()
        for ago in range(self._days, 0, -1):
            self._whole(now - ago * DAY)

    async def stop(self) -> None:
        """Stop writing."""
        await self._cancel()

    def begin(self) -> None:
        """Begin the backup of this moment; it is written beside whatever else goes on."""
        self._writing = asyncio.ensure_future(self.backup())

    async def backup(self) -> None:
        """Write the backup of this moment, as the fault has it."""
        fault, now = self._fault, self._clock()
        if fault in (Fault.SILENCE, Fault.UNPLUG):
            return
        content = self._content()
        if fault is Fault.GARBAGE:
            content = (GARBAGE * (len(content) // len(GARBAGE) + 1))[: len(content)]
        path = self._path(now, "other" if fault is Fault.ADDRESS else self._name)
        seconds = self.backups.seconds * (_SLOW if fault is Fault.DELAY else 1.0)
        if fault in (Fault.HALF, Fault.SENTINELS):
            content = content[: 2 * len(content) // 5] if fault is Fault.HALF else b""
        await _write(path, content, seconds)
        if fault is not Fault.HALF:
            written = path.read_bytes() + (b"!" if fault is Fault.CHECKSUM else b"")
            _sum(path, written)
            self._record(path)

    def _whole(self, when: float) -> None:
        """Have a good one of that moment."""
        path, content = self._path(when, self._name), self._content()
        path.write_bytes(content)
        _sum(path, content)
        os.utime(path, (when, when))
        self._record(path)

    def _content(self) -> bytes:
        """Return an archive of about the model's size."""
        return gzip.compress(self._random.randbytes(self.backups.size), compresslevel=1, mtime=0)

    def _path(self, when: float, name: str) -> Path:
        return self._folder / f"{name}-{datetime.fromtimestamp(when, UTC):%Y%m%d-%H%M%S}.gz"

    def _record(self, path: Path) -> None:
        if self.backups.tape:
            moment = datetime.fromtimestamp(path.stat().st_mtime, UTC)
            with Path(self.tape).open("a", encoding="utf-8") as log:
                log.write(f"{moment:%Y-%m-%d %H:%M:%S}Z {path.name} archived OK\n")

    @property
    def _away(self) -> Path:
        return self._folder.with_name(f".{self._folder.name}.away")

    async def _cancel(self) -> None:
        if self._writing is not None:
            self._writing.cancel()
            await asyncio.gather(self._writing, return_exceptions=True)
            self._writing = None


async def _write(path: Path, content: bytes, seconds: float) -> None:
    """Write a file piece by piece, in so many seconds."""
    step = max(1, -(-len(content) // _STEPS))
    with path.open("wb") as file:
        for at in range(0, len(content), step):
            file.write(content[at : at + step])
            file.flush()
            await asyncio.sleep(seconds / _STEPS)


def _sum(path: Path, content: bytes) -> None:
    """Put the checksum of a content beside a file."""
    path.with_name(f"{path.name}.sha256").write_text(f"{hashlib.sha256(content).hexdigest()}  {path.name}\n", "ascii")
