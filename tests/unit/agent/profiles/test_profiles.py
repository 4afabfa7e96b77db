"""Profiles: tables in, OIDs out; values in, readings out."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.drivers.base import Lane
from agent.profiles import SENTINELS, Point, Profile, Status, choose, load_profiles
from contract.errors import ConfigError
from contract.quantities import Kind, find
from contract.reading import Quality
from contract.settings import load

PROFILES = load_profiles()
TABLES = pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name)


def read(profile, values, lane=Lane.ALL):
    return {reading.quantity: reading for reading in profile.readings(values, lane)}


def made(*points, status=(), bits=()):
    return Profile(name="made", title="made up", source="nobody", point=points, status=status, bits=bits)


@TABLES
def test_every_table_names_only_quantities_of_the_dictionary(profile):
    for point in profile.point:
        names = {point.quantity.replace("#", str(row)) for row in point.rows} | (
            {point.single} if point.single else set()
        )
        for name in names:
            quantity = find(name)
            assert quantity is not None, name
            assert (quantity.kind is Kind.TEXT) or not point.words, f"{name} has words and is no text"


@TABLES
def test_every_table_flags_only_what_ups_status_knows(profile):
    known = set(find("ups.status").flags)
    for entry in profile.status:
        for flags in (*entry.flags.values(), *entry.above.values()):
            assert set(flags) <= known
    for entry in profile.bits:
        for flags in entry.flags.values():
            assert set(flags) <= known


@TABLES
def test_every_oid_is_one_and_each_is_asked_once(profile):
    asked = profile.oids(Lane.ALL)
    assert len(set(asked)) == len(asked)
    assert all(re.fullmatch(r"1\.3\.6\.1(\.\d+)+", oid) for oid in asked)
    assert set(profile.oids(Lane.FAST)) <= set(asked)
    assert profile.confirm


@TABLES
def test_the_fast_lane_asks_few(profile):
    assert len(profile.oids(Lane.FAST)) <= 12


@TABLES
@given(data=st.data())
def test_no_value_of_a_device_is_a_traceback_and_no_sentinel_is_good(profile, data):
    odd = st.sampled_from([*SENTINELS, -1, 0, 3, 255, 9999, -273, b"", b"abc", b"\xff\x00\x01", "1.3.6.1", None, 1e308])
    values = {oid: data.draw(odd) for oid in data.draw(st.lists(st.sampled_from(profile.oids(Lane.ALL)), max_size=12))}
    for reading, oid in profile.trace(values):
        if reading.good and isinstance(reading.value, float):
            assert values[oid] not in SENTINELS
    profile.readings(values)
    profile.who(values)


def test_the_first_good_value_of_several_oids_counts():
    profile = made(Point(quantity="battery.charge", oid=("1.1", "1.2"), scale=(0.1, 1.0), none=(-1,)))
    assert read(profile, {"1.1": 873, "1.2": 87})["battery.charge"].value == 87.3
    assert read(profile, {"1.1": -1, "1.2": 87})["battery.charge"].value == 87
    assert read(profile, {"1.2": 87})["battery.charge"].value == 87
    assert read(profile, {"1.1": -1})["battery.charge"].quality is Quality.UNAVAILABLE
    assert read(profile, {"1.1": 5000})["battery.charge"].quality is Quality.IMPLAUSIBLE


def test_a_doubtful_scale_is_chosen_by_what_is_plausible():
    profile = made(Point(quantity="input.voltage", oid=("1.1",), guess=(1.0, 0.1), expect=(50.0, 620.0)))
    assert read(profile, {"1.1": 230})["input.voltage"].value == 230
    assert read(profile, {"1.1": 2301})["input.voltage"].value == 230.1
    assert read(profile, {"1.1": 0})["input.voltage"].value == 0


def test_one_row_is_a_phase_without_a_number():
    profile = made(Point(quantity="input.L#-N.voltage", single="input.voltage", oid=("1.#",)))
    assert set(read(profile, {"1.1": 230})) == {"input.voltage"}
    assert set(read(profile, {"1.1": 230, "1.2": 231, "1.3": 0})) == {f"input.L{row}-N.voltage" for row in (1, 2, 3)}
    assert read(profile, {}) == {}


def test_rows_are_as_many_as_the_device_says_or_else_those_that_live():
    profile = made(Point(quantity="input.L#-N.voltage", single="input.voltage", oid=("1.#",), phases="2"))
    assert set(read(profile, {"1.1": 230, "1.2": 230, "2": 1})) == {"input.voltage"}
    assert set(read(profile, {"1.1": 230, "1.2": 0})) == {"input.voltage"}
    assert len(read(profile, {"1.1": 230, "1.2": 0, "2": 2})) == 2


def test_a_row_is_found_by_what_it_says():
    profile = made(Point(quantity="ambient.temperature", oid=("1.#",), where={"2.#": "supply"}))
    values = {"1.1": 20, "2.1": b"return", "1.2": 30, "2.2": b"supply"}
    assert read(profile, values)["ambient.temperature"].value == 30
    assert "2.3" in profile.oids(Lane.ALL)
    assert read(profile, {"1.1": 20, "2.1": b"return"}) == {}


def test_a_scale_may_have_an_offset():
    profile = made(Point(quantity="ambient.temperature", oid=("1",), scale=(5 / 90,), offset=-160 / 9))
    assert read(profile, {"1": 770})["ambient.temperature"].value == pytest.approx(25)


def test_a_number_may_come_as_a_text():
    profile = made(Point(quantity="input.voltage", oid=("1",)))
    assert read(profile, {"1": b"252.0"})["input.voltage"].value == 252
    assert read(profile, {"1": b"nan"})["input.voltage"].quality is Quality.UNAVAILABLE
    assert read(profile, {"1": b""})["input.voltage"].quality is Quality.UNAVAILABLE


STATUS = (
    Status(oid="1", flags={"2": ("OL",), "3": ("OB",)}, main=True, fast=True),
    Status(oid="2", flags={"1": ("LB",)}, quiet=(2,)),
    Status(oid="3", alarms={"1": "charger fault"}, quiet=(2,)),
    Status(oid="4.#", alarms={"1.9": "fan failure"}, above={}),
    Status(oid="5", above={"0": ("ALARM",)}),
)


@pytest.mark.parametrize(
    ("values", "flags", "alarm"),
    [
        ({"1": 2, "2": 2, "3": 2}, ("OL",), "none"),
        ({"1": 3, "2": 1, "3": 2}, ("LB", "OB"), "none"),
        ({"1": 2, "3": 1, "4.2": "1.9"}, ("ALARM", "OL"), "charger fault; fan failure"),
        ({"1": 2, "5": 4}, ("ALARM", "OL"), None),
        ({"1": 2, "5": 4294967295}, ("OL",), None),
        ({"1": 7, "3": 77}, None, None),
        ({"2": 1}, None, None),
    ],
)
def test_status_and_alarms_are_what_the_objects_say_together(values, flags, alarm):
    found = read(made(status=STATUS), values)
    assert found["ups.status"].value == flags
    assert (found["ups.status"].quality is Quality.GOOD) is (flags is not None)
    assert (found["ups.alarm"].value if "ups.alarm" in found else None) == alarm


def test_on_battery_is_never_on_line_at_the_same_time():
    status = (Status(oid="1", flags={"2": ("OL",)}, main=True), Status(oid="2", above={"0": ("OB",)}))
    assert read(made(status=status), {"1": 2, "2": 9})["ups.status"].value == ("OB",)


def test_a_trace_says_which_object_said_what():
    traced = made(Point(quantity="ups.load", oid=("9",)), status=STATUS).trace({"1": 3, "3": 1, "9": 40})
    assert [(reading.quantity, reading.value, oid) for reading, oid in traced] == [
        ("ups.load", 40.0, "9"),
        ("ups.status", ("OB",), "1"),
        ("ups.status", ("ALARM",), "3"),
        ("ups.alarm", "charger fault", "3"),
    ]


@pytest.mark.parametrize(
    ("sys_object_id", "best"),
    [
        ("1.3.6.1.4.1.318.1.3.27", "apc"),
        (".1.3.6.1.4.1.534.1", "eaton-xups"),
        ("1.3.6.1.4.1.705.1", "mge"),
        ("1.3.6.1.4.1.3808.1.1.3", "cyberpower"),
        ("1.3.6.1.4.1.935.1.1.1", "megatec-xppc"),
        ("1.3.6.1.4.1.935.10.1", "eppc"),
        ("1.3.6.1.4.1.3180.1", "rfc1628"),
        ("", "rfc1628"),
        ("nonsense", "rfc1628"),
    ],
)
def test_the_device_is_known_by_its_sys_object_id(sys_object_id, best):
    chosen = choose(PROFILES, sys_object_id)
    assert chosen[0].name == best
    assert chosen[-1].name == "rfc1628"


def test_a_table_with_mistakes_names_them_all():
    with pytest.raises(ConfigError) as failure:
        load(Profile, 'name = "x"\ntitel = "x"\n[[point]]\nquantity = "ups.load"\noids = ["1"]\n', file="x.toml")
    assert {problem.key for problem in failure.value.problems} == {"source", "titel", "point[0].oids"}
