"""What happens by the calendar of the site, not by alarms. The only importer of APScheduler.

Jobs follow the wall clock: what was missed while the gateway was away, or while the clock was wrong, is made good once,
at the next look (coalesced, however late). They are daily: APScheduler counts missed times one by one, and the hours
since 1970 would hold up everything else. Polling and escalation never come here: they run on clocks of their own.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from typing import Final

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.cron import CronTrigger

LOOK: Final = 60.0
"""Seconds after which a stepped wall clock is noticed."""

Job = Callable[[], Awaitable[None]]
"""What is done. It handles its own errors; one that escapes is logged, and the job comes again at its next time."""


class Calendar:
    """Jobs at hours of the site's day. ``run`` starts it."""

    def __init__(self, utc_offset: float) -> None:
        """Take the site's time, in seconds ahead of UTC; nothing runs yet."""
        self._zone = timezone(timedelta(seconds=utc_offset))
        self._scheduler = AsyncIOScheduler(timezone=self._zone)

    def daily(self, job: Job, *, at: float, last: float | None) -> datetime:
        """Do it each day; return when first.

        Args:
            job: what is done.
            at: seconds after midnight.
            last: when it was last done (wall seconds): what was missed since then is made good at once. None: never yet.
        """
        minutes, second = divmod(int(at), 60)
        trigger = CronTrigger(hour=minutes // 60, minute=minutes % 60, second=second, timezone=self._zone)
        now = datetime.now(self._zone)  # noqa: TID251 - APScheduler reads the wall clock itself; there is none to pass
        since = now if last is None else datetime.fromtimestamp(last, self._zone) + timedelta(seconds=1)
        first: datetime = trigger.get_next_fire_time(None, since)

        async def run() -> None:  # what is no coroutine function by its looks would run in a thread
            with suppress(asyncio.CancelledError):  # at our end; APScheduler would write a traceback of it
                await job()

        self._scheduler.add_job(
            run, trigger, next_run_time=first, coalesce=True, misfire_grace_time=None, max_instances=1
        )
        return first

    async def run(self) -> None:
        """Do the jobs at their times, until cancelled."""
        self._scheduler.start()
        try:
            while True:
                await asyncio.sleep(LOOK)
                self._scheduler.wakeup()  # it sleeps until its next job by the clock as it was
        finally:
            self._scheduler.shutdown(wait=False)
