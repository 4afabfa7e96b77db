"""What is mounted, as the kernel tells in ``/proc/self/mountinfo`` (proc_pid_mountinfo(5)). Pure.

Whether a disk takes writes is an option of its superblock: a unit with ``ProtectSystem=strict`` sees every mount
read-only, whatever the disk does.
"""

import re
from typing import Final

import msgspec

_PACKED: Final = frozenset({"squashfs", "iso9660", "udf", "erofs", "cramfs"})
"""File systems that are full and read-only by nature."""
_POOLS: Final = frozenset({"zfs", "btrfs", "bcachefs"})
"""Those whose source is no name in /dev."""
_ESCAPE: Final = re.compile(r"\\([0-7]{3})")


class Mount(msgspec.Struct, frozen=True):
    """One mounted file system."""

    point: str
    device: str
    """Major and minor number."""
    root: str
    """Which part of the file system this is; ``/`` for all of it."""
    kind: str
    source: str
    readonly: bool
    """Its superblock takes no writes."""
    by_error: bool
    """It was told to go read-only when it fails."""

    @property
    def pooled(self) -> bool:
        """Whether its files have other device numbers than it has itself."""
        return self.kind in _POOLS or self.kind == "overlay"

    @property
    def real(self) -> bool:
        """Whether it is a disk that fills up."""
        on_disk = self.source.startswith("/dev/") or self.kind in _POOLS or self.point == "/"
        return on_disk and self.kind not in _PACKED


def parse(text: str) -> list[Mount]:
    """Return what is mounted, in the kernel's order; lines that do not fit are left out."""
    found = []
    for line in text.splitlines():
        left, dash, right = line.partition(" - ")
        fields, kind = left.split(" "), right.split(" ")
        if not dash or len(fields) < 6 or len(kind) < 3:
            continue
        options = kind[-1].split(",")
        found.append(
            Mount(
                point=_plain(fields[4]),
                device=fields[2],
                root=_plain(fields[3]),
                kind=kind[0],
                source=_plain(kind[1]),
                readonly="ro" in options,
                by_error="errors=remount-ro" in options,
            )
        )
    return found


def disks(mounts: list[Mount]) -> list[Mount]:
    """Return one mount of each real disk: of all of it before a part, then the shortest name."""
    best: dict[str, Mount] = {}
    for mount in mounts:
        if not mount.real:
            continue
        known = best.get(mount.device)
        if known is None or _rank(mount) < _rank(known):
            best[mount.device] = mount
    return sorted(best.values(), key=lambda mount: mount.point)


def _rank(mount: Mount) -> tuple[bool, int]:
    return mount.root != "/", len(mount.point)


def _plain(text: str) -> str:
    """Return a name without the kernel's escapes."""
    return _ESCAPE.sub(lambda match: chr(int(match[1], 8)), text)
