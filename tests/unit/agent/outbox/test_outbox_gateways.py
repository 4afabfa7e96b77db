"""Two gateways: a message is kept until both have it, and one that is away holds up nobody."""

import asyncio

import pytest

from agent.outbox.lanes import WINDOW
from contract.message import Heartbeat


@pytest.fixture
async def bench(bench_kind):
    bench = bench_kind(gateways=("a", "b"))
    await bench.start()
    return bench


def beat(name, session="1", journal="", *, online=True):
    return Heartbeat(name, journal or f"j-{name}", session, online=online)


async def test_a_message_is_dropped_once_both_have_it(bench):
    bench.connect()
    for _ in range(3):
        bench.put()
    bench.ack((1, 3), gateway="a", journal="j-a")
    assert bench.outbox.held == 3
    bench.ack((1, 2), gateway="b", journal="j-b")
    assert bench.outbox.held == 1
    await bench.wait(2)
    assert [seq for _, seq in bench.spool.rows] == [3]
    bench.ack((1, 3), gateway="b", journal="j-b")
    await bench.wait(1)
    assert bench.spool.rows == {}


async def test_one_that_is_away_holds_up_nobody_and_gets_all_of_it_when_it_comes(bench):
    wire = bench.connect()
    bench.outbox.heartbeat(beat("a"), retained=False)
    for number in range(5 * WINDOW):
        bench.put(number)
        bench.ack((1, number + 1), gateway="a", journal="j-a")
        assert wire.seqs()[-1] == number + 1, "a live reading waits for a gateway that is away"
        if number % 4 == 3:
            await bench.wait(0.25)
    await bench.wait(2)
    assert len(bench.spool.rows) == 5 * WINDOW, "all of it is kept for b"
    sent = len(wire.sent)
    await bench.wait(20)
    assert len(wire.sent) == sent, "and nothing is said again to a, which has it"
    assert bench.outbox.heartbeat(beat("b"), retained=False), "b was never greeted"
    wire = bench.connect()
    await bench.wait(0.25)
    while bench.outbox.held:
        before = bench.outbox.held
        bench.ack(*((seq, seq) for seq in wire.seqs()), gateway="b", journal="j-b")
        await bench.wait(0.25)
        assert bench.outbox.held < before
    assert wire.seqs() == list(range(1, 5 * WINDOW + 1)), "in order, each once"


async def play(bench, seconds, *gateways):
    """Both are there, ten readings come a second, and these acknowledge what they hear."""
    for second in range(seconds):
        for name in ("a", "b") if second % 10 == 0 else ():
            bench.outbox.heartbeat(beat(name), retained=False)
        for _ in range(10):
            bench.put()
        await bench.wait(0.5)
        for name in gateways:
            bench.ack(*((seq, seq) for seq in set(bench.wire.seqs())), gateway=name, journal=f"j-{name}")
        await bench.wait(0.5)


async def test_one_that_is_there_and_acknowledges_nothing_starves_nobody(bench):
    wire = bench.connect()
    await play(bench, 120, "a")
    assert sorted(set(wire.seqs())) == list(range(1, 1201)), "a has all of it"
    assert len(wire.sent) < 1.5 * 1200, "and does not hear it again and again"
    await bench.alarm()
    assert wire.messages()[-1].seq == 1201
    assert len(bench.outbox._lanes.all()) < 600, "what is kept for b is on the disk"
    await play(bench, 60, "a", "b")
    assert bench.outbox.held <= 20, "b has all of it, once it works again"


async def test_two_that_acknowledge_hear_everything_once(bench):
    wire = bench.connect()
    await play(bench, 120, "a", "b")
    assert wire.seqs() == list(range(1, 1201))


async def test_the_backlog_of_one_waits_for_no_other(bench):
    for _ in range(3000):
        bench.put()
        await bench.wait(0.01, step=0.01)
    bench.connect()
    await play(bench, 110, "a")
    assert bench.outbox._journals.has("a", bench.epoch).count() == 4100


async def test_an_alarm_that_only_one_has_is_said_again_to_the_other_before_readings(bench):
    wire = bench.connect()
    for name in ("a", "b"):
        bench.outbox.heartbeat(beat(name), retained=False)
    bench.put()
    await bench.alarm()
    bench.ack((1, 2), gateway="a", journal="j-a")
    for _ in range(4):
        await bench.wait(10)
        for name in ("a", "b"):
            bench.outbox.heartbeat(beat(name), retained=False)
    assert wire.seqs()[:4] == [1, 2, 2, 1]
    bench.ack((1, 2), gateway="b", journal="j-b")
    assert bench.outbox.held == 0


async def test_their_heartbeats_alternate_on_one_topic_and_each_is_greeted_once(bench):
    greeted = [
        bench.outbox.heartbeat(beat(name, session), retained=False)
        for name, session in [("a", "1"), ("b", "9"), ("a", "1"), ("b", "9"), ("a", "1"), ("b", "9"), ("a", "2")]
    ]
    assert greeted == [True, True, False, False, False, False, True]


async def test_unnamed_gateways_are_told_apart_too(bench_kind):
    bench = bench_kind()
    await bench.start()
    bench.connect()
    bench.put()
    await bench.alarm()
    for _ in range(3):
        assert not bench.outbox.heartbeat(beat("a"), retained=True)
        bench.ack(gateway="a", journal="j-a")
        bench.ack(gateway="b", journal="j-b")
    assert len(bench.wire.sent) == 2, "two journals, and neither is new"


async def test_a_new_journal_of_one_gets_all_that_is_held_again_and_counts_for_nothing_before(bench):
    wire = bench.connect()
    for name in ("a", "b"):
        bench.outbox.heartbeat(beat(name), retained=False)
    for _ in range(3):
        bench.put()
    bench.ack((1, 3), gateway="a", journal="j-a")
    bench.ack((4, 4), gateway="a", journal="j-new")
    assert wire.seqs() == [1, 2, 3, 1, 2, 3]
    bench.ack((1, 3), gateway="b", journal="j-b")
    assert bench.outbox.held == 3, "the new journal of a has none of it"
    bench.ack((1, 3), gateway="a", journal="j-new")
    assert bench.outbox.held == 0


async def test_a_stranger_s_acknowledgement_drops_nothing_and_is_told_once(bench, caplog):
    bench.connect()
    bench.put()
    for _ in range(3):
        bench.ack((1, 1), gateway="c", journal="j-c")
        bench.ack((1, 1), journal="j-nameless")
    assert bench.outbox.held == 1
    assert [line for line in caplog.messages if "'c'" in line] == caplog.messages[:1]
    assert len(caplog.messages) == 2


async def test_an_epoch_is_forgotten_once_both_have_acknowledged_it(bench):
    bench.put()
    await bench.outbox.flush()
    first = bench.epoch
    await bench.start()
    bench.outbox.hello()
    bench.connect()
    bench.ack((1, 1), gateway="a", journal="j-a", epoch=first)
    assert first in bench.held()
    bench.ack((1, 1), gateway="b", journal="j-b", epoch=first)
    assert first not in bench.held()


async def test_what_was_never_given_out_nobody_has(bench_kind):
    for names in ((), ("a",)):
        bench = bench_kind(gateways=names)
        await bench.start()
        bench.connect()
        bench.ack((1, 2**53 - 1), gateway="a", journal="j")
        for _ in range(5):
            bench.put()
        bench.ack((1, 1), gateway="a", journal="j")
        assert bench.outbox.held == 4


async def test_a_journal_that_is_found_to_be_new_while_a_page_is_read_gets_all_of_it(bench):
    for _ in range(200):
        bench.put()
    await bench.wait(2)
    wire = bench.connect()
    bench.outbox.heartbeat(beat("a"), retained=False)
    for _ in range(4):
        await bench.wait(0.25)
        bench.ack(*((seq, seq) for seq in wire.seqs()), gateway="a", journal="j-a")
    keeper = bench.outbox._keeper
    page = keeper.page

    async def meanwhile(*rest):
        keeper.page = page
        read = await page(*rest)
        bench.ack(gateway="a", journal="j-new")
        return read

    keeper.page = meanwhile
    wire.sent.clear()
    for _ in range(40):
        bench.outbox.heartbeat(beat("a", journal="j-new"), retained=False)
        await bench.wait(0.25)
        bench.ack(*((seq, seq) for seq in wire.seqs()), gateway="a", journal="j-new")
    assert set(wire.seqs()) == set(range(1, 201))


def test_only_gateways_that_count_are_ours(bench_kind):
    for names, ours in (((), True), (("a",), False)):
        bench = bench_kind(gateways=names)
        asyncio.run(bench.start())
        assert bench.outbox.counts("stranger") is ours
        assert bench.outbox.counts("a")
