import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from agent.signs.bursts import Burst, Counts


@given(st.lists(st.tuples(st.floats(0, 30), st.integers(1, 5)), max_size=200))
def test_the_count_is_that_of_the_window_to_within_one_part_of_it(steps):
    counts, now, all_of_them = Counts(60.0), 1000.0, []
    for gap, count in steps:
        now += gap
        counts.add(now, count)
        all_of_them.append((now, count))
        total = counts.total(now)
        assert total >= sum(n for when, n in all_of_them if now - when < 59.0)
        assert total <= sum(n for when, n in all_of_them if now - when <= 60.0)


def test_what_is_over_is_over():
    burst = Burst(60.0)
    for second in range(10):
        burst.add("a", 1000.0 + second)
    assert (burst.total(1010.0), burst.worst(1010.0)) == (10, ("a", 10))
    assert (burst.total(1070.0), burst.worst(1070.0)) == (0, ("", 0))


def test_the_worst_source_is_named_among_others():
    burst = Burst(60.0)
    for number in range(20):
        burst.add(f"s{number % 3}", 1000.0)
    burst.add("s1", 1000.0, 50)
    assert burst.worst(1000.0) == ("s1", 57)
    assert burst.total(1000.0) == 70


def test_a_flood_of_forged_sources_takes_little_memory_and_hides_nobody():
    burst = Burst(300.0)
    for _ in range(50):
        burst.add("the real one", 1000.0)
    tracemalloc.start()
    for number in range(20_000):
        burst.add(f"forged {number}", 1000.0 + number / 1000)
        if number % 1000 == 0:
            burst.add("the real one", 1000.0 + number / 1000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 << 20
    assert burst.worst(1020.0) == ("the real one", 70)
    assert burst.total(1020.0) == 20_070


def test_a_flood_of_sources_that_each_come_often_is_bounded_too():
    burst = Burst(300.0)
    for number in range(5_000):
        burst.add(f"forged {number % 1000}", 1000.0 + number / 100)
    assert len(burst._known) <= 256
    assert len(burst._strangers) <= 513
    assert burst.total(1050.0) == 5_000
