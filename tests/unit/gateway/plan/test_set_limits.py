"""Time limits that people set: by who commands, in the words of the plan, from now on."""

import pytest
from timetable import event, told

from contract.errors import IncidentError
from gateway.incident import Purpose, deadlines


def cut(day):
    ups = day.device("ups-1", "ups")
    ups.says(ups_status="OB DISCHRG")
    day.at(1)
    day.answer("mine", "li")


def test_the_head_of_the_command_group_sets_one_for_the_whole(day):
    cut(day)
    day.at(10)
    day.answer("limit", "sun", "2h")
    day.restart()
    day.want(day.between(10, 10), event("deadline-set"))
    day.want(day.between(70, 70.1), event("warned", key=deadlines.CLAUSE, percent=50))
    day.want(day.between(106, 106.1), event("warned", key=deadlines.CLAUSE, percent=80))
    day.want(day.between(130, 130.1), event("missed", key=deadlines.CLAUSE), told("sun", Purpose.OVERDUE))


def test_one_step_alone_gets_another(day):
    cut(day)
    day.at(10)
    whole = day.newest.deadline
    day.answer("limit", "liang", "17:30", 2)
    found = deadlines.find(day.newest.deadlines, deadlines.step_key(1))
    assert found.at == day.time_of("17:30")
    assert day.newest.deadline == whole


@pytest.mark.parametrize(
    ("who", "words", "step", "why"),
    [
        ("li", "2h", 0, "not yours"),
        ("sun", "soon", 0, "is no time limit"),
        ("sun", "", 0, "is no time limit"),
        ("sun", "2h", 99, "no step 99"),
        ("sun", "2h", -1, "no step"),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence(day, who, words, step, why):
    cut(day)
    before = day.newest.deadlines
    with pytest.raises(IncidentError, match=why):
        day.answer("limit", who, words, step)
    assert day.newest.deadlines == before
