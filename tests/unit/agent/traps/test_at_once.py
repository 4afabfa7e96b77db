"""A trap of a real wire brings the truth at once: the alarm is what the read says, not what the trap says."""

import asyncio
import socket
import time

from trap_senders import Bench, v2c

from agent.kinds import conditions
from agent.polling import Poller
from agent.watch import Watch
from agent.ways import from_url
from contract.clock import Stamp
from firmware_sims.snmp_faces import Plate
from firmware_sims.snmp_ups import SnmpUps
from firmware_sims.ups import Rating, Ups

LIMIT = 10.0


class Clock:
    def boottime(self):
        return time.monotonic()

    def stamp(self):
        return Stamp(time.time(), time.monotonic(), "boot", True)


async def test_a_trap_raises_the_alarm_long_before_the_next_poll_and_a_false_one_raises_none():
    ups = Ups(Rating(), time.monotonic)
    card = SnmpUps(ups, Plate(name="ups-1", manufacturer="Wolfsmoke", model="Sim", serial="1"), time.monotonic)
    await card.start()
    watch = Watch("ups-1", conditions("ups", ()), lambda: "id-1")
    polled = asyncio.Queue()

    def emit(_device, _at, readings, _changes):
        polled.put_nowait({each.quantity: each.value for each in readings})

    bench = Bench({"ups-1": "127.0.0.1"})
    poller = Poller(
        "ups-1",
        from_url(card.url),
        watch,
        emit,
        Clock(),
        poll=60.0,
        slow=60.0,
        timeout=5.0,
        beside=lambda full: bench.service.readings("ups-1", full=full),
    )
    bench.service.desk._poke = lambda _: poller.poke()
    tasks = [asyncio.create_task(bench.service.run()), asyncio.create_task(poller.run())]
    try:
        async with asyncio.timeout(LIMIT):
            await bench.service.port.opened.wait()
            await polled.get()
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
                where = ("127.0.0.1", bench.service.port.port)
                sender.sendto(v2c(), where)
                said = await polled.get()
                assert said["ups.status"] == ("OL",)
                assert (said["x.traps"], said["x.trap.last"]) == (1.0, "on-battery")
                assert watch.standing() == [], "it said so, and it is not so"
                ups.cut()
                sent = time.monotonic()
                sender.sendto(v2c(), where)
                said = await polled.get()
                assert "OB" in said["ups.status"]
                assert time.monotonic() - sent < 2.0
                assert [each.condition for each in watch.standing()] == ["on-battery"]
    finally:
        for task in tasks:
            task.cancel()
        await poller.driver.close()
        await card.stop()
