"""What the pages, and the command line, show of the agents. Pure: the time is an argument."""

from datetime import UTC, datetime
from typing import Final

import msgspec

from gateway.board.ports import AgentView, LiveView
from gateway.board.words import Words
from gateway.clock import BEGINNING
from gateway.watches import TWINS

_RIGHT: Final = 1.0
"""Seconds: what the network takes, and less, is no offset."""


class AgentRow(msgspec.Struct, frozen=True, kw_only=True):
    """One agent. ``state`` is there, away, or never (heard, since the gateway's start)."""

    key: str
    state: str
    at: float
    """When it was last heard, 0 for never."""
    clock: str
    """Its clock's offset in words."""
    offset: float | None
    """The same in seconds, None while it is not known."""
    clock_wrong: bool
    held: int
    version: str
    trouble: str
    twins: bool

    @property
    def wrong(self) -> bool:
        """Whether somebody has to look at it."""
        return self.state != "there" or self.clock_wrong or bool(self.trouble) or self.twins


def agents(live: LiveView, words: Words, now: float, *, clock_limit: float) -> list[AgentRow]:
    """Return every agent, those to look at first."""
    twins = {
        (view.site, view.agent)
        for view in live.standing()
        if view.alarm.occurrence.active and view.alarm.occurrence.condition == TWINS
    }
    rows = [
        _row(f"{site}/{name}", view, words, now, clock_limit, twins=(site, name) in twins)
        for (site, name), view in live.agents.items()
    ]
    return sorted(rows, key=lambda row: (not row.wrong, row.key))


def _row(key: str, view: AgentView, words: Words, now: float, limit: float, *, twins: bool) -> AgentRow:
    offset = view.offset if view.last_seen else None
    return AgentRow(
        key=key,
        state="there" if view.online else "away" if view.last_seen else "never",
        at=view.last_seen,
        clock="—" if offset is None else clock(offset, words, now),
        offset=offset,
        clock_wrong=offset is not None and abs(offset) > limit,
        held=view.held,
        version=view.version,
        trouble=view.trouble,
        twins=twins,
    )


def clock(offset: float, words: Words, now: float) -> str:
    """Return how far a clock is off, as people say it; one that stands in 1970 has never been set."""
    there = now + offset
    if there < BEGINNING:
        return words("clock-lost", year=datetime.fromtimestamp(max(0.0, there), UTC).year)
    if abs(offset) < _RIGHT:
        return words("clock-right")
    return f"{'+' if offset > 0 else '−'}{words.span(abs(offset))}"
