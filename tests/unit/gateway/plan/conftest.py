"""What the scenarios of the plan share."""

import pytest
from at_the_desk import DeskDay
from timetable import Day


@pytest.fixture
def day():
    """A Wednesday in working hours, and the shipped plan."""
    one = Day("2026-11-25 10:00")
    yield one
    one.close()


@pytest.fixture
def days():
    """Scenarios that begin when the test says."""
    made = []

    def begin(begins, **more):
        made.append(Day(begins, **more))
        return made[-1]

    yield begin
    for one in made:
        one.close()


@pytest.fixture
def desk_days():
    """Scenarios with the alarm desk in front of the incidents, which begin when the test says."""
    made = []

    def begin(rules="", **more):
        made.append(DeskDay(rules, **more))
        return made[-1]

    yield begin
    for one in made:
        one.close()
