import pytest

from agent.drivers.tables import interfaces as ifs
from agent.drivers.tables import sensors
from agent.drivers.tables.columns import LONGEST, Numbers, listed, natural, number, text, under
from agent.drivers.tables.interfaces import Port, fits


def test_rows_of_a_column_have_their_index():
    assert under({"1.2.3.10.1": 5, "1.2.3.1": 6, "1.2.3.10.1.4": 7}, "1.2.3.10") == {"1": 5, "1.4": 7}


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"Gi0/1\0\0", "Gi0/1"),
        ("办公网".encode(), "办公网"),
        ("办公网".encode("gb18030"), "办公网"),
        (b"\xff\xff", "\ufffd\ufffd"),
    ],
)
def test_texts_are_read_as_people_typed_them(raw, said):
    assert text(raw) == said


@pytest.mark.parametrize(("raw", "said"), [(5, 5.0), (b"42", 42.0), (b"", None), (b"n/a", None), (None, None)])
def test_numbers_may_come_as_texts(raw, said):
    assert number(raw) == said


def test_names_sort_as_people_count():
    assert sorted(["Gi0/10", "Gi0/9", "Gi1/1", "gi0/2"], key=natural) == ["gi0/2", "Gi0/9", "Gi0/10", "Gi1/1"]


def test_a_number_once_given_stays():
    numbers = Numbers()
    numbers.give(["a", "b"])
    numbers.give(["c", "b", "a"])
    assert [numbers[key] for key in "abcd"] == [1, 2, 3, 4]


def test_many_remarks_fit_and_say_how_many_more():
    assert listed([]) == "none"
    assert listed(["a", "b"]) == "a; b"
    said = listed(f"GigabitEthernet1/0/{row} down" for row in range(48))
    assert len(said) <= LONGEST
    assert said.endswith("more")
    assert len(listed(["x" * 1000])) == LONGEST


@pytest.mark.parametrize(
    ("pattern", "name", "right"),
    [
        ("Gi0/*", "gi0/12", True),
        ("Gi0/1", "Gi0/10", False),
        ("Gi0/?", "Gi0/1", True),
        ("eth[0]", "eth[0]", True),
        ("*uplink*", "to core, UPLINK 2", True),
    ],
)
def test_patterns(pattern, name, right):
    assert fits(pattern, name) is right


@pytest.mark.parametrize(
    ("oper", "admin", "said"),
    [
        (1, 1, "up"),
        (2, 1, "down"),
        (2, 2, "disabled"),
        (5, 1, "dormant"),
        (6, 1, "not present"),
        (4, 1, None),
        (None, 1, None),
    ],
)
def test_states_of_ports(oper, admin, said):
    assert ifs.status(oper, admin) == said


def test_speeds_beyond_four_gigabits_come_from_the_high_one():
    assert ifs.speed(10_000, 4294967295) == 10e9
    assert ifs.speed(0, 2_048_000) == 2_048_000
    assert ifs.speed(None, 4294967295) is None
    assert ifs.speed(None, 0) is None


def test_two_ports_of_one_name_are_kept_apart():
    columns = {ifs.DESCR: {"1": b"port", "2": b"port", "3": b"other"}}
    assert list(ifs.ports(columns)) == ["other", "port@1", "port@2"]


def test_a_port_is_meant_by_each_of_its_names():
    port = Port(index=7, name="Gi0/7", descr="GigabitEthernet 0/7", alias="to the carrier")
    assert all(port.named(name) for name in ("Gi0/7", "gigabitethernet 0/7", "to the*", "7"))
    assert not port.named("Gi0/70")


@pytest.mark.parametrize(
    ("raw", "scale", "precision", "said"),
    [
        (3805, 9, 2, 38.05),
        (12, 8, 0, 0.012),
        (5, 10, 0, 5000.0),
        (-5, 9, 0, -5.0),
        (1_000_000_000, 9, 0, None),
        (None, 9, 0, None),
    ],
)
def test_sensors_of_rfc_3433_are_scaled(raw, scale, precision, said):
    assert sensors.value(raw, scale, precision) == said


def test_a_sensor_of_nonsense_scale_has_no_value():
    assert sensors.value(1, 400, 0) is None
    assert sensors.value(1, 9, 99) is None
