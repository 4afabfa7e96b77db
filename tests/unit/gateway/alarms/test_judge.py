"""Conditions that the gateway judges: the agents' rules, on readings as they come."""

import pytest

from contract.condition import Unknown
from contract.message import Device, Readings
from contract.reading import Quality
from gateway.alarms.judge import Judge
from gateway.alarms.model import load_rules
from gateway.live import DeviceView

HOT = """
[[condition]]
name = "room-hot"
kinds = ["environment"]
quantity = "ambient.temperature"
test = "above"
setpoint = 30.0
deadband = 2.0
on_delay = "60s"
off_delay = "30s"
"""
RISES = HOT.replace("setpoint = 30.0\ndeadband = 2.0\non_delay", 'setpoint = 5.0\nper = "10m"\non_delay').replace(
    "60s", "0s"
)


class Room:
    """One probe, and a judge that the test asks every few seconds."""

    def __init__(self, rules=HOT, kind="environment"):
        self.judge = Judge(load_rules(rules).condition)
        self.view = DeviceView("hq", "a", "t-1")
        self.view.device = Device(id="t-1", kind=kind, interval=5.0)
        self.view.known = True
        self.now = 1000.0
        self.devices = {("hq", "a", "t-1"): self.view}

    def says(self, value, quality=None):
        values = {} if quality else {"ambient.temperature": value}
        bad = {"ambient.temperature": quality} if quality else {}
        self.judge.take(self.view, Readings(device="t-1", values=values, quality=bad), self.now)

    def after(self, seconds, value=None):
        """Let the time pass, saying this every 5 s; return what began or ended."""
        found = []
        for _ in range(int(seconds / 5)):
            self.now += 5.0
            if value is not None:
                self.says(value)
            for change in list(self.judge.due(self.devices, self.now)):
                found.append(change.active)
                self.judge.told(change)
        return found


def test_it_begins_after_its_on_delay_and_ends_beyond_its_deadband():
    room = Room()
    assert room.after(55, 31.0) == []
    assert room.after(15, 31.0) == [True]
    assert room.after(120, 29.0) == []  # within the deadband
    assert room.after(25, 27.0) == []
    assert room.after(15, 27.0) == [False]


def test_other_devices_and_other_quantities_are_not_its_matter():
    room = Room(kind="ups")
    assert room.after(300, 99.0) == []
    room = Room()
    room.judge.take(room.view, Readings(device="t-1", values={"ambient.humidity": 99.0}), room.now)
    assert room.after(300) == []


def test_a_device_that_says_nothing_more_ends_no_alarm_and_unknown_can_be_one():
    room = Room()
    assert room.after(70, 31.0) == [True]
    assert room.after(3600) == []
    room.says(20.0, Quality.IMPLAUSIBLE)
    assert room.after(120) == []
    assert room.after(40, 20.0) == [False]
    strict = Room(HOT + 'unknown = "alarm"\n')
    assert load_rules(HOT + 'unknown = "alarm"\n').condition[0].unknown is Unknown.ALARM
    assert strict.after(60, 20.0) == []
    assert strict.after(300) == [True]


def test_a_device_that_is_no_longer_there_ends_its_alarm():
    room = Room()
    assert room.after(70, 31.0) == [True]
    room.devices.clear()
    assert room.after(5) == [False]


def test_a_change_is_yielded_until_it_was_told():
    room = Room()
    for _ in range(14):
        room.now += 5.0
        room.says(31.0)
    assert len(list(room.judge.due(room.devices, room.now))) == 1
    (change,) = list(room.judge.due(room.devices, room.now))
    room.judge.told(change)
    assert list(room.judge.due(room.devices, room.now)) == []


def test_a_rise_within_the_time_is_trouble_at_once_and_a_slow_one_is_none():
    room = Room(RISES)
    assert room.after(60, 20.0) == []
    assert room.after(5, 26.0) == [True]
    room = Room(RISES)
    slow = [room.after(60, 20.0 + 0.4 * minute) for minute in range(60)]
    assert not any(slow)


def test_that_it_rises_no_more_is_known_only_after_the_whole_time():
    room = Room(RISES)
    room.after(300, 20.0)
    assert room.after(5, 26.0) == [True]
    assert room.after(540, 26.0) == []
    assert room.after(400, 26.0) == [False]
    taken_up = Room(RISES)
    taken_up.says(26.0)
    assert taken_up.judge.adopt(taken_up.view, "room-hot", taken_up.now)
    assert taken_up.after(540, 26.0) == []  # nobody saw whether it had risen before
    assert taken_up.after(200, 26.0) == [False]


@pytest.mark.parametrize("name", ["room-cold", ""])
def test_what_is_judged_no_longer_is_not_taken_up(name):
    room = Room()
    assert not room.judge.adopt(room.view, name, room.now)
