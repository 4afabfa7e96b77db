"""A spool that is full: thinned, then emptied from its old end; and how long it lasts."""

import pytest

from agent.outbox.room import FULL, ROW, Outlook, tell
from contract.alarm import Occurrence
from contract.errors import StorageError, StorageFull
from contract.message import Alarms, Readings, decode, encode
from contract.ranges import Ranges

MOST = 300_000


@pytest.fixture
async def bench(bench_kind):
    bench = bench_kind(keep_bytes=MOST, page=100)
    await bench.start()
    return bench


async def fill(bench, minutes, *, devices=2, every=2.0):
    """Let devices be read while nobody is there; each reading has its number as its value."""
    for _ in range(int(minutes * 60 / every)):
        for device in range(devices):
            number = bench.outbox._ledger.last + 1
            bench.put(number, f"ups-{device}")
        await bench.wait(every, step=every)
    for _ in range(200):  # what is left to be done is done at once
        await bench.outbox.tick()


def accounted(bench):
    hello = bench.outbox.hello()
    voided = [span for voided in hello.voided for span in voided.spans]
    return Ranges([*hello.held[-1].spans, *voided])


async def test_old_readings_are_thinned_to_one_a_minute_and_every_number_stands_for_something(bench, caplog):
    await bench.alarm()
    await fill(bench, 60)
    assert bench.outbox.used <= MOST
    assert list(accounted(bench)) == [(1, 3601)]
    assert bench.outbox.hello().voided == (), "nothing is lost: what went is stood for"
    (line,) = [line for line in caplog.messages if "full" in line]
    assert "one a minute" in line
    assert bench.outbox.trouble.startswith("the spool is full: old readings are thinned out to one a minute")
    old = [row for (_, seq), row in bench.spool.rows.items() if seq < 600]
    assert 0 < len(old) < 60


async def test_thinned_readings_are_sent_as_what_they_stand_for_and_acknowledged_so(bench):
    await fill(bench, 60)
    wire = bench.connect()
    while bench.outbox.held:
        spans = [(message.first or message.seq, message.seq) for message in wire.messages()]
        bench.ack(*spans)
        await bench.wait(0.25)
    assert list(Ranges(spans)) == [(1, 3600)]
    assert any(message.first for message in wire.messages())
    assert sorted(wire.seqs()) == wire.seqs()
    assert all(message.values["battery.charge"] == message.seq for message in wire.messages())
    await bench.wait(1)
    assert bench.spool.rows == {}
    assert bench.outbox.trouble == ""


@pytest.mark.parametrize("fails", [0, 1], ids=["the disk works", "the disk fails once"])
async def test_each_device_keeps_a_reading_of_each_minute(bench, monkeypatch, fails):
    merge, tries = bench.spool.merge, []

    def merged(*what):
        tries.append(what)
        if len(tries) <= fails:
            raise StorageError("the spool: disk I/O error")
        return merge(*what)

    monkeypatch.setattr(bench.spool, "merge", merged)
    begin = int(bench.clock.now // 60)
    await fill(bench, 15, devices=12)  # a page is a quarter of a minute
    assert len(tries) > fails
    kept = {f"ups-{number}": set() for number in range(12)}
    for row in bench.spool.rows.values():
        message = decode(Readings, row.body)
        kept[message.device].add(int(message.at.boottime // 60))
    for device, minutes in kept.items():
        assert minutes == set(range(begin, max(minutes) + 1)), device


async def test_a_restart_knows_what_stands_for_what(bench):
    await fill(bench, 60)
    (before,) = bench.held().values()
    await bench.start()
    assert bench.held()[before.epoch].spans == before.spans == ((1, 3600),)


async def test_then_to_one_in_ten_minutes_then_the_oldest_go_and_are_named_and_alarms_never(bench, caplog):
    for _ in range(10):
        await bench.alarm()
        await fill(bench, 4000, devices=6, every=600.0)
    assert bench.outbox.used <= MOST
    told = [line for line in caplog.messages if line.startswith("the spool is full")]
    assert [word in line for word, line in zip(("a minute", "ten minutes", "dropped"), told, strict=True)] == [True] * 3
    assert "the oldest readings are dropped" in bench.outbox.trouble
    (voided,) = bench.outbox.hello().voided
    assert voided.reason == FULL
    assert list(accounted(bench)) == [(1, bench.outbox._ledger.last)]
    assert len(encode(bench.outbox.hello())) < 2000
    assert sum(row.topic.value == "alarms" for row in bench.spool.rows.values()) == 10
    assert len([line for line in caplog.messages if "are lost" in line]) == 1


async def test_an_alarm_is_committed_between_two_pages(bench):
    """Not behind all of them: the run loop does one page, and looks."""
    for _ in range(3000):
        bench.put()
    await bench.wait(1)
    pages = []
    merge = bench.spool.merge
    bench.spool.merge = lambda *rest: (pages.append(1), merge(*rest))[1]
    await bench.outbox.tick()
    assert len(pages) <= 1
    await bench.alarm()
    assert any(row.topic.value == "alarms" for row in bench.spool.rows.values())
    assert len(pages) <= 2


async def test_a_spool_of_nothing_but_alarms_is_looked_through_once_a_minute_and_it_is_said(bench, caplog):
    for number in range(1500):
        occurrence = Occurrence(id=f"{number}", device="ups-1", condition="on-battery")
        bench.outbox.put_alarms([Alarms(at=bench.clock.stamp(), occurrence=occurrence)])
    await bench.outbox.tick()
    assert bench.outbox.used > MOST
    looks, page = [], bench.spool.page
    bench.spool.page = lambda *rest: (looks.append(1), page(*rest))[1]
    await bench.wait(300)
    assert len(looks) < 400, "five times sixty pages, and not one after the other"
    seen = len(looks)
    for _ in range(20):
        await bench.outbox.tick()
    assert len(looks) == seen
    assert bench.outbox.trouble == "the spool is full: nothing in it can go"
    assert len([line for line in caplog.messages if "nothing in it can go" in line]) == 1
    bench.connect()
    for last in range(256, 1501, 4):
        bench.ack((1, last))
    await bench.wait(61)
    assert bench.outbox.trouble == ""


async def test_the_disk_s_own_limit_counts_where_it_is_below_the_settings(bench_kind, caplog):
    bench = bench_kind(page=100)
    await bench.start()
    bench.spool.room = 2 << 20
    for _ in range(4):
        for number in range(5000):
            bench.put(number, f"ups-{number % 2}")
            bench.clock.now += 1.0
        await bench.wait(100)
    assert bench.outbox.used <= 2 << 20
    assert bench.outbox.held == 20_000, "all of it is held or stood for"
    assert "thinned out to one a minute" in bench.outbox.trouble
    assert len(caplog.messages) == 1


async def test_no_room_is_a_reason_to_make_some_and_the_newest_is_kept(bench_kind, caplog):
    bench = bench_kind(page=100)
    await bench.start()
    for number in range(10_000):
        bench.put(number)
        bench.clock.now += 1.0
    await bench.wait(2)
    most, commit = bench.outbox.used, bench.spool.commit

    def tight(batch):  # a disk that somebody else has filled
        if batch.keep and bench.spool.space().used + len(batch.keep) * 300 > most:
            raise StorageFull("there is no room")
        return commit(batch)

    bench.spool.commit = tight
    for number in range(2000):
        bench.put(number)
        bench.clock.now += 1.0
    await bench.alarm()
    await bench.wait(60)
    assert bench.outbox.held == 12_001
    assert bench.outbox._lanes.unspooled() == [], "all of it is on the disk"
    assert any("thinned out" in line for line in caplog.messages)
    assert len([line for line in caplog.messages if "memory" in line]) == 1, "told once"
    assert caplog.messages.count("the spool can be written again") == 1


def test_how_long_it_lasts_is_said_and_warned_of_with_the_way_out(caplog):
    caplog.set_level("INFO")
    outlook = Outlook(room=256 << 20, rate=1.5, size=340.0)
    assert outlook.seconds == pytest.approx((256 << 20) / (1.5 * (340 + ROW)))
    tell(outlook, 3600.0, short=False)
    tell(outlook, 7 * 86400.0, short=False)
    tell(outlook, 7 * 86400.0, short=True)
    assert [record.levelname for record in caplog.records] == ["INFO", "WARNING", "WARNING"]
    assert "has room for 108 h at the present rate (1.5 messages a second of 340 bytes, 256 MiB)" in caplog.messages[0]
    assert 'write keep_bytes = "438 MiB"' in caplog.messages[1]
    assert "give its disk more room" in caplog.messages[2]
