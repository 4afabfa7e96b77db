"""An address takes a letter once, however often it is tried."""

from collections import OrderedDict

from gateway.notify.letter import Letter, Onward, Report
from gateway.ports import Outcome

_KEEP = 2000


class Dedupe:
    """Remembers which letters an address has taken. A restart forgets; then the journal knows, and 重发 says so."""

    def __init__(self) -> None:
        """Remember nothing yet."""
        self._taken: OrderedDict[tuple[str, str, str], Outcome] = OrderedDict()

    async def __call__(self, letter: Letter, onward: Onward, report: Report) -> Outcome:  # noqa: ARG002 - a stage
        """See ``Stage``."""
        key = (letter.channel, letter.address, letter.id)
        if key in self._taken:
            return self._taken[key]
        outcome = await onward(letter)
        if outcome.accepted:
            self._taken[key] = outcome
            while len(self._taken) > _KEEP:
                self._taken.popitem(last=False)
        return outcome
