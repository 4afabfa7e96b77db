"""How the agent itself is, by psutil; its only importer. It travels with ``state``."""

from pathlib import Path

import psutil

from contract.message import Health


def free(folder: Path) -> int | None:
    """Return the bytes free where a folder is; None when that cannot be told."""
    try:
        return psutil.disk_usage(str(folder)).free
    except OSError:
        return None


class OwnHealth:
    """Looks at this process, and at the disk of its spool."""

    def __init__(self, folder: Path) -> None:
        """Take the spool's folder."""
        self._folder = folder
        self._process = psutil.Process()

    def look(self) -> Health:
        """Return how it is now. Never raises: what the system does not tell is no reason to be silent."""
        try:
            with self._process.oneshot():
                times, memory = self._process.cpu_times(), self._process.memory_info().rss
            return Health(round(times.user + times.system, 2), memory, psutil.disk_usage(str(self._folder)).free)
        except (psutil.Error, OSError):
            return Health()
