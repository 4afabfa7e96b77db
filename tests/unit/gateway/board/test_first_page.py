"""The first page: right before rich. Stale is never shown as fresh, and nothing a device says is believed as HTML."""

import re

import pytest

from contract.condition import Severity
from contract.reading import Quality

NOW = 1_700_000_000.0


async def text(web, path="/", **params):
    answer = await web.get(path, params=params)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", answer.text)


async def test_without_a_device_it_says_so_and_what_to_look_at(web):
    page = await text(web)
    assert "还没有设备上报" in page
    assert "检查代理程序" in page
    assert "当前没有报警。" not in page


async def test_a_device_is_shown_with_its_readings_and_their_age(web, live):
    live.ups()
    page = await text(web)
    assert "一号 UPS" in page
    assert "97 <span" in page
    assert "43 分 20 秒" in page
    assert "市电供电" in page
    assert "刚刚" in page
    assert "1 台设备正常" in page


async def test_a_reading_grows_stale_and_the_device_is_no_longer_called_fine(web, live, wall):
    live.ups()
    wall.now += 60
    page = await text(web)
    assert "数据过时" in page
    assert "61 秒前" in page
    assert "q-good" not in page
    assert "台设备正常" not in page
    assert "没有消息不等于正常" in page


async def test_a_device_that_answers_its_agent_no_more_is_not_fine(web, live):
    device = live.ups()
    for second in range(3):  # the agent says so at each poll, and that is fresh
        live.doubt(device, "x.contact", 0.0, Quality.GOOD)
        page = await text(web)
        assert "设备无应答" in page, second
        assert "台设备正常" not in page
        assert "没有消息不等于正常" in page


@pytest.mark.parametrize("quality", [Quality.IMPLAUSIBLE, Quality.UNAVAILABLE])
async def test_a_device_whose_status_cannot_be_believed_is_not_fine(web, live, quality):
    live.doubt(live.ups(), "ups.status", None, quality)
    page = await text(web)
    assert "状态不明" in page
    assert "台设备正常" not in page


async def test_a_flag_that_says_trouble_is_not_beside_fine_while_no_alarm_stands_yet(web, live):
    live.ups(ups__status=("OL", "OVER"))  # its on-delay runs
    page = await text(web)
    assert "过载" in page
    assert '<span class="state">待确认</span>' in page
    assert "1 台设备待确认" in page
    assert "台设备正常" not in page
    assert '<span class="state">pending</span>' in await text(web, lang="en")
    live.alarm("overload")
    assert "d-alarm" in await text(web)


async def test_pending_is_said_of_what_is_known_only(web, live, wall):
    device = live.ups(ups__status=("OL", "OVER"))
    live.doubt(device, "x.battery.promise", None, Quality.UNAVAILABLE)
    assert "状态不明" in await text(web)
    wall.now += 60
    page = await text(web)
    assert "数据过时" in page
    assert "待确认" not in page


async def test_a_device_that_says_nothing_that_can_be_believed_has_no_data(web, live):
    device = live.ups()
    for name in list(device.readings):
        live.doubt(device, name, None, Quality.UNAVAILABLE)
    assert (await web.get("/api/live.json")).json()["devices"][0]["state"] == "silent"


async def test_an_agent_that_is_away_makes_its_readings_stale_at_once(web, live):
    live.ups(online=False)
    page = await text(web)
    assert "代理失联" in page
    assert "q-good" not in page


async def test_an_alarm_on_a_device_without_fresh_data_still_shows_stale_readings(web, live, wall):
    live.ups()
    live.alarm()
    wall.now += 60
    page = await text(web)
    assert "d-alarm" in page
    assert "q-good" not in page


async def test_an_implausible_value_is_named_and_a_missing_one_is_no_zero(web, live):
    device = live.ups()
    live.doubt(device, "battery.temperature", 6553.5, Quality.IMPLAUSIBLE)
    live.doubt(device, "ups.load", None, Quality.UNAVAILABLE)
    page = await text(web)
    assert "不可信" in page
    assert "—" in page
    assert "无数据" in page


async def test_all_the_readings_of_a_device_come_when_they_are_asked_for(web, live):
    live.ups(ups__firmware="1.2<b>")
    assert "1.2" not in await text(web)
    assert "1.2&lt;b&gt;" in await text(web, all="1")  # for readers without scripts
    where = {"site": "hq", "agent": "order-room", "device": "ups-1"}
    assert "1.2&lt;b&gt;" in await text(web, "/rows", **where)
    assert "剩余时间" in await text(web, "/rows", **where)
    assert (await web.get("/rows", params=where | {"device": "no"})).status_code == 404
    assert (await web.get("/rows")).status_code == 422


async def test_alarms_stand_first_by_severity(web, live):
    live.ups()
    live.alarm("replace-battery", severity=Severity.MODERATE)
    live.alarm("on-battery", severity=Severity.SEVERE)
    live.alarm("something-new", severity=Severity.EXTREME)
    page = await text(web)
    assert "3 个报警" in page
    assert page.index("something-new") < page.index("市电中断，电池供电") < page.index("电池需要更换")


async def test_an_alarm_of_a_device_that_is_not_known_is_shown_all_the_same(web, live):
    live.alarm(device="gone")
    assert "gone" in await text(web)


async def test_what_is_over_and_not_acknowledged_is_not_counted_as_standing(web, live):
    live.ups()
    live.alarm(active=False)
    page = await text(web)
    assert "已恢复，未确认" in page
    assert "个报警<" not in page


async def test_an_incident_is_shown_with_its_timeline(web, desk):
    desk.open()
    desk.event("A10", "mine", who="li", at=NOW - 5)
    page = await text(web)
    assert "机房断电" in page
    assert "预案 3.1.1" in page
    assert "李值班" in page
    assert "我处理" in page


async def test_an_incident_that_nobody_has_heard_of_shouts(web, desk):
    shout = "还没有人知道"
    desk.open()
    desk.event("A10", "message", who="li", data={"message": "1", "purpose": "page"})
    assert shout not in await text(web), "it is under way"
    desk.event("A10", "failed", who="li", data={"message": "1", "last": True})
    assert shout in await text(web)
    assert "nobody knows yet" in await text(web, lang="en")
    desk.event("A10", "message", who="wang", data={"message": "2", "purpose": "page"})
    desk.event("A10", "accepted", who="wang", data={"message": "2"})
    assert shout not in await text(web, lang="zh")


async def test_markup_from_a_device_stays_text(web, live, desk):
    evil = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
    live.ups(name="x", title=evil, ups__model=evil)
    live.alarm(evil, device=evil)
    desk.open(title=evil)
    page = (await web.get("/")).text
    assert "<script>alert" not in page
    assert "<img" not in page
    assert "&lt;script&gt;alert(1)" in page


async def test_every_answer_forbids_other_sources_and_inline_code(web):
    for path in ("/", "/static/board.js", "/i/A10/forged", "/nowhere", "/api/live.json"):
        policy = (await web.get(path)).headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "http" not in policy


async def test_the_page_keeps_to_its_policy(web, live, desk):
    live.ups()
    desk.open()
    page = (await web.get("/")).text
    assert not re.search(r"<script(?![^>]*\bsrc=)", page)
    assert not re.search(r"\son\w+=|\sstyle=|<style", page)
    assert not re.search(r"(?:src|href|action)=\"(?:https?:)?//", page)


async def test_pages_are_not_kept_by_caches(web):
    assert (await web.get("/")).headers["cache-control"] == "no-store"
    assert "max-age" in (await web.get("/static/board.css")).headers["cache-control"]


async def test_chinese_is_first_and_english_is_kept_in_a_cookie(web, live):
    live.ups()
    assert 'lang="zh-CN"' in await text(web)
    english = await text(web, lang="en")
    assert 'lang="en"' in english
    assert "battery charge" in english
    assert "Alarms now" in await text(web)
    assert "当前报警" in await text(web, lang="zh")


@pytest.mark.parametrize("lang", ["", "fr", "../etc", "<b>"])
async def test_a_language_that_is_not_spoken_here_reads_chinese(web, lang):
    assert 'lang="zh-CN"' in await text(web, lang=lang)


async def test_machines_get_the_same_facts(web, live, desk):
    live.ups()
    live.alarm()
    desk.open()
    facts = (await web.get("/api/live.json")).json()
    assert facts["now"] == NOW
    assert facts["alarms"][0]["state"] == "unacknowledged"
    assert facts["devices"][0]["key"] == "hq/order-room/ups-1"
    assert facts["incidents"][0]["code"] == "A10"


async def test_history_is_broken_where_nothing_came(web, live):
    live.ups()
    live.points = [(NOW - 600, 230.0), (NOW - 595, 229.0), (NOW - 100, 0.0), (NOW - 95, 228.0)]
    query = {"site": "hq", "agent": "order-room", "device": "ups-1", "quantity": "input.voltage"}
    history = (await web.get("/api/history", params=query)).json()
    assert history["values"] == [230.0, 229.0, None, 0.0, 228.0]
    assert history["times"] == sorted(history["times"])


async def test_history_of_an_unknown_device_or_without_one_is_a_sentence(web):
    query = {"site": "a", "agent": "b", "device": "c", "quantity": "d"}
    unknown = await web.get("/api/history", params=query)
    assert unknown.status_code == 404
    assert "no device a/b/c" in unknown.json()["error"]
    missing = await web.get("/api/history")
    assert missing.status_code == 422
    assert "site" in missing.json()["error"]


async def test_health_says_who_is_there(web, live):
    live.ups()
    health = (await web.get("/health")).json()
    assert health == {"status": "ok", "now": NOW, "agents": {"known": 1, "online": 1}, "devices": 1}


async def test_an_unknown_page_is_a_sentence(web):
    answer = await web.get("/nowhere")
    assert answer.status_code == 404
    assert "没有这个页面" in answer.text


@pytest.mark.parametrize("wild", [float("inf"), -1.0, 1e300])
async def test_a_wild_time_does_not_break_the_page(web, live, wild):
    live.ups(at=wild)
    live.alarm()
    assert "q-good" not in await text(web)


@pytest.mark.parametrize("wild", [1e300, -0.0, 1e-12, float("nan")])
async def test_a_wild_number_does_not_break_the_page(web, live, wild):
    live.ups(battery__charge=wild, battery__runtime=wild, x__contact=wild)
    await text(web)


async def test_a_store_that_takes_nothing_or_refuses_is_shown_with_what_waits(web, live, stores, store_state):
    live.ups()
    assert "数据库" not in await text(web), "none is configured"
    stores[0] = store_state()
    assert "数据库" not in await text(web), "all is well"
    stores[0] = store_state("away", 7380.0, '"refused" <b>', 1234)
    page = await text(web)
    assert "数据库中断 2 小时 3 分，1234 条待写" in page
    assert "&#34;refused&#34; &lt;b&gt;" in page
    stores[0] = store_state("slow", 5.0, "", 9, refused=3)
    page = await text(web, lang="en")
    assert "store slow, 9 messages wait" in page
    assert "lines that the store refused: 3" in page


@pytest.mark.parametrize(("kind", "shown"), [("ups", False), ("environment", True)])
async def test_a_ups_without_a_probe_in_the_room_says_nothing_of_it_and_a_sensor_that_fails_does(
    web, live, kind, shown
):
    device = live.ups()
    device.kind = kind
    live.doubt(device, "ambient.temperature", None, Quality.UNAVAILABLE)
    page = await text(web)
    assert ("室温" in page.partition('id="h-devices"')[2].partition("<details")[0]) is shown


async def test_a_pair_that_is_well_is_not_shown_in_red(web, live):
    device = live.ups(pair__status=("SERVING", "SINGLE", "REDUNDANT"), pair__active="order-a")
    device.kind = "pair"
    calm = (await web.get("/")).text
    live.doubt(device, "pair.status", ("SERVING", "NOREDUNDANCY"), Quality.GOOD)
    troubled = (await web.get("/")).text
    assert "flag bad" not in calm
    assert "flag bad" in troubled
