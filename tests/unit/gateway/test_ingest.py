"""What arrives is committed, then acknowledged, duplicates too; what is none of ours is refused and stops nothing."""

import asyncio

import msgspec
import pytest

from contract.alarm import Occurrence, Standing
from contract.clock import Stamp
from contract.errors import StorageError
from contract.message import (
    MAX_BYTES,
    Ack,
    Alarms,
    Device,
    Heartbeat,
    Held,
    Hello,
    Inventory,
    Readings,
    State,
    Voided,
    decode,
    encode,
)
from contract.ranges import Ranges
from gateway.ingest import ACK_AFTER, ACK_WITHIN, Arrived, Ingest
from gateway.journal import Journal
from gateway.live import ABSENT_AFTER, Live
from gateway.twins import Twins

A, B, C = "00000000000000aa", "00000000000000bb", "00000000000000cc"
BASE = "wolfsmoke/1/hq/order-room"


class TurnedClock:
    def __init__(self):
        self.now = 1000.0

    def stamp(self):
        return Stamp(wall=1_700_000_000.0 + self.now, boottime=self.now, boot="g", trusted=True)

    def boottime(self):
        return self.now


class World:
    def __init__(self, journal, clock, site=""):
        self.journal, self.clock = journal, clock
        self.live = Live(clock)
        self.twins = Twins()
        self.sent = []
        self.news = 0
        self.later = lambda _seconds, call: call()
        self.ingest = Ingest(
            journal,
            self.live,
            clock,
            lambda topic, body: self.sent.append((topic, body)),
            site=site,
            twins=self.twins,
            later=self._call_later,
        )
        self.ingest.on_news = self._count

    def _count(self, _position):
        self.news += 1

    def _call_later(self, seconds, call):
        self.later(seconds, call)

    @staticmethod
    def said(sent):
        return decode(Ack, sent[1])

    async def take(self, *messages, retained=False):
        """Deliver messages, each with its topic's last level or as (topic, payload); return the acks."""
        self.sent.clear()
        wall = self.clock.stamp().wall
        batch = []
        for message in messages:
            if isinstance(message, tuple):
                batch.append(Arrived(message[0], message[1], retained, wall))
            else:
                batch.append(Arrived(f"{BASE}/{TOPICS[type(message)]}", encode(message), retained, wall))
        await self.ingest.take(batch)
        return {(ack := decode(Ack, body)).epoch: ack for topic, body in self.sent}


TOPICS = {Readings: "readings", Alarms: "alarms", Hello: "hello", Inventory: "inventory", State: "state"}


@pytest.fixture
async def world(tmp_path):
    clock = TurnedClock()
    journal = await Journal.open(tmp_path / "j.db", clock)
    writer = asyncio.create_task(journal.run())
    yield World(journal, clock)
    writer.cancel()
    await asyncio.wait([writer])
    await journal.close()


def poll(seq, *, epoch=A, charge=90.0, device="ups-1"):
    return Readings(epoch=epoch, seq=seq, device=device, at=Stamp(5.0, 5.0, "x"), values={"battery.charge": charge})


def alarm(seq, name="o1", *, epoch=A, active=True):
    return Alarms(
        epoch=epoch, seq=seq, occurrence=Occurrence(id=name, device="ups-1", condition="on-battery", active=active)
    )


async def test_messages_are_acknowledged_with_all_that_the_journal_has(world):
    acks = await world.take(poll(1), poll(2), poll(4), poll(1, epoch=B))
    assert acks[A].have == ((1, 2), (4, 4))
    assert acks[B].have == ((1, 1),)
    assert acks[A].journal == world.journal.id
    assert all(topic == f"{BASE}/acks" for topic, _ in world.sent)


async def test_readings_are_acknowledged_together_and_alarms_at_once(world):
    timers = []
    world.later = lambda seconds, call: timers.append((seconds, call))
    assert await world.take(poll(1), poll(1, epoch=B)) == {}
    assert await world.take(poll(2)) == {}
    assert [seconds for seconds, _ in timers] == [ACK_WITHIN]  # the first one waits no longer because of the others
    acks = await world.take(alarm(3))
    assert acks[A].have == ((1, 3),)
    world.sent.clear()
    timers.pop()[1]()
    assert [(ack.epoch, ack.have) for ack in map(world.said, world.sent)] == [(B, ((1, 1),))]
    assert await world.take(poll(4)) == {}
    assert len(timers) == 1


async def test_many_readings_are_acknowledged_before_their_time(world):
    world.later = lambda _seconds, _call: None
    assert await world.take(*(poll(seq) for seq in range(1, ACK_AFTER))) == {}
    acks = await world.take(poll(ACK_AFTER))
    assert acks[A].have == ((1, ACK_AFTER),)


async def test_a_duplicate_is_acknowledged_and_stored_once(world):
    await world.take(poll(1, charge=90.0))
    acks = await world.take(poll(1, charge=10.0))
    assert acks[A].have == ((1, 1),)
    assert len(await world.journal.after(0, 10)) == 1
    assert world.live.devices["hq", "order-room", "ups-1"].readings["battery.charge"].reading.value == 90.0


async def test_nothing_is_acknowledged_that_the_disk_did_not_take(world):
    async def fails(_messages):
        raise StorageError("the journal cannot be written")

    world.journal.append = fails
    assert await world.take(poll(1), alarm(2)) == {}
    assert not world.live.alarms


async def test_an_alarm_is_acknowledged_as_taken_and_known(world):
    acks = await world.take(alarm(1))
    assert acks[A].alarms == {"o1": Standing.TAKEN}
    assert world.live.standing()[0].alarm.occurrence.condition == "on-battery"
    assert world.news == 1


async def test_how_far_an_alarm_came_is_told_to_its_agent(world):
    await world.take(Hello(epoch=A), alarm(1))
    world.sent.clear()
    world.ingest.stand("hq", "order-room", {"o1": Standing.OWNED})
    ack = decode(Ack, world.sent[0][1])
    assert (ack.epoch, ack.have, ack.alarms) == (A, ((1, 1),), {"o1": Standing.OWNED})


async def test_hello_is_answered_for_each_epoch_it_still_holds(world):
    await world.take(poll(1, epoch=B), poll(3, epoch=B))
    acks = await world.take(Hello(epoch=A, held=(Held(B, ((1, 3),), 3), Held(A, (), 0))))
    assert acks[B].have == ((1, 1), (3, 3))
    assert acks[A].have == ()


async def test_what_is_neither_held_nor_received_is_named_lost_by_range_and_once(world, caplog):
    await world.take(poll(1), poll(7))
    hello = Hello(epoch=A, held=(Held(A, ((3, 4),), 9),), voided=(Voided(A, ((2, 2),), "disk full"),))
    await world.take(hello)
    await world.take(hello)
    assert await world.journal.gaps() == {("hq", "order-room", A): Ranges([(2, 2), (5, 6), (8, 9)])}
    events = [event for event in await world.journal.events() if event.kind == "lost"]
    assert [(event.data["lost"], event.data["reason"]) for event in events] == [
        ([[2, 2]], "disk full"),
        ([[5, 6], [8, 9]], "in the agent's memory when it ended"),
    ]
    assert sum("will not come" in record.message for record in caplog.records) == 2


async def test_holes_of_an_epoch_that_the_agent_no_longer_speaks_of_are_lost(world):
    await world.take(poll(1, epoch=B), poll(4, epoch=B))
    await world.take(Hello(epoch=A))
    assert await world.journal.gaps() == {("hq", "order-room", B): Ranges([(2, 3)])}


async def test_what_an_earlier_hello_declared_and_no_later_one_speaks_of_is_lost(world):
    await world.take(poll(1, epoch=B))
    await world.take(Hello(epoch=B, held=(Held(B, ((2, 9),), 9), Held(C, ((1, 4),), 4))))
    assert await world.journal.gaps() == {}
    await world.take(poll(3, epoch=B))
    await world.take(Hello(epoch=A))  # a new card: what it held is gone
    key = ("hq", "order-room")
    assert await world.journal.gaps() == {(*key, B): Ranges([(2, 2), (4, 9)]), (*key, C): Ranges([(1, 4)])}


async def test_what_was_declared_and_named_is_known_after_a_restart(tmp_path):
    clock = TurnedClock()
    for hello in (Hello(epoch=B, held=(Held(B, ((2, 9),), 9, unsure=True),)), Hello(epoch=A), Hello(epoch=A)):
        journal = await Journal.open(tmp_path / "j.db", clock)
        writer = asyncio.create_task(journal.run())
        await World(journal, clock).take(hello)
        kinds = [event.kind for event in await journal.events()]
        gaps = await journal.gaps()
        writer.cancel()
        await asyncio.wait([writer])
        await journal.close()
    assert gaps == {("hq", "order-room", B): Ranges([(1, 9)])}
    assert (kinds.count("lost"), kinds.count("unsure")) == (2, 1)


async def test_a_hello_is_one_commit_and_none_when_it_says_nothing_new(world, monkeypatch):
    for number in range(50):
        await world.take(poll(1, epoch=f"{number:016x}"), poll(3, epoch=f"{number:016x}"))
    hello = Hello(epoch=A, held=(Held(A, (), 7, unsure=True),))
    commits = []
    do = world.journal._writer.do

    def counted(*args):
        commits.append(args)
        return do(*args)

    monkeypatch.setattr(world.journal._writer, "do", counted)
    await world.take(hello)
    assert len(commits) == 1
    assert len(await world.journal.gaps()) == 51
    await world.take(hello)
    assert len(commits) == 1


async def test_nothing_is_lost_while_it_is_held_or_there(world):
    await world.take(poll(1), poll(2), Hello(epoch=A, held=(Held(A, ((3, 5),), 5),)))
    assert await world.journal.gaps() == {}


async def test_standing_alarms_of_hello_are_known_and_what_it_leaves_out_ends_after_a_while(world):
    await world.take(alarm(1, "o1"), alarm(2, "o2"))
    await world.take(Hello(epoch=B, standing=(alarm(1, "o2").occurrence, alarm(1, "o3").occurrence)))
    assert not world.live.absent(()), "another agent of that name may have said it"
    world.clock.now += ABSENT_AFTER
    assert [each.occurrence.id for each in world.live.absent(())] == ["o1"]
    assert {name: one.occurrence.active for name, one in world.live.alarms.items()} == {
        "o1": False,
        "o2": True,
        "o3": True,
    }


async def test_an_alarm_that_is_spoken_of_again_or_is_of_one_of_two_agents_does_not_end(world):
    await world.take(alarm(1, "o1"), alarm(2, "o2"))
    await world.take(Hello(epoch=B))
    await world.take(Hello(epoch=A, standing=(alarm(1, "o1").occurrence,)))
    world.clock.now += ABSENT_AFTER
    assert world.live.absent({("hq", "order-room")}) == []
    assert [each.occurrence.id for each in world.live.absent(())] == ["o2"]


async def test_while_the_disk_fails_an_agent_that_speaks_is_there_and_the_disk_is_tried_again(world, monkeypatch):
    back, probes = [], []
    world.ingest.on_back = lambda: back.append(1)
    world.later = lambda seconds, call: probes.append((seconds, call))

    async def fails(_work):
        raise StorageError("the disk is full")

    monkeypatch.setattr(world.journal, "do", fails)
    monkeypatch.setattr(world.journal, "append", fails)
    await world.take(State(online=True, epoch=A), alarm(1))
    await world.take(alarm(2))
    assert world.live.agent("hq", "order-room").online
    for works in (False, True):
        ((_, probe),) = probes
        probes.clear()
        if works:
            monkeypatch.undo()
        probe()
        await world.ingest._probing
        await asyncio.sleep(0)
        assert len(back) == works


async def test_an_alarm_whose_end_is_still_on_its_way_is_left_standing(world):
    await world.take(alarm(1, "o1"))
    await world.take(Hello(epoch=A, held=(Held(A, ((2, 2),), 2),)))
    assert world.live.alarms["o1"].occurrence.active


async def test_two_agents_under_one_name_leave_each_other_alone(world):
    await world.take(alarm(1, "o1"), poll(3))
    for _ in range(5):
        for epoch in (A, B):
            await world.take(
                Hello(epoch=epoch, held=(Held(epoch, ((4, 4),) if epoch == A else (), 4 if epoch == A else 0),))
            )
            await world.take(State(online=True, epoch=epoch))
            world.clock.now += 5
    assert world.twins.standing(world.clock.now) == {("hq", "order-room")}
    await world.take(alarm(9, "o9"))
    await world.take(poll(11))
    await world.take(Hello(epoch=B))
    assert world.live.alarms["o9"].occurrence.active, "the other's alarm"
    gaps = await world.journal.gaps()
    assert Ranges([(10, 10)]).common(gaps[("hq", "order-room", A)]) == Ranges(), "the other's number, still on its way"


async def test_an_agent_that_starts_again_is_no_double(world):
    for epoch in (A, B):
        for _ in range(10):
            await world.take(Hello(epoch=epoch))
            await world.take(State(online=True, epoch=epoch))
            world.clock.now += 5
    assert world.twins.standing(world.clock.now) == set()


async def test_what_another_journal_has_is_no_loss_and_what_this_one_acknowledged_and_has_not_is(world):
    await world.take(poll(5))
    await world.take(Hello(epoch=A, held=(Held(A, ((6, 6),), 6, 3, "another"),)))
    name = world.journal.id
    events = [event for event in await world.journal.events() if event.kind in ("lost", "elsewhere")]
    assert [(event.kind, event.data["lost"]) for event in events] == [("elsewhere", [[1, 3]]), ("lost", [[4, 4]])]
    assert world.journal.id == name
    await world.take(Hello(epoch=B, held=(Held(B, (), 2, 2, name),)))
    events = [event for event in await world.journal.events() if event.kind == "lost"]
    assert [event.data["lost"] for event in events if "restored" in event.data["reason"]] == [[[1, 2]]]
    assert world.journal.id != name, "it is an older copy of itself: agents send all that they hold"


async def test_an_end_that_nobody_can_number_is_on_record_once(world):
    for _ in range(2):
        await world.take(Hello(epoch=B, held=(Held(A, (), 7, 7, "j", unsure=True), Held(B))))
    assert [event.kind for event in await world.journal.events()].count("unsure") == 1


async def test_a_hello_is_not_acknowledged_until_what_is_missing_is_on_record(world, monkeypatch):
    async def fails(*_, **__):
        raise StorageError("the disk is full")

    monkeypatch.setattr(world.journal, "account", fails)
    hello = Hello(epoch=B, held=(Held(A, (), 7), Held(B)))
    assert not await world.take(hello), "the agent would forget the epoch"
    monkeypatch.undo()
    assert set(await world.take(hello)) == {A, B}


async def test_every_acknowledgement_says_which_hello_is_accounted_for(world):
    assert (await world.take(poll(1)))[A].hello == 0
    acks = await world.take(Hello(epoch=A, held=(Held(A),), number=77))
    assert acks[A].hello == 77
    assert (await world.take(poll(2)))[A].hello == 77


async def test_nothing_is_concluded_from_what_a_partial_hello_does_not_say(world):
    await world.take(poll(1, epoch=B), poll(3, epoch=B), alarm(1, "o1"))
    await world.take(Hello(epoch=A, held=(Held(A),), partial=True))
    world.clock.now += ABSENT_AFTER
    assert world.live.absent(()) == []
    assert await world.journal.gaps() == {}
    await world.take(Hello(epoch=A, held=(Held(A),)))
    assert await world.journal.gaps() == {("hq", "order-room", B): Ranges([(2, 2)])}


async def test_a_store_that_is_behind_is_given_time_and_nobody_waits_for_ever(world):
    looks = []
    world.ingest.crowded = lambda: looks.append(1) or len(looks) < 4
    assert set(await world.take(*(poll(seq) for seq in range(1, ACK_AFTER + 1)))) == {A}
    assert len(looks) == 4
    world.ingest.crowded = lambda: True
    async with asyncio.timeout(5):
        assert set(await world.take(alarm(ACK_AFTER + 1))) == {A}


async def test_numbers_that_were_thinned_out_count_as_received_and_are_named(world):
    acks = await world.take(msgspec.structs.replace(poll(9), first=4))
    assert acks[A].have == ((4, 9),)
    assert world.journal.have("hq", "order-room", A) == Ranges([(4, 9)])


BAD = {
    "not JSON": (f"{BASE}/readings", b"\xff\x00{"),
    "of the wrong shape": (f"{BASE}/readings", b'{"values": 5}'),
    "no identity": (f"{BASE}/readings", encode(Readings(device="ups-1", seq=1))),
    "no device": (f"{BASE}/readings", encode(Readings(epoch=A, seq=1, device="Üps"))),
    "too big a number": (f"{BASE}/readings", encode(Readings(epoch=A, seq=2**63, device="ups-1"))),
    "oversized": (f"{BASE}/readings", b" " * (MAX_BYTES + 1)),
    "foreign": ("wolfsmoke/1/hq/order-room/nonsense", b"{}"),
    "of another version": ("wolfsmoke/2/hq/order-room/readings", b"{}"),
    "with a name that may not stand in a topic": ("wolfsmoke/1/HQ!/order-room/readings", b"{}"),
    "hello with a false epoch": (f"{BASE}/hello", encode(Hello(epoch="x" * 16))),
    "hello with a false range": (f"{BASE}/hello", encode(Hello(epoch=A, held=(Held(A, ((9, 3),), 9),)))),
    "deeply nested": (f"{BASE}/readings", b"[" * 100_000),
    "a number beyond all floats": (f"{BASE}/readings", b'{"epoch":"%b","seq":1e999,"device":"u"}' % A.encode()),
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD.keys())
async def test_a_bad_message_is_refused_and_counted_told_once_and_stops_nothing(world, bad, caplog):
    acks = await world.take(bad, poll(1), bad)
    assert acks[A].have == ((1, 1),)
    assert sum(world.ingest.refused.values()) == 2
    assert sum("refused" in record.message for record in caplog.records) == 1
    assert len(await world.journal.after(0, 10)) == 1


async def test_refused_senders_without_end_fill_no_memory(world):
    await world.ingest.take([Arrived(f"wolfsmoke/1/hq/a{number}/zzz", b"{}", False, 1.0) for number in range(3000)])
    assert len(world.ingest.refused) <= 1001
    assert sum(world.ingest.refused.values()) == 3000


async def test_our_own_acks_and_cleared_topics_are_passed_over(world):
    await world.take((f"{BASE}/acks", encode(Ack())), (f"{BASE}/state", b""))
    assert not world.ingest.refused


async def test_agents_of_another_site_are_refused_where_a_site_is_set(tmp_path):
    clock = TurnedClock()
    journal = await Journal.open(tmp_path / "j.db", clock)
    world = World(journal, clock, site="depot-1")
    await world.take(State(online=True))
    assert sum(world.ingest.refused.values()) == 1
    await journal.close()


async def test_an_inventory_that_comes_again_is_journaled_once(world):
    inventory = Inventory(devices=(Device(id="ups-1", kind="ups", title="一号", room="机房"),))
    await world.take(inventory)
    await world.take(inventory, retained=True)
    assert len(await world.journal.after(0, 10)) == 1
    assert world.live.devices["hq", "order-room", "ups-1"].title == "一号"


async def test_presence_follows_heartbeats_and_a_retained_one_proves_nothing(world):
    online = State(online=True, epoch=A, at=world.clock.stamp())
    await world.take(online, retained=True)
    view = world.live.agents["hq", "order-room"]
    assert not view.online
    await world.take(online)
    assert view.online
    world.clock.now += 60
    assert not view.online
    await world.take(online)
    await world.take(State(online=False))
    assert not view.online


async def test_unknown_fields_of_a_newer_agent_are_passed_over(world):
    body = msgspec.json.encode({**msgspec.to_builtins(poll(1)), "new": [1]})
    assert (await world.take((f"{BASE}/readings", body)))[A].have == ((1, 1),)


def test_the_heartbeat_is_none_of_the_agents_topics():
    assert Heartbeat not in TOPICS


async def test_an_inventory_that_the_disk_did_not_take_is_taken_the_next_time(world, monkeypatch):
    inventory = Inventory(devices=(Device(id="ups-1", kind="ups"),))

    async def full(_rows):
        raise StorageError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(world.journal, "append", full)
        await world.take(inventory, retained=True)
    await world.take(inventory, retained=True)
    await world.take(inventory, retained=True)
    assert [row.topic for row in await world.journal.after(0, 10)] == ["inventory"]
