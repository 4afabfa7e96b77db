"""What a recording's companion file expects of whoever reads it, and what of that holds.

A file states its expectations in several sections, partly about the same OID. Each OID counts once: the reading by the
RFC's own scale before the recorder's, because recorders have been wrong about scales. Where a ``doubt`` says that the
device means another value, that one is expected; where it says sentinel, or the raw value is one, the right reading
is none at all.
"""

import json
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

SENTINELS = {65535, 4294967295, 2147483647, -2147483648, -273, 9999}
"""Raw numbers that no device means. A raw -1 is one too, except where a current may be negative."""

UNITS = {
    "charge": "%",
    "load": "%",
    "percent": "%",
    "humidity": "%",
    "current": "A",
    "frequency": "Hz",
    "power": "W",
    "power_factor": "",
    "count": "",
    "runtime": "s",
    "delay": "s",
    "temperature": "degC",
    "voltage": "V",
    "power_consumed": "kWh",
    "quality_factor": "",
}
NO_WORDS = {"", "unknown", "noStatus", "notInstalled"}
"""Meanings of a state that say there is nothing to read."""
DISTRUSTED = {
    **dict.fromkeys(
        (f"1.3.6.1.4.1.3854.1.2.2.1.17.1.13.{port}" for port in range(1, 6)),
        "the card says of these ports that no humidity sensor is on line; dry contacts hang there",
    ),
    "1.3.6.1.4.1.41809.1.55.1.15.0": "stands for a voltage and for a current; the object is one of them",
    "1.3.6.1.4.1.318.1.1.18.1.3.5.0": "stands for the oil and for the coolant level; the object is one of them",
    "1.3.6.1.4.1.12148.10.9.2.5.0": "the device says that it counts whole amperes, and its rectifiers deliver 78.6 A",
    "1.3.6.1.4.1.40865.1.11.0": "17 A into the battery of a system whose whole current is 8.453 A; all others are mA",
    "1.3.6.1.4.1.12148.10.10.7.5.0": "0 while the object's own state says that there is no such sensor",
}
"""Expectations that contradict the recording that they are of, and why: the right reading is not judged."""
CALLED = {"1.3.6.1.4.1.318.1.1.12.2.3.1.1.2.1": "Phase 1"}
"""What an object is, where recorders called it by the other end of the cable."""
METRICS = {
    "hardware.sensor.temperature.celsius": "ambient.1.temperature",
    "hardware.sensor.humidity.percentage": "ambient.1.humidity",
    "bank.current.ampere": "outlet.group.1.current",
    "phase.current.ampere": "input.L1.current",
    "phase.power.watt": "input.L1.realpower",
    "phase.voltage.volt": "input.L1-N.voltage",
    "battery.charge.remaining.percent": "battery.charge",
    "battery.charge.remaining.minutes": "battery.runtime",
    "battery.timeon.minutes": "x.ups.on-battery.time",
    "battery.voltage.volt": "battery.voltage",
    "battery.temperature.celsius": "battery.temperature",
    "battery.temperatureambient.celsius": "ambient.temperature",
    "lines.output.load.percentage": "ups.load",
    "lines.output.frequency.hertz": "output.frequency",
    "lines.output.voltage.volt": "output.voltage",
    "line.input.frequence.hertz": "input.L#.frequency",
    "line.input.voltage.volt": "input.L#-N.voltage",
    "line.input.current.ampere": "input.L#.current",
    "line.input.power.watt": "input.L#.realpower",
}
SCENARIO = {
    "battery.charge_pct": ("battery.charge", 1.0),
    "battery.runtime_min": ("battery.runtime", 60.0),
    "seconds_on_battery": ("x.ups.on-battery.time", 1.0),
}


@dataclass(frozen=True)
class Expected:
    """One expected reading: of an OID, or, where the file names none, of a quantity."""

    section: str
    what: str
    oid: str = ""
    quantity: str = ""
    unit: str = ""
    value: float | str = ""
    step: float = 0.0
    """What one unit of the object is worth: a finer object may say up to that much else."""
    severity: str = ""
    """Of a state: ok, warning, critical, unknown."""
    none: bool = False
    """The right reading is no reading."""


def expectations(path: Path) -> list[Expected]:
    """Return what a ``.expected.json`` expects, each OID once."""
    data = json.loads(path.read_text("utf-8"))
    tenfold = {
        float(number)
        for doubt in data.get("doubts", ())
        if "divides" in doubt
        for number in re.findall(r"(?:expects|->) ([\d.]+) (?:V|degC)", doubt)
    }
    found: dict[tuple[str, str], Expected] = {}
    for entry in data.get("rfc1628", ()):
        _keep(found, _standard(entry))
    for entry in (*data.get("sensors", ()), *data.get("sensors_by_analogy", ())):
        sensor = _sensor(entry)
        if sensor.value in tenfold:
            sensor = replace(sensor, value=sensor.value * 10)
        _keep(found, sensor)
    for entry in (*data.get("states", ()), *data.get("states_by_analogy", ())):
        _keep(found, _state(entry))
    for entry in data.get("metrics", ()):
        if entry["metric"].endswith(".count"):
            continue  # counts what the recorder printed, not what the device says
        metric = _metric(entry)
        if metric.value in tenfold and metric.unit in ("V", "degC"):
            metric = replace(metric, value=metric.value * 10)
        _keep(found, metric)
    for key, value in data.get("expect", {}).items():
        _keep(found, _scenario(key, value))
    return list(found.values())


def _keep(found: dict[tuple[str, str], Expected], entry: Expected) -> None:
    key = (entry.oid, "" if entry.oid else entry.what)
    if entry.oid in DISTRUSTED:
        return
    found.setdefault(key, entry)


def _nothing(raw: Any, unit: str, what: str, doubt: str) -> bool:
    if "sentinel" in doubt or raw is None or raw in SENTINELS:
        return True
    if what.startswith("upsConfig") and raw == 0 and unit in ("V", "VA", "W", "Hz"):
        return True  # a rating of nothing was never set
    return raw == -1 and not (unit == "A" and "battery" in what.lower())


def _meant(value: float | str, doubt: str) -> float | str:
    """Return the value that a doubt about the scale calls the right one."""
    meant = re.search(r"\(([\d.]+) \w+\)$", doubt) or re.search(r"scale .*gives ([\d.]+)", doubt)
    return float(meant[1]) if meant else value


def _standard(entry: dict[str, Any]) -> Expected:
    unit, doubt, name = entry.get("unit", "text"), entry.get("doubt", ""), entry["name"]
    none = _nothing(entry["raw"], unit, name, doubt) or entry.get("value") == "?"
    value = _meant(entry.get("value", ""), doubt)
    if unit == "min" and isinstance(value, float):
        unit, value = "s", value * 60
    unit = {"count": ""}.get(unit, unit)
    return Expected("rfc1628", name, entry["oid"], unit=unit, value=value, step=_step(value, entry["raw"]), none=none)


def _step(value: float | str, raw: Any) -> float:
    number = isinstance(value, float | int) and isinstance(raw, int | float) and raw
    return abs(float(value) / raw) if number else 0.0


def _sensor(entry: dict[str, Any]) -> Expected:
    kind, doubt = entry["class"], entry.get("doubt", "")
    if entry["descr"] == "DewPoint":  # the recorder has no class for it, and took that of a pressure
        kind = "temperature"
    unit = UNITS[kind]
    value = float(_meant(entry["value"], doubt))
    if entry["unit"] == "min":
        value *= 60
    what = f"{kind} {CALLED.get(entry['oid'], entry['descr'])}".strip()
    none = _nothing(entry["raw"], unit, what, doubt)
    step = _step(value, entry["raw"])
    return Expected("sensor", what, entry["oid"], unit=unit, value=value, step=step, none=none)


def _state(entry: dict[str, Any]) -> Expected:
    return Expected(
        "state",
        entry["descr"],
        entry["oid"],
        unit="enum",
        value=entry.get("meaning") or "",
        severity=str(entry.get("severity") or "unknown"),
        none=(entry.get("meaning") or "") in NO_WORDS,
    )


def _metric(entry: dict[str, Any]) -> Expected:
    name, _, rest = entry["metric"].rpartition("#")
    quantity = METRICS[rest].replace("#", name or "#")
    unit = {"C": "degC", "m": "s"}.get(entry["unit"], entry["unit"])
    minutes = "minutes" in rest
    value = float(entry["value"]) * (60 if minutes else 1)
    return Expected("metric", entry["metric"], quantity=quantity, unit="s" if minutes else unit, value=value)


def _scenario(key: str, value: Any) -> Expected:
    if key in SCENARIO:
        quantity, factor = SCENARIO[key]
        return Expected("scenario", key, quantity=quantity, value=float(value) * factor)
    flag = {"power.state": "OB", "battery.low": "LB"}[key]
    wanted = value == "on_battery" or value is True
    return Expected("scenario", key, quantity="ups.status", value=flag if wanted else f"!{flag}")
