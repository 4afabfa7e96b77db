"""What an incident carries while its UPS is on battery: looked at by timetable, kept as events, told to who works on it."""

import argparse
import io

import pytest
from msgspec.structs import replace

from contract.alarm import Alarm, Occurrence
from contract.clock import Stamp
from contract.condition import Severity
from contract.errors import ConfigError, IncidentError
from contract.reading import Quality, Reading
from gateway import cli, control, control_reports
from gateway.board import outlook
from gateway.board.words import Words
from gateway.contacts import load_contacts
from gateway.countdowns import OLD, Countdowns
from gateway.event import Event
from gateway.incident import Purpose, Source, fold
from gateway.incidents import Incidents
from gateway.notify.message import compose
from gateway.plan.decide import Latest
from gateway.plan.loader import load_plan
from gateway.ports import Outcome

T0 = 1_800_000_000.0
HOUR = 3600.0
UPS = Source(site="city", agent="order-room", device="ups-1", title="订单部 UPS", room="订单部", kind="ups")
CONTACTS = load_contacts("""
[[person]]
id = "li"
name = "李"
email = "li@example.net"
[[person]]
id = "wang"
name = "王"
email = "wang@example.net"
[[department]]
key = "info-centre"
title = { zh = "信息中心", en = "info centre" }
on_call = ["li", "wang"]
""")
CLAUSE = """
[[clause]]
clause = "3.1.1"
title = { zh = "UPS 保障", en = "UPS supply" }
kinds = ["ups"]
departments = ["info-centre"]
deadline = "5h"
escalation = { rung = [{ department = "info-centre" }, { department = "info-centre", role = "second", after = "10m" }] }
[[clause.trigger]]
condition = "on-battery"
level = "partial"
wake = "night"
urgency = "immediate"
severity = "severe"
[[clause.trigger]]
condition = "overload"
level = "partial"
wake = "night"
urgency = "immediate"
severity = "severe"
"""
LIST = """
[[clause.shedding]]
devices = ["ups-1"]
promise = "5h"
[[clause.shedding.load]]
zh = "测试服务器"
en = "test servers"
watts = 500
by = "info-centre"
[[clause.shedding.load]]
zh = "打印机"
en = "printers"
watts = 300
by = "info-centre"
"""


class Site:
    """A clock turned by hand, a journal in memory, readings laid down, and people who are told at once."""

    def __init__(self, plan=CLAUSE + LIST):
        self.wall = T0
        self.kept, self.told, self.readings = [], [], {}
        self.plan = load_plan({"plan.toml": plan}, CONTACTS.departments)
        self.restart()

    def restart(self):
        self.incidents = Incidents(self, self.plan, CONTACTS, self, self, self)
        self.countdowns = Countdowns(self.incidents, self, self)

    def stamp(self):
        return Stamp(self.wall, self.wall - T0, "boot", trusted=True)

    def boottime(self):
        return self.wall - T0

    async def record_event(self, event):
        self.kept.append(replace(event, id=len(self.kept) + 1))
        return self.kept[-1]

    async def events(self, incident=None):
        return [event for event in self.kept if incident in (None, event.incident)]

    def latest(self, _source, quantity):
        return self.readings.get(quantity)

    def conditions(self, _source):
        return {}

    async def tell(self, incident, clause, mail, person, *, again, report):
        assert not again
        text = compose(incident, clause, mail.purpose, "zh", link="", utc_offset=8 * HOUR)
        self.told.append((person.id, mail.purpose, text))
        await report(Outcome(channel="email", accepted=True))

    def says(self, **numbers):
        for name, value in numbers.items():
            quantity = name.replace("__", "-").replace("_", ".")
            self.readings[quantity] = Latest(Reading(quantity, value), self.wall)
        self.readings["ups.status"] = Latest(Reading("ups.status", ("OB", "DISCHRG")), self.wall)

    async def alarm(self, name="o-1", condition="on-battery", *, active=True):
        occurrence = Occurrence(
            id=name, device="ups-1", condition=condition, severity=Severity.SEVERE, active=active, quantity="ups.status"
        )
        await self.incidents.on_alarm(Alarm(occurrence), UPS)

    async def at(self, seconds):
        """Let the time be T0 + seconds, look, do what is due; return who was told what."""
        self.wall = T0 + seconds
        before = len(self.told)
        await self.incidents.load()
        await self.countdowns.look()
        for _ in range(2):
            await self.incidents.tick()
            await self.incidents.settled()
        return [(who, purpose) for who, purpose, _ in self.told[before:]]

    @property
    def incident(self):
        return self.incidents.get("A10")

    def count(self):
        return sum(event.kind == "countdown" for event in self.kept)


async def on_battery(site=None, **numbers):
    site = site or Site()
    site.says(**(numbers or {"battery_runtime": 4 * HOUR, "ups_realpower": 1000.0, "x_battery_elapsed": 0.0}))
    await site.alarm()
    return site


async def test_the_page_says_how_long_it_lasts_and_what_to_switch_off_by_when():
    site = await on_battery()
    assert await site.at(0) == [("li", Purpose.PAGE)]
    body = site.told[-1][2].body
    assert "预计可用至：20:00，按 UPS 自报（承诺 21:00）" in body
    assert "请关闭：19:00 前关闭: 测试服务器" in body


async def test_a_look_each_minute_keeps_no_event_while_all_goes_as_foreseen():
    site = await on_battery()
    await site.at(0)
    for minute in range(1, 60):
        site.wall = T0 + minute * 60.0
        site.says(battery_runtime=4 * HOUR - minute * 60.0, ups_realpower=1000.0, x_battery_elapsed=minute * 60.0)
        await site.at(minute * 60.0)
    assert site.count() == 1


async def test_who_works_on_it_hears_once_that_more_has_to_go():
    site = await on_battery()
    await site.at(0)
    await site.incidents.mine("A10", "li")
    site.wall += 600.0
    site.says(battery_runtime=2.6 * HOUR, ups_realpower=1400.0, x_battery_elapsed=600.0)
    assert await site.at(600) == [("li", Purpose.ADVICE)]
    assert "请关闭负载" in site.told[-1][2].subject
    assert "打印机" in site.told[-1][2].body
    assert await site.at(660) == []


async def test_good_news_disturbs_nobody():
    site = await on_battery()
    await site.at(0)
    await site.incidents.mine("A10", "li")
    site.says(battery_runtime=9 * HOUR)
    assert await site.at(60) == []
    assert site.count() == 2
    assert site.incident.countdowns[0].off == ()


async def test_what_is_off_is_marked_by_a_person_and_outlives_a_restart():
    site = await on_battery()
    await site.at(0)
    await site.incidents.shed("A10", "li", 0)
    again = await site.incidents.shed("A10", "li", 0)
    assert again.countdowns[0].done == (0,)
    assert site.incident.countdowns[0].off == ()
    before = site.incident
    site.restart()
    await site.incidents.load()
    assert site.incident == before
    await site.at(60)
    assert 0 not in {one.index for one in site.incident.countdowns[0].off}
    assert sum(event.kind == "shed" for event in site.kept) == 1


async def test_when_mains_is_back_it_is_over_and_the_next_outage_begins_anew():
    site = await on_battery()
    await site.alarm("o-2", "overload")
    await site.at(0)
    await site.incidents.shed("A10", "li", 0)
    await site.alarm(active=False)
    await site.at(60)
    assert site.incident.countdowns == ()
    await site.alarm("o-3")
    await site.at(120)
    assert site.incident.countdowns[0].done == ()


async def test_an_unknown_runtime_is_said_and_not_taken_for_enough():
    site = await on_battery(ups_realpower=1000.0)
    await site.at(0)
    assert "预计可用至：不明：UPS 没有给出续航（承诺 21:00）" in site.told[-1][2].body
    assert "需要延长时按此顺序关闭: 测试服务器、打印机" in site.told[-1][2].body
    site.readings["battery.runtime"] = Latest(Reading("battery.runtime", 9e9, Quality.IMPLAUSIBLE), T0)
    await site.at(60)
    assert site.incident.countdowns[0].ends == 0.0


async def test_a_ups_that_is_not_heard_keeps_the_end_that_was_foreseen():
    site = await on_battery()
    await site.at(0)
    await site.at(OLD + 1000.0)
    assert site.incident.countdowns[0].ends == T0 + 4 * HOUR
    assert site.count() == 1


async def test_what_discharges_taught_goes_before_what_the_ups_claims():
    site = await on_battery(
        battery_runtime=9 * HOUR,
        x_battery_runtime_learned=4 * HOUR,
        x_battery_runtime_error=HOUR,
        ups_realpower=1000.0,
        x_battery_promised=5 * HOUR,
        x_battery_elapsed=60.0,
    )
    await site.at(0)
    said = site.incident.countdowns[0]
    assert not said.claimed
    assert (said.ends, said.promised) == (T0 + 4 * HOUR, T0 - 60.0 + 5 * HOUR)
    assert said.off[0].by == pytest.approx(T0 - 60.0 + 5 * HOUR - 2 * (2 * HOUR - 60.0)), "its doubt counts"


async def test_without_a_list_and_without_a_promise_the_end_alone_is_told():
    site = await on_battery(Site(CLAUSE), battery_runtime=HOUR, ups_load=40.0)
    await site.at(0)
    assert "预计可用至：17:00，按 UPS 自报\n" in site.told[-1][2].body
    with pytest.raises(IncidentError, match="no entry 1"):
        await site.incidents.shed("A10", "li", 0)


async def test_english_reads_the_same():
    site = await on_battery()
    await site.at(0)
    rows = outlook.rows(site.incident.countdowns, Words("en"), lambda wall: outlook.hour(wall, 8 * HOUR), T0)
    assert rows == [
        ("Lasts until", "20:00, as the UPS claims (promised 21:00)"),
        ("Switch off", "by 19:00: test servers"),
    ]


async def test_the_terminal_says_it_in_both_languages_with_the_numbers_to_tick_off():
    site = await on_battery()
    await site.at(0)
    said = control_reports.said(site.incident, CONTACTS)
    body = {**control.details(site.incident, site.plan), "report": said, "utc_offset": 8 * HOUR}
    out = io.StringIO()
    cli._show(argparse.Namespace(verb="show", json=False), body, out)
    for line in (
        "预计可用至：20:00，按 UPS 自报（承诺 21:00）",
        "Lasts until: 20:00, as the UPS claims (promised 21:00)",
        "请关闭：19:00 前关闭: 测试服务器",
        "Switch off: by 19:00: test servers",
        "  1. 测试服务器 test servers",
    ):
        assert f"{line}\n" in out.getvalue()


async def test_the_countdown_moves_with_the_clock_and_after_a_restart_too():
    site = await on_battery()
    await site.at(0)

    def believe():
        site.wall += 1000.0

    await site.incidents.correct(1000.0, {}, believe)
    assert site.incident.countdowns[0].ends == T0 + 4 * HOUR + 1000.0
    assert fold(site.kept)["A10"] == site.incident


def test_an_older_reader_passes_over_the_new_kinds():
    events = [Event(id=1, at=T0, incident="A10", kind="countdown-of-tomorrow", data={"x": 1})]
    assert fold(events)["A10"].countdowns == ()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("watts = 500", "how much does it take"),
        ('by = "info-centre"', "nobody is to switch it off"),
        ('by = "info-centre"', "no department 'info-center'"),
        ('devices = ["ups-1"]', "of no UPS"),
    ],
)
def test_mistakes_of_the_list_are_told_with_their_line(line, said):
    wrong = {"how": "", "nobody": "", "no department": 'by = "info-center"', "of no": "devices = []"}
    new = next(text for start, text in wrong.items() if said.startswith(start))
    text = CLAUSE + LIST.replace(line, new, 1)
    with pytest.raises(ConfigError) as caught:
        load_plan({"plan.toml": text}, CONTACTS.departments)
    [problem] = caught.value.problems
    assert said in problem.what
    assert problem.line > CLAUSE.count("\n")
