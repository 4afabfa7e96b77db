"""What this machine knows of its own network: the state of an interface, ARP, and which interface leads where."""

import socket
import struct
from pathlib import Path

import msgspec


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
        try:
            wanted = struct.unpack("<I", socket.inet_aton(address))[0]
        except OSError:
            return ""
        best: tuple[int, int, str] | None = None
        for line in self._read(self._root / "proc/net/route").splitlines()[1:]:
            fields = line.split()
            try:
                network, flags, metric, mask = (
                    int(fields[1], 16),
                    int(fields[3], 16),
                    int(fields[6]),
                    int(fields[7], 16),
                )
            except (ValueError, IndexError):
                continue
            if flags & 1 and not flags & 0x200 and wanted & mask == network:  # up, and no reject route
                found = (mask.bit_count(), -metric, fields[0])
                best = found if best is None else max(best, found)
        return best[2] if best else ""

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
