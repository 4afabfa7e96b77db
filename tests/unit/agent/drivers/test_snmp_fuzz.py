"""Spoiled answers of SNMP devices, through the drivers: errors of ours or readings, nothing absurd called good, and then all is well.

The answers are those of real cards (``tests/cases``) and of the simulated switch, voice gateway and host. A short run with the
suite; 100,000 spoiled answers a kind: ``pytest -m soak tests/unit/agent/drivers/test_snmp_fuzz.py``.
"""

import asyncio
import random
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "judge"))

from recordings import parse

from agent.drivers.base import Lane
from agent.drivers.snmp import AGAIN_AFTER, SYS_OBJECT_ID, SYS_UPTIME, SnmpDriver
from agent.drivers.tables.base import Options
from agent.drivers.tables.make import MAKERS
from agent.profiles import load_profiles
from contract.clock import Stamp
from contract.errors import DeviceError, DeviceGarbled, DeviceRefused, DeviceTimeout
from contract.quantities import find
from firmware_sims.snmp_faces import Name, Text
from firmware_sims.snmp_gateway import Gateway
from firmware_sims.snmp_host import Host
from firmware_sims.snmp_switch import Switch

WALKS = Path(__file__).resolve().parents[3] / "cases" / "snmp"
EVIL = [
    None,
    -1,
    0,
    1,
    2,
    3,
    255,
    65535,
    2**31 - 1,
    -(2**31),
    2**32 - 1,
    2**63,
    2**64 - 1,
    -273,
    9999,
    1e308,
    float("nan"),
]
EVIL += [
    float("inf"),
    b"",
    b"\0",
    b"\xff" * 8,
    b"-1",
    b"1e999",
    b"nan",
    b"9" * 400,
    "",
    "0.0",
    "1.3.6.1",
    b"\xe2\x80\xae",
    b"x" * 3000,
]
SENTINELS = (65535, 4294967295, 2147483647)
STATUS = {"ups": "ups.status", "network": "x.network.status", "trunk": "x.trunk.status", "host": "host.status"}


def spoiled(value, rng):
    """Return what comes in place of a value: of another type, another size, cut, doubled, a bit wrong."""
    match rng.randrange(6):
        case 0:
            return rng.choice(EVIL)
        case 1 if isinstance(value, int):
            return value ^ (1 << rng.randrange(64))
        case 2 if isinstance(value, int):
            return rng.choice((-value, value * 10, value * 1000, value // 10, value + 1, str(value).encode()))
        case 3 if isinstance(value, bytes) and value:
            at = rng.randrange(len(value))
            return value[:at] + bytes((value[at] ^ 1 << rng.randrange(8),)) + value[at + 1 :]
        case 4 if isinstance(value, bytes):
            return rng.choice((value[: len(value) // 2], value + value, value * 40))
        case 5 if isinstance(value, str):
            return rng.choice((f"{value}.1", value.rpartition(".")[0], value.encode()))
    return rng.choice(EVIL)


class NoisyLink:
    """Answers from a table, spoiled while there is noise; it keeps what every link promises: each OID that was asked, walks in order."""

    def __init__(self, values, rng):
        self.values = values
        self.rng = rng
        self.noise = 0.0
        self.spoiled = 0
        self.moved = False
        """It said rows that it does not have: what was seen once is missed when it is gone."""

    async def get(self, oids):
        answer = {oid: self.values.get(oid) for oid in oids}
        return self._spoiled(answer) if self.rng.random() < self.noise else answer

    async def walk(self, root):
        start = f"{root}."
        answer = {oid: value for oid, value in self.values.items() if oid.startswith(start)}
        if self.rng.random() < self.noise:
            answer = self._spoiled(answer)
            for oid in self.rng.sample(sorted(answer), min(len(answer), self.rng.randrange(3))):
                moved = self.rng.choice((f"{oid}.0", f"{root}.4294967295", f"{root}.0", f"{root}.1.2.3.4.5.6.7.8", ""))
                self.moved |= bool(moved)
                value = answer.pop(oid)
                answer |= {moved: value} if moved else {}
        return dict(sorted(answer.items(), key=lambda row: [int(part) for part in row[0].split(".")]))

    def _spoiled(self, answer):
        rng = self.rng
        self.spoiled += 1
        chance = rng.random()
        if chance < 0.12:
            raise rng.choice((DeviceTimeout, DeviceGarbled, DeviceRefused))("spoiled")
        if chance < 0.2:
            return dict.fromkeys(answer, rng.choice(EVIL))
        if chance < 0.25 and answer:
            return dict(
                zip(answer, rng.sample(list(answer.values()), len(answer)), strict=True)
            )  # each to another question
        for oid in rng.sample(sorted(answer), min(len(answer), rng.choice((1, 1, 2, 5, 30)))):
            answer[oid] = spoiled(answer[oid], rng)
        return answer

    async def close(self):
        pass


class Clock:
    now = 1000.0

    def boottime(self):
        return self.now

    def stamp(self):
        return Stamp(1.79e9 + self.now, self.now, "boot", True)


def raw(cell):
    """Return a simulated device's cell as a link returns it."""
    return (
        cell.value.encode() if isinstance(cell, Text) else dotted(cell.value) if isinstance(cell, Name) else cell.value
    )


def dotted(value):
    return value if isinstance(value, str) else ".".join(map(str, value))


def rows(model):
    model_rows = {dotted(oid): raw(cell) for oid, cell in model.rows().items()}
    return dict(sorted(model_rows.items(), key=lambda row: [int(part) for part in row[0].split(".")]))


CASES = [parse(path) for path in sorted(WALKS.glob("*/walk.snmprec"))]
SIMULATED = {"network": Switch, "trunk": Gateway, "host": Host}


def devices(kind):
    """Return devices of a kind: what each answers, by OID."""
    clock = Clock()
    if kind in SIMULATED:
        return [rows(Host(clock.boottime, lambda: 1.79e9) if kind == "host" else SIMULATED[kind](clock.boottime))]
    known = [profile for profile in load_profiles() if profile.kind == kind]
    return [case for case in CASES if asyncio.run(readable(case, known))]


async def readable(values, known):
    try:
        found = await SnmpDriver(NoisyLink(values, random.Random(0)), known).read()
    except DeviceError:
        return False
    return any(each.good for each in found)


def driver(kind, link, clock):
    if kind in SIMULATED:
        return MAKERS[kind](link, Options(ports=("Gi0/*", "2") if kind != "host" else ()), "", clock, None)
    return SnmpDriver(link, [profile for profile in load_profiles() if profile.kind == kind], clock=clock.boottime)


def clean(found, sentinels=SENTINELS):
    """All that is called good can be, and stands there once; a switch may mean 65535, a card never does."""
    names = [reading.quantity for reading in found]
    assert len(names) == len(set(names))
    for reading in found:
        known = find(reading.quantity)
        assert known is not None, reading
        if reading.good:
            assert known.plausible(reading.value), reading
            assert isinstance(reading.value, str | tuple) or reading.value not in sentinels, reading
    return {reading.quantity: reading for reading in found}


async def storm(kind, values, rng, polls):
    """Poll a device in noise, then without; return how many answers were spoiled, and how many polls were read."""
    link, clock = NoisyLink(values, rng), Clock()
    link.values = dict(values)
    under = driver(kind, link, clock)
    sentinels = () if kind in SIMULATED else SENTINELS
    before = clean(await under.read(), sentinels)
    read = 0
    for number in range(polls):
        clock.now += 30.0
        link.noise = rng.choice((0.3, 1.0))
        _aged(link, 30.0)
        try:
            clean(await under.read(Lane.ALL if number % 3 else Lane.FAST), sentinels)
            read += 1
        except DeviceError:
            continue
    link.noise = 0.0
    after = {}
    for _ in range(2 * AGAIN_AFTER + 4):
        clock.now += 30.0
        _aged(link, 30.0)
        try:
            after = clean(await under.read(), sentinels)
        except DeviceError:
            continue
    left = {name for name, reading in before.items() if reading.good} - {n for n, one in after.items() if one.good}
    assert not left, f"lost for good: {left}"
    status = STATUS.get(kind)
    if status and not link.moved and before.get(status) is not None:
        assert after[status].value == before[status].value
    await under.close()
    return link.spoiled, read


def _aged(link, seconds):
    ticks = link.values.get(SYS_UPTIME)
    if isinstance(ticks, int):
        link.values[SYS_UPTIME] = (ticks + int(seconds * 100)) % 2**32


async def fuzz(kind, count, seed):
    """Spoil so many answers of devices of a kind."""
    rng = random.Random(f"{kind} {seed}")
    there = await asyncio.to_thread(devices, kind)
    assert there
    done = read = polls = number = 0
    while done < count:
        number += 1
        length = rng.choice((3, 10, 40))
        try:
            spoils, reads = await storm(kind, rng.choice(there), rng, length)
        except Exception as error:
            raise AssertionError(f"{kind}: storm {number} of seed {seed}: {error!r}") from error
        done, read, polls = done + spoils, read + reads, polls + length
    assert 0.1 * polls < read < 0.97 * polls, "some of it is refused, and not all"


KINDS = ["ups", "environment", "power", *SIMULATED]


@pytest.mark.parametrize("kind", KINDS)
async def test_spoiled_answers_are_errors_of_ours_or_plausible_and_pass(kind):
    await fuzz(kind, 600, 1)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kind", KINDS)
async def test_a_hundred_thousand_spoiled_answers(kind):
    await fuzz(kind, 100_000, 2)


def test_the_devices_say_who_they_are():
    assert all(SYS_OBJECT_ID in values for kind in SIMULATED for values in devices(kind))
