"""net-snmp's own senders at our receiver: every version, algorithm and cipher that both know."""

import asyncio
import shutil
import sys

import pytest
from trap_senders import Bench

from agent.traps.keys import User

LIMIT = 40.0
AUTH = {"md5": "MD5", "sha": "SHA", "sha224": "SHA-224", "sha256": "SHA-256", "sha384": "SHA-384", "sha512": "SHA-512"}
PRIV = {"des": "DES", "aes": "AES", "aes192": "AES-192", "aes256": "AES-256"}
USERS = [
    User(name=f"{auth}-{priv}", auth=auth, auth_key="authpass12", priv=priv, priv_key="privpass12" if priv else "")
    for auth, priv in [
        *((auth, "aes") for auth in AUTH),
        ("sha", ""),
        ("sha", "des"),
        ("sha", "aes192"),
        ("sha", "aes256"),
    ]
]
V2_TRAP, V1_TRAP = ("99", "1.3.6.1.4.1.318.0.5"), ("1.3.6.1.4.1.318", "192.0.2.77", "6", "5", "99")
INFORM_TRIES = ("-r", "5", "-t", "4")
"""Long enough for a machine that does other things for some seconds."""


@pytest.fixture
async def listening(tmp_path, monkeypatch):
    monkeypatch.setenv("SNMP_PERSISTENT_DIR", str(tmp_path))  # senders that run at the same time share no file
    bench = Bench({"ups-1": "127.0.0.1"}, more=USERS)
    running = asyncio.create_task(bench.service.run())
    async with asyncio.timeout(LIMIT):
        await bench.service.port.opened.wait()
    yield bench
    running.cancel()


async def sent(bench, *command):
    """Run a sender; return its exit status and how many traps were taken because of it."""
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed (Debian package snmp)")
    before = bench.service.counters.taken
    *options, tail = command
    where = f"127.0.0.1:{bench.service.port.port}"
    process = await asyncio.create_subprocess_exec(*options, where, *tail, stderr=asyncio.subprocess.PIPE)
    async with asyncio.timeout(LIMIT):
        _, said = await process.communicate()
        sys.stderr.write(said.decode())  # what the sender thinks is wrong, if something is
        while bench.service.counters.taken == before and process.returncode == 0:  # noqa: ASYNC110 - a datagram's way
            await asyncio.sleep(0.01)
    return process.returncode, bench.service.counters.taken - before


def as_user(user):
    level = "authPriv" if user.priv else "authNoPriv" if user.auth else "noAuthNoPriv"
    keys = ["-a", AUTH[user.auth], "-A", user.auth_key] if user.auth else []
    keys += ["-x", PRIV[user.priv], "-X", user.priv_key] if user.priv else []
    return ["-v", "3", "-u", user.name, "-l", level, *keys]


async def test_traps_of_v1_and_v2c(listening):
    assert await sent(listening, "snmptrap", "-v", "1", "-c", "public", V1_TRAP) == (0, 1)
    assert await sent(listening, "snmptrap", "-v", "2c", "-c", "public", V2_TRAP) == (0, 1)
    assert listening.poked == ["ups-1"] * 2


async def test_informs_of_v2c_are_answered(listening):
    assert await sent(listening, "snmpinform", "-v", "2c", *INFORM_TRIES, "-c", "public", V2_TRAP) == (0, 1)


async def test_an_inform_with_a_wrong_community_is_not_answered(listening):
    status, taken = await sent(listening, "snmpinform", "-v", "2c", "-r", "0", "-t", "0.3", "-c", "guess", V2_TRAP)
    assert status != 0
    assert taken == 0


@pytest.mark.parametrize("user", USERS, ids=lambda user: user.name)
async def test_traps_of_v3(listening, user):
    assert await sent(listening, "snmptrap", *as_user(user), "-e", "0x8000000001020304", V2_TRAP) == (0, 1)


@pytest.mark.parametrize("user", USERS, ids=lambda user: user.name)
async def test_informs_of_v3_find_our_engine_and_are_answered(listening, user):
    assert await sent(listening, "snmpinform", *as_user(user), *INFORM_TRIES, V2_TRAP) == (0, 1)


async def test_an_inform_of_v3_with_a_wrong_key_is_told_so(listening):
    wrong = User(name="sha-aes", auth="sha", auth_key="wrong-pass", priv="aes", priv_key="privpass12")
    status, taken = await sent(listening, "snmpinform", *as_user(wrong), "-r", "0", "-t", "2", V2_TRAP)
    assert status != 0
    assert taken == 0
    assert listening.service.counters.answered >= 2
