import pytest

from agent.drivers.base import Lane

RFC2787, RFC6527 = "1.3.6.1.2.1.68.1.3.1", "1.3.6.1.2.1.207.1.1.1.1"
KEEPALIVED, HSRP = "1.3.6.1.4.1.9586.100.5.2.3.1", "1.3.6.1.4.1.9.9.106.1.2.1.1"


@pytest.mark.parametrize(("number", "word"), [(1, "init"), (2, "backup"), (3, "master"), (9, None)])
async def test_version_2(device, bench, number, word):
    device.values |= {f"{RFC2787}.3.2.51": number, f"{RFC2787}.5.2.51": 150}
    said = await bench("network", vrrp="51").read()
    assert said["x.vrrp.1.state"] == word
    assert said["x.vrrp.1.name"] == "interface 2 VRID 51"
    assert said["x.vrrp.1.priority"] == 150
    assert said["x.vrrp.state"] == word
    assert said["x.vrrp.masters"] == (word == "master")


async def test_version_3(device, bench):
    device.values |= {f"{RFC6527}.6.2.51.1": 3, f"{RFC6527}.7.2.51.1": 200}
    said = await bench("network", vrrp="51").read(Lane.ALL)
    assert said["x.vrrp.state"] == "master"


async def test_keepalived_by_name(device, bench):
    for row, name, state in ((1, b"VI_1", 2), (2, b"VI_2", 3)):
        cells = {2: name, 3: 50 + row, 4: state, 8: 100}
        device.values |= {f"{KEEPALIVED}.{column}.{row}": cell for column, cell in cells.items()}
    table = bench("network", vrrp="VI_2")
    said = await table.read()
    assert said["x.vrrp.1.state"] == "master"
    assert said["x.vrrp.state"] == "fault"
    device.values[f"{KEEPALIVED}.4.2"] = 1
    assert (await table.read(Lane.FAST))["x.vrrp.state"] == "backup"


async def test_hsrp(device, bench):
    device.values |= {f"{HSRP}.15.3.1": 6, f"{HSRP}.3.3.1": 110}
    assert (await bench("network").read())["x.vrrp.1.state"] == "master"


async def test_a_virtual_router_that_is_not_there_has_no_state(device, bench):
    device.port(1, "Gi0/1")
    said = await bench("network", vrrp="VI_1").read()
    assert said["x.vrrp.state"] is None


async def test_a_table_that_cannot_be_read_takes_no_other_one_along(device, bench):
    device.unreadable.add(f"{KEEPALIVED}.4")
    device.values |= {f"{RFC2787}.3.2.51": 3, f"{RFC2787}.5.2.51": 150}
    assert (await bench("network", vrrp="51").read())["x.vrrp.state"] == "master"
