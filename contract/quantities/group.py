"""Several devices of which so many must be ready: seats, scanners, vehicles, spare ports."""

from typing import Final

from contract.quantities.entry import Quantity, flags, number, text

GROUP_STATUS = (
    "ENOUGH",  # as many are ready as are needed
    "SHORT",  # fewer are, whatever is not known
    "WHOLE",  # all that should work do
    "DEGRADED",  # one that should work does not
    "SPARED",  # as many spares are ready as should be
    "SPARELOW",  # fewer spares are
    "NOSPARE",  # none is
    "UNKNOWN",  # of one at least nobody knows
)
"""Flags of ``group.status``."""

PLAIN: Final = (
    flags("group.status", GROUP_STATUS, "what the group amounts to"),
    number("group.members", "", 0, 1e6, "members, spares among them"),
    number("group.ready", "", 0, 1e6, "members that are ready, spares among them"),
    number("group.needed", "", 0, 1e6, "members that must be ready"),
    number("group.unknown", "", 0, 1e6, "members of which nobody knows"),
    number("group.spare.ready", "", 0, 1e6, "spares that are ready and not taken"),
    text("group.down", "members that are not ready"),
    text("group.takeover", "which spare takes over from whom"),
)

NUMBERED: Final[tuple[Quantity, ...]] = ()
