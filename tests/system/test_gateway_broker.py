"""The gateway as a process on a real mosquitto, with the shipped settings and access list.

Acknowledged is what is committed, duplicates too; what is none of ours is refused in a sentence and stops nothing;
brokers and gateways come and go.
"""

import asyncio
import getpass
import re
import secrets
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import asynccontextmanager, closing
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio
from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from rooms import MOSQUITTO, free_port

from contract.alarm import Occurrence, Standing
from contract.clock import Stamp
from contract.command import Command, Reply
from contract.message import (
    GATEWAY_TOPIC,
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
    decode,
    encode,
)
from firmware_sims.mailbox import Mailbox

REPO = Path(__file__).parents[2]
pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(shutil.which(MOSQUITTO) is None, reason="needs Debian's mosquitto: see tests/packages.sh"),
]
LIMIT = 30.0
"""Seconds until waiting for something is a failure."""
A, B = "00000000000000aa", "00000000000000bb"
SITE = "wolfsmoke/1/hq"
AGENTS = ("room", "room-2", "room-3", "room-4", "room-5", "room-6", "room-7", "room-8")
USERS = {name: f"{name}-word" for name in ("gateway", *AGENTS, "other", "rogue")}
KINDS = {
    Readings: "readings",
    Alarms: "alarms",
    Hello: "hello",
    Inventory: "inventory",
    State: "state",
    Reply: "replies",
}


async def until(met, what, process=None):
    """Look every 20 ms; there is no event for what another process has not done yet."""
    try:
        async with asyncio.timeout(LIMIT):
            while not (found := met()):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
    except TimeoutError:
        pytest.fail(f"within {LIMIT:g} s: {what}{'; it said: ' + process.said() if process else ''}")
    return found


class Broker:
    """mosquitto as config/mosquitto says, but without TLS, and with one user whom no access list holds back."""

    def __init__(self, folder):
        self.port = free_port()
        folder.mkdir()
        shipped = (REPO / "config/mosquitto/wolfsmoke.conf").read_text("utf-8")
        kept = [
            line for line in shipped.splitlines() if not re.match(r"(listener|\w+file|password_file|acl_file) ", line)
        ]
        assert "allow_anonymous false" in kept
        acl = (REPO / "config/mosquitto/wolfsmoke.acl").read_text("utf-8")
        (folder / "acl").write_text(f"{acl}\nuser rogue\ntopic readwrite #\n")
        (folder / "passwords").touch()
        for user, word in USERS.items():
            subprocess.run(["mosquitto_passwd", "-b", folder / "passwords", user, word], check=True)
        more = (
            f"user {getpass.getuser()}",
            f"acl_file {folder}/acl",
            f"password_file {folder}/passwords",
            f"persistence_location {folder}/",
            f"listener {self.port} 127.0.0.1",
        )
        (folder / "conf").write_text("\n".join([*kept, *more, ""]))
        self._command = [MOSQUITTO, "-c", folder / "conf"]
        self._process = None

    async def start(self):
        self._process = subprocess.Popen(  # noqa: ASYNC220 - returns at once
            self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        await until(self._answers, "mosquitto answers")

    def _answers(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True

    def stop(self):
        if self._process is not None:
            self._process.terminate()
            self._process.wait(LIMIT)
            self._process = None


class Client:
    """Somebody on the broker."""

    def __init__(self, broker, user, listen, name):
        self.base = f"{SITE}/{name}"
        self.heard = []
        self.subscribed = 0
        self._listen = listen
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2)
        self._client.username_pw_set(user, USERS[user])
        self._client.reconnect_delay_set(1, 1)
        self._client.on_message = lambda _c, _d, msg: self.heard.append((msg.topic, bytes(msg.payload), msg.retain))
        self._client.on_connect = lambda *_: [self._client.subscribe(each, 1) for each in self._listen]
        self._client.on_subscribe = self._on_subscribe
        self._client.connect("127.0.0.1", broker.port)
        self._client.loop_start()

    def _on_subscribe(self, *_):
        self.subscribed += 1

    def say(self, message, topic=None):
        """Publish a message of ours, or bytes."""
        body = message if isinstance(message, bytes) else encode(message)
        sent = self._client.publish(topic or f"{self.base}/{KINDS[type(message)]}", body, qos=1)
        sent.wait_for_publish(LIMIT)

    def acks(self, epoch=A):
        """Return what was acknowledged to the agent, in its order."""
        decoded = [decode(Ack, body) for topic, body, _ in list(self.heard) if topic == f"{self.base}/acks"]
        return [ack for ack in decoded if ack.epoch == epoch]

    def acked(self, epoch=A):
        acks = self.acks(epoch)
        return acks[-1].have if acks else ()

    def heartbeats(self):
        return [(decode(Heartbeat, body), kept) for topic, body, kept in list(self.heard) if topic == GATEWAY_TOPIC]

    async def hears_session(self, number):
        """Wait for the gateway's so many-th connection; a real agent says hello and sends again when it hears of it."""
        await until(
            lambda: len({beat.session for beat, _ in self.heartbeats() if beat.online}) == number,
            f"session {number} of the gateway",
        )

    def close(self):
        self._client.disconnect()
        self._client.loop_stop()


class Gateway:
    """The gateway as a process, on a state directory that outlives it."""

    def __init__(self, folder, broker_port, smtp_port):
        folder.mkdir()
        self.journal = folder / "state" / "journal.db"
        self._log = folder / "log"
        self._process = None
        self._config = folder / "gateway.toml"
        shutil.copytree(REPO / "config" / "plan", folder / "plan")
        for path in (folder / "plan").glob("*.toml"):
            text = re.sub(r'^(page_after\s*=\s*)"30s"', r'\1"0s"', path.read_text("utf-8"), flags=re.MULTILINE)
            path.write_text(text, "utf-8")
        contacts = (REPO / "config" / "contacts.toml").read_text("utf-8")
        (folder / "contacts.toml").write_text(re.sub(r"^webhook = .*$", "", contacts, flags=re.MULTILINE), "utf-8")
        (folder / "word").write_text(USERS["gateway"])
        self._config.write_text(f"""[gateway]
name = "garrison"
state = "state"
board = {{ host = "127.0.0.1", port = {free_port()} }}
[broker]
host = "127.0.0.1"
port = {broker_port}
user = "gateway"
password = {{ file = "word" }}
[notify.email]
host = "127.0.0.1"
port = {smtp_port}
sender = "wolfsmoke@example.net"
tls = "none"
""")

    def said(self):
        return self._log.read_text() if self._log.exists() else ""

    def lines(self, word):
        return [line for line in self.said().splitlines() if word in line]

    async def start(self, word="connected"):
        """Start it, and wait for a word of the new process."""
        before = len(self.lines(word))
        command = [Path(sys.executable).parent / "wolfsmoke-gateway", "run", "--config", self._config]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)  # noqa: ASYNC220 - returns at once
        await until(lambda: len(self.lines(word)) > before or not self.alive(), f"the gateway says {word!r}", self)
        assert self.alive(), self.said()

    async def end(self, number=signal.SIGTERM):
        self._process.send_signal(number)
        code = await asyncio.to_thread(self._process.wait, LIMIT)
        self._process = None
        return code

    def kill(self):
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def alive(self):
        return self._process.poll() is None

    def query(self, sql, *arguments):
        with closing(sqlite3.connect(f"{self.journal.as_uri()}?mode=ro", uri=True)) as journal:
            return journal.execute(sql, arguments).fetchall()

    def numbers(self, agent="room"):
        """Return (epoch, seq) of what the journal has of an agent, in its order."""
        return self.query(
            "SELECT epoch, seq FROM messages JOIN streams ON number = stream WHERE seq > 0 AND agent = ? ORDER BY id",
            agent,
        )

    @asynccontextmanager
    async def disk_locked(self):
        """Hold the journal's write lock, as a slow disk would."""
        with closing(sqlite3.connect(self.journal, isolation_level=None)) as journal:
            journal.execute("BEGIN IMMEDIATE")
            yield
            journal.execute("ROLLBACK")


class Site:
    """All of it."""

    def __init__(self, folder):
        smtp = free_port()
        self.mailbox = Mailbox(smtp)
        self.clients = []
        self.broker = Broker(folder / "broker")
        self.gateway = Gateway(folder / "gateway", self.broker.port, smtp)

    async def join(self, user, *listen, name=""):
        """Bring somebody in who hears the acks of an agent, by default of its own, and more topics."""
        listen = (f"{SITE}/{name or user}/acks", *listen)
        client = Client(self.broker, user, listen, name or user)
        self.clients.append(client)
        await until(lambda: client.subscribed == len(listen), f"{user} is subscribed")
        return client


@asynccontextmanager
async def made(folder):
    """Make a site of which nothing is started yet; end what was."""
    site = Site(folder)
    with site.mailbox:
        try:
            yield site
        finally:
            while site.clients:
                site.clients.pop().close()
            site.gateway.kill()
            site.broker.stop()
    assert "Traceback" not in site.gateway.said()
    for word in USERS.values():
        assert word not in site.gateway.said()


@pytest.fixture
async def bare(tmp_path):
    """Everything is there, nothing is started."""
    async with made(tmp_path) as site:
        yield site


@pytest.fixture
async def site(bare):
    """A site of this test's own: its gateway and its broker may be stopped."""
    await bare.broker.start()
    await bare.gateway.start()
    return bare


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory):
    """A site for tests that stop nothing; each takes an agent of its own."""
    async with made(tmp_path_factory.mktemp("shared")) as site:
        await site.broker.start()
        await site.gateway.start()
        yield site


SHARED = pytest.mark.asyncio(loop_scope="module")


def poll(seq, *, epoch=A, charge=90.0, device="ups-1"):
    at = Stamp(wall=1_795_000_000.0 + seq, boottime=5.0 + seq, boot="x", trusted=True)
    return Readings(epoch=epoch, seq=seq, device=device, at=at, values={"battery.charge": charge})


INVENTORY = Inventory(devices=(Device(id="ups-1", kind="ups", title="一号", room="机房"),))


def on_battery(seq, *, epoch=A):
    now = Stamp(wall=1_795_000_000.0, boottime=5.0, boot="x")
    occurrence = Occurrence(
        id="o-1", device="ups-1", condition="on-battery", quantity="ups.status", active=True, since=now, raised=now
    )
    return Alarms(epoch=epoch, seq=seq, at=now, occurrence=occurrence)


@SHARED
async def test_an_ack_comes_after_the_commit_and_for_a_duplicate_again(shared):
    agent = await shared.join("room")
    agent.say(poll(1))
    await until(lambda: agent.acked() == ((1, 1),), "the first is acknowledged", shared.gateway)
    assert shared.gateway.numbers() == [(A, 1)]
    async with shared.gateway.disk_locked():
        agent.say(poll(2))
        agent.say(poll(1, charge=10.0))
        await asyncio.sleep(0.7)  # time enough for an ack that does not wait for the disk
        assert len(agent.acks()) == 1
        assert shared.gateway.numbers() == [(A, 1)]
    await until(lambda: agent.acked() == ((1, 2),), "the second is acknowledged once the disk took it", shared.gateway)
    count = len(agent.acks())
    agent.say(poll(2, charge=20.0))
    await until(lambda: len(agent.acks()) > count, "the duplicate is acknowledged", shared.gateway)
    assert agent.acked() == ((1, 2),)
    assert shared.gateway.numbers() == [(A, 1), (A, 2)]
    bodies = [
        msgspec.json.decode(row[0])
        for row in shared.gateway.query(
            "SELECT body FROM messages JOIN streams ON number = stream WHERE agent = 'room'"
        )
    ]
    assert [body["values"]["battery.charge"] for body in bodies] == [90.0, 90.0]
    ((journal,),) = shared.gateway.query("SELECT value FROM meta WHERE name = 'journal'")
    assert {ack.journal for ack in agent.acks()} == {journal}


BAD = {
    "not JSON": b"{]",
    "not UTF-8": b'{"epoch":"\xff\xfe"}',
    "another type": b"[1, 2]",
    "a wrong type": b'{"values": "much"}',
    "no identity": encode(Readings(device="ups-1", seq=1)),
    "a device that is none": encode(Readings(epoch=A, seq=1, device="Ü!")),
    "too big a number": b'{"epoch":"%b","seq":18446744073709551616,"device":"u"}' % A.encode(),
    "oversized": b'{"device":"' + b"u" * MAX_BYTES + b'"}',
    "deeply nested": b"[" * 60_000,
    "binary": bytes(range(256)),
}


@SHARED
async def test_bad_messages_are_refused_in_one_sentence_a_sender_and_their_neighbours_are_stored(shared):
    rogue = await shared.join("rogue", name="room-2")
    for number, (name, body) in enumerate(BAD.items(), 1):
        agent = f"bad-{number}"  # a sender of its own: each is told once
        for _ in range(3):
            rogue.say(body, f"wolfsmoke/1/hq/{agent}/readings")
            rogue.say(poll(number), f"{SITE}/room-2/readings")
        await until(lambda n=number: rogue.acked() == ((1, n),), f"the neighbour of {name}", shared.gateway)
        told = shared.gateway.lines(f"/{agent}/")
        assert len(told) == 1, (name, told)
        assert "WARNING" in told[0]
        assert "refused" in told[0]
        assert len(told[0]) < 400, name
    assert shared.gateway.numbers("room-2") == [(A, number) for number in range(1, len(BAD) + 1)]
    assert shared.gateway.query(
        "SELECT count(*) FROM messages JOIN streams ON number = stream WHERE agent LIKE 'bad-%'"
    ) == [(0,)]
    assert shared.gateway.alive()


@SHARED
async def test_foreign_topics_are_refused_and_unknown_fields_are_passed_over(shared):
    rogue = await shared.join("rogue", name="room-3")
    foreign = ("wolfsmoke/1/hq/one/nonsense", "wolfsmoke/1/HQ!/two/readings", "wolfsmoke/1/hq/Three/readings")
    for topic in (*foreign, "wolfsmoke/1/hq/readings", "wolfsmoke/2/hq/four/readings", "elsewhere"):
        rogue.say(encode(poll(1)), topic)
        rogue.say(encode(poll(1)), topic)
    rogue.say(b"", f"{SITE}/room-3/readings")
    rogue.say(encode(Ack("j", A, ((1, 99),))), f"{SITE}/room-3/acks")
    newer = {**msgspec.to_builtins(poll(1)), "colour": "red", "nested": {"a": [1]}}
    rogue.say(msgspec.json.encode(newer), f"{SITE}/room-3/readings")
    await until(
        lambda: [ack for ack in _good(rogue) if ack.have == ((1, 1),)],
        "the newer agent's message is taken",
        shared.gateway,
    )
    assert shared.gateway.numbers("room-3") == [(A, 1)]
    assert [sum(topic in line for line in shared.gateway.lines("refused")) for topic in foreign] == [1, 1, 1]
    assert not shared.gateway.lines("room-3")
    agents = {
        row[0] for row in shared.gateway.query("SELECT DISTINCT agent FROM messages JOIN streams ON number = stream")
    }
    assert not agents & {"one", "two", "Three", "four", "hq"}


@SHARED
async def test_what_even_the_broker_finds_too_big_stops_nothing(shared):
    agent = await shared.join("room-4")
    agent.say(poll(1))
    await until(lambda: agent.acked() == ((1, 1),), "the first is acknowledged", shared.gateway)
    agent._client.publish(
        f"{SITE}/room-4/readings", b" " * 4_400_000, qos=1
    )  # mosquitto may drop the message or the line
    again = await shared.join("room-4")
    again.say(poll(2))
    await until(lambda: again.acked() == ((1, 2),), "the next is acknowledged", shared.gateway)


@SHARED
async def test_an_agent_with_very_many_devices_is_known_and_its_alarms_come_to_people(shared):
    agent = await shared.join("room-8")
    many = [Device(id=f"ups-{number}", kind="ups", title="很多" * 200, room="机房") for number in range(1, 501)]
    inventory = Inventory(devices=tuple(many))
    assert len(encode(inventory)) > 2 * MAX_BYTES
    agent.say(Hello(epoch=A))
    agent.say(inventory)
    alarm = on_battery(1)
    agent.say(msgspec.structs.replace(alarm, occurrence=msgspec.structs.replace(alarm.occurrence, id="o-many")))
    await until(lambda: any("很多" in mail.subject for mail in shared.mailbox._mails), "a message", shared.gateway)


@SHARED
async def test_the_access_list_lets_an_agent_speak_for_itself_only(shared):
    other = await shared.join("other", f"{SITE}/room-5/acks", f"{SITE}/room-5/readings", "#")
    other.say(poll(1), f"{SITE}/room-5/readings")
    other.say(encode(Ack("j", A, ((1, 99),))), f"{SITE}/room-5/acks")
    other.say(encode(Heartbeat("false", "j", "s", online=True)), GATEWAY_TOPIC)
    agent = await shared.join("room-5", GATEWAY_TOPIC)
    agent.say(poll(7))
    other.say(poll(3), "wolfsmoke/1/hq/other/readings")
    await until(lambda: agent.acked() == ((7, 7),), "the true one is acknowledged", shared.gateway)
    await until(
        lambda: any(topic.endswith("/other/acks") for topic, _, _ in other.heard), "the other too", shared.gateway
    )
    assert (shared.gateway.numbers("other"), shared.gateway.numbers("room-5")) == ([(A, 3)], [(A, 7)])
    assert {topic for topic, _, _ in other.heard} == {"wolfsmoke/1/hq/other/acks", GATEWAY_TOPIC}
    assert {beat.gateway for beat, _ in agent.heartbeats()} == {"garrison"}


async def test_the_heartbeat_is_kept_for_who_comes_later_and_says_when_the_gateway_is_gone(site):
    agent = await site.join("room", GATEWAY_TOPIC)
    await until(agent.heartbeats, "a heartbeat", site.gateway)
    beat, kept = agent.heartbeats()[0]
    ((journal,),) = site.gateway.query("SELECT value FROM meta WHERE name = 'journal'")
    assert kept
    assert (beat.gateway, beat.journal, beat.online) == ("garrison", journal, True)
    assert beat.wall > 1_700_000_000.0
    assert await site.gateway.end() == 0
    await until(lambda: not agent.heartbeats()[-1][0].online, "a good-bye")
    await site.gateway.start()
    await until(lambda: agent.heartbeats()[-1][0].online, "it is back", site.gateway)
    await site.gateway.end(signal.SIGKILL)
    await until(lambda: not agent.heartbeats()[-1][0].online, "the last will")
    assert {beat.journal for beat, _ in agent.heartbeats()} == {journal}
    late = await site.join("room", GATEWAY_TOPIC)
    await until(late.heartbeats, "the will is kept too")
    assert not late.heartbeats()[0][0].online


async def test_a_gateway_whose_line_alone_was_cut_lets_agents_send_again_what_it_missed(site):
    agent = await site.join("room", GATEWAY_TOPIC)
    await agent.hears_session(1)
    intruder = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="wolfsmoke-garrison")
    intruder.username_pw_set("rogue", USERS["rogue"])
    intruder.connect("127.0.0.1", site.broker.port)  # the broker hangs up on the first one of that name
    intruder.loop_start()
    await until(lambda: site.gateway.lines("not connected"), "the gateway loses its line", site.gateway)
    intruder.disconnect()
    intruder.loop_stop()
    await agent.hears_session(2)  # at which agents say hello, and send again
    agent.say(poll(1))
    await until(lambda: agent.acked() == ((1, 1),), "what comes then is acknowledged", site.gateway)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
async def test_a_gateway_that_is_started_again_keeps_its_journal_and_tells_nobody_twice(site, number):
    agent = await site.join("room", GATEWAY_TOPIC)
    agent.say(Hello(epoch=A))
    agent.say(INVENTORY)
    agent.say(poll(1))
    agent.say(on_battery(2))
    await until(lambda: len(site.mailbox._mails) == 1, "the person on call is told", site.gateway)
    await until(lambda: agent.acked() == ((1, 2),), "all is acknowledged", site.gateway)
    events = await until(lambda: site.gateway.query("SELECT kind FROM events WHERE kind = 'opened'"), "an incident")
    journal, before = agent.acks()[-1].journal, site.gateway.numbers()
    await site.gateway.end(number)
    await site.gateway.start()
    await agent.hears_session(2)
    count = len(agent.acks())
    agent.say(Hello(epoch=A, held=(Held(A, ((1, 2),), 2),), standing=(on_battery(2).occurrence,)))
    agent.say(poll(1))
    agent.say(on_battery(2))
    agent.say(poll(3))
    await until(lambda: agent.acked() == ((1, 3),), "what was there and what is new is acknowledged", site.gateway)
    assert len(agent.acks()) > count
    assert agent.acks()[-1].journal == journal
    assert site.gateway.numbers() == [*before, (A, 3)]
    standings = [ack.alarms["o-1"] for ack in agent.acks() if "o-1" in ack.alarms]
    assert standings
    assert set(standings) <= set(Standing)
    await asyncio.sleep(1.5)  # page_after is 0 here: a second message would have gone by now
    assert len(site.mailbox._mails) == 1
    assert site.gateway.query("SELECT kind FROM events WHERE kind = 'opened'") == events


async def test_a_broker_that_is_away_at_start_and_later_is_told_once_each_and_found_again(bare):
    await bare.gateway.start("not connected")
    assert "the agents keep what they read" in bare.gateway.lines("not connected")[0]
    assert "Connection refused" in bare.gateway.lines("not connected")[0]
    await bare.broker.start()
    await until(lambda: bare.gateway.lines(": connected"), "the gateway finds the broker", bare.gateway)
    agent = await bare.join("room", GATEWAY_TOPIC)
    agent.say(poll(1))
    await until(lambda: agent.acked() == ((1, 1),), "it is acknowledged", bare.gateway)
    bare.broker.stop()
    await until(lambda: len(bare.gateway.lines("not connected")) == 2, "the gateway notices", bare.gateway)
    await bare.broker.start()
    await until(lambda: len(bare.gateway.lines(": connected")) == 2, "the gateway is back", bare.gateway)
    await until(lambda: agent.subscribed == 4, "so is the agent")
    await agent.hears_session(2)
    agent.say(poll(2))
    await until(lambda: agent.acked() == ((1, 2),), "the next is acknowledged", bare.gateway)
    assert len(bare.gateway.lines("not connected")) == 2


async def test_a_wrong_password_is_told_with_what_to_check(bare):
    (bare.gateway._config.parent / "word").write_text("a-wrong-word")
    await bare.broker.start()
    await bare.gateway.start("not connected")
    assert "check user, password" in bare.gateway.said()
    assert "a-wrong-word" not in bare.gateway.said()
    assert await bare.gateway.end() == 0


@SHARED
async def test_two_agents_under_one_name_are_both_stored(shared):
    one = await shared.join("room-6")
    two = await shared.join("room-6")
    for seq in range(1, 5):
        for agent, epoch in ((one, A), (two, B)):
            agent.say(Hello(epoch=epoch, held=(Held(epoch, ((1, seq),), seq),)))
            agent.say(poll(seq, epoch=epoch))
    await until(lambda: one.acked(A) == one.acked(B) == ((1, 4),), "both are acknowledged", shared.gateway)
    assert sorted(shared.gateway.numbers("room-6")) == sorted((epoch, seq) for epoch in (A, B) for seq in range(1, 5))
    assert shared.gateway.query("SELECT count(*) FROM events WHERE kind = 'lost' AND text LIKE '%room-6%'") == [(0,)]


@SHARED
async def test_random_bytes_on_every_topic_of_ours_break_nothing(shared):
    rogue = await shared.join("rogue", name="room-7")
    for size in (1, 7, 40, 300, 5000):
        for topic in ("state", "hello", "inventory", "readings", "alarms", "acks"):
            rogue.say(secrets.token_bytes(size), f"{SITE}/room-7/{topic}")
            rogue.say(b'{"epoch":"%b","%b":%d}' % (A.encode(), topic.encode(), size), f"{SITE}/room-7/{topic}")
    rogue.say(poll(1))
    await until(lambda: [ack for ack in _good(rogue) if ack.have == ((1, 1),)], "a good one is stored", shared.gateway)
    assert shared.gateway.numbers("room-7") == [(A, 1)]
    assert len(shared.gateway.lines("/room-7/")) == 1


def _good(client):
    """Return the acks among what was heard; the rogue hears its own nonsense too."""
    for topic, body, _ in list(client.heard):
        if topic == f"{client.base}/acks" and body.startswith(b'{"journal"'):
            yield decode(Ack, body)


@SHARED
async def test_a_command_reaches_its_agent_and_the_answer_the_person_who_asked(shared):
    """The access list lets it pass; one that is put in front of everybody else's nose does not answer in its name."""
    agent = await shared.join("room-8", f"{SITE}/room-8/commands")
    other = await shared.join("other", name="room-8")
    agent.say(INVENTORY)
    agent.say(State(online=True, epoch=A, at=Stamp(time.time(), trusted=True)))
    words = [Path(sys.executable).parent / "wolfsmoke-gateway", "command", "read", "hq/room-8/ups-1", "--as", "li"]
    state = shared.gateway.journal.parent
    asked = await asyncio.create_subprocess_exec(*words, "--json", "--state", state, stdout=subprocess.PIPE)

    def commands():
        return [decode(Command, body) for topic, body, _ in list(agent.heard) if topic == f"{SITE}/room-8/commands"]

    [command] = await until(commands, "the command comes")
    assert (command.device, command.verb, command.who) == ("ups-1", "read", "li")
    other.say(Reply(command.id, "ups-1", "read", text="in another's name"), topic=f"{SITE}/room-8/replies")
    agent.say(Reply(command.id, "ups-1", "read", text="by itself", values={"battery.charge": 97.0}))
    out, _ = await asyncio.wait_for(asked.communicate(), LIMIT)
    reply = msgspec.json.decode(out)
    assert asked.returncode == 0
    assert (reply["outcome"], reply["text"], reply["values"]) == ("done", "by itself", {"battery.charge": 97.0})
    recorded = shared.gateway.query("SELECT kind FROM events WHERE kind IN ('command', 'reply') ORDER BY id")
    assert recorded == [("command",), ("reply",)]
