"""Sensors that say themselves what they measure: ENTITY-SENSOR-MIB (RFC 3433), and Cisco's table of the same layout. Pure."""

from typing import Final

from agent.drivers.tables.columns import number, whole
from agent.links.snmp import Raw

TYPE, SCALE, PRECISION, VALUE, STATUS = 1, 2, 3, 4, 5
"""Columns of entPhySensorTable."""
LIMIT_SEVERITY, LIMIT_EVALUATION = 2, 5
"""Columns of CISCO-ENTITY-SENSOR-MIB's entSensorThresholdTable; the index is the sensor's, and a number."""
MAJOR: Final = 20
"""CiscoEntitySensorThresholdSeverity: 1 other, 10 minor, 20 major, 30 critical."""
TRUE: Final = 1
"""TruthValue."""
_UNITS: Final = 9
"""EntitySensorDataScale: 9 is units; each step is a factor of a thousand."""
_QUANTITIES: Final = {
    3: "voltage",
    4: "voltage",
    5: "current",
    6: "power",
    7: "frequency",
    8: "temperature",
    9: "humidity",
    10: "speed",
    11: "airflow",
}
"""EntitySensorDataType."""
OK, UNAVAILABLE, BROKEN = 1, 2, 3
"""EntitySensorStatus."""
WORDS: Final = {OK: "ok", BROKEN: "failed"}
_EXTREME: Final = 1_000_000_000
"""RFC 3433: plus or minus this is beyond what can be said."""


def quantity(kind: Raw, more: dict[str, str]) -> str | None:
    """Return what a sensor of a type measures, in the words of the dictionary; None for what has none there."""
    told = whole(kind)
    return None if told is None else more.get(str(told), _QUANTITIES.get(told))


def value(raw: Raw, scale: Raw, precision: Raw) -> float | None:
    """Return what a sensor measures, in its unit; None for what is no value."""
    said = number(raw)
    if said is None or abs(said) >= _EXTREME:
        return None
    digits = whole(precision) or 0
    power = 3 * ((whole(scale) or _UNITS) - _UNITS)
    if not (-8 <= digits <= 9 and -24 <= power <= 24):
        return None
    return round(said * 10.0**power / 10.0**digits, 9)
