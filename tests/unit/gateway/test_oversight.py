"""What the gateway itself finds wrong comes to people like any other alarm, by the plan's clause."""

import pathlib

import pytest
from in_memory import Journal
from msgspec.structs import replace

from contract.clock import Stamp
from contract.message import Device, Hello, Inventory, State
from gateway.contacts import load_contacts
from gateway.evidence import LiveFacts
from gateway.incident import IncidentState, Purpose
from gateway.incidents import Incidents
from gateway.live import Live
from gateway.notify.message import compose
from gateway.oversight import Oversight
from gateway.plan.loader import load_plan
from gateway.ports import Outcome
from gateway.twins import Twins
from gateway.watches import Told, Watches

CONFIG = pathlib.Path(__file__).parents[3] / "config"
CONTACTS = load_contacts((CONFIG / "contacts.toml").read_text("utf-8"))
PLAN = load_plan(
    {name: (CONFIG / "plan" / name).read_text("utf-8") for name in ("3.1.toml", "common.toml")}, CONTACTS.departments
)
T0 = 1_800_000_000.0  # Friday 2027-01-15, 16:00 in China
EPOCHS = ("00000000000000aa", "00000000000000bb")
HOUR = 3600


class Clock:
    def __init__(self):
        self.now = 0.0

    def stamp(self):
        return Stamp(T0 + self.now, 1000.0 + self.now, "g", trusted=True)

    def boottime(self):
        return 1000.0 + self.now


class World:
    """A gateway that hears agents a and b; the test turns its clock."""

    def __init__(self):
        self.clock, self.journal = Clock(), Journal()
        self.connected = True
        self.told = []
        self.beating = {"a", "b"}
        self.off, self.trouble, self.epochs = {}, {}, {}
        self.store_away = self.journal_full = False
        self.start()

    def start(self):
        self.live = Live(self.clock)
        facts = LiveFacts(self.live)
        self.incidents = Incidents(self.journal, PLAN, CONTACTS, self, self.clock, facts)
        told = Told(
            connected=lambda: self.connected,
            store_away=lambda: self.store_away,
            journal_full=lambda: self.journal_full,
        )
        self.twins = Twins()
        watches = Watches(self.live, self.clock, told, self.twins, clock_limit=30.0)
        self.oversight = Oversight(self.live, self.clock, watches.all(), self.incidents.on_alarm)
        facts.own = self.oversight.latest
        for agent in ("a", "b"):
            device = Device(id=f"ups-{agent}", kind="ups", room=f"室 {agent}")
            self.live.inventory("hq", agent, Inventory(devices=(device,)))

    async def restart(self):
        self.start()
        await self.incidents.load()
        self.oversight.adopt(self.incidents.list())

    async def tell(self, incident, clause, mail, person, *, again, report):
        assert clause.clause == "3.1.1"
        assert not again
        self.told.append((incident.code, person.id, mail.purpose))
        await report(Outcome(channel="email", accepted=True))

    def message(self, code):
        """Return the text that people get."""
        incident = self.incidents.get(code)
        clause = PLAN.find(incident.clause)
        return compose(incident, clause, Purpose.PAGE, "zh", link="", utc_offset=8 * 3600.0).body

    async def until(self, second):
        """Let the time pass in steps of 5 s; agents that live beat every 10 s while the broker is there."""
        while self.clock.now < second:
            self.clock.now += 5.0
            if self.connected and self.clock.now % 10 == 0:
                for agent in self.beating:
                    self.beat(agent)
            await self.oversight.look()
            await self.incidents.tick()
            await self.incidents.settled()

    def beat(self, agent):
        at = replace(self.clock.stamp(), wall=max(0.0, T0 + self.clock.now + self.off.get(agent, 0.0)))
        state = State(online=True, at=at, trouble=self.trouble.get(agent, ""))
        self.live.state("hq", agent, state, T0 + self.clock.now)
        for epoch in self.epochs.get(agent, ()):
            self.twins.state("hq", agent, epoch, self.clock.boottime())

    def open(self):
        return [
            (one.code, one.source.agent, one.source.room, one.worst.condition)
            for one in self.incidents.list()
            if one.state in (IncidentState.OPEN, IncidentState.OWNED)
        ]


@pytest.fixture
def world():
    return World()


async def test_an_agent_that_falls_silent_is_an_alarm_on_the_board_and_then_a_page(world):
    await world.until(100)
    world.beating = {"b"}
    await world.until(155)
    assert world.open() == []
    await world.until(165)
    assert world.open() == [("A10", "a", "室 a", "agent-silent")]
    (standing,) = world.live.standing()
    assert (standing.site, standing.agent, standing.alarm.occurrence.active) == ("hq", "a", True)
    assert world.told == []
    await world.until(285)
    assert world.told == [("A10", "li", Purpose.PAGE)]


async def test_it_is_over_when_the_agent_is_heard_again_and_only_then(world):
    world.beating = {"b"}
    await world.until(300)
    assert len(world.told) == 1
    await world.until(1000)
    assert len(world.open()) == 1
    world.beating = {"a", "b"}
    await world.until(1015)
    assert world.incidents.get("A10").state is IncidentState.GONE
    await world.until(1100)
    assert world.incidents.get("A10").state is IncidentState.CHECKED
    assert ("A10", "li", Purpose.RECOVERY) in world.told
    assert [one.alarm.occurrence.active for one in world.live.standing()] == [False]


async def test_an_agent_that_said_good_bye_and_does_not_come_back_is_silent_too(world):
    await world.until(50)
    world.beating = {"b"}
    world.live.state("hq", "a", State(online=False), T0 + 50)
    await world.until(105)
    assert world.open() == []
    await world.until(115)
    assert [agent for _, agent, _, _ in world.open()] == ["a"]


async def test_a_hello_ends_no_alarm_of_the_gateway_and_being_heard_does(world):
    world.beating = {"b"}
    await world.until(100)
    world.live.hello("hq", "a", Hello(epoch=EPOCHS[0]))
    await world.until(200)
    assert world.open() == [("A10", "a", "室 a", "agent-silent")]
    world.beating = {"a", "b"}
    await world.until(215)
    assert world.open() == []


async def test_a_broker_that_is_away_is_one_alarm_and_no_agent_is_blamed(world):
    await world.until(100)
    world.connected = False
    await world.until(155)
    assert world.open() == []
    await world.until(400)
    assert world.open() == [("A10", "", "", "broker-away")]
    assert world.told == [("A10", "li", Purpose.PAGE)]
    world.connected = True
    await world.until(500)
    assert world.open() == []
    assert world.incidents.get("A10").state is IncidentState.CHECKED
    assert len(world.incidents.list()) == 1


async def test_a_gateway_that_starts_gives_everybody_time_to_speak(world):
    await world.until(100)
    await world.restart()
    await world.until(150)
    assert world.open() == []


async def test_a_restart_opens_nothing_twice_and_ends_what_is_over(world):
    world.beating = {"b"}
    await world.until(300)
    await world.restart()
    assert len(world.live.standing()) == 1
    await world.until(450)
    assert len(world.incidents.list()) == 1
    assert [purpose for _, person, purpose in world.told if person == "li"] == [Purpose.PAGE]
    world.beating = {"a", "b"}
    await world.until(600)
    assert world.open() == []


async def test_what_a_person_has_closed_is_not_opened_again_by_the_same_silence(world):
    world.beating = {"b"}
    await world.until(300)
    await world.incidents.close("A10", "li", "代理停用")
    await world.restart()
    await world.until(600)
    assert len(world.incidents.list()) == 1


# The findings: what blinds nobody tonight waits for working hours


async def test_a_clock_that_is_off_beyond_the_limit_for_a_minute_is_a_finding(world):
    world.off = {"a": -1_799_999_000.0, "b": 29.0}  # one without a clock battery, and one within the limit
    await world.until(55)
    assert world.open() == []
    await world.until(75)
    assert world.open() == [("A10", "a", "室 a", "clock-offset")]
    assert world.incidents.get("A10").worst.level == "finding"
    assert "时钟 −20833 天" in world.message("A10")
    world.off = {}  # the time server has put it right
    await world.until(90)
    assert world.open() == []
    await world.until(180)
    assert world.incidents.get("A10").state is IncidentState.CLOSED  # by itself: nobody was told
    assert world.told == []


async def test_a_clock_that_is_off_for_a_moment_is_nothing(world):
    await world.until(100)
    world.off = {"a": 3600.0}
    await world.until(140)
    world.off = {}
    await world.until(300)
    assert world.incidents.list() == ()


async def test_an_agent_that_is_silent_keeps_the_clock_it_had(world):
    world.off = {"a": 100.0}
    await world.until(100)
    world.off, world.beating = {}, {"b"}
    await world.until(400)
    assert sorted(condition for _, _, _, condition in world.open()) == ["agent-silent", "clock-offset"]


async def test_an_agents_own_trouble_is_told_in_working_hours_and_so_is_its_end(world):
    world.trouble = {"a": "its disk is full"}
    await world.until(15)
    assert world.open() == [("A10", "a", "室 a", "agent-trouble")]
    assert world.incidents.get("A10").worst.value == "its disk is full"
    await world.until(605)
    assert world.told == []
    await world.until(620)
    assert world.told == [("A10", "li", Purpose.PAGE)]
    assert "its disk is full" in world.message("A10")
    world.trouble = {}
    await world.until(720)
    assert world.told[-1] == ("A10", "li", Purpose.RECOVERY)


async def test_two_agents_under_one_name_are_a_finding_until_one_is_gone_for_minutes(world):
    world.epochs = {"a": EPOCHS}
    await world.until(65)
    assert world.open() == [("A10", "a", "室 a", "two-agents")]
    world.live.hello("hq", "a", Hello(epoch=EPOCHS[0]))
    await world.until(100)
    world.epochs = {"a": EPOCHS[:1]}
    await world.until(390)
    assert len(world.open()) == 1
    await world.until(420)
    assert world.open() == []


async def test_a_restart_gives_both_of_two_agents_time_to_speak_before_it_is_over(world):
    world.epochs = {"a": EPOCHS}
    await world.until(100)
    await world.restart()
    await world.until(400)
    assert [len(one.symptoms) for one in world.incidents.list()] == [1]
    assert len(world.open()) == 1
    world.epochs = {}
    await world.until(800)
    assert world.open() == []


async def test_a_finding_ends_when_its_agent_has_no_device_of_that_kind_any_more(world):
    world.trouble = {"a": "its disk is full"}
    await world.until(15)
    assert [row[-1] for row in world.open()] == ["agent-trouble"]
    world.live.inventory("hq", "a", Inventory())
    world.trouble = {}
    await world.until(100)
    assert world.oversight._standing == {}


@pytest.mark.parametrize(("kinds", "meant"), [(("ups", "agent"), {"ups"}), (("agent",), {"agent"})])
def test_that_an_agent_watches_itself_is_no_further_kind_of_device(world, kinds, meant):
    devices = tuple(Device(id=kind, kind=kind) for kind in kinds)
    for agent in ("a", "b"):
        world.live.inventory("hq", agent, Inventory(devices=devices))
    watches = Watches(world.live, world.clock, Told(connected=lambda: True), world.twins)
    assert {case.kind for watch in watches.all() for case in watch.look()} == meant


async def test_a_store_that_takes_nothing_for_ten_minutes_is_a_finding(world):
    world.store_away = True
    await world.until(600)
    assert world.open() == []
    await world.until(610)
    assert world.open() == [("A10", "", "", "store-away")]
    await world.restart()
    world.store_away = False
    await world.until(630)
    assert world.open() == []


async def test_a_journal_that_runs_full_is_told_at_any_hour(world):
    world.clock.now = 6.0 * HOUR  # 22:00
    world.journal_full = True
    await world.until(6 * HOUR + 10)
    assert [condition for _, _, _, condition in world.open()] == ["journal-full"]
    await world.until(6 * HOUR + 140)
    assert world.told == [("A10", "li", Purpose.PAGE)]


async def test_a_finding_that_somebody_works_on_hides_no_alarm_of_the_same_agent(world):
    world.trouble = {"a": "its spool was damaged"}
    await world.until(20)
    await world.incidents.mine("A10", "li")
    world.clock.now = 8.0 * HOUR  # midnight
    await world.until(8 * HOUR + 20)
    world.beating = {"b"}
    await world.until(8 * HOUR + 240)
    assert world.told == [("B10", "li", Purpose.PAGE)]


async def test_what_the_board_shows_moves_with_the_clock(world):
    world.beating = {"b"}
    await world.until(100)
    (before,) = [one.alarm.occurrence for one in world.live.standing()]
    world.oversight.moved(HOUR)
    (after,) = [one.alarm.occurrence for one in world.live.standing()]
    assert (after.id, after.since.wall) == (before.id, before.since.wall + HOUR)
