"""Processes that are started, killed and started again, and what they said. They end with the one that started them."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

_STOPPING = 15.0
"""Seconds that a process may take to end after SIGTERM."""


def now() -> float:
    """Return the clock that all of a run is told by: boottime, which nobody steps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Run(NamedTuple):
    """One process of a program. Boottimes."""

    log: Path
    began: float
    ended: float | None
    killed: bool


class Program:
    """A program that may run many times, one process at a time. Each process has a log of its own."""

    def __init__(self, name: str, command: Sequence[str], folder: Path, *, within: Sequence[str] = ()) -> None:
        """Take the command, where its logs go, and the words that run it where it belongs."""
        self.name = name
        self.trouble: list[str] = []
        """What it did that it should not: ended by itself, did not end when told."""
        self._command = [*within, *command]
        if shutil.which("setpriv"):
            self._command = ["setpriv", "--pdeathsig", "KILL", *self._command]
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._told = 0.0
        """When it was told to end; 0: it was not."""
        self._killed = False
        self._runs: list[Run] = []

    @property
    def runs(self) -> Sequence[Run]:
        """All its processes so far."""
        return tuple(self._runs)

    @property
    def running(self) -> bool:
        """Whether it is there, or still ending."""
        return self._process is not None

    def start(self) -> None:
        """Start it, if it is not there."""
        if self._process is not None:
            return
        log = self._folder / f"{self.name}.{len(self._runs) + 1}.log"
        self._told, self._killed = 0.0, False
        self._runs.append(Run(log, now(), None, killed=False))
        with log.open("ab") as file:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, env={**os.environ, "TZ": "UTC"}
            )

    def kill(self) -> None:
        """End it with SIGKILL."""
        if self._process is not None:
            self._killed = True
            self._process.kill()
            self._process.wait()
            self._gone()

    def terminate(self) -> None:
        """Tell it to end; ``look`` sees that it has."""
        if self._process is not None and not self._told:
            self._told = now()
            self._process.send_signal(signal.SIGTERM)

    def look(self) -> None:
        """See whether it ended. One that does not end when told is killed, and that is told."""
        if self._process is None:
            return
        code = self._process.poll()
        if code is not None:
            if not self._told:
                self.trouble.append(f"{self.name} ended by itself with {code}: {_last(self._runs[-1].log)}")
            elif code not in (0, -signal.SIGTERM):
                self.trouble.append(f"{self.name} ended with {code} when told to: {_last(self._runs[-1].log)}")
            self._gone()
        elif self._told and now() - self._told > _STOPPING:
            self.trouble.append(f"{self.name} did not end within {_STOPPING:g} s of SIGTERM")
            self.kill()

    def _gone(self) -> None:
        self._process = None
        self._runs[-1] = self._runs[-1]._replace(ended=now(), killed=self._killed)


def _last(log: Path) -> str:
    lines = log.read_text("utf-8", "replace").splitlines()
    return lines[-1] if lines else "it said nothing"
