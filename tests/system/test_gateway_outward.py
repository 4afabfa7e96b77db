"""What others hear of incidents, on a real mosquitto with the shipped access list, through kills of the gateway."""

import asyncio
import shutil
import signal
import sys
import time
from pathlib import Path

import msgspec
import pytest
from rooms import MOSQUITTO
from test_gateway_broker import SITE, A, made, until

from contract.alarm import Occurrence
from contract.clock import Stamp
from contract.command import Command, Reply, Verb
from contract.message import Alarms, Device, Inventory, State, decode
from contract.notice import Notice, Summary

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(shutil.which(MOSQUITTO) is None, reason="needs Debian's mosquitto: see tests/packages.sh"),
]
COMMAND = Path(sys.executable).with_name("wolfsmoke-gateway")
CLAUSE = """
[[clause]]
clause = "9.9"
title = { zh = "防火", en = "Fire protection" }
kinds = ["detector"]
departments = ["security"]
deadline = "1h"
escalation = { rung = [{ department = "security" }] }
[[clause.trigger]]
condition = "smoke"
title = { zh = "烟雾报警", en = "Smoke" }
level = "major"
wake = "night"
urgency = "immediate"
severity = "extreme"
page_after = "10m"
[[clause.output]]
agent = "room"
device = "relays"
output = "siren"
seconds = "5m"
"""
DEVICES = (Device(id="smoke-1", kind="detector", title="烟感"), Device(id="relays", kind="io", title="继电器"))


def smoke(seq, *, active=True):
    now = Stamp(time.time(), 5.0, "x", trusted=True)
    occurrence = Occurrence(
        id="o-1", device="smoke-1", condition="smoke", quantity="x", active=active, since=now, raised=now
    )
    return Alarms(epoch=A, seq=seq, at=now, occurrence=occurrence)


class Room:
    """An agent of the test, and an ear on the topics of the plan."""

    def __init__(self, agent, ear):
        self.agent = agent
        self.ear = ear

    def lives(self):
        self.agent.say(INVENTORY)
        self.agent.say(State(online=True, epoch=A, at=Stamp(time.time(), trusted=True)))

    def commands(self):
        return [decode(Command, body) for topic, body, _ in list(self.agent.heard) if topic == f"{SITE}/room/commands"]

    def answer(self, command):
        self.agent.say(Reply(command.id, command.device, command.verb, at=Stamp(time.time(), 5.0, "x", trusted=True)))

    def said(self, name, kind=Notice):
        """Return what a topic said last; None: nothing, or it was emptied."""
        heard = [body for topic, body, _ in list(self.ear.heard) if topic == f"{SITE}/plan/{name}"]
        return msgspec.json.decode(heard[-1], type=kind) if heard and heard[-1] else None

    def emptied(self, name):
        heard = [body for topic, body, _ in list(self.ear.heard) if topic == f"{SITE}/plan/{name}"]
        return bool(heard) and not heard[-1]


INVENTORY = Inventory(devices=DEVICES)


@pytest.fixture
async def site(tmp_path):
    async with made(tmp_path) as site:
        (tmp_path / "gateway/plan/9.toml").write_text(CLAUSE, "utf-8")
        await site.broker.start()
        await site.gateway.start()
        yield site


@pytest.fixture
async def room(site):
    agent = await site.join("room", f"{SITE}/room/commands")
    ear = await site.join("rogue", f"{SITE}/plan/+", name="room-2")
    room = Room(agent, ear)
    room.lives()
    return room


async def by_person(site, verb, *more):
    words = ("incident", verb, "A10", "--as", "li", *more, "--state", site.gateway.journal.parent)
    process = await asyncio.create_subprocess_exec(COMMAND, *words, stdout=asyncio.subprocess.DEVNULL)
    assert await asyncio.wait_for(process.wait(), 30.0) == 0


async def test_a_topic_appears_changes_outlives_a_kill_and_is_emptied(site, room):
    room.agent.say(smoke(1))
    await until(lambda: room.said("A10"), "the incident has a topic", site.gateway)
    said = room.said("A10")
    assert (said.clause, said.status, said.severity, said.state) == ("9.9", "Actual", "Extreme", "open")
    await until(lambda: (room.said("summary", Summary) or Summary()).open == 1, "the summary counts it", site.gateway)
    await by_person(site, "mine")
    await until(lambda: room.said("A10").owner == "li", "the owner is told", site.gateway)

    site.gateway.kill()
    late = await site.join("rogue", f"{SITE}/plan/+", name="room-3")
    kept = await until(lambda: [each for each in late.heard if each[0].endswith("/A10")], "the broker keeps it")
    assert kept[0][2], "retained"
    room.ear.heard.clear()
    await site.gateway.start()
    await until(lambda: room.said("A10"), "it is said again", site.gateway)
    assert room.said("A10").owner == "li"

    site.broker.stop()  # it is closed while nobody hears it
    await until(lambda: site.gateway.lines("not connected"), "the gateway has lost its broker", site.gateway)
    await by_person(site, "close", "--reason", "误报")
    await site.gateway.end(signal.SIGTERM)
    await site.broker.start()
    await site.gateway.start()
    await until(lambda: room.emptied("A10"), "what the broker kept is emptied", site.gateway)
    await until(lambda: room.said("summary", Summary).open == 0, "nothing is open", site.gateway)
    again = await site.join("rogue", f"{SITE}/plan/+", name="room-4")
    await until(lambda: again.heard, "the summary is kept")
    assert {each[0] for each in again.heard} == {f"{SITE}/plan/summary"}
    assert not site.gateway.lines("is refused"), "our own topics are none of an agent's"


async def test_a_siren_is_ordered_once_though_the_gateway_is_killed_before_the_answer(site, room):
    room.agent.say(smoke(1))
    [command] = await until(room.commands, "the siren is ordered", site.gateway)
    assert (command.device, command.verb, command.output) == ("relays", Verb.ON.value, "siren")
    assert 290.0 < command.seconds <= 300.0
    assert site.gateway.query("SELECT kind FROM events WHERE kind = 'message'") == [], "it waits for nobody"

    site.gateway.kill()
    await site.gateway.start()
    room.lives()
    await until(lambda: len(room.commands()) >= 2, "it is ordered again", site.gateway)
    assert {each.id for each in room.commands()} == {command.id}, "under its own number: an agent does that once"
    room.answer(room.commands()[-1])
    done = "SELECT count(*) FROM events WHERE kind = 'outward-done'"
    await until(lambda: site.gateway.query(done) == [(1,)], "it is done", site.gateway)

    number = len(room.commands())
    await site.gateway.end(signal.SIGTERM)
    await site.gateway.start()
    room.lives()
    room.agent.say(smoke(2))
    await by_person(site, "seen")
    off = (await until(lambda: room.commands()[number:], "it is ordered off", site.gateway))[0]
    assert (off.verb, off.output) == (Verb.OFF.value, "siren")
    room.answer(off)
    await until(lambda: site.gateway.query(done) == [(2,)], "it is off", site.gateway)
