"""Judges the conditions of one device, where the device is. Pure: readings and stamps in, changed occurrences out."""

from collections.abc import Callable, Iterable, Sequence

import msgspec

from contract.alarm import Occurrence
from contract.clock import Stamp
from contract.condition import Condition, Phase, Progress, step, wakes_at
from contract.reading import Quality, Reading, unavailable


class Watched(msgspec.Struct, frozen=True):
    """Where one condition stands, as it is kept on disk."""

    device: str = ""
    condition: str = ""
    progress: Progress = Progress()
    occurrence: Occurrence | None = None
    at: Stamp = Stamp()
    """When it changed to this."""


class Change(msgspec.Struct, frozen=True):
    """What changed: the state to keep, and the occurrence to tell of, if it was raised or cleared."""

    kept: Watched
    news: Occurrence | None = None


class Watch:
    """The conditions of one device."""

    def __init__(self, device: str, conditions: Sequence[Condition], new_id: Callable[[], str]) -> None:
        """Take the device's id, what is watched, and a source of occurrence ids."""
        self._device = device
        self._new_id = new_id
        self._conditions = {condition.name: condition for condition in conditions}
        self._by_quantity: dict[str, list[Condition]] = {}
        for condition in conditions:
            self._by_quantity.setdefault(condition.quantity, []).append(condition)
        self._state = {condition.name: Watched(device, condition.name) for condition in conditions}
        self._last: dict[str, Reading] = {}
        """By quantity: what an alarm that a delay raises is about."""

    def restore(self, kept: Iterable[Watched], now: Stamp) -> None:
        """Go on where an earlier process stopped; delays go on too. Conditions that are gone are left out."""
        for watched in kept:
            if watched.device == self._device and watched.condition in self._state:
                self._state[watched.condition] = _moved(watched, now)

    def restore_late(self, kept: Watched, now: Stamp) -> bool:
        """Let a condition stand that is known to have stood, if nothing was heard of it since the start; say whether so."""
        condition = self._conditions.get(kept.condition)
        if condition is None or kept.device != self._device:
            return False
        last = self._last.get(condition.quantity)
        normal = self._state[condition.name].progress.phase is Phase.NORMAL
        if not normal or (last is not None and last.quality is Quality.GOOD):
            return False
        self.restore([kept], now)
        return True

    def readings(self, readings: Iterable[Reading], at: Stamp) -> list[Change]:
        """Return what changed, by these readings."""
        changed = []
        for reading in readings:
            if reading.quantity in self._by_quantity:
                self._last[reading.quantity] = reading
            for condition in self._by_quantity.get(reading.quantity, ()):
                changed += self._step(condition, reading, at)
        return changed

    def unheard(self, readings: Iterable[Reading]) -> list[Reading]:
        """Return what is watched and not among these readings, as unavailable: silence is not health either."""
        said = {reading.quantity for reading in readings}
        return [unavailable(quantity) for quantity in self._by_quantity if quantity not in said]

    def tick(self, at: Stamp) -> list[Change]:
        """Return what changed by time alone."""
        changed = []
        for condition in self._conditions.values():
            wakes = wakes_at(condition, self._state[condition.name].progress)
            if wakes is not None and wakes <= at.boottime:
                changed += self._step(condition, None, at)
        return changed

    def standing(self) -> list[Occurrence]:
        """Return every occurrence that stands."""
        return [kept.occurrence for kept in self._state.values() if kept.occurrence and kept.occurrence.active]

    def states(self) -> list[Watched]:
        """Return where every condition stands, to be kept."""
        return list(self._state.values())

    def _step(self, condition: Condition, reading: Reading | None, at: Stamp) -> list[Change]:
        before = self._state[condition.name]
        progress = step(condition, before.progress, reading, at.boottime)
        if progress is before.progress or progress == before.progress:
            return []
        occurrence = before.occurrence
        if progress.standing and not before.progress.standing:
            occurrence = self._raised(condition, progress, reading, at)
        elif occurrence and before.progress.standing and progress.phase is Phase.NORMAL:
            occurrence = msgspec.structs.replace(occurrence, active=False, cleared=at)
            if reading is not None:
                occurrence = msgspec.structs.replace(occurrence, value=reading.value, quality=reading.quality)
        after = Watched(self._device, condition.name, progress, occurrence, at)
        self._state[condition.name] = after
        return [Change(after, occurrence if occurrence != before.occurrence else None)]

    def _raised(self, condition: Condition, progress: Progress, reading: Reading | None, at: Stamp) -> Occurrence:
        ago = at.boottime - progress.began
        # A boot later it may have begun before this boot did, or before a clock that starts anew: no stamp is below 0.
        began = msgspec.structs.replace(at, wall=max(0.0, at.wall - ago), boottime=max(0.0, progress.began))
        reading = reading or self._last.get(condition.quantity)
        return Occurrence(
            id=self._new_id(),
            device=self._device,
            condition=condition.name,
            severity=condition.severity,
            since=began,
            raised=at,
            quantity=condition.quantity,
            value=reading.value if reading else None,
            quality=reading.quality if reading else Occurrence().quality,
        )


def _moved(watched: Watched, now: Stamp) -> Watched:
    """Return the state on the boottime of this boot, if it was kept in another.

    How long the host was off is known only if both wall clocks are trusted; otherwise it counts as nothing.
    """
    if watched.at.boot == now.boot:
        return watched
    off = max(0.0, now.since(watched.at)) if now.trusted and watched.at.trusted else 0.0
    shift = now.boottime - off - watched.at.boottime
    before = watched.progress
    progress = Progress(before.phase, before.since + shift, before.began + shift)
    return Watched(watched.device, watched.condition, progress, watched.occurrence, now)
