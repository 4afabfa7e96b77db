"""Profiles: tables in, OIDs out; values in, readings out."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.drivers.base import Lane
from agent.kinds import kinds
from agent.profiles import SENTINELS, Point, Profile, Status, Table, choose, load_profiles
from agent.profiles.rows import MOST_ROWS, found, joined, wheres
from contract.errors import ConfigError
from contract.quantities import Kind, find
from contract.reading import Quality
from contract.settings import load

PROFILES = load_profiles()
TABLES = pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name)
UPSES = [profile for profile in PROFILES if profile.kind == "ups"]


def spelled(profile):
    """Return a profile as of a device that has two rows of everything."""
    rows = dict.fromkeys(profile.indexes(), ("1.1", "1.2"))
    said = {}
    for table in profile.table:
        for column, wanted in table.where.items():
            said |= {column.replace("#", row): word(wanted) for row in ("1.1", "1.2")}
    return profile.with_rows(rows, said, {})[0]


def word(wanted):
    return (wanted if isinstance(wanted, str) else wanted[0]).rstrip("*").encode()


def read(profile, values, lane=Lane.ALL):
    return {reading.quantity: reading for reading in profile.readings(values, lane)}


def made(*points, status=(), bits=()):
    return Profile(name="made", title="made up", source="nobody", point=points, status=status, bits=bits)


@TABLES
def test_every_table_names_only_quantities_of_the_dictionary(profile):
    points = [*profile.point, *(point for table in profile.table for point in table.point)]
    for point in points:
        names = {point.quantity.replace("#", str(row)) for row in point.rows} | (
            {point.single} if point.single else set()
        )
        for name in names:
            quantity = find(name)
            assert quantity is not None, name
            assert (quantity.kind is Kind.TEXT) or not point.words, f"{name} has words and is no text"


@TABLES
def test_every_table_flags_only_what_its_quantity_knows(profile):
    assert profile.kind in kinds()
    quantity = find(profile.into)
    assert quantity is not None
    assert find(profile.alarm) is not None
    known = set(quantity.flags)
    for entry in (*profile.status, *(status for table in profile.table for status in table.status)):
        for flags in (*entry.flags.values(), *entry.above.values(), entry.abnormal, entry.unknown):
            assert set(flags) <= known
    for entry in profile.bits:
        for flags in entry.flags.values():
            assert set(flags) <= known


@TABLES
def test_every_oid_is_one_and_each_is_asked_once(profile):
    whole = spelled(profile)
    asked = whole.oids(Lane.ALL)
    assert len(set(asked)) == len(asked)
    assert all(re.fullmatch(r"1\.3\.6\.1(\.\d+)+", oid) for oid in (*asked, *profile.indexes(), *profile.match))
    assert set(whole.oids(Lane.FAST)) <= set(asked)
    assert profile.confirm


@TABLES
def test_a_table_says_how_its_rows_are_called_in_a_text_of_their_alarms(profile):
    for status in (*profile.status, *(status for table in profile.table for status in table.status)):
        if profile.kind != "ups":
            assert status.label or status.name or any(status in table.status and table.name for table in profile.table)


@TABLES
def test_the_fast_lane_asks_few(profile):
    assert len(profile.oids(Lane.FAST)) <= 12


@pytest.mark.parametrize(
    "profile", [each for each in PROFILES if each.kind == "environment"], ids=lambda each: each.name
)
def test_a_contact_is_asked_at_every_poll_because_a_smoke_detector_may_hang_on_it(profile):
    for point in (*profile.point, *(point for table in profile.table for point in table.point)):
        if re.fullmatch(r"ambient\.contacts\..+\.status", point.quantity):
            assert point.fast


@TABLES
@given(data=st.data())
def test_no_value_of_a_device_is_a_traceback_and_no_sentinel_is_good(profile, data):
    odd = st.sampled_from([*SENTINELS, -1, 0, 3, 255, 9999, -273, b"", b"abc", b"\xff\x00\x01", "1.3.6.1", None, 1e308])
    profile = spelled(profile)
    asked = profile.oids(Lane.ALL)
    values = {oid: data.draw(odd) for oid in data.draw(st.lists(st.sampled_from(asked), max_size=12))}
    profile = profile.settled(set(data.draw(st.lists(st.sampled_from(asked), max_size=12))))
    for reading, oid in profile.trace(values):
        if reading.good and isinstance(reading.value, float):
            assert values[oid] not in SENTINELS
    readings = profile.readings(values)
    assert len({reading.quantity for reading in readings}) == len(readings)
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
    chosen = choose(UPSES, sys_object_id)
    assert chosen[0].name == best
    assert chosen[-1].name == "rfc1628"


def test_a_table_with_mistakes_names_them_all():
    with pytest.raises(ConfigError) as failure:
        load(Profile, 'name = "x"\ntitel = "x"\n[[point]]\nquantity = "ups.load"\noids = ["1"]\n', file="x.toml")
    assert {problem.key for problem in failure.value.problems} == {"source", "titel", "point[0].oids"}


# --- rows -------------------------------------------------------------------------------------------------------------

PROBES = Table(
    index="1.1",
    name="1.2.#",
    where={"1.5.#": ("2", "3")},
    point=(
        Point(quantity="ambient.#.name", oid=("1.2.#",)),
        Point(quantity="ambient.#.temperature", oid=("1.3.#",), live={"1.5.#": "2"}, where={"1.6.#": "C"}),
        Point(quantity="ambient.#.humidity", oid=("1.3.#",), live={"1.5.#": "2"}, where={"1.6.#": "%*"}),
    ),
    status=(
        Status(oid="1.4.#", flags={"3": ("SMOKE",), "7": ("FAULT",)}, quiet=(1,), unknown=("FAULT",), label="probe #"),
    ),
)
CARD = Profile(name="card", title="t", source="s", kind="environment", into="ambient.status", table=(PROBES,))
WALK = ("1.1.0.4", "1.1.0.7", "1.1.1.2", "2.1")
COLUMNS = {"1.5.0.4": 2, "1.5.0.7": 1, "1.5.1.2": 2, "1.6.0.4": b"C", "1.6.1.2": b"%RH"}
SAID = COLUMNS | {"1.2.0.4": b"ceiling", "1.3.0.4": 21, "1.4.0.4": 1, "1.3.1.2": 40, "1.4.1.2": 3}


def on_device(profile=CARD, before=None):
    rows = {"1.1": found("1.1", WALK)}
    assert set(wheres(profile.table, rows)) == {f"1.{column}.{row}" for column in (5, 6) for row in rows["1.1"]}
    return profile.with_rows(rows, COLUMNS, before or {})


def test_rows_are_numbered_in_the_order_of_the_device_and_only_those_that_count():
    profile, rows = on_device()
    assert list(rows.values()) == [("0.4", "1.2")]
    said = read(profile, SAID)
    assert {name: reading.value for name, reading in said.items() if reading.good} == {
        "ambient.1.name": "ceiling",
        "ambient.1.temperature": 21,
        "ambient.2.humidity": 40,
        "ambient.status": ("SMOKE",),
        "ambient.alarm": "probe 2: smoke",
    }


def test_rows_may_be_numbered_by_their_index():
    table = Table(index="1.1", number="index", plus=1, point=(Point(quantity="ambient.#.temperature", oid=("1.3.#",)),))
    profile, _ = made().with_rows({}, {}, {})
    assert profile == made()
    profile = Profile(name="x", title="t", source="s", table=(table,))
    profile, _ = profile.with_rows({"1.1": ("0", "7")}, {}, {})
    assert [point.quantity for point in profile.point] == ["ambient.1.temperature", "ambient.8.temperature"]


def test_a_row_that_was_there_once_stays_and_keeps_its_number():
    _, rows = on_device()
    profile, again = CARD.with_rows({"1.1": ("1.2",)}, COLUMNS, rows)
    assert again == rows
    assert read(profile, SAID)["ambient.2.humidity"].value == 40
    assert joined(("1.2", "1.10"), ("1.9",)) == ("1.2", "1.9", "1.10")


def test_a_table_without_end_is_cut():
    assert len(found("1", (f"1.{row}" for row in range(9999)))) == MOST_ROWS


def test_the_same_quantity_of_two_tables_is_said_once_by_the_first():
    twice = Profile(name="x", title="t", source="s", into="ambient.status", table=(PROBES, PROBES))
    profile, _ = twice.with_rows({"1.1": ("0.4",)}, COLUMNS, {})
    assert [reading.quantity for reading in profile.readings(SAID)].count("ambient.1.temperature") == 1


def test_a_probe_that_is_lost_has_no_value():
    profile, _ = on_device()
    for lost in ({"1.5.0.4": 3}, {"1.5.0.4": None}):
        assert read(profile, SAID | lost)["ambient.1.temperature"].quality is Quality.UNAVAILABLE


@pytest.mark.parametrize("raw", [None, 99, b"", 4294967295])
def test_a_state_that_is_missed_keeps_its_flags_and_says_so(raw):
    profile, _ = on_device()
    profile = profile.settled(set(SAID))
    missed = SAID | {"1.4.1.2": raw}
    after_smoke = {reading.quantity: reading for reading in profile.readings(missed, before={"1.4.1.2": 3})}
    assert after_smoke["ambient.status"].value == ("FAULT", "SMOKE")
    assert after_smoke["ambient.alarm"].value == "probe 2: no state"
    after_quiet = {reading.quantity: reading for reading in profile.readings(missed, before={"1.4.1.2": 1})}
    assert after_quiet["ambient.status"].value == ("FAULT",)


def test_a_state_that_the_device_never_had_is_not_missed():
    profile, _ = on_device()
    profile = profile.settled(set(SAID) - {"1.4.1.2"})
    assert read(profile, SAID | {"1.4.1.2": None})["ambient.status"].value == ()


# --- units, digits, bits ----------------------------------------------------------------------------------------------


def test_degrees_fahrenheit_become_celsius_only_while_the_device_says_so():
    point = Point(quantity="ambient.temperature", oid=("1",), scale=(0.1,), fahrenheit={"2": "1"})
    profile = made(point).settled({"1", "2"})
    assert read(profile, {"1": 770, "2": 1})["ambient.temperature"].value == pytest.approx(25)
    assert read(profile, {"1": 250, "2": 0})["ambient.temperature"].value == pytest.approx(25)
    assert read(profile, {"1": 770, "2": None})["ambient.temperature"].quality is Quality.UNAVAILABLE
    assert read(made(point).settled({"1"}), {"1": 250})["ambient.temperature"].value == pytest.approx(25)


def test_a_value_may_say_how_many_of_its_digits_are_behind_the_point():
    profile = made(Point(quantity="outlet.1.current", oid=("1",), digits="2"))
    assert read(profile, {"1": 680, "2": 3})["outlet.1.current"].value == 0.68
    assert read(profile, {"1": 680, "2": 0})["outlet.1.current"].value == 680
    for digits in (None, -1, 99, b"x", 1.5):
        assert read(profile, {"1": 680, "2": digits})["outlet.1.current"].quality is Quality.UNAVAILABLE


def test_a_number_may_hold_several_words_in_its_bits():
    profile = Profile(
        name="x",
        title="t",
        source="s",
        into="x.power.status",
        point=(Point(quantity="x.genset.mode", oid=("1",), words={"4": "auto"}, mask=60),),
        status=(Status(oid="1", mask=128, flags={"128": ("ALARM",)}, quiet=(0,), label="engine"),),
    )
    assert {name: reading.value for name, reading in read(profile, {"1": 6}).items()} == {
        "x.genset.mode": "auto",
        "x.power.status": (),
        "x.power.alarm": "none",
    }
    assert read(profile, {"1": b"134"})["x.power.alarm"].value == "engine: alarm"


def test_a_point_may_depend_on_what_another_object_says():
    profile = made(
        Point(quantity="ambient.1.temperature", oid=("2",), where={"1": "temp*"}),
        Point(quantity="ambient.1.humidity", oid=("2",), where={"1": "Humid*"}),
    )
    assert set(read(profile, {"1": b"Temperature", "2": b"27.5"})) == {"ambient.1.temperature"}
    assert read(profile, {"2": b"27.5"}) == {}


def test_a_contact_may_say_itself_what_is_normal():
    status = Status(oid="1", normal="2", abnormal=("ALARM",), quiet=(1, 2), unknown=("FAULT",), label="contact")
    profile = Profile(name="x", title="t", source="s", into="ambient.status", status=(status,)).settled({"1"})
    assert read(profile, {"1": 1, "2": 1})["ambient.status"].value == ()
    assert read(profile, {"1": 1, "2": 2})["ambient.status"].value == ("ALARM",)
    assert read(profile, {"1": 1})["ambient.status"].value == ()
    assert read(profile, {"2": 2})["ambient.status"].value == ("FAULT",)


def test_a_probe_that_measures_no_longer_is_missed_and_an_empty_place_is_not():
    status = Status(oid="1", numbers=True, none=(-9999,), unknown=("FAULT",), label="probe")
    profile = Profile(name="x", title="t", source="s", into="ambient.status", status=(status,)).settled({"1"})
    for nothing in (-9999, 65535, None, b"-"):
        assert read(profile, {"1": nothing}) == {}
        lost = {reading.quantity: reading.value for reading in profile.readings({"1": nothing}, before={"1": 21})}
        assert lost == {"ambient.status": ("FAULT",), "ambient.alarm": "probe: no state"}
    assert read(profile, {"1": b"21.5"})["ambient.status"].value == ()
