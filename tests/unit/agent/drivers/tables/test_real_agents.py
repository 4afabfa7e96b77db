"""Real agents: net-snmp's snmpd with HOST-RESOURCES-MIB and IF-MIB, and keepalived with its own MIB and the RFCs'."""

import asyncio
import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from agent.drivers.base import Lane
from agent.links.snmp import SnmpTarget
from agent.links.snmp_engines import open_link
from agent.ways import from_url
from contract.errors import DeviceError

UPTIME = "1.3.6.1.2.1.1.3.0"
SPACE = "wolfsmoke-vrrp"


def program(name: str) -> str:
    found = shutil.which(name, path="/usr/sbin:/usr/local/sbin:/usr/bin:/sbin")
    if found is None:
        pytest.skip(f"{name} is not installed (Debian package {name})")
    return found


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def snmpd(tmp_path_factory):
    folder = tmp_path_factory.mktemp("snmpd")
    port = free_port()
    (folder / "conf").write_text(f"agentAddress udp:127.0.0.1:{port}\nrocommunity public 127.0.0.1\n")
    process = subprocess.Popen(
        [program("snmpd"), "-f", "-C", "-c", folder / "conf", "-Lf", folder / "log", "-r"],
        env={"SNMP_PERSISTENT_DIR": str(folder / "state"), "MIBS": "", "PATH": "/usr/sbin:/usr/bin"},
    )
    try:
        asyncio.run(up(port))
        yield port
    finally:
        process.terminate()
        process.wait(10)


async def up(port: int) -> None:
    deadline = time.monotonic() + 20
    link = open_link(SnmpTarget(host="127.0.0.1", port=port, community="public", timeout=0.5))
    while True:
        try:
            await link.get((UPTIME,))
        except DeviceError:
            assert time.monotonic() < deadline, "snmpd does not start"
        else:
            await link.close()
            return


async def read(port: int, kind: str, options: str = "") -> dict:
    driver = from_url(f"snmp://public@127.0.0.1:{port}?timeout=5{options}", kind=kind)
    try:
        return {reading.quantity: reading.value for reading in await driver.read() if reading.good}
    finally:
        await driver.close()


async def test_the_load_of_this_host_comes_though_the_agent_has_just_begun(snmpd):
    driver = from_url(f"snmp://public@127.0.0.1:{snmpd}?timeout=5", kind="host")
    deadline = time.monotonic() + 60
    load = None
    while load is None:
        assert time.monotonic() < deadline
        load = next(one.value for one in await driver.read(Lane.FAST) if one.quantity == "host.cpu.load")
        await asyncio.sleep(0.5)
    assert 0 <= load <= 100
    await driver.close()


def this_host() -> dict[str, float]:
    """Return what the kernel says."""
    memory = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    return {
        "memory": int(memory["MemTotal"].split()[0]) * 1024,
        "uptime": float(Path("/proc/uptime").read_text().split()[0]),
        "processes": sum(entry.name.isdigit() for entry in Path("/proc").iterdir()),
    }


@pytest.mark.parametrize("engine", ["gufo", "pysnmp"])
async def test_this_host_from_outside_is_as_it_is_from_inside(snmpd, engine):
    said = await read(snmpd, "host", f"&engine={engine}")
    inside = this_host()
    assert said["host.memory.total"] == pytest.approx(inside["memory"], rel=0.01)
    assert 0 < said["host.memory.used"] < 100
    assert said["host.uptime"] == pytest.approx(inside["uptime"], abs=120)
    assert abs(said.get("host.clock.offset", 0.0)) <= 2.0  # not said where this host's own clock cannot be believed
    assert said["host.processes"] == pytest.approx(inside["processes"], rel=0.5)
    root = next(number for number in range(1, 99) if said.get(f"host.disk.{number}.name") == "/")
    usage = shutil.disk_usage("/")
    assert said[f"host.disk.{root}.size"] == pytest.approx(usage.total, rel=0.05)
    assert said[f"host.disk.{root}.used"] == pytest.approx(100 * usage.used / usage.total, abs=10)
    assert said["host.disk.used.maximum"] >= said[f"host.disk.{root}.used"]


@pytest.mark.parametrize("engine", ["gufo", "pysnmp"])
async def test_its_interfaces(snmpd, engine):
    said = await read(snmpd, "network", f"&ports=lo&engine={engine}")
    assert said["x.port.status"] == ()
    number = next(number for number in range(1, 99) if said.get(f"x.port.{number}.name") == "lo")
    assert said[f"x.port.{number}.status"] == "up"
    assert said["x.restarts"] == 0


KEEPALIVED = """\
global_defs {
  router_id test
  enable_snmp_vrrp
  enable_snmp_rfc
}
vrrp_instance VI_1 {
  state BACKUP
  interface v0
  virtual_router_id 51
  priority 150
  advert_int 1
  virtual_ipaddress { 10.99.0.10/24 }
}
vrrp_instance VI_2 {
  state BACKUP
  interface v1
  virtual_router_id 52
  priority 100
  advert_int 1
  virtual_ipaddress { 10.99.1.10/24 }
}
"""


def wait(process: subprocess.Popen, seconds: float) -> None:
    """Wait for a while, or for a process that must not end."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        pytest.fail(f"it ended with {process.wait(seconds)}")


@pytest.fixture
def keepalived(tmp_path):
    """Run keepalived and snmpd in a network of their own; yield what runs a command in it."""
    ip = program("ip")
    daemons = [program("snmpd"), program("keepalived")]
    space = f"{SPACE}-{os.getpid()}"
    inside = [ip, "netns", "exec", space]
    if subprocess.run([ip, "netns", "add", space], capture_output=True).returncode:
        pytest.skip("network namespaces need root")
    processes: list[subprocess.Popen] = []
    try:
        for command in (
            "link set lo up",
            "link add v0 type veth peer name v1",
            "addr add 10.99.0.1/24 dev v0",
            "link set v0 up",
            "link set v1 up",
        ):
            subprocess.run([*inside, ip, *command.split()], check=True, capture_output=True)
        agentx = tmp_path / "agentx"
        (tmp_path / "snmpd.conf").write_text(
            f"agentAddress udp:127.0.0.1:1161\nrocommunity public 127.0.0.1\nmaster agentx\nagentXSocket {agentx}\n"
        )
        (tmp_path / "keepalived.conf").write_text(KEEPALIVED)
        environment = {"SNMP_PERSISTENT_DIR": str(tmp_path / "state"), "MIBS": "", "PATH": "/usr/sbin:/usr/bin"}
        snmp = [daemons[0], "-f", "-C", "-c", tmp_path / "snmpd.conf", "-Lf", tmp_path / "snmpd.log", "-r"]
        processes.append(subprocess.Popen([*inside, *snmp], env=environment))
        deadline = time.monotonic() + 20
        while not agentx.exists():
            assert time.monotonic() < deadline, "snmpd does not start"
            wait(processes[0], 0.1)
        vrrp = ["-n", "-l", "-x", "-A", agentx, "-f", tmp_path / "keepalived.conf"]
        vrrp += ["-p", tmp_path / "main.pid", "-r", tmp_path / "vrrp.pid"]
        with (tmp_path / "keepalived.log").open("w") as log:
            processes.append(subprocess.Popen([*inside, daemons[1], *vrrp], env=environment, stdout=log, stderr=log))
        yield inside
    finally:
        for process in reversed(processes):
            process.terminate()
            process.wait(15)
        subprocess.run([ip, "netns", "del", space], capture_output=True)


def vrrp_said(inside: list[str], profile: str) -> dict:
    """Read by the command, from within that network."""
    url = f"snmp://public@127.0.0.1:1161?timeout=3&vrrp={profile}"
    done = subprocess.run(
        [*inside, sys.executable, "-m", "agent", "read", url, "--kind", "network", "--json"],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=Path(__file__).resolve().parents[5],
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_keepalived_says_who_is_master(keepalived):
    deadline = time.monotonic() + 30
    while "master" not in (said := json.dumps(vrrp_said(keepalived, "VI_1"))):
        assert time.monotonic() < deadline, said
    assert "fault" in said  # VI_2 has no address on its interface
    assert "VI_2" in said
