"""Spoiled answers, through the whole of link, library, table and contacts: our errors only, and nothing absurd called good."""

import asyncio
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.contacts import Contact, Contacts, mapped
from agent.drivers.base import Lane
from agent.drivers.modbus import ModbusDriver
from agent.links.modbus import Bus, ModbusLink
from agent.links.modbus_line import Line
from agent.links.modbus_wire import PymodbusWire
from agent.profiles_modbus import tables
from contract.errors import DeviceError
from contract.quantities import find
from firmware_sims.modbus_device import ModbusDevice, crc
from firmware_sims.modbus_models import Registers

INSTANT = 0.0005
"""Seconds for an answer that is there before the question is put."""


class Memory(asyncio.Transport):
    """A line in memory: what is written is answered at once, spoiled."""

    def __init__(self, protocol, device, spoil):
        super().__init__()
        self.protocol, self.device, self.spoil = protocol, device, spoil

    def write(self, data):
        look = self.device._rtu_replies if self.device._rtu else self.device._tcp_replies
        for reply, _ in look(bytes(data))[1]:
            for part in self.spoil(reply):
                if part:
                    self.protocol.data_received(part)

    def close(self):
        pass


class MemoryWire(PymodbusWire):
    def __init__(self, line, device, spoil):
        super().__init__(line)
        self.device, self.spoil = device, spoil

    async def _open_tcp(self, protocol):
        transport = Memory(protocol, self.device, self.spoil)
        protocol.connection_made(transport)
        return transport


def full(table, chance):
    """Return a device that has every register of a table, with something in it."""
    words = {}
    for span in table.spans(Lane.ALL):
        top = 1 if span.function < 3 else 0xFFFF
        for place in range(span.count + 20):
            words.setdefault(span.function, {})[span.address + place] = chance.randint(0, top)
    return Registers(words)


def spoiled(reply, chance, *, rtu):
    """Return an answer with something wrong, as the parts that it comes in."""
    data = bytearray(reply)
    for _ in range(chance.choice((0, 1, 1, 1, 2, 5))):
        at = chance.randrange(len(data) + 1) if data else 0
        match chance.randrange(7):
            case 0 if data:
                data[at % len(data)] ^= 1 << chance.randrange(8)
            case 1:
                del data[at:]
            case 2:
                data[at:at] = chance.randbytes(chance.randint(1, 6))
            case 3:
                data[:] = data + data
            case 4 if data:
                del data[at % len(data)]
            case 5:
                data[:] = chance.randbytes(chance.randint(0, 300))
            case 6 if rtu and len(data) > 4:  # wrong inside, with a checksum that is right
                data[chance.randrange(len(data) - 2)] ^= 1 << chance.randrange(8)
                data[-2:] = crc(bytes(data[:-2]))
    cut = chance.randrange(len(data) + 1) if chance.random() < 0.3 else len(data)
    return bytes(data[:cut]), bytes(data[cut:])


CONTACTS = [Contact(input=1, means="smoke"), Contact(input=2, means="surge-failed", alarm="open")]


async def poll(table, seed, polls=3):
    """Poll a device whose answers are spoiled; return how many polls had readings."""
    chance = random.Random(seed)
    rtu = chance.random() < 0.7
    device = ModbusDevice(full(table, chance), framing="rtu" if rtu else "tcp")
    line = Line(host="memory", framing="rtu" if rtu else "tcp", timeout=INSTANT, baudrate=921_600)
    wire = MemoryWire(line, device, lambda reply: spoiled(reply, chance, rtu=rtu))
    bus = Bus(line, wire)
    driver = ModbusDriver(ModbusLink(bus, 1), table)
    contacts = Contacts(CONTACTS)
    read, mute = 0, False
    for number in range(polls):
        lane = Lane.FAST if number else Lane.ALL
        try:
            readings = mapped(await driver.read(lane), contacts, full=lane is Lane.ALL)
        except DeviceError as error:
            mute |= not (error.what and error.hint)
            continue
        read += 1
        for reading in readings:
            if reading.good:
                assert find(reading.quantity).plausible(reading.value), reading
    await driver.close()
    assert not mute, "every error says what to do"
    return read


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(tables())), st.integers(0, 1 << 32))
def test_a_spoiled_answer_is_one_of_our_errors_or_plausible(name, seed):
    asyncio.run(poll(tables()[name], seed))


async def test_the_fuzz_is_not_in_vain():
    chance = random.Random(7)
    names = sorted(tables())
    done = [await poll(tables()[chance.choice(names)], chance.getrandbits(32)) for _ in range(150)]
    assert sum(done) > 100, "most are spoiled a little, and many are read"
    assert sum(done) < 430, "many are refused"


@pytest.mark.soak
@pytest.mark.timeout(1800)
async def test_a_hundred_thousand_spoiled_answers():
    chance = random.Random(1)
    names = sorted(tables())
    read = 0
    for _ in range(34_000):
        read += await poll(tables()[chance.choice(names)], chance.getrandbits(32))
    assert read > 30_000
