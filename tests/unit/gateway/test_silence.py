"""An agent that falls silent, and a broker that is away, come to people like any other alarm."""

import pathlib

import pytest
from msgspec.structs import replace

from contract.clock import Stamp
from contract.message import Device, Hello, Inventory, State
from gateway.contacts import load_contacts
from gateway.evidence import LiveFacts
from gateway.incident import IncidentState, Purpose
from gateway.incidents import Incidents
from gateway.live import Live
from gateway.plan.loader import load_plan
from gateway.ports import Outcome
from gateway.silence import Silence

CONFIG = pathlib.Path(__file__).parents[3] / "config"
CONTACTS = load_contacts((CONFIG / "contacts.toml").read_text("utf-8"))
PLAN = load_plan({"3.1.toml": (CONFIG / "plan" / "3.1.toml").read_text("utf-8")}, CONTACTS.departments)
T0 = 1_800_000_000.0


class Clock:
    def __init__(self):
        self.now = 0.0

    def stamp(self):
        return Stamp(T0 + self.now, 1000.0 + self.now, "g", trusted=True)

    def boottime(self):
        return 1000.0 + self.now


class Journal:
    def __init__(self):
        self.kept = []

    async def record_event(self, event):
        self.kept.append(replace(event, id=len(self.kept) + 1))
        return self.kept[-1]

    async def events(self, incident=None):
        return [event for event in self.kept if incident in (None, event.incident)]


class World:
    """A gateway that hears agents a and b; the test turns its clock."""

    def __init__(self):
        self.clock, self.journal = Clock(), Journal()
        self.connected = True
        self.told = []
        self.beating = {"a", "b"}
        self.start()

    def start(self):
        self.live = Live(self.clock)
        self.incidents = Incidents(self.journal, PLAN, CONTACTS, self, self.clock, LiveFacts(self.live))
        self.silence = Silence(self.live, self.clock, lambda: self.connected, self.incidents.on_alarm)
        for agent in ("a", "b"):
            device = Device(id=f"ups-{agent}", kind="ups", room=f"室 {agent}")
            self.live.inventory("hq", agent, Inventory(devices=(device,)))

    async def restart(self):
        self.start()
        await self.incidents.load()
        self.silence.adopt(self.incidents.list())

    async def tell(self, incident, clause, mail, person, *, again, report):
        assert clause.clause == "3.1.1"
        assert not again
        self.told.append((incident.code, person.id, mail.purpose))
        await report(Outcome(channel="email", accepted=True))

    async def until(self, second):
        """Let the time pass in steps of 5 s; agents that live beat every 10 s while the broker is there."""
        while self.clock.now < second:
            self.clock.now += 5.0
            if self.connected and self.clock.now % 10 == 0:
                for agent in self.beating:
                    self.live.state("hq", agent, State(online=True, at=self.clock.stamp()), T0 + self.clock.now)
            await self.silence.look()
            await self.incidents.tick()
            await self.incidents.settled()

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


async def test_a_hello_that_ends_it_and_silence_after_that_raise_it_again(world):
    world.beating = {"b"}
    await world.until(100)
    (before,) = world.live.standing()
    world.live.hello("hq", "a", Hello(epoch="00000000000000aa"))
    await world.incidents.on_alarm(world.live.alarms[before.alarm.occurrence.id], world.incidents.get("A10").source)
    await world.until(200)
    assert len(world.open()) == 1
    assert [one.alarm.occurrence.active for one in world.live.standing()].count(True) == 1


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
