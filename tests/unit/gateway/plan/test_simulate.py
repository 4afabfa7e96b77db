"""``plan simulate`` says what a live run then does: the same people, times, channels and purposes, one to one.

The live run is the gateway's own ``Incidents.run`` on an event loop whose time leaps over what it would sleep, with the
real stages and channels that write down; nothing of ``simulate`` takes part in it.
"""

import asyncio
import json
import selectors
import shutil
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from contract.alarm import Alarm, Occurrence
from contract.clock import Stamp
from contract.condition import Severity
from contract.errors import NotifyRefused
from contract.reading import Reading
from gateway.__main__ import main
from gateway.contacts import load_contacts
from gateway.incident import Source
from gateway.incidents import Incidents
from gateway.notify.pipeline import Notifier, standard_stages
from gateway.plan.decide import Latest
from gateway.plan.lint.fleet import Watch
from gateway.plan.loader import load_plan
from gateway.plan.simulate import Act, Story, simulate
from gateway.plan.story import said_of

CONFIG = Path(__file__).parents[4] / "config"
CONTACTS = load_contacts((CONFIG / "contacts.toml").read_text("utf-8"))
PLAN = load_plan(
    {path.name: path.read_text("utf-8") for path in (CONFIG / "plan").glob("*.toml")}, CONTACTS.departments
)
CHANNELS = ("email", "webhook:duty")
NIGHT = 1_771_268_400.0  # 2026-02-17, New Year's Day of the lunar calendar, 03:00 in China


class Leaps(selectors.DefaultSelector):
    """Waits for nothing: the time that the loop would sleep is over at once."""

    def __init__(self):
        super().__init__()
        self.now = 0.0

    def select(self, timeout=None):
        ready = super().select(0)
        if not ready:
            assert timeout is not None, "the loop waits for something that never comes"
            self.now += timeout
        return ready


class Loop(asyncio.SelectorEventLoop):
    """An event loop whose time leaps."""

    def __init__(self):
        self.leaps = Leaps()
        super().__init__(self.leaps)

    def time(self):
        return self.leaps.now


class Live:
    """A gateway's incidents as they run, and all that stands around them."""

    def __init__(self, loop, story):
        self.loop, self.story = loop, story
        self.sent, self.well, self.events = [], False, []

    def wall(self):
        return self.story.start + self.loop.time()

    def stamp(self):
        return Stamp(self.wall(), self.loop.time(), "live", trusted=True)

    def boottime(self):
        return self.loop.time()

    async def record_event(self, event):
        self.events.append(event)
        return event

    async def all_events(self):
        return []

    def latest(self, _source, quantity):
        return Latest(Reading(quantity, 1.0), self.wall()) if self.well else None

    def conditions(self, _source):
        return {}

    def channel(self, name):
        live = self

        class Channel:
            async def send(self, letter):
                if name in live.story.down:
                    raise NotifyRefused("down")
                live.sent.append((round(live.loop.time(), 1), letter.person.id, name, letter.purpose, letter.subject))
                return "250 OK"

        return Channel()

    async def run(self):
        journal = type("Journal", (), {"record_event": self.record_event, "events": lambda *_: self.all_events()})()
        channels = {name: self.channel(name) for name in CHANNELS}
        teller = Notifier(channels, standard_stages(channels), secret=b"x", utc_offset=CONTACTS.hours.offset(0.0))
        incidents = Incidents(journal, PLAN, CONTACTS, teller, self, self)
        running = asyncio.create_task(incidents.run())
        standing = []
        said = self.story.report
        first = Act(0.0, "alarm", self.story.watch.name) if said is None else Act(0.0, "report")
        for act in [first, *sorted(self.story.acts)]:
            await asyncio.sleep(max(0.0, act.after - self.loop.time()))
            if act.verb == "alarm":
                self.well = False
                flag = self.story.watch.flag if act.of == self.story.watch.name else ""
                quantity = self.story.watch.quantity if act.of == self.story.watch.name else ""
                now = self.stamp()
                standing.append(
                    Occurrence(
                        id=f"live-{len(self.events)}",
                        device=self.story.source.device,
                        condition=act.of,
                        severity=Severity.SEVERE,
                        since=now,
                        raised=now,
                        quantity=quantity,
                        value=(flag,) if flag else None,
                    )
                )
                await incidents.on_alarm(Alarm(standing[-1]), self.story.source)
            elif act.verb == "report":
                await incidents.report(said.clause, said.name, said.who, said.fields)
            elif act.verb == "clear":
                self.well = True
                for one in standing:
                    over = Occurrence(
                        **{
                            **{f: getattr(one, f) for f in one.__struct_fields__},
                            "active": False,
                            "cleared": self.stamp(),
                        }
                    )
                    await incidents.on_alarm(Alarm(over), self.story.source)
                standing.clear()
            else:
                for case in [one for one in incidents.list() if one.closed is None][:1]:
                    await getattr(incidents, act.verb)(case.code, act.of)
        await asyncio.sleep(self.story.length + 0.5 - self.loop.time())  # what falls due at the very end is in it
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        return self.sent


def lived(story):
    """Return what a live run sends: seconds since the alarm, person, channel, purpose, subject."""
    loop = Loop()
    try:
        return loop.run_until_complete(Live(loop, story).run())
    finally:
        loop.close()


def simulated(story):
    """Return what the simulation says is sent."""
    table = asyncio.run(simulate(PLAN, CONTACTS, CHANNELS, story))
    lines = [line for line in table.lines if line.kind == "message" and line.channel]
    return [(round(line.after, 1), line.who, line.channel, line.purpose, line.text) for line in lines]


def story(condition="on-battery", kind="ups", *acts, start=NIGHT, length=3.9 * 3600.0, down=()):
    source = Source(site="hq", agent="order-room", device="it", title="订单部 UPS", room="订单部", kind=kind)
    watch = Watch(condition, "ups.status", "OB")
    return Story(source=source, watch=watch, start=start, length=length, acts=acts, down=frozenset(down))


def same(one):
    """Hold both against each other; who is told in one second has no order."""
    live, played = lived(one), simulated(one)
    assert Counter(live) == Counter(played)
    return played


def test_a_power_cut_at_new_year_of_which_nobody_answers():
    told = same(story())
    assert [one[:4] for one in told[:3]] == [
        (30.0, "li", "webhook:duty", "page"),
        (330.0, "li", "webhook:duty", "page"),
        (330.0, "wang", "email", "page"),
    ]
    assert {one[1] for one in told} == {"li", "wang", "zhao", "chen", "sun"}


def test_answers_a_graver_alarm_a_channel_that_is_down_and_the_end():
    told = same(
        story(
            "on-battery",
            "ups",
            Act(120.0, "seen", "li"),
            Act(420.0, "mine", "wang"),
            Act(500.0, "alarm", "low-battery"),
            Act(1200.0, "clear"),
            down=["webhook:duty"],
        )
    )
    assert {one[2] for one in told} == {"email"}
    assert [one[3] for one in told if one[3] != "overdue"] == ["page", "page", "worse", "worse", "recovery", "recovery"]


REPORTS = [(clause.clause, one.name) for clause in PLAN.clauses for one in clause.report]


@pytest.mark.parametrize("words", REPORTS[::7], ids="-".join)
def test_what_people_report_is_told_as_it_is_said(words):
    said = said_of(words, PLAN, "li", CONTACTS)
    working = NIGHT + 7 * 86400.0  # the night before the first working day after Spring Festival
    assert same(replace(story(start=working, length=6 * 3600.0), source=Source(), report=said))


def test_what_waits_for_the_morning_waits_in_both():
    told = same(story("replace-battery", start=NIGHT + 6 * 86400.0, length=2 * 86400.0))
    assert told
    assert told[0][0] == (24 + 5.5) * 3600.0  # the 23rd is the last day of the Spring Festival holidays


EVENTS = sorted(
    {(kind, one.condition) for clause in PLAN.clauses for one in clause.trigger for kind in clause.kinds_of(one)}
)
PEOPLE = [one.id for one in CONTACTS.person]
AFTER = st.integers(1, 3 * 3600).map(float)
ACTS = st.one_of(
    st.builds(Act, AFTER, st.sampled_from(["seen", "mine"]), st.sampled_from(PEOPLE)),
    st.builds(Act, AFTER, st.just("clear")),
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    event=st.sampled_from(EVENTS),
    start=st.integers(0, 14 * 24 * 60).map(lambda minutes: NIGHT + minutes * 60.0),
    acts=st.lists(ACTS, max_size=4, unique_by=lambda act: act.after),
    down=st.sets(st.sampled_from(CHANNELS)),
)
def test_a_live_run_does_what_the_simulation_says(event, start, acts, down):
    kind, condition = event
    same(story(condition, kind, *acts, start=start, length=5 * 3600.0, down=down))


def test_the_comparison_sees_a_person_who_is_not_told():
    one = story()
    live = lived(one)
    assert Counter(live) != Counter(simulated(story("on-battery", "ups", Act(60.0, "seen", "li"))))


@pytest.fixture
def command(tmp_path):
    shutil.copytree(CONFIG, tmp_path / "config")
    where = tmp_path / "config"
    gateway = where / "gateway.toml"
    gateway.write_text(gateway.read_text("utf-8").replace("/etc/ssl/certs/ca-certificates.crt", str(gateway)), "utf-8")
    return lambda *words: main(
        ["plan", "simulate", *words, "--config", str(gateway), "--agents", str(where / "agents")]
    )


def test_the_command_prints_a_timetable(command, capsys):
    assert command("order-room/ups-1:on-battery", "--at", "2026-02-17 03:00", "--seen", "li@2m", "--clear", "20m") == 0
    said = capsys.readouterr().out
    assert (
        "2026-02-17 03:00:30      +0:30  报警 alarm  李值班 li  webhook:duty  [A10] 市电中断，UPS 电池供电 — 订单部 UPS 1"
        in said
    )
    assert "+2:00  收到 seen  李值班 li" in said
    assert "原因已核实 cause checked" in said
    assert command("ups:on-battery", "--at", "2026-02-17 03:00", "--json") == 0
    lines = json.loads(capsys.readouterr().out)
    assert lines[0]["kind"] == "opened"
    assert {"at", "after", "kind", "who", "purpose", "channel", "text"} == set(lines[0])


def test_a_finding_has_no_deadline(command, capsys):
    command("ups:replace-battery", "--at", "2026-11-27 10:00")
    assert "1970" not in capsys.readouterr().out


def test_nobody_is_told_of_what_no_clause_is_for_and_the_exit_status_says_so(command, capsys):
    assert command("order-room/ups-2:input-low") == 1
    assert "nobody is told" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["ups-1:on-battery"], "hq/depot/ups-1, hq/order-room/ups-1"),
        (["upss:on-battery"], "did you mean 'ups'?"),
        (["ups:on-batery"], "did you mean 'on-battery'?"),
        (["report", "3.4.3.1", "specail"], "did you mean 'special'?"),
        (["report", "9.9", "special"], "no clause '9.9'"),
        (["report", "3.4.3.1"], "is no event"),
        (["ups"], "a device, or a kind of device, and a condition"),
        (["ups:on-battery", "--at", "tomorrow"], 'write "2027-02-17 03:00"'),
        (["ups:on-battery", "--for", "4"], 'write "20m", "4h", "2d"'),
        (["ups:on-battery", "--seen", "li"], "write li@5m"),
        (["ups:on-battery", "--seen", "lee@5m"], "nobody here is called 'lee'"),
        (["ups:on-battery", "--down", "sms"], "there are email, webhook:duty"),
        (["ups:on-battery", "--at", "9999-12-31 23:59"], "too far away"),  # no traceback
        (["ups:on-battery", "--at", "1970-01-01 00:00"], "too far away"),
        (["ups:on-battery", "--for", "9999d"], "14d"),  # and no hour without a word
        (["ups:on-battery", "--seen", "li@9999d"], "14d"),
        (["ups:on-battery", "--then", "low-batery@5m"], "did you mean 'low-battery'?"),
    ],
)
def test_wrong_words_get_a_sentence(command, capsys, words, said):
    assert command(*words) in (1, 2)
    assert said in capsys.readouterr().err
