"""When people may be told: at any hour, in working hours, at the next digest. Pure."""

from typing import Final, Protocol

from gateway.incident import Incident, Symptom
from gateway.plan.model import Wake

CLOSING: Final = 60.0
"""Seconds after the end of working hours: limits of working days end with them, and are told of then."""


class Hours(Protocol):
    """When people work."""

    def working(self, wall: float) -> float:
        """Return this moment if it is in working hours, else the beginning of the next ones."""
        ...

    def next_digest(self, wall: float) -> float:
        """Return the moment of the next digest."""
        ...


def page_at(ready: float, wake: Wake, hours: Hours) -> float:
    """Return when people are told of something whose paging delay is over then."""
    match wake:
        case Wake.NIGHT:
            return ready
        case Wake.WORKING:
            return hours.working(ready)
        case Wake.DIGEST:
            return hours.next_digest(ready)


def waking(symptom: Symptom, at: float, hours: Hours) -> float:
    """Return when people may be told of something about a symptom: at that time, or when its clause lets them be woken."""
    return page_at(at, Wake(symptom.wake), hours) if symptom.wake else at


def rests_until(incident: Incident, now: float, hours: Hours) -> float | None:
    """Return when people may be called again; None: they may now.

    What wakes nobody does not do so by its repeats, its next rungs and its time limits either: they wait for working hours.
    What a person has said to be graver does not wait.
    """
    wakes = any(one.wake in ("", Wake.NIGHT) for one in incident.speaking)
    if wakes or incident.confirmed is not None or not incident.mails:
        return None
    opens = hours.working(now - CLOSING)
    return opens if opens > now else None
