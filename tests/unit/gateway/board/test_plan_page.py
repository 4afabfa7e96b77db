"""The plan as a page, on the board and as a file: whatever the plan says stands there, in both languages."""

import re
import shutil
from pathlib import Path

import pytest
from msgspec.structs import replace

from gateway.__main__ import main
from gateway.board import planpage
from gateway.board.render import Renderer
from gateway.board.words import Words
from gateway.contacts import load_contacts
from gateway.plan import model as plan_model
from gateway.plan.loader import load_plan
from gateway.plan.model import Plan, Role

CONFIG = Path(__file__).parents[4] / "config"
CONTACTS = load_contacts((CONFIG / "contacts.toml").read_text("utf-8"))
PLAN = load_plan(
    {path.name: path.read_text("utf-8") for path in (CONFIG / "plan").glob("*.toml")}, CONTACTS.departments
)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_clause_trigger_step_and_rung_is_there(language):
    title, fills = planpage.of_contacts(CONTACTS)
    shown = {one.number: one for one in planpage.view(PLAN, Words(language), title, fills)}
    assert [*shown] == sorted(shown, key=lambda number: [int(part) for part in number.split(".")])
    for clause in PLAN.clauses:
        one = shown[clause.clause]
        assert {trigger.title.of(language) for trigger in clause.trigger} == {
            text for row in one.triggers for text in row.titles
        }
        assert [step.text.of(language) for step in clause.step] == [step.text for step in one.steps]
        told = [name for rung in one.ladder for _, name in rung.people]
        assert len(told) == len(clause.escalation.rung)
        assert all(told)


def test_a_rung_that_nobody_fills_is_shown_as_vacant():
    nobody = planpage.view(PLAN, Words("zh"), lambda key, _language: key, lambda _department, _role: "")
    assert {name for rung in nobody[0].ladder for _, name in rung.people} == {"空缺"}


def test_times_are_said_without_the_units_that_are_none():
    said = [planpage.span_of(seconds, Words("zh")) for seconds in (0.0, 30.0, 300.0, 5 * 3600.0, 86400.0 + 90.0)]
    assert said == ["0 秒", "30 秒", "5 分", "5 小时", "1 天 1 分 30 秒"]


def test_who_fills_a_role_is_named():
    title, fills = planpage.of_contacts(CONTACTS)
    assert title("info-centre", "en") == "Information centre"
    assert fills("info-centre", Role.ON_CALL) == "李值班"
    assert (title("nowhere", "zh"), fills("nowhere", Role.HEAD)) == ("nowhere", "")


async def test_the_board_has_it_in_both_languages(web):
    for language, heading in (("zh", "应急预案"), ("en", "Emergency plan")):
        answer = await web.get("/plan", params={"lang": language})
        assert answer.status_code == 200
        assert f"<h1>{heading}</h1>" in answer.text
        assert 'id="c-3-1-1"' in answer.text
        assert "style=" not in answer.text  # the policy of the board forbids it
    board = await web.get("/")
    assert 'href="/plan"' in board.text


@pytest.fixture
def gateway(tmp_path):
    shutil.copytree(CONFIG, tmp_path / "config")
    return str(tmp_path / "config" / "gateway.toml")


def test_the_file_stands_alone_and_its_contents_lead_to_every_clause(gateway, tmp_path, capsys):
    file = tmp_path / "plan.html"
    assert main(["plan", "show", "--config", gateway, "--html", str(file)]) == 0
    page = file.read_text("utf-8")
    assert not re.search(r"<script|<link|src=|url\(", page)
    anchors = set(re.findall(r'href="#(c-[\w-]+)"', page))
    assert anchors == set(re.findall(r'id="(c-[\w-]+)"', page))
    assert len(anchors) == len(PLAN.clauses)
    assert main(["plan", "show", "--config", gateway, "--html", str(tmp_path / "none" / "plan.html")]) == 2
    assert "cannot be written" in capsys.readouterr().err


def test_without_a_file_it_is_text(gateway, capsys):
    assert main(["plan", "show", "--config", gateway, "--lang", "en"]) == 0
    said = capsys.readouterr().out
    assert "3.1.1 UPS supply of machine room and order room  [partial]" in said
    assert "+5 min" in said


def test_texts_of_a_plan_are_escaped():
    clause = replace(PLAN.clauses[0], title=plan_model.Words("<b>坏</b>", "<b>bad</b>"))
    clauses = planpage.view(Plan((clause,)), Words("zh"), *planpage.of_contacts(CONTACTS))
    page = Renderer().file("plan_file.html", Words("zh"), 0.0, clauses=clauses, site_name="<i>")
    assert "<b>坏" not in page
    assert "&lt;b&gt;坏" in page
    assert "<i>" not in page
