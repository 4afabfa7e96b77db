"""What the gateway watches itself: one function each, and the table of them at the end."""

from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from contract.clock import Clock
from contract.condition import Severity
from contract.message import ITSELF
from gateway.evidence import HEARD
from gateway.live import AgentView, Live
from gateway.oversight import Case, Watch
from gateway.twins import QUIET, Twins

SILENT_AFTER: Final = 60.0
"""Seconds without a sign of life: six heartbeats."""
CLOCK_AFTER: Final = 60.0
"""Seconds that an agent's clock must have been off."""
STORE_AFTER: Final = 600.0
"""Seconds that the store must have taken nothing."""

AGENT: Final = "agent-silent"
BROKER: Final = "broker-away"
TWINS: Final = "two-agents"
CLOCK: Final = "clock-offset"
TROUBLE: Final = "agent-trouble"
STORE: Final = "store-away"
JOURNAL: Final = "journal-full"
OFFSET: Final = "x.clock.offset"
"""What a wrong clock is about: seconds that it is ahead."""
SAID: Final = "x.trouble"
"""What an agent's trouble is about: its own words."""
CONDITIONS: Final = (AGENT, BROKER, TWINS, CLOCK, TROUBLE, STORE, JOURNAL)


def _never() -> bool:
    return False


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What the gateway has to be told, that the live picture does not know. Each is asked every few seconds."""

    connected: Callable[[], bool]
    """Whether the broker is there."""
    store_away: Callable[[], bool] = _never
    """Whether the store takes nothing now, though there is something for it."""
    journal_full: Callable[[], bool] = _never
    """Whether the journal's disk has no room, or soon none."""


class Watches:
    """Looks at the live picture, and at what it is told."""

    def __init__(self, live: Live, clock: Clock, told: Told, twins: Twins, *, clock_limit: float = 30.0) -> None:
        """Take where to look, and from how many seconds on an agent's clock is wrong."""
        self._live = live
        self._clock = clock
        self._told = told
        self._twins = twins
        self._limit = clock_limit
        self._link: bool | None = None
        self._since = self._started = clock.boottime()
        """When the broker came, or went."""

    def all(self) -> tuple[Watch, ...]:
        """Return the table: what is judged, how bad it is, how long it must have been so, what says it."""
        mild, bad = Severity.MODERATE, Severity.SEVERE
        ours = {"broker": "消息服务器 MQTT broker", "store": "时序数据库 store", "journal": "网关日志库 journal"}
        return (
            Watch(condition=BROKER, severity=bad, after=SILENT_AFTER, quantity=HEARD, part="broker",
                  title=ours["broker"], look=self._broker),
            Watch(condition=AGENT, severity=mild, after=SILENT_AFTER, quantity=HEARD, look=self._silent),
            Watch(condition=TWINS, severity=mild, after=0.0, quantity="x.agents", part="name", look=self._two),
            Watch(condition=CLOCK, severity=Severity.MINOR, after=CLOCK_AFTER, quantity=OFFSET, part="clock",
                  look=self._clocks),
            Watch(condition=TROUBLE, severity=mild, after=0.0, quantity=SAID, part="self", look=self._trouble),
            Watch(condition=STORE, severity=mild, after=STORE_AFTER, quantity="x.store", part="store",
                  title=ours["store"], look=lambda: self._own(self._told.store_away)),
            Watch(condition=JOURNAL, severity=bad, after=0.0, quantity="x.journal", part="journal",
                  title=ours["journal"], look=lambda: self._own(self._told.journal_full)),
        )  # fmt: skip

    def _kinds(self) -> list[str]:
        return sorted({kind for _, kind in self._agents()})

    def _agents(self) -> list[tuple[AgentView, str]]:
        """Return each agent with each kind of its devices."""
        kinds = {(one.site, one.agent, one.kind) for one in self._live.devices.values() if one.known and one.kind}
        # every agent is a device of its own too: that is no clause more for what its other devices say already
        others = {(site, name) for site, name, kind in kinds if kind != ITSELF}
        meant = sorted(each for each in kinds if each[2] != ITSELF or each[:2] not in others)
        return [(self._live.agent(site, name), kind) for site, name, kind in meant]

    def _broker(self) -> Iterator[Case]:
        connected = self._told.connected()
        if self._link is not connected:
            self._link = connected
            self._since = self._clock.boottime()
        for kind in self._kinds():
            yield Case(kind=kind, wrong=not connected, since=self._since, value=float(connected))

    def _silent(self) -> Iterator[Case]:
        """While the broker is away nothing can be said of single agents: that is one alarm, not many."""
        for agent, kind in self._agents() if self._told.connected() else ():
            since = max(agent.seen or 0.0, self._since)
            yield Case(site=agent.site, agent=agent.name, kind=kind, wrong=not agent.online, since=since, value=1.0)

    def _two(self) -> Iterator[Case]:
        now = self._clock.boottime()
        standing = self._twins.standing(now)
        for agent, kind in self._agents():
            key = (agent.site, agent.name)
            if key in standing or now - self._started > QUIET:  # before that, both have not yet had time to speak
                count = len(self._twins.epochs(*key, now))
                yield Case(site=agent.site, agent=agent.name, kind=kind, wrong=key in standing, value=float(count))

    def _clocks(self) -> Iterator[Case]:
        for agent, kind in self._heard():
            off = abs(agent.offset) > self._limit
            yield Case(site=agent.site, agent=agent.name, kind=kind, wrong=off, value=round(agent.offset, 3))

    def _trouble(self) -> Iterator[Case]:
        for agent, kind in self._heard():
            wrong = bool(agent.trouble)
            yield Case(site=agent.site, agent=agent.name, kind=kind, wrong=wrong, value=agent.trouble or "OK")

    def _heard(self) -> list[tuple[AgentView, str]]:
        """Return those agents whose last heartbeat is believed: they are there, and the broker is."""
        return [(agent, kind) for agent, kind in self._agents() if agent.online and self._told.connected()]

    def _own(self, wrong: Callable[[], bool]) -> Iterator[Case]:
        now = wrong()
        for kind in self._kinds():
            yield Case(kind=kind, wrong=now, value=float(not now))
