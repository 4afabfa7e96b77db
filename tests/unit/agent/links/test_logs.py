"""Logs as they grow: rotated in both ways, cut short, gone; the journal by a program of its name; a real sshd's log."""

import asyncio
import json
import os
import shutil
import socket
import stat

import pytest

from agent.links.logs import Journal, LogFile, record_of
from agent.signs.logins import Attempts, failure, failure_of
from contract.errors import PortUnavailable

LIMIT = 15.0


def texts(lines):
    return [line for _, line in lines]


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "auth.log"
    path.write_text("before we came\n")
    return path


def say(path, text):
    with path.open("a") as file:
        file.write(text)


async def test_what_was_there_before_is_passed_over_and_what_comes_is_read_once(path):
    log = LogFile(path)
    assert await log.lines() == []
    say(path, "one\ntwo\nhal")
    assert texts(await log.lines()) == ["one", "two"]
    say(path, "f\n")
    assert texts(await log.lines()) == ["half"]
    assert await log.lines() == []


async def test_rotation_by_name_loses_nothing(path):
    log = LogFile(path)
    await log.lines()
    say(path, "one\n")
    path.rename(path.with_suffix(".1"))
    say(path.with_suffix(".1"), "two, by who still had it open\n")
    assert texts(await log.lines()) == ["one", "two, by who still had it open"]
    path.write_text("three\n")
    assert texts(await log.lines()) == ["three"]


async def test_rotation_by_copying_starts_again_from_its_beginning(path):
    log = LogFile(path)
    await log.lines()
    say(path, "one\n")
    await log.lines()
    path.write_text("two\n")
    assert texts(await log.lines()) == ["two"]


async def test_a_log_that_is_not_there_is_told_and_is_read_from_its_beginning_once_it_is(tmp_path):
    log = LogFile(tmp_path / "auth.log")
    for _ in range(2):
        with pytest.raises(PortUnavailable, match="no such log"):
            await log.lines()
    (tmp_path / "auth.log").write_text("first\n")
    assert texts(await log.lines()) == ["first"]


async def test_a_log_that_may_not_be_read_is_told(tmp_path):
    with pytest.raises(PortUnavailable, match="cannot be read"):
        await LogFile(tmp_path).lines()


async def test_a_log_that_grew_by_very_much_is_read_from_near_its_end(path):
    log = LogFile(path)
    await log.lines()
    say(path, "old line\n" * 500_000 + "x" * 65536 + "\nlast\n")
    lines = texts(await log.lines())
    assert lines[-1] == "last"
    assert len(lines[-2]) == 8192
    assert sum(map(len, lines)) <= 1 << 20


async def test_what_is_no_text_is_a_line(path):
    log = LogFile(path)
    await log.lines()
    with path.open("ab") as file:
        file.write(b"\xff\x00\x1b[2J\n")
    assert texts(await log.lines()) == ["\ufffd\x00\x1b[2J"]


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"SYSLOG_IDENTIFIER": "sshd", "MESSAGE": "Failed"}, ("sshd", "Failed")),
        ({"SYSLOG_IDENTIFIER": "sshd", "MESSAGE": [70, 255, 300, "x"]}, ("sshd", "F\ufffd")),
        ({"MESSAGE": "x"}, ("unknown", "x")),
        ({"SYSLOG_IDENTIFIER": ["a", "b"], "MESSAGE": "x"}, ("unknown", "x")),
        ({"MESSAGE": None}, None),
        ([], None),
    ],
)
def test_records_of_the_journal_are_understood(record, expected):
    assert record_of(json.dumps(record).encode()) == expected


@pytest.mark.parametrize("record", [b"", b"{", b"\xff", b"[" * 100_000])
def test_what_is_no_record_is_none(record):
    assert record_of(record) is None


@pytest.fixture
async def journal(tmp_path):
    made = []

    def make(script):
        program = tmp_path / "journalctl"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        made.append(Journal(str(program)))
        return made[-1]

    yield make
    for each in made:
        await each.close()


async def some(log):
    async with asyncio.timeout(LIMIT):
        while not (lines := await log.lines()):  # noqa: ASYNC110 - another process says it
            await asyncio.sleep(0.02)
    return lines


async def test_the_journal_is_followed(journal, tmp_path):
    record = json.dumps({"SYSLOG_IDENTIFIER": "sshd", "MESSAGE": "one"})
    log = journal(f"echo \"$@\" > {tmp_path}/args; echo '{record}'; exec sleep 60")
    assert await some(log) == [("sshd", "one")]
    assert "SYSLOG_FACILITY=10" in (tmp_path / "args").read_text()


async def test_a_journal_that_refuses_is_told_in_its_own_words_and_asked_again(journal, tmp_path):
    log = journal("echo 'No journal files were opened due to insufficient permissions.' >&2; exit 1")
    with pytest.raises(PortUnavailable, match="insufficient permissions"):
        await some(log)
    record = json.dumps({"SYSLOG_IDENTIFIER": "sshd", "MESSAGE": "again"})
    (tmp_path / "journalctl").write_text(f"#!/bin/sh\necho '{record}'; exec sleep 60\n")
    assert await some(log) == [("sshd", "again")]


async def test_a_flood_of_the_journal_and_records_without_end_take_bounded_room(journal):
    record = json.dumps({"SYSLOG_IDENTIFIER": "a", "MESSAGE": "x"})
    log = journal(
        f"yes '{record}' | head -n 50000; head -c 3000000 /dev/zero | tr '\\0' x; echo; echo '{record[:-2]}last\"}}'; exec sleep 60"
    )
    await log.lines()
    async with asyncio.timeout(LIMIT):
        while not log._lines or log._lines[-1] != ("a", "xlast"):  # noqa: ASYNC110 - another process says it
            await asyncio.sleep(0.05)
    assert len(await log.lines()) <= 5000


async def test_a_machine_without_a_journal_is_told():
    with pytest.raises(PortUnavailable):
        await Journal("/no/such/journalctl").lines()


@pytest.fixture
async def sshd(tmp_path):
    program = shutil.which("sshd") or "/usr/sbin/sshd"
    if not os.access(program, os.X_OK) or shutil.which("ssh-keygen") is None:
        pytest.skip("openssh-server is not installed")
    if os.geteuid() == 0:
        os.makedirs("/run/sshd", exist_ok=True)  # noqa: PTH103 - its empty folder, which its unit makes
    key, log = tmp_path / "key", tmp_path / "sshd.log"
    made = await asyncio.create_subprocess_exec("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key))
    assert await made.wait() == 0
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    daemon = await asyncio.create_subprocess_exec(
        program, "-D", "-f", "/dev/null", "-h", str(key), "-E", str(log), "-p", str(port),
        "-o", "ListenAddress=127.0.0.1", "-o", "UsePAM=no", "-o", "PidFile=none", "-o", "PasswordAuthentication=yes",
    )  # fmt: skip
    async with asyncio.timeout(LIMIT):
        while not log.exists() or "listening" not in log.read_text():  # noqa: ASYNC110 - another process says it
            await asyncio.sleep(0.05)
    yield port, log
    daemon.terminate()
    await daemon.wait()


async def test_failed_log_ins_at_a_real_sshd_are_counted_each_once(sshd, tmp_path):
    port, path = sshd
    log = LogFile(path)
    await log.lines()
    ask = tmp_path / "ask"
    ask.write_text("#!/bin/sh\necho wrong\n")
    ask.chmod(0o700)
    for user in ("root", "nobody-of-this-name"):
        client = await asyncio.create_subprocess_exec(
            "ssh", "-F", "none", "-p", str(port), "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
            "-o", "NumberOfPasswordPrompts=3", "-o", "PreferredAuthentications=password", "-o", "ConnectTimeout=5",
            f"{user}@127.0.0.1", "true",
            env={**os.environ, "SSH_ASKPASS": str(ask), "SSH_ASKPASS_REQUIRE": "force"},
            stdin=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        assert await asyncio.wait_for(client.wait(), 60) == 255
    attempts, found = Attempts(), []
    async with asyncio.timeout(LIMIT):
        while len([each for each in found if each.left]) < 2:
            found += [each for _, line in await log.lines() if (each := failure(line))]
            await asyncio.sleep(0.05)
    assert {each.source for each in found} == {"127.0.0.1"}
    assert {each.user for each in found} == {"root", "nobody-of-this-name"}
    assert sum(attempts.count(each) for each in found) == 6


REMOTE = "/lib/systemd/systemd-journal-remote"
EXPORT = """__REALTIME_TIMESTAMP={number}764000000000000
__MONOTONIC_TIMESTAMP={number}000000
_BOOT_ID=0123456789abcdef0123456789abcdef
SYSLOG_FACILITY={facility}
SYSLOG_IDENTIFIER=sshd
MESSAGE=Failed password for root from 192.0.2.7 port {number} ssh2

"""


async def test_the_real_journalctl_follows_a_real_journal(journal, tmp_path):
    if not os.access(REMOTE, os.X_OK) or shutil.which("journalctl") is None:
        pytest.skip("needs systemd-journal-remote to write a journal")

    async def write(number, facility):
        process = await asyncio.create_subprocess_exec(
            REMOTE, "-o", str(tmp_path / "x.journal"), "-",
            stdin=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        await process.communicate(EXPORT.format(number=number, facility=facility).encode())

    await write(1, 10)
    log = journal(f'exec journalctl --directory={tmp_path} "$@"')
    lines = await log.lines()
    number = 1
    async with asyncio.timeout(LIMIT):
        while not lines:  # it does not say from when on it follows
            await write(number + 1, 3)  # daemon: not about authentication
            number += 2
            await write(number, 10)
            await asyncio.sleep(0.3)
            lines = await log.lines()
    ports = [int(failure_of(program, line).port) for program, line in lines]
    assert 1 not in ports
    assert all(port % 2 for port in ports)
