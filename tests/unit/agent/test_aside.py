import asyncio
import threading

import pytest

from agent.aside import Aside
from contract.errors import DeviceTimeout


async def test_what_it_returns_and_raises_comes_back():
    aside = Aside("share")
    assert await aside.do(lambda: 42) == 42
    with pytest.raises(OSError, match="away"):
        await aside.do(lambda: (_ for _ in ()).throw(OSError("away")))
    assert await aside.do(threading.current_thread) is not threading.current_thread()


async def test_while_one_hangs_no_second_is_begun_and_the_next_one_is_after_it_ended():
    aside, free = Aside("/mnt/share", "look at the share"), threading.Event()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await aside.do(free.wait)
    before = threading.active_count()
    for _ in range(20):
        with pytest.raises(DeviceTimeout, match="/mnt/share"):
            await aside.do(lambda: None)
    assert threading.active_count() == before
    free.set()
    async with asyncio.timeout(5):
        while aside.busy:  # noqa: ASYNC110 - a thread ends it
            await asyncio.sleep(0.01)
    assert await aside.do(lambda: "again") == "again"


def test_a_thread_that_hangs_does_not_hold_the_loop_up_at_its_end():
    free = threading.Event()

    async def give_up():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await Aside("share").do(free.wait)

    asyncio.run(give_up())
    hanging = [thread for thread in threading.enumerate() if thread.name == "share"]
    assert all(thread.daemon for thread in hanging)
    free.set()  # the loop is closed by now: nobody is told, and nothing is raised
    for thread in hanging:
        thread.join(5)
        assert not thread.is_alive()
