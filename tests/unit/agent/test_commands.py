"""Commands are carried out once, in time, and answered whatever becomes of them."""

import asyncio

import pytest

from agent.commands import Commands
from agent.drivers.base import Lane
from contract.clock import Stamp
from contract.command import Command, Outcome, Verb
from contract.errors import CommandRefused, DeviceTimeout
from contract.reading import Reading, unavailable

LIMIT = 5.0
READINGS = [Reading("ups.load", 40.0), unavailable("battery.charge"), Reading("x.contact", 1.0)]


class HandClock:
    def stamp(self):
        return Stamp(7.0, 7.0, "boot", True)

    def boottime(self):
        return 7.0


class Device:
    """Does what it is told, or fails as it is told."""

    def __init__(self, readings=READINGS, fails=None):
        self.readings, self.fails = readings, fails
        self.done = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def poll_once(self, lane):
        await self.gate.wait()
        self.done.append(lane)
        return self.readings

    async def act(self, verb, output, seconds):
        await self.gate.wait()
        if self.fails is not None:
            raise self.fails
        self.done.append((verb, output, seconds))
        return f"{output} is on"


class World:
    def __init__(self, device=None, *, now=1000.0, forbids=""):
        self.device = device or Device()
        self.replies = []
        self.heard = asyncio.Event()
        self.commands = Commands(
            HandClock(), lambda: now, {"ups-1": self.device}, self.answer, lambda _command: forbids
        )

    def answer(self, reply):
        self.replies.append(reply)
        self.heard.set()

    async def wait_for(self, count):
        async with asyncio.timeout(LIMIT):
            while len(self.replies) < count:
                self.heard.clear()
                await self.heard.wait()

    async def say(self, **more):
        self.heard.clear()
        self.commands.take(Command(**{"id": "c1", "device": "ups-1", "verb": "read", "expires": 1030.0, **more}))
        async with asyncio.timeout(LIMIT):
            await self.heard.wait()
        return self.replies[-1]


async def test_a_device_is_read_at_once_and_what_it_said_is_in_the_reply():
    world = World()
    reply = await world.say()
    assert (reply.id, reply.device, reply.verb, reply.outcome) == ("c1", "ups-1", "read", Outcome.DONE)
    assert reply.values == {"ups.load": 40.0, "x.contact": 1.0}
    assert list(reply.quality) == ["battery.charge"]
    assert reply.at == Stamp(7.0, 7.0, "boot", True)
    assert world.device.done == [Lane.ALL]


async def test_a_device_that_does_not_answer_is_a_failure():
    reply = await World(Device([Reading("x.contact", 0.0)])).say()
    assert (reply.outcome, reply.text) == (Outcome.FAILED, "it does not answer")


async def test_a_command_that_comes_twice_is_carried_out_once_and_answered_twice():
    world = World()
    first = await world.say(verb="on", output="siren", seconds=60.0)
    assert (first.outcome, first.text) == (Outcome.DONE, "siren is on")
    assert await world.say(verb="on", output="siren", seconds=60.0) == first
    assert world.device.done == [(Verb.ON, "siren", 60.0)]


async def test_a_command_that_comes_again_while_it_is_carried_out_is_not_begun_again():
    world = World()
    world.device.gate.clear()
    for _ in range(2):
        world.commands.take(Command("c1", "ups-1", "read", expires=1030.0))
    await asyncio.sleep(0)
    world.device.gate.set()
    assert (await world.say(id="c2")).id in {"c1", "c2"}
    await world.wait_for(2)
    assert len(world.device.done) == 2


@pytest.mark.parametrize(
    ("now", "more", "outcome", "said"),
    [
        (1030.5, {}, Outcome.EXPIRED, "after its time"),
        (None, {}, Outcome.REFUSED, "clock is not known"),
        (1000.0, {"device": "ups-2"}, Outcome.REFUSED, "no device 'ups-2'"),
        (1000.0, {"verb": "dance"}, Outcome.REFUSED, "'dance' is not known here"),
    ],
)
async def test_what_cannot_be_carried_out_is_answered_with_the_reason_and_not_tried(now, more, outcome, said):
    world = World(now=now)
    reply = await world.say(**more)
    assert reply.outcome is outcome
    assert said in reply.text
    assert not world.device.done


async def test_what_is_forbidden_now_is_not_tried():
    world = World(forbids="only at 02:00-05:00")
    reply = await world.say(verb="battery-test")
    assert (reply.outcome, reply.text) == (Outcome.REFUSED, "ups-1: only at 02:00-05:00")
    assert not world.device.done


@pytest.mark.parametrize(
    ("error", "outcome"),
    [(CommandRefused("it knows no siren"), Outcome.REFUSED), (DeviceTimeout("no answer"), Outcome.FAILED)],
)
async def test_a_device_that_cannot_or_does_not_says_so(error, outcome):
    reply = await World(Device(fails=error)).say(verb="on")
    assert (reply.outcome, reply.text) == (outcome, str(error))


async def test_too_many_at_once_are_refused_and_the_others_go_on():
    world = World()
    world.device.gate.clear()
    for number in range(17):
        world.commands.take(Command(f"c{number}", "ups-1", "read", expires=1030.0))
    assert [(reply.id, reply.outcome) for reply in world.replies] == [("c16", Outcome.REFUSED)]
    world.device.gate.set()
    await world.wait_for(17)
    assert {reply.outcome for reply in world.replies[1:]} == {Outcome.DONE}


async def test_an_agent_that_ends_gives_up_what_is_under_way():
    world = World()
    world.device.gate.clear()
    world.commands.take(Command("c1", "ups-1", "read", expires=1030.0))
    await asyncio.sleep(0)
    async with asyncio.timeout(LIMIT):
        await world.commands.close()
    assert not world.replies


async def test_a_command_without_an_id_is_passed_over():
    world = World()
    world.commands.take(Command("", "ups-1", "read", expires=1030.0))
    await asyncio.sleep(0)
    assert not world.replies
    assert not world.device.done


@pytest.mark.parametrize(
    ("fails", "tried"),
    [(None, True), (DeviceTimeout("no answer"), True), (CommandRefused("it must not"), False)],
)
async def test_who_keeps_account_hears_whether_it_was_tried(fails, tried):
    heard = []
    done = asyncio.Event()
    commands = Commands(
        HandClock(),
        lambda: 1000.0,
        {"ups-1": Device(fails=fails)},
        lambda _reply: done.set(),
        tried=lambda command, was: heard.append((command.verb, was)),
    )
    commands.take(Command("c1", "ups-1", "on", output="siren", expires=1010.0))
    await asyncio.wait_for(done.wait(), LIMIT)
    await commands.close()
    assert heard == [("on", tried)]
