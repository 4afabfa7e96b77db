"""Two hosts in hot standby, as one object."""

from typing import Final

from contract.quantities.entry import Quantity, flags, number, text

PAIR_STATUS = (
    "SERVING",  # one at least is active
    "SINGLE",  # exactly one is
    "REDUNDANT",  # and the other could take over
    "NOREDUNDANCY",  # one is down, or could not take over
    "LAG",  # the standby is too far behind
    "SPLIT",  # both are active
    "NOACTIVE",  # none is
    "DOWN",  # both are down
    "SETTLING",  # they are changing places
    "SWITCHED",  # they have changed places of late
    "UNEXERCISED",  # the last change of places was too long ago
    "UNKNOWN",
)
"""Flags of ``pair.status``."""

PLAIN: Final = (
    flags("pair.status", PAIR_STATUS, "what the pair amounts to"),
    text("pair.active", "which of the two is active"),
    text("pair.standby", "which of the two should take over"),
    text("pair.reason", "what is wrong, or not known, in a sentence"),
    text("pair.role", "what a host says of itself: active, standby or a word of its own"),
    number("pair.lag", "s", 0, 1e9, "how far the standby is behind"),
    number("pair.switches", "", 0, 1e9, "changes of places that were seen"),
    number("pair.exercised", "s", 0, 5e9, "time since the last change of places or drill"),
)

NUMBERED: Final[tuple[Quantity, ...]] = ()
