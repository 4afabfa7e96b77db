"""When people may be told: at any hour, in working hours, at the next digest. Pure."""

from typing import Protocol

from gateway.incident import Symptom
from gateway.plan.model import Wake


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
