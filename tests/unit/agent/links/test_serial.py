"""Serial lines: a real pseudo-terminal, and everything that happens to a port."""

import asyncio
import errno
import fcntl
import os
import termios
import time
import tty

import pytest
import serial

from agent.drivers.base import Lane
from agent.drivers.megatec import MegatecDriver
from agent.links.line_noise import looks_like
from agent.links.serial import SerialLink
from contract.errors import DeviceGarbled, DeviceTimeout, PortUnavailable
from firmware_sims.faults import GARBAGE, Fault
from firmware_sims.megatec_ups import MegatecUps
from firmware_sims.snmp_faces import Plate
from firmware_sims.ups import Rating, Ups

PLATE = Plate("order-room", "Wolfsmoke", "Sim1000", "S1")


@pytest.fixture
async def device(tmp_path):
    made = MegatecUps(Ups(Rating(string=36), time.monotonic, load=900), PLATE, link=tmp_path / "ttyUPS")
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def link(tmp_path):
    made = SerialLink(str(tmp_path / "ttyUPS"))
    yield made
    await made.close()


def status(found):
    return next(reading.value for reading in found if reading.quantity == "ups.status")


async def test_it_reads_a_ups(device, link):
    driver = MegatecDriver(link)
    assert status(await driver.read()) == ("OL",)
    device.ups.cut()
    assert status(await driver.read(Lane.FAST)) == ("OB",)
    assert driver.identity.manufacturer == "Wolfsmoke"


async def test_it_reads_over_a_serial_server():
    device = MegatecUps(Ups(Rating(), time.monotonic), PLATE)
    await device.start()
    link = SerialLink(f"socket://{device.address}")
    assert status(await MegatecDriver(link).read()) == ("OL",)
    await device.set_fault(Fault.UNPLUG)
    with pytest.raises(PortUnavailable, match="serial server is away"):
        await link.ask(b"Q1\r", timeout=0.3)
    await device.set_fault(Fault.NONE)
    assert (await link.ask(b"Q1\r")).startswith(b"(")
    await link.close()
    await device.stop()


async def test_a_connection_that_died_silently_is_made_anew():
    connections = 0

    async def serve(reader, writer):
        nonlocal connections
        connections += 1
        dead = connections == 1
        while await reader.read(64):
            if not dead:
                writer.write(b"(NAK\r")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    link = SerialLink(f"socket://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    with pytest.raises(DeviceTimeout):
        await link.ask(b"Q1\r", timeout=0.2)
    assert await link.ask(b"Q1\r") == b"(NAK"
    await link.close()
    server.close()


async def test_nothing_is_opened_before_it_is_asked(tmp_path):
    link = SerialLink(str(tmp_path / "none"))
    await link.close()


async def test_a_missing_port_says_so(link):
    with pytest.raises(PortUnavailable, match="no such port") as caught:
        await link.ask(b"Q1\r")
    assert "/dev/serial/by-id" in caught.value.hint


@pytest.mark.parametrize("url", ["socket://", "socket://host", "socket://host:99999", "nonsense://x", "/"])
async def test_what_is_no_port_says_so(url):
    link = SerialLink(url)
    with pytest.raises(PortUnavailable) as caught:
        await link.ask(b"Q1\r")
    assert caught.value.hint
    await link.close()


async def test_unplugged_then_replugged(device, link):
    driver = MegatecDriver(link)
    await driver.read()
    await device.set_fault(Fault.UNPLUG)
    for _ in range(2):
        with pytest.raises(PortUnavailable):
            await driver.read()
    await device.set_fault(Fault.NONE)
    assert status(await driver.read()) == ("OL",)


async def test_unplugged_while_waiting_for_an_answer(device, link):
    await link.ask(b"Q1\r")
    await device.set_fault(Fault.SILENCE)
    asking = asyncio.create_task(link.ask(b"Q1\r", timeout=10))
    await asyncio.sleep(0.1)
    await device.set_fault(Fault.UNPLUG)
    with pytest.raises(PortUnavailable):
        await asyncio.wait_for(asking, 5)


@pytest.mark.parametrize("number", [errno.EPIPE, errno.EIO, errno.EPROTO, errno.ENOTTY, errno.EINVAL])
@pytest.mark.usefixtures("device")
async def test_an_adapter_without_dtr_and_rts_carries_data_all_the_same(link, monkeypatch, number):
    real, refused = fcntl.ioctl, []

    def ioctl(descriptor, request, *arguments):
        if request in (termios.TIOCMBIS, termios.TIOCMBIC):
            refused.append(request)
            raise OSError(number, "no such line")
        return real(descriptor, request, *arguments)

    monkeypatch.setattr(fcntl, "ioctl", ioctl)
    assert (await link.ask(b"Q1\r")).startswith(b"(")
    assert set(refused) == {termios.TIOCMBIS, termios.TIOCMBIC}


async def test_a_taken_port_says_so(device, link):
    other = SerialLink(device.address)
    await other.ask(b"Q1\r")
    with pytest.raises(PortUnavailable, match="taken"):
        await link.ask(b"Q1\r")
    await other.close()
    assert await link.ask(b"Q1\r")


async def test_silence_is_a_timeout(device, link):
    await device.set_fault(Fault.SILENCE)
    with pytest.raises(DeviceTimeout):
        await link.ask(b"Q1\r", timeout=0.2)


async def test_garbage_hints_at_the_speed(device, link):
    await device.set_fault(Fault.GARBAGE)
    with pytest.raises(DeviceGarbled) as caught:
        await MegatecDriver(link).read()
    assert "speed" in caught.value.hint
    await device.set_fault(Fault.NONE)
    assert status(await MegatecDriver(link).read()) == ("OL",)


async def test_half_a_frame_is_garbled(device, link):
    await device.set_fault(Fault.HALF)
    with pytest.raises(DeviceGarbled, match="without an end"):
        await link.ask(b"Q1\r", timeout=0.3)
    await device.set_fault(Fault.NONE)
    assert (await link.ask(b"Q1\r")).startswith(b"(")


async def test_a_late_answer_is_not_taken_for_the_next_one(device, link):
    await device.set_fault(Fault.DELAY)
    with pytest.raises(DeviceTimeout):
        await link.ask(b"F\r", timeout=0.3)
    await device.set_fault(Fault.NONE)
    assert (await link.ask(b"I\r")).startswith(b"#Wolfsmoke")


async def test_a_cancelled_question_leaves_the_line_usable(device, link):
    await device.set_fault(Fault.SILENCE)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await link.ask(b"Q1\r", timeout=0.5)
    await device.set_fault(Fault.NONE)
    assert (await link.ask(b"Q1\r")).startswith(b"(")


def test_the_simulator_spares_files_that_are_not_its_own(tmp_path):
    path = tmp_path / "ttyUPS"
    path.write_text("precious")
    device = MegatecUps(Ups(Rating(), time.monotonic), PLATE, link=path)
    with pytest.raises(OSError, match="not one of ours"):
        asyncio.run(device.start())
    assert path.read_text() == "precious"


READABLE = b"(226.0 195.0 226.0 014 49.0 27.5 30.0 00001000"
EVEN = bytes(byte | (0x80 if byte.bit_count() % 2 else 0) for byte in READABLE)
ODD = bytes(byte | (0 if byte.bit_count() % 2 else 0x80) for byte in READABLE)


@pytest.mark.parametrize(
    ("received", "said"),
    [
        (bytes.fromhex("ff fe 00 f8 80 e6 00 fe"), "another speed"),
        (bytes(20), "zeros"),
        (b"\xff" * 6, "another speed"),
        (EVEN, "7 bits with parity"),
        (ODD, "7 bits with parity"),
        (READABLE, ""),
        (b"\0\0" + READABLE + b"\0", ""),
        (b"\xff\xff", ""),  # too short to tell
        (b"", ""),
        (GARBAGE, ""),
    ],
)
def test_what_a_wrong_speed_or_parity_looks_like(received, said):
    verdict = looks_like(received)
    assert said in verdict
    assert bool(said) == bool(verdict)


async def far_end(path, answer):
    """A pseudo-terminal under a name, whose far end answers everything alike."""
    near, far = os.openpty()
    tty.setraw(near)
    tty.setraw(far)
    path.unlink(missing_ok=True)
    path.symlink_to(os.ttyname(far))

    def readable():
        if b"\r" in os.read(near, 100):
            os.write(near, answer)

    asyncio.get_running_loop().add_reader(near, readable)

    def pulled():
        asyncio.get_running_loop().remove_reader(near)
        os.close(near)
        os.close(far)

    return pulled


@pytest.mark.parametrize("answer", [bytes.fromhex("fffe00f880e600fe"), EVEN + b"\r"])
async def test_a_line_at_another_speed_says_so(tmp_path, answer):
    pulled = await far_end(tmp_path / "ttyUPS", answer)
    link = SerialLink(str(tmp_path / "ttyUPS"))
    with pytest.raises(DeviceGarbled, match="noise") as caught:
        await link.ask(b"Q1\r", timeout=0.3)
    assert "2400 baud, 8 bits, no parity" in caught.value.hint
    await link.close()
    pulled()


async def test_an_adapter_that_comes_back_under_another_number_is_found(tmp_path):
    """Udev's links: ttyUSB0 → the terminal, and by-id/usb-adapter → ttyUSB0, later ttyUSB1."""
    by_id = tmp_path / "by-id"
    by_id.mkdir()
    pulled = await far_end(tmp_path / "ttyUSB0", b"one\r")
    (by_id / "usb-adapter").symlink_to(tmp_path / "ttyUSB0")
    link = SerialLink(str(tmp_path / "ttyUSB0"), by_id=str(by_id))
    assert await link.ask(b"Q1\r") == b"one"
    pulled()
    (tmp_path / "ttyUSB0").unlink()
    (by_id / "usb-adapter").unlink()
    with pytest.raises(PortUnavailable):
        await link.ask(b"Q1\r", timeout=0.3)
    with pytest.raises(PortUnavailable, match="no such port"):
        await link.ask(b"Q1\r", timeout=0.3)
    pulled = await far_end(tmp_path / "ttyUSB1", b"two\r")
    (by_id / "usb-adapter").symlink_to(tmp_path / "ttyUSB1")
    assert await link.ask(b"Q1\r") == b"two"
    await link.close()
    pulled()


async def test_a_lasting_name_that_leads_elsewhere_after_silence_is_followed(tmp_path):
    name = tmp_path / "usb-adapter"
    old = await far_end(name, b"")  # keeps its side open, and says nothing any more
    link = SerialLink(str(name))
    with pytest.raises(DeviceTimeout):
        await link.ask(b"Q1\r", timeout=0.2)
    new = await far_end(name, b"two\r")
    with pytest.raises(DeviceTimeout):
        await link.ask(b"Q1\r", timeout=0.2)
    assert await link.ask(b"Q1\r") == b"two"
    await link.close()
    old()
    new()


async def test_lines_that_cannot_be_set_are_forgiven(tmp_path, monkeypatch):
    def refused(*_about):
        raise OSError(errno.EPROTO, "Protocol error")

    monkeypatch.setattr(serial.Serial, "_update_dtr_state", refused)
    monkeypatch.setattr(serial.Serial, "_update_rts_state", refused)
    pulled = await far_end(tmp_path / "ttyUPS", b"one\r")
    link = SerialLink(str(tmp_path / "ttyUPS"))
    assert await link.ask(b"Q1\r") == b"one"
    await link.close()
    pulled()
