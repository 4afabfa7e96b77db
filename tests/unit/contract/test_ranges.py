"""Ranges, held against a plain set."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from contract.ranges import Ranges

numbers = st.lists(st.integers(1, 60), max_size=80)


def ranges_of(values) -> Ranges:
    ranges = Ranges()
    for value in values:
        ranges.add(value)
    return ranges


def members(ranges: Ranges) -> set[int]:
    return {number for first, last in ranges for number in range(first, last + 1)}


@given(numbers)
def test_adding_is_what_a_set_does(values):
    ranges, plain = Ranges(), set()
    for value in values:
        assert ranges.add(value) is (value not in plain)
        plain.add(value)
        assert members(ranges) == plain
    assert ranges.count() == len(plain)
    assert bool(ranges) is bool(plain)
    assert ranges.highest == max(plain, default=0)
    assert all((number in ranges) is (number in plain) for number in range(62))


@given(numbers)
def test_ranges_are_sorted_apart_and_as_few_as_can_be(values):
    pairs = list(ranges_of(values))
    assert all(first <= last for first, last in pairs)
    assert all(before[1] + 1 < after[0] for before, after in pairwise(pairs))


@given(numbers, numbers)
def test_union_and_minus_are_those_of_sets(left, right):
    assert members(ranges_of(left).union(ranges_of(right))) == set(left) | set(right)
    assert members(ranges_of(left).minus(ranges_of(right))) == set(left) - set(right)
    assert ranges_of(left).minus(ranges_of(right)) == ranges_of(set(left) - set(right))


@given(numbers, numbers)
def test_what_is_common_is_that_of_sets(left, right):
    assert ranges_of(left).common(ranges_of(right)) == ranges_of(set(left) & set(right))


@given(st.lists(st.tuples(st.integers(1, 60), st.integers(1, 60)), max_size=12))
def test_adding_ranges_is_what_a_set_does(pairs):
    ranges, plain = Ranges(), set()
    for first, last in pairs:
        ranges.add_range(first, last)
        plain |= set(range(first, last + 1))
        assert ranges == ranges_of(sorted(plain))


@given(numbers, st.integers(1, 62))
def test_the_next_number_is_that_of_a_set(values, number):
    ranges = ranges_of(values)
    assert ranges.after(number) == min((each for each in values if each >= number), default=0)
    assert ranges.lowest == min(values, default=0)


def test_taking_away_many_from_many_costs_one_walk():
    odd = Ranges([(number, number) for number in range(1, 200_001, 2)])
    even = Ranges([(number, number) for number in range(2, 200_001, 2)])
    assert odd.minus(even) == odd  # each with each would be 10,000,000,000 looks: the test would not end
    assert not odd.minus(odd)


@given(st.lists(st.tuples(st.integers(1, 60), st.integers(1, 60)), max_size=12))
def test_ranges_are_built_from_any_pairs(pairs):
    expected = {number for first, last in pairs for number in range(first, last + 1)}
    assert members(Ranges(pairs)) == expected


@given(numbers)
def test_ranges_survive_the_way_over_the_wire(values):
    ranges = ranges_of(values)
    assert Ranges([list(pair) for pair in ranges]) == ranges


def test_a_million_numbers_in_a_row_are_one_range():
    ranges = Ranges([(1, 1_000_000)])
    assert ranges.count() == 1_000_000
    assert list(ranges.union([(1_000_001, 1_000_002)])) == [(1, 1_000_002)]
    assert repr(ranges) == "Ranges([(1, 1000000)])"


def test_a_range_costs_a_range_however_many_numbers_it_has():
    ranges = Ranges([(1, 2**53 - 1)])
    assert tuple(ranges) == ((1, 2**53 - 1),)  # by a length of the numbers it would ask for 64 PiB
    assert [*ranges.union([(5, 9)])] == [(1, 2**53 - 1)]
