"""A page that changes by itself."""

import asyncio
import json

import pytest

from gateway.board.stream import LONGEST, Doors, Picture, Shared


class Page:
    def __init__(self):
        self.now = 0.0
        self.fragments = {"alarms": "none", "devices": "one"}
        self.event = None

    def __call__(self):
        self.now += 1
        return Picture(self.now, "03:00:00", "title", "said", dict(self.fragments))

    def __enter__(self):
        self.event = asyncio.Event()
        return self.event

    def __exit__(self, *_):
        self.event = None


def read(event):
    return json.loads(event.decode().split("data: ", 1)[1])


@pytest.fixture
def page():
    return Page()


async def opened(doors, page, **times):
    stream = doors.stream(page, lambda: page, **{"tick": 30.0, "pause": 0.0, **times})
    assert await anext(stream) == b"retry: 2000\n\n"
    return stream


async def test_the_whole_page_comes_first_and_then_only_what_changed(page):
    stream = await opened(Doors(1), page)
    assert read(await anext(stream))["fragments"] == page.fragments
    following = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(0)
    page.fragments["alarms"] = "a line\nand another"
    page.event.set()
    async with asyncio.timeout(5):
        assert read(await following)["fragments"] == {"alarms": "a line\nand another"}
    await stream.aclose()


async def test_a_tick_comes_when_nothing_changes_so_that_silence_means_cut_off(page):
    stream = await opened(Doors(1), page, tick=0.01)
    await anext(stream)
    async with asyncio.timeout(5):
        event = read(await anext(stream))
    assert event["fragments"] == {}
    assert event["now"] == 2.0
    await stream.aclose()


async def test_a_page_that_is_closed_leaves_nothing_behind(page):
    doors = Doors(1)
    stream = await opened(doors, page)
    await anext(stream)
    assert doors.full
    await stream.aclose()
    assert page.event is None
    assert not doors.full


async def test_closing_ends_every_stream(page):
    doors = Doors(5)
    stream = await opened(doors, page)
    await anext(stream)
    following = asyncio.ensure_future(anext(stream, None))
    await asyncio.sleep(0)
    doors.close()
    async with asyncio.timeout(5):
        assert await following is None
    assert doors.full


async def test_when_too_many_are_open_the_next_is_told(web, app):
    app.state.doors.close()
    answer = await web.get("/live")
    assert answer.status_code == 503
    assert "太多" in answer.text


async def test_many_who_look_share_one_picture_and_a_slow_one_is_made_seldom(page):
    now, slow = 100.0, 0.0

    def make():
        nonlocal now
        now += slow
        return page()

    shared = Shared(make, pause=0.25, clock=lambda: now)
    first = shared()
    assert shared() is first
    now += 0.3
    assert shared() is not first
    slow, now = 0.1, now + 0.3
    second = shared()
    now += 1.9
    assert shared() is second  # a tenth of a second's work, at most each 2 s
    now, slow = now + 0.2, 60.0
    third = shared()
    assert third is not second
    now += LONGEST
    assert shared() is not third


async def test_a_picture_that_has_not_changed_is_said_again_as_a_tick_only(page):
    still = page()
    stream = Doors(1).stream(lambda: still, lambda: page, tick=0.05, pause=0.0)
    await anext(stream)
    await anext(stream)
    following = asyncio.ensure_future(anext(stream))
    page.event.set()
    async with asyncio.timeout(5):
        assert read(await following)["fragments"] == {}
    await stream.aclose()
