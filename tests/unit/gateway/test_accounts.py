"""What an agent's hello says is held against what the journal has; what will never come is named, with the right reason."""

import asyncio
from contextlib import asynccontextmanager

from contract.clock import Stamp
from contract.message import Held, Hello, Topic, Voided
from contract.ranges import Ranges
from gateway.journal import Journal
from gateway.journal.accounts import ELSEWHERE, IN_MEMORY, RESTORED, Accounts, gaps
from gateway.journal.record import Incoming

EPOCH, NEXT = "00000000000000aa", "00000000000000bb"


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
    return Incoming("hq", "a", Topic.READINGS, b"{}", 1000.0, EPOCH, seq)


def named(hello, have, *own):
    return [
        (gap.kind, gap.reason, list(gap.numbers))
        for gap in gaps(hello, have, {epoch: one.highest for epoch, one in have.items()}, own)
        if gap.numbers
    ]


def hello(settled, journal, *spans, last=10):
    return Hello(epoch=NEXT, held=(Held(epoch=EPOCH, spans=spans, last=last, settled=settled, journal=journal),))


def test_what_neither_has_was_in_memory():
    assert named(hello(0, "", (5, 8)), {EPOCH: Ranges([(1, 3)])}, "j") == [("lost", IN_MEMORY, [(4, 4), (9, 10)])]


def test_what_another_journal_acknowledged_is_elsewhere_and_what_this_one_did_is_lost():
    said = hello(6, "other", (8, 10))
    have = {EPOCH: Ranges([(1, 3)])}
    assert named(said, have, "j") == [("elsewhere", ELSEWHERE, [(4, 6)]), ("lost", IN_MEMORY, [(7, 7)])]
    assert named(said, have, "other") == [("lost", RESTORED, [(4, 6)]), ("lost", IN_MEMORY, [(7, 7)])]


def test_what_it_acknowledged_under_an_earlier_id_is_lost_too():
    assert named(hello(6, "before", (7, 10)), {EPOCH: Ranges([(1, 3)])}, "j", "before") == [
        ("lost", RESTORED, [(4, 6)])
    ]


def test_what_was_voided_has_the_agents_own_reason():
    said = Hello(epoch=NEXT, voided=(Voided(epoch=EPOCH, spans=((2, 2),), reason="disk full"),))
    assert named(said, {EPOCH: Ranges([(1, 1), (3, 3)])}, "j") == [("lost", "disk full", [(2, 2)])]


async def test_a_journal_put_back_in_its_place_while_it_was_not_known_takes_a_new_id_once(tmp_path):
    async with opened(tmp_path / "j.db") as journal:
        await journal.append([reading(1)])
        name = journal.id
        said = hello(3, name, (4, 10))
        accounts = Accounts(journal, Clock())
        await accounts.hello("hq", "a", said)
        renamed = journal.id
        assert renamed != name
        assert journal.former == (name,)
        assert await journal.gaps() == {("hq", "a", EPOCH): Ranges([(2, 3)])}
        await accounts.hello("hq", "a", said)
        assert journal.id == renamed
        assert [event.kind for event in await journal.events()] == ["lost"]


async def test_readings_that_were_dropped_unstored_are_not_missed_by_a_hello(tmp_path):
    async with opened(tmp_path / "j.db") as journal:
        await journal.append([reading(1), reading(2)])
        (stream,) = journal.streams.of("hq", "a")
        await journal.do(lambda db: db.execute("INSERT INTO gaps VALUES (?, 2, 2, 'dropped', '', 0)", (stream.number,)))
        await Accounts(journal, Clock()).hello("hq", "a", hello(2, journal.id, last=2))
        assert await journal.events() == []
