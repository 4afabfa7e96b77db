"""``wolfsmoke-agent scan``: progress on stderr, proposed tables on stdout. Exit codes: 0 found, 2 wrong use, 3 nothing found."""

import argparse
import asyncio
import contextlib
import logging
import signal
import sys
from collections.abc import Coroutine
from typing import Any, Final, Protocol

from agent.scan import bounds
from agent.scan.arguments import BY_ID
from agent.scan.found import Found
from agent.scan.net import Pace
from agent.scan.propose import credentials, proposed, there_already
from agent.scan.sweep import SerialSweep, Sweep, network_finders, serial_finders
from contract.errors import UsageError

_log = logging.getLogger(__name__)
_EVERY: Final = 5.0
"""Seconds between two lines of progress."""
_NOTHING: Final = 3


class _Running(Protocol):
    done: int

    @property
    def found(self) -> list[Found]: ...


def run(asked: argparse.Namespace) -> int:
    """Scan; return the exit code.

    Raises:
        UsageError: it may not be done like that.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    there = there_already(asked.config) if asked.config is not None else {}
    found = asyncio.run(_serial(asked) if asked.serial is not None else _network(asked))
    if not found:
        _log.info("scan: nothing found")
        return _NOTHING
    sys.stdout.write(proposed(found, there))
    named = credentials(found)
    if named:
        _log.info(
            "scan: the tables point to secrets: a file each, and LoadCredential= in the unit: %s", ", ".join(named)
        )
    return 0


async def _network(asked: argparse.Namespace) -> list[Found]:
    if not asked.cidr:
        hint = "name one, such as 192.0.2.0/24: nothing is scanned unasked; for this machine's serial ports, --serial"
        raise UsageError("no range of addresses", hint=hint)
    hosts = bounds.addresses(asked.cidr, asked.limit)
    rate = bounds.rate(asked.rate)
    pace = Pace(rate)
    sweep = Sweep(
        hosts,
        network_finders(asked.community or ["public"]),
        bounds.ports(asked.ports),
        pace,
        rate=rate,
        tell=_tell,
    )
    _log.info(
        "scan: %d addresses, %d probes if all are silent, %.0f s at %g/s; Ctrl-C shows what was found so far",
        len(hosts),
        sweep.most,
        sweep.most / rate,
        rate,
    )
    await _until_done(sweep, sweep.run(), len(hosts), "addresses")
    _log.info("scan: %d of %d addresses, %d probes sent", sweep.done, len(hosts), pace.sent)
    return sweep.found


async def _serial(asked: argparse.Namespace) -> list[Found]:
    if asked.cidr:
        raise UsageError("addresses and serial ports at once", hint="scan them one after the other")
    if asked.serial != BY_ID and not asked.serial.is_dir():
        raise UsageError("no such folder", where=str(asked.serial), hint=f"leave it out for {BY_ID}")
    sweep = SerialSweep(asked.serial, serial_finders(), tell=_tell)
    ports = sweep.ports()
    _log.info(
        "scan: %d serial ports in %s%s", len(ports), asked.serial, "" if ports else " (is an adapter plugged in?)"
    )
    await _until_done(sweep, sweep.run(), len(ports), "ports")
    return sweep.found


async def _until_done(sweep: "_Running", work: Coroutine[Any, Any, None], whole: int, what: str) -> None:
    """Work to the end, or until the user has had enough; say how far it is."""
    loop = asyncio.get_running_loop()
    task = loop.create_task(work)
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    while not task.done():
        await asyncio.wait([task], timeout=_EVERY)
        if not task.done():
            _log.info("scan: %d of %d %s, %d found", sweep.done, whole, what, len(sweep.found))
    with contextlib.suppress(asyncio.CancelledError):
        await task
    if task.cancelled():
        _log.info("scan: stopped early")


def _tell(each: Found) -> None:
    _log.info("found: %s: %s: %s", each.where, each.protocol, each.says)
