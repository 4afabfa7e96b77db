"""Mutated answers: no error but ours, nothing implausible called good, and the next clean poll works.

A short run with the suite; 100,000 mutated answers a driver: ``pytest -m soak tests/unit/agent/drivers/test_serial_fuzz.py``.
"""

import asyncio
import contextlib
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))

from lines import TalkLine

from agent.drivers.apcsmart import ApcSmartDriver
from agent.drivers.axpert import AxpertDriver
from agent.drivers.base import Lane
from agent.drivers.dialects import DialectDriver
from agent.drivers.megatec import MegatecDriver
from agent.drivers.megatec_q6 import Q6Driver
from agent.drivers.nut import NutDriver
from agent.drivers.voltronic import VoltronicDriver
from agent.links.nut import NutConnection, NutTarget
from contract.errors import DeviceError, DeviceGarbled, DeviceTimeout
from contract.quantities import find
from firmware_sims.apcsmart_ups import ApcSmart
from firmware_sims.axpert_ups import Axpert
from firmware_sims.megatec_q6_ups import MegatecQ6
from firmware_sims.megatec_ups import Megatec
from firmware_sims.nut_server import NutServer, Unit
from firmware_sims.snmp_faces import Plate
from firmware_sims.ups import Rating, Ups
from firmware_sims.voltronic_ups import Voltronic

PLATE = Plate("ups", "Wolfsmoke", "Sim1000", "S92123456789012")
DRIVERS = {
    "q1": (Megatec, MegatecDriver),
    "q6": (MegatecQ6, Q6Driver),
    "voltronic": (Voltronic, VoltronicDriver),
    "axpert": (Axpert, AxpertDriver),
    "dialects": (Voltronic, DialectDriver),
    "apcsmart": (ApcSmart, ApcSmartDriver),
}
EVIL = [
    b"",
    b"\0",
    b"\xff",
    b"(NAK",
    b"NA",
    b"-",
    b"---.-",
    b"9",
    b"99999",
    b".",
    b" ",
    b"SM",
    b"!",
    b"#",
    b"e9",
    b"nan",
]

MUTATION = st.one_of(
    st.just(("clean",)),
    st.tuples(st.just("put"), st.integers(0, 120), st.one_of(st.binary(max_size=3), st.sampled_from(EVIL))),
    st.tuples(st.just("set"), st.integers(0, 120), st.one_of(st.binary(min_size=1, max_size=3), st.sampled_from(EVIL))),
    st.tuples(st.just("cut"), st.integers(0, 120), st.integers(1, 60)),
    st.tuples(st.just("digits"), st.integers(0, 9)),
    st.tuples(st.just("whole"), st.one_of(st.binary(max_size=130), st.sampled_from(EVIL))),
    st.just(("high",)),
    st.just(("twice",)),
    st.just(("before",)),
    st.just(("silence",)),
    st.just(("endless",)),
)


def mutated(answer, mutation, before):
    """Return what arrives in place of an answer; ``before`` is the last clean one, to another question perhaps."""
    match mutation:
        case ("put", at, extra):
            return answer[:at] + extra + answer[at:]
        case ("set", at, extra):
            return answer[:at] + extra + answer[at + len(extra) :]
        case ("cut", at, count):
            return answer[:at] + answer[at + count :]
        case ("digits", digit):
            return bytes(ord("0") + digit if chr(byte).isdigit() else byte for byte in answer)
        case ("whole", other):
            return other
        case ("high",):
            return bytes(byte | 0x80 for byte in answer)
        case ("twice",):
            return answer + answer
        case ("before",):
            return before
        case ("silence",):
            raise DeviceTimeout("silence")
        case ("endless",):
            raise DeviceGarbled("an answer without an end")
    return answer


class NoisyLine(TalkLine):
    """Mutates its answers as told, one after the other; clean once the list is empty."""

    def __init__(self, talk):
        super().__init__(talk)
        self.mutations = []
        self._before = b""

    async def ask(self, command, **about):
        answer = await super().ask(command, **about)
        before, self._before = self._before, answer
        return mutated(answer, self.mutations.pop(0), before) if self.mutations else answer


class NoisyServer:
    """A NUT server without a network; what it mutated is the last that it says on a connection."""

    def __init__(self, ups):
        self.server = NutServer({"ups": Unit(ups, PLATE)})
        self.mutations = []
        self._before = b""

    async def opened(self, _host, _port, *, limit):
        self.reader = asyncio.StreamReader(limit=limit)
        self.gone = False
        return self.reader, self

    def write(self, command):
        if self.gone:
            return
        answer = self.server.answer(command.decode("utf-8", "replace"), {}).encode()
        before, self._before = self._before, answer
        if not self.mutations:
            self.reader.feed_data(answer)
            return
        mutation = self.mutations.pop(0)
        with contextlib.suppress(DeviceError):
            self.reader.feed_data(mutated(answer, mutation, before) or b"\n")
        if mutation != ("clean",):
            self.hang_up()

    def hang_up(self):
        self.gone = True
        self.reader.feed_eof()

    def close(self):
        pass


def clean(found):
    """All that is called good can be; the status is there."""
    for reading in found:
        known = find(reading.quantity)
        assert known is not None
        assert not reading.good or known.plausible(reading.value), reading
    return found


async def storm(driver, line, mutations):
    clean(await driver.read())
    for index in range(0, len(mutations), 5):
        line.mutations = list(mutations[index : index + 5])
        with contextlib.suppress(DeviceError):
            clean(await driver.read(Lane.ALL if index % 2 else Lane.FAST))
        line.mutations = []
        if isinstance(line, NoisyServer):
            line.hang_up()  # what it said too much is gone with the connection
            with contextlib.suppress(DeviceError):
                await driver.read(Lane.FAST)
        found = clean(await driver.read(Lane.FAST))
        assert any(reading.quantity == "ups.status" and reading.good for reading in found)
    await driver.close()


def run(name, mutations, runner):
    ups = Ups(Rating(string=36.0), lambda: 0.0)
    if name == "nut":
        line = NoisyServer(ups)
        driver = NutDriver(NutConnection(NutTarget(host="simulated"), line.opened), "ups")
    else:
        talk, make = DRIVERS[name]
        line = NoisyLine(talk(ups, PLATE))
        driver = make(line)
    runner.run(storm(driver, line, mutations))


def fuzz(name, examples, least):
    """Run so many storms of ``least`` to 15 answers each."""
    with asyncio.Runner() as runner:

        @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        @given(st.lists(MUTATION, min_size=least, max_size=15))
        def storms(mutations):
            run(name, mutations, runner)

        storms()


@pytest.mark.parametrize("name", [*DRIVERS, "nut"])
def test_noise_is_an_error_of_ours_and_passes(name):
    fuzz(name, 60, 1)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", [*DRIVERS, "nut"])
def test_a_hundred_thousand_bad_answers(name):
    fuzz(name, 20_000, 5)
