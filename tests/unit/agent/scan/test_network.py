"""Scans of the loopback: what is found, and how much is sent for it."""

import asyncio
import contextlib
import getpass
import itertools
import socket
import subprocess
import time
from pathlib import Path

import pytest

from agent.config import load
from agent.scan import bounds
from agent.scan.net import Pace
from agent.scan.propose import credentials, proposed, refusal
from agent.scan.sweep import Sweep, network_finders
from firmware_sims.faults import Fault
from firmware_sims.snmp_faces import Plate
from firmware_sims.snmp_ups import SnmpUps, User
from firmware_sims.ups import Rating, Ups

LIMIT = 30.0
FAST = 200.0
HEAD = """
[agent]
site = "hq"
name = "room"

[broker]
host = "mqtt.example.net"

"""


def free_port(kind=socket.SOCK_DGRAM):
    with socket.socket(socket.AF_INET, kind) as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


async def scanned(hosts, ports, *, communities=("public",), rate=FAST, wait=0.25):
    pace = Pace(rate)
    sweep = Sweep(hosts, network_finders(communities), ports, pace, rate=rate, wait=wait)
    async with asyncio.timeout(LIMIT):
        await sweep.run()
    return sweep, pace


@contextlib.asynccontextmanager
async def card(host, port, face="rfc1628", **how):
    plate = Plate(name="card-1", manufacturer="Wolfsmoke", model="Sim 3000", serial="1")
    subject = SnmpUps(Ups(Rating(), time.monotonic), plate, time.monotonic, face=face, host=host, port=port, **how)
    await subject.start()
    try:
        yield subject
    finally:
        await subject.stop()


class Ears(asyncio.DatagramProtocol):
    """Hears every address of the loopback, and is silent."""

    def __init__(self):
        self.heard = []

    def datagram_received(self, data, addr):
        self.heard.append((asyncio.get_running_loop().time(), addr, data))


async def test_silent_hosts_cost_what_was_said_and_no_more_at_the_rate_that_was_asked_for():
    ears = Ears()
    port = free_port()
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(lambda: ears, local_addr=("0.0.0.0", port))
    hosts = bounds.addresses(["127.0.0.0/28"])
    sweep, pace = await scanned(hosts, {"snmp": port}, rate=50.0, wait=0.2)
    transport.close()
    assert sweep.found == []
    assert sweep.done == 14
    assert pace.sent == sweep.most == len(ears.heard) == 14 * 3
    times = [at for at, _, _ in ears.heard]
    for first, at in enumerate(times):
        within = sum(at <= other < at + 0.5 for other in times[first:])
        assert within <= 50 * 0.5 + 3, "probes are spread, not sent in gusts"
    assert times[-1] - times[0] >= 41 / 50.0 - 0.05


async def test_a_host_that_says_that_nobody_listens_is_asked_once():
    sweep, pace = await scanned(["127.0.0.1", "127.0.0.2"], {"snmp": free_port(), "nut": free_port(socket.SOCK_STREAM)})
    assert sweep.found == []
    assert pace.sent == 2 * 2


async def test_never_two_questions_to_one_host_at_once():
    ears = Ears()
    port = free_port()
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: ears, local_addr=("127.0.0.1", port)
    )
    await scanned(["127.0.0.1"], {"snmp": port}, wait=0.2)
    transport.close()
    times = [at for at, _, _ in ears.heard]
    assert len(times) == 3
    assert all(after - before >= 0.19 for before, after in itertools.pairwise(times))


async def test_agents_are_found_in_every_version_and_their_tables_are_good(tmp_path):
    port = free_port()
    user = User(name="watch", auth_key="authpass1", priv_key="privpass1")
    async with (
        card("127.0.0.2", port),
        card("127.0.0.3", port, "powernet", community="room"),
        card("127.0.0.4", port, community="nobody knows", user=user),
        card("127.0.0.5", port) as broken,
    ):
        await broken.set_fault(Fault.GARBAGE)
        hosts = bounds.addresses(["127.0.0.0/29"])
        sweep, _ = await scanned(hosts, {"snmp": port}, communities=("public", "room"), wait=1.0)
    said = [(each.where, each.protocol, each.profile) for each in sweep.found]
    assert said == [
        ("127.0.0.2", "SNMP 2c", "rfc1628"),
        ("127.0.0.3", "SNMP 2c", "apc"),
        ("127.0.0.4", "SNMP 3", ""),
    ]
    text = proposed(sweep.found)
    assert "room" not in text.replace("snmp-community-2", "")
    for name in credentials(sweep.found):
        (tmp_path / name).write_text("long enough\n")
    (tmp_path / "agent.toml").write_text(HEAD + text)
    config = load(tmp_path / "agent.toml", environment={"CREDENTIALS_DIRECTORY": str(tmp_path)})
    assert [(device.id, device.profile, device.snmp.host) for device in config.devices] == [
        ("ups-1", "rfc1628", "127.0.0.2"),
        ("ups-2", "apc", "127.0.0.3"),
    ]
    assert '# version = "3"' in text


async def test_an_agent_of_v1_alone_is_found():
    class OldCard(asyncio.DatagramProtocol):
        def connection_made(self, transport):
            self.transport = transport

        def datagram_received(self, data, addr):
            if data[4] == 0:  # the version
                at = data.index(b"\xa0")
                answer = data[:at] + b"\xa2" + data[at + 1 :]
                self.transport.sendto(answer, addr)

    port = free_port()
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(OldCard, local_addr=("127.0.0.1", port))
    sweep, _ = await scanned(["127.0.0.1"], {"snmp": port})
    transport.close()
    assert [(each.protocol, each.missing != "") for each in sweep.found] == [("SNMP 1", True)]
    assert ("version", "1") in sweep.found[0].settings


@pytest.mark.parametrize(
    ("knows", "units", "gateway", "says"),
    [
        ((0x2B, 3, 4), (1,), False, "unit 1: Acme X, PM5, 1.20"),
        ((3, 4), (1,), False, "unit 1: answers, and has not device identification (exception 1)"),
        ((0x2B,), (255,), False, "unit 255: Acme X, PM5, 1.20"),
        ((0x2B,), (255,), True, "unit 255: Acme X, PM5, 1.20"),
        ((0x2B,), (17,), True, "unit 1: a gateway, and nobody there"),
        ((), (1,), False, "unit 1: answers, and has not device identification (exception 1)"),
    ],
)
async def test_modbus_servers_are_found_and_only_read(modbus_server, knows, units, gateway, says):
    subject = modbus_server(knows, units, gateway=gateway)
    server = await asyncio.start_server(subject.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    sweep, pace = await scanned(["127.0.0.1"], {"modbus": port})
    server.close()
    assert [each.says for each in sweep.found] == [says]
    assert pace.sent == 1 + len(subject.asked)
    assert {pdu[0] for _, pdu in subject.asked} <= {0x2B, 3, 4}, "functions that read"


@pytest.mark.parametrize("banner", [b"SSH-2.0-x\r\n", b"\0" * 300, b""])
async def test_another_service_on_the_port_is_no_device(banner):
    async def serve(_, writer):
        writer.write(banner)
        await asyncio.sleep(1.0)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    sweep, pace = await scanned(["127.0.0.1"], {"modbus": port, "nut": port})
    server.close()
    assert sweep.found == []
    assert pace.sent <= 1 + 6 + 1 + 1


@pytest.fixture
def upsd(tmp_path):
    """A real server's port; the driver behind its one UPS is not running, which its list does not mind."""
    program = Path("/lib/nut/upsd")  # in /usr/sbin Debian has a wrapper that asks /etc first
    if not program.exists():
        pytest.skip("upsd is not installed (Debian package nut-server)")
    port = free_port(socket.SOCK_STREAM)
    (tmp_path / "ups.conf").write_text('[rack]\ndriver = dummy-ups\nport = auto\ndesc = "the \\"big\\" one"\n')
    (tmp_path / "upsd.conf").write_text(f"LISTEN 127.0.0.1 {port}\n")
    (tmp_path / "upsd.users").write_text("")
    (tmp_path / "nut.conf").write_text("MODE=netserver\n")
    places = dict.fromkeys(("NUT_CONFPATH", "NUT_STATEPATH", "NUT_ALTPIDPATH"), str(tmp_path))
    with (tmp_path / "log").open("w") as log:
        server = subprocess.Popen([program, "-F", "-u", getpass.getuser()], env=places, stdout=log, stderr=log)
    yield port
    server.terminate()
    server.wait(10)


async def test_upses_of_a_real_nut_server_are_found(upsd):
    async with asyncio.timeout(LIMIT):
        while not (sweep := (await scanned(["127.0.0.1"], {"nut": upsd}))[0]).found:  # noqa: ASYNC110 - it starts
            await asyncio.sleep(0.2)
    assert [(each.where, each.kind) for each in sweep.found] == [("127.0.0.1", "ups")]
    assert sweep.found[0].says.startswith("rack: ")
    assert dict(sweep.found[0].settings) == {"host": "127.0.0.1", "port": upsd, "ups": "rack"}
    assert refusal(proposed(sweep.found)) == ""
    assert "[device.nut]" in proposed(sweep.found)


async def test_a_server_that_lets_nobody_in_is_told():
    async def serve(reader, writer):
        await reader.readline()
        writer.write(b"ERR ACCESS-DENIED\n")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    sweep, _ = await scanned(["127.0.0.1"], {"nut": server.sockets[0].getsockname()[1]})
    server.close()
    assert proposed(sweep.found) == "# 127.0.0.1: NUT: ERR ACCESS-DENIED\n# let this host in: LISTEN, ACLs\n"


async def test_what_was_found_so_far_is_there_when_it_is_stopped():
    port = free_port()
    async with card("127.0.0.1", port):
        pace = Pace(20.0)
        hosts = bounds.addresses(["127.0.0.0/24"])
        sweep = Sweep(hosts, network_finders(["public"]), {"snmp": port}, pace, rate=20.0)
        task = asyncio.create_task(sweep.run())
        async with asyncio.timeout(LIMIT):
            while not sweep.found:  # noqa: ASYNC110 - a datagram's way
                await asyncio.sleep(0.02)
        task.cancel()
        await asyncio.wait([task])
    assert [each.where for each in sweep.found] == ["127.0.0.1"]
    assert pace.sent < 60


def test_what_a_device_says_cannot_write_settings():
    from agent.scan.found import Found, clean

    evil = clean(b'x"\n[broker]\nhost = "evil"\x7f\x00\xff')
    found = Found(where="192.0.2.1", protocol="SNMP 2c", says=evil, title=evil, kind="ups", way="megatec",
                  settings=(("port", "/dev/ttyUSB0"),))  # fmt: skip
    text = proposed([found])
    assert text.count("[broker]") == 2
    assert not any(line.startswith("[broker]") for line in text.splitlines())
    assert refusal(text) == ""


def test_what_check_would_not_take_is_a_comment_with_the_reason():
    from agent.scan.found import Found

    found = Found(where="192.0.2.1", protocol="X", says="x", kind="ups", way="xway", settings=(("host", "192.0.2.1"),))
    text = proposed([found])
    assert all(line.startswith("#") for line in text.splitlines())
    assert "device[0].xway: unknown key" in text
