"""What a command of the site's own says: no shell, bounded in time and in what it may write."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Sequence
from typing import Final

import msgspec

from contract.errors import DeviceGarbled, DeviceTimeout, PortUnavailable

SURROUNDINGS: Final = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
"""All that it is given: where the agent's credentials are is none of its business."""
MOST: Final = 64 << 10
"""Bytes of an answer."""


class Said(msgspec.Struct, frozen=True):
    """What it wrote to its standard output, and its exit code."""

    code: int
    text: str


LEAVING: Final = 5.0
"""Seconds for the end of what was killed: a child in a session of its own may hold the pipe."""


async def run(command: Sequence[str], seconds: float) -> Said:
    """Run a command and return what it said. It and its children are gone when this returns.

    Raises:
        PortUnavailable: it cannot be run.
        DeviceTimeout: it took longer.
        DeviceGarbled: it was killed, or said too much, or no text.
    """
    where = command[0]
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
            env=SURROUNDINGS,
        )
    except (OSError, ValueError) as error:
        what = f"cannot be run: {getattr(error, 'strerror', None) or error}"
        raise PortUnavailable(what, where=where, hint="write the whole path of a program that may be run") from None
    assert process.stdout is not None  # noqa: S101 - it was asked for
    try:
        async with asyncio.timeout(seconds):
            body = b""
            while (more := await process.stdout.read(MOST)) and len(body) <= MOST:
                body += more
            if len(body) > MOST:
                raise DeviceGarbled(f"says more than {MOST} bytes", where=where, hint="it should say one word")
            code = await process.wait()
    except TimeoutError:
        raise DeviceTimeout(f"not done within {seconds:g} s", where=where) from None
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await _end(process)
    if code < 0:
        raise DeviceGarbled(f"was ended by signal {-code}", where=where)
    try:
        return Said(code, body.decode())
    except UnicodeDecodeError:
        raise DeviceGarbled("says no UTF-8 text", where=where) from None


async def _end(process: asyncio.subprocess.Process) -> None:
    """Wait for the end of a process that was killed.

    asyncio waits for its pipe as well, and reads no more of one that is full: what is left in it is fetched first.
    """
    assert process.stdout is not None  # noqa: S101 - it was asked for
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LEAVING):
            while await process.stdout.read(MOST):
                pass
            await process.wait()
