"""Our own clock of an outage: since when the battery feeds the load, whatever the UPS's card counts or forgets. Pure.

It runs on boottime; after a restart of the host by the wall clock, if that could be trusted before and after it, and the time
that the host was off counts as nothing otherwise. A self-test or a calibration (CAL) is no outage. What is not known changes
nothing: the clock runs on while a UPS is silent.
"""

from collections.abc import Collection
from typing import Final

import msgspec

from contract.clock import Stamp

SETTLE: Final = 5.0
"""Seconds that mains must be back for an outage to be over; a flicker is not."""


class Outage(msgspec.Struct, frozen=True):
    """One outage so far."""

    since: Stamp
    carried: float = 0.0
    """Seconds before ``since``, of earlier boots of this host."""
    until: Stamp | None = None
    """Since when the battery feeds nothing any more: mains is back, or the output is off."""
    seen: Stamp = Stamp()
    """When it was last looked at."""

    def elapsed(self, now: Stamp) -> float:
        """Return how long the battery has fed the load, s."""
        return self.carried + max(0.0, (self.until or now).since(self.since))


def follow(outage: Outage | None, flags: Collection[str] | None, now: Stamp) -> Outage | None:
    """Return the outage after a look at ``ups.status``; None while there is none.

    Args:
        outage: before.
        flags: of the UPS; None where they are not known.
        now: this moment.
    """
    if outage is not None:
        outage = msgspec.structs.replace(_moved(outage, now), seen=now)
    if flags is None or "CAL" in flags or ("COMM" in flags and "OB" not in flags):
        return outage
    if "OB" in flags:
        return Outage(now, seen=now) if outage is None else msgspec.structs.replace(outage, until=None)
    if outage is None:
        return None
    if outage.until is None:
        return msgspec.structs.replace(outage, until=now)
    over = "OL" in flags and now.since(outage.until) >= SETTLE
    return None if over else outage


def _moved(outage: Outage, now: Stamp) -> Outage:
    """Return an outage of an earlier boot on the clock of this one."""
    if outage.since.boot == now.boot:
        return outage
    known = outage.since.trusted and now.trusted
    carried = now.since(outage.since) if known else outage.seen.since(outage.since)
    until = None if outage.until is None else now
    if outage.until is not None:
        carried = outage.until.since(outage.since)
    return Outage(now, outage.carried + max(0.0, carried), until, now)
