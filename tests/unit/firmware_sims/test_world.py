"""What feeds what, what hangs behind what, how warm it gets: the world of a site, on a clock by hand."""

import pytest

from firmware_sims.ups import Rating, Ups
from firmware_sims.world import Place, Room, State, World


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def ups(clock):
    return Ups(Rating(battery=10.0), clock, load=500.0)


@pytest.fixture
def world(clock, ups):
    made = World(clock, {"ups": ups})
    made.put("ups", Place())
    made.put("switch", Place(fed_by="ups", boot=60.0))
    made.put("host", Place(fed_by="ups", switch="switch", port="Gi0/3", boot=20.0))
    made.put("card", Place(switch="switch"))
    return made


def states(world):
    world.look()
    return [world.state(name).value for name in ("switch", "host", "card")]


def test_a_cut_is_survived_as_long_as_the_battery_lasts_and_then_everything_behind_it_is_dark(world, clock, ups):
    assert states(world) == ["up", "up", "up"]
    ups.cut()
    clock.now += 10
    assert states(world) == ["up", "up", "up"]
    clock.now += 600
    assert not ups.feeding
    assert states(world) == ["off", "off", "cut off"]
    assert world.links() == {("switch", "Gi0/3"): False}


def test_with_the_mains_back_each_boots_in_its_time_and_is_reached_once_its_switch_is(world, clock, ups):
    ups.cut()
    clock.now += 600
    world.look()
    ups.restore()
    world.look()
    assert world.links() == {("switch", "Gi0/3"): True}, "a booting host has its link up"
    clock.now += 30
    assert states(world) == ["booting", "cut off", "cut off"]
    clock.now += 31
    assert states(world) == ["up", "up", "up"]


def test_a_port_that_carries_nothing_cuts_off_what_hangs_there_and_nothing_else(world):
    world.shut_by(lambda switch, port: (switch, port) == ("switch", "Gi0/3"))
    assert states(world) == ["up", "cut off", "up"]


def test_what_is_switched_off_by_hand_boots_when_it_is_on_again(world, clock):
    world.switched_off.add("host")
    assert states(world) == ["up", "off", "up"]
    world.switched_off.clear()
    assert states(world) == ["up", "booting", "up"]
    clock.now += 20
    assert states(world) == ["up", "up", "up"]


def test_a_room_without_cooling_warms_by_a_first_order_law_however_often_anybody_looks(clock, ups):
    often, seldom = (World(clock, {"ups": ups}) for _ in range(2))
    for world in (often, seldom):
        world.rooms["room"] = Room(cooled_by="ups", cool=22.0, hot=45.0, constant=900.0, temperature=22.0)
    ups.cut()
    for _ in range(900):
        clock.now += 1
        often.look()
    seldom.look()
    assert often.rooms["room"].temperature == pytest.approx(22.0 + 23.0 * 0.632, abs=0.01)
    assert seldom.rooms["room"].temperature == pytest.approx(often.rooms["room"].temperature)
    ups.restore()
    clock.now += 9000
    seldom.look()
    assert seldom.rooms["room"].temperature == pytest.approx(22.0, abs=0.01)


def test_of_a_hot_standby_the_higher_one_is_active_and_one_that_comes_back_changes_nothing(clock, ups):
    world = World(clock, {"ups": ups})
    for name, priority in (("a", 150), ("b", 100)):
        world.put(name, Place())
        world.join("order", name, priority)
    world.look()
    assert world.master("order") == "a"
    world.switched_off.add("a")
    world.look()
    assert world.master("order") == "b"
    world.switched_off.clear()
    world.look()
    assert world.master("order") == "b"
    world.switched_off |= {"a", "b"}
    world.look()
    assert world.master("order") == ""
    assert world.state("nobody") is State.UP
