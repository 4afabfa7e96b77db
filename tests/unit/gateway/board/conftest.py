"""A board with a hand-written picture behind it."""

import asyncio
from contextlib import contextmanager
from datetime import timedelta, timezone
from pathlib import Path

import httpx
import msgspec
import pytest

from contract.alarm import Alarm, Occurrence
from contract.clock import Stamp
from contract.condition import Severity
from contract.errors import IncidentError, IncidentUnknown, StorageError
from contract.reading import Quality, Reading
from gateway.board import Settings, create
from gateway.event import Event
from gateway.incident import apply
from gateway.plan.loader import load_plan

NOW = 1_700_000_000.0
SECRET = b"not-a-real-secret"
PLAN = Path(__file__).parents[4] / "config" / "plan" / "3.1.toml"


class Last(msgspec.Struct):
    reading: Reading
    at: float


class Device(msgspec.Struct):
    title: str
    room: str = "订单部"
    kind: str = "ups"
    interval: float = 1.0
    readings: dict[str, Last] = {}


class Agent(msgspec.Struct):
    online: bool = True
    last_seen: float = NOW - 3
    offset: float = 0.2
    held: int = 0
    version: str = "0.1.0"
    trouble: str = ""


class Owned(msgspec.Struct):
    site: str
    agent: str
    alarm: Alarm


class Live:
    def __init__(self):
        self.devices = {}
        self.agents = {}
        self.alarms = []
        self.points = []
        self.watchers = set()

    def standing(self):
        return self.alarms

    def history(self, site, agent, device, quantity, since):
        known = quantity in self.devices[site, agent, device].readings
        return [point for point in self.points if known and point[0] >= since]

    @contextmanager
    def changes(self):
        event = asyncio.Event()
        self.watchers.add(event)
        try:
            yield event
        finally:
            self.watchers.discard(event)

    def tell(self):
        for event in self.watchers:
            event.set()

    def ups(self, name="ups-1", title="一号 UPS", *, at=NOW - 1, online=True, **readings):
        self.agents["hq", "order-room"] = Agent(online)
        made = {"ups.status": ("OL",), "battery.charge": 97.0, "input.voltage": 229.4, "battery.runtime": 2600.0}
        made |= {key.replace("__", "."): value for key, value in readings.items()}
        self.devices["hq", "order-room", name] = Device(
            title, readings={key: Last(Reading(key, value), at) for key, value in made.items()}
        )
        return self.devices["hq", "order-room", name]

    def agent(self, name="order-room", **more):
        self.agents["hq", name] = Agent(**more)

    def doubt(self, device, quantity, value, quality):
        device.readings[quantity] = Last(Reading(quantity, value, quality), NOW - 1)

    def alarm(self, condition="on-battery", *, device="ups-1", active=True, severity=Severity.SEVERE):
        occurrence = Occurrence(
            id=f"{device}-{condition}",
            device=device,
            condition=condition,
            severity=severity,
            active=active,
            since=Stamp(wall=NOW - 75),
        )
        self.alarms.append(Owned("hq", "order-room", Alarm(occurrence)))


class Desk:
    def __init__(self):
        self.incidents = {}
        self.calls = []
        self.refuses = ""
        self.disk_full = False
        self.listeners = []

    def list(self):
        return list(self.incidents.values())

    def get(self, code):
        if code not in self.incidents:
            raise IncidentUnknown(f"no incident {code!r}", zh="没有")
        return self.incidents[code]

    def event(self, code, kind, **fields):
        self.incidents[code] = apply(
            self.incidents.get(code), Event(incident=code, kind=kind, **{"at": NOW - 60, **fields})
        )
        for listener in self.listeners:
            listener(self.incidents[code])

    def open(self, code="A10", title="机房断电", **fields):
        source = {"site": "hq", "agent": "order-room", "device": "ups-1", "title": "一号 UPS", "room": "订单部"}
        symptom = {"id": "ups-1-on-battery", "condition": "on-battery"}
        data = {"clause": "3.1.1", "title_zh": title, "title_en": "Machine room on UPS", "source": source}
        limits = [{"key": f"step-{index}", "at": NOW + minutes * 60.0} for index, minutes in enumerate((4, 14, 14, 59))]
        self.event(code, "opened", data={**data, "symptom": symptom, "limits": limits}, **fields)

    async def seen(self, code, person):
        return self._did("seen", code, person)

    async def mine(self, code, person):
        return self._did("mine", code, person)

    async def step(self, code, person, index):
        return self._did("step", code, person, data={"index": index, "zh": "查看负载", "en": "Read the load"})

    async def shed(self, code, person, index):
        return self._did("shed", code, person, data={"index": index, "zh": "测试服务器", "en": "test servers"})

    async def close(self, code, person, reason):
        return self._did("closed", code, person, reason)

    async def handover(self, code, person, to, words):
        return self._did("handover", code, person, words, data={"to": to})

    async def approve(self, code, person, words=""):
        return self._did("approved", code, person, words)

    async def refuse(self, code, person, reason):
        return self._did("refused", code, person, reason)

    async def confirm(self, code, person, level):
        return self._did("confirmed", code, person, level)

    async def authorise(self, code, person, whom, reason=""):
        return self._did("authorised", code, person, reason, data={"by": person, "person": whom})

    async def lower(self, code, person, level, reason):
        return self._did("confirmed", code, person, reason, data={"level": level, "lowered": True})

    async def accept(self, code, person):
        return self._did("accepted-handover", code, person)

    async def decline(self, code, person, words=""):
        return self._did("declined-handover", code, person, words)

    async def progress(self, code, person, words=""):
        return self._did("progress", code, person, words)

    async def reopen(self, code, person, reason):
        return self._did("reopened", code, person, reason)

    def _did(self, kind, code, person, text="", **more):
        if self.disk_full:
            raise StorageError("the disk is full")
        if self.refuses:
            raise IncidentError(self.refuses, zh=f"中文：{self.refuses}")
        self.calls.append((kind, code, person, text))
        self.event(code, kind, who=person, text=text, at=NOW, **more)
        return self.incidents[code]

    def subscribe(self, listener):
        self.listeners.append(listener)
        return lambda: self.listeners.remove(listener)


class Wall:
    now = NOW

    def __call__(self):
        return self.now


@pytest.fixture
def live():
    return Live()


@pytest.fixture
def desk():
    return Desk()


@pytest.fixture
def wall():
    return Wall()


class Store:
    """How the time-series store does."""

    def __init__(self, state="writes", seconds=0.0, why="", behind=0, refused=0):
        self.state, self.seconds, self.why, self.behind, self.refused = state, seconds, why, behind, refused


@pytest.fixture
def stores():
    """What the page is told of the store; None: there is none."""
    return [None]


@pytest.fixture
def store_state():
    return Store


@pytest.fixture
def app(live, desk, wall, stores):
    names = {"li": "李值班"}
    settings = Settings(secret=SECRET, name="狼烟站")
    plan = load_plan({"3.1.toml": PLAN.read_text("utf-8")})
    return create(
        live,
        desk,
        settings,
        wall=wall,
        name=lambda person: names.get(person, person),
        department=lambda key, language: f"{key}-{language}",
        plan=plan,
        zone=timezone(timedelta(hours=8)),
        store=lambda: stores[0],
        people=[("li", "李值班"), ("wang", "王值班")],
    )


@pytest.fixture
async def web(app):
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://board") as client:
        yield client


@pytest.fixture
def quality():
    return Quality
