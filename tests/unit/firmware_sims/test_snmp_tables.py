"""The simulated switch and gateway: read by net-snmp's tools and by our driver, with every fault of their wire."""

import asyncio
import shutil
import time

import pytest

from agent.drivers.base import Lane
from agent.ways import from_url
from contract.errors import DeviceError
from firmware_sims.faults import Fault
from firmware_sims.snmp_agent import SnmpAgent
from firmware_sims.snmp_gateway import Gateway, SnmpGateway
from firmware_sims.snmp_port import renumbered
from firmware_sims.snmp_switch import SnmpSwitch, Switch

TABLE_OF_LINES = "1.3.6.1.2.1.10.18.6"


class Clock:
    now = 5000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
async def switch(clock):
    simulated = SnmpSwitch(Switch(clock))
    await simulated.start()
    yield simulated
    await simulated.stop()


@pytest.fixture
async def gateway(clock):
    simulated = SnmpGateway(Gateway(clock))
    await simulated.start()
    yield simulated
    await simulated.stop()


async def tool(name: str, address: str, *args: str) -> str:
    """Run one of net-snmp's tools."""
    program = shutil.which(name)
    if program is None:
        pytest.skip(f"{name} is not installed (Debian package snmp)")
    process = await asyncio.create_subprocess_exec(
        program, "-v2c", "-c", "public", "-On", "-t", "3", *args[:-1], address, args[-1], stdout=-1, stderr=-1
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err
    return out.decode()


def driver(simulated, kind: str, options: str = "", engine: str = "gufo"):
    return from_url(f"{simulated.url}?timeout=2&engine={engine}{options}", kind=kind)


async def said(driver, *lane):
    return {reading.quantity: reading.value for reading in await driver.read(*lane) if reading.good}


async def test_net_snmp_walks_the_switch(switch):
    out = await tool("snmpbulkwalk", switch.address, "1.3.6.1")
    lines = out.splitlines()
    assert sum(line.startswith(".1.3.6.1.2.1.2.2.1.2.") for line in lines) == 24
    assert '.1.3.6.1.2.1.31.1.1.1.1.24 = STRING: "Gi0/24"' in lines
    assert any(line.startswith(".1.3.6.1.2.1.31.1.1.1.6.1 = Counter64") for line in lines)


async def test_net_snmp_walks_with_getnext_and_version_1(switch):
    out = await tool("snmpwalk", switch.address, "-v1", "1.3.6.1.2.1.2.2.1.8")
    assert len(out.splitlines()) == 24


async def test_net_snmp_walks_the_lines_of_the_gateway(gateway):
    gateway.gateway.trunk("TRUNK-2").signal = False
    out = await tool("snmpbulkwalk", gateway.address, TABLE_OF_LINES)
    assert f".{TABLE_OF_LINES}.1.10.10 = INTEGER: 1" in out
    assert f".{TABLE_OF_LINES}.1.10.11 = INTEGER: 68" in out


@pytest.mark.parametrize("engine", ["gufo", "pysnmp"])
async def test_a_port_goes_down_and_comes_back(switch, engine):
    reader = driver(switch, "network", engine=engine)
    assert (await said(reader))["x.port.status"] == ()
    switch.switch.port("Gi0/2").up = False
    await asyncio.sleep(0.06)
    found = await said(reader, Lane.FAST)
    assert found["x.port.status"] == ("DOWN",)
    assert found["x.port.alarm"] == "Gi0/2 down"
    switch.switch.port("Gi0/2").up = True
    await asyncio.sleep(0.06)
    assert (await said(reader, Lane.FAST))["x.port.status"] == ()
    await reader.close()


async def test_fans_supplies_heat_and_a_pulled_board(switch):
    reader = driver(switch, "network")
    await said(reader)
    model = switch.switch
    model.fans["FAN 2"] = False
    model.supplies["PSU 1"] = None
    model.temperature = 65.0
    model.pull("Gi0/3")
    await asyncio.sleep(0.06)
    await said(reader)
    found = await said(reader)
    assert found["x.network.status"] == ("FAN", "HEAT", "MISSING", "SUPPLY")
    assert found["x.port.alarm"] == "Gi0/3 is gone"
    await reader.close()


async def test_a_restart_that_deals_out_new_indexes(switch, clock):
    clock.now += 600
    reader = driver(switch, "network")
    before = await said(reader)
    switch.switch.restart(renumber=True)
    clock.now += 2
    await asyncio.sleep(0.06)
    after = await said(reader)
    assert after["x.restarts"] == 1
    assert after["x.port.status"] == ()
    assert after["x.port.4.name"] == before["x.port.4.name"]
    await reader.close()


async def test_trunks_channels_and_lines_of_the_gateway(gateway, clock):
    model = gateway.gateway
    model.trunks[0].calls = 5
    reader = driver(gateway, "trunk", "&reserve=1")
    found = await said(reader)
    assert found["x.trunk.status"] == ()
    assert found["x.channel.busy"] == 5
    assert found["x.channel.free"] == 59
    assert found["x.port.spare.missing"] == 1
    model.trunk("TRUNK-1").ais = True
    model.lines["FXS 1/2"] = False
    clock.now += 30
    await asyncio.sleep(0.06)
    found = await said(reader)
    assert found["x.trunk.1.status"] == "AIS DOWN RAI-SENT"
    assert found["x.trunk.errored.maximum"] == 30
    assert found["x.channel.down"] == 31
    model.trunk("TRUNK-1").ais = False
    model.trunk("TRUNK-2").signalling = False
    await asyncio.sleep(0.06)
    assert (await said(reader, Lane.FAST))["x.trunk.status"] == ("SIGNALLING",)
    await reader.close()


LOST = [Fault.SILENCE, Fault.GARBAGE, Fault.HALF, Fault.ADDRESS, Fault.CHECKSUM, Fault.DELAY, Fault.UNPLUG]


@pytest.mark.parametrize("fault", LOST, ids=lambda fault: fault.value)
async def test_a_fault_of_the_line_is_an_error_and_passes(switch, fault):
    reader = from_url(f"{switch.url}?timeout=0.5", kind="network")
    await said(reader)
    await switch.set_fault(fault)
    assert switch.fault is fault
    with pytest.raises(DeviceError):
        await reader.read(Lane.FAST)
    await switch.set_fault(Fault.NONE)
    assert (await said(reader))["x.port.1.up"] == 1.0
    await reader.close()


async def test_sentinels_are_nothing_that_is_believed(switch, gateway):
    for simulated, kind, status in ((switch, "network", "x.port.status"), (gateway, "trunk", "x.trunk.status")):
        reader = driver(simulated, kind)
        await said(reader)
        await simulated.set_fault(Fault.SENTINELS)
        await asyncio.sleep(0.06)
        found = await said(reader)
        assert found[status] == ("UNKNOWN",)
        await reader.close()


async def test_forty_eight_ports_cost_few_requests_on_the_wire(clock):
    simulated = SnmpSwitch(Switch(clock, ports=48, live=48))
    await simulated.start()
    try:
        reader = driver(simulated, "network")
        await reader.read()
        before = simulated.requests
        await reader.read(Lane.FAST)
        fast = simulated.requests - before
        start = time.monotonic()
        await reader.read()
        full = simulated.requests - before - fast
        assert (fast, full) <= (3, 21)
        assert time.monotonic() - start < 5.0
        await reader.close()
    finally:
        await simulated.stop()


async def test_version_1_is_not_asked_in_vain(clock):
    model = Switch(clock, ports=24, live=24)

    def old():
        return {oid: cell for oid, cell in model.rows().items() if oid[:9] != (1, 3, 6, 1, 2, 1, 31, 1, 1)}

    simulated = SnmpAgent(old)
    await simulated.start()
    try:
        reader = from_url(f"{simulated.url}?version=1&timeout=2", kind="network")
        assert (await said(reader))["x.port.24.status"] == "up"
        before = simulated.requests
        await asyncio.sleep(0.06)
        assert (await said(reader))["x.port.24.speed"] == 1e9
        assert simulated.requests - before <= 15
        await reader.close()
    finally:
        await simulated.stop()


def test_another_request_id_is_all_that_differs():
    answer = bytes.fromhex("302902010104067075626c6963a21c02047fe1a2b3020100020100300e300c06082b060102010103004300")
    changed = renumbered(answer)
    differing = [at for at, (a, b) in enumerate(zip(answer, changed, strict=True)) if a != b]
    assert differing == [20]
