"""Which card answers for an IPv4 address on this host's own network: the kernel's ARP table (proc(5), RFC 826).

A datagram to the discard port makes the kernel ask; nobody need listen there. No privilege is needed.
"""

import contextlib
import socket
from pathlib import Path
from typing import Final

from contract.errors import PortUnavailable

TABLE: Final = Path("/proc/net/arp")
_DISCARD: Final = 9
_COMPLETE: Final = 0x2


def ask(address: str) -> None:
    """Let the kernel ask who has an address; the answer stands in the table after some milliseconds. Never waits."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.setblocking(False)
        sender.sendto(b"", (address, _DISCARD))


def cards(table: Path = TABLE) -> dict[str, str]:
    """Return the hardware address of each address that answered.

    Raises:
        PortUnavailable: the table cannot be read.
    """
    try:
        lines = table.read_text("ascii").splitlines()[1:]
    except (OSError, UnicodeDecodeError) as error:
        raise PortUnavailable(f"cannot be read: {error}", where=str(table)) from None
    found = {}
    for line in lines:
        fields = line.split()
        if len(fields) >= 6 and int(fields[2], 16) & _COMPLETE and fields[3] != "00:00:00:00:00:00":
            found[fields[0]] = fields[3].lower()
    return found
