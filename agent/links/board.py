"""The board that the agent runs on, by the kernel's own files (Linux sysfs): its flash, its temperature, its disk."""

import shutil
from pathlib import Path
from typing import Final

import msgspec

_OVER: Final = 0x0B
"""A life time of which more than all is used (JEDEC eMMC 5.0, EXT_CSD 268 and 269: steps of a tenth)."""
_TEMPERATURES: Final = (-60.0, 150.0)
"""Degrees Celsius that a board can have; zones without a sensor say what they like."""


class Board(msgspec.Struct, frozen=True):
    """How the board is; None for what it does not tell."""

    wear: float | None = None
    """% of the flash's life that is used up, to the next ten; above 100 it is over."""
    worn: bool = False
    """The flash says itself that its spare blocks run out."""
    temperature: float | None = None
    """Degrees Celsius of the hottest zone."""
    free: float | None = None
    """Bytes left on the disk of the agent's folder."""
    used: float | None = None
    """% of it that is in use."""


class ThisBoard:
    """Looks at it. Every look may block, as a disk that fails does."""

    def __init__(self, folder: Path, sys: Path = Path("/sys")) -> None:
        """Take the agent's folder, and where sysfs is."""
        self._folder = folder
        self._sys = sys

    def look(self) -> Board:
        """Return how it is now. Never raises."""
        wear, worn = self._flash()
        try:
            disk = shutil.disk_usage(self._folder)
        except OSError:
            return Board(wear, worn, self._temperature())
        all_of_it = disk.used + disk.free
        used = 100.0 * disk.used / all_of_it if all_of_it else None
        return Board(wear, worn, self._temperature(), float(disk.free), used)

    def _flash(self) -> tuple[float | None, bool]:
        steps: list[int] = []
        worn = False
        for device in sorted(self._sys.glob("block/mmcblk*/device")):
            steps += [step for step in map(_hex, _read(device / "life_time").split()) if step and step <= _OVER]
            worn = worn or (_hex(_read(device / "pre_eol_info")) or 0) in (2, 3)  # warning, urgent
        wear = 10.0 * max(steps) if steps else None
        return wear, worn or (wear is not None and wear >= 100.0)

    def _temperature(self) -> float | None:
        low, high = _TEMPERATURES
        found = []
        for zone in self._sys.glob("class/thermal/thermal_zone*/temp"):
            text = _read(zone).strip()
            if text.lstrip("-").isdecimal() and low <= int(text) / 1000 <= high:
                found.append(int(text) / 1000)
        return max(found, default=None)


def _read(path: Path) -> str:
    try:
        return path.read_text("ascii", "replace")[:200]
    except OSError:  # it is not there, or has nothing to say now
        return ""


def _hex(text: str) -> int | None:
    try:
        return int(text.strip(), 16)
    except ValueError:
        return None
