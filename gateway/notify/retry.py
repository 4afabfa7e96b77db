"""A channel that is away is tried again, briefly: the next channel must not wait long. A refusal is final.

Where the channel may have taken the message, it goes once more and no further, marked 重发.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from contract.errors import NotifyAway, NotifyRefused, NotifyUnknown
from gateway.notify.letter import Letter, Onward, Report
from gateway.ports import Outcome

log = logging.getLogger(__name__)

PAUSES = (1.0, 4.0)
"""Seconds before the second and the third try."""
MOST = 30.0
"""Seconds that one try may take, whatever the channel's own limits say: a server that dribbles keeps each of them."""


class Retry:
    """Turns the errors of a channel into outcomes, after at most as many tries as there are pauses, and one."""

    def __init__(
        self,
        pauses: Sequence[float] = PAUSES,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        most: float = MOST,
    ) -> None:
        """Take the pauses (seconds), what waits, and how long one try may take (seconds)."""
        self._most = most
        self._pauses = pauses
        self._sleep = sleep

    async def __call__(self, letter: Letter, onward: Onward, report: Report) -> Outcome:
        """See ``Stage``."""
        for pause in (*self._pauses, None):
            try:
                return await self._bounded(letter, onward)
            except NotifyUnknown as error:
                log.warning("what became of a message to %s is not known: %s", letter.person.id, error)
                failed = Outcome(channel=letter.channel, accepted=False, text=str(error), unknown=True)
                if letter.again or pause is None:
                    return failed
                letter = letter.resent()
            except NotifyRefused as error:
                log.warning("%s refused the message to %s: %s", letter.channel, letter.person.id, error)
                return Outcome(channel=letter.channel, accepted=False, text=str(error))
            except NotifyAway as error:
                failed = Outcome(channel=letter.channel, accepted=False, text=str(error))
                if pause is None:
                    log.warning("%s is away, %s not told by it: %s", letter.channel, letter.person.id, error)
                    return failed
            except Exception as error:
                log.exception("a fault in %s; the next way is tried", letter.channel)
                text = f"a fault in the channel: {type(error).__name__}"
                return Outcome(channel=letter.channel, accepted=False, text=text)
            await report(failed)
            await self._sleep(pause)
        raise AssertionError("the last try returns")

    async def _bounded(self, letter: Letter, onward: Onward) -> Outcome:
        try:
            async with asyncio.timeout(self._most):
                return await onward(letter)
        except TimeoutError:
            raise NotifyUnknown(f"not done within {self._most:g} s", where=letter.channel) from None
