"""What travels over MQTT: topics, messages, codec.

Topics, under ``wolfsmoke/1/<site>/<agent>/``:

=============  =========  =======================================================================
written by the agent
state          retained   presence, every 10 s and as last will
hello                     first after connecting: what is held, voided, and every standing alarm
inventory      retained   the devices, their quantities and conditions
readings                  one device and poll
alarms                    one occurrence with its full state
replies                   what came of a command
written by the gateway
acks                      what the journal has
commands                  what is to be done at once
=============  =========  =======================================================================

``wolfsmoke/1/gateway`` (retained, every 10 s) is the gateway's heartbeat.

JSON in UTF-8 at QoS 1. Every field has a default, so that an older agent's message still decodes, and unknown fields
are passed over, so that a newer one's does. The identity of a message is (agent, epoch, seq).
"""

import re
from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Annotated, Any, Final, TypeVar

import msgspec

from contract.alarm import Occurrence, Standing
from contract.clock import Boottime, Stamp, Wall
from contract.command import Command, Reply
from contract.condition import Condition
from contract.errors import UNREADABLE, MessageError
from contract.reading import Quality, Reading, Value

ROOT: Final = "wolfsmoke/1"
GATEWAY_TOPIC: Final = f"{ROOT}/gateway"
MAX_BYTES: Final = 256 * 1024
"""A message is refused above this size; a poll of a big three-phase UPS has some 3 KiB."""
MAX_WHOLE: Final = 4 * 1024 * 1024
"""The same for what tells of all devices at once, inventory and hello: an inventory has some 2.5 KiB a device."""
SEPARATOR: Final = b"\x1e"
"""A byte that no message holds: JSON has no raw control characters (RFC 8259, 7)."""
HEARTBEAT: Final = 10.0
"""Seconds between two ``state`` messages, and between two of the gateway's heartbeats."""

ITSELF: Final = "agent"
"""The kind, and the id, of an agent among its own devices: it watches itself."""

Seq = Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]
"""A sequence number, from 1; 0 where there is none. Every JSON reader and every database can hold it."""
Size = Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]
"""A number of bytes."""
Spans = tuple[tuple[Seq, Seq], ...]
"""Ranges of sequence numbers, first and last included: ``[[1, 4711], [4713, 4720]]``."""

_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_HEX: Final = "0123456789abcdef"


class Topic(StrEnum):
    """The last level of a topic."""

    STATE = "state"
    HELLO = "hello"
    INVENTORY = "inventory"
    READINGS = "readings"
    ALARMS = "alarms"
    ACKS = "acks"
    COMMANDS = "commands"
    REPLIES = "replies"


class Health(msgspec.Struct, frozen=True, omit_defaults=True):
    """How an agent itself is; 0 where the system does not tell."""

    cpu: float = 0.0
    """Seconds of processor time since its start."""
    memory: Size = 0
    """Bytes in memory."""
    disk: Size = 0
    """Bytes free where its spool is: what a long cut has room in."""


class State(msgspec.Struct, frozen=True, omit_defaults=True):
    """An agent's presence. The last will is this with ``online`` false."""

    online: bool = False
    epoch: str = ""
    at: Stamp = Stamp()
    version: str = ""
    held: int = 0
    """Messages that no journal has acknowledged yet."""
    health: Health = Health()
    trouble: str = ""
    """What is wrong with the agent itself, in a sentence: its disk is full, its spool was damaged … Empty: nothing."""


class Held(msgspec.Struct, frozen=True, omit_defaults=True):
    """Sequence numbers of one epoch that the agent still holds, and up to which number it has spoken."""

    epoch: str = ""
    spans: Spans = ()
    last: Seq = 0
    """The highest number given out in this epoch."""
    settled: Seq = 0
    """All numbers up to this one are acknowledged, or voided: the agent will not say them again."""
    journal: str = ""
    """Whose acknowledgement settled them, the last time. Another journal cannot have them, and need not miss them."""
    unsure: bool = False
    """The epoch ended without leaving its last number behind, as in a power cut: what its last second gave out after
    ``last`` is lost, and cannot be numbered."""


class Voided(msgspec.Struct, frozen=True, omit_defaults=True):
    """Sequence numbers that will never come, and why."""

    epoch: str = ""
    spans: Spans = ()
    reason: str = ""


class Hello(msgspec.Struct, frozen=True, omit_defaults=True):
    """The first message after connecting."""

    epoch: str = ""
    at: Stamp = Stamp()
    version: str = ""
    held: tuple[Held, ...] = ()
    voided: tuple[Voided, ...] = ()
    standing: tuple[Occurrence, ...] = ()
    partial: bool = False
    """The agent's spool could not be read yet: nothing is to be concluded from what is not said here."""
    number: Seq = 0
    """Of this hello; another one each time, in each process."""


class Device(msgspec.Struct, frozen=True, omit_defaults=True):
    """One device of an agent, as its config and its own answers describe it."""

    id: str = ""
    kind: str = ""
    """Measurement in the store: ``ups``, ``environment``, ``line`` …"""
    room: str = ""
    title: str = ""
    profile: str = ""
    manufacturer: str = ""
    model: str = ""
    serial: str = ""
    firmware: str = ""
    interval: float = 0.0
    """Seconds between two polls."""
    quantities: tuple[str, ...] = ()
    conditions: tuple[Condition, ...] = ()


class Inventory(msgspec.Struct, frozen=True, omit_defaults=True):
    """All the devices of an agent."""

    at: Stamp = Stamp()
    version: str = ""
    config: str = ""
    """Hash of the config that this inventory comes from."""
    devices: tuple[Device, ...] = ()


class Readings(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """One poll of one device. ``values`` holds good values only, so that a simple consumer cannot be fooled."""

    epoch: str = ""
    seq: Seq = 0
    device: str = ""
    at: Stamp = Stamp()
    sent: Boottime = 0.0
    """Boottime at sending, in the boot of ``at``; 0 when it is not known."""
    values: dict[str, Value] = {}
    quality: dict[str, Quality] = {}
    """Quantity → quality, for all that is not good."""
    doubtful: dict[str, Value] = {}
    """What the device said where it is not believed: evidence."""
    first: Seq = 0
    """The numbers from this one to the one before ``seq`` were thinned out, for the agent's disk was full: this message
    stands for them. 0: for itself only."""

    @classmethod
    def of(cls, device: str, at: Stamp, readings: Iterable[Reading]) -> "Readings":
        """Build the message of one poll; epoch and seq are given when it is queued."""
        values: dict[str, Value] = {}
        quality: dict[str, Quality] = {}
        doubtful: dict[str, Value] = {}
        for reading in readings:
            if reading.quality is Quality.GOOD and reading.value is not None:
                values[reading.quantity] = reading.value
            else:
                quality[reading.quantity] = reading.quality
                if reading.value is not None:
                    doubtful[reading.quantity] = reading.value
        return cls(device=device, at=at, values=values, quality=quality, doubtful=doubtful)

    def readings(self) -> Iterator[Reading]:
        """Yield the readings of the poll."""
        for quantity, value in self.values.items():
            yield Reading(quantity, value)
        for quantity, quality in self.quality.items():
            yield Reading(quantity, self.doubtful.get(quantity), quality)


class Alarms(msgspec.Struct, frozen=True, omit_defaults=True):
    """One change of one occurrence, with its full state."""

    epoch: str = ""
    seq: Seq = 0
    at: Stamp = Stamp()
    sent: Boottime = 0.0
    occurrence: Occurrence = Occurrence()


class Ack(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a journal has of one epoch; sent after its commit, for duplicates too."""

    journal: str = ""
    """Random id, new whenever a journal is created or restored."""
    epoch: str = ""
    have: Spans = ()
    alarms: dict[str, Standing] = {}
    """Occurrence → how far it came: taken, told, owned."""
    gateway: str = ""
    """Whose journal it is: an agent may have two gateways, and keeps a message until both have it."""
    hello: Seq = 0
    """The number of the agent's last hello whose account is in the journal: earlier epochs that it told of need not be
    told again. 0: of none."""


class Heartbeat(msgspec.Struct, frozen=True, omit_defaults=True):
    """The gateway's presence."""

    gateway: str = ""
    journal: str = ""
    session: str = ""
    """New for each start of the gateway: an agent that sees a new one says hello and resends at once."""
    wall: Wall = 0.0
    """The gateway's clock, seconds since 1970."""
    online: bool = False
    """False in the last will."""
    version: str = ""
    trusted: bool = True
    """Whether the gateway's host calls its clock synchronised: what one says that is not, contradicts nobody's."""


M = TypeVar("M", State, Hello, Inventory, Readings, Alarms, Ack, Heartbeat, Command, Reply)
Message = State | Hello | Inventory | Readings | Alarms | Ack | Heartbeat | Command | Reply

TYPES: Final[dict[Topic, type[Message]]] = {
    Topic.STATE: State,
    Topic.HELLO: Hello,
    Topic.INVENTORY: Inventory,
    Topic.READINGS: Readings,
    Topic.ALARMS: Alarms,
    Topic.ACKS: Ack,
    Topic.COMMANDS: Command,
    Topic.REPLIES: Reply,
}
"""Topic → what travels there."""

RETAINED: Final = frozenset({Topic.STATE, Topic.INVENTORY})


class Address(msgspec.Struct, frozen=True):
    """Where a message belongs."""

    site: str
    agent: str
    topic: Topic

    def __str__(self) -> str:
        return f"{ROOT}/{self.site}/{self.agent}/{self.topic.value}"


def is_slug(name: str) -> bool:
    """Say whether a name may stand in a topic: lower-case letters, digits and hyphens, 63 at the most."""
    return _SLUG.fullmatch(name) is not None


def parse_topic(topic: str) -> Address:
    """Return the address of a topic.

    Raises:
        MessageError: the topic is none of ours.
    """
    parts = topic.split("/")
    try:
        root, version, site, agent, last = parts
        address = Address(site, agent, Topic(last))
    except ValueError:
        raise MessageError("not a topic of ours", where=topic[:200]) from None
    if f"{root}/{version}" != ROOT or not is_slug(site) or not is_slug(agent):
        raise MessageError("not a topic of ours", where=topic[:200])
    return address


_WHOLE: Final = (Hello, Inventory)
"""What tells of all devices at once."""
_ENCODER = msgspec.json.Encoder()
_DECODERS: dict[type[Any], msgspec.json.Decoder[Any]] = {
    kind: msgspec.json.Decoder(kind) for kind in (*TYPES.values(), Heartbeat)
}


def encode(message: Message) -> bytes:
    """Return the message as JSON."""
    return _ENCODER.encode(message)


def decode(kind: type[M], payload: bytes, *, where: str = "") -> M:
    """Return the message of a payload.

    Args:
        kind: one of the message types.
        payload: what came.
        where: its topic, for the error.

    Raises:
        MessageError: too big, not JSON, of the wrong shape, or without an identity where it needs one.
    """
    most = MAX_WHOLE if kind in _WHOLE else MAX_BYTES
    if len(payload) > most:
        raise MessageError(f"{len(payload)} bytes; {most} are allowed", where=where)
    if SEPARATOR in payload or b"\x00" in payload:
        raise MessageError(f"not a {kind.__name__} message: a raw control character", where=where)
    try:
        message: M = _DECODERS[kind].decode(payload)
    except UNREADABLE as error:
        raise MessageError(f"not a {kind.__name__} message: {error}", where=where) from None
    if isinstance(message, Readings | Alarms):
        _check(message, where)
    return message


def _check(message: Readings | Alarms, where: str) -> None:
    """Refuse what has no identity, or speaks of no device."""
    if message.seq < 1 or not is_epoch(message.epoch):
        raise MessageError("no identity: epoch must be 16 hex digits, seq at least 1", where=where)
    if type(message) is Readings:
        if message.first > message.seq:
            raise MessageError("it stands for numbers after its own", where=where)
        if not is_slug(message.device):
            raise MessageError(f"not a device's name: {message.device[:80]!r}", where=where)
    elif isinstance(message, Alarms) and not (message.occurrence.id and is_slug(message.occurrence.device)):
        raise MessageError("an occurrence needs an id and a device", where=where)


def is_epoch(text: str) -> bool:
    """Say whether a text is an epoch: 8 bytes in hex."""
    return len(text) == 16 and not text.strip(_HEX)
