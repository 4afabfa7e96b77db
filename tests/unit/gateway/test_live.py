"""What is known now, and how it is dated."""

import sys

from contract.alarm import Occurrence, acknowledge
from contract.clock import Stamp
from contract.message import Alarms, Device, Inventory, Readings
from contract.reading import Quality
from gateway.evidence import LiveFacts
from gateway.live import Live

NOW = 1_700_000_000.0


class TurnedClock:
    def __init__(self):
        self.now = 1000.0

    def stamp(self):
        return Stamp(wall=NOW + self.now, boottime=self.now, boot="g", trusted=True)

    def boottime(self):
        return self.now


def at(seconds):
    return Stamp(wall=NOW + seconds, boottime=seconds, boot="x", trusted=True)


def poll(seconds, **values):
    return Readings(
        device="ups-1", at=at(seconds), values={name.replace("_", "."): one for name, one in values.items()}
    )


def test_an_older_reading_never_replaces_a_newer_one():
    live = Live(TurnedClock())
    live.readings("hq", "a", poll(900.0, battery_charge=80.0), NOW + 900)
    live.readings("hq", "a", poll(500.0, battery_charge=99.0, ups_load=7.0), NOW + 901)
    readings = live.devices["hq", "a", "ups-1"].readings
    assert readings["battery.charge"].reading.value == 80.0
    assert readings["battery.charge"].at == NOW + 900
    assert readings["ups.load"].reading.value == 7.0


def test_polls_that_are_older_than_what_is_known_are_not_kept():
    live = Live(TurnedClock())
    live.readings("hq", "a", poll(900.0, battery_charge=80.0, ups_load=7.0), NOW + 900)
    old = [poll(float(second), battery_charge=99.0) for second in range(20)]
    free = [sys.getrefcount(message) for message in old]
    for index in range(len(old)):
        live.readings("hq", "a", old[index], NOW + 901)
    assert [sys.getrefcount(message) for message in old] == free
    assert live.devices["hq", "a", "ups-1"].readings["battery.charge"].reading.value == 80.0


def test_an_older_poll_that_nobody_has_asked_for_still_fills_what_is_missing():
    live = Live(TurnedClock())
    live.readings("hq", "a", poll(900.0, battery_charge=80.0), NOW + 900)
    doubtful = Readings(device="ups-1", at=at(500.0), quality={"ups.load": Quality.UNAVAILABLE})
    live.readings("hq", "a", doubtful, NOW + 901)
    assert live.devices["hq", "a", "ups-1"].readings["ups.load"].reading.quality is Quality.UNAVAILABLE


def test_a_reading_that_is_not_good_is_shown_and_not_drawn():
    live = Live(TurnedClock())
    message = Readings(device="ups-1", at=at(900.0), quality={"battery.charge": Quality.UNAVAILABLE})
    live.readings("hq", "a", message, NOW + 900)
    assert live.devices["hq", "a", "ups-1"].readings["battery.charge"].reading.quality is Quality.UNAVAILABLE
    assert live.history("hq", "a", "ups-1", "battery.charge", 0) == []


def test_the_history_is_an_hour_thinned_and_in_order():
    clock = TurnedClock()
    live = Live(clock)
    for second in range(10_000):
        live.readings("hq", "a", poll(float(second), battery_charge=second / 100), NOW + second)
    clock.now = 10_000.0
    points = live.history("hq", "a", "ups-1", "battery.charge", 0)
    assert len(points) == 360
    assert points == sorted(points)
    assert points[0] == (NOW + 6400, 64.0)
    assert live.history("hq", "a", "ups-1", "battery.charge", NOW + 9990) == [(NOW + 9990, 99.9)]


def test_a_device_that_left_the_inventory_is_forgotten():
    live = Live(TurnedClock())
    live.inventory("hq", "a", Inventory(devices=(Device(id="ups-1"), Device(id="ups-2"))))
    live.readings("hq", "a", poll(1.0, battery_charge=1.0), NOW)
    live.inventory("hq", "a", Inventory(devices=(Device(id="ups-2"),)))
    assert list(live.devices) == [("hq", "a", "ups-2")]
    assert live.history("hq", "a", "ups-1", "battery.charge", 0) == []


def test_an_alarm_is_seen_until_it_is_over_and_acknowledged():
    live = Live(TurnedClock())
    occurrence = Occurrence(id="o1", device="ups-1")
    live.alarm("hq", "a", Alarms(occurrence=occurrence))
    assert [one.agent for one in live.standing()] == ["a"]
    live.alarm("hq", "a", Alarms(occurrence=Occurrence(id="o1", device="ups-1", active=False)))
    assert len(live.standing()) == 1
    live.update("o1", acknowledge)
    assert live.standing() == []
    live.update("unknown", acknowledge)


def test_alarms_that_are_over_fill_no_memory():
    live = Live(TurnedClock())
    live.alarm("hq", "a", Alarms(occurrence=Occurrence(id="stands", device="ups-1")))
    for number in range(5000):
        live.alarm("hq", "a", Alarms(occurrence=Occurrence(id=f"o{number}", device="ups-1", active=False)))
    assert len(live.alarms) <= 2001
    assert set(live.alarms) == set(live.owners)
    assert "stands" in live.alarms


def test_watchers_hear_of_changes_while_they_watch():
    live = Live(TurnedClock())
    with live.changes() as changed:
        live.readings("hq", "a", poll(1.0, battery_charge=1.0), NOW)
        assert changed.is_set()
    changed.clear()
    live.readings("hq", "a", poll(2.0, battery_charge=1.0), NOW)
    assert not changed.is_set()


def test_a_wrong_clock_is_dated_by_the_boottime_at_sending():
    live = Live(TurnedClock())
    message = Readings(
        device="u", at=Stamp(wall=12.0, boottime=30.0, boot="y"), sent=40.0, values={"battery.charge": 1.0}
    )
    live.readings("hq", "a", message, NOW + 100)
    assert live.devices["hq", "a", "u"].readings["battery.charge"].at == NOW + 90


def test_the_last_hour_is_kept_of_what_is_charted_only():
    live = Live(TurnedClock(), ["battery.charge"])
    values = {"battery.charge": 5.0, "ups.load": 6.0}
    live.readings("hq", "a", Readings(device="u", at=Stamp(NOW, 5.0, "b", trusted=True), values=values), NOW)
    assert live.history("hq", "a", "u", "battery.charge", 0) == [(NOW, 5.0)]
    assert live.history("hq", "a", "u", "ups.load", 0) == []
    assert live.devices["hq", "a", "u"].readings["ups.load"].reading.value == 6.0


def test_devices_are_found_by_their_id_while_they_are_there():
    live = Live(TurnedClock())
    for agent in ("order-room", "depot"):
        live.inventory("hq", agent, Inventory(devices=(Device(id="ups-1", kind="ups"),)))
    assert LiveFacts(live).named("ups-1") == [("hq", "order-room", "ups-1"), ("hq", "depot", "ups-1")]
    assert LiveFacts(live).kind(("hq", "depot", "ups-1")) == "ups"
    live.inventory("hq", "depot", Inventory(devices=()))
    assert list(LiveFacts(live).named("ups-1")) == [("hq", "order-room", "ups-1")]
    assert not LiveFacts(live).named("ups-9")
    assert LiveFacts(live).kind(("hq", "depot", "ups-1")) == ""
