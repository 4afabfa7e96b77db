"""The journal keeps each message once, tells it in order, and forgets nothing in a restart."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from contract.clock import Stamp
from contract.errors import StorageError
from contract.message import Topic
from contract.ranges import Ranges
from gateway.event import Event
from gateway.journal import Journal
from gateway.journal import journal as module
from gateway.journal.record import Aside, Gap, Incoming

EPOCH = "00000000000000aa"


class FixedClock:
    def stamp(self) -> Stamp:
        return Stamp(wall=1000.0, boottime=10.0, boot="b", trusted=True)

    def boottime(self) -> float:
        return 10.0


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[Journal]:
    journal = await Journal.open(path, FixedClock())
    writer = asyncio.create_task(journal.run())
    try:
        yield journal
    finally:
        writer.cancel()
        await asyncio.wait([writer])
        await journal.close()


def reading(seq, *, epoch=EPOCH, agent="a", received=1000.0):
    return Incoming("hq", agent, Topic.READINGS, b"{}", received, epoch, seq)


async def test_a_message_is_kept_once(tmp_path):
    async with opened(tmp_path / "j.db") as journal:
        first = await journal.append([reading(1), reading(2), reading(2)])
        again = await journal.append([reading(2), reading(4)])
        assert (first, again) == ([1, 2, 0], [0, 3])
        assert journal.have("hq", "a", EPOCH) == Ranges([(1, 2), (4, 4)])
        assert [row.seq for row in await journal.after(0, 10)] == [1, 2, 4]


async def test_the_same_number_of_another_epoch_or_agent_is_another_message(tmp_path):
    async with opened(tmp_path / "j.db") as journal:
        stored = await journal.append([reading(1), reading(1, epoch="00000000000000bb"), reading(1, agent="b")])
        assert stored == [1, 2, 3]


async def test_messages_without_a_number_are_all_kept(tmp_path):
    async with opened(tmp_path / "j.db") as journal:
        hello = Incoming("hq", "a", Topic.HELLO, b"{}", 1.0)
        assert await journal.append([hello, hello]) == [1, 2]


async def test_many_at_once_lose_nothing_and_double_nothing(tmp_path):
    async with opened(tmp_path / "j.db") as journal:
        jobs = [journal.append([reading(seq), reading(seq + 1)]) for seq in range(1, 400)]
        ids = [number for numbers in await asyncio.gather(*jobs) for number in numbers if number]
        assert sorted(ids) == list(range(1, 401))
        kept = await journal.after(0, 1000)
        assert [row.id for row in kept] == list(range(1, 401))
        assert sorted(row.seq for row in kept) == list(range(1, 401))


async def test_a_restart_keeps_identity_messages_ranges_cursors_and_events(tmp_path):
    async with opened(tmp_path / "j.db") as journal:
        await journal.append([reading(1)])
        await journal.set_cursor("store", 1, [Aside(1, "bad", final=True)], "notes")
        event = await journal.record_event(Event(at=5.0, incident="A10", kind="opened", data={"灯": 1}))
        name = journal.id
    async with opened(tmp_path / "j.db") as journal:
        assert journal.id == name
        assert await journal.append([reading(1)]) == [0]
        assert await journal.cursor("store") == 1
        assert await journal.notes("store") == "notes"
        assert await journal.aside("store", final=True) == [Aside(1, "bad", final=True)]
        assert await journal.events() == [event]
        assert await journal.events("A10") == [event]
        assert await journal.events("B10") == []


async def test_words_in_no_utf_8_are_kept_as_far_as_they_can_be_and_stop_no_message(tmp_path):
    gbk = "已收".encode("gbk").decode("utf-8", "surrogateescape")
    async with opened(tmp_path / "j.db") as journal:
        kept = await journal.record_event(
            Event(at=5.0, incident="A10", kind="noted", text=f"ok {gbk}", data={"a": gbk})
        )
        assert kept.text.startswith("ok ?")
        assert await journal.events("A10") == [kept]
        assert await journal.append([reading(1)]) == [1]


async def test_every_commit_waits_for_the_disk(tmp_path):
    async with opened(tmp_path / "j.db") as journal:
        assert journal._writer.db.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL: no test can cut the power


async def test_a_new_journal_and_a_restored_one_have_new_ids(tmp_path):
    async with opened(tmp_path / "j.db") as journal:
        name = journal.id
        await journal.append([reading(1)])
    copy = tmp_path / "copy.db"
    copy.write_bytes((tmp_path / "j.db").read_bytes())
    async with opened(copy) as restored, opened(tmp_path / "new.db") as new:
        assert len({name, restored.id, new.id}) == 3
        assert await restored.append([reading(1)]) == [0]


async def test_what_is_lost_is_named_and_no_longer_when_it_comes_after_all(tmp_path):
    async with opened(tmp_path / "j.db") as journal:
        lost = Ranges([(2, 3)])
        await journal.account("hq", "a", [Gap(EPOCH, lost, "lost", "why")])
        assert await journal.gaps() == {("hq", "a", EPOCH): lost}
        assert await journal.append([reading(2)]) == [1]
        assert await journal.gaps() == {("hq", "a", EPOCH): Ranges([(3, 3)])}


@pytest.mark.parametrize("checkpoint", [True, False])
async def test_messages_without_a_number_keep_their_stream_from_looking_old(tmp_path, checkpoint):
    hello = Incoming("hq", "a", Topic.HELLO, b"{}", 1000.0)
    async with opened(tmp_path / "j.db") as journal:
        await journal.append([hello, reading(1)])
        await journal.append([msgspec.structs.replace(hello, received=2000.0)])
        assert [stream.epoch for stream in journal.streams.all() if stream.touched < 1500.0] == [EPOCH]
        if checkpoint:
            await journal.covered(journal.position)
        for extra in ("", "-wal"):
            (tmp_path / f"copy.db{extra}").write_bytes((tmp_path / f"j.db{extra}").read_bytes())
    async with opened(tmp_path / "copy.db") as journal:
        assert [stream.epoch for stream in journal.streams.all() if stream.touched < 1500.0] == [EPOCH]


async def test_a_disk_that_has_another_number_after_a_boot_makes_no_new_journal(tmp_path):
    path = tmp_path / "j.db"
    async with opened(path) as journal:
        name = journal.id
    with sqlite3.connect(path) as db:
        (file,) = db.execute("SELECT value FROM meta WHERE name = 'file'").fetchone()
        assert file == str(path.stat().st_ino)
        db.execute("UPDATE meta SET value = ? WHERE name = 'file'", (f"4711:{file}",))
    db.close()
    async with opened(path) as journal:
        assert journal.id == name


async def test_a_page_of_big_messages_is_cut_short_and_none_is_left_out(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "PAGE_BYTES", 2**16)  # SQLite's own limit is reached as fast
    big = b"x" * 10_000
    async with opened(tmp_path / "j.db") as journal:
        await journal.append([msgspec.structs.replace(reading(seq), body=big) for seq in range(1, 101)])
        sizes, at = [], 0
        while page := await journal.after(at, 1000):
            assert [row.id for row in page] == list(range(at + 1, at + 1 + len(page)))
            assert all(row.body == big for row in page)
            sizes.append(len(page))
            at = page[-1].id
        assert at == 100
        assert max(sizes) * len(big) <= 2 * 2**16
        monkeypatch.setattr(module, "PAGE_BYTES", 1)
        assert len(await journal.after(0, 1000)) == 1


async def test_readers_wake_when_messages_come(tmp_path):
    async with opened(tmp_path / "j.db") as journal:
        with journal.watch() as grown:
            await journal.append([reading(1)])
            await asyncio.wait_for(grown.wait(), 1)
            grown.clear()
            await journal.append([reading(1)])
            assert not grown.is_set()


async def test_a_disk_that_fails_acknowledges_nothing_and_works_again_later(tmp_path, caplog):
    path = tmp_path / "j.db"
    async with opened(path) as journal:
        journal._writer.db.execute("PRAGMA busy_timeout = 10")
        with sqlite3.connect(path, isolation_level=None) as other:
            other.execute("BEGIN IMMEDIATE")
            for _ in range(2):
                with pytest.raises(StorageError, match="cannot be written"):
                    await journal.append([reading(1)])
            other.execute("ROLLBACK")
        other.close()
        assert not journal.have("hq", "a", EPOCH)
        assert await journal.append([reading(1)]) == [1]
        messages = [record.message for record in caplog.records]
        assert sum("nothing is acknowledged" in text for text in messages) == 1
        assert sum("written again" in text for text in messages) == 1


async def test_a_file_that_is_no_journal_is_set_aside_and_a_new_one_begins(tmp_path, caplog):
    path = tmp_path / "j.db"
    path.write_text("this is no database, and long enough to be sure of it" * 20)
    async with opened(path) as journal:
        assert await journal.append([reading(1)]) == [1]
    assert "it is set aside" in caplog.text
    assert (tmp_path / "j.db.damaged-1000").read_text().startswith("this is no database")


async def test_once_closed_all_of_it_is_in_its_file_whatever_work_returned(tmp_path):
    path = tmp_path / "j.db"
    async with opened(path) as journal:
        kept = [await journal.do(lambda db: db.executemany("DELETE FROM aside WHERE message = ?", [(1,)]))]
        await journal.append([reading(1)])
    assert not (tmp_path / "j.db-wal").exists()
    assert kept == [None]
