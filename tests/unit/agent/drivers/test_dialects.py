"""The dialects of the Megatec family: which is spoken is found out, and each says what it can."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from lines import Line, TalkLine, qualities, values

from agent.drivers.axpert import AxpertDriver, crc, framed, unframed
from agent.drivers.base import Lane
from agent.drivers.dialects import DialectDriver
from agent.drivers.megatec_q6 import Q6Driver
from agent.drivers.voltronic import VoltronicDriver
from contract.errors import DeviceError, DeviceGarbled, DeviceTimeout
from contract.reading import Quality
from firmware_sims.axpert_ups import Axpert
from firmware_sims.faults import Fault
from firmware_sims.megatec_q6_ups import MegatecQ6
from firmware_sims.megatec_ups import Megatec
from firmware_sims.snmp_faces import Plate
from firmware_sims.ups import Rating, Ups
from firmware_sims.voltronic_ups import Voltronic

PLATE = Plate("ups", "Wolfsmoke", "Sim1000", "S92123456789012")
TALKS = {"q1": Megatec, "q6": MegatecQ6, "voltronic": Voltronic, "axpert": Axpert}
NAK = b"(NAK"
Q1 = b"(226.0 195.0 226.0 014 49.0 27.5 30.0 00001000"
Q1_CELL = b"(231.3 000.0 220.0 000 50.0 2.28 40.0 00000000"
QGS = b"(234.9 50.0 229.8 50.0 000.0 000 369.1 ---.- 026.5 ---.- 018.8 100000000001"
Q6 = b"(227.0 225.6 230.0 50.0 229.9 000.0 000.0 49.9 007 000 000 327.8 000.0 23.0 06932 100 32 00000000 00000000 11"
WA = b"(001.4 000.0 000.0 001.4 000.0 000.0 001.4 001.4 006.5 000.0 000.0 007 00000000"
QWS = b"(" + b"0" * 64
VOLTRONIC = {"QGS": QGS, "QMOD": b"(L", "QBV": b"(026.5 02 01 068 255", "QWS": QWS, "QRI": b"(230.0 004 024.0 50.0"}


def simulated(name, **about):
    clock = [0.0]
    ups = Ups(Rating(string=36.0, online=True), lambda: clock[0], **about)
    return ups, TalkLine(TALKS[name](ups, PLATE)), clock


@pytest.mark.parametrize("name", TALKS)
async def test_the_dialect_is_found_out(name):
    ups, line, _ = simulated(name, load=1350.0)
    driver = DialectDriver(line)
    found = values(await driver.read())
    assert driver.identity.profile.startswith({"q1": "megatec", "q6": "megatec-q6"}.get(name, name))
    assert found["ups.load"] == 50.0
    assert found["input.voltage"] == 230.0
    assert "OL" in found["ups.status"]
    if name != "q1":
        assert found["battery.voltage"] == pytest.approx(ups.view().battery_volts, abs=0.1)
        assert found["battery.charge"] == 100.0
    asked = len(line.asked)
    found = values(await driver.read(Lane.FAST))
    assert set(found) == {"ups.status", "battery.charge"}
    assert len(line.asked) - asked <= 3


@pytest.mark.parametrize("name", TALKS)
async def test_an_outage_is_seen_by_the_next_fast_poll(name):
    ups, line, clock = simulated(name)
    driver = DialectDriver(line)
    await driver.read()
    ups.cut()
    clock[0] += 1.0
    status = values(await driver.read(Lane.FAST))["ups.status"]
    assert "OB" in status
    assert "OL" not in status
    ups.set_charge(10)
    if name != "axpert":  # it has no such flag
        assert "LB" in values(await driver.read(Lane.FAST))["ups.status"]
    ups.restore()
    assert "OL" in values(await driver.read(Lane.FAST))["ups.status"]


@pytest.mark.parametrize("name", TALKS)
@pytest.mark.parametrize("fault", [Fault.SILENCE, Fault.DELAY, Fault.GARBAGE, Fault.HALF])
async def test_a_bad_line_is_an_error_and_nothing_is_believed_until_it_is_good(name, fault):
    _, line, _ = simulated(name)
    driver = DialectDriver(line)
    await driver.read()
    line.fault = fault
    for _ in range(2):
        with pytest.raises(DeviceError):
            await driver.read()
    line.fault = Fault.NONE
    assert "OL" in values(await driver.read())["ups.status"]


@pytest.mark.parametrize("name", TALKS)
async def test_dashes_are_no_values(name):
    _, line, _ = simulated(name)
    driver = DialectDriver(line)
    await driver.read()
    line.fault = Fault.SENTINELS
    try:
        found = await driver.read()
    except DeviceError:
        assert name == "axpert"  # whose layout has no dashes
        return
    assert not {name for name, value in values(found).items() if isinstance(value, float)} & {
        "input.voltage", "output.voltage", "battery.voltage", "ups.load", "ups.temperature", "battery.charge"
    }  # fmt: skip


async def test_another_device_after_a_loss_is_asked_what_it_speaks():
    line = Line({"Q1": [Q1], "Q6": [NAK], "QGS": [NAK]}, otherwise="echo")
    driver = DialectDriver(line)
    await driver.read()
    line.answers["Q1"] = [DeviceTimeout("silence")]
    with pytest.raises(DeviceTimeout):
        await driver.read()
    line.answers = {"Q1": [Q1], **{command: [answer] for command, answer in VOLTRONIC.items()}}
    assert values(await driver.read())["battery.charge"] == 68.0


async def test_noise_while_it_is_found_out_does_not_make_it_a_poorer_one():
    line = Line({**VOLTRONIC, "Q1": Q1, "QGS": [DeviceGarbled("half"), b"(234.9", QGS]}, otherwise=NAK)
    assert values(await DialectDriver(line).read())["battery.charge"] == 68.0


async def test_a_device_that_knows_nothing_of_all_this_says_so():
    with pytest.raises(DeviceGarbled, match="does not know Q1") as caught:
        await DialectDriver(Line({}, otherwise="echo")).read()
    assert "another protocol" in caught.value.hint


async def test_voltronic_says_what_it_can():
    names = {"QMF": b"(#######BOH", "QVFW": b"(VERFW:00322.02", "QPI": b"(PI01", "QID": b"(12345679012345"}
    model = {"QMD": b"(#######OLHVT1K0 ###1000 80 1/1 230 230 02 12.0"}
    fault = {"QFS": b"(14 212.1 50.0 005.6 49.9 006 010.6 343.8 ---.- 026.2 021.8 01101100"}
    driver = VoltronicDriver(Line({**VOLTRONIC, **names, **model, **fault}))
    found = values(await driver.read())
    assert found["ups.status"] == ("OL",)
    assert found["ups.alarm"] == "none"
    assert found["ups.mode"] == "line"
    assert found["battery.runtime"] == 15300.0
    assert found["ups.realpower.nominal"] == 800.0
    assert found["x.ups.fault.last"] == "14 inverter output short"
    assert (found["ups.mfr"], found["ups.model"], found["ups.firmware"]) == ("BOH", "OLHVT1K0", "00322.02")
    assert driver.identity.profile == "voltronic-p01"
    assert driver.identity.serial == "12345679012345"


@pytest.mark.parametrize(
    ("mode", "bits", "volts", "flags"),
    [
        (b"(L", b"100000000000", b"230.0", {"OL"}),
        (b"(B", b"101000000000", b"230.0", {"OB"}),
        (b"(L", b"101000000000", b"230.0", {"OB"}),  # the mains went between the two
        (b"(B", b"100000000000", b"230.0", {"OB"}),
        (b"(Y", b"100010000000", b"230.0", {"OL", "BYPASS"}),
        (b"(E", b"100010000000", b"230.0", {"OL", "ECO"}),
        (b"(L", b"010010000000", b"255.0", {"OL", "BOOST"}),
        (b"(S", b"100000000000", b"000.0", {"OL", "OFF"}),
        (b"(T", b"100000010000", b"230.0", {"OL", "CAL"}),
        (b"(F", b"100001000000", b"230.0", {"OL", "FAULT"}),
        (b"(D", b"100000001000", b"230.0", {"OL", "FSD"}),
        (b"(B", b"101100000000", b"230.0", {"OB", "LB"}),
    ],
)
async def test_voltronic_flags(mode, bits, volts, flags):
    line = b"(230.0 50.0 " + volts + b" 50.0 001.0 010 369.1 ---.- 026.5 ---.- 018.8 " + bits
    found = values(await VoltronicDriver(Line({"QGS": line, "QMOD": mode}, otherwise=NAK)).read())
    assert set(found["ups.status"]) == flags


async def test_voltronic_warnings_have_names_and_their_flags_stay_between_full_polls():
    warned = bytearray(QWS)
    for bit in (8, 9, 55, 60):
        warned[1 + bit] = ord("1")
    driver = VoltronicDriver(Line({**VOLTRONIC, "QWS": bytes(warned)}, otherwise=NAK))
    found = values(await driver.read())
    assert found["ups.alarm"] == "overload; fan; replace the battery; warning 61"
    assert found["ups.status"] == ("ALARM", "OL", "OVER", "RB")
    assert values(await driver.read(Lane.FAST))["ups.status"] == ("ALARM", "OL", "OVER", "RB")


async def test_what_voltronic_knew_at_first_must_be_known_later():
    line = Line({**VOLTRONIC, "QMOD": [b"(Y", b"(Y", DeviceTimeout("silence")]}, otherwise=NAK)
    driver = VoltronicDriver(line)
    assert "BYPASS" in values(await driver.read())["ups.status"]
    with pytest.raises(DeviceError):  # not a status without its BYPASS
        await driver.read(Lane.FAST)


async def test_q6_of_three_phases_in_and_one_out():
    driver = Q6Driver(
        Line(
            {
                "Q1": b"(227.0 000.0 229.9 007 49.9 2.27 23.0 00000001",
                "Q6": Q6,
                "WA": WA,
                "BPS": b"(230.4 000.0 000.0 49.9",
            },
            otherwise=NAK,
        )
    )
    found = values(await driver.read())
    assert [found[f"input.L{n}-N.voltage"] for n in (1, 2, 3)] == [227.0, 225.6, 230.0]
    assert "input.voltage" not in found
    assert found["output.voltage"] == 229.9
    assert (found["battery.charge"], found["battery.runtime"], found["battery.voltage"]) == (100.0, 6932.0, 327.8)
    assert (found["ups.realpower"], found["output.current"], found["input.phases"]) == (1400.0, 6.5, 3.0)
    assert found["ups.alarm"] == "none"


async def test_q6_of_one_phase_without_ratings():
    one = (
        b"(231.3 ---.- ---.- 50.0 220.0 ---.- ---.- 50.0 012 --- --- 027.1 ---.- 40.0 01800 097 32 00000000 00000040 11"
    )
    driver = Q6Driver(Line({"Q1": Q1_CELL, "Q6": one}, otherwise=NAK))
    found = values(await driver.read())
    assert (found["input.voltage"], found["output.voltage"], found["battery.voltage"]) == (231.3, 220.0, 27.1)
    assert found["ups.status"] == ("ALARM", "OL")
    assert found["ups.alarm"] == "warning 00000040"


async def test_three_phases_stay_three_in_an_outage():
    dark = Q6.replace(b"(227.0 225.6 230.0", b"(000.0 000.0 000.0")
    driver = Q6Driver(Line({"Q1": [Q1_CELL], "Q6": [Q6, dark]}, otherwise=NAK))
    await driver.read()
    found = values(await driver.read())
    assert [found[f"input.L{n}-N.voltage"] for n in (1, 2, 3)] == [0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("command", "check"), [("QPI", "beac"), ("QPIGS", "b7a9"), ("QMOD", "49c1"), ("QPIRI", "f854"), ("QPIWS", "b4da")]
)
def test_the_checksum_is_the_documented_one(command, check):
    assert crc(command.encode()).hex() == check
    assert framed(command) == command.encode() + bytes.fromhex(check) + b"\r"


def test_a_checksum_ends_no_line_and_every_one_is_accepted():
    answers = [f"({number:05d}".encode() for number in range(3000)]
    seen = {byte for answer in answers for byte in crc(answer)}
    assert not seen & set(b"\r\n(")
    assert len(seen) == 253
    assert all(unframed(b"\0" + answer + crc(answer)) == answer for answer in answers)


async def test_axpert_with_a_wrong_checksum_is_refused():
    _, line, _ = simulated("axpert")
    driver = AxpertDriver(line)
    await driver.read()
    line.fault = Fault.CHECKSUM
    with pytest.raises(DeviceGarbled, match="wrong checksum"):
        await driver.read()
    assert unframed(b"(NAK\x55\x55") is None


async def test_axpert_says_what_it_can():
    state = (
        b"(230.0 50.0 230.1 49.9 0161 0119 003 460 57.50 012 100 0069 0014 103.8 57.45 00000 00110110 00 00 00856 010"
    )
    line = Line({framed(c).decode("latin-1").rstrip("\r"): a + crc(a) for c, a in (("QMOD", b"(L"), ("QPIGS", state))})
    found = await AxpertDriver(line).read()
    assert values(found)["battery.current"] == -12.0
    assert values(found)["ups.status"] == ("CHRG", "OL")
    assert values(found)["ups.mode"] == "line"
    assert Quality.IMPLAUSIBLE not in qualities(found).values()
