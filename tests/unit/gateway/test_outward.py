"""What others hear and do of incidents: topics that are as the incidents are, receivers told once, outputs on and off again."""

import asyncio
import itertools

import msgspec
import pytest
from msgspec.structs import replace

from contract.alarm import Alarm, Occurrence
from contract.clock import Stamp
from contract.command import Outcome, Reply, Verb
from contract.condition import Severity
from contract.errors import CommandRefused, ConfigError, NotifyAway, NotifyRefused, NotifyUnknown, StorageError
from contract.notice import Notice, Summary
from gateway.contacts import load_contacts
from gateway.incident import Source, code_of, fold
from gateway.incidents import Incidents
from gateway.outward import doing as doing_module
from gateway.outward.doing import Doing
from gateway.outward.notices import LIFE
from gateway.outward.topics import BATCH, Topics
from gateway.plan.loader import load_plan
from gateway.plan.outward import FRESH
from gateway.ports import Outcome as Told

T0 = 1_800_000_000.0
ROOM = Source(site="hq", agent="hall", device="smoke-1", title="机房烟感", room="机房", kind="safety")
CONTACTS = load_contacts("""
[[person]]
id = "li"
name = "李"
email = "li@example.net"
[[department]]
key = "security"
title = { zh = "安保处", en = "security" }
on_call = ["li"]
""")
CLAUSE = """
[[clause]]
clause = "3.1.10"
title = { zh = "防雷、消防", en = "Lightning and fire protection" }
kinds = ["safety"]
departments = ["security"]
deadline = "1h"
escalation = { rung = [{ department = "security" }], repeats = 0 }
[[clause.trigger]]
condition = "smoke"
title = { zh = "烟雾报警", en = "Smoke" }
level = "major"
wake = "night"
urgency = "immediate"
severity = "extreme"
page_after = "5m"
[[clause.trigger]]
condition = "surge"
title = { zh = "浪涌保护器", en = "Surge protector" }
level = "partial"
wake = "working"
urgency = "expected"
severity = "moderate"
certainty = "likely"
"""
HOOK = """
[[clause.webhook]]
name = "duty"
on = ["opened", "worse", "owned", "gone", "closed"]
"""
SIREN = """
[[clause.output]]
agent = "hall"
device = "relays"
output = "siren"
seconds = "3m"
conditions = ["smoke"]
"""


class Site:
    """A clock turned by hand, a journal in memory, a broker, a receiver and an agent with a siren."""

    def __init__(self, more=HOOK + SIREN, drill=""):
        self.wall = T0
        self.drill = drill
        self.kept = []
        self.full = False
        self.plan = load_plan({"plan.toml": CLAUSE + more}, CONTACTS.departments, ["duty"])
        self.connected, self.session = True, "one"
        self.published, self.broker = [], {}
        self.posted, self.answers = [], []
        self.orders, self.replies, self.sites = [], [], []
        self.carried_out = {}
        self.start()

    def start(self):
        self.incidents = Incidents(
            self, self.plan, CONTACTS, self, self, self, name=lambda number: f"{self.drill}{code_of(number)}"
        )
        self.topics = Topics(self.incidents, self, self, gateway="garrison", site="hq")
        self.doing = Doing(self.incidents, {"duty": self}, self, self, gateway="garrison", sleep=self.sleep)
        self.incidents.subscribe(self.topics.changed)
        self.incidents.subscribe(self.doing.changed)

    async def restart(self):
        await self.doing.stop()
        self.start()
        await self.incidents.load()
        for incident in self.incidents.list():
            self.doing.changed(incident)

    # the clock, the journal, the readings, people

    def stamp(self):
        return Stamp(self.wall, self.wall - T0, "boot", trusted=True)

    def boottime(self):
        return self.wall - T0

    async def sleep(self, seconds):
        self.wall += seconds
        await asyncio.sleep(0)

    async def record_event(self, event):
        if self.full:
            raise StorageError("the disk is full")
        self.kept.append(replace(event, id=len(self.kept) + 1))
        return self.kept[-1]

    async def events(self, _incident=None):
        return list(self.kept)

    def latest(self, _source, _quantity):
        return None

    def conditions(self, _source):
        return {}

    async def tell(self, _incident, _clause, _mail, _person, *, again, report):
        assert not again
        await report(Told(channel="email", accepted=True))

    # the broker

    def retain(self, name, payload):
        self.published.append(name)
        self.broker[name] = payload
        if not payload:
            del self.broker[name]

    def notice(self, code="A10"):
        return msgspec.json.decode(self.broker[f"wolfsmoke/1/hq/plan/{code}"], type=Notice)

    def summary(self):
        return msgspec.json.decode(self.broker["wolfsmoke/1/hq/plan/summary"], type=Summary)

    # the receiver

    async def post(self, said):
        self.posted.append(dict(said))
        answer = self.answers.pop(0) if self.answers else None
        if isinstance(answer, asyncio.Event):
            await answer.wait()
        elif answer is not None:
            raise answer
        return "HTTP 200"

    def heard(self):
        return [said["on"] for said in self.posted]

    # the agent

    async def command(self, to, device, verb, *, who, output, seconds, patience, number):
        assert (to[1], device, output, patience) == ("hall", "relays", "siren", 10.0)
        self.sites.append(to[0])
        self.orders.append((verb, number, seconds, who))
        answer = self.replies.pop(0) if self.replies else Outcome.DONE
        if isinstance(answer, asyncio.Event):
            await answer.wait()
            answer = Outcome.DONE
        if isinstance(answer, Exception):
            raise answer
        if answer is Outcome.DONE:
            self.carried_out.setdefault(number, verb)
        at = Stamp() if answer is Outcome.EXPIRED else self.stamp()
        return Reply(number, device, verb.value, answer, at=at)

    async def alarm(self, name="o-1", condition="smoke", *, active=True):
        occurrence = Occurrence(
            id=name, device="smoke-1", condition=condition, severity=Severity.SEVERE, active=active, quantity="x"
        )
        await self.incidents.on_alarm(Alarm(occurrence), ROOM)
        await self.settled()

    async def settled(self):
        for _ in range(3):
            self.doing.begin()
            await self.doing.settled()
        while self.topics.write():
            pass

    def outcomes(self):
        return [event.kind for event in self.kept if event.kind.startswith("outward")]


# Topics


async def test_an_open_incident_has_a_topic_in_the_words_of_cap():
    site = Site()
    await site.alarm()
    said = site.notice()
    assert (said.gateway, said.code, said.clause, said.level) == ("garrison", "A10", "3.1.10", "major")
    assert (said.status, said.urgency, said.severity, said.certainty) == ("Actual", "Immediate", "Extreme", "Observed")
    assert said.event.en == "Lightning and fire protection"
    assert said.headline.zh.endswith(" — 机房烟感")
    assert (said.onset, said.sent, said.expires, said.deadline) == (T0, T0, T0 + LIFE, T0 + 3600.0)
    assert (said.state, said.owner, said.conditions) == ("open", "", ("smoke",))
    assert site.summary() == Summary(
        gateway="garrison", open=1, unowned=1, severity="Extreme", codes=("A10",), sent=T0, expires=T0 + LIFE
    )


async def test_it_follows_the_incident_and_is_emptied_when_that_is_closed():
    site = Site()
    await site.alarm()
    await site.incidents.mine("A10", "li")
    await site.settled()
    assert (site.notice().state, site.notice().owner) == ("owned", "li")
    await site.alarm(active=False)
    assert (site.notice().state, site.notice().urgency) == ("gone", "Past")
    await site.incidents.close("A10", "li", "拆除")
    await site.settled()
    assert list(site.broker) == ["wolfsmoke/1/hq/plan/summary"]
    assert (site.summary().open, site.summary().severity) == (0, "")


async def test_what_others_cannot_see_is_not_written_again():
    site = Site("")
    await site.alarm()
    site.published.clear()
    await site.incidents.note("A10", "li", "到现场")
    await site.settled()
    assert site.published == []


async def test_after_a_reconnection_all_is_written_again_and_while_it_is_away_nothing():
    site = Site("")
    await site.alarm()
    site.connected = False
    site.broker.clear()
    await site.incidents.mine("A10", "li")
    await site.settled()
    assert not site.broker
    site.connected, site.session = True, "two"
    await site.settled()
    assert site.notice().owner == "li"
    assert site.summary().unowned == 0


async def test_a_gateway_that_lives_renews_what_it_says_before_that_expires():
    site = Site("")
    await site.alarm()
    before = site.notice()
    site.wall += LIFE / 2 + 1.0
    await site.settled()
    assert site.notice().expires > before.expires
    assert replace(site.notice(), sent=0.0, expires=0.0) == replace(before, sent=0.0, expires=0.0)


async def test_what_a_broker_kept_of_closed_incidents_is_emptied_after_a_restart():
    site = Site("")
    await site.alarm()
    await site.alarm("o-2", "surge")
    left = dict(site.broker)
    site.connected = False
    await site.incidents.close("A10", "li", "拆除")
    await site.restart()
    site.connected, site.session = True, "two"
    for name, payload in left.items():
        site.topics.kept(name, payload)
    await site.settled()
    assert list(site.broker) == ["wolfsmoke/1/hq/plan/summary"]


async def test_a_summary_that_a_broker_kept_of_a_site_where_nothing_is_open_is_put_right():
    site = Site("")
    await site.alarm()
    kept = site.broker.pop("wolfsmoke/1/hq/plan/summary")
    await site.incidents.close("A10", "li", "拆除")
    await site.restart()
    site.topics = Topics(site.incidents, site, site, gateway="garrison")
    await site.settled()
    assert "wolfsmoke/1/hq/plan/summary" not in site.broker
    site.topics.kept("wolfsmoke/1/hq/plan/summary", kept)
    await site.settled()
    assert site.summary().open == 0


@pytest.mark.parametrize("payload", [b"", b"\xff\xfe", b"[1]", b'{"gateway": "another"}'])
async def test_what_is_not_ours_is_left_alone(payload):
    site = Site("")
    await site.settled()
    site.published.clear()
    site.topics.kept("wolfsmoke/1/hq/plan/Z99", payload)
    await site.settled()
    assert site.published == []


async def test_a_flood_of_incidents_is_written_in_turns():
    site = Site("")
    for number in range(BATCH * 2 + 7):
        source = replace(ROOM, device=f"smoke-{number}")
        occurrence = Occurrence(id=f"o-{number}", device=source.device, condition="smoke", active=True)
        await site.incidents.on_alarm(Alarm(occurrence), source)
    turns = 0
    while site.topics.write():
        turns += 1
        assert len(site.published) <= BATCH * turns
    assert turns == 2
    assert len(site.broker) == BATCH * 2 + 8
    assert len(site.summary().codes) == 100


REPORTED = """
[[clause.report]]
name = "flooded"
title = { zh = "进水", en = "Water" }
level = "partial"
wake = "night"
urgency = "expected"
severity = "severe"
certainty = "likely"
"""
BESIDE = CLAUSE.replace('"3.1.10"', '"3.2.3"').replace('["safety"]', '["water"]').replace('"smoke"', '"water"')


async def test_what_people_report_is_as_urgent_and_as_sure_as_the_plan_says():
    site = Site(REPORTED)
    await site.incidents.report("3.1.10", "flooded", "li", {}, "一号库")
    await site.settled()
    said = site.notice()
    assert (said.urgency, said.certainty, said.severity) == ("Expected", "Likely", "Severe")


async def test_a_clause_beside_another_is_as_urgent_as_the_alarm():
    more = CLAUSE.replace('page_after = "5m"', 'page_after = "5m"\nbeside = ["3.2.3"]') + BESIDE
    site = Site("")
    site.plan = load_plan({"plan.toml": more}, CONTACTS.departments)
    site.start()
    await site.alarm()
    said = {one.clause: (one.urgency, one.certainty) for one in (site.notice("A10"), site.notice("B10"))}
    assert said == {"3.1.10": ("Immediate", "Observed"), "3.2.3": ("Immediate", "Observed")}


async def test_a_siren_for_what_a_person_makes_major_sounds_then():
    confirmed = CLAUSE.replace('deadline = "1h"', 'deadline = "1h"\nconfirm = ["major"]')
    site = Site("")
    site.plan = load_plan(
        {"plan.toml": confirmed + SIREN.replace('conditions = ["smoke"]', 'levels = ["major"]')}, CONTACTS.departments
    )
    site.start()
    await site.alarm("o-1", "surge")
    assert not site.orders
    await site.incidents.confirm("A10", "li", "major")
    await site.settled()
    assert [order[0] for order in site.orders] == [Verb.ON]


async def test_a_drill_says_so_and_counts_for_nothing():
    site = Site("", drill="DRILL1-")
    await site.alarm()
    assert site.notice("DRILL1-A10").status == "Exercise"
    assert site.notice("DRILL1-A10").headline.zh.startswith("【演练】")
    assert site.summary().open == 0


# Receivers


async def test_a_receiver_hears_of_what_the_plan_names_and_once():
    site = Site(HOOK)
    await site.alarm("o-1", "surge")
    await site.alarm("o-2", "smoke")
    await site.incidents.mine("A10", "li")
    await site.settled()
    await site.alarm("o-1", "surge", active=False)
    await site.alarm("o-2", "smoke", active=False)
    await site.incidents.close("A10", "li", "拆除")
    await site.settled()
    assert site.heard() == ["opened", "worse", "owned", "gone", "closed"]
    assert {said["code"] for said in site.posted} == {"A10"}
    assert len({said["id"] for said in site.posted}) == 5
    assert site.outcomes() == ["outward", "outward-done"] * 5


async def test_after_a_restart_nothing_is_told_again():
    site = Site(HOOK)
    await site.alarm()
    await site.restart()
    await site.settled()
    assert site.heard() == ["opened"]


async def test_one_that_a_restart_cut_short_goes_once_more_and_is_marked():
    site = Site(HOOK)
    site.answers = [asyncio.Event(), asyncio.Event()]
    await _begun(site)
    await site.restart()
    site.doing.begin()
    await asyncio.sleep(0.01)
    await site.restart()
    await site.settled()
    assert [said["again"] for said in site.posted] == [False, True]
    assert len({said["id"] for said in site.posted}) == 1
    assert site.outcomes() == ["outward", "outward", "outward-failed"]


async def test_one_that_is_away_is_tried_again_and_a_refusal_is_final():
    site = Site(HOOK)
    site.answers = [NotifyAway("down"), NotifyAway("down"), None, NotifyRefused("HTTP 404")]
    await site.alarm()
    assert site.outcomes() == ["outward", "outward-done"]
    await site.incidents.mine("A10", "li")
    await site.settled()
    assert site.outcomes()[2:] == ["outward", "outward-failed"]
    assert site.kept[-1].text == "HTTP 404"


async def test_where_it_may_have_heard_it_goes_once_more_at_the_most():
    site = Site(HOOK)
    site.answers = [NotifyUnknown("no answer"), NotifyUnknown("no answer"), None]
    await site.alarm()
    assert [said["again"] for said in site.posted] == [False, True]
    assert site.outcomes() == ["outward", "outward-failed"]


async def test_a_receiver_that_the_plan_names_later_hears_nothing_of_the_past():
    site = Site("")
    await site.alarm()
    site.wall += FRESH + 1.0
    site.plan = load_plan({"plan.toml": CLAUSE + HOOK}, CONTACTS.departments, ["duty"])
    await site.restart()
    await site.settled()
    assert site.heard() == []


async def test_a_level_that_it_is_not_about_does_not_concern_it():
    site = Site('[[clause.webhook]]\nname = "duty"\nlevels = ["major"]\n')
    await site.alarm("o-1", "surge")
    assert site.heard() == []
    await site.alarm("o-2", "smoke")
    assert site.heard() == ["worse"]


# Outputs


async def test_a_siren_sounds_at_once_and_does_not_wait_for_people_to_be_told():
    site = Site(SIREN)
    await site.alarm()
    [(verb, _, seconds, who)] = site.orders
    assert (verb, seconds, who) == (Verb.ON, 180.0, "A10 3.1.10")
    assert not [event for event in site.kept if event.kind == "message"]
    kinds = [event.kind for event in site.kept]
    assert kinds == ["opened", "outward", "outward-done"]


@pytest.mark.parametrize(("more", "where"), [("", "hq"), ('site = "depot"\n', "depot")])
async def test_it_is_the_incidents_own_site_that_sounds_unless_another_is_named(more, where):
    site = Site(SIREN + more)
    await site.alarm()
    assert site.sites == [where]


async def test_it_sounds_for_what_it_is_about_alone():
    site = Site(SIREN)
    await site.alarm("o-1", "surge")
    assert not site.orders
    await site.alarm("o-2", "smoke")
    assert [order[0] for order in site.orders] == [Verb.ON]


@pytest.mark.parametrize("answer", ["seen", "mine", "close"])
async def test_an_answer_switches_it_off(answer):
    site = Site(SIREN)
    await site.alarm()
    await getattr(site.incidents, answer)("A10", "li", *(["误报"] if answer == "close" else []))
    await site.settled()
    assert [order[0] for order in site.orders] == [Verb.ON, Verb.OFF]


async def test_after_an_answer_new_smoke_makes_it_sound_again_and_the_same_does_not():
    site = Site(SIREN)
    await site.alarm()
    await site.incidents.seen("A10", "li")
    await site.settled()
    await site.alarm()
    await site.incidents.note("A10", "li", "在查")
    await site.settled()
    assert [order[0] for order in site.orders] == [Verb.ON, Verb.OFF]
    await site.alarm("o-2")
    assert [order[0] for order in site.orders] == [Verb.ON, Verb.OFF, Verb.ON]


async def test_after_its_time_it_is_off_by_itself_and_nothing_is_sent():
    site = Site(SIREN)
    await site.alarm()
    site.wall += 181.0
    await site.incidents.mine("A10", "li")
    await site.settled()
    assert [order[0] for order in site.orders] == [Verb.ON]


async def test_what_never_was_on_is_not_switched_off():
    site = Site("")
    await site.alarm()
    await site.incidents.seen("A10", "li")
    site.plan = load_plan({"plan.toml": CLAUSE + SIREN}, CONTACTS.departments)
    await site.restart()
    await site.settled()
    assert not site.orders


async def test_an_agent_that_is_away_gets_it_when_it_is_back_with_the_time_that_is_left():
    site = Site(SIREN)
    site.replies = [CommandRefused("hq/hall is not heard")] * 6
    await site.alarm()
    assert len(site.orders) == 7
    assert site.orders[-1][2] == 150.0
    assert site.outcomes() == ["outward", "outward-done"]


async def test_one_that_never_answers_ends_with_its_time_and_is_on_record():
    site = Site(SIREN)
    site.replies = [CommandRefused("hq/hall is not heard")] * 100
    await site.alarm()
    assert site.wall <= T0 + 190.0
    assert site.outcomes() == ["outward", "outward-failed"]
    assert "not heard" in site.kept[-1].text


async def test_a_lost_answer_is_asked_for_again_under_the_same_number_a_refusal_under_another():
    site = Site(SIREN)
    site.replies = [Outcome.EXPIRED, Outcome.FAILED]
    await site.alarm()
    numbers = [order[1] for order in site.orders]
    assert numbers[0] == numbers[1] != numbers[2]


async def test_a_restart_between_the_order_and_its_answer_does_not_make_two_of_it():
    site = Site(SIREN)
    site.replies = [asyncio.Event()]
    await _begun(site)
    await site.restart()
    await site.settled()
    numbers = {order[1] for order in site.orders}
    assert len(site.orders) == 2
    assert len(numbers) == 1, "an agent carries out a number once"
    assert site.outcomes() == ["outward", "outward-done"]
    await site.restart()
    await site.settled()
    assert len(site.orders) == 2


async def test_what_is_not_on_record_is_not_sent():
    site = Site(SIREN)

    async def sleep(_seconds):
        assert not site.orders
        site.full = False

    site.doing._sleep = sleep
    original = site.incidents.keep

    async def keep(*what):
        if what[1] == "outward" and not site.full and len(site.kept) == 1 and not site.tried:
            site.full = site.tried = True
        await original(*what)

    site.tried = False
    site.incidents.keep = keep
    await site.alarm()
    assert site.tried
    assert [order[0] for order in site.orders] == [Verb.ON]


async def test_a_drill_moves_nothing_and_no_receiver_hears_of_it():
    site = Site(drill="DRILL1-")
    await site.alarm()
    assert site.incidents.open()
    assert not site.orders
    assert not site.posted


async def test_the_same_comes_of_the_journal():
    site = Site()
    await site.alarm()
    await site.incidents.mine("A10", "li")
    await site.settled()
    assert fold(site.kept)["A10"] == site.incidents.get("A10")


async def _begun(site):
    occurrence = Occurrence(id="o-1", device="smoke-1", condition="smoke", active=True, quantity="x")
    await site.incidents.on_alarm(Alarm(occurrence), ROOM)
    site.doing.begin()
    for _ in range(100):
        await asyncio.sleep(0)
        if site.posted or site.orders:
            return
    raise AssertionError("nothing began")


# The plan


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (HOOK.replace('"duty"', '"dutty"'), "the gateway has no webhook 'dutty'"),
        (SIREN.replace('["smoke"]', '["smok"]'), "no trigger of the clause is about 'smok'"),
        (SIREN.replace('"3m"', '"0s"'), "0 s"),
        (HOOK.replace('"gone"', '"gonne"'), "'gonne' does not fit"),
        (SIREN + 'levels = ["grave"]\n', "'grave' does not fit"),
    ],
)
def test_mistakes_are_told_with_their_line(wrong, said):
    with pytest.raises(ConfigError) as caught:
        load_plan({"plan.toml": CLAUSE + wrong}, CONTACTS.departments, ["duty"])
    [problem] = caught.value.problems
    assert said in problem.what
    assert problem.line > CLAUSE.count("\n")


def test_the_pauses_of_a_receiver_add_up_to_minutes_not_hours():
    assert sum(doing_module.PAUSES) < 300
    assert list(itertools.pairwise(doing_module.PAUSES)) == sorted(itertools.pairwise(doing_module.PAUSES))
