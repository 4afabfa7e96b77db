import pytest
from trap_senders import v1, v2c

from agent.links import ber
from agent.traps.message import decode, version_of
from agent.traps.names import told
from contract.errors import DeviceGarbled


def opened(datagram):
    return decode(*version_of(datagram))[0]


@pytest.mark.parametrize("oid", ["1.3.6.1.2.1.33.2.1", "1.3.6.1.2.1.33.2.0.1"], ids=["as the RFC has it", "with a 0"])
def test_a_ups_on_battery_is_the_same_however_it_is_written(oid):
    assert told(opened(v2c(oid))).name == "on-battery"
    assert told(opened(v1("1.3.6.1.2.1.33.2", 1))).name == "on-battery"


@pytest.mark.parametrize(
    ("enterprise", "number", "name"),
    [
        ("1.3.6.1.4.1.318", 5, "on-battery"),
        ("1.3.6.1.4.1.318", 9, "mains-restored"),
        ("1.3.6.1.4.1.3808", 7, "low-battery"),
        ("1.3.6.1.4.1.935", 9, "mains-restored"),
        ("1.3.6.1.4.1.705.1.11", 11, "on-battery"),
        ("1.3.6.1.4.1.534.1.11.4.1", 3, "on-battery"),
        ("1.3.6.1.4.1.534.1.11.4.1", 5, "mains-restored"),
        ("1.3.6.1.2.1.10.18.15", 1, "line-status-change"),
    ],
)
def test_traps_have_one_name_in_v1_and_v2(enterprise, number, name):
    assert told(opened(v1(enterprise, number))).name == name
    assert told(opened(v2c(f"{enterprise}.0.{number}"))).name == name


def test_the_generic_traps_of_v1_are_those_of_v2():
    names = [told(opened(v1("1.3.6.1.4.1.9", 0, generic=generic))).name for generic in range(6)]
    assert names[:4] == ["cold-start", "warm-start", "link-down", "link-up"]
    assert told(opened(v2c("1.3.6.1.6.3.1.1.5.4"))).name == "link-up"


def test_an_unknown_trap_is_called_by_its_oid():
    words = told(opened(v2c("1.3.6.1.4.1.99999.0.5", values=[("1.3.6.1.4.1.99999.1.0", ber.integer(-3))])))
    assert (words.name, words.family, words.said) == ("1.3.6.1.4.1.99999.0.5", "", (("1.3.6.1.4.1.99999.1.0", "-3"),))


def test_what_a_stranger_writes_cannot_break_a_line_of_the_log():
    evil = [("1.3.6.1.4.1.318.2.3.3.0", ber.octets(b"x\r\nfake line \x1b[2J\xff" + b"y" * 500))]
    text = str(told(opened(v2c("1.3.6.1.4.1.318.0.5", values=evil))))
    assert text.isprintable()
    assert len(text) < 200


def test_a_proxy_names_the_sender():
    behind = [("1.3.6.1.6.3.18.1.3.0", ber.tlv(ber.ADDRESS, bytes((192, 0, 2, 9))))]
    assert opened(v2c(values=behind)).agent == "192.0.2.9"
    assert opened(v1("1.3.6.1.4.1.318", 5, agent=bytes((192, 0, 2, 9)))).agent == "192.0.2.9"
    assert opened(v1("1.3.6.1.4.1.318", 5)).agent == ""


def test_no_trap_is_a_sentence():
    good = v2c()
    nameless = ber.tlv(0x30, ber.integer(1), ber.octets(b"public"), ber.tlv(0xA7, *[ber.integer(0)] * 3, ber.tlv(0x30)))
    question = ber.tlv(0x30, ber.integer(1), ber.octets(b"public"), ber.tlv(0xA0, *[ber.integer(0)] * 3, ber.tlv(0x30)))
    broken = [b"", b"hello", good[:-1], b"\x30\x80" + good[2:], b"\x30\x84\xff\xff\xff\xff", nameless, question]
    for datagram in [*broken, v1("1.3.6.1.4.1.318", 5, generic=7)]:
        with pytest.raises(DeviceGarbled):
            opened(datagram)
