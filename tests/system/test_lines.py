"""Whose fault is it: a line through a real router and a real carrier's hop, broken in each place, by the kernel itself.

Namespaces, iptables, a shim that delays and drops; dnsmasq, nginx and sshd at the far end. Without the right to make
namespaces these skip.
"""

import shutil
import subprocess
import sys
import threading

import pytest
from faults.ground import run
from wan import ground as grounds
from wan.ground import FAR, FAR6, GATEWAY, GATEWAY6, HOP, HOP6, Ground, Lines, Reader

pytestmark = [pytest.mark.system, pytest.mark.timeout(90)]
WHY = grounds.unable()
if WHY:
    pytest.skip(WHY, allow_module_level=True)
needs_dnsmasq = pytest.mark.skipif(shutil.which("dnsmasq") is None, reason="dnsmasq (dnsmasq-base) is not installed")

PINGS = f'"ping://{FAR[0]}", "ping://{FAR[1]}"'
LINE = f"""
carrier = "telecom"
interface = "eth1"
gateway = "{GATEWAY}"
count = 2
window = "10s"
"""
UPS = {"x.contact": 1.0, "ups.status": ["OL"]}


@pytest.fixture
def ground():
    made = Ground()
    try:
        made.build()
        yield made
    finally:
        made.close()


@pytest.fixture
def line(ground):
    """Starts a line; ``more`` is added to its settings."""

    def started(more="", *, probes="", **options):
        return Reader(ground, f"{LINE}probes = [{PINGS}{probes}]\n{more}", **options)

    return started


def good(reader, **neighbours):
    said = reader.poll(**neighbours)
    assert said["x.line.status"] == ["UP"], said
    return said


def verdict(said):
    return said["x.selfcheck.verdict"], said["x.selfcheck.findings"]


def test_a_good_line_is_up_and_its_way_is_learned(line):
    reader = line()
    good(reader)
    said = good(reader)
    assert said["x.line.loss"] == 0
    assert 0 < said["x.line.delay"] < 50
    assert said["x.line.hop.address"] == HOP
    assert said["x.selfcheck.verdict"] == "none"
    assert "x.selfcheck.findings" not in said


def test_a_trunk_that_is_cut_is_the_carriers(ground, line):
    reader = line()
    good(reader)
    ground.trunk(loss=1.0)
    said = reader.poll()
    assert said["x.line.status"] == ["DOWN", "WHY-CARRIER"], said
    assert said["x.line.1.answers"] == 0
    name, found = verdict(said)
    assert name == "carrier"
    assert f"gateway ok {GATEWAY}" in found
    assert f"hop bad {HOP} no-answer" in found
    assert "far bad 0/2" in found
    ground.trunk()
    assert {"UP", "DOWN"} & set(reader.poll()["x.line.status"]) == {"UP"}


def test_a_cut_behind_the_carriers_hop_is_the_carriers_too(ground, line):
    reader = line()
    good(reader)
    ground.ip("carrier", "link", "set", "peer", "down")
    said = reader.poll()
    assert said["x.line.status"] == ["DOWN", "WHY-CARRIER"], said
    assert "hop ok" in said["x.selfcheck.findings"]


def test_with_all_far_targets_at_one_place_it_is_the_far_ends(ground, line):
    reader = line('far_ends = "together"')
    good(reader)
    ground.ip("far", "link", "set", "beyond", "down")
    said = reader.poll()
    assert said["x.line.status"] == ["DOWN", "WHY-FAR-END"], said


def test_a_router_that_is_dead_is_ours(ground, line):
    reader = line()
    good(reader)
    ground.iptables("cpe", "-t", "mangle", "-A", "PREROUTING", "-j", "DROP")
    said = reader.poll()
    assert said["x.line.status"] == ["DOWN", "NO-GATEWAY", "WHY-EQUIPMENT"], said
    assert "port ok eth1 up" in said["x.selfcheck.findings"]


@pytest.mark.parametrize("status", [["OB", "OFF"], ["OB"]])
def test_a_router_whose_ups_gave_up_has_no_power(ground, line, status):
    reader = line('power = { device = "ups-1" }')
    good(reader, **{"ups-1": UPS})
    ground.iptables("cpe", "-t", "mangle", "-A", "PREROUTING", "-j", "DROP")
    said = reader.poll(**{"ups-1": UPS | {"ups.status": status}})
    assert said["x.line.status"] == ["DOWN", "NO-GATEWAY", "WHY-POWER"], said


def test_a_cable_that_is_out_is_the_local_port(ground, line):
    reader = line('power = { device = "ups-1" }')
    good(reader, **{"ups-1": UPS})
    ground.ip("cpe", "link", "set", "lan", "down")
    said = reader.poll(**{"ups-1": UPS})
    assert said["x.line.status"] == ["DOWN", "NO-GATEWAY", "WHY-PORT"], said
    assert "port bad eth1 no-carrier" in said["x.selfcheck.findings"]


def test_a_switch_port_that_is_down_is_the_local_port(ground, line):
    reader = line('port = { device = "switch", name = "Gi0/24" }')
    port = {"x.contact": 1.0, "x.port.7.name": "Gi0/24", "x.port.7.up": 1.0, "x.port.8.up": 1.0}
    good(reader, switch=port)
    ground.iptables("cpe", "-t", "mangle", "-A", "PREROUTING", "-j", "DROP")
    said = reader.poll(switch=port | {"x.port.7.up": 0.0})
    assert said["x.selfcheck.verdict"] == "local-port", said


def test_an_interface_that_is_gone_is_unprobed_not_down(ground, line):
    reader = line()
    good(reader)
    ground.ip("site", "link", "set", "eth1", "name", "eth9")  # as a USB modem that comes back under another name
    said = reader.poll()
    assert said["x.line.status"] == ["UNPROBED", "WHY-PORT"], said
    assert said["x.line.1.answers"] is None
    assert "no interface eth1" in said["x.line.1.says"]
    assert "port bad eth1 missing" in said["x.selfcheck.findings"]


def test_an_interface_that_is_switched_off_is_the_local_port(ground, line):
    reader = line()
    good(reader)
    ground.ip("site", "link", "set", "eth1", "down")
    said = reader.poll()
    assert said["x.line.status"] == ["DOWN", "NO-GATEWAY", "WHY-PORT"], said


def test_a_line_that_loses_behind_our_router_is_the_carriers(ground, line):
    reader = line()
    good(reader)
    ground.trunk(loss=0.17)
    said = polled_until(reader, "DEGRADED", "WHY-CARRIER")
    assert 10 < said["x.line.loss"] < 70


def test_a_line_that_loses_on_the_way_to_our_router_is_ours(ground, line):
    reader = line()
    good(reader)
    words = ("-i", "lan", "-m", "statistic", "--mode", "random", "--probability", "0.3", "-j", "DROP")
    ground.iptables("cpe", "-t", "mangle", "-A", "PREROUTING", *words)
    said = polled_until(reader, "DEGRADED", "WHY-EQUIPMENT")
    assert said["x.line.gateway.loss"] > 10


def test_a_line_that_delays_is_degraded(ground, line):
    reader = line("[degraded]\ndelay = 200")
    good(reader)
    ground.trunk(delay=0.15)
    said = polled_until(reader, "DEGRADED")
    assert 290 < said["x.line.delay"] < 500
    assert said["x.selfcheck.verdict"] == "carrier"


def test_one_far_target_that_is_silent_is_no_line_that_is_down(ground, line):
    reader = line()
    good(reader)
    ground.ip("far", "addr", "del", f"{FAR[1]}/32", "dev", "lo")
    reader.poll()
    said = reader.poll()
    assert said["x.line.status"] == ["NO-TARGET", "UP", "WHY-FAR-END"], said
    assert said["x.line.loss"] == 0


@needs_dnsmasq
def test_a_name_server_that_is_dead_is_dns(ground, line):
    server = dnsmasq(ground)
    reader = line(probes=f', "dns://{FAR[0]}/www.example.test"')
    said = good(reader)
    assert said["x.line.3.says"] == "203.0.113.80"
    ground.end(server)
    said = reader.poll()
    assert said["x.line.status"] == ["NO-DNS", "UP", "WHY-DNS"], said


def dnsmasq(ground):
    """Start a name server at the far end, and wait until it answers."""
    words = ("--keep-in-foreground", "--no-resolv", "--no-hosts", "--conf-file=/dev/null", "--pid-file=", "--user=root")
    names = "--address=/www.example.test/203.0.113.80"
    process = ground.start("far", "dnsmasq", *words, "--bind-interfaces", f"--listen-address={FAR[0]}", names)
    listens(ground, "udp", 53)
    return process


def listens(ground, kind, port, place="far"):
    """Wait until something listens in a place."""
    for _ in range(100):
        words = [*ground.enter(place), "ss", "-Hln", f"--{kind}", "sport", "=", f":{port}"]
        if subprocess.run(words, capture_output=True, text=True, check=True).stdout:
            return
        threading.Event().wait(0.1)
    raise AssertionError(f"nothing listens on {kind} {port}")


def polled_until(reader, *flags):
    """Poll until all of these flags are there: the window must fill first, and what chance made of a look is looked at again."""
    for _ in range(30):
        said = reader.poll()
        if set(flags) <= set(said["x.line.status"]):
            return said
    raise AssertionError(said)


def test_without_any_right_the_kernels_ping_sockets_will_do(ground, line):
    run(*ground.enter("site"), "sysctl", "-qw", "net.ipv4.ping_group_range=0 2147483647")
    reader = line(as_nobody=True)
    good(reader)
    assert good(reader)["x.line.hop.address"] == HOP
    ground.trunk(loss=1.0)
    assert reader.poll()["x.line.status"] == ["DOWN", "WHY-CARRIER"]


def test_where_pings_are_forbidden_nothing_is_said_of_the_line(ground, line):
    run(*ground.enter("site"), "sysctl", "-qw", "net.ipv4.ping_group_range=1 0")
    said = line(as_nobody=True).poll()
    assert "UNPROBED" in said["x.line.status"]
    assert not {"UP", "DOWN"} & set(said["x.line.status"])
    assert said["x.line.loss"] is None
    assert "net.ipv4.ping_group_range" in said["x.line.1.says"]
    assert said["x.selfcheck.verdict"] == "unclear"


def test_a_local_firewall_is_no_line_that_is_down(ground, line):
    reader = line()
    good(reader)
    ground.iptables("site", "-A", "OUTPUT", "-p", "icmp", "-j", "DROP")
    said = reader.poll()
    assert said["x.line.status"] == ["UNPROBED", "WHY-UNCLEAR"], said
    assert "firewall" in said["x.line.1.says"]


@pytest.mark.parametrize("as_nobody", [False, True])
def test_ipv6_is_judged_alike(ground, as_nobody):
    run(*ground.enter("site"), "sysctl", "-qw", "net.ipv4.ping_group_range=0 2147483647")  # of both
    ground.six()
    settings = f'gateway = "{GATEWAY6}"\nprobes = ["ping://[{FAR6}]", "ping://[{HOP6}]"]\ninterface = "eth1"\n'
    reader = Reader(ground, settings, as_nobody=as_nobody)
    good(reader)
    assert good(reader)["x.line.hop.address"] == HOP6
    ground.trunk(loss=1.0)
    said = reader.poll()
    assert said["x.line.status"] == ["DOWN", "WHY-CARRIER"], said


def test_two_lines_are_judged_each_by_itself(ground):
    """The second one goes to the same far end another way; the default route knows only the first."""
    run(
        "ip",
        "link",
        "add",
        "eth2",
        "netns",
        ground.ns("site"),
        "type",
        "veth",
        "peer",
        "name",
        "side",
        "netns",
        ground.ns("far"),
    )
    for place, interface, address in (("site", "eth2", "192.168.78.2/24"), ("far", "side", "192.168.78.1/24")):
        ground.ip(place, "addr", "add", address, "dev", interface)
        ground.ip(place, "link", "set", interface, "up")
    ground.ip("site", "route", "add", "default", "via", "192.168.78.1", "metric", "200")
    readers = []
    for interface, gateway in (("eth1", GATEWAY), ("eth2", "192.168.78.1")):
        settings = f'interface = "{interface}"\ngateway = "{gateway}"\nprobes = [{PINGS}]\n'
        readers.append(Reader(ground, settings))
    for reader in readers:
        good(reader)
    ground.trunk(loss=1.0)
    assert "WHY-CARRIER" in readers[0].poll()["x.line.status"]
    good(readers[1])


@pytest.mark.skipif(shutil.which("mosquitto") is None, reason="needs Debian's mosquitto: see tests/packages.sh")
def test_the_agent_as_it_runs_raises_the_alarm_with_its_cause(ground, tmp_path):
    """The whole agent at the site: its broker, its line, its alarm; the delays are cut short by the settings."""
    (tmp_path / "mosquitto.conf").write_text("user root\nlistener 1883 127.0.0.1\nallow_anonymous true\n")
    (tmp_path / "agent.toml").write_text(f"""
[agent]
site = "hq"
name = "room"
state = "state"
[broker]
host = "127.0.0.1"
[[device]]
id = "line-1"
poll = "1s"
[device.line]
{LINE}
probes = [{PINGS}]
[[device.condition]]
name = "line-down"
on_delay = "3s"
off_delay = "2s"
""")
    ground.start("site", "mosquitto", "-c", str(tmp_path / "mosquitto.conf"), stderr=subprocess.DEVNULL)
    listens(ground, "tcp", 1883, "site")
    heard = Lines(
        ground.start("site", "mosquitto_sub", "-t", "wolfsmoke/1/hq/room/alarms", stdout=subprocess.PIPE, text=True)
    )
    agent = [sys.executable, "-m", "agent", "run", "--config", str(tmp_path / "agent.toml")]
    ground.start("site", *agent, stderr=subprocess.DEVNULL)
    alive = Lines(
        ground.start("site", "mosquitto_sub", "-t", "wolfsmoke/1/hq/room/readings", stdout=subprocess.PIPE, text=True)
    )
    alive.until('"UP"')
    ground.trunk(loss=1.0)
    raised = heard.until('"line-down"')
    assert '"WHY-CARRIER"' in raised
    ground.trunk()
    assert '"active":false' in heard.until('"line-down"')
