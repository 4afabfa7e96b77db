"""Register images and frames of real devices, from outside the project: read right, or refused without harm.

They are in the folder that WOLFSMOKE_CASES names, else beside the repository.
"""

import asyncio
import json
import os
from pathlib import Path

import pytest

from agent.drivers.base import Lane
from agent.drivers.modbus import ModbusDriver
from agent.links.modbus import Bus, ModbusLink
from agent.links.modbus_frames import ModbusRefused
from agent.links.modbus_line import Line
from agent.links.modbus_wire import PymodbusWire
from agent.profiles_modbus import tables
from contract.errors import DeviceGarbled
from firmware_sims.modbus_device import ModbusDevice
from firmware_sims.modbus_models import Registers

ROOT = Path(__file__).resolve().parents[4]
CASES = Path(os.environ.get("WOLFSMOKE_CASES", ROOT.parent / "shared" / "cases")) / "modbus"
if not CASES.is_dir():
    pytest.skip(f"the recordings are not part of this project, and not under {CASES}", allow_module_level=True)

DEVICES = json.loads((CASES / "devices.json").read_text("utf-8"))
ERRORS = json.loads((CASES / "error-frames.json").read_text("utf-8"))

PROFILES = {
    "XY-MD02 (SHT20)": "xy-md02",
    "SONBEST SM7571B": "sm7571b",
    "SONBEST XJ101L-JS1": "xj101l",
    "ZPZH (Zhongpu Zhonghe) SPD detector": "zpzh",
    "Kuanyong (KY) SPD detector": "kuanyong",
    "APC NMC2 AP9630 (Modbus)": "apc-nmc2",
    "WP8026ADAM": "wp8026adam",
    "PZEM-016": "pzem-016",
}


def contacts(found):
    return {int(name.split(".")[2]) for name, value in found.items() if "contacts" in name and value == "closed"}


EXPECT = {
    "temperature": lambda found: found["ambient.temperature"],
    "humidity": lambda found: found["ambient.humidity"],
    "raw": lambda found: found["x.smoke.density"],
    "flooding_raw": lambda found: int(found["ambient.status"] == ("WATER",)),
    "strike_count": lambda found: found["x.surge.strikes"],
    "di_bits": lambda found: sum(1 << number - 1 for number in contacts(found)),
    "temperature_raw": lambda found: found["x.surge.temperature"] * 10,
    "di_external_trip": lambda found: "OPEN" in found["x.surge.status"],
    "di_earth_alarm": lambda found: "EARTH" in found["x.surge.status"],
    "last_strike": lambda found: found["x.surge.last"],
    "charge": lambda found: found["battery.charge"],
    "runtime_min": lambda found: found["battery.runtime"] / 60,
    "load": lambda found: found["ups.load"],
    "inputs_on": lambda found: sorted(contacts(found)),
    "voltage": lambda found: found["input.voltage"],
    "current": lambda found: found["input.current"],
    "power": lambda found: found["input.realpower"],
    "frequency": lambda found: found["input.frequency"],
}


def good(readings):
    return {reading.quantity: reading.value for reading in readings if reading.good}


def check(found, expected):
    for name, value in expected.items():
        said = EXPECT[name](found)
        assert said == (pytest.approx(value) if isinstance(value, float) else value), name


def test_every_recorded_device_has_a_table():
    assert {entry["device"] for entry in DEVICES} == PROFILES.keys()


@pytest.mark.parametrize("entry", [entry for entry in DEVICES if "image" in entry], ids=lambda entry: entry["device"])
async def test_the_image_of_a_device_is_read_right(entry):
    device = ModbusDevice(Registers.from_case(entry["image"]))
    await device.start()
    host, port = device.address.split(":")
    line = Line(host=host, tcp_port=int(port))
    driver = ModbusDriver(ModbusLink(Bus(line, PymodbusWire(line)), 1), tables()[PROFILES[entry["device"]]])
    check(good(await driver.read()), entry["expect"])
    await driver.close()
    await device.stop()


class Player:
    """A serial server that plays answers from a recording, and remembers what was asked."""

    def __init__(self, *replies):
        self.replies = list(replies)
        self.asked = []

    async def __aenter__(self):
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        port = self.server.sockets[0].getsockname()[1]
        line = Line(host="127.0.0.1", tcp_port=port, framing="rtu", timeout=0.15)
        self.link = ModbusLink(Bus(line, PymodbusWire(line)), 1)
        return self

    async def __aexit__(self, *error):
        await self.link.close()
        self.server.close()

    async def serve(self, reader, writer):
        while len(request := await reader.read(256)) > 0:
            self.asked.append(request.hex())
            if self.replies:
                writer.write(bytes.fromhex(self.replies.pop(0) or ""))
        writer.close()


def request(frame):
    raw = bytes.fromhex(frame["request"])
    return raw[1], int.from_bytes(raw[2:4], "big"), int.from_bytes(raw[4:6], "big")


FRAMES = [(entry, frame) for entry in DEVICES for frame in entry.get("frames", ())]


@pytest.mark.parametrize(
    ("entry", "frame"), FRAMES, ids=[f"{entry['device']} {i}" for i, (entry, _) in enumerate(FRAMES)]
)
async def test_a_recorded_frame_is_asked_for_and_decoded_right(entry, frame):
    function, address, count = request(frame)
    async with Player(frame["reply"] or "") as player:
        if frame["reply"] is None:
            with pytest.raises(Exception, match="no answer"):
                await player.link.read(function, address, count)
        else:
            said = await player.link.read(function, address, count)
            words = {(function, address + at): word for at, word in enumerate(said)}
            table = tables()[PROFILES[entry["device"]]]
            check(good(table.readings(words, Lane.ALL, {})), frame["expect"])
        assert player.asked[0] == frame["request"]


@pytest.mark.parametrize("frame", ERRORS, ids=lambda frame: str(frame["expect"]))
async def test_a_frame_that_is_wrong_is_refused_and_harms_nothing(frame):
    function, address, count = request(frame)
    right = bytes.fromhex("0103020079") + bytes.fromhex("79a6")
    async with Player(frame["reply"]) as player:
        kind = ModbusRefused if "exception" in frame["expect"] else DeviceGarbled
        with pytest.raises(kind) as caught:
            await player.link.read(function, address, count)
        assert frame["expect"].get("exception", 0) == getattr(caught.value, "code", 0)
        assert frame["expect"].get("meaning", "") in caught.value.what
        player.replies = [right.hex()]
        assert list(await player.link.read(3, 0, 1)) == [121]
