"""The board in a real browser, served by uvicorn: it changes by itself, its buttons work, and it says when it is cut off."""

import asyncio
import ctypes.util
import os
import shutil
import time
from pathlib import Path

import pytest
from msgspec.structs import replace

from contract.alarm import Occurrence
from contract.clock import Stamp
from contract.condition import Severity
from contract.message import Alarms, Device, Inventory, Readings, State
from contract.reading import Quality, Reading
from gateway import board, links
from gateway.contacts import load_contacts
from gateway.event import Event
from gateway.evidence import LiveFacts, source_of
from gateway.incidents import Incidents
from gateway.live import Live
from gateway.plan.loader import load_plan
from gateway.ports import Outcome
from gateway.web import Served, tcp

pytestmark = pytest.mark.system

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
CONFIG = Path(__file__).parents[2] / "config"
CONTACTS = load_contacts((CONFIG / "contacts.toml").read_text("utf-8"))
PLAN = load_plan({"3.1.toml": (CONFIG / "plan" / "3.1.toml").read_text("utf-8")}, CONTACTS.departments)
SECRET = b"not-a-real-secret"
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)


class Clock:
    """This host's, with one boot."""

    def stamp(self):
        return Stamp(time.time(), time.monotonic(), "boot", trusted=True)

    def boottime(self):
        return time.monotonic()


class Journal:
    """Events in memory."""

    def __init__(self):
        self.kept = []

    async def record_event(self, event: Event):
        self.kept.append(replace(event, id=len(self.kept) + 1))
        return self.kept[-1]

    async def events(self, incident=None):
        return [event for event in self.kept if incident in (None, event.incident)]


class Teller:
    """Everything is accepted."""

    async def tell(self, *_whom, report, **_how):
        await report(Outcome(channel="webhook:duty", accepted=True, text="200 OK"))


class Site:
    """A gateway's picture and incidents, a board in front of them, and no broker behind."""

    def __init__(self):
        self.clock = Clock()
        self.live = Live(self.clock)
        self.incidents = Incidents(Journal(), PLAN, CONTACTS, Teller(), self.clock, LiveFacts(self.live))
        self.port = 0
        self.served = self.task = None
        self.seq = 0

    async def start(self):
        settings = board.Settings(secret=SECRET, name="示例站")
        names = {person.id: person.name for person in CONTACTS.person}
        self.app = board.create(
            self.live, self.incidents, settings, wall=time.time, name=lambda one: names.get(one, one), plan=PLAN
        )
        listener = tcp("127.0.0.1", self.port)
        self.port = listener.getsockname()[1]
        self.served = Served(self.app, listener)
        self.task = asyncio.create_task(self.served.run())

    async def stop(self):
        self.app.state.doors.close()
        self.served.stop()
        await self.task

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def link(self, person="li"):
        return links.url(self.url, SECRET, "A10", person)

    def inventory(self):
        devices = (
            Device(id="ups-1", kind="ups", room="订单部", title="订单部 UPS", interval=1.0),
            Device(id="ups-2", kind="ups", room="数据机房", title="机房 UPS（二号）", interval=1.0),
        )
        self.live.inventory("hq", "order-room", Inventory(devices=devices))
        self.live.state("hq", "order-room", State(online=True, epoch="0" * 16, at=self.clock.stamp()), time.time())

    def reads(self, device, *flags, ago=0.0, **values):
        self.seq += 1
        stamp = self.clock.stamp()
        at = Stamp(stamp.wall - ago, stamp.boottime - ago, stamp.boot, trusted=True)
        readings = [Reading("ups.status", flags)]
        readings += [Reading(name.replace("__", "."), value) for name, value in values.items()]
        readings.append(Reading("battery.temperature", None, Quality.UNAVAILABLE))
        message = replace(Readings.of(device, at, readings), epoch="0" * 16, seq=self.seq, sent=stamp.boottime)
        self.live.readings("hq", "order-room", message, stamp.wall)

    async def alarm(self, device, condition="on-battery"):
        since = self.clock.stamp()
        occurrence = Occurrence(
            id=f"{device}-{condition}",
            device=device,
            condition=condition,
            severity=Severity.SEVERE,
            since=since,
            raised=since,
            quantity="ups.status",
            value=("DISCHRG", "OB"),
        )
        alarm = self.live.alarm("hq", "order-room", Alarms(at=since, occurrence=occurrence))
        await self.incidents.on_alarm(alarm, source_of(self.live.devices["hq", "order-room", device]))


@pytest.fixture
async def site():
    site = Site()
    await site.start()
    yield site
    await site.stop()


@pytest.fixture
def chromium():
    if not Path(CHROMIUM).exists():
        pytest.skip("no Chromium here: apt-get install chromium")
    return CHROMIUM


@pytest.fixture
async def browser(chromium):
    playwright = pytest.importorskip("playwright.async_api", reason="playwright is not installed")
    if ctypes.util.find_library("atomic") is None:  # its Node.js does not start without
        pytest.skip("no libatomic here: apt-get install libatomic1")
    async with playwright.async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=chromium, headless=True, args=list(FLAGS))
        yield browser
        await browser.close()


@pytest.fixture
async def page(browser):
    page = await browser.new_page()
    page.set_default_timeout(15_000)
    page.wrong = []
    page.on("pageerror", lambda error: page.wrong.append(str(error)))
    page.on("console", lambda said: page.wrong.append(said.text) if said.type == "error" else None)
    page.asked = []
    page.on("request", lambda request: page.asked.append(request.url))
    return page


async def test_the_page_changes_by_itself_and_asks_nobody_else(site, page):
    site.inventory()
    site.reads("ups-1", "OL", battery__charge=100.0, input__voltage=229.4)
    await page.goto(site.url)
    await page.get_by_text("100 %").first.wait_for()
    assert "当前没有报警" in await page.inner_text("#alarms") or "无新数据" in await page.inner_text("#summary")
    details = page.locator("article", has_text="订单部 UPS").locator("details").first
    await details.locator("summary").click()
    await details.get_by_text("229.4").wait_for()

    site.reads("ups-1", "OB", "DISCHRG", battery__charge=99.0, input__voltage=0.0)
    await site.alarm("ups-1")

    await page.locator("#alarms").get_by_text("市电中断，电池供电").wait_for()
    await page.locator("#devices").get_by_text("99 %").first.wait_for()
    await page.locator("#incidents").get_by_text("A10").wait_for()
    assert (await page.title()).startswith("(1)")
    await details.get_by_text("99 %").wait_for()
    assert await details.get_attribute("open") is not None, "an update shut what a reader opened"
    await page.locator("#plot canvas").wait_for()
    assert page.wrong == []
    assert all(url.startswith(site.url) for url in page.asked)


async def test_a_person_takes_it_on_and_closes_it_with_a_reason(site, page):
    site.inventory()
    site.reads("ups-1", "OB", battery__charge=99.0)
    await site.alarm("ups-1")
    await page.goto(site.link())
    assert site.incidents.get("A10").owner == ""
    await page.get_by_role("button", name="收到").click()
    await page.get_by_text("已记录：收到").wait_for()
    assert site.incidents.get("A10").seen == ("li",)
    await page.get_by_role("button", name="我处理").click()
    await page.get_by_text("已记录：由您处理").wait_for()
    assert site.incidents.get("A10").owner == "li"
    await page.get_by_label("原因与处理结果").fill("配电箱跳闸，已合闸")
    await page.get_by_role("button", name="关闭").click()
    await page.get_by_text("这个事件已经关闭").wait_for()
    assert site.incidents.get("A10").closed is not None
    assert await page.get_by_text("配电箱跳闸，已合闸").count() == 1
    assert page.wrong == []


async def test_a_page_that_is_cut_off_says_so_and_comes_back(site, page):
    site.inventory()
    site.reads("ups-1", "OL", battery__charge=100.0)
    await page.goto(site.url)
    await page.locator("body.live").wait_for()
    assert await page.locator("tr.q-good").count() > 0

    await site.stop()
    await page.locator("#cut").wait_for(state="visible")
    assert "不是现在的情况" in await page.inner_text("#cut")
    assert await page.locator("tr.q-good").count() == 0

    await site.start()
    site.reads("ups-1", "OL", battery__charge=98.0)
    await page.locator("body.live").wait_for()
    await page.locator("#devices").get_by_text("98 %").first.wait_for()
    assert not await page.locator("#cut").is_visible()


async def test_on_a_phone_nothing_is_wider_than_the_screen(site, browser):
    site.inventory()
    site.reads("ups-1", "OB", "DISCHRG", battery__charge=99.0, ups__model="x" * 80)
    await site.alarm("ups-1")
    page = await browser.new_page(viewport={"width": 360, "height": 740}, is_mobile=True, has_touch=True)
    for url in (site.url, site.url + "/?lang=en", site.link()):
        await page.goto(url)
        await page.locator("body.live").wait_for()
        assert await page.evaluate("document.documentElement.scrollWidth") <= 360
        for button in await page.get_by_role("button").all():
            assert (await button.bounding_box())["height"] >= 44
