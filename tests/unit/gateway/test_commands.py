"""Commands from the gateway: nothing is sent that cannot be answered, everything is on record, nobody waits for ever."""

import asyncio

import pytest

from contract.clock import Stamp
from contract.command import Command, Outcome, Reply, Verb
from contract.errors import CommandRefused
from contract.message import Device, Inventory, Readings, State, decode
from contract.reading import Reading
from gateway.commands import Commander
from gateway.live import Live

EPOCH = "00000000000000aa"
TO = ("hq", "room")
WELL, LOST = ("ups.status", ("OL",)), ("x.contact", 0.0)


class HandClock:
    def stamp(self):
        return Stamp(1_800_000_000.0, 50.0, "boot", True)

    def boottime(self):
        return 50.0


class World:
    def __init__(self, *, connected=True, flags=("OL",), online=True, other=None):
        clock = HandClock()
        self.live = Live(clock)
        devices = (Device(id="ups-1", kind="ups"), Device(id="sensor", kind="environment"))
        self.live.inventory(*TO, Inventory(devices=devices))
        at = clock.stamp()
        self.live.state(*TO, State(online=online, epoch=EPOCH, at=at), at.wall)
        said = Readings.of("ups-1", at, [Reading("ups.status", flags)])
        self.live.readings(*TO, said, at.wall)
        if other is not None:
            self.live.inventory("hq", "cellar", Inventory(devices=(Device(id="ups-2", kind="ups"),)))
            self.live.state("hq", "cellar", State(online=other["online"], epoch=EPOCH, at=at), at.wall)
            readings = Readings.of("ups-2", at, [Reading(*one) for one in other["readings"]])
            self.live.readings("hq", "cellar", readings, at.wall)
        self.events, self.sent = [], []
        self.commander = Commander(self.live, self, clock, self.send, lambda: connected)
        self.on_send = lambda _command: None

    async def record_event(self, event):
        self.events.append(event)
        return event

    def send(self, topic, payload):
        command = decode(Command, payload)
        self.sent.append((topic, command))
        self.on_send(command)

    async def ask(self, device="ups-1", verb=Verb.READ, **more):
        return await self.commander.command(TO, device, verb, who="li", **more)


async def test_a_command_is_sent_answered_and_on_record():
    world = World()
    world.on_send = lambda command: world.commander.replied(
        *TO, Reply(command.id, command.device, command.verb, Outcome.DONE, "", values={"ups.load": 40.0})
    )
    reply = await world.ask()
    assert (reply.outcome, reply.values) == (Outcome.DONE, {"ups.load": 40.0})
    [(topic, command)] = world.sent
    assert topic == "wolfsmoke/1/hq/room/commands"
    assert command.expires == command.issued + 30.0
    assert [(event.kind, event.who) for event in world.events] == [("command", "li"), ("reply", "li")]
    assert world.events[1].data["outcome"] == "done"


async def test_one_that_nobody_answers_expires():
    reply = await World().ask(patience=-0.99)
    assert reply.outcome is Outcome.EXPIRED


async def test_a_reply_of_another_agent_or_to_nothing_is_passed_over():
    world = World()
    world.on_send = lambda command: world.commander.replied("hq", "rogue", Reply(command.id))
    world.commander.replied(*TO, Reply("never-asked"))
    assert (await world.ask(patience=-0.99)).outcome is Outcome.EXPIRED


@pytest.mark.parametrize(
    ("world", "asked", "said"),
    [
        ({"connected": False}, {}, "broker is away"),
        ({"online": False}, {}, "not heard"),
        ({}, {"device": "ups-9"}, "no device 'ups-9'"),
        ({"flags": ("DISCHRG", "OB")}, {"verb": Verb.BATTERY_TEST}, "on battery now: room/ups-1"),
        ({"other": {"online": False, "readings": [WELL]}}, {"verb": Verb.BATTERY_TEST}, "not known .* cellar/ups-2"),
        (
            {"other": {"online": True, "readings": [WELL, LOST]}},
            {"verb": Verb.BATTERY_TEST},
            "not known .* cellar/ups-2",
        ),
        ({"other": {"online": True, "readings": []}}, {"verb": Verb.BATTERY_TEST}, "not known .* cellar/ups-2"),
    ],
)
async def test_what_cannot_be_done_is_refused_and_not_sent(world, asked, said):
    world = World(**world)
    with pytest.raises(CommandRefused, match=said):
        await world.ask(**asked)
    assert not world.sent
    assert not world.events


async def test_a_battery_is_tested_while_all_others_are_known_to_be_on_mains():
    world = World(other={"online": True, "readings": [WELL, ("x.contact", 1.0)]})
    await world.ask(verb=Verb.BATTERY_TEST, patience=-0.99)
    assert [command.verb for _, command in world.sent] == ["battery-test"]


async def test_two_at_once_are_told_apart():
    world = World()
    commands, sent = [], asyncio.Event()

    def on_send(command):
        commands.append(command)
        if len(commands) == 2:
            sent.set()

    world.on_send = on_send
    both = [asyncio.create_task(world.ask(device)) for device in ("ups-1", "sensor")]
    await sent.wait()
    for command in reversed(commands):
        world.commander.replied(*TO, Reply(command.id, command.device))
    assert [(await task).device for task in both] == ["ups-1", "sensor"]
