"""What is said of the machine: on a machine that is made up."""

import asyncio
import threading

import msgspec
import pytest

from agent.clock import KernelClock
from agent.drivers.base import Lane
from agent.drivers.host import HostDriver
from agent.kinds import defaults
from agent.links.host import Disk, Look, Processors
from agent.links.systemctl import Service
from agent.watch import Watch
from contract.clock import Stamp
from contract.errors import PortUnavailable
from contract.reading import Quality, Reading

CALM = Look(
    processors=Processors(busy=100.0, waiting=10.0, total=1000.0),
    load=(0.5, 0.6, 0.7),
    memory=8 << 30,
    memory_used=41.26,
    swap_used=None,
    sensors=(("coretemp 1", 51.0),),
    processes=120,
    users=1,
    uptime=5000.4,
    reboot=False,
)


DISKS = (Disk("/", 1e11, 40.04, 3.0), Disk("/var", 2e11, 88.8, 91.0))


class FakeHost:
    def __init__(self):
        self.now = CALM
        self.there = DISKS
        self.error = None
        self.free = None

    def disks(self):
        if self.free:
            self.free.wait()
        return self.there

    def look(self):
        if self.error:
            raise self.error
        return self.now

    def change(self, **what):
        self.now = msgspec.structs.replace(self.now, **what)


class FakeServices:
    def __init__(self, **states):
        self.states = states
        self.error = None

    async def ask(self, names):
        if self.error:
            raise self.error
        return {name: Service(name, "loaded", self.states.get(name.partition(".")[0], "active")) for name in names}


class Bench:
    def __init__(self, *names, disks=False):
        self.host, self.services, self.clock = FakeHost(), FakeServices(), KernelClock(True, 0.002, 0.01)
        self.driver = HostDriver(self.host, self.services, lambda: self.clock, names, disks=disks)

    async def read(self, lane=Lane.ALL):
        return {reading.quantity: reading for reading in await self.driver.read(lane)}

    async def values(self, lane=Lane.ALL):
        return {name: reading.value for name, reading in (await self.read(lane)).items() if reading.good}


async def test_a_calm_machine_says_how_it_is():
    bench = Bench()
    await bench.read()
    bench.host.change(processors=Processors(busy=125.0, waiting=15.0, total=1100.0))
    values = await bench.values()
    assert values["host.status"] == ()
    assert values["host.problem"] == "none"
    assert values["host.cpu.load"] == 25.0
    assert values["host.cpu.wait"] == 5.0
    assert values["host.memory.used"] == 41.3
    assert values["host.disk.used.maximum"] == 88.8
    assert values["host.disk.inodes.maximum"] == 91.0
    assert (values["host.disk.2.name"], values["host.disk.2.used"]) == ("/var", 88.8)
    assert values["host.temperature.maximum"] == 51.0
    assert values["host.clock.offset"] == 0.002
    assert values["host.services.down"] == 0.0
    assert "host.swap.used" not in values


async def test_every_reading_is_one_that_the_dictionary_knows():
    bench = Bench("a.service")
    await bench.read()
    bench.host.change(processors=Processors(busy=125.0, waiting=15.0, total=1100.0), swap_used=3.0)
    assert [name for name, reading in (await bench.read()).items() if not reading.good] == []


async def test_the_first_load_is_unknown_unless_two_looks_were_made():
    bench = Bench()
    assert (await bench.read())["host.cpu.load"].quality is Quality.UNAVAILABLE
    bench = Bench()
    bench.host.change(before=Processors(0.0, 0.0, 900.0))
    assert (await bench.values())["host.cpu.load"] == 100.0


@pytest.mark.parametrize("after", [Processors(90.0, 5.0, 1000.0), Processors(90.0, 5.0, 900.0)])
async def test_counters_that_go_back_give_no_load_below_nothing(after):
    bench = Bench()
    await bench.read()
    bench.host.change(processors=after)
    reading = (await bench.read())["host.cpu.load"]
    assert reading.value is None or reading.value == 0.0


async def test_a_disk_that_goes_read_only_is_named():
    bench = Bench()
    await bench.read()
    bench.host.there = (DISKS[0], msgspec.structs.replace(DISKS[1], readonly=True))
    values = await bench.values(Lane.FAST)
    assert values["host.status"] == ("READONLY",)
    assert values["host.problem"] == "/var is read-only"


@pytest.mark.parametrize(
    ("disk", "named", "flags"),
    [
        (Disk("/ro", readonly=True), False, ()),  # it was so before we came
        (Disk("/ro", readonly=True), True, ("READONLY",)),
        (Disk("/ro", readonly=True, by_error=True), False, ("READONLY",)),
        (Disk("/data", mounted=False), True, ("UNMOUNTED",)),
    ],
)
async def test_a_disk_is_read_only_by_mistake_or_on_purpose(disk, named, flags):
    bench = Bench(disks=named)
    bench.host.there = (disk,)
    assert (await bench.values())["host.status"] == flags


async def test_a_disk_that_cannot_be_asked_stops_none_of_its_neighbours():
    bench = Bench()
    bench.host.there = (Disk("/dead"), DISKS[1])
    readings = await bench.read()
    assert readings["host.disk.1.used"].quality is Quality.UNAVAILABLE
    assert readings["host.disk.used.maximum"].value == 88.8


async def test_a_disk_that_is_out_of_our_sight_is_told_where_it_was_asked_for():
    bench = Bench(disks=True)
    bench.host.change(processes=None)
    bench.host.there = (Disk("/home"),)
    readings = await bench.read()
    assert readings["host.problem"].value == "/home cannot be looked at"
    assert readings["host.status"].value == ("BLIND",)
    assert readings["host.disk.1.used"].quality is Quality.UNAVAILABLE
    assert readings["host.processes"].quality is Quality.UNAVAILABLE


async def test_a_share_that_hangs_takes_nothing_else_of_the_host_with_it(monkeypatch):
    monkeypatch.setattr("agent.drivers.host._PATIENCE", 0.1)
    bench = Bench()
    bench.host.there = (DISKS[0], msgspec.structs.replace(DISKS[1], readonly=True, by_error=True))
    await bench.read()
    bench.host.free = threading.Event()
    for _ in range(3):
        readings = await bench.read()
        assert readings["host.status"].value == ("BLIND", "READONLY")  # what was wrong is not well for it
        assert readings["host.disk.used.maximum"].quality is Quality.UNAVAILABLE
        assert readings["host.memory.used"].good
    bench.host.free.set()
    bench.host.free, bench.host.there = None, DISKS
    async with asyncio.timeout(5):
        while (await bench.values())["host.status"]:  # noqa: ASYNC110 - a thread ends it
            await asyncio.sleep(0.01)


async def test_a_disk_keeps_its_number_when_another_goes():
    bench = Bench()
    await bench.read()
    bench.host.there = (DISKS[1],)
    values = await bench.values()
    assert values["host.disk.2.name"] == "/var"
    assert "host.disk.1.name" not in values


async def test_services_that_do_not_run_are_named():
    bench = Bench("mysql.service", "ssh.service")
    bench.services.states["mysql"] = "failed"
    values = await bench.values(Lane.FAST)
    assert values["host.services.down"] == 1.0
    assert values["host.status"] == ("SERVICE",)
    assert values["host.problem"] == "mysql.service failed"


async def test_services_that_cannot_be_asked_for_are_unknown_and_not_fine():
    bench = Bench("mysql.service")
    bench.services.error = PortUnavailable("no systemd")
    readings = await bench.read()
    assert readings["host.services.down"].quality is Quality.UNAVAILABLE
    assert readings["host.status"].value == ("BLIND",)
    assert readings["host.memory.used"].good


def test_a_host_that_is_asked_from_outside_is_no_alarm_for_what_only_the_inside_knows():
    watch = Watch("host", list(defaults("host").values()), lambda: "id")
    news = []
    for second in range(0, 7200, 10):
        at = Stamp(1.8e9 + second, 1000.0 + second, "boot", True)
        said = [Reading("host.cpu.load", 12.0), Reading("x.contact", 1.0)]
        changes = watch.readings([*said, *watch.unheard(said)], at) + watch.tick(at)
        news += [change.news for change in changes if change.news]
    assert news == []


async def test_a_clock_that_nobody_keeps_and_a_restart_that_is_due_are_told():
    bench = Bench()
    bench.clock = KernelClock(False, 0.0, 16.0)
    bench.host.change(reboot=True)
    readings = await bench.read()
    assert readings["host.status"].value == ("CLOCK", "REBOOT")
    assert readings["host.clock.offset"].quality is Quality.UNAVAILABLE


async def test_a_sensor_that_talks_nonsense_is_no_heat():
    bench = Bench()
    bench.host.change(sensors=(("a", 51.0), ("b", 65535.0)))
    readings = await bench.read()
    assert readings["host.temperature.maximum"].value == 51.0
    assert readings["host.sensor.2.temperature"].quality is Quality.IMPLAUSIBLE


async def test_a_kernel_that_does_not_tell_is_contact_lost():
    bench = Bench()
    bench.host.error = PermissionError("no")
    with pytest.raises(PortUnavailable):
        await bench.read()
