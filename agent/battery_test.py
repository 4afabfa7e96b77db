"""When a UPS may try its battery. Pure: settings, what was heard, and the time in; a reason against it out.

A test takes from the battery what a failure of mains would need, and a battery that fails its test drops the load: so it
is off unless the settings allow it, and then only in their hours, with a full and healthy battery, and while no other UPS
of this agent is on battery. The gateway looks at those of the other agents before it asks.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from agent.neighbours import Heard
from contract.reading import Reading
from contract.settings import Fault, Text

_HOURS: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")
_DAY: Final = 86400.0
_UNFIT: Final = ("OB", "LB", "RB", "OVER", "BYPASS", "OFF", "FAULT", "COMM", "CAL", "FSD")


class BatteryTest(msgspec.Struct, frozen=True, kw_only=True):
    """A ``[device.battery_test]``: allows the test."""

    hours: Text
    """When, in the host's local time: ``"02:00-05:00"``; over midnight too."""
    charge: float = 95.0
    """Percent that the battery must have."""

    @staticmethod
    def faults(draft: Any) -> Iterable[Fault]:
        """Yield what does not fit."""
        if isinstance(draft.hours, str) and not _HOURS.fullmatch(draft.hours):
            yield Fault(f"{draft.hours!r} are no hours", 'write hours = "02:00-05:00"', ("hours",))
        if isinstance(draft.charge, float) and not 50.0 <= draft.charge <= 100.0:
            yield Fault(f"a charge of {draft.charge:g} %", "write 50 to 100", ("charge",))

    def within(self, second: float) -> bool:
        """Say whether a second of the day is in the hours."""
        match = _HOURS.fullmatch(self.hours)
        assert match is not None  # noqa: S101 - the settings are checked
        first, last = (int(match[n]) * 3600 + int(match[n + 1]) * 60 for n in (1, 3))
        return (second - first) % _DAY < ((last - first) % _DAY or _DAY)


def against(
    test: BatteryTest | None,
    own: Heard | None,
    others: Mapping[str, Heard | None],
    *,
    now: float,
    second: float | None,
) -> str:
    """Return what speaks against a test now; empty: nothing.

    Args:
        test: the settings of the UPS; None: it is not allowed at all.
        own: what the UPS said last.
        others: the other UPSes of this agent, by id, and what they said last.
        now: boottime.
        second: of the day, local time; None while the clock cannot be trusted.
    """
    if test is None:
        return 'its settings do not allow it: [device.battery_test] hours = "…"'
    if second is None:
        return "this host's clock cannot be trusted, so nobody knows whether it is time for it"
    if not test.within(second):
        return f"only at {test.hours}"
    if own is None or not own.fresh(now):
        return "it is not heard"
    status, charge = own.readings.get("ups.status"), own.readings.get("battery.charge")
    flags = _flags(status)
    if flags is None or "OL" not in flags:
        return "it does not say that it is on mains"
    if unfit := [flag for flag in _UNFIT if flag in flags]:
        return f"it says {' '.join(unfit)}"
    if charge is None or not charge.good or not isinstance(charge.value, float) or charge.value < test.charge:
        return f"its battery is not known to be at {test.charge:g} % or more"
    for name, heard in others.items():
        flags = None if heard is None or not heard.fresh(now) else _flags(heard.readings.get("ups.status"))
        if flags is None:
            return f"nobody knows how {name} is"
        if "OB" in flags or "CAL" in flags:
            return f"{name} is on battery"
    return ""


def _flags(status: Reading | None) -> tuple[str, ...] | None:
    if status is None or not status.good or not isinstance(status.value, tuple):
        return None
    return status.value
