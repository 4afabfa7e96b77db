"""The message of the day: what it says, who gets it, and that a channel that fails is told by one that works."""

import pathlib

import pytest

from contract.clock import Stamp
from contract.errors import ConfigError, NotifyRefused
from contract.message import Device, Inventory, Readings, State
from gateway.contacts import load_contacts
from gateway.digest import Digest, compose
from gateway.event import Event
from gateway.incident import fold
from gateway.live import Live
from gateway.notify.retry import Retry

CONTACTS = (pathlib.Path(__file__).parents[3] / "config" / "contacts.toml").read_text("utf-8")
T0 = 1_800_000_000.0  # 2027-01-15 16:00 in China


class Clock:
    def stamp(self):
        return Stamp(T0, 1000.0, "g", trusted=True)

    def boottime(self):
        return 1000.0


class Journal:
    def __init__(self):
        self.kept = []

    async def record_event(self, event):
        self.kept.append(event)
        return event

    async def events(self, incident=None):
        return [event for event in self.kept if incident in (None, event.incident)]


class Channel:
    def __init__(self, refuses=""):
        self.letters = []
        self.refuses = refuses

    async def send(self, letter):
        if self.refuses:
            raise NotifyRefused(self.refuses)
        self.letters.append(letter)
        return "OK"


INCIDENT = fold(
    [
        Event(
            at=T0,
            incident="A10",
            kind="opened",
            data={
                "source": {"title": "订单部 UPS"},
                "symptom": {"id": "o1", "title_zh": "市电中断", "title_en": "Mains lost"},
            },
        )
    ]
)["A10"]


@pytest.fixture
def live():
    picture = Live(Clock())
    picture.inventory(
        "hq", "a", Inventory(devices=(Device(id="ups-1", kind="ups", title="订单部 UPS", room="订单部"),))
    )
    values = {"ups.status": ("OL",), "battery.charge": 100.0}
    picture.readings("hq", "a", Readings(device="ups-1", at=Clock().stamp(), values=values), T0)
    picture.state("hq", "a", State(online=True, at=Clock().stamp()), T0)
    return picture


def digest(live, channels, journal=None, incidents=()):
    contacts = load_contacts(CONTACTS)
    return Digest(live, lambda: incidents, contacts, channels, journal or Journal(), lambda: T0, retry=Retry(()))


def said(live, language, incidents=()):
    text = compose(live, incidents, language, now=T0, utc_offset=8 * 3600.0)
    return text.subject, text.body


def test_all_well_is_said_in_one_line_with_the_sites_time(live):
    assert said(live, "zh")[0] == "【平安】1 台设备正常"
    assert said(live, "en")[0] == "All well: devices fine: 1"
    assert "01-15 16:00:00" in said(live, "zh")[1]


def test_what_is_open_or_silent_is_named_and_is_never_all_well(live):
    live.state("hq", "a", State(online=False), T0)
    subject, body = said(live, "zh", [INCIDENT])
    assert subject.startswith("【请查看】")
    assert "1 个代理失联" in subject
    assert "订单部 UPS · 订单部 · hq/a: 代理失联" in body
    assert "A10 市电中断 · 订单部 UPS: 未处理 · 还没有人处理" in body


def test_a_site_without_devices_is_not_all_well():
    assert said(Live(Clock()), "zh")[0] == "【请查看】没有设备上报"


async def test_it_goes_by_every_channel_of_the_person_and_is_on_record(live):
    channels = {"webhook:duty": Channel(), "email": Channel()}
    journal = Journal()
    daily = digest(live, channels, journal)
    assert await daily.last() is None
    await daily.send()
    assert [letter.subject for one in channels.values() for letter in one.letters] == ["【平安】1 台设备正常"] * 2
    assert channels["email"].letters[0].address == "li@example.com"
    assert await daily.last() == T0
    assert journal.kept[0].data == {"accepted": ["webhook:duty → 李值班", "email → 李值班"], "failed": []}


async def test_a_channel_that_fails_is_told_by_one_that_works(live):
    channels = {"webhook:duty": Channel("the receiver said 404"), "email": Channel()}
    await digest(live, channels).send()
    day, alert = channels["email"].letters
    assert day.subject.startswith("【平安】")
    assert "通知渠道自检失败" in alert.subject
    assert "webhook:duty → 李值班: the receiver said 404" in alert.body


async def test_when_no_channel_works_that_is_on_record(live):
    journal = Journal()
    await digest(live, {"webhook:duty": Channel("no"), "email": Channel("no")}, journal).send()
    assert len(journal.kept[0].data["failed"]) == 2


def test_who_gets_it_must_be_somebody():
    with pytest.raises(ConfigError, match=r"digest\.people.*no person 'lii'"):
        load_contacts(CONTACTS.replace('people = ["li"]', 'people = ["lii"]'))
    assert load_contacts(CONTACTS.replace('people = ["li"]', "")).digest.people == ()
