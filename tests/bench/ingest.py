# ruff: noqa: T201 - part of a script that prints its table
"""What it costs to take messages in: the gateway, from MQTT to journal and store, next to who only receives.

The receiver has one core to itself; broker, load and store have the other. All get the same messages of twenty readings.
VictoriaMetrics takes half of that other core, which who only receives has to itself: so there is also a row with a store
that only counts lines.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
from farm import Processes, on_cpu, port_of, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
RECEIVER, OTHERS = "0", "1"
"""Cores."""
FIXED = 100_000
"""Messages for those that only receive."""
GOAL = 15_000
AGENTS = (1, 10, 100, 1000)
DEVICES = 1000
"""In all, at the most: a store that meets new series spends its time on them."""
Numbers = dict[str, float]


def _pinned(core: str, *command: str) -> tuple[str, ...]:
    return ("taskset", "-c", core, *command) if (os.cpu_count() or 1) > 1 and shutil.which("taskset") else command


def broker(processes: Processes, folder: Path, port: int) -> int:
    """Start mosquitto with room for all that a receiver does not take at once; return its pid."""
    binary = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
    path = folder / "mosquitto.conf"
    path.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\nmax_queued_messages 0\n"
        "max_inflight_messages 100\n"
    )
    pid = processes.start(*_pinned(OTHERS, binary, "-c", str(path)), log=folder / "mosquitto.log").pid
    time.sleep(0.5)  # noqa: TID251 - it says nothing
    return pid


def gateway(processes: Processes, folder: Path, port: int, more: str = "", *, counts: bool = False) -> tuple[Any, int]:
    """Start a gateway and its store, wait until it hears; return it, and the store's port.

    The store is VictoriaMetrics, or (``counts``) one that only counts lines.
    """
    home = folder / "gateway"
    home.mkdir()
    shutil.copytree(ROOT / "config/plan", home / "plan")
    shutil.copy(ROOT / "config/contacts.toml", home / "contacts.toml")
    (home / "secret").write_text("bench")
    store = port_of()
    if counts:
        kind = 'kind = "influxdb2"\nbucket = "bench"\ntoken = { file = "secret" }'
        processes.start(*_pinned(OTHERS, sys.executable, str(HERE / "sink.py"), str(store)), log=home / "store.log")
    else:
        kind = 'kind = "victoriametrics"'
        vm = ("victoria-metrics", f"-storageDataPath={home}/vm", f"-httpListenAddr=127.0.0.1:{store}")
        processes.start(*_pinned(OTHERS, *vm, "-retentionPeriod=10y"), log=home / "store.log")
    (home / "gateway.toml").write_text(
        f'[gateway]\nname = "bench"\nstate = "{home}/state"\nboard = {{ host = "127.0.0.1", port = {port_of()} }}\n'
        f'{more}\n[broker]\nhost = "127.0.0.1"\nport = {port}\n'
        f'[store]\n{kind}\nurl = "http://127.0.0.1:{store}"\n'
        '[notify.webhook.duty]\nurl = "http://127.0.0.1:9/"\nsecret = { file = "secret" }\n'
        '[notify.email]\nhost = "127.0.0.1"\nport = 9\nsender = "bench@demo.invalid"\ntls = "none"\n'
    )
    command = Path(sys.executable).with_name("wolfsmoke-gateway")
    process = processes.start(
        *_pinned(RECEIVER, str(command), "run", "--config", str(home / "gateway.toml")), log=home / "log"
    )
    wait_for(lambda: "connected" in (home / "log").read_text(), "the gateway", 30)
    time.sleep(0.5)  # noqa: TID251 - its subscription is under way
    return process, store


def load(port: int, *words: str) -> subprocess.Popen[str]:
    """Start the load."""
    command = _pinned(OTHERS, sys.executable, str(HERE / "load.py"), str(port), *words)
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def stored(port: int, *, counts: bool) -> float:
    """Return how many messages the store has taken."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        text = answer.read().decode()
    if counts:
        return float(text)
    for line in text.splitlines():
        if line.startswith('vm_rows_inserted_total{type="influx"}'):
            return int(line.split()[-1]) / SAMPLES
    return 0.0


def bare(folder: Path, agents: int) -> Numbers:
    """Measure paho alone."""
    with Processes() as running:
        port = port_of()
        broker(running, folder, port)
        command = _pinned(RECEIVER, sys.executable, str(HERE / "receive.py"), str(port), str(FIXED))
        receiver = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert receiver.stdout is not None
        receiver.stdout.readline()
        sender = load(port, "--agents", str(agents), "--messages", str(FIXED))
        said = json.loads(receiver.stdout.readline())
        receiver.wait(20)
        sender.communicate(timeout=60)
    return {"rate": FIXED / said["seconds"], "cpu": 1e6 * said["cpu"] / FIXED}


def mosquitto_sub(folder: Path, agents: int) -> Numbers | None:
    """Measure mosquitto's own subscriber, in C; None where it is not installed."""
    binary = shutil.which("mosquitto_sub")
    if binary is None:
        return None
    with Processes() as running:
        port = port_of()
        broker(running, folder, port)
        receiver = subprocess.Popen(
            _pinned(RECEIVER, binary, "-p", str(port), "-t", "wolfsmoke/1/+/+/+", "-q", "1", "-C", str(FIXED)),
            stdout=subprocess.DEVNULL,
        )
        time.sleep(0.5)  # noqa: TID251 - its subscription is under way
        began = time.monotonic()
        sender = load(port, "--agents", str(agents), "--messages", str(FIXED))
        _, _, used = os.wait4(receiver.pid, 0)
        took = time.monotonic() - began
        receiver.returncode = 0
        sender.communicate(timeout=60)
    return {"rate": FIXED / took, "cpu": 1e6 * (used.ru_utime + used.ru_stime) / FIXED}


def ours(folder: Path, agents: int, seconds: float, *, counts: bool = False) -> Numbers:
    """Measure the gateway under as much as it takes, once it is warm."""
    warm = 4.0
    with Processes() as running:
        port = port_of()
        broker(running, folder, port)
        process, store = gateway(running, folder, port, counts=counts)
        devices = str(max(1, min(10, DEVICES // agents)))
        words = ("--agents", str(agents), "--devices", devices, "--seconds", str(seconds + warm), "--warm", str(warm))
        sender = load(port, *words, "--acks")
        assert sender.stdout is not None
        sender.stdout.readline()
        before, had, began = on_cpu(process.pid), stored(store, counts=counts), time.monotonic()
        said = json.loads(sender.stdout.readline())
        used, got = on_cpu(process.pid) - before, stored(store, counts=counts) - had
        took = time.monotonic() - began
        sender.wait(20)
        memory = psutil.Process(process.pid).memory_info().rss / 2**20
        journal = sum(path.stat().st_size for path in (folder / "gateway/state").glob("journal.db*"))
        rate = said["acked"] / said["over"]
        return {
            "rate": rate,
            "cpu": 1e6 * used / max(1, said["acked"]),
            "stored": got / took,
            "memory": memory,
            "bytes": journal / max(1, said["messages"]),
        }


COUNTS = "the same, 100 agents, store only counts"
SELDOM = "50000"
"""Messages of an agent from one alarm to the next: what is told of incidents is kept for ever, in memory too."""
SAMPLES = 19 + 17
"""Of one message: numbers, and the flags of a status."""


def report(folder: Path, rounds: int, seconds: float) -> None:
    """Print the table."""
    contenders: dict[str, Callable[[Path], Numbers | None]] = {
        "paho alone (receives and counts)": lambda home: bare(home, 100),
        "mosquitto_sub (C)": lambda home: mosquitto_sub(home, 100),
    }
    for agents in AGENTS:
        name = f"wolfsmoke gateway, {agents} agent{'s' * (agents > 1)}"
        contenders[name] = lambda home, agents=agents: ours(home, agents, seconds)  # type: ignore[misc]
    contenders[COUNTS] = lambda home: ours(home, 100, seconds, counts=True)
    results: dict[str, list[Numbers]] = {name: [] for name in contenders}
    for number in range(rounds):
        for index, (name, measure) in enumerate(contenders.items()):
            home = folder / f"round{number}-{index}"
            home.mkdir()
            found = measure(home)
            if found is not None:
                results[name].append(found)
            shutil.rmtree(home)
    print(f"\nMessages of 20 readings taken in, on one core ({rounds} rounds of {seconds:g} s; median, min..max)")
    print(f"{'':40}{'messages/s':>26}{'CPU us/message':>24}{'stored/s':>10}{'MiB':>6}{'disk B/reading':>16}")
    for name, each in results.items():
        if not each:
            print(f"{name:40}{'absent: not installed':>26}")
            continue
        line = f"{name:40}{_spread(each, 'rate', 0):>26}{_spread(each, 'cpu', 1):>24}"
        if "stored" in each[0]:
            line += f"{_middle(each, 'stored'):10.0f}{_middle(each, 'memory'):6.0f}{_middle(each, 'bytes') / 20:16.1f}"
        print(line)
    floor = _middle(results["paho alone (receives and counts)"], "rate")
    each = {agents: results[f"wolfsmoke gateway, {agents} agent{'s' * (agents > 1)}"] for agents in AGENTS}
    best = _middle(each[100], "rate")
    print(f"goal: {GOAL} messages/s from 100 agents: {best:.0f}: {_met(best >= GOAL)}")
    free = _middle(results[COUNTS], "rate")
    print(f"goal: half of what paho alone receives: {free / floor:.2f} of it: {_met(free >= floor / 2)}", end="")
    print(f"; {best / floor:.2f} with VictoriaMetrics on the core of broker and load")
    costs = [_middle(one, "cpu") for one in each.values()]
    flat = max(costs) / min(costs)
    print(
        f"goal: cost of a message flat from 1 to 1,000 agents: dearest {flat:.2f} times the cheapest: {_met(flat <= 1.25)}"
    )


def endurance(folder: Path, minutes: float) -> None:
    """Print how memory and journal go at full load, with the journal capped at 1 GiB."""
    with Processes() as running:
        port = port_of()
        broker(running, folder, port)
        process, _ = gateway(running, folder, port, 'keep_bytes = "1 GiB"')
        words = ("--agents", "100", "--seconds", str(60 * minutes), "--warm", "5", "--alarm-every", SELDOM)
        sender = load(port, *words, "--acks")
        assert sender.stdout is not None
        sender.stdout.readline()
        print(f"\n{minutes:g} minutes at full load from 100 agents, journal capped at 1 GiB")
        print(f"{'minute':>8}{'RSS, MiB':>10}{'journal, MiB':>14}")
        seen: list[tuple[float, float]] = []
        began = time.monotonic()
        while sender.poll() is None:
            files = (folder / "gateway/state").glob("journal.db*")
            size = sum(path.stat().st_size for path in files) / 2**20
            seen.append((psutil.Process(process.pid).memory_info().rss / 2**20, size))
            print(f"{(time.monotonic() - began) / 60:8.1f}{seen[-1][0]:10.1f}{size:14.0f}", flush=True)
            try:
                sender.wait(min(30.0, 6 * minutes))
            except subprocess.TimeoutExpired:
                continue
        said = json.loads(sender.stdout.readline())
        third = len(seen) // 3
        early, late = (statistics.median([one[0] for one in part]) for part in (seen[third : 2 * third], seen[-third:]))
        print(
            f"{said['acked'] / said['over']:.0f} messages/s; RSS {early:.1f} MiB in the second third, {late:.1f} in the last"
        )
        print(f"goal: memory flat: {_met(late <= early * 1.05)}; goal: journal at most 1 GiB and its WAL: ", end="")
        print(_met(max(one[1] for one in seen) <= 1024 + 128))


def _middle(each: list[Numbers], key: str) -> float:
    return statistics.median([one[key] for one in each])


def _spread(each: list[Numbers], key: str, digits: int) -> str:
    values = [one[key] for one in each]
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f}..{max(values):.{digits}f})"


def _met(good: bool) -> str:  # noqa: FBT001 - reads well where it is called
    return "met" if good else "NOT MET"
