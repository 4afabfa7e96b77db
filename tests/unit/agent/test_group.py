"""So many of them must be ready, and who takes over."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.drivers.group import CountDriver, Given, GroupDriver
from agent.group import Wanted, counted, spoken, tally
from agent.members import Roll, Trial
from agent.memo import Memo
from agent.neighbours import LastHeard
from contract.reading import Reading

SEATS = tuple(f"seat-{number}" for number in range(1, 7))
SPARES = ("spare-1", "spare-2")
ROOM = Wanted(members=SEATS, spares=SPARES, need=6, reserve=2)
ALL = dict.fromkeys((*SEATS, *SPARES), True)


@pytest.mark.parametrize(
    ("changed", "flags", "spare"),
    [
        ({}, {"ENOUGH", "WHOLE", "SPARED"}, 2),
        ({"seat-2": False}, {"ENOUGH", "DEGRADED", "SPARELOW"}, 1),
        ({"seat-2": False, "seat-3": False}, {"ENOUGH", "DEGRADED", "NOSPARE"}, 0),
        ({"seat-2": False, "seat-3": False, "seat-4": False}, {"SHORT", "DEGRADED", "NOSPARE"}, 0),
        ({"spare-1": False}, {"ENOUGH", "WHOLE", "SPARELOW"}, 1),
        ({"spare-1": None}, {"ENOUGH", "WHOLE", "UNKNOWN"}, 1),
        ({"seat-2": None}, {"ENOUGH", "SPARED", "UNKNOWN"}, 2),
        ({"seat-2": False, "seat-3": False, "seat-4": None}, {"DEGRADED", "NOSPARE", "UNKNOWN"}, 0),
        (dict.fromkeys(ALL), {"UNKNOWN"}, 0),
        (dict.fromkeys(ALL, False), {"SHORT", "DEGRADED", "NOSPARE"}, 0),
    ],
)
def test_what_is_known_is_counted_and_what_is_not_is_neither(changed, flags, spare):
    found = tally(ROOM, ALL | changed, {})
    assert set(found.flags) == flags
    assert found.spare == spare


def test_the_first_ready_spare_takes_over_and_none_is_given_away_twice():
    found = tally(ROOM, ALL | {"seat-5": False}, {})
    assert found.takeover == {"seat-5": "spare-1"}
    found = tally(ROOM, ALL | {"seat-5": False, "seat-2": False}, found.takeover)
    assert spoken(found.takeover, SEATS) == "seat-2 → spare-2; seat-5 → spare-1"
    found = tally(ROOM, ALL | {"seat-2": False}, found.takeover)
    assert found.takeover == {"seat-2": "spare-2"}, "who has taken over stays"


def test_a_spare_that_fails_hands_over_to_the_next():
    found = tally(ROOM, ALL | {"seat-5": False, "spare-1": False}, {"seat-5": "spare-1"})
    assert found.takeover == {"seat-5": "spare-2"}


def test_a_seat_of_which_nobody_knows_takes_no_spare_and_gives_none_back():
    assert tally(ROOM, ALL | {"seat-5": None}, {}).takeover == {}
    assert tally(ROOM, ALL | {"seat-5": None}, {"seat-5": "spare-1"}).takeover == {"seat-5": "spare-1"}


def test_without_spares_by_name_whoever_is_ready_beyond_the_need_is_one():
    cars = Wanted(members=("a", "b", "c"), need=2, reserve=1)
    assert tally(cars, {"a": True, "b": True, "c": True}, {}).flags == ("ENOUGH", "SPARED", "WHOLE")
    found = tally(cars, {"a": True, "b": True, "c": False}, {})
    assert found.flags == ("DEGRADED", "ENOUGH", "NOSPARE")
    assert found.takeover == {}


@given(st.lists(st.lists(st.sampled_from([True, False, None]), min_size=8, max_size=8), min_size=1, max_size=8))
def test_whatever_comes_no_spare_is_with_two_and_short_and_enough_exclude_each_other(history):
    takeover = {}
    for row in history:
        ready = dict(zip((*SEATS, *SPARES), row, strict=True))
        found = tally(ROOM, ready, takeover)
        takeover = found.takeover
        assert len(set(takeover.values())) == len(takeover)
        assert all(ready[seat] is not True for seat in takeover)
        assert all(ready[spare] is not False for spare in takeover.values())
        assert not {"SHORT", "ENOUGH"} <= set(found.flags)
        if "ENOUGH" in found.flags:
            assert sum(each is True for each in row) >= 6


@pytest.mark.parametrize(("value", "said"), [(4.0, "ENOUGH"), (3.0, "SHORT"), (None, "UNKNOWN")])
def test_a_number_is_held_against_a_need(value, said):
    assert counted(value, 4.0) == (said,)


class HandClock:
    now = 100.0

    def boottime(self):
        return self.now


async def test_the_driver_says_who_is_down_and_who_takes_over_and_remembers_it(tmp_path):
    last, clock = LastHeard(), HandClock()
    wanted = Wanted(members=("s1", "s2"), spares=("r1", "r2"), need=2, reserve=1)

    def driver():
        return GroupDriver(wanted, Trial(), Roll(last, 60.0), clock, Memo(Given, tmp_path / "group.json"))

    async def read(subject, **contact):
        for device, value in contact.items():
            last.take(device, clock.now, 1.0, [Reading("x.contact", value)])
        return {each.quantity: each.value for each in await subject.read()}

    subject = driver()
    said = await read(subject, s1=1.0, s2=1.0, r1=1.0, r2=1.0)
    assert (said["group.ready"], said["group.down"], said["group.takeover"]) == (4.0, None, None)
    for _ in range(62):
        clock.now += 1.0
        said = await read(subject, s1=0.0, s2=1.0, r1=1.0, r2=1.0)
    assert said["group.down"] == "s1"
    assert said["group.takeover"] == "s1 → r1"
    assert said["group.status"] == ("DEGRADED", "ENOUGH", "SPARED")
    await subject.close()
    subject = driver()
    clock.now += 1.0
    said = await read(subject, s1=0.0, s2=1.0, r1=1.0, r2=1.0)
    assert said["group.takeover"] == "s1 → r1", "it was given before the restart"


async def test_a_number_of_a_device_that_is_not_heard_is_not_known():
    last, clock = LastHeard(), HandClock()
    subject = CountDriver("pbx", "x.psu.count", 2.0, Roll(last), clock)
    assert {each.quantity: each.value for each in await subject.read()}["group.status"] == ("UNKNOWN",)
    last.take("pbx", 100.0, 1.0, [Reading("x.psu.count", 1.0), Reading("x.contact", 1.0)])
    said = {each.quantity: each.value for each in await subject.read()}
    assert said == {"group.status": ("SHORT",), "group.ready": 1.0, "group.needed": 2.0}
