import pytest

from .conftest import OBJECT_ID

CISCO, HUAWEI, H3C, RUIJIE = (f"1.3.6.1.4.1.{number}" for number in (9, 2011, 25506, 4881))
ENVMON = f"{CISCO}.9.13.1"
ENTITY = "1.3.6.1.2.1.47.1.1.1.1"
SENSOR = "1.3.6.1.2.1.99.1.1.1"
STATE = "1.3.6.1.2.1.131.1.1.1.3"


def cisco(device):
    device.values |= {
        OBJECT_ID: f"{CISCO}.1.1208",
        f"{ENVMON}.3.1.2.1": b"chassis",
        f"{ENVMON}.3.1.3.1": 40,
        f"{ENVMON}.3.1.4.1": 60,
        f"{ENVMON}.3.1.6.1": 1,
        f"{ENVMON}.4.1.2.1": b"fan tray",
        f"{ENVMON}.4.1.3.1": 1,
        f"{ENVMON}.5.1.2.1": b"PSU A",
        f"{ENVMON}.5.1.3.1": 1,
        f"{ENVMON}.5.1.2.2": b"PSU B",
        f"{ENVMON}.5.1.3.2": 1,
        f"{ENVMON}.5.1.2.3": b"PSU C",
        f"{ENVMON}.5.1.3.3": 5,
    }


async def test_a_healthy_device_has_no_flags_and_empty_slots_are_no_parts(device, bench):
    cisco(device)
    said = await bench("network").read()
    assert said["x.network.status"] == ()
    assert said["x.network.alarm"] == "none"
    assert said["x.network.fan.1.status"] == "normal"
    assert said["x.network.temperature.maximum"] == 40
    assert "x.network.supply.3.name" not in said
    assert said["device.mfr"] == "Cisco"


@pytest.mark.parametrize(
    ("oid", "value", "flag", "words"),
    [
        (f"{ENVMON}.4.1.3.1", 3, "FAN", "fan tray critical"),
        (f"{ENVMON}.5.1.3.2", 6, "SUPPLY", "PSU B not functioning"),
        (f"{ENVMON}.3.1.6.1", 2, "HEAT", "chassis warning"),
        (f"{ENVMON}.3.1.3.1", 61, "HEAT", "chassis 61, limit 60"),
        (f"{ENVMON}.4.1.3.1", 77, "UNKNOWN", "fan tray in unknown state 77"),
    ],
)
async def test_a_bad_part_is_flagged_and_named(device, bench, oid, value, flag, words):
    cisco(device)
    table = bench("network")
    await table.read()
    device.values[oid] = value
    said = await table.read()
    assert said["x.network.status"] == (flag,)
    assert words in said["x.network.alarm"]


async def test_a_supply_that_was_pulled_is_missing(device, bench):
    cisco(device)
    table = bench("network")
    await table.read()
    device.values[f"{ENVMON}.5.1.3.2"] = 5
    await table.read()
    said = await table.read()
    assert said["x.network.status"] == ("MISSING", "SUPPLY")
    assert said["x.network.alarm"] == "PSU B is gone"
    device.values[f"{ENVMON}.5.1.3.2"] = 1
    assert (await table.read())["x.network.status"] == ()


@pytest.mark.parametrize("column", [f"{ENVMON}.5.1.3", f"{ENVMON}.5.1.2"])
async def test_a_table_that_cannot_be_read_for_once_loses_no_part(device, bench, column):
    cisco(device)
    table = bench("network")
    await table.read()
    device.unreadable.add(column)
    for _ in range(25):
        said = await table.read()
    assert said["x.network.status"] == ()
    assert said["x.network.supply.2.status"] == "normal"


async def test_a_table_that_can_never_be_read_takes_no_other_one_along(device, bench):
    cisco(device)
    device.unreadable.add(f"{ENVMON}.5.1.3")
    table = bench("network")
    for _ in range(25):
        said = await table.read()
    assert said["x.network.fan.1.status"] == "normal"
    assert "x.network.supply.1.name" not in said


async def test_fans_of_huawei_are_read_where_they_are_present(device, bench):
    fan = f"{HUAWEI}.5.25.31.1.1.10.1"
    device.values |= {
        OBJECT_ID: f"{HUAWEI}.2.23.1",
        f"{fan}.5.0.1": 43,
        f"{fan}.6.0.1": 1,
        f"{fan}.7.0.1": 2,
        f"{fan}.6.0.2": 2,
        f"{fan}.7.0.2": 2,
    }
    said = await bench("network").read()
    assert said["x.network.status"] == ("FAN",)
    assert said["x.network.alarm"] == "fan 0.1 abnormal"
    assert said["x.network.fan.1.percent"] == 43


async def test_parts_of_h3c_are_told_apart_by_their_class(device, bench):
    state = f"{H3C}.2.6.1.1.1.1"
    rows = {1: (3, 1, b"chassis"), 2: (9, 2, b"board"), 3: (7, 41, b"fan"), 4: (6, 51, b"psu"), 5: (6, 4, b"slot")}
    device.values[OBJECT_ID] = f"{H3C}.1.1"
    for row, (kind, error, name) in rows.items():
        device.values |= {f"{ENTITY}.5.{row}": kind, f"{ENTITY}.7.{row}": name, f"{state}.19.{row}": error}
        device.values |= {f"{state}.6.{row}": 12 if row == 2 else 0, f"{state}.12.{row}": 45 if row == 2 else 65535}
    said = await bench("network").read()
    assert said["x.network.status"] == ("FAN", "SUPPLY")
    assert said["x.network.alarm"] == "fan fan error; psu supply error"
    assert said["x.network.board.1.status"] == "normal"
    assert said["x.network.cpu.load"] == 12
    assert said["x.network.temperature.maximum"] == 45


async def test_supplies_of_ruijie(device, bench):
    supply = f"{RUIJIE}.1.1.10.2.1.1.18.1"
    device.values[OBJECT_ID] = f"{RUIJIE}.1.1.10.1.41"
    for row, state in ((1, 4), (2, 7), (3, 1)):
        device.values |= {f"{supply}.2.{row}": state, f"{supply}.3.{row}": b"power %d" % row}
    said = await bench("network").read()
    assert said["x.network.alarm"] == "power 2 line failed"
    assert said["x.network.status"] == ("SUPPLY",)


async def test_standard_sensors_say_their_unit_and_a_broken_one_is_flagged(device, bench):
    for row, (kind, scale, precision, value, status, name) in {
        1: (8, 9, 1, 415, 1, b"inlet"),
        2: (4, 8, 0, 12100, 1, b"12 V rail"),
        3: (10, 9, 0, 4500, 1, b"fan"),
        4: (8, 9, 0, 0, 2, b"not there"),
        5: (12, 9, 0, 1, 1, b"truth"),
    }.items():
        cells = {1: kind, 2: scale, 3: precision, 4: value, 5: status}
        device.values |= {f"{SENSOR}.{column}.{row}": cell for column, cell in cells.items()}
        device.values[f"{ENTITY}.7.{row}"] = name
    table = bench("network")
    said = await table.read()
    named = {said[f"x.network.sensor.{number}.name"]: number for number in range(1, 5)}
    assert said[f"x.network.sensor.{named['inlet']}.temperature"] == 41.5
    assert said[f"x.network.sensor.{named['12 V rail']}.voltage"] == pytest.approx(12.1)
    assert said[f"x.network.sensor.{named['fan']}.speed"] == 4500
    assert said[f"x.network.sensor.{named['not there']}.temperature"] is None
    assert said["x.network.status"] == ()
    device.values[f"{SENSOR}.5.1"] = 3
    said = await table.read()
    assert said["x.network.status"] == ("SENSOR",)
    assert said["x.network.alarm"] == "inlet has failed"


async def test_entity_states_stand_in_where_no_vendor_table_is_known(device, bench):
    for row, (kind, state, name) in {
        1: (6, 3, b"PS1"),
        2: (7, 2, b"FAN1"),
        3: (9, 3, b"LC1"),
        4: (5, 2, b"bay"),
    }.items():
        device.values |= {f"{ENTITY}.5.{row}": kind, f"{ENTITY}.7.{row}": name, f"{STATE}.{row}": state}
    said = await bench("network").read()
    assert said["x.network.status"] == ("FAN",)
    assert said["x.network.alarm"] == "FAN1 disabled"
    assert said["x.network.supply.1.status"] == "enabled"


async def test_a_part_keeps_its_number_when_its_index_is_another_one_after_a_restart(device, bench):
    cisco(device)
    table = bench("network")
    await table.read()
    for row in (1, 2, 3):
        for column in (2, 3):
            value = device.values.pop(f"{ENVMON}.5.1.{column}.{row}")
            device.values[f"{ENVMON}.5.1.{column}.{row + 10}"] = value
    table.now += 30
    device.values["1.3.6.1.2.1.1.3.0"] = 100
    said = await table.read()
    assert said["x.network.status"] == ()
    assert said["x.network.supply.2.name"] == "PSU B"


async def test_a_device_whose_tables_all_went_is_unknown_not_well(device, bench):
    cisco(device)
    table = bench("network")
    await table.read()
    for oid in [oid for oid in device.values if oid.startswith(ENVMON)]:
        device.values.pop(oid)
    for _ in range(2):
        said = await table.read()
    assert said["x.network.status"] is None or said["x.network.status"]


async def test_sentinels_are_no_values(device, bench):
    cisco(device)
    table = bench("network")
    await table.read()
    for oid in list(device.values):
        if oid.startswith(ENVMON) and isinstance(device.values[oid], int):
            device.values[oid] = 2147483647
    said = await table.read()
    assert said["x.network.sensor.1.temperature"] is None
    assert said["x.network.status"] == ("UNKNOWN",)
