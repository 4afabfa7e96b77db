"""Profiles: one TOML table a device family, which says what OID is what quantity. A new device is a table, not code.

::

    name = "acme"                         # of the profile
    title = "Acme UPS cards"
    source = "ACME-UPS-MIB"               # where the numbers come from
    kind = "ups"                          # of its devices; what is left out means a UPS
    into = "ups.status"                   # the flags that its states go into; their text goes into ups.alarm
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
    quantity = "ambient.1.humidity"
    oid = ["….3.2.0"]
    where = { "….3.1.0" = "Humid*" }      # only if another object says so, or, with *, begins so

    [[point]]
    quantity = "battery.status"           # a text
    oid = ["….2.1.0"]
    words = { 2 = "normal", 3 = "low" }   # what numbers mean; a number without a word is no value
    mask = 6                              # only these bits of the number

    [[status]]                            # what goes into ups.status
    oid = "….4.1.0"
    flags = { 3 = ["OL"], 5 = ["OB", "DISCHRG"] }
    main = true                           # without a known value of a main one, ups.status is unavailable
    fast = true

    [[status]]
    oid = "….5.9.0"
    alarms = { 1 = "battery fault" }      # what goes into ups.alarm, and ALARM into ups.status
    quiet = [2]                           # values that say all is well; others say nothing
    where = { "….5.8.0" = "1" }           # and mask, as above

    [[bits]]                              # a text of "0" and "1"; positions from 1
    oid = "….11.1.1.0"
    flags = { 2 = ["OB"], 3 = ["LB"] }

Cards with as many sensors as somebody plugged in, under indexes of their own::

    [[table]]
    index = "….13.1.1.1"                  # a column that every row has; walked when the device is looked at
    number = "index"                      # of a row in quantities: the last number of its index, or "order" from 1
    plus = 1                              # added to it: ports from 0, or rows behind those of another table
    where = { "….13.1.1.10.#" = "2" }     # only rows that say so then, or said so before; a list for one of several
    name = "….13.1.1.2.#"                 # what the device calls a row, for the text of its alarms

    [[table.point]]                       # as above; # in an OID is the row's index, in a quantity its number
    quantity = "ambient.#.temperature"
    oid = ["….13.1.1.3.#"]
    where = { "….13.1.1.11.#" = "C" }     # what the row measures: its type or its unit
    live = { "….13.1.1.10.#" = "2" }      # a value only while this says so; else it is unavailable
    fahrenheit = { "….12.11.0" = "2" }    # degrees Fahrenheit while this says so; without such an object, Celsius
    digits = "….7.#"                      # how many of its digits are behind the point

    [[table.status]]
    oid = "….13.1.1.4.#"
    flags = { 3 = ["SMOKE"] }
    quiet = [1, 2]
    unknown = ["FAULT"]                   # without a value, or with one that no table knows; its last flags stay
    normal = "….13.1.1.5.#"               # what the value is while all is well,
    abnormal = ["ALARM"]                  #   and the flags of any other
    numbers = true                        # instead of flags: any number is well, but one that is lost; none as above
    label = "input #"                     # its name where the device has none; outside of tables too

Everything here is pure: OIDs out, values in, readings out.
"""

from collections.abc import Iterable
from functools import cache
from importlib import resources
from typing import Final

from agent.profiles.entries import Bits, Identifying, Point, Status, Table
from agent.profiles.profile import NO_ALARM, Profile
from agent.profiles.raw import SENTINELS
from contract.settings import load

__all__ = [
    "FALLBACK",
    "NO_ALARM",
    "SENTINELS",
    "Bits",
    "Identifying",
    "Point",
    "Profile",
    "Status",
    "Table",
    "choose",
    "load_profiles",
]

FALLBACK: Final = "rfc1628"
"""What is asked of a UPS that no other profile knows, and what fills in where one is silent."""


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
