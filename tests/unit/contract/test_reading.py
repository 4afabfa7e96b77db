"""The dictionary of quantities, and the quality that it gives to values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.quantities import NUMBERED, QUANTITIES, Kind, find
from contract.reading import Quality, Reading, judged, unavailable


@pytest.mark.parametrize("name", QUANTITIES)
def test_every_quantity_is_whole(name):
    entry = QUANTITIES[name]
    assert entry.name == name == name.strip()
    assert entry.meaning
    assert find(name) is entry
    if entry.kind is Kind.NUMBER:
        assert entry.low < entry.high
    else:
        assert (entry.low, entry.high, entry.unit) == (0, 0, "")
    assert bool(entry.flags) is (entry.kind is Kind.FLAGS)


def test_no_quantity_becomes_another_column_of_the_store():
    fields = {name.replace(".", "_") for name in QUANTITIES}
    assert len(fields) == len(QUANTITIES)


def test_numbered_names_are_found():
    assert find("ambient.2.temperature") is NUMBERED["ambient.#.temperature"]
    assert find("ambient.2.contacts.1.status") is NUMBERED["ambient.#.contacts.#.status"]
    assert find("ambient.two.temperature") is None
    assert find("battery.charg") is None
    assert find("") is None


@pytest.mark.parametrize(
    ("quantity", "value"),
    [
        ("battery.charge", 97.0),
        ("battery.charge", 0),
        ("battery.charge", 100.0),
        ("battery.temperature", -12.5),
        ("ups.model", "Smart-UPS"),
        ("ups.status", ("OL",)),
        ("ups.status", ()),
        ("ambient.3.temperature", 21.0),
    ],
)
def test_plausible_values_are_good(quantity, value):
    assert judged(quantity, value) == Reading(quantity, value)


@pytest.mark.parametrize(
    ("quantity", "value"),
    [
        ("battery.charge", 65535.0),
        ("battery.charge", -1.0),
        ("battery.charge", 100.5),
        ("battery.charge", float("nan")),
        ("battery.charge", float("inf")),
        ("battery.charge", True),
        ("battery.charge", "97"),
        ("battery.charge", ("OL",)),
        ("battery.temperature", -273.0),
        ("battery.runtime", 4294967295.0),
        ("ups.model", ""),
        ("ups.model", "x" * 257),
        ("ups.model", 5.0),
        ("ups.status", "OL"),
        ("ups.status", ("OL", "ODD")),
        ("no.such.quantity", 1.0),
    ],
)
def test_implausible_values_are_kept_as_evidence_and_not_believed(quantity, value):
    reading = judged(quantity, value)
    assert reading.quality is Quality.IMPLAUSIBLE
    assert reading.value is value
    assert not reading.good


def test_no_value_is_unavailable():
    assert judged("battery.charge", None) == unavailable("battery.charge")
    assert not unavailable("battery.charge").good


def test_flags_are_sorted_without_repeats():
    assert judged("ups.status", ("OL", "CHRG", "OL")).value == ("CHRG", "OL")


@given(st.sampled_from([entry for entry in QUANTITIES.values() if entry.kind is Kind.NUMBER]), st.floats())
def test_a_number_is_good_exactly_within_its_range(entry, value):
    assert judged(entry.name, value).good is (entry.low <= value <= entry.high)
