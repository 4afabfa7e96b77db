"""A whole agent that listens for traps: a card's inform brings the alarm long before the next poll, also after a restart."""

import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from rooms import LIMIT, MOSQUITTO, Listening, free_port, until

from contract.message import Alarms, Readings, decode
from firmware_sims.snmp_faces import Plate
from firmware_sims.snmp_traps import TrapSender
from firmware_sims.snmp_ups import SnmpUps, User
from firmware_sims.ups import Rating, Ups

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(shutil.which(MOSQUITTO) is None, reason="needs Debian's mosquitto: see tests/packages.sh"),
]
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


class Ear(Listening):
    """Hears what the agent says."""

    def __init__(self, port):
        self.alarms, self.values = [], {}
        super().__init__(port)

    def _heard(self, kind, payload):
        match kind:
            case "readings":
                self.values |= decode(Readings, payload).values
            case "alarms":
                occurrence = decode(Alarms, payload).occurrence
                self.alarms.append((occurrence.condition, occurrence.active))


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
