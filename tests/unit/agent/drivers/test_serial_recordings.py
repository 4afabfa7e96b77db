"""Every recorded reply of a serial UPS: what it must lead to, counted. ``pytest -s`` prints the table.

A reply is served in place of the device's own in an otherwise healthy conversation, and the driver says what it reads.
"""

import json
import os
import sys
from collections import Counter
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from lines import Line, values

from agent.drivers.apcsmart import ApcSmartDriver
from agent.drivers.asking import Asker
from agent.drivers.dialects import DialectDriver
from agent.drivers.megatec import MegatecDriver, parse_status
from agent.drivers.voltronic import VoltronicDriver, parse_state
from contract.errors import DeviceError

ROOT = Path(__file__).parents[4]
PLACES = (
    Path(os.environ.get("WOLFSMOKE_CASES", ROOT.parent / "shared" / "cases")),
    ROOT.parent.parent / "shared" / "cases",  # from a worktree
)
CASES = next((place for place in PLACES if place.is_dir()), PLACES[0])

HEALTHY = {
    "Q1": b"(226.0 195.0 226.0 014 49.0 27.5 30.0 00001000",
    "QGS": b"(230.0 50.0 230.0 50.0 001.0 010 369.1 ---.- ---.- ---.- 025.0 100000000000",
    "QMOD": b"(L",
}
SMART = {"Y": b"SM\r", "Q": b"08\r", "f": b"100.0\r"}
NAMES = {
    "input.current.nominal": "output.current.nominal",
    "battery.number": "x.battery.blocks",
    "firmware": "ups.firmware",
}
FLAGS = {
    "utility_fail": "OB",
    "battery_low": "LB",
    "ups_failed": "FAULT",
    "test_in_progress": "CAL",
    "test": "CAL",
    "shutdown_active": "FSD",
    "on_battery": "OB",
    "online": "OL",
    "replace_battery": "RB",
}
OURS = {"FAULT", "OFF"}
"""Flags that NUT has no word for, or gives only where it is told to."""


def recorded(name):
    path = CASES / "serial" / name
    if not path.exists():
        pytest.skip(f"the recordings are not part of this project, and not under {CASES}")
    return json.loads(path.read_text())


async def read(driver):
    try:
        return values(await driver.read())
    except DeviceError as error:
        return error


async def judge_megatec(case, add):
    request, reply = case["request"].rstrip("\r"), bytes.fromhex(case["reply_hex"])
    answer, ended, _ = reply.partition(b"\r")
    want = dict(case["expect"])
    if not ended:
        add(want.pop("complete") is False and parse_status(answer.decode()) is None, "refused")
        return
    if "error" in want:  # a command that the device does not know: the dialect is not taken to be spoken
        assert await Asker(Line({request: answer})).knows(request, parse_state) is None
        found = await read(DialectDriver(Line({**HEALTHY, "QGS": answer}, otherwise="echo")))
        add(isinstance(found, dict) and found["ups.status"] == ("OL",), "refused")
        return
    make = MegatecDriver if request in ("Q1", "F", "I") else VoltronicDriver
    found = await read(make(Line({**HEALTHY, request: answer}, otherwise=b"(NAK")))
    assert isinstance(found, dict), (case["name"], found)
    for flag, is_set in want.pop("flags", {}).items():
        add(flag_said(flag, found) == is_set)
    for key, value in want.items():
        add(said(key, value, answer.decode(), found))


def said(key, value, answer, found):
    """Say whether one expected value was read."""
    match key:
        case "battery.voltage.raw":
            return parse_status(answer).battery_volts == value
        case "bits":
            return (parse_status(answer) or parse_state(answer)).bits == value
        case "nut_status":
            return set(found["ups.status"]) - OURS == set(value.split()) - OURS
        case "mode":
            return found["ups.mode"] == value
        case "battery.runtime_min":
            return found["battery.runtime"] == 60.0 * value
        case "battery.voltage.negative":
            return value is None and parse_state(answer).negative is None
        case "mfr" | "model":
            return found.get(f"ups.{key}", "") == value.strip("-")
    if value == 0 and key.endswith("nominal"):
        return NAMES.get(key, key) not in found  # 0 is a device that does not know its rating
    return found.get(NAMES.get(key, key)) == value


def flag_said(flag, found):
    status = set(found["ups.status"])
    match flag:
        case "bypass_or_avr" | "bypass_eco_or_avr":
            return bool(status & {"BYPASS", "BOOST", "TRIM", "ECO"})
        case "line_interactive":
            return found["ups.type"] != "online"
        case "beeper_on":
            return found["ups.beeper.status"] == "enabled"
        case "beeper_off":
            return found["ups.beeper.status"] == "disabled"
    return FLAGS[flag] in status


async def judge_apc(case, add):
    reply = bytes.fromhex(case["reply_hex"])
    want = case["expect"]
    if case["request"] is None:  # unasked: it stands before the answer, and the answer is read all the same
        found = await read(ApcSmartDriver(Line({**SMART, "Q": reply + b"10\r"}, otherwise=b"NA\r")))
        add(isinstance(found, dict) and found["ups.status"] == ("OB",))
        return
    answer = reply.removesuffix(b"\n")
    found = await read(ApcSmartDriver(Line({**SMART, case["request"]: answer}, otherwise=b"NA\r")))
    assert isinstance(found, dict), (case["name"], found)
    for key, value in want.items():
        match key:
            case "mode":
                add(value == "smart")
            case "error":
                add("ambient.humidity" not in found, "refused")
            case "nut_status":
                add(found["ups.status"] == tuple(value.split()))
            case "flags":
                for flag, is_set in value.items():
                    add(flag_said(flag, found) == is_set)
            case "battery.runtime_min":
                add(found["battery.runtime"] == 60.0 * value)
            case _:
                add(found.get(key) == value)


@pytest.mark.parametrize(("name", "judge"), [("megatec-voltronic.json", judge_megatec), ("apc-smart.json", judge_apc)])
async def test_every_recorded_reply_is_read_right_or_refused(name, judge):
    totals = Counter()
    lines = []
    for case in recorded(name):
        counts = Counter()

        def add(is_right, what="right", counts=counts):
            counts["expected"] += 1
            counts[what if is_right else "wrong"] += 1

        await judge(case, add)
        lines.append(
            f"{case['name']:32}{counts['expected']:4}{counts['right']:6}{counts['wrong']:6}{counts['refused']:8}"
        )
        totals += counts
    head = f"{name:30}expected right wrong refused"
    foot = f"{'all':32}{totals['expected']:4}{totals['right']:6}{totals['wrong']:6}{totals['refused']:8}"
    sys.stdout.write("\n".join(["", head, *lines, foot, ""]))
    assert totals["wrong"] == 0
    assert totals["right"] + totals["refused"] == totals["expected"] > 0
