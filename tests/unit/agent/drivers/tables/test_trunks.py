import pytest

from agent.drivers.base import Lane
from contract.errors import DeviceGarbled

from .conftest import ADMIN, OPER

DS1 = "1.3.6.1.2.1.10.18"
BEARER = "1.3.6.1.2.1.10.20.1.2.1.1.2"
E1, LAPD, DS0, FXS = 18, 77, 81, 102


def trunk(device, index: int, status: int, *, up: bool = True, admin: bool = True) -> None:
    device.port(index, f"E1 0/{index}", up=up, admin=admin, kind=E1)
    cells = {f"{DS1}.6.1.2": index, f"{DS1}.6.1.8": b"TRUNK-%d" % index, f"{DS1}.6.1.10": status}
    cells |= {f"{DS1}.7.1.{column}": 0 for column in (2, 3, 4, 5)}
    device.values |= {f"{column}.{index}": cell for column, cell in cells.items()}


async def test_a_healthy_trunk_has_no_flags(device, bench):
    trunk(device, 1, 1)
    said = await bench("trunk").read()
    assert said["x.trunk.1.status"] == "ok"
    assert said["x.trunk.1.up"] == 1.0
    assert said["x.trunk.status"] == ()
    assert said["x.trunk.alarm"] == "none"
    assert said["x.trunk.1.circuit"] == "TRUNK-1"
    assert said["x.trunk.down"] == 0


async def test_a_cut_cable_names_its_trunk_at_the_next_fast_poll(device, bench):
    trunk(device, 1, 1)
    trunk(device, 2, 1)
    table = bench("trunk")
    await table.read()
    trunk(device, 2, 68, up=False)
    said = await table.read(Lane.FAST)
    assert said["x.trunk.status"] == ("DOWN", "LOS", "RAI-SENT")
    assert said["x.trunk.alarm"] == "E1 0/2 (TRUNK-2) DOWN LOS RAI-SENT"
    assert said["x.trunk.1.status"] == "ok"
    assert said["x.trunk.2.status"] == "DOWN LOS RAI-SENT"
    assert said["x.trunk.2.up"] == 0.0
    assert said["x.trunk.down"] == 1


async def test_a_status_that_is_none_is_unknown_not_healthy(device, bench):
    trunk(device, 1, 0)
    said = await bench("trunk").read()
    assert said["x.trunk.1.status"] is None
    assert said["x.trunk.status"] == ("UNKNOWN",)


async def test_bad_seconds_of_this_quarter_and_the_worst_of_them(device, bench):
    trunk(device, 1, 1)
    trunk(device, 2, 1)
    device.values |= {f"{DS1}.7.1.2.2": 40, f"{DS1}.7.1.3.2": 12, f"{DS1}.7.1.3.1": 3}
    said = await bench("trunk").read()
    assert said["x.trunk.2.errored"] == 40
    assert said["x.trunk.2.errored.severely"] == 12
    assert said["x.trunk.errored.maximum"] == 12


async def test_a_trunk_that_is_switched_off_is_spare_and_raises_nothing(device, bench):
    trunk(device, 1, 1)
    trunk(device, 2, 64, up=False, admin=False)
    said = await bench("trunk", reserve=2).read()
    assert said["x.trunk.status"] == ()
    assert said["x.trunk.watched"] == 1
    assert said["x.port.spare"] == 1
    assert said["x.port.spare.missing"] == 1


async def test_named_trunks_are_in_service_the_others_spare_unless_broken(device, bench):
    trunk(device, 1, 1)
    trunk(device, 2, 64, up=False)
    trunk(device, 3, 16384 + 64, up=False)
    said = await bench("trunk", ports=("trunk-1",)).read()
    assert said["x.trunk.status"] == ()
    assert said["x.port.spare"] == 1


async def test_a_named_trunk_that_is_switched_off_or_not_there_is_said(device, bench):
    trunk(device, 1, 1, up=False, admin=False)
    said = await bench("trunk", ports=("E1 0/1", "E1 0/9")).read()
    assert said["x.trunk.status"] == ("DOWN", "MISSING")
    assert said["x.trunk.alarm"] == "E1 0/1 (TRUNK-1) DOWN; E1 0/9 is not there"


async def test_a_trunk_whose_module_was_pulled_is_missing(device, bench):
    trunk(device, 1, 1)
    trunk(device, 2, 1)
    table = bench("trunk")
    await table.read()
    for oid in [
        oid for oid in device.values if oid.endswith(".2") and oid.startswith((DS1, OPER, ADMIN, "1.3.6.1.2.1.2."))
    ]:
        device.values.pop(oid)
    device.drop(2)
    await table.read()
    said = await table.read()
    assert said["x.trunk.status"] == ("MISSING",)
    assert said["x.trunk.down"] == 1


@pytest.mark.parametrize("column", [f"{DS1}.6.1.10", f"{DS1}.6.1.2", f"{DS1}.6.1.8", "1.3.6.1.2.1.31.1.1.1.1", OPER])
async def test_a_table_that_cannot_be_read_for_once_loses_no_trunk(device, bench, column):
    trunk(device, 1, 1)
    trunk(device, 2, 1)
    table = bench("trunk")
    await table.read()
    device.unreadable.add(column)
    for _ in range(25):
        said = await table.read()
    assert said["x.trunk.status"] == ()
    assert said["x.trunk.2.circuit"] == "TRUNK-2"


async def test_a_table_that_can_never_be_read_leaves_the_interfaces(device, bench):
    device.port(1, "e1t1 0 0 0", kind=E1)
    device.unreadable.add(f"{DS1}.6.1.10")
    assert (await bench("trunk").read())["x.trunk.1.status"] == "ok"


async def test_a_gateway_without_the_ds1_mib_is_read_by_its_interfaces(device, bench):
    device.port(1, "e1t1 0 0 0", kind=E1)
    table = bench("trunk")
    assert (await table.read())["x.trunk.1.status"] == "ok"
    device.port(1, "e1t1 0 0 0", kind=E1, up=False)
    assert (await table.read(Lane.FAST))["x.trunk.status"] == ("DOWN",)


async def test_a_dead_signalling_channel_is_trouble_though_the_line_is_well(device, bench):
    trunk(device, 1, 1)
    device.port(50, "D 0/1", kind=LAPD, up=False)
    said = await bench("trunk").read()
    assert said["x.trunk.status"] == ("SIGNALLING",)
    assert said["x.trunk.alarm"] == "D 0/1 down"


async def test_that_of_a_dead_trunk_is_not_said_besides(device, bench):
    trunk(device, 1, 64, up=False)
    device.port(50, "D 0/1", kind=LAPD, up=False)
    assert "SIGNALLING" not in (await bench("trunk").read())["x.trunk.status"]


async def test_channels_are_counted(device, bench):
    trunk(device, 1, 1)
    for row in range(101, 131):
        device.port(row, f"B {row}", kind=DS0, up=row != 130)
        device.values[f"{BEARER}.{row}"] = 4 if row < 106 else 1
    said = await bench("trunk").read()
    assert said["x.channel.count"] == 30
    assert said["x.channel.down"] == 1
    assert said["x.channel.busy"] == 5
    assert said["x.channel.free"] == 24
    assert said["x.channel.faulty"] == 1


async def test_channels_of_a_dead_trunk_are_no_trouble_of_their_own(device, bench):
    trunk(device, 1, 68, up=False)
    for row in range(101, 131):
        device.port(row, f"B {row}", kind=DS0, up=False)
    said = await bench("trunk").read()
    assert said["x.channel.down"] == 30
    assert said["x.channel.faulty"] == 0


async def test_analog_lines_count_and_stand_by(device, bench):
    for row in range(1, 9):
        device.port(row, f"FXS 1/{row}", kind=FXS, up=row != 3)
    said = await bench("trunk", ports=("FXS 1/1", "FXS 1/2", "FXS 1/3"), reserve=6).read()
    assert said["x.channel.count"] == 8
    assert said["x.channel.down"] == 1
    assert said["x.port.spare"] == 5
    assert said["x.port.spare.missing"] == 1


async def test_a_gateway_with_analog_lines_only_has_no_trunk_in_doubt(device, bench):
    device.port(1, "FXS 1/1", kind=FXS)
    said = await bench("trunk").read()
    assert said["x.trunk.status"] == ()
    assert said["x.trunk.watched"] == 0


async def test_what_has_no_trunks_at_all_is_said_to_be_none(device, bench):
    device.port(1, "eth0")
    with pytest.raises(DeviceGarbled, match="voice gateway"):
        await bench("trunk").read()
