"""The agents on the first page: each with its clock, what it holds, its trouble; what to look at comes first."""

import re

import pytest

from gateway.board.agents import clock
from gateway.board.words import Words

NOW = 1_700_000_000.0  # 2023-11-14


async def shown(web, **params):
    """Return each agent's text, in the order of the page."""
    page = (await web.get("/", params=params)).text
    items = re.findall(r'<li class="a-.*?</li>', page, re.DOTALL)
    return [re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", item)).strip() for item in items]


async def test_without_an_agent_it_says_so(web):
    assert "还没有代理上报" in (await web.get("/")).text


async def test_an_agent_in_order_is_there_and_its_clock_is_right(web, live):
    live.agent()
    assert await shown(web) == ["hq/order-room在线 最近消息 3 秒前 · 时钟 准确 · 版本 0.1.0"]
    assert await shown(web, lang="en") == ["hq/order-roomonline last heard 3 s ago · clock right · version 0.1.0"]


async def test_what_it_holds_its_trouble_and_its_clock_are_said(web, live):
    live.agent(held=1204, trouble="its disk is full", offset=-3725.0)
    (said,) = await shown(web)
    assert "时钟 −1 小时 2 分" in said
    assert "待传 1204 条" in said
    assert "自报故障：its disk is full" in said
    assert 'class="bad">时钟' in re.sub(r"\s+", " ", (await web.get("/")).text)


async def test_one_that_was_not_heard_since_the_start_has_no_clock(web, live):
    live.agent(online=False, last_seen=0.0, offset=0.0)
    (said,) = await shown(web)
    assert said.startswith("hq/order-room未连接 最近消息 从未 · 时钟 —")


async def test_two_under_one_name_are_warned_of_while_the_alarm_stands(web, live):
    live.agent()
    live.alarm("two-agents", device="@order-room:name")
    assert "查找被复制的存储卡" in (await shown(web))[0]
    live.alarms.clear()
    live.alarm("two-agents", device="@order-room:name", active=False)
    assert "查找被复制的存储卡" not in (await shown(web))[0]


async def test_those_to_look_at_come_first(web, live):
    live.agent("a")
    live.agent("b", online=False)
    live.agent("c")
    live.agent("d", offset=31.0)
    assert [said[:4] for said in await shown(web)] == ["hq/b", "hq/d", "hq/a", "hq/c"]


async def test_of_very_many_the_page_shows_those_to_look_at_and_says_how_many_there_are_more(web, live):
    for number in range(150):
        live.agent(f"a{number}", online=number != 149)
    said = await shown(web)
    assert len(said) == 100
    assert said[0].startswith("hq/a149失联")
    assert "另有 50 个代理" in (await web.get("/")).text


async def test_what_an_agent_says_of_itself_is_no_html(web, live):
    live.agent(trouble="<script>alert(1)</script>", version="<b>")
    assert "<script>alert" not in (await web.get("/")).text


async def test_machines_get_the_offset_in_seconds(web, live):
    live.agent(offset=2.25)
    (row,) = (await web.get("/api/live.json")).json()["agents"]
    assert (row["key"], row["offset"], row["clock"], row["clock_wrong"]) == ("hq/order-room", 2.25, "+2 秒", False)


@pytest.mark.parametrize(
    ("offset", "zh", "en"),
    [
        (0.0, "准确", "right"),
        (-0.9, "准确", "right"),
        (2.4, "+2 秒", "+2 s"),
        (-90.0, "−1 分 30 秒", "−1 min 30 s"),
        (3 * 86400.0 + 7300, "+3 天 2 小时", "+3 d 2 h"),
        (-NOW + 60, "停在 1970 年，不可信", "in 1970: not trusted"),
        (-2 * NOW, "停在 1970 年，不可信", "in 1970: not trusted"),
    ],
)
def test_a_clock_is_told_as_people_say_it(offset, zh, en):
    assert clock(offset, Words("zh"), NOW) == zh
    assert clock(offset, Words("en"), NOW) == en


async def test_what_was_learned_afterwards_says_when_it_was_and_that_nobody_was_told(web, desk):
    symptom = {
        "id": "o1",
        "title_zh": "市电中断",
        "title_en": "Mains lost",
        "since": NOW - 7200,
        "ended": NOW - 3600,
        "active": False,
    }
    data = {"clause": "3.1.1", "title_zh": "机房供电", "source": {"title": "一号 UPS"}, "symptom": symptom}
    desk.event("A10", "history", data=data)
    page = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", (await web.get("/")).text))
    assert "断线期间发生并结束，事后得知，未通知任何人：04:13:20 至 05:13:20" in page
    assert "还没有人处理" not in page
    assert "事后得知 市电中断" in page
