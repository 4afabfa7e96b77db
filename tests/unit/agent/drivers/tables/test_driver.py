import pytest

from agent.drivers.base import Lane
from agent.drivers.tables.base import Options
from agent.drivers.tables.driver import AGAIN_AFTER
from agent.drivers.tables.make import network
from contract.errors import DeviceGarbled, DeviceRefused, DeviceTimeout

from .conftest import OBJECT_ID, UPTIME, Device


async def test_a_reachable_device_without_tables_says_how_long_it_runs(bench):
    said = await bench("network").read()
    assert said["device.uptime"] == 3600
    assert said["x.restarts"] == 0


async def test_a_restart_is_seen_counted_and_looked_at(device, bench):
    device.port(1, "Gi0/1")
    table = bench("network")
    await table.read()
    walks = len(device.walks)
    table.now += 10
    device.values[UPTIME] = 300
    said = await table.read(Lane.FAST)
    assert said["x.restarts"] == said["x.restarts.recent"] == 1
    assert said["device.uptime"] == 3
    assert len(device.walks) > walks
    table.pass_time(3700)
    said = await table.read()
    assert (said["x.restarts"], said["x.restarts.recent"]) == (1, 0)


async def test_another_device_at_the_same_address_is_looked_at(device, bench):
    device.port(1, "Gi0/1")
    table = bench("network")
    await table.read()
    device.values[OBJECT_ID] = "1.3.6.1.4.1.9.1.1"
    device.port(2, "Gi0/2")
    assert (await table.read())["x.port.2.name"] == "Gi0/2"


async def test_it_is_looked_at_again_now_and_then(device, bench):
    device.port(1, "Gi0/1")
    table = bench("network")
    for _ in range(AGAIN_AFTER + 1):
        await table.read()
        await table.read(Lane.FAST)
        table.pass_time(60)
    walks = len(device.walks)
    device.port(1, "Gi0/1", alias="named now")
    await table.read()
    assert len(device.walks) > walks
    assert (await table.read())["x.port.1.alias"] == "named now"


async def test_a_device_that_is_away_from_the_start_is_a_timeout(device, bench):
    device.away = True
    with pytest.raises(DeviceTimeout):
        await bench("network").read()


async def test_one_that_answers_with_nothing_is_garbled_and_looked_at_anew(device, bench):
    device.port(1, "Gi0/1")
    table = bench("network")
    await table.read()
    kept = dict(device.values)
    device.values.clear()
    with pytest.raises(DeviceGarbled):
        await table.read()
    device.values = kept
    assert (await table.read())["x.port.1.up"] == 1.0


async def test_a_profile_may_be_named_whatever_the_device_says():
    device = Device()
    fan = "1.3.6.1.4.1.9.9.13.1.4.1"
    device.values |= {f"{fan}.2.1": b"fan", f"{fan}.3.1": 3}
    driver = network(device, Options(), "cisco", lambda: 0.0, lambda: 0.0)
    said = {reading.quantity: reading.value for reading in await driver.read()}
    assert said["x.network.status"] == ("FAN",)
    with pytest.raises(DeviceRefused, match="acme"):
        await network(device, Options(), "acme", lambda: 0.0, lambda: 0.0).read()


async def test_closing_forgets_what_was_looked_at(device, bench):
    table = bench("network")
    await table.read()
    await table.driver.close()
    device.port(1, "Gi0/1")
    assert (await table.read())["x.port.1.up"] == 1.0
