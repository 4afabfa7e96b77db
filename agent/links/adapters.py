"""Serial adapters: the name that stays with one when it is plugged in again under another number.

Linux gives an adapter the next free ``/dev/ttyUSBn``; udev keeps a link to it under ``/dev/serial/by-id`` whose name is
made of its maker and serial number (udev's 60-serial.rules).
"""

from pathlib import Path
from typing import Final

BY_ID: Final = "/dev/serial/by-id"


def lasting_name(port: str, folder: str = BY_ID) -> str:
    """Return the link that names the adapter of a port; empty where there is none, or several.

    Args:
        port: a device file.
        folder: where udev keeps the links.
    """
    try:
        real = Path(port).resolve(strict=True)
        links = [link for link in sorted(Path(folder).iterdir()) if link.resolve() == real]
    except OSError:
        return ""
    return str(links[0]) if len(links) == 1 else ""


def identity(port: str) -> tuple[str, int]:
    """Return which device file a port is now, and its number in the kernel; nothing where it is gone.

    A port that was opened under one and has become another belongs to an adapter that was pulled out.
    """
    try:
        real = Path(port).resolve(strict=True)
        return str(real), real.stat().st_rdev
    except OSError:
        return "", 0
