"""Clause 3.1.1 by timetable: how long the battery lasts, and who hears of what has to go."""

import pytest
from timetable import event, told, trigger

from gateway.countdowns import Countdowns
from gateway.incident import Purpose

HOUR = 3600.0


@pytest.fixture
def outage(day):
    """Mains are lost at minute 1; ``read`` is a poll, and a look at the battery."""

    def read(ups, minute, hours, watts=1000.0):
        day.at(minute)
        ups.says(
            ups_status="OB DISCHRG",
            battery_runtime=hours * HOUR,
            ups_realpower=watts,
            **{"x.battery.elapsed": (minute - 1) * 60.0, "x.battery.promised": 5 * HOUR},
        )
        day.run(Countdowns(day.incidents, day, day.clock).look())

    ups = day.device("ups-1", "ups")
    return lambda *poll: read(ups, *poll), ups


def test_the_owner_is_told_when_the_load_grows_and_not_while_all_goes_as_foreseen(day, outage):
    read, _ = outage
    read(1, 6.0)
    day.want(day.between(1, 1), trigger("3.1.1"), event("countdown"))
    day.want(day.between(1.5, 1.6), told("li"))
    day.at(3)
    day.answer("mine", "li")
    for minute in range(4, 60):
        read(minute, 6.0 - (minute - 1) / 60.0)
    day.never(day.between(3, 60), event("countdown"), told("li", Purpose.ADVICE))
    read(60, 3.3, 1500.0)
    day.want(day.between(60, 60.1), event("countdown"), told("li", Purpose.ADVICE))
    assert [one.en for one in day.newest.countdowns[0].off] == ["printers and displays"]
    day.never(day.between(60.2, 90), told("li", Purpose.ADVICE))


def test_nobody_is_told_of_it_before_the_paging_delay_and_a_flicker_leaves_nothing(day, outage):
    read, ups = outage
    read(1, 1.0)
    day.never(day.between(1, 1.4), told())
    ups.says(ups_status="OL")
    day.at(1.6)
    assert day.newest.countdowns == ()


def test_what_is_off_stays_off_through_a_restart_and_a_clock_that_is_put_right(day, outage):
    read, _ = outage
    read(1, 4.0)
    first = day.newest.countdowns[0]
    assert [one.index for one in first.off] == [0]
    day.answer("shed", "li", 0)
    day.restart()
    assert day.newest.countdowns[0].done == (0,)
    ends = day.newest.countdowns[0].ends
    day.clock_is_put(5000.0)
    assert day.newest.countdowns[0].ends == ends + 5000.0
    read(5, 5.5, 700.0)
    assert 0 not in {one.index for one in day.newest.countdowns[0].off}
