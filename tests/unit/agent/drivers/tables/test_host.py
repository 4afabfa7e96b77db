from datetime import UTC, datetime

import pytest

from agent.drivers.base import Lane
from agent.drivers.tables.host import offset
from contract.errors import DeviceGarbled

HOST = "1.3.6.1.2.1.25"
RAM, VIRTUAL, FIXED = (f"{HOST}.2.1.{number}" for number in (2, 3, 4))
WALL = 1_700_000_000.0


def stamp(wall: float, *, zone: str = "") -> bytes:
    """Return a DateAndTime."""
    at = datetime.fromtimestamp(wall, UTC)
    said = at.year.to_bytes(2, "big") + bytes((at.month, at.day, at.hour, at.minute, at.second, 0))
    return said + (zone[:1].encode() + bytes((int(zone[1:3]), int(zone[3:]))) if zone else b"")


def host(device):
    device.values |= {
        f"{HOST}.1.1.0": 8_640_000,
        f"{HOST}.1.2.0": stamp(WALL + 8 * 3600, zone="+0800"),
        f"{HOST}.1.5.0": 2,
        f"{HOST}.1.6.0": 180,
        f"{HOST}.3.3.1.2.1": 20,
        f"{HOST}.3.3.1.2.2": 40,
    }
    for row, (kind, name, unit, size, used) in {
        1: (RAM, b"Physical memory", 1024, 1000, 800),
        3: (VIRTUAL, b"Virtual memory", 1024, 2000, 900),
        10: (VIRTUAL, b"Swap space", 1024, 1000, 100),
        31: (FIXED, b"/", 4096, 1000, 250),
        32: (FIXED, b"/var", 4096, -2, -1_000_000_000),
        33: (FIXED, b"/run", 4096, 10, 10),
        34: (FIXED, b"/proc", 4096, 0, 0),
        35: (FIXED, b"C:\\ Label:  Serial Number 1a2b", 4096, 100, 97),
    }.items():
        cells = {2: kind, 3: name, 4: unit, 5: size, 6: used}
        device.values |= {f"{HOST}.2.3.1.{column}.{row}": cell for column, cell in cells.items()}


async def test_a_host_from_outside(device, bench):
    host(device)
    said = await bench("host").read()
    assert said["host.cpu.load"] == 30
    assert said["host.memory.used"] == 80
    assert said["host.swap.used"] == 10
    assert said["host.processes"] == 180
    assert said["host.users"] == 2
    assert said["host.clock.offset"] == pytest.approx(0.5)
    assert said["device.uptime"] == 86400
    assert said["host.uptime"] == 86400
    disks = {said[f"host.disk.{number}.name"]: said[f"host.disk.{number}.used"] for number in (1, 2, 3)}
    assert disks == {"/": 25, "/var": pytest.approx(76.72, abs=0.01), "C:\\": 97}
    assert said["host.disk.used.maximum"] == 97


async def test_a_clock_is_not_held_against_one_that_cannot_be_believed(device, bench):
    host(device)
    table = bench("host")
    table.trusted = False
    assert (await table.read())["host.clock.offset"] is None


async def test_caches_of_linux_are_no_used_memory(device, bench):
    host(device)
    for number, value in ((5, 1000), (6, 200), (14, 100), (15, 400)):
        device.values[f"1.3.6.1.4.1.2021.4.{number}.0"] = value
    assert (await bench("host").read())["host.memory.used"] == 30


async def test_the_fast_lane_asks_for_the_load_only(device, bench):
    host(device)
    table = bench("host")
    await table.read()
    device.requests = 0
    said = await table.read(Lane.FAST)
    assert said["host.cpu.load"] == 30
    assert "host.processes" not in said
    assert device.requests == 1


async def test_a_disk_that_takes_nothing_any_more_is_said_and_a_medium_is_not_full(device, bench):
    host(device)
    access, storage = f"{HOST}.3.8.1.5", f"{HOST}.3.8.1.7"
    device.values |= {f"{access}.1": 1, f"{storage}.1": 31, f"{access}.2": 2, f"{storage}.2": 35}
    table = bench("host")
    said = await table.read()
    assert said["host.status"] == ()
    assert said["host.disk.used.maximum"] == pytest.approx(76.72, abs=0.01)
    device.values[f"{access}.1"] = 2
    said = await table.read()
    assert said["host.status"] == ("READONLY",)
    assert said["host.problem"] == "/ takes nothing"


async def test_an_agent_that_only_counts_ticks_gives_the_load_between_two_polls(device, bench):
    host(device)
    for row in (1, 2):
        device.values.pop(f"{HOST}.3.3.1.2.{row}")
    ticks = {53: 0, 54: 0, 50: 0, 51: 0, 52: 0, 56: 0, 61: 0, 64: 0}
    table = bench("host")
    said = []
    for idle, wait, user, system in (
        (0, 0, 0, 0),
        (1000, 10, 500, 50),
        (1700, 10, 700, 150),
        (1700, 10, 700, 150),
        (5, 5, 5, 5),
    ):
        ticks |= {53: idle, 54: wait, 50: user, 52: system}
        device.values |= {f"1.3.6.1.4.1.2021.11.{number}.0": value for number, value in ticks.items()}
        said.append((await table.read())["host.cpu.load"])
    assert said == [None, None, 30.0, None, None]


async def test_the_agents_own_restart_is_none_of_the_hosts(device, bench):
    host(device)
    table = bench("host")
    await table.read()
    table.pass_time(60)
    device.values["1.3.6.1.2.1.1.3.0"] = 100
    device.values[f"{HOST}.1.1.0"] += 6000
    assert (await table.read())["x.restarts"] == 0
    table.pass_time(60)
    device.values[f"{HOST}.1.1.0"] = 500
    assert (await table.read())["x.restarts"] == 1


async def test_a_device_without_the_mib_is_no_host(device, bench):
    device.port(1, "Gi0/1")
    with pytest.raises(DeviceGarbled, match="host"):
        await bench("host").read()


@pytest.mark.parametrize("zone", ["+0000", "+0800", "-0330"])
def test_clocks_are_compared_in_every_zone(zone):
    sign = 1 if zone[0] == "+" else -1
    ahead = sign * (int(zone[1:3]) * 3600 + int(zone[3:]) * 60)
    assert offset(stamp(WALL + ahead + 90, zone=zone), WALL) == pytest.approx(90.5)


def test_a_clock_without_a_zone_is_taken_for_one_in_the_nearest():
    assert offset(stamp(WALL + 8 * 3600 - 20), WALL) == pytest.approx(-19.5)


@pytest.mark.parametrize("raw", [None, b"", b"\0" * 8, b"\xff" * 11, 5, stamp(WALL, zone="*0800"), stamp(WALL)[:7]])
def test_what_is_no_date_gives_no_offset(raw):
    assert offset(raw, WALL) is None
