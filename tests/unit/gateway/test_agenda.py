"""What is looked at, and when: news and due times at once, everything within two minutes, what rests never."""

import math

from hypothesis import given
from hypothesis import strategies as st

from gateway.agenda import SURELY, Agenda


def test_news_is_looked_at_next_and_what_is_due_in_its_time():
    agenda = Agenda()
    agenda.learn("A10", "root", rests=False)
    assert agenda.due("A10", 0.0)
    agenda.looked("A10", 100.0, 105.0)
    assert not agenda.due("A10", 104.9)
    assert agenda.due("A10", 105.0)
    agenda.looked("A10", 105.0, None)
    agenda.learn("A10", "root", rests=False)
    assert agenda.due("A10", 105.0)


def test_what_rests_is_not_looked_at_and_is_known_by_its_root():
    agenda = Agenda()
    for code in ("A10", "B10", "C10"):
        agenda.learn(code, "one" if code != "B10" else "other", rests=code == "A10")
    assert list(agenda) == ["B10", "C10"]
    assert not agenda.due("A10", 1e12)
    assert agenda.again("A10") == math.inf
    assert list(agenda.of("one")) == ["A10", "C10"]
    assert list(agenda.of("none")) == []


@given(st.text(min_size=1, max_size=8), st.floats(0, 1e9), st.one_of(st.none(), st.floats(0, 2e9)))
def test_everything_is_looked_at_within_two_minutes(code, now, again):
    agenda = Agenda()
    agenda.learn(code, "root", rests=False)
    agenda.looked(code, now, again)
    assert agenda.due(code, max(now, now + 2 * SURELY))
    if again is not None:
        assert agenda.due(code, max(now + 2 * SURELY, again))
