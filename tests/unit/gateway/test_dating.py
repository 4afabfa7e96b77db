"""Dates: one time for each reading, whatever the agent's wall clock does; boottime is the truth."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.clock import Stamp
from gateway.dating import FAR, NEAR, SETTLING, Dating

NOW = 1_700_000_000.0
HOUR = 3600.0


class Agent:
    """An agent that booted at NOW, and whose wall clock may be set."""

    def __init__(self, *, trusted=True, sure=True):
        self.boottime, self.off, self.trusted = 0.0, 0.0, trusted
        self.dating = Dating(lambda: sure)

    def stamp(self, ago=0.0):
        there = self.boottime - ago
        return Stamp(max(0.0, NOW + there + self.off), there, "boot", self.trusted)

    def say(self, *, on_the_way=0.01, ago=0.0):
        """Send a message; return what it learns, and its date minus the truth (None: no date)."""
        at = self.stamp(ago)
        new = self.dating.learn("hq", "a", at, self.boottime, NOW + self.boottime + on_the_way)
        date = self.dating.date("hq", "a", at)
        return new, None if date is None else round(date - (NOW + at.boottime), 3)


def test_a_trusted_clock_is_believed():
    agent = Agent()
    agent.boottime = 50.0
    assert agent.say() == (True, 0.0)
    agent.boottime = 60.0
    assert agent.say() == (False, 0.0)


@pytest.mark.parametrize("step", [HOUR, -HOUR, 5.0, -5.0])
def test_a_clock_that_is_stepped_and_still_calls_itself_trusted_is_dated_by_its_boottime(step):
    agent = Agent()
    agent.boottime = 50.0
    agent.say()
    agent.off = step
    for _ in range(5):
        agent.boottime += 1
        assert agent.say() == (False, 0.0)
    agent.off = 0.0
    assert agent.say() == (False, 0.0)


def test_a_clock_that_is_wrong_from_the_beginning_is_seen_through():
    agent = Agent()
    agent.off = -HOUR
    agent.boottime = 50.0
    assert agent.say() == (False, None)
    agent.boottime += SETTLING
    assert agent.say(on_the_way=0.5) == (True, 0.01), "by the message that was on its way for the shortest time"


def test_a_clock_that_was_wrong_in_what_nobody_could_hold_it_against_is_put_right_by_what_is_seen():
    agent = Agent()
    agent.off = HOUR
    agent.boottime = 50.0
    stamp = agent.stamp()
    assert agent.dating.learn("hq", "a", stamp, 0.0, NOW + 400), "of an agent's disk: nothing says when it was sent"
    agent.off = 0.0
    assert agent.say() == (True, 0.0)
    assert agent.dating.date("hq", "a", stamp) == NOW + 50.0


def test_without_a_trusted_clock_the_quickest_message_of_some_seconds_dates_all_and_for_ever():
    agent = Agent(trusted=False)
    agent.off = -NOW
    agent.boottime = 30.0
    first = agent.stamp()
    for on_the_way in (0.4, 0.02, 3.0, 2.5):
        assert agent.say(on_the_way=on_the_way) == (False, None)
        agent.boottime += 1.0
    agent.boottime += SETTLING
    assert agent.say(on_the_way=0.3) == (True, 0.02)
    assert agent.say(on_the_way=0.0) == (False, 0.02), "what is dated twice gets one time"
    assert agent.dating.date("hq", "a", first) == NOW + 30.02


def test_a_gateway_that_is_not_sure_of_its_own_clock_believes_an_agent_that_is():
    agent = Agent(sure=False)
    agent.boottime, agent.off = 50.0, HOUR  # the gateway is an hour behind
    stamp = agent.stamp()
    assert agent.dating.learn("hq", "a", stamp, 50.0, NOW + 50.0)
    assert agent.dating.date("hq", "a", stamp) == NOW + 50.0 + HOUR
    agent.boottime = 60.0
    assert not agent.dating.learn("hq", "a", agent.stamp(), 60.0, NOW + 60.0)
    unsure = Agent(trusted=False, sure=False)
    unsure.boottime = 30.0
    unsure.say()
    unsure.boottime += SETTLING
    assert unsure.say() == (True, 0.01), "what nobody knows better is guessed all the same"
    unsure.trusted, unsure.off = True, HOUR
    assert unsure.dating.learn("hq", "a", unsure.stamp(), 40.0, NOW + 40.0)


def test_a_first_message_that_was_long_on_its_way_is_no_wrong_clock():
    agent = Agent()
    agent.boottime = 50.0
    assert agent.say(on_the_way=FAR - 1) == (True, 0.0)


def test_another_boot_says_nothing_of_this_one():
    dating = Dating()
    assert dating.learn("hq", "a", Stamp(NOW, 5.0, "x", trusted=True), 5.0, NOW)
    assert dating.date("hq", "a", Stamp(12.0, 6.0, "y")) is None
    assert dating.date("hq", "b", Stamp(12.0, 6.0, "x")) is None
    assert not dating.learn("hq", "a", Stamp(12.0, 6.0), 7.0, NOW), "a stamp without a boot"
    assert dating.date("hq", "a", Stamp(NOW, 6.0, "", trusted=True)) == NOW


def test_what_is_kept_dates_alike():
    agent = Agent(trusted=False)
    agent.say()
    agent.boottime += SETTLING
    agent.say()
    again = Dating()
    for site, name, boot, offset in agent.dating.known():
        again.remember(site, name, boot, offset)
    assert again.date("hq", "a", agent.stamp()) == agent.dating.date("hq", "a", agent.stamp())


@given(
    st.lists(
        st.tuples(st.sampled_from([0.0, HOUR, -HOUR, 1e6]), st.floats(0.0, 1.5), st.floats(0.1, 100.0)), max_size=30
    )
)
def test_whatever_is_done_to_the_wall_clock_no_date_is_off_by_more_than_was_on_the_way(steps):
    agent = Agent()
    agent.boottime = 1000.0
    agent.say()
    for off, on_the_way, later in steps:
        agent.off = off
        agent.boottime += later
        _, wrong = agent.say(on_the_way=on_the_way)
        assert wrong is not None
        assert abs(wrong) <= NEAR
