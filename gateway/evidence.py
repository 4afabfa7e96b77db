"""What the live picture knows, as the incidents ask for it."""

from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

from contract.condition import Condition
from contract.reading import Reading
from gateway.incident import Source
from gateway.live import DeviceView, Live
from gateway.plan.decide import Latest
from gateway.plan.dependencies import Key

HEARD: Final = "x.heard"
"""What the alarms of silence are about: whether an agent is heard; of the broker, whether any is."""


def _nothing(_source: Source, _quantity: str) -> Latest | None:
    return None


def _none(_source: Source) -> Mapping[str, Condition]:
    return {}


class LiveFacts:
    """See ``ports.Facts``."""

    def __init__(self, live: Live) -> None:
        """Keep the live picture."""
        self._live = live
        self.own: Callable[[Source, str], Latest | None] = _nothing
        """Who knows what the gateway itself judges."""
        self.judged: Callable[[Source], Mapping[str, Condition]] = _none
        """Who judges more than the agents do."""

    def latest(self, source: Source, quantity: str) -> Latest | None:
        """Return the last reading of a quantity."""
        if quantity == HEARD:
            return self._heard(source)
        view = self._live.devices.get(source.key)
        last = view.readings.get(quantity) if view else None
        return Latest(last.reading, last.at) if last else self.own(source, quantity)

    def conditions(self, source: Source) -> Mapping[str, Condition]:
        """Return the conditions of a device, by name."""
        view = self._live.devices.get(source.key)
        theirs = {condition.name: condition for condition in view.device.conditions} if view else {}
        return {**theirs, **self.judged(source)}

    def named(self, device: str) -> Collection[Key]:
        """Return all devices of an id, of whatever agent."""
        return self._live.named.get(device, ())

    def kind(self, key: Key) -> str:
        """Return the kind of a device; empty where it is not known."""
        view = self._live.devices.get(key)
        return view.kind if view else ""

    def _heard(self, source: Source) -> Latest | None:
        agents = [one for one in self._live.agents.values() if source.agent in ("", one.name)]
        at = [one.last_seen for one in agents if one.online and source.site in ("", one.site)]
        return Latest(Reading(HEARD, 1.0), max(at)) if at else None


def source_of(view: DeviceView) -> Source:
    """Return what an incident keeps of a device."""
    return Source(site=view.site, agent=view.agent, device=view.id, title=view.title, room=view.room, kind=view.kind)


def inventory(live: Live) -> list[dict[str, Any]]:
    """Return what devices there are, for whom, and for what they are watched; JSON types only."""
    return [
        {
            "site": view.site,
            "agent": view.agent,
            "device": view.id,
            "kind": view.kind,
            "title": view.title,
            "room": view.room,
            "conditions": [condition.name for condition in view.device.conditions],
        }
        for view in live.devices.values()
        if view.known
    ]
