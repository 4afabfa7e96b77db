"""The calendar of the site. APScheduler reads the wall clock itself, so the tests move what was, not what is."""

import asyncio
import contextlib
from datetime import UTC, datetime, timedelta

from gateway.calendar import Calendar

CHINA = 8 * 3600.0
HALF_PAST_EIGHT = 8.5 * 3600.0


def now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - see above


class Done:
    """A job that counts."""

    def __init__(self):
        self.times = 0
        self.event = asyncio.Event()

    async def __call__(self):
        self.times += 1
        self.event.set()


@contextlib.asynccontextmanager
async def running(calendar):
    task = asyncio.create_task(calendar.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_the_hour_is_the_sites():
    first = Calendar(CHINA).daily(Done(), at=HALF_PAST_EIGHT, last=None)
    assert (first.hour, first.minute, first.utcoffset()) == (8, 30, timedelta(hours=8))
    assert timedelta(0) < first - now() <= timedelta(days=1)


async def test_what_was_done_today_comes_again_tomorrow():
    yesterday = now() - timedelta(days=1)
    first = Calendar(CHINA).daily(Done(), at=HALF_PAST_EIGHT, last=yesterday.timestamp())
    again = Calendar(CHINA).daily(Done(), at=HALF_PAST_EIGHT, last=first.timestamp())
    assert again - first == timedelta(days=1)


async def test_days_that_were_missed_are_made_good_once_and_at_once():
    calendar, done, other = Calendar(CHINA), Done(), Done()
    first = calendar.daily(done, at=HALF_PAST_EIGHT, last=(now() - timedelta(days=4)).timestamp())
    assert first < now()
    async with running(calendar):
        await asyncio.wait_for(done.event.wait(), 5)
        calendar.daily(other, at=0.0, last=(now() - timedelta(days=2)).timestamp())
        # what comes after it has run: the missed days are over by then
        await asyncio.wait_for(other.event.wait(), 5)
    assert done.times == 1


async def test_a_clock_that_was_in_1970_holds_nothing_up():
    calendar, done = Calendar(CHINA), Done()
    calendar.daily(done, at=HALF_PAST_EIGHT, last=0.0)
    async with running(calendar):
        await asyncio.wait_for(done.event.wait(), 10)
    assert done.times == 1


async def test_a_job_that_fails_stops_no_other(caplog):
    calendar, done = Calendar(CHINA), Done()

    async def broken():
        raise ValueError("a mistake of ours")

    for job in (broken, done):
        calendar.daily(job, at=0.0, last=(now() - timedelta(days=2)).timestamp())
    async with running(calendar):
        await asyncio.wait_for(done.event.wait(), 5)
    assert "a mistake of ours" in caplog.text
