import msgspec
import pytest

from agent import kinds
from agent.watch import Watch, Watched
from contract.alarm import Occurrence
from contract.clock import Stamp
from contract.condition import Condition, Phase, Progress, Test
from contract.message import Alarms, Hello, decode, encode
from contract.reading import Quality, Reading

ON_BATTERY = Condition(name="on-battery", quantity="ups.status", test=Test.HAS, flag="OB", off_delay=5.0)
HOT = Condition(name="hot", quantity="battery.temperature", test=Test.ABOVE, setpoint=45.0, on_delay=30.0)
OB = Reading("ups.status", ("OB",))
OL = Reading("ups.status", ("OL",))
WARM = Reading("battery.temperature", 50.0)


def at(seconds, *, boot="b1", wall=1000.0, trusted=True):
    return Stamp(wall + seconds, seconds, boot, trusted)


@pytest.fixture
def watch():
    ids = iter(f"id-{number}" for number in range(1, 100))
    return Watch("ups-1", [ON_BATTERY, HOT], lambda: next(ids))


def test_a_wrong_reading_raises_one_occurrence_at_once(watch):
    (change,) = watch.readings([OB], at(10))
    assert change.news is not None
    assert (change.news.id, change.news.active, change.news.since, change.news.raised) == ("id-1", True, at(10), at(10))
    assert change.news.value == ("OB",)
    assert watch.readings([OB], at(11)) == []
    assert watch.standing() == [change.news]


def test_the_off_delay_ends_it_with_the_same_id(watch):
    watch.readings([OB], at(10))
    (returning,) = watch.readings([OL], at(20))
    assert returning.news is None
    assert returning.kept.progress.phase is Phase.RETURNING
    assert watch.tick(at(24)) == []
    (ended,) = watch.tick(at(25))
    assert (ended.news.id, ended.news.active, ended.news.cleared) == ("id-1", False, at(25))
    assert watch.standing() == []


def test_a_new_trouble_has_a_new_id(watch):
    for moment, reading in ((10, OB), (20, OL), (26, OL), (30, OB)):
        watch.readings([reading], at(moment))
    assert [occurrence.id for occurrence in watch.standing()] == ["id-2"]


def test_since_is_when_the_trouble_was_seen_and_raised_when_the_delay_was_over(watch):
    (pending,) = watch.readings([WARM], at(10))
    assert pending.news is None
    (raised,) = watch.tick(at(40))
    assert (raised.news.since, raised.news.raised) == (at(10), at(40))


def test_what_a_delay_raises_says_the_reading_it_is_about(watch):
    watch.readings([WARM], at(10))
    watch.readings([Reading("battery.temperature", 52.0)], at(20))
    watch.readings([OL], at(39))  # other polls come in between
    (raised,) = watch.tick(at(40))
    assert raised.news.value == 52.0


def test_a_reading_that_is_not_good_ends_nothing(watch):
    watch.readings([OB], at(10))
    assert watch.readings([Reading("ups.status", None, Quality.UNAVAILABLE)], at(20)) == []
    assert len(watch.standing()) == 1


def restarted(changes, now):
    watch = Watch("ups-1", [ON_BATTERY, HOT], lambda: "new")
    kept = [msgspec.json.decode(msgspec.json.encode(change.kept), type=Watched) for change in changes]
    watch.restore(kept, now)
    return watch


def test_after_a_restart_an_alarm_goes_on_with_its_id(watch):
    other = restarted(watch.readings([OB], at(10)), at(15))
    assert [occurrence.id for occurrence in other.standing()] == ["id-1"]
    assert other.readings([OB], at(16)) == []
    other.readings([OL], at(17))
    (ended,) = other.tick(at(22))
    assert ended.news.id == "id-1"


def test_after_a_restart_a_delay_goes_on(watch):
    other = restarted(watch.readings([WARM], at(10)), at(20))
    assert other.tick(at(39)) == []
    (raised,) = other.tick(at(40))
    assert raised.news.since == at(10)


def test_after_a_reboot_an_alarm_goes_on_with_its_id(watch):
    other = restarted(watch.readings([OB], at(5000)), at(3, boot="b2", wall=9000.0))
    assert [occurrence.id for occurrence in other.standing()] == ["id-1"]
    (returning,) = other.readings([OL], at(4, boot="b2", wall=9000.0))
    assert returning.news is None
    (ended,) = other.tick(at(9, boot="b2", wall=9000.0))
    assert (ended.news.id, ended.news.active) == ("id-1", False)


def test_after_a_reboot_a_delay_counts_the_time_that_trusted_clocks_tell(watch):
    changes = watch.readings([WARM], at(5000))  # wall 6000
    other = restarted(changes, at(3, boot="b2", wall=6017.0))  # wall 6020
    assert other.tick(at(12, boot="b2", wall=6017.0)) == []
    (raised,) = other.tick(at(13, boot="b2", wall=6017.0))
    assert raised.news.since.wall == pytest.approx(6000.0)


@pytest.mark.parametrize("wall", [9000.0, 0.0])
def test_what_began_before_this_boot_can_be_told(watch, wall):
    changes = watch.readings([WARM], at(5000, wall=wall))
    now = at(3, boot="b2", wall=wall + 5600.0 if wall else 0.0)  # off for ten minutes; or the clock began anew
    other = restarted(changes, now)
    found = other.tick(at(33, boot="b2", wall=now.wall - 3))
    message = Alarms(epoch="0123456789abcdef", seq=1, at=now, occurrence=found[0].news)
    assert decode(Alarms, encode(message)) == message
    hello = Hello(epoch=message.epoch, at=now, standing=tuple(other.standing()))
    assert decode(Hello, encode(hello)) == hello
    kept = msgspec.json.decode(msgspec.json.encode(found[0].kept), type=Watched)
    assert kept.occurrence == message.occurrence


def test_after_a_reboot_with_an_untrusted_clock_a_delay_goes_on_as_if_no_time_had_passed(watch):
    changes = watch.readings([WARM], at(5000))
    other = restarted(changes, at(3, boot="b2", wall=0.0, trusted=False))
    assert other.tick(at(32, boot="b2")) == []
    assert len(other.tick(at(33, boot="b2"))) == 1


def test_conditions_that_are_gone_are_left_out():
    watch = Watch("ups-1", [ON_BATTERY], lambda: "new")
    watch.restore([Watched("ups-1", "hot", Progress(Phase.ACTIVE, 1.0, 1.0)), Watched("ups-2", "on-battery")], at(5))
    assert watch.standing() == []
    assert watch.tick(at(1e6)) == []


@pytest.mark.parametrize("flag", ["OB", "LB", "RB", "OVER", "BYPASS", "OFF", "FAULT", "COMM"])
def test_every_trouble_that_a_ups_can_tell_of_is_an_alarm_by_default(flag):
    watch = Watch("ups-1", kinds.conditions("ups", ()), lambda: "id")
    watch.readings([Reading("ups.status", (flag, "OL"))], at(0))
    watch.tick(at(61))
    assert len(watch.standing()) == 1


def test_a_ups_that_runs_empty_and_off_does_not_look_as_if_the_mains_were_back():
    watch = Watch("ups-1", kinds.conditions("ups", ()), lambda: "id")
    watch.readings([OB], at(0))
    for moment in range(1, 60):
        watch.readings([Reading("ups.status", ("OFF",))], at(moment))
        watch.tick(at(moment))
    assert {each.condition for each in watch.standing()} == {"on-battery", "output-off"}
    watch.readings([OL], at(60))
    watch.tick(at(66))
    assert watch.standing() == []


@pytest.mark.parametrize(
    ("heard", "stands"),
    [([], True), ([Reading("ups.status", None, Quality.UNAVAILABLE)], True), ([OL], False), ([OB], False)],
    ids=["nothing", "no answer", "it is over", "a new one"],
)
def test_what_is_known_to_stand_only_later_stands_on_unless_the_device_has_answered_since(watch, heard, stands):
    occurrence = Occurrence(id="old", device="ups-1", condition="on-battery")
    stood = Watched("ups-1", "on-battery", Progress(Phase.ACTIVE, 3.0, 3.0), occurrence, at(3))
    watch.readings(heard, at(10))
    assert watch.restore_late(stood, at(11)) is stands
    assert (occurrence in watch.standing()) is stands
    (change,) = watch.readings([OL], at(20)) or watch.readings([OB], at(21))
    assert (change.kept.occurrence.id == "old") is stands, "and it is judged on"


def test_what_stands_elsewhere_or_is_watched_no_longer_is_not_restored_late(watch):
    for device, condition in (("ups-2", "on-battery"), ("ups-1", "gone")):
        stood = Watched(device, condition, Progress(Phase.ACTIVE, 3.0, 3.0), Occurrence(id="old"), at(3))
        assert not watch.restore_late(stood, at(11))
    assert watch.standing() == []
