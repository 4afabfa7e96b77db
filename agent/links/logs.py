"""Logs of this machine as they grow: a file that is rotated under our eyes, or the journal by ``journalctl``."""

import asyncio
import contextlib
import json
import os
from collections import deque
from pathlib import Path
from typing import IO, Final

from agent.aside import Aside
from contract.errors import PortUnavailable

_MOST: Final = 1 << 20
"""Bytes that one read takes; of what is further behind the newest count."""
_LINE: Final = 8192
"""Bytes of a line that are kept while its end has not come."""
_LINES: Final = 5000
"""Lines of the journal that wait to be read: more are dropped, the oldest first."""
_RECORD: Final = 64 << 10
"""Bytes of a record of the journal; a longer one is left out."""


class LogFile:
    """The new lines of a text log. What is there at the first read is passed over."""

    def __init__(self, path: Path) -> None:
        """Take its path."""
        self._path = path
        self._aside = Aside(str(path))
        self._file: IO[bytes] | None = None
        self._begun = b""
        """A line whose end has not come yet."""
        self._opened = False
        """It was open once: a file that is there later is new from its beginning."""

    async def lines(self) -> list[tuple[str, str]]:
        """Return what is new: program ("" where the line says it itself) and line.

        Raises:
            PortUnavailable: the file cannot be read.
        """
        return await self._aside.do(self._read)

    async def close(self) -> None:
        """Let go of the file."""
        if self._file is not None and not self._aside.busy:
            self._file.close()
            self._file = None

    def _read(self) -> list[tuple[str, str]]:
        text = b""
        if self._file is not None and self._moved():
            text = self._rest(self._file) + b"\n"  # what was written between our last look and the rotation
            self._file.close()
            self._file = None
        if self._file is None:
            self._open()
        if self._file is not None:
            text += self._rest(self._file)
        elif not text:
            hint = 'may the agent read it (group adm)? Without a log file write logins = "journal"'
            raise PortUnavailable("there is no such log", where=str(self._path), hint=hint)
        *whole, begun = (self._begun + text).split(b"\n")
        self._begun = begun[:_LINE]
        return [("", line[:_LINE].decode("utf-8", "replace")) for line in whole if line.strip()]

    def _open(self) -> None:
        try:
            file = self._path.open("rb")
        except FileNotFoundError:
            self._opened = True  # what comes then is new
            return
        except OSError as error:
            hint = "may the agent read it (group adm)?"
            raise PortUnavailable(f"cannot be read: {error.strerror}", where=str(self._path), hint=hint) from error
        if not self._opened:
            file.seek(0, os.SEEK_END)
        self._file, self._opened = file, True

    def _moved(self) -> bool:
        """Say whether another file, or none, has the name now; one that was cut short is read from its beginning."""
        assert self._file is not None  # noqa: S101 - see _read
        ours = os.fstat(self._file.fileno())
        if ours.st_size < self._file.tell():
            self._file.seek(0)
            self._begun = b""
        try:
            there = self._path.stat()
        except OSError:
            return True
        return (there.st_dev, there.st_ino) != (ours.st_dev, ours.st_ino)

    @staticmethod
    def _rest(file: IO[bytes]) -> bytes:
        size = os.fstat(file.fileno()).st_size
        if size - file.tell() > _MOST:
            file.seek(size - _MOST)
            file.readline(_LINE)
        return file.read(_MOST)


class Journal:
    """The new records of the journal that are about authentication (facilities auth and authpriv)."""

    def __init__(self, program: str = "journalctl") -> None:
        """Take the program's name."""
        self._program = program
        self._process: asyncio.subprocess.Process | None = None
        self._task: asyncio.Task[None] | None = None
        self._lines: deque[tuple[str, str]] = deque(maxlen=_LINES)
        self._trouble = ""

    async def lines(self) -> list[tuple[str, str]]:
        """Return what is new: program and line.

        Raises:
            PortUnavailable: the journal cannot be read.
        """
        if self._task is not None and self._task.done() and not self._lines:
            trouble = self._trouble or "it has ended"
            await self.close()
            hint = "is the agent in the group systemd-journal?"
            raise PortUnavailable(f"{self._program}: {trouble}", where="journal", hint=hint)
        if self._task is None:
            await self._start()
        new = list(self._lines)
        self._lines.clear()
        return new

    async def close(self) -> None:
        """End the program."""
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def _start(self) -> None:
        try:
            self._process = await asyncio.create_subprocess_exec(
                self._program,
                "--follow",
                "--lines=0",
                "--output=json",
                "--output-fields=MESSAGE,SYSLOG_IDENTIFIER",
                "SYSLOG_FACILITY=4",
                "SYSLOG_FACILITY=10",
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
        except OSError as error:
            raise PortUnavailable(f"{self._program}: {error.strerror}", where="journal") from error
        self._trouble = ""
        self._task = asyncio.create_task(self._follow(self._process))

    async def _follow(self, process: asyncio.subprocess.Process) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._complaints(process))
            await self._records(process)

    async def _complaints(self, process: asyncio.subprocess.Process) -> None:
        assert process.stderr is not None  # noqa: S101 - a pipe, see _start
        while data := await process.stderr.read(4096):
            self._trouble = data.decode("utf-8", "replace").strip().splitlines()[-1][:200] if data.strip() else ""

    async def _records(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None  # noqa: S101 - a pipe, see _start
        waiting, cut = b"", False
        while data := await process.stdout.read(_RECORD):
            *whole, waiting = (waiting + data).split(b"\n")
            for record in whole:
                if not cut and (said := record_of(record)):
                    self._lines.append(said)
                cut = False
            if len(waiting) > _RECORD:
                waiting, cut = b"", True


def record_of(record: bytes) -> tuple[str, str] | None:
    """Return the program and the text of a record as ``journalctl --output=json`` writes it, or None."""
    try:
        said = json.loads(record)
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict):
        return None
    program, text = said.get("SYSLOG_IDENTIFIER"), said.get("MESSAGE")
    if isinstance(text, list):  # bytes that are no UTF-8 (systemd.journal-fields(7), journal export)
        text = bytes(each for each in text if isinstance(each, int) and 0 <= each < 256).decode("utf-8", "replace")
    if not isinstance(text, str):
        return None
    return (program if isinstance(program, str) else "unknown"), text
