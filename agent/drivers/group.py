"""Several devices of which so many must be ready, as one device: see ``agent.group``."""

from collections.abc import Sequence

import msgspec

from agent.drivers.base import Identity, Lane
from agent.group import Wanted, counted, spoken, tally
from agent.members import Roll, Trial
from agent.memo import Memo
from contract.clock import Clock
from contract.reading import Reading, Value, judged


class Given(msgspec.Struct, frozen=True):
    """What is remembered: which spare has taken over from whom."""

    takeover: dict[str, str] = {}


class GroupDriver:
    """Counts who is ready."""

    def __init__(self, wanted: Wanted, trial: Trial, roll: Roll, clock: Clock, memo: Memo[Given]) -> None:
        """Take who is wanted, what a ready one says, who knows what they said, and where to remember."""
        self._wanted = wanted
        self._trial = trial
        self._roll = roll
        self._clock = clock
        self._memo = memo
        self._given: Given | None = None

    @property
    def identity(self) -> Identity:
        """See ``Driver.identity``."""
        return Identity(model=f"{self._wanted.need} of {len(self._wanted.members)} + {len(self._wanted.spares)}")

    async def read(self, lane: Lane = Lane.ALL) -> Sequence[Reading]:  # noqa: ARG002 - there is one lane
        """See ``Driver.read``."""
        given = self._given if self._given is not None else await self._memo.load() or Given()
        now = self._clock.boottime()
        wanted = self._wanted
        everybody = (*wanted.members, *wanted.spares)
        found = tally(wanted, {each: self._roll.passes(each, self._trial, now) for each in everybody}, given.takeover)
        self._given = Given(found.takeover)
        if self._given != given:
            self._memo.save(self._given)
        values: dict[str, Value | None] = {
            "group.status": found.flags,
            "group.members": float(len(everybody)),
            "group.ready": float(found.ready),
            "group.needed": float(wanted.need),
            "group.unknown": float(found.unknown),
            "group.spare.ready": float(found.spare),
            "group.down": ", ".join(found.down)[:256] or None,
            "group.takeover": spoken(found.takeover, wanted.members)[:256] or None,
        }
        return [judged(name, value) for name, value in values.items()]

    async def close(self) -> None:
        """See ``Driver.close``."""
        await self._memo.close()


class CountDriver:
    """Holds a number that one device says, such as its spare ports, against a need."""

    def __init__(self, device: str, quantity: str, need: float, roll: Roll, clock: Clock) -> None:
        """Take the device and its quantity, how many are needed, and who knows what it said."""
        self._device, self._quantity, self._need = device, quantity, need
        self._roll, self._clock = roll, clock

    @property
    def identity(self) -> Identity:
        """See ``Driver.identity``."""
        return Identity(model=f"{self._quantity} of {self._device}")

    async def read(self, lane: Lane = Lane.ALL) -> Sequence[Reading]:  # noqa: ARG002 - there is one lane
        """See ``Driver.read``."""
        reading = self._roll.said(self._device, self._quantity, self._clock.boottime())
        number = (
            reading.value if reading is not None and reading.good and isinstance(reading.value, float | int) else None
        )
        return [
            judged("group.status", counted(number, self._need)),
            judged("group.ready", number),
            judged("group.needed", self._need),
        ]

    async def close(self) -> None:
        """See ``Driver.close``."""
