"""A whole agent that listens for traps: a card's inform brings the alarm long before the next poll, also after a restart."""

import asyncio
import getpass
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from contract.message import Alarms, Readings, decode
from firmware_sims.snmp_faces import Plate
from firmware_sims.snmp_traps import TrapSender
from firmware_sims.snmp_ups import SnmpUps, User
from firmware_sims.ups import Rating, Ups

MOSQUITTO = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(shutil.which(MOSQUITTO) is None, reason="needs Debian's mosquitto: see tests/packages.sh"),
]
LIMIT = 30.0
SOON = 3.0
"""Seconds from mains failure to alarm; the next poll is a minute away."""
CARD = User(name="cards", auth_key="inform-auth-1", priv_key="inform-priv-1", auth="sha256")
SETTINGS = """
[agent]
site = "hq"
name = "room"
state = "state"
[broker]
host = "127.0.0.1"
port = {broker}
[traps]
listen = "127.0.0.1:{traps}"
communities = [{{ file = "community" }}]
[[traps.user]]
name = "cards"
auth = "sha256"
auth_key = {{ file = "auth" }}
priv = "aes"
priv_key = {{ file = "priv" }}
[[device]]
id = "ups-1"
poll = "60s"
slow = "60s"
snmp = {{ host = "127.0.0.1", port = {card}, community = {{ file = "community" }} }}
"""


def free_port(kind=socket.SOCK_STREAM):
    with socket.socket(socket.AF_INET, kind) as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


async def until(met, what):
    """Look every 20 ms; there is no event for what another process has not done yet."""
    try:
        async with asyncio.timeout(LIMIT):
            while not met():  # noqa: ASYNC110
                await asyncio.sleep(0.02)
    except TimeoutError:
        pytest.fail(f"within {LIMIT:g} s: {what}")


def answers(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


class Ear:
    """Hears what the agent says."""

    def __init__(self, port):
        self.alarms, self.values = [], {}
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2)
        self._client.on_message = self._on_message
        self._client.connect("127.0.0.1", port)
        self._client.subscribe("wolfsmoke/1/hq/room/+", 1)
        self._client.loop_start()

    def _on_message(self, _client, _data, message):
        match message.topic.rpartition("/")[2]:
            case "readings":
                self.values |= decode(Readings, message.payload).values
            case "alarms":
                occurrence = decode(Alarms, message.payload).occurrence
                self.alarms.append((occurrence.condition, occurrence.active))

    def close(self):
        self._client.disconnect()
        self._client.loop_stop()


@pytest.fixture
async def broker(tmp_path):
    port = free_port()
    config = tmp_path / "mosquitto.conf"
    config.write_text(f"user {getpass.getuser()}\nlistener {port} 127.0.0.1\nallow_anonymous true\n")
    process = subprocess.Popen([MOSQUITTO, "-c", config], stderr=subprocess.DEVNULL)  # noqa: ASYNC220 - returns at once
    await until(lambda: answers(port), "mosquitto answers")
    yield port
    process.kill()
    process.wait()


async def test_an_inform_of_v3_and_a_trap_bring_what_a_poll_would_bring_a_minute_later(tmp_path, broker):
    ups, traps = Ups(Rating(), time.monotonic), free_port(socket.SOCK_DGRAM)
    card = SnmpUps(ups, Plate("card", "Wolfsmoke", "Sim", "1"), time.monotonic, community="room-secret")
    informer = TrapSender(ups, time.monotonic, ("127.0.0.1", traps), user=CARD)
    for name, text in (("community", "room-secret"), ("auth", CARD.auth_key), ("priv", CARD.priv_key)):
        (tmp_path / name).write_text(text)
    await card.start()
    settings = SETTINGS.format(broker=broker, traps=traps, card=card.address.partition(":")[2])
    (tmp_path / "agent.toml").write_text(settings)
    ear, log = Ear(broker), tmp_path / "log"
    command = [Path(sys.executable).parent / "wolfsmoke-agent", "run", "--config", tmp_path / "agent.toml"]

    def started():
        with log.open("ab") as out:
            return subprocess.Popen(command, stderr=out)

    process = started()
    try:
        await until(lambda: "ups.status" in ear.values and "traps: listening" in log.read_text(), "the first poll")
        await informer.start()
        ups.cut()
        began = time.monotonic()
        await until(lambda: ("on-battery", True) in ear.alarms, "the alarm")
        assert time.monotonic() - began < SOON
        await until(lambda: ear.values.get("x.traps") == 1.0, "the count")
        assert ear.values["x.trap.last"] == "on-battery"
        process.terminate()
        assert process.wait(LIMIT) == 0
        engine = (tmp_path / "state" / "traps-engine").read_text().split()
        process = started()
        await until(lambda: log.read_text().count("traps: listening") == 2, "it listens again")
        ups.restore()
        began = time.monotonic()
        await until(lambda: log.read_text().count("ups-1: trap: ") == 2, "the inform finds the engine's new clock")
        assert time.monotonic() - began < SOON
        assert (tmp_path / "state" / "traps-engine").read_text().split() == [engine[0], str(int(engine[1]) + 1)]
    finally:
        process.terminate()
        process.wait(LIMIT)
        await informer.stop()
        await card.stop()
        ear.close()
    said = log.read_text()
    for never in ("Traceback", "room-secret", CARD.auth_key, CARD.priv_key):
        assert never not in said
