"""What the truth of the battery adds to a UPS's driver."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.battery.driver import BatteryDriver, Kept
from agent.battery.model import Known, Run
from agent.drivers.base import Identity, Lane
from agent.memo import Memo
from contract.clock import Stamp
from contract.errors import DeviceTimeout
from contract.reading import Quality, Reading, judged

PROMISE = 5 * 3600.0


class HandClock:
    def __init__(self):
        self.now, self.boot = 1000.0, "one"

    def boottime(self):
        return self.now

    def stamp(self):
        return Stamp(1e9 + self.now, self.now, self.boot, True)


class Fake:
    identity = Identity(model="UPS 3000")

    def __init__(self):
        self.said = {}
        self.error = None

    async def read(self, _lane=Lane.ALL):
        if self.error:
            raise self.error
        return [judged(name, value) for name, value in self.said.items()]

    async def close(self): ...


class Bench:
    def __init__(self, path=None):
        self.fake, self.clock, self.path = Fake(), HandClock(), path
        self.restart()

    def restart(self):
        self.driver = BatteryDriver(self.fake, self.clock, Memo(Kept, self.path), PROMISE)

    async def say(self, flags, after=1.0, lane=Lane.ALL, **values):
        self.clock.now += after
        named = {name.replace("_", "."): value for name, value in values.items()}
        self.fake.said = {"ups.status": tuple(flags.split()) if flags else None, **named}
        return {each.quantity: each for each in await self.driver.read(lane)}


GOOD = {"ups_load": 50.0, "battery_charge": 100.0, "battery_runtime": 7200.0, "battery_temperature": 25.0}


async def test_before_any_lesson_the_claim_is_taken_with_a_wide_error_and_called_unproven():
    said = await Bench().say("OL", **GOOD)
    assert said["x.battery.elapsed"].value == 0.0
    assert said["x.battery.runtime.learned"].value == pytest.approx(7200.0, rel=0.01)
    assert said["x.battery.runtime.error"].value > 3000.0
    assert said["x.battery.promise"].value == ("SHORT", "UNPROVEN")


async def test_where_nothing_is_claimed_nothing_is_made_up():
    said = await Bench().say("OL", ups_load=50.0)
    assert said["x.battery.runtime.learned"].quality is Quality.UNAVAILABLE
    assert said["x.battery.promise"].value == ("UNKNOWN", "UNPROVEN")
    said = await Bench().say("OL", ups_load=50.0, battery_runtime=-1.0)
    assert said["x.battery.runtime.learned"].quality is Quality.UNAVAILABLE


async def test_the_fast_lane_on_mains_adds_nothing():
    bench = Bench()
    await bench.say("OL", **GOOD)
    assert set(await bench.say("OL", lane=Lane.FAST)) == {"ups.status"}
    assert "x.battery.elapsed" in await bench.say("OB", lane=Lane.FAST)


async def test_the_clock_of_the_outage_survives_a_restart_of_the_agent(tmp_path):
    bench = Bench(tmp_path / "battery.json")
    await bench.say("OL", **GOOD)
    await bench.say("OB DISCHRG", **GOOD)
    await bench.say("OB DISCHRG", after=100.0, **GOOD)
    await bench.driver.close()
    bench.restart()
    said = await bench.say("OB DISCHRG", after=50.0, **GOOD)
    assert said["x.battery.elapsed"].value == 150.0


async def test_a_lost_card_raises_what_it_raised_and_the_clock_runs_on():
    bench = Bench()
    await bench.say("OB", **GOOD)
    bench.fake.error = DeviceTimeout("no answer")
    with pytest.raises(DeviceTimeout):
        await bench.say("OB")
    bench.fake.error = None
    said = await bench.say("OB", after=600.0, **GOOD)
    assert said["x.battery.elapsed"].value == 601.0


async def test_a_discharge_to_the_end_teaches_what_the_claim_hid():
    bench = Bench()
    await bench.say("OL", **GOOD)
    await bench.say("OB", **GOOD)
    for _ in range(60):
        await bench.say("OB", after=60.0, **GOOD)
    await bench.say("OB LB", after=1.0, **GOOD)
    bench.fake.error = DeviceTimeout("the card died with its UPS")
    with pytest.raises(DeviceTimeout):
        await bench.say("")
    bench.fake.error = None
    await bench.say("OL", after=3600.0, **GOOD)
    said = await bench.say("OL", after=86400.0, **GOOD)
    assert said["x.battery.runtime.learned"].value == pytest.approx(3661.0, rel=0.1)
    assert said["x.battery.promise"].value == ("SHORT",)


async def test_mains_that_comes_back_while_the_card_is_silent_is_not_taken_for_an_empty_battery():
    bench = Bench()
    await bench.say("OB", **GOOD)
    await bench.say("OB", after=600.0, **GOOD)
    await bench.say("OL", after=3600.0, **GOOD)
    said = await bench.say("OL", after=6.0, **GOOD)
    assert said["x.battery.promise"].value == ("SHORT", "UNPROVEN")
    assert said["x.battery.runtime.learned"].value > 5000.0


async def test_a_battery_that_is_not_full_again_yet_lasts_less_long_whatever_the_ups_calls_full():
    bench = Bench()
    await bench.say("OL", **GOOD)
    before = (await bench.say("OL", **GOOD))["x.battery.runtime.learned"].value
    await bench.say("OB", **GOOD)
    for _ in range(30):
        await bench.say("OB", after=60.0, **GOOD)
    await bench.say("OL", after=10.0, **GOOD)
    after = (await bench.say("OL", after=10.0, **GOOD))["x.battery.runtime.learned"].value
    assert after < 0.85 * before


async def test_a_self_test_is_no_outage_and_a_status_that_is_not_known_changes_nothing():
    bench = Bench()
    said = await bench.say("CAL DISCHRG OB", **GOOD)
    assert said["x.battery.elapsed"].value == 0.0
    await bench.say("OL", **GOOD)
    await bench.say("OB", **GOOD)
    said = await bench.say("", after=30.0, **GOOD)
    assert said["x.battery.elapsed"].value == 30.0


async def test_the_readings_of_the_device_are_handed_on_as_they_are():
    bench = Bench()
    said = await bench.say("OL", **GOOD, input_voltage=9999.0)
    assert said["input.voltage"] == Reading("input.voltage", 9999.0, Quality.IMPLAUSIBLE)
    assert bench.driver.identity.model == "UPS 3000"


async def test_an_outage_that_was_there_before_the_agent_counts_from_where_the_ups_says():
    bench = Bench()
    said = await bench.say("OB", **GOOD, **{"x_ups_on-battery_time": 900.0})
    assert said["x.battery.elapsed"].value == 900.0
    assert (await bench.say("OB", after=10.0, **GOOD))["x.battery.elapsed"].value == 910.0
    bench = Bench()
    await bench.say("OL", **GOOD)
    said = await bench.say("OB", **GOOD, **{"x_ups_on-battery_time": 900.0})
    assert said["x.battery.elapsed"].value == 0.0, "it saw the beginning itself"


async def test_an_output_that_somebody_switched_off_teaches_nothing():
    bench = Bench()
    await bench.say("OL", **GOOD)
    before = (await bench.say("OL", **GOOD))["x.battery.endurance"].value
    await bench.say("OB", **GOOD)
    await bench.say("OB", after=300.0, **GOOD)
    await bench.say("OFF", **GOOD)
    said = await bench.say("OL", after=86400.0, **GOOD)
    assert said["x.battery.endurance"].value == before


async def test_a_long_calibration_is_no_finding():
    bench = Bench()
    values = GOOD | {"battery_runtime": 8 * 3600.0}
    assert (await bench.say("OL", **values))["x.battery.promise"].value == ("KEPT", "UNPROVEN")
    for _ in range(20):
        said = await bench.say("CAL DISCHRG", after=600.0, **values)
    assert said["x.battery.promise"].value == ("KEPT", "UNPROVEN")


async def test_a_temperature_of_zero_is_a_probe_that_is_not_there():
    bench = Bench()
    warm = await bench.say("OL", **GOOD | {"battery_temperature": 25.0})
    none = await bench.say("OL", **GOOD | {"battery_temperature": 0.0})
    assert none["x.battery.endurance"].value == warm["x.battery.endurance"].value


async def test_a_battery_that_died_at_once_without_a_warning_is_known_by_its_card_that_started_anew():
    bench = Bench()
    assert (await bench.say("OL", **GOOD | {"battery_runtime": 8 * 3600.0}))["x.battery.promise"].value[0] == "KEPT"
    await bench.say("OB", after=1.0, **GOOD)
    await bench.say("OB", after=3.0, **GOOD)
    await bench.say("OL", after=1800.0, **GOOD, device_uptime=40.0)
    said = await bench.say("OL", after=86400.0, **GOOD)
    assert said["x.battery.runtime.learned"].value < 30.0
    assert said["x.battery.promise"].value == ("SHORT",)
    bench = Bench()
    await bench.say("OL", **GOOD | {"battery_runtime": 8 * 3600.0})
    await bench.say("OB", after=1.0, **GOOD)
    await bench.say("OL", after=1800.0, **GOOD, device_uptime=1e6)
    said = await bench.say("OL", after=86400.0, **GOOD)
    assert said["x.battery.promise"].value == ("SHORT", "UNPROVEN"), "the card went on: only its line was cut"


@pytest.mark.parametrize("claim", [0.0, -1.0, 65535.0, 3932100.0])
async def test_a_claim_that_stands_for_none_is_none(claim):
    said = await Bench().say("OL", **GOOD | {"battery_runtime": claim})
    assert said["x.battery.runtime.learned"].quality is Quality.UNAVAILABLE


POLL = st.fixed_dictionaries(
    {
        "flags": st.sampled_from(["OL", "OB", "OB LB", "CAL DISCHRG", "OFF", "", "COMM", "OL CHRG", "OB LB FSD"]),
        "after": st.sampled_from([0.0, 0.1, 1.0, 30.0, 3600.0, 1e7]),
        "lane": st.sampled_from(list(Lane)),
        "values": st.dictionaries(
            st.sampled_from(
                [
                    "ups_load",
                    "battery_charge",
                    "battery_runtime",
                    "battery_voltage",
                    "battery_temperature",
                    "device_uptime",
                ]
            ),
            st.sampled_from([0.0, -1.0, 1.0, 12.0, 48.0, 100.0, 300.0, 65535.0, 5e6]),
        ),
    }
)


@settings(max_examples=400, deadline=None)
@given(st.lists(POLL, min_size=1, max_size=30))
async def test_whatever_a_ups_says_its_readings_are_handed_on_and_ours_can_be(polls):
    bench = Bench()
    for poll in polls:
        said = await bench.say(poll["flags"], after=poll["after"], lane=poll["lane"], **poll["values"])
        assert said["ups.status"]
        assert poll["lane"] is Lane.FAST or "x.battery.elapsed" in said
        for name, reading in said.items():
            if name.startswith("x.battery."):
                assert reading.quality is not Quality.IMPLAUSIBLE, reading
    decoded = msgspec.json.decode(msgspec.json.encode(bench.driver._kept), type=Kept)
    assert decoded == bench.driver._kept


@pytest.mark.parametrize(
    "change",
    [{"curve": [1.0]}, {"capacity": 1e300}, {"spread": [-1.0, 0.0, 0.0]}, {"exponent": 99.0}, {"curve": [0.0] * 21}],
)
def test_a_file_that_speaks_of_no_battery_is_not_believed(change):
    plain = msgspec.to_builtins(Known())
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(plain | change, Known)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"exponent": 1e300}, Run)


async def test_new_batteries_are_learned_anew_also_across_a_restart(tmp_path):
    bench = Bench(tmp_path / "battery.json")
    values = GOOD | {"battery_date": "2021-03-01"}
    await bench.say("OL", **values)
    await bench.say("OB", **values)
    for _ in range(60):
        await bench.say("OB LB", after=60.0, **values)
    bench.fake.error = DeviceTimeout("the card died with its UPS")
    with pytest.raises(DeviceTimeout):
        await bench.say("")
    bench.fake.error = None
    await bench.say("OL", after=3600.0, **values)
    said = await bench.say("OL", after=86400.0, **values)
    assert "UNPROVEN" not in said["x.battery.promise"].value
    await bench.driver.close()
    bench.restart()
    said = await bench.say("OL", **values | {"battery_date": "2026-11-20"})
    assert "UNPROVEN" in said["x.battery.promise"].value
    assert said["x.battery.runtime.learned"].value == pytest.approx(7200.0, rel=0.01)
    await bench.driver.close()
    bench.restart()
    said = await bench.say("OL", **values | {"battery_date": "2026-11-20"})
    assert "UNPROVEN" in said["x.battery.promise"].value
