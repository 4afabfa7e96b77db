"""Outputs that commands switch: only those named, never for longer than allowed, and off in the end whatever happens."""

import asyncio
from pathlib import Path

import pytest

from agent.config import parse
from agent.drivers.base import Lane
from agent.drivers.outputs import OutputsDriver
from agent.neighbours import Nobody
from agent.outputs import Output
from contract.clock import Stamp
from contract.command import Verb
from contract.errors import CommandRefused, DeviceRefused, DeviceTimeout
from contract.reading import Reading
from firmware_sims.modbus_device import ModbusDevice
from firmware_sims.modbus_models import Inputs

SIREN = Output(output=1, name="siren", longest=180.0)
LAMP = Output(output=3, name="lamp", longest=60.0, at_start="keep")


class Time:
    """A clock, and a sleep that moves it."""

    def __init__(self):
        self.now = 1000.0
        self.sleepers = []

    def boottime(self):
        return self.now

    def stamp(self):
        return Stamp(1.79e9 + self.now, self.now, "boot", True)

    async def sleep(self, seconds):
        woken = asyncio.get_running_loop().create_future()
        self.sleepers.append((self.now + seconds, woken))
        await woken

    async def pass_by(self, seconds):
        """Let time pass, waking who is to be woken."""
        until = self.now + seconds
        for _ in range(10_000):
            await settled()
            due = [each for each in self.sleepers if each[0] <= until]
            if not due:
                break
            first = min(due, key=lambda each: each[0])
            self.sleepers.remove(first)
            self.now = max(self.now, first[0])
            if not first[1].done():
                first[1].set_result(None)
        self.now = until
        await settled()


async def settled():
    for _ in range(20):
        await asyncio.sleep(0)


class Module:
    """Coils, as a link reaches them."""

    def __init__(self, *on):
        self.coils = {0: 0, 2: 0} | dict.fromkeys(on, 1)
        self.asked = []
        self.silent = self.deaf = self.stuck = False
        self.closed = False

    async def switch(self, address, *, on):
        self.asked.append((address, on))
        if self.silent:
            raise DeviceTimeout("no answer", where="here")
        if not self.stuck:
            self.coils[address] = int(on)
        if self.deaf:  # it hears, and is not heard
            raise DeviceTimeout("no answer", where="here")

    async def read(self, function, address, count):
        assert (function, count) == (1, 1)
        if self.silent:
            raise DeviceTimeout("no answer", where="here")
        return [self.coils[address]]

    async def close(self):
        self.closed = True


class Reader:
    """The driver inside."""

    identity = None

    async def read(self, lane=Lane.ALL):  # noqa: ARG002 - see Driver
        return [Reading("ambient.contacts.1.status", "open")]

    async def close(self):
        pass


@pytest.fixture
def time():
    return Time()


def subject(module, time, *outputs):
    return OutputsDriver(Reader(), module, outputs or (SIREN, LAMP), {1: 0, 2: 1, 3: 2}, time, time.sleep)


async def quiet(driver):
    """Have the start behind us."""
    await driver.read()
    await settled()


async def test_an_output_goes_off_by_itself(time):
    module = Module()
    driver = subject(module, time)
    await quiet(driver)
    assert await driver.act(Verb.ON, "siren", 2.0) == "siren is on, for 2 s"
    await time.pass_by(1.5)
    assert module.coils[0] == 1
    await time.pass_by(1.0)
    assert module.coils[0] == 0
    await driver.close()


async def test_it_is_never_on_for_longer_than_its_settings_allow(time):
    module = Module()
    driver = subject(module, time)
    await quiet(driver)
    assert "for 180 s" in await driver.act(Verb.ON, "1", 3600.0)
    assert "for 60 s" in await driver.act(Verb.ON, "lamp", 0.0)
    await time.pass_by(61.0)
    assert module.coils == {0: 1, 2: 0}
    await time.pass_by(120.0)
    assert module.coils == {0: 0, 2: 0}
    await driver.close()


async def test_it_says_what_it_read_back(time):
    driver = subject(Module(), time)
    await quiet(driver)
    await driver.act(Verb.ON, "siren", 2.0)
    said = {each.quantity: each.value for each in await driver.read(Lane.FAST)}
    assert said["x.output.1.status"] == "on"
    await driver.act(Verb.OFF, "siren", 0.0)
    said = {each.quantity: each.value for each in await driver.read(Lane.ALL)}
    assert said["x.output.1.status"] == "off"
    assert said["x.output.1.name"] == "siren"
    await driver.close()


@pytest.mark.parametrize(("output", "why"), [("2", "allow siren, lamp"), ("door", "allow siren, lamp"), ("", "which")])
async def test_what_the_settings_do_not_name_is_not_switched(time, output, why):
    module = Module()
    driver = subject(module, time)
    with pytest.raises(CommandRefused, match=why):
        await driver.act(Verb.ON, output, 1.0)
    assert not module.asked


async def test_at_the_start_what_was_left_on_goes_off_and_what_is_kept_stays(time):
    module = Module(0, 2)
    driver = subject(module, time)
    await quiet(driver)
    assert module.coils == {0: 0, 2: 1}
    await driver.close()


async def test_at_the_start_a_silent_module_is_tried_until_it_is_off(time):
    module = Module(0)
    module.silent = True
    driver = subject(module, time)
    await quiet(driver)
    await time.pass_by(30.0)
    module.silent = False
    await time.pass_by(2.0)
    assert module.coils[0] == 0
    before = len(module.asked)
    await time.pass_by(60.0)
    assert len(module.asked) == before
    await driver.close()


async def test_an_output_that_stays_on_is_switched_off_again_and_again(time, caplog):
    module = Module()
    driver = subject(module, time)
    await quiet(driver)
    await driver.act(Verb.ON, "siren", 2.0)
    module.stuck = True
    await time.pass_by(10.0)
    assert module.coils[0] == 1
    module.stuck = False
    await time.pass_by(2.0)
    assert module.coils[0] == 0
    assert caplog.text.count("cannot be switched off") == 1
    assert "off at last" in caplog.text
    await driver.close()


async def test_a_module_that_does_not_obey_has_failed(time):
    module = Module()
    driver = subject(module, time)
    await quiet(driver)
    module.stuck = True
    with pytest.raises(DeviceRefused, match="told to go on, and says that it is off"):
        await driver.act(Verb.ON, "siren", 2.0)
    await driver.close()


async def test_what_may_have_been_heard_goes_off_at_once(time):
    module = Module()
    driver = subject(module, time)
    await quiet(driver)
    module.deaf = True
    with pytest.raises(DeviceTimeout):
        await driver.act(Verb.ON, "siren", 60.0)
    assert module.coils[0] == 1
    module.deaf = False
    await time.pass_by(2.0)
    assert module.coils[0] == 0
    await driver.close()


async def test_off_that_was_not_heard_is_tried_until_it_is(time):
    module = Module()
    driver = subject(module, time)
    await quiet(driver)
    await driver.act(Verb.ON, "siren", 60.0)
    module.silent = True
    with pytest.raises(DeviceTimeout, match="tried again until it is off"):
        await driver.act(Verb.OFF, "siren", 0.0)
    module.silent = False
    await time.pass_by(3.0)
    assert module.coils[0] == 0
    await driver.close()


async def test_a_later_on_is_longer(time):
    module = Module()
    driver = subject(module, time)
    await quiet(driver)
    await driver.act(Verb.ON, "siren", 2.0)
    await time.pass_by(1.0)
    await driver.act(Verb.ON, "siren", 10.0)
    await time.pass_by(9.0)
    assert module.coils[0] == 1
    await time.pass_by(2.0)
    assert module.coils[0] == 0
    await driver.close()


async def test_on_while_the_start_switches_off_stays_on(time):
    module = Module()
    driver = subject(module, time)
    hold = asyncio.Event()
    read = module.read

    async def slow(*asked):
        await hold.wait()
        return await read(*asked)

    module.read = slow
    await driver.read()
    await settled()  # the start is on its way, and waits for the module
    on = asyncio.create_task(driver.act(Verb.ON, "siren", 5.0))
    await settled()
    hold.set()
    assert await on == "siren is on, for 5 s"
    await time.pass_by(4.0)
    assert module.coils[0] == 1
    await time.pass_by(2.0)
    assert module.coils[0] == 0
    await driver.close()


async def test_an_agent_that_ends_leaves_nothing_on(time):
    module = Module()
    driver = subject(module, time)
    await quiet(driver)
    await driver.act(Verb.ON, "siren", 60.0)
    await driver.close()
    assert module.coils[0] == 0
    assert module.closed


@pytest.mark.parametrize("framing", ["tcp", "rtu"])
async def test_a_real_module_is_switched_over_the_wire(time, framing):
    model = Inputs(inputs=[False] * 8, relays=[True] + [False] * 7)
    module = ModbusDevice({7: model}, framing=framing)
    await module.start()
    port = module.address.rpartition(":")[2]
    text = f"""
[agent]
site = "hq"
name = "a"
[broker]
host = "127.0.0.1"
[[device]]
id = "relays"
profile = "dio-8"
modbus = {{ host = "127.0.0.1", tcp_port = {port}, framing = "{framing}", unit = 7 }}
[[device.output]]
output = 2
name = "siren"
longest = "3m"
"""
    [device] = parse(text, Path("a.toml"), secrets=None).devices
    driver = device.driver(Nobody(), time)
    try:
        await driver.read()
        assert "on" in await driver.act(Verb.ON, "siren", 5.0)
        assert model.relays[:2] == [True, True]
        said = {each.quantity: each.value for each in await driver.read(Lane.FAST)}
        assert said["x.output.2.status"] == "on"
        assert await driver.act(Verb.OFF, "", 0.0) == "siren is off"
        assert model.relays[:2] == [True, False]
        model.stuck = True
        with pytest.raises(DeviceRefused, match="says that it is off"):
            await driver.act(Verb.ON, "siren", 5.0)
    finally:
        await driver.close()
        await module.stop()
