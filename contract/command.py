"""Commands: what the gateway asks an agent to do at once, and what came of it.

A command is carried out once, however often it comes, and never after its time: an agent goes by the gateway's clock,
which it knows from the heartbeats, not by its own. Commands are not kept by the broker; one that finds no agent expires.
"""

from enum import StrEnum
from typing import Annotated

import msgspec

from contract.clock import Stamp, Wall
from contract.reading import Quality, Value


class Verb(StrEnum):
    """What can be asked."""

    READ = "read"
    """Ask the device for everything, now."""
    SELF_CHECK = "self-check"
    """Find out where a line is broken, now."""
    BATTERY_TEST = "battery-test"
    """Let a UPS try its battery: where its settings allow it, in their hours, and while nothing speaks against it."""
    ON = "on"
    """Switch an output on, for a time."""
    OFF = "off"
    """Switch it off."""


class Outcome(StrEnum):
    """What came of a command."""

    DONE = "done"
    REFUSED = "refused"
    """It was not tried; the text says why."""
    FAILED = "failed"
    """It was tried."""
    EXPIRED = "expired"
    """It came, or nothing came back, after its time."""


class Command(msgspec.Struct, frozen=True, omit_defaults=True):
    """One command."""

    id: str = ""
    device: str = ""
    verb: str = ""
    """Of ``Verb``; an agent refuses one that it does not know."""
    output: str = ""
    """Which output of the device is switched."""
    seconds: Annotated[float, msgspec.Meta(ge=0.0, le=86400.0)] = 0.0
    """How long an output stays on at the most; 0: as long as its settings allow."""
    issued: Wall = 0.0
    expires: Wall = 0.0
    """By the gateway's clock."""
    who: str = ""
    """Who asked for it."""


class Reply(msgspec.Struct, frozen=True):
    """What came of it."""

    id: str = ""
    """Of the command."""
    device: str = ""
    verb: str = ""
    outcome: Outcome = Outcome.DONE
    text: str = ""
    at: Stamp = Stamp()
    values: dict[str, Value] = {}
    """What was read."""
    quality: dict[str, Quality] = {}
    """Quantity → quality, for what was read and is not good."""
