"""Work that may block for ever, as a look at a dead network share does: in a daemon thread, one piece at a time.

A pool of threads would be waited for when the process ends; these are left behind.
"""

import asyncio
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from contract.errors import DeviceTimeout

T = TypeVar("T")


class Aside:
    """Does blocking work for one device. While one piece of it hangs, no other is begun."""

    def __init__(self, what: str, hint: str = "") -> None:
        """Take what is asked, for errors and the thread's name, and what to do about one that hangs."""
        self._what = what
        self._hint = hint
        self._busy: asyncio.Future[Any] | None = None

    @property
    def busy(self) -> bool:
        """Whether a piece is under way."""
        return self._busy is not None and not self._busy.done()

    async def do(self, work: Callable[[], T]) -> T:
        """Do it, and return what it returns or raise what it raises. Who gives up waiting leaves it to end alone.

        Raises:
            DeviceTimeout: an earlier piece has not ended yet.
        """
        return await asyncio.shield(self.start(work))

    def start(self, work: Callable[[], T]) -> "asyncio.Future[T]":
        """Begin it, and return who has its outcome.

        Raises:
            DeviceTimeout: an earlier piece has not ended yet.
        """
        if self.busy:
            raise DeviceTimeout("the last look at it has not ended", where=self._what, hint=self._hint)
        loop = asyncio.get_running_loop()
        outcome: asyncio.Future[T] = loop.create_future()
        outcome.add_done_callback(_seen)
        self._busy = outcome
        threading.Thread(target=_run, args=(loop, outcome, work), name=self._what[:15], daemon=True).start()
        return outcome


def _run(loop: asyncio.AbstractEventLoop, outcome: "asyncio.Future[T]", work: Callable[[], T]) -> None:
    try:
        result = work()
    except BaseException as error:  # noqa: BLE001 - it is raised again where it is waited for
        _tell(loop, outcome, lambda error=error: outcome.set_exception(error))  # type: ignore[misc]
    else:
        _tell(loop, outcome, lambda: outcome.set_result(result))


def _tell(loop: asyncio.AbstractEventLoop, outcome: "asyncio.Future[T]", say: Callable[[], None]) -> None:
    try:
        loop.call_soon_threadsafe(lambda: None if outcome.done() else say())
    except RuntimeError:  # the loop is closed: nobody waits any more
        return


def _seen(outcome: "asyncio.Future[Any]") -> None:
    """Look at an outcome that nobody may wait for any more: asyncio would complain of an error that nobody saw."""
    if not outcome.cancelled():
        outcome.exception()
