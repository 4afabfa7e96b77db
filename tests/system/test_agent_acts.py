"""A whole agent on a real broker does what it is told: a battery is tested and nobody is alarmed, a siren goes off again.

And the simulated devices before judges that are not ours: net-snmp, NUT's upscmd, mbpoll.
"""

import asyncio
import shutil
import subprocess
import sys
import time
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from rooms import LIMIT, MOSQUITTO, until
from test_agent_devices import Ear

from contract.command import Outcome
from firmware_sims.megatec_ups import MegatecUps
from firmware_sims.modbus_device import ModbusDevice
from firmware_sims.modbus_models import Inputs
from firmware_sims.nut_server import NutServer, Unit
from firmware_sims.snmp_faces import Plate
from firmware_sims.snmp_ups import SnmpUps
from firmware_sims.ups import Rating, Ups

pytestmark = pytest.mark.system
needs_mosquitto = pytest.mark.skipif(
    shutil.which(MOSQUITTO) is None, reason="needs Debian's mosquitto: see tests/packages.sh"
)
AGENT = Path(sys.executable).with_name("wolfsmoke-agent")
PLATE = Plate("ups", "ACME", "Keep 3000", "1234")
BASE = """
[agent]
site = "hq"
name = "room"
state = "state"
[broker]
host = "127.0.0.1"
port = {broker}
"""
ALLOWED = """
[device.battery_test]
hours = "00:00-00:00"
every = "30d"
"""


@asynccontextmanager
async def standing(*devices):
    for device in devices:
        await device.start()
    try:
        yield
    finally:
        for device in devices:
            await device.stop()


@asynccontextmanager
async def running(folder, text):
    """Run an agent with these settings; yields its process."""
    (folder / "agent.toml").write_text(text)
    with (folder / "log").open("ab") as out:
        process = subprocess.Popen(  # noqa: ASYNC220 - returns at once
            [AGENT, "run", "--config", folder / "agent.toml"], stderr=out
        )
    try:
        yield process
    finally:
        process.terminate()
        await asyncio.to_thread(process.wait, LIMIT)  # the devices that it lets go of are in this loop


async def replied(ear, device, verb, **more):
    number = len(ear.replies)
    ear.command(device, verb, **more)
    await until(lambda: len(ear.replies) > number, f"an answer to {verb} {device}")
    return ear.replies[-1]


@needs_mosquitto
async def test_a_battery_is_tested_on_command_and_nobody_is_alarmed(tmp_path, broker):
    line, card = (Ups(Rating(), time.monotonic) for _ in range(2))
    serial = MegatecUps(line, PLATE, link=tmp_path / "ttyUPS")
    snmp = SnmpUps(card, PLATE, time.monotonic, write_community="private")
    ear = Ear(broker)
    async with standing(serial, snmp):
        (tmp_path / "public").write_text("public")
        (tmp_path / "private").write_text("private")
        port = snmp.address.rpartition(":")[2]
        text = BASE.format(broker=broker) + (
            f'[[device]]\nid = "line"\npoll = "200ms"\nslow = "1s"\nmegatec = {{ port = "{serial.address}" }}\n{ALLOWED}'
            f'[[device]]\nid = "card"\npoll = "200ms"\nslow = "1s"\nsnmp = {{ host = "127.0.0.1", port = {port}, '
            f'community = {{ file = "public" }}, write_community = {{ file = "private" }} }}\n{ALLOWED}'
        )
        async with running(tmp_path, text) as process:
            await until(lambda: ear.good("line") > 2 and ear.good("card") > 2, "both are read")
            reply = await replied(ear, "line", "battery-test")
            assert (reply.outcome, reply.text) == (Outcome.DONE, "it tests its battery, for 10 s")
            await until(
                lambda: any("CAL" in each.values.get("ups.status", ()) for each in list(ear.polls)), "CAL is said"
            )
            refused = await replied(ear, "card", "battery-test")
            assert refused.outcome is Outcome.REFUSED  # one at a time
            await until(lambda: not line.view().test, "the test ends")
            again = await replied(ear, "line", "battery-test")
            assert again.outcome is Outcome.REFUSED
            assert "every 30 days" in again.text
            assert process.poll() is None
        async with running(tmp_path, text):  # which remembers
            heard = ear.good("line")
            await until(lambda: ear.good("line") > heard + 2, "it is read again")
            again = await replied(ear, "line", "battery-test")
            assert "every 30 days" in again.text
    ear.close()
    assert not [each for each in ear.changes if each.condition == "on-battery"]
    assert "Traceback" not in (tmp_path / "log").read_text()


SIREN = """
[[device]]
id = "relays"
poll = "200ms"
slow = "1s"
profile = "dio-8"
modbus = {{ host = "127.0.0.1", tcp_port = {port}, unit = 3 }}
[[device.output]]
output = 1
name = "siren"
longest = "3m"
"""


@needs_mosquitto
async def test_a_siren_goes_off_again_by_itself_and_after_a_kill(tmp_path, broker):
    model = Inputs(inputs=[False] * 8, relays=[False] * 8)
    module = ModbusDevice({3: model})
    ear = Ear(broker)
    async with standing(module):
        text = BASE.format(broker=broker) + SIREN.format(port=module.address.rpartition(":")[2])
        async with running(tmp_path, text) as process:
            await until(lambda: any(each.device == "relays" for each in list(ear.polls)), "the module is read")
            reply = await replied(ear, "relays", "on", output="siren", seconds=2.0)
            assert (reply.outcome, reply.text) == (Outcome.DONE, "siren is on, for 2 s")
            began = time.monotonic()
            assert model.relays[0]
            await until(lambda: not model.relays[0], "it goes off by itself")
            assert 1.0 < time.monotonic() - began < 5.0
            await until(
                lambda: [each.values.get("x.output.1.status") for each in list(ear.polls)][-1:] == ["off"],
                "it is said to be off",
            )
            refused = await replied(ear, "relays", "on", output="2", seconds=2.0)
            assert refused.outcome is Outcome.REFUSED
            assert (await replied(ear, "relays", "on", output="siren", seconds=100.0)).outcome is Outcome.DONE
            process.kill()
            process.wait(LIMIT)
        assert model.relays[0]
        said = len(ear.polls)
        async with running(tmp_path, text):
            await until(lambda: not model.relays[0], "it is off after the restart")
            await until(
                lambda: len(ear.polls) > said, "the agent is on the broker again, where commands wait for nobody"
            )
            model.stuck = True
            failed = await replied(ear, "relays", "on", output="siren", seconds=1.0)
            assert failed.outcome is Outcome.FAILED
            assert "says that it is off" in failed.text
            model.stuck = False
            assert (await replied(ear, "relays", "on", output="siren", seconds=100.0)).outcome is Outcome.DONE
        assert not model.relays[0]  # an agent that ends leaves nothing on
    ear.close()
    assert "Traceback" not in (tmp_path / "log").read_text()


async def said(*command):
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    out, _ = await asyncio.wait_for(process.communicate(), LIMIT)
    return process.returncode, out.decode("utf-8", "replace")


@pytest.mark.skipif(shutil.which("snmpset") is None, reason="net-snmp (snmp) is not installed")
@pytest.mark.parametrize(
    ("face", "what"),
    [
        ("rfc1628", ("1.3.6.1.2.1.33.1.7.1.0", "o", "1.3.6.1.2.1.33.1.7.7.4")),
        ("powernet", ("1.3.6.1.4.1.318.1.1.1.7.2.2.0", "i", "2")),
    ],
)
async def test_net_snmp_begins_a_battery_test(face, what):
    ups = Ups(Rating(), time.monotonic)
    card = SnmpUps(ups, PLATE, time.monotonic, face=face, write_community="private")
    async with standing(card):
        for version in ("-v1", "-v2c"):
            code, out = await said("snmpset", version, "-c", "public", card.address, *what)
            assert (code, ups.view().test) == (2, False), out
            code, out = await said("snmpset", version, "-c", "private", card.address, *what)
            assert (code, ups.view().test) == (0, True), out
            ups.cancel_test()
        code, out = await said("snmpset", "-v2c", "-c", "private", card.address, what[0], what[1], what[2] + "9")
        assert "wrongValue" in out


@pytest.mark.skipif(shutil.which("upscmd") is None, reason="NUT (nut-client) is not installed")
async def test_upscmd_begins_a_battery_test():
    ups = Ups(Rating(), time.monotonic)
    server = NutServer({"keep": Unit(ups, PLATE)}, user="admin", password="secret")
    async with standing(server):
        where = f"keep@{server.address}"
        code, out = await said("upscmd", "-u", "admin", "-p", "wrong", where, "test.battery.start.quick")
        assert (code, ups.view().test) == (1, False), out
        code, out = await said("upscmd", "-u", "admin", "-p", "secret", where, "test.battery.start.quick")
        assert (code, ups.view().test) == (0, True), out
        code, out = await said("upscmd", "-u", "admin", "-p", "secret", where, "load.off")
        assert "CMD-NOT-SUPPORTED" in out or "not supported" in out


@pytest.mark.skipif(shutil.which("mbpoll") is None, reason="mbpoll is not installed")
@pytest.mark.parametrize("serial", [False, True])
async def test_mbpoll_switches_coils(tmp_path, serial):
    model = Inputs(inputs=[False] * 8, relays=[False] * 8)
    module = ModbusDevice({3: model}, link=tmp_path / "ttyBUS" if serial else None)
    async with standing(module):
        how = ["-m", "rtu", "-b", "9600", "-P", "none"] if serial else ["-m", "tcp", "-p", module.address.split(":")[1]]
        where = module.address if serial else "127.0.0.1"
        code, out = await said("mbpoll", "-0", "-1", "-a", "3", "-t", "0", "-r", "1", *how, where, "1")
        assert (code, model.relays[:3]) == (0, [False, True, False]), out
        code, out = await said("mbpoll", "-0", "-1", "-a", "3", "-t", "0", "-r", "0", *how, where, "1", "0", "1")
        assert (code, model.relays[:3]) == (0, [True, False, True]), out
        code, out = await said("mbpoll", "-0", "-1", "-a", "3", "-t", "0", "-r", "9", *how, where, "1")
        assert code != 0
        assert "Illegal data address" in out
