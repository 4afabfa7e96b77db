import msgspec
import pytest

from agent.drivers.itself import Inside, ItselfDriver
from agent.links.board import Board
from contract.clock import Stamp
from contract.message import Health
from contract.reading import Quality

CALM = Inside(
    held=2, used=1 << 20, left=100 << 20, rate=1.0, size=340.0, full=False, failing=False, trouble="", devices=3,
    silent=0, late=0.01,
)  # fmt: skip


class HandClock:
    def __init__(self):
        self.now, self.trusted = 1000.0, True

    def boottime(self):
        return self.now

    def stamp(self):
        return Stamp(self.now, self.now, "boot", self.trusted)


class Bench:
    def __init__(self):
        self.inside, self.health, self.clock = CALM, Health(5.0, 50 << 20, 1 << 30), HandClock()
        self.board = Board(20.0, False, 51.24, float(1 << 30), 40.04)
        self.driver = ItselfDriver(lambda: self.inside, lambda: self.health, self, self.clock, "1.0")

    def look(self):
        return self.board

    def change(self, **what):
        self.inside = msgspec.structs.replace(self.inside, **what)

    async def read(self):
        return {reading.quantity: reading for reading in await self.driver.read()}


@pytest.fixture
def bench():
    return Bench()


async def test_a_calm_agent_says_all_of_it(bench):
    await bench.read()
    bench.clock.now += 10
    bench.health = Health(5.5, 50 << 20, 1 << 30)
    readings = await bench.read()
    assert all(reading.good for reading in readings.values())
    values = {name: reading.value for name, reading in readings.items()}
    assert values["agent.status"] == ()
    assert values["agent.trouble"] == "none"
    assert values["agent.cpu"] == 5.0
    assert values["agent.room"] == pytest.approx((100 << 20) / 460, rel=0.01)
    assert values["agent.temperature"] == 51.2
    assert values["agent.uptime"] == 10


@pytest.mark.parametrize(
    ("change", "flag"),
    [
        ({"full": True}, "FULL"),
        ({"failing": True}, "DISK"),
        ({"held": 101}, "HELD"),
    ],
)
async def test_its_troubles_are_flags(bench, change, flag):
    bench.change(**change)
    assert (await bench.read())["agent.status"].value == (flag,)


async def test_a_busy_agent_holds_a_minute_of_messages_without_trouble(bench):
    bench.change(rate=1000.0, held=50_000)
    assert (await bench.read())["agent.status"].value == ()


async def test_a_clock_that_is_not_trusted_and_a_worn_flash_are_flags(bench):
    bench.clock.trusted = False
    bench.board = msgspec.structs.replace(bench.board, worn=True)
    assert (await bench.read())["agent.status"].value == ("CLOCK", "WORN")


async def test_the_room_is_no_more_than_the_disk_has(bench):
    bench.board = msgspec.structs.replace(bench.board, free=46_000.0)
    assert (await bench.read())["agent.room"].value == 100


async def test_what_a_board_has_no_sensor_for_is_not_said(bench):
    bench.board = Board()
    readings = await bench.read()
    assert "agent.flash.wear" not in readings
    assert readings["agent.disk.free"].quality is Quality.UNAVAILABLE


async def test_what_the_system_does_not_tell_is_unavailable(bench):
    bench.health = Health()
    readings = await bench.read()
    assert readings["agent.memory"].quality is readings["agent.cpu"].quality is Quality.UNAVAILABLE
