"""Whatever a device answers, a poll is readings or a device's error, never a traceback; and nothing bad is called good."""

import asyncio

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.drivers.base import Lane
from contract.errors import DeviceError
from contract.quantities import find
from contract.reading import judged

from .conftest import OBJECT_ID, UPTIME, Bench, Device

HOST, ENTITY, DS1 = "1.3.6.1.2.1.25", "1.3.6.1.2.1.47.1.1.1.1", "1.3.6.1.2.1.10.18"
CISCO = "1.3.6.1.4.1.9"
RAW = st.one_of(
    st.none(),
    st.integers(-3, 12),
    st.integers(-(2**63), 2**64),
    st.binary(max_size=12),
    st.sampled_from([b"Gi0/1", b"up", "1.3.6.1.2.1.25.2.1.4", "0.0", "", 2147483647, 4294967295]),
)
COLUMNS = [
    *(f"1.3.6.1.2.1.2.2.1.{column}" for column in (2, 3, 5, 7, 8, 10, 14)),
    *(f"1.3.6.1.2.1.31.1.1.1.{column}" for column in (1, 6, 10, 15, 17, 18, 19)),
    *(f"{DS1}.6.1.{column}" for column in (2, 8, 10)),
    *(f"{DS1}.7.1.{column}" for column in (2, 3, 4, 5)),
    "1.3.6.1.2.1.10.20.1.2.1.1.2",
    *(f"{HOST}.2.3.1.{column}" for column in (2, 3, 4, 5, 6)),
    *(f"{HOST}.3.8.1.{column}" for column in (5, 7)),
    f"{HOST}.3.3.1.2",
    *(f"{ENTITY}.{column}" for column in (2, 5, 7, 11, 13)),
    *(f"1.3.6.1.2.1.99.1.1.1.{column}" for column in (1, 2, 3, 4, 5)),
    "1.3.6.1.2.1.131.1.1.1.3",
    *(f"{CISCO}.9.13.1.3.1.{column}" for column in (2, 3, 4, 6)),
    *(f"{CISCO}.9.13.1.4.1.{column}" for column in (2, 3)),
    *(f"{CISCO}.9.91.1.1.1.1.{column}" for column in (1, 2, 3, 4, 5)),
    *(f"{CISCO}.9.48.1.1.1.{column}" for column in (2, 5, 6)),
    "1.3.6.1.2.1.68.1.3.1.3",
    *(f"1.3.6.1.4.1.9586.100.5.2.3.1.{column}" for column in (2, 3, 4, 8)),
]
ROWS = ["1", "2", "7", "2.51"]
CELLS = st.dictionaries(
    st.builds(lambda column, row: f"{column}.{row}", st.sampled_from(COLUMNS), st.sampled_from(ROWS)), RAW, max_size=60
)
SINGLE = st.dictionaries(
    st.sampled_from([UPTIME, OBJECT_ID, f"{HOST}.1.1.0", f"{HOST}.1.2.0", f"{HOST}.1.6.0", "1.3.6.1.2.1.31.1.5.0"]), RAW
)


async def polled(kind: str, first: dict, second: dict) -> list:
    device = Device()
    device.values |= {OBJECT_ID: f"{CISCO}.1.1"} | first
    bench = Bench(device, kind, ports=("Gi0/*", "2") if kind != "host" else ())
    said = []
    for values in ({}, second, second):
        device.values |= values
        for lane in (Lane.ALL, Lane.FAST):
            try:
                said += await bench.driver.read(lane)
            except DeviceError:
                continue
        bench.now += 30
    return said


@pytest.mark.parametrize("kind", ["network", "trunk", "host"])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(first=CELLS, second=CELLS, single=SINGLE)
def test_nonsense_is_never_a_traceback_and_never_good(kind, first, second, single):
    for reading in asyncio.run(polled(kind, first, second | single)):
        assert find(reading.quantity), reading.quantity
        if reading.good:
            assert judged(reading.quantity, reading.value).good
