"""Lines of the line protocol: escaped right, types for ever, nothing written that is not good."""

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.clock import Stamp
from contract.errors import MessageError
from contract.message import Readings, decode, encode
from contract.quantities import QUANTITIES, UPS_STATUS, Kind
from contract.reading import Quality, Reading
from gateway.store.lines import Series, line, poll_line, poll_of

SERIES = Series("ups", "hq", "订单部", "order-room", "ups-1")


def test_a_poll_is_one_line():
    readings = [
        Reading("battery.charge", 97),
        Reading("ups.model", 'Smart "UPS" \\ 1'),
        Reading("battery.temperature", None, Quality.UNAVAILABLE),
        Reading("input.voltage", 9999.0, Quality.IMPLAUSIBLE),
        Reading("ups.load", 12.5, Quality.STALE),
    ]
    assert line(SERIES, readings, 1700000000.1234).decode() == (
        "ups,agent=order-room,device=ups-1,room=订单部,site=hq "
        'battery_charge=97.0,ups_model="Smart \\"UPS\\" \\\\ 1",battery_temperature_quality=3i,'
        "input_voltage_quality=2i,ups_load_quality=1i 1700000000123"
    )


def test_each_flag_is_a_field_also_when_it_is_not_set():
    fields, _ = parse(line(SERIES, [Reading("ups.status", ("LB", "OB"))], 1.0).decode())[1:]
    assert fields["ups_status_OB"] == fields["ups_status_LB"] == 1.0
    assert fields["ups_status_OL"] == 0.0
    assert set(fields) == {f"ups_status_{flag}" for flag in UPS_STATUS}


@pytest.mark.parametrize(
    "reading", [Reading("battery.charge", "full"), Reading("ups.model", 5.0), Reading("ups.status", "OL")]
)
def test_a_value_of_the_wrong_type_never_changes_a_column(reading):
    fields = parse(line(SERIES, [reading], 1.0).decode())[1]
    assert list(fields.values()) == [2]
    assert next(iter(fields)).endswith("_quality")


def test_nothing_to_write_is_no_line():
    assert line(SERIES, [], 1.0) is None
    assert line(SERIES, [Reading("battery.charge", 1.0)], math.nan) is None


def test_a_store_that_keeps_no_texts_is_given_none():
    readings = [
        Reading("battery.charge", 5.0),
        Reading("ups.model", "Sim"),
        Reading("ups.serial", None, Quality.UNAVAILABLE),
    ]
    assert line(SERIES, readings, 1.0, texts=False).decode().split(" ")[1] == "battery_charge=5.0,ups_serial_quality=3i"
    assert line(SERIES, [Reading("ups.model", "Sim")], 1.0, texts=False) is None


def test_an_empty_tag_is_left_out():
    series = Series("ups", "hq", "  ", "a", "d")
    assert parse(line(series, [Reading("battery.charge", 1.0)], 1.0).decode())[0] == {
        "": "ups",
        "site": "hq",
        "agent": "a",
        "device": "d",
    }


ANY_TEXT = st.text(max_size=40)
NASTY = st.text(alphabet=',= \\"\n\r\t\x00\u2028\ud800aÄ电', max_size=12)
TEXT = st.one_of(ANY_TEXT, NASTY)


@given(TEXT, TEXT, TEXT, TEXT, st.floats(0, 4e9))
def test_whatever_is_in_a_text_one_line_says_exactly_this(kind, room, model, site, at):
    series = Series(kind, site, room, "a", "d")
    written = line(series, [Reading("ups.model", model), Reading("battery.charge", 5)], at).decode()
    assert "\n" not in written
    tags, fields, time = parse(written)
    assert tags[""] == (clean(kind) or "device")
    assert tags.get("room", "") == clean(room)
    assert tags.get("site", "") == clean(site)
    assert fields["battery_charge"] == 5.0
    assert fields["ups_model"] == re.sub("[\r\n\x00]", " ", model).encode("utf-8", "replace").decode()
    assert time == round(at * 1000)


@given(st.one_of(st.floats(), st.integers(-(10**30), 10**30)))
def test_every_number_is_a_float_or_not_written(value):
    fields = parse(line(SERIES, [Reading("battery.charge", value)], 1.0).decode())[1]
    if math.isfinite(value):
        assert fields == {"battery_charge": float(value)}
    else:
        assert fields == {"battery_charge_quality": 2}


@given(NASTY)
def test_a_name_that_no_dictionary_knows_breaks_no_line(name):
    written = line(SERIES, [Reading(name, 1.0), Reading("battery.charge", 2.0)], 1.0)
    assert parse(written.decode())[1]["battery_charge"] in (1.0, 2.0)


GOOD = st.one_of(
    st.dictionaries(
        st.sampled_from([name for name, one in QUANTITIES.items() if one.kind is Kind.NUMBER]),
        st.one_of(st.floats(-1e308, 1e308), st.integers(-(10**15), 10**15)),
        max_size=25,
    ),
    st.dictionaries(
        st.one_of(st.sampled_from(["ups.status", "ups.model", "battery.charge", "x.made%up"]), NASTY),
        st.one_of(
            st.floats(-9, 9), ANY_TEXT, st.lists(st.sampled_from(["OL", "OB", "%s", "X"]), max_size=3).map(tuple)
        ),
        max_size=6,
    ),
)


@given(GOOD, st.dictionaries(st.sampled_from(["ups.load", "input.voltage"]), st.sampled_from(Quality)), st.booleans())
def test_the_short_way_says_what_the_long_way_says(values, quality, texts):
    message = Readings("0" * 16, 1, "ups-1", Stamp(5.0), values=values, quality=quality)
    try:
        body = encode(message)
        message = decode(Readings, body)
    except (MessageError, ValueError):
        return  # no JSON has it
    expected = line(SERIES, message.readings(), 7.25, texts=texts)
    for _ in range(2):  # what is remembered of the first time says the same
        written = poll_line(SERIES, poll_of(body), body, 7.25, texts=texts)
        assert (written is None) is (expected is None)
        assert written is None or parse(written.decode()) == parse(expected.decode())


def test_what_came_late_is_marked():
    message = Readings("0" * 16, 1, "ups-1", Stamp(5.0), values={"battery.charge": 5.0})
    body = encode(message)
    assert parse(poll_line(SERIES, poll_of(body), body, 7.0, late=3600.0).decode())[1] == {
        "battery_charge": 5.0,
        "x_late": 3600.0,
    }


def test_json_knows_no_infinity():
    with pytest.raises(MessageError):
        decode(Readings, b'{"epoch":"%b","seq":1,"device":"a","values":{"ups.load":1e999}}' % (b"0" * 16))


def clean(text):
    """What may stand in a tag: one line, no backslash, no blanks around it."""
    text = re.sub("[\x00-\x1f\x7f\x85\u2028\u2029]+", " ", text).encode("utf-8", "replace").decode()
    return text.strip().rstrip("\\").strip().replace("\\", "/")


def parse(text):
    """Read one line as the protocol's reference says: an independent reader, letter by letter."""
    at = 0

    def word(ends):
        nonlocal at
        out = ""
        while at < len(text) and text[at] not in ends:
            if text[at] == "\\" and at + 1 < len(text) and text[at + 1] in ',= "\\':
                at += 1
            out += text[at]
            at += 1
        return out

    tags = {"": word(", ")}
    while text[at] == ",":
        at += 1
        key = word("=")
        at += 1
        tags[key] = word(", ")
    fields = {}
    while text[at] in " ,":
        at += 1
        if "=" not in text[at:]:
            break
        key = word("=")
        at += 1
        if text[at] == '"':
            at += 1
            fields[key] = word('"')
            at += 1
        else:
            raw = word(", ")
            fields[key] = int(raw[:-1]) if raw.endswith("i") else float(raw)
        if text[at] == " ":
            at += 1
            break
    return tags, fields, int(text[at:])
