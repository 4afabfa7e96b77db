"""The store gets what the journal holds: late rather than wrong, and one bad line never stops the rest."""

import asyncio
import threading

import msgspec
import pytest

from contract.clock import Stamp
from contract.errors import StorageError, StoreAway, StoreRefused
from contract.message import Device, Hello, Inventory, Readings, Topic, encode
from gateway.journal import Journal
from gateway.journal.record import Incoming
from gateway.live import Live
from gateway.store import READER, Store
from gateway.store import store as module

A = "00000000000000aa"
NOW = 1_700_000_000.0


class FixedClock:
    def stamp(self):
        return Stamp(wall=NOW, boottime=10.0, boot="g", trusted=True)

    def boottime(self):
        return 10.0


class FakeServer:
    """Takes lines; refuses those with ``refuse`` in them, all of a request; is away when told."""

    texts = True

    def __init__(self, loop, trail=0.0):
        self.trail = trail
        self.points = {}
        self.requests = 0
        self.tries = 0
        self.away = False
        self.run = "1"
        self._loop = loop
        self._changed = asyncio.Event()
        self.lock = threading.Lock()

    def write(self, lines):
        try:
            self._take(lines)
        finally:  # only now: who waits looks at what has been taken
            self._loop.call_soon_threadsafe(self._changed.set)

    def _take(self, lines):
        self.tries += 1
        if self.away:
            raise StoreAway("no answer", where="fake")
        if b"refuse" in lines:
            raise StoreRefused("type conflict", where="fake")
        self.requests += 1
        for one in lines.decode().split("\n"):
            key, fields, at = one.rsplit(" ", 2)
            self.points[key, at] = fields

    def started(self):
        if self.away:
            raise StoreAway("no answer", where="fake")
        return self.run

    def close(self):
        pass

    async def until(self, look):
        async with asyncio.timeout(5):
            while not look():
                self._changed.clear()
                if look():
                    break
                await self._changed.wait()


class World:
    def __init__(self, journal, server):
        self.journal, self.server = journal, server
        self.live = Live(FixedClock())
        self.store = Store(server, journal, self.live, backoff=(0.02, 0.05))
        self.seq = 0

    def known(self):
        self.live.inventory("hq", "a", INVENTORY)

    async def keep(self, *messages, received=NOW):
        rows = []
        for message in messages:
            topic = {Readings: Topic.READINGS, Hello: Topic.HELLO, Inventory: Topic.INVENTORY}[type(message)]
            self.seq += 1
            if isinstance(message, Readings):
                body = encode(msgspec.structs.replace(message, epoch=A, seq=self.seq))
                rows.append(Incoming("hq", "a", topic, body, received, A, self.seq))
            else:
                rows.append(Incoming("hq", "a", topic, encode(message), received))
        await self.journal.append(rows)

    async def cursor_at(self, position):
        async with asyncio.timeout(5):
            while await self.journal.cursor(READER) < position:
                await self.journal.flushed()


INVENTORY = Inventory(devices=(Device(id="ups-1", kind="ups", room="机房"),))


def poll(second, *, model="x", trusted=True, boot="b", sent=0.0):
    at = Stamp(NOW + second if trusted else second, second, boot, trusted)
    return Readings(device="ups-1", at=at, sent=sent, values={"battery.charge": float(second), "ups.model": model})


@pytest.fixture
async def journal(tmp_path):
    journal = await Journal.open(tmp_path / "j.db", FixedClock())
    writer = asyncio.create_task(journal.run())
    yield journal
    writer.cancel()
    await asyncio.wait([writer])
    await journal.close()


@pytest.fixture
async def world(journal, request):
    trail = getattr(request, "param", 0.0)
    world = World(journal, FakeServer(asyncio.get_running_loop(), trail))
    world.known()
    task = asyncio.create_task(world.store.run())
    yield world
    task.cancel()
    await asyncio.wait([task])
    if not task.cancelled():
        task.result()


async def test_readings_are_written_and_the_cursor_follows(world):
    await world.keep(poll(1), poll(2))
    await world.server.until(lambda: len(world.server.points) == 2)
    await world.cursor_at(2)
    assert ("ups,agent=a,device=ups-1,room=机房,site=hq", "1700000001000") in world.server.points


async def test_a_store_that_is_away_is_told_once_and_gets_everything_later(world, caplog):
    world.server.away = True
    await world.keep(*(poll(second) for second in range(1, 6)))
    await world.server.until(lambda: world.server.tries >= 4)
    assert await world.journal.cursor(READER) == 0
    world.server.away = False
    await world.server.until(lambda: len(world.server.points) == 5)
    await world.cursor_at(5)
    messages = [record.message for record in caplog.records]
    assert sum("away" in text for text in messages) == 1
    assert sum("there again" in text for text in messages) == 1


async def test_what_waits_for_ever_does_not_hold_up_what_can_be_written_by_now(world, monkeypatch):
    monkeypatch.setattr(module, "PAGE", 10)
    monkeypatch.setattr(module, "_LOOK", 0.05)
    world.known()
    gone = [msgspec.structs.replace(poll(second), device="ups-9") for second in range(25)]
    await world.keep(*gone, poll(30, trusted=False, boot="c"))
    await world.cursor_at(26)
    assert world.server.points == {}
    await world.keep(poll(31, trusted=False, boot="c", sent=31.0))
    await world.keep(poll(42, trusted=False, boot="c", sent=42.0), received=NOW + 11)
    await world.server.until(lambda: len(world.server.points) == 3)
    async with asyncio.timeout(5):
        while {one.reason for one in await world.journal.aside(READER, final=False)} != {module.UNKNOWN}:
            await world.journal.flushed()


async def test_one_bad_line_is_set_aside_with_its_reason_and_the_rest_is_written(world, caplog):
    good = [poll(second) for second in range(1, 40)]
    await world.keep(*good[:17], poll(100, model="refuse me"), *good[17:], poll(101, model="refuse me too"))
    await world.cursor_at(41)
    assert len(world.server.points) == 39
    aside = await world.journal.aside(READER, final=True)
    assert [(one.message, one.reason) for one in aside] == [(18, "type conflict"), (41, "type conflict")]
    assert world.store.refused == 2
    assert sum("refuses" in record.message for record in caplog.records) == 1


async def test_a_reading_without_a_date_waits_and_is_written_with_the_right_one(world):
    await world.keep(poll(30, trusted=False), poll(1, boot="other"))
    await world.cursor_at(2)
    assert [at for _, at in world.server.points] == ["1700000001000"]
    assert [one.reason for one in await world.journal.aside(READER, final=False)] == [module.UNDATED]
    await world.keep(Hello(epoch=A, at=Stamp(NOW, 40.0, "b", trusted=True)))
    await world.server.until(lambda: len(world.server.points) == 2)
    assert [at for _, at in world.server.points][1] == str(round((NOW - 10) * 1000))


async def test_a_reading_whose_message_says_when_it_was_sent_is_dated_by_that(world):
    await world.keep(poll(30, trusted=False, sent=33.0))
    await world.cursor_at(1)
    assert not world.server.points, "one that was long on its way would date all of its boot wrongly"
    await world.keep(poll(41, trusted=False, sent=44.0), received=NOW + 11)
    await world.server.until(lambda: len(world.server.points) == 2)
    assert sorted(at for _, at in world.server.points) == [str(round((NOW + at) * 1000)) for at in (-3, 8)]


async def test_readings_of_a_device_that_nobody_described_wait_for_the_inventory(journal):
    world = World(journal, FakeServer(asyncio.get_running_loop()))
    task = asyncio.create_task(world.store.run())
    await world.keep(poll(1))
    await world.cursor_at(1)
    assert not world.server.points
    world.known()
    await world.keep(INVENTORY)
    await world.server.until(lambda: world.server.points)
    task.cancel()
    await asyncio.wait([task])


async def test_a_restart_goes_on_at_the_cursor_and_dates_alike(journal):
    dates = set()
    for turn in range(2):
        world = World(journal, FakeServer(asyncio.get_running_loop()))
        world.known()
        world.seq = 10 * turn
        task = asyncio.create_task(world.store.run())
        start = 30 + 20 * turn  # the second time messages are half a second longer on their way
        for second in (start, start + 11):
            await world.keep(poll(second, trusted=False, sent=second), received=NOW + second + turn / 2)
        await world.server.until(lambda world=world: len(world.server.points) >= 2)
        await world.cursor_at(2 * turn + 2)
        task.cancel()
        await asyncio.wait([task])
        dates |= {int(at) for _, at in world.server.points}
    assert sorted(round(at / 1000 - NOW) for at in dates) == [30, 41, 50, 61], "the first answer is kept"


@pytest.mark.parametrize("world", [0.3], indirect=True)
async def test_where_a_store_keeps_things_in_memory_first_the_cursor_trails(world, monkeypatch):
    monkeypatch.setattr(module, "_LOOK_LEAST", 0.05)
    await world.keep(poll(1))
    await world.server.until(lambda: world.server.points)
    assert await world.journal.cursor(READER) == 0
    await world.cursor_at(1)


@pytest.mark.parametrize("world", [0.3], indirect=True)
async def test_a_store_that_was_started_anew_gets_again_what_it_may_have_forgotten(world, monkeypatch):
    monkeypatch.setattr(module, "_LOOK_LEAST", 0.05)
    await world.keep(poll(1))
    await world.server.until(lambda: world.server.points)
    world.server.points.clear()  # killed before it reached its disk
    world.server.run = "2"
    await world.server.until(lambda: world.server.points)
    await world.cursor_at(1)


async def test_what_came_late_has_its_own_time_and_is_marked(world):
    at = (NOW - 3600.0, NOW - module.LATE_AFTER + 1)
    await world.keep(*(msgspec.structs.replace(poll(5), at=Stamp(wall, 5.0, f"b{wall}", trusted=True)) for wall in at))
    await world.server.until(lambda: len(world.server.points) == 2)
    late, live = (world.server.points[key] for key in sorted(world.server.points, key=lambda key: key[1]))
    assert "x_late=3600.0" in late
    assert "x_late" not in live


async def test_the_next_page_is_made_while_one_is_under_way_and_pages_land_in_order(world, monkeypatch):
    monkeypatch.setattr(world.store, "_most", 4)
    world.server.lock.acquire()  # the first request hangs
    take = world.server._take

    def slowly(lines):
        with world.server.lock:
            take(lines)

    world.server._take = slowly
    await world.keep(*(poll(second) for second in range(1, 13)))
    async with asyncio.timeout(5):
        while world.store.status().behind > 12 - 4:
            await world.journal.flushed()
    assert await world.journal.cursor(READER) == 0, "nothing has landed"
    world.server.lock.release()
    await world.cursor_at(12)
    assert len(world.server.points) == 12
    assert world.store.status().behind == 0


async def test_a_store_that_was_away_is_asked_for_less_at_once_and_then_for_more_again(world):
    assert world.store._most == module.PAGE
    world.server.away = True
    await world.keep(poll(1))
    await world.server.until(lambda: world.server.tries >= 6)
    assert world.store.status().state == "away"
    assert "no answer" in world.store.status().why
    assert world.store._most < module.PAGE
    world.server.away = False
    await world.cursor_at(1)
    for second in range(2, 12):
        await world.keep(poll(second))
        await world.cursor_at(second)
    assert world.store._most == module.PAGE
    assert world.store.status().state == "writes"


async def test_a_slow_store_is_called_slow_once_and_not_away(world, monkeypatch, caplog):
    monkeypatch.setattr(module, "SLOW", 0.0)
    await world.keep(poll(1))
    await world.cursor_at(1)
    await world.keep(poll(2))
    await world.cursor_at(2)
    assert world.store.status().state == "slow"
    monkeypatch.setattr(module, "SLOW", 5.0)
    await world.keep(poll(3))
    await world.cursor_at(3)
    assert world.store.status().state == "writes"
    said = [record.message for record in caplog.records if record.message.startswith("store:")]
    assert [text.split(":")[1] for text in said] == [" slow", " there again"]


async def test_readings_of_a_device_that_was_taken_out_meanwhile_are_stored_all_the_same(world):
    world.server.away = True
    await world.keep(poll(1))
    await world.server.until(lambda: world.server.tries >= 2)
    world.live.inventory("hq", "a", Inventory())
    world.server.away = False
    await world.cursor_at(1)
    assert len(world.server.points) == 1


async def test_what_is_known_of_clocks_is_kept_when_it_changes_and_not_with_every_page(world, monkeypatch):
    kept = []
    keep = world.journal.set_cursor

    async def watched(reader, position, aside=(), notes=None):
        kept.append(notes)
        await keep(reader, position, aside, notes)

    monkeypatch.setattr(world.journal, "set_cursor", watched)
    for second in range(1, 4):
        await world.keep(poll(second))
        await world.cursor_at(second)
    assert [notes is None for notes in kept] == [False, True, True]
    assert "1700000000" in await world.journal.notes(READER)


async def test_what_is_known_of_clocks_is_kept_though_the_disk_failed_when_it_was_learned(world, monkeypatch):
    keep, tries = world.journal.set_cursor, []

    async def failing(reader, position, aside=(), notes=None):
        tries.append(notes)
        if len(tries) == 1:
            raise StorageError("the disk is full")
        await keep(reader, position, aside, notes)

    monkeypatch.setattr(world.journal, "set_cursor", failing)
    await world.keep(poll(1))
    await world.cursor_at(1)
    assert "1700000000" in await world.journal.notes(READER)


async def test_notes_on_clocks_that_cannot_be_read_do_not_keep_the_store_from_writing(journal, caplog):
    await journal.set_cursor(READER, 0, (), "nonsense")
    world = World(journal, FakeServer(asyncio.get_running_loop()))
    world.known()
    task = asyncio.create_task(world.store.run())
    await world.keep(poll(1))
    await world.cursor_at(1)
    assert len(world.server.points) == 1
    assert "learned anew" in caplog.text
    task.cancel()
    await asyncio.wait([task])


async def test_a_message_that_cannot_be_read_is_set_aside_for_good_and_stops_nothing(world):
    await world.journal.append([Incoming("hq", "a", Topic.READINGS, b"no JSON", NOW, A, 99)])
    await world.keep(poll(1))
    await world.cursor_at(2)
    assert [(one.message, one.reason) for one in await world.journal.aside(READER, final=True)] == [(1, module.BROKEN)]
    assert len(world.server.points) == 1
