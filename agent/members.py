"""Devices as members of something: whether they answer, and whether what they say passes a trial. Pure but for its memory.

A member that has not been heard, or whose polls stand still, is not down: nobody knows. It is down once its polls have gone
on without an answer for as long as an alarm of its own would take.
"""

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from agent import kinds
from agent.neighbours import Neighbours
from contract.condition import Condition, Test
from contract.quantities import QUANTITIES, Kind, find
from contract.reading import Reading
from contract.settings import Fault, Text, did_you_mean

LOST: Final = 60.0
"""Seconds without an answer until a member is down."""


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """What a member must say: a quantity, and either a test as a condition has one, or the very word."""

    quantity: Text = "x.contact"
    test: Test | None = None
    setpoint: float | None = None
    flag: str = ""
    word: str = msgspec.field(name="is", default="")

    @staticmethod
    def faults(draft: Any) -> Iterable[Fault]:
        """Yield what does not fit."""
        yield from trial_faults(draft)

    def passed(self, reading: Reading | None) -> bool | None:
        """Say whether a reading passes; None where it cannot be known."""
        return passed(self, reading)


def trial_faults(draft: Any) -> Iterable[Fault]:
    """Yield what does not fit in a table that has the keys of a trial."""
    known = find(draft.quantity) if isinstance(draft.quantity, str) else None
    if not isinstance(draft.quantity, str):
        return
    if known is None:
        hint = did_you_mean(draft.quantity, QUANTITIES)
        yield Fault(f"unknown quantity {draft.quantity!r}", hint, ("quantity",))
    elif draft.word and draft.test is not None:
        yield Fault("a test and a word", 'keep one: test = "…" or is = "…"', ("is",))
    elif draft.word and isinstance(draft.word, str):
        if known.kind is Kind.NUMBER:
            hint = 'write test = "above" or "below", and setpoint'
            yield Fault(f"{draft.quantity} is a number, and says no words", hint, ("is",))
        elif known.kind is Kind.FLAGS and draft.word not in known.flags:
            yield Fault(f"unknown flag {draft.word!r}", did_you_mean(draft.word, known.flags), ("is",))
    elif isinstance(draft.test, Test):
        condition = _condition(draft)
        yield from kinds.misfit(condition, [name for name in ("test", "setpoint") if getattr(draft, name) is not None])
    elif draft.test is None and draft.quantity != "x.contact":
        yield Fault(f"what must {draft.quantity} be?", 'write is = "…", or test = "…" with setpoint or flag')


def passed(trial: Any, reading: Reading | None) -> bool | None:
    """Say whether a reading passes what has the keys of a trial; None where it cannot be known."""
    if reading is None or not reading.good or reading.value is None:
        return None
    if trial.word:
        if isinstance(reading.value, tuple):
            return trial.word in reading.value
        return isinstance(reading.value, str) and reading.value.casefold() == trial.word.casefold()
    if trial.test is None:
        return reading.value == 1.0
    return _condition(trial).wrong(reading, standing=False)


def _condition(trial: Any) -> Condition:
    setpoint = trial.setpoint if isinstance(trial.setpoint, float | int) else 0.0
    flag = trial.flag if isinstance(trial.flag, str) else ""
    return Condition(name="trial", quantity=trial.quantity, test=trial.test, setpoint=setpoint, flag=flag)


class Roll:
    """Asks what the members said, and remembers since when one has not answered."""

    def __init__(self, neighbours: Neighbours, lost: float = LOST) -> None:
        """Take who knows what they said, and after how many seconds without an answer one is down."""
        self._neighbours = neighbours
        self._after = lost
        self._lost: dict[str, float] = {}

    def answers(self, member: str, now: float) -> bool | None:
        """Say whether a member answers; None where nobody knows. ``now`` is boottime."""
        heard = self._neighbours.heard(member)
        if heard is None:
            return None
        if heard.fresh(now):
            self._lost.pop(member, None)
            return True
        contact = heard.readings.get("x.contact")
        if contact is None or contact.value != 0.0 or now - heard.at > 3 * heard.interval + LOST:
            self._lost.pop(member, None)
            return None  # its polls stand still, which says nothing of it
        since = self._lost.setdefault(member, heard.at)
        return False if now - since >= self._after else None

    def said(self, member: str, quantity: str, now: float) -> Reading | None:
        """Return what a member that answers says of a quantity."""
        heard = self._neighbours.heard(member)
        return heard.said(quantity, now) if heard is not None else None

    def passes(self, member: str, trial: Any, now: float) -> bool | None:
        """Say whether a member passes a trial; one that is down does not, and of one that is silent nobody knows."""
        answers = self.answers(member, now)
        return passed(trial, self.said(member, trial.quantity, now)) if answers else answers
