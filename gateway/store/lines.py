r"""InfluxDB's line protocol. Pure.

Measurement = kind of device; tags = site, room, agent, device; fields = quantities with ``_`` for ``.``. Numbers are
floats for ever, so that a column never changes its type; each flag of a set is a float field of its own, 1 or 0; text
is text. A value is written only if it is good, else ``<field>_quality`` as an integer.

https://docs.influxdata.com/influxdb/v2/reference/syntax/line-protocol/: in a measurement, comma and space are escaped
with a backslash; in tags and field keys the equals sign too; in a string field value, double quote and backslash. A
newline ends a line wherever it stands but in a string field; no parser takes it escaped, so it becomes a space.
"""

import math
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final

import msgspec

from contract.clock import Stamp
from contract.errors import UNREADABLE, MessageError
from contract.message import Readings, decode
from contract.quantities import Kind, find
from contract.reading import Quality, Reading, Value

QUALITIES: Final = {Quality.STALE: 1, Quality.IMPLAUSIBLE: 2, Quality.UNAVAILABLE: 3}
"""What ``<field>_quality`` says; a good value has none."""
_TEXT_MOST: Final = 64 * 1024 - 1
"""Bytes: InfluxDB 1.x takes no longer string, nor tag."""
_TAG_MOST: Final = 1024
LATE: Final = "x.late"
"""The quantity that marks a point which came late."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]+")
_KEY = re.compile(r"([,= ])")
_MEASUREMENT = re.compile(r"([, ])")
_STRING = re.compile(r'(["\\])')


class Series(msgspec.Struct, frozen=True):
    """What a device's points are filed under."""

    kind: str
    site: str
    room: str
    agent: str
    device: str


class Poll(msgspec.Struct, frozen=True, gc=False):
    """A ``Readings`` message as far as a line needs it: its values stay the text that they came as."""

    device: str = ""
    at: Stamp = Stamp()
    sent: float = 0.0
    values: dict[str, msgspec.Raw] = {}
    quality: dict[str, Quality] = {}


_POLL: Final = msgspec.json.Decoder(Poll)
_NUMERIC: Final = b"+-.0123456789Ee,"
"""All that stands in JSON's numbers, and between them here. They are line protocol's numbers too."""


def poll_of(body: bytes) -> Poll:
    """Return the poll of a message's body, which was decoded in full when it came.

    Raises:
        MessageError: it is none.
    """
    try:
        return _POLL.decode(body)
    except UNREADABLE as error:
        raise MessageError(f"not a Readings message: {error}") from None


class _Form(msgspec.Struct, frozen=True):
    """How the values of polls with the same quantities are written: most of the work, done once."""

    text: bytes
    """With a place for each value."""
    numbers: tuple[int, ...]
    """Places of the numbers, where not all are."""
    flags: tuple[tuple[int, str], ...]
    """Place and quantity of the sets of flags."""


def poll_line(
    series: Series, poll: Poll, body: bytes, at: float, *, texts: bool = True, late: float = 0.0
) -> bytes | None:
    """Return the line of a poll; see ``line``, which says what it must be and takes ten times as long.

    Args:
        series: whose readings.
        poll: the message.
        body: the same, as it came.
        at: wall time of the poll, in seconds.
        texts: whether texts are written.
        late: seconds that it came too late by; 0: in time.
    """
    values = poll.values
    form = None if poll.quality or late or not values else _form(tuple(values))
    if form is not None:
        fields: list[Any] = list(values.values())
        numbers = [fields[place] for place in form.numbers] if form.numbers else fields
        if not b",".join(numbers).translate(None, _NUMERIC):
            for place, quantity in form.flags:
                fields[place] = _flags(quantity, bytes(fields[place]))
            return b"%b %b %d" % (_head(series), form.text % tuple(fields), round(at * 1000))
    readings = decode(Readings, body).readings()
    return line(series, [*readings, Reading(LATE, late)] if late else readings, at, texts=texts)


@lru_cache(maxsize=4096)
def _form(quantities: tuple[str, ...]) -> _Form | None:
    """Return the form of these quantities; None where there is none that is simple."""
    parts: list[str] = []
    numbers: list[int] = []
    flags: list[tuple[int, str]] = []
    for place, quantity in enumerate(quantities):
        key, known = field_key(quantity), find(quantity)
        if not key or known is None or known.kind is Kind.TEXT:
            return None
        if known.kind is Kind.FLAGS:
            flags.append((place, quantity))
            parts.append("%b")
        else:
            numbers.append(place)
            parts.append(f"{key.replace('%', '%%')}=%b")
    return _Form(",".join(parts).encode(), tuple(numbers) if flags else (), tuple(flags))


@lru_cache(maxsize=4096)
def _flags(quantity: str, text: bytes) -> bytes:
    value = msgspec.json.decode(text, type=Value)
    return ",".join(f"{key}={written}" for key, written in _fields(Reading(quantity, value))).encode()


@lru_cache(maxsize=16384)
def _head(series: Series) -> bytes:
    return head(series).encode()


def line(series: Series, readings: Iterable[Reading], at: float, *, texts: bool = True) -> bytes | None:
    """Return one line, without its newline; None when there is nothing to write.

    Args:
        series: whose readings.
        readings: of one poll.
        at: wall time of the poll, in seconds; written in milliseconds.
        texts: whether texts are written; the quality of one that is not good is in any case.
    """
    fields = {key: text for reading in readings for key, text in _fields(reading) if texts or not text.startswith('"')}
    if not fields or not math.isfinite(at):
        return None
    written = ",".join(f"{key}={value}" for key, value in fields.items())
    return f"{head(series)} {written} {round(at * 1000)}".encode()


def head(series: Series) -> str:
    """Return measurement and tags; a tag without a value is left out, as the protocol demands."""
    tags = (("site", series.site), ("room", series.room), ("agent", series.agent), ("device", series.device))
    written = "".join(f",{name}={_tag(value)}" for name, value in sorted(tags) if _clean(value))
    return _MEASUREMENT.sub(r"\\\1", _safe(series.kind) or "device") + written


def _fields(reading: Reading) -> Iterable[tuple[str, str]]:
    key = field_key(reading.quantity)
    if not key:
        return
    if not reading.good or reading.value is None:
        yield f"{key}_quality", f"{QUALITIES.get(reading.quality, 3)}i"
        return
    if not kind_fits(reading):
        yield f"{key}_quality", f"{QUALITIES[Quality.IMPLAUSIBLE]}i"
        return
    match reading.value:
        case tuple() as flags:
            known = find(reading.quantity)
            for flag in dict.fromkeys([*(known.flags if known else ()), *flags]):
                name = _key(flag)
                if name:
                    yield f"{key}_{name}", "1.0" if flag in flags else "0.0"
        case str() as text:
            yield key, f'"{_string(text)}"'
        case int() | float() as number if math.isfinite(number):
            yield key, repr(float(number))
        case _:
            yield f"{key}_quality", f"{QUALITIES[Quality.IMPLAUSIBLE]}i"


def field_key(quantity: str) -> str:
    """Return the field of a quantity: ``battery.charge`` → ``battery_charge``."""
    return _key(quantity.replace(".", "_"))


def kind_fits(reading: Reading) -> bool:
    """Say whether a value has the type that its quantity has for ever; a column must never change its type."""
    known = find(reading.quantity)
    if known is None or reading.value is None:
        return True
    match known.kind:
        case Kind.NUMBER:
            return isinstance(reading.value, int | float)
        case Kind.TEXT:
            return isinstance(reading.value, str)
        case Kind.FLAGS:
            return isinstance(reading.value, tuple)


def _clean(text: str) -> str:
    """Return text on one line, that can be encoded, and does not end in a backslash (nothing could follow it)."""
    text = _CONTROL.sub(" ", text).encode("utf-8", "replace").decode("utf-8")
    return text.strip().rstrip("\\").strip()


def _safe(text: str) -> str:
    """Return clean text in which no backslash can be taken for an escape."""
    return _clean(text[:_TAG_MOST]).replace("\\", "/")


def _key(text: str) -> str:
    return _KEY.sub(r"\\\1", _safe(text))


def _tag(text: str) -> str:
    return _KEY.sub(r"\\\1", _safe(text))


def _string(text: str) -> str:
    raw = text.replace("\r", " ").replace("\n", " ").replace("\x00", " ").encode("utf-8", "replace")[:_TEXT_MOST]
    return _STRING.sub(r"\\\1", raw.decode("utf-8", "ignore"))
