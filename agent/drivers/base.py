"""What a driver is: one working method."""

from collections.abc import Sequence
from enum import Enum
from typing import Protocol, runtime_checkable

import msgspec

from contract.command import Verb
from contract.errors import CommandRefused
from contract.reading import Reading


class Lane(Enum):
    """Which quantities a poll asks for."""

    FAST = "fast"
    """The few that matter most: status, charge."""
    ALL = "all"
    """All of them, the fast ones too."""


class Identity(msgspec.Struct, frozen=True):
    """What a device says of itself; empty strings where it is silent."""

    profile: str = ""
    manufacturer: str = ""
    model: str = ""
    serial: str = ""
    firmware: str = ""
    description: str = ""


class Driver(Protocol):
    """Reads one device. Constructing one does nothing; the runner owns schedule, timeout, retry, counters, logging."""

    @property
    def identity(self) -> Identity:
        """What the device said of itself so far; empty before the first successful read."""
        ...

    async def read(self, lane: Lane = Lane.ALL) -> Sequence[Reading]:
        """Ask the device once and return what it says.

        Connects when it must; after an error the next call starts afresh. A point without a usable answer is a
        reading that says so, never an error.

        Raises:
            DeviceError: nothing could be read at all.
        """
        ...

    async def close(self) -> None:
        """Let go of the link; a later read opens it again."""
        ...


@runtime_checkable
class Actor(Protocol):
    """What a driver is besides, if its device can do something."""

    @property
    def verbs(self) -> frozenset[Verb]:
        """What it can do, beside being read."""
        ...

    async def act(self, verb: Verb, output: str, seconds: float) -> str:
        """Let the device do it, and return a sentence for people.

        Args:
            verb: one of ``verbs``.
            output: which of its outputs is switched; empty where it has one.
            seconds: how long an output stays on at the most, or a test lasts; 0: as its settings say.

        Raises:
            CommandRefused: it cannot, or must not: nothing was tried.
            DeviceError: it was tried, and the device did not obey.
        """
        ...


NOTHING: frozenset[Verb] = frozenset()
TEST: frozenset[Verb] = frozenset({Verb.BATTERY_TEST})
"""What most UPSes can do."""


def verbs(driver: Driver) -> frozenset[Verb]:
    """Return what a driver's device can do, beside being read."""
    return driver.verbs if isinstance(driver, Actor) else NOTHING


async def obey(driver: Driver, verb: Verb, output: str, seconds: float) -> str:
    """Let a driver's device do something; see ``Actor.act``.

    Raises:
        CommandRefused: it cannot, or must not: nothing was tried.
        DeviceError: it was tried, and the device did not obey.
    """
    if not isinstance(driver, Actor) or verb not in driver.verbs:
        raise CommandRefused(f"it knows no {verb.value}")
    return await driver.act(verb, output, seconds)
