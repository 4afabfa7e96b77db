"""Conditions that the gateway judges itself, by the pure code that agents use, from the readings as they come.

Each reading is judged once, at its arrival, on the boot clock; what comes late, after a cut, judges nothing. A device that
says nothing more is unknown to its conditions, and unknown is never OK. Nothing here waits or stores: ``due`` returns what
has begun and ended, to be handed on like any other alarm.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import msgspec

from contract.condition import Condition, Phase, Progress, Test, step
from contract.message import Readings
from contract.reading import Quality, Reading, Value
from gateway.alarms.model import Judged
from gateway.evidence import source_of
from gateway.incident import Source
from gateway.live import DeviceView

LATE: Final = 90.0
"""Seconds: a reading that was that old when it came is of the past."""
STALE: Final = 3.0
"""Polls of a device without a reading, after which its value is not known."""
_LEAST: Final = 120.0
"""Seconds that a device may always be without a reading."""
_POINTS: Final = 60
"""Values of a window that are kept for a rate."""

Device = tuple[str, str, str]
Key = tuple[str, Device]
"""Condition and device."""


class Change(msgspec.Struct, frozen=True):
    """A condition that began or ended on a device."""

    condition: Condition
    source: Source
    active: bool
    since: float
    """When the trouble was first seen (boottime)."""
    value: Value | None = None


class _Case:
    """One condition on one device."""

    def __init__(self, rule: Judged, now: float) -> None:
        self.rule = rule
        self.condition = rule.condition
        self.progress = Progress()
        self.told = False
        """Whether others know that it stands."""
        self.heard = now
        """When its quantity was last read."""
        self.value: Value | None = None
        self.window: deque[tuple[float, float]] = deque()

    def take(self, reading: Reading, now: float) -> None:
        self.heard = now
        self.value = reading.value if reading.good else self.value
        judged: Reading | None = reading
        if self.rule.per > 0 and reading.good and isinstance(reading.value, int | float):
            judged = self._change(float(reading.value), now)
        self.progress = step(self.condition, self.progress, judged, now)

    def pass_time(self, now: float, stale: float) -> None:
        reading = None
        if now - self.heard > stale:
            reading = Reading(self.rule.quantity, None, Quality.STALE)
        self.progress = step(self.condition, self.progress, reading, now)

    def _change(self, value: float, now: float) -> Reading | None:
        """Return how far it has moved within the window; None while it may have moved further before it was watched."""
        window, per = self.window, self.rule.per
        whole = bool(window) and now - window[0][0] >= per
        while len(window) > 1 and now - window[1][0] >= per:
            window.popleft()
        if not window or now - window[-1][0] >= per / _POINTS:
            window.append((now, value))
        values = [old for _, old in window]
        moved = value - (min(values) if self.condition.test is Test.ABOVE else max(values))
        reading = Reading(self.rule.quantity, moved)
        return reading if whole or self.condition.wrong(reading, standing=self.progress.standing) else None


class Judge:
    """All conditions on all devices that they are about."""

    def __init__(self, rules: Iterable[Judged]) -> None:
        """Take the rules; a device is looked at when it first says something."""
        self._rules = tuple(rules)
        self._cases: dict[Device, dict[str, list[_Case]]] = {}
        """Device → quantity → conditions."""

    @property
    def names(self) -> frozenset[str]:
        """What it judges."""
        return frozenset(rule.name for rule in self._rules)

    def conditions(self, source: Source) -> dict[str, Condition]:
        """Return those of a device that its value alone can show to be over."""
        return {rule.name: rule.condition for rule in self._rules if not rule.per and rule.covers(source)}

    def take(self, view: DeviceView, message: Readings, now: float) -> None:
        """Judge a poll.

        Args:
            view: the device, as an inventory has described it.
            message: what it said.
            now: boottime of its arrival.
        """
        if not self._rules:
            return
        cases = self._of(view, now)
        for quantity, judged in cases.items():
            reading = _reading(message, quantity)
            if reading is not None:
                for case in judged:
                    case.take(reading, now)

    def adopt(self, view: DeviceView, condition: str, now: float) -> bool:
        """Take up what stood before a restart; say whether it is still judged here. The next good reading may end it."""
        for cases in self._of(view, now).values():
            for case in cases:
                if case.condition.name == condition:
                    case.told = True
                    if not case.progress.standing:
                        case.progress = Progress(Phase.ACTIVE, now, now)
                    return True
        return False

    def due(self, devices: Mapping[Device, DeviceView], now: float) -> Iterator[Change]:
        """Yield what has begun and ended since it was last asked, time taken in. ``told`` keeps what was handed on."""
        for place, by_quantity in list(self._cases.items()):
            view = devices.get(place)
            for cases in by_quantity.values():
                for case in cases:
                    if view is None:  # nobody will say that it is right again
                        case.progress = Progress()
                    else:
                        case.pass_time(now, max(_LEAST, STALE * view.interval))
                    if case.progress.standing is not case.told:
                        source = (
                            source_of(view)
                            if view is not None
                            else Source(site=place[0], agent=place[1], device=place[2])
                        )
                        began = case.progress.began or now
                        yield Change(case.condition, source, case.progress.standing, began, case.value)
            if view is None:
                del self._cases[place]

    def told(self, change: Change) -> None:
        """Note that a change was handed on: it is yielded no more."""
        for cases in self._cases.get(change.source.key, {}).values():
            for case in cases:
                if case.condition.name == change.condition.name:
                    case.told = change.active

    def _of(self, view: DeviceView, now: float) -> dict[str, list[_Case]]:
        place = (view.site, view.agent, view.id)
        known = self._cases.get(place)
        if known is None:
            if not view.known:
                return {}
            known = self._cases[place] = {}
            source = source_of(view)
            for rule in self._rules:
                if rule.covers(source):
                    known.setdefault(rule.quantity, []).append(_Case(rule, now))
        return known


def _reading(message: Readings, quantity: str) -> Reading | None:
    if quantity in message.values:
        return Reading(quantity, message.values[quantity])
    if quantity in message.quality:
        return Reading(quantity, message.doubtful.get(quantity), message.quality[quantity])
    return None
