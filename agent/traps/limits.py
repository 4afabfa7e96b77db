"""How much may come: floods cost bounded work and bounded memory. Pure: the clock is given."""

from collections.abc import Callable
from typing import Final

KNOWN: Final = (100.0, 2000.0)
"""Datagrams a second, and at once, of one address that is a device's."""
STRANGERS: Final = (20.0, 100.0)
"""The same for all other addresses together."""


class Bucket:
    """Lets so many through in a second, and so many at once."""

    def __init__(self, rate: float, burst: float, clock: Callable[[], float]) -> None:
        """Start full."""
        self._rate = rate
        self._burst = burst
        self._clock = clock
        self._left = burst
        self._at = clock()

    def take(self) -> bool:
        """Take one, if there is one."""
        now = self._clock()
        self._left = min(self._burst, self._left + (now - self._at) * self._rate)
        self._at = now
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True


class Limits:
    """One bucket for each address of a device, one for all strangers."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """Take the clock, in seconds."""
        self._clock = clock
        self._known: dict[str, Bucket] = {}
        self._strangers = Bucket(*STRANGERS, clock)

    def take(self, address: str, *, known: bool) -> bool:
        """Say whether a datagram of an address is looked at."""
        if not known:
            return self._strangers.take()
        if address not in self._known:
            self._known[address] = Bucket(*KNOWN, self._clock)
        return self._known[address].take()
