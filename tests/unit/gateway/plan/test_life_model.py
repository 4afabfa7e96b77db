"""The life of incidents against a simple model: whatever comes, and whenever the gateway dies, nothing impossible happens.

A machine of hypothesis draws alarms, people's answers, time, steps of the clock, a disk that fails, and deaths of the
process, also just after a commit. The model reads the journal, one event after the other, and says of each whether it may
come now; after each step it is compared with what the gateway holds. What must hold in between:

- nobody is paged while somebody has it and is heard of; somebody is paged while nobody has it;
- no alarm is lost, none is in two incidents, no message goes twice;
- the journal alone gives the same incidents.
"""

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from msgspec.structs import replace
from timetable import Day, Journal, shipped

import gateway.incidents
from contract.alarm import Alarm, Occurrence
from contract.errors import IncidentError, StorageError
from contract.reading import Reading
from gateway.incident import SOON, Incident, IncidentState, changes, fold, take
from gateway.plan import decide, ownership

PLAN, CONTACTS = shipped()
PEOPLE = ["li", "wang", "zhao", "sun"]
CONDITIONS = ["on-battery", "low-battery", "replace-battery"]
HANDOVER = GRACE = 600.0
SILENT = 1800.0
DELAY = 30.0
"""The longest that people are not yet told of what joins."""
STANDING = 8 * 3600.0
REPEAT = 300.0
spans = st.sampled_from([1.0, 20.0, 40.0, 300.0, 599.0, 601.0, 1800.0, 2401.0, 7200.0, 28801.0, 90_000.0])
people = st.sampled_from(PEOPLE)
upses = st.sampled_from(["ups-1", "ups-2"])
conditions = st.sampled_from(CONDITIONS)
verbs = st.sampled_from(
    ["seen", "mine", "handover", "accept", "decline", "progress", "note", "step", "close", "reopen"]
)


class Case:
    """What the model knows of one incident."""

    def __init__(self) -> None:
        self.active: set[str] = set()
        self.again()
        self.closed: float | None = None
        self.held = False

    def again(self) -> None:
        """Begin a round."""
        self.owner = ""
        self.offer: tuple[str, float] | None = None
        self.deed = self.news = 0.0
        self.asked: float | None = None
        self.paged = False
        """Whether anybody was paged since nobody has it."""
        self.pages: dict[str, float] = {}
        self.dark: set[str] = set()
        self.gone: float | None = None
        self.checked = False
        self.limits: dict[str, int] = {}
        """Of each time limit: how much of it is gone, in percent."""


class Model:
    """Reads events, and says of each whether it may come now."""

    def __init__(self) -> None:
        self.cases: dict[str, Case] = {}
        self.where: dict[str, str] = {}
        """Occurrence → incident."""
        self.mails: dict[str, tuple[str, str, str]] = {}
        """Message → incident, person, purpose."""
        self.climbing = ""

    def take(self, event) -> None:
        if event.kind == "clock":
            self.move(event.data["shift"])
            return
        if self.climbing:
            assert (event.kind, event.who, event.data.get("purpose")) == ("message", self.climbing, "page")
        self.climbing = event.who if event.kind == "escalated" else ""
        if event.kind == "opened":
            assert event.incident not in self.cases
            self.cases[event.incident] = Case()
        case = self.cases[event.incident]
        getattr(self, event.kind.replace("-", "_"))(case, event)

    def move(self, by: float) -> None:
        for case in self.cases.values():
            if case.closed is not None and not case.active:
                continue
            case.deed += by
            case.news += by
            case.asked = None if case.asked is None else case.asked + by
            case.offer = None if case.offer is None else (case.offer[0], case.offer[1] + by)
            case.gone = None if case.gone is None else case.gone + by
            case.closed = None if case.closed is None else case.closed + by
            case.pages = {who: at + by for who, at in case.pages.items()}

    def opened(self, case, event) -> None:
        self.joins(case, event)

    def joined(self, case, event) -> None:
        assert case.closed is None
        back = case.gone is not None and not case.checked and event.at - case.gone < SOON
        if case.gone is not None and not back:
            case.again()
        case.gone = None
        self.joins(case, event)

    def joins(self, case, event) -> None:
        name = event.data["symptom"]["id"]
        assert name not in self.where, "an alarm in two incidents"
        self.where[name] = event.incident
        case.active.add(name)
        case.news = event.at

    def ended(self, case, event) -> None:
        assert event.data["id"] in case.active, "it ended twice"
        case.active.discard(event.data["id"])

    def cause_gone(self, case, _event) -> None:
        assert not case.active
        assert case.closed is None
        assert case.gone is None
        assert not case.held
        case.gone = _event.at

    def checked(self, case, _event) -> None:
        assert case.gone is not None
        assert not case.checked
        case.checked = True

    def deadline_set(self, case, event) -> None:
        assert case.closed is None
        case.limits[event.data["key"]] = 0

    def warned(self, case, event) -> None:
        self.limit(case, event, most=99)

    def missed(self, case, event) -> None:
        self.limit(case, event, most=100)

    def limit(self, case, event, most) -> None:
        assert case.closed is None
        key, percent = event.data["key"], event.data["percent"]
        assert case.limits.get(key, 0) < percent <= most, "a limit is spoken of twice, or goes back"
        case.limits[key] = percent

    def message(self, case, event) -> None:
        purpose, who = event.data["purpose"], event.who
        assert case.closed is None, "a message about what is closed"
        assert event.data["message"] not in self.mails, "one number, two messages"
        self.mails[event.data["message"]] = (event.incident, who, purpose)
        match purpose:
            case "page" | "owner-expired":
                assert not case.owner or case.owner in case.dark, f"{who} was paged, and {case.owner} has it"
                last = case.pages.get(who)
                assert last is None or event.at - last >= REPEAT - 1e-3, "paged twice"
                case.pages[who] = event.at
                case.paged = True
            case "progress":
                assert (who, case.offer, case.gone) == (case.owner, None, None)
                assert event.at - case.deed >= SILENT - 1e-3
                case.asked = event.at if case.asked is None else case.asked
            case "handover":
                assert case.offer is not None
                assert who == case.offer[0]
            case "handed-back":
                assert who == case.owner
                case.asked = event.at if case.asked is None else case.asked
            case "handed-over":
                assert who != case.owner
            case "recovery":
                assert case.checked

    def accepted(self, case, event) -> None:
        self.mails[event.data["message"]]
        case.dark.discard(event.who)

    def failed(self, case, event) -> None:
        _, who, purpose = self.mails[event.data["message"]]
        if purpose == "worse":
            case.dark.add(who)

    def resent(self, _case, event) -> None:
        self.mails[event.data["message"]]

    def escalated(self, _case, event) -> None:
        assert event.data["rung"] > 0

    def seen(self, case, _event) -> None:
        assert case.closed is None

    def mine(self, case, event) -> None:
        assert case.closed is None
        self.has(case, event)

    def has(self, case, event) -> None:
        case.owner, case.offer, case.deed, case.asked = event.who, None, event.at, None
        case.dark.discard(event.who)

    def handover(self, case, event) -> None:
        assert case.owner == event.who
        assert case.closed is None
        assert event.data["to"] != event.who
        case.offer, case.deed, case.asked = (event.data["to"], event.at), event.at, None

    def accepted_handover(self, case, event) -> None:
        assert case.offer is not None
        assert case.offer[0] == event.who
        self.has(case, event)

    def declined_handover(self, case, event) -> None:
        assert case.offer is not None
        assert case.offer[0] == event.who
        case.offer, case.deed, case.asked = None, event.at, None

    def lapsed_handover(self, case, event) -> None:
        assert case.offer is not None
        assert event.at - case.offer[1] >= HANDOVER - 1e-3
        case.offer, case.deed, case.asked = None, event.at, None

    def progress(self, case, event) -> None:
        assert case.owner == event.who
        case.deed, case.asked = event.at, None

    def noted(self, case, event) -> None:
        if case.owner == event.who:
            self.progress(case, event)

    step = noted

    def owner_expired(self, case, event) -> None:
        assert (case.owner, case.offer, case.gone) == (event.who, None, None)
        assert case.asked is not None, "nobody had asked the owner"
        assert event.at - case.asked >= GRACE - 1e-3
        case.owner, case.paged, case.pages, case.dark = "", False, {}, set()

    def closed(self, case, event) -> None:
        assert case.closed is None
        assert case.checked if event.data["checked"] else event.text
        assert bool(event.data.get("standing")) == bool(case.active)
        case.closed, case.held, case.offer = event.at, False, None

    def reopened(self, case, event) -> None:
        assert case.closed is not None
        if event.who:
            assert event.text
        else:
            assert case.active
            assert event.at - case.closed >= STANDING - 1e-3
        case.again()
        case.closed, case.held = None, not case.active


class Mortal(Journal):
    """A disk that can fail, and a process that can die just after a commit."""

    dies = False

    async def record_event(self, one):
        kept = await super().record_event(one)
        if self.dies:
            self.dies = False
            raise StorageError("killed")
        return kept


class Life(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.day = Day(plan=PLAN, contacts=CONTACTS)
        self.day.journal = Mortal(lambda _: None)
        self.day.restart()
        for name in ("ups-1", "ups-2"):
            self.day.device(name, "ups").readings["ups.status"] = Reading("ups.status", ("OL",))
        self.model = Model()
        self.read = 0
        self.raised: dict[tuple[str, str], Occurrence] = {}
        self.waiting: list[tuple[Alarm, object]] = []
        """What came while the disk failed: it comes again, in order."""
        self.heard: dict[str, bool] = {}
        """Occurrence → whether it stands, of all that the gateway has taken."""

    def teardown(self):
        self.day.close()

    # What befalls it

    @initialize()
    def the_mains_are_lost(self):
        self.trouble("ups-1", "on-battery")

    @rule(name=upses, condition=conditions)
    def trouble(self, name, condition):
        device = self.day.devices["city", "order-room", name]
        standing = self.raised.pop((name, condition), None)
        stamp = self.day.clock.stamp()
        if standing is None:
            quantity = device.conditions[condition].quantity
            new = Occurrence(
                id=self.day.new_id(), device=name, condition=condition, since=stamp, raised=stamp, quantity=quantity
            )
            self.raised[name, condition] = new
        else:
            new = replace(standing, active=False, cleared=stamp)
        self.waiting.append((Alarm(new), device.source))
        self.deliver()

    @rule()
    def the_same_alarms_come_again(self):
        for (name, _), occurrence in self.raised.items():
            self.waiting.append((Alarm(occurrence), self.day.devices["city", "order-room", name].source))
        self.deliver()

    @rule(seconds=spans)
    def time_passes(self, seconds):
        seconds = min(seconds, 300.0) if self.day.journal.broken else seconds
        self.day._pass(self.day.clock.wall + seconds)

    @rule(
        who=people,
        to=people,
        what=verbs,
        which=st.integers(0, 3),
        words=st.sampled_from(["", "换班"]),
        dies=st.booleans(),
    )
    def a_person_answers(self, who, to, what, which, words, dies):
        codes = [one.code for one in self.day.incidents.list()]
        if codes:
            self.answers(what, who, to, words, codes[which % len(codes)], dies=dies)

    @rule(
        to=people,
        what=st.sampled_from(["mine", "handover", "accept", "decline", "progress", "close"]),
        dies=st.booleans(),
    )
    def whose_turn_it_is_answers(self, to, what, dies):
        """Of the newest incident: whom it is handed to, else who has it, else anybody."""
        if self.day.incidents.list():
            one = self.day.newest
            asked = one.handover.taker if one.handover is not None and one.handover.pending else ""
            self.answers(what, asked or one.owner or "li", to, "换班", one.code, dies=dies)

    @rule(to=people, then=st.sampled_from(["", "accept", "decline", "mine"]), seconds=spans, dies=st.booleans())
    def it_is_handed_over(self, to, then, seconds, dies):
        if self.day.incidents.list():
            code = self.day.newest.code
            giver = self.day.newest.owner or "li"
            for who, what in ((giver, "mine"), (giver, "handover"), (to, then)):
                if what:
                    self.answers(what, who, to, "换班", code, dies=dies)
            self.time_passes(seconds)

    def answers(self, what, who, to, words, code, *, dies):
        more = {"handover": (to, words), "step": (0,), "seen": (), "mine": (), "accept": ()}.get(what, (words,))
        before = dict(self.day.incidents._incidents)
        self.day.journal.dies = dies
        try:
            self.day.answer(what, who, *more, code=code)
        except IncidentError:
            assert self.day.incidents._incidents == before, "what was refused has changed something"
        except StorageError:
            if self.day.journal.broken:
                assert self.day.incidents._incidents == before, "what is not on record is believed"
            else:
                self.day.restart()
        finally:
            self.day.journal.dies = False

    @rule(by=st.sampled_from([-7200.0, -30.0, 30.0, 7200.0]))
    def the_clock_is_put_right(self, by):
        self.day.clock_is_put(by)

    @rule(seconds=st.sampled_from([1.0, 40.0, 400.0]), who=people, what=verbs, name=upses, condition=conditions)
    def the_disk_fails_for_a_while(self, seconds, who, what, name, condition):
        self.day.journal.broken = True
        self.trouble(name, condition)
        if self.day.incidents.list():
            self.answers(what, who, "zhao", "换班", self.day.newest.code, dies=False)
        self.time_passes(seconds)
        self.day.journal.broken = False
        self.deliver()

    @rule(who=people)
    def a_person_is_out_of_reach_or_back(self, who):
        self.day.failing ^= {who}

    @rule()
    def the_process_is_killed(self):
        self.day.restart()

    @rule()
    def the_process_is_killed_just_after_it_kept_something(self):
        """What falls due within the next hour is kept, and not yet believed."""
        self.day.journal.dies = True
        for _ in range(12):
            self.day.clock.turn(300.0)
            self.day._settle()  # it says that the disk has failed, and waits
            if not self.day.journal.dies:
                break
        self.day.journal.dies = False
        self.day.restart()

    def deliver(self):
        """Hand over what has come, in order, until the disk fails."""
        while self.waiting:
            alarm, source = self.waiting[0]
            try:
                self.day.hear(alarm, source)
            except StorageError:
                return
            occurrence = alarm.occurrence
            if occurrence.active or occurrence.id in self.heard:
                self.heard[occurrence.id] = occurrence.active and self.heard.get(occurrence.id, True)
            self.waiting.pop(0)
        if not self.day.journal.broken:
            self.day._settle()

    # What must hold

    @invariant()
    def each_event_may_come_when_it_comes(self):
        kept = self.day.journal.events_kept
        for event in kept[self.read :]:
            self.model.take(event)
        self.read = len(kept)

    @invariant()
    def the_journal_alone_gives_the_same(self):
        assert fold(self.day.journal.events_kept) == self.day.incidents._incidents

    @invariant()
    def the_model_agrees(self):
        for code, case in self.model.cases.items():
            one = self.day.incidents.get(code)
            assert (one.owner, one.closed is None) == (case.owner, case.closed is None)
            assert {symptom.id for symptom in one.active} == case.active
            assert (one.handover is not None and one.handover.pending) == (case.offer is not None)
            assert one.state is expected(case)

    @invariant()
    def no_alarm_is_lost(self):
        assert self.heard.keys() == self.model.where.keys()
        for name, stands in self.heard.items():
            assert (name in self.model.cases[self.model.where[name]].active) == stands

    @invariant()
    def somebody_acts_or_is_called(self):
        now = self.day.clock.wall
        for code, case in self.model.cases.items():
            one = self.day.incidents.get(code)
            if case.closed is not None or case.gone is not None:
                continue
            if case.offer is not None:
                assert now - case.offer[1] <= HANDOVER + 5.01
            if not case.owner:
                due = min((symptom.page_at for symptom in one.pressing), default=now + 1)
                assert due > now or case.paged, f"nobody has {code}, and nobody is called"
            elif one.worst.wake == "night":
                assert now - max(case.deed, case.news) <= SILENT + GRACE + DELAY + 5.01, (
                    f"{case.owner} is silent, and has {code} still"
                )


def expected(case: Case) -> IncidentState:
    if case.closed is not None:
        return IncidentState.CLOSED_STANDING if case.active else IncidentState.CLOSED
    if case.checked:
        return IncidentState.CHECKED
    if case.gone is not None:
        return IncidentState.GONE
    return IncidentState.OWNED if case.owner else IncidentState.OPEN


Life.TestCase.settings = settings(
    max_examples=15, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
TestLife = Life.TestCase
HUNT = settings(
    max_examples=100,
    stateful_step_count=25,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def never_expires(incident, clause, hours):
    ends = ownership_ends(incident, clause, hours)
    return None if ends is None or ends[1] == ownership.EXPIRED else ends


ownership_ends = ownership._ends


def pages_all_the_same(_incident: Incident) -> bool:
    return True


def takes_declined_for_nothing(incidents, event):
    if event.kind != "declined-handover":
        take(incidents, event)


FORGETFUL = {**changes.CHANGES, "owner-expired": lambda now, _event: replace(now, owner="")}


@pytest.mark.parametrize(
    ("where", "name", "fault"),
    [
        (ownership, "_ends", never_expires),
        (decide, "_owner_in_the_dark", pages_all_the_same),
        (gateway.incidents, "take", takes_declined_for_nothing),
        (changes, "CHANGES", FORGETFUL),
    ],
    ids=[
        "an owner never expires",
        "owned ones are paged",
        "what is declined is not believed",
        "who was told before is not told again",
    ],
)
def test_the_machine_finds_a_planted_fault(monkeypatch, where, name, fault):
    monkeypatch.setattr(where, name, fault)
    with pytest.raises(AssertionError):
        run_state_machine_as_test(Life, settings=HUNT)
