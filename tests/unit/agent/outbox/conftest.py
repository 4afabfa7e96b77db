"""An outbox on a bench: a clock that is turned by hand, one thread, a spool in memory whose disk fails when it is told to."""

import sqlite3
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from pathlib import Path

import pytest

from agent.outbox import outbox as module
from agent.outbox.mark import Mark, open_mark
from agent.outbox.outbox import Outbox
from agent.outbox.spool import MOST, SCHEMA, Row, Spool
from contract.alarm import Occurrence
from contract.clock import Stamp
from contract.errors import StorageError
from contract.message import Ack, Alarms, Readings, Topic, decode


class HandClock:
    def __init__(self):
        self.now, self.boot, self.wall, self.trusted = 1000.0, "boot", 1e9, True

    def boottime(self):
        return self.now

    def stamp(self):
        return Stamp(self.wall + self.now, self.now, self.boot, self.trusted)


class Inline(Executor):
    """Runs at once, so that a test has one thread."""

    def submit(self, work, /, *args, **kwargs):
        future = Future()
        try:
            future.set_result(work(*args, **kwargs))
        except StorageError as error:
            future.set_exception(error)
        return future


class MemorySpool(Spool):
    """The real one on a database in memory, which outlives the process that a test makes believe."""

    def __init__(self):
        super().__init__(sqlite3.connect(":memory:"), Path("spool.db"))
        self._db.executescript(SCHEMA)
        self.commits = 0
        self.fails = None
        """None, or the error that every look at the disk ends with."""

        self.room = MOST
        """Bytes that the disk has for it."""

    def close(self):
        pass

    def _most(self):
        return self.room

    def open(self, damaged):
        assert not damaged
        if self.fails is not None:
            raise self.fails
        return self

    def commit(self, batch):
        used = super().commit(batch)
        self.commits += 1
        return used

    @contextmanager
    def _transaction(self):
        if self.fails is not None:
            raise self.fails
        with super()._transaction() as db:
            yield db

    @property
    def rows(self):
        rows = self._db.execute("SELECT epoch, seq, topic, body, first FROM messages").fetchall()
        return {(epoch, seq): Row(epoch, seq, Topic(topic), body, first) for epoch, seq, topic, body, first in rows}

    @property
    def states(self):
        return dict.fromkeys(self._db.execute("SELECT device, condition FROM conditions").fetchall())

    def lose(self, epoch, seq):
        self._db.execute("DELETE FROM messages WHERE epoch = ? AND seq = ?", (epoch, seq))
        self._db.commit()


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
    def __init__(self, folder=None, **options):
        self.clock, self.spool, self.wire = HandClock(), MemorySpool(), Wire()
        self.folder, self.options = folder, options
        self.count = 0
        self.mark = Mark()
        self.standing = []
        self.states = []
        self.late = []
        self.greets = True
        """The gateway took the last hello."""
        self.outbox = None

    async def start(self):
        """A process begins; if there was one, it was killed."""
        self.count += 1
        self.epoch = f"{self.count:016x}"
        self.mark.close()
        self.mark = open_mark(self.folder / "mark", self.clock.boot) if self.folder else Mark()
        self.outbox = Outbox(
            self.spool.open,
            Inline(),
            self.clock,
            self.epoch,
            lambda: self.standing,
            mark=self.mark,
            states=lambda: self.states,
            late=self.late.extend,
            **self.options,
        )
        return await self.outbox.open()

    def put(self, number=0, device="ups-1"):
        self.outbox.put_readings(Readings(device=device, at=self.clock.stamp(), values={"battery.charge": number}))

    async def alarm(self, name="o", *watched):
        occurrence = Occurrence(id=name, device="ups-1", condition="on-battery")
        self.outbox.put_alarms([Alarms(at=self.clock.stamp(), occurrence=occurrence)], watched)
        await self.outbox.tick()

    async def wait(self, seconds, step=module.TICK):
        end = self.clock.now + seconds - 1e-6
        while self.clock.now < end:
            self.clock.now += step
            await self.outbox.tick()

    def connect(self):
        self.wire = Wire()
        self.outbox.connected(self.wire)
        return self.wire

    def ack(self, *spans, journal="j1", epoch=None, gateway=""):
        hello = self.outbox._ledger._hello if self.greets else 0
        self.outbox.acknowledged(Ack(journal, epoch or self.epoch, spans, gateway=gateway, hello=hello))

    def held(self):
        """What hello says of the epochs, by epoch."""
        return {held.epoch: held for held in self.outbox.hello().held}


@pytest.fixture
def bench_kind():
    return Bench


@pytest.fixture
async def bench():
    bench = Bench()
    await bench.start()
    return bench
