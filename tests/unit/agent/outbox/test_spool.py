import sqlite3

import pytest

from agent.outbox.rescue import open_spool
from agent.outbox.spool import Batch, Row, is_damage
from agent.watch import Watched
from contract.condition import Phase, Progress
from contract.errors import StorageError
from contract.message import Topic, Voided
from contract.ranges import Ranges

E1, E2 = "1" * 16, "2" * 16


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state" / "spool.db"


def row(epoch, seq, topic=Topic.READINGS):
    return Row(epoch, seq, topic, f"{epoch[0]}-{seq}".encode())


def test_what_is_kept_survives_a_restart_in_the_order_of_the_epochs(path):
    for epoch in (E2, E1):  # the older epoch has the greater name
        spool = open_spool(path, "1")
        spool.open_epoch(epoch)
        spool.commit(Batch(keep=[row(epoch, 1), row(epoch, 2, Topic.ALARMS), row(epoch, 3)]))
        spool.close()
    spool = open_spool(path, "1")
    assert list(spool.held().items()) == [(E2, Ranges([(1, 3)])), (E1, Ranges([(1, 3)]))]
    assert spool.alarms() == [row(E2, 2, Topic.ALARMS), row(E1, 2, Topic.ALARMS)]
    assert spool.page(E1, 2, 9) == ([row(E1, 2, Topic.ALARMS), row(E1, 3)], False)
    assert spool.page(E2, 1, 1) == ([row(E2, 1)], True)
    spool.close()


def test_every_commit_waits_for_the_disk(path):
    spool = open_spool(path, "1")
    assert spool._db.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL: no test can cut the power
    spool.close()


def test_a_message_that_is_there_stays_as_it_is(path):
    spool = open_spool(path, "1")
    spool.open_epoch(E1)
    spool.commit(Batch(keep=[row(E1, 1)]))
    spool.commit(Batch(keep=[Row(E1, 1, Topic.READINGS, b"other")]))
    assert spool.page(E1, 1, 5) == ([row(E1, 1)], False)
    spool.close()


def test_what_is_dropped_is_gone_and_what_is_voided_is_remembered_with_its_reason(path):
    spool = open_spool(path, "1")
    spool.open_epoch(E1)
    spool.commit(Batch(keep=[row(E1, seq) for seq in range(1, 11)]))
    spool.commit(Batch(drop=[(E1, (1, 4))], void=[Voided(E1, ((5, 5), (6, 6)), "full")]))
    assert spool.held() == {E1: Ranges([(7, 10)])}
    assert spool.voided() == [Voided(E1, ((5, 6),), "full")]
    spool.close()


def test_conditions_are_kept_and_forgotten(path):
    spool = open_spool(path, "1")
    stood = Watched("ups-1", "on-battery", Progress(Phase.ACTIVE, 3.0, 3.0))
    spool.commit(Batch(watched=[Watched("ups-1", "on-battery"), Watched("ups-1", "gone"), stood]))
    spool.commit(Batch(forget=[("ups-1", "gone")]))
    assert spool.watched() == [stood]
    spool.close()


@pytest.mark.parametrize("body", [b"nonsense", b'{"device": "ups\xff1"}', b"[" * 100_000])
def test_a_condition_that_cannot_be_read_is_left_out(path, body):
    spool = open_spool(path, "1")
    spool.commit(Batch(watched=[Watched("ups-1", "on-battery")]))
    spool.close()
    with sqlite3.connect(path) as db:
        db.execute("UPDATE conditions SET body = ?", (body,))
    db.close()
    spool = open_spool(path, "1")
    assert spool.watched() == []
    spool.close()


def test_a_folder_that_cannot_be_made_is_an_error_with_a_hint(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="folder not writable"):
        open_spool(tmp_path / "file" / "spool.db", "1")


def test_a_disk_that_fails_is_a_storage_error(path):
    spool = open_spool(path, "1")
    spool.close()
    with pytest.raises(StorageError):
        spool.commit(Batch(keep=[row(E1, 1)]))


def test_the_disk_is_asked_to_write_at_every_commit(path):
    spool = open_spool(path, "1")
    assert spool._db.execute("PRAGMA synchronous").fetchone() == (2,)
    assert spool._db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    spool.close()


def test_a_second_agent_cannot_use_the_same_spool(tmp_path):
    first = open_spool(tmp_path / "spool.db", "1")
    with pytest.raises(StorageError, match="give each its own `state`"):
        open_spool(tmp_path / "spool.db", "2")
    first.open_epoch(E1)
    first.close()
    open_spool(tmp_path / "spool.db", "3").close()


def test_messages_that_a_kill_left_without_their_epoch_go_once_more(path):
    spool = open_spool(path, "1")
    spool.open_epoch(E1)
    spool.commit(Batch(keep=[row(E1, 1)]))
    spool.commit(Batch(done=[E1]))
    spool.close()
    spool = open_spool(path, "1")
    spool.open_epoch(E2)
    assert spool.held() == {E1: Ranges([(1, 1)])}
    assert [account.unsure for account in spool.accounts(E2)] == [True]
    spool.close()


def test_epochs_of_which_nothing_is_held_are_remembered_up_to_a_number(path, monkeypatch, caplog):
    monkeypatch.setattr("agent.outbox.spool.EPOCHS_MOST", 5)
    spool = open_spool(path, "1")
    for number in range(20):
        spool.open_epoch(f"{number:016x}")
        if number == 3:
            spool.commit(Batch(keep=[row(f"{number:016x}", 1)]))
    kept = [account.epoch for account in spool.accounts(f"{19:016x}")]
    assert kept == [f"{number:016x}" for number in (3, 14, 15, 16, 17, 18)]
    assert caplog.messages[-1] == "1 epochs and 0 ranges of lost messages that no gateway took are forgotten"
    spool.close()


@pytest.mark.parametrize(
    ("code", "damaged"),
    [
        (sqlite3.SQLITE_CORRUPT_INDEX, True),
        (sqlite3.SQLITE_NOTADB, True),
        (sqlite3.SQLITE_IOERR_READ, True),
        (sqlite3.SQLITE_IOERR_SHORT_READ, True),
        (sqlite3.SQLITE_IOERR_WRITE, False),
        (sqlite3.SQLITE_IOERR_LOCK, False),
        (sqlite3.SQLITE_FULL, False),
        (sqlite3.SQLITE_BUSY, False),
    ],
)
def test_what_cannot_be_read_is_damaged_and_what_cannot_be_written_is_not(code, damaged):
    error = sqlite3.OperationalError("of some kind")
    error.sqlite_errorcode = code
    assert is_damage(error) is damaged
