"""Signs of attack, on a bench: a log, ports and a port for syslog that say what they are told to."""

import pytest

from agent.drivers.base import Lane
from agent.drivers.security import Memory, SecurityDriver, Wanted
from agent.kinds import defaults
from agent.links.host import Listener
from agent.memo import Memo
from agent.signs.evidence import Evidence
from agent.watch import Watch
from contract.clock import Stamp
from contract.errors import PortUnavailable
from contract.reading import Quality

FAILED = "Failed password for root from {} port {} ssh2"


class HandClock:
    def __init__(self):
        self.now, self.wall = 10_000.0, 1.8e9

    def boottime(self):
        return self.now

    def stamp(self):
        return Stamp(self.wall + self.now, self.now, "boot", True)


class FakeLog:
    def __init__(self):
        self.new = []
        self.error = None

    def say(self, line, program="sshd"):
        self.new.append((program, line))

    async def lines(self):
        if self.error:
            raise self.error
        new, self.new = self.new, []
        return new

    async def close(self): ...


class FakeReceiver:
    def __init__(self, take):
        self.take = take
        self.refused = self.dropped = 0
        self.flooded = self.is_open = False
        self.error = None

    async def open(self):
        if self.error:
            raise self.error
        self.is_open = True

    async def close(self):
        self.is_open = False


class Bench:
    def __init__(self, folder=None, **wanted):
        self.clock, self.log = HandClock(), FakeLog()
        self.listeners = [Listener(22, "tcp", "0.0.0.0", "sshd")]
        self.wanted, self.folder = Wanted(**wanted), folder
        self.start()

    def start(self):
        self.driver = SecurityDriver(
            self.wanted,
            log=self.log,
            listeners=self.look,
            receiver=self.receive,
            memo=Memo(Memory, self.folder / "security.json" if self.folder else None),
            evidence=Evidence(self.folder / "security.log" if self.folder else None, 1 << 20),
            clock=self.clock,
        )

    def look(self):
        if isinstance(self.listeners, Exception):
            raise self.listeners
        return self.listeners

    def receive(self, take):
        self.receiver = FakeReceiver(take)
        return self.receiver

    async def read(self, after=0.0, lane=Lane.ALL):
        self.clock.now += after
        readings = {reading.quantity: reading for reading in await self.driver.read(lane)}
        await self.driver._memo.close()
        return readings

    async def values(self, after=0.0, lane=Lane.ALL):
        return {name: reading.value for name, reading in (await self.read(after, lane)).items()}


async def test_calm_is_said_with_every_value():
    bench = Bench()
    readings = await bench.read()
    assert all(reading.good for reading in readings.values())
    assert readings["security.status"].value == ()
    assert readings["security.problem"].value == readings["security.evidence"].value == "none"


async def test_failed_log_ins_are_counted_by_source_and_shown():
    bench = Bench()
    await bench.read()
    for number in range(12):
        bench.log.say(FAILED.format("192.0.2.7", number))
    bench.log.say(FAILED.format("192.0.2.8", 1))
    bench.log.say("Accepted password for root from 192.0.2.9 port 1 ssh2")
    values = await bench.values(2, Lane.FAST)
    assert values["security.logins.failed"] == 13
    assert values["security.logins.worst"] == 12
    assert values["security.logins.source"] == "192.0.2.7"
    assert "192.0.2.8" in values["security.evidence"]
    values = await bench.values(120)
    assert (values["security.logins.failed"], values["security.logins.hour"]) == (0, 13)
    assert (await bench.values(3600))["security.logins.hour"] == 0


async def test_a_burst_raises_its_alarm_once_and_a_log_that_cannot_be_read_does_not_end_it():
    bench = Bench()
    conditions = defaults("security").values()
    watch = Watch("security", list(conditions), lambda: "id")
    news = []

    async def poll(after):
        readings = await bench.read(after)
        at = bench.clock.stamp()
        changes = watch.readings([*readings.values()], at) + watch.tick(at)
        news.extend((change.news.condition, change.news.active) for change in changes if change.news)

    await poll(0)
    for second in range(30):
        bench.log.say(FAILED.format("192.0.2.7", second))
        await poll(1)
    assert news == [("login-burst", True)]
    bench.log.error = PortUnavailable("permission denied", where="journal")
    for _ in range(20):
        await poll(60)
    assert news == [("login-burst", True), ("security-blind", True)]
    bench.log.error = None
    for _ in range(20):
        await poll(60)
    assert sorted(news[2:]) == [("login-burst", False), ("security-blind", False)]


async def test_a_new_port_is_told_with_its_process_and_is_known_after_an_hour(tmp_path):
    bench = Bench(tmp_path)
    assert (await bench.values())["security.ports.new"] == 0
    bench.listeners = [*bench.listeners, Listener(4444, "tcp", "0.0.0.0", "nc")]
    values = await bench.values(30)
    assert (values["security.ports"], values["security.ports.new"]) == (2, 1)
    assert values["security.status"] == ("PORT",)
    assert values["security.problem"] == "new ports: tcp/4444 on 0.0.0.0 by nc"
    assert "tcp/4444" in (tmp_path / "security.log").read_text()
    bench.start()  # a restart forgets nothing
    assert (await bench.values(30))["security.ports.new"] == 1
    assert (await bench.values(3600))["security.ports.new"] == 0
    assert (tmp_path / "security.log").read_text().count("tcp/4444") == 1


async def test_a_new_port_that_goes_is_news_again_when_it_comes_back():
    bench = Bench()
    await bench.read()
    usual, more = bench.listeners, [*bench.listeners, Listener(4444, "tcp", "0.0.0.0")]
    told = []
    for listeners in (more, usual, more):
        bench.listeners = listeners
        told.append((await bench.values(30))["security.ports.new"])
    assert told == [1, 0, 1]


async def test_a_clock_that_is_set_back_makes_no_new_port_known():
    bench = Bench()
    await bench.read()
    bench.listeners = [*bench.listeners, Listener(4444, "tcp", "0.0.0.0")]
    await bench.read(30)
    bench.clock.wall -= 1e8
    assert [(await bench.values(after))["security.ports.new"] for after in (30, 3000, 1000)] == [1, 1, 0]


async def test_a_written_list_takes_nothing_in_and_counts_from_the_first_look():
    bench = Bench(expected=("tcp/80",))
    assert (await bench.values())["security.problem"] == "new ports: tcp/22 on 0.0.0.0 by sshd"
    assert (await bench.values(100_000))["security.ports.new"] == 1


async def test_ports_that_the_kernel_does_not_tell_are_unknown_and_the_rest_goes_on():
    bench = Bench()
    bench.listeners = PermissionError("no")
    readings = await bench.read()
    assert readings["security.ports.new"].quality is Quality.UNAVAILABLE
    assert readings["security.logins.failed"].good
    assert readings["security.status"].value == ("BLIND",)


async def test_errors_by_syslog_are_counted_by_the_address_that_they_came_from():
    bench = Bench()
    await bench.read()
    for number in range(30):
        bench.receiver.take("192.0.2.5", b"<11>Nov 25 13:00:00 claims-to-be-other db: gone %d" % number)
    bench.receiver.take("192.0.2.5", b"<14>only news")
    bench.receiver.take("192.0.2.6", b"<10>worse")
    values = await bench.values(2)
    assert values["security.syslog.errors"] == 31
    assert (values["security.syslog.source"], values["security.syslog.worst"]) == ("192.0.2.5", 30)
    assert values["security.syslog.messages"] == 32
    assert "worse" in values["security.evidence"]
    assert "only news" not in values["security.evidence"]


async def test_evidence_is_said_at_once_when_it_is_new_and_with_everything_else():
    bench = Bench()
    await bench.read()
    bench.receiver.take("192.0.2.5", b"<11>one")
    said = ["security.evidence" in await bench.values(2, lane) for lane in (Lane.FAST, Lane.FAST, Lane.ALL)]
    assert said == [True, False, True]


async def test_a_source_that_falls_silent_is_named_and_one_that_speaks_again_is_not():
    bench = Bench(speaks={"192.0.2.5": 600.0, "192.0.2.6": 600.0})
    assert (await bench.values())["security.syslog.silent"] == 0
    bench.clock.now += 300
    bench.receiver.take("192.0.2.5", b"<14>here")
    values = await bench.values(400)
    assert values["security.syslog.silent"] == 1
    assert values["security.problem"] == "silent: 192.0.2.6"
    assert values["security.status"] == ("SILENT",)
    bench.receiver.take("192.0.2.6", b"<14>here too")
    assert (await bench.values(1))["security.status"] == ()


async def test_a_port_that_cannot_be_had_is_blind_and_is_tried_again():
    bench = Bench(speaks={"192.0.2.5": 600.0})
    bench.receiver.error = PortUnavailable("cannot be had", where="syslog port 514")
    readings = await bench.read()
    assert readings["security.status"].value == ("BLIND",)
    assert "syslog port 514" in readings["security.problem"].value
    assert readings["security.syslog.errors"].quality is Quality.UNAVAILABLE
    bench.receiver.error = None
    assert (await bench.values(5000))["security.status"] == ()


async def test_a_flood_is_told():
    bench = Bench()
    await bench.read()
    bench.receiver.flooded, bench.receiver.dropped = True, 1000
    values = await bench.values(2)
    assert values["security.status"] == ("FLOOD",)
    assert values["security.syslog.dropped"] == 1000


@pytest.mark.parametrize(
    "hostile", [b"<11>\x1b[2J\n\r\0", b"<11>" + b"\xff" * 65536, b"<11>" + "\u202e".encode() * 3000, b""]
)
async def test_hostile_content_is_harmless(tmp_path, hostile):
    bench = Bench(tmp_path)
    await bench.read()
    bench.receiver.take("192.0.2.5", hostile)
    bench.log.say(FAILED.format("192.0.2.7", 1).replace("root", hostile.decode("utf-8", "replace")))
    readings = await bench.read(2)
    assert all(reading.good for reading in readings.values())
    assert readings["security.evidence"].value.isprintable()
    kept = (tmp_path / "security.log").read_text() if (tmp_path / "security.log").exists() else ""
    assert kept.replace("\n", "").isprintable()


async def test_the_raw_lines_are_kept_and_the_file_is_named(tmp_path):
    bench = Bench(tmp_path)
    await bench.read()
    bench.receiver.take("192.0.2.5", b"<11>1 - sw1 ospf - - - neighbour down")
    values = await bench.values(2)
    assert values["security.evidence.file"] == str(tmp_path / "security.log")
    assert (tmp_path / "security.log").read_text().endswith("192.0.2.5 sw1 ospf: neighbour down\n")
