"""The wire: what is ours comes through whole, what is not is refused with a sentence."""

import contextlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.alarm import Occurrence, Standing
from contract.clock import Stamp
from contract.condition import Condition, Test
from contract.errors import MessageError
from contract.message import (
    MAX_BYTES,
    MAX_WHOLE,
    TYPES,
    Ack,
    Address,
    Alarms,
    Device,
    Health,
    Heartbeat,
    Held,
    Hello,
    Inventory,
    Readings,
    State,
    Topic,
    Voided,
    decode,
    encode,
    is_epoch,
    is_slug,
    parse_topic,
)
from contract.reading import Quality, Reading

EPOCH = "0123456789abcdef"
AT = Stamp(wall=1_800_000_000.5, boottime=12.25, boot="b", trusted=True)
OCCURRENCE = Occurrence(id="o1", device="ups-1", condition="on-battery", since=AT, raised=AT, value=("OB",))

MESSAGES = [
    State(True, EPOCH, AT, "0.1", 3, Health(cpu=1.5, memory=2**25, disk=2**40)),
    Hello(EPOCH, AT, "0.1", (Held(EPOCH, ((1, 5), (7, 9)), 9),), (Voided(EPOCH, ((6, 6),), "disk"),), (OCCURRENCE,)),
    Inventory(AT, "0.1", "c0ffee", (Device("ups-1", conditions=(Condition(name="c", quantity="q", test=Test.HAS),)),)),
    Readings(EPOCH, 1, "ups-1", AT, 13.0, {"battery.charge": 97.0, "ups.status": ("OL",), "ups.model": "客"}),
    Alarms(EPOCH, 2, AT, 13.0, OCCURRENCE),
    Ack("j", EPOCH, ((1, 2),), {"o1": Standing.TOLD}),
    Heartbeat("gw", "j", "s", 1_800_000_000.0, True, "0.1"),
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_every_message_comes_through_whole(message):
    assert decode(type(message), encode(message)) == message


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_fields_of_a_newer_version_are_passed_over(message):
    table = {**msgspec.json.decode(encode(message)), "newer": {"than": ["we", "know"]}}
    assert decode(type(message), msgspec.json.encode(table)) == message


@pytest.mark.parametrize(
    "kind", sorted({*TYPES.values(), Heartbeat} - {Readings, Alarms}, key=lambda kind: kind.__name__)
)
def test_every_field_has_a_default(kind):
    assert decode(kind, b"{}") == kind()


def readings(**changes) -> bytes:
    table = {"epoch": EPOCH, "seq": 1, "device": "ups-1", "at": {"wall": 1.0, "boot": "b"}, "values": {"a": 1.0}}
    return msgspec.json.encode({**table, **changes})


def alarms(**changes) -> bytes:
    return msgspec.json.encode({"epoch": EPOCH, "seq": 1, "occurrence": {"id": "o", "device": "ups-1", **changes}})


FOREIGN = {
    "nothing": (Readings, b""),
    "text": (Readings, b"online"),
    "half a message": (Readings, readings()[:-5]),
    "two messages": (Readings, readings() * 2),
    "a list": (Readings, b"[1, 2]"),
    "null": (Readings, b"null"),
    "a number": (State, b"97.5"),
    "another device's JSON": (Readings, b'{"temperature": 21.5}'),
    "bytes": (Readings, b"\xff\xfe\x00"),
    "not UTF-8": (Readings, readings().replace(b"ups-1", b"ups\xff1")),
    "lone surrogate": (Readings, readings().replace(b"ups-1", b"\\ud800")),
    "NaN": (Readings, readings().replace(b"1.0}}", b"NaN}}").replace(b'"a":1.0', b'"a":NaN')),
    "infinite": (Readings, readings().replace(b'"a":1.0', b'"a":1e999')),
    "deep": (Readings, b'{"newer":' * 20_000),
    "deep list": (Readings, b"[" * 100_000),
    "null value": (Readings, readings(values={"a": None})),
    "table as value": (Readings, readings(values={"a": {}})),
    "number as flag": (Readings, readings(values={"a": [1]})),
    "unknown quality": (Readings, readings(quality={"a": "splendid"})),
    "no epoch": (Readings, readings(epoch="")),
    "short epoch": (Readings, readings(epoch="abc")),
    "epoch in capitals": (Readings, readings(epoch=EPOCH.upper())),
    "epoch and a line end": (Readings, readings(epoch=EPOCH + "\n")),
    "seq 0": (Readings, readings(seq=0)),
    "negative seq": (Readings, readings(seq=-1)),
    "seq of 20 digits": (Readings, readings(seq=10**20)),
    "seq as text": (Readings, readings(seq="1")),
    "fractional seq": (Readings, readings(seq=1.5)),
    "no device": (Readings, readings(device="")),
    "device with a slash": (Readings, readings(device="a/b")),
    "device as number": (Readings, readings(device=3)),
    "a date beyond the calendar": (Readings, readings(at={"wall": 1e300})),
    "a boot id of a page": (Readings, readings(at={"boot": "x" * 65})),
    "a date before 1970": (Readings, readings(at={"wall": -1.0})),
    "sent before the boot": (Readings, readings(sent=-1.0)),
    "alarm without id": (Alarms, alarms(id="")),
    "alarm without device": (Alarms, alarms(device="")),
    "alarm without occurrence": (Alarms, b'{"epoch":"0123456789abcdef","seq":1}'),
    "unknown severity": (Alarms, alarms(severity="awful")),
    "half a span": (Ack, b'{"have":[[1]]}'),
    "span of three": (Ack, b'{"have":[[1,2,3]]}'),
    "span beyond any database": (Ack, b'{"have":[[1,99999999999999999999]]}'),
    "unknown standing": (Ack, b'{"alarms":{"o1":"ignored"}}'),
    "held by nobody": (Hello, b'{"held":[3]}'),
    "oversized": (Readings, readings(values={"a": "x" * MAX_BYTES})),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_what_is_not_ours_is_refused_with_its_place(name):
    kind, payload = FOREIGN[name]
    with pytest.raises(MessageError) as caught:
        decode(kind, payload, where="wolfsmoke/1/hq/a/readings")
    assert caught.value.where == "wolfsmoke/1/hq/a/readings"
    assert len(str(caught.value)) < 500


def test_the_limit_of_size_is_exact():
    padding = MAX_BYTES - len(readings(epoch=EPOCH, newer=""))
    assert decode(Readings, readings(newer="x" * padding)).seq == 1
    with pytest.raises(MessageError, match=f"{MAX_BYTES + 1} bytes"):
        decode(Readings, readings(newer="x" * (padding + 1)))


def test_an_inventory_of_hundreds_of_devices_and_a_hello_of_a_thousand_alarms_are_taken():
    stamp = Stamp(1.8e9, 1e6, "0123456789abcdef", trusted=True)
    condition = Condition(name="on-battery", quantity="ups.status", test=Test.HAS, flag="OB", unless=("CAL",))
    device = Device(
        id="ups-100",
        kind="ups",
        room="数据机房",
        title="机房 UPS 100",
        manufacturer="Schneider",
        model="Smart-UPS",
        quantities=tuple(f"quantity.number.{number}" for number in range(50)),
        conditions=(condition,) * 12,
    )
    inventory = Inventory(at=stamp, devices=(device,) * 500)
    occurrence = Occurrence(id="0123456789abcdef", device="ups-100", condition="on-battery", since=stamp, raised=stamp)
    hello = Hello(epoch=EPOCH, at=stamp, standing=(occurrence,) * 1500)
    for message in (inventory, hello):
        assert len(encode(message)) > MAX_BYTES
        assert decode(type(message), encode(message)) == message
        with pytest.raises(MessageError, match="are allowed"):
            decode(type(message), b" " * (MAX_WHOLE + 1))


@given(st.binary(max_size=200), st.sampled_from([*TYPES.values(), Heartbeat]))
def test_no_bytes_whatever_bring_another_error(payload, kind):
    with contextlib.suppress(MessageError):
        decode(kind, payload)


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(st.sampled_from(MESSAGES), st.data())
def test_one_field_of_another_shape_is_refused_or_read_never_worse(message, data):
    table = msgspec.json.decode(encode(message))
    table[data.draw(st.sampled_from(sorted(table)))] = data.draw(json)
    with contextlib.suppress(MessageError):
        decode(type(message), msgspec.json.encode(table))


def test_only_good_values_travel_as_values():
    message = Readings.of(
        "ups-1",
        AT,
        [
            Reading("battery.charge", 97.0),
            Reading("battery.runtime", None, Quality.UNAVAILABLE),
            Reading("ups.load", 900.0, Quality.IMPLAUSIBLE),
        ],
    )
    assert message.values == {"battery.charge": 97.0}
    assert message.quality == {"battery.runtime": Quality.UNAVAILABLE, "ups.load": Quality.IMPLAUSIBLE}
    assert message.doubtful == {"ups.load": 900.0}


values = (
    st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5) | st.lists(st.text(max_size=3)).map(tuple)
)


@given(st.dictionaries(st.text(min_size=1, max_size=5), st.tuples(values | st.none(), st.sampled_from(Quality))))
def test_readings_come_back_as_they_were(table):
    polled = [
        Reading(name, value, quality if value is not None else Quality.UNAVAILABLE)
        for name, (value, quality) in table.items()
    ]
    message = msgspec.structs.replace(Readings.of("ups-1", AT, polled), epoch=EPOCH, seq=1)
    back = list(decode(Readings, encode(message)).readings())
    assert sorted(back, key=lambda reading: reading.quantity) == sorted(polled, key=lambda reading: reading.quantity)


@pytest.mark.parametrize("topic", Topic)
def test_a_topic_is_read_as_it_is_written(topic):
    address = Address("hq", "order-room", topic)
    assert str(address) == f"wolfsmoke/1/hq/order-room/{topic.value}"
    assert parse_topic(str(address)) == address


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "wolfsmoke/1/gateway",
        "wolfsmoke/2/hq/a/state",
        "wolfsmoke/1/hq/a/unheard-of",
        "wolfsmoke/1/hq/a/state/more",
        "wolfsmoke/1//a/state",
        "wolfsmoke/1/HQ/a/state",
        "wolfsmoke/1/hq/+/state",
        "wolfsmoke/1/hq/a\n/state",
        "zigbee2mqtt/bridge/a/b/state",
        "$SYS/broker/a/b/state",
        "/" * 60_000,
    ],
)
def test_a_foreign_topic_is_refused(topic):
    with pytest.raises(MessageError) as caught:
        parse_topic(topic)
    assert len(str(caught.value)) < 300


def test_names_and_epochs():
    assert is_slug("ups-1")
    assert is_slug("1" * 63)
    assert not any(is_slug(name) for name in ("", "-a", "A", "a_b", "a b", "a\n", "1" * 64, "订单部"))
    assert is_epoch(EPOCH)
    assert not any(is_epoch(text) for text in ("", EPOCH[1:], EPOCH.upper(), EPOCH + "0", EPOCH + "\n"))
