import asyncio
from contextlib import asynccontextmanager

import pytest

from agent.drivers.base import Identity, Lane
from agent.polling import POKE_GAP, Poller, phase
from agent.watch import Watch
from contract.clock import Stamp
from contract.command import Verb
from contract.condition import Condition, Test, Unknown
from contract.errors import CommandRefused, DeviceError, DeviceTimeout
from contract.reading import Quality, Reading

CONTACT = Condition(name="contact-lost", quantity="x.contact", test=Test.BELOW, setpoint=0.5)
LIMIT = 5.0
"""Seconds until a test that waits for polls gives up."""


class HandClock:
    def __init__(self):
        self.now = 0.0

    def boottime(self):
        return self.now

    def stamp(self):
        return Stamp(self.now, self.now, "boot", True)


class FakeDriver:
    """Answers what it is told to: readings, an error, or nothing at all."""

    identity = Identity()

    def __init__(self, *answers):
        self.answers = list(answers)
        self.lanes = []

    async def read(self, lane=Lane.ALL):
        self.lanes.append(lane)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer == "silence":
            await asyncio.Event().wait()
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def close(self): ...


class Sink:
    def __init__(self):
        self.polls = []
        self.changed = asyncio.Event()

    def __call__(self, device, at, readings, changes):
        self.polls.append((device, at, list(readings), changes))
        self.changed.set()

    async def wait_for(self, count):
        async with asyncio.timeout(LIMIT):
            while len(self.polls) < count:
                self.changed.clear()
                await self.changed.wait()


def poller(driver, sink, *, poll=0.01, slow=0.04, timeout=LIMIT, clock=None, watched=(CONTACT,)):
    watch = Watch("ups-1", watched, lambda: "id-1")
    return Poller("ups-1", driver, watch, sink, clock or HandClock(), poll=poll, slow=slow, timeout=timeout)


GOOD = [Reading("battery.charge", 97.0)]


async def test_a_poll_hands_on_the_readings_and_that_the_device_answers():
    sink = Sink()
    await poller(FakeDriver(GOOD), sink).poll_once(Lane.ALL)
    ((device, _, readings, changes),) = sink.polls
    assert device == "ups-1"
    assert readings == [*GOOD, Reading("x.contact", 1.0)]
    assert changes == []


@pytest.mark.parametrize(
    "trouble", [DeviceTimeout("no answer"), "silence", KeyError("a fault of ours")], ids=["error", "late", "fault"]
)
async def test_a_device_that_is_lost_raises_its_condition_and_is_logged_once(trouble, caplog):
    sink = Sink()
    subject = poller(FakeDriver(GOOD, trouble, trouble, GOOD), sink, timeout=0.01)
    for _ in range(4):
        await subject.poll_once(Lane.ALL)
    contacts = [readings[-1].value for _, _, readings, _ in sink.polls]
    assert contacts == [1.0, 0.0, 0.0, 1.0]
    news = [change.news for _, _, _, changes in sink.polls for change in changes if change.news]
    assert [(each.condition, each.active) for each in news] == [("contact-lost", True), ("contact-lost", False)]
    said = [record.message for record in caplog.records if "contact" in record.message]
    assert len(said) == 2
    assert "contact lost" in said[0]
    assert "back" in said[1]
    assert (subject.counters.polls, subject.counters.failures) == (4, 2)


async def test_two_polls_of_one_millisecond_have_two_times():
    sink, clock = Sink(), HandClock()
    polling = poller(FakeDriver(GOOD), sink, clock=clock)
    walls = {5.0: 9.0, 5.001: 9.0, 5.5: 9.5}  # the two clocks are rounded apart
    clock.stamp = lambda: Stamp(walls[clock.now], clock.now, "boot", True)
    for clock.now in (5.0, 5.0, 5.0, 5.001, 5.5):
        await polling.poll_once(Lane.ALL)
    assert [at.boottime for _, at, _, _ in sink.polls] == [5.0, 5.001, 5.002, 5.003, 5.5]
    assert [at.wall for _, at, _, _ in sink.polls] == [9.0, 9.001, 9.002, 9.003, 9.5]


async def test_an_alarm_does_not_end_while_the_device_is_silent():
    clock, sink = HandClock(), Sink()
    driver = FakeDriver([Reading("ups.status", ("OB",))], [Reading("ups.status", ("OL",))], DeviceTimeout("no answer"))
    on_battery = Condition(name="on-battery", quantity="ups.status", test=Test.HAS, flag="OB", off_delay=5.0)
    subject = poller(driver, sink, clock=clock, watched=[on_battery])
    for _ in range(20):
        await subject.poll_once(Lane.FAST)
        clock.now += 1.0
    assert [each.active for each in subject.watch.standing()] == [True], "mains was seen once, and not for 5 s"
    driver.answers = [[Reading("ups.status", ("OL",))]]
    for _ in range(7):
        await subject.poll_once(Lane.FAST)
        clock.now += 1.0
    assert subject.watch.standing() == []


@pytest.mark.parametrize("answer", [DeviceTimeout("no answer"), GOOD], ids=["silent", "says other things"])
async def test_a_condition_for_which_unknown_is_wrong_is_raised_when_nothing_is_said_of_it(answer):
    hot = Condition(name="hot", quantity="battery.temperature", test=Test.ABOVE, setpoint=45.0, unknown=Unknown.ALARM)
    subject = poller(FakeDriver(answer), Sink(), watched=[hot])
    await subject.poll_once(Lane.ALL)
    assert [each.condition for each in subject.watch.standing()] == ["hot"]


async def test_what_the_fast_lane_does_not_ask_is_not_unknown():
    hot = Condition(name="hot", quantity="battery.temperature", test=Test.ABOVE, setpoint=45.0, unknown=Unknown.ALARM)
    subject = poller(FakeDriver(GOOD), Sink(), watched=[hot])
    await subject.poll_once(Lane.FAST)
    assert subject.watch.standing() == []


async def test_evidence_that_json_cannot_carry_is_left_out():
    sink = Sink()
    await poller(FakeDriver([Reading("battery.charge", float("nan"), Quality.IMPLAUSIBLE)]), sink).poll_once(Lane.ALL)
    assert sink.polls[0][2][0] == Reading("battery.charge", None, Quality.IMPLAUSIBLE)


async def test_the_fast_lane_runs_every_interval_and_all_of_it_every_slow_one():
    driver, sink = FakeDriver(GOOD), Sink()
    task = asyncio.create_task(poller(driver, sink).run())
    await sink.wait_for(9)
    task.cancel()
    full = [at for at, lane in enumerate(driver.lanes) if lane is Lane.ALL]
    assert full[0] == 0
    assert 2 <= len(full) <= 4


async def test_a_device_slower_than_its_interval_keeps_its_phase_and_misses_polls():
    class Slow(FakeDriver):
        async def read(self, lane=Lane.ALL):
            await asyncio.sleep(0.025)
            return await super().read(lane)

    driver, sink = Slow(GOOD), Sink()
    subject = poller(driver, sink, poll=0.01, slow=0.08)
    task = asyncio.create_task(subject.run())
    await sink.wait_for(6)
    task.cancel()
    assert subject.counters.late >= 4
    assert Lane.ALL in driver.lanes[1:], "a full poll whose time was missed is made up for"


async def test_a_device_slower_than_its_interval_is_still_asked_for_everything_in_time():
    class Slow(FakeDriver):
        async def read(self, lane=Lane.ALL):
            await asyncio.sleep(0.05)  # two and a half intervals: every second time falls on a poll that is left out
            return await super().read(lane)

    driver, sink = Slow(GOOD), Sink()
    task = asyncio.create_task(poller(driver, sink, poll=0.02, slow=0.08).run())
    await sink.wait_for(13)
    task.cancel()
    assert driver.lanes[:13].count(Lane.ALL) >= 7


async def test_progress_is_that_polls_end_whatever_becomes_of_them():
    clock = HandClock()
    subject = poller(FakeDriver(DeviceTimeout("no answer")), Sink(), poll=1.0, timeout=2.0, clock=clock)
    clock.now = 6.0
    assert subject.moving(clock.now)
    clock.now = 6.1
    assert not subject.moving(clock.now)
    await subject.poll_once(Lane.FAST)
    assert subject.moving(clock.now)


def test_devices_are_spread_over_their_interval_a_few_at_a_time():
    assert [phase(number, 8, 1.0) for number in range(8)] == [0, 0, 0.25, 0.25, 0.5, 0.5, 0.75, 0.75]
    assert [phase(number, 3, 5.0) for number in range(3)] == [0, 5 / 3, 10 / 3]
    assert phase(1, 2, 0.1) == 0, "too short to be divided"
    assert all(0 <= phase(number, 50, interval) < interval for number in range(50) for interval in (0.5, 1.0, 30.0))


async def test_full_polls_of_many_devices_take_turns_and_the_first_one_is_full():
    driver, sink = FakeDriver(GOOD), Sink()
    task = asyncio.create_task(poller(driver, sink, slow=0.08).run(turn=5))
    await sink.wait_for(5)
    task.cancel()
    assert driver.lanes[0] is Lane.ALL
    assert Lane.ALL in driver.lanes[1:5], "without its turn it would be the eighth"


async def test_half_a_character_of_a_device_costs_neither_its_reading_nor_its_alarm():
    sink = Sink()
    driver = FakeDriver([Reading("device.model", "UPS \ud800"), Reading("ups.status", ("OB", "\udcff"))])
    await poller(driver, sink).poll_once(Lane.ALL)
    values = {reading.quantity: reading.value for reading in sink.polls[0][2]}
    assert values["device.model"] == "UPS ?"
    assert values["ups.status"] == ("OB", "?")


class TimedDriver(FakeDriver):
    """Notes when it was asked, on the loop's clock; ``busy`` seconds pass until it answers."""

    def __init__(self, *answers, busy=0.0):
        super().__init__(*answers)
        self.asked, self.busy = [], busy

    async def read(self, lane=Lane.ALL):
        self.asked.append(asyncio.get_running_loop().time())
        await asyncio.sleep(self.busy)
        return await super().read(lane)


async def test_a_poke_asks_at_once_for_what_matters_most():
    driver, sink = TimedDriver(GOOD), Sink()
    subject = poller(driver, sink, poll=60.0, slow=60.0)
    task = asyncio.create_task(subject.run())
    await sink.wait_for(1)
    began = asyncio.get_running_loop().time()
    subject.poke()
    await sink.wait_for(2)
    task.cancel()
    assert driver.asked[1] - began < POKE_GAP + 0.5
    assert driver.lanes == [Lane.ALL, Lane.FAST]


async def test_a_storm_of_pokes_is_no_storm_of_polls():
    driver, sink = TimedDriver(GOOD), Sink()
    subject = poller(driver, sink, poll=60.0, slow=60.0)
    task = asyncio.create_task(subject.run())
    began = asyncio.get_running_loop().time()
    while (now := asyncio.get_running_loop().time()) < began + 5 * POKE_GAP:
        subject.poke()
        await asyncio.sleep(0.002)
    task.cancel()
    gaps = [after - before for before, after in zip(driver.asked, driver.asked[1:], strict=False)]
    assert len(gaps) >= 2
    assert min(gaps) >= POKE_GAP - 0.01
    assert len(driver.asked) <= (now - began) / POKE_GAP + 2


async def test_pokes_leave_the_schedule_as_it_is():
    driver, sink = TimedDriver(GOOD), Sink()
    subject = poller(driver, sink, poll=0.3, slow=0.9)
    start = asyncio.get_running_loop().time() + 0.05
    task = asyncio.create_task(subject.run(start))
    while asyncio.get_running_loop().time() < start + 2.0:
        subject.poke()
        await asyncio.sleep(0.03)
    task.cancel()
    assert subject.counters.late == 0
    for tick in range(1, 6):
        due = start + tick * 0.3
        assert any(due <= asked < due + 0.1 for asked in driver.asked), f"the poll of {due - start:.1f} s was in time"
    full = [asked - start for asked, lane in zip(driver.asked, driver.lanes, strict=False) if lane is Lane.ALL]
    assert [round(each, 1) for each in full[:3]] == [0.0, 0.9, 1.8], "nor do they take the turn of a full one"


async def test_a_poke_while_it_is_asked_asks_again():
    driver, sink = TimedDriver(GOOD, busy=0.05), Sink()
    subject = poller(driver, sink, poll=60.0, slow=60.0)
    task = asyncio.create_task(subject.run())
    while not driver.asked:  # noqa: ASYNC110 - the first poll begins soon
        await asyncio.sleep(0.001)
    subject.poke()  # what the device says now may be of before the news
    await sink.wait_for(2)
    task.cancel()
    assert len(driver.asked) == 2


async def test_what_is_known_beside_is_said_with_every_poll_and_watched():
    beside = [Reading("x.traps", 3.0)]
    sink = Sink()
    many = Condition(name="many-traps", quantity="x.traps", test=Test.ABOVE, setpoint=2.0)
    watch = Watch("ups-1", (many,), lambda: "id-1")
    driver = FakeDriver(GOOD, DeviceTimeout("no answer"))
    subject = Poller(
        "ups-1", driver, watch, sink, HandClock(), poll=1.0, slow=1.0, timeout=LIMIT, beside=lambda _: beside
    )
    await subject.poll_once(Lane.FAST)
    await subject.poll_once(Lane.FAST)
    assert [Reading("x.traps", 3.0) in readings for _, _, readings, _ in sink.polls] == [True, True]
    assert [each.condition for each in watch.standing()] == ["many-traps"]


@asynccontextmanager
async def running(subject):
    task = asyncio.create_task(subject.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


class Actor(FakeDriver):
    """A driver whose device can do something."""

    verbs = frozenset({Verb.ON})

    async def act(self, verb, output, seconds):
        self.lanes.append((verb, output, seconds))
        return "done"


async def test_a_device_is_told_between_two_polls_and_looked_at_afterwards():
    driver, sink = Actor([Reading("ups.load", 1.0)]), Sink()
    subject = poller(driver, sink, poll=60.0, slow=60.0)
    async with running(subject):
        await sink.wait_for(1)
        assert await subject.act(Verb.ON, "siren", 5.0) == "done"
        await sink.wait_for(2)
    assert driver.lanes == [Lane.ALL, (Verb.ON, "siren", 5.0), Lane.FAST]


@pytest.mark.parametrize("driver", [FakeDriver([]), Actor([])])
async def test_a_device_that_cannot_do_it_says_so(driver):
    with pytest.raises(CommandRefused, match="it knows no battery-test"):
        await poller(driver, Sink()).act(Verb.BATTERY_TEST, "", 0.0)


class Faulty(Actor):
    async def act(self, verb, output, seconds):  # noqa: ARG002 - see Actor
        raise KeyError(output)


async def test_a_fault_in_a_driver_is_an_answer_to_a_command(caplog):
    with pytest.raises(DeviceError, match="a fault in its driver: KeyError"):
        await poller(Faulty([]), Sink()).act(Verb.ON, "siren", 5.0)
    assert [record for record in caplog.records if record.exc_info], "and stands in the log, for who mends it"
