"""When something was measured, by a clock that can be trusted. Pure.

An agent's wall clock may be wrong; its boottime is not. What came from a boot whose offset is known can be dated: the
offset is known from any trusted stamp of that boot, or from a message that says at which boottime it was sent.
"""

from collections import OrderedDict
from typing import Final

from contract.clock import Stamp

_BOOTS: Final = 10_000
"""Boots remembered: agents that come and go do not fill the memory."""


class Dating:
    """Wall time minus boottime, for each boot of each agent."""

    def __init__(self) -> None:
        """Know nothing."""
        self._trusted: OrderedDict[tuple[str, str, str], float] = OrderedDict()
        self._guessed: OrderedDict[tuple[str, str, str], float] = OrderedDict()

    def learn(self, site: str, agent: str, at: Stamp, sent: float, received: float) -> bool:
        """Take a message's times; say whether a boot can now be dated that could not.

        Args:
            site: of the agent.
            agent: its name.
            at: when it was measured.
            sent: boottime at sending, in the boot of ``at``; 0 when it is not known.
            received: the gateway's wall clock at its arrival.
        """
        key = (site, agent, at.boot)
        if not at.boot:
            return False
        known = key in self._trusted or key in self._guessed
        if at.trusted:
            _keep(self._trusted, key, at.wall - at.boottime)
        elif sent > 0.0 and sent >= at.boottime:
            # Too late by the time on the way. The first guess stays: a message that is dated twice must get one time.
            _keep(self._guessed, key, self._guessed.get(key, received - sent))
        else:
            return False
        return not known

    def known(self) -> list[tuple[str, str, str, float, bool]]:
        """Return all that is known, to be kept: site, agent, boot, offset, trusted."""
        return [
            (*key, offset, trusted)
            for table, trusted in ((self._trusted, True), (self._guessed, False))
            for key, offset in table.items()
        ]

    def remember(self, site: str, agent: str, boot: str, offset: float, *, trusted: bool) -> None:
        """Take up what was kept."""
        _keep(self._trusted if trusted else self._guessed, (site, agent, boot), offset)

    def date(self, site: str, agent: str, at: Stamp) -> float | None:
        """Return the wall time of a stamp; None while it cannot be known."""
        if at.trusted:
            return at.wall
        key = (site, agent, at.boot)
        offset = self._trusted.get(key, self._guessed.get(key))
        return None if offset is None else at.boottime + offset


def _keep(table: OrderedDict[tuple[str, str, str], float], key: tuple[str, str, str], offset: float) -> None:
    if table.get(key) == offset:
        return
    table[key] = offset
    table.move_to_end(key)
    if len(table) > _BOOTS:
        table.popitem(last=False)
