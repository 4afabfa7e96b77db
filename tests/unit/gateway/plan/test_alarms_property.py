"""Whatever people and devices do, in whatever order: an alarm speaks if and only if nothing keeps it quiet.

A restart changes nothing.
"""

import pytest
from at_the_desk import DeskDay
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from timetable import shipped

from contract.alarm import AlarmState

RULES = """
[chatter]
times = 100

[[suppress]]
conditions = ["bypass"]
devices = ["ups-2"]
why = { zh = "上级停电", en = "the one before it is on battery" }
while = { conditions = ["on-battery"], devices = ["ups-1"] }
"""
PLAN, CONTACTS = shipped()
DEVICES = ("ups-1", "ups-2")
CONDITIONS = ("on-battery", "bypass")
LINES = [(device, condition) for device in DEVICES for condition in CONDITIONS]
TARGETS = [f"city/order-room/{device}" for device in DEVICES] + [f"city/order-room/{d}/{c}" for d, c in LINES]
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("toggle"), st.sampled_from(LINES)),
        st.tuples(st.sampled_from(["shelved", "unshelved", "out-of-service", "in-service"]), st.sampled_from(TARGETS)),
        st.tuples(st.just("pass"), st.sampled_from([0.1, 1.0, 7.0, 31.0])),
        st.tuples(st.just("clock"), st.sampled_from([-4000.0, 90.0])),
        st.tuples(st.sampled_from(["restart", "mine", "disk"]), st.none()),
    ),
    min_size=1,
    max_size=14,
)


class Model:
    """The desk, driven, and what should be so, told in the most naive way."""

    def __init__(self):
        self.day = DeskDay(RULES, plan=PLAN, contacts=CONTACTS)
        self.devices = {name: self.day.device(name, "ups") for name in DEVICES}
        self.standing = set()

    def do(self, what, argument):
        day = self.day
        match what:
            case "toggle":
                device, condition = argument
                active = argument not in self.standing
                self.standing ^= {argument}
                self.devices[device].raises(condition, active=active)
            case "pass":
                day.at((day.clock.wall - day.begins) / 60 + argument)
            case "clock":
                if not day.journal.broken:
                    day.clock_is_put(argument)
            case "restart":
                if not day.journal.broken:
                    self.restart()
            case "mine":
                if day.incidents.list() and day.newest.closed is None and not day.journal.broken:
                    day.answer("mine", "li")
            case "disk":
                day.journal.broken = not day.journal.broken
            case _:
                if not day.journal.broken:
                    day.put(what, argument, minutes=30.0 if what == "shelved" else 0.0)

    def restart(self):
        before = (
            self.day.incidents.list(),
            self.day.desk.register,
            self.day.desk.register.standing(self.day.clock.wall),
        )
        self.day.restart()
        assert before == (
            self.day.incidents.list(),
            self.day.desk.register,
            self.day.desk.register.standing(self.day.clock.wall),
        )

    def wanted(self, device, condition):
        """What keeps an alarm quiet now; None: nothing."""
        entries = self.day.desk.register.standing(self.day.clock.wall)

        def put(device, condition):
            names = (f"city/order-room/{device}", f"city/order-room/{device}/{condition}")
            return {entry.state for entry in entries if str(entry.target) in names}

        if AlarmState.OUT_OF_SERVICE in put(device, condition):
            return "out-of-service"
        if AlarmState.SHELVED in put(device, condition):
            return "shelved"
        cause = ("ups-1", "on-battery")
        served = cause in self.standing and AlarmState.OUT_OF_SERVICE not in put(*cause)
        return "suppressed" if (device, condition) == ("ups-2", "bypass") and served else None

    def check(self):
        """Nothing speaks that should not, nothing is lost."""
        day = self.day
        if day.journal.broken:
            return
        day.at((day.clock.wall - day.begins) / 60 + 0.1)  # a look later
        found = {(known.source.device, known.condition): known for known, _ in day.desk.known()}
        assert found.keys() == self.standing
        for line, known in found.items():
            incident = day.incidents.of(known.id)
            symptom = next((one for one in incident.symptoms if one.id == known.id), None) if incident else None
            wanted = self.wanted(*line)
            if wanted is None:
                assert symptom is not None, f"{line} is lost\n{day.story()}"
                assert symptom.active
                assert not symptom.aside, f"{line} does not speak\n{day.story()}"
            else:
                assert symptom is None or symptom.aside == wanted, f"{line} speaks\n{day.story()}"
                assert str(day.live.alarms[known.id].state(day.clock.wall)) == wanted


def drive(steps):
    """Do these, and look after each."""
    model = Model()
    try:
        for what, argument in steps:
            model.do(what, argument)
            model.check()
        model.day.journal.broken = False
        model.check()
        model.restart()
        model.check()
    finally:
        model.day.close()


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(STEPS)
def test_an_alarm_speaks_if_and_only_if_nothing_keeps_it_quiet(steps):
    drive(steps)


CAUSE, EFFECT = ("toggle", ("ups-1", "on-battery")), ("toggle", ("ups-2", "bypass"))
SHELVE = ("shelved", "city/order-room/ups-1")


@pytest.mark.parametrize(
    ("fault", "instead", "steps"),
    [
        ("desk.Suppression.ended", lambda *_: set(), [CAUSE, EFFECT, CAUSE]),  # a cause whose end nobody notes
        ("desk.Suppression.why", lambda *_: None, [CAUSE, EFFECT]),
        ("aside.Register.find", lambda *_: None, [SHELVE, CAUSE]),
        ("flapping.Flapping.swallows", lambda *_: True, [CAUSE]),  # taken for chatter, and lost
        ("desk.LOOK", 5.0, []),
    ],
)
def test_with_a_fault_planted_the_same_look_finds_it(fault, instead, steps, monkeypatch):
    drive(steps)
    monkeypatch.setattr(f"gateway.alarms.{fault}", instead)
    if not steps:
        drive([CAUSE])  # no fault
        return
    with pytest.raises(AssertionError):
        drive(steps)
