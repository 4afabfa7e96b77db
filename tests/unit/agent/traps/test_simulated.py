"""Traps and informs of the simulated cards, which pysnmp makes, at our receiver."""

import asyncio
import time

import pytest
from trap_senders import Bench

from agent.traps.keys import User as TrapUser
from firmware_sims.faults import Fault
from firmware_sims.snmp_traps import TrapSender
from firmware_sims.snmp_ups import User
from firmware_sims.ups import Rating, Ups

LIMIT = 20.0
CARD = User(name="card", auth_key="authpass9", priv_key="privpass9", auth="sha256")
KNOWN = TrapUser(name="card", auth="sha256", auth_key="authpass9", priv="aes", priv_key="privpass9")


class Stage:
    """A UPS, its card, and the receiver."""

    def __init__(self, **card):
        self.ups = Ups(Rating(), time.monotonic)
        self.bench = Bench({"ups-1": "127.0.0.1"}, more=(KNOWN,))
        self.card = card

    async def __aenter__(self):
        self.running = asyncio.create_task(self.bench.service.run())
        await self.bench.service.port.opened.wait()
        self.sender = TrapSender(self.ups, time.monotonic, ("127.0.0.1", self.bench.service.port.port), **self.card)
        await self.sender.start()
        return self

    async def __aexit__(self, *_):
        await self.sender.stop()
        self.running.cancel()

    async def heard(self, count):
        async with asyncio.timeout(LIMIT):
            while self.bench.service.counters.taken < count:  # noqa: ASYNC110 - a datagram's way
                await asyncio.sleep(0.01)
        return self.bench.said()["x.trap.last"]


@pytest.mark.parametrize("user", [None, CARD], ids=["traps of v2c", "informs of v3"])
@pytest.mark.parametrize(
    ("face", "back"), [("rfc1628", "alarm-removed"), ("powernet", "mains-restored"), ("xppc", "mains-restored")]
)
async def test_a_cut_and_its_end_are_told(user, face, back):
    async with Stage(face=face, user=user) as stage:
        stage.ups.cut()
        assert await stage.heard(1) == "on-battery"
        stage.ups.restore()
        assert await stage.heard(2) == back
        await asyncio.sleep(0.3)
        assert stage.sender.sent == 2, "nothing is told twice"
        assert stage.bench.service.counters.taken == 2, "an inform that was answered is not said again"


async def test_what_stands_is_said_again_by_rfc_1628():
    now = [0.0]
    ups = Ups(Rating(), lambda: now[0])
    sender = TrapSender(ups, lambda: now[0] + 100.0, ("127.0.0.1", 9))
    await sender.start()
    ups.cut()
    sender.look()
    now[0] += 59.0
    sender.look()
    assert sender.sent == 1
    now[0] += 1.0
    sender.look()
    assert sender.sent == 2
    await sender.stop()


@pytest.mark.parametrize("fault", [Fault.SILENCE, Fault.GARBAGE, Fault.HALF, Fault.CHECKSUM])
async def test_a_spoiled_inform_is_no_trap(fault):
    async with Stage(user=CARD) as stage:
        await stage.sender.set_fault(fault)
        stage.ups.cut()
        await asyncio.sleep(0.5)
        assert stage.sender.sent == 1
        assert stage.bench.poked == []
        await stage.sender.set_fault(Fault.NONE)
        stage.ups.restore()
        await stage.heard(1)


@pytest.mark.parametrize("fault", [Fault.ADDRESS, Fault.SENTINELS, Fault.DELAY])
async def test_a_trap_that_says_strange_things_is_still_news(fault):
    async with Stage() as stage:
        await stage.sender.set_fault(fault)
        stage.ups.cut()
        assert await stage.heard(1) == "on-battery"
        assert stage.bench.poked == ["ups-1"]
