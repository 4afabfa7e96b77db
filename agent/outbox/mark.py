"""How far this process has spoken, kept where a kill -9 leaves it: one small file that is written at every message.

The spool is not written while all goes well, so it cannot say which number was the last. This file can. It belongs on a
tmpfs (systemd's ``RuntimeDirectory=``): no flash is worn, and after a power cut it is gone, which says what it must say:
unknown. On a disk it counts only within the boot that wrote it. It is written by ``pwrite``, some 3 µs a message, and not
as mapped memory: a store into a page whose disk fails would end the process, just when it is needed.

It has room for several processes, one after the other: while no spool can be written, they have nowhere else to leave it.
"""

import contextlib
import os
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from agent.outbox.spool import Account

_RECORD: Final = struct.Struct("=4sI16s16sQQ72s")
"""Magic, checksum of the rest, boot, epoch, last, settled, journal."""
_MAGIC: Final = b"wsm1"
_ROOM: Final = 32
"""Records that a file has room for: the epochs that no spool knows yet, and our own."""
_JOURNAL: Final = 72


class Mark:
    """The record of the running process. Without a file, it is kept nowhere, and nothing else changes."""

    def __init__(self, descriptor: int | None = None, boot: str = "", left: Sequence[Account] = ()) -> None:
        """Take the open file, or none, and what was in it; ``open_mark`` makes one."""
        self.left = tuple(left)
        """The epochs of processes that ended and that no spool knows yet, the oldest first."""
        self._file = descriptor
        self._boot = boot.encode()[:16]
        self._slot = len(self.left)

    def note(self, epoch: str, last: int, settled: int, journal: str) -> None:
        """Write how far it has come. A file that cannot be written is given up, and emptied if that can be."""
        if self._file is None:
            return
        name = journal.encode()
        if len(name) > _JOURNAL:
            name, settled = b"", 0
        try:
            os.pwrite(self._file, _packed(self._boot, epoch.encode(), last, settled, name), self._slot * _RECORD.size)
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, 0)
            self.close()

    def known(self) -> None:
        """Forget the epochs before this one: the spool knows them now."""
        if self._file is not None and self._slot:
            with contextlib.suppress(OSError):
                os.pwrite(self._file, bytes(self._slot * _RECORD.size), 0)
        self.left = ()

    def close(self) -> None:
        """Let go of the file; what is in it stays."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def open_mark(path: Path, boot: str) -> Mark:
    """Open the file, or make one. Never fails: without one, the last numbers of an epoch are unknown, and so it is said."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        return Mark()
    try:
        body = os.pread(descriptor, _ROOM * _RECORD.size, 0)
        left = [account for account in _read(body) if account[0] == boot[:16]][-(_ROOM - 1) :]
        records = [_packed(b.encode(), a.epoch.encode(), a.last, a.settled, a.journal.encode()) for b, a in left]
        # All of it is written, so that no later write needs new room on the disk.
        os.pwrite(descriptor, b"".join(records).ljust(_ROOM * _RECORD.size, b"\0"), 0)
    except OSError:
        os.close(descriptor)
        return Mark()
    return Mark(descriptor, boot, [account for _, account in left])


def _packed(boot: bytes, epoch: bytes, last: int, settled: int, journal: bytes) -> bytes:
    body = _RECORD.pack(_MAGIC, 0, boot, epoch, last, settled, journal)
    return body[:4] + struct.pack("=I", zlib.crc32(body[8:])) + body[8:]


def _read(body: bytes) -> list[tuple[str, Account]]:
    """Return boot and account of each whole record; one that is torn is none."""
    found = []
    for at in range(0, len(body) - _RECORD.size + 1, _RECORD.size):
        record = body[at : at + _RECORD.size]
        magic, checksum, boot, epoch, last, settled, journal = _RECORD.unpack(record)
        if magic == _MAGIC and checksum == zlib.crc32(record[8:]):
            account = Account(_text(epoch), last, settled, _text(journal))
            found.append((_text(boot), account))
    return found


def _text(field: bytes) -> str:
    return field.rstrip(b"\0").decode(errors="replace")
