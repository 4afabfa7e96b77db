"""APC's smart protocol: what the answers mean, what is said unasked, and answers that come late."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from lines import Line, TalkLine, qualities, values

from agent.drivers.apcsmart import ApcSmartDriver, parse_status
from agent.drivers.base import Lane
from contract.errors import DeviceError, DeviceGarbled, DeviceTimeout
from contract.reading import Quality
from firmware_sims.apcsmart_ups import ApcSmart
from firmware_sims.faults import Fault
from firmware_sims.snmp_faces import Plate
from firmware_sims.ups import Rating, Ups

PLATE = Plate("ups", "APC", "Smart-UPS 1500", "AS0123456789", "601.3.I")
SMART = {"Y": b"SM\r", "Q": b"08\r", "f": b"100.0\r", "j": b"0327:\r", "B": b"27.87\r", "C": b"036.0\r"}


def simulated():
    clock = [0.0]
    ups = Ups(Rating(power=980.0, apparent=1500.0, string=24.0, online=False), lambda: clock[0], load=490.0)
    return ups, TalkLine(ApcSmart(ups, PLATE)), clock


@pytest.mark.parametrize(
    ("byte", "flags"),
    [
        ("08", {"OL"}),
        ("10", {"OB"}),
        ("50", {"OB", "LB"}),
        ("0a", {"OL", "TRIM"}),
        ("0C", {"OL", "BOOST"}),
        ("88", {"OL", "RB"}),
        ("28", {"OL", "OVER"}),
        ("09", {"OL", "CAL"}),
        ("00", {"OFF"}),
        ("40", {"LB"}),  # says nothing of the mains, and is not made to
    ],
)
def test_the_status_byte(byte, flags):
    assert set(parse_status(byte)) == flags


@pytest.mark.parametrize("text", ["", "8", "008", "0G", "NA", "SM", "108.0", "-8"])
def test_what_is_no_status_byte(text):
    assert parse_status(text) is None


async def test_it_reads_all_that_there_is():
    ups, line, _ = simulated()
    driver = ApcSmartDriver(line)
    found = values(await driver.read())
    assert found["ups.status"] == ("OL",)
    assert found["ups.load"] == 50.0
    assert found["input.voltage"] == 230.0
    assert found["battery.runtime"] == pytest.approx(ups.view().runtime, abs=60.0)
    assert found["ups.test.result"] == "passed"
    assert (driver.identity.model, driver.identity.serial) == ("Smart-UPS 1500", "AS0123456789")
    line.asked.clear()
    assert set(values(await driver.read(Lane.FAST))) == {"ups.status", "battery.charge"}
    assert line.asked == [b"Y", b"Q", b"f"]


async def test_an_outage_whose_sign_stands_before_the_answer():
    ups, line, clock = simulated()
    driver = ApcSmartDriver(line)
    await driver.read()
    ups.cut()
    clock[0] += 1.0
    assert values(await driver.read(Lane.FAST))["ups.status"] == ("OB",)
    ups.set_charge(10)
    assert values(await driver.read(Lane.FAST))["ups.status"] == ("LB", "OB")
    ups.restore()
    assert "OL" in values(await driver.read(Lane.FAST))["ups.status"]


async def test_signs_within_an_answer_are_taken_out():
    line = Line({**SMART, "Q": b"!1%0\r", "B": b"$2+7.8?7\r"}, otherwise=b"NA\r")
    found = values(await ApcSmartDriver(line).read())
    assert found["ups.status"] == ("OB",)
    assert found["battery.voltage"] == 27.87


async def test_about_to_switch_off():
    assert values(await ApcSmartDriver(Line({**SMART, "Q": b"*10\r"}, otherwise=b"NA\r")).read())["ups.status"] == (
        "FSD",
        "OB",
    )


async def test_what_it_has_none_of_is_unavailable_and_spared():
    line = Line(dict(SMART), otherwise=b"NA\r")
    driver = ApcSmartDriver(line)
    assert qualities(await driver.read())["output.voltage"] is Quality.UNAVAILABLE
    line.asked.clear()
    assert qualities(await driver.read())["output.voltage"] is Quality.UNAVAILABLE
    assert "O" not in line.asked


async def test_a_ups_that_became_dumb_is_woken():
    _, line, _ = simulated()
    driver = ApcSmartDriver(line)
    await driver.read()
    line.talk.smart = False
    assert values(await driver.read())["ups.status"] == ("OL",)


async def test_one_bad_value_does_not_stop_its_neighbours():
    line = Line({**SMART, "B": b"2?\x7f\r"}, otherwise=b"NA\r")
    found = await ApcSmartDriver(line).read()
    assert qualities(found)["battery.voltage"] is Quality.UNAVAILABLE
    assert values(found)["ups.temperature"] == 36.0


@pytest.mark.parametrize("fault", [Fault.SILENCE, Fault.DELAY, Fault.GARBAGE, Fault.HALF])
async def test_a_bad_line_is_an_error_and_then_good_again(fault):
    _, line, _ = simulated()
    driver = ApcSmartDriver(line)
    await driver.read()
    line.fault = fault
    with pytest.raises(DeviceError):
        await driver.read()
    line.fault = Fault.NONE
    assert values(await driver.read())["ups.load"] == 50.0


async def test_sentinels_are_no_values():
    _, line, _ = simulated()
    driver = ApcSmartDriver(line)
    line.fault = Fault.SENTINELS
    found = await driver.read()
    assert qualities(found)["battery.charge"] is Quality.UNAVAILABLE
    assert "input.voltage" not in values(found)
    assert values(found)["ups.status"] == ("OL",)


async def test_another_protocol_says_so():
    with pytest.raises(DeviceGarbled, match="not smart") as caught:
        await ApcSmartDriver(Line({}, otherwise="echo")).read()
    assert "own cable" in caught.value.hint
    with pytest.raises(DeviceTimeout):
        await ApcSmartDriver(Line({})).read()


class LateLine:
    """Answers in order, so many commands late: as a serial server that holds answers back."""

    url = "/dev/ttyLATE"

    def __init__(self, talk, lag):
        self.talk = talk
        self.lag = lag
        self._queue = []

    async def ask(self, command, **_about):
        self._queue.append(self.talk.reply(command, Fault.NONE))
        if len(self._queue) <= self.lag or self._queue[0] is None:
            if len(self._queue) > self.lag:
                self._queue.pop(0)
            raise DeviceTimeout("silence")
        return self._queue.pop(0).removesuffix(b"\n")

    async def close(self):
        pass


@pytest.mark.parametrize("lag", range(1, 12))
@pytest.mark.parametrize("before", [0, 1, 2])
async def test_a_late_answer_is_never_taken_for_another_ones(lag, before):
    """Values are told apart by making each of them its own: none may come under another's name."""
    ups, _, _ = simulated()
    line = LateLine(ApcSmart(ups, PLATE), 0)
    driver = ApcSmartDriver(line)
    right = values(await driver.read())
    for _ in range(before):
        await driver.read(Lane.FAST)
    line.lag = lag
    for turn in range(12):
        try:
            found = values(await driver.read(Lane.ALL if turn % 3 else Lane.FAST))
        except DeviceError:
            continue
        assert {name: value for name, value in found.items() if right[name] != value} == {}
