"""What this machine knows of its own network: the state of an interface, ARP, and which interface leads where."""

import socket
import struct
from pathlib import Path

import msgspec

from agent.links.route import numeric


class Interface(msgspec.Struct, frozen=True):
    """An interface as the kernel sees it (sysfs-class-net). ``carrier`` is None while it is switched off."""

    there: bool
    admin: bool = False
    """Switched on."""
    carrier: bool | None = None
    """Something is at the other end of the cable."""
    state: str = ""
    """operstate: RFC 2863's."""


class Network:
    """Reads /sys and /proc; ``root`` is for tests."""

    def __init__(self, root: Path = Path("/")) -> None:
        """Take where they are."""
        self._root = root

    def interface(self, name: str) -> Interface:
        """Return an interface as it is now."""
        folder = self._root / "sys/class/net" / name
        if "/" in name or name in ("", ".", "..") or not folder.is_dir():
            return Interface(there=False)
        flags = self._read(folder / "flags")
        carrier = self._read(folder / "carrier")
        try:
            admin = bool(int(flags, 16) & 1)
        except ValueError:
            admin = False
        return Interface(
            there=True,
            admin=admin,
            carrier={"1": True, "0": False}.get(carrier),
            state=self._read(folder / "operstate"),
        )

    def towards(self, address: str) -> str:
        """Return the interface by which the kernel reaches an IPv4 address; "" where it knows none."""
        return self._way(address, "")[0]

    def via(self, address: str, interface: str = "") -> str:
        """Return the router by which an IPv4 address is reached, over an interface; "" where none is known.

        Of a name, the way of all that has no route of its own.
        """
        return self._way(address if numeric(address) else "0.0.0.0", interface)[1]  # noqa: S104 - the default route

    def _way(self, address: str, interface: str) -> tuple[str, str]:
        """Return interface and router of the best route to an address; empty where there is none."""
        try:
            wanted = struct.unpack("=I", socket.inet_aton(address))[0]
        except OSError:
            return "", ""
        best: tuple[int, int, str, str] | None = None
        for line in self._read(self._root / "proc/net/route").splitlines()[1:]:
            fields = line.split()
            try:
                network, router, flags, mask = (int(fields[at], 16) for at in (1, 2, 3, 7))
                metric = int(fields[6])
            except (ValueError, IndexError):
                continue
            if not flags & 1 or flags & 0x200 or wanted & mask != network or interface not in ("", fields[0]):
                continue  # down, a reject route, or another way
            found = (
                mask.bit_count(),
                -metric,
                fields[0],
                socket.inet_ntoa(struct.pack("=I", router)) if router else "",
            )
            best = found if best is None else max(best, found)
        return best[2:] if best else ("", "")

    def arp(self, address: str, interface: str = "") -> bool | None:
        """Say whether an IPv4 neighbour answers ARP; None where it was not asked."""
        for line in self._read(self._root / "proc/net/arp").splitlines()[1:]:
            fields = line.split()
            if len(fields) < 6 or fields[0] != address or (interface and fields[5] != interface):
                continue
            try:
                return bool(int(fields[2], 16) & 2)  # ATF_COM
            except ValueError:
                return None
        return None

    @staticmethod
    def _read(path: Path) -> str:
        try:
            return path.read_text("ascii", "replace").strip()
        except OSError:  # a carrier cannot be read while the interface is off
            return ""
