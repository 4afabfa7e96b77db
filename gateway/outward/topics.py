"""Keeps the retained topics of the open incidents as they are: after each change, after each reconnection, and at times anew.

What the broker still holds of incidents that are closed is heard when we subscribe, and emptied.
"""

import asyncio
import logging
from typing import Final, Protocol

import msgspec

from contract.clock import Clock
from contract.errors import IncidentError, MessageError
from contract.message import is_slug
from contract.notice import SUMMARY, Notice, Summary, pack, topic, unpack
from gateway.incident import Incident
from gateway.outward.notices import LIFE, notice, summary
from gateway.plan.model import Plan

_log = logging.getLogger(__name__)
BATCH: Final = 50
"""Topics written in one turn."""
PAUSE: Final = 0.2
"""Seconds between two turns: 250 topics a second at the most, and of many changes of one, the last."""
LOOK: Final = 2.0
"""Seconds between two looks whether the connection is another one."""


class Desk(Protocol):
    """The part of the incidents that is needed here."""

    @property
    def plan(self) -> Plan:
        """The plan."""
        ...

    def open(self) -> tuple[Incident, ...]:
        """Return the open incidents."""
        ...

    def get(self, code: str) -> Incident:
        """Return one."""
        ...


class Way(Protocol):
    """The part of the wire that is needed here."""

    @property
    def connected(self) -> bool:
        """Whether the broker is there."""
        ...

    session: str
    """New for each connection."""

    def retain(self, name: str, payload: bytes) -> None:
        """Publish a message that the broker keeps; an empty one makes it forget."""
        ...


class Topics:
    """The topics of all open incidents."""

    def __init__(self, desk: Desk, way: Way, clock: Clock, *, gateway: str, site: str = "") -> None:
        """Take the incidents, the wire, the clock, this gateway's name, and the site of what belongs to none."""
        self._desk = desk
        self._way = way
        self._clock = clock
        self._gateway = gateway
        self._site = site if is_slug(site) else gateway if is_slug(gateway) else "gateway"
        self._sites = {site} if is_slug(site) else set()
        """Those that have a summary."""
        self._session = ""
        self._dirty: dict[str, None] = {}
        """Codes that are to be written, in order."""
        self._stale: dict[str, None] = {}
        """Topics that are to be emptied."""
        self._said: dict[str, Notice | Summary] = {}
        """Topic → what the broker has from us."""
        self._renew_at = 0.0
        """Boot clock."""
        self._wake = asyncio.Event()

    def changed(self, incident: Incident) -> None:
        """Note that an incident changed."""
        self._dirty[incident.code] = None
        self._wake.set()

    def kept(self, name: str, payload: bytes) -> None:
        """Take a retained message that the broker had: of an incident that is closed here, it is emptied."""
        if not payload:
            return
        try:
            said = unpack(name, payload)
        except MessageError:
            _log.warning("%s holds what is no notice of ours; it is left there", name)
            return
        if said.gateway != self._gateway:
            return
        if isinstance(said, Summary):
            self._sites.add(name.split("/")[2])
            self._dirty.setdefault("")
            self._wake.set()
        elif name not in {self._topic(one) for one in self._desk.open()}:
            self._stale[name] = None
            self._wake.set()

    async def run(self) -> None:
        """Write what changed, until cancelled."""
        while True:
            self._wake.clear()
            more = self.write()
            if more:
                await asyncio.sleep(PAUSE)
                continue
            try:
                async with asyncio.timeout(LOOK):
                    await self._wake.wait()
                await asyncio.sleep(PAUSE)  # what changes together is written once
            except TimeoutError:
                continue

    def write(self) -> bool:
        """Write one turn's worth; say whether more is left."""
        if not self._way.connected:
            return False
        boot = self._clock.boottime()
        if self._session != self._way.session or boot >= self._renew_at:
            self._session = self._way.session
            self._renew_at = boot + LIFE / 2
            self._said.clear()
            self._dirty.update(dict.fromkeys(one.code for one in self._desk.open()))
            self._dirty.setdefault("")  # the summary, also where nothing is open
        if not (self._dirty or self._stale):
            return False
        for name in list(self._stale)[:BATCH]:
            del self._stale[name]
            self._say(name, None)
        for code in list(self._dirty)[:BATCH]:
            del self._dirty[code]
            if code:
                self._one(code)
        if not self._dirty:
            self._summaries()
        return bool(self._dirty or self._stale)

    def _one(self, code: str) -> None:
        try:
            incident = self._desk.get(code)
        except IncidentError:
            return
        said = None
        if incident.closed is None:
            now = self._clock.stamp().wall
            said = notice(incident, self._desk.plan, gateway=self._gateway, now=now)
        self._say(self._topic(incident), said)

    def _summaries(self) -> None:
        by_site: dict[str, list[Incident]] = {}
        for incident in self._desk.open():
            by_site.setdefault(self._site_of(incident), []).append(incident)
        self._sites.update(by_site)
        now = self._clock.stamp().wall
        for site in sorted(self._sites):
            self._say(topic(site, SUMMARY), summary(by_site.get(site, []), gateway=self._gateway, now=now))

    def _say(self, name: str, said: Notice | Summary | None) -> None:
        """Write a topic, unless the broker has it so already; None empties it."""
        if said is None:
            self._said.pop(name, None)
            self._way.retain(name, b"")
            return
        same = msgspec.structs.replace(said, sent=0.0, expires=0.0)
        if self._said.get(name) != same:
            self._said[name] = same
            self._way.retain(name, pack(said))

    def _topic(self, incident: Incident) -> str:
        return topic(self._site_of(incident), incident.code)

    def _site_of(self, incident: Incident) -> str:
        return incident.source.site if is_slug(incident.source.site) else self._site
