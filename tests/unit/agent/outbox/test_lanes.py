"""The lanes under load: nothing that is new waits for the backlog, nor the backlog for it; and what an ack costs."""

import time

import pytest

from agent.outbox.backlog import RATE
from agent.outbox.lanes import ALARMS, OLD
from contract.alarm import Occurrence
from contract.message import Alarms, Readings, decode
from contract.ranges import Ranges

STEP = 0.01


@pytest.mark.parametrize(("rate", "round_trip"), [(100, 0.05), (100, 0.3), (200, 0.05), (200, 0.2)])
async def test_the_backlog_drains_while_live_readings_come_and_none_of_them_waits(bench, rate, round_trip):
    old, seconds = 6000, 5
    for number in range(old):
        bench.put(number)
    await bench.wait(2)
    wire = bench.connect()
    got, acks, owed, since, heard = [], [], 0, None, 0
    for step in range(int(seconds / STEP)):
        bench.clock.now += STEP
        now = step * STEP
        for _ in range(rate // 100):
            bench.put()
        fresh = [decode(Readings, payload).seq for _, payload in wire.sent[heard:]]
        heard += len(fresh)
        assert fresh[-1] == old + (step + 1) * (rate // 100), "a live reading waits"
        got += fresh
        owed += len(fresh)
        since = now if since is None and fresh else since
        if owed >= 16 or (since is not None and now - since >= 0.2):  # as the gateway does
            acks.append((now + round_trip, tuple(Ranges([(seq, seq) for seq in got]))))
            owed, since = 0, None
        while acks and acks[0][0] <= now:
            bench.ack(*acks.pop(0)[1])
            await bench.outbox._backlog.step()
        if step % 25 == 0:
            await bench.outbox.tick()
    replayed = sum(seq <= old for seq in got)
    assert replayed / seconds > 0.7 * min(RATE, OLD / (round_trip + STEP)), "the backlog crawls"


async def test_sixty_thousand_alarms_are_sent_in_a_window_and_an_ack_costs_what_it_removes(bench):
    at = bench.clock.stamp()
    messages = [
        Alarms(at=at, occurrence=Occurrence(id=f"{number:x}", device="ups-1", condition="on-battery"))
        for number in range(60_000)
    ]
    bench.outbox.put_alarms(messages)
    await bench.outbox.tick()
    wire = bench.connect()
    assert len(wire.sent) == ALARMS
    spent = []
    for number in range(1, 31):
        began = time.process_time()
        bench.ack((1, number * 16))
        spent.append(time.process_time() - began)
        assert len(wire.sent) == ALARMS + number * 16
    assert wire.seqs() == list(range(1, ALARMS + 480 + 1)), "first in, first out, so many at once"
    assert sorted(spent)[15] < 0.005
