"""What every SNMP engine must do, against a device that misbehaves as it is told."""

import asyncio
import time
from contextlib import nullcontext, suppress

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from snmp_device import (
    END_OF_VIEW,
    GENERAL,
    NO_SUCH_INSTANCE,
    NO_SUCH_NAME,
    NO_SUCH_OBJECT,
    NULL,
    TOO_BIG,
    UPTIME,
    A,
    B,
    Behaviour,
    C,
    Request,
    device,
    integer,
    oid,
    seven,
    tlv,
)

from agent.links import snmp
from agent.links.snmp import Raw, SnmpTarget
from contract.errors import DeviceError, DeviceGarbled, DeviceTimeout, PortUnavailable


async def test_a_device_that_is_away_is_a_timeout_with_a_hint_asked_once_more(linked):
    async with device(lambda _: []) as there, linked(there.port, timeout=0.2) as link:
        with pytest.raises(DeviceTimeout, match="is it on"):
            await link.get((A,))
        assert len(there.asked) == 2


async def test_nothing_on_the_port_is_an_error_of_ours(linked, closed_port):
    async with linked(closed_port, timeout=0.2) as link:
        with pytest.raises((DeviceTimeout, PortUnavailable)):
            await link.get((A,))


async def test_one_lost_datagram_does_no_harm(linked):
    async with device(lambda _: []) as there, linked(there.port, timeout=0.4, retries=20) as link:
        there.behaviour = lambda request: seven(request) if len(there.asked) > 1 else []
        assert await link.get((A,)) == {A: 7}


async def test_a_device_that_comes_back_is_read_again(linked):
    async with device(lambda _: []) as there, linked(there.port, timeout=0.2, retries=0) as link:
        with pytest.raises(DeviceTimeout):
            await link.get((A,))
        there.behaviour = seven
        assert await link.get((A,)) == {A: 7}


async def test_a_late_answer_is_never_taken_for_the_next_one(linked):
    def late(request: Request) -> list[tuple[float, bytes]]:
        count = len(there.asked)
        return [(1.9 if count == 1 else 0.2, request.answer({A: integer(count)}))]

    async with device(late) as there, linked(there.port, timeout=0.5, retries=0) as link:
        with pytest.raises(DeviceTimeout):
            await link.get((A,))
        for expected in range(2, 10):
            assert await link.get((A,)) == {A: expected}


async def test_a_read_that_was_cancelled_leaves_nothing_behind(linked):
    async with device(lambda _: []) as there, linked(there.port) as link:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(link.get((A,)), 0.1)
        there.behaviour = seven
        assert await link.get((A,)) == {A: 7}


async def test_an_answer_to_another_request_is_left_aside(linked):
    def foreign(request: Request) -> list[bytes]:
        return [request.answer({A: integer(1)}, request_id=request.id ^ 0x55), *seven(request)]

    async with device(foreign) as there, linked(there.port) as link:
        assert await link.get((A,)) == {A: 7}


async def test_answers_to_other_requests_do_not_stretch_the_timeout(linked):
    def stream(request: Request) -> list[tuple[float, bytes]]:
        wrong = request.answer({A: integer(1)}, request_id=request.id ^ 0x55)
        return [(0.05 * number, wrong) for number in range(1, 100)]

    async with device(stream) as there, linked(there.port, timeout=0.3, retries=0) as link:
        began = time.monotonic()
        with pytest.raises(DeviceTimeout):
            await link.get((A,))
        assert time.monotonic() - began < 2.5


@pytest.mark.parametrize(
    "noise", [b"", b"\x00", b"HTTP/1.1 400 Bad Request", b"\x30\x82\xff\xff\x02", b"\x30\x05\x02\x01\x01\x04\x7f"]
)
async def test_nonsense_is_an_error_of_ours(linked, noise):
    async with device(lambda _: [noise]) as there, linked(there.port, timeout=0.2, retries=0) as link:
        with pytest.raises((DeviceGarbled, DeviceTimeout)):
            await link.get((A,))
        there.behaviour = seven
        assert await link.get((A,)) == {A: 7}


@pytest.mark.parametrize("linked", ["gufo"], indirect=True)  # pysnmp drops such an answer unseen
async def test_one_malformed_value_does_not_take_its_neighbours_along(linked):
    def spoiled(request: Request) -> list[bytes]:
        return [request.answer({name: tlv(0x1F, b"??") if name == B else integer(7) for name in request.oids})]

    async with device(spoiled) as there, linked(there.port) as link:
        assert await link.get((A, B, C)) == {A: 7, B: None, C: 7}


@pytest.mark.parametrize("nothing", [NULL, NO_SUCH_OBJECT, NO_SUCH_INSTANCE, END_OF_VIEW])
async def test_what_the_device_has_not_is_none_beside_its_neighbours(linked, nothing):
    def hollow(request: Request) -> list[bytes]:
        return [request.answer({name: nothing if name == B else integer(7) for name in request.oids})]

    async with device(hollow) as there, linked(there.port) as link:
        assert await link.get((A, B, C)) == {A: 7, B: None, C: 7}
        assert await link.get((B,)) == {B: None}


async def test_nothing_is_kept_but_what_was_asked(linked):
    def more(request: Request) -> list[bytes]:
        return [request.answer({A: integer(1), C: integer(3)})]

    async with device(more) as there, linked(there.port, timeout=0.3) as link:
        assert await link.get((A, B)) == {A: 1, B: None}


@pytest.mark.parametrize(
    ("wire", "value"),
    [
        (integer(-1), -1),
        (integer(2**31 - 1), 2**31 - 1),
        (integer(2**32 - 1, 0x41), 2**32 - 1),
        (integer(42, 0x42), 42),
        (integer(2**32 - 1, 0x43), 2**32 - 1),
        (integer(2**64 - 1, 0x46), 2**64 - 1),
        (tlv(4, b"UPS\x00\xff"), b"UPS\x00\xff"),
        (tlv(4, b""), b""),
        (oid("1.3.6.1.4.1.318.1.3.27"), "1.3.6.1.4.1.318.1.3.27"),
        (tlv(0x40, b"\xc0\x00\x02\x01"), "192.0.2.1"),
    ],
)
async def test_every_type_of_value_arrives(linked, wire, value):
    async with device(lambda request: [request.answer({A: wire})]) as there, linked(there.port) as link:
        assert await link.get((A,)) == {A: value}


def only(*there: str, error: int, index: bool) -> Behaviour:
    """Refuse a request as a whole for one OID that is not there."""

    def answer(request: Request) -> list[bytes]:
        for at, name in enumerate(request.oids, 1):
            if name not in (*there, UPTIME):
                return [request.refusal(error, at if index else 0)]
        return seven(request)

    return answer


@pytest.mark.parametrize(("version", "error"), [("1", NO_SUCH_NAME), ("1", GENERAL), ("2c", GENERAL)])
@pytest.mark.parametrize("index", [True, False])
async def test_one_bad_oid_is_found_once_and_remembered(linked, monkeypatch, version, error, index):
    asked = [f"1.3.6.1.2.1.33.1.9.{number}.0" for number in range(20)]
    good = [name for at, name in enumerate(asked) if at not in (3, 17)]
    expected: dict[str, Raw] = {name: 7 if name in good else None for name in asked}
    async with device(only(*good, error=error, index=index)) as there, linked(there.port, version=version) as link:
        assert await link.get(asked) == expected
        there.asked.clear()
        assert await link.get(asked) == expected
        assert there.asked == [good]
        there.behaviour = seven
        monkeypatch.setattr(snmp, "FORGET_AFTER", 0.0)
        assert await link.get(asked) == dict.fromkeys(asked, 7)


async def test_what_was_absent_is_asked_for_again_after_a_minute_however_seldom_it_is_polled():
    there, now = {A: 7}, 0.0

    async def exchange(oids):
        return {oid: there[oid] for oid in oids} if set(oids) <= set(there) else None

    requests = snmp.Requests(exchange, 0, lambda: now)
    assert await requests.get((A, B)) == {A: 7, B: None}
    there[B] = 8
    now = 59.0
    assert await requests.get((A, B)) == {A: 7, B: None}
    now = 60.0
    assert await requests.get((A, B)) == {A: 7, B: 8}


async def test_closing_forgets_what_was_not_there(linked):
    async with device(only(A, error=NO_SUCH_NAME, index=True)) as there, linked(there.port, version="1") as link:
        assert await link.get((A, B)) == {A: 7, B: None}
        there.behaviour = seven
        await link.close()
        assert await link.get((A, B)) == {A: 7, B: 7}


@pytest.mark.parametrize("version", ["1", "2c"])
@pytest.mark.parametrize("quiet", [False, True], ids=["too-big", "silence"])
async def test_a_small_card_is_asked_in_smaller_parts(linked, version, quiet):
    def small(request: Request) -> list[bytes]:
        if len(request.oids) > 7:
            return [] if quiet else [request.refusal(TOO_BIG)]
        return seven(request)

    asked = [f"1.3.6.1.2.1.33.1.9.{number}.0" for number in range(20)]
    async with device(small) as there, linked(there.port, version=version, timeout=0.6, retries=0) as link:
        assert await link.get(asked[:1]) == {asked[0]: 7}
        with pytest.raises(DeviceTimeout) if quiet else nullcontext():
            await link.get(asked)
        with suppress(DeviceTimeout):
            await link.get(asked)
        assert await link.get(asked) == dict.fromkeys(asked, 7)
        there.asked.clear()
        await link.get(asked)
        assert max(map(len, there.asked)) <= 7


VALUE = st.builds(tlv, st.integers(0, 255), st.binary(max_size=12)) | st.binary(max_size=8)


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    version=st.sampled_from(["1", "2c"]),
    value=VALUE,
    cut=st.integers(0, 80),
    flips=st.dictionaries(st.integers(0, 60), st.integers(0, 255), max_size=3),
)
def test_no_answer_whatever_raises_anything_but_ours(linked, version, value, cut, flips):
    def broken(request: Request) -> list[bytes]:
        data = bytearray(request.answer({A: value, B: integer(7)}))
        for at, byte in flips.items():
            data[at % len(data)] = byte
        return [bytes(data[: max(1, len(data) - max(0, cut - 60))])]

    async def run() -> None:
        async with device(broken) as there, linked(there.port, version=version, timeout=0.05, retries=0) as link:
            try:
                said = await link.get((A, B))
            except DeviceError:
                return
            assert set(said) == {A, B}
            assert all(item is None or isinstance(item, int | float | str | bytes) for item in said.values())

    asyncio.run(run())


def test_a_target_shows_no_secret():
    target = SnmpTarget(host="ups", community="s3cret", auth_key="s3cretauth", priv_key="s3cretpriv")
    assert "s3cret" not in repr(target) + str(target)
    assert msgspec.structs.replace(target, port=1161).port == 1161


async def test_links_to_several_devices_do_not_disturb_one_another(linked):
    def other(request: Request) -> list[bytes]:
        return [request.answer(dict.fromkeys(request.oids, integer(9)))]

    async with device(seven) as here, device(other) as there, linked(here.port) as one:
        async with linked(there.port) as two:
            assert await asyncio.gather(one.get((A,)), two.get((A,))) == [{A: 7}, {A: 9}]
        assert await one.get((B,)) == {B: 7}
        async with linked(there.port) as again:
            assert await again.get((B,)) == {B: 9}
