"""Register tables: one TOML file a Modbus device family, which says what register is what quantity.

::

    name = "acme-th"                      # of the profile
    title = "Acme temperature and humidity"
    source = "Acme manual 2.1"            # where the numbers come from
    kind = "environment"                  # of agent/kinds
    manufacturer = "Acme"
    model = "TH-1"
    line = { baudrate = 9600, parity = "E" }  # as it is shipped; the settings may say otherwise
    base = 10000                          # added to every address
    gap = 8                               # registers read in vain between two wanted ones, at the most
    most = 125                            # registers of one request, at the most
    single = true                         # one point a request, for devices that take no more
    timeout = 4.0                         # seconds, for slow ones
    wake = "8F"                           # bytes that go before each request on an RTU line
    pause = 0.03                          # seconds after them

    [[point]]
    quantity = "ambient.temperature"      # from the dictionary (contract/quantities)
    read = "input"                        # coil (function 1), discrete (2), holding (3), input (4)
    address = 1                           # as on the wire, from 0
    type = "s16"                          # u16, s16, u32, s32, f32, bcd (16 bits), text, time; bits: u16, any value
    order = "little"                      # the low word first; otherwise the high one
    scale = 0.1
    offset = -40                          # added after scaling
    none = [9999]                         # sentinels, as they come; 65535, 0x7FFF and their like are by themselves
    fast = true                           # asked at every poll
    mask = 0xFF00                         # a part of a register; it is shifted down
    plus = [12271, 12273]                 # registers of the same type whose values are added
    decimals = 14                         # the register that says how many decimals the value has

    [[point]]
    quantity = "ambient.contacts.#.status"  # a row: # is its number
    read = "discrete"
    address = 0
    rows = 16                             # one behind the other
    words = { 0 = "open", 1 = "closed" }  # what numbers mean; a number without a word is no value

    [[point]]
    quantity = "ambient.contacts.#.status"
    read = "input"
    address = 1
    bit = 0                               # the rows are bits of one register, from this one on
    rows = 8
    words = { 0 = "open", 1 = "closed" }

    [[point]]
    quantity = "x.surge.last"
    read = "holding"
    address = 256
    type = "time"                         # year, month, day, hour, minute, and second where length is 6
    length = 6                            # registers of a time (5 or 6) or a text

    [[flags]]
    quantity = "ambient.status"           # x.surge.status, ups.status
    read = "holding"
    address = 0
    bits = { 2 = ["WATER"] }              # bits from 0; or
    values = { 0 = [], 1 = ["WATER"] }    # the whole value: another one is not known; or
    above = { 100 = ["SMOKE"] }           # a number above the key
    mask = 0x00FF
    alarms = { 3 = "fan failure" }        # by bit: what goes into ups.alarm or ambient.alarm, and ALARM into the flags
    main = false                          # the flags are known without it
    fast = true

Everything here is pure: spans out, words in, readings out.
"""

from collections.abc import Iterator, Mapping, MutableMapping
from functools import cache
from importlib import resources
from typing import Annotated, Any, Final, Literal

import msgspec

from agent.drivers.base import Identity, Lane
from agent.links.modbus_frames import COILS, DISCRETE, HOLDING, INPUT, MOST_REGISTERS
from agent.profiles_modbus import decode
from agent.profiles_modbus.decode import SENTINELS, Type, decoded, masked, taken
from contract.quantities import Kind, find
from contract.reading import Reading, Value, judged, unavailable
from contract.settings import Fault, load

Address = Annotated[int, msgspec.Meta(ge=0, le=65535)]
Read = Literal["coil", "discrete", "holding", "input"]
FUNCTIONS: Final[dict[str, int]] = {"coil": COILS, "discrete": DISCRETE, "holding": HOLDING, "input": INPUT}
_WIDTHS: Final = {"u16": 1, "bits": 1, "s16": 1, "bcd": 1, "u32": 2, "s32": 2, "f32": 2}
NO_ALARM: Final = "none"
_MOST_DECIMALS: Final = 6

Words = Mapping[tuple[int, int], int]
"""What was read: function and address → register (0 to 65535) or bit (0 or 1)."""


class Span(msgspec.Struct, frozen=True, order=True):
    """Registers, or bits, that belong together: never read in two requests."""

    function: int
    address: int
    count: int


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """How a serial line is set, as the device is shipped."""

    baudrate: int = 9600
    parity: Literal["N", "E", "O"] = "N"
    stopbits: int = 1


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """One quantity, or a row of them."""

    quantity: str
    read: Read
    address: Address
    type: Type = "u16"
    order: Literal["big", "little"] = "big"
    scale: float = 1.0
    offset: float = 0.0
    none: tuple[int, ...] = ()
    words: dict[str, str] = {}
    fast: bool = False
    mask: Address = 0
    plus: tuple[Address, ...] = ()
    decimals: Address | None = None
    rows: Annotated[int, msgspec.Meta(ge=1, le=256)] = 1
    bit: Annotated[int, msgspec.Meta(ge=0, le=15)] | None = None
    length: Annotated[int, msgspec.Meta(ge=1, le=64)] = 1

    @staticmethod
    def faults(draft: Any) -> Iterator[Fault]:
        """Yield what does not fit."""
        if isinstance(draft.quantity, str) and isinstance(draft.rows, int):
            known = find(draft.quantity.replace("#", "1"))
            if known is None:
                yield Fault(f"unknown quantity {draft.quantity!r}", "add it to contract/quantities", ("quantity",))
            if ("#" in draft.quantity) is (draft.rows == 1):
                yield Fault("rows and # belong together", "write # for the number of the row", ("rows",))
        if draft.type == "time" and draft.length not in (5, 6):
            yield Fault("a time has 5 registers or 6", "write length = 6", ("length",))
        if isinstance(draft.bit, int) and isinstance(draft.rows, int) and draft.bit + draft.rows > 16:
            yield Fault("a register has 16 bits", "write a second point for the rest", ("rows",))

    @property
    def function(self) -> int:
        """The function code that reads it."""
        return FUNCTIONS[self.read]

    @property
    def width(self) -> int:
        """How many registers, or bits, one value takes."""
        return _WIDTHS.get(self.type, self.length) if self.read in ("holding", "input") else 1

    def spans(self, base: int) -> Iterator[Span]:
        """Yield what is to be read for it."""
        if self.bit is not None:
            yield Span(self.function, base + self.address, 1)
        else:
            for row in range(self.rows):
                yield Span(self.function, base + self.address + row * self.width, self.width)
        for address in self.plus:
            yield Span(self.function, base + address, self.width)
        if self.decimals is not None:
            yield Span(self.function, base + self.decimals, 1)

    def readings(self, words: Words, base: int) -> Iterator[Reading]:
        """Yield its readings."""
        for row in range(self.rows):
            name = self.quantity.replace("#", str(row + 1))
            at = base + self.address + (0 if self.bit is not None else row * self.width)
            value = self._value(words, base, at, None if self.bit is None else self.bit + row)
            yield unavailable(name) if value is None else judged(name, value)

    def _value(self, words: Words, base: int, at: int, bit: int | None) -> Value | None:
        raw = taken(words, self.function, at, self.width)
        if raw is None:
            return None
        if self.type == "text":
            return decode.text(raw)
        if self.type == "time":
            return decode.time(raw)
        number = decoded(raw, self.type, self.order) if self.width > 1 or self.read in ("holding", "input") else raw[0]
        if number is None or number in SENTINELS.get(self.type, ()) or number in self.none:
            return None
        if bit is not None:
            number = int(number) >> bit & 1
        elif self.mask:
            number = masked(int(number), self.mask)
        if self.words:
            return self.words.get(str(int(number)))
        for address in self.plus:
            more = taken(words, self.function, base + address, self.width)
            added = None if more is None else decoded(more, self.type, self.order)
            if added is None or added in SENTINELS.get(self.type, ()):
                return None
            number += added
        return self._scaled(number, words, base)

    def _scaled(self, number: float, words: Words, base: int) -> float | None:
        scale = self.scale
        if self.decimals is not None:
            places = words.get((self.function, base + self.decimals))
            if places is None or places > _MOST_DECIMALS:
                return None
            scale /= 10**places
        return round(number * scale + self.offset, 6)


class Flags(msgspec.Struct, frozen=True, kw_only=True):
    """What one register, or bit, puts into a set of flags."""

    quantity: str
    read: Read
    address: Address
    bits: dict[str, tuple[str, ...]] = {}
    values: dict[str, tuple[str, ...]] = {}
    above: dict[str, tuple[str, ...]] = {}
    alarms: dict[str, str] = {}
    mask: Address = 0
    main: bool = True
    fast: bool = False

    @staticmethod
    def faults(draft: Any) -> Iterator[Fault]:
        """Yield what does not fit."""
        known = find(draft.quantity) if isinstance(draft.quantity, str) else None
        if known is None or known.kind is not Kind.FLAGS:
            yield Fault(f"{draft.quantity!r} has no flags", "write ambient.status, x.surge.status or ups.status")
            return
        for key in ("bits", "values", "above"):
            said = getattr(draft, key)
            for place, flags in said.items() if isinstance(said, dict) else ():
                for flag in flags if isinstance(flags, tuple) else ():
                    if flag not in known.flags:
                        yield Fault(f"unknown flag {flag!r}", f"there are {', '.join(known.flags)}", (key, place))

    @property
    def span(self) -> Span:
        """What is to be read for it, without the base."""
        return Span(FUNCTIONS[self.read], self.address, 1)

    def says(self, words: Words, base: int) -> tuple[frozenset[str], tuple[str, ...]] | None:
        """Return the flags and the alarms that it stands for; None where it cannot be known."""
        raw = words.get((self.span.function, base + self.address))
        if raw is None:
            return None
        number = masked(raw, self.mask) if self.mask else raw
        if self.values and str(number) not in self.values:
            return None
        if (self.bits or self.above or self.alarms) and self.read in ("holding", "input") and raw in SENTINELS["u16"]:
            return None
        flags = set(self.values.get(str(number), ()))
        flags.update(flag for place, more in self.bits.items() if number >> int(place) & 1 for flag in more)
        flags.update(flag for limit, more in self.above.items() if number > float(limit) for flag in more)
        alarms = tuple(text for place, text in self.alarms.items() if number >> int(place) & 1)
        if alarms:
            flags.add("ALARM")
        return frozenset(flags), alarms


Held = MutableMapping[int, tuple[frozenset[str], tuple[str, ...]]]
"""What each ``[[flags]]`` of a table said last, by its place: a register that is not answered keeps its flags."""


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """One device family."""

    name: str
    title: str
    source: str
    kind: str
    manufacturer: str = ""
    model: str = ""
    line: Settings = Settings()
    base: Address = 0
    gap: Annotated[int, msgspec.Meta(ge=0, le=124)] = 8
    most: Annotated[int, msgspec.Meta(ge=1, le=MOST_REGISTERS)] = MOST_REGISTERS
    single: bool = False
    timeout: float = 0.0
    wake: str = ""
    pause: float = 0.0
    point: tuple[Point, ...] = ()
    flags: tuple[Flags, ...] = ()

    @staticmethod
    def faults(draft: Any) -> Iterator[Fault]:
        """Yield what does not fit."""
        if draft.point == () and draft.flags == ():
            yield Fault("nothing is read", "add a [[point]] or [[flags]]")
        if isinstance(draft.wake, str):
            try:
                bytes.fromhex(draft.wake)
            except ValueError:
                yield Fault(f"{draft.wake!r} are no bytes", 'write hexadecimal digits: "8F"', ("wake",))

    def coils(self) -> dict[int, int]:
        """Return the outputs that can be switched: number → address of the coil, as on the wire."""
        found: dict[int, int] = {}
        for point in self.point:
            if point.quantity == "outlet.#.status" and point.function == COILS:
                found.update((row + 1, span.address) for row, span in enumerate(point.spans(self.base)))
        return found

    @property
    def identity(self) -> Identity:
        """Who it is: a Modbus device does not say."""
        return Identity(self.name, self.manufacturer, self.model)

    def spans(self, lane: Lane) -> list[Span]:
        """Return what is to be read, each once; where nothing is fast, the fast lane has the first of all."""
        fast = lane is Lane.FAST
        found = {span for point in self.point if point.fast or not fast for span in point.spans(self.base)}
        found |= {self._moved(entry.span) for entry in self.flags if entry.fast or not fast}
        if not found:
            found = {next(iter(self.point[0].spans(self.base))) if self.point else self._moved(self.flags[0].span)}
        return sorted(found)

    def _moved(self, span: Span) -> Span:
        return msgspec.structs.replace(span, address=span.address + self.base)

    def readings(self, words: Words, lane: Lane, held: Held) -> list[Reading]:
        """Return the readings of one poll.

        Args:
            words: what was read.
            lane: what was asked for.
            held: what flags were known last; it is brought up to date.
        """
        found: list[Reading] = []
        for point in self.point:
            if point.fast or lane is Lane.ALL:
                found += point.readings(words, self.base)
        return [*self._flags(words, lane, held), *found]

    def _flags(self, words: Words, lane: Lane, held: Held) -> Iterator[Reading]:
        """Yield the sets of flags, and the texts of the alarms.

        A register that was not answered keeps the flags that it raised; where then none are up at all, the set cannot
        be called empty, and is unavailable. What the fast lane leaves out is as it was.
        """
        unknown: set[str] = set()
        asked: set[str] = set()
        for place, entry in enumerate(self.flags):
            if entry.fast or lane is Lane.ALL:
                asked.add(entry.quantity)
                said = entry.says(words, self.base)
                if said is not None:
                    held[place] = said
                elif entry.main:
                    unknown.add(entry.quantity)
        for name in sorted(asked):
            own = [(place, entry) for place, entry in enumerate(self.flags) if entry.quantity == name]
            flags = {flag for place, _ in own if place in held for flag in held[place][0]}
            if "OB" in flags:  # a transfer seen by one register before another: the worse one counts
                flags.discard("OL")
            yield unavailable(name) if name in unknown and not flags else judged(name, tuple(flags))
            named = [(place, entry) for place, entry in own if entry.alarms]
            text = {"ups.status": "ups.alarm", "ambient.status": "ambient.alarm"}.get(name)
            if named and text and lane is Lane.ALL:
                yield self._alarm(text, [held.get(place) for place, _ in named])

    def _alarm(self, name: str, said: list[tuple[frozenset[str], tuple[str, ...]] | None]) -> Reading:
        alarms = list(dict.fromkeys(alarm for each in said if each for alarm in each[1]))
        if not alarms and None in said:
            return unavailable(name)
        return judged(name, "; ".join(alarms)[:256] or NO_ALARM)


@cache
def tables() -> Mapping[str, Table]:
    """Return every table that ships with the agent, by its name.

    Raises:
        ConfigError: a table is wrong.
    """
    folder = resources.files(__name__)
    files = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".toml"))
    read = [load(Table, folder.joinpath(name).read_text("utf-8"), file=name) for name in files]
    return {table.name: table for table in read}
