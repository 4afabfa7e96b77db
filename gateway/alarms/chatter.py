"""Chattering alarms (ISA-18.2): those that come and go too often. Pure: the time is an argument."""

import msgspec

from gateway.alarms.model import Chatter


class Track(msgspec.Struct, frozen=True):
    """How a condition of a device has come and gone. Times are the caller's clock."""

    times: tuple[float, ...] = ()
    """When it came, the last few times."""
    count: int = 0
    """How often it has come since it chatters; 0: it does not."""

    @property
    def chattering(self) -> bool:
        """Whether it comes too often."""
        return self.count > 0


def came(track: Track, now: float, settings: Chatter) -> Track:
    """Return the track after one more time."""
    times = (*track.times, now)[-settings.times :]
    if track.chattering:
        return Track(times, track.count + 1)
    often = len(times) == settings.times and times[-1] - times[0] <= settings.within
    return Track(times, len(times) if often else 0)


def ceases_at(track: Track, settings: Chatter) -> float:
    """Return when it has ceased, if it does not come again."""
    return track.times[-1] + settings.quiet if track.times else 0.0


def doubled(count: int, times: int) -> bool:
    """Say whether a count is worth an event: the first one, and then twice as often each time."""
    while count > times:
        if count % 2:
            return False
        count //= 2
    return count == times
