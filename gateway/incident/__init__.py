"""An incident is the fold of its events. Pure: the same events give the same incident, after a restart too.

::

    opened ──▶ OPEN ──mine──▶ OWNED ──┐
                 │                    │ cause-gone
                 │                    ▼
                 └── cause-gone ──▶ GONE ──checked──▶ CHECKED ──closed──▶ CLOSED
                                      │                 │                  │
                                      └──── joined ─────┴──── reopened ────┴──▶ OPEN: a new round, people are told afresh

Who has it, and how it goes from hand to hand, is ``owning``. A person may close it while its alarm stands, with a reason:
then it is CLOSED_STANDING until the alarm ends. A person may reopen it; where no alarm stands, only a person closes it.

What began and ended before anybody here knew of it (a line was cut) comes as one event, ``history``, and is closed.

Times are the gateway's wall clock. When that is put right, all times of the open incidents move with it (``corrected``):
no duration changes, and what is shown is right by the new time.

Trouble that comes back before it was checked that it is gone, and soon (``SOON``), never went: the same round goes on,
with its owner and with what people were told. So a mains that flaps does not page at each return.
"""

from gateway.incident.changes import apply, fold, take
from gateway.incident.clock import corrected
from gateway.incident.codes import code_of
from gateway.incident.model import (
    SOON,
    Handover,
    Hold,
    Incident,
    IncidentState,
    Mail,
    Notice,
    Purpose,
    Source,
    Symptom,
)

__all__ = [
    "SOON",
    "Handover",
    "Hold",
    "Incident",
    "IncidentState",
    "Mail",
    "Notice",
    "Purpose",
    "Source",
    "Symptom",
    "apply",
    "code_of",
    "corrected",
    "fold",
    "take",
]
