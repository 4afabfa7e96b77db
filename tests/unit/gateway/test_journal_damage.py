"""Broken journals, on real files: the gateway starts, saves what can be read, and says what happened."""

import asyncio
import random
import shutil
import sqlite3
import subprocess
import sys
from contextlib import asynccontextmanager

import pytest

from contract.clock import Stamp
from contract.errors import StorageError
from contract.message import Topic
from contract.ranges import Ranges
from gateway.event import Event
from gateway.journal import Journal
from gateway.journal.file import connect
from gateway.journal.record import Incoming
from gateway.journal.verify import verify

EPOCH = "00000000000000aa"
COUNT = 3000
PAGE = 8192


class Clock:
    def stamp(self):
        return Stamp(wall=1000.0, boottime=10.0, boot="b", trusted=True)

    def boottime(self):
        return 10.0


@asynccontextmanager
async def opened(path):
    journal = await Journal.open(path, Clock())
    writer = asyncio.create_task(journal.run())
    try:
        yield journal
    finally:
        writer.cancel()
        await asyncio.wait([writer])
        await journal.close()


def reading(seq):
    return Incoming("hq", "a", Topic.READINGS, b'{"n":%d,"x":"%s"}' % (seq, b"x" * 500), 1000.0, EPOCH, seq)


async def made(path, *, stored=COUNT):
    """Make a journal of COUNT readings, and return its id."""
    async with opened(path) as journal:
        for start in range(0, COUNT, 500):
            await journal.append([reading(seq) for seq in range(start + 1, start + 501)])
        await journal.record_event(Event(at=5.0, incident="A10", kind="opened"))
        await journal.set_cursor("store", stored)
        return journal.id


def break_pages(path, *pages):
    with path.open("r+b") as file:
        for page in pages:
            file.seek(page * PAGE)
            file.write(b"\xa5" * PAGE)


async def everything(journal):
    rows, at = [], 0
    while page := await journal.after(at, 700):
        rows += page
        at = page[-1].id
    return rows


async def test_a_page_in_the_middle_is_broken(tmp_path, caplog):
    path = tmp_path / "j.db"
    name = await made(path)
    middle = path.stat().st_size // PAGE // 2
    break_pages(path, middle)
    journal = await Journal.open(path, Clock())  # a start reads the end only
    writer = asyncio.create_task(journal.run())
    assert journal.id == name
    with pytest.raises(StorageError, match="malformed"):
        await everything(journal)
    await asyncio.wait([writer], timeout=5)
    with pytest.raises(StorageError, match=r"the journal is damaged.*start again"):
        writer.result()  # ends the process
    with pytest.raises(StorageError):
        await journal.append([reading(COUNT + 1)])  # nothing is acknowledged any more
    await journal.close()

    async with opened(path) as journal:
        rows = await everything(journal)
        assert journal.id != name
        assert journal.former == (name,)
        assert COUNT - 40 < len(rows) < COUNT
        assert all(row.body == reading(row.seq).body for row in rows)
        assert rows[0].seq == 1
        assert rows[-1].seq == COUNT
        assert await journal.append([reading(COUNT), reading(COUNT + 1)]) == [0, COUNT + 1]
        assert await journal.cursor("store") == COUNT
        kinds = [event.kind for event in await journal.events()]
        assert kinds == ["opened", "damaged"]
        assert "damaged-1000" in (await journal.events())[1].text
    assert (tmp_path / "j.db.damaged-1000").stat().st_size > COUNT * 500
    assert "it is set aside as" in caplog.text
    assert verify(path).faults == ()


async def test_what_the_store_had_not_seen_and_is_gone_is_named(tmp_path):
    path = tmp_path / "j.db"
    await made(path, stored=100)
    break_pages(path, path.stat().st_size // PAGE // 2)
    (tmp_path / "j.db.damaged").touch()
    async with opened(path) as journal:
        there = Ranges((row.seq, row.seq) for row in await everything(journal))
    gone = Ranges([(1, COUNT)]).minus(there)
    (stream,) = verify(path).streams
    assert [(gap.kind, Ranges(gap.numbers)) for gap in stream.gaps] == [("dropped", gone)]
    assert not verify(path).complete


async def test_what_lies_between_two_broken_pages_is_saved(tmp_path):
    path = tmp_path / "j.db"
    await made(path)
    pages = path.stat().st_size // PAGE
    break_pages(path, pages // 4, pages // 2, 3 * pages // 4)
    (tmp_path / "j.db.damaged").touch()
    async with opened(path) as journal:
        assert COUNT - 120 < len(await everything(journal)) < COUNT


async def test_the_file_is_cut_short(tmp_path):
    path = tmp_path / "j.db"
    name = await made(path)
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)
    async with opened(path) as journal:
        rows = await everything(journal)
        assert journal.id != name
        assert COUNT // 4 < len(rows) < COUNT
        assert all(row.body == reading(row.seq).body for row in rows)
        assert await journal.append([reading(1), reading(COUNT + 1)]) == [0, COUNT + 1]  # no id is used again


@pytest.mark.parametrize("length", [16, 100, 4096])
async def test_the_head_of_the_file_is_garbage(tmp_path, length):
    path = tmp_path / "j.db"
    name = await made(path)
    with path.open("r+b") as file:
        file.write(b"\xa5" * length)
    async with opened(path) as journal:
        assert journal.id != name
        assert len(await everything(journal)) == COUNT
        assert await journal.append([reading(1), reading(COUNT + 1)]) == [0, COUNT + 1]


async def test_an_empty_file_is_a_new_journal(tmp_path):
    path = tmp_path / "j.db"
    path.touch()
    async with opened(path) as journal:
        assert await journal.append([reading(1)]) == [1]


KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from test_damage import Clock, reading
from gateway.journal import Journal

async def run():
    journal = await Journal.open(Path(sys.argv[1]), Clock())
    asyncio.create_task(journal.run())
    await journal.append([reading(seq) for seq in range(1, 51)])
    print(journal.id, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(run())
"""


def killed(path, tmp_path):
    """Start a journal in a process of its own, commit 50 readings, and kill it; return its id."""
    shutil.copy(__file__, tmp_path / "test_damage.py")
    command = [sys.executable, "-W", "ignore", "-c", KILLED, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=60)
    assert done.returncode == -9, done.stderr
    return done.stdout.strip()


async def test_after_a_kill_all_that_was_committed_is_there(tmp_path):
    path = tmp_path / "j.db"
    name = killed(path, tmp_path)
    async with opened(path) as journal:
        assert journal.id == name
        assert journal.have("hq", "a", EPOCH) == Ranges([(1, 50)])


async def test_its_wal_is_lost(tmp_path, caplog):
    path = tmp_path / "j.db"
    name = killed(path, tmp_path)
    (tmp_path / "j.db-wal").unlink()
    async with opened(path) as journal:
        assert journal.id != name  # so that the agents send again what they hold
        assert journal.former == (name,)
        assert not journal.have("hq", "a", EPOCH)
    assert "its last commits are gone" in caplog.text


async def test_an_older_copy_is_put_back_in_its_place(tmp_path):
    path = tmp_path / "j.db"
    async with opened(path) as journal:
        await journal.append([reading(1)])
    backup = path.read_bytes()
    async with opened(path) as journal:
        await journal.append([reading(2)])
        name = journal.id
    path.write_bytes(backup)  # the same file to the system
    async with opened(path) as journal:
        assert journal.id != name
        assert await journal.append([reading(1), reading(2)]) == [0, 2]
        name = journal.id
    async with opened(path) as journal:
        assert journal.id == name


async def test_a_rescue_that_was_cut_short_begins_anew(tmp_path):
    path = tmp_path / "j.db"
    await made(path)
    (tmp_path / "j.db.damaged").touch()
    (tmp_path / "j.db.rescued").write_text("half of a file")
    async with opened(path) as journal:
        assert len(await everything(journal)) == COUNT
    assert not (tmp_path / "j.db.rescued").exists()
    assert not (tmp_path / "j.db.damaged").exists()
    # And one that was cut short between its two renamings.
    path.rename(tmp_path / "j.db.rescued")
    async with opened(path) as journal:
        assert len(await everything(journal)) == COUNT


async def test_what_is_left_of_the_damaged_file_is_not_played_over_the_rescued_one(tmp_path):
    path = tmp_path / "j.db"
    db = connect(path)
    rows = [(seq, 1, 0, seq, seq, 1000.0, b"old" * 200) for seq in range(1, 1000)]
    db.executemany("INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
    shutil.copy(tmp_path / "j.db-wal", tmp_path / "wal")
    db.close()
    async with opened(tmp_path / "new.db") as journal:
        await journal.append([reading(seq) for seq in range(1, 51)])
    # It was killed between the renaming of the file and that of its -wal.
    path.rename(tmp_path / "j.db.damaged-1000")
    (tmp_path / "wal").rename(tmp_path / "j.db-wal")
    (tmp_path / "new.db").rename(tmp_path / "j.db.rescued")
    async with opened(path) as journal:
        assert [row.body for row in await everything(journal)] == [reading(seq).body for seq in range(1, 51)]
    assert (tmp_path / "j.db.damaged-1000-wal").exists()
    assert verify(path).faults == ()


async def test_what_is_no_number_where_one_must_be_keeps_nobody_from_starting(tmp_path):
    path = tmp_path / "j.db"
    await made(path)
    db = connect(path)
    db.execute("INSERT INTO gaps VALUES (1, 'x', 5, 'lost', 'why', 1.0)")
    db.execute("UPDATE streams SET last = x'00'")
    db.close()
    async with opened(path) as journal:
        assert len(await everything(journal)) == COUNT
        assert await journal.gaps() == {}


async def test_flipped_bits_in_a_message_cost_that_message_alone(tmp_path):
    path = tmp_path / "j.db"
    await made(path)
    data = path.read_bytes()
    at = data.index(b'{"n":1500,')
    path.write_bytes(data[:at] + b"\x1e\x00\x1e" + data[at + 3 :])
    async with opened(path) as journal:
        rows = await everything(journal)
        assert [row.seq for row in rows] == list(range(1, COUNT + 1))
        assert [row.seq for row in rows if row.body != reading(row.seq).body] == [1500]


@pytest.mark.parametrize("seed", range(12))
async def test_whatever_is_broken_it_starts_again_and_goes_on(tmp_path, seed):
    path = tmp_path / "j.db"
    await made(path, stored=1000)
    rng = random.Random(seed)
    data = bytearray(path.read_bytes())
    for _ in range(rng.choice((1, 3, 20))):
        at, length = rng.randrange(len(data)), rng.choice((1, 8, 600, PAGE, 5 * PAGE))
        data[at : at + length] = rng.choice((b"\0", b"\xff", rng.randbytes(1))) * len(data[at : at + length])
    path.write_bytes(data)
    for _ in range(3):
        try:
            async with opened(path) as journal:
                rows = await everything(journal)
                assert await journal.append([reading(COUNT + 1)]) == [journal.position]
                break
        except StorageError:
            continue
    else:
        pytest.fail("three starts were not enough")
    good = [row for row in rows if row.body == reading(row.seq).body]
    assert len({row.seq for row in good}) == len(good)
    report = verify(path)
    assert report.messages == len(rows) + 1
    assert [fault for fault in report.faults if "twice" in fault] == []


# Disks that fail


async def fails_and_recovers(journal, caplog, broken, mended):
    await journal.append([reading(1)])
    await journal._writer.apart(lambda: journal._writer.db.execute(broken).fetchall())
    for _ in range(3):
        with pytest.raises(StorageError, match="cannot be written"):
            await journal.append([reading(seq) for seq in range(1, 400)])
    assert journal.have("hq", "a", EPOCH) == Ranges([(1, 1)])
    await journal._writer.apart(lambda: journal._writer.db.execute(mended).fetchall())
    assert await journal.append([reading(1), reading(2)]) == [0, 2]
    said = [record.message for record in caplog.records]
    assert sum("nothing is acknowledged" in text for text in said) == 1
    assert sum("written again" in text for text in said) == 1


async def test_a_full_disk_acknowledges_nothing_and_is_told_once(tmp_path, caplog):
    async with opened(tmp_path / "j.db") as journal:
        await fails_and_recovers(journal, caplog, "PRAGMA max_page_count = 1", "PRAGMA max_page_count = 100000")
        assert "full" in caplog.text


async def test_a_disk_that_became_read_only_acknowledges_nothing_and_is_told_once(tmp_path, caplog):
    async with opened(tmp_path / "j.db") as journal:
        await fails_and_recovers(journal, caplog, "PRAGMA query_only = ON", "PRAGMA query_only = OFF")
        assert "readonly" in caplog.text


async def test_a_journal_of_a_newer_version_is_left_alone(tmp_path):
    path = tmp_path / "j.db"
    await made(path)
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(StorageError, match="newer version"):
        await Journal.open(path, Clock())
    assert [one.name for one in tmp_path.glob("j.db.damaged*")] == []
