"""One message of the outbox, as it travels."""

from typing import Protocol

import msgspec

from agent.outbox.spool import Row
from contract.errors import MessageError
from contract.message import Alarms, Readings, Topic, decode, encode

RESEND_AFTER = 30.0
"""Seconds without an acknowledgement until a message is sent again; twice as long each time."""

Key = tuple[str, int]
"""Epoch and number."""


class Sender(Protocol):
    """The way out. Only called between ``connected`` and ``disconnected``."""

    def send(self, topic: Topic, payload: bytes) -> None:
        """Give a message to the broker at QoS 1, and do not wait."""
        ...


class Entry:
    """A message in memory."""

    __slots__ = ("answered", "body", "first", "queued", "resend", "sent", "spooled", "topic")

    def __init__(self, topic: Topic, body: bytes, queued: float, *, spooled: bool = False, first: int = 0) -> None:
        """Take what is sent, since when it waits (boottime), whether the disk has it, and what it stands for."""
        self.topic = topic
        self.body = body
        self.queued = queued
        self.first = first
        self.sent: float | None = None
        self.resend = RESEND_AFTER
        self.spooled = spooled
        self.answered = False
        """Everybody has it who is there; somebody who is away lacks it."""


def from_disk(row: Row) -> Entry | None:
    """Return a message of the disk; None when it cannot be read any more. It is stamped anew when it is sent."""
    try:
        _decoded(row.topic, row.body)
    except MessageError:
        return None
    return Entry(row.topic, row.body, 0.0, spooled=True, first=row.first)


def restamped(entry: Entry, boot: str, now: float) -> bytes:
    """Return the message with the time of its sending, and with the numbers that it stands for; on disk it has neither.

    Args:
        entry: the message.
        boot: of this host, now; boottimes of other boots say nothing.
        now: boottime.
    """
    try:
        message = _decoded(entry.topic, entry.body)
    except MessageError:
        return entry.body  # too big, or the like: the gateway judges
    sent = round(now, 3) if message.at.boot == boot else 0.0
    if isinstance(message, Readings):
        return encode(msgspec.structs.replace(message, sent=sent, first=entry.first))
    return encode(msgspec.structs.replace(message, sent=sent))


def _decoded(topic: Topic, body: bytes) -> Alarms | Readings:
    return decode(Alarms, body) if topic is Topic.ALARMS else decode(Readings, body)
