"""What the board asks of the rest of the gateway. It knows nothing else of it."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from contract.alarm import Alarm
from contract.reading import Reading
from gateway.incident import Incident


class LastReading(Protocol):
    """The last reading of one quantity."""

    @property
    def reading(self) -> Reading:
        """What the device said."""
        ...

    @property
    def at(self) -> float:
        """When it was measured, by the gateway's wall clock."""
        ...


class DeviceView(Protocol):
    """A device, as its inventory describes it, with its last readings."""

    @property
    def title(self) -> str:
        """Its name for people."""
        ...

    @property
    def room(self) -> str:
        """Where it stands."""
        ...

    @property
    def kind(self) -> str:
        """What it is, such as ``ups``."""
        ...

    @property
    def interval(self) -> float:
        """Seconds between two polls; 0 when it is not known."""
        ...

    @property
    def readings(self) -> Mapping[str, LastReading]:
        """Quantity → its last reading."""
        ...


class StoreView(Protocol):
    """How the time-series store does."""

    @property
    def state(self) -> str:
        """``writes``, ``slow`` or ``away``."""
        ...

    @property
    def seconds(self) -> float:
        """For how long."""
        ...

    @property
    def why(self) -> str:
        """A sentence; empty while it writes."""
        ...

    @property
    def behind(self) -> int:
        """Messages that it has not taken yet."""
        ...

    @property
    def refused(self) -> int:
        """Lines that it will never take, since the gateway's start."""
        ...


class AgentView(Protocol):
    """An agent's presence."""

    @property
    def online(self) -> bool:
        """Whether it is there."""
        ...

    @property
    def last_seen(self) -> float:
        """Wall time when it was last heard, 0 for never."""
        ...

    @property
    def offset(self) -> float:
        """Its wall clock minus the gateway's, seconds."""
        ...

    @property
    def held(self) -> int:
        """Messages that it still holds."""
        ...

    @property
    def version(self) -> str:
        """Of its program."""
        ...

    @property
    def trouble(self) -> str:
        """What is wrong with itself, in its own words; empty: nothing."""
        ...


class AlarmView(Protocol):
    """An alarm, and whose it is."""

    @property
    def site(self) -> str:
        """Site of the device."""
        ...

    @property
    def agent(self) -> str:
        """Agent of the device."""
        ...

    @property
    def alarm(self) -> Alarm:
        """The alarm."""
        ...


class LiveView(Protocol):
    """What is known now."""

    @property
    def devices(self) -> Mapping[tuple[str, str, str], DeviceView]:
        """(site, agent, device) → the device."""
        ...

    @property
    def agents(self) -> Mapping[tuple[str, str], AgentView]:
        """(site, agent) → the agent."""
        ...

    def standing(self) -> Sequence[AlarmView]:
        """Return the alarms that people must still see: active, or returned and not yet acknowledged."""
        ...

    def history(self, site: str, agent: str, device: str, quantity: str, since: float) -> Sequence[tuple[float, float]]:
        """Return the numbers of one quantity from this wall time on, oldest first, as (wall time, value)."""
        ...

    def changes(self) -> AbstractContextManager[asyncio.Event]:
        """Return an event that is set at every change while it is held."""
        ...


class IncidentDesk(Protocol):
    """Where incidents are seen and acted on. What cannot be done raises IncidentError."""

    def list(self) -> Sequence[Incident]:
        """Return the incidents, newest first."""
        ...

    def get(self, code: str) -> Incident:
        """Return one incident; IncidentUnknown when there is none."""
        ...

    async def seen(self, code: str, person: str) -> Any:
        """收到: this person is not told again."""
        ...

    async def mine(self, code: str, person: str) -> Any:
        """我处理: this person takes it on."""
        ...

    async def step(self, code: str, person: str, index: int) -> Any:
        """Mark a step of the plan as done; 0 is the first."""
        ...

    async def shed(self, code: str, person: str, index: int) -> Any:
        """Mark a load of the plan's list as switched off; 0 is the first."""
        ...

    async def close(self, code: str, person: str, reason: str) -> Any:
        """Close it."""
        ...

    async def handover(self, code: str, person: str, to: str, words: str) -> Any:
        """移交: the owner asks another to take it over."""
        ...

    async def accept(self, code: str, person: str) -> Any:
        """接手: this person takes over what was handed to them."""
        ...

    async def decline(self, code: str, person: str, words: str = "") -> Any:
        """不接手: it goes back to the one who wanted to hand it over."""
        ...

    async def progress(self, code: str, person: str, words: str = "") -> Any:
        """进展: the owner works on it."""
        ...

    async def reopen(self, code: str, person: str, reason: str) -> Any:
        """重新打开: this person says that it is not over."""
        ...

    async def approve(self, code: str, person: str, words: str = "") -> Any:
        """批准: the approval of a report that is due."""
        ...

    async def refuse(self, code: str, person: str, reason: str) -> Any:
        """不批准: the approval of a report that is due."""
        ...

    async def confirm(self, code: str, person: str, level: str) -> Any:
        """确认级别: this person says that it is partial, or major."""
        ...

    async def authorise(self, code: str, person: str, whom: str, reason: str = "") -> Any:
        """授权: head or deputy makes another temporary commander."""
        ...

    async def lower(self, code: str, person: str, level: str, reason: str) -> Any:
        """降低级别: this person of the headquarters says that it is less."""
        ...

    def subscribe(self, listener: Callable[..., None]) -> Callable[[], None]:
        """Call the listener at each change; return what ends it."""
        ...
