"""An environment card: a sensorProbe with eight ports, as AKCP's SPAGENT-MIB shows it.

A port carries a probe of temperature and humidity, a water detector, a motion detector, or a dry contact (of a smoke
detector, of a door); what hangs there may be pulled out. The card judges by limits of its own, as the real one does.
"""

from collections.abc import Callable
from typing import Any, Final, Literal

import msgspec

from firmware_sims.snmp_card import SnmpCard, User
from firmware_sims.snmp_faces import Answer, Integer, Oid, Plate, Text, oid_of, system

BASE: Final = "1.3.6.1.4.1.3854.1"
PORTS: Final = 8
_TYPES: Final = {"water": 4, "contact": 10, "motion": 14}
_NO_STATUS, _NORMAL, _HIGH_WARNING, _HIGH, _LOW_WARNING, _LOW, _ERROR = range(1, 8)
_TEMPERATURE: Final = (10.0, 15.0, 30.0, 35.0)
"""Low critical, low warning, high warning, high critical, degrees Celsius."""
_HUMIDITY: Final = (10.0, 15.0, 75.0, 85.0)

Entry = Callable[["Room", float], Answer | None]


class Port(msgspec.Struct):
    """What hangs at one port; change it as it happens."""

    kind: Literal["climate", "water", "motion", "contact"] = "climate"
    name: str = ""
    temperature: float = 22.0
    """Degrees Celsius."""
    humidity: float = 45.0
    """Percent."""
    alarm: bool = False
    """Water, somebody, or a contact that is not as it should be."""
    failed: bool = False
    """The card calls the sensor failed."""
    online: bool = True
    """False: pulled out."""


class Room(msgspec.Struct):
    """What a card watches. Ports are counted from 1."""

    ports: dict[int, Port]
    fahrenheit: bool = False
    """The card's own setting."""

    def __post_init__(self) -> None:
        """Raise ValueError for a port that there is not."""
        if not all(1 <= port <= PORTS for port in self.ports):
            raise ValueError(f"a card has ports 1 to {PORTS}")


def server_room() -> Room:
    """Return a room with everything: two probes, water, motion, smoke, a door."""
    return Room(
        {
            1: Port(name="rack 1", temperature=22.5, humidity=44.0),
            2: Port(name="rack 2", temperature=24.0, humidity=41.0),
            3: Port("water", "under the air conditioner"),
            4: Port("motion", "entrance"),
            5: Port("contact", "smoke, ceiling"),
            6: Port("contact", "door"),
        }
    )


def entries(plate: Plate) -> dict[Oid, Entry]:
    """Return what the card answers, sorted by OID."""
    whole: dict[Oid, Entry] = {**system(plate, BASE)}

    def put(suffix: str, entry: Entry) -> None:
        whole[oid_of(f"{BASE}.{suffix}")] = entry

    put("1.2.0", lambda room, _: Integer(max(_states(room), default=_NO_STATUS)))
    put("1.6.0", lambda _room, _: Text(plate.manufacturer))
    put("1.8.0", lambda _room, _: Text(plate.model))
    put("2.2.1.86.0", lambda _room, _: Text(plate.firmware))
    for index in range(PORTS):
        _climate(put, index)
        _switch(put, index)
    return dict(sorted(whole.items()))


class SnmpEnv(SnmpCard[Room]):
    """One simulated environment card. Nothing listens before ``start``."""

    def __init__(
        self,
        room: Room,
        plate: Plate,
        clock: Callable[[], float],
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        community: str = "public",
        user: User | None = None,
    ) -> None:
        """Remember what to be: the model, what it says of itself, and the rest as ``SnmpCard`` has it."""
        self.room = room
        super().__init__(entries(plate), lambda: room, clock, host=host, port=port, community=community, user=user)


Put = Callable[[str, Entry], None]


def _climate(put: Put, index: int) -> None:
    """Put the rows of a port into the tables of temperature (16) and humidity (17)."""
    for table, what, limits in ((16, "temperature", _TEMPERATURE), (17, "humidity", _HUMIDITY)):
        put(f"2.2.1.{table}.1.1.{index}", _named(index))
        put(f"2.2.1.{table}.1.4.{index}", _of(index, _judge(what, limits), _NO_STATUS))
        put(f"2.2.1.{table}.1.5.{index}", _of(index, lambda _room, _port: 1, 2))
    put(f"2.2.1.16.1.3.{index}", _of(index, lambda room, port: round(_degrees(room, port)), 0))
    put(f"2.2.1.16.1.12.{index}", lambda room, _: Integer(0 if room.fahrenheit else 1))
    put(f"2.2.1.16.1.14.{index}", _of(index, lambda room, port: round(_degrees(room, port) * 10), 0))
    put(f"2.2.1.17.1.3.{index}", _of(index, lambda _room, port: round(port.humidity), 0))


def _switch(put: Put, index: int) -> None:
    """Put the rows of a port into the table of switches (18)."""
    put(f"2.2.1.18.1.1.{index}", _named(index))
    put(f"2.2.1.18.1.3.{index}", _of(index, lambda _room, port: _state(port), _NO_STATUS, switch=True))
    put(f"2.2.1.18.1.4.{index}", _of(index, lambda _room, _port: 1, 2, switch=True))
    put(f"2.2.1.18.1.9.{index}", lambda room, _: Integer(_TYPES.get(_kind(room, index), 1)))


def _of(index: int, value: Callable[[Room, Port], int], empty: int, *, switch: bool = False) -> Entry:
    """Return a cell: of what hangs at a port and belongs into this table, else what an empty port says."""

    def cell(room: Room, _uptime: float) -> Answer:
        port = room.ports.get(index + 1)
        here = port is not None and port.online and (port.kind != "climate") is switch
        return Integer(value(room, port) if here and port is not None else empty)

    return cell


def _named(index: int) -> Entry:
    def cell(room: Room, _uptime: float) -> Answer:
        port = room.ports.get(index + 1)
        return Text(port.name if port else f"port {index + 1}")

    return cell


def _kind(room: Room, index: int) -> str:
    port = room.ports.get(index + 1)
    return port.kind if port else ""


def _degrees(room: Room, port: Port) -> float:
    return port.temperature * 1.8 + 32.0 if room.fahrenheit else port.temperature


def _judge(what: str, limits: tuple[float, float, float, float]) -> Callable[[Room, Port], int]:
    def judged(_room: Room, port: Port) -> int:
        if port.failed:
            return _ERROR
        value: Any = getattr(port, what)
        low, low_warning, high_warning, high = limits
        if value >= high_warning:
            return _HIGH if value >= high else _HIGH_WARNING
        if value <= low_warning:
            return _LOW if value <= low else _LOW_WARNING
        return _NORMAL

    return judged


def _state(port: Port) -> int:
    return _ERROR if port.failed else _HIGH if port.alarm else _NORMAL


def _states(room: Room) -> list[int]:
    """Return the state of each sensor that is there."""
    states: list[int] = []
    for port in room.ports.values():
        if port.online and port.kind == "climate":
            states += (_judge("temperature", _TEMPERATURE)(room, port), _judge("humidity", _HUMIDITY)(room, port))
        elif port.online:
            states.append(_state(port))
    return states
