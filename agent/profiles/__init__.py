"""Profiles: one TOML table a device family, which says what OID is what quantity. A new UPS model is a table, not code.

::

    name = "acme"                         # of the profile
    title = "Acme UPS cards"
    source = "ACME-UPS-MIB"               # where the numbers come from
    match = ["1.3.6.1.4.1.99999"]         # sysObjectID begins with one of these
    confirm = ["….2.1.0"]                 # it is this family only if one of these answers

    [identity]                            # OIDs; the first that answers counts
    model = ["….1.1.0"]

    [[point]]
    quantity = "battery.charge"           # from the dictionary (contract/quantities.py)
    oid = ["….2.3.1.0", "….2.2.1.0"]      # in order of preference; the first good value counts
    scale = [0.1, 1]                      # one factor for all, or one for each OID
    fast = true                           # asked at every poll
    none = [-1, 65535]                    # sentinels: the device has no value

    [[point]]
    quantity = "input.L#-N.voltage"       # a column: # is the row, 1 to 3
    single = "input.voltage"              # its name where only the first row answers
    oid = ["….3.3.1.3.#"]
    guess = [1, 0.1]                      # agents differ in scale: the first factor that brings the value
    expect = [50, 600]                    #   into this range counts
    offset = -17.8                        # added after scaling (Fahrenheit)
    rows = [1, 2]                         # other rows than 1 to 3
    where = { "….3.3.1.2.#" = "supply" }  # only a row whose other columns say this; for tables in any order
    phases = "….3.2.0"                    # how many rows are meant, for cards that fill in phases that are not there

    [[point]]
    quantity = "battery.status"           # a text
    oid = ["….2.1.0"]
    words = { 2 = "normal", 3 = "low" }   # what numbers mean; a number without a word is no value

    [[status]]                            # what goes into ups.status
    oid = "….4.1.0"
    flags = { 3 = ["OL"], 5 = ["OB", "DISCHRG"] }
    main = true                           # without a known value of a main one, ups.status is unavailable
    fast = true

    [[status]]
    oid = "….5.9.0"
    alarms = { 1 = "battery fault" }      # what goes into ups.alarm, and ALARM into ups.status
    quiet = [2]                           # values that say all is well; others say nothing

    [[bits]]                              # a text of "0" and "1"; positions from 1
    oid = "….11.1.1.0"
    flags = { 2 = ["OB"], 3 = ["LB"] }

Everything here is pure: OIDs out, values in, readings out.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib import resources

import msgspec

from agent.drivers.base import Identity, Lane
from agent.links.snmp import Raw
from contract.quantities import Kind, find
from contract.reading import Quality, Reading, judged, unavailable
from contract.settings import load

ROWS = (1, 2, 3)
FALLBACK = "rfc1628"
"""What is asked of a device that no other profile knows, and what fills in where one is silent."""
SENTINELS = frozenset({65535, 4294967295, 2147483647, -2147483648, -2147483647})
"""Never a value, whoever says it."""
NO_ALARM = "none"
"""What ``ups.alarm`` says of a device that can name its alarms, and names none."""


class Identifying(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """OIDs of what a device says of itself."""

    manufacturer: tuple[str, ...] = ()
    model: tuple[str, ...] = ()
    serial: tuple[str, ...] = ()
    firmware: tuple[str, ...] = ()


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """One quantity."""

    quantity: str
    oid: tuple[str, ...]
    single: str = ""
    scale: tuple[float, ...] = (1.0,)
    fast: bool = False
    none: tuple[int, ...] = ()
    words: dict[str, str] = {}
    offset: float = 0.0
    rows: tuple[int, ...] = ROWS
    where: dict[str, str] = {}
    phases: str = ""
    guess: tuple[float, ...] = ()
    expect: tuple[float, float] | None = None

    def asks(self) -> list[str]:
        """Return the OIDs to ask, rows spelled out."""
        asked = [oid.replace("#", str(row)) for oid in (*self.oid, *self.where) for row in self._rows_of(oid)]
        return [*asked, self.phases] if self.phases else asked

    def _rows_of(self, oid: str) -> tuple[int, ...]:
        return self.rows if "#" in oid else (0,)


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """What one value puts into ``ups.status`` and ``ups.alarm``."""

    oid: str
    flags: dict[str, tuple[str, ...]] = {}
    main: bool = False
    fast: bool = False
    above: dict[str, tuple[str, ...]] = {}
    """Flags for a number above the key."""
    alarms: dict[str, str] = {}
    quiet: tuple[int | str, ...] = ()

    def asks(self) -> list[str]:
        """Return the OIDs to ask, rows spelled out."""
        return [self.oid.replace("#", str(row)) for row in (ROWS if "#" in self.oid else (0,))]

    def says(self, raw: Raw) -> tuple[frozenset[str], str]:
        """Return the flags and the alarm that a value stands for."""
        word = _text(raw)
        alarm = self.alarms.get(word, "")
        flags = {*self.flags.get(word, ()), *(("ALARM",) if alarm else ())}
        number = _number(raw)
        if number is not None and number not in SENTINELS:
            flags.update(flag for limit, more in self.above.items() if number > float(limit) for flag in more)
        return frozenset(flags), alarm

    def knows(self, raw: Raw) -> bool:
        """Say whether a value is one that this object may have."""
        word = _text(raw)
        quiet = word in map(str, self.quiet)
        return quiet or word in self.flags or word in self.alarms or (bool(self.above) and _number(raw) is not None)


class Bits(msgspec.Struct, frozen=True, kw_only=True):
    """What the characters of a text put into ``ups.status``."""

    oid: str
    flags: dict[str, tuple[str, ...]] = {}
    fast: bool = False


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """One device family."""

    name: str
    title: str
    source: str
    kind: str = "ups"
    """What its devices are: of ``agent/kinds``."""
    match: tuple[str, ...] = ()
    confirm: tuple[str, ...] = ()
    manufacturer: str = ""
    """Said for devices that do not say it themselves."""
    identity: Identifying = Identifying()
    point: tuple[Point, ...] = ()
    status: tuple[Status, ...] = ()
    bits: tuple[Bits, ...] = ()

    def oids(self, lane: Lane) -> tuple[str, ...]:
        """Return what to ask, each OID once; columns with every row that may be there."""
        found: dict[str, None] = {}
        for status in self.status:
            if status.fast or lane is Lane.ALL:
                found.update(dict.fromkeys(status.asks()))
        found.update(dict.fromkeys(entry.oid for entry in self.bits if entry.fast or lane is Lane.ALL))
        for point in self.point:
            if point.fast or lane is Lane.ALL:
                found.update(dict.fromkeys(point.asks()))
        if lane is Lane.ALL:
            found.update(dict.fromkeys(self.confirm))
            for oids in msgspec.structs.astuple(self.identity):
                found.update(dict.fromkeys(oids))
        return tuple(found)

    def slow_status(self) -> tuple[str, ...]:
        """Return the OIDs behind ``ups.status`` that the fast lane leaves out."""
        slow = [oid for status in self.status if not status.fast for oid in status.asks()]
        return (*slow, *(bits.oid for bits in self.bits if not bits.fast))

    def answers(self, values: Mapping[str, Raw]) -> bool:
        """Say whether the device is one of this family: something of ``confirm`` has a value."""
        return any(values.get(oid) is not None for oid in self.confirm)

    def who(self, values: Mapping[str, Raw]) -> Identity:
        """Return what the device says of itself."""
        texts = {
            field: next((text for oid in oids if (text := _text(values.get(oid)))), "")
            for field, oids in msgspec.structs.asdict(self.identity).items()
        }
        return Identity(self.name, **(texts | {"manufacturer": texts["manufacturer"] or self.manufacturer}))

    def readings(self, values: Mapping[str, Raw], lane: Lane = Lane.ALL) -> list[Reading]:
        """Return the readings of one poll."""
        found = self._summary(values, lane)
        found += (reading for reading, _ in self._points(values, lane))
        return found

    def trace(self, values: Mapping[str, Raw], lane: Lane = Lane.ALL) -> list[tuple[Reading, str]]:
        """Return what each object contributes, with its OID; of ``ups.status``, the flags that it raises."""
        found = self._points(values, lane)
        for status, oid, raw in self._known(values):
            flags, alarm = status.says(raw)
            found.append((judged("ups.status", tuple(flags)), oid))
            if status.alarms:
                found.append((judged("ups.alarm", alarm or NO_ALARM), oid))
        return found

    def _known(self, values: Mapping[str, Raw]) -> Iterator[tuple[Status, str, Raw]]:
        for status in self.status:
            for oid in status.asks():
                raw = values.get(oid)
                if raw is not None and status.knows(raw):
                    yield status, oid, raw

    def _points(self, values: Mapping[str, Raw], lane: Lane) -> list[tuple[Reading, str]]:
        found: list[tuple[Reading, str]] = []
        for point in self.point:
            if point.fast or lane is Lane.ALL:
                found += _columns(point, values) if any("#" in oid for oid in point.oid) else _plain(point, values)
        return found

    def _summary(self, values: Mapping[str, Raw], lane: Lane) -> list[Reading]:
        """Return ``ups.status`` and, where the device names alarms, ``ups.alarm``."""
        flags: set[str] = set()
        alarms: list[str] = []
        known = heard = False
        for status, _, raw in self._known(values):
            said, alarm = status.says(raw)
            flags |= said
            known = known or status.main
            heard = heard or bool(status.alarms)
            if alarm and alarm not in alarms:
                alarms.append(alarm)
        for bits in self.bits:
            text = _text(values.get(bits.oid))
            for place, more in bits.flags.items():
                if text[int(place) - 1 : int(place)] == "1":
                    flags.update(more)
        found: list[Reading] = []
        if known:
            if "OB" in flags:  # a transfer seen by one object before another: the worse one counts
                flags.discard("OL")
            found.append(judged("ups.status", tuple(flags)))
        elif any(status.main for status in self.status):
            found.append(unavailable("ups.status"))
        if heard and lane is Lane.ALL:
            found.append(judged("ups.alarm", "; ".join(alarms)[:256] or NO_ALARM))
        return found


def _columns(point: Point, values: Mapping[str, Raw]) -> list[tuple[Reading, str]]:
    """Return one reading a row; a device with one row only has one phase, and its plain name."""
    rows = {
        row: msgspec.structs.replace(point, oid=tuple(oid.replace("#", str(row)) for oid in point.oid))
        for row in point.rows
        if all(_text(values.get(oid.replace("#", str(row)))) == said for oid, said in point.where.items())
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
    count = _number(values.get(point.phases))
    if count is not None and 1 <= count <= len(there):
        return [row for row, _ in there][: int(count)]
    alive = [row for row, raw in there if _number(raw) not in (0.0, None)]
    return alive or [row for row, _ in there]


def _plain(point: Point, values: Mapping[str, Raw]) -> list[tuple[Reading, str]]:
    """Return the reading of a point: the first good one of its OIDs, else what the last one that answered says."""
    last: tuple[Reading, str] | None = None
    for at, oid in enumerate(point.oid):
        raw = values.get(oid)
        if raw is None:
            continue
        scale = point.scale[min(at, len(point.scale) - 1)]
        reading = _read(point, raw, scale)
        if reading.quality is Quality.GOOD:
            return [(reading, oid)]
        last = last or (reading, oid)
    return [last or (unavailable(point.quantity), point.oid[0])]


def _read(point: Point, raw: Raw, scale: float) -> Reading:
    quantity = find(point.quantity)
    if point.words:
        return judged(point.quantity, point.words.get(_text(raw)) or None)
    if quantity is not None and quantity.kind is Kind.TEXT:
        return judged(point.quantity, _text(raw) or None)
    number = _number(raw)
    if number is None or number in SENTINELS or number in point.none:
        return unavailable(point.quantity)
    if point.guess and point.expect is not None:
        low, high = point.expect
        scale = next((factor for factor in point.guess if low <= number * factor <= high), point.guess[0])
    return judged(point.quantity, round(number * scale + point.offset, 6))


def _number(raw: Raw) -> float | None:
    """Return a number, also of a text that holds one, as some cards answer."""
    if isinstance(raw, int | float):
        return float(raw) if math.isfinite(raw) else None
    try:
        number = float(_text(raw))
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _text(raw: Raw) -> str:
    """Return a text without the NULs, blanks and bad bytes that cards pad with."""
    if raw is None:
        return ""
    text = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else str(raw)
    return "".join(char for char in text.split("\0")[0] if char.isprintable()).strip()


@cache
def load_profiles() -> tuple[Profile, ...]:
    """Return every profile that ships with the agent, by name.

    Raises:
        ConfigError: a table is wrong.
    """
    folder = resources.files(__name__)
    files = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".toml"))
    return tuple(load(Profile, folder.joinpath(name).read_text("utf-8"), file=name) for name in files)


def choose(profiles: Iterable[Profile], sys_object_id: str) -> list[Profile]:
    """Return the profiles to try, best first: the longest match, and the fallback last."""
    oid = sys_object_id.strip(".") + "."
    scored = [
        (max(len(prefix) for prefix in profile.match if oid.startswith(prefix + ".")), profile)
        for profile in profiles
        if profile.name != FALLBACK and any(oid.startswith(prefix + ".") for prefix in profile.match)
    ]
    best = [profile for _, profile in sorted(scored, key=lambda pair: -pair[0])]
    return [*best, *(profile for profile in profiles if profile.name == FALLBACK)]
