"""The simulated environment card before a judge that is not ours: net-snmp's snmpget, snmpwalk and snmpbulkwalk."""

import asyncio
import os
import shutil
import time

import pytest

from firmware_sims.faults import Fault
from firmware_sims.snmp_env import BASE, SnmpEnv, server_room
from firmware_sims.snmp_faces import Plate
from firmware_sims.snmp_ups import User

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(shutil.which("snmpget") is None, reason="net-snmp (snmp) is not installed"),
]

SEALED = (
    "-v3",
    "-u",
    "watch",
    "-l",
    "authPriv",
    "-a",
    "SHA",
    "-A",
    "watch-auth-key",
    "-x",
    "AES",
    "-X",
    "watch-priv-key",
)
VERSIONS = {"v1": ("-v1", "-c", "wolf"), "v2c": ("-v2c", "-c", "wolf"), "v3": SEALED}
TEMPERATURE, ONLINE, SWITCH = (f".{BASE}.2.2.1.{column}" for column in ("16.1.14", "16.1.5", "18.1.3"))


@pytest.fixture
async def card():
    user = User("watch", "watch-auth-key", "watch-priv-key")
    made = SnmpEnv(
        server_room(), Plate("room", "AKCP", "sensorProbe8 v2.0", "S1"), time.monotonic, community="wolf", user=user
    )
    await made.start()
    yield made
    await made.stop()


async def said(*command):
    """Return whether a program succeeded, and the lines that it wrote; also on standard error."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, "MIBS": ""},
    )
    out, _ = await asyncio.wait_for(process.communicate(), 30)
    return process.returncode == 0, out.decode("utf-8", "replace").splitlines()


@pytest.mark.parametrize("version", VERSIONS)
async def test_net_snmp_gets_what_the_model_is(card, version):
    asked = (f"{TEMPERATURE}.0", f"{TEMPERATURE}.1", f"{SWITCH}.2")

    async def get():
        return (await said("snmpget", *VERSIONS[version], "-Oqv", "-t", "3", card.address, *asked))[1][-3:]

    assert await get() == ["225", "240", "2"]
    card.room.ports[1].temperature = 31.4
    card.room.ports[3].alarm = True
    assert await get() == ["314", "240", "4"]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("program", ["snmpwalk", "snmpbulkwalk"])
async def test_net_snmp_walks_every_row_once_and_in_order(card, version, program):
    if version == "v1" and program == "snmpbulkwalk":
        pytest.skip("SNMP 1 knows no bulk")
    fine, lines = await said(program, *VERSIONS[version], "-Onq", "-t", "3", card.address, f".{BASE}")
    assert fine
    rows = [line.split(" ", 1)[0] for line in lines if line.startswith(f".{BASE}") and "No more variables" not in line]
    walked = [tuple(map(int, row.strip(".").split("."))) for row in rows]
    assert walked == sorted(set(walked))
    assert len(walked) == 4 + 8 * 14
    fine, lines = await said(program, *VERSIONS[version], "-Oqv", "-t", "3", card.address, ONLINE)
    assert lines[-8:] == ["1", "1", *["2"] * 6]


@pytest.mark.parametrize(
    ("fault", "sign"),
    [
        (Fault.SILENCE, "Timeout"),
        (Fault.DELAY, "Timeout"),
        (Fault.GARBAGE, "Timeout"),
        (Fault.HALF, "Timeout"),
        (Fault.ADDRESS, "Timeout"),
        (Fault.UNPLUG, "Timeout"),
    ],
)
async def test_net_snmp_gets_nothing_from_a_card_with_a_fault(card, fault, sign):
    await card.set_fault(fault)
    command = ("snmpget", *VERSIONS["v2c"], "-Oqv", "-t", "0.5", "-r", "0", card.address, f"{TEMPERATURE}.0")
    fine, lines = await said(*command)
    assert not fine
    assert any(sign in line for line in lines), lines
    await card.set_fault(Fault.NONE)
    fine, lines = await said("snmpget", *VERSIONS["v2c"], "-Oqv", "-t", "3", card.address, f"{TEMPERATURE}.0")
    assert (fine, lines[-1]) == (True, "225")


async def test_net_snmp_sees_the_sentinels(card):
    await card.set_fault(Fault.SENTINELS)
    _, lines = await said("snmpget", *VERSIONS["v2c"], "-Oqvn", card.address, f"{TEMPERATURE}.0", ".1.3.6.1.2.1.1.2.0")
    assert lines[-2:] == ["-1", f".{BASE}"]
