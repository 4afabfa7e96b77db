"""What the other devices of this agent said last: for what is made of several of them, as pairs and groups are."""

from collections.abc import Iterable, Mapping
from typing import Protocol

import msgspec

from contract.reading import Reading


class Heard(msgspec.Struct, frozen=True):
    """What one device said last, each quantity when it was last asked for."""

    at: float
    """Boottime of its last poll, good or not."""
    interval: float
    """Seconds between two polls."""
    readings: Mapping[str, Reading]
    """By quantity. ``x.contact`` says whether the last poll had an answer; without one the others are what it said before."""
    times: Mapping[str, float] = {}
    """Boottime at which each was said."""
    full: float = 0.0
    """Seconds between two polls of everything."""

    def fresh(self, now: float) -> bool:
        """Say whether its polls go on, and the last one had an answer; ``now`` is boottime."""
        contact = self.readings.get("x.contact")
        return contact is not None and contact.value == 1.0 and now - self.at <= 3 * self.interval + 5.0

    def said(self, quantity: str, now: float) -> Reading | None:
        """Return a reading that it still stands by; None for one that it left out for some full polls, or while it is silent."""
        lately = now - self.times.get(quantity, self.at) <= 3 * max(self.interval, self.full) + 5.0
        return self.readings.get(quantity) if lately and self.fresh(now) else None


class Neighbours(Protocol):
    """Answers what a device said last."""

    def heard(self, device: str) -> Heard | None:
        """Return it; None for a device that there is not, or that was not asked yet."""
        ...


class Nobody:
    """Stands alone, as a device that is read from the command line."""

    def heard(self, device: str) -> Heard | None:  # noqa: ARG002 - see Neighbours
        """See ``Neighbours.heard``."""
        return None


class LastHeard:
    """Keeps what each device said last."""

    def __init__(self) -> None:
        """Start with nothing heard."""
        self._said: dict[str, dict[str, Reading]] = {}
        self._times: dict[str, dict[str, float]] = {}
        self._heard: dict[str, Heard] = {}

    def take(self, device: str, at: float, interval: float, readings: Iterable[Reading], *, full: float = 0.0) -> None:
        """Take one poll, at this boottime."""
        said, times = self._said.setdefault(device, {}), self._times.setdefault(device, {})
        for reading in readings:
            said[reading.quantity] = reading
            times[reading.quantity] = at
        self._heard[device] = Heard(at, interval, said, times, full)

    def heard(self, device: str) -> Heard | None:
        """See ``Neighbours.heard``."""
        return self._heard.get(device)
