"""What every SNMP engine must do, against net-snmp's snmpd."""

import asyncio
import socket

import pytest

from contract.errors import DeviceRefused, DeviceTimeout, PortUnavailable

OBJECT_ID, UPTIME, CONTACT = (f"1.3.6.1.2.1.1.{number}.0" for number in (2, 3, 4))
ABSENT = "1.3.6.1.2.1.33.1.2.4.0"
SEALED = {"version": "3", "user": "sealed", "auth": "sha", "auth_key": "authpass12"} | {
    "priv": "aes",
    "priv_key": "privpass12",
}
SIGNED = {"version": "3", "user": "signed", "auth": "sha", "auth_key": "authpass12"}
PLAIN = {"version": "3", "user": "plain"}


@pytest.mark.parametrize(
    "how",
    [{"version": "1"}, {"version": "2c"}, PLAIN, SIGNED, SEALED],
    ids=["v1", "v2c", "v3-noauth", "v3-auth", "v3-priv"],
)
async def test_reads_a_real_agent_in_every_version(snmpd, linked, how):
    asked = (OBJECT_ID, ABSENT, CONTACT, UPTIME)
    async with linked(snmpd, **how) as link:
        for _ in range(3):
            said = await link.get(asked)
            assert list(said) == list(asked)
            assert said[OBJECT_ID] == "1.3.6.1.4.1.8072.3.2.10"
            assert said[CONTACT] == b"watch"
            assert isinstance(said[UPTIME], int)
            assert said[ABSENT] is None


async def test_a_host_may_have_a_name(snmpd, linked):
    async with linked(snmpd, host="localhost") as link:
        assert (await link.get((CONTACT,)))[CONTACT] == b"watch"


@pytest.mark.parametrize("away", ["no answer", "an error"])
async def test_a_name_server_that_goes_away_does_not_take_the_device_along(snmpd, linked, monkeypatch, away):
    async with linked(snmpd, host="localhost", timeout=1.0) as link:
        assert (await link.get((CONTACT,)))[CONTACT] == b"watch"

        async def resolve(*_args, **_more):
            if away == "an error":
                raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
            await asyncio.Event().wait()

        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolve)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await link.get((CONTACT,))  # what was disturbed is thrown away; the next question starts anew
        assert (await link.get((CONTACT,)))[CONTACT] == b"watch"


async def test_an_unknown_host_is_named(linked):
    async with linked(161, host="no-such-host.invalid") as link:
        with pytest.raises(PortUnavailable, match="no-such-host"):
            await link.get((CONTACT,))


async def test_a_wrong_community_gets_silence_and_a_hint(snmpd, linked):
    async with linked(snmpd, community="wrong", timeout=0.3) as link:
        with pytest.raises(DeviceTimeout, match="community right"):
            await link.get((CONTACT,))


@pytest.mark.parametrize(
    "how",
    [
        SEALED | {"auth_key": "wrongpass12"},
        SEALED | {"priv_key": "wrongpass12"},
        SEALED | {"user": "nobody"},
        SEALED | {"auth": "md5"},
        SEALED | {"auth": "rot13"},
        SEALED | {"priv_key": "short"},
        {"version": "3", "user": "sealed"},
    ],
    ids=["auth-key", "priv-key", "user", "algorithm", "no-algorithm", "short-key", "level"],
)
async def test_wrong_v3_credentials_are_an_error_that_names_them_and_shows_no_key(snmpd, linked, how):
    async with linked(snmpd, timeout=0.5, **how) as link:
        with pytest.raises((DeviceRefused, DeviceTimeout), match="user") as caught:
            await link.get((CONTACT,))
    for secret in ("wrongpass12", "authpass12", "privpass12", "short)"):
        assert secret not in str(caught.value)


async def test_many_oids_are_asked_in_parts(snmpd, linked):
    asked = (*(f"1.3.6.1.2.1.33.1.9.{number}.0" for number in range(60)), CONTACT)
    async with linked(snmpd) as link:
        said = await link.get(asked)
    assert tuple(said) == asked
    assert said[CONTACT] == b"watch"


async def test_users_of_one_name_and_several_keys_are_kept_apart(snmpd, linked):
    wrong = SEALED | {"auth_key": "other-password"}
    async with linked(snmpd, **SEALED) as right, linked(snmpd, **wrong, timeout=1.0, retries=0) as other:
        assert (await right.get((CONTACT,)))[CONTACT]
        with pytest.raises((DeviceRefused, DeviceTimeout)):
            await other.get((CONTACT,))
        assert (await right.get((CONTACT,)))[CONTACT]
