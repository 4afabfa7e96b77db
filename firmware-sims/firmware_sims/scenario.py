"""A timetable for a site, from a TOML file: what the control socket's commands do, at their times.

::

    [[step]]
    at = "5s"
    do = "cut server-room"
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec

from contract import settings
from contract.errors import UsageError
from firmware_sims.control import obey
from firmware_sims.site import Site, text_of

_LOG = logging.getLogger(__name__)
Sleep = Callable[[float], Awaitable[None]]


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One command at its time, counted from the start."""

    at: settings.Seconds
    do: str


class Scenario(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A scenario file."""

    step: tuple[Step, ...] = ()


def load(path: Path) -> Scenario:
    """Read a scenario file.

    Raises:
        ConfigError: with every problem of it.
    """
    return settings.load(Scenario, text_of(path), file=str(path))


async def play(scenario: Scenario, site: Site, sleep: Sleep = asyncio.sleep) -> None:
    """Carry out the steps in order of their times; a step that cannot be done is logged, the next ones follow."""
    passed = 0.0
    for step in sorted(scenario.step, key=lambda step: step.at):
        await sleep(step.at - passed)
        passed = step.at
        try:
            await obey(site, step.do)
            _LOG.info("%gs: %s", step.at, step.do)
        except UsageError as error:
            _LOG.error("%gs: %s", step.at, error)
