"""A page that changes by itself: server-sent events that carry the fragments which changed."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import AbstractContextManager
from typing import Any, Final

import msgspec

Fragments = Mapping[str, str]
"""Id of the element → its inner HTML."""
Changes = Callable[[], AbstractContextManager[asyncio.Event]]
"""Gives an event that is set at every change while it is held."""

TICK: Final = 2.0
"""Seconds: a page hears at least so often, or knows that it is cut off. ``static/board.js`` allows three of them."""
SHARE: Final = 0.05
"""Of the gateway's time, what showing pages may take."""
LONGEST: Final = 5.0
"""Seconds between two pictures at the most, however big they are."""
PAUSE: Final = 0.25
"""Seconds between two updates at least, however fast the devices are."""


class Picture(msgspec.Struct, frozen=True):
    """A page at one moment."""

    now: float
    clock: str
    """The same as people read it, where the gateway is."""
    title: str
    announce: str
    """What a screen reader says when it changes."""
    fragments: Fragments


class Shared:
    """A picture that all who look at the same page share. It is made again when it is old; what takes long, seldom."""

    def __init__(
        self, make: Callable[[], Picture], *, pause: float = PAUSE, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        """Take what makes it, how long it is good for at least (seconds), and the clock that its making is timed with."""
        self._make = make
        self._pause = pause
        self._clock = clock
        self._picture: Picture | None = None
        self._until = 0.0

    def __call__(self) -> Picture:
        """Return the picture."""
        began = self._clock()
        if self._picture is None or began >= self._until:
            self._picture = self._make()
            done = self._clock()
            self._until = done + max(self._pause, min(LONGEST, (done - began) / SHARE))
        return self._picture


class Doors:
    """Counts the open streams, and ends them when the gateway stops."""

    def __init__(self, most: int) -> None:
        """Take how many streams may be open at once."""
        self._most = most
        self._open = 0
        self._closing = asyncio.Event()

    @property
    def full(self) -> bool:
        """Whether no further stream may open."""
        return self._open >= self._most or self._closing.is_set()

    def close(self) -> None:
        """End every stream: a server that waits for its connections could not stop otherwise."""
        self._closing.set()

    async def stream(
        self, picture: Callable[[], Picture], changes: Changes, *, tick: float = TICK, pause: float = PAUSE
    ) -> AsyncIterator[bytes]:
        """Yield events: the whole page first, then what changed, and a tick when nothing did.

        Args:
            picture: renders the page as it is now.
            changes: tells of changes.
            tick: seconds between two events at most.
            pause: seconds between two events at least.
        """
        closing = asyncio.ensure_future(self._closing.wait())
        loop = asyncio.get_running_loop()
        self._open += 1
        shown: dict[str, str] = {}
        last: Picture | None = None
        said = 0.0
        try:
            with changes() as woken:
                yield b"retry: 2000\n\n"
                while not closing.done():
                    woken.clear()
                    now = picture()
                    if now is not last or loop.time() - said >= tick - pause:  # the same again only as a sign of life
                        changed = {key: html for key, html in now.fragments.items() if shown.get(key) != html}
                        shown.update(changed)
                        last, said = now, loop.time()
                        yield _event(now, changed)
                    await _first(closing, asyncio.sleep(pause))
                    await _first(closing, woken.wait(), within=tick - pause)
        finally:
            self._open -= 1
            closing.cancel()


async def _first(
    closing: "asyncio.Future[Any]", other: Coroutine[Any, Any, object], *, within: float | None = None
) -> None:
    """Wait for either, and leave nothing behind."""
    task = asyncio.ensure_future(other)
    try:
        await asyncio.wait((closing, task), timeout=within, return_when=asyncio.FIRST_COMPLETED)
    finally:
        task.cancel()


def _event(picture: Picture, changed: Fragments) -> bytes:
    # JSON has no line break of its own, so one data line is enough.
    body = {
        "now": picture.now,
        "clock": picture.clock,
        "title": picture.title,
        "announce": picture.announce,
        "fragments": changed,
    }
    return b"event: page\ndata: " + msgspec.json.encode(body) + b"\n\n"
