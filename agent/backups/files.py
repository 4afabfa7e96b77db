"""The files of backups. Everything here may block, as a dead share does: call it aside (``agent/aside.py``)."""

import glob
import os
import re
import stat
from collections.abc import Iterable
from datetime import datetime, tzinfo
from itertools import islice
from typing import Final

from agent.backups.verdict import Sight
from contract.errors import PortUnavailable

_MOST: Final = 20_000
"""Names that are looked at for one pattern."""
_TAIL: Final = 256 << 10
"""Bytes of a log that are looked at, from its end."""
_LINE: Final = 2000
"""Characters of a line that are looked at."""
ASIDE: Final = (".sha256", ".sha512", ".md5", ".part", ".partial", ".tmp", ".filepart")
"""Names beside backups that are none: checksums, and what is still being copied."""
_LATEST: Final = 4e9
"""A date after it (2096) is no date: a file system may hold any number."""
_ISO: Final = re.compile(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d(?::\d\d)?)(?:[.,]\d+)?(Z|[+-]\d\d:?\d\d)?")


class Disk:
    """Files as the machine sees them."""

    def seen(self, pattern: str) -> list[Sight]:
        """Return the regular files that a pattern finds, newest first.

        Raises:
            PortUnavailable: its folder cannot be read.
        """
        _check(pattern)
        names = islice(glob.iglob(pattern, recursive=True), _MOST)  # noqa: PTH207 - pathlib makes an object of each
        own = [ending for ending in ASIDE if not pattern.endswith(ending)]
        return newest_first(_sights(name for name in names if not name.endswith(tuple(own))))

    def mounted(self, point: str) -> bool:
        """Say whether something is mounted there."""
        return os.path.ismount(point)

    def tail(self, path: str) -> str:
        """Return the end of a log; "" for one that is not there.

        Raises:
            PortUnavailable: it cannot be read.
        """
        try:
            with open(path, "rb") as file:  # noqa: PTH123 - paths are texts here, as glob gives them
                size = file.seek(0, os.SEEK_END)
                file.seek(max(0, size - _TAIL))
                return file.read(_TAIL).decode("utf-8", "replace")
        except FileNotFoundError:
            return ""
        except OSError as error:
            hint = "may the agent read it?"
            raise PortUnavailable(f"cannot be read: {error.strerror}", where=path, hint=hint) from error


def newest_first(sights: Iterable[Sight]) -> list[Sight]:
    """Return files in the order of their times."""
    return sorted(sights, key=lambda sight: (sight.modified, sight.path), reverse=True)


def _sights(names: Iterable[str]) -> Iterable[Sight]:
    for name in names:
        try:
            found = os.stat(name)  # noqa: PTH116
        except OSError:  # gone since; a link that leads nowhere
            continue
        if stat.S_ISREG(found.st_mode):
            yield Sight(name, found.st_size, min(max(0.0, found.st_mtime), _LATEST))


def _check(pattern: str) -> None:
    """Find out whether the folder can be read at all: glob takes one that cannot for an empty one."""
    folder = os.path.dirname(pattern)  # noqa: PTH120
    while glob.has_magic(folder):
        folder = os.path.dirname(folder)  # noqa: PTH120
    try:
        with os.scandir(folder or "/") as entries:
            next(entries, None)
    except OSError as error:
        hint = "is it mounted, and may the agent read it?"
        raise PortUnavailable(f"cannot be read: {error.strerror}", where=folder, hint=hint) from error


def last_record(log: str, pattern: re.Pattern[str], zone: tzinfo | None) -> float | None:
    """Return the time in the last line of a log that matches; None for no such line, or none with a time in it.

    A time is written as in ISO 8601, anywhere in the line: ``2026-11-25 22:31:07``, with or without its zone.
    """
    for line in reversed(log.splitlines()):
        text = line[:_LINE]
        if not pattern.search(text):
            continue
        match = _ISO.search(text)
        if match is None:
            continue
        try:
            moment = datetime.fromisoformat(f"{match[1]}T{match[2]}{match[3] or ''}")
        except ValueError:
            continue
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=zone) if zone else moment.astimezone()
        return moment.timestamp()
    return None
