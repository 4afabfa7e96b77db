"""What becomes of a trap: its device is asked at once, it is counted, and told once a kind and minute. Pure."""

import logging
from collections.abc import Callable, Iterable
from typing import Final

import msgspec

from agent.traps.message import Notification
from agent.traps.names import Severity, Told, told
from contract.reading import Reading, judged

_log = logging.getLogger(__name__)
MINUTE: Final = 60.0
HOUR: Final = 3600.0
MOST_KINDS: Final = 32
"""Kinds of traps of one device that are told apart in the log."""
MOST_STRANGERS: Final = 16
"""Addresses of strangers that are told apart in the log."""
MOST_TROUBLES: Final = 64
"""What is wrong with devices' traps, told apart in the log."""
_LEVELS: Final[dict[Severity, int]] = {
    "ok": logging.INFO,
    "warning": logging.WARNING,
    "critical": logging.WARNING,  # an error is what is wrong with us
}
_OTHERS: Final = "others"


class Seldom:
    """Says whether something may be said again, and how often it was not. Its memory is bounded."""

    def __init__(self, every: float, most: int, clock: Callable[[], float]) -> None:
        """Take the pause between two lines on one thing (seconds), how many things are told apart, and the clock."""
        self._every = every
        self._most = most
        self._clock = clock
        self._told: dict[str, tuple[float, int]] = {}

    def __call__(self, what: str) -> int | None:
        """Return how often this was kept back since it was told last; None while it is."""
        now = self._clock()
        if what not in self._told and len(self._told) >= self._most:
            self._told = {key: kept for key, kept in self._told.items() if now - kept[0] < self._every or kept[1]}
            if len(self._told) >= self._most:
                what = _OTHERS
        at, kept = self._told.get(what, (-self._every, 0))
        if now - at < self._every:
            self._told[what] = (at, kept + 1)
            return None
        self._told[what] = (now, 0)
        return kept


class _Of(msgspec.Struct):
    """What one device sent."""

    seldom: Seldom
    count: int = 0
    last: str = ""
    news: bool = False
    """One came since its readings were asked for."""


class Desk:
    """Takes traps, and what was wrong with them."""

    def __init__(self, devices: Iterable[str], poke: Callable[[str], None], clock: Callable[[], float]) -> None:
        """Take the devices, what asks one of them at once, and the clock in seconds."""
        self._poke = poke
        self._of = {device: _Of(Seldom(MINUTE, MOST_KINDS, clock)) for device in devices}
        self._strange = Seldom(HOUR, MOST_STRANGERS, clock)
        self._troubles = Seldom(HOUR, MOST_TROUBLES, clock)  # strangers must not crowd it
        self.strangers = 0
        """Traps that were no device's."""
        self.refused = 0
        """Datagrams that were no traps, or not allowed."""

    def __contains__(self, device: str) -> bool:
        return device in self._of

    def take(self, devices: Iterable[str], notification: Notification) -> None:
        """Take a trap of devices: one, or those that share an address."""
        words = told(notification)
        for device in devices:
            of = self._of[device]
            of.count += 1
            of.last = words.name
            of.news = True
            self._poke(device)
            self._tell(device, of, words)

    def stranger(self, address: str) -> None:
        """Take note of a trap that is no device's."""
        self.strangers += 1
        again = self._strange(address)
        if again is not None:
            hint = "is it a device's second address? Its host in the settings must be where its traps come from"
            _log.warning("traps: one from %s, which is no device here%s (%s)", address, _more(again), hint)

    def flood(self, address: str, devices: Iterable[str], rate: float) -> None:
        """Take note of what was too much to be looked at."""
        who = ", ".join(devices)
        again = self._troubles(f"flood: {who}")
        if again is not None:
            whom = f"{who} at {address}" if who else f"strangers, such as {address}"
            _log.warning("traps: a flood from %s: no more than %g a second are looked at%s", whom, rate, _more(again))

    def refuse(self, address: str, devices: Iterable[str], why: str) -> None:
        """Take note of what was no trap, or not allowed."""
        self.refused += 1
        who = ", ".join(devices)
        again = self._troubles(f"{who}: {why}") if who else self._strange(address)
        who = who or address
        if again is not None:
            _log.warning("traps: %s: refused: %s%s", who, why, _more(again))

    def readings(self, device: str, *, full: bool) -> list[Reading]:
        """Return what is known of a device's traps since the start; if not in full, only after a new one."""
        of = self._of[device]
        if not full and not of.news:
            return []
        of.news = False
        readings = [judged("x.traps", float(of.count))]
        if of.last:
            readings.append(judged("x.trap.last", of.last))
        return readings

    @staticmethod
    def _tell(device: str, of: _Of, words: Told) -> None:
        again = of.seldom(words.name)
        if again is not None:
            _log.log(_LEVELS[words.severity], "%s: trap: %s%s", device, words, _more(again))


def _more(again: int) -> str:
    return f" (and {again} more since the last line)" if again else ""
