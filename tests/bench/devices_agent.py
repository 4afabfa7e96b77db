"""The agent as ``wolfsmoke-agent run`` runs it, with a stop-watch at its runner.

usage: devices_agent.py TIMES run --config FILE. At its end it writes JSON to TIMES: of each poll the device, when it
began (CLOCK_MONOTONIC, seconds), how much later than its time, and how long it took.
"""

import asyncio
import functools
import json
import sys
import time
from pathlib import Path

from agent import polling
from agent.__main__ import main

POLLS: list[tuple[str, float, float, float]] = []


def watched() -> None:
    """Put the stop-watch at the runner."""
    run, once = polling.Poller.run, polling.Poller.poll_once

    @functools.wraps(run)
    async def run_watched(self, start=None, turn=0):
        self.due = asyncio.get_running_loop().time() if start is None else start
        await run(self, self.due, turn)

    @functools.wraps(once)
    async def once_watched(self, lane):
        began = asyncio.get_running_loop().time()
        late = (began - self.due) % self.interval
        found = await once(self, lane)
        POLLS.append((self.device, began, late, asyncio.get_running_loop().time() - began))
        return found

    polling.Poller.run = run_watched
    polling.Poller.poll_once = once_watched


if __name__ == "__main__":
    assert abs(time.monotonic() - asyncio.new_event_loop().time()) < 1.0  # one clock for all processes
    watched()
    code = main(sys.argv[2:])
    Path(sys.argv[1]).write_text(json.dumps(POLLS))
    sys.exit(code)
