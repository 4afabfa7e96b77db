"""The journal against a simple model: whatever comes, fails, is killed or put back, each message is stored once.

A machine of hypothesis draws what happens: messages of several agents and epochs, new, doubled, thinned out by an agent;
commits that fail; kills, restarts, an older copy of the file put back; readers that go on; nights, and a limit that is
reached. After each step the journal is compared with what the model says.
"""

import asyncio
import json
import shutil
import sqlite3
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from contract.clock import Stamp
from contract.errors import StorageError
from contract.message import Topic
from contract.ranges import Ranges
from gateway.journal import Journal
from gateway.journal.record import Aside, Incoming
from gateway.journal.retention import Retention
from gateway.journal.verify import verify

KEEP = 1000.0
STREAMS = [("hq", agent, f"{epoch:016x}") for agent in "ab" for epoch in (1, 2)]
numbers = st.integers(1, 60)


class Clock:
    wall = 10_000.0

    def stamp(self):
        return Stamp(wall=self.wall, boottime=10.0, boot="b", trusted=True)

    def boottime(self):
        return 10.0


class Model:
    """What the journal ought to know."""

    def __init__(self):
        self.have = {}
        """Stream → numbers that count as received."""
        self.rows = {}
        """Id → stream, number."""
        self.kinds = {}
        """Id → topic."""
        self.last = 0
        """The highest id ever given out in this file."""
        self.cursor = 0
        self.aside = set()
        """Ids that wait for later."""
        self.named = {}
        """Stream → numbers that were dropped before they were stored."""


def copied(model):
    twin = Model()
    twin.have = {key: set(have) for key, have in model.have.items()}
    twin.rows, twin.kinds, twin.aside = dict(model.rows), dict(model.kinds), set(model.aside)
    twin.named = {key: set(named) for key, named in model.named.items()}
    twin.last, twin.cursor = model.last, model.cursor
    return twin


class JournalAgainstModel(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.path = self.folder / "j.db"
        self.runner = asyncio.Runner()
        self.clock, self.model = Clock(), Model()
        self.copy = None
        self.ids = set()
        """Every id that the journal ever had."""

    @initialize()
    def begin(self):
        self.runner.run(self._open())
        self.ids.add(self.journal.id)

    def teardown(self):
        self.runner.run(self._stop(kill=False))
        self.runner.close()
        shutil.rmtree(self.folder)

    async def _open(self):
        self.journal = await Journal.open(self.path, self.clock)
        self.journal._writer.db.execute("PRAGMA busy_timeout = 1")
        self.writer = asyncio.create_task(self.journal.run())

    async def _stop(self, *, kill):
        self.writer.cancel()
        await asyncio.wait([self.writer])
        if not kill:
            await self.journal.close()
            return
        journal, wal = self.journal, self.folder / "j.db-wal"
        left = {path: path.read_bytes() for path in (self.path, wal) if path.exists()}
        await journal._on_reader(journal._reader.close)
        await journal._writer.apart(journal._writer.db.close)
        journal._read_thread.shutdown()
        journal._writer._thread.shutdown()
        for path, data in left.items():  # as a kill leaves it: no last checkpoint, nobody signs off
            path.write_bytes(data)

    def _retention(self, most=2**40):
        return Retention(
            self.journal, self.clock, keep=KEEP, most=most, readers=["store"], rare_readers=["store"],
            standing=set, disk=lambda: 2**40,
        )  # fmt: skip

    # What happens

    def _message(self, key, seq, first=0, topic=Topic.READINGS):
        self.clock.wall += 1.0
        body = json.dumps({"device": "ups", "at": {"boot": "b", "boottime": float(seq)}, "values": {"v": seq}})
        return Incoming(key[0], key[1], topic, body.encode(), self.clock.wall, key[2], seq, first)

    @rule(batch=st.lists(st.tuples(st.sampled_from(STREAMS), numbers, st.booleans()), min_size=1, max_size=12))
    def append(self, batch):
        messages = [self._message(k, s, topic=Topic.ALARMS if alarm else Topic.READINGS) for k, s, alarm in batch]
        self._taken(messages, self.runner.run(self.journal.append(messages)))

    @rule(key=st.sampled_from(STREAMS), begin=numbers, count=st.integers(1, 40))
    def append_a_run(self, key, begin, count):
        messages = [self._message(key, seq) for seq in range(begin, begin + count)]
        self._taken(messages, self.runner.run(self.journal.append(messages)))

    @rule(key=st.sampled_from(STREAMS), first=numbers, length=st.integers(0, 10))
    def append_thinned(self, key, first, length):
        message = self._message(key, first + length, first)
        self._taken([message], self.runner.run(self.journal.append([message])))

    @rule(key=st.sampled_from(STREAMS), seqs=st.lists(numbers, min_size=1, max_size=5))
    def append_from_several_at_once(self, key, seqs):
        messages = [self._message(key, seq) for seq in seqs]

        async def all_at_once():
            return await asyncio.gather(*(self.journal.append([message]) for message in messages))

        self._taken(messages, [number for (number,) in self.runner.run(all_at_once())])

    def _taken(self, messages, numbers):
        model = self.model
        pending = {}  # within one commit only the own number counts; what it stands for from the next commit on
        for message, number in zip(messages, numbers, strict=True):
            key = (message.site, message.agent, message.epoch)
            have = model.have.setdefault(key, set())
            new = message.seq not in have and message.seq not in pending.setdefault(key, set())
            assert bool(number) is new
            if new:
                assert number == model.last + 1
                model.last = number
                model.rows[number] = (key, message.seq)
                model.kinds[number] = message.topic
                pending[key].add(message.seq)
                pending.setdefault((key, "thinned"), set()).update(range(message.first or message.seq, message.seq))
        for key, seqs in pending.items():
            model.have[key[0] if key[1] == "thinned" else key].update(seqs)

    @rule(key=st.sampled_from(STREAMS), seqs=st.lists(numbers, min_size=1, max_size=5))
    def append_to_a_disk_that_fails(self, key, seqs):
        messages = [self._message(key, seq) for seq in seqs]

        async def fail():
            other = sqlite3.connect(self.path, isolation_level=None)
            other.execute("BEGIN IMMEDIATE")
            try:
                await self.journal.append(messages)
            except StorageError:
                return
            finally:
                other.execute("ROLLBACK")
                other.close()
            raise AssertionError("it was taken")

        self.runner.run(fail())

    @rule(kill=st.booleans())
    def start_again(self, kill):
        name = self.journal.id
        self.runner.run(self._stop(kill=kill))
        self.runner.run(self._open())
        assert self.journal.id == name

    @rule()
    def checkpoint(self):
        self.runner.run(self.journal.covered(self.journal.position))

    @rule()
    def copy_the_file(self):
        self.runner.run(self._stop(kill=False))
        shutil.copy(self.path, self.folder / "copy")
        self.copy = copied(self.model)
        self.runner.run(self._open())

    @precondition(lambda self: self.copy is not None)
    @rule(in_place=st.booleans())
    def put_the_copy_back(self, in_place):
        self.runner.run(self._stop(kill=False))
        if in_place:
            self.path.write_bytes((self.folder / "copy").read_bytes())
        else:
            shutil.copy(self.folder / "copy", self.folder / "new")
            (self.folder / "new").replace(self.path)
        self.model = copied(self.copy)
        self.runner.run(self._open())
        assert self.journal.id not in self.ids
        self.ids.add(self.journal.id)

    @rule(steps=st.integers(1, 30), waits=st.sets(st.integers(0, 29), max_size=3))
    def the_store_goes_on(self, steps, waits):
        model = self.model
        page = self.runner.run(self.journal.after(model.cursor, steps))
        if not page:
            return
        later = [row.id for index, row in enumerate(page) if index in waits and row.topic is Topic.READINGS]
        aside = [Aside(number, "undated", final=False) for number in later]
        self.runner.run(self.journal.set_cursor("store", page[-1].id, aside))
        model.cursor = page[-1].id
        model.aside |= set(later)

    @rule()
    def what_waited_is_stored(self):
        self.runner.run(self.journal.take_up("store", sorted(self.model.aside)))
        self.model.aside.clear()

    @rule(later=st.sampled_from([0.0, 30.0, KEEP]))
    def a_night(self, later):
        self.clock.wall += later
        before = self.clock.wall - KEEP
        received = dict(self.runner.run(self.journal.read("SELECT id, received FROM messages")))
        self.runner.run(self._retention().nightly())
        left = {number for (number,) in self.runner.run(self.journal.read("SELECT id FROM messages"))}
        for number in set(self.model.rows) - left:
            assert number <= self.model.cursor
            assert number not in self.model.aside
            assert received[number] < before
        for number in left:
            old = received[number] < before and number <= self.model.cursor and number not in self.model.aside
            assert not old or self.model.kinds[number] is Topic.ALARMS or number in left
        gone = {
            number
            for number in self.model.rows
            if received[number] < before and number <= self.model.cursor and number not in self.model.aside
        }
        assert left == set(self.model.rows) - gone
        self._forget(gone)

    @rule(share=st.sampled_from([0.0, 0.7]))
    def the_limit_is_reached(self, share):
        size = self.runner.run(self.journal.size())
        self.runner.run(self._retention(int(size.used * share)).look())
        left = {number for (number,) in self.runner.run(self.journal.read("SELECT id FROM messages"))}
        gone = set(self.model.rows) - left
        for number in gone:
            key, seq = self.model.rows[number]
            if number > self.model.cursor or number in self.model.aside:
                assert self.model.kinds[number] is Topic.READINGS  # alarms wait for their readers
                self.model.named.setdefault(key, set()).add(seq)
        self._forget(gone)

    def _forget(self, gone):
        for number in gone:
            del self.model.rows[number]
            self.model.aside.discard(number)

    # What must hold

    @invariant()
    def what_is_received_is_known(self):
        for key in STREAMS:
            assert self.journal.have(*key) == Ranges((seq, seq) for seq in self.model.have.get(key, ()))

    @invariant()
    def readers_get_all_in_order(self):
        rows = self.runner.run(self.journal.after(0, 10_000))
        found = {row.id: ((row.site, row.agent, row.epoch), row.seq) for row in rows}
        assert [row.id for row in rows] == sorted(found)
        assert found == self.model.rows
        assert self.journal.position == self.model.last
        readings = self.runner.run(self.journal.after(0, 10_000, readings=True))
        others = self.runner.run(self.journal.after(0, 10_000, readings=False))
        assert sorted(row.id for row in (*readings, *others)) == sorted(found)
        assert {row.topic for row in others} <= {Topic.ALARMS}

    @invariant()
    def what_was_dropped_unstored_is_named_and_nothing_else(self):
        rows = self.runner.run(self.journal.read("SELECT stream, first, last FROM gaps WHERE kind = 'dropped'"))
        named = {}
        for stream, first, last in rows:
            named.setdefault(self.journal.streams.numbered(stream).key, set()).update(range(first, last + 1))
        assert named == self.model.named

    @invariant()
    def verify_finds_it_in_order(self):
        report = verify(self.path)
        assert report.faults == ()
        assert report.messages == len(self.model.rows)
        for one in report.streams:
            have = self.model.have[one.site, one.agent, one.epoch]
            assert set(range(1, max(have) + 1)) - have == {
                seq for first, last in one.missing for seq in range(first, last + 1)
            }


JournalAgainstModel.TestCase.settings = settings(
    max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
TestJournal = JournalAgainstModel.TestCase
