"""Frames: the answer, nothing yet, or a name for what is wrong."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.links.modbus_frames import ON, SWITCH, Ask, GatewaySilence, ModbusRefused, answer, crc16, diagnosis, refusal
from contract.errors import DeviceGarbled, DeviceTimeout

ASK = Ask(1, 4, 1, 2)
REPLY = bytes.fromhex("010404013102222ace")  # 30.5 degrees, 54.6 percent


def said(seen, ask=ASK, *, rtu=True):
    return diagnosis(seen, ask, "here", rtu=rtu, line="9600 8N1", seconds=0.5)


def test_the_checksum_is_that_of_the_standard():
    assert crc16(bytes.fromhex("010400010002")).hex() == "200b"


@pytest.mark.parametrize("before", [b"", b"\0", b"\xff\x00\x7f", bytes.fromhex("010400010002200b")])
@pytest.mark.parametrize("after", [b"", b"\0\0"])
def test_an_answer_is_found_behind_noise_and_behind_an_echo(before, after):
    assert answer(before + REPLY + after, ASK, rtu=True) == REPLY


@given(st.integers(0, 8))
def test_a_part_of_an_answer_is_none(length):
    assert answer(REPLY[:length], ASK, rtu=True) == b""


@given(st.integers(0, 8), st.integers(1, 255))
def test_an_answer_with_one_byte_changed_is_none(place, change):
    spoiled = bytearray(REPLY)
    spoiled[place] ^= change
    assert answer(bytes(spoiled), ASK, rtu=True) == b""


@pytest.mark.parametrize(
    ("seen", "kind", "word"),
    [
        ("", DeviceTimeout, "no answer"),
        ("010400010002200b", DeviceTimeout, "only an echo"),
        ("0104040131", DeviceGarbled, "half an answer, 5 of 9 bytes"),
        ("010404013102222acf", DeviceGarbled, "wrong checksum"),
        ("02040401310222197e", DeviceGarbled, "unit 2"),
        ("00ff13fe7f", DeviceGarbled, "nothing of what arrives is Modbus"),
        ("00", DeviceGarbled, "nothing of what arrives is Modbus"),
        ("010402ff33b8d5", DeviceGarbled, "something else, of 2 bytes where 4"),
    ],
)
def test_what_is_wrong_on_a_serial_line_has_a_name(seen, kind, word):
    data = bytes.fromhex(seen)
    if word == "unit 2":
        data = data[:-2] + crc16(data[:-2])
    error = said(data)
    assert type(error) is kind
    assert word in error.what
    assert error.hint


def test_noise_says_what_to_try():
    assert "9600 8N1" in said(b"\0\xff\0").hint
    assert "parity" in said(b"\0\xff\0").hint


TCP = bytes.fromhex("000700000007010404") + bytes.fromhex("01310222")


def test_an_answer_over_tcp_has_its_number_and_unit():
    assert answer(TCP, ASK, rtu=False, transaction=7) == TCP
    assert answer(TCP, ASK, rtu=False, transaction=8) == b""
    late = b"\0\6" + TCP[2:]
    assert answer(late + TCP, ASK, rtu=False, transaction=7) == TCP
    other = TCP[:6] + b"\2" + TCP[7:]
    assert answer(other, ASK, rtu=False, transaction=7) == b""
    assert "unit 2" in said(other, rtu=False).what


@pytest.mark.parametrize(
    ("seen", "word"),
    [
        (TCP[:7], "half an answer"),
        (TCP[:1], "half an answer"),
        (REPLY, "not Modbus TCP"),
        (TCP, "something else"),
        (b"HTTP/1.1 400 Bad", "not Modbus TCP"),
    ],
)
def test_what_is_wrong_over_tcp_has_a_name(seen, word):
    error = said(seen, rtu=False)
    assert type(error) is DeviceGarbled
    assert word in error.what
    assert error.hint


@given(st.binary(max_size=300), st.booleans())
def test_no_bytes_are_a_traceback(seen, rtu):
    answer(seen, ASK, rtu=rtu, transaction=7)
    assert said(seen, rtu=rtu).hint


@pytest.mark.parametrize("code", range(256))
def test_every_exception_has_words(code):
    error = refusal(code, ASK, "here")
    assert error.hint
    assert isinstance(error, GatewaySilence if code == 11 else ModbusRefused)


def test_a_request_says_what_it_reads():
    assert str(Ask(1, 3, 5, 1)) == "holding register 5"
    assert str(Ask(1, 2, 0, 16)) == "discrete input 0 to 15"
    assert Ask(1, 2, 0, 16).payload == 2
    assert Ask(1, 3, 0, 16).payload == 32


SWITCHING = Ask(7, SWITCH, 2, ON)


def rtu(*data):
    return bytes(data) + crc16(bytes(data))


def test_an_answer_to_a_switching_repeats_it():
    right = rtu(7, 5, 0, 2, 0xFF, 0)
    assert answer(b"\x55" + right, SWITCHING, rtu=True) == right
    for other in (rtu(7, 5, 0, 3, 0xFF, 0), rtu(7, 5, 0, 2, 0, 0), rtu(8, 5, 0, 2, 0xFF, 0), right[:-1]):
        assert answer(other, SWITCHING, rtu=True) == b""
    refused = rtu(7, 0x85, 2)
    assert answer(refused, SWITCHING, rtu=True) == refused
    framed = bytes((0, 9, 0, 0, 0, 6, 7, 5, 0, 2, 0xFF, 0))
    assert answer(framed, SWITCHING, rtu=False, transaction=9) == framed
    assert answer(framed[:10] + b"\0\0", SWITCHING, rtu=False, transaction=9) == b""


def test_what_goes_wrong_with_a_switching_is_said():
    assert str(SWITCHING) == "switch coil 2 on"
    assert "is it a module with relays" in refusal(2, SWITCHING, "here").hint
    said = diagnosis(rtu(7, 5, 0, 2, 0xFF, 0)[:5], SWITCHING, "here", rtu=True, line="9600", seconds=0.5)
    assert "half an answer, 5 of 8 bytes" in said.what
    said = diagnosis(rtu(7, 5, 0, 9, 0xFF, 0), SWITCHING, "here", rtu=True, line="9600", seconds=0.5)
    assert "an answer to something else than to switch coil 2 on" in said.what
