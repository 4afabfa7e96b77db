"""UPSes that know Q6 besides Q1: Santak Castle, East, Ippon Innova, and other online ones of the Megatec family.

Q6 gives volts of three phases, volts of the whole battery, runtime and charge; WA the power, BPS the bypass. The flags
are Q1's, the only ones whose meaning is documented; a fault or warning word that is not 0 is told as it is. Layouts:
Santak's protocol document of the Castle and EDX series (2019), as NUT's nutdrv_qx reads it.

A device with one phase says 0 for the other two, and so does one with three in an outage: there are three once one of
the other two was seen alive.
"""

import re
from collections.abc import Sequence
from typing import Final

import msgspec

from agent.drivers.asking import NO_ALARM, Asker, Link, number, said
from agent.drivers.base import TEST, Identity, Lane
from agent.drivers.megatec import (
    Ratings,
    Status,
    flags_of,
    names,
    parse_identity,
    parse_ratings,
    parse_status,
    rating_readings,
    readings,
)
from contract.command import Verb
from contract.errors import CommandRefused, DeviceError
from contract.reading import Reading, Value

PROTOCOL = "Megatec Q6"

_V: Final = r"([ \d]{3}\.\d|-{3}\.-)"
_HZ: Final = r"([ \d]{2}\.\d|--\.-)"
_P: Final = r"([ \d]{3}|---)"
_Q6: Final = re.compile(
    rf"\({_V} {_V} {_V} {_HZ} {_V} {_V} {_V} {_HZ} {_P} {_P} {_P} {_V} {_V} {_HZ} "
    r"([ \d]{5}|-----) ([ \d]{3}|---) ([0-9A-Za-z-]{2}) ([0-9A-Fa-f]{8}) ([0-9A-Fa-f]{8}) ([01-]{2})"
)
_WA: Final = re.compile(rf"\({' '.join([_V] * 11)} {_P} ([01-]{{8}})")
_BPS: Final = re.compile(rf"\({_V} {_V} {_V} {_HZ}")

Three = tuple[float | None, float | None, float | None]


class Full(msgspec.Struct, frozen=True):
    """A Q6 answer: volts, hertz, %, degrees Celsius, seconds; None where the device shows dashes."""

    input_volts: Three
    input_hertz: float | None
    output_volts: Three
    output_hertz: float | None
    load: Three
    positive: float | None
    negative: float | None
    temperature: float | None
    runtime: float | None
    charge: float | None
    fault: int
    warning: int


class Power(msgspec.Struct, frozen=True):
    """A WA answer: watts, volt-amperes and amperes of each phase, watts and volt-amperes of all."""

    watts: Three
    apparent: Three
    total: float | None
    total_apparent: float | None
    amperes: Three


class Bypass(msgspec.Struct, frozen=True):
    """A BPS answer: volts of each phase, hertz."""

    volts: Three
    hertz: float | None


def parse_full(text: str) -> Full | None:
    """Return a Q6 answer, or None for what is not exactly one."""
    match = _Q6.fullmatch(text)
    values = _numbers(match, 16)
    if match is None or values is None:
        return None
    in_r, in_s, in_t, in_hertz, out_r, out_s, out_t, out_hertz, load_r, load_s, load_t, *rest = values
    positive, negative, temperature, runtime, charge = rest
    return Full(
        input_volts=(in_r, in_s, in_t),
        input_hertz=in_hertz,
        output_volts=(out_r, out_s, out_t),
        output_hertz=out_hertz,
        load=(load_r, load_s, load_t),
        positive=positive,
        negative=negative,
        temperature=temperature,
        runtime=runtime,
        charge=charge,
        fault=int(match[18], 16),
        warning=int(match[19], 16),
    )


def parse_power(text: str) -> Power | None:
    """Return a WA answer, or None. The device says kW and kVA."""
    values = _numbers(_WA.fullmatch(text), 11)
    if values is None:
        return None
    v = [None if value is None else round(value * 1000.0, 1) for value in values[:8]]
    a = values[8:]
    return Power((v[0], v[1], v[2]), (v[3], v[4], v[5]), v[6], v[7], (a[0], a[1], a[2]))


def parse_bypass(text: str) -> Bypass | None:
    """Return a BPS answer, or None."""
    values = _numbers(_BPS.fullmatch(text), 4)
    return None if values is None else Bypass((values[0], values[1], values[2]), values[3])


def _numbers(match: re.Match[str] | None, count: int) -> list[float | None] | None:
    if match is None:
        return None
    try:
        return [number(field) for field in match.groups()[:count]]
    except ValueError:  # spaces in the middle
        return None


def whole(positive: float | None, negative: float | None) -> float | None:
    """Return the volts of a battery with a tap in its middle: of both halves; where there is no second, of the first."""
    return positive if positive is None or not negative else round(positive + negative, 1)


class Phases(msgspec.Struct):
    """How many phases were seen so far."""

    input: int = 1
    output: int = 1

    def see(self, full: Full) -> None:
        """Take one answer."""
        if any(volts and volts > 20.0 for volts in full.input_volts[1:]):
            self.input = 3
        if any(volts and volts > 20.0 for volts in full.output_volts[1:]):
            self.output = 3


def full_readings(status: Status, full: Full, phases: Phases) -> list[Reading]:
    """Return what Q1 and Q6 say together."""
    flags = next(reading for reading in readings(status, None) if reading.quantity == "ups.status")
    words = set(flags.value) if isinstance(flags.value, tuple) else set()
    words |= ({"FAULT"} if full.fault else set()) | ({"ALARM"} if full.warning else set())
    told = [f"{what} {word:08X}" for what, word in (("fault", full.fault), ("warning", full.warning)) if word]
    found: dict[str, Value | None] = {
        "ups.status": tuple(sorted(words)),
        "ups.alarm": "; ".join(told) or NO_ALARM,
        "battery.charge": full.charge,
        "battery.runtime": full.runtime,
        "battery.voltage": whole(full.positive, full.negative),
        "input.frequency": full.input_hertz,
        "output.frequency": full.output_hertz,
        "ups.temperature": full.temperature,
        "input.phases": float(phases.input),
        "output.phases": float(phases.output),
    }
    found |= _phased("input", "voltage", full.input_volts, phases.input)
    found |= _phased("output", "voltage", full.output_volts, phases.output)
    if phases.output == 1:
        found["ups.load"] = full.load[0]
    else:
        loads = [load for load in full.load if load is not None]
        found["ups.load"] = max(loads) if len(loads) == 3 else None  # the fullest phase is overloaded first
        found |= _phased("output", "power.percent", full.load, 3)
    kept = {"ups.type", "ups.beeper.status", "input.voltage.fault"}
    return [*said(found), *(reading for reading in readings(status, None) if reading.quantity in kept)]


def power_readings(power: Power, phases: Phases) -> list[Reading]:
    """Return what WA says."""
    found: dict[str, Value | None] = {"ups.realpower": power.total, "ups.power": power.total_apparent}
    if phases.output == 3:
        found |= _phased("output", "realpower", power.watts, 3) | _phased("output", "power", power.apparent, 3)
    return said(found | _phased("output", "current", power.amperes, phases.output))


def bypass_readings(bypass: Bypass, phases: Phases) -> list[Reading]:
    """Return what BPS says."""
    found: dict[str, Value | None] = {"input.bypass.frequency": bypass.hertz}
    return said(found | _phased("input.bypass", "voltage", bypass.volts, phases.input))


def _phased(side: str, what: str, values: Three, phases: int) -> dict[str, Value | None]:
    """Return one value, or three under NUT's names: ``L1-N`` where it is a voltage."""
    if phases == 1:
        return {f"{side}.{what}": values[0]}
    middle = "-N" if what == "voltage" else ""
    return {f"{side}.L{index}{middle}.{what}": value for index, value in enumerate(values, 1)}


class Q6Driver:
    """Reads one UPS: Q1 and Q6 each time; WA, BPS, F and I first, and with everything else."""

    def __init__(self, link: Link, status: Status | None = None) -> None:
        """Remember the line, and a Q1 answer that has just come over it, if one has."""
        self._asker = Asker(link)
        self._had = status
        self._identity = Identity()
        self._ratings: Ratings | None = None
        self._phases = Phases()

    @property
    def identity(self) -> Identity:
        """See ``Driver.identity``."""
        return self._identity

    @property
    def verbs(self) -> frozenset[Verb]:
        """See ``Actor.verbs``."""
        return TEST

    async def act(self, verb: Verb, output: str, seconds: float) -> str:  # noqa: ARG002 - see Actor
        """See ``Actor.act``."""
        if verb is not Verb.BATTERY_TEST:
            raise CommandRefused(f"a UPS knows no {verb.value}")
        return await self._asker.battery_test(self._tests)

    async def _tests(self) -> bool:
        status = await self._asker.required("Q1", parse_status, PROTOCOL)
        return "CAL" in flags_of(status)

    async def close(self) -> None:
        """See ``Driver.close``."""
        self._asker.contact = False
        await self._asker.link.close()

    async def read(self, lane: Lane = Lane.ALL) -> Sequence[Reading]:
        """See ``Driver.read``."""
        asker = self._asker
        try:
            status, self._had = self._had, None
            if status is None:
                status = await asker.required("Q1", parse_status, PROTOCOL)
            full = await asker.required("Q6", parse_full, PROTOCOL)
        except DeviceError:
            asker.contact = False
            raise
        if not asker.contact:
            asker.forget()
            self._ratings, self._identity, self._phases = None, Identity(profile="megatec-q6"), Phases()
            self._identity = await asker.optional("I", parse_identity) or self._identity
            self._identity = msgspec.structs.replace(self._identity, profile="megatec-q6")
        asker.contact = True
        self._phases.see(full)
        found = full_readings(status, full, self._phases)
        if lane is Lane.FAST:
            return [reading for reading in found if reading.quantity in {"ups.status", "battery.charge"}]
        power = await asker.optional("WA", parse_power)
        bypass = await asker.optional("BPS", parse_bypass)
        self._ratings = await asker.optional("F", parse_ratings) or self._ratings
        if power is not None:
            found += power_readings(power, self._phases)
        if bypass is not None:
            found += bypass_readings(bypass, self._phases)
        if self._ratings is not None:
            found += rating_readings(self._ratings)
        return [*found, *names(self._identity)]
