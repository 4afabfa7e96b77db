# ruff: noqa: T201 - a script that prints its table
"""``make bench``: our figures next to the peers', in interleaved rounds on the same simulated UPSes.

Trust the ratios; the absolute figures are this machine's. A peer that is not installed is shown as absent.

usage: run.py [--rounds N] [--quick] [--only footprint|latency|ingest|endurance|backlog|cold|flash|devices|decisions]
"""

import argparse
import http.server
import json
import random
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import backlog
import cold
import decisions
import devices
import farm
import flash
import ingest
import ours
import peers
from farm import Footprint, Processes, port_of

UPSES = 50
POLL = 1.0
PAGE_AFTER = 30.0
"""Seconds: clause 3.1.1's, as shipped."""
GOAL_MEMORY, GOAL_MEMORY_PYSNMP = 45.0, 70.0
"""MiB."""
NUT_PERIOD = 30.0
"""Seconds between two full polls of NUT's driver by default."""
NUTS = 4
"""NUT stacks at their defaults, each with its own phase: four samples a flip."""
Pids = list[int] | None
Contender = Callable[[Processes, Path, int], Pids]


class Receiver:
    """Takes the messages: by HTTP, and the lines that NUT's command writes. Remembers the first since ``arm``."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, bool], float] = {}
        self._changed = threading.Condition()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                now = time.time()
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()
                words = json.loads(body)
                if "status" in words:  # Alertmanager
                    receiver.note(self.path, battery=words["status"] == "firing", at=now)
                else:  # wolfsmoke
                    receiver.note(self.path, battery=words["purpose"] != "recovery", at=now)

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/{name}"

    def follow(self, name: str, events: Path) -> None:
        def tail() -> None:
            with events.open() as lines:
                rest = ""
                while True:
                    rest += lines.readline()
                    if not rest.endswith("\n"):
                        time.sleep(0.005)  # noqa: TID251 - another process's file
                        continue
                    kind, at = rest.split()
                    rest = ""
                    if kind in ("ONBATT", "ONLINE"):
                        self.note(f"/{name}", battery=kind == "ONBATT", at=float(at))

        threading.Thread(target=tail, daemon=True).start()

    def note(self, path: str, *, battery: bool, at: float) -> None:
        with self._changed:
            self._seen.setdefault((path.removeprefix("/"), battery), at)
            self._changed.notify_all()

    def arm(self) -> None:
        with self._changed:
            self._seen.clear()

    def wait(self, names: list[str], *, battery: bool, limit: float) -> dict[str, float]:
        """Return when each heard of it; who has not within the limit is missing."""
        with self._changed:
            self._changed.wait_for(lambda: all((name, battery) in self._seen for name in names), limit)
            return {name: self._seen[name, battery] for name in names if (name, battery) in self._seen}


# What polling costs


def _ours(device: str, part: str, *, poll: str = "1s", engine: str = "gufo") -> Contender:
    def start(processes: Processes, folder: Path, port: int) -> Pids:
        broker = port_of()
        mosquitto = ours.mosquitto(processes, folder, broker)
        if mosquitto is None:
            return None
        ours.settle(0.3)
        gateway = ours.gateway(processes, folder, "bench", broker, "http://127.0.0.1:9/", {})
        agent = ours.agent(processes, folder, "bench", broker, port, UPSES, device, poll=poll, engine=engine)
        return {"agent": [agent], "gateway": [gateway], "broker": [mosquitto]}[part]

    return start


def _collectd_mqtt(processes: Processes, folder: Path, port: int) -> Pids:
    broker = port_of()
    if ours.mosquitto(processes, folder, broker) is None:
        return None
    ours.settle(0.3)
    return peers.collectd(processes, folder, port, UPSES, POLL, broker)


def _exporter(processes: Processes, folder: Path, port: int) -> Pids:
    ports = (port_of(), port_of(), port_of())
    started = peers.prometheus(processes, folder, port, UPSES, ports, "http://127.0.0.1:9/")
    return None if started is None else started[0]


AGENT, COLLECTD = "wolfsmoke agent (status, charge each 1 s; all each 30 s)", "collectd, snmp (17 numbers each 1 s)"
PYSNMP = "(beside) wolfsmoke agent, engine pysnmp (each 5 s)"
CONTENDERS: dict[str, Contender] = {
    AGENT: _ours("", "agent"),
    COLLECTD: lambda processes, folder, port: peers.collectd(processes, folder, port, UPSES, POLL),
    "wolfsmoke agent (everything each 1 s)": _ours('slow = "1s"', "agent"),
    "collectd, snmp, sent on by its mqtt plugin": _collectd_mqtt,
    "prometheus snmp_exporter (scraped each 1 s)": _exporter,
    "NUT: 50 snmp-ups, upsd, upsmon (1 s)": lambda processes, folder, port: peers.nut(
        processes, folder, port, UPSES, port_of(), pollfreq=0, pollinterval=1, upsmon=1
    ),
    PYSNMP: _ours("", "agent", poll="5s", engine="pysnmp"),
    "(beside) wolfsmoke gateway of these 50": _ours("", "gateway"),
}


def footprint(folder: Path, rounds: int, window: float, settle: float) -> None:
    """Print what polling 50 UPSes costs, contender by contender."""
    results: dict[str, list[Footprint]] = {name: [] for name in CONTENDERS}
    with Processes() as simulated:
        port = port_of()
        farm.start(simulated, folder, port, UPSES)
        for number in range(rounds):
            for index, (name, start) in enumerate(CONTENDERS.items()):
                home = folder / f"round{number}-{index}"
                home.mkdir()
                with Processes() as running:
                    pids = start(running, home, port)
                    if pids is None:
                        continue
                    ours.settle(settle)
                    results[name].append(Footprint(pids, window))
                ours.alive(home)
    print(f"\nPolling {UPSES} UPSes each second ({rounds} rounds of {window:g} s; median, min..max)")
    print(f"{'':60}{'CPU, % of a core':>24}{'x collectd':>12}{'RSS, MiB':>24}")
    reference = [one.cpu for one in results[COLLECTD]]
    for name, each in results.items():
        if not each:
            print(f"{name:60}{'absent: not installed':>24}")
            continue
        cpu, rss = [one.cpu for one in each], [one.rss for one in each]
        print(f"{name:60}{_spread(cpu):>24}{_ratio(cpu, reference):>12}{_spread(rss, 1):>24}")
    agent = results[AGENT]
    if agent and reference:
        ratio = _middle([one.cpu for one in agent]) / _middle(reference)
        print(f"goal: the agent's CPU at most collectd's: {ratio:.2f} times: {_met(ratio <= 1)}")
    for what, row, most in (("memory", AGENT, GOAL_MEMORY), ("memory with pysnmp", PYSNMP, GOAL_MEMORY_PYSNMP)):
        if results[row]:
            memory = _middle([one.rss for one in results[row]])
            print(f"goal: the agent's {what} at most {most:g} MiB: {memory:.1f}: {_met(memory <= most)}")


# How soon a flip is told

TUNED, DEFAULT = "wolfsmoke, poll 1 s, page_after 0 s", "wolfsmoke defaults, page_after 30 s left out"
NUT_TUNED, PROMETHEUS = "NUT, all at 1 s", "prometheus + alertmanager, all at 1 s"
NUT_DEFAULT = "NUT defaults (pollfreq 30, pollinterval 2, upsmon 5)"
QUICKLY = {"page_after": "0s", "check_after": "1s", "closes": "itself"}
"""So that one flip after the other is an incident of its own."""


def latency(folder: Path, flips: int, slow_flips: int) -> None:
    """Print how long a flip to battery takes to the receiver."""
    receiver = Receiver()
    delays: dict[str, list[float]] = {name: [] for name in (TUNED, PROMETHEUS, NUT_TUNED, DEFAULT, NUT_DEFAULT)}
    missed = dict.fromkeys(delays, 0)
    with Processes() as running:
        port, broker = port_of(), port_of()
        farm.start(running, folder, port, 1)
        quick: dict[str, str] = {}
        slow: dict[str, str] = {}
        if ours.mosquitto(running, folder, broker) is not None:
            ours.settle(0.3)
            ours.gateway(running, folder, "tuned", broker, receiver.url("tuned"), QUICKLY)
            mains_at_once = '[[device.condition]]\nname = "on-battery"\noff_delay = "0s"'
            ours.agent(running, folder, "tuned", broker, port, 1, mains_at_once)
            quick["tuned"] = TUNED
            later = {key: value for key, value in QUICKLY.items() if key != "page_after"}
            ours.gateway(running, folder, "default", broker, receiver.url("default"), later)
            ours.agent(running, folder, "default", broker, port, 1)
            slow["default"] = DEFAULT
        if peers.prometheus(running, folder, port, 1, (port_of(), port_of(), port_of()), receiver.url("prometheus")):
            quick["prometheus"] = PROMETHEUS
        nuts = [("nut", NUT_TUNED, (0, 1, 1)), *((f"nut{number}", NUT_DEFAULT, (30, 2, 5)) for number in range(NUTS))]
        for name, row, (pollfreq, pollinterval, upsmon) in nuts:
            home = folder / name
            home.mkdir()
            started = peers.nut(
                running, home, port, 1, port_of(), pollfreq=pollfreq, pollinterval=pollinterval, upsmon=upsmon
            )
            if started is not None:
                receiver.follow(name, home / "nut-events")
                (quick if row == NUT_TUNED else slow)[name] = row
            ours.settle(random.uniform(0.5, 2.5))
        ours.settle(8)
        # The slow ones first: many quick flips in a row are one long outage to who waits 5 s for mains to stay.
        for wanted, count, limit, period in ((slow, slow_flips, 60.0, NUT_PERIOD), (quick, flips, 8.0, POLL)):
            for phase in _phases(count):
                ours.settle((phase * period - time.time()) % period)
                _flip(receiver, port, wanted, limit, delays, missed)
        ours.alive(folder)
    _print_latency(delays, missed, flips, slow_flips)


def _phases(count: int) -> list[float]:
    """Return random fractions of a period that cover it evenly, in random order."""
    phases = [(number + random.random()) / count for number in range(count)]
    random.shuffle(phases)
    return phases


def _flip(
    receiver: Receiver,
    port: int,
    wanted: dict[str, str],
    limit: float,
    delays: dict[str, list[float]],
    missed: dict[str, int],
) -> None:
    """Cut the mains, note who heard when; restore it, and wait until all have got over it."""
    receiver.arm()
    at = farm.flip(port, farm.ON_BATTERY)
    heard = receiver.wait(list(wanted), battery=True, limit=limit)
    for name, row in wanted.items():
        if name in heard:
            delays[row].append(heard[name] - at - (PAGE_AFTER if row == DEFAULT else 0.0))
        else:
            missed[row] += 1
    ours.settle(random.uniform(0.5, 1.5))
    receiver.arm()
    farm.flip(port, farm.ON_LINE)
    receiver.wait(list(wanted), battery=False, limit=limit)
    ours.settle(7.0 if DEFAULT in wanted.values() else 2.0)  # the cause is checked, the incident closed


def _print_latency(delays: dict[str, list[float]], missed: dict[str, int], flips: int, slow_flips: int) -> None:
    print(
        f"\nFlip of a UPS to battery -> message at the receiver, seconds ({flips} and {slow_flips} flips, evenly spread phases)"
    )
    print(f"{'':60}{'n':>4}{'median (min..max)':>26}{'missed':>8}")
    for row, each in delays.items():
        if not each:
            print(f"{row:60}{'absent: not installed' if not missed[row] else f'all {missed[row]} missed':>30}")
            continue
        print(f"{row:60}{len(each):>4}{_spread(each):>26}{missed[row]:>8}")
    if delays[TUNED]:
        median, most = _middle(delays[TUNED]), POLL / 2 + 0.05
        print(
            f"goal: median at most half the poll interval + 50 ms = {most:.2f} s: {median:.3f}: {_met(median <= most)}"
        )
    if delays[DEFAULT] and delays[NUT_DEFAULT]:
        sooner = _middle(delays[NUT_DEFAULT]) / _middle(delays[DEFAULT])
        print(f"goal: defaults at least 10 times sooner than NUT's: {sooner:.1f} times: {_met(sooner >= 10)}")
        print(f"      (a person is told {PAGE_AFTER:g} s later by default; board and sirens do not wait for it)")


def _middle(values: list[float]) -> float:
    return statistics.median(values)


def _spread(values: list[float], digits: int = 2) -> str:
    return f"{_middle(values):.{digits}f} ({min(values):.{digits}f}..{max(values):.{digits}f})"


def _ratio(values: list[float], reference: list[float]) -> str:
    return f"{_middle(values) / _middle(reference):.2f}" if reference else "-"


def _met(good: bool) -> str:  # noqa: FBT001 - reads well where it is called
    return "met" if good else "NOT MET"


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="of the footprints")
    parser.add_argument("--quick", action="store_true", help="under three minutes, and less sure")
    parts = ("footprint", "latency", "ingest", "endurance", "backlog", "cold", "flash", "devices", "decisions")
    parser.add_argument("--only", choices=parts)
    parser.add_argument("--minutes", type=float, default=10.0, help="of the endurance")
    parser.add_argument("--hours", type=float, default=72.0, help="of the backlog")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="wolfsmoke-bench-") as name:
        for part in parts:
            if asked.only not in (None, part):
                continue
            folder = Path(name) / part
            folder.mkdir()
            match part:
                case "footprint":
                    footprint(folder, *((1, 5.0, 4.0) if asked.quick else (asked.rounds, 10.0, 6.0)))
                case "latency":
                    latency(folder, *((8, 1) if asked.quick else (40, 4)))
                case "ingest":
                    ingest.report(folder, *((1, 6.0) if asked.quick else (asked.rounds, 15.0)))
                case "endurance":
                    ingest.endurance(folder, 1.0 if asked.quick else asked.minutes)
                case "cold":
                    cold.report(folder, 200_000 if asked.quick else 10_000_000)
                case "flash":
                    flash.report(folder)
                case "devices":
                    devices.report(folder, *((1, 6.0, 6.0) if asked.quick else (3, 8.0, 31.0)))
                case "decisions":
                    decisions.part(quick=asked.quick)
                case "backlog":
                    backlog.report(folder, 2.0 if asked.quick else asked.hours, Receiver())


if __name__ == "__main__":
    main()
