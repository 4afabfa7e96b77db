"""A module of inputs, a neighbour on its bus and the runner: what a closing contact leads to, and what silence does not."""

import pytest

from agent.config import parse
from agent.links.modbus import APART, Bus, ModbusLink
from agent.polling import Poller
from agent.watch import Watch
from contract.clock import Stamp
from contract.settings import no_secrets
from firmware_sims.faults import Fault
from firmware_sims.modbus_device import ModbusDevice
from firmware_sims.modbus_models import Climate, Inputs

SETTINGS = """
[agent]
site = "hq"
name = "hall"
[broker]
host = "127.0.0.1"
[[device]]
id = "inputs"
profile = "wp8026adam"
modbus = { port = "PORT", unit = 17, timeout = "100ms" }
[[device.contact]]
input = 3
means = "smoke"
title = "ceiling"
[[device.contact]]
input = 4
means = "water"
alarm = "open"
[[device]]
id = "climate"
profile = "xy-md02"
modbus = { port = "PORT", timeout = "100ms" }
"""


class HandClock:
    def __init__(self):
        self.now = 1000.0

    def boottime(self):
        return self.now

    def stamp(self):
        return Stamp(1e9 + self.now, self.now, "boot", trusted=True)


class Nobody:
    def heard(self, device):  # noqa: ARG002 - see Neighbours
        return None


@pytest.fixture
async def line(tmp_path):
    made = ModbusDevice({1: Climate(temperature=41.0), 17: Inputs()}, link=tmp_path / "ttyBUS")
    made.units[17].inputs[3] = True
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
def pollers(line, tmp_path):
    clock, news = HandClock(), []
    config = parse(SETTINGS.replace("PORT", line.address), tmp_path / "a.toml", secrets=no_secrets)

    def emit(device, _at, _readings, changes):
        news.extend((device, each.news.condition, each.news.active) for each in changes if each.news)

    made = {
        device.id: Poller(
            device.id,
            device.driver(Nobody()),
            Watch(device.id, device.conditions, lambda: "o"),
            emit,
            clock,
            poll=device.interval,
            slow=device.full_interval,
            timeout=device.timeout,
        )
        for device in config.devices
    }
    return clock, news, made


async def poll(clock, made, *, seconds=0.0, step=1.0):
    end = clock.now + seconds
    while True:
        for poller in made.values():
            await poller.poll_once(_lane())
        if clock.now >= end:
            return
        clock.now += step


def _lane():
    from agent.drivers.base import Lane

    return Lane.ALL


async def test_a_contact_that_closes_is_smoke_and_one_that_opens_again_is_not(line, pollers):
    clock, news, made = pollers
    await poll(clock, made)
    assert news == []
    line.units[17].inputs[2] = True
    await poll(clock, made)
    assert news == [("inputs", "smoke", True)]
    line.units[17].inputs[2] = False
    await poll(clock, made, seconds=31.0)
    assert ("inputs", "smoke", False) in news
    assert ("climate", "room-too-hot", True) in news


async def test_a_module_that_falls_silent_ends_no_smoke_and_stalls_no_neighbour(line, pollers):
    clock, news, made = pollers
    line.units[17].inputs[2] = True
    await poll(clock, made)
    await line.set_fault(Fault.SILENCE, unit=17)
    await poll(clock, made, seconds=90.0, step=2.0)
    assert ("inputs", "smoke", False) not in news
    assert ("inputs", "contact-lost", True) in news
    assert ("climate", "room-too-hot", True) in news, "its neighbour is read all the time"
    assert made["climate"].counters.failures == 0


async def test_a_bus_is_had_by_both_and_let_go_of_by_both(pollers):
    _, _, made = pollers
    links = [poller.driver for poller in made.values()]
    inner = [getattr(link, "_driver", link)._link for link in links]
    assert all(isinstance(link, ModbusLink) for link in inner)
    assert inner[0]._bus is inner[1]._bus
    assert isinstance(inner[0]._bus, Bus)
    assert APART == 30.0
