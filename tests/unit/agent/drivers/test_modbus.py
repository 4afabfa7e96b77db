"""The Modbus driver over a made-up link: blocks, refusals, silence, strikes, extremes."""

import pytest

from agent.contacts import Contact, Contacts, Loop, mapped
from agent.drivers.base import Lane
from agent.drivers.modbus import AGAIN_AFTER, ModbusDriver
from agent.links.modbus_frames import ModbusRefused
from agent.profiles_modbus import Flags, Point, Table, tables
from contract.errors import DeviceGarbled, DeviceRefused, DeviceTimeout, PortUnavailable
from contract.reading import Quality
from firmware_sims.modbus_device import answer
from firmware_sims.modbus_models import HOLDING, INPUT, Bytes, Climate, Detector, Inputs, Registers


class Link:
    """A device without a line."""

    url = "here unit 1"

    def __init__(self, model):
        self.model = model
        self.asked = []
        self.wakes = set()
        self.silent = set()
        """Addresses whose block is never answered."""
        self.error = None
        self.sentinels = False
        self.closed = False

    async def read(self, function, address, count, *, wake=b"", pause=0.0):
        self.asked.append((function, address, count))
        self.wakes.add((wake, pause))
        if self.error is not None:
            raise self.error
        if self.silent & set(range(address, address + count)):
            raise DeviceTimeout("no answer")
        request = bytes((function,)) + address.to_bytes(2, "big") + count.to_bytes(2, "big")
        said = answer(self.model, request, sentinels=self.sentinels)
        if said[0] & 0x80:
            raise ModbusRefused("no", code=said[1])
        if function <= 2:
            return [said[2 + place // 8] >> place % 8 & 1 for place in range(count)]
        return [int.from_bytes(said[at : at + 2], "big") for at in range(2, len(said), 2)]

    async def close(self):
        self.closed = True


def point(address, **more):
    return Point(quantity="x.earth.resistance", read="holding", address=address, **more)


def table(*points, **more):
    return Table(name="made", title="made up", source="nobody", kind="surge", point=points, **more)


ROW = (
    point(0),
    Point(quantity="x.surge.life", read="holding", address=1),
    Point(quantity="x.surge.voltage", read="holding", address=2),
    Point(quantity="x.surge.temperature", read="holding", address=3),
)


def good(readings):
    return {reading.quantity: reading.value for reading in readings if reading.good}


async def test_it_reads_a_climate_with_its_extremes():
    link = Link(Climate(temperature=-20.5, humidity=54.6))
    driver = ModbusDriver(link, tables()["xy-md02"])
    for lane in Lane:
        assert good(await driver.read(lane)) == {
            "ambient.temperature": -20.5,
            "ambient.humidity": 54.6,
            "x.ambient.temperature.maximum": -20.5,
            "x.ambient.temperature.minimum": -20.5,
            "x.ambient.humidity.maximum": 54.6,
            "x.ambient.humidity.minimum": 54.6,
        }
    assert link.asked == [(4, 1, 2)] * 2
    assert driver.identity.model == "XY-MD02"
    await driver.close()
    assert link.closed


async def test_a_block_that_is_refused_is_halved_until_it_is_known_what_is_not_there():
    link = Link(Registers({HOLDING: {0: 5, 1: 90, 3: 31}}))
    driver = ModbusDriver(link, table(*ROW))
    expected = {"x.earth.resistance": 5.0, "x.surge.life": 90.0, "x.surge.temperature": 31.0}
    found = await driver.read()
    assert good(found) == expected
    assert {each.quantity for each in found if each.quality is Quality.UNAVAILABLE} == {"x.surge.voltage"}
    link.asked.clear()
    assert good(await driver.read()) == expected
    assert len(link.asked) == 2, "it has learned"
    link.model.words[HOLDING][2] = 230
    for _ in range(AGAIN_AFTER):
        found = await driver.read()
    assert good(found)["x.surge.voltage"] == 230.0, "it looks again now and then"


async def test_a_register_it_stays_silent_on_costs_the_others_nothing_for_long():
    link = Link(Registers({HOLDING: {0: 5, 1: 90, 100: 31}}))
    link.silent = {100}
    points = (*ROW[:2], Point(quantity="x.surge.temperature", read="holding", address=100))
    driver = ModbusDriver(link, table(*points))
    for _ in range(2):
        assert good(await driver.read()) == {"x.earth.resistance": 5.0, "x.surge.life": 90.0}
    link.asked.clear()
    await driver.read()
    assert link.asked == [(3, 0, 2)]


@pytest.mark.parametrize("kind", [DeviceTimeout, DeviceGarbled, PortUnavailable])
async def test_a_device_that_cannot_be_read_is_an_error(kind):
    link = Link(Climate())
    driver = ModbusDriver(link, tables()["xy-md02"])
    await driver.read()
    link.error = kind("why")
    with pytest.raises(kind, match="why"):
        await driver.read()
    link.error = None
    assert good(await driver.read())


async def test_silence_costs_one_timeout_a_poll_not_one_a_block():
    link = Link(Detector())
    driver = ModbusDriver(link, tables()["leixun"])
    link.error = DeviceTimeout("silent")
    with pytest.raises(DeviceTimeout):
        await driver.read()
    assert len(link.asked) == 1


async def test_a_device_of_another_kind_says_which_profile_is_doubtful():
    driver = ModbusDriver(Link(Registers({HOLDING: {500: 1}})), tables()["xy-md02"])
    for _ in range(3):
        with pytest.raises(DeviceRefused, match="refuses all") as caught:
            await driver.read()
        assert "xy-md02" in caught.value.hint


async def test_busy_is_no_reason_to_take_a_block_apart():
    link = Link(Climate())
    driver = ModbusDriver(link, tables()["xy-md02"])
    link.error = ModbusRefused("busy", code=6)
    with pytest.raises(ModbusRefused, match="busy"):
        await driver.read()
    link.error = None
    assert good(await driver.read())
    assert link.asked == [(4, 1, 2)] * 2


async def test_single_means_one_point_a_request():
    link = Link(Registers({HOLDING: {0: 5, 1: 90, 2: 230, 3: 31}}))
    await ModbusDriver(link, table(*ROW, single=True)).read()
    assert link.asked == [(3, at, 1) for at in range(4)]


async def test_the_wake_byte_goes_with_each_request():
    link = Link(Registers({HOLDING: {20: 1}}))
    found = await ModbusDriver(link, tables()["ws61"]).read()
    assert good(found) == {"ambient.status": ("WATER",)}
    assert link.wakes == {(b"\x8f", 0.03)}


async def test_strikes_are_counted_from_the_first_reading_over_a_wrap():
    model, now = Bytes(strikes=254), [0.0]
    driver = ModbusDriver(Link(model), tables()["zpzh"], clock=lambda: now[0])
    found = good(await driver.read())
    assert (found["x.surge.strikes"], found["x.surge.strikes.total"]) == (254.0, 0.0)
    model.strike(3)
    now[0] = 60.0
    found = good(await driver.read(Lane.FAST))
    assert found["x.surge.strikes"] == 1.0
    assert found["x.surge.strikes.total"] == found["x.surge.strikes.recent"] == 3.0
    now[0] = 4000.0
    assert good(await driver.read())["x.surge.strikes.recent"] == 0.0


async def test_a_leixun_detector_says_all_it_has():
    model = Detector(strikes=7, last=(2026, 8, 19, 15, 22), earth=True, mains_lost=True)
    found = good(await ModbusDriver(Link(model), tables()["leixun"]).read())
    assert found["x.surge.status"] == ("EARTH", "MAINS")
    assert found["x.surge.life"] == 96
    assert found["x.surge.strikes"] == 7
    assert found["x.surge.last"] == "2026-08-19T15:22"
    assert found["x.surge.temperature"] == 31.5


async def test_a_module_of_inputs_says_their_states():
    model = Inputs(inputs=[True, False] * 4, relays=[True] * 8)
    found = good(await ModbusDriver(Link(model), tables()["dio-8"]).read())
    assert [found[f"ambient.contacts.{row}.status"] for row in (1, 2)] == ["closed", "open"]
    assert found["outlet.8.status"] == "on"


@pytest.mark.parametrize(
    ("model", "profile"), [(Climate(), "xy-md02"), (Detector(strikes=3), "leixun"), (Bytes(strikes=3), "zpzh")]
)
async def test_a_device_that_has_no_values_says_none(model, profile):
    link = Link(model)
    driver = ModbusDriver(link, tables()[profile])
    await driver.read()
    link.sentinels = True
    found = good(await driver.read())
    counted = {name for name in found if "strikes" in name} if profile == "zpzh" else set()  # a byte has no sentinel
    assert {name for name, value in found.items() if isinstance(value, float)} == counted


async def test_the_loop_of_a_detector_tells_an_alarm_from_a_cut_wire():
    link = Link(Registers({INPUT: dict(enumerate([5200, 15400, 0, 0, 0, 0, 0, 0]))}))
    driver = ModbusDriver(link, tables()["waveshare-ai8"])
    loop = Loop(measures="current", normal=(0.004, 0.008), alarm=(0.012, 0.022))
    contacts = Contacts(
        [Contact(input=number, means="smoke", title=f"zone {number}", loop=loop) for number in (1, 2, 3)]
    )
    found = good(mapped(await driver.read(), contacts))
    assert found["ambient.status"] == ("BREAK", "SMOKE")
    assert found["ambient.alarm"] == "zone 2; zone 3: wire"


async def test_a_table_that_has_nothing_fast_asks_for_a_sign_of_life():
    slow = table(*ROW[:2], flags=(Flags(quantity="x.surge.status", read="holding", address=3, bits={}),))
    link = Link(Registers({HOLDING: {0: 5, 1: 90, 3: 0}}))
    assert list(await ModbusDriver(link, slow).read(Lane.FAST)) == []
    assert link.asked == [(3, 0, 1)]
