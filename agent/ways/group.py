"""Several devices of this agent of which so many must be ready (clauses 3.1.8, 3.1.9, 3.1.12, 3.2.6).

::

    [device.group]
    members = ["seat-1", "seat-2", "seat-3", "seat-4", "seat-5", "seat-6"]
    spares = ["spare-1", "spare-2"]          # in the order in which they take over
    need = 6                                 # left out: as many as there are members
    spare = 2                                # that should be ready; left out: 1 where there are any
    ready = { quantity = "x.contact" }       # or any quantity with is = "…", or test, setpoint, flag

    [device.group]                           # or a number that one device says
    count = { device = "pbx", quantity = "x.ports.spare" }
    need = 4
"""

from collections.abc import Iterable, Sequence
from typing import Annotated, Any, ClassVar
from urllib.parse import SplitResult

import msgspec

from agent.drivers.base import Driver
from agent.members import Trial
from agent.ways.base import Context
from contract.errors import UsageError
from contract.quantities import QUANTITIES, Kind, find
from contract.settings import Fault, Seconds, Slug, did_you_mean

Count = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """A number that one device says."""

    device: Slug
    quantity: str

    @staticmethod
    def faults(draft: Any) -> Iterable[Fault]:
        """Yield what does not fit."""
        if not isinstance(draft.quantity, str):
            return
        known = find(draft.quantity)
        if known is None:
            hint = did_you_mean(draft.quantity, QUANTITIES)
            yield Fault(f"unknown quantity {draft.quantity!r}", hint, ("quantity",))
        elif known.kind is not Kind.NUMBER:
            yield Fault(f"{draft.quantity} is not a number", "name one that counts something", ("quantity",))


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Several devices of this agent, or a number that one of them says."""

    KINDS: ClassVar[tuple[str, ...]] = ("group",)
    EXAMPLE: ClassVar[str] = ""

    members: tuple[Slug, ...] = ()
    spares: tuple[Slug, ...] = ()
    count: Counted | None = None
    need: Count | None = None
    spare: Count | None = None
    ready: Trial = Trial()
    lost_after: Seconds = 60.0
    """Without an answer until a member is down."""

    @staticmethod
    def faults(draft: Any) -> Iterable[Fault]:
        """Yield what does not fit."""
        if draft.count is None and draft.members == ():
            yield Fault("of whom?", 'write members = ["…", "…"], or count = { device = "…", quantity = "…" }')
        if draft.count is not None:
            for key in ("members", "spares"):
                if getattr(draft, key) not in ((), None):
                    yield Fault(f"{key} and count", "keep one: a second question is a second device", (key,))
            if draft.spare is not None:
                yield Fault("a number has no spares", "count the spare ones, and write need = the reserve", ("spare",))
            if draft.need is None:
                yield Fault("how many are needed?", "write need = a whole number", ("count",))
            return
        if not isinstance(draft.members, tuple) or not isinstance(draft.spares, tuple):
            return
        everybody = len(draft.members) + len(draft.spares)
        if isinstance(draft.need, int) and draft.need > everybody:
            yield Fault(f"{draft.need} are needed, and there are {everybody}", "name more, or need fewer", ("need",))
        room = len(draft.spares) or everybody - (draft.need if isinstance(draft.need, int) else everybody)
        if isinstance(draft.spare, int) and draft.spare > room:
            yield Fault(f"{draft.spare} spares, and there can be {room}", "name more spares = [ … ]", ("spare",))

    @classmethod
    def profiles(cls, kind: str) -> Sequence[str]:  # noqa: ARG003 - see Way
        """See ``Way.profiles``."""
        return ()

    @classmethod
    def from_url(cls, parts: SplitResult) -> "Group":  # noqa: ARG003 - see Way
        """See ``Way.from_url``. A group has no URL: it is made of other devices."""
        raise UsageError("a group is made of other devices", hint="write it in the settings: [device.group]")

    def driver(self, context: Context) -> Driver:
        """See ``Way.driver``."""
        from agent.drivers.group import CountDriver, Given, GroupDriver  # noqa: PLC0415
        from agent.group import Wanted  # noqa: PLC0415
        from agent.members import Roll  # noqa: PLC0415
        from agent.memo import Memo  # noqa: PLC0415

        clock = context.clock
        roll = Roll(context.neighbours, self.lost_after)
        if self.count is not None:
            return CountDriver(self.count.device, self.count.quantity, float(self.need or 0), roll, clock)
        need = len(self.members) if self.need is None else self.need
        surplus = bool(self.spares) or need < len(self.members)
        reserve = int(surplus) if self.spare is None else self.spare
        wanted = Wanted(members=self.members, spares=self.spares, need=need, reserve=reserve)
        memo = Memo(Given, context.state and context.state / f"group-{context.device}.json")
        return GroupDriver(wanted, self.ready, roll, clock, memo)
