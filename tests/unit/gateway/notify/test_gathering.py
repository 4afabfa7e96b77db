"""A flood of alarms: few letters, nothing hidden, and what is extreme does not wait."""

import asyncio
import pathlib

from msgspec.structs import replace

from contract.clock import Stamp
from gateway.alarms.model import Flood
from gateway.contacts import Person
from gateway.incident import Incident, Mail, Purpose, Source, Symptom
from gateway.notify.gathering import Gathering, Position
from gateway.notify.pipeline import Notifier
from gateway.plan.loader import load_plan
from gateway.ports import Outcome

CONFIG = pathlib.Path(__file__).parents[4] / "config"
CLAUSE = load_plan({"3.1.toml": (CONFIG / "plan" / "3.1.toml").read_text("utf-8")}).find("3.1.1")
LI = Person(id="li", name="李", email="li@example.com")
WANG = Person(id="wang", name="王", email="wang@example.com")


class Clock:
    def __init__(self):
        self.now = 1000.0

    def boottime(self):
        return self.now

    def stamp(self):
        return Stamp(1_800_000_000.0 + self.now, self.now)


class Journal:
    def __init__(self):
        self.kept = []

    async def record_event(self, event):
        self.kept.append((event.kind, event.who, event.data["over"]))
        return event


class Desk:
    """Messages go out as fast as the test turns the clock."""

    def __init__(self, **settings):
        self.clock, self.journal = Clock(), Journal()
        self.sent, self.outcomes, self.waits = [], [], []
        self.gathering = Gathering(self, Flood(**settings), self.clock, self.journal, pause=self.pause)
        self.tasks = []

    async def tell(self, incident, clause, mail, person, *, again, report, also=()):
        assert clause is CLAUSE
        assert mail.id == incident.code.replace("A", "m")
        self.sent.append((person.id, incident.code, [one.code for one, _ in also], again))
        await report(Outcome(channel="email", accepted=True, last=True))

    async def pause(self, seconds, hurry):
        until = self.clock.now + seconds
        while self.clock.now < until and not hurry.is_set():
            waits = asyncio.get_running_loop().create_future()
            self.waits.append(waits)
            await waits

    async def pages(self, *numbers, person=LI, rank=3, purpose=Purpose.PAGE):
        for number in numbers:
            incident = incident_of(number, rank)
            mail = Mail(id=f"m{number}", person=person.id, purpose=purpose, at=0.0)

            async def report(outcome, number=number):
                self.outcomes.append((number, outcome.accepted))

            told = self.gathering.tell(incident, CLAUSE, mail, person, again=False, report=report)
            self.tasks.append(asyncio.create_task(told))
            await self.turn(0.0)

    async def turn(self, seconds):
        self.clock.now += seconds
        for _ in range(3):
            for _ in range(5):
                await asyncio.sleep(0)
            waits, self.waits = self.waits, []
            for one in waits:
                if not one.done():
                    one.set_result(None)
        for _ in range(5):
            await asyncio.sleep(0)


def incident_of(number, rank=3):
    symptom = Symptom(id=f"o{number}", condition="on-battery", rank=rank, title_zh="停电", title_en="mains lost")
    source = Source(site="hq", agent="a", device=f"ups-{number}", title=f"UPS {number}", kind="ups")
    return Incident(code=f"A{number}", clause="3.1.1", source=source, opened=float(number), symptoms=(symptom,))


async def test_a_single_alarm_goes_at_once_and_a_few_go_one_by_one():
    desk = Desk()
    await desk.pages(1)
    assert desk.sent == [("li", "A1", [], False)]
    await desk.pages(2, 3)
    assert len(desk.sent) == 1
    await desk.turn(5.0)
    assert desk.sent[1:] == [("li", "A2", [], False), ("li", "A3", [], False)]


async def test_fifteen_at_once_are_two_letters_and_every_one_is_named_and_on_record():
    desk = Desk()
    await desk.pages(*range(1, 16))
    await desk.turn(5.0)
    assert len(desk.sent) == 2
    assert [desk.sent[1][1], *desk.sent[1][2]] == [f"A{number}" for number in range(2, 16)]
    assert sorted(desk.outcomes) == [(number, True) for number in range(1, 16)]
    assert desk.journal.kept == [("flood", "li", False)]
    assert desk.gathering.floods() == {"li": 15}


async def test_in_a_flood_a_letter_a_minute_goes_but_what_is_extreme_does_not_wait():
    desk = Desk()
    await desk.pages(*range(1, 16))
    await desk.turn(5.0)
    await desk.pages(20, 21)
    await desk.turn(50.0)
    assert len(desk.sent) == 2
    await desk.turn(11.0)
    assert desk.sent[2] == ("li", "A20", ["A21"], False)
    await desk.pages(22)
    await desk.turn(5.1)
    assert len(desk.sent) == 3
    await desk.pages(23, rank=4)
    await desk.turn(0.1)
    assert desk.sent[3] == ("li", "A23", ["A22"], False)  # the gravest first


async def test_another_persons_messages_and_other_purposes_are_not_held_up():
    desk = Desk()
    await desk.pages(*range(1, 16))
    await desk.pages(1, person=WANG)
    await desk.pages(1, purpose=Purpose.WORSE)
    assert [one[0] for one in desk.sent] == ["li", "wang", "li"]


async def test_a_flood_is_over_when_half_as_many_are_left():
    desk = Desk()
    await desk.pages(*range(1, 16))
    await desk.turn(5.0)
    await desk.turn(601.0)
    await desk.pages(30)
    assert desk.gathering.floods() == {}
    assert desk.journal.kept[-1] == ("flood", "li", True)


async def test_repeats_are_no_new_alarms():
    position = Position(Flood())
    for minute in range(5):
        for number in range(8):
            assert not position.came(f"A{number}", 60.0 * minute)
    assert position.count == 8


async def test_what_is_cut_short_by_the_end_of_the_gateway_ends_for_all_that_wait():
    desk = Desk()
    await desk.pages(1, 2, 3)
    for task in desk.tasks:
        task.cancel()
    await asyncio.gather(*desk.tasks, return_exceptions=True)
    assert all(task.done() for task in desk.tasks)
    assert [number for number, _ in desk.outcomes] == [1]  # the others' outcome is not known: they go again, marked


class Mailbox:
    def __init__(self):
        self.letters = []

    async def send(self, letter):
        self.letters.append(letter)
        return "250 OK"


async def test_the_one_letter_names_every_incident_with_its_link():
    box = Mailbox()

    class Route:
        async def __call__(self, letter, onward, report):
            assert report
            return await onward(replace(letter, channel="email"))

    teller = Notifier({"email": box}, [Route()], secret=b"k" * 32, public_url="https://b.example", utc_offset=28800.0)
    outcomes = []

    async def report(outcome):
        outcomes.append(outcome)

    mail = Mail(id="m", person="li", purpose=Purpose.PAGE, at=0.0)
    also = [(incident_of(2), CLAUSE), (incident_of(3), CLAUSE)]
    await teller.tell(incident_of(1), CLAUSE, mail, LI, again=False, report=report, also=also)
    (letter,) = box.letters
    assert letter.subject.startswith("3 起报警，首先：[A1] 停电")
    assert letter.body.count("https://b.example/i/") == 3
    assert "[A2] 停电" in letter.body
    assert "[A3] 停电" in letter.body
    assert letter.facts["also"] == ["A2", "A3"]
    assert outcomes[0].accepted
