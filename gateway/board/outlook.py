"""A battery's countdown in words: until when it lasts, what to switch off by when. For pages, messages and the terminal."""

from collections.abc import Callable, Sequence

import msgspec

from gateway.board.words import Words
from gateway.plan.countdown import Countdown, Off

_DAY = 86400


class Item(msgspec.Struct, frozen=True):
    """A load that hands can mark as switched off; ``number`` is 1 for the first of the plan's list."""

    number: int
    text: str


def hour(wall: float, utc_offset: float) -> str:
    """Write a time of day as people of the site read it: hour and minute, cut off, so that nobody comes too late."""
    rest = int(wall + utc_offset) % _DAY
    return f"{rest // 3600:02d}:{rest // 60 % 60:02d}"


def rows(
    countdowns: Sequence[Countdown], words: Words, at: Callable[[float], str], now: float
) -> list[tuple[str, str]]:
    """Return label and text of each line; none, where there is no countdown.

    Args:
        countdowns: of the incident; of several, each says of which UPS it is.
        words: the language.
        at: a wall time → as it is written.
        now: wall time; 0: what is to be done at once is said with its time too.
    """
    said: list[tuple[str, str]] = []
    for one in countdowns:
        of = f"{one.place} " if len(countdowns) > 1 else ""
        said += [(f"{of}{label}", text) for label, text in _rows(one, words, at, now)]
    return said


def items(countdowns: Sequence[Countdown], words: Words) -> list[Item]:
    """Return the loads that are to be switched off; what two UPSes feed stands once."""
    off = {one.index: one for countdown in countdowns for one in countdown.off}
    return [Item(index + 1, _named(one, words)) for index, one in sorted(off.items())]


def _rows(countdown: Countdown, words: Words, at: Callable[[float], str], now: float) -> list[tuple[str, str]]:
    ends = at(countdown.ends) if countdown.ends else words("battery-unknown")
    if countdown.claimed:
        ends = words("battery-claimed", ends=ends)
    if countdown.promised:
        ends = words("battery-promised", ends=ends, promised=at(countdown.promised))
    said = [(words("battery-until"), ends)]
    if countdown.off:
        said.append((words("switch-off"), _what(countdown, words, at, now)))
    elif countdown.short:
        said.append((words("switch-off"), words("nothing-to-shed")))
    return said


def _what(countdown: Countdown, words: Words, at: Callable[[float], str], now: float) -> str:
    what = words("comma").join(_named(one, words) for one in countdown.off)
    by = min(one.by for one in countdown.off)
    if countdown.short and countdown.reach:
        return words("switch-off-short", what=words("switch-off-now", what=what), reach=at(countdown.reach))
    if not by:
        return words("switch-off-any", what=what)
    if now and by <= now + 60.0:
        return words("switch-off-now", what=what)
    return words("switch-off-by", at=at(by), what=what)


def _named(one: Off, words: Words) -> str:
    return words.either(one.zh, one.en)
