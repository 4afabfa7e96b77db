"""Traps that net-snmp made of what real devices said, over the loopback: a table of expected, right, missing and wrong."""

import asyncio
import json
import os
import socket
import sys
from pathlib import Path

import pytest
from trap_senders import Bench

from agent.traps.names import told

ROOT = Path(__file__).resolve().parents[4]
PLACES = [root / "shared" / "cases" for root in (ROOT.parent, ROOT.parent.parent)]  # a worktree lies one deeper
CASES = Path(os.environ.get("WOLFSMOKE_CASES") or next((place for place in PLACES if place.is_dir()), PLACES[0]))
FILE = CASES / "snmp" / "traps" / "traps.json"

EVENTS = {"ups on battery": "on-battery", "mains restored": "mains-restored", "link down": "link-down"}
LABELS = {
    "minutes remaining": "minutes_remaining",
    "seconds on battery": "seconds_on_battery",
    "low-battery minutes": "low_batt_time_min",
    "runtime seconds": "runtime_s",
    "charge percent": "charge_pct",
}
LIMIT = 10.0


class Recorder:
    """Stands in for the desk."""

    def __init__(self):
        self.taken = asyncio.Queue()

    def take(self, devices, notification):
        self.taken.put_nowait((devices, told(notification)))


@pytest.mark.skipif(not FILE.exists(), reason="the recordings are not here (WOLFSMOKE_CASES)")
async def test_every_recorded_trap_says_what_it_said():
    cases = {case["name"]: case for case in json.loads(FILE.read_text("utf-8"))}
    service = Bench({"ups-1": "127.0.0.1"}).service
    service.desk = recorder = Recorder()
    running = asyncio.create_task(service.run())
    rows, wrong = [f"\n{'trap':<26}{'expected':>9}{'right':>7}{'missing':>9}{'wrong':>7}\n"], []
    async with asyncio.timeout(LIMIT):
        await service.port.opened.wait()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for name, case in cases.items():
                sender.sendto(bytes.fromhex(case["udp_payload_hex"]), ("127.0.0.1", service.port.port))
                devices, words = await recorder.taken.get()
                assert devices == ("ups-1",)
                expected = cases[case["expect"].get("same_as", name)]["expect"]
                expected = {key: EVENTS[value] if key == "event" else str(value) for key, value in expected.items()}
                got = {LABELS.get(label, label): value for label, value in words.said}
                got |= {"event": words.name, "severity": words.severity}
                right = sum(got.get(key) == value for key, value in expected.items())
                missing = sum(key not in got for key in expected)
                counts = (len(expected), right, missing, len(expected) - right - missing)
                rows.append("{:<26}{:>9}{:>7}{:>9}{:>7}\n".format(name, *counts))
                wrong += [] if right == len(expected) else [(name, expected, got)]
    running.cancel()
    sys.stdout.write("".join(rows))
    assert not wrong
