"""Alarms in the states of ISA-18.2."""

import msgspec
import pytest

from contract.alarm import (
    AlarmState,
    Occurrence,
    Standing,
    acknowledge,
    advance,
    report,
    shelve,
    suppress,
    take_out_of_service,
)
from contract.clock import Stamp

RAISED = Occurrence(id="o1", device="ups-1", condition="on-battery", since=Stamp(wall=100))
CLEARED = msgspec.structs.replace(RAISED, active=False, cleared=Stamp(wall=160))


def test_the_four_states_of_an_occurrence():
    alarm = report(None, RAISED)
    assert alarm.state(0) is AlarmState.UNACKNOWLEDGED
    assert acknowledge(alarm).state(0) is AlarmState.ACKNOWLEDGED
    assert report(alarm, CLEARED).state(0) is AlarmState.RETURNED_UNACKNOWLEDGED
    assert report(acknowledge(alarm), CLEARED).state(0) is AlarmState.NORMAL
    assert acknowledge(report(alarm, CLEARED)).state(0) is AlarmState.NORMAL


def test_a_repeated_report_changes_nothing():
    alarm = acknowledge(report(None, RAISED))
    assert report(alarm, RAISED) == alarm


def test_an_ended_occurrence_never_comes_back():
    alarm = report(report(None, RAISED), CLEARED)
    assert report(alarm, RAISED) == alarm


def test_a_new_occurrence_starts_unacknowledged():
    alarm = advance(acknowledge(report(None, RAISED)), Standing.OWNED)
    again = report(alarm, msgspec.structs.replace(RAISED, id="o2"))
    assert again.state(0) is AlarmState.UNACKNOWLEDGED
    assert again.standing is Standing.TAKEN


def test_shelving_ends_by_itself():
    alarm = shelve(report(None, RAISED), until=50)
    assert alarm.state(49.9) is AlarmState.SHELVED
    assert alarm.state(50) is AlarmState.UNACKNOWLEDGED


@pytest.mark.parametrize(
    "put_aside",
    [
        lambda alarm: shelve(alarm, 1e9),
        lambda alarm: suppress(alarm, suppressed=True),
        lambda alarm: take_out_of_service(alarm, out=True),
    ],
)
def test_what_was_put_aside_speaks_to_nobody_and_forgets_nothing(put_aside):
    alarm = acknowledge(report(None, RAISED))
    assert alarm.annunciates(0)
    aside = put_aside(alarm)
    assert not aside.annunciates(0)
    back = take_out_of_service(suppress(shelve(aside, 0), suppressed=False), out=False)
    assert back.state(0) is AlarmState.ACKNOWLEDGED


def test_what_has_returned_speaks_to_nobody():
    assert not report(report(None, RAISED), CLEARED).annunciates(0)


def test_out_of_service_stands_above_shelved_above_suppressed():
    alarm = suppress(shelve(report(None, RAISED), 50), suppressed=True)
    assert alarm.state(0) is AlarmState.SHELVED
    assert alarm.state(60) is AlarmState.SUPPRESSED
    assert take_out_of_service(alarm, out=True).state(0) is AlarmState.OUT_OF_SERVICE


def test_taken_told_owned_only_goes_forward():
    alarm = advance(report(None, RAISED), Standing.OWNED)
    assert advance(alarm, Standing.TOLD).standing is Standing.OWNED
    assert advance(report(None, RAISED), Standing.TOLD).standing is Standing.TOLD


def test_time_within_one_boot_runs_on_boottime():
    earlier = Stamp(wall=1000, boottime=10, boot="a")
    assert Stamp(wall=500, boottime=15, boot="a").since(earlier) == 5
    assert Stamp(wall=1060, boottime=3, boot="b").since(earlier) == 60
    assert Stamp(wall=1060).since(Stamp(wall=1000)) == 60
