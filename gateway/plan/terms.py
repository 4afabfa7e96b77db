"""The words of the plan: its levels, CAP 1.2's urgency and certainty, roles, and texts in two languages."""

from enum import StrEnum
from typing import Annotated, Final

import msgspec


class Level(StrEnum):
    """The plan's levels, what may become one of them, and a finding: something to mend before it becomes an incident.

    Prepare: a warning is not a disaster. People get ready, and one of them says whether it is partial or major.
    """

    PREPARE = "prepare"
    MAJOR = "major"
    PARTIAL = "partial"
    REQUEST = "request"
    FINDING = "finding"


GRAVITY: Final = (Level.FINDING, Level.REQUEST, Level.PREPARE, Level.PARTIAL, Level.MAJOR)
"""The levels, the gravest last."""


class Wake(StrEnum):
    """When people may be woken for it."""

    NIGHT = "night"
    WORKING = "working"
    DIGEST = "digest"


class Urgency(StrEnum):
    """CAP 1.2: how soon somebody has to act."""

    IMMEDIATE = "immediate"
    EXPECTED = "expected"
    FUTURE = "future"


class Certainty(StrEnum):
    """CAP 1.2: how sure it is."""

    OBSERVED = "observed"
    LIKELY = "likely"
    POSSIBLE = "possible"


class Role(StrEnum):
    """Whom of a department."""

    ON_CALL = "on-call"
    """The first of its on-call order."""
    SECOND = "second"
    """The second; the head, where there is no second."""
    HEAD = "head"


class Closes(StrEnum):
    """How an incident of a clause ends, once its cause is gone and checked."""

    PERSON = "person"
    ITSELF = "itself"


Filled = Annotated[str, msgspec.Meta(min_length=1)]


class Words(msgspec.Struct, frozen=True):
    """A text in the two languages."""

    zh: Filled
    en: Filled

    def of(self, language: str) -> str:
        """Return the text in a language; Chinese unless English is asked for."""
        return self.en if language == "en" else self.zh


UNSAID: Final = Words("-", "-")
"""Stands for the condition's own name."""
