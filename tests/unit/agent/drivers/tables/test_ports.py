import pytest

from agent.drivers.base import Lane
from contract.errors import DeviceTimeout
from contract.reading import Quality

from .conftest import IF, IFX, IN, IN_ERRORS, OPER, OUT, UPTIME

TABLE_CHANGE = "1.3.6.1.2.1.31.1.5.0"
MEGABIT = 125_000
"""Octets."""


def three_ports(device):
    device.port(1, "Gi0/1", alias="to the core")
    device.port(2, "Gi0/2")
    device.port(3, "Gi0/3", up=False)


async def test_ports_have_names_states_and_speeds(device, bench):
    three_ports(device)
    said = await bench("network", ports=("Gi0/*",)).read()
    assert said["x.port.1.name"] == "Gi0/1"
    assert said["x.port.1.alias"] == "to the core"
    assert said["x.port.1.status"] == "up"
    assert said["x.port.3.status"] == "down"
    assert said["x.port.3.up"] == 0.0
    assert said["x.port.1.speed"] == 1e9


async def test_a_named_port_that_is_down_is_down_from_the_start(device, bench):
    three_ports(device)
    said = await bench("network", ports=("gi0/1", "Gi0/3")).read()
    assert said["x.port.status"] == ("DOWN",)
    assert said["x.port.alarm"] == "Gi0/3 down"
    assert said["x.port.watched"] == 2
    assert said["x.port.down"] == 1


async def test_without_names_a_port_is_missed_once_it_was_up(device, bench):
    three_ports(device)
    table = bench("network")
    assert (await table.read())["x.port.status"] == ()
    device.port(2, "Gi0/2", up=False)
    table.pass_time(10)
    said = await table.read(Lane.FAST)
    assert said["x.port.status"] == ("DOWN",)
    assert said["x.port.alarm"] == "Gi0/2 down"
    assert said["x.port.2.up"] == 0.0


async def test_a_port_that_comes_up_later_is_watched_from_then_on(device, bench):
    three_ports(device)
    table = bench("network")
    await table.read()
    device.port(3, "Gi0/3")
    table.pass_time(60)
    assert (await table.read())["x.port.watched"] == 3
    device.port(3, "Gi0/3", up=False)
    table.pass_time(10)
    assert (await table.read(Lane.FAST))["x.port.status"] == ("DOWN",)


async def test_a_port_that_was_switched_off_on_purpose_is_missed_only_if_named(device, bench):
    three_ports(device)
    anonymous, named = bench("network"), bench("network", ports=("Gi0/2",))
    await anonymous.read()
    await named.read()
    device.port(2, "Gi0/2", up=False, admin=False)
    assert (await anonymous.read())["x.port.status"] == ()
    said = await named.read()
    assert said["x.port.status"] == ("DOWN",)
    assert said["x.port.alarm"] == "Gi0/2 disabled"


async def test_a_name_that_the_device_does_not_have_is_unknown_and_said(device, bench):
    three_ports(device)
    said = await bench("network", ports=("Gi0/1", "Te1/1")).read()
    assert said["x.port.status"] == ("UNKNOWN",)
    assert said["x.port.alarm"] == "Te1/1 is not there"


async def test_a_port_without_a_state_is_unknown_not_up(device, bench):
    three_ports(device)
    device.values[f"{OPER}.2"] = 4
    said = await bench("network", ports=("Gi0/*",)).read()
    assert said["x.port.2.up"] is None
    assert "UNKNOWN" in said["x.port.status"]


async def test_a_port_whose_board_was_pulled_is_down(device, bench):
    three_ports(device)
    table = bench("network")
    await table.read()
    device.drop(2)
    table.pass_time(60)
    await table.read()
    table.pass_time(60)
    said = await table.read()
    assert said["x.port.status"] == ("DOWN",)
    assert said["x.port.alarm"] == "Gi0/2 is gone"
    device.port(2, "Gi0/2")
    table.pass_time(60)
    assert (await table.read())["x.port.status"] == ()


async def test_rows_that_came_are_seen_by_the_time_of_the_last_change(device, bench):
    three_ports(device)
    device.values[TABLE_CHANGE] = 400
    table = bench("network")
    await table.read()
    device.port(4, "Gi0/4")
    device.values[TABLE_CHANGE] = 500
    await table.read()
    assert (await table.read())["x.port.4.up"] == 1.0


async def test_traffic_is_a_rate_from_the_second_full_poll_on(device, bench):
    three_ports(device)
    table = bench("network")
    assert (await table.read())["x.port.1.in.rate"] is None
    device.values[f"{IN}.1"] += 60 * 5 * MEGABIT
    device.values[f"{OUT}.1"] += 60 * 7 * MEGABIT
    device.values[f"{IN_ERRORS}.1"] += 30
    table.pass_time(60)
    said = await table.read()
    assert said["x.port.1.in.rate"] == pytest.approx(5e6)
    assert said["x.port.1.out.rate"] == pytest.approx(7e6)
    assert said["x.port.1.in.errors"] == pytest.approx(0.5)
    assert said["x.port.errors.maximum"] == pytest.approx(0.5)


async def test_a_tunnel_carries_more_than_it_calls_its_speed(device, bench):
    device.port(1, "Tunnel1", kind=131, mbits=1)
    table = bench("network", ports=("Tunnel1",))
    await table.read()
    device.values[f"{IN}.1"] += 60 * 50 * MEGABIT
    table.pass_time(60)
    assert (await table.read())["x.port.1.in.rate"] == pytest.approx(50e6)


async def test_a_discontinuity_or_a_restart_gives_no_rate(device, bench):
    three_ports(device)
    table = bench("network")
    await table.read()
    device.values[f"{IN}.1"] += 60 * MEGABIT
    device.values[f"{IFX}.19.1"] = 360_100
    table.pass_time(60)
    assert (await table.read())["x.port.1.in.rate"] is None
    device.values[f"{IN}.1"] += 60 * MEGABIT
    table.pass_time(60)
    device.values[UPTIME] = 100
    assert (await table.read())["x.port.1.in.rate"] is None


async def test_a_device_with_narrow_counters_only_is_read_too(device, bench):
    device.port(1, "eth0", mbits=10)
    for column in (6, 10, 15):
        device.values.pop(f"{IFX}.{column}.1")
    device.values |= {f"{IF}.5.1": 10_000_000, f"{IF}.10.1": 2**32 - 100, f"{IF}.16.1": 0}
    table = bench("network")
    await table.read()
    device.values[f"{IF}.10.1"] = 60 * MEGABIT - 100
    table.pass_time(60)
    said = await table.read()
    assert said["x.port.1.in.rate"] == pytest.approx(1e6)
    assert said["x.port.1.speed"] == 1e7


async def test_numbers_stay_when_a_restart_deals_out_new_indexes(device, bench):
    three_ports(device)
    table = bench("network")
    before = await table.read()
    for index in (1, 2, 3):
        device.drop(index)
    device.port(101, "Gi0/2")
    device.port(102, "Gi0/1", alias="to the core")
    device.port(103, "Gi0/3", up=False)
    table.now += 60
    device.values[UPTIME] = 3000
    after = await table.read()
    assert after["x.restarts"] == 1
    assert after["x.port.status"] == ()
    for number in (1, 2):
        assert after[f"x.port.{number}.name"] == before[f"x.port.{number}.name"]
        assert after[f"x.port.{number}.up"] == 1.0


async def test_errors_and_surges_against_the_ports_own_history(device, bench):
    three_ports(device)
    table = bench("network")

    async def minute(mbits: float, errors: int) -> dict:
        device.values[f"{IN}.1"] += int(60 * mbits * MEGABIT)
        device.values[f"{IN_ERRORS}.1"] += errors
        table.pass_time(60)
        return await table.read()

    await table.read()
    for _ in range(75):
        assert (await minute(40, 6))["x.port.status"] == ()
    assert (await minute(80, 6))["x.port.status"] == ()
    said = await minute(600, 6)
    assert said["x.port.status"] == ("SURGE",)
    assert said["x.port.alarm"] == "Gi0/1 (to the core) 600 Mbit/s"
    said = await minute(40, 3000)
    assert said["x.port.status"] == ("ERRORS",)
    assert said["x.port.alarm"] == "Gi0/1 (to the core) 50 errors/s"
    assert (await minute(40, 6))["x.port.status"] == ()


async def test_spare_ports_are_those_that_nothing_has_used(device, bench):
    three_ports(device)
    device.port(4, "Gi0/4", up=False)
    device.port(5, "Vlan10", up=False, kind=53)
    device.port(6, "Gi0/6", up=False)
    device.values[f"{OPER}.6"] = 6
    table = bench("network", ports=("Gi0/1",), reserve=3)
    said = await table.read()
    assert said["x.port.spare"] == 2
    assert said["x.port.spare.missing"] == 1
    device.port(4, "Gi0/4")
    table.pass_time(60)
    assert (await table.read())["x.port.spare"] == 1
    device.port(4, "Gi0/4", up=False)
    table.pass_time(60)
    assert (await table.read())["x.port.spare"] == 1  # a computer that was switched off is no spare port


async def test_one_unreadable_table_takes_no_other_one_along(device, bench):
    three_ports(device)
    device.unreadable.add(f"{IFX}.18")
    said = await bench("network").read()
    assert said["x.port.1.status"] == "up"
    assert "x.port.1.alias" not in said


@pytest.mark.parametrize("column", [f"{IF}.2", f"{IF}.3", f"{IFX}.1", OPER])
async def test_a_look_that_fails_now_and_then_loses_no_port(device, bench, column):
    three_ports(device)
    device.values |= {f"{IF}.2.{index}": b"long name %d" % index for index in (1, 2, 3)}
    table = bench("network")
    await table.read()
    device.unreadable.add(column)
    device.values[TABLE_CHANGE] = 1
    await table.read()
    device.values[TABLE_CHANGE] = 2
    await table.read()
    said = await table.read()
    assert said["x.port.status"] == ()
    assert said["x.port.1.name"] == "Gi0/1"


async def test_a_device_that_is_away_is_a_timeout_and_is_read_again_without_a_look(device, bench):
    three_ports(device)
    table = bench("network")
    await table.read()
    walks = len(device.walks)
    device.away = True
    with pytest.raises(DeviceTimeout):
        await table.read()
    device.away = False
    table.pass_time(30)
    assert (await table.read())["x.restarts"] == 0
    assert len(device.walks) == walks


async def test_forty_eight_ports_cost_few_requests(device, bench):
    for index in range(1, 49):
        device.port(index, f"Gi0/{index}")
    table = bench("network")
    await table.read()
    device.requests, device.walks = 0, []
    await table.read(Lane.FAST)
    assert (device.requests, device.walks) == (3, [])
    device.requests = 0
    await table.read()
    assert (device.requests <= 21, device.walks) == (True, [])


async def test_ports_of_a_device_without_any_are_unavailable_not_well(bench):
    readings = await bench("network").driver.read()
    said = {reading.quantity: reading for reading in readings}
    assert said["x.port.status"].quality is Quality.UNAVAILABLE
    assert said["x.network.alarm"].value == "tells nothing of its parts"


@pytest.mark.parametrize("value", [b"", b"\xff\xfe", -1, "1.3.6", 2**40])
async def test_nonsense_in_a_column_is_no_traceback(device, bench, value):
    three_ports(device)
    for column in (2, 3, 5, 7, 8, 10, 13, 14, 16, 19, 20):
        device.values[f"{IF}.{column}.2"] = value
    for column in (1, 6, 10, 15, 17, 18, 19):
        device.values[f"{IFX}.{column}.2"] = value
    table = bench("network", ports=("Gi0/1", "2"))
    for _ in range(2):
        readings = await table.driver.read()
        said = {reading.quantity: reading.value for reading in readings if reading.good}
        assert said["x.port.1.status"] == "up"
        table.pass_time(60)
