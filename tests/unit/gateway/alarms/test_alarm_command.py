"""``wolfsmoke-gateway alarm …`` against the real control app on a real unix socket."""

import argparse
import asyncio
import json
import pathlib
import socket

import pytest
import uvicorn
from in_memory import Journal

from contract.alarm import Occurrence
from contract.clock import Stamp
from contract.condition import Condition, Test
from contract.message import Alarms, Device, Inventory
from gateway import cli, control
from gateway.alarms.desk import Desk
from gateway.alarms.model import load_rules
from gateway.alarms.people import People
from gateway.contacts import load_contacts
from gateway.digest import compose
from gateway.evidence import LiveFacts, source_of
from gateway.incidents import Incidents
from gateway.live import Live
from gateway.plan.loader import load_plan
from gateway.ports import Outcome

CONFIG = pathlib.Path(__file__).parents[4] / "config"
CONTACTS = load_contacts((CONFIG / "contacts.toml").read_text("utf-8"))
PLAN = load_plan({"3.1.toml": (CONFIG / "plan" / "3.1.toml").read_text("utf-8")}, CONTACTS.departments)
T0 = 1_800_000_000.0


class Clock:
    now = 0.0

    def stamp(self):
        return Stamp(T0 + self.now, 1000.0 + self.now, "b", trusted=True)

    def boottime(self):
        return 1000.0 + self.now

    def wall(self):
        return T0 + self.now


class Silent:
    async def tell(self, _incident, _clause, _mail, _person, *, again, report):
        await report(Outcome(channel="email", accepted=not again))


class Site:
    """A gateway with one UPS, and its control socket."""

    def __init__(self, state):
        self.state = state
        self.clock, self.journal = Clock(), Journal()
        self.live = Live(self.clock)
        bypass = Condition(name="bypass", quantity="ups.status", test=Test.HAS, flag="BYPASS")
        device = Device(id="ups-1", kind="ups", title="订单部 UPS", room="订单部", conditions=(bypass,))
        self.live.inventory("city", "order-room", Inventory(devices=(device,)))
        self.incidents = Incidents(self.journal, PLAN, CONTACTS, Silent(), self.clock, LiveFacts(self.live))
        self.desk = Desk(load_rules(""), self.live, self.incidents, self.journal, self.clock, CONTACTS.hours)
        self.people = People(self.desk, self.live, self.incidents, CONTACTS, self.clock.wall, lambda: {"li": 15})

    async def alarm(self, name="o1", condition="on-battery", *, active=True):
        stamp = self.clock.stamp()
        occurrence = Occurrence(
            id=name, device="ups-1", condition=condition, active=active, since=stamp, raised=stamp, cleared=stamp
        )
        alarm = self.live.alarm("city", "order-room", Alarms(occurrence=occurrence))
        await self.desk.on_alarm(alarm, source_of(self.live.devices["city", "order-room", "ups-1"]))

    async def says(self, capsys, *words):
        """Type a command; return its exit code and what it printed."""
        parser = argparse.ArgumentParser()
        cli.add_commands(parser.add_subparsers(required=True))
        args = parser.parse_args(["alarm", *words, "--state", str(self.state)])
        code = await asyncio.to_thread(args.run, args)
        printed = capsys.readouterr()
        return code, printed.out + printed.err


@pytest.fixture
async def site(tmp_path):
    site = Site(tmp_path)
    await site.incidents.load()
    app = control.create(site.incidents, alarms=site.people)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / control.SOCKET))
    listener.listen()
    task = asyncio.create_task(server.serve(sockets=[listener]))
    yield site
    server.should_exit = True
    await task
    listener.close()


async def test_a_person_shelves_sees_it_in_the_list_and_lets_it_speak_again(site, capsys):
    await site.alarm()
    target = ("city/order-room/ups-1", "--as", "li")
    code, said = await site.says(capsys, "shelve", *target, "--for", "2h", "--reason", "换电池")
    assert (code, said) == (0, "搁置 shelved  city/order-room/ups-1  至 until 01-15 18:00:00\n")
    code, said = await site.says(capsys, "list")
    assert "o1  已搁置 shelved" in said
    assert "A10" in said
    assert "换电池" in said
    assert "alarm flood  li: 15" in said
    assert (await site.says(capsys, "unshelve", *target))[0] == 0
    assert "未确认 unacknowledged" in (await site.says(capsys, "list"))[1]


async def test_out_of_service_is_in_each_message_of_the_day_until_it_is_put_back(site, capsys):
    target = ("city/order-room/ups-1", "--as", "li")
    assert (await site.says(capsys, "out", *target, "--reason", "大修"))[0] == 0

    def digest():
        standing = site.desk.register.standing(site.clock.wall())
        return compose(site.live, [], "zh", now=site.clock.wall(), utc_offset=28800.0, aside=standing).body

    assert "已停用：city/order-room/ups-1 · li · 大修" in digest()
    site.clock.now += 30 * 86400.0
    assert "大修" in digest()
    assert (await site.says(capsys, "back", *target))[0] == 0
    assert "大修" not in digest()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("shelve", "city/order-room/ups-9", "--for", "2h", "--reason", "x", "--as", "li"), "did you mean"),
        (("shelve", "city/order-room/ups-1/bypas", "--for", "2h", "--reason", "x", "--as", "li"), "'bypass'"),
        (("shelve", "o77", "--for", "2h", "--reason", "x", "--as", "li"), "没有这样的报警或设备"),
        (("shelve", "city/ups-1", "--for", "2h", "--reason", "x", "--as", "li"), "SITE/AGENT/DEVICE"),
        (("shelve", "city/order-room/ups-1", "--for", "25h", "--reason", "x", "--as", "li"), "最多 24 小时"),
        (("shelve", "city/order-room/ups-1", "--for", "0s", "--reason", "x", "--as", "li"), "结束时间"),
        (("shelve", "city/order-room/ups-1", "--for", "2h", "--reason", " ", "--as", "li"), "理由"),
        (("shelve", "city/order-room/ups-1", "--for", "2h", "--reason", "x", "--as", "nobody"), "nobody"),
        (("unshelve", "city/order-room/ups-1", "--as", "li"), "没有被搁置或停用"),
        (("back", "city/order-room/ups-1", "--as", "li"), "没有被搁置或停用"),
    ],
)
async def test_what_cannot_be_is_refused_with_the_way_out_and_nothing_is_kept(site, capsys, words, says):
    code, said = await site.says(capsys, *words)
    assert code == cli.REFUSED
    assert says in said
    assert site.journal.kept == []


async def test_a_time_without_a_unit_is_wrong_use(site, capsys):
    words = ("shelve", "city/order-room/ups-1", "--for", "2", "--reason", "x", "--as", "li")
    code, said = await site.says(capsys, *words)
    assert code == cli.USAGE
    assert "2h" in said


async def test_the_figures_count_what_was_fleeting_and_what_chattered(site, capsys):
    for number in range(20):
        await site.alarm(f"b{number}", "bypass")
        site.clock.now += 5.0
        await site.alarm(f"b{number}", "bypass", active=False)
        site.clock.now += 5.0
    code, said = await site.says(capsys, "figures", "--last", "12h")
    assert code == 0
    assert "旁路供电，负载无保护 On bypass: the load is unprotected" in said
    assert "短暂 fleeting 2" in said
    assert "反复 chattering 12" in said
    code, said = await site.says(capsys, "figures", "--json")
    assert json.loads(said)["rows"][0]["device"] == "city/order-room/ups-1"
