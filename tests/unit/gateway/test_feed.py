"""Alarms reach the incidents in order, once a device is known; what began and ended during a cut pages nobody."""

import asyncio

import pytest

from contract.alarm import Occurrence
from contract.clock import Stamp
from contract.errors import StorageError
from contract.message import Alarms, Device, Held, Hello, Inventory, Readings, Topic, encode
from gateway import feed
from gateway.feed import Feed, rebuild
from gateway.journal import Journal
from gateway.journal import journal as journals
from gateway.journal.record import Incoming
from gateway.live import Live

A = "00000000000000aa"


class FixedClock:
    def stamp(self):
        return Stamp(wall=10_000.0, boottime=10.0, boot="g", trusted=True)

    def boottime(self):
        return 10.0


class World:
    def __init__(self, journal):
        self.journal = journal
        self.live = Live(FixedClock())
        self.heard = asyncio.Queue()
        self.past = []
        self.occurrences = {}
        self.feed = Feed(journal, self.live, self._on_alarm, self._on_past)
        self.task = asyncio.create_task(self.feed.run())

    async def _on_alarm(self, alarm, view):
        self.occurrences[alarm.occurrence.id] = alarm.occurrence
        self.heard.put_nowait((alarm.occurrence.id, alarm.occurrence.active, view.kind))

    async def _on_past(self, alarm, view):
        self.past.append((alarm.occurrence.id, view.kind, alarm.occurrence.cleared.wall))

    async def handed_on(self):
        """Wait until all that is in the journal has been handed on."""
        while await self.journal.cursor("incidents") < self.journal.position:
            await self.journal.flushed()

    async def keep(self, *messages):
        rows = []
        for message in messages:
            topic = {Alarms: Topic.ALARMS, Hello: Topic.HELLO, Inventory: Topic.INVENTORY, Readings: Topic.READINGS}
            epoch, seq = (message.epoch, message.seq) if isinstance(message, Alarms | Readings) else ("", 0)
            rows.append(Incoming("hq", "a", topic[type(message)], encode(message), 9_990.0, epoch, seq))
        ids = [number for number in await self.journal.append(rows) if number]
        for number in ids:
            self.live.restore(await self.journal.message(number))
        self.feed.wake(ids[-1])

    async def next(self):
        return await asyncio.wait_for(self.heard.get(), 2)

    async def restart(self):
        self.task.cancel()
        await asyncio.wait([self.task])
        return World(self.journal)


@pytest.fixture
async def journal(tmp_path):
    journal = await Journal.open(tmp_path / "j.db", FixedClock())
    writer = asyncio.create_task(journal.run())
    yield journal
    writer.cancel()
    await asyncio.wait([writer])
    await journal.close()


@pytest.fixture
async def world(journal):
    world = World(journal)
    yield world
    world.task.cancel()
    await asyncio.wait([world.task])


INVENTORY = Inventory(devices=(Device(id="ups-1", kind="ups"),))


def alarm(seq, name, *, active=True):
    occurrence = Occurrence(id=name, device="ups-1", condition="on-battery", active=active)
    return Alarms(epoch=A, seq=seq, occurrence=occurrence)


async def test_alarms_arrive_in_their_order(world):
    await world.keep(INVENTORY, alarm(1, "o1"), alarm(2, "o2"), alarm(3, "o1", active=False))
    heard = [await world.next() for _ in range(3)]
    assert [name for name, _, _ in heard] == ["o1", "o2", "o1"]
    assert {kind for _, _, kind in heard} == {"ups"}


async def test_an_alarm_of_a_device_that_nobody_described_waits_for_the_inventory(world):
    await world.keep(alarm(1, "o1"))
    await world.keep(INVENTORY)
    assert await world.next() == ("o1", True, "ups")


async def test_what_stands_at_hello_is_handed_on_at_once(world):
    await world.keep(INVENTORY, Hello(epoch=A, standing=(alarm(1, "o1").occurrence,)))
    assert await world.next() == ("o1", True, "ups")


async def test_what_began_and_ended_during_a_cut_opens_nothing_and_what_stands_does(world):
    standing = alarm(3, "o2").occurrence
    hello = Hello(epoch=A, held=(Held(A, ((1, 3),), 3),), standing=(standing,))
    await world.keep(INVENTORY, hello, alarm(1, "o1"), alarm(2, "o1", active=False), alarm(3, "o2"), alarm(4, "o3"))
    heard = [await world.next()]
    while heard[-1][0] != "o3":
        heard.append(await world.next())
    assert ("o1", True, "ups") not in heard
    assert heard[0] == ("o2", True, "ups")


async def test_a_backlog_alarm_whose_end_is_still_on_its_way_opens_nothing(world):
    await world.keep(INVENTORY, Hello(epoch=A, held=(Held(A, ((1, 2),), 2),)))
    await world.keep(alarm(1, "o1"))  # over since long, says hello, which does not name it
    await world.keep(alarm(3, "o3"))
    assert await world.next() == ("o3", True, "ups")
    await world.keep(alarm(2, "o1", active=False))
    assert (await world.next())[:2] == ("o1", False)


async def test_a_restart_goes_on_where_it_was(world):
    await world.keep(INVENTORY, alarm(1, "o1"))
    assert await world.next() == ("o1", True, "ups")
    while await world.journal.cursor("incidents") < 2:
        await world.journal.flushed()
    again = await world.restart()
    again.live.inventory("hq", "a", INVENTORY)
    await again.keep(alarm(2, "o2"))
    assert await again.next() == ("o2", True, "ups")
    assert again.heard.empty()
    world.task = again.task


async def test_the_live_picture_is_rebuilt_from_the_journal(world):
    poll = Readings(epoch=A, seq=3, device="ups-1", at=Stamp(9_980.0, 1.0, "x", True), values={"battery.charge": 50.0})
    await world.keep(INVENTORY, alarm(1, "o1"), alarm(2, "o1", active=False), alarm(4, "o2"), poll)
    live = Live(FixedClock())
    await rebuild(world.journal, live, since=9_000.0)
    assert live.devices["hq", "a", "ups-1"].readings["battery.charge"].reading.value == 50.0
    assert {name: one.occurrence.active for name, one in live.alarms.items()} == {"o1": False, "o2": True}
    assert live.history("hq", "a", "ups-1", "battery.charge", 0) == [(9_980.0, 50.0)]


async def test_what_is_in_the_journal_and_not_yet_known_waits(world):
    await world.keep(INVENTORY)
    first, second = alarm(1, "o1"), alarm(2, "o2")
    kept = [Incoming("hq", "a", Topic.ALARMS, encode(one), 9_990.0, A, one.seq) for one in (first, second)]
    one, _ = await world.journal.append(kept)
    world.feed.wake(one)
    assert await world.next() == ("o1", True, "ups")
    while await world.journal.cursor("incidents") < one:
        await world.journal.flushed()
    assert world.heard.empty()


# Times by the gateway's clock, and what is of the past

NOW, BOOT = 9_990.0, "x"  # when everything arrives, and the boot of the agent, whose wall clock stands in 1970


def moment(boottime, boot=BOOT):
    return Stamp(12.0, boottime, boot)


def flap(seq, name, *, began, ended=None, sent=1000.0):
    """Return an occurrence as an agent tells it, by its boot clock."""
    active = ended is None
    times = {"since": moment(began), "raised": moment(began), "cleared": moment(ended or 0.0)}
    occurrence = Occurrence(id=name, device="ups-1", condition="on-battery", active=active, **times)
    return Alarms(epoch=A, seq=seq, at=moment(ended or began), sent=sent, occurrence=occurrence)


async def test_what_an_agent_in_1970_says_is_dated_by_how_long_ago_it_was(world):
    await world.keep(INVENTORY, flap(1, "o1", began=400.0))
    assert await world.next() == ("o1", True, "ups")
    raised = world.occurrences["o1"].raised
    assert (raised.wall, raised.trusted) == (NOW - 600, True)


async def test_what_stands_at_hello_is_dated_too(world):
    standing = flap(1, "o1", began=400.0).occurrence
    await world.keep(INVENTORY, Hello(epoch=A, at=moment(1500.0), standing=(standing,)))
    assert await world.next() == ("o1", True, "ups")
    assert world.occurrences["o1"].raised.wall == NOW - 1100


@pytest.mark.parametrize("sent", [0.0, 399.0])
async def test_what_cannot_be_dated_stays_as_it_came(world, sent):
    await world.keep(INVENTORY, flap(1, "o1", began=400.0, sent=sent))
    assert await world.next() == ("o1", True, "ups")
    assert world.occurrences["o1"].raised == moment(400.0)


async def test_what_began_and_ended_during_a_cut_is_history_once_its_end_has_come(world):
    hello = Hello(epoch=A, at=moment(990.0), held=(Held(A, ((1, 2),), 2),))
    await world.keep(INVENTORY, hello, flap(1, "o1", began=100.0))
    await world.handed_on()
    assert world.past == []
    await world.keep(flap(2, "o1", began=100.0, ended=300.0))
    await world.handed_on()
    assert world.past == [("o1", "ups", NOW - 700)]


async def test_what_ends_while_the_line_is_up_is_no_history(world):
    await world.keep(INVENTORY, Hello(epoch=A, held=(Held(A, ((1, 2),), 2),)))
    await world.keep(flap(3, "o1", began=100.0), flap(4, "o1", began=100.0, ended=300.0))
    await world.handed_on()
    assert world.past == []


async def test_a_restart_in_the_middle_of_a_backlog_knows_what_is_of_the_past(world):
    await world.keep(INVENTORY, Hello(epoch=A, at=moment(990.0), held=(Held(A, ((1, 4),), 4),)))
    await world.handed_on()
    again = await world.restart()
    world.task = again.task
    await rebuild(world.journal, again.live, since=0.0)
    await again.keep(flap(1, "o1", began=100.0))
    await again.keep(flap(2, "o1", began=100.0, ended=300.0))
    await again.handed_on()
    assert await again.next() == ("o1", False, "ups")  # and its beginning was kept from those who page
    assert [name for name, _, _ in again.past] == ["o1"]


async def test_history_of_a_device_that_nobody_described_waits_for_the_inventory(world):
    await world.keep(Hello(epoch=A, at=moment(990.0), held=(Held(A, ((1, 2),), 2),)))
    await world.keep(flap(1, "o1", began=100.0), flap(2, "o1", began=100.0, ended=300.0))
    await world.handed_on()
    assert world.past == []
    await world.keep(INVENTORY)
    await world.handed_on()
    assert [(name, kind) for name, kind, _ in world.past] == [("o1", "ups")]


@pytest.mark.parametrize("reads", ["cursor", "notes"])
async def test_a_journal_that_cannot_be_read_at_the_start_is_asked_again(journal, monkeypatch, reads):
    asked = []
    works = getattr(journal, reads)

    async def fails_once(reader):
        asked.append(reader)
        if len(asked) == 1:
            raise StorageError("disk I/O error")
        return await works(reader)

    monkeypatch.setattr(journal, reads, fails_once)
    monkeypatch.setattr(feed, "_AGAIN", 0.0)
    world = World(journal)
    await world.keep(INVENTORY, alarm(1, "o1"))
    assert await world.next() == ("o1", True, "ups")
    world.task.cancel()


async def test_a_page_that_was_cut_short_for_its_size_is_not_the_last(tmp_path, monkeypatch):
    monkeypatch.setattr(journals, "PAGE_BYTES", 1000)
    journal = await Journal.open(tmp_path / "j.db", FixedClock())
    writer = asyncio.create_task(journal.run())
    world = World(journal)
    await world.keep(INVENTORY, *(alarm(seq, f"o{seq}") for seq in range(1, 31)))
    assert [(await world.next())[0] for _ in range(30)] == [f"o{seq}" for seq in range(1, 31)]
    for task in (world.task, writer):
        task.cancel()
        await asyncio.wait([task])
    await journal.close()
