"""The calendar of the site, by a clock that the test turns: each day's job is done, and done once."""

import asyncio
import itertools
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.calendar import Calendar

HOUR = 3600.0
DAY = 24 * HOUR
CHINA = 8 * HOUR
HALF_PAST_EIGHT = 8.5 * HOUR
T0 = datetime(2027, 1, 15, 7, tzinfo=UTC).timestamp() - CHINA  # 07:00 in China


class Site:
    """A calendar with one job. ``hour`` is the true one, from 0 at the first midnight; ``ahead`` is what is wrong with it."""

    def __init__(self, hour=7.0, last=None):
        self.hour, self.ahead, self.done = hour, 0.0, []
        self.calendar = Calendar(timezone(timedelta(seconds=CHINA)), self.wall)
        self.first = self.calendar.daily(self._job, at=HALF_PAST_EIGHT, last=last)

    def wall(self):
        return T0 + (self.hour - 7.0 + self.ahead) * HOUR

    async def _job(self):
        self.done.append(round(self.hour, 2))

    async def until(self, hour):
        """Let the time pass, a look each quarter of an hour; return at which true hours the job was done."""
        before = len(self.done)
        while self.hour < hour:
            self.calendar.look()
            for _ in range(3):
                await asyncio.sleep(0)
            self.hour = min(hour, self.hour + 0.25)
        return self.done[before:]

    async def step(self, hours):
        self.ahead += hours
        return self


async def test_the_hour_is_the_sites():
    first = Site().first
    assert (first.hour, first.minute, first.utcoffset()) == (8, 30, timedelta(hours=8))
    assert first.timestamp() == T0 + 1.5 * HOUR


async def test_each_day_has_its_own():
    assert await Site().until(80) == [8.5, 32.5, 56.5]


async def test_what_was_done_today_comes_again_tomorrow():
    site = Site(hour=9.0, last=T0 + 1.5 * HOUR)
    assert await site.until(40) == [32.5]


async def test_days_that_were_missed_are_made_good_once_and_at_once():
    site = Site(last=T0 - 4 * DAY)
    assert await site.until(20) == [7.0, 8.5]  # yesterday's, and today's at its hour


async def test_a_clock_that_was_in_1970_holds_nothing_up():
    assert await Site(last=0.0).until(8) == [7.0]


@pytest.mark.parametrize("by", [1.0, -1.0])
@pytest.mark.parametrize("at", [7.25, 8.0, 8.5, 8.75, 9.25, 20.0])
async def test_a_step_of_an_hour_neither_doubles_nor_swallows_a_day(by, at):
    site = Site()
    await site.until(at)
    await site.step(by)
    await site.until(72)
    assert len(site.done) == 3
    assert all(abs(hour % 24 - 8.5) <= 1.0 for hour in site.done)


async def test_a_clock_that_was_a_month_ahead_swallows_no_day_once_it_is_right():
    site = Site()
    await site.until(8)
    await site.step(30 * 24)
    assert await site.until(10) == [8.0, 8.5]  # what that clock says was missed, and the hour itself
    await site.step(-30 * 24)
    assert await site.until(60) == [32.5, 56.5]


async def test_a_time_on_record_that_lies_far_ahead_is_of_a_wrong_clock():
    site = Site(last=T0 + 30 * DAY)
    assert await site.until(40) == [8.5, 32.5]


async def test_a_time_on_record_a_little_ahead_is_of_today():
    """It was done at half past eight, then the clock was put back, then the gateway was started again."""
    site = Site(hour=8.0, last=T0 + 1.5 * HOUR)
    assert await site.until(40) == [32.5]


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.tuples(st.sampled_from([0.25, 1.0, 5.0, 13.0, 24.0]), st.sampled_from([-4, -1, 0, 1, 4])), max_size=20)
)
def test_whatever_is_done_to_the_clock_each_day_has_one(story):
    """While the clock is never off by more than four hours, two are never nearer than sixteen, and never further than 32."""

    async def play():
        site = Site()
        for wait, ahead in story:
            await site.until(site.hour + wait)
            site.ahead = ahead
        await site.until(site.hour + 40)
        return site.done

    done = asyncio.run(play())
    assert done[0] <= 12.75
    assert all(16.0 <= later - earlier <= 32.25 for earlier, later in itertools.pairwise(done))


async def test_a_job_that_fails_stops_no_other_and_comes_again(caplog):
    site = Site()
    times = []

    async def broken():
        times.append(site.hour)
        raise ValueError("a mistake of ours")

    site.calendar.daily(broken, at=HALF_PAST_EIGHT, last=None)
    assert await site.until(40) == [8.5, 32.5]
    assert times == [8.5, 32.5]
    assert "a mistake of ours" in caplog.text


async def test_a_job_that_takes_long_is_not_begun_twice():
    site, begun = Site(), []

    async def long():
        begun.append(site.hour)
        await asyncio.Event().wait()

    site.calendar.daily(long, at=HALF_PAST_EIGHT, last=None)
    await site.until(60)
    assert begun == [8.5]


async def test_run_does_what_is_due_and_ends_when_it_is_told():
    done = asyncio.Event()

    async def job():
        done.set()
        await asyncio.Event().wait()

    calendar = Calendar(timezone(timedelta(seconds=CHINA)), lambda: T0)
    calendar.daily(job, at=HALF_PAST_EIGHT, last=T0 - DAY)
    task = asyncio.create_task(calendar.run())
    await asyncio.wait_for(done.wait(), 5)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
