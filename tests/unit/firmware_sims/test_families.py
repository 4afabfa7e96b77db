"""A site of every family: read by the agent's drivers over the real wires, set by commands, refused with reasons."""

import asyncio
import contextlib
import time
import typing

import msgspec
import pytest

from agent.drivers.base import Lane
from agent.ways import from_url
from contract import settings
from contract.errors import ConfigError, DeviceTimeout, UsageError
from firmware_sims import control, site
from firmware_sims.__main__ import main
from firmware_sims.families import FAMILIES
from firmware_sims.faults import Fault
from firmware_sims.fields import attribute, put

WHOLE = """
[[room]]
name = "hall"
cooled_by = "main"

[[ups]]
name = "main"
face = "powernet"
behind = "switch-1"
[[ups]]
name = "desk"
face = "megatec"
link = "ttyDesk"
[[ups]]
name = "depot"
face = "apcsmart"
[[ups]]
name = "mast"
face = "axpert"
[[ups]]
name = "old"
face = "megatec-q6"
[[ups]]
name = "new"
face = "voltronic"

[[nut]]
name = "nut-1"
ups = ["desk", "depot"]

[[traps]]
name = "traps-1"
ups = "main"
to = "127.0.0.1:11162"

[[switch]]
name = "switch-1"
fed_by = "main"
alias = { "Gi0/3" = "order-a" }

[[host]]
name = "order-a"
behind = "switch-1:Gi0/3"
fed_by = "main"
boot = "1s"
standby = { group = "order", priority = 150 }
[[host]]
name = "order-b"
behind = "switch-1:Gi0/4"
standby = { group = "order" }

[[voice]]
name = "voice-1"
fed_by = "main"

[[line]]
name = "line-1"
behind = "switch-1:Gi0/24"

[[environment]]
name = "room-card"
room = "hall"

[[modbus]]
name = "bus"
link = "ttyBus"
[[modbus.unit]]
name = "climate-1"
model = "xy-md02"
room = "hall"
[[modbus.unit]]
name = "inputs-1"
model = "di-16"
unit = 2
[[modbus.unit]]
name = "surge-1"
model = "leixun"
unit = 11
[[modbus.unit]]
name = "surge-2"
model = "zpzh"
unit = 12
[[modbus.unit]]
name = "earth-1"
model = "earth-meter"
unit = 13

[[backup]]
name = "sales"

[[syslog]]
name = "sw-log"
to = "127.0.0.1:15514"
"""
URLS = {
    "main": "",
    "desk": "",
    "depot": "",
    "mast": "",
    "old": "",
    "new": "",
    "nut-1": "",
    "switch-1": "network",
    "order-a": "host",
    "voice-1": "trunk",
    "room-card": "environment",
    "climate-1": "xy-md02",
    "inputs-1": "di-16",
    "surge-1": "leixun",
    "surge-2": "zpzh",
    "earth-1": "earth-meter",
}
"""Device → its kind, or on a bus its profile."""


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
async def running(clock, tmp_path):
    async with site.running(settings.load(site.SiteSettings, WHOLE, file="s"), clock, tmp_path) as whole:
        yield whole


@contextlib.asynccontextmanager
async def opened(device, what=""):
    """Give the agent's driver of a device."""
    url = device.url
    if what in ("network", "host", "trunk", "environment"):
        made = from_url(f"{url}?timeout=1", kind=what)
    else:
        made = from_url(url, profile=what)
    try:
        yield made
    finally:
        await made.close()


async def said(device, what=""):
    async with opened(device, what) as driver:
        return {reading.quantity: reading.value for reading in await driver.read(Lane.ALL) if reading.good}


async def until(driver, quantity, value):
    """Read until it says so: an agent's picture of its tables is good for some milliseconds."""
    async with asyncio.timeout(5):
        while {reading.quantity: reading.value for reading in await driver.read()}.get(quantity) != value:  # noqa: ASYNC110 - a wire rings no bell
            await asyncio.sleep(0.02)


def load(text):
    return settings.load(site.SiteSettings, text, file="site.toml")


def test_the_table_of_families_and_the_site_file_are_one():
    fields = {field.name: field.type for field in msgspec.structs.fields(site.SiteSettings)}
    assert {name: kind for name, kind in fields.items() if name not in ("speed", "room")} == {
        name: tuple[family, ...] for name, family in FAMILIES.items()
    }
    assert typing.get_args(fields["ups"])[0] is site.Device


async def test_every_device_is_read_by_the_agent(running):
    for name, what in URLS.items():
        assert await said(running[name], what), name
    assert {name for name in running.devices if name not in URLS} == {
        "traps-1",
        "order-b",
        "line-1",
        "bus",
        "sales",
        "sw-log",
    }


async def test_what_is_set_is_read(running):
    for line in (
        "set inputs-1 smoke true",
        "set climate-1 temperature 41",
        "set surge-1 strike 2",
        "set room-card water true",
        "set voice-1 TRUNK-1 los",
        "set switch-1 fan1 failed",
        "set order-a load 95",
        "set earth-1 resistance 7.5",
    ):
        await control.obey(running, line)
    assert (await said(running["inputs-1"], "di-16"))["ambient.contacts.1.status"] == "closed"
    assert (await said(running["climate-1"], "xy-md02"))["ambient.temperature"] == pytest.approx(41, abs=0.2)
    assert (await said(running["surge-1"], "leixun"))["x.surge.strikes"] == 2
    card = await said(running["room-card"], "environment")
    assert "WATER" in card["ambient.status"]
    assert card["ambient.1.temperature"] == pytest.approx(41, abs=0.6), "the air of the room is one"
    assert "LOS" in (await said(running["voice-1"], "trunk"))["x.trunk.status"]
    assert "FAN" in (await said(running["switch-1"], "network"))["x.network.status"]
    assert (await said(running["order-a"], "host"))["host.cpu.load"] == 95
    assert (await said(running["earth-1"], "earth-meter"))["x.earth.resistance"] == 7.5


async def test_a_switch_that_is_off_silences_what_hangs_behind_it_and_a_host_that_is_off_takes_its_port_down(
    running, clock
):
    async with opened(running["switch-1"], "network") as driver:
        await driver.read()
        await control.obey(running, "set order-a power off")
        await until(driver, "x.port.alarm", "Gi0/3 (order-a) down")
    with pytest.raises(DeviceTimeout):
        await said(running["order-a"], "host")
    assert (await said(running["order-b"], "host"))["x.vrrp.1.state"] == "master"
    await control.obey(running, "set switch-1 power off")
    for name, what in (("order-b", "host"), ("main", ""), ("switch-1", "network")):
        with pytest.raises(DeviceTimeout):
            await said(running[name], what)
    assert running.show()["order-b"]["state"] == "cut off"
    await control.obey(running, "set switch-1 power on")
    await control.obey(running, "set order-a power on")
    clock.now += 10
    await running.look()
    assert (await said(running["order-a"], "host"))["x.vrrp.1.state"] == "backup", "nobody takes it back"
    assert (await said(running["switch-1"], "network"))["device.uptime"] < 60


async def test_a_fault_that_was_made_in_the_dark_is_there_when_it_is_light_again(running, clock):
    await control.obey(running, "set order-a power off")
    await control.obey(running, "fault order-a garbage")
    assert running["order-a"].fault is Fault.SILENCE
    assert running.show()["order-a"]["fault"] == "garbage"
    await control.obey(running, "set order-a power on")
    clock.now += 10
    await running.look()
    assert running["order-a"].fault is Fault.GARBAGE


async def test_a_line_that_is_cut_answers_nobody_and_one_that_is_mended_does(running):
    await control.obey(running, "set line-1 cut true")
    host, port = running["line-1"].address.split(":")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.open_connection(host, int(port)), 0.3)
    await control.obey(running, "set line-1 cut false")
    _, writer = await asyncio.wait_for(asyncio.open_connection(host, int(port)), 2)
    writer.close()


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("set surge-3 life 3", "surge-"),
        ("set room-card smok true", "did you mean 'smoke'"),
        ("set room-card smoke maybe", "true or false"),
        ("set switch-1 Gi0/3 gone", "up or down or off"),
        ("set surge-1 strike 0", "1 to 1000"),
        ("set climate-1 temperature nan", "a number"),
        ("set nut-1 x 1", "did you mean|known here"),
        ("fault desk checksum", "there are none, silence"),
        ("fault climate-1 unplug", "there are none"),
        ("fault desk silense", "did you mean 'silence'"),
        ("cut switch-1", "is no UPS"),
        ("set switch-1 'Gi0/3", "quote"),
        ("set main power off", "mains|known"),
    ],
)
async def test_what_cannot_be_done_is_refused_with_the_way_out(clock, tmp_path, line, hint):
    with pytest.raises(UsageError, match=hint):
        await control.obey(site.make(load(WHOLE), clock, tmp_path), line)


async def test_a_fault_for_all_reaches_those_on_whose_wire_it_makes_sense(clock, tmp_path):
    running = site.make(load(WHOLE), clock, tmp_path)
    await control.obey(running, "fault all checksum")
    assert running["main"].fault is Fault.CHECKSUM
    assert running["desk"].fault is Fault.NONE


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ('[[switch]]\nname = "a"\nfed_by = "b"', 3, "no UPS 'b'"),
        ('[[switch]]\nname = "a"\n[[host]]\nname = "b"\nbehind = "a:Gi0/99"', 5, "has no port"),
        ('[[switch]]\nname = "a"\nbehind = "a"', 3, "behind itself"),
        ('[[switch]]\nname = "a"\n[[host]]\nname = "a"', 4, "a second device 'a'"),
        ('[[ups]]\nname = "a"\nface = "rfc1628"\n[[nut]]\nname = "n"\nups = ["x"]', 6, "no UPS 'x'"),
        ('[[modbus]]\nname = "b"\n[[modbus.unit]]\nname = "u"\nmodel = "xy-md02"\nroom = "r"', 6, "no room 'r'"),
        ('[[modbus]]\nname = "b"\nunit = []', 1, "nothing on the bus"),
        ('[[backup]]\nname = "b"\nfolder = "../x"', 1, "site's folder"),
        ('[[traps]]\nname = "t"\nups = "u"\nto = "127.0.0.1:9"', 3, "no UPS"),
        ('[[traps]]\nname = "t"\nups = "u"\nto = "here"', 1, "to whom"),
        ('[[hosts]]\nname = "t"', 1, "unknown key"),
        ('[[ups]]\nname = "all"\nface = "rfc1628"', 2, "a second device 'all'"),
        ('[[ups]]\nname = 7\nface = "rfc1628"\nbehind = 3', 2, "does not fit"),
    ],
)
def test_a_mistake_in_a_site_file_is_named_with_its_line(text, line, what):
    with pytest.raises(ConfigError) as caught:
        load(text)
    assert any(what in problem.what and problem.line == line for problem in caught.value.problems), caught.value


def test_an_attribute_keeps_its_type():
    class Model:
        whole = 3
        part = 1.5
        good = True

    model = Model()
    fields = {name: attribute(model, name, 0, 10) for name in ("whole", "part", "good")}
    put(fields, "m", "whole", "4")
    put(fields, "m", "part", "4")
    put(fields, "m", "good", "off")
    assert (model.whole, model.part, model.good) == (4, 4.0, False)
    assert type(model.whole) is int
    for name, wrong in (("whole", "4.5"), ("part", "11"), ("part", "inf"), ("good", "2")):
        with pytest.raises(UsageError):
            put(fields, "m", name, wrong)


async def test_the_command_line_sets_names_with_blanks(tmp_path, clock, capsys):
    path = tmp_path / "control"
    whole = load('[[switch]]\nname = "switch-1"\n[[voice]]\nname = "v"\nlines = 1')
    async with site.running(whole, clock, tmp_path) as running, control.serving(running, path):
        asked = ["set", "switch-1", "Gi0/2", "down", "--control", str(path)]
        assert await asyncio.to_thread(main, asked) == 0
        assert running.show()["switch-1"]["Gi0/2"] == "down"
        asked = ["set", "switch-1", "no such", "x", "--control", str(path)]
        assert await asyncio.to_thread(main, asked) == 2
    assert "no field 'no such'" in capsys.readouterr().err


async def test_an_old_site_file_goes_on_working(tmp_path):
    old = load(
        'speed = 60.0\n[[ups]]\nname = "a"\nface = "rfc1628"\n[[ups]]\nname = "b"\nface = "megatec"\nlink = "tty"'
    )
    async with site.running(old, time.monotonic, tmp_path) as running:
        await control.obey(running, "cut all")
        assert running.show()["a"]["on_battery"]
        assert running.show()["b"]["on_battery"]
