"""Every simulated UPS on its wire, read as the command line reads it: a pseudo-terminal, a TCP port, every fault.

All of them side by side: most of the time goes by in waiting for devices that say nothing.
"""

import asyncio
import contextlib
import time

import pytest

from agent.drivers.base import Lane
from agent.ways import from_url
from contract.errors import DeviceError, DeviceGarbled, DeviceTimeout, PortUnavailable
from firmware_sims.apcsmart_ups import ApcSmartUps
from firmware_sims.axpert_ups import AxpertUps
from firmware_sims.faults import Fault
from firmware_sims.megatec_q6_ups import MegatecQ6Ups
from firmware_sims.megatec_ups import MegatecUps
from firmware_sims.nut_server import NutServer, Unit
from firmware_sims.snmp_faces import Plate
from firmware_sims.ups import Rating, Ups
from firmware_sims.voltronic_ups import VoltronicUps

pytestmark = pytest.mark.system

PLATE = Plate("order-room", "Wolfsmoke", "Sim 1000", "S12345678901")
RATING = Rating(power=800.0, apparent=1000.0, battery=200.0, string=36.0)
SERIAL = (MegatecUps, MegatecQ6Ups, VoltronicUps, AxpertUps, ApcSmartUps)
BROKEN = {
    Fault.SILENCE: DeviceTimeout,
    Fault.DELAY: None,  # too late for most; the answer to the first try may be just in time for the second
    Fault.GARBAGE: DeviceGarbled,
    Fault.HALF: DeviceError,
    Fault.UNPLUG: (PortUnavailable, DeviceTimeout),
}


def values(found):
    return {reading.quantity: reading.value for reading in found if reading.good}


def ups():
    return Ups(RATING, time.monotonic, load=240.0)


def devices(tmp_path):
    """All of them: each serial one on a pseudo-terminal and on a TCP port, and a NUT server."""
    made = [kind(ups(), PLATE, link=tmp_path / kind.__name__) for kind in SERIAL]
    made += [kind(ups(), PLATE) for kind in SERIAL]
    return [*made, NutServer({"room": Unit(ups(), PLATE)}, user="watch", password="se cret")]


async def life(device):
    """One device through an outage and every fault; return what was wrong, with its name."""
    await device.start()
    driver = from_url(device.url.replace("se cret", "se%20cret"))
    try:
        found = values(await driver.read())
        assert "OL" in found["ups.status"]
        assert found["input.voltage"] == 230.0
        assert found["ups.load"] == 30.0
        assert found["battery.voltage"] == pytest.approx(device.ups.view().battery_volts, abs=0.3)
        device.ups.cut()
        device.ups.set_charge(10)
        assert "OB" in values(await driver.read(Lane.FAST))["ups.status"]
        device.ups.restore()
        device.ups.set_charge(100)
        assert "OL" in values(await driver.read(Lane.FAST))["ups.status"]
        for fault, error in BROKEN.items():
            await device.set_fault(fault)
            for lane in (Lane.FAST, Lane.ALL):
                with pytest.raises(error) if error else contextlib.suppress(DeviceError):
                    assert "OL" in values(await driver.read(lane))["ups.status"]
            await device.set_fault(Fault.NONE)
            await until_good(driver)
        await device.set_fault(Fault.CHECKSUM)
        if isinstance(device, AxpertUps):
            with pytest.raises(DeviceGarbled, match="checksum"):
                await driver.read()
        await device.set_fault(Fault.SENTINELS)
        try:
            found = values(await driver.read())
        except DeviceError:
            assert isinstance(device, AxpertUps)  # whose layout has no word for it
            found = {}
        assert "input.voltage" not in found
        assert "battery.charge" not in found or isinstance(device, MegatecUps)
        await device.set_fault(Fault.NONE)
        await until_good(driver)
    finally:
        await driver.close()
        await device.stop()


async def until_good(driver):
    """Read until it is good: at most a few seconds, while late answers still come in."""
    for _ in range(5):
        try:
            assert "OL" in values(await driver.read())["ups.status"]
        except DeviceError:
            await asyncio.sleep(0.5)
        else:
            return
    assert "OL" in values(await driver.read())["ups.status"]


async def test_every_device_and_every_fault(tmp_path):
    made = devices(tmp_path)
    ended = await asyncio.gather(*(life(device) for device in made), return_exceptions=True)
    wrong = {f"{type(device).__name__} {device.address}": end for device, end in zip(made, ended, strict=True) if end}
    assert wrong == {}
