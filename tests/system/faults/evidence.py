"""What a round leaves to be judged, and what can be found in it. Data only."""

from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from faults.devices import Answer

BUSY = 0.7
"""Seconds that a process may be held up on a busy machine."""
MILLISECOND = 0.00101
"""What stamps are rounded to, and the store's times."""


class Kind(StrEnum):
    """What does not hold."""

    LOST = "lost"
    """A reading is missing though its agent lived, or had had it too long."""
    UNNAMED = "unnamed"
    """A reading of an agent's last second is missing, and its number is not named."""
    UNNAMED_END = "unnamed-end"
    """The same, of an end that nobody can number: the epoch is not called unsure."""
    FALSELY_NAMED = "falsely-named"
    """A number is named lost that is there."""
    DUPLICATE = "duplicate"
    INVENTED = "invented"
    """A value is stored that no device ever said."""
    WRONG_TIME = "wrong-time"
    STEPPED_TIME = "stepped-time"
    """The same, by the step of the agent's own clock."""
    GUESSED_TIME = "guessed-time"
    """The same, of a reading whose clock could not be trusted."""
    OVERWRITTEN = "overwritten"
    """A reading is journaled, and another one of the same device and millisecond is in its place in the store."""
    VANISHED = "vanished"
    """What the journal had committed is not in it any more."""
    ALARM_LOST = "alarm-lost"
    ALARM_TWICE = "alarm-twice"
    ALARM_LATE = "alarm-late"
    ALARM_UNKEPT = "alarm-unkept"
    """The same, of an alarm that came while the gateway's disk was full."""
    ALARM_ENDLESS = "alarm-endless"
    """The last word on an occurrence is that it stands, though it is over."""
    SILENT = "silent"
    """No reading of an agent is committed though its way has been whole for long enough to connect again."""
    UNKEPT = "unkept"
    """The same, after the gateway's disk was full and has room again: nobody has to connect."""
    DIED = "died"
    """A process ended by itself, or not in time, or with a traceback."""


NOT_YET: frozenset[Kind] = frozenset()
"""Promises that are not kept yet: told, and no failure. A kind goes from here with the change that keeps it."""


class Finding(NamedTuple):
    """One promise that does not hold."""

    kind: Kind
    text: str


class Life(NamedTuple):
    """One process of an agent. Times are boottimes."""

    agent: str
    epoch: str
    """Empty: it was gone before it opened one."""
    began: float
    ended: float | None
    killed: bool


class Point(NamedTuple):
    """One point of the store. Its time is wall time."""

    device: str
    number: int
    """-1: it fits no number."""
    wall: float


class Row(NamedTuple):
    """One numbered message of the journal."""

    agent: str
    epoch: str
    seq: int
    device: str = ""
    number: int = 0
    """Of readings; 0 where they carry none."""
    occurrence: str = ""
    """Of alarms."""
    active: bool = False
    since: float = 0.0
    """Boottime since when it stands."""
    at: float = 0.0
    """Boottime of its measurement, in milliseconds' steps."""
    trusted: bool = True
    """Whether the clock that it was measured by could be trusted."""
    seen: float = 0.0
    """Boottime at which it was seen committed; 0: only at the end."""


class Broken(NamedTuple):
    """A time in which alarms of an agent have no way. Boottimes."""

    agent: str
    began: float
    ended: float
    full: bool = False
    """Whether it was the gateway's disk: they came, and could not be kept."""


class Evidence(NamedTuple):
    """All that is judged."""

    answers: Mapping[str, Sequence[Answer]]
    """Agent → what its devices said."""
    lives: Sequence[Life]
    points: Sequence[Point]
    rows: Sequence[Row]
    """The journal at the end, with when each was seen."""
    named: Mapping[str, Collection[int]]
    """Epoch → numbers named lost."""
    unsure: Collection[str]
    """Epochs whose end a hello has called unsure."""
    incidents: Sequence[str] = ()
    """The occurrence of each event that opens an incident or joins one."""
    broken: Sequence[Broken] = ()
    vanished: Sequence[str] = ()
    """What was seen committed, and is in the journal no more."""
