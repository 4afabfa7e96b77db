"""The simulated environment card, read by our driver over loopback; and the faults of all simulated SNMP cards."""

import time
from contextlib import asynccontextmanager

import pytest

from agent.contacts import Contact, Contacts
from agent.drivers.base import Lane
from agent.drivers.contacts import ContactsDriver
from agent.drivers.snmp import SnmpDriver
from agent.links.snmp import SnmpTarget
from agent.links.snmp_engines import open_link
from agent.profiles import load_profiles
from contract.errors import DeviceGarbled, DeviceTimeout
from contract.reading import Quality
from firmware_sims.faults import Fault
from firmware_sims.snmp_card import nothing
from firmware_sims.snmp_env import Port, Room, SnmpEnv, server_room
from firmware_sims.snmp_faces import Gauge, Integer, Plate, Text
from firmware_sims.snmp_port import renumbered
from firmware_sims.snmp_ups import SnmpUps
from firmware_sims.ups import Rating, Ups

PLATE = Plate("room", "AKCP", "sensorProbe8 v2.0", "S1")


@asynccontextmanager
async def watched(card, kind, **how):
    """Start a card and read it; give what reads it."""
    await card.start()
    host, port = card.address.split(":")
    target = SnmpTarget(
        **({"host": host, "port": int(port), "community": "public", "timeout": 2.0, "retries": 0} | how)
    )
    driver = SnmpDriver(open_link(target), [profile for profile in load_profiles() if profile.kind == kind])

    async def read(lane=Lane.ALL):
        return {reading.quantity: reading for reading in await driver.read(lane)}

    try:
        yield read
    finally:
        await driver.close()
        await card.stop()


def card(room=None):
    return SnmpEnv(room or server_room(), PLATE, time.monotonic)


async def test_a_room_is_read_as_the_model_is():
    async with watched(card(), "environment") as read:
        said = await read()
        del said["device.uptime"]
        assert {name: reading.value for name, reading in said.items()} == {
            "ambient.1.name": "rack 1",
            "ambient.1.temperature": 22.5,
            "ambient.1.humidity": 44,
            "ambient.2.name": "rack 2",
            "ambient.2.temperature": 24,
            "ambient.2.humidity": 41,
            "ambient.3.status": "dry",
            "ambient.contacts.5.name": "smoke, ceiling",
            "ambient.contacts.5.status": "normal",
            "ambient.contacts.6.name": "door",
            "ambient.contacts.6.status": "normal",
            "ambient.status": (),
            "ambient.alarm": "none",
            "x.ambient.temperature.maximum": 24,
            "x.ambient.temperature.minimum": 22.5,
            "x.ambient.humidity.maximum": 44,
            "x.ambient.humidity.minimum": 41,
        }
        assert not [name for name in await read(Lane.FAST) if name.startswith("x.")], "a maximum of all probes, or none"


@pytest.mark.parametrize(
    ("change", "flags", "alarm"),
    [
        (lambda room: setattr(room.ports[3], "alarm", True), ("ALARM", "WATER"), "under the air conditioner: water"),
        (lambda room: setattr(room.ports[4], "alarm", True), ("ALARM", "MOTION"), "entrance: motion"),
        (lambda room: setattr(room.ports[5], "alarm", True), ("ALARM",), "smoke, ceiling: alarm"),
        (lambda room: setattr(room.ports[1], "temperature", 36.0), ("ALARM",), "rack 1: alarm"),
        (lambda room: setattr(room.ports[2], "humidity", 5.0), ("ALARM",), "rack 2: alarm"),
        (lambda room: setattr(room.ports[1], "failed", True), ("FAULT",), "rack 1: fault"),
        (lambda room: setattr(room.ports[3], "online", False), ("FAULT",), "under the air conditioner: no state"),
    ],
)
async def test_what_happens_in_the_room_is_seen_in_both_lanes_and_named(change, flags, alarm):
    device = card()
    async with watched(device, "environment") as read:
        await read()
        change(device.room)
        assert (await read(Lane.FAST))["ambient.status"].value == flags
        said = await read()
        assert said["ambient.status"].value == flags
        assert alarm in said["ambient.alarm"].value.split("; ")


async def test_water_stays_water_while_its_detector_is_pulled_out():
    device = card()
    async with watched(device, "environment") as read:
        device.room.ports[3].alarm = True
        await read()
        device.room.ports[3].online = False
        assert (await read(Lane.FAST))["ambient.status"].value == ("FAULT", "WATER")
        device.room.ports[3] = Port("water", "under the air conditioner")
        assert (await read(Lane.FAST))["ambient.status"].value == ()


async def test_a_probe_that_is_pulled_out_has_no_value_and_comes_back():
    device = card()
    async with watched(device, "environment") as read:
        await read()
        device.room.ports[1].online = False
        assert (await read())["ambient.1.temperature"].quality is Quality.UNAVAILABLE
        device.room.ports[1].online = True
        assert (await read())["ambient.1.temperature"].value == 22.5


async def test_a_contact_of_a_card_means_what_the_site_says():
    device = card()
    contact = Contact(input=5, means="smoke", title="smoke, ceiling")
    await device.start()
    host, port = device.address.split(":")
    link = open_link(SnmpTarget(host=host, port=int(port), community="public"))
    profiles = [profile for profile in load_profiles() if profile.kind == "environment"]
    driver = ContactsDriver(SnmpDriver(link, profiles), Contacts((contact,)))
    try:
        assert {each.quantity: each.value for each in await driver.read()}["ambient.status"] == ()
        device.room.ports[5].alarm = True
        said = {each.quantity: each.value for each in await driver.read()}
        assert said["ambient.status"] == ("ALARM", "SMOKE")
        device.room.ports[5].online = False
        said = {each.quantity: each.value for each in await driver.read()}
        assert "SMOKE" in said["ambient.status"], "a detector that is gone ends no alarm"
        assert "FAULT" in said["ambient.status"]
    finally:
        await driver.close()
        await device.stop()


async def test_a_card_that_is_set_to_fahrenheit_is_read_in_celsius():
    room = server_room()
    room.fahrenheit = True
    async with watched(card(room), "environment") as read:
        assert (await read())["ambient.1.temperature"].value == pytest.approx(22.5, abs=0.06)


def test_a_room_has_no_port_that_a_card_has_not():
    with pytest.raises(ValueError, match="ports 1 to 8"):
        Room({9: Port()})


def cards():
    ups = Ups(Rating(), time.monotonic, load=500.0)
    return {
        "environment": (SnmpEnv(server_room(), PLATE, time.monotonic), "environment", "ambient.status"),
        "rfc1628": (SnmpUps(ups, PLATE, time.monotonic), "ups", "ups.status"),
        "powernet": (SnmpUps(ups, PLATE, time.monotonic, face="powernet"), "ups", "ups.status"),
    }


@pytest.mark.parametrize("which", ["environment", "rfc1628", "powernet"])
@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault.SILENCE, DeviceTimeout),
        (Fault.UNPLUG, DeviceTimeout),
        (Fault.DELAY, DeviceTimeout),
        (Fault.GARBAGE, (DeviceGarbled, DeviceTimeout)),
        (Fault.HALF, (DeviceGarbled, DeviceTimeout)),
        (Fault.ADDRESS, (DeviceGarbled, DeviceTimeout)),
    ],
)
async def test_a_fault_of_the_line_is_an_error_and_goes_by(which, fault, error):
    device, kind, status = cards()[which]
    async with watched(device, kind, timeout=1.5) as read:
        before = (await read())[status]
        await device.set_fault(fault)
        assert device.fault is fault
        with pytest.raises(error):
            await read(Lane.FAST)
        await device.set_fault(Fault.NONE)
        assert (await read())[status] == before


@pytest.mark.parametrize("which", ["environment", "rfc1628", "powernet"])
async def test_values_that_say_there_is_none_are_believed_to_be_none(which):
    device, kind, status = cards()[which]
    async with watched(device, kind) as read:
        before = await read()
        await device.set_fault(Fault.SENTINELS)
        said = await read()
        good = {name for name, each in said.items() if each.good and isinstance(each.value, int | float)}
        assert good <= {"battery.current"}, "a battery that is charged may say -1"
        assert not said[status].good or "FAULT" in said[status].value
        await device.set_fault(Fault.CHECKSUM)  # SNMP has none: all is well
        after = await read()
        assert after[status] == before[status]


async def test_a_card_that_has_no_sensors_yet_is_looked_at_again_at_once():
    device, kind, status = cards()["environment"]
    await device.set_fault(Fault.SENTINELS)
    async with watched(device, kind) as read:
        first = await read()
        assert status not in first or not first[status].good or first[status].value
        numbers = {name for name, each in first.items() if each.good and isinstance(each.value, int | float)}
        assert numbers <= {"device.uptime"}
        await device.set_fault(Fault.NONE)
        assert (await read())["ambient.2.temperature"].value == 24


def test_an_answer_to_another_request_differs_in_its_number_alone():
    for version, number in ((b"\x01", 14), (b"\x00", 14)):
        plain = (
            b"\x30\x1a\x02\x01"
            + version
            + b"\x04\x06public\xa2\x0d\x02\x02\x12\x34\x02\x01\x00\x02\x01\x00\x30\x02\x05\x00"
        )
        other = renumbered(plain)
        assert len(other) == len(plain)
        assert [at for at, (one, two) in enumerate(zip(plain, other, strict=True)) if one != two] == [number + 4]
    sealed = b"\x30\x82\x00\x10\x02\x01\x03\x30\x0b\x02\x01\x07\x02\x02\x05\xc0\x04\x01\x03\x02\x00"
    assert renumbered(sealed)[11] == 7 ^ 0x55


@pytest.mark.parametrize(
    ("answer", "hollow"),
    [(Integer(5), Integer(-1)), (Gauge(5), Gauge(2**32 - 1)), (Text("x"), Text(""))],
)
def test_each_type_has_its_own_nothing(answer, hollow):
    assert nothing(answer) == hollow
