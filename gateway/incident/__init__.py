"""An incident is the fold of its events. Pure: the same events give the same incident, after a restart too.

::

    opened ──▶ OPEN ──mine──▶ OWNED ──┐
                 │                    │ cause-gone
                 │                    ▼
                 └── cause-gone ──▶ GONE ──checked──▶ CHECKED ──closed──▶ CLOSED
                                      │                 │
                                      └──── joined ─────┴──▶ OPEN: a new round, people are told afresh

What began and ended before anybody here knew of it (a line was cut) comes as one event, ``history``, and is closed.

Times are the gateway's wall clock. When that is put right, all times of the open incidents move with it (``corrected``):
no duration changes, and what is shown is right by the new time.

Trouble that comes back before it was checked that it is gone, and soon (``SOON``), never went: the same round goes on,
with its owner and with what people were told. So a mains that flaps does not page at each return.
"""

from gateway.incident.clock import corrected
from gateway.incident.codes import code_of
from gateway.incident.fold import apply, fold
from gateway.incident.model import SOON, Incident, IncidentState, Mail, Purpose, Source, Symptom

__all__ = [
    "SOON",
    "Incident",
    "IncidentState",
    "Mail",
    "Purpose",
    "Source",
    "Symptom",
    "apply",
    "code_of",
    "corrected",
    "fold",
]
