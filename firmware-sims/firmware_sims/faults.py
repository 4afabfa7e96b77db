"""What can go wrong on a line, as a switch that both kinds of simulator obey."""

from enum import Enum


class Fault(Enum):
    """One way to misbehave."""

    NONE = "none"
    SILENCE = "silence"
    """No answer at all."""
    DELAY = "delay"
    """The right answer, three seconds late."""
    GARBAGE = "garbage"
    """An answer that is none."""
    HALF = "half"
    """The first half of the right answer."""
    CHECKSUM = "checksum"
    """The right answer with a wrong checksum, where the protocol has one."""
    ADDRESS = "address"
    """An answer in another device's name: a wrong slave, a wrong request id."""
    SENTINELS = "sentinels"
    """A well-formed answer whose values all say that there is none: 65535, -1, NULL, dashes."""
    UNPLUG = "unplug"
    """The port itself goes away, and comes back with ``none``."""


DELAY_SECONDS = 3.0
"""Longer than any poll should wait."""
GARBAGE = b"\x00\xffwolf\x80\x00(###.# ~~\x7f\r"
"""Not SNMP, and not Megatec."""


def spoiled(answer: bytes, fault: Fault) -> bytes | None:
    """Return what leaves the device under a fault; None for nothing."""
    match fault:
        case Fault.SILENCE | Fault.UNPLUG:
            return None
        case Fault.GARBAGE:
            return GARBAGE
        case Fault.HALF:
            return answer[: len(answer) // 2]
        case _:
            return answer
