"""What goes when the spool is full. Pure: which readings are thinned out, in which order.

First old readings are thinned out to one a minute for each device, then to one in ten minutes, then the oldest go.
Alarms never. A reading that goes is absorbed by the next one that stays, which stands for its number: so nothing is
missing, and ranges stay whole. Only what is directly followed by another reading on the disk can be absorbed.
"""

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from contract.clock import Stamp
from contract.errors import UNREADABLE

STAGES: Final = (60.0, 600.0)
"""Seconds: what is kept is one reading a device in so many; the first stage first."""
PAGE: Final = 1000
"""Messages that are looked at in one go: some 15 ms, which the commit of an alarm may have to wait."""

Bucket = tuple[str, int]
"""Boot, and which interval of its boottime: no step of the wall clock makes it another."""


class Glance(msgspec.Struct, frozen=True):
    """What must be known of a message to judge it."""

    seq: int
    first: int
    """The lowest number that it stands for: its own if nothing else."""
    reading: bool
    device: str = ""
    bucket: Bucket = ("", 0)


class Merge(msgspec.Struct, frozen=True):
    """A message that stands for all numbers from ``first`` on from now on."""

    seq: int
    first: int


class _Brief(msgspec.Struct):
    device: str = ""
    at: Stamp = Stamp()


_DECODER: Final = msgspec.json.Decoder(_Brief)


def glance(seq: int, first: int, body: bytes, every: float, *, reading: bool) -> Glance:
    """Return what must be known of a message; one that cannot be read is left as it is, like an alarm."""
    try:
        brief = _DECODER.decode(body)
    except UNREADABLE:
        return Glance(seq, first or seq, reading=False)
    bucket = brief.at.boot, int(brief.at.boottime // every)
    return Glance(seq, first or seq, reading, brief.device, bucket)


def thin(
    messages: Sequence[Glance], seen: dict[str, Bucket], busy: Callable[[int], bool], *, more: bool = False
) -> list[Merge]:
    """Return what is to be merged in one page.

    Args:
        messages: in the order of their numbers.
        seen: device → the interval of the last reading that was kept; goes on from page to page.
        busy: says whether a number is under way: it neither goes nor absorbs.
        more: another page follows, and begins with the last message of this one: then it is judged, not here.
    """
    merges = []
    run: list[Glance] = []
    again = messages[-1].seq if more and messages else 0
    for message in [*messages, Glance(0, 0, reading=False)]:  # the last one ends the last run
        joins = message.reading and not busy(message.seq)
        if run and not (joins and message.first == run[-1].seq + 1):
            merges += _merged(run, seen, again)
            run = []
        if joins:
            run.append(message)
    return merges


def _merged(run: list[Glance], seen: dict[str, Bucket], again: int) -> list[Merge]:
    merges = []
    first = run[0].first
    for message in run:
        stays = seen.get(message.device) != message.bucket
        if stays and message.seq != again:
            seen[message.device] = message.bucket
        if stays or message is run[-1]:
            if first != message.first:
                merges.append(Merge(message.seq, first))
            first = message.seq + 1
    return merges
