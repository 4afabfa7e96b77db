"""Disks that misbehave, with real files: damaged pages, half a file, a full disk, one that is read-only, one that comes late."""

import itertools
import os
import shutil
import sqlite3
import subprocess
from pathlib import Path

import pytest

from agent.outbox.keeping import RETRY
from agent.outbox.lanes import OLD
from agent.outbox.rescue import connect, open_spool
from agent.outbox.spool import Account, Batch, Row
from agent.watch import Watched
from contract.alarm import Occurrence
from contract.errors import StorageFull, StorageTaken
from contract.message import Alarms, Readings, Topic, Voided, encode
from contract.ranges import Ranges

E1, E2 = "1" * 16, "2" * 16
PAGE = 4096


def row(epoch, seq, topic=Topic.READINGS):
    if topic is Topic.ALARMS:
        return Row(epoch, seq, topic, encode(Alarms(epoch, seq, occurrence=Occurrence(id="o", device="ups-1"))))
    return Row(epoch, seq, topic, encode(Readings(epoch, seq, "ups-1", values={"battery.charge": 1.0})))


def filled(path, count=500):
    spool = open_spool(path, "1")
    spool.open_epoch(E1)
    spool.commit(Batch(keep=[row(E1, seq) for seq in range(1, count + 1)], watched=[Watched("ups-1", "on-battery")]))
    spool.open_epoch(E2, [Account(E1, count + 3, 0, "j")])
    spool.commit(Batch(keep=[row(E2, 1, Topic.ALARMS)], void=[Voided(E1, ((2, 2),), "full")]))
    spool.close()


def leaves_of_messages(path):
    """Return the pages that hold messages: those in which the texts stand that only messages have."""
    body = path.read_bytes()
    return [at for at in range(PAGE, len(body), PAGE) if body[at : at + PAGE].count(b"battery.charge") > 3]


def flip(path, page, start=0, count=64):
    with path.open("r+b") as file:
        file.seek(page + start)
        old = file.read(count)
        file.seek(page + start)
        file.write(bytes(byte ^ 0xFF for byte in old))


def test_one_damaged_page_costs_what_was_on_it_and_no_more(tmp_path, caplog):
    path = tmp_path / "spool.db"
    filled(path)
    pages = leaves_of_messages(path)
    assert len(pages) > 5
    flip(path, pages[len(pages) // 2])
    spool = open_spool(path, "77")
    contents = spool.contents("3" * 16)
    whole = Ranges([(1, 1), (3, 500)])
    lost = whole.minus(contents.held[E1])
    assert 0 < lost.count() < 3 * whole.count() / len(pages)
    assert contents.held[E2] == Ranges([(1, 1)])
    assert contents.alarms == [row(E2, 1, Topic.ALARMS)]
    assert contents.watched == [Watched("ups-1", "on-battery")]
    assert contents.accounts[0] == Account(E1, 503, 0, "j")
    assert contents.voided == [Voided(E1, ((2, 2),), "full")]
    assert contents.aside == str(tmp_path / "spool.db.damaged-77")
    assert (tmp_path / "spool.db.damaged-77").exists()
    assert len([line for line in caplog.messages if "set aside" in line]) == 1
    spool.close()
    open_spool(path, "78").close()
    assert not (tmp_path / "spool.db.damaged-78").exists(), "the new one is whole"


@pytest.mark.parametrize("size", [0, 100, PAGE, 10 * PAGE + 17])
def test_half_a_file_gives_what_is_in_it_and_a_spool_that_works(tmp_path, size):
    path = tmp_path / "spool.db"
    filled(path)
    os.truncate(path, size)
    spool = open_spool(path, "77")
    spool.open_epoch("3" * 16)
    assert set(spool.held()) <= {E1, E2}
    spool.commit(Batch(keep=[row("3" * 16, 1)]))
    assert spool.held()["3" * 16] == Ranges([(1, 1)])
    spool.close()


def test_a_file_that_is_no_database_is_set_aside(tmp_path):
    path = tmp_path / "spool.db"
    path.write_bytes(b"this is no database" * 1000)
    spool = open_spool(path, "77")
    assert spool.held() == {}
    spool.close()
    assert (tmp_path / "spool.db.damaged-77").read_bytes().startswith(b"this is no")


def test_one_damaged_file_is_kept_to_be_looked_at_and_no_more(tmp_path):
    path = tmp_path / "spool.db"
    for stamp in ("1", "2", "3"):
        path.write_bytes(b"nonsense" * 1000)
        open_spool(path, stamp).close()
    assert [each.name for each in tmp_path.glob("*damaged*")] == ["spool.db.damaged-3"]


class KillError(Exception):
    pass


@pytest.mark.parametrize("renames", [1, 2])
def test_a_rescue_that_is_killed_between_its_renames_is_finished_by_the_next_process(tmp_path, monkeypatch, renames):
    path = tmp_path / "spool.db"
    filled(path)
    flip(path, leaves_of_messages(path)[4])
    wal = path.with_name("spool.db-wal")
    wal.write_bytes(b"left behind")
    rename, left = Path.rename, [None] * renames

    def killed(self, target):
        if not left:
            raise KillError
        left.pop()
        return rename(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", killed)
        with pytest.raises(KillError):
            open_spool(path, "77")
    assert not path.exists()
    spool = open_spool(path, "78")
    assert spool.held()[E1].count() > 400
    assert spool.aside == str(tmp_path / "spool.db.damaged-77"), "and it is known that something may be lost"
    spool.close()
    assert sorted(each.name for each in tmp_path.iterdir() if "-wal" not in each.name) == [
        "spool.db",
        "spool.db.damaged-77",
    ]


def test_a_body_that_is_garbled_is_not_taken_for_a_message(tmp_path):
    path = tmp_path / "spool.db"
    filled(path)
    database = sqlite3.connect(path)
    database.execute("UPDATE messages SET body = x'ff00' WHERE seq = 7")
    database.commit()
    database.close()
    flip(path, leaves_of_messages(path)[-1])
    spool = open_spool(path, "77")
    assert 7 not in spool.held()[E1]
    spool.close()


def test_a_spool_of_an_earlier_version_is_taken_over(tmp_path):
    path = tmp_path / "spool.db"
    database = sqlite3.connect(path)
    database.executescript("""
      CREATE TABLE messages (epoch TEXT NOT NULL, seq INTEGER NOT NULL, topic TEXT NOT NULL, body BLOB NOT NULL,
        PRIMARY KEY (epoch, seq)) WITHOUT ROWID;
      CREATE TABLE epochs (number INTEGER PRIMARY KEY AUTOINCREMENT, epoch TEXT NOT NULL UNIQUE);
    """)
    database.execute("INSERT INTO epochs (epoch) VALUES (?)", (E1,))
    database.execute("INSERT INTO messages VALUES (?, 1, 'readings', ?)", (E1, row(E1, 1).body))
    database.commit()
    database.close()
    spool = open_spool(path, "1")
    spool.open_epoch(E2)
    assert spool.page(E1, 1, 9) == ([row(E1, 1)], False)
    assert spool.accounts(E2) == [Account(E1, unsure=True)]
    spool.close()


def test_a_second_agent_is_told_so_and_does_not_go_on_in_memory(tmp_path):
    first = open_spool(tmp_path / "spool.db", "1")
    with pytest.raises(StorageTaken, match="give each its own `state`"):
        open_spool(tmp_path / "spool.db", "2")
    first.close()


def test_the_whole_file_is_checked_only_after_an_end_that_was_not_clean(tmp_path):
    path = tmp_path / "spool.db"
    asked = []

    def opened():
        connection = connect(path, asked.append)
        connection.close()
        return any("quick_check" in each for each in asked)

    filled(path)
    assert opened()
    spool = open_spool(path, "1")
    spool.commit(Batch(ended=[Account(E2, 1)]))
    spool.close()
    asked.clear()
    assert not opened()


# ---- a running outbox


@pytest.fixture
def real(bench_kind, tmp_path):
    """A bench on a real file, whose folder can be exchanged."""

    class Real(bench_kind):
        path = tmp_path / "state" / "spool.db"

        def __init__(self):
            super().__init__(tmp_path / "run")
            (tmp_path / "run").mkdir(exist_ok=True)
            self.spool = self

        async def start(self):
            if self.outbox is not None:
                await self.outbox.close()  # as its end does: two cannot have one file
            return await super().start()

        async def another(self):
            """A second agent on the same folder."""
            second = type(self)()
            second.path = self.path
            await second.start()

        def open(self, damaged):
            return open_spool(self.path, f"{self.clock.now:.0f}", damaged=damaged)

        def look(self):
            """Return what the next process would find."""
            copy = tmp_path / "copy"
            shutil.rmtree(copy, ignore_errors=True)
            shutil.copytree(self.path.parent, copy)
            spool = open_spool(copy / "spool.db", "1")
            held = spool.held()
            spool.close()
            return held

    return Real()


async def test_a_file_that_is_damaged_while_we_run_costs_little_and_it_is_said_what(real, caplog):
    await real.start()
    for number in range(2000):
        real.put(number)
    await real.alarm()
    await real.wait(2)
    await real.outbox.flush()
    await real.start()
    first = f"{1:016x}"
    assert real.held()[first].spans == ((1, 2001),)
    pages = leaves_of_messages(real.path)
    for page in pages[3:6]:
        flip(real.path, page, 0, PAGE)
    wire = real.connect()
    while real.outbox.held:
        real.ack(*((message.seq, message.seq) for message in wire.messages()), epoch=first)
        await real.wait(0.25)
    (voided,) = real.outbox.hello().voided
    assert voided.reason == "the spool was damaged"
    assert voided.epoch == first
    got = Ranges([(seq, seq) for seq in wire.seqs()])
    assert list(got.union(voided.spans)) == [(1, 2001)]
    assert 0 < Ranges(voided.spans).count() < 200
    assert 2001 in got, "the alarm"
    assert "was damaged" in real.outbox.trouble
    assert len([line for line in caplog.messages if "set aside" in line]) == 1
    real.put()
    await real.wait(2)
    assert real.look()[real.epoch] == Ranges([(1, 1)]), "and it goes on"


async def test_a_file_that_was_damaged_after_a_clean_end_is_saved_at_the_start(real, caplog):
    await real.start()
    for number in range(2000):
        real.put(number)
    await real.alarm("o", Watched("ups-1", "on-battery"))
    await real.outbox.flush()
    first = real.epoch
    await real.outbox.close()
    flip(real.path, leaves_of_messages(real.path)[3], 0, PAGE)
    assert await real.start() == [Watched("ups-1", "on-battery")]
    spans, (voided,) = real.held()[first].spans, real.outbox.hello().voided
    assert list(Ranges(spans).union(voided.spans)) == [(1, 2001)]
    assert not [line for line in caplog.messages if "memory" in line]


async def test_what_is_still_in_memory_is_no_loss_when_the_file_is_damaged(real):
    await real.start()
    real.connect()
    for number in range(30):
        real.put(number)
    await real.alarm()
    await real.wait(2)  # all of it on disk, and under way
    real.outbox._keeper._spool._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for page in leaves_of_messages(real.path):
        flip(real.path, page, 0, PAGE)
    real.outbox._keeper._spool._db.execute("PRAGMA shrink_memory")
    real.outbox._keeper._broken = True
    await real.outbox._keeper.close()
    await real.wait(RETRY + 2)
    assert real.outbox.hello().voided == ()
    assert real.look()[real.epoch] == Ranges([(1, 31)])


async def test_a_folder_that_cannot_be_written_at_start_is_told_once_and_taken_up_when_it_can(real, caplog):
    real.path.parent.write_text("a file where the folder should be")
    await real.start()
    real.put()
    await real.alarm("o", Watched("ups-1", "on-battery"))
    await real.wait(30)
    assert real.connect().seqs() == [2, 1], "it goes on in memory"
    assert "messages stay in memory" in real.outbox.trouble
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    real.path.parent.unlink()
    await real.wait(RETRY + 1)
    assert real.outbox.trouble == ""
    assert caplog.messages[1:] == ["the spool can be written again"]
    assert list(real.look().values()) == [Ranges([(1, 2)])]


async def test_a_folder_that_is_emptied_under_us_is_noticed_when_the_disk_is_taken_up_again(real):
    await real.start()
    real.put()
    await real.alarm()
    await real.wait(2)
    await real.outbox._keeper.close()
    shutil.rmtree(real.path.parent)
    await real.wait(RETRY + 1)
    assert list(real.look().values()) == [Ranges([(2, 2)])], "the alarm was in memory, and is kept again"
    (voided,) = real.outbox.hello().voided
    assert (voided.spans, voided.reason) == (((1, 1),), "gone from the disk")


async def test_a_spool_restored_from_a_backup_is_sent_once_more_and_what_came_after_it_is_not_forgotten(real, tmp_path):
    await real.start()
    for number in range(3):
        real.put(number)
    await real.wait(2)
    await real.outbox.close()
    shutil.copytree(real.path.parent, tmp_path / "backup")
    await real.start()
    real.connect()
    real.outbox.hello()
    real.ack((1, 3), epoch=f"{1:016x}")
    for number in range(2):
        real.put(number)
    real.ack((1, 2))
    await real.wait(2)
    assert list(real.held()) == [real.epoch]
    await real.outbox.close()
    shutil.rmtree(real.path.parent)
    (tmp_path / "backup").rename(real.path.parent)
    await real.start()
    first, second, ours = real.outbox.hello().held
    assert (first.epoch, first.spans, first.unsure) == (f"{1:016x}", ((1, 3),), True)
    assert (second.spans, second.last, second.settled, second.unsure) == ((), 2, 2, False)
    assert (ours.spans, ours.last) == ((), 0), "numbers begin anew in an epoch of their own"


async def test_a_new_spool_in_place_of_the_old_one_says_nothing_of_what_it_cannot_know(real, tmp_path):
    await real.start()
    real.put()
    await real.wait(2)
    await real.outbox.close()
    shutil.rmtree(real.path.parent)
    (tmp_path / "run" / "mark").unlink()
    await real.start()
    assert list(real.held()) == [real.epoch]


async def test_somebody_who_looks_into_the_spool_while_we_run_ends_nothing(real):
    await real.start()
    real.put()
    await real.wait(2)
    await real.outbox._keeper.close()
    looking = open_spool(real.path, "1")
    await real.wait(RETRY + 1)
    assert "messages stay in memory" in real.outbox.trouble
    looking.close()
    await real.wait(2 * RETRY + 1)
    assert real.outbox.trouble == ""
    with pytest.raises(StorageTaken):
        await real.another()


@pytest.fixture
def tiny(tmp_path):
    """A disk of 1 MiB that is mounted where the state is."""
    folder = tmp_path / "state"
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"no tmpfs can be mounted here: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


async def test_a_disk_that_is_full_costs_nothing_and_is_written_again_when_there_is_room(tiny, real, caplog):
    await real.start()
    real.put()
    await real.wait(2)
    ballast = tiny / "ballast"
    with ballast.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space"):
        file.writelines(itertools.repeat(b"x" * 4096))
    for number in range(1000):
        real.put(number)
    await real.alarm()
    await real.wait(30)
    assert "full" in real.outbox.trouble
    assert real.outbox.held == 1002
    assert real.outbox.hello().voided == ()
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    ballast.unlink()
    await real.wait(RETRY + 2)
    assert real.outbox.trouble == ""
    assert list(real.look().values()) == [Ranges([(1, 1002)])]


async def test_a_disk_that_is_smaller_than_the_settings_keeps_the_newest_and_never_runs_full(tiny, real, caplog):
    subprocess.run(["mount", "-o", "remount,size=10m", tiny], check=True)  # noqa: ASYNC221 - returns at once
    await real.start()
    for number in range(60_000):
        real.put(number, f"ups-{number % 3}")
        real.clock.now += 1.0
        if number % 500 == 499:
            await real.wait(4, step=1.0)
    await real.wait(20, step=1.0)
    assert caplog.messages == [line for line in caplog.messages if line.startswith("the spool is full")]
    assert real.look() == {real.epoch: Ranges([(1, 60_000)])}
    assert "thinned out" in real.outbox.trouble


async def test_a_start_on_a_disk_without_room_reads_what_is_there_and_sends_it(tiny, real, caplog):
    await real.start()
    for number in range(200):
        real.put(number)
    await real.alarm("o", Watched("ups-1", "on-battery"))
    await real.outbox.flush()
    first = real.epoch
    await real.outbox.close()
    ballast = tiny / "ballast"
    with ballast.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space"):
        file.writelines(itertools.repeat(b"x" * 4096))
    assert await real.start() == [Watched("ups-1", "on-battery")], "it knows what stood"
    assert not real.outbox.hello().partial
    assert real.held()[first].spans == ((1, 201),)
    wire = real.connect()
    real.put()
    await real.wait(10)
    assert sorted(message.seq for message in wire.messages() if message.epoch == first) == [*range(1, OLD + 1), 201]
    assert "full" in real.outbox.trouble
    assert len(caplog.records) == 1
    ballast.unlink()
    real.ack((1, 201), epoch=first)
    await real.wait(RETRY + 2)
    assert real.outbox.trouble == ""
    assert real.look() == {real.epoch: Ranges([(1, 1)])}


async def test_a_disk_that_becomes_read_only_costs_nothing_and_is_written_again(tiny, real):
    await real.start()
    real.put()
    await real.wait(2)
    await real.outbox._keeper.close()  # nothing can be made read-only while a file in it is open for writing
    subprocess.run(["mount", "-o", "remount,ro", tiny], check=True)  # noqa: ASYNC221 - returns at once
    real.put()
    await real.wait(10)
    assert "messages stay in memory" in real.outbox.trouble
    subprocess.run(["mount", "-o", "remount,rw", tiny], check=True)  # noqa: ASYNC221 - returns at once
    await real.wait(RETRY + 2)
    assert list(real.look().values()) == [Ranges([(1, 2)])]


async def test_a_start_on_a_full_or_read_only_disk_goes_on_in_memory(tiny, real):
    subprocess.run(["mount", "-o", "remount,ro", tiny], check=True)  # noqa: ASYNC221 - returns at once
    await real.start()
    real.put()
    await real.wait(2)
    assert real.connect().seqs() == [1]
    assert real.outbox.trouble
    subprocess.run(["mount", "-o", "remount,rw", tiny], check=True)  # noqa: ASYNC221 - returns at once
    await real.wait(RETRY + 2)
    assert list(real.look().values()) == [Ranges([(1, 1)])]


def test_a_rescue_that_finds_no_room_leaves_the_damaged_file_for_the_next_try(tiny):
    path = tiny / "spool.db"
    filled(path, 3000)
    flip(path, leaves_of_messages(path)[4])
    size = path.stat().st_size
    (tiny / "ballast").write_bytes(b"x" * 300_000)
    (tiny / "spool.db.damaged-1").write_bytes(b"of an earlier time")
    with pytest.raises(StorageFull):
        open_spool(path, "77")
    assert [(each.name, each.stat().st_size) for each in tiny.glob("spool*")] == [("spool.db", size)]
    (tiny / "ballast").unlink()
    spool = open_spool(path, "78")
    assert spool.held()[E1].count() > 2500
    spool.close()
