"""What the bench measures on: simulated UPSes on one net-snmp daemon, so that every contender reads the same bytes.

One daemon on many loopback addresses stands for many UPSes. net-snmp answers in microseconds, so what is measured is the
contender, not the simulator.
"""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psutil

BASE = "1.3.6.1.2.1.33.1."
OUTPUT_SOURCE = f"{BASE}4.1.0"
ON_LINE, ON_BATTERY = 3, 5
TEXTS = {"1.1.0": "ACME", "1.2.0": "Bench 3000", "1.3.0": "1.0", "1.5.0": "bench"}
NUMBERS = {
    "2.1.0": 2,
    "2.2.0": 0,
    "2.3.0": 40,
    "2.4.0": 100,
    "2.5.0": 545,
    "2.6.0": 0,
    "2.7.0": 25,
    "3.2.0": 1,
    "3.3.1.2.1": 500,
    "3.3.1.3.1": 230,
    "4.1.0": ON_LINE,
    "4.2.0": 500,
    "4.3.0": 1,
    "4.4.1.2.1": 230,
    "4.4.1.4.1": 900,
    "4.4.1.5.1": 30,
    "6.1.0": 0,
}
"""RFC 1628 objects; what every contender polls is these sixteen odd numbers."""


class Processes:
    """Started processes, ended by pid in reverse order."""

    def __init__(self) -> None:
        self._running: list[subprocess.Popen[bytes]] = []

    def start(self, *command: str, log: Path, env: dict[str, str] | None = None, cwd: Path | None = None):
        with log.open("ab") as out:
            process = subprocess.Popen(
                command, stdout=out, stderr=out, stdin=subprocess.DEVNULL, env={**os.environ, **(env or {})}, cwd=cwd
            )
        self._running.append(process)
        return process

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in reversed(self._running):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(8)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()


def port_of() -> int:
    """Return a port that was free just now, for UDP and TCP."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
        udp.bind(("127.0.0.1", 0))
        port: int = udp.getsockname()[1]
        tcp.bind(("127.0.0.1", port))
        return port


def wait_for(there: Callable[[], bool], what: str, limit: float) -> None:
    """Wait until something is there; ``limit`` in seconds."""
    end = time.monotonic() + limit
    while not there():
        if time.monotonic() > end:
            raise RuntimeError(f"{what} is not there after {limit:g} s")
        time.sleep(0.05)  # noqa: TID251 - another process, that does not tell


def addresses(count: int) -> list[str]:
    return [f"127.0.1.{number + 1}" for number in range(count)]


def start(processes: Processes, folder: Path, port: int, count: int) -> None:
    """Start the daemon, and wait until its last address answers."""
    lines = ["rocommunity public 127.0.0.0/8", "rwcommunity private 127.0.0.0/8", "sysObjectID .1.3.6.1.2.1.33"]
    lines += [f'override -rw .{BASE}{suffix} octet_str "{text}"' for suffix, text in TEXTS.items()]
    lines += [f"override -rw .{BASE}{suffix} integer {number}" for suffix, number in NUMBERS.items()]
    (folder / "snmpd.conf").write_text("\n".join(lines) + "\n")
    processes.start(
        "/usr/sbin/snmpd", "-f", "-LE", "3", "-C", "-c", str(folder / "snmpd.conf"), "-p", str(folder / "snmpd.pid"),
        "-I", "override,usmConf,usmUser,vacm_conf,vacm_vars,snmpEngine,system_mib",
        *(f"udp:{address}:{port}" for address in addresses(count)),
        log=folder / "snmpd.log",
        env={"MIBS": "", "SNMP_PERSISTENT_DIR": str(folder / "snmpd")},
    )  # fmt: skip
    last = addresses(count)[-1]
    wait_for(lambda: _snmp("snmpget", "public", last, port, OUTPUT_SOURCE).returncode == 0, "snmpd", 10)


def flip(port: int, value: int) -> float:
    """Set the first UPS's output source; return when the change was certainly in force (seconds since 1970)."""
    done = _snmp("snmpset", "private", addresses(1)[0], port, OUTPUT_SOURCE, "i", str(value))
    assert done.returncode == 0, done.stderr
    return time.time()


def _snmp(tool: str, community: str, address: str, port: int, *words: str):
    command = [tool, "-v2c", "-c", community, "-t", "0.5", "-r", "0", f"{address}:{port}", *words]
    return subprocess.run(command, capture_output=True, env={**os.environ, "MIBS": ""})


def on_cpu(pid: int) -> float:
    """Seconds on CPU of a process with all its threads; the scheduler's nanoseconds, for ticks miss short work."""
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            total += int((task / "schedstat").read_text().split()[0])
        except OSError:  # a thread that just ended
            continue
    return total / 1e9


class Footprint:
    """What processes cost over a while: percent of a core, and MiB."""

    def __init__(self, pids: list[int], seconds: float) -> None:
        for pid in pids:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                raise RuntimeError(f"process {pid} ended before it was measured")
        before = sum(map(on_cpu, pids))
        began = time.monotonic()
        time.sleep(seconds)  # noqa: TID251 - the window of a measurement
        self.cpu = 100 * (sum(map(on_cpu, pids)) - before) / (time.monotonic() - began)
        self.rss = sum(psutil.Process(pid).memory_info().rss for pid in pids) / 2**20
