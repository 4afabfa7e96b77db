"""Serial ports on pseudo-terminals: a UPS, a bus of Modbus devices, silence, and a port that is taken."""

import asyncio
import fcntl
import logging
import os
import pty
import time
import tty

import pytest

from agent.scan.line import Line, holder
from agent.scan.propose import proposed, refusal
from agent.scan.serial_megatec import MegatecFinder
from agent.scan.serial_modbus import ModbusRtuFinder, crc
from agent.scan.sweep import PER_PORT, SerialSweep, serial_finders
from contract.errors import PortUnavailable
from firmware_sims.apcsmart_ups import ApcSmartUps
from firmware_sims.faults import Fault
from firmware_sims.megatec_ups import MegatecUps
from firmware_sims.snmp_faces import Plate
from firmware_sims.ups import Rating, Ups

LIMIT = 60.0


async def scanned(folder, **how):
    sweep = SerialSweep(folder, how.pop("finders", serial_finders()), **how)
    async with asyncio.timeout(LIMIT):
        await sweep.run()
    return sweep


@pytest.fixture
async def ups(tmp_path):
    plate = Plate(name="u", manufacturer="SANTAK", model="C3KS", serial="1")
    subject = MegatecUps(Ups(Rating(), time.monotonic), plate, link=tmp_path / "usb-Prolific-if00-port0")
    await subject.start()
    yield subject
    await subject.stop()


def test_checksums_are_those_of_the_specification():
    assert crc(bytes.fromhex("0207")).hex() == "4112"


@pytest.mark.usefixtures("ups")
async def test_a_ups_is_found_by_its_lasting_name(tmp_path):
    sweep = await scanned(tmp_path)
    assert [(each.protocol, each.says) for each in sweep.found] == [("Megatec Q1", "SANTAK C3KS 1.4.2, 2400 baud")]
    text = proposed(sweep.found)
    assert f'port = "{tmp_path}/usb-Prolific-if00-port0"' in text
    assert refusal(text) == ""


async def test_an_apc_is_found_and_never_hears_megatec(tmp_path):
    plate = Plate(name="u", manufacturer="APC", model="Smart-UPS 1500", serial="AS123")
    subject = ApcSmartUps(Ups(Rating(), time.monotonic), plate, link=tmp_path / "usb-APC")
    await subject.start()
    sweep = await scanned(tmp_path)
    await subject.stop()
    assert [(each.protocol, each.way) for each in sweep.found] == [("APC smart protocol", "apcsmart")]
    assert "Smart-UPS 1500" in sweep.found[0].says
    assert refusal(proposed(sweep.found)) == ""


@pytest.mark.parametrize("gateway", [False, True], ids=["silence", "a gateway speaks for who is away"])
async def test_every_device_of_a_bus_is_found_and_only_read(tmp_path, modbus_server, modbus_line, gateway):
    server = modbus_server(knows=(0x2B, 4), units=(2, 7), gateway=gateway)
    line = modbus_line(tmp_path / "usb-FTDI-if00", server, crc)
    line.open()
    sweep = await scanned(tmp_path)
    line.close()
    assert [each.says for each in sweep.found] == [
        "address 2 at 9600 8N1: Acme X, PM5, 1.20",
        "address 7 at 9600 8N1: Acme X, PM5, 1.20",
    ]
    assert {pdu[0] for _, pdu in server.asked} <= {0x2B, 3, 4}
    assert {unit for unit, _ in server.asked} == set(range(1, 11))


async def test_a_silent_port_takes_a_bounded_time(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    near, far = pty.openpty()
    tty.setraw(far)
    (tmp_path / "usb-silent").symlink_to(os.ttyname(far))
    began = time.monotonic()
    sweep = await scanned(tmp_path)
    os.close(near)
    os.close(far)
    assert sweep.found == []
    assert time.monotonic() - began < PER_PORT
    assert "nobody who speaks apcsmart or megatec or modbus" in caplog.text


@pytest.mark.usefixtures("ups")
async def test_a_port_that_another_has_is_said_and_left_alone(tmp_path, caplog):
    taken = os.open(tmp_path / "usb-Prolific-if00-port0", os.O_RDWR | os.O_NOCTTY)
    fcntl.flock(taken, fcntl.LOCK_EX)
    sweep = await scanned(tmp_path)
    os.close(taken)
    assert sweep.found == []
    assert "left alone" in caplog.text
    caplog.clear()
    sweep = await scanned(tmp_path, held=lambda _: "nutdrv_qx (process 77)")
    assert sweep.found == []
    assert "left alone: nutdrv_qx (process 77) has it" in caplog.text


@pytest.mark.usefixtures("ups")
async def test_a_device_that_is_named_twice_is_asked_once(tmp_path):
    (tmp_path / "another-name").symlink_to((tmp_path / "usb-Prolific-if00-port0").readlink())
    sweep = SerialSweep(tmp_path, serial_finders())
    assert len(sweep.ports()) == 1
    assert SerialSweep(tmp_path / "nothing", serial_finders()).ports() == []


@pytest.mark.parametrize("fault", [Fault.GARBAGE, Fault.HALF, Fault.SILENCE])
async def test_noise_is_nobody(tmp_path, ups, fault):
    await ups.set_fault(fault)
    assert (await scanned(tmp_path, finders=(MegatecFinder(), ModbusRtuFinder(0.02)))).found == []


def test_what_is_no_port_is_a_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "nothing"):
        with pytest.raises(PortUnavailable), Line(path, 9600):
            pass


def test_who_has_a_port_is_seen_in_its_lock_and_in_the_kernels_list(tmp_path):
    port = tmp_path / "ttyUSB7"
    port.write_text("")
    proc, locks = tmp_path / "proc", tmp_path / "lock"
    (proc / "4711" / "fd").mkdir(parents=True)
    (proc / "4711" / "comm").write_text("blazer_ser\n")
    locks.mkdir()
    assert holder(port, proc, locks) == ""
    (locks / "LCK..ttyUSB7").write_text("      4711\n")
    assert holder(port, proc, locks) == "blazer_ser (process 4711)"
    (locks / "LCK..ttyUSB7").write_text("      4712\n")
    assert holder(port, proc, locks) == "", "its program has gone"
    (proc / "4711" / "fd" / "3").symlink_to(port)
    assert holder(port, proc, locks) == "blazer_ser (process 4711)"
