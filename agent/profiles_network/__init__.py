"""What network equipment says of its parts: one TOML table a family. A new family is a table, not code.

::

    name = "acme"
    title = "Acme switches"
    source = "ACME-ENV-MIB"                # where the numbers come from
    match = ["1.3.6.1.4.1.99999"]          # sysObjectID begins with one of these; none: every device is asked
    manufacturer = "Acme"

    [[table]]
    part = "fan"                           # fan, supply, board, sensor, optics, cpu, memory; line, calls, link, radio
    state = "….4.1.3"                      # a column; its rows are the parts
    ok = [1]                               # values of it
    bad = [2, 3]                           #   put the flag up
    absent = [5]                           #   no such part there
    words = { 1 = "normal", 3 = "critical" }   # else "ok" and "failed"; a value in none of these is unknown
    flag = "FAN"                           # else the part's own
    name = ["….4.1.2"]                     # columns of the same index; the first that says something
    label = "fan"                          # without a name: "fan 1"
    where = { "….1.5" = [7] }              # only rows whose other column says this
    unless = { "….1.6" = [0] }             # only rows whose other column does not
    spare = true                           # only where no other table brought this part

    [[table.value]]
    quantity = "temperature"               # last words of x.network.sensor.#.temperature
    column = "….3.1.3"
    scale = 0.1
    none = [0]                             # sentinels
    rest = "….1.6"                         # the other part of a whole: the value is in percent of both
    limit = "….3.1.4"                      # a column: at it, or above, the flag is up
    flag = "HEAT"

    [[sensors]]                            # a table in the layout of RFC 3433
    base = "1.3.6.1.2.1.99.1.1.1"
    kinds = { 14 = "level" }               # more kinds than the RFC's

Everything here is pure.
"""

from collections.abc import Iterable
from functools import cache
from importlib import resources

import msgspec

from contract.settings import load

FLAGS = {"fan": "FAN", "supply": "SUPPLY", "board": "BOARD", "sensor": "SENSOR", "optics": "SENSOR"}
"""What a bad part is called in ``x.network.status``."""
PARTS = (*FLAGS, "cpu", "memory")
"""Parts whose quantities begin with ``x.network.``."""
PREFIXES = {"line": "x.line", "calls": "x.calls", "link": "x.link", "radio": "x.radio"}
"""Where the parts' quantities begin, if not with ``x.network.``."""
SENTINELS = frozenset({2147483647, -2147483648, 4294967295, 65535})
"""Never a value, whoever says it."""


class Value(msgspec.Struct, frozen=True, kw_only=True):
    """What a part measures."""

    quantity: str
    column: str
    scale: float = 1.0
    none: tuple[int, ...] = ()
    rest: str = ""
    limit: str = ""
    flag: str = ""


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """Parts of one kind."""

    part: str
    state: str = ""
    ok: tuple[int, ...] = ()
    bad: tuple[int, ...] = ()
    absent: tuple[int, ...] = ()
    words: dict[str, str] = {}
    flag: str = ""
    name: tuple[str, ...] = ()
    label: str = ""
    where: dict[str, tuple[int, ...]] = {}
    unless: dict[str, tuple[int, ...]] = {}
    spare: bool = False
    value: tuple[Value, ...] = ()

    @property
    def prefix(self) -> str:
        """What the names of its quantities begin with, but for the number."""
        return PREFIXES.get(self.part, f"x.network.{self.part}")

    def word(self, state: int) -> str | None:
        """Return a state in a word; None for one that is not known."""
        said = self.words.get(str(state))
        if said is None and state in self.ok:
            return "ok"
        return "failed" if said is None and state in self.bad else said

    def columns(self) -> tuple[str, ...]:
        """Return the columns that are looked at."""
        values = [oid for value in self.value for oid in (value.column, value.rest, value.limit) if oid]
        return tuple(
            dict.fromkeys((*((self.state,) if self.state else ()), *values, *self.name, *self.where, *self.unless))
        )


class Sensors(msgspec.Struct, frozen=True, kw_only=True):
    """A table of sensors that say themselves what they measure, in the layout of entPhySensorTable (RFC 3433)."""

    base: str
    kinds: dict[str, str] = {}
    limits: str = ""
    """A table of limits in the layout of CISCO-ENTITY-SENSOR-MIB's entSensorThresholdTable."""


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """One family."""

    name: str
    title: str
    source: str
    match: tuple[str, ...] = ()
    manufacturer: str = ""
    table: tuple[Table, ...] = ()
    sensors: tuple[Sensors, ...] = ()


def choose(profiles: Iterable[Profile], sys_object_id: str) -> list[Profile]:
    """Return what a device is asked for: its family first, then what is everybody's; all where it says no family."""
    told = sys_object_id.strip(".")
    known = list(profiles)
    own = [profile for profile in known if any(f"{told}.".startswith(f"{prefix}.") for prefix in profile.match)]
    common = [profile for profile in known if not profile.match]
    return [*own, *common] if told else [*(profile for profile in known if profile.match), *common]


@cache
def load_profiles() -> tuple[Profile, ...]:
    """Return every family that ships with the agent, by name.

    Raises:
        ConfigError: a table is wrong.
    """
    folder = resources.files(__name__)
    files = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".toml"))
    return tuple(load(Profile, folder.joinpath(name).read_text("utf-8"), file=name) for name in files)
