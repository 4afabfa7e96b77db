"""The whole agent while its clock is stepped, in 1970, and while it is killed in the middle of a delay.

The clock of the machine is left alone: the process is started by a few lines that put another `time.time` in its place,
which adds what stands in a file.
"""

import asyncio
import contextlib
import getpass
import shutil
import socket
import sys
import time
from contextlib import asynccontextmanager
from types import SimpleNamespace

import pytest
from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from contract import message
from contract.message import Topic

MOSQUITTO = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(shutil.which(MOSQUITTO) is None, reason="needs Debian's mosquitto: see tests/packages.sh"),
]
LIMIT = 30.0
OURS = "wolfsmoke/1/hq/room"
GOOD = "(226.0 195.0 226.0 014 49.0 27.5 30.0 00001000"
BAD = "(000.0 000.0 226.0 014 49.0 25.5 30.0 10001000"
STEPPED = """
import sys, time
real, path = time.time, sys.argv.pop(1)
def stepped():
    with open(path) as file:
        return max(0.0, real() + float(file.read() or 0))
time.time = stepped
from agent.__main__ import main
sys.exit(main())
"""


async def until(met, what, limit=LIMIT):
    try:
        async with asyncio.timeout(limit):
            while not met():  # noqa: ASYNC110 - there is no event for what another process has not done yet
                await asyncio.sleep(0.02)
    except TimeoutError:
        pytest.fail(f"within {limit:g} s: {what}")


class Ups:
    def __init__(self):
        self.status = GOOD
        self.asked = []
        """Monotonic times of the polls."""

    async def start(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self._server.sockets[0].getsockname()[1]

    async def _serve(self, reader, writer):
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while command := await reader.readuntil(b"\r"):
                if command == b"Q1\r":
                    self.asked.append(time.monotonic())
                answer = self.status if command == b"Q1\r" else "#220.0 000 024.0 50.0"
                writer.write(answer.encode() + b"\r")
        writer.close()

    def stop(self):
        self._server.close()


class Listener:
    """Hears all, and acknowledges as a gateway does."""

    def __init__(self, port):
        self.heard = []
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2)
        self._client.on_message = self._take
        self._client.connect("127.0.0.1", port)
        self._client.subscribe(f"{OURS}/#", 1)
        self._client.loop_start()

    def _take(self, _client, _data, received):
        topic = received.topic.rpartition("/")[2]
        if topic == "acks":
            return
        said = message.decode(message.TYPES[Topic(topic)], bytes(received.payload))
        self.heard.append((time.monotonic(), said))
        if topic in ("readings", "alarms"):
            ack = message.Ack("j", said.epoch, ((said.seq, said.seq),))
            self._client.publish(f"{OURS}/acks", message.encode(ack), qos=1)

    def of(self, kind):
        return [said for _, said in list(self.heard) if isinstance(said, kind)]

    def close(self):
        self._client.disconnect()
        self._client.loop_stop()


@pytest.fixture
async def site(tmp_path, mosquitto):
    ups = Ups()
    ups_port = await ups.start()
    listener = Listener(mosquitto.port)
    (tmp_path / "step").write_text("0")
    (tmp_path / "stepped.py").write_text(STEPPED)

    @asynccontextmanager
    async def agent(conditions=""):
        (tmp_path / "agent.toml").write_text(f"""
[agent]
site = "hq"
name = "room"
state = "state"
[broker]
host = "127.0.0.1"
port = {mosquitto.port}
[[device]]
id = "ups-1"
poll = "200ms"
slow = "400ms"
megatec = {{ port = "socket://127.0.0.1:{ups_port}" }}
{conditions}""")
        words = [tmp_path / "stepped.py", tmp_path / "step", "run", "--config", tmp_path / "agent.toml"]
        with (tmp_path / "log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(sys.executable, *map(str, words), stderr=log)
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    def step(seconds):
        (tmp_path / "step").write_text(str(seconds))

    yield SimpleNamespace(ups=ups, listener=listener, agent=agent, step=step)
    listener.close()
    ups.stop()


@pytest.fixture
async def mosquitto(tmp_path):
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    (tmp_path / "mosquitto.conf").write_text(
        f"user {getpass.getuser()}\nlistener {port} 127.0.0.1\nallow_anonymous true\n"
    )
    process = await asyncio.create_subprocess_exec(
        MOSQUITTO, "-c", str(tmp_path / "mosquitto.conf"), stderr=asyncio.subprocess.DEVNULL
    )

    def answers():
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return True
        return False

    await until(answers, "mosquitto answers")
    yield SimpleNamespace(port=port)
    process.kill()
    await process.wait()


async def test_steps_of_an_hour_and_back_to_1970_stop_no_poll_and_change_no_number_and_no_delay(site):
    condition = '[[device.condition]]\nname = "on-battery"\non_delay = "2s"\n'
    async with site.agent(condition):
        await until(lambda: len(site.listener.of(message.Readings)) > 5, "it reads")
        site.ups.status = BAD
        began = time.clock_gettime(time.CLOCK_BOOTTIME)
        for by in (3600, 0, -3600, -(10**10), 0):
            site.step(by)
            count = len(site.ups.asked)
            await until(lambda count=count: len(site.ups.asked) > count + 5, "it polls on", limit=3)
        await until(lambda: site.listener.of(message.Alarms), "the alarm")
        (raised,) = site.listener.of(message.Alarms)
        assert raised.occurrence.raised.boottime - began == pytest.approx(2.0, abs=1.0)
    gaps = [after - before for before, after in zip(site.ups.asked, site.ups.asked[1:], strict=False)]
    assert max(gaps) < 1.5, "a poll waited for a clock"
    said = site.listener.of(message.Readings | message.Alarms)
    assert [each.seq for each in said] == list(range(1, len(said) + 1)), "in order, each once"
    boottimes = [each.at.boottime for each in said]
    assert boottimes == sorted(boottimes)
    assert any(each.at.wall < 1e9 for each in said), "one of the steps led to 1970"


async def test_a_start_in_1970_reads_and_sends_as_ever(site):
    site.step(-(10**10))
    async with site.agent():
        await until(lambda: len(site.listener.of(message.Readings)) > 5, "it reads")
    assert all(each.at.wall < 100 for each in site.listener.of(message.Readings))


@pytest.mark.parametrize("after", [0.6, 1.5, 2.9])
async def test_a_delay_goes_on_where_it_was_when_the_agent_is_killed_in_the_middle_of_it(site, after):
    condition = '[[device.condition]]\nname = "on-battery"\non_delay = "3s"\n'
    async with site.agent(condition):
        await until(lambda: len(site.listener.of(message.Readings)) > 5, "it reads")
        site.ups.status = BAD
        began = time.clock_gettime(time.CLOCK_BOOTTIME)
        await asyncio.sleep(after)  # that is what the test is about
    async with site.agent(condition):
        await until(lambda: site.listener.of(message.Alarms), "the alarm")
        (raised,) = [each.occurrence for each in site.listener.of(message.Alarms)]
        assert raised.since.boottime - began < 1.0, "it is the trouble of before"
        assert 3.0 - 0.3 <= raised.raised.boottime - began <= 3.0 + 2.0, "within 2 s of plan"


async def test_a_killed_agent_says_how_far_it_had_spoken(site):
    async with site.agent():
        await until(lambda: len(site.listener.of(message.Readings)) > 20, "it reads")
    first = site.listener.of(message.Hello)[0].epoch
    async with site.agent():
        await until(lambda: site.listener.of(message.Hello)[-1].epoch != first, "the next one says hello")
        (held,) = [held for held in site.listener.of(message.Hello)[-1].held if held.epoch == first]
    said = [each.seq for each in site.listener.of(message.Readings) if each.epoch == first]
    assert not held.unsure
    assert held.last == max(said) or held.last == max(said) + 1, "what it had given out and not yet sent, at the most"
    assert 0 < held.settled <= held.last
    assert held.journal == "j"
