"""Spoiled answers to probes, through the drivers of hosts from outside and of lines: readings or one of our errors, and then all is well.

What comes back is read by the product's own readers of ICMP, DNS, HTTP and SIP; only the sockets are left out. A short run with
the suite; 100,000 spoiled answers a driver: ``pytest -m soak tests/unit/agent/drivers/test_probe_fuzz.py``.
"""

import random
import socket
import struct
import sys
from pathlib import Path

import msgspec
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "fuzz"))

import parsers

from agent.drivers.base import Lane
from agent.drivers.line import LineDriver
from agent.drivers.line_check import Checker
from agent.drivers.line_setup import Learned, Setup
from agent.drivers.probe import ProbeDriver
from agent.links import dns, icmp, sip, tcp, web
from agent.links.netif import Interface
from agent.memo import Memo
from agent.neighbours import LastHeard
from agent.probing import Outcome, State, Target
from contract.clock import Stamp
from contract.errors import DeviceError
from contract.quantities import find

GATEWAY, HOP = "192.168.1.1", "10.0.0.1"
PING = Target(scheme="ping", host="192.0.2.1", count=3)
FAR = msgspec.structs.replace(PING, host="203.0.113.1")
DNS = Target(scheme="dns", host="192.0.2.53", port=53, path="www.example.test", expect="192.0.2.1")
WEB = Target(scheme="https", host="www.test", port=443, expect="ok")
SIP = Target(scheme="sip", host="192.0.2.5", port=5060)
SSH = Target(scheme="ssh", host="192.0.2.1", port=22)
TOKEN = b"tokentok"


class Clock:
    now = 1000.0

    def boottime(self):
        return self.now

    def stamp(self):
        return Stamp(1.79e9 + self.now, self.now, "boot", True)


class NoisyProber:
    """Reads answers as the probes do; they are spoiled while there is noise."""

    def __init__(self, rng):
        self.rng = rng
        self.noise = 0.0
        self.spoiled = 0

    def _came(self, data):
        """Return what comes of an answer."""
        if self.rng.random() >= self.noise:
            return data
        self.spoiled += 1
        return b"" if self.rng.random() < 0.1 else parsers.mutated(data, self.rng)

    async def probe(self, target):
        delay = self.rng.choice((0.2, 12.0, 999.9))
        match target.scheme:
            case "ping":
                return self._pinged(target)
            case "dns":
                answer = dns.read_answer(self._came(parsers.PARSERS["dns"][0][0]), parsers.ASKED)
                if answer is None:
                    return Outcome(state=State.SILENT, says="no answer")
                state, says = dns.judge(answer, target.expect)
                return Outcome(state=state, delays=(delay,), code=answer.code, says=says)
            case "https":
                days = web.days_left(self._came(parsers.PARSERS["certificate"][0][0]), 1.79e9)
                page = web.read_response(self._came(parsers.PARSERS["http"][0][0]))
                if page is None:
                    return Outcome(state=State.WRONG, delays=(delay,), says="what it answers is not HTTP", days=days)
                state, says = web.judge(page, target)
                return Outcome(state=state, delays=(delay,), code=page.status, says=says, days=days)
            case "sip":
                response = sip.read_response(self._came(parsers.PARSERS["sip"][0][1]), parsers.CALL)
                return Outcome(state=State.SILENT) if response is None else sip.outcome(response, delay)
        says = tcp._plain(self._came(parsers.PARSERS["banner"][0][0]))
        right = State.RIGHT if says.startswith("SSH-2.0-") else State.WRONG
        return Outcome(state=right, delays=(delay,), says=says)

    def _pinged(self, target):
        back = []
        for number in range(target.count):
            found = icmp.read_packet(
                self._came(struct.pack("!BBHHH", 0, 0, 0, 7, number) + TOKEN), socket.AF_INET, raw=False
            )
            if found is not None and found == (0, number, TOKEN):
                back.append(1.5)
        return Outcome(state=State.RIGHT if back else State.SILENT, sent=target.count, delays=tuple(back))

    async def trace(self, host, most):
        way = [GATEWAY, HOP, "", host]
        if self.rng.random() < self.noise:
            self.spoiled += 1
            way = [
                self.rng.choice(["", GATEWAY, HOP, host, "fe80::1%eth0", "100.64.0.1"])
                for _ in range(self.rng.randrange(most))
            ]
        return way


class Network:
    def via(self, address, interface=""):  # noqa: ARG002 - one way leads everywhere
        return GATEWAY

    def interface(self, name):  # noqa: ARG002 - it has one
        return Interface(there=True, admin=True, carrier=True, state="up")

    def towards(self, address):  # noqa: ARG002 - one way leads everywhere
        return "eth1"

    def arp(self, address, interface=""):  # noqa: ARG002 - it has one
        return None


def line(prober):
    setup, clock = Setup(far=(PING, FAR), dns=(DNS,), carrier="telecom"), Clock()
    checker = Checker(setup, prober, Network(), LastHeard(), clock, Memo(Learned, None))
    return LineDriver(setup, prober, checker, clock), clock


def services(prober):
    setup, clock = Setup(far=(PING, WEB, SIP), dns=(DNS,)), Clock()
    checker = Checker(setup, prober, Network(), LastHeard(), clock, Memo(Learned, None))
    return LineDriver(setup, prober, checker, clock), clock


def host(prober):
    return ProbeDriver((PING, SSH, WEB, SIP, DNS), prober), Clock()


DRIVERS = {"line": (line, "x.line.status"), "services": (services, "x.line.status"), "host": (host, "x.probe.status")}


def clean(found):
    names = [reading.quantity for reading in found]
    assert len(names) == len(set(names))
    for reading in found:
        known = find(reading.quantity)
        assert known is not None, reading
        assert not reading.good or known.plausible(reading.value), reading
    return {reading.quantity: reading for reading in found}


async def fuzz(name, count, seed):
    """Spoil so many answers to a driver's probes."""
    rng = random.Random(f"{name} {seed}")
    spoiled = storms = 0
    while spoiled < count:
        storms += 1
        prober = NoisyProber(rng)
        make, status = DRIVERS[name]
        driver, clock = make(prober)
        before = clean(await driver.read())
        for number in range(rng.choice((3, 30))):
            clock.now += 5.0
            prober.noise = rng.choice((0.1, 0.5, 1.0))
            try:
                clean(await driver.read(Lane.ALL if number % 2 else Lane.FAST))
            except DeviceError:
                continue
        prober.noise = 0.0
        for _ in range(20):
            clock.now += 5.0
            after = clean(await driver.read())
        assert after[status].value == before[status].value, f"storm {storms} of seed {seed}"
        await driver.close()
        spoiled += prober.spoiled


@pytest.mark.parametrize("name", DRIVERS)
async def test_spoiled_answers_to_probes_are_readings_or_our_errors_and_pass(name):
    await fuzz(name, 3000, 1)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", DRIVERS)
async def test_a_hundred_thousand_spoiled_answers(name):
    await fuzz(name, 100_000, 2)
