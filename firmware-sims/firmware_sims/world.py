"""What a site is besides its devices: what feeds what, what hangs behind which switch, and how warm its rooms are.

Pure: the clock is given, nothing is started, nothing waits. A device lives while what feeds it has power; after power
comes back it boots for a while. It is reached while it lives, and the switch that it hangs behind is reached, and its
port there carries. A room without its cooling warms towards the heat of its load, by a first-order law.
"""

import math
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Protocol

import msgspec


class State(StrEnum):
    """How a device stands."""

    UP = "up"
    OFF = "off"
    """Without power, or switched off."""
    BOOTING = "booting"
    CUT_OFF = "cut off"
    """It lives, and nobody reaches it: its switch, or its port there, does not carry."""


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a device stands."""

    fed_by: str = ""
    """A UPS; empty: it always has power."""
    switch: str = ""
    """What it hangs behind; empty: it is reached while it lives."""
    port: str = ""
    """Of that switch."""
    boot: float = 0.0
    """Seconds from power to the first answer."""


class Feed(Protocol):
    """What feeds: a UPS."""

    @property
    def feeding(self) -> bool:
        """Whether its output has power."""
        ...

    @property
    def mains(self) -> bool:
        """Whether it has mains that it can use."""
        ...


class Room(msgspec.Struct, kw_only=True):
    """The air of one room. Degrees Celsius, seconds."""

    cooled_by: str = ""
    """The UPS beside which the cooling hangs: at the same mains, and without a battery. Empty: it always has power."""
    cool: float = 22.0
    """With cooling."""
    hot: float = 45.0
    """Where it ends without."""
    constant: float = 900.0
    """Time in which 63 % of the way is gone."""
    temperature: float = 22.0


class Member(msgspec.Struct, frozen=True):
    """One host of a hot-standby group."""

    name: str
    priority: int


class World:
    """The site. Call ``look`` now and then: what is said holds for the last time."""

    def __init__(self, clock: Callable[[], float], feeds: Mapping[str, Feed]) -> None:
        """Take the clock (seconds; only differences count), and what feeds by name."""
        self.rooms: dict[str, Room] = {}
        self.switched_off: set[str] = set()
        """Devices that somebody switched off."""
        self._clock = clock
        self._feeds = feeds
        self._places: dict[str, Place] = {}
        self._powered: dict[str, bool] = {}
        self._ready: dict[str, float] = {}
        self._groups: dict[str, list[Member]] = {}
        self._masters: dict[str, str] = {}
        self._shut: Callable[[str, str], bool] = lambda _switch, _port: False
        self._at = clock()

    def put(self, name: str, place: Place) -> None:
        """Add a device; it has power, and has booted long ago."""
        self._places[name] = place
        self._powered[name] = True

    def join(self, group: str, name: str, priority: int) -> None:
        """Let a host take part in a hot standby: of those that are reached, the highest priority is active.

        Who is active stays it (VRRP's Preempt_Mode false), so that one that comes back changes nothing.
        """
        self._groups.setdefault(group, []).append(Member(name, priority))

    def shut_by(self, shut: Callable[[str, str], bool]) -> None:
        """Take who knows whether a port of a switch carries nothing."""
        self._shut = shut

    def look(self) -> None:
        """Come to now."""
        now = self._clock()
        seconds, self._at = now - self._at, now
        for name, place in self._places.items():
            fed = name not in self.switched_off and (not place.fed_by or self._feeds[place.fed_by].feeding)
            if fed and not self._powered[name]:
                self._ready[name] = now + place.boot
            self._powered[name] = fed
        for room in self.rooms.values():
            cooled = not room.cooled_by or self._feeds[room.cooled_by].mains
            end = room.cool if cooled else room.hot
            room.temperature = end + (room.temperature - end) * math.exp(-max(0.0, seconds) / room.constant)
        for group, members in self._groups.items():
            heard = [member for member in members if self.state(member.name) is State.UP]
            active = self._masters.get(group, "")
            if heard and active not in {member.name for member in heard}:
                self._masters[group] = max(heard, key=lambda member: member.priority).name
            elif not heard and self.state(active) in (State.OFF, State.BOOTING):  # one that is only cut off stays it
                self._masters[group] = ""

    def powered(self, name: str) -> bool:
        """Say whether a device has power: then its link is up, though it may still boot."""
        return self._powered.get(name, True)

    def state(self, name: str) -> State:
        """Say how a device stands."""
        if not self.powered(name):
            return State.OFF
        if self._at < self._ready.get(name, -math.inf):
            return State.BOOTING
        place = self._places.get(name, Place())
        if place.switch:
            dead = self.state(place.switch) is not State.UP
            if dead or (place.port and self._shut(place.switch, place.port)):
                return State.CUT_OFF
        return State.UP

    def links(self) -> dict[tuple[str, str], bool]:
        """Return, for each port of a switch that something hangs at, whether its link has somebody at the far end."""
        return {
            (place.switch, place.port): self.powered(name)
            for name, place in self._places.items()
            if place.switch and place.port
        }

    def master(self, group: str) -> str:
        """Return who of a hot-standby group is active; empty where nobody is."""
        return self._masters.get(group, "")
