"""What the journal lets go of, in which order, and that nothing goes without a word that somebody still waits for."""

import asyncio
import errno
import json
from contextlib import asynccontextmanager

import pytest

from contract.clock import Stamp
from contract.message import Topic
from contract.ranges import Ranges
from gateway.journal import Journal
from gateway.journal.record import Aside, Gap, Incoming
from gateway.journal.retention import OLDEST, Retention, next_look

EPOCH = "00000000000000aa"
KEEP = 1000.0
DAY = 86400.0


class Clock:
    def __init__(self, wall=10_000.0):
        self.wall = wall

    def stamp(self):
        return Stamp(wall=self.wall, boottime=10.0, boot="b", trusted=True)

    def boottime(self):
        return 10.0


class World:
    """A journal with its limits, and the clock to turn."""

    def __init__(self, journal, clock, most, readers):
        self.journal, self.clock, self.standing = journal, clock, set()
        self.retention = Retention(
            journal,
            clock,
            keep=KEEP,
            most=most,
            readers=readers,
            rare_readers=[*readers, "incidents"],
            standing=lambda: self.standing,
            disk=lambda: 2**40,
        )

    async def seqs(self):
        return [row.seq for row in await self.journal.after(0, 100_000)]

    async def named(self, kind):
        rows = await self.journal.read("SELECT first, last FROM gaps WHERE kind = ?", (kind,))
        return Ranges(rows)


@asynccontextmanager
async def world(path, *, most=2**40, readers=("store",), wall=10_000.0):
    clock = Clock(wall)
    journal = await Journal.open(path, clock)
    writer = asyncio.create_task(journal.run())
    try:
        yield World(journal, clock, most, readers)
    finally:
        writer.cancel()
        await asyncio.wait([writer])
        await journal.close()


def reading(seq, *, received=1000.0, device="ups", at=None, body=b"", agent="a", epoch=EPOCH):
    text = json.dumps({"device": device, "at": {"boot": "b", "boottime": at or float(seq)}, "values": {"v": 1}})
    return Incoming("hq", agent, Topic.READINGS, text.encode() + body, received, epoch, seq)


def alarm(seq, name, *, received=1000.0):
    text = json.dumps({"epoch": EPOCH, "seq": seq, "occurrence": {"id": name, "device": "ups", "active": True}})
    return Incoming("hq", "a", Topic.ALARMS, text.encode(), received, EPOCH, seq)


def other(topic, agent="a", *, received=1000.0):
    return Incoming("hq", agent, topic, b"{}", received)


async def test_what_is_old_and_passed_goes_and_its_id_is_never_used_again(tmp_path):
    async with world(tmp_path / "j.db") as site:
        await site.journal.append([reading(1), reading(2), reading(3, received=9500.0)])
        await site.journal.set_cursor("store", 3)
        await site.retention.nightly()
        assert await site.seqs() == [3]
        site.clock.wall = 20_000.0
        await site.retention.nightly()
        assert await site.seqs() == []
    async with world(tmp_path / "j.db") as site:
        assert await site.journal.append([reading(2), reading(3), reading(4)]) == [0, 0, 4]


async def test_what_a_reader_has_not_passed_stays_and_what_waits_aside(tmp_path):
    async with world(tmp_path / "j.db", readers=("store", "copy")) as site:
        await site.journal.append([reading(seq) for seq in range(1, 5)])
        await site.journal.set_cursor("store", 3, [Aside(1, "undated", final=False)])
        await site.retention.nightly()
        assert await site.seqs() == [1, 2, 3, 4]  # one has not begun
        await site.journal.set_cursor("copy", 4)
        await site.retention.nightly()
        assert await site.seqs() == [1, 4]
        await site.journal.take_up("store", [1])
        await site.retention.nightly()
        assert await site.seqs() == [4]


async def test_without_a_store_what_is_old_goes(tmp_path):
    async with world(tmp_path / "j.db", readers=()) as site:
        await site.journal.append([reading(1), reading(2, received=9900.0)])
        await site.retention.nightly()
        assert await site.seqs() == [2]


async def test_of_alarms_hellos_and_inventories_stays_what_says_how_it_stands(tmp_path):
    async with world(tmp_path / "j.db") as site:
        kept = [other(Topic.HELLO), other(Topic.INVENTORY), other(Topic.INVENTORY, "b")]
        await site.journal.append(
            [alarm(1, "over"), alarm(2, "stands"), other(Topic.HELLO), other(Topic.INVENTORY), *kept, reading(3)]
        )
        await site.journal.set_cursor("store", 8)
        site.standing = {"stands"}
        await site.retention.nightly()
        assert [row.id for row in await site.journal.after(0, 10)] == [1, 2, 3, 4, 5, 6, 7]  # nobody has acted on them
        await site.journal.set_cursor("incidents", 7)
        await site.retention.nightly()
        assert [row.id for row in await site.journal.after(0, 10)] == [2, 5, 6, 7]
        site.standing = set()
        await site.retention.nightly()
        assert [row.id for row in await site.journal.after(0, 10)] == [5, 6, 7]


async def test_what_was_set_aside_for_good_is_named_when_its_message_goes(tmp_path):
    async with world(tmp_path / "j.db") as site:
        await site.journal.append([reading(seq) for seq in range(1, 5)])
        await site.journal.set_cursor(
            "store", 4, [Aside(2, "type conflict", final=True), Aside(3, "type conflict", final=True)]
        )
        await site.retention.nightly()
        assert await site.seqs() == []
        assert await site.named("refused") == Ranges([(2, 3)])
        assert await site.journal.aside("store", final=True) == []
        assert await site.journal.gaps() == {}  # they came


async def test_the_nightly_look_is_at_what_is_old_only(tmp_path):
    async with world(tmp_path / "j.db", readers=()) as site:
        await site.journal.append([reading(seq, received=float(seq)) for seq in range(1, 20_001)])
        steps = 0

        def count() -> int:
            nonlocal steps
            steps += 1
            return 0

        site.clock.wall = KEEP + 10.0
        await site.journal.covered(20_000)
        site.journal._writer.db.set_progress_handler(count, 100)  # called each 100 steps of SQLite's machine
        await site.retention.nightly()
        assert len(await site.seqs()) == 20_000 - 9
        assert steps < 100  # a look at all 20,000 takes some 2,000


async def test_a_moment_is_found_among_messages_with_holes_between_their_ids(tmp_path):
    async with world(tmp_path / "j.db") as site:
        assert await site.journal.position_at(0.0) == 0
        await site.journal.append([reading(seq, received=100.0 * seq) for seq in range(1, 41)])
        await site.journal.set_cursor("store", 40, [Aside(3, "later", final=False)])
        site.clock.wall = KEEP + 750.0
        await site.retention.nightly()
        assert await site.seqs() == [3, *range(8, 41)]
        for wall in (0.0, 301.0, 1000.0, 1000.1, 3999.0, 4000.0, 9999.0):
            position = await site.journal.position_at(wall)
            later = [row.received for row in await site.journal.after(position, 100)]
            assert later == [at for at in (100.0 * seq for seq in (3, *range(8, 41))) if at >= wall]


LIMIT = 2**20
FULL = b" " * 600
"""Some 700 bytes a message: 4000 of them are 2.8 MB, and more than the limit."""


async def fill(site, count, *, every=1.0, passed=0):
    for start in range(0, count, 1000):
        await site.journal.append(
            [
                reading(seq, received=9999.0, at=every * seq, body=FULL)
                for seq in range(start + 1, min(count, start + 1000) + 1)
            ]
        )
    await site.journal.set_cursor("store", passed)


async def told(site):
    return [event.kind for event in await site.journal.events()]


async def test_over_its_limit_the_oldest_that_all_have_passed_go_whatever_their_age(tmp_path):
    async with world(tmp_path / "j.db", most=LIMIT) as site:
        await fill(site, 10_000, passed=10_000)
        await site.retention.look()
        kept = await site.seqs()
        assert (await site.journal.size()).used <= LIMIT
        assert kept == list(range(kept[0], 10_001))
        assert len(kept) > 500
        assert not await site.named("dropped")
        assert await told(site) == []


async def test_while_the_store_is_away_one_reading_a_minute_is_left_and_the_others_are_named(tmp_path, caplog):
    async with world(tmp_path / "j.db", most=LIMIT) as site:
        await fill(site, 10_000, passed=4000)
        await site.retention.look()
        kept = await site.seqs()
        gone = Ranges([(4001, 10_000)]).minus(Ranges((seq, seq) for seq in kept))
        assert (await site.journal.size()).used <= LIMIT
        assert kept[:4] == [4001, 4020, 4080, 4140]
        assert kept[-500:] == list(range(9501, 10_001))  # the newest are whole: there is room for them
        assert await site.named("dropped") == gone
        assert await site.journal.gaps() == {}  # they were received: nobody need send them again
        assert site.journal.have("hq", "a", EPOCH) == Ranges([(1, 10_000)])
        await site.retention.look()
        assert await told(site) == ["dropped"]
        assert sum("one a minute" in record.message for record in caplog.records) == 1
        await site.journal.set_cursor("store", 10_000)
        await site.retention.look()
        assert sum("has caught up" in record.message for record in caplog.records) == 1


async def test_then_one_in_ten_minutes_is_left(tmp_path):
    async with world(tmp_path / "j.db", most=LIMIT) as site:
        await fill(site, 4000, every=61.0)
        await site.retention.look()
        assert (await site.journal.size()).used <= LIMIT
        assert (await site.seqs())[:4] == [1, 10, 20, 30]  # the first of each 600 s


async def test_then_the_oldest_go_and_are_named(tmp_path):
    async with world(tmp_path / "j.db", most=LIMIT) as site:
        await fill(site, 4000, every=1200.0)
        await site.journal.set_cursor("store", 3, [Aside(2, "undated", final=False)])
        await site.retention.look()
        kept = await site.seqs()
        assert (await site.journal.size()).used <= LIMIT
        assert kept == list(range(kept[0], 4001))
        assert await site.named("dropped") == Ranges([(2, 2), (4, kept[0] - 1)])  # 1 and 3 were stored
        assert await site.journal.aside("store", final=False) == []
        assert {event.data["reason"] for event in await site.journal.events()} == {OLDEST}
    async with world(tmp_path / "j.db", most=LIMIT) as site:
        assert await site.journal.append([reading(1), reading(4000), reading(4001)]) == [0, 0, 4001]


async def test_each_device_and_each_set_of_quantities_keeps_its_own(tmp_path):
    def full(seq, device, names):
        text = json.dumps({"device": device, "at": {"boottime": 1.0}, "values": dict.fromkeys(names, 1)})
        return Incoming("hq", "a", Topic.READINGS, text.encode() + FULL * 20, 9999.0, EPOCH, seq)

    async with world(tmp_path / "j.db", most=LIMIT) as site:
        await site.journal.append(
            [
                full(seq, device, names)
                for seq, (device, names) in enumerate([("a", "x"), ("b", "x"), ("a", "xy")] * 100, 1)
            ]
        )
        await site.retention.look()
        assert (await site.seqs())[:3] == [1, 2, 3]
        assert 4 not in await site.seqs()


async def test_what_alarms_say_is_not_thinned_out(tmp_path):
    async with world(tmp_path / "j.db", most=LIMIT) as site:
        await site.journal.append([alarm(5001, "over"), other(Topic.HELLO)])
        await fill(site, 4000, every=1200.0)
        await site.retention.look()
        assert [row.topic for row in await site.journal.after(0, 10, readings=False)] == [Topic.ALARMS, Topic.HELLO]


async def test_a_limit_that_is_too_small_even_for_nothing_is_told_and_stops_nothing(tmp_path):
    async with world(tmp_path / "j.db", most=1000) as site:
        await site.journal.append([reading(1, received=9999.0)])
        await site.retention.look()
        await site.retention.look()
        assert await site.seqs() == []
        assert "full" in [event.data["reason"] for event in await site.journal.events()]
        assert len(await told(site)) <= 2
        assert await site.journal.append([reading(2)]) == [2]


async def test_space_is_given_back_to_the_disk(tmp_path):
    path = tmp_path / "j.db"
    async with world(path) as site:
        await fill(site, 10_000, passed=10_000)
        await site.journal.covered(10_000)
        before = (await site.journal.size()).used
        site.clock.wall += KEEP * 2
        await site.retention.nightly()
        size = await site.journal.size()
        assert size.used + size.free < before / 10
    assert path.stat().st_size < before / 10
    assert not path.with_name("j.db-wal").exists()


async def test_streams_of_long_ago_are_forgotten_but_for_the_last_of_an_agent_and_those_with_messages(tmp_path):
    old, last, waits = "00000000000000b1", "00000000000000b2", "00000000000000b3"
    async with world(tmp_path / "j.db", wall=100 * DAY) as site:
        await site.journal.append([reading(1, epoch=old, received=DAY), reading(1, epoch=last, received=2 * DAY)])
        await site.journal.append([reading(1, epoch=waits, received=DAY)])
        await site.journal.set_cursor("store", 3, [Aside(3, "undated", final=False)])
        await site.journal.account("hq", "b", [Gap(old, Ranges([(1, 2)]), "lost", "why")])
        await site.retention.nightly()
        assert not site.journal.have("hq", "a", old)
        assert site.journal.have("hq", "a", last)
        assert site.journal.have("hq", "a", waits)
        assert await site.journal.gaps() == {("hq", "b", old): Ranges([(1, 2)])}  # named today
        assert await site.journal.append([reading(1, epoch=last), reading(1, epoch=waits)]) == [0, 0]
        assert await site.journal.append([reading(1, epoch=old)]) == [4]
    async with world(tmp_path / "j.db") as site:
        assert site.journal.have("hq", "a", old) == Ranges([(1, 1)])
        assert [row.epoch for row in await site.journal.after(0, 10)] == [waits, old]


async def test_it_says_what_there_is_room_for(tmp_path):
    async with world(tmp_path / "j.db", most=2**30) as site:
        assert "no message yet" in await site.retention.room()
        hour = 3600.0
        site.clock.wall = 2 * hour
        await site.journal.append([reading(seq, received=hour + seq, body=FULL) for seq in range(1, 3601)])
        # 1 a second of some 690 bytes: 2^30 bytes last for some 18 days
        said = await site.retention.room()
        assert "if the store is away, it has room for 1" in said
        assert said.endswith("days at the present rate")
        site.retention = Retention(
            site.journal, site.clock, keep=1.0, most=2**40, readers=[], rare_readers=[], standing=set, disk=lambda: 0
        )
        assert "the disk has not" in await site.retention.room()


async def test_one_step_gives_back_as_many_pages_as_it_is_asked_for(tmp_path):
    async with world(tmp_path / "j.db") as site:
        await fill(site, 10_000, passed=10_000)
        await site.journal.do(lambda db: db.execute("DELETE FROM messages"))
        before = await site.journal.size()
        await site.journal.give_back(20)
        after = await site.journal.size()
        assert before.free - after.free >= 20 * 8192
        assert after.free > 0


async def test_while_it_grows_fast_the_next_look_after_room_was_made_is_soon(tmp_path, monkeypatch):
    """What was dropped is no sign that it grows slowly: it grows on as it did."""
    pauses, one = [], reading(0, body=b" " * 8000)

    async def sleep(seconds):
        pauses.append(seconds)
        await fill_on()

    async with world(tmp_path / "j.db", most=4_000_000) as site:
        written = 0

        async def fill_on():
            nonlocal written
            grown = [Incoming("hq", "a", Topic.READINGS, one.body, 1000.0, EPOCH, written + n + 1) for n in range(120)]
            await site.journal.append(grown)
            written += 120
            await site.journal.set_cursor("store", site.journal.position)
            if len(pauses) == 12:
                raise asyncio.CancelledError

        monkeypatch.setattr("gateway.journal.retention.asyncio.sleep", sleep)
        with pytest.raises(asyncio.CancelledError):
            await site.retention.run()
        assert (await site.journal.size()).used < 4_000_000
        made_room = [pause for pause in pauses[5:] if pause > 2.0]
        assert made_room == []


async def test_a_disk_that_does_not_say_how_much_is_free_stops_nothing(tmp_path):
    def gone():
        raise OSError(errno.EIO, "Input/output error")

    async with world(tmp_path / "j.db") as site:
        limits = {"keep": 1.0, "most": 2**40, "readers": [], "rare_readers": [], "standing": set}
        retention = Retention(site.journal, site.clock, disk=gone, **limits)
        assert "does not say how much of it is free: Input/output error" in await retention.room()


@pytest.mark.parametrize(
    ("left", "growth", "pause"),
    [(1e9, 0.0, 10.0), (1e9, -5.0, 10.0), (1e9, 1e6, 10.0), (1e7, 1e6, 5.0), (0.0, 1e6, 1.0)],
)
def test_it_looks_again_soon_enough_when_the_journal_grows_fast(left, growth, pause):
    assert next_look(left, growth) == pause
