"""What the live picture knows, as the incidents ask for it."""

from collections.abc import Mapping

from contract.condition import Condition
from gateway.incident import Source
from gateway.live import DeviceView, Live
from gateway.plan.decide import Latest


class LiveFacts:
    """See ``ports.Facts``."""

    def __init__(self, live: Live) -> None:
        """Keep the live picture."""
        self._live = live

    def latest(self, source: Source, quantity: str) -> Latest | None:
        """Return the last reading of a quantity."""
        view = self._live.devices.get(source.key)
        last = view.readings.get(quantity) if view else None
        return Latest(last.reading, last.at) if last else None

    def conditions(self, source: Source) -> Mapping[str, Condition]:
        """Return the conditions of a device, by name."""
        view = self._live.devices.get(source.key)
        return {condition.name: condition for condition in view.device.conditions} if view else {}


def source_of(view: DeviceView) -> Source:
    """Return what an incident keeps of a device."""
    return Source(site=view.site, agent=view.agent, device=view.id, title=view.title, room=view.room, kind=view.kind)
