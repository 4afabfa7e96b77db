import msgspec
import pytest

from agent.clock import SystemClock
from agent.drivers.base import Lane
from agent.drivers.tables.base import Options
from agent.drivers.tables.driver import AGAIN_AFTER, Kept
from agent.drivers.tables.make import network
from agent.memo import Memo
from contract.errors import DeviceGarbled, DeviceRefused, DeviceTimeout
from contract.message import MAX_BYTES

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
    driver = network(device, Options(), "cisco", SystemClock())
    said = {reading.quantity: reading.value for reading in await driver.read()}
    assert said["x.network.status"] == ("FAN",)
    with pytest.raises(DeviceRefused, match="acme"):
        await network(device, Options(), "acme", SystemClock()).read()


async def test_closing_forgets_what_was_looked_at(device, bench):
    table = bench("network")
    await table.read()
    await table.driver.close()
    device.port(1, "Gi0/1")
    assert (await table.read())["x.port.1.up"] == 1.0


async def test_a_new_start_knows_the_numbers_and_the_ports_that_were_up(device, bench, tmp_path):
    device.port(1, "Gi0/1")
    device.port(2, "Gi0/2")
    table = bench("network", Memo(Kept, tmp_path / "tables.json"))
    await table.read()
    device.values[UPTIME] = 100
    table.now += 10
    await table.read()
    await table.driver.close()
    device.port(1, "Gi0/1", up=False)
    device.port(3, "Gi0/0")
    table.memo = Memo(Kept, tmp_path / "tables.json")
    table.begin()
    said = await table.read()
    assert said["x.port.status"] == ("DOWN",)
    assert said["x.port.alarm"] == "Gi0/1 down"
    assert said["x.port.1.name"] == "Gi0/1"
    assert said["x.port.3.name"] == "Gi0/0"
    assert said["x.restarts"] == 1
    await table.driver.close()


@pytest.mark.parametrize("text", ["", "nonsense", '{"version": 1, "kept": {"figures": {"x.port": {"a": 1, "b": 1}}}}'])
async def test_a_memo_that_cannot_be_used_stops_nothing(device, bench, tmp_path, text):
    device.port(1, "Gi0/1")
    (tmp_path / "tables.json").write_text(text)
    table = bench("network", Memo(Kept, tmp_path / "tables.json"))
    assert (await table.read())["x.port.1.name"] == "Gi0/1"
    await table.driver.close()


async def test_a_chassis_of_four_hundred_ports_and_sensors_fits_into_a_message(device, bench):
    for index in range(1, 401):
        device.port(index, f"TenGigabitEthernet1/0/{index}", alias=f"to cabinet {index} on floor 3", octets=10**12)
        cells = {1: 8, 2: 9, 3: 2, 4: 4512, 5: 1}
        device.values |= {f"1.3.6.1.2.1.99.1.1.1.{column}.{index}": cell for column, cell in cells.items()}
        device.values[f"1.3.6.1.2.1.47.1.1.1.1.7.{index}"] = b"TenGigabitEthernet1/0/%d module temperature" % index
    table = bench("network")
    await table.read()
    for index in range(1, 401):
        device.port(index, f"TenGigabitEthernet1/0/{index}", octets=10**12 + 123_456_789, up=index != 400)
    device.values["1.3.6.1.2.1.99.1.1.1.5.400"] = 3
    table.pass_time(60)
    readings = await table.driver.read()
    assert len(msgspec.json.encode(readings)) < MAX_BYTES
    said = {reading.quantity: reading.value for reading in readings}
    assert said["x.port.down"] == 1  # the last of them counts all the same
    assert said["x.network.status"] == ("SENSOR",)
