"""``wolfsmoke-gateway incident …`` against the real control app on a real unix socket."""

import argparse
import asyncio
import json
import pathlib
import socket
from collections.abc import AsyncIterator

import pytest
import uvicorn
from in_memory import Journal

from contract import command as commands
from contract.alarm import Alarm, Occurrence
from contract.clock import Stamp
from contract.command import Reply, Verb
from contract.condition import Condition, Test
from contract.errors import CommandRefused
from contract.message import Device, Inventory, State
from gateway import cli, control
from gateway.board.agents import AgentRow, agents
from gateway.board.words import Words
from gateway.contacts import load_contacts
from gateway.evidence import inventory
from gateway.incident import Source
from gateway.incidents import Incidents
from gateway.live import Live
from gateway.plan.loader import load_plan
from gateway.ports import Outcome

LOW = Condition(name="low-battery", quantity="ups.status", test=Test.HAS, flag="LB")
CONFIG = pathlib.Path(__file__).parents[3] / "config"


class Clock:
    def stamp(self) -> Stamp:
        return Stamp(1_800_000_000.0)

    def boottime(self) -> float:
        return 0.0


class Silent:
    async def tell(self, _incident, _clause, _mail, _person, *, again, report) -> None:
        await report(Outcome(channel="email", accepted=not again))

    def latest(self, _source, _quantity):
        return None

    def conditions(self, _source):
        return {}


class Picture:
    """What is known of two agents."""

    def __init__(self) -> None:
        self.live = Live(Clock())
        good, bad = Stamp(1_800_000_000.0), Stamp(1_799_999_900.0)
        self.live.state("city", "order-room", State(online=True, at=good, version="0.1.0"), good.wall)
        state = State(online=True, at=bad, held=7, version="0.1.0", trouble="its disk is full")
        self.live.state("city", "depot", state, good.wall)


def agents_of(language: str) -> list[AgentRow]:
    return agents(Picture().live, Words(language), 1_800_000_000.0, clock_limit=30.0)


class Obeyed:
    """Says of each command what it was; refuses what is for the depot."""

    async def command(self, to, device, verb, *, who, output="", seconds=0.0):
        if to == ("city", "depot"):
            raise CommandRefused("city/depot is not heard", hint="wolfsmoke-gateway agents")
        outcome = commands.Outcome.DONE if verb is Verb.READ else commands.Outcome.FAILED
        text = f"{verb.value} {output} {seconds:g} by {who}"
        values = {"ups.status": ("OL",), "ups.load": 40.0}
        return Reply("c1", device, verb.value, outcome, text, values=values, quality={"battery.charge": "unavailable"})


def devices_of():
    """What the live picture knows of a device that an inventory has described, and of one that none has."""
    live = Live(Clock())
    live.inventory("hq", "a", Inventory(devices=(Device(id="ups-1", kind="ups", title="一号", conditions=(LOW,)),)))
    live.device("hq", "a", "unheard-of")
    return inventory(live)


@pytest.fixture
async def state(tmp_path) -> AsyncIterator[pathlib.Path]:
    """A state directory whose gateway has one incident, A10."""
    contacts = load_contacts((CONFIG / "contacts.toml").read_text("utf-8"))
    plan = load_plan({"3.1.toml": (CONFIG / "plan" / "3.1.toml").read_text("utf-8")})
    incidents = Incidents(Journal(), plan, contacts, Silent(), Clock(), Silent())
    source = Source(site="city", agent="order-room", device="ups-1", title="订单部 UPS", room="订单部", kind="ups")
    await incidents.on_alarm(
        Alarm(Occurrence(id="o1", device="ups-1", condition="on-battery", quantity="ups.status")), source
    )
    began, ended = (Stamp(1_800_000_000.0 - ago, trusted=True) for ago in (7200.0, 3600.0))
    past = Occurrence(id="o2", device="ups-1", condition="on-battery", active=False, raised=began, cleared=ended)
    await incidents.on_past(Alarm(past), source)
    settings = uvicorn.Config(
        control.create(incidents, agents_of, Obeyed(), devices_of),
        uds=str(tmp_path / control.SOCKET),
        log_level="warning",
        lifespan="off",
    )
    server = uvicorn.Server(settings)
    with_socket = socket.socket(socket.AF_UNIX)
    with_socket.bind(str(tmp_path / control.SOCKET))
    with_socket.listen()  # commands may come from here on
    task = asyncio.create_task(server.serve(sockets=[with_socket]))
    yield tmp_path
    server.should_exit = True
    await task
    with_socket.close()


async def command(*words: str) -> int:
    parser = argparse.ArgumentParser()
    cli.add_commands(parser.add_subparsers(required=True))
    args = parser.parse_args([*(() if words[0] in ("agents", "command") else ("incident",)), *words])
    return await asyncio.to_thread(args.run, args)


async def test_a_person_lists_answers_and_closes(state, capsys):
    where = ("--state", str(state))
    assert await command("list", *where) == 0
    assert "A10  未处理 open  01-15 16:00:00" in capsys.readouterr().out
    assert await command("seen", "a10", "--as", "li", *where) == 0
    assert await command("mine", "A10", "--as", "li", *where) == 0
    assert "处理中 in hand" in capsys.readouterr().out
    assert await command("step", "A10", "2", "--as", "li", *where) == 0
    assert await command("note", "A10", "电工已到场", "--as", "li", *where) == 0
    assert await command("close", "A10", "--as", "li", "--reason", "演练", *where) == 0
    capsys.readouterr()
    assert await command("list", *where) == 0
    assert "A10  已关闭，报警仍在 closed, still standing" in capsys.readouterr().out  # nobody may forget it
    assert await command("list", "--all", *where) == 0
    assert "closed" in capsys.readouterr().out
    assert await command("show", "A10", *where) == 0
    shown = capsys.readouterr().out
    for part in (
        "市电中断",
        "Mains lost",
        "我处理 taken on",
        "电工已到场",
        "关闭时报警仍在",
        "演练",
        "订单部 UPS",
        "[x] 2.",
        "[ ] 3.",
    ):
        assert part in shown


async def test_it_goes_from_hand_to_hand_and_opens_again(state, capsys):
    where = ("--state", str(state))
    assert await command("mine", "A10", "--as", "li", *where) == 0
    assert await command("progress", "A10", "已换保险", "--as", "li", *where) == 0
    assert await command("handover", "A10", "wang", "等市电", "--as", "li", *where) == 0
    assert "等待 wang 接手 wang is asked to take over" in capsys.readouterr().out
    assert await command("decline", "A10", "在外地", "--as", "wang", *where) == 0
    assert await command("handover", "A10", "wang", "请接手", "--as", "li", *where) == 0
    assert await command("accept", "A10", "--as", "wang", *where) == 0
    assert "处理人 owner wang" in capsys.readouterr().out.splitlines()[-1]
    assert await command("close", "A10", "--as", "wang", "--reason", "演练", *where) == 0
    assert await command("reopen", "A10", "--as", "li", "--reason", "又跳了", *where) == 0
    assert await command("show", "A10", *where) == 0
    shown = capsys.readouterr().out
    for part in ("进展 progress  li  已换保险", "→ wang  等市电", "不接手 handover declined  wang  在外地", "又跳了"):
        assert part in shown
    assert await command("recurring", *where) == 0
    assert "2×  3.1.1  " in capsys.readouterr().out  # A10, and what was learned afterwards
    assert await command("accept", "A10", "--as", "li", *where) == 1
    assert "A10 目前没有移交给您" in capsys.readouterr().err


async def test_what_is_typed_in_a_terminal_that_speaks_gbk_arrives(state, capsys):
    typed = "电工已到场".encode("gbk").decode("utf-8", "surrogateescape")  # as Python finds it in the arguments
    assert await command("note", "A10", typed, "--as", "li", "--state", str(state)) == 0
    assert await command("show", "A10", "--state", str(state)) == 0
    assert "电工已到场" in capsys.readouterr().out
    broken = b"\xff\xff".decode("utf-8", "surrogateescape")
    assert await command("note", "A10", broken, "--as", broken, "--state", str(state)) == 1
    assert "nobody here is called" in capsys.readouterr().err


async def test_programs_get_json(state, capsys):
    assert await command("show", "A10", "--state", str(state), "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["code"], said["clause"], said["state"]) == ("A10", "3.1.1", "open")
    assert [event["kind"] for event in said["timeline"]] == ["opened"]
    assert said["symptoms"][0]["condition"] == "on-battery"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("mine", "A10", "--as", "lee"), 1, "nobody here is called 'lee'"),
        (("mine", "Z99", "--as", "li"), 1, "no incident 'Z99'"),
        (("close", "A10", "--as", "li"), 1, "its cause still stands (wait for it, or give a reason)"),
        (("close", "A10", "--as", "li"), 1, "A10 还不能关闭：原因还没有消失（等原因消失并核实，或写明关闭的理由）"),
        (("mine", "A10", "--as", "lee"), 1, "通讯录里没有 'lee'（通讯录里有：li、wang"),
        (("step", "A10", "0", "--as", "li"), 1, "预案 3.1.1 没有第 0 步（共 5 步）"),
        (("step", "A10", "6", "--as", "li"), 1, "clause 3.1.1 has no step 6 (it has 5)"),
        (("note", "A10", " ", "--as", "li"), 1, "a note needs words"),
        (("show", "../../etc"), 2, "is no code of an incident"),
        (("show", "李"), 2, "is no code of an incident"),
    ],
)
async def test_what_cannot_be_done_is_said_in_a_sentence(state, capsys, words, code, said):
    assert await command(*words, "--state", str(state)) == code
    captured = capsys.readouterr()
    assert said in captured.err
    assert captured.out == ""


async def test_a_gateway_that_is_down_is_named_with_the_way_out(tmp_path, capsys):
    assert await command("list", "--state", str(tmp_path)) == 3
    assert "no gateway answers" in (said := capsys.readouterr().err)
    assert "nothing is there" in said
    assert "--state" in said


async def test_a_socket_that_was_left_behind_is_a_gateway_that_is_down(tmp_path, capsys):
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(tmp_path / control.SOCKET))
    assert await command("list", "--state", str(tmp_path)) == 3
    assert "no gateway answers" in capsys.readouterr().err


async def test_something_else_on_the_socket_is_not_believed(tmp_path, capsys):
    async def stranger(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello")
        await writer.drain()
        writer.close()

    server = await asyncio.start_unix_server(stranger, tmp_path / control.SOCKET)
    assert await command("list", "--state", str(tmp_path)) == 3
    assert "is no wolfsmoke gateway" in capsys.readouterr().err
    server.close()


async def test_settings_that_cannot_be_read_are_wrong_use(tmp_path, capsys):
    assert await command("list", "--config", str(tmp_path / "none.toml")) == 2
    assert "none.toml" in capsys.readouterr().err


async def test_settings_whose_secrets_only_the_service_may_read_still_lead_to_the_gateway(state, tmp_path, capsys):
    path = tmp_path / "gateway.toml"
    text = f'[gateway]\nname = "g"\nstate = "{state}"\n[broker]\nhost = "h"\nuser = "u"\n'
    path.write_text(text + 'password = { credential = "broker-password" }\nmisspelt = 1\n')
    assert await command("list", "--config", str(path)) == 0
    assert "3.1.1" in capsys.readouterr().out


@pytest.mark.parametrize("body", ["[gateway", "[gateway]\nstate = 5", "gateway = 1\n\0"])
async def test_what_is_no_settings_file_is_wrong_use(tmp_path, capsys, body):
    (tmp_path / "x.toml").write_text(body)
    assert await command("list", "--config", str(tmp_path / "x.toml")) == 2
    assert "x.toml" in capsys.readouterr().err


async def test_a_get_changes_nothing_and_a_bad_body_is_refused(state):
    import httpx

    transport = httpx.AsyncHTTPTransport(uds=str(state / control.SOCKET))
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        for verb in ("seen", "mine", "step", "close", "note"):
            assert (await client.get(f"/incidents/A10/{verb}")).status_code == 405
        for body in (b"", b"{}", b"[]", b"\xff", b'{"person": 3}'):
            answer = await client.post("/incidents/A10/mine", content=body)
            assert answer.status_code == 422
        assert (await client.get("/incidents/A10")).json()["state"] == "open"


async def test_the_agents_are_told_with_their_clocks_and_their_trouble(state, capsys):
    assert await command("agents", "--state", str(state)) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith(
        "city/depot  在线 online  时钟 clock −1 分 40 秒 −1 min 40 s  最近消息 last heard 01-15 16:00:00"
    )
    assert first.endswith("待传 held 7  0.1.0  时钟不准 clock is wrong  自报故障 its own trouble: its disk is full")
    assert second.startswith("city/order-room  在线 online  时钟 clock 准确 right")
    assert await command("agents", "--json", "--state", str(state)) == 0
    told = json.loads(capsys.readouterr().out)["agents"]
    assert [(one["key"], one["offset"]) for one in told] == [("city/depot", -100.0), ("city/order-room", 0.0)]


async def test_what_was_learned_afterwards_is_said_to_be(state, capsys):
    where = ("--state", str(state))
    assert await command("list", "--all", *where) == 0
    learned = [line for line in capsys.readouterr().out.splitlines() if "事后得知，未通知任何人" in line]
    assert [line[:3] for line in learned] == ["B10"]
    assert await command("show", "B10", *where) == 0
    shown = capsys.readouterr().out
    assert "01-15 14:00:00" in shown  # when it began
    assert "01-15 16:00:00  事后得知 learned afterwards  市电中断，电池供电 Mains lost: on battery" in shown


async def test_an_agent_is_told_to_do_something_and_what_came_of_it_is_shown(state, capsys):
    where = ("--as", "li", "--state", str(state))
    assert await command("command", "read", "city/order-room/ups-1", *where) == 0
    shown = capsys.readouterr().out
    for part in ("ups-1", "完成 done", "ups.load  40.0 %", "ups.status  OL", "battery.charge  -", "(unavailable)"):
        assert part in shown
    assert await command("command", "on", "city/order-room/relay", "siren", "--seconds", "60", *where) == 1
    assert "执行失败 failed  on siren 60 by li" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("read", "city/depot/ups-1", "--as", "li"), 1, "city/depot is not heard"),
        (("read", "ups-1", "--as", "li"), 2, "hq/order-room/ups-1"),
        (("read", "city/order-room/ups-1", "--as", "nobody"), 1, "nobody"),
    ],
)
async def test_a_command_that_cannot_be_sent_says_why(state, capsys, words, code, said):
    assert await command("command", *words, "--state", str(state)) == code
    assert said in capsys.readouterr().err


async def test_the_devices_of_a_running_gateway_are_told_and_of_none_nothing_is(state, tmp_path):
    told = await asyncio.to_thread(cli.devices, state)
    said = {"site": "hq", "agent": "a", "device": "ups-1", "kind": "ups", "title": "一号", "room": ""}
    assert told == [{**said, "conditions": ["low-battery"]}]
    assert await asyncio.to_thread(cli.devices, tmp_path / "nowhere") is None
