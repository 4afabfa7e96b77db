"""What people do with alarms: shelve, take out of service, put back, look at all of them. Whatever is refused says why."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from contract.alarm import AlarmState
from contract.errors import UsageError
from contract.settings import did_you_mean
from gateway.alarms import refusals
from gateway.alarms.aside import BACK, OUT, SHELVED, UNSHELVED, Aside, Target, target_of
from gateway.alarms.desk import Desk
from gateway.alarms.figures import DAY, figures
from gateway.alarms.stages import Verdict
from gateway.alarms.standing import Known
from gateway.contacts import Contacts
from gateway.event import Event
from gateway.incidents import Incidents
from gateway.live import Live

MOST_TEXT: Final = 500
"""Characters of a reason."""


class People:
    """See the module."""

    def __init__(
        self,
        desk: Desk,
        live: Live,
        incidents: Incidents,
        contacts: Contacts,
        wall: Callable[[], float],
        floods: Callable[[], Mapping[str, int]] = dict,
    ) -> None:
        """Take the desk, what is known, the incidents, who there is, the clock, and whom a flood of alarms has reached."""
        self.contacts = contacts
        self._desk = desk
        self._live = live
        self._incidents = incidents
        self._wall = wall
        self._floods = floods

    async def shelve(self, target: str, person: str, seconds: float, reason: str) -> dict[str, Any]:
        """Put something aside until then.

        Raises:
            IncidentError: no such person or alarm, no reason, or too long.
            StorageError: it is not on record, and nothing has changed.
        """
        meant = self._meant(target, person)
        most = self._desk.rules.shelving.most
        if not 0 < seconds <= most:
            raise refusals.too_long(seconds, most)
        return await self._put(SHELVED, meant, person, _said(reason), {"until": self._wall() + seconds})

    async def unshelve(self, target: str, person: str) -> dict[str, Any]:
        """Let something speak again before its end; raises as ``shelve`` does."""
        meant = self._aside(target, person, AlarmState.SHELVED)
        return await self._put(UNSHELVED, meant, person)

    async def out(self, target: str, person: str, reason: str) -> dict[str, Any]:
        """Take something out of service, until it is put back; raises as ``shelve`` does."""
        return await self._put(OUT, self._meant(target, person), person, _said(reason))

    async def back(self, target: str, person: str) -> dict[str, Any]:
        """Put something back into service; raises as ``shelve`` does."""
        return await self._put(BACK, self._aside(target, person, AlarmState.OUT_OF_SERVICE), person)

    def listing(self) -> dict[str, Any]:
        """Return every alarm with its state, all that is put aside, and whom a flood has reached; JSON types only."""
        now = self._wall()
        chattering = self._desk.flapping.counts()
        rows = [self._row(known, verdict, chattering, now) for known, verdict in self._desk.known()]
        return {
            "alarms": sorted(rows, key=lambda row: (row["state"], -row["since"])),
            "aside": [_entry(entry) for entry in self._desk.register.standing(now)],
            "floods": dict(self._floods()),
            "utc_offset": self.contacts.hours.offset(self._wall()),
        }

    def figures(self, seconds: float = DAY) -> dict[str, Any]:
        """Return how often alarms came within this time; JSON types only."""
        rows = figures(self._incidents.list(), self._wall() - seconds)
        return {"rows": msgspec.to_builtins(rows), "seconds": seconds}

    async def _put(
        self, kind: str, target: Target, person: str, reason: str = "", data: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        event = Event(
            at=self._wall(),
            kind=kind,
            who=person,
            text=reason,
            data={"target": msgspec.to_builtins(target), **(data or {})},
        )
        kept = await self._desk.put(event)
        until = kept.data.get("until")
        return {
            "target": str(target),
            "kind": kind,
            "who": person,
            "until": until,
            "utc_offset": self.contacts.hours.offset(self._wall()),
        }

    def _aside(self, text: str, person: str, state: AlarmState) -> Target:
        """Return what is put aside; it may be of a device that is no longer there."""
        self.contacts.find(person)
        target = _target(text)
        if (state, target) not in self._desk.register.entries:
            raise refusals.not_aside(text)
        return target

    def _meant(self, text: str, person: str) -> Target:
        """Return what a person means, where there is such a thing: a name mistyped would keep nothing quiet."""
        self.contacts.find(person)
        target = _target(text)
        standing = [known for known, _ in self._desk.known()]
        if target.occurrence:
            if all(known.id != target.occurrence for known in standing):
                raise refusals.not_known(text)
            return target
        place = (target.site, target.agent, target.device)
        view = self._live.devices.get(place)
        there = [known for known in standing if known.source.key == place]
        if not there and (view is None or not view.known):
            near = did_you_mean("/".join(place), map("/".join, self._live.devices))
            raise refusals.not_known(text, near)
        known_here = {known.condition for known in there} | self._desk.own.names
        known_here |= {condition.name for condition in view.device.conditions} if view is not None else set()
        if target.condition and target.condition not in known_here:
            raise refusals.not_known(text, did_you_mean(target.condition, known_here))
        return target

    def _row(self, known: Known, verdict: Verdict | None, chattering: Mapping[Any, int], now: float) -> dict[str, Any]:
        occurrence = known.alarm.occurrence
        incident = self._incidents.of(known.id)
        alarm = self._live.alarms.get(known.id, known.alarm)
        state = verdict.state if verdict is not None else alarm.state(now)
        return {
            "id": known.id,
            "target": "/".join(known.line),
            "place": known.source.place,
            "condition": known.alarm.worse or known.condition,
            "severity": occurrence.severity.value,
            "state": state.value,
            "since": occurrence.since.wall,
            "who": verdict.who if verdict is not None else "",
            "why": verdict.why if verdict is not None else "",
            "until": verdict.until if verdict is not None else None,
            "chattering": chattering.get(known.line, 0),
            "incident": incident.code if incident is not None else "",
        }


def _target(text: str) -> Target:
    try:
        return target_of(text)
    except UsageError as error:
        raise refusals.no_target(text, error) from None


def _said(reason: str) -> str:
    if not reason.strip():
        raise refusals.no_reason()
    return reason.strip()[:MOST_TEXT]


def _entry(entry: Aside) -> dict[str, Any]:
    return {
        "target": str(entry.target),
        "state": entry.state.value,
        "who": entry.who,
        "why": entry.why,
        "at": entry.at,
        "until": entry.until,
    }
