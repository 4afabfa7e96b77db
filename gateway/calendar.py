"""What happens by the calendar of the site, not by alarms. The only importer of APScheduler, for its triggers.

Its schedulers read the wall clock themselves, sleep until their next job by the clock as it was, and after a clock that
was a month ahead do nothing for a month. So the loop is ours: it goes by the gateway's clock, looks often enough to see
it put right, and makes good once what was missed. Polling and escalation never come here: they run on clocks of their own.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta, tzinfo
from typing import Final

from apscheduler.triggers.cron import CronTrigger

_log = logging.getLogger(__name__)
LOOK: Final = 30.0
"""Seconds after which a clock that was put right is noticed."""
FUTURE: Final = 43200.0
"""Seconds that the last time may lie ahead: the clock was put back, and this day's is done. More, and it was a wrong day."""

Job = Callable[[], Awaitable[None]]
"""What is done. It handles its own errors; one that escapes is logged, and the job comes again at its next time."""


class _Daily:
    """A job, and when it was last done: wall seconds by the clock as it was then."""

    def __init__(self, job: Job, trigger: CronTrigger, last: float, zone: tzinfo) -> None:
        self.job = job
        self.last = last
        self.task: asyncio.Future[None] | None = None
        self._trigger = trigger
        self._zone = zone

    def due(self, now: float) -> datetime:
        """Return when it is due."""
        if self.last > now + FUTURE:
            self.last = now
        since = datetime.fromtimestamp(self.last, self._zone) + timedelta(seconds=1)
        at: datetime = self._trigger.get_next_fire_time(None, since)
        return at


class Calendar:
    """Jobs at hours of the site's day. ``run`` starts it."""

    def __init__(self, zone: tzinfo, wall: Callable[[], float]) -> None:
        """Take the site's time zone and the gateway's wall clock; nothing runs yet."""
        self._zone = zone
        self._wall = wall
        self._jobs: list[_Daily] = []

    def daily(self, job: Job, *, at: float, last: float | None) -> datetime:
        """Do it each day, once; return when first.

        Args:
            job: what is done.
            at: seconds after midnight.
            last: when it was last done (wall seconds): what was missed since then is made good at once. None: never yet.
        """
        minutes, second = divmod(int(at), 60)
        trigger = CronTrigger(hour=minutes // 60, minute=minutes % 60, second=second, timezone=self._zone)
        now = self._wall()
        daily = _Daily(job, trigger, now if last is None else last, self._zone)
        self._jobs.append(daily)
        return daily.due(now)

    def look(self) -> float:
        """Begin what is due, however late; return seconds until the next look."""
        now = self._wall()
        pause = LOOK
        for one in self._jobs:
            if one.due(now).timestamp() <= now and (one.task is None or one.task.done()):
                one.last = now
                one.task = asyncio.ensure_future(_done(one.job))
            pause = min(pause, max(0.1, one.due(now).timestamp() - now))
        return pause

    async def run(self) -> None:
        """Do the jobs at their times, until cancelled."""
        try:
            while True:
                pause = self.look()
                await asyncio.sleep(pause)
        finally:
            for one in self._jobs:
                if one.task is not None:
                    one.task.cancel()


async def _done(job: Job) -> None:
    work = asyncio.ensure_future(job())
    try:
        await asyncio.wait([work])
    finally:
        work.cancel()
    error = work.exception()
    if error is not None:
        _log.error("a job of the calendar failed, and comes again at its next time", exc_info=error)
