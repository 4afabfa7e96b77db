"""What is missing is found and named; what is only late, or another's, is not called missing."""

import asyncio
import json
import sqlite3
from contextlib import asynccontextmanager

import pytest

from contract.clock import Stamp
from contract.errors import StorageError
from contract.message import Held, Hello, Topic, encode
from contract.ranges import Ranges
from gateway.__main__ import main
from gateway.journal import Journal
from gateway.journal.record import Aside, Gap, Incoming
from gateway.journal.retention import Retention
from gateway.journal.verify import SILENT, verify

EPOCH, OTHER = "00000000000000aa", "00000000000000bb"


class Clock:
    wall = 10_000.0

    def stamp(self):
        return Stamp(wall=self.wall, boottime=10.0, boot="b", trusted=True)

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


def reading(seq, *, epoch=EPOCH, agent="a", first=0):
    return Incoming("hq", agent, Topic.READINGS, b"{}", 1000.0, epoch, seq, first)


def readings(first, last, **more):
    return [reading(seq, **more) for seq in range(first, last + 1)]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "journal.db"


def only(report):
    (stream,) = report.streams
    return stream


async def test_all_there_and_stored(path):
    async with opened(path) as journal:
        await journal.append([*readings(1, 5), reading(5), reading(5)])
        await journal.set_cursor("store", 3)
        report = verify(path)  # while it runs
        assert (only(report).count, only(report).stored, only(report).waiting) == (5, 3, 2)
        await journal.set_cursor("store", 5)
    report = verify(path)
    assert report.complete
    assert report.faults == ()
    assert report.cursors == {"store": 5}
    one = only(report)
    assert (one.agent, one.epoch, one.received, one.count, one.stored) == ("a", EPOCH, ((1, 5),), 5, 5)
    assert (one.duplicates, one.missing, one.gaps) == (2, (), ())


async def test_without_a_store_nothing_is_called_stored(path):
    async with opened(path) as journal:
        await journal.append(readings(1, 5))
    assert (only(verify(path)).stored, only(verify(path)).waiting) == (None, 0)


async def test_a_hole_that_nobody_has_named_is_missing(path):
    async with opened(path) as journal:
        await journal.append([*readings(2, 3), reading(7)])
    report = verify(path)
    assert only(report).missing == ((1, 1), (4, 6))
    assert not report.complete


async def test_what_the_agent_still_holds_is_on_its_way(path):
    hello = encode(Hello(epoch=OTHER, held=(Held(epoch=EPOCH, spans=((2, 2), (9, 20)), last=20),)))
    async with opened(path) as journal:
        await journal.append([reading(1), reading(4), Incoming("hq", "a", Topic.HELLO, hello, 1000.0)])
    assert only(verify(path)).held == ((2, 2), (9, 20))
    assert only(verify(path)).missing == ((3, 3), (5, 8))


HOLDS = encode(Hello(epoch=OTHER, held=(Held(epoch=EPOCH, spans=((2, 20),), last=20),)))


async def test_what_an_agent_holds_that_is_not_heard_for_long_is_missing(path, capsys):
    async with opened(path) as journal:
        await journal.append([reading(1), Incoming("hq", "a", Topic.HELLO, HOLDS, 1000.0)])
    assert verify(path, wall=1000.0 + SILENT).complete
    report = verify(path, wall=1001.0 + SILENT)
    assert not report.complete
    assert (only(report).held, only(report).since) == (((2, 20),), 1000.0)
    assert main(["journal", "verify", "--file", str(path)]) == 1
    assert "still held by the agent since 1970-01-01" in capsys.readouterr().out


async def test_what_was_declared_held_and_no_newer_hello_speaks_of_is_missing(path):
    async with opened(path) as journal:
        await journal.append([reading(1), Incoming("hq", "a", Topic.HELLO, HOLDS, 1000.0)])
        await journal.account("hq", "a", [], declared={EPOCH: 20, OTHER: 3})
        await journal.append([Incoming("hq", "a", Topic.HELLO, encode(Hello(epoch=OTHER)), 1001.0)])
    assert [(one.epoch, one.missing) for one in verify(path).streams] == [(EPOCH, ((2, 20),)), (OTHER, ((1, 3),))]


@pytest.mark.parametrize(("kind", "complete"), [("lost", False), ("thinned", False), ("elsewhere", True)])
async def test_what_is_named_is_shown_with_its_kind_and_only_another_journals_is_no_loss(path, kind, complete):
    async with opened(path) as journal:
        await journal.append([*readings(1, 3), *readings(6, 7)])
        await journal.account("hq", "a", [Gap(EPOCH, Ranges([(4, 5)]), kind, "why")])
    report = verify(path)
    (gap,) = only(report).gaps
    assert (gap.kind, gap.reason, gap.count, gap.numbers) == (kind, "why", 2, ((4, 5),))
    assert only(report).missing == ()
    assert report.complete is complete


async def test_an_epoch_of_which_all_was_lost_is_shown(path):
    async with opened(path) as journal:
        await journal.account("hq", "a", [Gap(EPOCH, Ranges([(1, 5)]), "lost", "why")])
        await journal.account("hq", "b", [Gap(EPOCH, Ranges(), "unsure", "who knows")])
    report = verify(path)
    assert [(one.agent, [gap.kind for gap in one.gaps]) for one in report.streams] == [
        ("a", ["lost"]),
        ("b", ["unsure"]),
    ]
    assert not report.complete


async def test_what_was_lost_and_came_after_all_is_no_gap(path):
    async with opened(path) as journal:
        await journal.append([reading(1), reading(3)])
        await journal.account("hq", "a", [Gap(EPOCH, Ranges([(2, 2)]), "lost", "why")])
        await journal.append([reading(2)])
    assert verify(path).complete


async def test_what_the_agent_thinned_out_is_not_received_and_not_missing(path):
    async with opened(path) as journal:
        await journal.append([reading(1), reading(10, first=2)])
        await journal.set_cursor("store", 2)
    one = only(verify(path))
    assert (one.count, one.stored, one.missing) == (2, 2, ())
    assert [(gap.kind, gap.numbers) for gap in one.gaps] == [("thinned", ((2, 9),))]


async def test_what_is_set_aside_is_counted_by_reason_and_is_not_stored(path):
    async with opened(path) as journal:
        await journal.append(readings(1, 10))
        aside = [Aside(1, "undated", final=False), Aside(2, "bad", final=True), Aside(3, "bad", final=True)]
        await journal.set_cursor("store", 9, aside)
    one = only(verify(path))
    assert {(count.reason, count.final, count.count) for count in one.aside} == {
        ("undated", False, 1),
        ("bad", True, 2),
    }
    assert (one.stored, one.waiting) == (6, 1)


async def test_what_the_store_refused_is_not_complete_before_and_after_its_message_is_dropped(path, capsys):
    async with opened(path) as journal:
        await journal.append(readings(1, 10))
        await journal.set_cursor("store", 10, [Aside(2, "bad", final=True), Aside(4, "undated", final=False)])
        before = verify(path)
        assert (only(before).refused, before.complete) == (1, False)
        await asyncio.to_thread(main, ["journal", "verify", "--file", str(path)])
        assert "refused by the store 1: bad" in capsys.readouterr().out
        limits = {"readers": ["store"], "rare_readers": ["store"], "standing": set, "disk": lambda: 0}
        await Retention(journal, Clock(), keep=0.0, most=2**40, **limits).nightly()
    assert (only(verify(path)).refused, verify(path).complete) == (1, False)


async def test_what_was_dropped_unstored_or_refused_is_not_stored_and_not_complete(path):
    async with opened(path) as journal:
        await journal.append(readings(1, 10))
        await journal.set_cursor("store", 5, [Aside(2, "bad", final=True)])
        limits = {"readers": ["store"], "rare_readers": ["store"], "standing": set, "disk": lambda: 0}
        await Retention(journal, Clock(), keep=0.0, most=2**40, **limits).nightly()
        assert verify(path).complete is False
        await Retention(journal, Clock(), keep=0.0, most=1, **limits).look()
    report = verify(path)
    one = only(report)
    assert [gap.numbers for gap in one.gaps if gap.kind == "refused"] == [((2, 2),)]
    assert sum(gap.count for gap in one.gaps if gap.kind == "dropped") == 5
    assert (one.count, one.kept, one.stored, one.missing) == (10, 0, 4, ())
    assert report.faults == ()


async def test_what_was_dropped_after_it_was_stored_stays_stored(path):
    async with opened(path) as journal:
        await journal.append(readings(1, 10))
        await journal.set_cursor("store", 10)
        limits = {"readers": ["store"], "rare_readers": ["store"], "standing": set, "disk": lambda: 0}
        await Retention(journal, Clock(), keep=0.0, most=2**40, **limits).nightly()
        await journal.append([reading(11)])
    report = verify(path)
    assert (only(report).kept, only(report).stored, only(report).waiting) == (1, 10, 1)
    assert report.complete


def change(path, *statements):
    with sqlite3.connect(path) as db:
        for statement in statements:
            db.execute(statement)
    db.close()


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        (
            "INSERT INTO messages SELECT 99, stream, kind, seq, first, received, body FROM messages WHERE id = 1",
            "twice",
        ),
        ("UPDATE cursors SET position = 1000", "behind the last message"),
        ("UPDATE messages SET seq = 50, first = 50 WHERE id = 5", "count as not received"),
        ("UPDATE streams SET have = '[[1, 12]]'", "are not there"),
        ("UPDATE messages SET stream = 77 WHERE id = 2", "not known"),
    ],
)
async def test_what_does_not_fit_together_is_said(path, statement, said):
    async with opened(path) as journal:
        await journal.append(readings(1, 5))
        await journal.set_cursor("store", 5)
    assert verify(path).complete
    change(path, statement)
    report = verify(path)
    assert any(said in fault for fault in report.faults), report.faults
    assert not report.complete


async def test_the_ranges_behind_the_last_checkpoint_count(path):
    async with opened(path) as journal:
        await journal.append(readings(1, 5))
        await journal.covered(5)
        await journal.append(readings(6, 9))
        assert only(verify(path)).received == ((1, 9),)
        assert verify(path).complete


def test_what_is_no_journal_cannot_be_read(path):
    with pytest.raises(StorageError, match="there is no journal"):
        verify(path)
    path.write_text("no database at all, and long enough to be sure of it" * 20)
    with pytest.raises(StorageError, match="cannot be read"):
        verify(path)


async def test_the_command_says_it_to_people_and_to_programs(path, capsys):
    async with opened(path) as journal:
        await journal.append([*readings(1, 3), reading(6)])
        await journal.append(readings(1, 4, agent="b"))
        await journal.set_cursor("store", 7)
        assert await asyncio.to_thread(main, ["journal", "verify", "--file", str(path)]) == 1
    said = capsys.readouterr().out
    assert "缺失" in said
    assert "missing, and nobody has named them: 4-5" in said
    assert "something is missing" in said
    assert main(["journal", "verify", "--json", "--file", str(path)]) == 1
    body = json.loads(capsys.readouterr().out)
    assert body["complete"] is False
    assert [(one["agent"], one["missing"]) for one in body["streams"]] == [("a", [[4, 5]]), ("b", [])]


async def test_the_exit_status_says_whether_anything_is_missing(path, capsys):
    async with opened(path) as journal:
        await journal.append(readings(1, 3))
    assert main(["journal", "verify", "--file", str(path)]) == 0
    assert "nothing is missing" in capsys.readouterr().out
    assert main(["journal", "verify", "--file", str(path.with_name("none.db"))]) == 2
    assert "there is no journal" in capsys.readouterr().err
    assert main(["journal", "verify", "--config", str(path.with_name("none.toml"))]) == 2


async def test_it_finds_the_journal_by_the_settings_and_changes_nothing(path, capsys):
    async with opened(path) as journal:
        await journal.append(readings(1, 3))
    settings = path.with_name("gateway.toml")
    settings.write_text(f'[gateway]\nname = "g"\nstate = "{path.parent}"\n')
    before = path.read_bytes()
    assert main(["journal", "verify", "--config", str(settings)]) == 0
    assert path.read_bytes() == before
    assert capsys.readouterr().err == ""
