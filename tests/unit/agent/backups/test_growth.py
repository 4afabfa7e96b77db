from agent.backups.growth import Growth
from agent.backups.verdict import Sight

NOW = 1.8e9


def sight(size, modified):
    return Sight("/b/1", size, modified)


def test_a_file_of_long_ago_is_whole_at_the_first_look():
    growth = Growth(60.0)
    old = sight(10, NOW - 61)
    growth.look([old], 1000.0, NOW)
    assert growth.settled(old)


def test_a_young_file_is_whole_after_it_was_seen_unchanged_for_long_enough():
    growth = Growth(60.0)
    young = sight(10, NOW - 5)
    for now, settled in ((1000.0, False), (1059.0, False), (1060.0, True)):
        growth.look([young], now, NOW + now - 1000)
        assert growth.settled(young) is settled


def test_a_share_whose_clock_is_fast_is_judged_by_what_was_seen_not_by_its_dates():
    growth = Growth(60.0)
    ahead = sight(10, NOW + 3600)
    growth.look([ahead], 1000.0, NOW)
    assert not growth.settled(ahead)
    growth.look([ahead], 1061.0, NOW + 61)
    assert growth.settled(ahead)


def test_a_file_that_grows_is_not_whole_and_has_a_rate():
    growth = Growth(60.0)
    for step in range(10):
        last = sight(1000 * step, NOW + 60 * step)
        growth.look([last], 1000.0 + 60 * step, NOW + 60 * step)
        assert not growth.settled(last)
        assert growth.rate(last, 1000.0 + 60 * step) == (None if step == 0 else 1000 / 60)


def test_a_whole_file_that_is_written_again_is_no_longer_whole():
    growth = Growth(60.0)
    growth.look([sight(10, NOW - 100)], 1000.0, NOW)
    again = sight(5, NOW + 10)
    growth.look([again], 1010.0, NOW + 10)
    assert not growth.settled(again)
    assert growth.rate(again, 1040.0) == 0.0


def test_what_is_gone_is_forgotten():
    growth = Growth(60.0)
    growth.look([sight(10, NOW - 100)], 1000.0, NOW)
    growth.look([], 1010.0, NOW)
    assert not growth.settled(sight(10, NOW - 100))
    assert not growth._seen
