"""Conditions: when a reading means trouble. Normal, pending, active, returning; the clock is an argument.

::

              wrong                    on_delay over
    NORMAL ──────────▶ PENDING ─────────────────────────▶ ACTIVE
      ▲                   │ right again                    │  ▲
      ├───────────────────┘                  right again   │  │ wrong again, or unknown
      │                                                    ▼  │
      └──────────────────────────────────────────────── RETURNING
                         off_delay over

Terms are ISA-18.2's: setpoint, deadband, on-delay, off-delay. Unknown is never OK: a reading that is not good never
clears a condition, and a condition with ``unknown = "alarm"`` treats it as wrong.
"""

from enum import StrEnum

import msgspec

from contract.reading import Reading


class Severity(StrEnum):
    """How bad it is, in the words of CAP 1.2. The plan sets the level; this is what the device side knows."""

    MINOR = "minor"
    MODERATE = "moderate"
    SEVERE = "severe"
    EXTREME = "extreme"


class Test(StrEnum):
    """How a reading is held against a condition."""

    __test__ = False  # not a test class

    ABOVE = "above"
    BELOW = "below"
    HAS = "has"
    LACKS = "lacks"


class Unknown(StrEnum):
    """What a reading that is not good does to a condition."""

    HOLD = "hold"
    ALARM = "alarm"


class Condition(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is wrong, and for how long it must be so. Delays are in seconds."""

    name: str
    quantity: str
    test: Test
    setpoint: float = 0.0
    flag: str = ""
    unless: tuple[str, ...] = ()
    """Flags that excuse it: a self-test (CAL) runs on battery and is no outage."""
    clears: tuple[str, ...] = ()
    """Flags of which one must be seen to end it: a UPS that is empty and off is no longer on battery, and all but well."""
    deadband: float = 0.0
    on_delay: float = 0.0
    off_delay: float = 0.0
    severity: Severity = Severity.MODERATE
    unknown: Unknown = Unknown.HOLD

    def wrong(self, reading: Reading, *, standing: bool) -> bool | None:
        """Say whether a reading shows the trouble; None when it cannot be known.

        Args:
            reading: of this condition's quantity.
            standing: whether the condition stands now; the deadband then holds it.
        """
        value = reading.value
        if not reading.good or value is None:
            return True if self.unknown is Unknown.ALARM else None
        match self.test, value:
            case Test.HAS | Test.LACKS, tuple():
                if any(flag in value for flag in self.unless):
                    return False
                wrong = (self.flag in value) is (self.test is Test.HAS)
                if standing and not wrong and self.clears and not set(self.clears) & set(value):
                    return None
                return wrong
            case Test.ABOVE, int() | float():
                return value > self.setpoint - (self.deadband if standing else 0.0)
            case Test.BELOW, int() | float():
                return value < self.setpoint + (self.deadband if standing else 0.0)
            case _:
                return None


class Phase(StrEnum):
    """Where a condition stands."""

    NORMAL = "normal"
    PENDING = "pending"
    ACTIVE = "active"
    RETURNING = "returning"


class Progress(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a condition stands on one device, and since when (in the seconds of the caller's clock)."""

    phase: Phase = Phase.NORMAL
    since: float = 0.0
    began: float = 0.0
    """When the trouble was first seen; kept from PENDING through RETURNING."""

    @property
    def standing(self) -> bool:
        """Whether the alarm stands."""
        return self.phase in (Phase.ACTIVE, Phase.RETURNING)


def step(condition: Condition, progress: Progress, reading: Reading | None, now: float) -> Progress:
    """Return where the condition stands after a reading, or after time alone (``reading=None``).

    With on_delay 0 a single wrong reading makes it active at once.
    """
    wrong = None if reading is None else condition.wrong(reading, standing=progress.standing)
    seen = reading is not None
    if progress.phase is Phase.NORMAL and wrong:
        progress = Progress(Phase.PENDING, now, now)
    elif progress.phase is Phase.PENDING and wrong is False:
        progress = Progress(Phase.NORMAL, now)
    elif progress.phase is Phase.ACTIVE and wrong is False:
        progress = Progress(Phase.RETURNING, now, progress.began)
    elif progress.phase is Phase.RETURNING and seen and wrong is not False:
        progress = Progress(Phase.ACTIVE, now, progress.began)
    if progress.phase is Phase.PENDING and now - progress.since >= condition.on_delay:
        progress = Progress(Phase.ACTIVE, now, progress.began)
    elif progress.phase is Phase.RETURNING and now - progress.since >= condition.off_delay:
        progress = Progress(Phase.NORMAL, now)
    return progress


def wakes_at(condition: Condition, progress: Progress) -> float | None:
    """Return when time alone will change something, or None."""
    match progress.phase:
        case Phase.PENDING:
            return progress.since + condition.on_delay
        case Phase.RETURNING:
            return progress.since + condition.off_delay
        case _:
            return None
