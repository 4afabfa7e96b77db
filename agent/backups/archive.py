"""Whether a backup can be read to its end: checksums, gzip, bzip2, xz, tar, zip, SQLite. Streaming, paced, bounded in time.

Blocking, for minutes: in a thread of its own. What is decompressed is thrown away at once, so that no archive, however
it was made, takes more memory than a piece of it.
"""

import bz2
import gzip
import hashlib
import io
import lzma
import os
import sqlite3
import tarfile
import threading
import time
import zipfile
import zlib
from typing import BinaryIO, Final
from urllib.parse import quote

import msgspec

from agent.backups.verdict import Wholeness

TESTS: Final = ("auto", "none", "checksum", "gzip", "bzip2", "xz", "tar", "zip", "sqlite")
"""What may be asked for; ``auto``: the checksum if there is one beside it, and what its name says that it is."""
SUMS: Final = {".sha256": "sha256", ".sha512": "sha512", ".md5": "md5"}
_PIECE: Final = 256 << 10
_SQLITE: Final = b"SQLite format 3\0"
_STEPS: Final = 20_000
"""Steps of SQLite's machine between two looks at the time."""
_PACKED: Final = ("gzip", "bzip2", "xz")
_ENDINGS: Final = {
    ".tar": ("", "tar"),
    ".tar.gz": ("gzip", "tar"),
    ".tgz": ("gzip", "tar"),
    ".tar.bz2": ("bzip2", "tar"),
    ".tbz2": ("bzip2", "tar"),
    ".tar.xz": ("xz", "tar"),
    ".txz": ("xz", "tar"),
    ".gz": ("gzip", ""),
    ".bz2": ("bzip2", ""),
    ".xz": ("xz", ""),
    ".zip": ("", "zip"),
    ".sqlite": ("", "sqlite"),
    ".sqlite3": ("", "sqlite"),
    ".db": ("", "sqlite"),
}
_BROKEN: Final = (
    EOFError,
    zlib.error,
    lzma.LZMAError,
    tarfile.TarError,
    zipfile.BadZipFile,
    gzip.BadGzipFile,
    sqlite3.DatabaseError,
    ValueError,
)
"""What the libraries say of an archive that is none, or not whole."""


class Outcome(msgspec.Struct, frozen=True):
    """What a test found."""

    tested: Wholeness
    finding: str = ""


class _TooLongError(Exception):
    """The time is over, or nobody wants to know any more."""


class Budget:
    """How much a test may take."""

    def __init__(self, rate: float, seconds: float, stop: threading.Event) -> None:
        """Take bytes a second, seconds in all, and what ends it before."""
        self._rate = rate
        self._end = time.monotonic() + seconds
        self._stop = stop
        self._free = time.monotonic()
        """When the bytes that were taken are paid for."""

    def spend(self, count: int) -> None:
        """Wait until so many bytes may be taken."""
        now = time.monotonic()
        self._free = max(self._free, now) + count / self._rate
        if self._stop.wait(max(0.0, self._free - now)) or time.monotonic() > self._end:
            raise _TooLongError


class _Paced(io.RawIOBase):
    """A file that is read no faster than the budget allows."""

    def __init__(self, file: BinaryIO, budget: Budget) -> None:
        self._file = file
        self._budget = budget

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def readinto(self, buffer: "bytearray | memoryview", /) -> int:  # type: ignore[override]
        data = self._file.read(min(len(buffer), _PIECE))
        self._budget.spend(len(data))
        buffer[: len(data)] = data
        return len(data)


def examine(path: str, wanted: str, budget: Budget) -> Outcome:
    """Return what a test of a file finds. Never raises.

    Args:
        path: the file.
        wanted: of ``TESTS``.
        budget: what it may take.
    """
    if wanted == "none":
        return Outcome(Wholeness.NONE)
    try:
        return _examine(path, wanted, budget)
    except _TooLongError:
        return Outcome(Wholeness.FAILED, "it takes too long")
    except OSError as error:
        return Outcome(Wholeness.FAILED, f"cannot be read: {error.strerror or error}")
    except MemoryError:
        return Outcome(Wholeness.FAILED, "it needs too much memory")


def sum_beside(path: str) -> str:
    """Return the name of the checksum beside a file, or ""."""
    return next((path + ending for ending in SUMS if os.path.exists(path + ending)), "")  # noqa: PTH110


def _examine(path: str, wanted: str, budget: Budget) -> Outcome:
    packed, kind = _by_name(path) if wanted == "auto" else ("", "")
    if wanted in _PACKED:
        packed = wanted
    elif wanted not in ("auto", "checksum"):
        packed, kind = (_by_name(path)[0] if wanted == "tar" else ""), wanted
    sums = sum_beside(path) if wanted in ("auto", "checksum") else ""
    if wanted == "checksum" and not sums:
        return Outcome(Wholeness.FAILED, "no .sha256, .sha512 or .md5 beside it")
    if not (sums or packed or kind):
        return Outcome(Wholeness.NONE)
    if sums:
        outcome = _checksum(path, sums, budget)
        if outcome.tested is not Wholeness.GOOD or not (packed or kind):
            return outcome
    try:
        return _read_through(path, packed, kind, budget)
    except _BROKEN as error:
        return Outcome(Wholeness.DAMAGED, f"{kind or packed}: {error or type(error).__name__}")
    except OSError as error:
        if error.errno is not None:
            raise
        return Outcome(Wholeness.DAMAGED, f"{kind or packed}: {error}")  # bz2 says so of what is no bzip2
    except (NotImplementedError, RuntimeError) as error:  # zipfile: encrypted, or a way to pack that it does not know
        return Outcome(Wholeness.FAILED, f"{kind or packed}: {error}")


def _by_name(path: str) -> tuple[str, str]:
    name = path.lower()
    ending = max((ending for ending in _ENDINGS if name.endswith(ending)), key=len, default="")
    return _ENDINGS.get(ending, ("", ""))


def _checksum(path: str, sums: str, budget: Budget) -> Outcome:
    name = SUMS[sums[sums.rindex(".") :]]
    with open(sums, "rb") as file:  # noqa: PTH123
        said = file.read(4096).split()
    digest = hashlib.new(name, usedforsecurity=False)
    wanted = said[0].decode("ascii", "replace").lstrip("\\").lower() if said else ""
    if len(wanted) != 2 * digest.digest_size or not set(wanted) <= set("0123456789abcdef"):
        return Outcome(Wholeness.FAILED, f"no {name} in {os.path.basename(sums)}")  # noqa: PTH119
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123
        while data := file.read(_PIECE):
            budget.spend(len(data))
            digest.update(data)
        _forget(file.fileno())
    if digest.hexdigest() != wanted:
        return Outcome(Wholeness.DAMAGED, f"{name} differs from the one beside it")
    return Outcome(Wholeness.GOOD, name)


def _read_through(path: str, packed: str, kind: str, budget: Budget) -> Outcome:
    if os.stat(path).st_size == 0:  # noqa: PTH116 - gzip takes nothing for a whole file
        return Outcome(Wholeness.DAMAGED, "it is empty")
    if kind == "sqlite":
        return _sqlite(path, budget)
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123
        paced: BinaryIO = io.BufferedReader(_Paced(file, budget), _PIECE)
        if kind == "zip":
            outcome = _zip(paced)
        else:
            plain = _unpacked(paced, packed)
            outcome = _tar(plain) if kind == "tar" else Outcome(Wholeness.GOOD, packed)
            while plain.read(_PIECE):  # to the end: there is the checksum
                pass
        _forget(file.fileno())
    return outcome


def _unpacked(paced: BinaryIO, packed: str) -> BinaryIO:
    """Return what a packed file unpacks to, as a stream; each of the three looks at its own checksums."""
    match packed:
        case "gzip":
            return gzip.GzipFile(fileobj=paced)  # type: ignore[return-value]
        case "bzip2":
            return bz2.BZ2File(paced)  # type: ignore[return-value]
        case "xz":
            return lzma.LZMAFile(paced)  # type: ignore[return-value]
        case _:
            return paced


def _tar(plain: BinaryIO) -> Outcome:
    count = 0
    with tarfile.open(fileobj=plain, mode="r|") as archive:
        for _ in archive:
            count += 1
            archive.members = []  # type: ignore[attr-defined] # it would keep every name
    return Outcome(Wholeness.GOOD, "tar") if count else Outcome(Wholeness.DAMAGED, "tar: nothing is in it")


def _zip(paced: BinaryIO) -> Outcome:
    with zipfile.ZipFile(paced) as archive:
        names = archive.infolist()
        for name in names:
            with archive.open(name) as file:
                while file.read(_PIECE):
                    pass
    return Outcome(Wholeness.GOOD, "zip") if names else Outcome(Wholeness.DAMAGED, "zip: nothing is in it")


def _sqlite(path: str, budget: Budget) -> Outcome:
    with open(path, "rb") as file:  # noqa: PTH123
        if file.read(len(_SQLITE)) != _SQLITE:
            return Outcome(Wholeness.DAMAGED, "sqlite: not a database")
    over = []

    def look() -> int:
        try:
            budget.spend(4096)
        except _TooLongError:
            over.append(True)
            return 1
        return 0

    db = sqlite3.connect(f"file:{quote(path)}?mode=ro&immutable=1", uri=True)
    try:
        db.set_progress_handler(look, _STEPS)
        rows = db.execute("PRAGMA quick_check(1)").fetchall()
    except sqlite3.OperationalError:
        if over:
            raise _TooLongError from None
        raise
    finally:
        db.close()
    said = str(rows[0][0]) if rows else "no answer"
    return Outcome(Wholeness.GOOD, "sqlite") if said == "ok" else Outcome(Wholeness.DAMAGED, f"sqlite: {said}")


def _forget(descriptor: int) -> None:
    """Let the kernel drop what was read: a backup that is looked at once must not push out what is needed."""
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
