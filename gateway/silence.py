"""Silence is never read as health: an agent that is not heard, and a broker that is away, are alarms of the gateway's.

One alarm for each kind of device that nobody watches now, so that the plan's clause for that kind comes into force. While
the broker is away nothing can be said of single agents: that is one alarm, not many.
"""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

import msgspec

from contract.alarm import Alarm, Occurrence
from contract.clock import Clock, Stamp
from contract.condition import Severity
from contract.errors import StorageError
from contract.message import Alarms
from gateway.evidence import HEARD
from gateway.incident import Incident, Source
from gateway.live import Live

_log = logging.getLogger(__name__)

AFTER: Final = 60.0
"""Seconds without a sign of life: six heartbeats."""
LOOK: Final = 5.0
"""Seconds between two looks."""
AGENT: Final = "agent-silent"
BROKER: Final = "broker-away"

_Key = tuple[str, str, str, str]
"""Site, agent (both empty for the broker), kind of device, condition."""
OnAlarm = Callable[[Alarm, Source], Awaitable[None]]


class Silence:
    """Watches who is not heard."""

    def __init__(self, live: Live, clock: Clock, connected: Callable[[], bool], on_alarm: OnAlarm) -> None:
        """Take what is known, the clock, whether the broker is there, and who acts on alarms."""
        self._live = live
        self._clock = clock
        self._connected = connected
        self._on_alarm = on_alarm
        self._standing: dict[_Key, tuple[Occurrence, Source]] = {}
        self._link: bool | None = None
        self._since = clock.boottime()
        """When the broker came, or went."""

    def adopt(self, incidents: Iterable[Incident]) -> None:
        """Take up what stood before a restart, so that it neither opens twice nor stands for ever."""
        for incident in incidents:
            for symptom in incident.active:
                if symptom.condition in (AGENT, BROKER):
                    since = Stamp(symptom.since, trusted=True)
                    source = incident.source
                    occurrence = _occurrence(symptom.id, symptom.condition, source, since)
                    key = (source.site, source.agent, source.kind, symptom.condition)
                    self._standing[key] = (occurrence, source)
                    self._live.alarm(source.site, source.agent, Alarms(occurrence=occurrence))

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            try:
                await self.look()
            except StorageError as error:
                _log.error("who is silent is not yet on record: %s", error)
            await asyncio.sleep(LOOK)

    async def look(self) -> None:
        """Raise what is silent, end what is heard again.

        Raises:
            StorageError: the disk did not take it; the next look tries again.
        """
        now = self._clock.boottime()
        connected = self._connected()
        if self._link is not connected:
            self._link = connected
            self._since = now
        for key, (occurrence, _) in list(self._standing.items()):
            known = self._live.alarms.get(occurrence.id)
            if known is None or not known.occurrence.active:
                del self._standing[key]  # the agent's hello has ended it
        kinds = sorted(
            {(one.site, one.agent, one.kind) for one in self._live.devices.values() if one.known and one.kind}
        )
        away = not connected and now - self._since >= AFTER
        for kind in sorted({kind for _, _, kind in kinds}):
            if away:
                await self._raise(("", "", kind, BROKER), "消息服务器 MQTT broker", "")
            elif connected:
                await self._end(("", "", kind, BROKER))
        for site, name, kind in kinds if connected else []:  # without the broker nothing can be said of one agent
            agent = self._live.agent(site, name)
            key = (site, name, kind, AGENT)
            if agent.online:
                await self._end(key)
            elif now - max(agent.seen or 0.0, self._since) >= AFTER:
                await self._raise(key, f"代理 agent {name}", self._rooms(site, name))

    def _rooms(self, site: str, agent: str) -> str:
        rooms = {view.room: None for view in self._live.devices.values() if (view.site, view.agent) == (site, agent)}
        return "、".join(room for room in rooms if room)

    async def _raise(self, key: _Key, title: str, room: str) -> None:
        if key in self._standing:
            return
        site, agent, kind, condition = key
        # No device can have this name: it begins with a sign that names must not have.
        source = Source(site=site, agent=agent, device=f"@{agent or 'broker'}", title=title, room=room, kind=kind)
        occurrence = _occurrence(f"gateway-{secrets.token_hex(8)}", condition, source, self._clock.stamp())
        _log.warning("%s: %s: %s devices are not watched", source.device[1:], condition, kind)
        await self._on_alarm(self._live.alarm(site, agent, Alarms(occurrence=occurrence)), source)
        self._standing[key] = (occurrence, source)

    async def _end(self, key: _Key) -> None:
        if key not in self._standing:
            return
        occurrence, source = self._standing[key]
        over = msgspec.structs.replace(occurrence, active=False, cleared=self._clock.stamp())
        await self._on_alarm(self._live.alarm(source.site, source.agent, Alarms(occurrence=over)), source)
        del self._standing[key]


def _occurrence(name: str, condition: str, source: Source, since: Stamp) -> Occurrence:
    severity = Severity.SEVERE if condition == BROKER else Severity.MODERATE
    return Occurrence(
        id=name,
        device=source.device,
        condition=condition,
        severity=severity,
        since=since,
        raised=since,
        quantity=HEARD,
    )
