"""A report on the page of a person's link: what was said, who approves; only who was asked has the buttons."""

import re

import pytest
from msgspec.structs import replace

from gateway import links
from gateway.incident import Mail, Purpose
from gateway.plan.model import Words
from gateway.reports import Reported, Said

SECRET = b"not-a-real-secret"
NOW = 1_700_000_000.0


@pytest.fixture
def link(desk):
    desk.open()
    report = Reported(
        name="special",
        person="wang",
        called="王五 <b>",
        place="西岭县",
        answers=(Said(name="cartons", label=Words("数量（条）", "Cartons"), value="20"),),
        approvals=(Words("市场经理审核", "The market manager reviews"),),
    )
    asked = Mail(id="m", person="li", purpose=Purpose.APPROVAL, at=NOW)
    desk.incidents["A10"] = replace(desk.incidents["A10"], report=report, mails=(asked,))
    return f"/i/A10/{links.make(SECRET, 'A10', 'li')}"


async def test_the_page_says_what_was_reported_and_what_it_waits_for(web, link):
    page = (await web.get(link)).text
    for said in ("报告人：<b>王五 &lt;b&gt;</b>", "数量（条）：<b>20</b>", "市场经理审核：<b>待审批</b>"):
        assert said in page
    assert "Cartons: <b>20</b>" in (await web.get(f"{link}?lang=en")).text


async def test_who_was_asked_has_the_buttons_and_others_have_not(web, link):
    assert {"approve", "refuse"} <= {*re.findall(r'<button id="(\w+)"', (await web.get(link)).text)}
    other = f"/i/A10/{links.make(SECRET, 'A10', 'wang')}"
    assert "approve" not in re.findall(r'<button id="(\w+)"', (await web.get(other)).text)


async def test_the_buttons_do_what_they_say(web, desk, link):
    answer = await web.post(f"{link}/approve", data={"text": "属实"})
    assert answer.headers["location"] == f"{link}?done=approve"
    await web.post(f"{link}/refuse", data={"text": "无货"})
    await web.post(f"{link}/confirm", data={"text": "major"})
    assert desk.calls == [
        ("approved", "A10", "li", "属实"),
        ("refused", "A10", "li", "无货"),
        ("confirmed", "A10", "li", "major"),
    ]
    assert "已记录：批准。" in (await web.get(f"{link}?done=approve")).text


async def test_orders_of_the_headquarters_go_by_post_with_whom_and_why(web, desk, link):
    answer = await web.post(f"{link}/authorise", data={"to": "zhao", "text": "在外地"})
    assert answer.headers["location"] == f"{link}?done=authorise"
    await web.post(f"{link}/lower", data={"to": "partial", "text": "好转"})
    assert desk.calls == [("authorised", "A10", "li", "在外地"), ("confirmed", "A10", "li", "好转")]
    assert (await web.get(f"{link}/authorise")).status_code in (404, 405)
    assert "已记录：授权临时指挥。" in (await web.get(f"{link}?done=authorise")).text
    buttons = re.findall(r'<button id="(\w+)"', (await web.get(link)).text)
    assert not {"authorise", "lower"} & {*buttons}  # no headquarters stands


async def test_what_is_not_theirs_is_said_on_a_page(web, desk, link):
    desk.refuses = "not yours"
    answer = await web.post(f"{link}/approve", data={"text": ""})
    assert answer.status_code == 409
    assert "中文：not yours" in answer.text
    assert (await web.post("/i/A10/li.forged/approve", data={"text": ""})).status_code == 403
