"""What hello says of the epochs: how far each came, what is settled, and when nothing more is said of it."""

import asyncio

import pytest

from agent.outbox.keeping import Keeper
from agent.watch import Watched
from contract.alarm import Occurrence, Standing
from contract.errors import StorageError
from contract.message import Ack, Held

E1, E2 = f"{1:016x}", f"{2:016x}"
FULL = StorageError("the disk is full")


@pytest.fixture
async def bench(bench_kind, tmp_path):
    bench = bench_kind(tmp_path)
    await bench.start()
    return bench


async def test_after_a_kill_the_gateway_can_name_what_memory_took_along(bench):
    bench.connect()
    for _ in range(10):
        bench.put()
    bench.ack((1, 4))
    await bench.wait(2)
    for _ in range(3):
        bench.put()
    await bench.start()
    earlier, ours = bench.outbox.hello().held
    assert earlier == Held(E1, ((5, 10),), last=13, settled=4, journal="j1")
    assert ours == Held(E2, (), 0)


async def test_after_a_power_cut_the_end_is_unsure_and_said_to_be(bench, tmp_path):
    bench.put()
    await bench.wait(2)
    (tmp_path / "mark").unlink()
    bench.clock.boot = "another"
    await bench.start()
    assert bench.held()[E1] == Held(E1, ((1, 1),), last=1, unsure=True)
    await bench.start()
    assert bench.held()[E1].unsure, "it does not become sure by waiting"


async def test_a_clean_end_leaves_it_exact_even_where_the_mark_is_lost(bench, tmp_path):
    bench.connect()
    for _ in range(5):
        bench.put()
    bench.ack((1, 2))
    await bench.outbox.flush()
    (tmp_path / "mark").unlink()
    bench.clock.boot = "another"
    await bench.start()
    assert bench.held()[E1] == Held(E1, ((3, 5),), last=5, settled=2, journal="j1")


async def test_an_epoch_is_told_until_a_gateway_acknowledges_it_after_hello_and_then_never_again(bench):
    bench.connect()
    bench.put()
    bench.ack((1, 1))
    await bench.start()
    bench.ack((1, 1), epoch=E1)  # nobody had said hello to whoever this is
    assert E1 in bench.held()
    bench.connect()
    await bench.wait(1)
    assert E1 in bench.held()
    bench.ack((1, 1), epoch=E1)
    await bench.wait(1)
    assert list(bench.held()) == [E2]
    await bench.start()
    assert E1 not in bench.held()


async def test_an_epoch_of_which_something_is_held_is_told_on(bench):
    bench.put()
    bench.put()
    await bench.wait(2)
    await bench.start()
    bench.outbox.hello()
    bench.connect()
    bench.ack((1, 1), epoch=E1)
    await bench.wait(2)
    assert bench.held()[E1].spans == ((2, 2),)
    bench.ack((1, 2), epoch=E1)
    assert E1 not in bench.held()


async def test_what_is_lost_is_told_with_its_epoch_and_forgotten_with_it(bench):
    for _ in range(3):
        bench.put()
    await bench.wait(2)
    bench.spool.lose(E1, 2)
    bench.connect()
    await bench.wait(1)
    await bench.start()
    assert [voided.spans for voided in bench.outbox.hello().voided] == [((2, 2),)]
    bench.connect()
    bench.ack((1, 3), epoch=E1)
    assert bench.outbox.hello().voided == ()
    await bench.wait(1)
    await bench.start()
    assert bench.outbox.hello().voided == ()


async def test_an_ack_that_answers_no_hello_or_an_earlier_one_forgets_nothing(bench):
    for _ in range(3):
        bench.put()
    await bench.wait(2)
    await bench.start()
    bench.spool.lose(E1, 2)
    bench.connect()
    earlier = bench.outbox.hello()
    await bench.wait(1)
    now = bench.outbox.hello()
    assert [voided.spans for voided in now.voided] == [((2, 2),)]
    bench.greets = False
    bench.ack((1, 3), epoch=E1)  # of readings alone: the gateway's journal did not take the hello yet
    bench.outbox.acknowledged(Ack("j1", E1, ((1, 3),), hello=earlier.number))
    again = bench.outbox.hello()
    assert (again.voided, again.held[0].epoch) == (now.voided, E1)
    assert len({earlier.number, now.number, again.number, 0}) == 4
    bench.outbox.acknowledged(Ack("j1", E1, ((1, 3),), hello=again.number))
    assert bench.outbox.hello().voided == ()
    assert list(bench.held()) == [E2]


async def test_a_process_that_said_nothing_leaves_nothing_to_be_said(bench):
    for _ in range(5):
        await bench.start()
    await bench.start()
    assert list(bench.held())[:-2] == []


async def test_while_the_spool_cannot_be_read_nothing_is_said_of_earlier_epochs_and_then_all_of_it(bench):
    bench.put()
    await bench.wait(2)
    bench.spool.fails = FULL
    await bench.start()
    bench.put()
    await bench.start()
    assert list(bench.held()) == [bench.epoch]
    assert bench.outbox.hello().partial, "nothing is to be concluded from it, of standing alarms either"
    assert not bench.outbox.unsaid
    bench.spool.fails = None
    await bench.wait(6)
    assert bench.outbox.unsaid, "hello is to be said anew"
    assert not bench.outbox.hello().partial
    held = bench.held()
    assert held[E1] == Held(E1, ((1, 1),), last=1)
    assert held[E2] == Held(E2, (), last=1), "its only reading was in memory, and is named"
    assert not bench.outbox.unsaid


async def test_a_spool_that_comes_late_brings_its_alarms_and_where_the_conditions_stood(bench):
    stood = Watched("ups-1", "on-battery", occurrence=Occurrence(id="old"))
    await bench.alarm("old", stood)
    bench.spool.fails = FULL
    assert await bench.start() == []
    await bench.alarm("new")
    bench.states = [Watched("ups-2", "overload")]
    bench.spool.fails = None
    await bench.wait(6)
    assert bench.late == [stood]
    assert ("ups-2", "overload") in bench.spool.states, "what was judged meanwhile is kept"
    assert [message.occurrence.id for message in bench.connect().messages()] == ["old", "new"]


async def test_a_disk_that_takes_its_time_at_the_start_is_not_waited_for(bench, monkeypatch):
    monkeypatch.setattr("agent.outbox.opening.PATIENCE", 0.01)
    stood = Watched("ups-1", "on-battery", occurrence=Occurrence(id="old"))
    await bench.alarm("old", stood)
    answers, reopen = asyncio.Event(), Keeper.reopen

    async def slow(self, left, *, again):
        await answers.wait()
        return await reopen(self, left, again=again)

    monkeypatch.setattr(Keeper, "reopen", slow)
    assert await bench.start() == []
    wire = bench.connect()
    bench.put()
    assert wire.seqs() == [1]
    assert bench.outbox.hello().partial
    answers.set()
    await bench.outbox.tick()
    assert bench.late == [stood]
    assert bench.outbox.unsaid
    assert list(bench.held()) == [E1, E2]


async def test_how_far_an_occurrence_came_is_told_once_kept_and_forgotten_with_it(bench, caplog):
    caplog.set_level("INFO")
    bench.standing = [Occurrence(id="o", device="ups-1", condition="on-battery")]
    known = bench.outbox._standings.known
    for standing in (Standing.TAKEN, Standing.TOLD, Standing.TOLD, Standing.TAKEN):
        bench.outbox.acknowledged(Ack("j", bench.epoch, alarms={"o": standing, "strange": standing}))
    assert known == {"o": Standing.TOLD}
    assert [line for line in caplog.messages if line.startswith("ups-1")] == [
        "ups-1: on-battery: taken",
        "ups-1: on-battery: told",
    ]
    await bench.wait(1)
    await bench.start()
    assert bench.outbox._standings.known == {"o": Standing.TOLD}
    bench.standing = []
    await bench.wait(1)
    await bench.start()
    assert bench.outbox._standings.known == {}


async def test_the_mean_size_of_a_message_is_measured_and_kept(bench):
    for number in range(100):
        bench.put(number)
    await bench.wait(2)
    size = sum(len(row.body) for row in bench.spool.rows.values()) / 100
    assert bench.outbox.size == pytest.approx(size, rel=0.05)
    await bench.start()
    assert bench.outbox.size == pytest.approx(size, rel=0.1)


@pytest.mark.parametrize("by", [-3600.0, 3600.0, -1e9])
async def test_a_step_of_the_wall_clock_changes_no_order_no_number_and_no_timer(bench, by):
    wire = bench.connect()
    for number in range(8):
        if number == 4:
            bench.clock.wall = max(0.0, bench.clock.wall + by)
        bench.put(number)
        await bench.wait(0.25)
    assert wire.seqs() == list(range(1, 9))
    assert bench.spool.commits == 2, "one a second, as without the step"
    await bench.wait(60)
    assert wire.seqs().count(1) == 2, "sent again after 30 s, once"
