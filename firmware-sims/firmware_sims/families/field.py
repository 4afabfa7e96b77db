"""What hangs in a room: Modbus devices on a bus, environment cards, surge protectors; and a share with backups."""

from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Annotated, Final, Literal

import msgspec

from contract.errors import UsageError
from contract.settings import Slug
from firmware_sims import fields
from firmware_sims.backup_share import Backups, BackupShare
from firmware_sims.families.base import FreePort, Made, Placed, Yard, without
from firmware_sims.faults import Fault
from firmware_sims.fields import Field
from firmware_sims.modbus_device import ModbusDevice
from firmware_sims.modbus_models import Bytes, Climate, Detector, Earth, Inputs, Model
from firmware_sims.snmp_env import Port, SnmpEnv, server_room
from firmware_sims.snmp_faces import Plate
from firmware_sims.world import Place
from firmware_sims.world import Room as Air

UnitModel = Literal["xy-md02", "di-16", "leixun", "zpzh", "earth-meter"]
"""What a unit is: the name of the agent's profile for it."""
INPUTS: Final = ("smoke", "water", "door", "surge-failed")
"""What hangs at the first inputs of a module, where its settings do not say."""


class RoomSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A room, whose air its cooling cools. Degrees Celsius."""

    name: Slug
    cooled_by: str = ""
    """The UPS at whose mains the cooling hangs; left out: it always runs."""
    cool: float = 22.0
    hot: float = 45.0
    """Where it ends without cooling."""
    minutes: Annotated[float, msgspec.Meta(ge=0.01, le=10000)] = 15.0
    """Time in which 63 % of the way to it is gone."""

    def air(self, speed: float) -> Air:
        """Return its model, so much faster."""
        return Air(
            cooled_by=self.cooled_by,
            cool=self.cool,
            hot=self.hot,
            constant=60.0 * self.minutes / speed,
            temperature=self.cool,
        )


class _Warmth:
    """A thermometer: a little warmer or colder than the air of its room, or by itself."""

    def __init__(self, air: Air | None, show: Callable[[float], object], at: float) -> None:
        self._air = air
        self._show = show
        self._alone = at
        self._more = at - air.temperature if air else 0.0

    @property
    def value(self) -> float:
        return self._air.temperature + self._more if self._air else self._alone

    def look(self) -> None:
        self._show(round(self.value, 2))

    def put(self, degrees: float) -> None:
        """Warm or cool the air until it shows this; from there the room goes on."""
        if self._air:
            self._air.temperature = degrees - self._more
        self._alone = degrees
        self.look()


class UnitSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One device on a bus."""

    name: Slug
    model: UnitModel
    unit: Annotated[int, msgspec.Meta(ge=1, le=247)] = 1
    room: str = ""
    inputs: tuple[str, ...] = INPUTS
    """Of a module of inputs: what hangs at them, from input 1."""

    def __post_init__(self) -> None:
        """Raise ValueError for more inputs than there are."""
        if len(self.inputs) > 16 or len(set(self.inputs)) < len(self.inputs):
            raise ValueError("16 inputs at the most, each with a name of its own")


class Modbus(Placed, frozen=True, kw_only=True):
    """A bus, or a device with Modbus TCP: several units on one line."""

    unit: tuple[UnitSettings, ...]
    host: str = "127.0.0.1"
    port: FreePort = 0
    link: str = ""
    """Name of the serial port, relative to the folder that the site runs in; left out: a TCP port."""
    framing: Literal["tcp", "rtu"] = "tcp"
    """Of a TCP port."""

    def __post_init__(self) -> None:
        """Raise ValueError for units that cannot be."""
        numbers = [unit.unit for unit in self.unit]
        if not numbers:
            raise ValueError("nothing on the bus | add a [[modbus.unit]]")
        if len(set(numbers)) < len(numbers):
            raise ValueError("two units have the same address")
        if self.link and self.behind:
            raise ValueError("a serial port is reached through no switch | leave behind out")

    def make(self, yard: Yard) -> list[Made]:
        """See ``Placed.make``."""
        link = yard.folder / self.link if self.link else None
        parts = [_unit(unit, yard) for unit in self.unit]
        models = {unit.unit: model for unit, (model, _, _) in zip(self.unit, parts, strict=True)}
        bus = ModbusDevice(models, link=link, host=self.host, port=self.port, framing=self.framing)
        rtu = bool(link) or self.framing == "rtu"
        faults = without() if rtu else without(Fault.CHECKSUM)
        whole = Made(name=self.name, device=bus, place=self.place, fields={}, faults=faults)
        units = [
            Made(
                name=unit.name,
                device=_Unit(bus, unit.unit),
                place=Place(),
                fields=made,
                faults=tuple(fault for fault in faults if fault is not Fault.UNPLUG),
                look=look,
            )
            for unit, (_, made, look) in zip(self.unit, parts, strict=True)
        ]
        return [whole, *units]


class _Unit:
    """One of the devices on a bus, which is started with it."""

    def __init__(self, bus: ModbusDevice, unit: int) -> None:
        self._bus = bus
        self._unit = unit

    @property
    def address(self) -> str:
        return f"{self._bus.address} unit {self._unit}"

    @property
    def url(self) -> str:
        return self._bus.url_of(self._unit)

    @property
    def fault(self) -> Fault:
        return self._bus.unit_faults.get(self._unit, Fault.NONE)

    async def set_fault(self, fault: Fault) -> None:
        await self._bus.set_fault(fault, self._unit)

    async def start(self) -> None:
        """Nothing: the bus is started."""

    async def stop(self) -> None:
        """Nothing."""


_Parts = tuple[Model, dict[str, Field], Callable[[], None] | None]


def _unit(unit: UnitSettings, yard: Yard) -> _Parts:
    """Return a unit's model, what can be set on it, and what brings it to now."""
    air = yard.world.rooms[unit.room] if unit.room else None
    match unit.model:
        case "xy-md02":
            return _climate(air)
        case "di-16":
            module = Inputs()
            made = {name: _input(module, at) for at, name in enumerate(unit.inputs)}
            return module, made | {f"input{at + 1}": _input(module, at) for at in range(16)}, None
        case "leixun":
            detector = Detector()
            named = ("life", "leakage", "failed", "earth", "leaking", "mains_lost")
            made = {name.replace("_", "-"): fields.attribute(detector, name) for name in named}
            return detector, made | {"strike": _strike(detector)}, None
        case "zpzh":
            counter = Bytes()
            made = {"alarms": fields.attribute(counter, "alarms", 0, 255), "strike": _strike(counter)}
            return counter, made, None
        case _:
            meter = Earth()
            return (
                meter,
                {
                    "resistance": fields.attribute(meter, "resistance", 0.0, 655.0),
                    "alarm": fields.attribute(meter, "alarm"),
                },
                None,
            )


def _climate(air: Air | None) -> _Parts:
    sensor = Climate()

    def show(degrees: float) -> None:
        sensor.temperature = degrees

    warmth = _Warmth(air, show, sensor.temperature)
    made = {
        "temperature": fields.number(warmth.put, lambda: sensor.temperature, -40.0, 125.0),
        "humidity": fields.attribute(sensor, "humidity", 0.0, 100.0),
    }
    return sensor, made, warmth.look


def _input(module: Inputs, at: int) -> Field:
    def put(closed: bool) -> None:  # noqa: FBT001 - the state of a contact
        module.inputs[at] = closed

    return fields.truth(put, lambda: module.inputs[at])


def _strike(detector: Detector | Bytes) -> Field:
    """Return a field that lets lightning strike so many times."""
    return fields.number(lambda count: detector.strike(round(count)), lambda: float(detector.strikes), 1, 1000)


class Environment(Placed, frozen=True, kw_only=True):
    """An environment card: two probes, water, motion, smoke, a door."""

    host: str = "127.0.0.1"
    port: FreePort = 0
    community: str = "public"
    room: str = ""

    def make(self, yard: Yard) -> list[Made]:
        """See ``Placed.make``."""
        air = yard.world.rooms[self.room] if self.room else None
        model = server_room()
        made: dict[str, Field] = {}
        probes: list[_Warmth] = []
        for number, port in model.ports.items():
            if port.kind == "climate":
                probe = _probe(air, port)
                probes.append(probe)
                made[f"temperature{number}"] = _shown(probe, port)
                made[f"humidity{number}"] = fields.attribute(port, "humidity", 0.0, 100.0)
            else:
                name = {"contact": port.name.partition(",")[0]}.get(port.kind, port.kind)
                made[name] = fields.attribute(port, "alarm")
            made[f"online{number}"] = fields.attribute(port, "online")
        made |= {"temperature": made["temperature1"], "humidity": made["humidity1"]}
        plate = Plate(self.name, "AKCP", "sensorProbe8 v2.0", f"ENV-{self.name}")
        device = SnmpEnv(model, plate, yard.clock, host=self.host, port=self.port, community=self.community)

        def look() -> None:
            for probe in probes:
                probe.look()

        return [Made(name=self.name, device=device, place=self.place, fields=made, look=look)]


def _probe(air: Air | None, port: Port) -> _Warmth:
    def show(degrees: float) -> None:
        port.temperature = degrees

    return _Warmth(air, show, port.temperature)


def _shown(probe: _Warmth, port: Port) -> Field:
    return fields.number(probe.put, lambda: port.temperature, -40.0, 125.0)


class BackupSettings(Placed, frozen=True, kw_only=True):
    """A share with the backups of a system, one a day; that of today begins at the word ``set NAME backup now``."""

    folder: str = "backups"
    """Relative to the folder that the site runs in."""
    system: Slug = "sales"
    size: Annotated[int, msgspec.Meta(ge=1, le=1 << 30)] = 200_000
    """Bytes."""
    seconds: Annotated[float, msgspec.Meta(ge=0.0, le=86400.0)] = 0.0
    """That one takes to be written."""
    days: Annotated[int, msgspec.Meta(ge=0, le=1000)] = 7
    """That are there from the start."""

    def __post_init__(self) -> None:
        """Raise ValueError for a folder that would lead out of the site's."""
        path = PurePosixPath(self.folder)
        if path.is_absolute() or ".." in path.parts or not path.parts:
            raise ValueError("the share lies in the site's folder | write folder = 'backups'")

    def make(self, yard: Yard) -> list[Made]:
        """See ``Placed.make``."""
        backups = Backups(self.size, self.seconds)
        share = BackupShare(backups, yard.folder / self.folder, name=self.system, days=self.days, clock=yard.wall)
        run = _Run(share)
        made = {
            "backup": fields.word(run.put, lambda: "late" if run.late else "now", ("now", "late", "punctual")),
            "size": fields.attribute(backups, "size", 1, 1 << 30),
            "seconds": fields.attribute(backups, "seconds", 0.0, 86400.0),
            "tape": fields.attribute(backups, "tape"),
        }
        return [Made(name=self.name, device=share, place=self.place, fields=made)]


class _Run:
    """When backups begin: at the word, unless they are late."""

    def __init__(self, share: BackupShare) -> None:
        self.late = False
        self._share = share

    def put(self, word: str) -> None:
        if word == "now" and self.late:
            raise UsageError("it is late: it does not begin")
        if word == "now":
            self._share.begin()
        else:
            self.late = word == "late"
