import asyncio
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.lateness import Lateness


@given(st.lists(st.tuples(st.floats(0.1, 20), st.floats(0, 10)), min_size=1, max_size=60))
def test_it_is_the_worst_of_the_last_minute(steps):
    lateness, now, looks = Lateness(), 0.0, []
    for gap, late in steps:
        now += gap
        lateness.take(now, late)
        looks.append((now, late))
        assert lateness.worst(now) == max(late for when, late in looks if now - when <= 60.0)


def test_nothing_seen_is_not_late():
    assert Lateness().worst(1000.0) == 0.0


async def test_a_loop_that_is_held_up_is_seen():
    lateness = Lateness()
    task = asyncio.create_task(lateness.run())
    await asyncio.sleep(0.3)
    threading.Event().wait(0.6)  # holds the loop up
    await asyncio.sleep(0.3)
    task.cancel()
    assert lateness.worst(asyncio.get_running_loop().time()) == pytest.approx(0.4, abs=0.35)
