"""What hangs in the network: switches, voice gateways, hosts, lines; and who speaks syslog."""

from collections.abc import Callable
from typing import Annotated, Literal

import msgspec

from firmware_sims import fields
from firmware_sims.families.base import FreePort, Made, Placed, Yard, without
from firmware_sims.faults import Fault
from firmware_sims.fields import Field
from firmware_sims.line import FarEnd, Line
from firmware_sims.snmp_gateway import Gateway, GatewayTrunk, SnmpGateway
from firmware_sims.snmp_host import STATES, Host, SnmpHost
from firmware_sims.snmp_switch import SnmpSwitch, Switch, SwitchPort
from firmware_sims.syslog_source import SyslogSource, Talk
from firmware_sims.world import World


class SwitchSettings(Placed, frozen=True, kw_only=True):
    """A switch; what hangs behind it says ``behind``."""

    host: str = "127.0.0.1"
    port: FreePort = 0
    community: str = "public"
    ports: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 24
    live: Annotated[int, msgspec.Meta(ge=0, le=1000)] = 8
    """Ports that are up, besides those that something hangs at."""
    alias: dict[str, str] = msgspec.field(default_factory=dict)
    """Port → what it is called."""

    def __post_init__(self) -> None:
        """Raise ValueError for aliases of ports that there are not."""
        for name in self.alias:
            if name not in self.port_names:
                raise ValueError(f"no port {name!r} | its ports are Gi0/1 to Gi0/{self.ports}")

    @property
    def port_names(self) -> tuple[str, ...]:
        """What its ports are called."""
        return tuple(f"Gi0/{number}" for number in range(1, self.ports + 1))

    def make(self, yard: Yard) -> list[Made]:
        """See ``Placed.make``."""
        switch = Switch(yard.clock, name=self.name, ports=self.ports, live=min(self.live, self.ports))
        for port in switch.ports:
            port.alias = self.alias.get(port.name, "")
        made: dict[str, Field] = {port.name: _port(port) for port in switch.ports}
        made["temperature"] = fields.attribute(switch, "temperature", -40.0, 150.0)
        for fan in switch.fans:
            made[fan.lower().replace(" ", "")] = _part(switch.fans, fan)
        for supply in switch.supplies:
            made[supply.lower().replace(" ", "")] = _part(switch.supplies, supply)
        return [
            Made(
                name=self.name,
                device=SnmpSwitch(switch, host=self.host, port=self.port, community=self.community),
                place=self.place,
                fields=made,
                restart=switch.restart,
                links={port.name: _link(port) for port in switch.ports},
                shut=lambda name: not switch.port(name).live,
            )
        ]


def _port(port: SwitchPort) -> Field:
    """Return the field of a port: up, down (its link), off (switched off by hand)."""

    def put(word: str) -> None:
        port.enabled = word != "off"
        port.up = word == "up"

    return fields.word(put, lambda: "off" if not port.enabled else "up" if port.up else "down", ("up", "down", "off"))


def _link(port: SwitchPort) -> Callable[[bool], None]:
    def put(up: bool) -> None:  # noqa: FBT001 - the state of one link
        port.up = up

    return put


def _part(parts: "dict[str, bool] | dict[str, bool | None]", name: str) -> Field:
    def put(word: str) -> None:
        parts[name] = word == "ok"

    return fields.word(put, lambda: "ok" if parts[name] else "failed", ("ok", "failed"))


class Voice(Placed, frozen=True, kw_only=True):
    """A voice gateway with E1 trunks and analog lines."""

    host: str = "127.0.0.1"
    port: FreePort = 0
    community: str = "public"
    trunks: Annotated[int, msgspec.Meta(ge=0, le=16)] = 2
    lines: Annotated[int, msgspec.Meta(ge=0, le=64)] = 4

    def make(self, yard: Yard) -> list[Made]:
        """See ``Placed.make``."""
        gateway = Gateway(yard.clock, name=self.name, trunks=self.trunks, lines=self.lines)
        made: dict[str, Field] = {}
        for trunk in gateway.trunks:
            made[trunk.circuit] = _trunk(trunk)
            made[f"calls:{trunk.circuit}"] = fields.attribute(trunk, "calls", 0, 30)
            made[f"signalling:{trunk.circuit}"] = fields.attribute(trunk, "signalling")
        for line in gateway.lines:
            made[line.replace(" ", "-")] = _analog(gateway, line)
        device = SnmpGateway(gateway, host=self.host, port=self.port, community=self.community)
        return [Made(name=self.name, device=device, place=self.place, fields=made, restart=gateway.restart)]


_TRUNK: dict[str, dict[str, bool]] = {
    "ok": {},
    "los": {"signal": False},
    "lof": {"framed": False},
    "ais": {"ais": True},
    "rai": {"far_alarm": True},
    "loop": {"looped": True},
    "off": {"enabled": False},
}
_HEALTHY = {"signal": True, "framed": True, "ais": False, "far_alarm": False, "looped": False, "enabled": True}


def _trunk(trunk: GatewayTrunk) -> Field:
    def put(word: str) -> None:
        for name, value in (_HEALTHY | _TRUNK[word]).items():
            setattr(trunk, name, value)

    def get() -> str:
        now = {name: getattr(trunk, name) for name in _HEALTHY}
        return next((word for word, changed in _TRUNK.items() if _HEALTHY | changed == now), "several")

    return fields.word(put, get, tuple(_TRUNK))


def _analog(gateway: Gateway, line: str) -> Field:
    def put(works: bool) -> None:  # noqa: FBT001 - the state of one line
        gateway.lines[line] = works

    return fields.truth(put, lambda: gateway.lines[line])


class Standby(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A host's part in a hot standby by VRRP."""

    group: str
    priority: Annotated[int, msgspec.Meta(ge=1, le=254)] = 100
    vrid: Annotated[int, msgspec.Meta(ge=1, le=255)] = 10


class HostSettings(Placed, frozen=True, kw_only=True):
    """A host with net-snmp's agent, and keepalived where it has a ``standby``."""

    host: str = "127.0.0.1"
    port: FreePort = 0
    community: str = "public"
    standby: Standby | None = None

    def make(self, yard: Yard) -> list[Made]:
        """See ``Placed.make``."""
        standby = self.standby
        host = Host(
            yard.clock,
            yard.wall,
            name=self.name,
            instance=standby.group if standby else "",
            vrid=standby.vrid if standby else 10,
        )
        made: dict[str, Field] = {
            "load": fields.attribute(host, "load", 0.0, 100.0),
            "memory": fields.attribute(host, "memory", 0.0, 100.0),
            "clock": fields.attribute(host, "offset", -1e6, 1e6),
            "read-only": fields.attribute(host, "read_only"),
            **{f"disk:{mount}": _disk(host, mount) for mount in host.disks},
        }
        look = None
        if standby:
            role = _Role(host, yard.world, standby.group)
            made["vrrp"] = fields.word(role.put, lambda: role.forced or host.vrrp, ("auto", *STATES))
            host.priority = standby.priority
            yard.world.join(standby.group, self.name, standby.priority)
            look = role.look
        device = SnmpHost(host, address=self.host, port=self.port, community=self.community)
        return [Made(name=self.name, device=device, place=self.place, fields=made, look=look, restart=host.restart)]


class _Role:
    """Who a host of a hot standby is: as the site has it, or as it was told."""

    def __init__(self, host: Host, world: World, group: str) -> None:
        self.forced = ""
        self._host = host
        self._world = world
        self._group = group

    def put(self, word: str) -> None:
        self.forced = "" if word == "auto" else word
        self.look()

    def look(self) -> None:
        active = self._world.master(self._group) == self._host.name
        self._host.vrrp = self.forced or ("master" if active else "backup")


def _disk(host: Host, mount: str) -> Field:
    def put(used: float) -> None:
        host.disks[mount] = used

    return fields.number(put, lambda: host.disks[mount], 0.0, 100.0)


class LineSettings(Placed, frozen=True, kw_only=True):
    """A line to the world outside, and what answers at its far end: a page, a name server, SSH, SIP."""

    host: str = "127.0.0.1"

    def make(self, yard: Yard) -> list[Made]:  # noqa: ARG002 - see Placed
        """See ``Placed.make``."""
        far = FarEnd()
        line = _Line(far, host=self.host)
        made = {
            "cut": fields.truth(line.want, lambda: far.cut),
            "loss": fields.attribute(far, "loss", 0.0, 1.0),
            "delay": fields.attribute(far, "delay", 0.0, 60.0),
            "page-status": fields.attribute(far, "page_status", 100, 599),
            "sip-code": fields.attribute(far, "sip_code", 100, 699),
            "name-code": fields.attribute(far, "name_code", 0, 15),
        }
        faults = without(Fault.CHECKSUM)
        return [Made(name=self.name, device=line, place=self.place, fields=made, faults=faults, settle=line.settle)]


class _Line(Line):
    """One whose cut is taken over at the next command or look: opening and closing ports takes a while."""

    wanted: bool | None = None

    def want(self, cut: bool) -> None:  # noqa: FBT001 - the state of the line
        self.wanted = cut

    async def settle(self) -> None:
        """Do what was asked for."""
        wanted, self.wanted = self.wanted, None
        if wanted is not None and wanted is not self.far.cut:
            await self.set_cut(cut=wanted)


class Syslog(Placed, frozen=True, kw_only=True):
    """A device that speaks by syslog over UDP."""

    to: str
    """``"host:port"``."""
    every: Annotated[float, msgspec.Meta(ge=0.1)] = 5.0
    """Seconds between two news."""
    form: Literal["5424", "3164"] = "5424"

    def __post_init__(self) -> None:
        """Raise ValueError for a target that is none."""
        host, _, port = self.to.rpartition(":")
        if not (host and port.isdigit() and 0 < int(port) < 65536):
            raise ValueError('to whom? | write to = "127.0.0.1:5514"')

    def make(self, yard: Yard) -> list[Made]:
        """See ``Placed.make``."""
        host, _, port = self.to.rpartition(":")
        talk = Talk(self.every)
        talk.new = self.form == "5424"
        source = SyslogSource(talk, host, int(port), name=self.name, clock=yard.wall)
        made = {
            "every": fields.attribute(talk, "every", 0.1, 86400.0),
            "errors": fields.number(lambda count: source.fail(round(count)), lambda: 0.0, 1, 10_000),
        }
        faults = without(Fault.CHECKSUM)
        return [Made(name=self.name, device=source, place=self.place, fields=made, faults=faults)]
