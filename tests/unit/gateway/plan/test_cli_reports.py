"""``wolfsmoke-gateway report`` and the approvals, from the command line to the journal, over a real unix socket."""

import argparse
import asyncio
import json
import pathlib
import socket
from collections.abc import AsyncIterator

import pytest
import uvicorn
from timetable import Clock, Journal

from gateway import cli, control
from gateway.contacts import load_contacts
from gateway.incidents import Incidents
from gateway.plan.loader import load_plan
from gateway.ports import Outcome

CONFIG = pathlib.Path(__file__).parents[4] / "config"
FORM = ["customer=1024 号", "why=婚期提前", "day=11-26", "brand=甲", "cartons=20"]
_incidents: list[Incidents] = []
FIELDS = [word for one in FORM for word in ("--field", one)]


class Silent:
    """Tells nobody, knows no device."""

    async def tell(self, _incident, _clause, _mail, _person, *, again, report) -> None:
        await report(Outcome(channel="email", accepted=not again))

    def latest(self, _source, _quantity):
        return None

    def conditions(self, _source):
        return {}


async def command(*words: str) -> int:
    """Run a command as a process would."""
    parser = argparse.ArgumentParser()
    cli.add_commands(parser.add_subparsers(required=True))
    try:
        args = parser.parse_args(words)
    except SystemExit as error:
        return int(error.code or 0)
    return await asyncio.to_thread(args.run, args)


@pytest.fixture
async def state(tmp_path) -> AsyncIterator[pathlib.Path]:
    """A state directory whose gateway has the shipped plan and no incident."""
    contacts = load_contacts((CONFIG / "contacts.toml").read_text("utf-8"))
    texts = {path.name: path.read_text("utf-8") for path in sorted((CONFIG / "plan").glob("*.toml"))}
    incidents = Incidents(
        Journal(lambda _: None),
        load_plan(texts, contacts.departments),
        contacts,
        Silent(),
        Clock(1_800_000_000.0),
        Silent(),
    )
    _incidents.append(incidents)
    path = str(tmp_path / control.SOCKET)
    settings = uvicorn.Config(control.create(incidents), uds=path, log_level="warning", lifespan="off")
    server = uvicorn.Server(settings)
    ear = socket.socket(socket.AF_UNIX)
    ear.bind(path)
    ear.listen()
    task = asyncio.create_task(server.serve(sockets=[ear]))
    yield tmp_path
    server.should_exit = True
    await task
    ear.close()


async def test_from_a_report_to_its_approval(state, capsys):
    where = "--state", str(state)
    assert await command("report", "3.4.3.1", "special", "--as", "jiang", "--place", "西岭县", *FIELDS, *where) == 0
    assert "客户应急货源" in capsys.readouterr().out
    assert await command("incident", "approve", "A10", "--as", "tang", *where) == 1
    assert "由营销中心 秦市场审批" in capsys.readouterr().err
    assert await command("incident", "approve", "A10", "属实", "--as", "qin", *where) == 0
    assert await command("incident", "refuse", "A10", "本周无货", "--as", "tang", *where) == 0
    capsys.readouterr()
    assert await command("incident", "show", "A10", *where) == 0
    shown = capsys.readouterr().out
    for said in (
        "报告人 Reported by: 蒋客户经理",
        "数量（条） Cartons: 20",
        "秦市场 已批准 属实",
        "唐副经理 未批准 本周无货",
    ):
        assert said in shown
    assert await command("incident", "show", "A10", "--json", *where) == 0
    assert json.loads(capsys.readouterr().out)["report"]["en"][0] == ["Reported by", "蒋客户经理"]


async def test_the_headquarters_from_the_command_line(state, capsys):
    where = "--state", str(state)
    fields = ("--field", "what=暴雨", "--field", "areas=全市")
    await command("report", "3.2.1", "disaster", "--as", "jin", *fields, *where)
    await command("incident", "confirm", "A10", "major", "--as", "sun", *where)
    await _incidents[-1].tick()
    assert await command("incident", "authorise", "A10", "song", "--as", "sun", *where) == 1
    assert "只能授权本条预案责任部门的负责人" in capsys.readouterr().err
    assert await command("incident", "authorise", "A10", "zhu", "--as", "sun", "--reason", "在外地", *where) == 0
    capsys.readouterr()
    assert await command("incident", "show", "A10", *where) == 0
    shown = capsys.readouterr().out
    for said in (
        "指挥长 Commander: sun",
        "副指挥长 Deputy commanders: liang",
        "临时指挥 Temporary commander: zhu",
        "在外地",
    ):
        assert said in shown
    assert await command("incident", "lower", "A10", "partial", "--as", "zhu", "--reason", "雨停", *where) == 0
    await command("incident", "show", "A10", *where)
    shown = capsys.readouterr().out
    assert "降为局部：雨停" in shown
    assert "Commander:" not in shown


async def test_a_level_is_confirmed_by_who_may(state, capsys):
    where = "--state", str(state)
    fields = ("--field", "what=暴雨", "--field", "areas=全市")
    assert await command("report", "3.2.1", "disaster", "--as", "jin", *fields, *where) == 0
    assert await command("incident", "confirm", "A10", "major", "--as", "jiang", *where) == 1
    assert "不由您确认" in capsys.readouterr().err
    assert await command("incident", "confirm", "A10", "major", "--as", "sun", *where) == 0
    capsys.readouterr()
    assert await command("incident", "show", "A10", *where) == 0
    assert "确认级别 level confirmed  sun  重大 major" in capsys.readouterr().out


async def test_the_list_says_what_can_be_reported_and_what_is_asked_for(state, capsys):
    assert await command("report", "--state", str(state)) == 0
    said = capsys.readouterr().out
    assert "3.3.1 breakdown  车辆途中故障" in said
    assert "--field position=…  准确位置" in said
    assert "须保存 keep: 客户应急货源报批表" in said


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["3.3.1"], 2, "which report"),
        (["3.3.1", "breakdown", "--as", "yang", "--field", "vehicle"], 2, "is no field"),
        (["3.3.1", "breakdown", "--as", "yang", "--field", "a=1", "--field", "a=2"], 2, "given twice"),
        (["3.3.1", "breakdown", "--as", "yang"], 1, "准确位置：没有填写"),
        (["9.9", "breakdown", "--as", "yang"], 1, "预案没有 '9.9' 条"),
        (["3.3.1", "breakdown", "--as", "nobody"], 1, "通讯录里没有"),
    ],
)
async def test_what_is_wrong_is_said_in_a_sentence(state, capsys, words, code, said):
    assert await command("report", *words, "--state", str(state)) == code
    err = capsys.readouterr().err
    assert said in err
    assert "Traceback" not in err


async def test_a_text_that_is_too_long_is_said_to_be(state, capsys):
    assert (
        await command(
            "report", "3.4.3.1", "special", "--as", "jiang", "--place", "x" * 4001, *FIELDS, "--state", str(state)
        )
        == 1
    )
    said = capsys.readouterr().err
    assert "place" in said
    assert "4000" in said
