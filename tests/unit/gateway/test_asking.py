"""Devices are read out of turn: once for all that depend on them, and never more than a few at a time."""

import asyncio
import contextlib

from contract.clock import Stamp
from contract.errors import CommandRefused
from gateway.asking import AGAIN, AT_ONCE, Asker

UPS = ("hq", "hall", "ups-1")


class Clock:
    now = 100.0

    def stamp(self) -> Stamp:
        return Stamp(self.now, self.now)

    def boottime(self) -> float:
        return self.now


@contextlib.asynccontextmanager
async def running(asker):
    task = asyncio.create_task(asker.run())
    yield
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def turns() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_sixty_children_have_their_parent_read_once():
    read, clock = [], Clock()

    async def way(device, incident):
        read.append((device, incident))

    asker = Asker(way, clock)
    async with running(asker):
        for number in range(60):
            asker(UPS, f"A{number}")
        await turns()
        assert read == [(UPS, "A0")]
        clock.now += AGAIN
        asker(UPS, "A61")
        await turns()
        assert read == [(UPS, "A0"), (UPS, "A61")]


async def test_what_is_refused_stops_nothing_and_what_is_slow_holds_up_few():
    under_way, done = 0, asyncio.Event()
    most = 0

    async def way(device, _incident):
        nonlocal under_way, most
        if device[2] == "dead":
            raise CommandRefused("hq/hall is not heard")
        under_way += 1
        most = max(most, under_way)
        await done.wait()
        under_way -= 1

    asker = Asker(way, Clock())
    async with running(asker):
        asker(("hq", "hall", "dead"), "A10")
        for number in range(30):
            asker(("hq", "hall", f"ups-{number}"), "A10")
        await turns()
        assert most == AT_ONCE
        done.set()
        await turns()
        await turns()
        assert most == AT_ONCE
        assert under_way == 0
