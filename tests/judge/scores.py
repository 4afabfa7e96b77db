"""Who read what right: our readings with the OIDs that they came from, or the variables of NUT."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from expectations import SENTINELS, Expected

from agent.drivers.base import Identity
from agent.links.snmp import Raw
from contract.quantities import Kind, find
from contract.quantities.environment import AMBIENT_STATUS
from contract.quantities.power import POWER_STATUS
from contract.reading import Reading

STANDARD = {
    "upsIdentName": "ups.id",
    "upsIdentAgentSoftwareVersion": "ups.firmware.aux",
    "upsBatteryStatus": "battery.status",
    "upsSecondsOnBattery": "x.ups.on-battery.time",
    "upsEstimatedMinutesRemaining": "battery.runtime",
    "upsEstimatedChargeRemaining": "battery.charge",
    "upsBatteryVoltage": "battery.voltage",
    "upsBatteryCurrent": "battery.current",
    "upsBatteryTemperature": "battery.temperature",
    "upsInputLineBads": "input.quality.bads",
    "upsInputNumLines": "input.phases",
    "upsInputFrequency": "input.L#.frequency|input.frequency",
    "upsInputVoltage": "input.L#-N.voltage|input.voltage",
    "upsInputCurrent": "input.L#.current|input.current",
    "upsInputTruePower": "input.L#.realpower|input.realpower",
    "upsOutputSource": "ups.mode",
    "upsOutputFrequency": "output.frequency",
    "upsOutputNumLines": "output.phases",
    "upsOutputVoltage": "output.L#-N.voltage|output.voltage",
    "upsOutputCurrent": "output.L#.current|output.current",
    "upsOutputPower": "output.L#.realpower|ups.realpower",
    "upsOutputPercentLoad": "output.L#.power.percent|ups.load",
    "upsBypassFrequency": "input.bypass.frequency",
    "upsBypassNumLines": "input.bypass.phases",
    "upsBypassVoltage": "input.bypass.L#-N.voltage|input.bypass.voltage",
    "upsBypassCurrent": "input.bypass.L#.current|input.bypass.current",
    "upsBypassPower": "input.bypass.L#.realpower|input.bypass.realpower",
    "upsAlarmsPresent": "x.ups.alarms",
    "upsAlarmDescr": "ups.alarm",
    "upsConfigInputVoltage": "input.voltage.nominal",
    "upsConfigInputFreq": "input.frequency.nominal",
    "upsConfigOutputVoltage": "output.voltage.nominal",
    "upsConfigOutputFreq": "output.frequency.nominal",
    "upsConfigOutputVA": "ups.power.nominal",
    "upsConfigOutputPower": "ups.realpower.nominal",
    "upsConfigLowBattTime": "battery.runtime.low",
    "upsConfigAudibleStatus": "ups.beeper.status",
    "upsConfigLowVoltageTransferPoint": "input.transfer.low",
    "upsConfigHighVoltageTransferPoint": "input.transfer.high",
}
"""RFC 1628's names and the quantities that they are; # is the line."""

IDENTITY = {
    "upsIdentManufacturer": "manufacturer",
    "upsIdentModel": "model",
    "upsIdentUPSSoftwareVersion": "firmware",
}
SIDES = (
    ("bypass", ("input.bypass.",)),
    ("battery", ("battery.", "ups.temperature", "x.")),
    ("input", ("input.", "x.", "ambient.")),
    ("load", ("ups.", "output.", "outlet.", "x.")),
    ("output", ("output.", "ups.", "outlet.", "x.")),
    ("ambient", ("ambient.", "ups.temperature")),
    ("environment", ("ambient.",)),
)
"""A word in a recorder's description, and how the quantity's name must begin then."""
SETTINGS = ("nominal", "transfer", ".low", ".high", "maximum", "minimum", ".fault", "warning", "energysave", "delay")
"""Names of settings and extremes; not what a sensor means."""
TROUBLE = {"OB", "LB", "RB", "OVER", "OFF", "BYPASS", "ALARM", "FAULT", "COMM", "FSD", "DISCHRG", "CAL", "BOOST"}
TROUBLE |= {*AMBIENT_STATUS, *POWER_STATUS}
ALIKE = ({"W", "VA", "var"}, {"kWh", "kVAh", "kvarh"})
"""The recorders have one class, and one unit, for all of these."""
SYNONYMS = {"off": "open", "on": "closed"}
"""What recorders call a contact."""

SOURCES = {"none", "normal", "bypass", "battery", "booster", "reducer"}
"""Words of RFC 1628's upsOutputSource besides "other", which says that it is none of these. The vendor's own object may say
what it is then: a Tripp Lite that saves energy is "other" in the one and "economy" in the other."""


@dataclass
class Score:
    """Counts, and what was not right."""

    counts: Counter[str] = field(default_factory=Counter)
    remarks: list[str] = field(default_factory=list)

    def add(self, verdict: str, expected: Expected, said: object = "") -> None:
        self.counts[verdict] += 1
        if verdict != "right":
            place = expected.oid or expected.quantity
            self.remarks.append(
                f"{verdict}: {expected.section} {expected.what} [{place}] = {expected.value}{expected.unit}; {said}"
            )


def judge(
    expected: Iterable[Expected],
    traced: list[tuple[Reading, str]],
    values: Mapping[str, Raw],
    final: dict[str, Reading],
    identity: Identity,
) -> Score:
    """Judge our reading of one recording.

    Args:
        expected: what the recording's companion says.
        traced: every reading of the profiles that apply, with the OID that it came from. It finds the quantity of an
            expected object; what counts is what the driver returned as that quantity.
        values: what the device answered, by OID.
        final: what the driver returned, by quantity; what it does not hold was not read.
        identity: what the driver says of the device.
    """
    score = Score()
    for reading, oid in traced:
        if reading.good and isinstance(reading.value, float | int) and sentinel(values.get(oid), reading.quantity):
            score.counts["sentinel"] += 1
            score.remarks.append(f"sentinel: {reading} from {oid} = {values.get(oid)!r}")
    traced = [(reading, oid) for reading, oid in traced if reading.quantity in final]
    by_oid: dict[str, list[Reading]] = {}
    for reading, oid in traced:
        by_oid.setdefault(oid, []).append(reading)
    for entry in expected:
        said = by_oid.get(entry.oid, []) if entry.oid else [final[entry.quantity]] if entry.quantity in final else []
        if not entry.oid and not said:
            said = [r for name, r in final.items() if name == re.sub(r"\.L\d(-N)?\.", ".", entry.quantity)]
        if entry.none:
            good = [r for r in said if r.good and not isinstance(r.value, str | tuple)]
            if good and entry.unit not in ("enum", "text") and not sentinel(values.get(entry.oid), good[0].quantity):
                score.add("sentinel", entry, good[0])
            continue
        name = entry.what.split(".")[0]
        if name in IDENTITY:
            told = getattr(identity, IDENTITY[name])
            same = _plain(str(entry.value)) == _plain(told)
            score.add("right" if same else "wrong" if told else "missing", entry, told)
            continue
        if not said:
            score.add("missing", entry)
            continue
        score.add(*_best(entry, said, final))
    return score


def sentinel(raw: Raw, quantity: str) -> bool:
    """Say whether a raw value is one that no device means."""
    if raw == -1:
        return quantity != "battery.current"
    return isinstance(raw, int) and raw in SENTINELS


def _best(entry: Expected, said: list[Reading], final: Mapping[str, Reading]) -> tuple[str, Expected, object]:
    for reading in said:
        if named(entry, reading.quantity) and fits(entry, reading) and stands(entry, reading, final[reading.quantity]):
            return "right", entry, final[reading.quantity]
    return "wrong", entry, [(r.quantity, r.value, r.quality.value, final[r.quantity].value) for r in said]


def stands(entry: Expected, reading: Reading, returned: Reading) -> bool:
    """Say whether what one object says stands in what the driver returned, where other objects had a say too."""
    if not returned.good:
        return False
    if isinstance(reading.value, float | int) and isinstance(returned.value, float | int):
        return near(returned.value, float(reading.value), entry.step)
    if isinstance(reading.value, tuple) and isinstance(returned.value, tuple):
        return set(reading.value) - {"OL"} <= set(returned.value)
    if reading.quantity.endswith(".alarm") and reading.value != "none":
        return str(reading.value) in str(returned.value).split("; ")
    if reading.quantity == "ups.mode" and reading.value == "other":
        return _plain(str(returned.value)) not in SOURCES
    return reading.quantity.endswith(".alarm") or same_word(str(reading.value), str(returned.value))


def near(value: float, wanted: float, step: float) -> bool:
    """Say whether two values are the same, as near as both objects can tell: the rule for NUT and for us."""
    return math.isclose(value, wanted, rel_tol=6e-3, abs_tol=max(0.06, step))


def named(entry: Expected, quantity: str) -> bool:
    """Say whether a quantity can be what was expected: by its unit and by which side of the UPS it is on."""
    if entry.quantity:
        return True
    if entry.section == "rfc1628":
        name, _, line = entry.what.partition(".")
        wanted = STANDARD.get(name, "").replace("#", line).split("|")
        return quantity in wanted or (entry.unit == "enum" and quantity == "ups.status")
    if entry.section == "state":
        return True
    known = find(quantity)
    if known is None or known.kind is not Kind.NUMBER:
        return False
    if entry.unit and known.unit != entry.unit and not any({known.unit, entry.unit} <= units for units in ALIKE):
        return False
    text = entry.what.lower()
    if entry.unit == "%" and "charge" in text.split()[0]:
        return quantity.endswith("charge")
    side = next((starts for word, starts in SIDES if word in text.partition(" ")[2]), None)
    return side is None or quantity.startswith(side)


def fits(entry: Expected, reading: Reading) -> bool:
    """Say whether a reading has the expected value."""
    if not reading.good:
        return False
    value, wanted = reading.value, entry.value
    if isinstance(wanted, float) and isinstance(value, int | float):
        return math.isclose(value, wanted, rel_tol=1e-3, abs_tol=0.006)
    if isinstance(value, tuple):
        if entry.section == "scenario":
            return str(wanted)[1:] not in value if str(wanted).startswith("!") else wanted in value
        if reading.quantity != "ups.status":
            return not entry.severity or severe(entry.severity, set(value))
        return consistent(str(wanted), entry.severity, set(value))
    if isinstance(value, str) and entry.section == "state" and reading.quantity.endswith((".alarm", ".alarms")):
        return (value == "none") == (entry.severity == "ok")
    if reading.quantity == "x.ups.alarms":
        return (value == 0) == (entry.severity == "ok")
    return isinstance(value, str) and same_word(value, str(wanted))


def consistent(word: str, severity: str, flags: set[str]) -> bool:
    """Say whether the flags that one object raised mean what the recorder's word for it means."""
    plain = _plain(word)
    if plain in ("true", "false"):
        return bool(flags) == (plain == "true")
    for part, flag in (("onbattery", "OB"), ("bypass", "BYPASS"), ("low", "LB"), ("online", "OL")):
        if part in plain and "not" not in plain:
            return flag in flags
    return severe(severity, flags)


def severe(severity: str, flags: set[str]) -> bool:
    """Say whether flags mean trouble where the recorder does."""
    return bool(flags & TROUBLE) == (severity in ("warning", "critical"))


def same_word(ours: str, theirs: str) -> bool:
    """Say whether two words for a state are the same; MIBs repeat the object's name in them (batteryNormal)."""
    one, other = _plain(ours), _plain(theirs)
    if SYNONYMS.get(other) == one:
        return True
    return bool(one) and (one == other or other.endswith(one) or one.endswith(other) or other.startswith(one))


def _plain(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())
