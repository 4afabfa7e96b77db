"""One round: break, mend, drain, judge."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
from faults import journal
from faults.evidence import NOT_YET, Broken, Evidence, Finding, Kind
from faults.judgement import Verdict, judge
from faults.processes import now
from faults.schedule import BROKER, GATEWAY, Fault, Flip, flips, schedule
from faults.schedule import Kind as Broke
from faults.site import Site

LOOK = 0.04
SECONDS = 40.0
"""Of a short round."""
_SETTLE = 40.0
"""Seconds until everything flows at the beginning."""
_DRAIN = 75.0
"""Seconds until what was kept has to be there: a message that nobody answered goes again after 30 s, then after 60."""
_SHOWN = 5
"""Findings of a kind that are shown."""
_SILENT = 2.5
"""Seconds without readings of an agent after which its mains fails as soon as it is heard again."""
_BATTERY = 2.6
"""Seconds of such a failure."""
_STALL = 0.4
"""Seconds without a turn of our own after which the machine has stood still, for an alarm as well."""
_QUIET = 1.5
"""Seconds in which the devices say that mains is back, and are heard."""
_PATH = frozenset({Broke.KILL, Broke.TERM, Broke.CUT, Broke.HALF, Broke.LOSS, Broke.SLOW, Broke.JITTER})
"""What breaks the way of an alarm; of the gateway also a full disk. An agent's disk and clock do not."""


class Report(NamedTuple):
    """What came of a round."""

    verdict: Verdict
    faults: Sequence[Fault]
    drained: float
    """Seconds from the last fault's end until nothing was missing; the bound if something was."""
    stalls: Sequence[float] = ()
    """Seconds that the machine stood still, each time; alarms are not measured then."""

    def __str__(self) -> str:
        verdict = self.verdict
        kinds = Counter(fault.kind.value for fault in self.faults)
        worst = f"{verdict.latencies[-1]:.2f} s at the most" if verdict.latencies else "none measured"
        lines = [
            f"faults: {', '.join(f'{count} {kind}' for kind, count in sorted(kinds.items()))}",
            f"readings: {verdict.answers} had by agents, {verdict.stored} stored; drained in {self.drained:.1f} s",
            f"agents killed: {verdict.kills}, with {verdict.excused} readings that are named; {verdict.unread} more on the way",
            f"alarms: {len(verdict.latencies)} measured, {verdict.behind} during backlog, {worst}",
            f"the machine stood still {len(self.stalls)} times, {sum(self.stalls):.1f} s in all",
        ]
        for kind in Kind:
            found = verdict.of(kind)
            word = " (not a promise yet)" if found and kind in NOT_YET else ""
            lines += [f"{kind.value}: {len(found)}{word}"] if found else []
            lines += [f"  {text}" for text in found[:_SHOWN]]
        return "\n".join(lines)


class Round:
    """Plays a schedule on a site."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._active: dict[Fault, float] = {}
        """Fault → boottime at which it began."""
        self._broken: list[Broken] = []
        self._battery: dict[str, float] = {}
        """Device on battery → boottime at which its mains comes back."""
        self._heard: dict[str, float] = {}
        self._looked = now()
        self._stalls: list[float] = []

    async def flowing(self) -> None:
        """Wait until readings of every agent reach the journal.

        Raises:
            TimeoutError: they do not.
        """
        end = now() + _SETTLE
        while any(now() - self._site.watcher.flow.get(agent, 0.0) > 1.0 for agent in self._site.agents):
            self._look()
            if now() > end:
                silent = [a for a in self._site.agents if now() - self._site.watcher.flow.get(a, 0.0) > 1.0]
                raise TimeoutError(f"within {_SETTLE:g} s no readings of {', '.join(silent)}")
            await asyncio.sleep(LOOK)

    async def play(self, faults: Sequence[Fault], mains: Sequence[Flip]) -> None:
        """Let everything happen at its time."""
        began = now()
        coming, failing = list(faults), list(mains)
        while coming or failing or self._active:
            at = now() - began
            while coming and coming[0].at <= at:
                fault = coming.pop(0)
                self._active[fault] = now()
                self._site.apply(fault)
            for fault in [fault for fault in self._active if fault.until <= at]:
                self._lift(fault)
            while failing and failing[0].at <= at:
                flip = failing.pop(0)
                self._fail(flip.device, flip.until - flip.at)
            self._look()
            await asyncio.sleep(LOOK)

    async def drain(self, patience: float = _DRAIN) -> Report:
        """Mend everything, wait until nothing is missing (so many seconds at the most), and judge."""
        for fault in list(self._active):
            self._lift(fault)
        ended = now()
        end = ended + _DRAIN
        await self._last_alarms(end)
        await self._wait(_QUIET)
        self._site.mute()
        end = now() + patience
        verdict = self._judged()
        while not verdict.settled and now() < end:
            await self._wait(1.0)
            verdict = self._judged()
        drained = now() - ended
        self._site.stop()
        verdict = self._judged()
        self._site.keep("evidence.json", msgspec.json.encode(self.evidence()))
        died = [Finding(Kind.DIED, text) for text in self._site.troubles()]
        return Report(verdict._replace(findings=[*verdict.findings, *died]), (), drained, self._stalls)

    async def _last_alarms(self, end: float) -> None:
        """Let a mains of each agent fail as soon as it is heard, with nothing else wrong, and come back."""
        waiting = set(self._site.agents)
        while (waiting or self._battery) and now() < end:
            heard = {agent for agent in waiting if now() - self._site.watcher.flow.get(agent, 0.0) < 0.5}
            for agent in heard:
                self._fail(self._site.hosts[agent].names[-1], _BATTERY)
            waiting -= heard
            self._look()
            await asyncio.sleep(LOOK)

    async def _wait(self, seconds: float) -> None:
        until = now() + seconds
        while now() < until:
            self._look()
            await asyncio.sleep(LOOK)

    def _judged(self) -> Verdict:
        verdict = judge(self.evidence())
        self._looked = now()  # our own doing
        return verdict

    def evidence(self) -> Evidence:
        """Return all that there is now."""
        site = self._site
        rows, vanished = site.watcher.end()
        return Evidence(
            answers={agent: host.answers() for agent, host in site.hosts.items()},
            lives=site.lives(),
            points=site.points(),
            rows=rows,
            named=site.watcher.named(),
            unsure=set(site.watcher.unsure),
            incidents=journal.in_incidents(site.watcher.events()),
            broken=[*self._broken, *(one for fault, at in self._active.items() for one in self._breaks(fault, at))],
            vanished=vanished,
        )

    def _look(self) -> None:
        """Start what is to run, see what came, and let mains come back or fail."""
        site = self._site
        at = now()
        if at - self._looked > _STALL:
            self._broken += [Broken(agent, self._looked, at) for agent in site.agents]
            self._stalls.append(at - self._looked)
        self._looked = at
        site.supervise()
        site.watcher.look()
        for device in [device for device, until in self._battery.items() if until <= now()]:
            del self._battery[device]
            site.flip(device, battery=False)
        for agent, heard in site.watcher.flow.items():
            if heard - self._heard.get(agent, heard) > _SILENT and self._active:
                self._fail(site.hosts[agent].names[0], _BATTERY)
            self._heard[agent] = heard

    def _fail(self, device: str, seconds: float) -> None:
        if device not in self._battery:
            self._site.flip(device, battery=True)
            self._battery[device] = now() + seconds

    def _lift(self, fault: Fault) -> None:
        self._site.lift(fault)
        self._broken += self._breaks(fault, self._active.pop(fault))

    def _breaks(self, fault: Fault, began: float) -> list[Broken]:
        """Return whose alarms have no way because of a fault that began then and ends now."""
        full = fault.kind is Broke.FULL and fault.target == GATEWAY
        if not full and fault.kind not in _PATH:
            return []
        whose = self._site.agents if fault.target in (GATEWAY, BROKER) else (fault.target,)
        return [Broken(agent, began, now(), full) for agent in whose if agent in self._site.agents]


async def play(folder: Path, seed: int, seconds: float, unable: dict[Broke, str]) -> Report:
    """Make a site, break it for so many seconds, and judge what is left.

    Raises:
        OSError: the site cannot be made.
        TimeoutError: it does not begin to work.
    """
    site = Site(folder, unable)
    try:
        site.build()
        one = Round(site)
        await one.flowing()
        faults = schedule(seed, seconds, site.abilities)
        devices = [name for host in site.hosts.values() for name in host.names]
        await one.play(faults, flips(seed, seconds, devices))
        return (await one.drain())._replace(faults=faults)
    finally:
        site.close()
