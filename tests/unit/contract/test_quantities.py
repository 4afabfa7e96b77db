"""The dictionary of quantities: one entry a name, whichever area it stands in."""

from collections import Counter

from contract import quantities
from contract.quantities import NUMBERED, QUANTITIES, Kind, find


def test_no_two_areas_say_different_things_of_one_name():
    names = Counter(entry.name for area in quantities._AREAS for entry in (*area.PLAIN, *area.NUMBERED))
    assert [name for name, times in names.items() if times > 1] == []


def test_every_entry_means_something_that_can_be():
    for entry in (*QUANTITIES.values(), *NUMBERED.values()):
        assert entry.meaning
        if entry.kind is Kind.NUMBER:
            assert entry.low < entry.high, entry.name
        if entry.kind is Kind.FLAGS:
            assert len(set(entry.flags)) == len(entry.flags) > 0


def test_a_name_with_a_number_in_it_is_found_by_its_template():
    for name in NUMBERED:
        found = find(name.replace("#", "17"))
        assert found is not None, name
        assert found.name == name
