"""DS1-MIB: how an E1 or T1 line is (RFC 4805; RFC 1406 and 2495 before it). Pure."""

from typing import Final

CONFIG: Final = "1.3.6.1.2.1.10.18.6.1"
"""dsx1ConfigEntry."""
CURRENT: Final = "1.3.6.1.2.1.10.18.7.1"
"""dsx1CurrentEntry: the quarter of an hour that is running."""
INTERFACE, CIRCUIT, STATUS = (f"{CONFIG}.{number}" for number in (2, 8, 10))
COUNTERS: Final = {
    "errored": f"{CURRENT}.2",
    "errored.severely": f"{CURRENT}.3",
    "unframed": f"{CURRENT}.4",
    "unavailable": f"{CURRENT}.5",
}
"""Seconds of this quarter of an hour."""

NO_ALARM: Final = 1
FLAGS: Final = {
    2: "RAI",
    4: "RAI-SENT",
    8: "AIS",
    16: "AIS-SENT",
    32: "LOF",
    64: "LOS",
    128: "LOOP",
    256: "TS16-AIS",
    512: "TS16-RAI",
    1024: "TS16-RAI-SENT",
    2048: "TEST",
    4096: "FAILURE",
    8192: "UNAVAILABLE",
    16384: "OUT-OF-SERVICE",
    32768: "DS2-AIS",
    65536: "DS2-ERRORS",
}
"""dsx1LineStatus is a sum of these; 1 alone is a healthy line."""
_ALL: Final = NO_ALARM + sum(FLAGS)
DEAD: Final = frozenset({"LOS", "LOF", "AIS", "LOOP", "UNAVAILABLE", "OUT-OF-SERVICE", "DOWN", "SIGNALLING", "MISSING"})
"""Flags of a trunk that carries nothing."""
NO_CALLS: Final = frozenset({"TS16-AIS", "TS16-RAI"})
"""Flags of a trunk whose signalling does not come through, or does not reach the far end."""
BROKEN: Final = frozenset({"FAILURE", "OUT-OF-SERVICE", "TEST"})
"""Flags of a trunk port that cannot stand in for another."""


def flags(status: int | None) -> frozenset[str] | None:
    """Return what a line status says: nothing for a healthy line; None for what is no line status.

    A sum of 1 and others is a device's mistake: the alarms count.
    """
    if status is None or not 0 < status <= _ALL:
        return None
    found = {name for bit, name in FLAGS.items() if status & bit}
    return frozenset(found | {"SIGNALLING"} if found & NO_CALLS else found)
