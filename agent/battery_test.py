"""When a UPS may try its battery. Pure: settings, what was heard, and the time in; a reason against it out.

A test takes from the battery what a failure of mains would need, and a battery that fails its test drops the load: so it
is off unless the settings allow it, and then only in their hours, with a full and healthy battery, and while no other UPS
of this agent is on battery. The gateway looks at those of the other agents before it asks.
"""

import re
import time
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from agent.memo import Memo
from agent.neighbours import Heard
from contract.reading import Reading
from contract.settings import Fault, Seconds, Text

_HOURS: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")
_DAY: Final = 86400.0
_JUST: Final = 60.0
"""Seconds after which a UPS that was told to test its battery shows it in its state, or will not."""
_UNFIT: Final = ("OB", "LB", "RB", "OVER", "BYPASS", "OFF", "FAULT", "COMM", "CAL", "FSD")


class Told(msgspec.Struct, frozen=True):
    """Who was told to test its battery."""

    own: float | None = None
    """When this one was told last, in seconds since 1970; None for never."""
    others: Mapping[str, float] = {}
    """When others were, by boottime: two commands at once must not test two batteries at once."""


NOBODY: Final = Told()


class BatteryTest(msgspec.Struct, frozen=True, kw_only=True):
    """A ``[device.battery_test]``: allows the test."""

    hours: Text
    """When, in the host's local time: ``"02:00-05:00"``; over midnight too."""
    charge: float = 95.0
    """Percent that the battery must have."""

    every: Seconds = 0.0
    """Not more often than so: ``"30d"``. Counted from the last command, whatever came of it; 0: as often as asked."""

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
    told: Told = NOBODY,
    wall: float = 0.0,
) -> str:
    """Return what speaks against a test now; empty: nothing.

    Args:
        test: the settings of the UPS; None: it is not allowed at all.
        own: what the UPS said last.
        others: the other UPSes of this agent, by id, and what they said last.
        now: boottime.
        second: of the day, local time; None while the clock cannot be trusted.
        told: when these UPSes were told to test last.
        wall: the time now, in seconds since 1970; it counts only while ``second`` is known.
    """
    if test is None:
        return 'its settings do not allow it: [device.battery_test] hours = "…"'
    if second is None:
        return "this host's clock cannot be trusted, so nobody knows whether it is time for it"
    if not test.within(second):
        return f"only at {test.hours}"
    if soon := _too_soon(test, told.own, wall):
        return soon
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
    return _others(others, told, now)


def _others(others: Mapping[str, Heard | None], told: Told, now: float) -> str:
    """Return which other UPS must be waited for."""
    for name, heard in others.items():
        if now - told.others.get(name, -_JUST) < _JUST:
            return f"{name} was told to test its battery just now"
        flags = None if heard is None or not heard.fresh(now) else _flags(heard.readings.get("ups.status"))
        if flags is None:
            return f"nobody knows how {name} is"
        if "OB" in flags or "CAL" in flags:
            return f"{name} is on battery"
    return ""


def _too_soon(test: BatteryTest, last: float | None, wall: float) -> str:
    if last is None or not test.every or not 0.0 <= wall - last < test.every:  # a clock that went back tells nothing
        return ""
    day = time.strftime("%Y-%m-%d", time.localtime(last))
    return f"it was told to test its battery on {day}; not more often than every {test.every / _DAY:g} days"


class Kept(msgspec.Struct, frozen=True):
    """What is kept on disk: of each UPS, when it was told to test its battery last, in seconds since 1970."""

    last: dict[str, float] = {}


class Diary:
    """Remembers which UPS was told to test its battery, and when."""

    def __init__(self, memo: Memo[Kept]) -> None:
        """Take where it is kept. Nothing is read before ``load``."""
        self._memo = memo
        self._last: dict[str, float] = {}
        self._begun: dict[str, float] = {}
        """By boottime, of this process."""

    async def load(self) -> None:
        """Read what was kept."""
        kept = await self._memo.load()
        self._last = {**(kept.last if kept else {}), **self._last}

    def told(self, device: str) -> Told:
        """Return what ``against`` must know, for the test of one UPS."""
        return Told(self._last.get(device), {name: at for name, at in self._begun.items() if name != device})

    def begin(self, device: str, now: float) -> None:
        """Take it that a UPS is about to be told; ``now`` is boottime."""
        self._begun[device] = now

    def refused(self, device: str) -> None:
        """Take it back: it was not tried."""
        self._begun.pop(device, None)

    def tried(self, device: str, wall: float) -> None:
        """Keep that it was told, whatever came of it."""
        self._last[device] = wall
        self._memo.save(Kept(dict(self._last)))

    async def close(self) -> None:
        """Wait until all is written."""
        await self._memo.close()


def _flags(status: Reading | None) -> tuple[str, ...] | None:
    if status is None or not status.good or not isinstance(status.value, tuple):
        return None
    return status.value
