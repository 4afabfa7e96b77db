"""How long a device has been running, and whether it started anew: sysUpTime falls at a restart, and wraps.

sysUpTime counts hundredths of a second in 32 bits (RFC 3418): it begins again after 497 days, and no device restarted
then. Where it should be by now tells the two apart, also after hours without contact.
"""

from collections import deque
from typing import Final

WRAP: Final = 2**32 / 100
"""Seconds after which sysUpTime begins again."""
_NEAR: Final = 30.0
"""Seconds by which a device's clock and its answers may be off between two polls."""
_FALL: Final = 1.0
"""Seconds by which it may fall without a restart: answers of two processors of one device."""
_DRIFT: Final = 0.02
"""Of the time between two polls: how wrong a device's tick may be."""
HOUR: Final = 3600.0


class Uptime:
    """Follows sysUpTime from poll to poll."""

    def __init__(self) -> None:
        """Start with nothing known."""
        self.restarts = 0
        self._last: tuple[float, float] | None = None
        """sysUpTime in seconds as it came, and when."""
        self._ahead: tuple[float, float] | None = None
        """The same, of one that was too far ahead to be believed at once."""
        self._wraps = 0
        self._recent: deque[float] = deque()

    def take(self, hundredths: int, now: float) -> bool:
        """Take sysUpTime; say whether the device restarted since it was taken last.

        Args:
            hundredths: as the device says.
            now: seconds, on a clock that is never stepped.
        """
        if not 0 <= hundredths < 2**32:  # no TimeTicks: a wrong answer, which must not count as a wrap tomorrow
            return False
        value = hundredths / 100.0
        ahead, self._ahead = self._ahead, None
        if self._last is not None and _behind(self._last, value, now) < -_slack(self._last, now):
            if ahead is None or abs(_behind(ahead, value, now)) > _slack(ahead, now):
                self._ahead = value, now  # no clock is so fast: once is a wrong answer, twice is another device
                return False
            self._wraps = 0
        last, self._last = self._last, (value, now)
        if last is None:
            return False
        slack, behind = _slack(last, now), _behind(last, value, now)
        if value >= last[0] - _FALL and behind <= slack:  # where it should be; or ahead, as a fast clock is
            return False
        if behind >= WRAP - slack:
            self._wraps += round(behind / WRAP)
            return False
        self.restarts += 1
        self._wraps = 0
        self._recent.append(now)
        return True

    def seconds(self, engine: float | None = None) -> float | None:
        """Return how long it has been running; None while that is not known.

        Args:
            engine: snmpEngineTime in seconds (RFC 3411), which does not wrap for 68 years, where the device has it.
        """
        if self._last is None:
            return None
        value = self._last[0]
        if engine is not None and self._wraps == 0:
            wraps = round((engine - value) / WRAP)
            if wraps > 0 and abs(engine - value - wraps * WRAP) <= HOUR:
                return value + wraps * WRAP
        return value + self._wraps * WRAP

    def recent(self, now: float) -> int:
        """Return how many restarts were seen in the last hour."""
        while self._recent and now - self._recent[0] > HOUR:
            self._recent.popleft()
        return len(self._recent)


def _behind(last: tuple[float, float], value: float, now: float) -> float:
    """Return by how much a value is less than it should be, since the last one."""
    return last[0] + now - last[1] - value


def _slack(last: tuple[float, float], now: float) -> float:
    """Return by how much it may be."""
    return _NEAR + _DRIFT * (now - last[1])
