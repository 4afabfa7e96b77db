from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.links import ber
from agent.links.ber import Reader
from contract.errors import DeviceGarbled


@given(st.integers(-(2**63), 2**63 - 1))
def test_numbers_come_back(number):
    assert Reader(ber.integer(number)).integer() == number


@given(st.integers(0, 2**32 - 1))
def test_counters_are_never_negative(number):
    assert Reader(ber.integer(number, ber.COUNTER)).value() == number
    assert Reader(ber.tlv(ber.COUNTER, number.to_bytes(4, "big"))).value() == number, "agents forget the leading zero"


@given(st.integers(0, 2), st.integers(0, 39), st.lists(st.integers(0, 2**32 - 1), max_size=100))
def test_oids_come_back(first, second, rest):
    text = ".".join(map(str, (first, second, *rest)))
    assert Reader(ber.oid(text)).oid() == text


@given(st.binary(max_size=70_000))
def test_octets_come_back_whatever_their_length(content):
    assert Reader(ber.octets(content)).octets() == content


@given(st.binary(max_size=60))
def test_anything_is_values_or_one_sentence(content):
    reader = Reader(content)
    with suppress(DeviceGarbled):
        while reader.more:
            reader.value()


@pytest.mark.parametrize(
    "content",
    [b"\x02", b"\x02\x01", b"\x02\x00", b"\x02\x80", b"\x02\x85\1\1\1\1\1\1", b"\x02\x0a" + bytes(10), b"\x06\x01\x80"],
)
def test_what_breaks_off_or_cannot_be_is_garbled(content):
    with pytest.raises(DeviceGarbled):
        Reader(content).value()


def test_what_has_no_value_is_none():
    assert [Reader(bytes((tag, 0))).value() for tag in (ber.NULL, 0x80, 0x81, 0x82)] == [None] * 4
