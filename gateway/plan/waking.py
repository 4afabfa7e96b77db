"""When people may be told: at any hour, in working hours, at the next digest. Pure."""

from gateway.contacts import Hours
from gateway.incident import Symptom
from gateway.plan.model import Wake


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
