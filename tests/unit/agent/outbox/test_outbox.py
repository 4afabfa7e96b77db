"""The outbox, by example; against a model: test_outbox_model.py."""

import asyncio
from concurrent.futures import Executor
from itertools import pairwise

import pytest

from agent.outbox import outbox as module
from agent.outbox.backlog import RATE
from agent.outbox.entry import RESEND_AFTER
from agent.outbox.keeping import RETRY
from agent.outbox.lanes import OLD, WINDOW
from agent.watch import Watched
from contract.alarm import Occurrence
from contract.condition import Progress
from contract.errors import StorageError, StorageFull
from contract.message import Ack, Alarms, Heartbeat, Readings, Topic, Voided, encode

FULL = StorageError("the disk is full")


async def test_a_message_is_sent_at_once_and_touches_no_disk_when_it_is_acknowledged_in_time(bench):
    bench.connect()
    bench.put()
    (message,) = bench.wire.messages()
    assert (message.epoch, message.seq, message.sent) == (bench.epoch, 1, 1000.0)
    bench.ack((1, 1))
    await bench.wait(5)
    assert bench.spool.commits == 0
    assert bench.outbox.held == 0


async def test_what_is_unacknowledged_after_a_second_goes_to_disk_in_one_commit(bench):
    bench.connect()
    for number in range(10):
        bench.put(number)
    await bench.wait(0.75)
    assert bench.spool.commits == 0
    await bench.wait(0.5)
    assert (bench.spool.commits, len(bench.spool.rows)) == (1, 10)


@pytest.mark.parametrize("connected", [False, True], ids=["the broker is away", "nobody acknowledges"])
async def test_while_nobody_answers_there_is_one_commit_a_second(bench, connected):
    if connected:
        bench.connect()
    for number in range(80):
        bench.put(number)
        await bench.wait(0.25)
    assert bench.spool.commits <= 21
    assert len(bench.spool.rows) >= 75


async def test_an_alarm_is_sent_first_and_on_disk_at_once_with_its_condition(bench):
    order, kept = [], asyncio.Event()
    commit = bench.spool.commit
    bench.spool.commit = lambda batch: (order.append("disk"), commit(batch), kept.set())[1]
    bench.connect().send = lambda *_: order.append("wire")
    running = asyncio.create_task(bench.outbox.run())
    await asyncio.sleep(0)  # it waits for its next tick
    began = asyncio.get_running_loop().time()
    occurrence = Occurrence(id="o", device="ups-1", condition="on-battery")
    bench.outbox.put_alarms([Alarms(at=bench.clock.stamp(), occurrence=occurrence)], [Watched("ups-1", "on-battery")])
    assert order == ["wire"]
    async with asyncio.timeout(5):
        await kept.wait()
    assert asyncio.get_running_loop().time() - began < module.TICK / 2, "it did not wait for the tick"
    running.cancel()
    assert order == ["wire", "disk"]
    assert list(bench.spool.states) == [("ups-1", "on-battery")]
    assert [row.topic for row in bench.spool.rows.values()] == [Topic.ALARMS]


async def test_alarms_go_outside_the_window(bench):
    bench.connect()
    for number in range(WINDOW + 10):
        bench.put(number)
    assert len(bench.wire.sent) == WINDOW
    await bench.alarm()
    assert bench.wire.sent[-1][0] is Topic.ALARMS
    bench.ack((1, 5))
    assert len(bench.wire.sent) == WINDOW + 1 + 5


async def test_on_connecting_alarms_go_first_and_in_order(bench):
    bench.put()
    await bench.alarm("first")
    bench.put()
    await bench.alarm("second")
    assert bench.connect().seqs() == [2, 4, 1, 3]


async def test_alarms_of_an_earlier_process_go_before_those_of_this_one(bench):
    await bench.alarm("old")
    await bench.start()
    await bench.alarm("new")
    assert [message.occurrence.id for message in bench.connect().messages()] == ["old", "new"]


async def test_an_acknowledged_message_is_gone_from_disk_and_never_sent_again(bench):
    for number in range(5):
        bench.put(number)
    await bench.wait(2)
    bench.connect()
    await bench.wait(1)
    assert sorted(bench.wire.seqs()) == [1, 2, 3, 4, 5]
    bench.ack((1, 3), (5, 5))
    await bench.wait(1)
    assert [row.seq for row in bench.spool.rows.values()] == [4]
    bench.outbox.disconnected()
    bench.connect()
    await bench.wait(1)
    assert bench.wire.seqs() == [4]


async def test_a_message_is_sent_again_after_30_s_then_60_then_120_up_to_5_min(bench):
    bench.connect()
    await bench.alarm()
    moments, seen = [], 1
    for _ in range(int(1500 / module.TICK)):
        await bench.wait(module.TICK)
        if len(bench.wire.sent) > seen:
            seen = len(bench.wire.sent)
            moments.append(bench.clock.now - 1000.0)
    waits = [after - before for before, after in zip([0.0, *moments], moments, strict=False)]
    assert waits == pytest.approx([30, 60, 120, 240, 300, 300, 300], abs=1.0)


async def test_a_resent_message_tells_the_time_of_its_sending(bench):
    bench.connect()
    await bench.alarm()
    await bench.wait(RESEND_AFTER + 1)
    first, again = bench.wire.messages()
    assert (first.sent, first.at.boottime, again.at.boottime) == (1000.0, 1000.0, 1000.0)
    assert again.sent == pytest.approx(1030.0, abs=0.5)


async def test_an_alarm_of_an_earlier_process_tells_the_time_of_its_sending_too(bench):
    await bench.alarm()
    bench.clock.now += 500.0
    await bench.start()
    assert [message.sent for message in bench.connect().messages()] == [1500.0]


async def test_a_new_journal_gets_what_is_held_once_more(bench):
    bench.connect()
    bench.put()
    await bench.alarm()
    bench.ack(journal="j1")
    before = len(bench.wire.sent)
    bench.ack(journal="j1")
    assert len(bench.wire.sent) == before
    bench.ack(journal="j2")
    assert len(bench.wire.sent) == before + 2


async def test_foreign_acks_change_nothing(bench):
    bench.connect()
    bench.put()
    await bench.alarm()
    for ack in (
        Ack("", bench.epoch, ((1, 2),)),
        Ack("j1", "f" * 16, ((1, 2),)),
        Ack("j1", "", ((1, 2),)),
        Ack("j1", bench.epoch, ((2, 1), (-5, 0), (10**30, 10**31))),
    ):
        bench.outbox.acknowledged(ack)
    await bench.wait(2)
    assert bench.outbox.held == 2
    assert len(bench.wire.sent) == 2


async def test_the_backlog_goes_on_with_every_acknowledgement_at_a_bounded_rate_in_a_window_of_its_own(bench):
    for number in range(3000):
        bench.put(number)
    await bench.wait(2)
    bench.connect()
    await bench.wait(0.25)
    assert len(bench.wire.sent) == OLD
    start = bench.clock.now
    while bench.outbox.held:
        before = len(bench.wire.sent)
        bench.ack((1, max(bench.wire.seqs())))
        await bench.wait(0.01, step=0.01)
        assert len(bench.wire.sent) - before <= OLD
    assert 3000 / RATE - 1.3 <= bench.clock.now - start <= 3000 / RATE + 1
    assert bench.wire.seqs() == list(range(1, 3001))


async def test_an_acknowledgement_wakes_the_backlog_and_no_tick_is_waited_for(bench):
    for number in range(200):
        bench.put(number)
    await bench.wait(2)
    running = asyncio.create_task(bench.outbox.run())
    try:
        bench.connect()
        loop = asyncio.get_running_loop()
        began = loop.time()
        async with asyncio.timeout(5):
            while bench.outbox.held:
                bench.clock.now += 0.01  # far below a tick in all
                await asyncio.sleep(0)
                if bench.wire.sent:
                    bench.ack((1, max(bench.wire.seqs())))
        assert loop.time() - began < 5 * module.TICK, "six rounds of half a window, and no tick for each"
    finally:
        running.cancel()


async def test_live_readings_and_alarms_go_at_once_while_a_backlog_is_replayed(bench):
    for number in range(2000):
        bench.put(number)
    await bench.wait(2)
    bench.connect()
    await bench.wait(1)
    for number in range(2001, 2101, 2):
        bench.put()
        assert bench.wire.seqs()[-1] == number, "a live reading goes the moment it is there"
        occurrence = Occurrence(id="o", device="ups-1", condition="on-battery")
        bench.outbox.put_alarms([Alarms(at=bench.clock.stamp(), occurrence=occurrence)])
        assert bench.wire.seqs()[-1] == number + 1, "and so does an alarm"
        bench.ack(*((seq, seq) for seq in bench.wire.seqs()[-40:]))
        await bench.wait(0.01, step=0.01)
    assert 0 < bench.outbox.held < 2000, "the backlog went on meanwhile, and is not through"


async def test_live_readings_overtake_the_backlog(bench):
    for number in range(500):
        bench.put(number)
    await bench.wait(2)
    bench.connect()
    await bench.wait(0.5)
    bench.put()
    assert bench.wire.seqs()[-1] == 501


async def test_while_nobody_acknowledges_memory_stays_bounded(bench):
    bench.connect()
    for number in range(2000):
        bench.put(number)
        await bench.wait(module.TICK)
    assert len(bench.outbox._lanes.live.entries) <= WINDOW + 8
    assert bench.outbox.held == 2000


@pytest.mark.parametrize("connected", [True, False], ids=["nobody acknowledges", "the line is cut"])
async def test_a_long_cut_leaves_nothing_in_memory_of_what_is_on_the_disk(bench, connected):
    if connected:
        bench.connect()
    for number in range(2000):
        bench.put(number)
        await bench.wait(module.TICK)
    kept = {name: len(each) for name, each in vars(bench.outbox._lanes.live).items() if hasattr(each, "__len__")}
    assert max(kept.values()) <= WINDOW + 8, kept
    assert bench.outbox.held == 2000


async def test_hello_names_what_is_held_epoch_by_epoch_and_what_stands(bench):
    bench.put()
    bench.put()
    await bench.alarm()
    await bench.wait(2)
    bench.connect()
    await bench.wait(1)
    bench.ack((2, 2))
    await bench.start()
    bench.put()
    bench.standing = [Occurrence(id="o")]
    hello = bench.outbox.hello()
    assert hello.epoch == bench.epoch
    # the ack of number 2 was not on disk when the process ended: held once more, and the journal knows it as a double
    assert [(held.spans, held.last) for held in hello.held] == [(((1, 3),), 3), (((1, 1),), 1)]
    assert hello.standing == (Occurrence(id="o"),)


async def test_a_disk_that_fails_costs_nothing_and_is_told_once(bench, caplog):
    bench.spool.fails = FULL
    bench.put()
    await bench.alarm("o", Watched("ups-1", "on-battery"))
    await bench.wait(10)
    assert bench.outbox.held == 2
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    bench.spool.fails = None
    await bench.wait(RETRY)
    assert len(bench.spool.rows) == 2
    assert len(bench.spool.states) == 1
    assert caplog.records[-1].message == "the spool can be written again"


@pytest.mark.parametrize(
    ("error", "most"), [(FULL, 60.0), (StorageFull("there is no room to save it"), 3600.0)], ids=["fails", "no room"]
)
async def test_a_disk_that_goes_on_failing_is_tried_ever_more_seldom(bench, error, most):
    bench.spool.fails = error
    tries, open_spool = [], bench.spool.open
    bench.spool.open = lambda damaged: (tries.append(bench.clock.now), open_spool(damaged))[1]
    await bench.start()
    await bench.wait(4 * most, step=0.5)
    pauses = [later - earlier for earlier, later in pairwise(tries)]
    assert pauses[:3] == pytest.approx([5, 10, 20], abs=1.0)
    assert pauses[-1] == pytest.approx(most, abs=1.0)
    bench.spool.fails = None
    await bench.wait(most)
    assert bench.outbox.trouble == ""


async def test_when_the_disk_fails_for_long_the_oldest_in_memory_go_and_are_named(bench, monkeypatch):
    monkeypatch.setattr(module, "MEMORY_MOST", 100)
    bench.spool.fails = FULL
    for number in range(150):
        bench.put(number)
    await bench.wait(2)
    (voided,) = bench.outbox.hello().voided
    assert "disk failed" in voided.reason
    assert len(bench.outbox._lanes.live.entries) <= 100


async def test_a_disk_that_only_stalled_costs_nothing(bench, monkeypatch):
    monkeypatch.setattr(module, "MEMORY_MOST", 100)
    for number in range(500):  # while nobody got round to the disk
        bench.put(number)
    await bench.wait(2)
    assert bench.outbox.hello().voided == ()
    assert len(bench.spool.rows) == bench.outbox.held == 500


async def test_hello_stays_small_however_often_something_is_lost(bench, monkeypatch):
    monkeypatch.setattr(module, "MEMORY_MOST", 10)
    bench.spool.fails = FULL
    for number in range(5000):
        bench.put(number)
        if number % 10 == 9:
            await bench.wait(module.TICK)
    assert len(encode(bench.outbox.hello())) < 1000


async def test_a_row_that_is_gone_from_disk_is_named(bench):
    for number in range(3):
        bench.put(number)
    await bench.wait(2)
    bench.spool.lose(bench.epoch, 2)
    bench.connect()
    await bench.wait(1)
    assert [voided.spans for voided in bench.outbox.hello().voided] == [((2, 2),)]
    assert bench.wire.seqs() == [1, 3]


async def test_a_text_that_is_no_unicode_is_left_out_and_stops_nothing(bench, caplog):
    bench.connect()
    bench.outbox.put_readings(Readings(device="ups-1", values={"device.model": "\udcff"}))
    bench.put()
    assert bench.wire.seqs() == [1]
    assert len(caplog.records) == 1


async def test_hello_is_due_for_a_gateway_that_started_after_the_last_one(bench):
    beat = Heartbeat(session="s1", online=True)
    assert not bench.outbox.heartbeat(beat, retained=True)
    assert not bench.outbox.heartbeat(beat, retained=False)
    assert not bench.outbox.heartbeat(Heartbeat(session="s2", online=False), retained=False)
    assert bench.outbox.heartbeat(Heartbeat(session="s2", online=True), retained=False)


async def test_when_much_is_acknowledged_at_once_an_alarm_is_committed_first_and_the_rest_goes_bit_by_bit(bench):
    for number in range(9000):
        bench.put(number)
    await bench.wait(2)
    batches, commit = [], bench.spool.commit
    bench.spool.commit = lambda batch: (batches.append(batch), commit(batch))[1]
    bench.connect()
    bench.ack((1, 9000))
    await bench.alarm()
    assert (len(batches[0].keep), batches[0].drop) == (1, [])
    for _ in range(6):
        await bench.outbox.tick()
    assert [sum(last - first + 1 for _, (first, last) in batch.drop) for batch in batches[1:]] == [2000] * 4 + [1000]
    assert [row.topic for row in bench.spool.rows.values()] == [Topic.ALARMS]


async def test_what_is_acknowledged_is_gone_when_the_process_ends(bench):
    for number in range(9000):
        bench.put(number)
    await bench.wait(2)
    bench.ack((1, 8990))
    await bench.outbox.flush()
    assert len(bench.spool.rows) == 10


async def test_a_disk_that_hangs_stops_neither_resending_nor_the_bound_of_memory(bench, monkeypatch, caplog):
    monkeypatch.setattr(module, "TICK", 0.001)
    monkeypatch.setattr(module, "MEMORY_MOST", 100)
    asked, answers = asyncio.Event(), asyncio.Event()

    async def hang(work):
        asked.set()
        await answers.wait()
        return work()

    class Slow(Executor):
        def submit(self, work, /, *args, **kwargs):
            return asyncio.run_coroutine_threadsafe(hang(lambda: work(*args, **kwargs)), loop)

    loop = asyncio.get_running_loop()
    monkeypatch.setattr(bench.outbox._keeper, "_worker", Slow())
    wire = bench.connect()
    running = asyncio.create_task(bench.outbox.run())
    put_alarm(bench)
    async with asyncio.timeout(5):
        await asked.wait()
        for number in range(1000):
            bench.put(number)
        while len(wire.sent) < 66 + WINDOW:  # it looks at the clock, which goes on
            bench.clock.now += 1.0
            await asyncio.sleep(0.002)
    assert bench.outbox.trouble.startswith("the spool's disk does not answer")
    assert len(bench.outbox._lanes.all()) <= 101
    assert bench.outbox.held + sum(last - first + 1 for first, last in bench.outbox.hello().voided[0].spans) == 1001
    answers.set()
    async with asyncio.timeout(5):
        while bench.outbox.trouble:
            bench.clock.now += 0.25
            await asyncio.sleep(0.002)
    running.cancel()
    assert [line for line in caplog.messages if "answer" in line] == [
        "the spool's disk does not answer; messages stay in memory meanwhile",
        "the spool's disk answers again",
    ]


def put_alarm(bench):
    occurrence = Occurrence(id="o", device="ups-1", condition="on-battery")
    bench.outbox.put_alarms([Alarms(at=bench.clock.stamp(), occurrence=occurrence)])


async def test_while_the_disk_fails_what_waits_for_it_does_not_grow(bench):
    bench.spool.fails = FULL
    for number in range(1000):
        bench.outbox.save([Watched("ups-1", "on-battery", Progress(since=float(number)))])
        bench.outbox._void([Voided(bench.epoch, ((2 * number + 1, 2 * number + 2),), "why")])
    pending = bench.outbox._keeper.pending
    assert [each.progress.since for each in pending.watched] == [999.0]
    assert pending.void == [Voided(bench.epoch, ((1, 2000),), "why")]
