"""What the model says in SNMP: OID by OID, for two faces. Pure.

``rfc1628`` is the standard UPS-MIB; ``powernet`` is APC's PowerNet-MIB as a network card of the second generation
shows it (values and their high-precision tenths).
"""

from collections.abc import Callable, Mapping
from typing import Any, Literal

import msgspec

from firmware_sims.ups import Rating, View

Face = Literal["rfc1628", "powernet"]
Oid = tuple[int, ...]


class Integer(msgspec.Struct, frozen=True):
    """INTEGER."""

    value: int


class Gauge(msgspec.Struct, frozen=True):
    """Gauge32."""

    value: int


class Counter(msgspec.Struct, frozen=True):
    """Counter32."""

    value: int


class Ticks(msgspec.Struct, frozen=True):
    """TimeTicks, hundredths of a second."""

    value: int


class Text(msgspec.Struct, frozen=True):
    """OCTET STRING."""

    value: str


class Name(msgspec.Struct, frozen=True):
    """OBJECT IDENTIFIER."""

    value: str


Answer = Integer | Gauge | Counter | Ticks | Text | Name
Entry = Callable[[View, float], Answer | None]
Table = dict[Oid, Entry]
"""By OID: what is answered, of the view and the uptime in seconds; None for a row that is not there now."""


class Plate(msgspec.Struct, frozen=True):
    """What the device says of itself."""

    name: str
    manufacturer: str
    model: str
    serial: str
    firmware: str = "1.4.2"


def table(face: Face, plate: Plate, rating: Rating) -> Table:
    """Return a face, sorted by OID."""
    if face == "rfc1628":
        object_id, entries = "1.3.6.1.2.1.33.2.3", _rfc1628(plate, rating)
    else:
        object_id, entries = "1.3.6.1.4.1.318.1.3.27", _powernet(plate, rating)
    whole = system(plate, object_id) | entries
    return dict(sorted(whole.items()))


def oid_of(text: str) -> Oid:
    """Return the numbers of an OID."""
    return tuple(int(part) for part in text.split("."))


def under(base: str, entries: Mapping[str, Entry | Answer]) -> Table:
    """Return entries by their whole OIDs; what is always the same may be written as an answer."""
    found: Table = {}
    for suffix, entry in entries.items():
        found[oid_of(f"{base}.{suffix}")] = entry if callable(entry) else _always(entry)
    return found


def _always(answer: Answer) -> Entry:
    return lambda _view, _uptime: answer


def system(plate: Plate, object_id: str) -> dict[Oid, Callable[[Any, float], Answer | None]]:
    """Return the system group: what every card says of itself."""
    return under(
        "1.3.6.1.2.1.1",
        {
            "1.0": Text(f"{plate.manufacturer} {plate.model} (simulated), firmware {plate.firmware}"),
            "2.0": Name(object_id),
            "3.0": lambda _view, uptime: Ticks(round(uptime * 100) % 2**32),
            "4.0": Text("wolfsmoke"),
            "5.0": Text(plate.name),
            "6.0": Text("simulated"),
            "7.0": Integer(72),
        },
    )


def _rfc1628(plate: Plate, rating: Rating) -> Table:
    return under(
        "1.3.6.1.2.1.33.1",
        {
            "1.1.0": Text(plate.manufacturer),
            "1.2.0": Text(plate.model),
            "1.3.0": Text(plate.firmware),
            "1.4.0": Text("wolfsmoke simulator"),
            "1.5.0": Text(plate.name),
            "1.6.0": Text(""),
            "2.1.0": lambda view, _: Integer(4 if view.charge <= 0.0 else 3 if view.low else 2),
            "2.2.0": lambda view, _: Integer(int(view.on_battery_seconds)),
            "2.3.0": lambda view, _: Integer(int(view.runtime / 60.0)),
            "2.4.0": lambda view, _: Integer(round(view.charge)),
            "2.5.0": lambda view, _: Integer(round(view.battery_volts * 10)),
            "2.6.0": lambda view, _: Integer(round(view.battery_amperes * 10)),
            "2.7.0": lambda view, _: Integer(round(view.temperature)),
            "3.1.0": lambda view, _: Counter(view.transfers),
            "3.2.0": Integer(1),
            "3.3.1.2.1": lambda view, _: Integer(round(view.input_hertz * 10)),
            "3.3.1.3.1": lambda view, _: Integer(round(view.input_volts)),
            "3.3.1.4.1": lambda view, _: Integer(round(view.input_watts / view.input_volts * 10) if view.mains else 0),
            "3.3.1.5.1": lambda view, _: Integer(round(view.input_watts)),
            "4.1.0": lambda view, _: Integer(_source(view)),
            "4.2.0": lambda view, _: Integer(round(view.output_hertz * 10)),
            "4.3.0": Integer(1),
            "4.4.1.2.1": lambda view, _: Integer(round(view.output_volts)),
            "4.4.1.3.1": lambda view, _: Integer(round(view.output_amperes * 10)),
            "4.4.1.4.1": lambda view, _: Integer(round(view.watts)),
            "4.4.1.5.1": lambda view, _: Integer(round(view.load)),
            "5.1.0": lambda view, _: Integer(round(view.input_hertz * 10)),
            "5.2.0": Integer(0),
            "6.1.0": lambda view, _: Gauge(len(_alarms(view))),
            **{f"6.2.1.1.{row}": _alarm(row, _alarm_id) for row in _ALARM_ROWS},
            **{f"6.2.1.2.{row}": _alarm(row, _alarm_name) for row in _ALARM_ROWS},
            "7.1.0": lambda view, _: Name(f"1.3.6.1.2.1.33.1.7.7.{4 if view.test else 1}"),
            "7.3.0": lambda view, _: Integer(5 if view.test else 6),
            "9.1.0": Integer(round(rating.volts)),
            "9.2.0": Integer(round(rating.hertz * 10)),
            "9.3.0": Integer(round(rating.volts)),
            "9.4.0": Integer(round(rating.hertz * 10)),
            "9.5.0": Integer(round(rating.apparent)),
            "9.6.0": Integer(round(rating.power)),
            "9.7.0": Integer(2),
            "9.8.0": Integer(2),
            "9.9.0": Integer(round(rating.volts * 0.80)),
            "9.10.0": Integer(round(rating.volts * 1.18)),
        },
    )


def _source(view: View) -> int:
    """Return upsOutputSource: none 2, normal 3, battery 5, booster 6, reducer 7."""
    if not view.output:
        return 2
    if view.on_battery or view.test:
        return 5
    return 6 if view.boost else 7 if view.trim else 3


def _alarms(view: View) -> list[int]:
    """Return the well-known alarms of RFC 1628 that are present: the last number of their OIDs, in rising order."""
    alarms = [
        (1, view.replace),
        (2, view.on_battery),
        (3, view.low),
        (4, view.charge <= 0.0),
        (6, not view.mains),
        (8, view.overload),
        (14, not view.output),
        (24, view.test),
    ]
    return [number for number, present in alarms if present]


_ALARM_ROWS = range(1, 9)


def _alarm(row: int, answer: Callable[[int, int], Answer]) -> Entry:
    """Return one cell of the alarm table; the rows close up, as many cards do it."""

    def cell(view: View, _uptime: float) -> Answer | None:
        present = _alarms(view)
        if row > len(present):
            return None
        return answer(row, present[row - 1])

    return cell


def _alarm_id(row: int, _number: int) -> Answer:
    return Integer(row)


def _alarm_name(_row: int, number: int) -> Answer:
    return Name(f"1.3.6.1.2.1.33.1.6.3.{number}")


def _powernet(plate: Plate, rating: Rating) -> Table:
    return under(
        "1.3.6.1.4.1.318.1.1.1",
        {
            "1.1.1.0": Text(plate.model),
            "1.1.2.0": Text(plate.name),
            "1.2.1.0": Text(plate.firmware),
            "1.2.2.0": Text("01/15/2024"),
            "1.2.3.0": Text(plate.serial),
            "2.1.1.0": lambda view, _: Integer(3 if view.low else 2),
            "2.1.2.0": lambda view, _: Ticks(round(view.on_battery_seconds * 100)),
            "2.1.3.0": Text("01/15/2024"),
            "2.2.1.0": lambda view, _: Gauge(round(view.charge)),
            "2.2.2.0": lambda view, _: Gauge(round(view.temperature)),
            "2.2.3.0": lambda view, _: Ticks(round(view.runtime * 100)),
            "2.2.4.0": lambda view, _: Integer(2 if view.replace else 1),
            "2.2.5.0": Integer(1),
            "2.2.6.0": Integer(0),
            "2.2.7.0": Integer(round(rating.string)),
            "2.2.8.0": lambda view, _: Integer(round(view.battery_volts)),
            "2.2.9.0": lambda view, _: Integer(round(view.battery_amperes)),
            "2.3.1.0": lambda view, _: Gauge(round(view.charge * 10)),
            "2.3.2.0": lambda view, _: Gauge(round(view.temperature * 10)),
            "2.3.4.0": lambda view, _: Integer(round(view.battery_volts * 10)),
            "3.1.1.0": Integer(1),
            "3.2.1.0": lambda view, _: Gauge(round(view.input_volts)),
            "3.2.4.0": lambda view, _: Gauge(round(view.input_hertz)),
            "3.2.5.0": lambda view, _: Integer(9 if view.test else 4 if view.transfers else 1),
            "3.3.1.0": lambda view, _: Gauge(round(view.input_volts * 10)),
            "3.3.4.0": lambda view, _: Gauge(round(view.input_hertz * 10)),
            "4.1.1.0": lambda view, _: Integer(_output_status(view)),
            "4.1.2.0": Integer(1),
            "4.2.1.0": lambda view, _: Gauge(round(view.output_volts)),
            "4.2.2.0": lambda view, _: Gauge(round(view.output_hertz)),
            "4.2.3.0": lambda view, _: Gauge(round(view.load)),
            "4.2.4.0": lambda view, _: Gauge(round(view.output_amperes)),
            "4.2.8.0": lambda view, _: Integer(round(view.watts)),
            "4.3.1.0": lambda view, _: Gauge(round(view.output_volts * 10)),
            "4.3.2.0": lambda view, _: Gauge(round(view.output_hertz * 10)),
            "4.3.3.0": lambda view, _: Gauge(round(view.load * 10)),
            "4.3.4.0": lambda view, _: Gauge(round(view.output_amperes * 10)),
            "5.2.1.0": Integer(round(rating.volts)),
            "5.2.2.0": Integer(round(rating.volts * 1.18)),
            "5.2.3.0": Integer(round(rating.volts * 0.80)),
            "5.2.8.0": Ticks(2 * 60 * 100),
            "7.2.2.0": lambda view, _: Integer(2 if view.test else 1),
            "8.1.0": Integer(1),
            "11.1.1.0": lambda view, _: Text(_state_flags(view)),
        },
    )


def _output_status(view: View) -> int:
    """Return upsBasicOutputStatus: 2 on line, 3 on battery, 4 boost, 7 off, 12 trim, 15 battery test."""
    if not view.output:
        return 7
    if view.on_battery:
        return 3
    if view.test:
        return 15
    return 4 if view.boost else 12 if view.trim else 2


def _state_flags(view: View) -> str:
    """Return upsBasicStateOutputState: 64 flags as a text of 0 and 1; the first is number 1."""
    flags = {
        1: view.on_battery or view.low or view.overload or not view.output,
        2: view.on_battery,
        3: view.low,
        4: view.output and not view.on_battery,
        7: view.boost,
        8: view.trim,
        9: view.overload,
        19: view.output,
    }
    return "".join("1" if flags.get(number) else "0" for number in range(1, 65))
