"""Two hosts in hot standby, as one device: see ``agent.pair``."""

import logging
from collections.abc import Sequence
from typing import Final

from agent.drivers.base import Identity, Lane
from agent.members import Roll
from agent.memo import Memo
from agent.pair import judge
from agent.pair.asking import Active, Fit, Nobody, Standby
from agent.pair.judge import Findings, Memory, Rules, Two
from contract.clock import Clock, Stamp
from contract.errors import DeviceError
from contract.reading import Reading, Value, judged

_log = logging.getLogger(__name__)
UNKNOWN: Final[Two] = (None, None)


class PairDriver:
    """Looks at a pair. Nothing that cannot be found out is an error: it is not known, and so it is said."""

    def __init__(
        self,
        members: tuple[str, str],
        roll: Roll,
        active: Active,
        standby: Standby | None,
        rules: Rules,
        clock: Clock,
        memo: Memo[Memory],
    ) -> None:
        """Take the two devices, who knows what they said, how to find out the rest, and where to remember."""
        self._members = members
        self._roll = roll
        self._active = active
        self._standby = standby
        self._rules = rules
        self._clock = clock
        self._memo = memo
        self._memory: Memory | None = None
        self._trouble = ""

    @property
    def identity(self) -> Identity:
        """See ``Driver.identity``."""
        return Identity(model=" + ".join(self._members))

    async def read(self, lane: Lane = Lane.ALL) -> Sequence[Reading]:  # noqa: ARG002 - there is one lane
        """See ``Driver.read``."""
        before = self._memory if self._memory is not None else await self._memo.load() or Memory()
        boottime = self._clock.boottime()
        answers = self._answers(boottime)
        trouble: list[str] = []
        active = await self._who(boottime, answers, trouble)
        standby = _standby(active, answers)
        found = await self._fit(standby, boottime, trouble) if standby is not None else Fit()
        now = self._clock.stamp()
        findings = Findings(answers=answers, active=active, fit=found.fit, late=found.late)
        self._memory, flags = judge.judge(before, findings, self._rules, now)
        if self._memory != before:
            self._memo.save(self._memory)
        self._note("; ".join(trouble))
        return self._readings(self._memory, flags, findings, found, trouble, now)

    async def close(self) -> None:
        """See ``Driver.close``."""
        await self._memo.close()

    def _answers(self, now: float) -> Two:
        first, second = self._members
        return self._roll.answers(first, now), self._roll.answers(second, now)

    async def _who(self, now: float, answers: Two, trouble: list[str]) -> Two:
        try:
            return await self._active.ask(now)
        except Nobody as error:
            trouble.append(f"nobody answers as the active one: {error}")
            return (False, False) if True in answers else UNKNOWN  # if we hear none of them, it may be our own line
        except DeviceError as error:
            trouble.append(f"who is active is not known: {error}")
            return UNKNOWN

    async def _fit(self, standby: int, now: float, trouble: list[str]) -> Fit:
        if self._standby is None:
            return Fit(fit=True)
        try:
            return await self._standby.ask(standby, now)
        except DeviceError as error:
            trouble.append(f"whether {self._members[standby]} is fit is not known: {error}")
            return Fit()

    def _note(self, trouble: str) -> None:
        if trouble != self._trouble:
            self._trouble = trouble
            _log.warning("%s: %s", " + ".join(self._members), trouble or "all can be found out again")

    def _readings(
        self,
        memory: Memory,
        flags: Sequence[str],
        findings: Findings,
        found: Fit,
        trouble: Sequence[str],
        now: Stamp,
    ) -> list[Reading]:
        single = "SINGLE" in flags and memory.active is not None
        last = judge.exercised(memory, self._rules)
        values: dict[str, Value | None] = {
            "pair.status": tuple(flags),
            "pair.active": self._members[memory.active] if single and memory.active is not None else None,
            "pair.standby": self._members[1 - memory.active] if single and memory.active is not None else None,
            "pair.lag": found.lag,
            "pair.switches": float(memory.switches),
            "pair.exercised": max(0.0, now.wall - last) if last and now.trusted else None,
            "pair.reason": _reason(self._members, flags, findings, found, trouble),
        }
        return [judged(name, value) for name, value in values.items()]


def _standby(active: Two, answers: Two) -> int | None:
    """Return who should be able to take over; None where that is not clear."""
    first, second = (
        False if role is None and there is False else role for role, there in zip(active, answers, strict=True)
    )
    if first is True and second is False:
        return 1
    return 0 if second is True and first is False else None


def _reason(
    members: Sequence[str], flags: Sequence[str], findings: Findings, found: Fit, trouble: Sequence[str]
) -> str | None:
    """Say in a sentence what is wrong; None where nothing is."""
    said = [f"{name} does not answer" for name, there in zip(members, findings.answers, strict=True) if there is False]
    said += [f"{name} is not heard" for name, there in zip(members, findings.answers, strict=True) if there is None]
    if "SPLIT" in flags:
        said.append("both are active")
    if "NOACTIVE" in flags:
        said.append("none is active")
    if "LAG" in flags and found.lag is not None:
        said.append(f"the standby is {found.lag:g} s behind")
    if "NOREDUNDANCY" in flags and found.fit is False:
        said.append("the standby is not fit")
    return "; ".join([*said, *trouble])[:256] or None
