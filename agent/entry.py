"""One message of the outbox, as it travels."""

from typing import Protocol

import msgspec

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

    __slots__ = ("body", "queued", "resend", "sent", "spooled", "topic")

    def __init__(self, topic: Topic, body: bytes, queued: float, *, spooled: bool = False) -> None:
        """Take what is sent, since when it waits (boottime), and whether the disk has it."""
        self.topic = topic
        self.body = body
        self.queued = queued
        self.sent: float | None = None
        self.resend = RESEND_AFTER
        self.spooled = spooled


def restamped(entry: Entry, boot: str, now: float) -> bytes:
    """Return the message with the time of its sending; on disk it has the first one.

    Args:
        entry: the message.
        boot: of this host, now; boottimes of other boots say nothing.
        now: boottime.
    """
    message: Alarms | Readings
    try:
        message = decode(Alarms, entry.body) if entry.topic is Topic.ALARMS else decode(Readings, entry.body)
    except MessageError:
        return entry.body  # an older version kept it; the gateway judges
    return encode(msgspec.structs.replace(message, sent=round(now, 3) if message.at.boot == boot else 0.0))
