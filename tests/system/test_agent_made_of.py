"""A whole agent on a real broker: a pair and a group of its own devices, and an outage that outlives the agent's process."""

import functools
import shutil
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
import rooms
from rooms import MOSQUITTO, Listening

from contract import settings
from contract.message import Alarms, Readings, decode
from firmware_sims import site
from firmware_sims.faults import Fault

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(shutil.which(MOSQUITTO) is None, reason="needs Debian's mosquitto: see tests/packages.sh"),
]
LIMIT = 40.0
until = functools.partial(rooms.until, limit=LIMIT)
NAMES = ("one", "two", "three")
SITE = settings.load(
    site.SiteSettings,
    "".join(f'[[ups]]\nname = "{name}"\nface = "rfc1628"\n' for name in NAMES),
    file="site.toml",
)


class Ear(Listening):
    """Hears what the agent says, and acknowledges it as a gateway would."""

    def __init__(self, port):
        self.last = {}
        self.raised = {}
        super().__init__(port)

    def _heard(self, kind, payload):
        if kind == "readings":
            heard = decode(Readings, payload)
            for quantity, value in heard.values.items():
                self.last[heard.device, quantity] = value
        elif kind == "alarms":
            heard = decode(Alarms, payload)
            self.raised[heard.occurrence.device, heard.occurrence.condition] = heard.occurrence.active
        else:
            return
        self._acknowledge(heard)

    def said(self, device, quantity):
        return self.last.get((device, quantity))


def written(folder, broker, devices):
    tables = [f'[agent]\nsite = "hq"\nname = "room"\nstate = "state"\n[broker]\nhost = "127.0.0.1"\nport = {broker}\n']
    (folder / "public").write_text("public")
    for name in NAMES:
        port = devices[name].address.rpartition(":")[2]
        how = f'host = "127.0.0.1", port = {port}, community = {{ file = "public" }}, timeout = "300ms", retries = 0'
        tables.append(f'[[device]]\nid = "{name}"\npoll = "200ms"\nslow = "1s"\npromise = "5h"\nsnmp = {{ {how} }}\n')
    command = folder / "who"
    command.write_text(f"#!/bin/sh\ncat {folder}/active\n")
    command.chmod(command.stat().st_mode | stat.S_IXUSR)
    (folder / "active").write_text("one")
    tables.append(f"""
[[device]]
id = "hosts"
poll = "300ms"
[device.pair]
members = ["one", "two"]
active = {{ command = ["{command}"] }}
settle = "1s"
lost_after = "2s"

[[device]]
id = "seats"
poll = "300ms"
[device.group]
members = ["one", "two"]
spares = ["three"]
lost_after = "2s"
[[device.condition]]
name = "group-degraded"
on_delay = "0s"
""")
    (folder / "agent.toml").write_text("\n".join(tables))
    return folder / "agent.toml"


class Agent:
    def __init__(self, config, log):
        command = Path(sys.executable).parent / "wolfsmoke-agent"
        with log.open("ab") as out:
            self.process = subprocess.Popen([command, "run", "--config", config], stderr=out)

    def end(self, how):
        how(self.process)
        self.process.wait(LIMIT)


async def test_a_pair_and_a_group_are_judged_and_the_clock_of_an_outage_outlives_a_kill(tmp_path, broker):
    ear, log = Ear(broker), tmp_path / "log"
    async with site.running(SITE, time.monotonic, tmp_path) as devices:
        config = written(tmp_path, broker, devices)
        agent = Agent(config, log)
        try:
            await until(lambda: ear.said("hosts", "pair.active") == "one", "the active host is known")
            healthy = ("REDUNDANT", "SERVING", "SINGLE")
            await until(lambda: ear.said("hosts", "pair.status") == healthy, "and the other one is heard")
            await until(lambda: ear.said("seats", "group.ready") == 3.0, "all are ready")
            assert ear.said("one", "x.battery.elapsed") == 0.0
            assert ear.said("one", "x.battery.runtime.learned") > 0.0

            await devices["one"].set_fault(Fault.SILENCE)
            await until(lambda: ear.raised.get(("seats", "group-degraded")), "one is down")
            await until(
                lambda: ear.said("seats", "group.takeover") == "one → three", "who takes over: alarms are faster"
            )
            (tmp_path / "active").write_text("two")
            await until(lambda: ear.raised.get(("hosts", "pair-switched")), "they changed places")
            await until(lambda: ear.said("hosts", "pair.active") == "two", "who is active now")
            await devices["one"].set_fault(Fault.NONE)
            await until(lambda: ear.raised.get(("seats", "group-degraded")) is False, "it is back")
            await until(lambda: "REDUNDANT" in ear.said("hosts", "pair.status"), "so is the redundancy")

            devices["two"].ups.cut()
            await until(lambda: (ear.said("two", "x.battery.elapsed") or 0.0) > 2.0, "our clock runs")
            agent.end(subprocess.Popen.kill)
            before = ear.said("two", "x.battery.elapsed")
            assert sorted(each.name for each in (tmp_path / "state").glob("*.json")) == [
                "battery-two.json",
                "group-seats.json",
                "pair-hosts.json",
            ]
            ear.last.clear()
            agent = Agent(config, log)
            await until(lambda: ear.said("two", "x.battery.elapsed") is not None, "it is read again")
            assert ear.said("two", "x.battery.elapsed") > before
            assert ear.said("hosts", "pair.switches") == 1.0 or ear.said("hosts", "pair.switches") is None
            devices["two"].ups.restore()
            await until(lambda: ear.said("two", "x.battery.elapsed") == 0.0, "mains is back")
        finally:
            agent.end(subprocess.Popen.terminate)
            ear.close()
    assert "Traceback" not in log.read_text()
