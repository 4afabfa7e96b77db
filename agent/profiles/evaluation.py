"""From values to the readings of one point. Pure."""

from collections.abc import Mapping

import msgspec

from agent.links.snmp import Raw
from agent.profiles.entries import Point
from agent.profiles.raw import SENTINELS, masked, meets, number, says, text
from contract.quantities import Kind, find
from contract.reading import Quality, Reading, judged, unavailable

_DIGITS = range(10)


def readings(point: Point, values: Mapping[str, Raw]) -> list[tuple[Reading, str]]:
    """Return the readings of a point, one a row where it has rows, each with the OID that it came from."""
    if any("#" in oid for oid in point.oid):
        return _columns(point, values)
    return _plain(point, values) if not point.where or meets(values, point.where) else []


def _columns(point: Point, values: Mapping[str, Raw]) -> list[tuple[Reading, str]]:
    """Return one reading a row; a device with one row only has one phase, and its plain name."""
    rows = {
        row: msgspec.structs.replace(point, oid=tuple(oid.replace("#", str(row)) for oid in point.oid))
        for row in point.rows
        if all(says(values.get(oid.replace("#", str(row))), said) for oid, said in point.where.items())
    }
    there = [row for row, entry in rows.items() if any(values.get(oid) is not None for oid in entry.oid)]
    if point.phases and len(there) > 1:
        there = _phases(point, [(row, values.get(rows[row].oid[0])) for row in there], values)
    if "#" not in point.quantity:  # the row was chosen by what it says
        there = there[:1]
    found: list[tuple[Reading, str]] = []
    for row in there:
        name = point.single if point.single and there == [1] else point.quantity.replace("#", str(row))
        found += _plain(msgspec.structs.replace(rows[row], quantity=name), values)
    return found


def _phases(point: Point, there: list[tuple[int, Raw]], values: Mapping[str, Raw]) -> list[int]:
    """Return the rows that are phases: as many as the device says, else those that are not zero."""
    count = number(values.get(point.phases))
    if count is not None and 1 <= count <= len(there):
        return [row for row, _ in there][: int(count)]
    alive = [row for row, raw in there if number(raw) not in (0.0, None)]
    return alive or [row for row, _ in there]


def _plain(point: Point, values: Mapping[str, Raw]) -> list[tuple[Reading, str]]:
    """Return the reading of a point: the first good one of its OIDs, else what the last one that answered says."""
    last: tuple[Reading, str] | None = None
    if point.live and not meets(values, point.live):
        return [(unavailable(point.quantity), point.oid[0])]
    for at, oid in enumerate(point.oid):
        raw = values.get(oid)
        if raw is None:
            continue
        scale = point.scale[min(at, len(point.scale) - 1)]
        reading = _read(point, raw, scale, values)
        if reading.quality is Quality.GOOD:
            return [(reading, oid)]
        last = last or (reading, oid)
    return [last or (unavailable(point.quantity), point.oid[0])]


def _read(point: Point, raw: Raw, scale: float, values: Mapping[str, Raw]) -> Reading:
    quantity = find(point.quantity)
    if point.words:
        return judged(point.quantity, point.words.get(masked(raw, point.mask) if point.mask else text(raw)) or None)
    if quantity is not None and quantity.kind is Kind.TEXT:
        return judged(point.quantity, text(raw) or None)
    value = number(raw)
    if value is None or value in SENTINELS or value in point.none:
        return unavailable(point.quantity)
    if point.guess and point.expect is not None:
        low, high = point.expect
        scale = next((factor for factor in point.guess if low <= value * factor <= high), point.guess[0])
    if point.digits:
        digits = number(values.get(point.digits))
        if digits not in _DIGITS:  # a value of a scale that is not known is none
            return unavailable(point.quantity)
        scale *= 10.0 ** -float(digits or 0)
    value = value * scale + point.offset
    if point.fahrenheit:
        if any(values.get(oid) is None for oid in point.fahrenheit):
            return unavailable(point.quantity)  # of a unit that is not known
        if meets(values, point.fahrenheit):
            value = (value - 32.0) / 1.8
    return judged(point.quantity, round(value, 6))
