"""What the site stands on: network namespaces in a star, small disks, and what this machine can do of all that.

The hub holds the broker and routes; every other place has one link to it, and no other. Without the right to make
namespaces all of it is on loopback.
"""

import ctypes
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TypeVar

from faults import shim
from faults.schedule import Kind

T = TypeVar("T")
HERE = Path(__file__).parent
HUB = "hub"
LEAF = "uplink"
"""A place's end of its link."""
_PREFIX = "wolffault"
_BASE = f"{_PREFIX}-{os.getpid()}"
"""What all that we make is called, so that what is left of a run that was killed can be told."""
_QUEUE = ("rate", "96kbit", "burst", "4kb", "latency", "400ms")
"""Less than an agent with three devices says."""
_MANNER = shim.Manner(delay=0.12, jitter=0.1, loss=0.05, double=0.05)
DISK = 64
"""MiB of a small disk."""


def run(*words: str) -> None:
    """Run a command that must work.

    Raises:
        OSError: it did not.
    """
    done = subprocess.run(words, capture_output=True, text=True, timeout=20, check=False)
    if done.returncode != 0:
        raise OSError(f"{' '.join(words)}: {done.stderr.strip() or done.stdout.strip()}")


def faketime() -> Path | None:
    """Return libfaketime for programs with threads, None where it is not."""
    return next(iter(sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))), None)


def _synchronised() -> bool:
    """Say whether the kernel calls its clock synchronised: then a process believes a clock that only it sees stepped."""
    buffer = (ctypes.c_long * 64)()
    return int(ctypes.CDLL(None).adjtimex(buffer)) != 5  # TIME_ERROR


def unable(folder: Path) -> dict[Kind, str]:
    """Return the kinds of fault that cannot be made here, and why. ``folder`` is ours to try in."""
    found: dict[Kind, str] = {}
    network = _network()
    for kind in (Kind.CUT, Kind.HALF, Kind.LOSS, Kind.SLOW, Kind.JITTER):
        if network:
            found[kind] = network
    if not network and not Path("/dev/net/tun").exists():
        found[Kind.JITTER] = "there is no /dev/net/tun"
    for kind, tool in ((Kind.HALF, "iptables"), (Kind.LOSS, "iptables"), (Kind.SLOW, "tc")):
        if shutil.which(tool) is None:
            found[kind] = f"there is no {tool}"
    disk = _disk(folder)
    if disk:
        found[Kind.FULL] = disk
    if faketime() is None:
        found[Kind.STEP] = "there is no libfaketime"
    elif _synchronised():
        found[Kind.STEP] = (
            "the kernel calls its clock synchronised: a clock that is wrong for one process only is believed"
        )
    return found


def _network() -> str:
    if shutil.which("ip") is None:
        return "there is no ip"
    name = f"{_BASE}-try"
    try:
        run("ip", "netns", "add", name)
    except OSError as error:
        return f"no network namespaces: {error}"
    run("ip", "netns", "del", name)
    return ""


def _disk(folder: Path) -> str:
    try:
        disk = Disk(folder / "try", 1)
        disk.mount()
        disk.close()
    except OSError as error:
        return f"no small disks: {error}"
    return ""


class Disk:
    """A small disk of its own at a folder."""

    def __init__(self, folder: Path, size: int) -> None:
        """Take where, and how big in MiB."""
        self.folder = folder
        self._size = size
        self._mounted = False

    def mount(self) -> None:
        """Make it.

        Raises:
            OSError: we may not.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        run("mount", "-t", "tmpfs", "-o", f"size={self._size}m,mode=0700", _BASE, str(self.folder))
        self._mounted = True

    def fill(self) -> None:
        """Leave no room."""
        with (self.folder / "ballast").open("wb", buffering=0) as file:
            for size in (1 << 20, 4096):
                try:
                    while True:
                        file.write(bytes(size))
                except OSError:
                    continue

    def free(self) -> None:
        """Give the room back."""
        (self.folder / "ballast").unlink(missing_ok=True)

    def close(self) -> None:
        """Take it away; what is on it is gone."""
        if self._mounted:
            run("umount", "-l", str(self.folder))
            self._mounted = False


class Ground:
    """Places and the links between them. Nothing is made before ``build``."""

    def __init__(self, places: Sequence[str], *, shimmed: Iterable[str] = (), real: bool) -> None:
        """Take the names of the places; whose link can jitter; and whether they are namespaces, or all on loopback."""
        self.places = tuple(places)
        self.real = real
        self._shimmed = frozenset(shimmed)
        self._shims: dict[str, subprocess.Popen[str]] = {}

    def namespace(self, place: str) -> str:
        """Return the name of a place's namespace."""
        return f"{_BASE}-{place}"

    def address(self, place: str) -> str:
        """Return where others reach a place."""
        return f"10.77.{self.places.index(place) + 1}.2" if self.real else "127.0.0.1"

    def hub(self, place: str) -> str:
        """Return where a place reaches the hub."""
        return f"10.77.{self.places.index(place) + 1}.1" if self.real else "127.0.0.1"

    def enter(self, place: str) -> list[str]:
        """Return the words that run a command in a place."""
        return ["ip", "netns", "exec", self.namespace(place)] if self.real else []

    def within(self, place: str, work: Callable[[], T]) -> T:
        """Do something in a place, on a thread of its own."""
        if not self.real:
            return work()
        results: list[T] = []
        errors: list[Exception] = []

        def there() -> None:
            try:
                shim.enter(self.namespace(place))
                results.append(work())
            except Exception as error:  # noqa: BLE001 - told where it was asked
                errors.append(error)

        thread = threading.Thread(target=there)
        thread.start()
        thread.join()
        if errors:
            raise errors[0]
        return results[0]

    def build(self) -> None:
        """Make all of it.

        Raises:
            OSError: we may not, or a tool is missing.
        """
        if not self.real:
            return
        sweep()
        for place in (HUB, *self.places):
            run("ip", "netns", "add", self.namespace(place))
            run("ip", "-n", self.namespace(place), "link", "set", "lo", "up")
            # BBR would go on at the pace of a throttled link for seconds after it is mended.
            run(*self.enter(place), "sysctl", "-qw", "net.ipv4.tcp_congestion_control=reno")
        run(*self.enter(HUB), "sysctl", "-qw", "net.ipv4.ip_forward=1")
        for place in self.places:
            self._link(place)

    def _link(self, place: str) -> None:
        hub, leaf = self.namespace(HUB), self.namespace(place)
        if place in self._shimmed:
            command = [sys.executable, str(HERE / "shim.py"), hub, f"h-{place}", leaf, LEAF]
            shimmed = self._shims[place] = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            assert shimmed.stdout is not None
            if shimmed.stdout.readline().strip() != "ready":
                raise OSError("the shim did not start")
        else:
            run("ip", "link", "add", f"h-{place}", "netns", hub, "type", "veth", "peer", "name", LEAF, "netns", leaf)
        run("ip", "-n", hub, "addr", "add", f"{self.hub(place)}/24", "dev", f"h-{place}")
        run("ip", "-n", leaf, "addr", "add", f"{self.address(place)}/24", "dev", LEAF)
        run("ip", "-n", hub, "link", "set", f"h-{place}", "up")
        run("ip", "-n", leaf, "link", "set", LEAF, "up")
        run("ip", "-n", leaf, "route", "add", "default", "via", self.hub(place))

    def able(self, place: str) -> set[Kind]:
        """Return what can be done to a place's link."""
        if not self.real:
            return set()
        kinds = {Kind.CUT, Kind.HALF, Kind.LOSS, Kind.SLOW}
        return kinds | {Kind.JITTER} if place in self._shimmed else kinds

    def spoil(self, place: str, kind: Kind, amount: float) -> None:
        """Do something to a place's link."""
        self._change(place, kind, amount, spoil=True)

    def mend(self, place: str, kind: Kind, amount: float) -> None:
        """Undo it."""
        self._change(place, kind, amount, spoil=False)

    def _change(self, place: str, kind: Kind, amount: float, *, spoil: bool) -> None:
        ends = ((HUB, f"h-{place}"), (place, LEAF))
        match kind:
            case Kind.CUT:
                run("ip", "-n", self.namespace(HUB), "link", "set", f"h-{place}", "down" if spoil else "up")
            case Kind.HALF:
                self._drop(*ends[1 - int(amount)], spoil=spoil)
            case Kind.LOSS:
                for at, interface in ends:
                    self._drop(
                        at, interface, "-m", "statistic", "--mode", "random", "--probability", "0.3", spoil=spoil
                    )
            case Kind.SLOW:
                for at, interface in ends:
                    words = (
                        ("add", "dev", interface, "root", "tbf", *_QUEUE)
                        if spoil
                        else ("del", "dev", interface, "root")
                    )
                    run(*self.enter(at), "tc", "qdisc", *words)
            case Kind.JITTER:
                manner = _MANNER if spoil else shim.Manner()
                stdin = self._shims[place].stdin
                assert stdin is not None
                stdin.write(" ".join(map(str, manner)) + "\n")
                stdin.flush()

    def _drop(self, at: str, interface: str, *match: str, spoil: bool) -> None:
        """Drop what comes in at an interface, for the place itself and for those behind it."""
        words = ("-t", "mangle", "-A" if spoil else "-D", "PREROUTING", "-i", interface, *match, "-j", "DROP")
        run(*self.enter(at), "iptables", "-w", *words)

    def close(self) -> None:
        """Take all of it away; what runs there must have ended."""
        for each in self._shims.values():
            each.kill()
            each.wait()
            for pipe in (each.stdin, each.stdout):
                if pipe is not None:
                    pipe.close()
        self._shims.clear()
        if self.real:
            for place in (HUB, *self.places):
                subprocess.run(["ip", "netns", "del", self.namespace(place)], capture_output=True, check=False)


def sweep() -> None:
    """Remove the namespaces and disks of runs whose process is gone."""
    listed = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=False).stdout
    for line in listed.splitlines():
        if _left_over(line.split()[0]):
            run("ip", "netns", "del", line.split()[0])
    for line in Path("/proc/mounts").read_text("utf-8").splitlines():
        source, folder, *_ = line.split()
        if _left_over(source):
            run("umount", "-l", folder)


def _left_over(name: str) -> bool:
    prefix, _, rest = name.partition("-")
    pid = rest.partition("-")[0]
    return prefix == _PREFIX and pid.isdigit() and not Path(f"/proc/{pid}").exists()
