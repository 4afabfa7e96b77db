"""What every SNMP engine must do when it walks, against a device that misbehaves as it is told, and against snmpd."""

import asyncio
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from snmp_device import (
    END_OF_VIEW,
    GENERAL,
    GET_BULK,
    NO_SUCH_INSTANCE,
    NO_SUCH_NAME,
    NULL,
    TOO_BIG,
    A,
    Request,
    device,
    integer,
    seven,
    tlv,
)

from agent.links import snmp
from agent.links.snmp import WALK_ROWS
from contract.errors import DeviceError, DeviceGarbled, DeviceTimeout

ROOT = "1.3.6.1.4.1.99999.1"
BEFORE, BEHIND = "1.3.6.1.4.1.99998.1", "1.3.6.1.4.1.99999.2.1"
MANY = {f"{ROOT}.{row}": row for row in range(1, 2 * WALK_ROWS + 8)}
VERSIONS = pytest.mark.parametrize("version", ["1", "2c"])


def numbers(oid):
    return tuple(map(int, oid.split(".")))


class Tree:
    """Answers as an agent with these objects does: in order, and with an end."""

    def __init__(self, objects, *, most=1000):
        self.objects = {name: integer(value) if isinstance(value, int) else value for name, value in objects.items()}
        self.order = sorted(self.objects, key=numbers)
        self.most = most
        """Rows in one answer, however many are asked for: what fits into its datagrams."""

    def __call__(self, request: Request):
        rows, here = [], request.oids[0]
        for _ in range(min(request.repeat, self.most)):
            following = next((name for name in self.order if numbers(name) > numbers(here)), None)
            if following is None:
                if request.version == 0:
                    return [request.refusal(NO_SUCH_NAME, 1)]
                rows.append((here, END_OF_VIEW))
                break
            rows.append((following, self.objects[following]))
            here = following
        return [request.answer(rows)]


@VERSIONS
async def test_all_that_is_below_and_nothing_else_comes_in_order(linked, version):
    tree = Tree({BEFORE: 1, BEHIND: 2} | MANY)
    async with device(tree) as there, linked(there.port, version=version) as link:
        said = await link.walk(ROOT)
        assert list(said.items()) == list(MANY.items())
        assert (len(there.asked) < len(MANY)) is (version != "1"), "a bulk brings many rows at once"
        assert await link.walk(ROOT) == said
        there.behaviour = seven
        assert await link.get((A,)) == {A: 7}


@VERSIONS
@pytest.mark.parametrize("objects", [{}, {BEFORE: 1}, {BEHIND: 1}, {BEFORE: 1, BEHIND: 2}, {ROOT: 5}])
async def test_where_there_is_nothing_below_it_is_empty(linked, version, objects):
    async with device(Tree(objects)) as there, linked(there.port, version=version) as link:
        assert await link.walk(ROOT) == {}


@VERSIONS
async def test_the_last_rows_of_a_device_are_no_error(linked, version):
    async with device(Tree(MANY)) as there, linked(there.port, version=version) as link:
        assert await link.walk(ROOT) == MANY


@pytest.mark.parametrize("most", [1, 3])
async def test_a_device_may_send_fewer_rows_than_it_is_asked_for(linked, most):
    async with device(Tree(MANY | {BEHIND: 1}, most=most)) as there, linked(there.port) as link:
        assert await link.walk(ROOT) == MANY


@pytest.mark.parametrize("nothing", [NULL, NO_SUCH_INSTANCE])
async def test_a_row_without_a_value_is_none_and_does_not_end_the_walk(linked, nothing):
    tree = Tree({f"{ROOT}.1": 1, f"{ROOT}.2": nothing, f"{ROOT}.3": 3, BEHIND: 4})
    async with device(tree) as there, linked(there.port) as link:
        said = await link.walk(ROOT)
        assert (said[f"{ROOT}.1"], said.get(f"{ROOT}.2"), said[f"{ROOT}.3"]) == (1, None, 3)


@VERSIONS
@pytest.mark.parametrize("back", [1, 3])
async def test_a_device_that_goes_in_circles_is_an_error(linked, version, back):
    def circle(request: Request):
        here = numbers(request.oids[0])[len(numbers(ROOT)) :]
        following = here[0] + 1 if here and here[0] < 3 else 4 - back if here else 1
        return [request.answer({f"{ROOT}.{following}": integer(following)})]

    async with device(circle) as there, linked(there.port, version=version) as link:
        with pytest.raises(DeviceGarbled):
            await link.walk(ROOT)
        assert len(there.asked) < 50
        there.behaviour = Tree(MANY)
        assert await link.walk(ROOT) == MANY


@VERSIONS
async def test_a_device_without_end_is_an_error(linked, version, monkeypatch):
    monkeypatch.setattr(snmp, "MAX_ROWS", 50)

    def endless(request: Request):
        here = numbers(request.oids[0])[len(numbers(ROOT)) :]
        first = here[0] + 1 if here else 1
        return [request.answer({f"{ROOT}.{row}": integer(1) for row in range(first, first + request.repeat)})]

    async with device(endless) as there, linked(there.port, version=version) as link:
        with pytest.raises(DeviceGarbled, match="more than 50 rows"):
            await link.walk(ROOT)
        assert len(there.asked) <= 2 * 51


@VERSIONS
async def test_a_device_that_stops_in_the_middle_is_a_timeout_and_not_half_a_table(linked, version):
    async with device(Tree(MANY)) as there, linked(there.port, version=version, timeout=0.2) as link:
        tree = there.behaviour
        there.behaviour = lambda request: tree(request) if request.oids == [ROOT] else []
        began = time.monotonic()
        with pytest.raises(DeviceTimeout, match="is it on"):
            await link.walk(ROOT)
        assert time.monotonic() - began < 4.0
        there.behaviour = tree
        assert await link.walk(ROOT) == MANY


@VERSIONS
async def test_one_lost_datagram_of_a_walk_does_no_harm(linked, version):
    # One repeat is enough; the others are for a machine that is busy, on which an answer may take longer than the timeout.
    async with device(Tree(MANY)) as there, linked(there.port, version=version, timeout=0.4, retries=20) as link:
        tree = there.behaviour
        there.behaviour = lambda request: [] if len(there.asked) == 2 else tree(request)
        assert await link.walk(ROOT) == MANY


@VERSIONS
async def test_an_answer_to_another_request_is_left_aside(linked, version):
    tree = Tree(MANY)

    def foreign(request: Request):
        return [request.answer({f"{ROOT}.1": integer(99)}, request_id=request.id ^ 0x55), *tree(request)]

    async with device(foreign) as there, linked(there.port, version=version) as link:
        assert await link.walk(ROOT) == MANY


@VERSIONS
@pytest.mark.parametrize("noise", [b"\x00", b"HTTP/1.1 400 Bad Request", b"\x30\x82\xff\xff\x02"])
@pytest.mark.parametrize("from_the", ["beginning", "middle"])
async def test_nonsense_is_an_error_of_ours(linked, version, noise, from_the):
    tree = Tree(MANY)

    def broken(request: Request):
        return tree(request) if from_the == "middle" and request.oids == [ROOT] else [noise]

    async with device(broken) as there, linked(there.port, version=version, timeout=0.2, retries=0) as link:
        with pytest.raises((DeviceGarbled, DeviceTimeout)):
            await link.walk(ROOT)
        there.behaviour = tree
        assert await link.walk(ROOT) == MANY


@pytest.mark.parametrize("error", [TOO_BIG, GENERAL])
async def test_a_card_that_cannot_send_many_rows_is_asked_row_by_row(linked, error):
    tree = Tree(MANY | {BEHIND: 1})

    def small(request: Request):
        many = request.kind == GET_BULK and request.repeat > 1
        return [request.refusal(error)] if many else tree(request)

    async with device(small) as there, linked(there.port) as link:
        assert await link.walk(ROOT) == MANY


@pytest.mark.parametrize("linked", ["pysnmp"], indirect=True)  # gufo-snmp does not say that it was refused
@VERSIONS
async def test_a_card_that_refuses_in_the_middle_is_an_error_and_not_half_a_table(linked, version):
    tree = Tree(MANY)

    def refusing(request: Request):
        return tree(request) if request.oids == [ROOT] else [request.refusal(GENERAL, 1)]

    async with device(refusing) as there, linked(there.port, version=version, timeout=0.5) as link:
        with pytest.raises(DeviceError):
            await link.walk(ROOT)


@VERSIONS
async def test_a_walk_that_was_cancelled_leaves_nothing_behind(linked, version):
    async with device(lambda _: []) as there, linked(there.port, version=version) as link:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(link.walk(ROOT), 0.1)
        there.behaviour = Tree(MANY)
        assert await link.walk(ROOT) == MANY


VALUE = st.builds(tlv, st.integers(0, 255), st.binary(max_size=12)) | st.binary(max_size=8)


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    version=st.sampled_from(["1", "2c"]),
    value=VALUE,
    cut=st.integers(0, 80),
    flips=st.dictionaries(st.integers(0, 70), st.integers(0, 255), max_size=3),
)
def test_no_answer_whatever_raises_anything_but_ours(linked, version, value, cut, flips):
    tree = Tree({f"{ROOT}.1": 1, f"{ROOT}.2": value, f"{ROOT}.3": 3, BEHIND: 4})

    def broken(request: Request):
        data = bytearray(tree(request)[0])
        for at, byte in flips.items():
            data[at % len(data)] = byte
        return [bytes(data[: max(1, len(data) - max(0, cut - 60))])]

    async def run() -> None:
        async with device(broken) as there, linked(there.port, version=version, timeout=0.05, retries=0) as link:
            try:
                async with asyncio.timeout(10):
                    said = await link.walk(ROOT)
            except DeviceError:
                return
            assert all(name.startswith(ROOT + ".") for name in said)
            assert all(item is None or isinstance(item, int | float | str | bytes) for item in said.values())

    asyncio.run(run())


SEALED = {"version": "3", "user": "sealed", "auth": "sha", "auth_key": "authpass12"} | {
    "priv": "aes",
    "priv_key": "privpass12",
}


@pytest.mark.parametrize("how", [{"version": "1"}, {"version": "2c"}, SEALED], ids=["v1", "v2c", "v3"])
async def test_walks_a_real_agent_in_every_version(snmpd, linked, how):
    async with linked(snmpd, **how) as link:
        said = await link.walk("1.3.6.1.2.1.1")
        assert said["1.3.6.1.2.1.1.4.0"] == b"watch"
        assert said["1.3.6.1.2.1.1.2.0"] == "1.3.6.1.4.1.8072.3.2.10"
        assert list(said) == sorted(said, key=numbers)
        assert len(said) > WALK_ROWS
        assert await link.walk("1.3.6.1.4.1.99999") == {}
        assert await link.walk("1.3.6.1.2.1.1.4") == {"1.3.6.1.2.1.1.4.0": b"watch"}
