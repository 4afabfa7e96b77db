"""Register tables: spans out, words in, readings out."""

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.drivers.base import Lane
from agent.drivers.modbus import joined
from agent.kinds import kinds
from agent.profiles_modbus import Flags, Point, Span, Table, tables
from agent.profiles_modbus.decode import SENTINELS, decoded, masked
from contract.errors import ConfigError
from contract.quantities import Kind, find
from contract.reading import Quality
from contract.settings import load

EVERY = pytest.mark.parametrize("table", tables().values(), ids=lambda table: table.name)
FUNCTIONS = {"coil": 1, "discrete": 2, "holding": 3, "input": 4}


def made(*points, flags=(), **more):
    return Table(name="made", title="made up", source="nobody", kind="surge", point=points, flags=flags, **more)


def read(table, words, lane=Lane.ALL, held=None):
    found = table.readings(words, lane, {} if held is None else held)
    return {reading.quantity: reading for reading in found}


def holding(*words, at=0):
    return {(3, at + place): word for place, word in enumerate(words)}


@EVERY
def test_every_table_is_of_a_kind_and_names_quantities_of_the_dictionary(table):
    assert table.kind in kinds()
    for reading in table.readings({}, Lane.ALL, {}):
        assert find(reading.quantity) is not None
        assert reading.quality is Quality.UNAVAILABLE, "nothing was read, and nothing may be said"
    for point in table.point:
        quantity = find(point.quantity.replace("#", "1"))
        is_text = bool(point.words) or point.type in ("text", "time")
        assert (quantity.kind is Kind.TEXT) is is_text, point.quantity


@EVERY
def test_every_table_is_watched_for_something(table):
    said = {reading.quantity for reading in table.readings({}, Lane.ALL, {})}
    said |= {"x.ambient.temperature.maximum"} if "ambient.temperature" in said else set()
    watched = {condition.quantity for condition in kinds()[table.kind].conditions}
    contacts = any("contacts" in name or name == "ambient.1.current" for name in said)  # the site says what they mean
    assert said & watched or contacts or table.name in {"pzem-016", "eaton-spd"}


@EVERY
def test_every_table_asks_in_few_blocks_and_its_fast_lane_asks_less(table):
    fast, every = joined(table.spans(Lane.FAST), table), joined(table.spans(Lane.ALL), table)
    assert 1 <= len(fast) <= 3
    assert len(every) <= 6
    assert set(table.spans(Lane.FAST)) <= set(table.spans(Lane.ALL))


@EVERY
@given(data=st.data())
def test_no_words_are_a_traceback_and_no_sentinel_is_good(table, data):
    words = {}
    for span in table.spans(Lane.ALL):
        top = 1 if span.function < 3 else 0xFFFF
        odd = st.sampled_from([0, 1, top, min(top, 0x7FFF), min(top, 0x8000), min(top, 9999)]) | st.integers(0, top)
        for place in range(span.count):
            if data.draw(st.booleans()):
                words[span.function, span.address + place] = data.draw(odd)
    held = {}
    for lane in (Lane.ALL, Lane.FAST, Lane.ALL):
        for reading in table.readings(words, lane, held):
            if reading.good:
                assert find(reading.quantity).plausible(reading.value)
                assert not isinstance(reading.value, float) or math.isfinite(reading.value)


@pytest.mark.parametrize(
    ("kind", "words", "order", "value"),
    [
        ("u16", (0xFF33,), "big", 65331),
        ("s16", (0xFF33,), "big", -205),
        ("u32", (1, 0x86A0), "big", 100000),
        ("u32", (0x86A0, 1), "little", 100000),
        ("s32", (0xFFFF, 0xFFFE), "big", -2),
        ("f32", struct.unpack(">HH", struct.pack(">f", 0.25)), "big", 0.25),
        ("f32", struct.unpack(">HH", struct.pack(">f", 0.25))[::-1], "little", 0.25),
        ("f32", (0x7FC0, 0), "big", None),
        ("f32", (0x7F80, 0), "big", None),
        ("bcd", (0x0987,), "big", 987),
        ("bcd", (0x098A,), "big", None),
        ("bits", (0xFFFF,), "big", 65535),
    ],
)
def test_registers_become_numbers(kind, words, order, value):
    assert decoded(words, kind, order) == value


def test_a_mask_takes_a_part():
    assert masked(0x0702, 0xFF00) == 7
    assert masked(0x0702, 0x00FF) == 2


@pytest.mark.parametrize(("kind", "sentinels"), SENTINELS.items())
def test_sentinels_are_no_values(kind, sentinels):
    width = 2 if kind.endswith("32") else 1
    for sentinel in sentinels:
        raw = (sentinel & (1 << 16 * width) - 1).to_bytes(2 * width, "big")
        words = holding(*(int.from_bytes(raw[at : at + 2], "big") for at in range(0, 2 * width, 2)))
        point = Point(quantity="x.earth.resistance", read="holding", address=0, type=kind)
        assert read(made(point), words)["x.earth.resistance"].quality is Quality.UNAVAILABLE


def test_minus_one_tenth_of_a_degree_is_no_sentinel():
    point = Point(quantity="ambient.temperature", read="holding", address=0, type="s16", scale=0.1)
    assert read(made(point), holding(0xFFFF))["ambient.temperature"].value == -0.1


def test_scale_offset_own_sentinels_decimals_and_sums():
    def value(words, **more):
        point = Point(quantity="x.earth.resistance", read="holding", address=0, **more)
        return read(made(point), words)["x.earth.resistance"].value

    assert value(holding(40), scale=0.5, offset=-10.0) == 10
    assert value(holding(9999), none=(9999,)) is None
    assert value(holding(385, 2), decimals=1) == 3.85
    assert value(holding(385, 77), decimals=1) is None
    assert value(holding(385)) == 385
    assert value(holding(1, 2, 3), plus=(1, 2)) == 6
    assert value(holding(1, 2), plus=(1, 2)) is None
    assert value({}) is None


def test_rows_are_words_or_bits_of_one():
    words = {0: "open", 1: "closed"}
    words = {str(key): word for key, word in words.items()}
    rows = Point(quantity="ambient.contacts.#.status", read="discrete", address=4, rows=3, words=words)
    found = read(made(rows), {(2, 4): 1, (2, 5): 0})
    assert [found[f"ambient.contacts.{row}.status"].value for row in (1, 2, 3)] == ["closed", "open", None]
    bits = Point(
        quantity="ambient.contacts.#.status", read="holding", address=0, bit=1, rows=2, type="bits", words=words
    )
    found = read(made(bits), holding(0xFFFD))
    assert [found[f"ambient.contacts.{row}.status"].value for row in (1, 2)] == ["open", "closed"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((2026, 8, 19, 15, 22, 7), "2026-08-19T15:22:07"),
        ((26, 8, 19, 15, 22, 7), "2026-08-19T15:22:07"),
        ((0, 0, 0, 0, 0, 0), None),
        ((0xFFFF,) * 6, None),
        ((2026, 13, 19, 15, 22, 7), None),
    ],
)
def test_a_time_is_one_or_none(words, said):
    point = Point(quantity="x.surge.last", read="holding", address=0, type="time", length=6)
    assert read(made(point), holding(*words))["x.surge.last"].value == said


def flag(address, flags, **more):
    return Flags(quantity="x.surge.status", read="holding", address=address, **({"bits": {"0": flags}} | more))


def status(table, words, held, lane=Lane.ALL):
    return read(table, words, lane, held)["x.surge.status"].value


def test_flags_of_several_registers_are_one_set():
    table = made(flags=(flag(0, ("FAULT",)), flag(1, ("EARTH",)), flag(2, ("WORN",), main=False)))
    assert status(table, holding(1, 1, 0), {}) == ("EARTH", "FAULT")
    assert status(table, holding(0, 0, 0), {}) == ()


def test_a_register_that_is_not_answered_clears_nothing_and_hides_nothing():
    table = made(flags=(flag(0, ("FAULT",)), flag(1, ("EARTH",))))
    held = {}
    assert status(table, holding(0, 1), held) == ("EARTH",)
    assert status(table, holding(0), held) == ("EARTH",), "it stands until it is known to be over"
    assert status(table, holding(1), held) == ("EARTH", "FAULT"), "the neighbour is heard"
    assert status(table, holding(0, 0), held) == ()
    assert status(table, holding(0), held) is None, "not known is not well"
    assert status(made(flags=(flag(0, ("FAULT",)), flag(1, ("WORN",), main=False))), holding(0), {}) == ()


def test_the_fast_lane_keeps_the_flags_of_the_slow_one():
    table = made(flags=(flag(0, ("FAULT",), fast=True), flag(1, ("EARTH",))))
    held = {}
    status(table, holding(0, 1), held)
    assert status(table, holding(1), held, Lane.FAST) == ("EARTH", "FAULT")


def test_a_value_that_is_not_listed_is_not_known():
    table = made(flags=(flag(0, (), bits={}, values={"0": (), "1": ("FAULT",)}),))
    assert status(table, holding(1), {}) == ("FAULT",)
    assert status(table, holding(7), {}) is None
    assert status(table, holding(0xFFFF), {}) is None


def test_alarms_have_names():
    table = tables()["ups2000"]
    quiet = {(3, address): 0 for address in (11024, 11043, 12002)} | {(3, 41156 + at): 0 for at in range(60)}
    words = quiet | {(3, 11024): 3, (3, 12002): 5, (3, 41204): 0x2020}
    found = read(table, words)
    assert found["ups.status"].value == ("ALARM", "DISCHRG", "FAULT", "OB")
    assert found["ups.alarm"].value == "EEPROM fault; charger fault, no output"
    assert read(table, quiet)["ups.alarm"].value == "none"
    assert read(table, words | {(3, 11024): 0xFFFF})["ups.status"].value is not None
    assert read(table, {})["ups.alarm"].quality is Quality.UNAVAILABLE


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('[[point]]\nquantity = "nonsense"\nread = "holding"\naddress = 0', "point[0].quantity"),
        ('[[point]]\nquantity = "ups.load"\nread = "holding"\naddress = 70000', "point[0].address"),
        ('[[point]]\nquantity = "ups.load"\nread = "holding"\naddress = 0\nrows = 3', "point[0].rows"),
        ('[[point]]\nquantity = "x.surge.last"\nread = "holding"\naddress = 0\ntype = "time"', "point[0].length"),
        (
            '[[flags]]\nquantity = "x.surge.status"\nread = "holding"\naddress = 0\nbits = { 0 = ["X"] }',
            "flags[0].bits.0",
        ),
        ('[[flags]]\nquantity = "ups.load"\nread = "holding"\naddress = 0', "flags[0]"),
        ('wake = "zz"\n[[point]]\nquantity = "ups.load"\nread = "holding"\naddress = 0', "wake"),
        ("", ""),
    ],
)
def test_a_table_with_a_mistake_names_it(text, key):
    with pytest.raises(ConfigError) as failure:
        load(Table, f'name = "x"\ntitle = "x"\nsource = "x"\nkind = "ups"\n{text}\n', file="x.toml")
    assert [problem.key for problem in failure.value.problems] == [key]


def test_spans_are_joined_where_the_gap_is_small():
    spans = [Span(3, 0, 1), Span(3, 2, 2), Span(3, 20, 1), Span(4, 21, 1), Span(2, 0, 1), Span(2, 40, 1)]
    assert [(block.spans[0].function, block.address, block.count) for block in joined(spans, made())] == [
        (2, 0, 41),
        (3, 0, 4),
        (3, 20, 1),
        (4, 21, 1),
    ]


@given(st.lists(st.builds(Span, st.just(3), st.integers(0, 300), st.integers(1, 4)), min_size=1, max_size=60))
def test_no_block_is_too_long_and_every_span_is_in_one(spans):
    blocks = joined(set(spans), made(gap=20))
    assert all(block.count <= 125 for block in blocks)
    assert sorted(span for block in blocks for span in block.spans) == sorted(set(spans))
