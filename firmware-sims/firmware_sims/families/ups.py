"""UPSes in all their faces; and what shows the same UPSes otherwise: a NUT server, a card that sends traps."""

from typing import Annotated, Literal

import msgspec

from firmware_sims import fields
from firmware_sims.apcsmart_ups import ApcSmartUps
from firmware_sims.axpert_ups import AxpertUps
from firmware_sims.families.base import FreePort, Made, Placed, Yard, without
from firmware_sims.faults import Fault
from firmware_sims.fields import Field
from firmware_sims.megatec_q6_ups import MegatecQ6Ups
from firmware_sims.megatec_ups import MegatecUps
from firmware_sims.nut_server import NutServer, Unit
from firmware_sims.snmp_faces import Face, Plate
from firmware_sims.snmp_traps import TrapFace, TrapSender
from firmware_sims.snmp_ups import SnmpUps, User
from firmware_sims.ups import Rating, Ups
from firmware_sims.voltronic_ups import VoltronicUps

Percent = Annotated[float, msgspec.Meta(ge=0, le=100)]
FaceName = Literal["rfc1628", "powernet", "megatec", "megatec-q6", "voltronic", "axpert", "apcsmart"]
_SERIAL: dict[str, type["MegatecUps | MegatecQ6Ups | VoltronicUps | AxpertUps | ApcSmartUps"]] = {
    "megatec": MegatecUps,
    "megatec-q6": MegatecQ6Ups,
    "voltronic": VoltronicUps,
    "axpert": AxpertUps,
    "apcsmart": ApcSmartUps,
}
_SNMP: dict[str, Face] = {"rfc1628": "rfc1628", "powernet": "powernet"}
_NO_SUMS = without(Fault.CHECKSUM, Fault.ADDRESS)


class Device(Placed, frozen=True, kw_only=True):
    """One simulated UPS."""

    face: FaceName
    host: str = "127.0.0.1"
    port: FreePort = 0
    """UDP port of an SNMP face, TCP port of a serial one without ``link``; 0 for a free one."""
    link: str = ""
    """Serial faces: name of the serial port, relative to the folder that the site runs in."""
    community: str = "public"
    user: User | None = None
    manufacturer: str = "Wolfsmoke"
    model: str = "Sim 3000"
    serial: str = "SIM-1"
    load: Annotated[float, msgspec.Meta(ge=0)] = 800.0
    """W."""
    charge: Percent = 100.0
    worn: Percent = 0.0
    """How much of its battery's energy is gone for good."""
    rating: Rating = Rating()

    def __post_init__(self) -> None:
        """Raise ValueError for what does not go together."""
        if self.link and self.face not in _SERIAL:
            raise ValueError(f"the face {self.face!r} has no serial port | leave link out, or write face = 'megatec'")
        if self.user and self.face in _SERIAL:
            raise ValueError(f"{self.face} knows no users | leave user out")
        if self.fed_by:
            raise ValueError("a UPS hangs at the mains | leave fed_by out")
        if self.link and self.behind:
            raise ValueError("a serial port is reached through no switch | leave behind out")
        if (
            min(self.rating.power, self.rating.apparent, self.rating.battery, self.rating.volts, self.rating.string)
            <= 0
        ):
            raise ValueError("a rating must be above 0")

    @property
    def plate(self) -> Plate:
        """What it says of itself."""
        return Plate(self.name, self.manufacturer, self.model, self.serial)

    def build(self, yard: Yard) -> Ups:
        """Return its model."""
        ups = Ups(self.rating, yard.fast, load=self.load, charge=self.charge)
        ups.wear(self.worn)
        return ups

    def make(self, yard: Yard) -> list[Made]:
        """See ``Placed.make``."""
        ups = yard.upses[self.name]
        if self.face in _SERIAL:
            link = yard.folder / self.link if self.link else None
            serial = _SERIAL[self.face](ups, self.plate, link=link, host=self.host, port=self.port)
            faults = without(Fault.ADDRESS) if self.face == "axpert" else _NO_SUMS
            return [Made(name=self.name, device=serial, place=self.place, fields=_fields(ups), faults=faults, ups=ups)]
        card = SnmpUps(
            ups,
            self.plate,
            yard.clock,
            face=_SNMP[self.face],
            host=self.host,
            port=self.port,
            community=self.community,
            user=self.user,
        )
        return [Made(name=self.name, device=card, place=self.place, fields=_fields(ups), ups=ups)]


def _fields(ups: Ups) -> dict[str, Field]:
    return {
        "mains": fields.number(ups.set_mains, lambda: ups.view().input_volts, 0.0, 400.0),
        "load": fields.number(ups.set_load, lambda: ups.view().watts, 0.0, 1e6),
        "charge": fields.number(ups.set_charge, lambda: ups.view().charge, 0.0, 100.0),
        "worn": fields.number(ups.wear, lambda: ups.worn, 0.0, 100.0),
        "test": fields.number(ups.test, lambda: float(ups.view().test), 0.0, 86400.0),
    }


class Nut(Placed, frozen=True, kw_only=True):
    """A NUT server in front of UPSes of this file."""

    ups: tuple[str, ...]
    host: str = "127.0.0.1"
    port: FreePort = 0
    user: str = ""
    password: str = ""

    def __post_init__(self) -> None:
        """Raise ValueError for a server without a UPS."""
        if not self.ups:
            raise ValueError('a NUT server without a UPS | write ups = ["…"]')

    def make(self, yard: Yard) -> list[Made]:
        """See ``Placed.make``."""
        units = {name: Unit(yard.upses[name], Plate(name, "Wolfsmoke", "Sim", f"SIM-{name}")) for name in self.ups}
        server = NutServer(units, user=self.user, password=self.password, host=self.host, port=self.port)
        faults = without(Fault.CHECKSUM)
        return [Made(name=self.name, device=server, place=self.place, fields={}, faults=faults)]


class Traps(Placed, frozen=True, kw_only=True):
    """The part of a UPS's card that sends traps, or informs to a ``user``."""

    ups: str
    to: str
    """``"host:port"``."""
    face: TrapFace = "rfc1628"
    host: str = "127.0.0.1"
    """The address that they come from."""
    community: str = "public"
    user: User | None = None

    def __post_init__(self) -> None:
        """Raise ValueError for a target that is none."""
        host, _, port = self.to.rpartition(":")
        if not (host and port.isdigit() and 0 < int(port) < 65536):
            raise ValueError('to whom? | write to = "127.0.0.1:1162"')

    def make(self, yard: Yard) -> list[Made]:
        """See ``Placed.make``."""
        host, _, port = self.to.rpartition(":")
        sender = _Sender(
            yard.upses[self.ups],
            yard.clock,
            (host, int(port)),
            face=self.face,
            host=self.host,
            community=self.community,
            user=self.user,
        )
        return [Made(name=self.name, device=sender, place=self.place, fields={})]


class _Sender(TrapSender):
    """One with an address."""

    @property
    def address(self) -> str:
        """Where it comes from: nobody asks it."""
        return self._host

    @property
    def url(self) -> str:
        """It speaks by itself."""
        return f"traps://{self._to[0]}:{self._to[1]}"
