"""Who may put an alarm aside: a visible list, of which the first one counts. Pure."""

from typing import Final

import msgspec

from contract.alarm import AlarmState
from gateway.alarms.aside import Register
from gateway.alarms.standing import Known
from gateway.alarms.suppression import Suppression


class Verdict(msgspec.Struct, frozen=True):
    """Why an alarm does not speak now."""

    state: AlarmState
    why: str
    who: str = ""
    until: float | None = None


class Facts(msgspec.Struct, frozen=True):
    """What the stages look at."""

    register: Register
    suppression: Suppression


def by_people(facts: Facts, known: Known, now: float) -> Verdict | None:
    """Out of service, or shelved."""
    entry = facts.register.find(known.id, known.source.key, known.condition, now)
    return None if entry is None else Verdict(entry.state, entry.why, entry.who, entry.until)


def by_design(facts: Facts, known: Known, now: float) -> Verdict | None:
    """Suppressed by a rule."""
    why = facts.suppression.why(known, now)
    return None if why is None else Verdict(AlarmState.SUPPRESSED, f"{why.zh} {why.en}")


STAGES: Final = (by_people, by_design)
"""The list."""
