"""What the fault harness calls a broken promise, on made-up evidence; and its schedules."""

from itertools import pairwise

import pytest
from faults.devices import MODULUS, Answer, decode, encode, read_log
from faults.evidence import Broken, Evidence, Kind, Life, Point, Row
from faults.judgement import judge
from faults.schedule import AGENTS, BROKER, GATEWAY, LINKS, STORE, conflict, flips, schedule
from faults.schedule import Kind as Broke
from hypothesis import given, settings
from hypothesis import strategies as st

AGENT, DEVICE, EPOCH = "agent-1", "ups-1a", "e1"
WALL = 1_000_000.0
"""Of boottime 0."""
STEP = 0.125


def said(count=80, *, battery=()):
    """One answer every 125 ms, from boottime 0; ``battery`` holds the numbers that say so."""
    return [
        Answer(number * STEP, WALL + number * STEP, DEVICE, number, number in battery, read=True)
        for number in range(1, count + 1)
    ]


def row(number, **more):
    at = number * STEP
    return Row(AGENT, EPOCH, number, DEVICE, number, at=at, seen=at + 0.05)._replace(**more)


def evidence(answers, **more):
    """Return what there is when all went well; ``more`` replaces parts of it."""
    well = Evidence(
        answers={AGENT: answers},
        lives=[Life(AGENT, EPOCH, 0.0, None, killed=False)],
        points=[Point(DEVICE, answer.number, answer.wall + 0.002) for answer in answers],
        rows=[row(answer.number) for answer in answers],
        named={},
        unsure=(),
    )
    return well._replace(**more)


def without(evidence, *numbers):
    """Return the same without these readings, in the journal and in the store."""
    return evidence._replace(
        points=[point for point in evidence.points if point.number not in numbers],
        rows=[row for row in evidence.rows if row.number not in numbers],
    )


def kinds(evidence):
    return [finding.kind for finding in judge(evidence).findings]


def killed(at=10.1):
    return [Life(AGENT, EPOCH, 0.0, at, killed=True)]


def test_where_all_is_there_nothing_is_found():
    verdict = judge(evidence(said()))
    assert not verdict.findings
    assert (verdict.answers, verdict.stored, verdict.excused, verdict.unread) == (80, 80, 0, 0)


def test_a_missing_reading_of_an_agent_that_lived_is_lost_named_or_not():
    for named in ({}, {EPOCH: {40}}):
        assert kinds(without(evidence(said(), named=named), 40)) == [Kind.LOST]


def test_a_killed_agent_may_lose_what_it_had_had_for_a_second_if_it_is_named():
    gone = without(evidence(said(), lives=killed()), 78)
    assert kinds(gone) == [Kind.UNNAMED]
    assert kinds(gone._replace(named={"another": {78}})) == [Kind.UNNAMED]
    verdict = judge(gone._replace(named={EPOCH: {78}}))
    assert (list(verdict.findings), verdict.excused) == ([], 1)


def test_the_end_of_a_killed_agent_is_named_by_calling_it_unsure():
    gone = without(evidence(said(), lives=killed()), 79, 80)
    assert kinds(gone) == [Kind.UNNAMED_END]
    verdict = judge(gone._replace(unsure={EPOCH}))
    assert (list(verdict.findings), verdict.excused) == ([], 2)
    assert not judge(gone._replace(named={EPOCH: {79, 80}})).findings
    assert kinds(without(evidence(said(), lives=killed(), unsure={EPOCH}), 78, 79)) == [Kind.UNNAMED]


def test_what_a_killed_agent_had_had_longer_must_not_be_missing():
    gone = without(evidence(said(), lives=killed(), named={EPOCH: {40}}), 40)
    assert kinds(gone) == [Kind.LOST]
    two_seconds = without(evidence(said(), lives=killed(), named={EPOCH: {63}}), 63)
    assert kinds(two_seconds) == [Kind.LOST]
    # The same where the agent had no turn for most of it.
    answers = [answer for answer in said() if answer.number <= 63]
    assert not kinds(
        without(evidence([*answers, said()[-1]._replace(number=64)], lives=killed(), named={EPOCH: {63}}), 63)
    )


def test_an_answer_on_its_way_when_the_agent_ended_was_never_had():
    answers = said()
    answers[-1] = answers[-1]._replace(read=False)
    verdict = judge(without(evidence(answers, lives=killed()), 80))
    assert (list(verdict.findings), verdict.unread) == ([], 1)


def test_an_answer_that_came_after_the_drivers_patience_was_never_had():
    answers = said(40)
    answers[-1] = answers[-1]._replace(read=False)
    for wait, found in ((0.2, [Kind.LOST]), (1.6, [])):
        at = answers[-1].at + wait
        later = Answer(at, WALL + at, DEVICE, 41, battery=False, read=True)
        assert kinds(without(evidence([*answers, later]), 40)) == found


def test_what_the_journal_has_and_the_store_has_not_is_lost():
    well = evidence(said(), lives=killed(), named={EPOCH: {80}}, unsure={EPOCH})
    points = [point for point in well.points if point.number != 80]
    assert Kind.LOST in kinds(well._replace(points=points, named={}))


def test_two_readings_of_one_millisecond_are_told_apart_from_loss():
    well = evidence(said())
    rows = [row(one.number, at=5.0) if one.number in {40, 41} else one for one in well.rows]
    points = [point for point in well.points if point.number != 40]
    assert kinds(well._replace(rows=rows, points=points)) == [Kind.OVERWRITTEN]


def test_what_is_there_must_not_be_named_lost():
    assert kinds(evidence(said(), named={EPOCH: {7}})) == [Kind.FALSELY_NAMED]


def test_a_point_that_stands_twice_is_found():
    well = evidence(said())
    again = Point(DEVICE, 40, WALL + 40 * STEP + 0.1)
    assert kinds(well._replace(points=[*well.points, again])) == [Kind.DUPLICATE]


def test_a_number_that_the_journal_has_twice_is_found():
    well = evidence(said())
    assert kinds(well._replace(rows=[*well.rows, row(40)])) == [Kind.DUPLICATE, Kind.DUPLICATE]
    assert kinds(well._replace(rows=[*well.rows, row(40, seq=99)])) == [Kind.DUPLICATE]


@pytest.mark.parametrize(
    ("off", "trusted", "kind"),
    [
        (-2.1, True, Kind.WRONG_TIME),
        (2.4, True, Kind.WRONG_TIME),
        (2.4, False, Kind.GUESSED_TIME),
        (3600.2, True, Kind.STEPPED_TIME),
        (-3600.0, False, Kind.STEPPED_TIME),
    ],
)
def test_a_wrong_time_is_found(off, trusted, kind):
    well = evidence(said())
    points = [point._replace(wall=point.wall + off) if point.number == 40 else point for point in well.points]
    rows = [one._replace(trusted=trusted) if one.number == 40 else one for one in well.rows]
    assert kinds(well._replace(points=points, rows=rows)) == [kind]


def test_a_device_that_was_asked_again_late_may_have_been_stamped_late():
    answers = [answer for answer in said() if not 40 < answer.number < 70]
    answers = [one._replace(number=one.number - 29) if one.number >= 70 else one for one in answers]
    well = evidence(answers)
    points = [Point(DEVICE, 40, WALL + 8.7) if point.number == 40 else point for point in well.points]
    assert not kinds(well._replace(points=points))


def test_a_value_that_nobody_said_is_found():
    well = evidence(said())
    for number in (-1, 4711):
        assert kinds(well._replace(points=[*well.points, Point(DEVICE, number, WALL)])) == [Kind.INVENTED]


def test_what_vanished_from_the_journal_is_found():
    assert kinds(evidence(said(), vanished=["row 5"])) == [Kind.VANISHED]


BATTERY = frozenset(range(40, 61))


def alarm(seq, *, active, seen, occurrence="o-1", since=40 * STEP + 0.01):
    return Row(AGENT, EPOCH, seq, DEVICE, occurrence=occurrence, active=active, since=since, seen=seen)


def on_battery(*alarms, count=80, **more):
    well = evidence(said(count, battery=BATTERY))
    return well._replace(rows=[*well.rows, *alarms], **more)


RAISED = alarm(101, active=True, seen=40 * STEP + 0.2)
CLEARED = alarm(102, active=False, seen=61 * STEP + 0.2)


def test_an_alarm_that_is_raised_and_cleared_once_in_time_is_right():
    verdict = judge(on_battery(RAISED, CLEARED, incidents=["o-1"]))
    assert not verdict.findings
    assert verdict.latencies == [pytest.approx(0.2)]
    assert verdict.behind == 0


def test_an_alarm_that_never_came_is_found():
    assert Kind.ALARM_LOST in kinds(on_battery())


def test_what_a_standing_alarm_covers_needs_no_other_one():
    """Mains came back for a moment that the agent was killed in: it still holds the old one to be standing."""
    before = alarm(101, active=True, seen=1.0, since=1.0)
    after = alarm(102, active=False, seen=8.0, since=1.0)
    assert not kinds(on_battery(before, after._replace(at=61 * STEP)))
    assert kinds(on_battery(before, after._replace(at=30 * STEP))) == [Kind.ALARM_LOST]


def test_an_alarm_that_came_late_is_found_unless_its_way_was_broken():
    late = alarm(101, active=True, seen=40 * STEP + 2.2)
    assert kinds(on_battery(late, CLEARED)) == [Kind.ALARM_LATE]
    assert not kinds(on_battery(late, CLEARED, broken=[Broken(AGENT, 0.0, 40 * STEP + 0.5)]))
    assert not kinds(on_battery(late, CLEARED, broken=[Broken(AGENT, 40 * STEP + 1.9, 90.0)]))
    assert kinds(on_battery(late, CLEARED, broken=[Broken("agent-2", 0.0, 90.0)])) == [Kind.ALARM_LATE]


def test_an_alarm_that_waited_comes_at_once_when_its_agent_is_heard_again():
    """Its agent is cut off from before it began until second 20, and its new readings come again a moment later."""

    def cut(seen, *, heard=20.0):
        raised, cleared = alarm(401, active=True, seen=seen), alarm(402, active=False, seen=seen)
        well = on_battery(raised, cleared, count=320, broken=[Broken(AGENT, 30 * STEP, 20.0)])
        old = [one._replace(seen=20.1) if 30 <= one.number < 100 else one for one in well.rows]
        return well._replace(
            rows=[one._replace(seen=max(one.seen, heard)) if one.number >= 100 else one for one in old]
        )

    assert not kinds(cut(20.0))
    assert not kinds(cut(22.0))
    assert kinds(cut(22.2)) == [Kind.ALARM_LATE]
    assert kinds(cut(22.2)._replace(broken=[Broken(AGENT, 30 * STEP, 20.0, full=True)])) == [Kind.ALARM_UNKEPT]
    assert not kinds(cut(22.2)._replace(broken=[Broken(AGENT, 30 * STEP, 20.0), Broken(AGENT, 21.0, 23.0)]))
    # Old readings came at 20.1 and new ones not before 23: TCP held them, and the alarm with them.
    assert not kinds(cut(23.0, heard=23.0))
    assert kinds(cut(25.2, heard=23.0)) == [Kind.ALARM_LATE]


def test_alarms_while_backlog_is_replayed_are_counted():
    well = on_battery(RAISED, CLEARED)
    rows = [one._replace(seen=40 * STEP + 0.3) if 0 < one.number < 8 else one for one in well.rows]
    assert judge(well._replace(rows=rows)).behind == 1


def test_an_occurrence_is_recorded_once():
    assert kinds(on_battery(RAISED, CLEARED, alarm(103, active=True, seen=9.0))) == [Kind.ALARM_TWICE]
    two = [alarm(103, active=True, seen=9.0, occurrence="o-2"), alarm(104, active=False, seen=9.0, occurrence="o-2")]
    assert kinds(on_battery(RAISED, CLEARED, *two)) == [Kind.ALARM_TWICE]
    assert kinds(on_battery(RAISED, CLEARED, incidents=["o-1", "o-1"])) == [Kind.ALARM_TWICE]


def test_an_occurrence_whose_end_is_not_there_is_found():
    assert kinds(on_battery(RAISED)) == [Kind.ALARM_ENDLESS]


def test_an_agent_whose_way_is_whole_again_is_heard_soon():
    def silent(until, *, full):
        answers = said(400)
        well = evidence(answers, broken=[Broken(AGENT, 5.0, 10.0, full=full)])
        return well._replace(rows=[row(a.number, seen=until if 5.0 < a.at < until else a.at + 0.05) for a in answers])

    assert not kinds(silent(12.9, full=True))
    assert kinds(silent(13.2, full=True)) == [Kind.UNKEPT]
    assert not kinds(silent(34.9, full=False))
    assert kinds(silent(35.2, full=False)) == [Kind.SILENT]
    twice = silent(35.2, full=False)
    assert not kinds(twice._replace(broken=[*twice.broken, Broken(AGENT, 30.0, 31.0)]))


@given(st.integers(1, MODULUS - 1))
def test_a_number_is_read_as_it_was_written(number):
    volts, out, load = encode(number)
    assert decode({"input.voltage": volts, "output_voltage": out, "ups.load": load}) == number
    assert decode({"input.voltage": volts, "output_voltage": out, "ups.load": load + 1}) == -1


def test_a_point_without_a_number_and_one_of_half_a_number():
    assert decode({"x.contact": 0.0}) is None
    assert decode({"input_voltage": 230.0}) == -1


def test_an_answer_is_had_once_its_connection_asks_again():
    log = "1 101 a a/1 1 0\n1.1 101.1 b b/1 1 0\n2 102 a a/1 2 1\n4 104 a a/2 3 0\n5 105 a a/2 0 0\n6 106 b b/1"
    had = [(answer.device, answer.number, answer.battery, answer.read) for answer in read_log(log)]
    assert had == [("a", 1, False, True), ("b", 1, False, False), ("a", 2, True, False), ("a", 3, False, True)]
    assert not read_log("1 101 a a/1 1 0\n2.6 102.6 a a/1 2 0\n")[0].read


EVERYTHING = {
    **{agent: {Broke.KILL, Broke.TERM, Broke.FULL, Broke.STEP, *LINKS} for agent in AGENTS},
    GATEWAY: {Broke.KILL, Broke.TERM, Broke.FULL, Broke.STEP, *LINKS},
    BROKER: {Broke.KILL, Broke.TERM},
    STORE: {Broke.KILL, Broke.TERM, *LINKS},
}


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([40.0, 60.0, 150.0]))
def test_a_schedule_has_every_kind_and_never_two_faults_where_one_must_be(seed, seconds):
    faults = schedule(seed, seconds, EVERYTHING)
    assert faults == schedule(seed, seconds, EVERYTHING)
    assert {fault.kind for fault in faults} == set(Broke)
    assert not [1 for one in faults for other in faults if one is not other and conflict(one, other)]
    assert all(0.0 < fault.at < fault.until <= seconds for fault in faults)
    assert all(fault.kind in EVERYTHING[fault.target] for fault in faults)
    assert faults == sorted(faults, key=lambda fault: fault.at)


@given(st.integers(0, 2**32))
def test_what_is_not_possible_is_not_planned_and_the_rest_is(seed):
    only = {AGENTS[0]: {Broke.KILL}, BROKER: {Broke.TERM}}
    assert {(fault.kind, fault.target) for fault in schedule(seed, 40.0, only)} == {
        (Broke.KILL, AGENTS[0]),
        (Broke.TERM, BROKER),
    }
    assert schedule(seed, 40.0, {}) == []


def test_seeds_differ():
    assert len({tuple(schedule(seed, 40.0, EVERYTHING)) for seed in range(20)}) == 20


@given(st.integers(0, 2**32))
def test_a_device_fails_again_only_after_it_is_back(seed):
    planned = flips(seed, 40.0, ["a", "b"])
    assert planned == flips(seed, 40.0, ["a", "b"])
    for device in ("a", "b"):
        its = [flip for flip in planned if flip.device == device]
        assert all(one.until < other.at for one, other in pairwise(its))
