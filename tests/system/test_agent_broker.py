"""The agent's uplink against a real mosquitto: away at start and later, refusing, and with strangers on our topics."""

import asyncio
import contextlib
import getpass
import shutil
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

import pytest
from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from rooms import MOSQUITTO, free_port, until

from agent.clock import SystemClock
from agent.outbox.outbox import Outbox
from agent.outbox.rescue import open_spool
from agent.uplink import Uplink
from contract import message
from contract.alarm import Occurrence
from contract.broker import Broker, Tls
from contract.message import GATEWAY_TOPIC, Ack, Alarms, Heartbeat, Inventory, Readings, Topic
from contract.settings import Secret

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(shutil.which(MOSQUITTO) is None, reason="needs Debian's mosquitto: see tests/packages.sh"),
]
EPOCH = "00000000000000aa"
OURS = "wolfsmoke/1/hq/room"


class Mosquitto:
    """A broker that can be stopped and started again on the same port."""

    def __init__(self, folder, lines=("allow_anonymous true",)):
        self.port = free_port()
        self._config = folder / "mosquitto.conf"
        self._config.write_text("\n".join([f"user {getpass.getuser()}", f"listener {self.port} 127.0.0.1", *lines, ""]))
        self._process = None

    async def start(self):
        self._process = subprocess.Popen(  # noqa: ASYNC220 - returns at once
            [MOSQUITTO, "-c", self._config], stderr=subprocess.DEVNULL
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
            self._process.kill()
            self._process.wait()
            self._process = None


class Listener:
    """Hears all that the agent says, and can speak as the gateway or as a stranger."""

    def __init__(self, port):
        self.heard = []
        self._subscribed = False
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2)
        self._client.on_message = lambda _c, _d, msg: self.heard.append((msg.topic, bytes(msg.payload)))
        self._client.on_subscribe = lambda *_: setattr(self, "_subscribed", True)
        self._client.connect("127.0.0.1", port)
        self._client.subscribe(f"{OURS}/#", 1)
        self._client.loop_start()

    async def ready(self):
        await until(lambda: self._subscribed, "the listener is subscribed")
        return self

    def say(self, topic, payload, *, retain=False):
        self._client.publish(topic, payload, qos=1, retain=retain)

    def of(self, topic):
        kind = message.TYPES[topic]
        return [message.decode(kind, body) for name, body in list(self.heard) if name == f"{OURS}/{topic.value}"]

    def order(self):
        return [name.rpartition("/")[2] for name, _ in self.heard]

    def close(self):
        self._client.disconnect()
        self._client.loop_stop()


class Agent:
    """Outbox and uplink of one agent, without devices."""

    def __init__(self, folder, broker, epoch):
        self.clock = SystemClock()
        self.worker = ThreadPoolExecutor(1)
        self.standing = []
        self.gateway_clock = []
        self.outbox = Outbox(
            lambda damaged: open_spool(folder / "spool.db", "1", damaged=damaged),
            self.worker,
            self.clock,
            epoch,
            lambda: self.standing,
        )
        self.uplink = Uplink(
            broker=broker,
            site="hq",
            agent="room",
            version="test",
            outbox=self.outbox,
            clock=self.clock,
            inventory=lambda: Inventory(config="c"),
            on_gateway_clock=lambda wall, _trusted: self.gateway_clock.append(wall),
        )

    def put(self, count=1):
        for _ in range(count):
            self.outbox.put_readings(Readings(device="ups-1", at=self.clock.stamp(), values={"battery.charge": 97.0}))

    def alarm(self, name):
        occurrence = Occurrence(id=name, device="ups-1", condition="on-battery")
        self.outbox.put_alarms([Alarms(at=self.clock.stamp(), occurrence=occurrence)])


@asynccontextmanager
async def running(folder, broker, epoch=EPOCH):
    agent = Agent(folder, broker, epoch)
    await agent.outbox.open()
    tasks = [asyncio.create_task(agent.outbox.run()), asyncio.create_task(agent.uplink.run())]
    try:
        yield agent
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        await agent.outbox.close()
        agent.worker.shutdown()


@pytest.fixture
async def mosquitto(tmp_path):
    broker = Mosquitto(tmp_path)
    yield broker
    broker.stop()


@pytest.fixture
async def listener(mosquitto):
    await mosquitto.start()
    listener = await Listener(mosquitto.port).ready()
    yield listener
    listener.close()


def at(mosquitto):
    return Broker("127.0.0.1", mosquitto.port)


async def test_hello_is_first_then_alarms_then_readings(tmp_path, mosquitto, listener):
    async with running(tmp_path, at(mosquitto)) as agent:
        agent.standing = [Occurrence(id="o-1", device="ups-1")]
        agent.put()
        agent.alarm("o-1")
        await until(lambda: len(listener.heard) >= 5, "all is said")
        assert listener.order()[:5] == ["hello", "inventory", "alarms", "readings", "state"]
        (hello,) = listener.of(Topic.HELLO)
        assert (hello.epoch, hello.held[0].spans, hello.standing[0].id) == (EPOCH, ((1, 2),), "o-1")
        assert listener.of(Topic.STATE)[-1].online


async def test_a_broker_that_is_away_at_start_gets_everything_when_it_comes(tmp_path, mosquitto, caplog):
    async with running(tmp_path, at(mosquitto)) as agent:
        agent.put(3)
        agent.alarm("o-1")
        await until(lambda: "away" in caplog.text, "the broker is found to be away")
        await mosquitto.start()
        listener = await Listener(mosquitto.port).ready()
        await until(lambda: agent.uplink.connected, "the agent is connected")
        agent.put(1)
        # the listener may have come later than the first sending; what nobody acknowledges is said again at a hello
        listener.say(GATEWAY_TOPIC, message.encode(Heartbeat("g", "j", "s1", online=True)))
        await until(lambda: len({each.seq for each in listener.of(Topic.READINGS)}) == 4, "all readings")
        await until(lambda: listener.of(Topic.ALARMS), "the alarm")
        listener.close()
    assert sum("away" in record.message for record in caplog.records) == 1
    assert sum("connected" in record.message for record in caplog.records) == 1


async def test_a_broker_that_goes_and_comes_back_loses_nothing(tmp_path, mosquitto, listener, caplog):
    async with running(tmp_path, at(mosquitto)) as agent:
        agent.put(2)
        await until(lambda: len(listener.of(Topic.READINGS)) == 2, "two readings")
        listener.say(f"{OURS}/acks", message.encode(Ack("j", EPOCH, ((1, 2),))))
        await until(lambda: agent.outbox.held == 0, "they are acknowledged")
        mosquitto.stop()
        await until(lambda: not agent.uplink.connected, "the agent notices")
        agent.put(100)
        agent.alarm("o-1")
        await mosquitto.start()
        again = await Listener(mosquitto.port).ready()
        await until(lambda: agent.uplink.connected, "the agent is back")
        again.say(GATEWAY_TOPIC, message.encode(Heartbeat("g", "j", "s1", online=True)))

        def acknowledged_all():
            for each in [*again.of(Topic.READINGS), *again.of(Topic.ALARMS)]:
                again.say(f"{OURS}/acks", message.encode(Ack("j", EPOCH, ((each.seq, each.seq),))))
            return agent.outbox.held == 0

        await until(acknowledged_all, "everything arrives and is acknowledged")
        seqs = {each.seq for each in [*again.of(Topic.READINGS), *again.of(Topic.ALARMS)]}
        assert seqs == set(range(3, 104))
        again.close()
    assert sum("away" in record.message for record in caplog.records) == 1


async def test_foreign_and_malformed_messages_change_nothing(tmp_path, mosquitto, listener, caplog):
    async with running(tmp_path, at(mosquitto)) as agent:
        agent.put(2)
        await until(lambda: len(listener.of(Topic.READINGS)) == 2, "two readings")
        for bad in (
            b"",
            b"nonsense",
            b"\xff\xfe",
            b"[]",
            b'{"journal": 5}',
            b'{"journal":"j","epoch":"%s","have":[[1]]}' % EPOCH.encode(),
            b'{"journal":"j","epoch":"%s","have":"all"}' % EPOCH.encode(),
            b"[" * 100_000,
            b'{"journal":"' + b"j" * message.MAX_BYTES + b'"}',
            message.encode(Ack("j", "f" * 16, ((1, 2),))),
            message.encode(Ack("", EPOCH, ((1, 2),))),
            message.encode(Ack("j", EPOCH, ((2, 1), (-4, 0), (10**30, 10**31)))),
        ):
            listener.say(f"{OURS}/acks", bad)
            listener.say(GATEWAY_TOPIC, bad)
        listener.say(f"{OURS}/acks", message.encode(Ack("j", EPOCH, ((1, 1),))))
        await until(lambda: agent.outbox.held == 1, "the good ack after the bad ones is taken")
        assert agent.uplink.connected
    assert sum("refused" in record.message for record in caplog.records) == 1
    assert not [record for record in caplog.records if record.exc_info]


async def test_a_gateway_that_starts_anew_hears_hello_and_what_is_held(tmp_path, mosquitto, listener):
    async with running(tmp_path, at(mosquitto)) as agent:
        agent.put()
        await until(lambda: len(listener.of(Topic.READINGS)) == 1, "a reading")
        for session in ("s1", "s1", "s2"):
            listener.say(GATEWAY_TOPIC, message.encode(Heartbeat("g", "j", session, wall=5.0, online=True)))
        await until(lambda: len(listener.of(Topic.HELLO)) == 3, "one hello a session")
        await until(lambda: len(listener.of(Topic.READINGS)) == 3, "the reading again")
        assert agent.gateway_clock == [5.0, 5.0, 5.0]
        listener.say(GATEWAY_TOPIC, message.encode(Heartbeat("g", "j", "another", online=True)))
        await until(lambda: len(listener.of(Topic.HELLO)) == 4, "one hello more")
        assert agent.gateway_clock == [5.0, 5.0, 5.0], "this one does not know the time"


async def test_a_gateway_that_is_there_and_acknowledges_nothing_is_told_once(
    tmp_path, mosquitto, listener, caplog, monkeypatch
):
    monkeypatch.setattr("agent.uplink._UNANSWERED", 0.5)
    async with running(tmp_path, at(mosquitto)) as agent:
        await until(lambda: agent.uplink.connected, "the connection")
        agent.put()
        await asyncio.sleep(2)  # nobody is there: that is another matter
        assert "acknowledges nothing" not in caplog.text
        for _ in range(3):
            listener.say(GATEWAY_TOPIC, message.encode(Heartbeat(session="s", journal="j", wall=1.0, online=True)))
            await asyncio.sleep(1.5)
    (told,) = [line for line in caplog.messages if "acknowledges nothing" in line]
    assert "wolfsmoke/1/hq/room/…" in told


async def test_a_disk_that_fails_is_said_with_presence_and_hello_is_said_anew_when_it_is_back(
    tmp_path, mosquitto, listener, monkeypatch
):
    monkeypatch.setattr("agent.uplink.HEARTBEAT", 0.5)
    monkeypatch.setattr("agent.outbox.keeping.RETRY", 0.5)
    folder = tmp_path / "state"
    folder.mkdir()
    async with running(folder, at(mosquitto)) as agent:
        agent.put()
        await agent.outbox.flush()
    folder.rename(tmp_path / "elsewhere")
    folder.write_text("")
    async with running(folder, at(mosquitto), epoch="00000000000000bb") as agent:
        agent.put()
        await until(lambda: any(state.trouble for state in listener.of(Topic.STATE)), "the trouble is told")
        assert "messages stay in memory" in listener.of(Topic.STATE)[-1].trouble
        assert [held.epoch for held in listener.of(Topic.HELLO)[-1].held] == [agent.outbox.epoch]
        folder.unlink()
        (tmp_path / "elsewhere").rename(folder)
        await until(lambda: not listener.of(Topic.STATE)[-1].trouble, "it is over")
        await until(lambda: len(listener.of(Topic.HELLO)[-1].held) == 2, "hello knows of what is on the disk")
        assert listener.of(Topic.HELLO)[-1].held[0].spans == ((1, 1),)


async def test_a_kept_heartbeat_neither_sets_the_clock_nor_repeats_hello(tmp_path, mosquitto, listener):
    listener.say(GATEWAY_TOPIC, message.encode(Heartbeat("g", "j", "s1", wall=5.0, online=True)), retain=True)
    async with running(tmp_path, at(mosquitto)) as agent:
        agent.put()
        await until(lambda: listener.of(Topic.READINGS), "a reading")
        listener.say(f"{OURS}/acks", message.encode(Ack("j", EPOCH, ((1, 1),))))
        await until(lambda: agent.outbox.held == 0, "the ack, which is behind the heartbeat")
        assert agent.gateway_clock == []
        assert len(listener.of(Topic.HELLO)) == 1


async def test_the_last_will_says_that_the_agent_is_gone_and_a_clean_stop_says_so_itself(tmp_path, mosquitto, listener):
    async with running(tmp_path, at(mosquitto)) as agent:
        await until(lambda: listener.of(Topic.STATE), "the first state")
        agent.uplink._client.socket().shutdown(socket.SHUT_RDWR)  # the line is cut
        await until(lambda: not listener.of(Topic.STATE)[-1].online, "the will")
        await until(lambda: listener.of(Topic.STATE)[-1].online, "the agent is back")
    await until(lambda: not listener.of(Topic.STATE)[-1].online, "a good-bye")


async def test_a_wrong_password_is_told_once_with_what_to_check(tmp_path, caplog):
    passwords = tmp_path / "passwords"
    subprocess.run(["mosquitto_passwd", "-b", "-c", passwords, "room", "right"], check=True)  # noqa: ASYNC221
    passwords.chmod(0o644)
    broker = Mosquitto(tmp_path, ("allow_anonymous false", f"password_file {passwords}"))
    await broker.start()
    try:
        async with running(tmp_path, Broker("127.0.0.1", broker.port, "room", Secret("a-wrong-one"))) as agent:
            await until(lambda: "refuses us" in caplog.text, "the refusal")
            assert not agent.uplink.connected
        async with running(tmp_path, Broker("127.0.0.1", broker.port, "room", Secret("right"))) as agent:
            await until(lambda: agent.uplink.connected, "the right password")
    finally:
        broker.stop()
    assert "check user, password" in caplog.text
    assert "a-wrong-one" not in caplog.text


def certificates(folder, days="2"):
    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], check=True, cwd=folder, capture_output=True)

    new = ("req", "-newkey", "rsa:2048", "-nodes", "-subj")
    openssl(*new, "/CN=test ca", "-x509", "-keyout", "ca.key", "-out", "ca.pem", "-days", "2")
    openssl(*new, "/CN=localhost", "-keyout", "broker.key", "-out", "broker.csr")
    (folder / "ext").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1")
    signing = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", days, "-extfile", "ext")
    openssl("x509", "-req", "-in", "broker.csr", "-out", "broker.pem", *signing)
    (folder / "broker.key").chmod(0o644)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")
async def test_tls_is_spoken_and_a_broker_that_is_not_trusted_gets_nothing(tmp_path, caplog):
    certificates(tmp_path)
    tls = (f"certfile {tmp_path}/broker.pem", f"keyfile {tmp_path}/broker.key", "allow_anonymous true")
    broker = Mosquitto(tmp_path, tls)
    await broker.start()
    other = tmp_path / "other"
    other.mkdir()
    certificates(other)
    try:
        stranger = Broker("localhost", broker.port, tls=Tls(str(other / "ca.pem")))
        async with running(tmp_path, stranger) as agent:
            await until(lambda: "certificate verify failed" in caplog.text, "the refusal")
            assert "check tls.ca" in caplog.text
            assert not agent.uplink.connected
        async with running(tmp_path, Broker("localhost", broker.port)) as agent:
            await until(lambda: "does this port want TLS" in caplog.text, "the broker hangs up")
            assert not agent.uplink.connected
        async with running(tmp_path, Broker("localhost", broker.port, tls=Tls(str(tmp_path / "ca.pem")))) as agent:
            agent.put(100)
            await until(lambda: agent.uplink.connected, "the connection")
            await until(lambda: agent.outbox._lanes.live.under_way, "readings are on their way")
    finally:
        broker.stop()


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")
async def test_without_a_clock_a_certificate_s_dates_are_not_checked_and_its_chain_is(tmp_path, caplog, monkeypatch):
    certificates(tmp_path, days="-1")  # over since yesterday, or so it seems to a clock that is wrong
    tls = (f"certfile {tmp_path}/broker.pem", f"keyfile {tmp_path}/broker.key", "allow_anonymous true")
    broker = Mosquitto(tmp_path, tls)
    await broker.start()
    other = tmp_path / "other"
    other.mkdir()
    certificates(other)
    trusted = Broker("localhost", broker.port, tls=Tls(str(tmp_path / "ca.pem")))
    try:
        monkeypatch.setattr("agent.clock.synchronised", lambda: True)
        async with running(tmp_path, trusted) as agent:
            await until(lambda: "certificate has expired" in caplog.text, "the refusal")
        monkeypatch.setattr("agent.clock.synchronised", lambda: False)
        async with running(tmp_path, trusted) as agent:
            await until(lambda: agent.uplink.connected, "the connection")
        caplog.clear()
        async with running(tmp_path, Broker("localhost", broker.port, tls=Tls(str(other / "ca.pem")))) as agent:
            await until(lambda: "certificate verify failed" in caplog.text, "the refusal of a stranger")
            assert not agent.uplink.connected
    finally:
        broker.stop()


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")
@pytest.mark.parametrize("days", ["-1", "2"], ids=["a certificate that is over", "a good one"])
async def test_once_the_clock_goes_right_the_connection_is_made_anew_with_dates(tmp_path, caplog, monkeypatch, days):
    caplog.set_level("INFO")
    monkeypatch.setattr("agent.clock._LOOK_EVERY", 0.5)
    certificates(tmp_path, days=days)
    broker = Mosquitto(
        tmp_path,
        (f"certfile {tmp_path}/broker.pem", f"keyfile {tmp_path}/broker.key", "allow_anonymous true"),
    )
    await broker.start()
    try:
        monkeypatch.setattr("agent.clock.synchronised", lambda: False)
        async with running(tmp_path, Broker("localhost", broker.port, tls=Tls(str(tmp_path / "ca.pem")))) as agent:
            await until(lambda: agent.uplink.connected, "the connection without dates")
            agent.put()
            monkeypatch.setattr("agent.clock.synchronised", lambda: True)
            await until(lambda: "once more, with dates" in caplog.text, "the clock is found to go right")
            if days == "-1":
                await until(lambda: "certificate has expired" in caplog.text, "the refusal")
                assert not agent.uplink.connected
            else:
                await until(lambda: caplog.text.count(": connected") == 2, "the connection with dates")
                await asyncio.sleep(1.5)
                assert agent.uplink.connected, "once is enough"
            assert agent.outbox.held == 1
    finally:
        broker.stop()


class Ups:
    """A UPS behind a serial server; what it says is changed while it runs."""

    def __init__(self):
        self.status = "(226.0 195.0 226.0 014 49.0 27.5 30.0 00001000"
        self.model = "ONE"
        self._writers = []
        self._server = None

    async def start(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self._server.sockets[0].getsockname()[1]

    async def _serve(self, reader, writer):
        self._writers.append(writer)
        try:
            while command := await reader.readuntil(b"\r"):
                answers = {
                    b"Q1\r": self.status,
                    b"F\r": "#220.0 000 024.0 50.0",
                    b"I\r": f"#{'ACME':15} {self.model:10} {'1.0':10}",
                }
                writer.write(answers.get(command, "(NAK").encode() + b"\r")
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    def hang_up(self):
        for writer in self._writers:
            writer.close()
        self._writers.clear()

    async def stop(self):
        self._server.close()
        self.hang_up()


@asynccontextmanager
async def whole_agent(folder, broker_port, ups_port):
    """The real process, which is killed in the end: no good-bye, no flush."""
    (folder / "agent.toml").write_text(f"""
[agent]
site = "hq"
name = "room"
state = "state"
[broker]
host = "127.0.0.1"
port = {broker_port}
[[device]]
id = "ups-1"
poll = "100ms"
slow = "200ms"
megatec = {{ port = "socket://127.0.0.1:{ups_port}" }}
[[device.condition]]
name = "on-battery"
off_delay = "300ms"
""")
    command = [sys.executable, "-m", "agent", "run", "--config", str(folder / "agent.toml")]
    with (folder / "log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(*command, stderr=log)
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):  # it may have been told to stop
            process.kill()
        await process.wait()


async def test_an_alarm_outlives_a_killed_agent_and_ends_under_its_own_id(tmp_path, mosquitto, listener):
    ups = Ups()
    port = await ups.start()
    async with whole_agent(tmp_path, mosquitto.port, port):
        await until(lambda: listener.of(Topic.READINGS), "it reads")
        ups.status = "(000.0 000.0 226.0 014 49.0 25.5 30.0 10001000"
        await until(lambda: listener.of(Topic.ALARMS), "the alarm")
        await until(lambda: listener.of(Topic.STATE)[-1].health.memory > 2**20, "its own health")
        (raised,) = [each.occurrence for each in listener.of(Topic.ALARMS)]

        def shown():
            return [each.seq for each in listener.of(Topic.READINGS) if "OB" in each.values.get("ups.status", ())]

        await until(shown, "the reading that raised it")
        assert listener.of(Topic.ALARMS)[0].seq < shown()[0], "the alarm goes first"
        before = listener.of(Topic.HELLO)[-1].epoch
        await until(lambda: len(listener.of(Topic.READINGS)) > 20, "the alarm is on disk long since")
    async with whole_agent(tmp_path, mosquitto.port, port):
        await until(lambda: listener.of(Topic.HELLO)[-1].epoch != before, "a new epoch")
        hello = listener.of(Topic.HELLO)[-1]
        assert [each.id for each in hello.standing] == [raised.id]
        assert before in [held.epoch for held in hello.held], "nobody has acknowledged what the old one said"
        ups.status = "(226.0 195.0 226.0 014 49.0 27.5 30.0 00001000"
        await until(lambda: any(not each.occurrence.active for each in listener.of(Topic.ALARMS)), "it ends")
        assert {each.occurrence.id for each in listener.of(Topic.ALARMS)} == {raised.id}
    await ups.stop()


async def test_an_agent_that_is_told_to_stop_keeps_what_was_only_in_memory(tmp_path, mosquitto, listener):
    ups = Ups()
    port = await ups.start()
    async with whole_agent(tmp_path, mosquitto.port, port) as process:
        await until(lambda: listener.of(Topic.READINGS), "it reads")
        process.terminate()
        assert await asyncio.wait_for(process.wait(), 20) == 0
        await until(lambda: not listener.of(Topic.STATE)[-1].online, "its good-bye")
    said = {each.seq for each in listener.of(Topic.READINGS)}
    assert "the spool has room for 16 h at the present rate (10.1 messages a second of 340" in (
        tmp_path / "log"
    ).read_text("utf-8")
    spool = open_spool(tmp_path / "state" / "spool.db", "1")
    (held,) = spool.held().values()
    spool.close()
    assert list(held) == [(1, held.highest)]
    assert held.highest >= max(said)
    await ups.stop()


async def test_an_agent_whose_state_cannot_be_written_starts_and_reads_and_says_so(tmp_path, mosquitto, listener):
    (tmp_path / "state").write_text("a file where the folder should be")
    ups = Ups()
    port = await ups.start()
    async with whole_agent(tmp_path, mosquitto.port, port):
        await until(lambda: len(listener.of(Topic.READINGS)) > 5, "it reads")
        await until(lambda: any(state.trouble for state in listener.of(Topic.STATE)), "it says what is wrong")
    log = (tmp_path / "log").read_text("utf-8")
    assert log.count("messages stay in memory meanwhile") == 1
    assert "folder not writable?" in log
    await ups.stop()


async def test_a_ups_that_is_exchanged_is_told_in_the_inventory(tmp_path, mosquitto, listener):
    ups = Ups()
    port = await ups.start()
    async with whole_agent(tmp_path, mosquitto.port, port):

        def models():
            told = listener.of(Topic.INVENTORY)
            return [device.model for inventory in told for device in inventory.devices if device.kind == "ups"]

        await until(lambda: models()[-1:] == ["ONE"], "the first one")
        ups.model = "TWO"
        ups.hang_up()
        await until(lambda: models()[-1] == "TWO", "the second one")
    await ups.stop()
