"""The page behind a person's link: a GET changes nothing, a POST with the right token does."""

import re
from urllib.parse import quote

import pytest

from gateway import links

SECRET = b"not-a-real-secret"
NOW = 1_700_000_000.0


@pytest.fixture
def link(desk):
    desk.open()
    return f"/i/A10/{links.make(SECRET, 'A10', 'li')}"


async def test_the_page_shows_the_incident_and_three_buttons(web, link):
    page = (await web.get(link)).text
    assert "机房断电" in page
    assert "李值班" in page
    assert re.findall(r'<button id="(\w+)"', page) == ["seen", "mine", "close"]


async def test_the_page_shows_how_the_device_is_now(web, live, desk, link):
    assert "h-now" not in (await web.get(link)).text  # it was never heard of
    live.ups(desk.get("A10").source.device, **{"battery.charge": 42.0})
    page = (await web.get(link)).text
    assert "h-now" in page
    assert "42 <span" in page


async def test_the_steps_of_the_plan_say_who_and_by_when_and_can_be_ticked(web, desk, link):
    page = (await web.get(link)).text
    assert "确认 UPS 已带载" in page
    assert "info-centre-zh" in page
    assert "时限 06:17:20" in page  # the site's time: 5 min from the opening
    numbers = re.findall(r'name="number" value="(\d+)"', page)
    assert numbers == ["1", "2", "3", "4", "5"]
    answer = await web.post(f"{link}/step", data={"number": "2"})
    assert answer.headers["location"] == f"{link}?done=step"
    assert desk.calls == [("step", "A10", "li", "")]
    page = (await web.get(link)).text
    assert re.findall(r'name="number" value="(\d+)"', page) == ["1", "3", "4", "5"]
    assert "李值班 于 06:13:20 完成" in page
    assert "2. 查看负载" in page  # in the timeline, in the words that the plan had then


async def test_on_battery_the_page_says_how_long_and_what_to_switch_off_and_takes_it_when_it_is_off(web, desk, link):
    off = [
        {"index": 0, "zh": "测试服务器 <1>", "en": "test servers", "by": NOW + 3600.0},
        {"index": 2, "zh": "打印机", "en": "printers", "by": NOW + 3600.0},
    ]
    desk.event("A10", "countdown", data={"ends": NOW + 7200.0, "promised": NOW + 10800.0, "off": off})
    page = (await web.get(link)).text
    assert "预计可用至：<b>08:13:20（承诺 09:13:20）</b>" in page
    assert "07:13:20 前关闭: 测试服务器 &lt;1&gt;、打印机" in page
    assert re.findall(r'/shed"><input type="hidden" name="number" value="(\d+)"', page) == ["1", "3"]
    answer = await web.post(f"{link}/shed", data={"number": "1"})
    assert answer.headers["location"] == f"{link}?done=shed"
    assert [call[:3] for call in desk.calls] == [("shed", "A10", "li")]
    page = (await web.get(f"{link}?done=shed")).text
    assert "该负载已关闭" in page
    assert re.findall(r'/shed"><input type="hidden" name="number" value="(\d+)"', page) == ["3"]
    assert "1. 测试服务器" in page  # in the timeline
    english = (await web.get(f"{link}?lang=en")).text
    assert "Lasts until: <b>08:13:20 (promised 09:13:20)</b>" in english


async def test_a_step_past_its_time_is_called_late(web, wall, link):
    assert "已超时" not in (await web.get(link)).text
    wall.now = NOW + 600
    assert (await web.get(link)).text.count("已超时") == 1


@pytest.mark.parametrize("number", ["", "x", "-1", "²", "99999", None])
async def test_a_step_that_is_no_number_is_refused(web, desk, link, number):
    answer = await web.post(f"{link}/step", data={} if number is None else {"number": number})
    assert answer.status_code == 400
    assert desk.calls == []


@pytest.mark.parametrize("path", ["seen", "mine", "step", "shed", "close"])
async def test_a_disk_that_fails_is_a_sentence_and_never_a_recorded_answer(web, desk, link, path):
    desk.disk_full = True
    answer = await web.post(f"{link}/{path}", data={"reason": "done", "number": "1"})
    assert answer.status_code == 503
    assert "没有记录下来" in answer.text
    assert "done=" not in answer.headers.get("location", "")


@pytest.mark.parametrize(
    "path",
    ["", "/seen", "/mine", "/step", "/shed", "/close", "/handover", "/accept", "/decline", "/progress", "/reopen"],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_reading_changes_nothing(web, desk, link, path, method):
    answer = await web.request(method, link + path, params={"reason": "x", "done": "seen"})
    assert answer.status_code == (200 if not path else 405)
    assert desk.calls == []


@pytest.mark.parametrize(("path", "kind"), [("seen", "seen"), ("mine", "mine")])
async def test_a_button_is_one_step_of_that_person(web, desk, link, path, kind):
    answer = await web.post(f"{link}/{path}")
    assert answer.status_code == 303
    assert answer.headers["location"] == f"{link}?done={path}"
    assert desk.calls == [(kind, "A10", "li", "")]
    assert "已记录" in (await web.get(answer.headers["location"])).text


async def test_closing_takes_the_reason(web, desk, link):
    answer = await web.post(f"{link}/close", data={"reason": " 跳闸，已合闸 & 复测 "})
    assert answer.status_code == 303
    assert desk.calls == [("closed", "A10", "li", "跳闸，已合闸 & 复测")]
    page = (await web.get(link)).text
    assert "这个事件已经关闭" in page
    assert re.findall(r'<button id="(\w+)"', page) == ["reopen"]


async def test_the_owner_says_how_far_they_are_and_hands_it_over(web, desk, link):
    await web.post(f"{link}/mine")
    page = (await web.get(link)).text
    assert re.findall(r'<button id="(\w+)"', page) == ["progress", "handover", "close"]
    assert re.findall(r'<option value="(\w+)">', page) == ["wang"]  # to everybody but themselves
    for path, data, location in (
        ("progress", {"text": "更换保险"}, "done=progress"),
        ("handover", {"to": "wang", "text": "等市电"}, "done=handover"),
    ):
        answer = await web.post(f"{link}/{path}", data=data)
        assert answer.headers["location"].endswith(location)
        assert "已记录" in (await web.get(answer.headers["location"])).text
    assert desk.calls[1:] == [("progress", "A10", "li", "更换保险"), ("handover", "A10", "li", "等市电")]
    page = (await web.get(link)).text
    assert "等待 wang 接手" in page
    assert "→ wang：等市电" in page


@pytest.mark.parametrize(
    ("path", "data", "call"),
    [
        ("accept", {}, ("accepted-handover", "A10", "li", "")),
        ("decline", {"text": "在外地"}, ("declined-handover", "A10", "li", "在外地")),
    ],
)
async def test_who_is_asked_to_take_it_over_accepts_or_declines(web, desk, link, path, data, call):
    desk.event("A10", "mine", who="wang")
    desk.event("A10", "handover", who="wang", text="换班", data={"to": "li"})
    page = (await web.get(link)).text
    assert re.findall(r'<button id="(\w+)"', page) == ["accept", "decline", "close"]
    answer = await web.post(f"{link}/{path}", data=data)
    assert answer.headers["location"] == f"{link}?done={path}"
    assert desk.calls == [call]


async def test_what_is_closed_is_reopened_with_a_reason(web, desk, link):
    desk.event("A10", "closed", who="li", text="已合闸", data={"standing": ["on-battery"]})
    page = (await web.get(link)).text
    assert "关闭时报警仍在；已合闸" in page
    assert (await web.post(f"{link}/reopen", data={"text": "又跳了"})).status_code == 303
    assert desk.calls == [("reopened", "A10", "li", "又跳了")]
    assert "没有核实" not in (await web.get(link)).text


@pytest.mark.parametrize("reason", ["", "   ", "长" * 501])
async def test_closing_without_a_usable_reason_asks_for_one_and_keeps_what_was_typed(web, desk, link, reason):
    answer = await web.post(f"{link}/close", data={"reason": reason})
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert reason.strip() in answer.text
    assert f'action="{link}/close"' in answer.text
    assert desk.calls == []


@pytest.mark.parametrize(
    "token",
    [
        "li",
        "li.",
        "..A",
        "li.AAAAAAAAAAAAAAAAAAAAAA",
        links.make(SECRET, "A10", "wang").replace("wang", "li"),
        links.make(SECRET, "B10", "li"),
        links.make(b"another", "A10", "li"),
        quote("李.验证"),
        "%ff%00",
        "<script>alert(1)</script>",
        "x" * 5000,
    ],
)
async def test_a_forged_token_is_refused_with_a_sentence(web, desk, token):
    desk.open()
    for answer in (
        await web.get(f"/i/A10/{token}"),
        await web.post(f"/i/A10/{token}/mine"),
        await web.get(f"/i/A10/{token}/live"),
    ):
        assert answer.status_code in (403, 404)  # a slash in it makes another path
        assert "链接无效" in answer.text or "没有这个页面" in answer.text
        assert "机房断电" not in answer.text
        assert "<script>alert" not in answer.text
    assert desk.calls == []


async def test_a_forged_token_does_not_tell_which_incidents_there_are(web, desk):
    desk.open()
    there = await web.get("/i/A10/li.forged")
    not_there = await web.get("/i/Z99/li.forged")
    assert there.status_code == not_there.status_code == 403
    assert there.text.replace("A10", "") == not_there.text.replace("Z99", "")


async def test_an_unknown_incident_is_a_sentence(web):
    answer = await web.get(f"/i/Z99/{links.make(SECRET, 'Z99', 'li')}")
    assert answer.status_code == 404
    assert "没有编号为 Z99 的事件" in answer.text


async def test_what_the_desk_refuses_is_said(web, desk, link):
    desk.refuses = "li is not in the contacts"
    answer = await web.post(f"{link}/mine")
    assert answer.status_code == 409
    assert "中文：li is not in the contacts" in answer.text
    english = await web.post(f"{link}/mine", params={"lang": "en"})
    assert "Not done: li is not in the contacts" in english.text


async def test_a_closed_incident_takes_no_answer(web, desk, link):
    desk.event("A10", "closed", who="li")
    answer = await web.post(f"{link}/mine")
    assert answer.status_code == 409
    assert desk.calls == []


@pytest.mark.parametrize(
    ("body", "status"), [(b"x" * 20_000, 413), (b"reason=%ff%fe", 400), (b"\xff\xfe", 400), (b"a", 400)]
)
async def test_a_body_that_is_no_form_is_refused(web, desk, link, body, status):
    answer = await web.post(f"{link}/close", content=body)
    assert answer.status_code == status
    assert desk.calls == []


async def test_the_address_is_not_passed_on(web, link):
    assert (await web.get(link)).headers["referrer-policy"] == "no-referrer"


async def test_markup_in_a_reason_stays_text(web, link):
    await web.post(f"{link}/close", data={"reason": "</textarea><script>alert(1)</script>"})
    assert "<script>alert" not in (await web.get(link)).text
    assert "<script>alert" not in (await web.get("/")).text
