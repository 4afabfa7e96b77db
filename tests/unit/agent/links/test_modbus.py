"""Buses: a made-up wire and a clock turned by hand for who is asked when; simulated devices on real lines for the rest."""

import asyncio
import fcntl
import os
import struct
import time
from pathlib import Path

import pytest

from agent.links.modbus import APART, Bus, ModbusLink
from agent.links.modbus_frames import ModbusRefused
from agent.links.modbus_line import Line
from agent.links.modbus_wire import PymodbusWire
from agent.links.serial_stream import LineErrors, line_errors
from contract.errors import DeviceGarbled, DeviceTimeout, PortUnavailable
from firmware_sims.faults import Fault
from firmware_sims.modbus_device import ModbusDevice
from firmware_sims.modbus_models import INPUT, Climate, Registers

SHORT = 0.15
"""Seconds that the real lines here may take."""


class HandClock:
    def __init__(self):
        self.now = 1000.0
        self.slept = []

    def __call__(self):
        return self.now

    async def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds


class Wire:
    """Answers for those who are alive; each silence takes its time."""

    def __init__(self, clock):
        self.clock = clock
        self.alive = {1, 2}
        self.errors = []
        self.asked = []
        self.open = False
        self.connects = 0
        self.away = None

    async def connect(self):
        self.connects += 1
        if self.away is not None:
            self.clock.now += self.away
            raise PortUnavailable("away", hint="look")
        self.open = True

    async def ask(self, ask, *, wake=b"", pause=0.0, seconds):  # noqa: ARG002 - a wire's
        self.asked.append(ask.unit)
        if self.errors:
            raise self.errors.pop(0)
        if ask.unit not in self.alive:
            self.clock.now += seconds
            raise DeviceTimeout("no answer", hint="is it on?")
        return [ask.unit] * ask.count

    def close(self):
        self.open = False


@pytest.fixture
def clock():
    return HandClock()


@pytest.fixture
def wire(clock):
    return Wire(clock)


def links(clock, wire, *units, line=None):
    bus = Bus(line or Line(port="/dev/bus"), wire, clock=clock, sleep=clock.sleep)
    return [ModbusLink(bus, unit) for unit in units]


async def test_a_dead_device_costs_its_neighbours_one_timeout_in_thirty_seconds(clock, wire):
    alive, dead = links(clock, wire, 1, 9)
    start, answers = clock.now, 0
    for _ in range(120):
        answers += list(await alive.read(4, 0, 1)) == [1]
        with pytest.raises(DeviceTimeout):
            await dead.read(4, 0, 1)
        clock.now += 1.0
    assert answers == 120
    assert wire.asked.count(9) == pytest.approx((clock.now - start) / APART, abs=1)


async def test_meanwhile_its_read_fails_at_once_and_says_when_it_is_asked_again(clock, wire):
    _, dead = links(clock, wire, 1, 9)
    with pytest.raises(DeviceTimeout):
        await dead.read(4, 0, 1)
    clock.now += 10.0
    before = clock.now
    with pytest.raises(DeviceTimeout, match="not asked now; last time: no answer") as caught:
        await dead.read(4, 0, 1)
    assert clock.now == before
    assert "asked again in 20 s" in caught.value.hint
    wire.alive.add(9)
    clock.now += 21.0
    assert list(await dead.read(4, 0, 1)) == [9]
    assert list(await dead.read(4, 0, 1)) == [9]


async def test_alone_on_its_line_it_is_asked_at_every_poll(clock, wire):
    [dead] = links(clock, wire, 9)
    for _ in range(5):
        with pytest.raises(DeviceTimeout, match="no answer"):
            await dead.read(4, 0, 1)
    assert wire.asked == [9] * 5


@pytest.mark.parametrize("error", [DeviceTimeout("lost"), DeviceGarbled("noise")])
async def test_one_lost_frame_of_a_living_device_is_asked_for_again(clock, wire, error):
    link, _ = links(clock, wire, 1, 2)
    await link.read(4, 0, 1)
    wire.errors = [error]
    assert list(await link.read(4, 0, 1)) == [1]
    assert clock.slept == pytest.approx([Line(port="x").gap])
    await link.read(4, 0, 1)
    assert clock.slept[-1] == pytest.approx(0.5), "the answer to the second request may still come"


async def test_a_device_that_says_no_is_alive(clock, wire):
    link, _ = links(clock, wire, 1, 2)
    for _ in range(4):
        wire.errors = [ModbusRefused("illegal address", code=2)]
        with pytest.raises(ModbusRefused):
            await link.read(4, 0, 1)
    assert list(await link.read(4, 0, 1)) == [1]


async def test_an_idle_connection_that_was_closed_is_made_anew(clock, wire):
    [link] = links(clock, wire, 1, line=Line(host="gateway"))
    await link.read(4, 0, 1)
    wire.errors = [PortUnavailable("closed")]
    assert list(await link.read(4, 0, 1)) == [1]
    assert wire.connects == 2


async def test_a_host_that_is_away_is_not_waited_for_by_each_in_turn(clock, wire):
    first, second = links(clock, wire, 1, 2, line=Line(host="gateway"))
    wire.away = 3.0
    for link in (first, second, first):
        with pytest.raises(PortUnavailable):
            await link.read(4, 0, 1)
    assert wire.connects == 1
    clock.now += 6.0
    wire.away = None
    assert list(await second.read(4, 0, 1)) == [2]


async def test_the_last_one_closes_the_line(clock, wire):
    first, second = links(clock, wire, 1, 2)
    await first.read(4, 0, 1)
    await first.close()
    assert wire.open
    await second.close()
    assert not wire.open
    assert list(await first.read(4, 0, 1)) == [1]


def test_a_port_that_counts_errors_says_what_to_try():
    before = LineErrors(framing=1, overrun=0, parity=2)
    assert "another parity" in LineErrors(framing=9, parity=3).since(before)
    assert "another speed" in LineErrors(framing=9, parity=2).since(before)
    assert "too slow" in LineErrors(framing=1, overrun=1, parity=2).since(before)
    assert before.since(before) == ""


def test_what_a_port_counts_is_read_by_its_layout(monkeypatch):
    counters = struct.pack("20i", 0, 0, 0, 0, 100, 200, 7, 8, 9, 0, 0, *[0] * 9)  # frame, overrun, parity
    monkeypatch.setattr(fcntl, "ioctl", lambda *_: counters)
    assert line_errors(0) == LineErrors(framing=7, overrun=8, parity=9)


def test_a_port_that_counts_nothing_has_no_errors():
    near, far = os.openpty()
    assert line_errors(far) == LineErrors()
    os.close(near)
    os.close(far)


# Real lines


@pytest.fixture(params=["tcp", "rtu over tcp", "serial"])
async def line(request, tmp_path):
    models = {1: Climate(temperature=-20.5, humidity=54.6), 2: Registers({INPUT: {1: 7, 2: 8}})}
    if request.param == "serial":
        device = ModbusDevice(models, link=tmp_path / "ttyBUS")
        await device.start()
        made = Line(port=device.address, timeout=SHORT)
    else:
        device = ModbusDevice(models, framing="tcp" if request.param == "tcp" else "rtu")
        await device.start()
        host, port = device.address.split(":")
        made = Line(host=host, tcp_port=int(port), framing=(device._rtu and "rtu") or "tcp", timeout=SHORT)
    bus = Bus(made, PymodbusWire(made))
    yield device, bus
    bus._wire.close()
    await device.stop()


async def test_devices_on_one_line_are_read_together(line):
    _, bus = line
    first, second = ModbusLink(bus, 1), ModbusLink(bus, 2)
    for _ in range(5):
        one, two = await asyncio.gather(first.read(4, 1, 2), second.read(4, 1, 2))
        assert list(one) == [0xFF33, 546]
        assert list(two) == [7, 8]


@pytest.mark.parametrize(
    ("fault", "kind", "word"),
    [
        (Fault.SILENCE, DeviceTimeout, "no answer within"),
        (Fault.DELAY, DeviceTimeout, "no answer within"),
        (Fault.GARBAGE, DeviceGarbled, "Modbus"),
        (Fault.HALF, DeviceGarbled, "half an answer"),
        (Fault.CHECKSUM, DeviceGarbled, "wrong checksum"),
        (Fault.ADDRESS, DeviceGarbled, "unit 2"),
        (Fault.UNPLUG, PortUnavailable, ""),
    ],
)
async def test_every_fault_has_its_name_and_goes_by(line, fault, kind, word):
    device, bus = line
    link = ModbusLink(bus, 1)
    await link.read(4, 1, 2)
    await device.set_fault(fault)
    if fault is Fault.CHECKSUM and not bus.line.rtu:
        assert list(await link.read(4, 1, 2)) == [0xFF33, 546]
        return
    for _ in range(2):
        with pytest.raises(kind) as caught:
            await link.read(4, 1, 2)
        assert word in caught.value.what
        assert caught.value.hint
        assert caught.value.where.startswith(bus.line.where)
    await device.set_fault(Fault.NONE)
    assert list(await link.read(4, 1, 2)) == [0xFF33, 546]


@pytest.mark.parametrize(
    ("function", "address", "count", "code", "word"),
    [(4, 2, 2, 2, "illegal data address"), (3, 0, 1, 1, "illegal function"), (1, 0, 1, 1, "illegal function")],
)
async def test_a_refusal_has_its_code_and_words(line, function, address, count, code, word):
    _, bus = line
    with pytest.raises(ModbusRefused, match=word) as caught:
        await ModbusLink(bus, 1).read(function, address, count)
    assert caught.value.code == code


async def test_an_answer_that_comes_late_is_not_taken_for_the_next_one(line):
    device, bus = line
    link = ModbusLink(bus, 2)
    await link.read(4, 1, 1)
    await device.set_fault(Fault.SILENCE)
    reading = asyncio.create_task(link.read(4, 1, 1))
    await asyncio.sleep(0.05)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    await device.set_fault(Fault.NONE)
    assert list(await link.read(4, 2, 1)) == [8]


async def test_a_missing_port_and_a_host_that_refuses_say_so(tmp_path):
    for line in (Line(port=str(tmp_path / "none")), Line(host="127.0.0.1", tcp_port=1), Line(host="no.such.invalid")):
        with pytest.raises(PortUnavailable) as caught:
            await ModbusLink(Bus(line, PymodbusWire(line)), 1).read(4, 1, 1)
        assert caught.value.hint
        assert caught.value.where == line.where


def behind(device):
    return Path(device.address).readlink()


async def test_a_port_that_vanishes_comes_back_under_its_name(tmp_path):
    device = ModbusDevice(Climate(), link=tmp_path / "by-id" / "usb-RS485")
    await device.start()
    line = Line(port=device.address, timeout=SHORT)
    link = ModbusLink(Bus(line, PymodbusWire(line)), 1)
    spares = []
    for _ in range(3):
        assert list(await link.read(4, 1, 1)) == [225]
        before = behind(device)
        await device.set_fault(Fault.UNPLUG)
        with pytest.raises(PortUnavailable):
            await link.read(4, 1, 1)
        spares += os.openpty()  # takes its place: the port has another number when it is back
        await device.set_fault(Fault.NONE)
        assert behind(device) != before
    for end in spares:
        os.close(end)
    await link.close()
    await device.stop()


async def test_a_dead_device_does_not_stall_a_real_bus(tmp_path):
    device = ModbusDevice({1: Climate()}, link=tmp_path / "ttyBUS")
    await device.start()
    line = Line(port=device.address, timeout=SHORT)
    bus = Bus(line, PymodbusWire(line))
    alive, dead = ModbusLink(bus, 1), ModbusLink(bus, 9)
    began = time.monotonic()
    for _ in range(50):
        with pytest.raises(DeviceTimeout):
            await dead.read(4, 1, 1)
        await alive.read(4, 1, 1)
    assert time.monotonic() - began < 2.0
    assert sum(unit == 9 for unit, *_ in device.requests) == 1
    await device.stop()


async def test_a_sleeper_is_woken_before_it_is_asked(tmp_path):
    got = []

    class Sleeper(ModbusDevice):
        def _received(self, data):
            got.append(data)
            super()._received(data)

    device = Sleeper(Climate(), link=tmp_path / "ttyWS61")
    await device.start()
    line = Line(port=device.address, timeout=SHORT)
    link = ModbusLink(Bus(line, PymodbusWire(line)), 1)
    assert list(await link.read(4, 1, 1, wake=b"\x8f", pause=0.03)) == [225]
    assert got[0] == b"\x8f"
    await link.close()
    await device.stop()
