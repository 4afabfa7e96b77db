"""This machine, by psutil and the kernel's own files; with ``agent.health`` the only importer of psutil.

Everything here may block, as a look at a dead network share does: call it aside (``agent/aside.py``).
"""

import os
import socket
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec
import psutil

from agent import mounts
from agent.mounts import Mount

_FIRST: Final = 0.3
"""Seconds between the two looks at the processors from which the first load is made."""
_MOUNTS: Final = Path("/proc/self/mountinfo")
_INIT: Final = Path("/proc/1")
_REBOOT: Final = (Path("/run/reboot-required"), Path("/var/run/reboot-required"))
_EPHEMERAL: Final = Path("/proc/sys/net/ipv4/ip_local_port_range")


class Processors(msgspec.Struct, frozen=True):
    """Seconds of processor time since the start of the host, of all processors together."""

    busy: float
    waiting: float
    total: float


class Disk(msgspec.Struct, frozen=True):
    """One disk. Parts are in %; None where the file system does not tell."""

    point: str
    size: float | None = None
    used: float | None = None
    inodes: float | None = None
    readonly: bool = False
    by_error: bool = False
    mounted: bool = True


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """What one look at the host tells. Sizes in bytes, parts in %, temperatures in degrees Celsius."""

    processors: Processors
    before: Processors | None = None
    """A moment earlier; only at the first look."""
    load: tuple[float, float, float]
    memory: int
    memory_used: float
    swap_used: float | None
    """None: there is no swap."""
    sensors: tuple[tuple[str, float], ...]
    processes: int | None
    """None: we see our own only (``ProtectProc=``)."""
    users: int
    uptime: float
    reboot: bool


class Listener(msgspec.Struct, frozen=True, order=True):
    """A port that something listens on."""

    port: int
    protocol: str
    """``tcp`` or ``udp``."""
    address: str
    process: str = ""
    """Empty: it may not be known."""

    @property
    def key(self) -> str:
        """What it is known by: ``tcp/22``."""
        return f"{self.protocol}/{self.port}"


class ThisHost:
    """Looks at the machine that we run on."""

    def __init__(self, points: Sequence[str] = ()) -> None:
        """Take the mount points to look at; none: every real disk."""
        self._points = tuple(points)
        self._first = True

    def look(self) -> Look:
        """Return how it is now.

        Raises:
            OSError: the kernel does not tell.
        """
        before = None
        if self._first:
            before = _processors()
            threading.Event().wait(_FIRST)
            self._first = False
        memory, swap = psutil.virtual_memory(), psutil.swap_memory()
        return Look(
            processors=_processors(),
            before=before,
            load=psutil.getloadavg(),
            memory=memory.total,
            memory_used=100.0 * (memory.total - memory.available) / memory.total,
            swap_used=swap.percent if swap.total else None,
            sensors=tuple(_sensors()),
            processes=len(psutil.pids()) if _INIT.exists() else None,
            users=len(psutil.users()),
            uptime=time.clock_gettime(time.CLOCK_BOOTTIME),
            reboot=any(path.exists() for path in _REBOOT),
        )

    def disks(self) -> list[Disk]:
        """Return how full the disks are. It hangs where one of them does.

        Raises:
            OSError: the kernel does not tell what is mounted.
        """
        known = mounts.parse(_MOUNTS.read_text("utf-8", "surrogateescape"))
        if not self._points:
            return [_disk(mount) for mount in mounts.disks(known)]
        by_point = {mount.point: mount for mount in sorted(known, key=lambda mount: mount.real)}
        return [
            _disk(by_point[point]) if point in by_point else Disk(point=point, mounted=False) for point in self._points
        ]


def _disk(mount: Mount) -> Disk:
    size = used = inodes = None
    try:
        said = os.statvfs(mount.point) if _seen(mount) else None
    except OSError:
        said = None
    if said is None:  # it is there and cannot be asked: a share that went away, a disk that fails, one out of our sight
        return Disk(point=mount.point, readonly=mount.readonly, by_error=mount.by_error)
    size = float(said.f_blocks * said.f_frsize)
    taken = said.f_blocks - said.f_bfree
    if taken + said.f_bavail > 0:
        used = 100.0 * taken / (taken + said.f_bavail)  # as df counts: what is root's alone is not free
    names = said.f_files - said.f_ffree
    if said.f_files > 0 and names + said.f_favail > 0:
        inodes = 100.0 * names / (names + said.f_favail)
    return Disk(mount.point, size, used, inodes, mount.readonly, mount.by_error)


def _seen(mount: Mount) -> bool:
    """Say whether what we see at its name is this disk: ``ProtectHome=`` puts something else in front of it."""
    device = os.stat(mount.point).st_dev  # noqa: PTH116
    return mount.pooled or f"{os.major(device)}:{os.minor(device)}" == mount.device


def _processors() -> Processors:
    said = psutil.cpu_times()
    idle, waiting = float(said.idle), float(getattr(said, "iowait", 0.0))
    guest = float(getattr(said, "guest", 0.0)) + float(getattr(said, "guest_nice", 0.0))
    total = float(sum(said)) - guest  # the kernel counts guests in user and nice too
    return Processors(total - idle - waiting, waiting, total)


def _sensors() -> list[tuple[str, float]]:
    found = []
    for chip, sensors in sorted(psutil.sensors_temperatures().items()):
        for number, sensor in enumerate(sensors, 1):
            if sensor.current is not None:
                found.append((f"{chip} {sensor.label or number}", float(sensor.current)))
    return found


def listeners() -> list[Listener]:
    """Return the ports that other processes listen on, of TCP and UDP; those on loopback alone are left out.

    UDP has no listening: what is bound below the ports that the kernel gives to clients counts.

    Raises:
        OSError: the kernel does not tell.
    """
    own, lowest = os.getpid(), _lowest_ephemeral()
    names: dict[int, str] = {}
    found: dict[str, Listener] = {}
    for each in psutil.net_connections("inet"):
        if not each.laddr or each.pid == own:
            continue
        tcp = each.type == socket.SOCK_STREAM
        address, port = each.laddr.ip, each.laddr.port
        if _loopback(address) or (tcp and each.status != psutil.CONN_LISTEN) or not (tcp or port < lowest):
            continue
        if not tcp and each.raddr:
            continue
        listener = Listener(port, "tcp" if tcp else "udp", address, _process(each.pid, names))
        found.setdefault(listener.key, listener)
    return sorted(found.values())


def _loopback(address: str) -> bool:
    return address == "::1" or address.startswith(("127.", "::ffff:127."))


def _lowest_ephemeral() -> int:
    try:
        return int(_EPHEMERAL.read_text("ascii").split()[0])
    except (OSError, ValueError, IndexError):
        return 32768


def _process(pid: int | None, names: dict[int, str]) -> str:
    if pid is None:
        return ""
    if pid not in names:
        try:
            names[pid] = psutil.Process(pid).name()
        except psutil.Error:
            names[pid] = ""
    return names[pid]
