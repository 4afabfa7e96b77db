"""Two agents under one name: only who goes on speaking, though another has replaced them, is a second agent."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.twins import QUIET, SPREAD, Twins

A, B, C = "a" * 16, "b" * 16, "c" * 16
KEY = ("hq", "room")


class Room:
    """One name, and the verbs of a timetable; what each returns is whether two speak."""

    def __init__(self):
        self.twins = Twins()

    def hello(self, now, epoch):
        self.twins.hello(*KEY, epoch, now)
        return self.two(now)

    def beats(self, start, end, *epochs, step=10):
        for now in range(start, end, step):
            for epoch in epochs:
                self.twins.state(*KEY, epoch, float(now))
        return self.two(end)

    def two(self, now):
        return KEY in self.twins.standing(now)


def test_a_cloned_card_is_found_within_half_a_minute():
    room = Room()
    room.hello(0, A)
    assert not room.beats(0, 100, A)
    room.hello(100, B)  # the clone is switched on
    assert not room.beats(101, 112, A, B)
    assert room.beats(121, 131, A, B)
    assert room.twins.epochs(*KEY, 131) == (A, B)


def test_two_that_push_each_other_off_the_broker_are_found():
    room = Room()
    for now in range(0, 20, 2):
        room.hello(now, A)
        room.hello(now + 1, B)
    assert room.two(20)


def test_it_stands_until_only_one_has_been_heard_for_minutes():
    room = Room()
    room.hello(0, A)
    room.hello(50, B)
    assert room.beats(60, 200, A, B)
    assert room.beats(200, 480, A)  # the other one is switched off
    assert not room.beats(480, 520, A)
    assert room.twins.epochs(*KEY, 520) == (A,)
    assert not room.beats(520, 2000, A)
    room.hello(2000, C)  # and this one is started again
    assert not room.beats(2001, 2400, C)


def test_the_one_that_was_switched_off_is_found_when_it_comes_back():
    room = Room()
    room.hello(0, A)
    room.hello(50, B)
    room.beats(60, 200, A, B)
    assert not room.beats(200, 600, A)
    room.hello(600, B)
    assert room.beats(601, 640, A, B)


def test_restarts_are_none_however_fast_they_come():
    room = Room()
    for number in range(100):
        epoch = f"{number:016x}"
        assert not room.hello(number * 3, epoch)
        assert not room.beats(number * 3, number * 3 + 3, epoch, step=1)


def test_a_line_that_comes_back_is_none():
    room = Room()
    for now in range(0, 600, 20):
        assert not room.hello(now, A)
        assert not room.beats(now, now + 20, A)


def test_what_was_long_under_way_is_none():
    room = Room()
    room.hello(0, A)
    room.beats(0, 50, A)
    room.hello(60, B)
    for _ in range(5):  # the broker hands out what the old process said last
        room.twins.state(*KEY, A, 61.0)
        room.hello(62, A)
    assert not room.beats(63, 2000, B)


def test_a_gateway_that_starts_while_two_speak_finds_them():
    assert Room().beats(0, 40, A, B)


def test_names_are_told_apart():
    twins = Twins()
    for now in range(0, 100, 10):
        twins.state("hq", "one", A, now)
        twins.state("hq", "two", B, now)
        twins.state("depot", "one", C, now)
    assert twins.standing(100) == set()


@given(st.lists(st.tuples(st.floats(0.1, 60.0), st.booleans(), st.booleans()), max_size=60))
def test_one_process_at_a_time_is_never_two(story):
    """Whatever one agent does, with restarts and hellos at any time: it never speaks with an epoch it has left."""
    twins, now, epoch = Twins(), 0.0, 0
    for pause, restart, hello in story:
        now += pause
        epoch += restart
        (twins.hello if hello or restart else twins.state)(*KEY, f"{epoch:016x}", now)
        assert twins.standing(now) == set()


@given(st.lists(st.tuples(st.floats(0.1, QUIET / 3), st.sampled_from([A, B])), max_size=80))
def test_it_stands_only_while_both_are_heard(story):
    twins, now, heard = Twins(), 0.0, {}
    for pause, epoch in story:
        now += pause
        twins.state(*KEY, epoch, now)
        heard[epoch] = now
        both = {one for one, at in heard.items() if now - at <= QUIET} == {A, B}
        assert both or not twins.standing(now)
    assert not twins.standing(now + QUIET + SPREAD)
