"""The system's clock is stepped, and no timer of the gateway is: when people are told is measured on the boot clock."""

import asyncio
import pathlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from in_memory import Journal

from contract.alarm import Alarm, Occurrence
from contract.clock import Stamp
from contract.reading import Reading
from gateway.clock import SteadyClock
from gateway.contacts import load_contacts
from gateway.event import CLOCK
from gateway.follow import Follower
from gateway.incident import Source, fold
from gateway.incidents import Incidents
from gateway.plan.decide import Latest
from gateway.plan.loader import load_plan
from gateway.ports import Outcome

CONFIG = pathlib.Path(__file__).parents[3] / "config"
CONTACTS = load_contacts((CONFIG / "contacts.toml").read_text("utf-8"))
PLAN = load_plan({"3.1.toml": (CONFIG / "plan" / "3.1.toml").read_text("utf-8")}, CONTACTS.departments)
T0 = 1_800_000_000.0  # Friday 2027-01-15, 16:00 in China
HOUR = 3600.0
DAY = 86400.0
UPS = Source(site="city", agent="order-room", device="ups-1", title="订单部 UPS", room="订单部", kind="ups")


class System:
    """The host's clocks: the boot clock runs, the wall clock is whatever somebody makes of it."""

    def __init__(self):
        self.boot = "boot-1"
        self.up = 1000.0
        self.ahead = 0.0
        self.synchronised = True

    def boottime(self):
        return self.up

    def wall(self):
        return T0 - 1000.0 + self.up + self.ahead

    def stamp(self):
        return Stamp(self.wall(), self.up, self.boot, self.synchronised)


class Site:
    """A gateway on a host; seconds are those since the test began, on the boot clock."""

    def __init__(self):
        self.system, self.journal = System(), Journal()
        self.told = []
        self.flags = ("OL",)
        self.begin()

    def begin(self):
        self.clock = SteadyClock(self.system)
        self.incidents = Incidents(self.journal, PLAN, CONTACTS, self, self.clock, self)
        self.follower = Follower(self.clock, self.journal, self.incidents.correct)

    async def start(self):
        await self.follower.resume()
        await self.incidents.load()
        return self

    async def restart(self, *, reboot=False):
        if reboot:
            self.system.boot = f"{self.system.boot}+"
        self.begin()
        await self.start()

    def step(self, by):
        self.system.ahead += by

    @property
    def second(self):
        return self.system.up - 1000.0

    async def until(self, second, *, stride=1.0):
        """Let time pass; return whom it told, and when."""
        before = len(self.told)
        while self.second < second:
            self.system.up += min(stride, second - self.second)
            await self.follower.look()
            await self.incidents.tick()
            await self.incidents.settled()
        return self.told[before:]

    async def alarm(self, name, condition="on-battery", *, active=True):
        self.flags = ("OB",) if active else ("OL",)
        occurrence = Occurrence(
            id=name, device="ups-1", condition=condition, active=active, quantity="ups.status", value=self.flags
        )
        await self.incidents.on_alarm(Alarm(occurrence), UPS)

    # what the incidents ask

    def latest(self, _source, quantity):
        return Latest(Reading(quantity, self.flags), self.clock.wall())

    def conditions(self, _source):
        return {}

    async def tell(self, incident, clause, mail, person, *, again, report):
        assert clause.clause == incident.clause
        self.told.append((round(self.second), person.id, mail.purpose.value, again))
        await report(Outcome(channel="email", accepted=True))

    def clocks(self):
        return [(event.data["shift"], event.data["boot"]) for event in self.journal.kept if event.kind == CLOCK]


@pytest.fixture
async def site():
    return await Site().start()


LI_30 = (30, "li", "page", False)


@pytest.mark.parametrize("by", [HOUR, -HOUR, 40 * DAY, -40 * DAY, 5.0, -5.0])
@pytest.mark.parametrize("at", [0, 10, 29, 100, 329])
async def test_a_step_changes_no_delay_no_repeat_and_no_escalation(site, by, at):
    calm = await Site().start()
    for one in (site, calm):
        await one.alarm("o1")
        await one.until(at)
        if one is site:
            site.step(by)
        await one.until(1300)
    assert site.told == calm.told
    assert site.told[0] == LI_30
    assert [shift for shift, _ in site.clocks()] == [0.0, pytest.approx(by)]


@pytest.mark.parametrize("by", [HOUR, -HOUR])
async def test_what_is_shown_is_right_by_the_corrected_clock(site, by):
    await site.alarm("o1")
    await site.until(100)
    before = site.incidents.get("A10")
    site.step(by)
    await site.until(110)
    after = site.incidents.get("A10")
    assert site.clock.wall() == site.system.wall()
    assert after.opened == pytest.approx(before.opened + by)
    assert after.deadline == pytest.approx(after.opened + 5 * HOUR)
    assert after.symptoms[0].since == pytest.approx(after.opened)
    assert [event.at - after.opened for event in after.timeline[:2]] == pytest.approx([0.0, 30.0])
    assert after.timeline[-1].kind == CLOCK
    assert site.clock.stamp().trusted


async def told_of_limits(site, step):
    """Return when people are told of a time limit, in seconds since the beginning; the clock is put right meanwhile."""
    await site.alarm("o1")
    await site.until(60)
    await site.incidents.mine("A10", "li")
    if step:
        site.step(step)
    told = []
    for minutes in range(20, 310, 20):
        told += await site.until(min(minutes * 60, 5 * HOUR + 10), stride=10.0)
        await site.incidents.progress("A10", "li")
    return [(second, purpose) for second, _, purpose, _ in told if purpose in ("warning", "overdue")]


async def test_the_time_limit_is_as_long_as_it_was(site):
    limits = await told_of_limits(site, -2 * HOUR)
    assert limits == await told_of_limits(Site(), 0.0)
    assert (9000, "warning") in limits
    assert (18000, "overdue") in limits


async def test_what_is_closed_stays_as_it_was_told(site):
    await site.alarm("o1")
    await site.alarm("o1", active=False)
    await site.incidents.close("A10", "li", "drill by hand")
    before = site.incidents.get("A10")
    site.step(HOUR)
    await site.until(20)
    assert site.incidents.get("A10") == before


async def test_a_clock_that_is_put_right_again_at_once_was_not_stepped(site):
    await site.until(10)
    site.step(HOUR)
    await site.until(13)
    site.step(-HOUR)
    await site.until(60)
    assert len(site.clocks()) == 1


async def test_until_it_is_certain_the_old_time_goes_on_and_is_not_called_trusted(site):
    await site.until(10)
    site.step(HOUR)
    await site.until(12)
    assert site.clock.wall() == T0 + 12
    assert not site.clock.stamp().trusted


async def test_less_than_two_seconds_are_no_step(site):
    site.step(1.5)
    await site.until(60)
    assert len(site.clocks()) == 1
    site.step(1.0)  # and with this one they are
    await site.until(120)
    assert site.clocks()[1][0] == pytest.approx(2.5)


@pytest.mark.parametrize("by", [HOUR, -HOUR])
async def test_a_step_while_the_gateway_was_down_is_found_when_it_is_back(site, by):
    await site.alarm("o1")
    await site.until(20)
    site.system.up += 5.0  # killed, and started again
    site.step(by)
    await site.restart()
    assert site.clock.wall() == T0 + 25
    assert await site.until(40) == [LI_30]
    assert site.clocks()[1][0] == pytest.approx(by)
    assert site.clock.wall() == site.system.wall()


async def test_a_reboot_takes_the_time_from_the_system(site):
    await site.alarm("o1")
    await site.until(10)
    site.system.ahead += 15.0 + site.system.up  # a quarter of a minute to boot; the boot clock begins anew
    site.system.up = 0.0
    await site.restart(reboot=True)
    assert site.clock.wall() == T0 + 25
    told = []
    while not told:
        site.system.up += 1.0
        await site.incidents.tick()
        await site.incidents.settled()
        told = site.told
    assert site.clock.wall() == T0 + 30
    assert [boot for _, boot in site.clocks()] == ["boot-1", "boot-1+"]


async def test_a_clock_lost_with_the_power_takes_no_timer_back_to_1970(site):
    await site.alarm("o1")
    await site.until(10)
    site.system.ahead = -T0 + 1000.0
    site.begin()
    site.system.boot = "boot-2"
    site.begin()
    await site.follower.resume(T0 + 9.0)
    await site.incidents.load()
    assert site.clock.wall() == T0 + 9
    assert [person for _, person, _, _ in await site.until(40)] == ["li"]
    assert len(site.clocks()) == 2  # 1970 is no time to follow
    site.system.ahead = 500.0  # the time server answers
    await site.until(60)
    assert site.clock.wall() == site.system.wall()
    assert {event.kind for event in site.incidents.get("A10").timeline} == {"opened", "message", "accepted", CLOCK}


async def test_a_disk_that_fails_keeps_the_old_time_until_the_step_is_on_record(site, caplog):
    await site.alarm("o1")
    await site.until(40)
    site.journal.broken = True
    site.step(HOUR)
    await site.until(60)
    assert site.clock.wall() == T0 + 60
    assert caplog.text.count("follows no step") == 1
    site.journal.broken = False
    await site.until(70)
    assert site.clock.wall() == T0 + 70 + HOUR
    assert fold(site.journal.kept) == {"A10": site.incidents.get("A10")}


async def test_a_finding_waits_for_working_hours_by_the_corrected_clock(site):
    await site.until(4 * HOUR, stride=HOUR)  # 20:00 on a Friday, says a clock that is a day behind
    await site.alarm("o1", "replace-battery")
    await site.until(4 * HOUR + 20)
    site.step(DAY + HOUR)  # Saturday, 21:00
    told = await site.until(41 * HOUR, stride=600.0)
    (told,) = [(second, person) for second, person, purpose, _ in told if purpose == "page"][:1]
    monday = (64.5 - 25.0) * HOUR
    assert told == (pytest.approx(monday, abs=600), "li")
    assert site.clock.wall() >= T0 + 64.5 * HOUR


async def test_a_finding_whose_hour_has_passed_by_the_corrected_clock_is_told_at_once(site):
    await site.until(15 * HOUR, stride=HOUR)  # 07:00 on a Saturday
    await site.alarm("o1", "replace-battery")
    assert await site.until(15 * HOUR + 700, stride=10.0) == []
    site.step(2 * DAY + 2 * HOUR)  # Monday, 09:00
    assert [person for _, person, _, _ in await site.until(15 * HOUR + 720)] == ["li"]


ACTIONS = st.one_of(
    st.tuples(st.just("wait"), st.sampled_from([1, 7, 29, 60, 301, 700])),
    st.tuples(st.just("step"), st.sampled_from([HOUR, -HOUR, 3.0, -3.0, 9 * DAY, -9 * DAY])),
    st.tuples(st.just("alarm"), st.sampled_from(["on-battery", "low-battery", "card-blind"])),
    st.tuples(st.just("over"), st.none()),
    st.tuples(st.just("seen"), st.sampled_from(["li", "wang"])),
    st.tuples(st.just("mine"), st.sampled_from(["li", "wang"])),
    st.tuples(st.just("restart"), st.none()),
)


def times(incident):
    """Return every time of an incident; 0 where there is none."""
    symptoms = [(one.since, one.ready, one.page_at, one.ended) for one in incident.symptoms]
    past = [event.at for event in incident.timeline if event.kind != CLOCK]
    own = (incident.opened, incident.deadline, incident.round, incident.gone or 0.0, incident.checked or 0.0)
    return [*own, *(at for one in symptoms for at in one), *(mail.at for mail in incident.mails), *past]


async def play(story, *, steps):
    """Play a story; return when people were told, and what is left, by the journal and in memory."""
    site = await Site().start()
    active = []
    for number, (what, how) in enumerate(story):
        open_now = [one.code for one in site.incidents.list() if one.closed is None]
        if what == "wait":
            await site.until(site.second + how, stride=min(5.0, how))
        elif what == "step" and steps:
            site.step(how)
        elif what == "alarm":
            active.append((f"o{number}", how))
            await site.alarm(*active[-1])
        elif what == "over" and active:
            name, condition = active.pop(0)
            await site.alarm(name, condition, active=False)
        elif what in ("seen", "mine") and open_now:
            await getattr(site.incidents, what)(open_now[0], how)
        elif what == "restart":
            await site.restart()
    await site.until(site.second + 30, stride=5.0)
    return site


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(ACTIONS, max_size=25))
def test_people_are_told_at_the_same_moments_whatever_is_done_to_the_clock(story):
    stepped, calm = asyncio.run(play(story, steps=True)), asyncio.run(play(story, steps=False))
    assert stepped.told == calm.told
    assert fold(stepped.journal.kept) == {one.code: one for one in reversed(stepped.incidents.list())}
    ahead = stepped.clock.wall() - calm.clock.wall()
    for one in stepped.incidents.list():
        other = calm.incidents.get(one.code)
        assert one.state == other.state
        if one.closed is None:
            assert times(one) == pytest.approx([at and at + ahead for at in times(other)], abs=0.01)
