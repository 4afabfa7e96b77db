"""A cut line, as a timetable: what an agent kept for the gateway, and what people hear of it. The real journal, two starts."""

import asyncio
import contextlib
import pathlib

from contract.alarm import Occurrence
from contract.clock import Stamp
from contract.message import Alarms, Device, Held, Hello, Inventory, Topic, encode
from gateway.contacts import load_contacts
from gateway.evidence import LiveFacts, source_of
from gateway.feed import READER, Feed, rebuild
from gateway.incident import Purpose
from gateway.incidents import Incidents
from gateway.journal import Journal
from gateway.journal.record import Incoming
from gateway.live import Live
from gateway.plan.loader import load_plan
from gateway.ports import Outcome

CONFIG = pathlib.Path(__file__).parents[3] / "config"
CONTACTS = load_contacts((CONFIG / "contacts.toml").read_text("utf-8"))
PLAN = load_plan({"3.1.toml": (CONFIG / "plan" / "3.1.toml").read_text("utf-8")}, CONTACTS.departments)
T0 = 1_800_000_000.0
HOUR = 3600.0
A = "00000000000000aa"
UP = 500_000.0
"""Boottime of the agent at T0; its wall clock stands in 1970."""


class Clock:
    wall = T0

    def stamp(self):
        return Stamp(self.wall, self.wall - T0, "g", trusted=True)

    def boottime(self):
        return self.wall - T0


def moment(at):
    """Return a moment, given in seconds from T0, as the agent stamps it."""
    return Stamp(12.0, UP + at, "x") if at is not None else Stamp()


def occurrence(name, began, ended=None):
    return Occurrence(
        id=name,
        device="ups-1",
        condition="on-battery",
        active=ended is None,
        since=moment(began),
        raised=moment(began),
        cleared=moment(ended),
    )


def alarm(seq, name, began, ended=None, *, sent):
    at = moment(began if ended is None else ended)
    return Alarms(epoch=A, seq=seq, at=at, sent=UP + sent, occurrence=occurrence(name, began, ended))


class Gateway:
    """One start of a gateway on a journal."""

    def __init__(self, journal, clock):
        self.journal, self.clock = journal, clock
        self.told = []
        self.live = Live(clock)
        self.incidents = Incidents(journal, PLAN, CONTACTS, self, clock, LiveFacts(self.live))
        self.feed = Feed(
            journal,
            self.live,
            lambda one, view: self.incidents.on_alarm(one, source_of(view)),
            lambda one, view: self.incidents.on_past(one, source_of(view)),
        )

    async def tell(self, incident, clause, mail, person, *, again, report):
        assert clause.clause == incident.clause
        assert not again
        if mail.purpose is Purpose.PAGE:  # a time limit that has passed meanwhile is told too
            self.told.append((self.clock.wall - T0, incident.code, person.id))
        await report(Outcome(channel="email", accepted=True))

    async def at(self, second, *messages):
        """Let messages arrive, all of them at once, at so many seconds from T0; then do what is due."""
        self.clock.wall = T0 + second
        topics = {Alarms: Topic.ALARMS, Hello: Topic.HELLO, Inventory: Topic.INVENTORY}
        rows = [
            Incoming(
                "hq",
                "a",
                topics[type(one)],
                encode(one),
                self.clock.wall,
                *((A, one.seq) if isinstance(one, Alarms) else ()),
            )
            for one in messages
        ]
        before = self.journal.position
        await self.journal.append(rows)
        for row in await self.journal.after(before, 100, readings=False):
            self.live.restore(row)
        self.feed.wake(self.journal.position)
        while messages and await self.journal.cursor(READER) < self.journal.position:
            await self.journal.flushed()
        await self.incidents.tick()
        await self.incidents.settled()

    def record(self):
        """Return what the incidents are: code, clause, began, gone, state, and whether it was learned afterwards."""
        return [
            (one.code, one.opened - T0, None if one.gone is None else one.gone - T0, one.state.value, one.late)
            for one in reversed(self.incidents.list())
        ]


@contextlib.asynccontextmanager
async def gateway(path, clock):
    journal = await Journal.open(path, clock)
    writer = asyncio.create_task(journal.run())
    one = Gateway(journal, clock)
    await rebuild(journal, one.live, 0.0)
    await one.incidents.load()
    feeding = asyncio.create_task(one.feed.run())
    yield one
    for task in (feeding, writer):
        task.cancel()
    await asyncio.wait([feeding, writer])
    await journal.close()


INVENTORY = Inventory(devices=(Device(id="ups-1", kind="ups", title="一号 UPS"),))
HELLO = Hello(epoch=A, at=moment(72 * HOUR), held=(Held(A, ((3, 6),), 6),), standing=(occurrence("o3", 71 * HOUR),))
BACKLOG = (
    alarm(3, "o1", 0.0, 600.0, sent=72 * HOUR + 2),  # known before the cut; its end
    alarm(4, "o2", HOUR, sent=72 * HOUR + 2),
    alarm(5, "o2", HOUR, 2 * HOUR, sent=72 * HOUR + 2),  # began and ended during the cut
    alarm(6, "o3", 71 * HOUR, sent=72 * HOUR + 2),  # stands, as hello said
)


async def test_a_cut_of_three_days(tmp_path):
    async with gateway(tmp_path / "journal.db", Clock()) as one:
        await one.at(-9.0, INVENTORY, Hello(epoch=A, at=moment(-9.0)))
        await one.at(0.0, alarm(2, "o1", 0.0, sent=0.0))
        await one.at(30.0)
        assert one.told == [(30.0, "A10", "li")]
        await one.incidents.mine("A10", "li")  # then the line is cut

        await one.at(72 * HOUR, HELLO)
        assert one.told[1:] == []  # it stands beside what li works on
        await one.at(72 * HOUR + 2, *BACKLOG)
        assert one.record() == [
            ("A10", 0.0, None, "owned", False),
            ("B10", HOUR, 2 * HOUR, "closed", True),
        ]
        assert [symptom.active for symptom in one.incidents.get("A10").symptoms] == [False, True]
        await one.at(73 * HOUR)
        assert {code for _, code, _ in one.told} == {"A10"}


async def test_what_still_stands_pages_at_once_and_what_is_over_pages_nobody(tmp_path):
    async with gateway(tmp_path / "journal.db", Clock()) as one:
        await one.at(-9.0, INVENTORY, Hello(epoch=A, at=moment(-9.0)))
        await one.at(72 * HOUR, HELLO)
        assert one.told == [(72 * HOUR, "A10", "li")]
        await one.at(72 * HOUR + 2, *BACKLOG)
        await one.at(72 * HOUR + 60)
        assert [told for told in one.told if told[2] != "li" or told[1] != "A10"] == []
        assert one.incidents.get("A10").symptoms[0].since == T0 + 71 * HOUR
        assert [(code, late) for code, _, _, _, late in one.record()] == [("A10", False), ("B10", True), ("C10", True)]


async def test_a_gateway_that_is_killed_between_the_event_and_its_cursor_writes_no_history_twice(tmp_path):
    clock, reached = Clock(), asyncio.Event()
    async with gateway(tmp_path / "journal.db", clock) as one:
        await one.at(-9.0, INVENTORY, Hello(epoch=A, at=moment(-9.0)))
        await one.at(72 * HOUR, HELLO)

        async def never(*_what, **_how):
            reached.set()
            await asyncio.Event().wait()

        one.journal.set_cursor = never
        coming = asyncio.create_task(one.at(72 * HOUR + 2, *BACKLOG))
        await asyncio.wait_for(reached.wait(), 5)
        coming.cancel()
        before = one.record()
        assert len(before) == 3
    async with gateway(tmp_path / "journal.db", clock) as again:
        again.feed.wake(again.journal.position)
        await again.at(72 * HOUR + 3, INVENTORY)
        assert again.record() == before
        kinds = [event.kind for event in await again.journal.events()]
        assert kinds.count("history") == 2
        assert again.told == []
