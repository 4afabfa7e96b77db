"""Holds what a battery will give against what was promised of it. Pure."""

from collections.abc import Collection
from typing import Final

from agent.battery.model import Outlook

SLACK: Final = 0.05
"""Of the promise: by so much more must it hold, to be called kept again."""
NOTICE: Final = 3600.0
"""Seconds before the battery is empty, by which people must know at the latest."""
DOUBT: Final = 2.2
"""By so much may be wrong what no discharge has shown: claims of twice the truth are common with old batteries."""
MARGIN: Final = 1800.0
"""Seconds sooner that it is said, because the bound is an estimate too and a poll takes its time."""


def judged(
    promise: float,
    outlook: Outlook | None,
    *,
    elapsed: float | None = None,
    proven: bool = True,
    before: Collection[str] = (),
) -> tuple[str, ...]:
    """Return the flags of ``x.battery.promise``.

    KEPT, SHORT (on mains: it would not hold as long), BROKEN (on battery: it will not), UNPROVEN (no discharge has shown it),
    UNKNOWN. On battery it is BROKEN once it is likely, and, so that people hear of it in time, once it cannot be ruled out
    and the end may be near; at once, where nothing at all is known of the battery.

    Args:
        promise: s.
        outlook: from now on, s; None where it is not known.
        elapsed: s on battery; None on mains.
        proven: whether a discharge has taught anything.
        before: the flags of the last look.
    """
    doubt = () if proven else ("UNPROVEN",)
    if elapsed is not None and elapsed >= promise:
        return ("KEPT", *doubt)
    if outlook is None:
        return ("BROKEN", "UNKNOWN", *doubt) if doubt and elapsed is not None else ("UNKNOWN", *doubt)
    done = elapsed or 0.0
    broken = "BROKEN" if elapsed is not None else "SHORT"
    wanted = promise * (1.0 + SLACK) if broken in before else promise
    short = done + outlook.middle < wanted
    low = outlook.low if proven else min(outlook.low, max(0.0, (done + outlook.middle) / DOUBT - done))
    if elapsed is not None and low <= NOTICE + MARGIN and done + low < wanted:
        short = True
    return (broken if short else "KEPT", *doubt)
