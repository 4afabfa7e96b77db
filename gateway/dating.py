"""When something was measured, by a clock that can be trusted. Pure.

An agent's wall clock may be wrong; its boottime is not. Wall time minus boottime is one number for a whole boot, as long
as nobody steps the wall clock, so a boot is dated once: by a trusted stamp of it, or by messages that say at which
boottime they were sent. What that says is held against every trusted stamp: one that contradicts it was measured after
somebody had stepped the agent's clock, and is dated by its boottime.
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

import msgspec

from contract.alarm import Occurrence
from contract.clock import Stamp

NEAR: Final = 2.0
"""Seconds: stamps this near to what is known are as they say; a clock within them is trusted by the agent too."""
FAR: Final = 30.0
"""Seconds by which a message may be on its way when it is the first of its boot; a clock further off is wrong."""
SETTLING: Final = 10.0
"""Seconds over which messages are looked at, where no stamp is trusted: the one that was on its way for the shortest time
is the nearest to the truth."""
_BOOTS: Final = 10_000
"""Boots remembered: agents that come and go do not fill the memory."""

Key = tuple[str, str, str]
"""Site, agent, boot."""


class _Guess(msgspec.Struct):
    """What the messages of a boot say that is not dated yet."""

    since: float
    """The gateway's wall clock at the first one."""
    ahead: float
    """Arrival minus boottime of sending: too much by the time on the way. The least of them."""


class Dating:
    """Wall time minus boottime, for each boot of each agent."""

    def __init__(self, sure: Callable[[], bool] = lambda: True) -> None:
        """Know nothing.

        Args:
            sure: says whether the gateway's clock can be trusted; one that cannot contradicts no trusted stamp.
        """
        self._sure = sure
        self._known: OrderedDict[Key, float] = OrderedDict()
        """Never moved by little: what is dated twice must get one time."""
        self._guesses: OrderedDict[Key, _Guess] = OrderedDict()
        self._guessed: set[Key] = set()
        """Boots that no trusted stamp was seen of."""
        self.changes = 0
        """How often something new was learned."""

    def learn(self, site: str, agent: str, at: Stamp, sent: float, received: float) -> bool:
        """Take a message's times; say whether a boot can now be dated that could not, or is dated otherwise.

        Args:
            site: of the agent.
            agent: its name.
            at: when it was measured.
            sent: boottime at sending, in the boot of ``at``; 0 when it is not known.
            received: the gateway's wall clock at its arrival.
        """
        if not at.boot:
            return False
        key = (site, agent, at.boot)
        known = self._known.get(key)
        claim = at.wall - at.boottime if at.trusted else None
        if known is not None and (claim is None or abs(claim - known) <= NEAR):
            return False
        seen = received - sent if sent > 0.0 and sent >= at.boottime else None
        unsure = (known is None or key in self._guessed) and not self._sure()
        if claim is not None and (unsure or _believed(claim, seen, known)):
            self._keep(key, claim)
            return True
        if known is None and seen is not None:
            return self._guess(key, seen, received)
        return False

    def date(self, site: str, agent: str, at: Stamp) -> float | None:
        """Return the wall time of a stamp; None while it cannot be known."""
        known = self._known.get((site, agent, at.boot)) if at.boot else None
        if known is None:
            return at.wall if at.trusted and (site, agent, at.boot) not in self._guesses else None
        if at.trusted and abs(at.wall - at.boottime - known) <= NEAR:
            return at.wall
        return at.boottime + known

    def known(self) -> list[tuple[str, str, str, float]]:
        """Return all that is known, to be kept: site, agent, boot, offset."""
        return [(*key, offset) for key, offset in self._known.items()]

    def remember(self, site: str, agent: str, boot: str, offset: float) -> None:
        """Take up what was kept."""
        self._keep((site, agent, boot), offset)

    def _guess(self, key: Key, seen: float, received: float) -> bool:
        guess = self._guesses.setdefault(key, _Guess(received, seen))
        guess.ahead = min(guess.ahead, seen)
        guess.since = min(guess.since, received)
        if received - guess.since < SETTLING:
            if len(self._guesses) > _BOOTS:
                self._guesses.popitem(last=False)
            return False
        self._keep(key, guess.ahead)
        self._guessed.add(key)
        return True

    def _keep(self, key: Key, offset: float) -> None:
        self.changes += 1
        self._guesses.pop(key, None)
        self._guessed.discard(key)
        self._known[key] = offset
        self._known.move_to_end(key)
        if len(self._known) > _BOOTS:
            self._guessed.discard(self._known.popitem(last=False)[0])


def _believed(claim: float, seen: float | None, known: float | None) -> bool:
    """Say whether a trusted stamp is to be believed, that is new or contradicts what is known.

    What is seen is the truth by the gateway's clock, and too much by the time on the way.
    """
    if known is None:
        return seen is None or -NEAR <= seen - claim <= FAR
    return seen is not None and abs(seen - claim) <= NEAR


def dated(occurrence: Occurrence, at: Stamp, sent: float, received: float) -> Occurrence:
    """Return an occurrence with its times by the gateway's clock, as far as they are of the boot that sent it.

    Args:
        occurrence: as it came.
        at: a moment of that boot.
        sent: boottime at sending; 0 when it is not known.
        received: the gateway's wall clock at its arrival.
    """

    def date(stamp: Stamp) -> Stamp:
        if not stamp.boot or stamp.boot != at.boot or not 0.0 < stamp.boottime <= sent:
            return stamp
        wall = max(0.0, received - (sent - stamp.boottime))
        return msgspec.structs.replace(stamp, wall=wall, trusted=True)

    return msgspec.structs.replace(
        occurrence, since=date(occurrence.since), raised=date(occurrence.raised), cleared=date(occurrence.cleared)
    )
