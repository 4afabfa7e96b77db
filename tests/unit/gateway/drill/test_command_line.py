"""Drills from the command line, over the control socket of the real app."""

import asyncio
import contextlib

import pytest
import uvicorn
from timetable import Day, Journal, RealClock, shipped

from gateway import control
from gateway.__main__ import main
from gateway.drill.desk import Drills
from gateway.drill.script import Input, Script
from gateway.plan.model import Words
from gateway.ports import Outcome

PLAN, CONTACTS = shipped()
SCRIPT = Script(
    clause="3.1.1",
    title=Words("停电演练", "Power cut"),
    participants=("li",),
    input=(Input(condition="on-battery"), Input(condition="on-battery", at=600.0, over=True)),
)


class Teller:
    """Everybody is told at once."""

    async def tell(self, incident, clause, mail, person, *, again, report):
        assert (person.id, clause.clause, again) == ("li", "3.1.1", False)
        await report(Outcome(channel="email", accepted=True, text=f"{incident.code} {mail.purpose}"))


@pytest.fixture
async def state(tmp_path):
    day = await asyncio.to_thread(Day)
    day.incidents._journal = journal = Journal(lambda _event: None)

    async def say(_person, _what, _record, _more):
        return None

    drills = Drills(
        day.incidents, PLAN, CONTACTS, {"3.1.1": SCRIPT}, journal, Teller(), RealClock(), say, version="abc"
    )
    app = control.create(day.incidents, drills=drills)
    server = uvicorn.Server(uvicorn.Config(app, uds=str(tmp_path / control.SOCKET), lifespan="off", log_level="error"))
    server.install_signal_handlers = lambda: None
    serving = asyncio.create_task(server.serve())
    async with asyncio.timeout(10):
        while not server.started:  # noqa: ASYNC110 - it says so by this alone
            await asyncio.sleep(0.01)
    yield tmp_path
    await drills.close()
    server.should_exit = True
    with contextlib.suppress(asyncio.CancelledError):
        await serving


async def command(state, *words):
    return await asyncio.to_thread(main, [*words, "--state", str(state)])


async def test_a_drill_is_begun_answered_listed_stopped_and_reported(state, capsys):
    assert await command(state, "drill", "list") == 0
    assert "还没有演练过 no drill yet" in capsys.readouterr().out
    assert await command(state, "drill", "3.1.1", "--as", "zhao", "--speed", "60") == 0
    said = capsys.readouterr().out
    assert "DRILL1  3.1.1  停电演练  进行中" in said
    async with asyncio.timeout(10):
        while await command(state, "incident", "mine", "drill1-a10", "--as", "li"):  # noqa: ASYNC110 - it plays by itself
            await asyncio.sleep(0.05)
    capsys.readouterr()
    assert await command(state, "incident", "list") == 0
    assert "没有未关闭的事件" in capsys.readouterr().out, "a drill is among the real incidents"
    assert await command(state, "drill", "stop", "--as", "zhao") == 0
    capsys.readouterr()
    page = state / "report.html"
    assert await command(state, "drill", "report", "1", "--html", str(page)) == 0
    said = capsys.readouterr().out
    assert "被停止 zhao" in said
    assert "李值班" in said
    assert "停电演练" in page.read_text("utf-8")
    assert await command(state, "drill", "report", "1", "--json") == 0
    assert '"why": "stopped"' in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["report"], 2, "which drill"),
        (["report", "9"], 1, "there was no drill 9"),
        (["3.1.1"], 2, "who are you"),
        (["7.7", "--as", "zhao"], 1, "the plan has no clause '7.7'"),
        (["stop", "--as", "zhao"], 1, "no drill runs"),
        (["3.1.1", "--as", "zhao", "--people", "nobody"], 1, "nobody"),
        (["3.1.1", "--as", "zhao", "--speed", "0.5"], 1, "times as fast"),
    ],
)
async def test_what_cannot_be_done_is_said_in_a_sentence(state, capsys, words, code, said):
    assert await command(state, "drill", *words) == code
    assert said in capsys.readouterr().err


async def test_a_speed_that_is_no_number_is_wrong_use(state, capsys):
    with pytest.raises(SystemExit, match="2"):
        await command(state, "drill", "3.1.1", "--as", "zhao", "--speed", "nan")
    assert "invalid" in capsys.readouterr().err
