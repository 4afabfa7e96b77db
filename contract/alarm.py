"""Alarms: one occurrence of a condition on one device, in the states of ISA-18.2 (IEC 62682).

::

                       raised                     acknowledged
            NORMAL ───────────▶ UNACKNOWLEDGED ─────────────────▶ ACKNOWLEDGED
              ▲  ▲                   │ returned                       │ returned
              │  └───────────────────┼────────────────────────────────┘
              │     acknowledged     ▼
              └──────────── RETURNED_UNACKNOWLEDGED

    over all of them: SHELVED (by a person, with an end), SUPPRESSED (by design), OUT_OF_SERVICE

An occurrence is *taken* once the gateway has it in its journal, *told* once a person has it by a channel that proves
it, *owned* once somebody works on it. The three say how far it came; the states say what it is.
"""

from enum import StrEnum

import msgspec

from contract.clock import Stamp
from contract.condition import Severity
from contract.reading import Quality, Value


class Occurrence(msgspec.Struct, frozen=True, omit_defaults=True):
    """One occurrence with its full state, as it travels. Its identity is ``id``, given where it was judged."""

    id: str = ""
    device: str = ""
    condition: str = ""
    severity: Severity = Severity.MODERATE
    active: bool = True
    since: Stamp = Stamp()
    """When the trouble was first seen."""
    raised: Stamp = Stamp()
    """When the on-delay was over."""
    cleared: Stamp = Stamp()
    """When it was over; meaningful once ``active`` is false."""
    quantity: str = ""
    value: Value | None = None
    quality: Quality = Quality.GOOD


class AlarmState(StrEnum):
    """ISA-18.2's states."""

    NORMAL = "normal"
    UNACKNOWLEDGED = "unacknowledged"
    ACKNOWLEDGED = "acknowledged"
    RETURNED_UNACKNOWLEDGED = "returned-unacknowledged"
    SHELVED = "shelved"
    SUPPRESSED = "suppressed"
    OUT_OF_SERVICE = "out-of-service"


class Standing(StrEnum):
    """How far an occurrence came. Each includes the one before."""

    TAKEN = "taken"
    TOLD = "told"
    OWNED = "owned"


class Alarm(msgspec.Struct, frozen=True, omit_defaults=True):
    """An occurrence and what people have done about it. ``wall`` times are the gateway's."""

    occurrence: Occurrence
    acknowledged: bool = False
    shelved_until: float | None = None
    suppressed: bool = False
    out_of_service: bool = False
    standing: Standing = Standing.TAKEN
    why: str = ""
    """Who has put it aside, and why, for people."""
    worse: str = ""
    """The condition that the plan is asked for instead of its own: what stood before makes it worse."""

    def state(self, wall: float) -> AlarmState:
        """Return the state at this time; a shelving ends by itself."""
        if self.out_of_service:
            return AlarmState.OUT_OF_SERVICE
        if self.shelved_until is not None and wall < self.shelved_until:
            return AlarmState.SHELVED
        if self.suppressed:
            return AlarmState.SUPPRESSED
        if self.occurrence.active:
            return AlarmState.ACKNOWLEDGED if self.acknowledged else AlarmState.UNACKNOWLEDGED
        return AlarmState.NORMAL if self.acknowledged else AlarmState.RETURNED_UNACKNOWLEDGED

    def annunciates(self, wall: float) -> bool:
        """Say whether it may speak to people: it stands, and nobody has put it aside."""
        return self.state(wall) in (AlarmState.UNACKNOWLEDGED, AlarmState.ACKNOWLEDGED)


def report(alarm: Alarm | None, occurrence: Occurrence) -> Alarm:
    """Return the alarm after a report of its occurrence.

    Reports carry the full state, so a repeat changes nothing, and one that is older than what is known (the
    occurrence has already ended) is left aside: an occurrence never comes back; a new trouble has a new id.
    """
    if alarm is None or alarm.occurrence.id != occurrence.id:
        return Alarm(occurrence)
    if not alarm.occurrence.active:
        return alarm
    return msgspec.structs.replace(alarm, occurrence=occurrence)


def acknowledge(alarm: Alarm) -> Alarm:
    """Return the alarm as seen by a person."""
    return msgspec.structs.replace(alarm, acknowledged=True)


def shelve(alarm: Alarm, until: float) -> Alarm:
    """Return the alarm shelved until this wall time; there is no shelving without an end."""
    return msgspec.structs.replace(alarm, shelved_until=until)


def suppress(alarm: Alarm, *, suppressed: bool) -> Alarm:
    """Return the alarm suppressed by design, or no longer so."""
    return msgspec.structs.replace(alarm, suppressed=suppressed)


def take_out_of_service(alarm: Alarm, *, out: bool) -> Alarm:
    """Return the alarm taken out of service, or put back."""
    return msgspec.structs.replace(alarm, out_of_service=out)


_ORDER = list(Standing)


def advance(alarm: Alarm, standing: Standing) -> Alarm:
    """Return the alarm taken, told or owned; it never falls back."""
    if _ORDER.index(standing) <= _ORDER.index(alarm.standing):
        return alarm
    return msgspec.structs.replace(alarm, standing=standing)
