"""Modbus before judges that are not ours.

mbpoll and pymodbus's client read our simulated devices; our driver reads pymodbus's server; the command reads them all.
"""

import asyncio
import json
import re
import shutil
import sys
from pathlib import Path

import pytest
from pymodbus.client import AsyncModbusTcpClient
from pymodbus.datastore import ModbusDeviceContext, ModbusSequentialDataBlock, ModbusServerContext
from pymodbus.server import ModbusTcpServer

from agent.drivers.modbus import ModbusDriver
from agent.links.modbus import Bus, ModbusLink
from agent.links.modbus_line import Line
from agent.links.modbus_wire import PymodbusWire
from agent.profiles_modbus import tables
from firmware_sims.faults import Fault
from firmware_sims.modbus_device import ModbusDevice
from firmware_sims.modbus_models import Climate, Detector, Inputs

pytestmark = pytest.mark.system
MBPOLL = shutil.which("mbpoll")
needs_mbpoll = pytest.mark.skipif(MBPOLL is None, reason="mbpoll is not installed")
AGENT = Path(sys.executable).with_name("wolfsmoke-agent")
MODELS = {
    1: Climate(temperature=-20.5, humidity=54.6),
    17: Inputs(inputs=[True] + [False] * 15),
    11: Detector(strikes=7),
}


@pytest.fixture(params=["tcp", "serial"])
async def device(request, tmp_path):
    link = tmp_path / "ttyBUS" if request.param == "serial" else None
    made = ModbusDevice(MODELS, link=link)
    await made.start()
    yield made
    await made.stop()


async def said(*command):
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    out, _ = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode, out.decode("utf-8", "replace")


async def mbpoll(device, *options):
    """Ask once; addresses of mbpoll begin at 1 unless -0."""
    serial = device.address.startswith("/")
    where = ["-m", "rtu", "-b", "9600", "-P", "none"] if serial else ["-m", "tcp", "-p", device.address.split(":")[1]]
    target = device.address if serial else "127.0.0.1"
    _, out = await said(MBPOLL, "-0", "-1", "-o", "1", *where, *options, target)
    return out, {int(at): word for at, word in re.findall(r"^\[(\d+)\]:\s+(.*?)\s*$", out, re.MULTILINE)}


@needs_mbpoll
async def test_mbpoll_reads_our_devices(device):
    _, words = await mbpoll(device, "-a", "1", "-t", "3", "-r", "1", "-c", "2")
    assert words == {1: "65331 (-205)", 2: "546"}
    _, bits = await mbpoll(device, "-a", "17", "-t", "1", "-r", "0", "-c", "16")
    assert [bits[at] for at in (0, 1, 15)] == ["1", "0", "0"]
    _, floats = await mbpoll(device, "-a", "11", "-t", "4:float", "-B", "-r", "6", "-c", "1")
    assert floats == {6: "31.5"}


@needs_mbpoll
@pytest.mark.parametrize(
    ("fault", "options", "word"),
    [
        (Fault.NONE, ("-a", "1", "-t", "3", "-r", "50"), "Illegal data address"),
        (Fault.NONE, ("-a", "1", "-t", "0", "-r", "0"), "Illegal function"),
        (Fault.NONE, ("-a", "99", "-t", "3", "-r", "1"), "timed out"),
        (Fault.SILENCE, ("-a", "1", "-t", "3", "-r", "1"), "timed out"),
    ],
)
async def test_mbpoll_names_what_is_wrong(device, fault, options, word):
    await device.set_fault(fault)
    out, words = await mbpoll(device, *options)
    assert word in out
    assert not words


@needs_mbpoll
async def test_mbpoll_finds_the_wrong_checksum(tmp_path):
    made = ModbusDevice(MODELS, link=tmp_path / "ttyBUS")
    await made.start()
    await made.set_fault(Fault.CHECKSUM)
    out, words = await mbpoll(made, "-a", "1", "-t", "3", "-r", "1")
    assert "CRC" in out
    assert not words
    await made.stop()


async def test_pymodbus_reads_our_devices():
    made = ModbusDevice(MODELS)
    await made.start()
    client = AsyncModbusTcpClient("127.0.0.1", port=int(made.address.split(":")[1]), timeout=2)
    assert await client.connect()
    registers = await client.read_input_registers(1, count=2, device_id=1)
    assert registers.registers == [0xFF33, 546]
    bits = await client.read_discrete_inputs(0, count=16, device_id=17)
    assert bits.bits[:2] == [True, False]
    assert (await client.read_holding_registers(200, count=1, device_id=11)).exception_code == 2
    assert (await client.write_register(0, 1, device_id=1)).exception_code == 1
    client.close()
    await made.stop()


@pytest.mark.filterwarnings("ignore")
async def test_our_driver_reads_the_server_of_pymodbus():
    words = [0] * 300
    words[5:19] = [100, 47, 54, 26, 0, 0, 2, 18, 230, 230, 240, 220, 231, 50]
    block = ModbusSequentialDataBlock(1, words)  # its addresses begin at 1
    server = ModbusTcpServer(
        ModbusServerContext({3: ModbusDeviceContext(hr=block)}, single=False), address=("127.0.0.1", 0)
    )
    serving = asyncio.create_task(server.serve_forever())
    while not server.transport:  # noqa: ASYNC110 - it has no event for that
        await asyncio.sleep(0.01)
    port = server.transport.sockets[0].getsockname()[1]
    line = Line(host="127.0.0.1", tcp_port=port)
    driver = ModbusDriver(ModbusLink(Bus(line, PymodbusWire(line)), 3), tables()["apc-nmc2"])
    found = {each.quantity: each.value for each in await driver.read() if each.good}
    assert (found["battery.charge"], found["battery.runtime"], found["ups.load"]) == (100.0, 2820.0, 18.0)
    assert (found["input.voltage"], found["input.frequency"]) == (231.0, 50.0)
    await driver.close()
    await server.shutdown()
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)


async def test_the_command_reads_a_device(device):
    code, out = await said(AGENT, "read", device.url_of(1), "--profile", "xy-md02", "--json")
    assert code == 0, out
    found = {each["quantity"]: each["value"] for each in json.loads(out)["readings"]}
    assert found["ambient.temperature"] == found["x.ambient.temperature.maximum"] == -20.5
    code, out = await said(AGENT, "read", device.url_of(11), "--profile", "leixun")
    assert code == 0, out
    assert re.search(r"^x\.surge\.strikes\.total +0\.0$", out, re.MULTILINE)


@pytest.mark.parametrize(
    ("fault", "word"),
    [
        (Fault.SILENCE, "no answer within 0.5 s"),
        (Fault.GARBAGE, "Modbus"),
        (Fault.HALF, "half an answer"),
        (Fault.ADDRESS, "in the name of unit 2"),
        (Fault.SENTINELS, "says nothing that can be used"),
    ],
)
async def test_the_command_says_what_is_wrong_and_ends_with_3(device, fault, word):
    await device.set_fault(fault)
    code, out = await said(AGENT, "read", device.url_of(1), "--profile", "xy-md02")
    assert code == 3, out
    assert word in out
    assert "Traceback" not in out
