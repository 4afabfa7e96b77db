"""The command as people use it: what stands where, the exit codes, and Ctrl-C."""

import asyncio
import os
import re
import signal
import subprocess
import sys
import time

import pytest

from agent.__main__ import main
from firmware_sims.megatec_ups import MegatecUps
from firmware_sims.snmp_faces import Plate
from firmware_sims.snmp_ups import SnmpUps
from firmware_sims.ups import Rating, Ups

LIMIT = 40.0
PLATE = Plate(name="card-1", manufacturer="Wolfsmoke", model="Sim 3000", serial="1")


async def command(*arguments, stop_at=None):
    """Run it; return exit code, stdout, stderr. ``stop_at``: send Ctrl-C once stderr says that."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "agent",
        "scan",
        *arguments,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    said = b""
    async with asyncio.timeout(LIMIT):
        if stop_at:
            while stop_at not in said:
                line = await process.stderr.readline()
                assert line, said
                said += line
            process.send_signal(signal.SIGINT)
        out, more = await process.communicate()
    return process.returncode, out.decode(), (said + more).decode()


@pytest.fixture
async def card():
    subject = SnmpUps(Ups(Rating(), time.monotonic), PLATE, time.monotonic, host="127.0.0.1", community="sesame")
    await subject.start()
    yield subject
    await subject.stop()


async def test_tables_go_to_stdout_progress_and_credentials_to_stderr_and_no_secret_anywhere(card):
    port = card.address.partition(":")[2]
    code, out, err = await command(
        "127.0.0.0/30", "--rate", "100/s", "--community", "sesame", "--ports", f"snmp:{port}"
    )
    assert code == 0
    assert out.startswith("# 127.0.0.1: SNMP 2c: ")
    assert 'community = { credential = "snmp-community" }' in out
    assert "found: 127.0.0.1" in err
    assert re.search(r"scan: 2 of 2 addresses, \d probes sent", err)
    assert "snmp-community" in err
    assert "sesame" not in out + err


async def test_what_the_settings_have_already_is_not_proposed_again(card, tmp_path):
    port = card.address.partition(":")[2]
    asked = ("127.0.0.1", "--rate", "100/s", "--community", "sesame", "--ports", f"snmp:{port}")
    settings = tmp_path / "agent.toml"
    settings.write_text('[[device]]\nid = "ups-1"\nsnmp = { host = "192.0.2.1" }\n')
    _, out, _ = await command(*asked, "--config", str(settings))
    assert 'id = "ups-2"' in out
    settings.write_text(out)
    _, out, _ = await command(*asked, "--config", str(settings))
    assert "is in the settings already: ups-2" in out
    assert "[[device]]" not in out
    assert (await command(*asked, "--config", str(tmp_path / "none")))[0] == 2


async def test_ctrl_c_prints_what_was_found_so_far(card):
    port = card.address.partition(":")[2]
    code, out, err = await command(
        "127.0.0.0/24", "--rate", "5/s", "--community", "sesame", "--ports", f"snmp:{port}", stop_at=b"found: 127.0.0.1"
    )
    assert code == 0
    assert "[[device]]" in out
    assert "stopped early" in err


async def test_serial_ports_of_a_folder(tmp_path):
    subject = MegatecUps(Ups(Rating(), time.monotonic), PLATE, link=tmp_path / "usb-1")
    await subject.start()
    code, out, _ = await command("--serial", str(tmp_path))
    await subject.stop()
    assert code == 0
    assert f'[device.megatec]\nport = "{tmp_path}/usb-1"' in out


def test_nothing_found_and_wrong_use_have_exit_codes_of_their_own(capfd, tmp_path):
    assert main(["scan", "--serial", str(tmp_path)]) == 3
    for arguments in (
        [],
        ["10.0.0.0/8"],
        ["10.0.0.0/24", "--limit", "10"],
        ["10.0.0.0/30", "--rate", "fast"],
        ["10.0.0.0/30", "--ports", "ssh"],
        ["10.0.0.0/30", "--serial", str(tmp_path)],
        ["--serial", str(tmp_path / "nothing")],
    ):
        assert main(["scan", *arguments]) == 2, arguments
    out, err = capfd.readouterr()
    assert out == ""
    assert "Traceback" not in err
