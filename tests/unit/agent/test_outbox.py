"""The outbox, by example and against a model: whatever happens, no message is lost but what a crash took from memory."""

import asyncio
from concurrent.futures import Executor, Future

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent import outbox as module
from agent.outbox import RESEND_AFTER, WINDOW, Outbox
from agent.spool import Batch, Row
from agent.watch import Watched
from contract.alarm import Occurrence
from contract.clock import Stamp
from contract.errors import StorageError
from contract.message import Ack, Alarms, Heartbeat, Readings, Topic, decode, encode
from contract.ranges import Ranges


class HandClock:
    def __init__(self):
        self.now = 1000.0

    def boottime(self):
        return self.now

    def stamp(self):
        return Stamp(1e9 + self.now, self.now, "boot", True)


class Inline(Executor):
    """Runs at once, so that a test has one thread."""

    def submit(self, work, /, *args, **kwargs):
        future = Future()
        try:
            future.set_result(work(*args, **kwargs))
        except StorageError as error:
            future.set_exception(error)
        return future


class FakeSpool:
    def __init__(self):
        self.epochs, self.rows, self.states, self.void, self.commits = [], {}, {}, [], 0
        self.fails = False

    def _works(self):
        if self.fails:
            raise StorageError("the disk is full")

    def open_epoch(self, epoch):
        self._works()
        self.epochs.append(epoch)

    def commit(self, batch: Batch):
        self._works()
        self.commits += 1
        for row in batch.keep:
            self.rows.setdefault((row.epoch, row.seq), row)
        for epoch, (first, last) in [*batch.drop, *((each.epoch, span) for each in batch.void for span in each.spans)]:
            for seq in range(first, last + 1):
                self.rows.pop((epoch, seq), None)
        self.void += batch.void
        for state in batch.watched:
            self.states[state.device, state.condition] = state
        for key in batch.forget:
            self.states.pop(key, None)

    def _sorted(self):
        return [self.rows[key] for key in sorted(self.rows, key=lambda key: (self.epochs.index(key[0]), key[1]))]

    def held(self):
        found = {}
        for row in self._sorted():
            found.setdefault(row.epoch, Ranges()).add(row.seq)
        return found

    def alarms(self):
        return [row for row in self._sorted() if row.topic is Topic.ALARMS]

    def read(self, spans):
        self._works()
        return [
            self.rows[epoch, seq]
            for epoch, (first, last) in spans
            for seq in range(first, last + 1)
            if (epoch, seq) in self.rows
        ]

    def voided(self):
        return list(self.void)

    def watched(self):
        return list(self.states.values())


class Wire:
    """A connection: what was given to it, in order."""

    def __init__(self):
        self.sent = []

    def send(self, topic, payload):
        self.sent.append((topic, payload))

    def messages(self):
        return [decode(Alarms if topic is Topic.ALARMS else Readings, payload) for topic, payload in self.sent]

    def seqs(self):
        return [message.seq for message in self.messages()]


class Bench:
    def __init__(self):
        self.clock, self.spool, self.wire = HandClock(), FakeSpool(), Wire()
        self.count = 0
        self.standing = []
        self.outbox = None

    async def start(self):
        self.count += 1
        self.epoch = f"{self.count:016x}"
        self.outbox = Outbox(self.spool, Inline(), self.clock, self.epoch, lambda: self.standing)
        return await self.outbox.open()

    def put(self, number=0):
        self.outbox.put_readings(Readings(device="ups-1", at=self.clock.stamp(), values={"battery.charge": number}))

    async def alarm(self, name="o", *watched):
        occurrence = Occurrence(id=name, device="ups-1", condition="on-battery")
        self.outbox.put_alarms([Alarms(at=self.clock.stamp(), occurrence=occurrence)], watched)
        await self.outbox.tick()

    async def wait(self, seconds):
        end = self.clock.now + seconds
        while self.clock.now < end:
            self.clock.now += module.TICK
            await self.outbox.tick()

    def connect(self):
        self.wire = Wire()
        self.outbox.connected(self.wire)
        return self.wire

    def ack(self, *spans, journal="j1", epoch=None):
        self.outbox.acknowledged(Ack(journal, epoch or self.epoch, spans))


@pytest.fixture
async def bench():
    bench = Bench()
    await bench.start()
    return bench


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
    bench.spool.commit = lambda batch: (order.append("disk"), commit(batch), kept.set())
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


async def test_the_backlog_keeps_a_bounded_rate_and_half_of_the_window(bench):
    for number in range(1000):
        bench.put(number)
    await bench.wait(2)
    bench.connect()
    await bench.wait(0.25)
    assert len(bench.wire.sent) == WINDOW // 2
    start, taken = bench.clock.now, 0
    while bench.outbox.held:
        bench.ack((1, max(bench.wire.seqs())))
        await bench.wait(module.TICK)
        taken += 1
    assert bench.clock.now - start >= 1000 / module.BACKLOG_RATE - 2
    assert bench.wire.seqs() == list(range(1, 1001))


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
    assert len(bench.outbox._readings) <= WINDOW + 8
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
    bench.spool.fails = True
    bench.put()
    await bench.alarm("o", Watched("ups-1", "on-battery"))
    await bench.wait(10)
    assert bench.outbox.held == 2
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    bench.spool.fails = False
    await bench.wait(1)
    assert len(bench.spool.rows) == 2
    assert len(bench.spool.states) == 1
    assert caplog.records[-1].message == "the spool can be written again"


async def test_when_there_is_too_much_the_oldest_readings_go_and_are_named_and_no_alarm(bench, monkeypatch):
    monkeypatch.setattr(module, "KEEP_MOST", 100)
    await bench.alarm()
    for number in range(150):
        bench.put(number)
    await bench.wait(2)
    (voided,) = bench.outbox.hello().voided
    assert (voided.epoch, voided.reason) == (bench.epoch, "the spool was full")
    assert voided.spans[0][0] == 2
    assert bench.outbox.held + len(Ranges(voided.spans)) == 151
    assert len(bench.spool.rows) == bench.outbox.held <= 100
    await bench.start()
    assert bench.outbox.hello().voided == (voided,)


async def test_when_the_disk_fails_for_long_the_oldest_in_memory_go_and_are_named(bench, monkeypatch):
    monkeypatch.setattr(module, "MEMORY_MOST", 100)
    bench.spool.fails = True
    for number in range(150):
        bench.put(number)
    await bench.wait(2)
    (voided,) = bench.outbox.hello().voided
    assert "disk failed" in voided.reason
    assert len(bench.outbox._readings) <= 100


async def test_a_disk_that_only_stalled_costs_nothing(bench, monkeypatch):
    monkeypatch.setattr(module, "MEMORY_MOST", 100)
    for number in range(500):  # while nobody got round to the disk
        bench.put(number)
    await bench.wait(2)
    assert bench.outbox.hello().voided == ()
    assert len(bench.spool.rows) == bench.outbox.held == 500


async def test_hello_stays_small_however_often_something_is_lost(bench, monkeypatch):
    monkeypatch.setattr(module, "MEMORY_MOST", 10)
    bench.spool.fails = True
    for number in range(5000):
        bench.put(number)
        if number % 10 == 9:
            await bench.wait(module.TICK)
    assert len(encode(bench.outbox.hello())) < 1000


async def test_a_row_that_is_gone_from_disk_is_named(bench):
    for number in range(3):
        bench.put(number)
    await bench.wait(2)
    del bench.spool.rows[bench.epoch, 2]
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


ACTIONS = st.one_of(
    st.tuples(st.just("put"), st.integers(1, 80)),
    st.tuples(st.just("alarm"), st.just(0)),
    st.tuples(st.just("wait"), st.sampled_from([0.25, 0.5, 1.5, 40.0])),
    st.tuples(st.just("connect"), st.just(0)),
    st.tuples(st.just("disconnect"), st.just(0)),
    st.tuples(st.just("deliver"), st.integers(1, 100)),
    st.tuples(st.just("ack"), st.just(0)),
    st.tuples(st.just("crash"), st.just(0)),
    st.tuples(st.just("disk"), st.booleans()),
)


class Gateway:
    """The model of the other side: it takes each message once, and has what it has."""

    def __init__(self):
        self.have: dict[str, Ranges] = {}
        self.bodies = {}
        self.alarms = []

    def take(self, message):
        new = self.have.setdefault(message.epoch, Ranges()).add(message.seq)
        said = (message.device, message.values) if isinstance(message, Readings) else message.occurrence.id
        key = message.epoch, message.seq
        assert self.bodies.setdefault(key, said) == said, "a number was used twice"
        if new and isinstance(message, Alarms):
            self.alarms.append(message.occurrence.id)


class World:
    def __init__(self):
        self.bench, self.gateway = Bench(), Gateway()
        self.put, self.alarms, self.safe_alarms = 0, 0, []
        self.delivered = 0
        self.connected = False

    async def do(self, action, argument):  # noqa: C901, PLR0912 - one flat match over the actions
        bench, outbox = self.bench, self.bench.outbox
        match action:
            case "put":
                for _ in range(argument):
                    self.put += 1
                    bench.put(self.put)
            case "alarm":
                self.alarms += 1
                await bench.alarm(str(self.alarms))
                if not bench.spool.fails:
                    self.safe_alarms.append(str(self.alarms))
            case "wait":
                await bench.wait(argument)
            case "connect" if not self.connected:
                self.connected, self.delivered = True, 0
                bench.connect()
            case "disconnect" if self.connected:
                self.connected = False
                outbox.disconnected()
            case "deliver" if self.connected:
                for message in bench.wire.messages()[self.delivered : self.delivered + argument]:
                    self.gateway.take(message)
                    self.delivered += 1
            case "ack" if self.connected:
                for epoch, have in self.gateway.have.items():
                    outbox.acknowledged(Ack("j", epoch, tuple(have)))
            case "crash" if not bench.spool.fails:
                self.connected = False
                await bench.start()
            case "disk":
                bench.spool.fails = argument
        self.check()

    def check(self):
        outbox = self.bench.outbox
        assert 0 <= outbox._outstanding <= WINDOW
        assert outbox._outstanding == sum(entry.sent is not None for entry in outbox._readings.values())
        (held,) = [held for held in outbox.hello().held if held.epoch == self.bench.epoch]
        known = Ranges(held.spans).union(self.gateway.have.get(self.bench.epoch, ()))
        assert not outbox.hello().voided
        assert list(known) == ([(1, held.last)] if held.last else []), "neither held nor received"


@settings(max_examples=150, deadline=None)
@given(st.lists(ACTIONS, max_size=40))
def test_whatever_happens_every_message_arrives_once_but_what_a_crash_took_from_memory(actions):
    async def run():
        world = World()
        await world.bench.start()
        for action, argument in actions:
            await world.do(action, argument)
        world.bench.spool.fails = False
        await world.do("disconnect", 0)
        await world.do("connect", 0)
        for _ in range(400):
            await world.do("wait", 0.25)
            await world.do("deliver", 10_000)
            await world.do("ack", 0)
        assert world.bench.outbox.held == 0
        await world.do("wait", 0.5)
        assert world.bench.spool.rows == {}, "what was acknowledged is still on disk"
        arrived = world.gateway.alarms
        assert arrived == sorted(arrived, key=int), "alarms out of order"
        assert set(world.safe_alarms) <= set(arrived)
        if not any(action == "crash" for action, _ in actions):
            assert len(arrived) == world.alarms
            assert sum(len(have) for have in world.gateway.have.values()) == world.put + world.alarms

    asyncio.run(run())


def test_the_fake_spool_is_like_the_real_one(tmp_path):
    from agent.spool import open_spool

    real, fake = open_spool(tmp_path / "spool.db", "1"), FakeSpool()
    for spool in (real, fake):
        for epoch in ("b" * 16, "a" * 16):
            spool.open_epoch(epoch)
            rows = [Row(epoch, seq, Topic.ALARMS if seq == 3 else Topic.READINGS, b"x") for seq in range(1, 10)]
            spool.commit(Batch(keep=rows, watched=[Watched("d", "c")]))
            spool.commit(Batch(drop=[(epoch, (5, 6))]))
    assert list(real.held().items()) == list(fake.held().items())
    assert real.alarms() == fake.alarms()
    assert real.read([("a" * 16, (2, 7))]) == fake.read([("a" * 16, (2, 7))])
    assert real.watched() == fake.watched()
    real.close()
