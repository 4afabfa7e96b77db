# ruff: noqa: T201 - part of a script that prints its table
"""One agent with 200 devices of every kind, and the same with 20 more that are dead: what it costs, how late polls begin.

The agent has one core, all simulators the other. A dead host must not make a poll of another one late; a dead slave on a
serial bus may cost its neighbours one timeout in 30 s.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import devices_farm as sims
import farm
import ours
from farm import Footprint, Processes, port_of

UPSES = 60
PROBED = 20
GROUPS, PAIRS = 5, 5
WARM = 6.0
"""Seconds in which the agent walks the tables of all devices for the first time."""
APART = 30.0
"""Seconds in which a dead slave may cost its bus one timeout."""
GOAL_NOISE = 0.003
"""Seconds by which the p99 with dead hosts may differ before it counts as later."""
AGENT_CORE, SIMS_CORE = 0, 1
Round = dict[str, Any]


COMMUNITY = 'community = { file = "community" }'
Lines = Iterator[tuple[str, str]]
"""Id of a device, and its settings."""


def _snmp(where: dict[str, list[Any]], snmp: int) -> Lines:
    for index, address in enumerate(farm.addresses(UPSES)):
        yield f"ups-{index}", f'snmp = {{ host = "{address}", port = {snmp}, {COMMUNITY} }}'
    for kind, name in (("network", "switch"), ("environment", "card")):
        for number, address in enumerate(where[name]):
            host, _, port = address.partition(":")
            yield f"{name}-{number}", f'kind = "{kind}"\nsnmp = {{ host = "{host}", port = {port}, {COMMUNITY} }}'


def _bus(port: str, unit: int, profile: str) -> str:
    line = f'modbus = {{ port = "{port}", unit = {unit}, baudrate = 9600, parity = "N" }}'
    return f'profile = "{profile}"\npoll = "5s"\n{line}'


def _modbus(where: dict[str, list[Any]]) -> Lines:
    for bus, port in enumerate(where["bus"]):
        for unit in range(1, sims.SLAVES + 1):
            yield f"bus-{bus}-{unit}", _bus(port, unit, "xy-md02" if unit % 3 else "leixun")
    for number, address in enumerate(where["modbus"]):
        host, _, port = address.partition(":")
        for unit in range(1, sims.TCP_UNITS + 1):
            line = f'modbus = {{ host = "{host}", tcp_port = {port}, unit = {unit} }}'
            yield f"modbus-{number}-{unit}", f'profile = "xy-md02"\n{line}'


def _others(where: dict[str, list[Any]]) -> Lines:
    for number, address in enumerate(where["nut"]):
        host, _, port = address.partition(":")
        for index in range(sims.NUT_UPSES):
            yield f"nut-{number}-{index}", f'nut = {{ host = "{host}", port = {port}, ups = "ups{index}" }}'
    for index in range(PROBED):
        port = where["nut"][index % len(where["nut"])].partition(":")[2]
        asked = "ping = true" if index % 4 == 0 else f"tcp = [{port}]"
        yield f"host-{index}", f'poll = "2s"\nprobe = {{ host = "127.0.0.1", {asked} }}'
    for index in range(GROUPS):
        members = ", ".join(f'"ups-{index * 6 + one}"' for one in range(6))
        yield f"group-{index}", f"group = {{ members = [{members}], need = 5 }}"
    for index in range(PAIRS):
        members = f'"host-{2 * index}", "host-{2 * index + 1}"'
        said = 'active = { quantity = "x.contact", test = "above", setpoint = 0.5 }'
        yield f"pair-{index}", f"pair = {{ members = [{members}], {said} }}"


def _dead(where: dict[str, list[Any]]) -> Lines:
    for number, port in enumerate(where["dead"]):
        if number % 3:
            line = f'snmp = {{ host = "127.0.0.1", port = {port}, {COMMUNITY} }}'
            yield f"dead-{number}", f'profile = "rfc1628"\n{line}'
        else:
            line = f'modbus = {{ host = "127.0.0.1", tcp_port = {port} }}'
            yield f"dead-{number}", f'profile = "xy-md02"\n{line}'
    for bus, port in enumerate(where["bus"]):
        for unit in sims.DEAD_SLAVES:
            yield f"dead-bus-{bus}-{unit}", _bus(port, unit, "xy-md02")


def _settings(home: Path, where: dict[str, list[Any]], snmp: int, broker: int, *, dead: bool) -> str:
    """Return the agent's settings: 200 devices, and 20 dead ones."""
    (home / "community").write_text("public")
    devices = [*_snmp(where, snmp), *_modbus(where), *_others(where)]
    if len(devices) != 200:
        raise RuntimeError(f"{len(devices)} devices, not 200")
    devices += _dead(where) if dead else ()
    head = (
        f'[agent]\nsite = "bench"\nname = "devices"\nroom = "bench"\nstate = "{home}/state"\n'
        f'[broker]\nhost = "127.0.0.1"\nport = {broker}\n'
    )
    return head + "".join(f'[[device]]\nid = "{name}"\ntitle = "{name}"\n{lines}\n' for name, lines in devices)


class Farm:
    """The simulators, pinned to their core."""

    def __init__(self, processes: Processes, folder: Path) -> None:
        self.snmp = port_of()
        script = Path(__file__).with_name("devices_farm.py")
        os.sched_setaffinity(0, {SIMS_CORE})  # what is started now inherits it
        farm.start(processes, folder, self.snmp, UPSES)
        self.process = subprocess.Popen(
            [sys.executable, str(script), str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.where = json.loads(self._line())

    def _line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def asked(self) -> list[list[float]]:
        """Return when slaves that are not there were asked, bus by bus."""
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        found: list[list[float]] = json.loads(self._line())
        return found

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(10)


def _round(folder: Path, simulated: Farm, seconds: float, compared: float, *, dead: bool) -> Round:
    """Run an agent for a while; return what it cost, and when it polled in the first seconds, as many in every round."""
    home = folder / f"{'dead' if dead else 'plain'}-{len(list(folder.iterdir()))}"
    home.mkdir()
    with Processes() as processes:
        broker = port_of()
        os.sched_setaffinity(0, {SIMS_CORE})
        ours.mosquitto(processes, home, broker)
        ours.settle(0.3)
        ours.gateway(processes, home, "bench", broker, "http://127.0.0.1:9/", {})
        (home / "agent.toml").write_text(_settings(home, simulated.where, simulated.snmp, broker, dead=dead))
        os.sched_setaffinity(0, {AGENT_CORE})
        script = str(Path(__file__).with_name("devices_agent.py"))
        command = (sys.executable, script, str(home / "times"), "run", "--config", str(home / "agent.toml"))
        agent = processes.start(*command, log=home / "log")
        os.sched_setaffinity(0, {SIMS_CORE})
        ours.settle(WARM)
        begun, waited = time.monotonic(), _waited(agent.pid)
        cost = Footprint([agent.pid], seconds)
        end, waited = time.monotonic(), _waited(agent.pid) - waited
        agent.terminate()
        agent.wait(15)
    polls = [each for each in json.loads((home / "times").read_text()) if begun <= each[1] <= begun + compared]
    good = [each for each in polls if not each[0].startswith("dead-")]
    if len({each[0] for each in good}) < 200 - sims.SWITCHES - PROBED:
        raise RuntimeError(f"only {len({each[0] for each in good})} devices were polled: {home / 'log'}")
    timeouts = [[at for at in bus if begun <= at <= end] for bus in simulated.asked()]
    return {
        "cpu": cost.cpu,
        "rss": cost.rss,
        "waited": 100.0 * waited / (end - begun),
        "late": sorted(each[2] for each in good),
        "bus": sorted(each[3] for each in good if each[0].startswith("bus-")),
        "timeouts": max(len(bus) / len(sims.DEAD_SLAVES) for bus in timeouts),
        "seconds": seconds,
    }


def _waited(pid: int) -> float:
    """Return the seconds that a process was ready to run and had no core: what else runs on this machine."""
    stats = (task / "schedstat" for task in Path(f"/proc/{pid}/task").iterdir())
    return sum(int(each.read_text().split()[1]) for each in stats) / 1e9


def _at(values: list[float], part: float) -> float:
    """Return a quantile, in milliseconds."""
    return 1000.0 * values[min(len(values) - 1, int(len(values) * part))]


def _row(name: str, rounds: list[Round], value: Any, unit: str) -> list[float]:
    found = [value(each) for each in rounds]
    print(f"    {name:34} {statistics.median(found):8.1f} {unit:4} ({min(found):.1f}..{max(found):.1f})")
    return found


def report(folder: Path, rounds: int, seconds: float, last: float) -> None:
    """Print the table.

    Args:
        folder: takes what the processes write.
        rounds: of each of the two, by turns.
        seconds: that one is measured.
        last: the same, of the last round with dead devices, in which a dead slave's turn should come.
    """
    print(
        "\nOne agent, 200 devices: 80 UPSes (SNMP, NUT), 60 Modbus (30 on two serial buses), 30 SNMP cards and switches,"
    )
    print(
        "20 hosts from outside, 5 pairs, 5 groups; at their kinds' own intervals. One core each for agent and simulators."
    )
    before = os.sched_getaffinity(0)
    results: dict[bool, list[Round]] = {False: [], True: []}
    with Processes() as processes:
        simulated = Farm(processes, folder)
        try:
            for number in range(rounds):
                for dead in (False, True):
                    window = last if dead and number == rounds - 1 else seconds
                    results[dead].append(_round(folder, simulated, window, seconds, dead=dead))
        finally:
            simulated.close()
            os.sched_setaffinity(0, before)
    late: dict[bool, list[float]] = {}
    for dead, name in ((False, "200 devices"), (True, "the same, with 16 silent hosts and 4 dead slaves")):
        found = results[dead]
        print(f"  {name}")
        _row("CPU of the agent", found, lambda each: each["cpu"], "%")
        _row("ready, and others have the core", found, lambda each: each["waited"], "%")
        _row("memory (RSS)", found, lambda each: each["rss"], "MiB")
        _row("a poll begins late, p50", found, lambda each: _at(each["late"], 0.5), "ms")
        late[dead] = _row("a poll begins late, p99", found, lambda each: _at(each["late"], 0.99), "ms")
        _row("a poll begins late, at most", found, lambda each: _at(each["late"], 1.0), "ms")
        _row("a poll on a bus takes, p50", found, lambda each: _at(each["bus"], 0.5), "ms")
        _row("a poll on a bus takes, p99", found, lambda each: _at(each["bus"], 0.99), "ms")
    longest = max(results[True], key=lambda each: each["seconds"])
    allowed = max(1.0, longest["seconds"] / APART)
    noise = statistics.median(late[True]) <= max(
        max(late[False]) * 1.1, statistics.median(late[False]) + 1e3 * GOAL_NOISE
    )
    print(f"  goal: with dead hosts, p99 within the noise of the run without: {_met(noise)}")
    few = longest["timeouts"] <= allowed
    print(
        f"  goal: a dead slave costs its bus at most one timeout in {APART:g} s: {longest['timeouts']:.1f} "
        f"in {longest['seconds']:g} s: {_met(few)}"
    )


def _met(good: bool) -> str:  # noqa: FBT001 - reads well where it is called
    return "met" if good else "NOT MET"
