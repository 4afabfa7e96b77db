"""Megatec Q1: what the lines mean, and what a bad line does."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.drivers.base import Lane
from agent.drivers.megatec import MegatecDriver, parse_identity, parse_ratings, parse_status, rating_readings, readings
from contract.errors import DeviceGarbled, DeviceTimeout
from contract.reading import Quality

CASES = Path(os.environ.get("WOLFSMOKE_CASES", Path(__file__).parents[4].parent / "shared" / "cases"))
RECORDED = CASES / "serial" / "megatec-voltronic.json"


class Line:
    """Answers from a list for each command; an exception in it is raised, the last entry stays."""

    url = "/dev/ttyTEST"

    def __init__(self, **answers):
        self.answers = {command: list(given) for command, given in answers.items()}
        self.asked = []

    async def ask(self, command, **_about):
        name = command.decode().rstrip("\r")
        self.asked.append(name)
        answers = self.answers.get(name, [DeviceTimeout("silence")])
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def close(self):
        self.asked.append("close")


NORMAL = b"(226.0 195.0 226.0 014 49.0 27.5 30.0 00001000"
RATINGS = b"#220.0 000 024.0 50.0"
IDENTITY = b"#Wolfsmoke       Sim1000    1.4.2     "


def values(found):
    return {reading.quantity: reading.value for reading in found if reading.good}


@pytest.mark.parametrize(
    ("line", "flags"),
    [
        ("(226.0 195.0 226.0 014 49.0 27.5 30.0 00001000", {"OL"}),
        ("(208.4 140.0 208.4 034 59.9 2.05 35.0 00110000", {"OL", "BYPASS", "FAULT"}),
        ("(227.0 120.0 000.0 000 49.9 2.28 25.0 00000001", {"OL", "OFF"}),
        ("(000.0 000.0 230.0 000 00.0 13.2 29.0 10001000", {"OB"}),
        ("(002.9 000.0 000.0 000 00.0 2.02 21.0 10000001", {"OB", "OFF"}),
        ("(215.0 195.0 230.0 014 49.0 2.27 30.0 00101000", {"OL", "BOOST"}),
        ("(250.0 195.0 230.0 014 49.0 2.27 30.0 00101000", {"OL", "TRIM"}),
        ("(102.5 000.0 102.4 000 49.9 54.5 22.7 00101000", {"OL", "BYPASS"}),
        ("(000.0 000.0 230.0  12 00.0 11.2 29.0 11001000", {"OB", "LB"}),
        ("(230.0 230.0 230.0 012 50.0 12.9 29.0 00001100", {"OL", "CAL"}),
        ("(230.0 230.0 230.0 012 50.0 12.9 29.0 00001010", {"OL", "FSD"}),
    ],
)
def test_flags(line, flags):
    assert set(values(readings(parse_status(line), None))["ups.status"]) == flags


def test_volts_of_a_cell_become_volts_of_the_string():
    status = parse_status("(227.0 120.0 227.0 000 49.9 2.00 25.0 00000001")
    assert values(readings(status, parse_ratings("#220.0 013 72.00 50.0")))["battery.voltage"] == 72.0


def test_charge_is_estimated_only_with_known_ratings():
    status = parse_status("(226.0 195.0 226.0 014 49.0 23.4 30.0 10001000")
    alone = {reading.quantity: reading for reading in readings(status, None)}
    assert alone["battery.charge"].quality is Quality.UNAVAILABLE
    assert values(readings(status, parse_ratings(RATINGS.decode())))["battery.charge"] == 50.0
    assert "battery.charge" not in values(readings(status, parse_ratings("#220.0 000 240.0 50.0")))


def test_a_rating_of_zero_is_none():
    assert "output.current.nominal" not in values(rating_readings(parse_ratings("#220.0 000 024.0 50.0")))


def test_dashes_are_no_value():
    found = readings(parse_status("(227.0 ---.- 227.0 --- 49.9 2.28 --.- 00000001"), None)
    assert {reading.quantity for reading in found if reading.quality is Quality.UNAVAILABLE} >= {
        "ups.load",
        "ups.temperature",
        "input.voltage.fault",
    }


@pytest.mark.parametrize(
    "line",
    [
        "",
        "(",
        "(120.0 084.0 120.0   0 60.0 22.6",
        "226.0 195.0 226.0 014 49.0 27.5 30.0 00001000",
        "(226.0 195.0 226.0 014 49.0 27.5 30.0 00001002",
        "(226.0 195.0 226.0 014 49.0 27.5 30.0 0000100",
        "(226.0 195.0 226.0 0x4 49.0 27.5 30.0 00001000",
        "(226.0 1 5.0 226.0 014 49.0 27.5 30.0 00001000",
        "(226.0 195.0 226.0 014 49.0 27.5 30.0 00001000)",
    ],
)
def test_what_fails_the_layout_is_nothing(line):
    assert parse_status(line) is None


@given(st.binary(max_size=80))
def test_no_bytes_raise(noise):
    text = noise.decode("ascii", "backslashreplace")
    for parse in (parse_status, parse_ratings, parse_identity):
        parse(text)


async def test_the_first_read_says_who_it_is():
    driver = MegatecDriver(Line(Q1=[NORMAL], F=[RATINGS], I=[IDENTITY]))
    assert driver.identity.model == ""
    found = values(await driver.read())
    assert driver.identity.model == "Sim1000"
    assert found["battery.voltage.nominal"] == 24.0
    assert found["ups.load"] == 14.0


async def test_the_fast_lane_asks_q1_only():
    line = Line(Q1=[NORMAL], F=[RATINGS], I=[IDENTITY])
    driver = MegatecDriver(line)
    await driver.read(Lane.FAST)
    assert line.asked == ["Q1", "F", "I"]
    found = await driver.read(Lane.FAST)
    assert line.asked[3:] == ["Q1"]
    assert {reading.quantity for reading in found} == {"ups.status", "battery.charge"}


async def test_a_garbled_answer_is_asked_for_again():
    line = Line(Q1=[b"(226.0 19", DeviceGarbled("half"), b"\0" + NORMAL], F=[b"F"], I=[b"(NAK"])
    found = values(await MegatecDriver(line).read())
    assert found["ups.status"] == ("OL",)
    assert "battery.charge" not in found


async def test_an_answer_to_another_question_is_not_taken():
    found = values(await MegatecDriver(Line(Q1=[RATINGS, NORMAL], F=[NORMAL], I=[RATINGS])).read())
    assert found["ups.load"] == 14.0
    assert "battery.voltage.nominal" not in found


async def test_three_garbled_answers_are_an_error():
    line = Line(Q1=[b"\xff\x80noise"])
    with pytest.raises(DeviceGarbled, match="2400 baud"):
        await MegatecDriver(line).read()
    assert line.asked == ["Q1"] * 3


@pytest.mark.parametrize("answer", [b"Q1", b"(NAK"])
async def test_a_device_that_does_not_know_q1_is_told_at_once(answer):
    line = Line(Q1=[answer])
    with pytest.raises(DeviceGarbled, match="does not know Q1"):
        await MegatecDriver(line).read()
    assert line.asked == ["Q1"]


async def test_the_first_command_after_opening_may_be_lost():
    line = Line(Q1=[DeviceTimeout("silence"), NORMAL])
    assert values(await MegatecDriver(line).read())["ups.status"] == ("OL",)


async def test_a_ups_that_never_tells_its_ratings_is_spared():
    line = Line(Q1=[NORMAL])
    driver = MegatecDriver(line)
    for _ in range(5):
        await driver.read()
    assert line.asked.count("F") == line.asked.count("I") == 3


async def test_after_a_loss_it_asks_again_who_is_there():
    line = Line(Q1=[NORMAL, DeviceTimeout("silence"), NORMAL], F=[RATINGS], I=[IDENTITY])
    driver = MegatecDriver(line)
    await driver.read(Lane.FAST)
    with pytest.raises(DeviceTimeout):
        await driver.read(Lane.FAST)
    await driver.read(Lane.FAST)
    assert line.asked.count("I") == 2


@pytest.mark.skipif(not RECORDED.is_file(), reason=f"no recordings at {RECORDED}")
def test_recorded_lines():
    for case in json.loads(RECORDED.read_text()) if RECORDED.is_file() else []:
        request, reply, expect = case["request"], case.get("reply", ""), case.get("expect") or {}
        text = reply.rstrip("\r")
        if request == "Q1\r":
            status = parse_status(text)
            if not reply.endswith("\r"):
                assert status is None, case["name"]
                continue
            found = values(readings(status, None))
            shared = {name: value for name, value in expect.items() if name in found}
            assert shared == {name: found[name] for name in shared}, case["name"]
            assert set(expect["nut_status"].split()) <= set(found["ups.status"]), case["name"]
            assert status.battery_volts == expect["battery.voltage.raw"], case["name"]
        elif request == "F\r":
            ratings = parse_ratings(text)
            assert ratings.battery_volts == expect["battery.voltage.nominal"], case["name"]
            assert ratings.volts == expect["input.voltage.nominal"], case["name"]
        elif request == "I\r":
            assert parse_identity(text).firmware == expect["firmware"], case["name"]
        else:
            assert parse_status(text) is None, case["name"]
