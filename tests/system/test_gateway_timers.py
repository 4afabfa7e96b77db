"""Timers of the gateway as a process: killed at several moments, its system's clock stepped by an hour and back.

People are told within two seconds of the plan, or of its being back; nobody twice, but for a message marked 重发.
"""

import asyncio
import json
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from msgspec.structs import replace

from contract.alarm import Occurrence
from contract.message import Alarms, Device, Inventory, Topic, encode
from firmware_sims.mailbox import Mailbox
from gateway.clock import SystemClock
from gateway.journal import Journal
from gateway.journal.record import Incoming

pytestmark = pytest.mark.system
REPO = Path(__file__).parents[2]
LIMIT = 30.0
"""Seconds until waiting for something is a failure."""
NEAR = 2.0
PLAN = {"li": 0.0, "wang": 2.0, "zhao": 4.0, "chen": 6.0, "sun": 8.0}
"""Person → seconds from the first page, which is due 2 s after the alarm; each again 30 s later."""
END = 35.5
"""Seconds from the first page until the end of the trial."""
RUNGS = """rung = [
  { department = "info-centre", role = "on-call", after = "0s" },
  { department = "info-centre", role = "second", after = "2s" },
  { department = "info-centre", role = "head", after = "4s" },
  { department = "marketing-centre", role = "on-call", after = "6s" },
  { department = "command-group", role = "head", after = "8s" },
]"""
RUN = """
import sys, time
real, file = time.time, sys.argv.pop(1)
time.time = lambda: real() + float(open(file).read())
from gateway.__main__ import main
sys.exit(main())
"""
"""The gateway on a system whose wall clock is whatever a file says it is off by."""


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


class Gateway:
    """A gateway whose broker is away; what has come before that is in its journal."""

    def __init__(self, folder, smtp_port):
        self.folder = folder
        self.up = []
        """From when to when it was up."""
        self._log = folder / "log"
        self._ahead = folder / "ahead"
        self.step(0)
        self._process = None
        shutil.copytree(REPO / "config" / "plan", folder / "plan")
        plan = folder / "plan" / "3.1.toml"
        text = re.sub(r'^(page_after\s*=\s*)"30s"', r'\1"2s"', plan.read_text("utf-8"), flags=re.MULTILINE)
        text = re.sub(r'^repeat = "5m"', 'repeat = "30s"', text, flags=re.MULTILINE)
        plan.write_text(re.sub(r"^rung = \[.*?^\]", RUNGS, text, flags=re.MULTILINE | re.DOTALL), "utf-8")
        contacts = (REPO / "config" / "contacts.toml").read_text("utf-8")
        (folder / "contacts.toml").write_text(re.sub(r"^webhook = .*$", "", contacts, flags=re.MULTILINE), "utf-8")
        self._config = folder / "gateway.toml"
        self._config.write_text(f"""[gateway]
name = "garrison"
state = "state"
board = {{ host = "127.0.0.1", port = {free_port()} }}
[broker]
host = "127.0.0.1"
port = {free_port()}
[notify.email]
host = "127.0.0.1"
port = {smtp_port}
sender = "wolfsmoke@example.net"
tls = "none"
""")

    async def mains_lost(self):
        """Put an alarm into the journal that began just now; return when (wall seconds)."""
        clock = SystemClock()
        now = replace(clock.stamp(), trusted=True)
        occurrence = Occurrence(
            id="o-1", device="ups-1", condition="on-battery", quantity="ups.status", since=now, raised=now
        )
        inventory = Inventory(devices=(Device(id="ups-1", kind="ups", title="一号 UPS", room="机房"),))
        alarm = Alarms(epoch="00000000000000aa", seq=1, at=now, sent=now.boottime, occurrence=occurrence)
        journal = await Journal.open(self.folder / "state" / "journal.db", clock)
        writer = asyncio.create_task(journal.run())
        rows = [("", 0, Topic.INVENTORY, encode(inventory)), (alarm.epoch, 1, Topic.ALARMS, encode(alarm))]
        await journal.append(
            [Incoming("hq", "room", topic, body, now.wall, epoch, seq) for epoch, seq, topic, body in rows]
        )
        writer.cancel()
        await asyncio.wait([writer])
        await journal.close()
        return now.wall

    def step(self, seconds):
        """Set the system's clock."""
        fresh = self._ahead.with_suffix(".new")
        fresh.write_text(str(seconds))
        fresh.replace(self._ahead)

    async def start(self):
        before = self.said().count("board on")
        command = [sys.executable, "-c", RUN, self._ahead, "run", "--config", self._config]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)  # noqa: ASYNC220 - returns at once
        await self.says("board on", more_than=before)
        self.up.append((time.time(), float("inf")))

    async def says(self, word, *, more_than=0):
        """Wait until its log has a word; there is no event for what another process has not said yet."""
        try:
            async with asyncio.timeout(LIMIT):
                while self.said().count(word) <= more_than:
                    assert self._process.poll() is None, self.said()
                    await asyncio.sleep(0.02)
        except TimeoutError:
            pytest.fail(f"{word!r}: {self.said()}")

    def kill(self):
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
            self.up[-1:] = [(began, time.time()) for began, _ in self.up[-1:]]

    def said(self):
        return self._log.read_text() if self._log.exists() else ""

    def latest(self, at):
        """Return until when what is due at this moment must be done: once it was up for two seconds on end."""
        windows = ((max(at, began), ended) for began, ended in self.up)
        return next((since + NEAR for since, ended in windows if since + NEAR <= ended), float("inf"))

    def shifts(self):
        """Return by how much it found the clock stepped, boot first."""
        with closing(sqlite3.connect(self.folder / "state" / "journal.db")) as journal:
            rows = journal.execute("SELECT data FROM events WHERE kind = 'clock' ORDER BY id").fetchall()
        return [json.loads(data)["shift"] for (data,) in rows]


@pytest.fixture
def gateway(tmp_path):
    smtp = free_port()
    with Mailbox(smtp) as mailbox:
        gateway = Gateway(tmp_path, smtp)
        gateway.mailbox = mailbox
        yield gateway
        gateway.kill()
    assert "Traceback" not in gateway.said()


async def until(at):
    """Wait for a moment of the plan."""
    await asyncio.sleep(max(0.0, at - time.time()))


async def test_people_are_told_when_the_plan_says_so_whatever_is_killed_or_stepped(gateway):
    began = await gateway.mains_lost()
    await gateway.start()
    await until(began + 1.0)
    gateway.kill()  # before anybody was told
    await gateway.start()
    gateway.step(3600)
    await until(began + 4.8)
    gateway.kill()  # after the second person, and before the clock's new time is believed
    await gateway.start()
    while not any("zhao" in mail.to for mail in list(gateway.mailbox._mails)):
        await asyncio.sleep(0.005)
        assert time.time() < began + LIMIT, gateway.said()
    gateway.kill()  # while the third one is being told: its outcome may not be known
    await gateway.start()
    await gateway.says("clock was put +3600")
    gateway.step(-3600)
    gateway.kill()  # the clock is put back while it is down
    await gateway.start()
    first = gateway.mailbox._mails[0].at - began  # from which on the ladder is climbed
    await until(began + first + 29.5)
    gateway.kill()  # shortly before the first repeat
    await gateway.start()
    await until(began + first + END)
    gateway.kill()

    assert gateway.shifts() == [0.0, pytest.approx(3600, abs=1), pytest.approx(-7200, abs=1)]
    marked = [mail for mail in gateway.mailbox._mails if "重发" in mail.subject + mail.text]
    assert len({mail.to for mail in marked}) == len(marked)
    told = {person: [] for person in PLAN}
    for mail in gateway.mailbox._mails:
        if mail not in marked:
            told[mail.to.partition("@")[0]].append(mail.at - began)
    for person, after in PLAN.items():
        planned = [2.0 if person == "li" else first + after]
        planned += [at + 30.0 for at in told[person][:1]]
        latest = [gateway.latest(began + at) - began for at in planned]
        said = (person, told, planned, latest, gateway.up, gateway.said())
        assert sum(at < first + END for at in latest) <= len(told[person]) <= 2, said
        for plan, last, at in zip(planned, latest, told[person], strict=False):
            assert plan - 1.0 <= at <= last, said  # a mail comes a little after it was sent
