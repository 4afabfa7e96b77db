"""From a device's tables to an alarm: what the kinds watch for by default is raised, and ends."""

from itertools import count

import pytest

from agent.drivers.base import Lane
from agent.kinds import defaults
from agent.watch import Watch
from contract.clock import Stamp

from .conftest import IFX, OPER, Bench

DS1, LAPD = "1.3.6.1.2.1.10.18", 77
FAN, SUPPLY = "1.3.6.1.4.1.9.9.13.1.4.1", "1.3.6.1.4.1.9.9.13.1.5.1"


class Site:
    """A device that is polled and watched."""

    def __init__(self, bench: Bench, kind: str) -> None:
        self.bench = bench
        ids = count(1)
        self.watch = Watch("d", list(defaults(kind).values()), lambda: f"o{next(ids)}")

    async def minutes(self, number: int, every: float = 10.0) -> set[str]:
        """Let time pass with polls; return what stands at its end."""
        for poll in range(int(number * 60 / every)):
            full = poll * every % 60 == 0
            readings = await self.bench.driver.read(Lane.ALL if full else Lane.FAST)
            if full:
                readings = [*readings, *self.watch.unheard(readings)]
            at = Stamp(wall=self.bench.wall, boottime=self.bench.now, boot="b")
            self.watch.readings(readings, at)
            self.watch.tick(at)
            self.bench.pass_time(every)
        return {occurrence.condition for occurrence in self.watch.standing()}


def switch(device) -> None:
    device.values["1.3.6.1.2.1.1.2.0"] = "1.3.6.1.4.1.9.1.1"
    for index in (1, 2, 3):
        device.port(index, f"Gi0/{index}")
    device.values |= {f"{FAN}.2.1": b"fan", f"{FAN}.3.1": 1, f"{SUPPLY}.2.1": b"psu", f"{SUPPLY}.3.1": 1}


def gateway(device) -> None:
    for index in (1, 2):
        device.port(index, f"E1 0/{index}", kind=18)
        device.values |= {f"{DS1}.6.1.2.{index}": index, f"{DS1}.6.1.10.{index}": 1}
        device.values |= {f"{DS1}.7.1.{column}.{index}": 0 for column in (2, 3, 4, 5)}


@pytest.mark.parametrize(
    ("changes", "standing"),
    [
        ({f"{OPER}.2": 2}, {"port-down"}),
        ({f"{FAN}.3.1": 3}, {"fan-failed"}),
        ({f"{SUPPLY}.3.1": 6}, {"supply-failed"}),
        ({f"{FAN}.3.1": 99}, set()),  # unknown for so short a time
    ],
)
async def test_what_goes_wrong_with_a_switch_is_raised_and_ends(device, bench, changes, standing):
    switch(device)
    site = Site(bench("network"), "network")
    assert await site.minutes(3) == set()
    before = {oid: device.values[oid] for oid in changes}
    device.values |= changes
    assert await site.minutes(4) == standing
    device.values |= before
    assert await site.minutes(6) == set()


async def test_too_few_spare_ports_stand_until_there_are_enough(device, bench):
    switch(device)
    device.port(4, "Gi0/4", up=False)
    site = Site(bench("network", ports=("Gi0/1",), reserve=2), "network")
    assert await site.minutes(7) == {"spare-low"}
    device.port(5, "Gi0/5", up=False)
    device.values[f"{IFX}.1.5"] = b"Gi0/5"
    assert await site.minutes(25) == set()


async def test_a_restart_is_known_for_an_hour(device, bench):
    switch(device)
    site = Site(bench("network"), "network")
    await site.minutes(2)
    device.values["1.3.6.1.2.1.1.3.0"] = 500
    assert await site.minutes(2) == {"restarted"}
    assert await site.minutes(62) == set()


@pytest.mark.parametrize(
    ("status", "oper", "standing"),
    [
        (68, 2, {"trunk-lost-signal"}),
        (36, 2, {"trunk-lost-frame"}),
        (12, 2, {"trunk-ais"}),
        (2, 1, {"trunk-rai"}),
        (4096, 1, {"trunk-failure"}),
        (1, 2, {"trunk-down"}),
        (0, 1, set()),
    ],
)
async def test_what_goes_wrong_with_a_trunk_is_one_alarm_and_ends(device, bench, status, oper, standing):
    gateway(device)
    site = Site(bench("trunk"), "trunk")
    assert await site.minutes(2) == set()
    device.values |= {f"{DS1}.6.1.10.2": status, f"{OPER}.2": oper}
    assert await site.minutes(2) == standing
    device.values |= {f"{DS1}.6.1.10.2": 1, f"{OPER}.2": 1}
    assert await site.minutes(2) == set()


async def test_an_unknown_trunk_is_an_alarm_after_five_minutes(device, bench):
    gateway(device)
    site = Site(bench("trunk"), "trunk")
    await site.minutes(1)
    device.values[f"{DS1}.6.1.10.2"] = 0
    assert await site.minutes(7) == {"trunk-unknown"}


async def test_a_dead_signalling_channel_is_an_alarm(device, bench):
    gateway(device)
    device.port(50, "D 1", kind=LAPD, up=False)
    assert await Site(bench("trunk"), "trunk").minutes(2) == {"trunk-signalling"}
