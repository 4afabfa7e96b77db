"""Drivers for the kinds of devices that keep tables."""

from collections.abc import Callable
from typing import Final

from agent.drivers.base import Driver
from agent.drivers.tables.base import Options, Part
from agent.drivers.tables.driver import HOST_UPTIME, Kept, TablesDriver
from agent.drivers.tables.host import Host
from agent.drivers.tables.parts import Parts
from agent.drivers.tables.ports import Ports
from agent.drivers.tables.trunks import Trunks
from agent.drivers.tables.vrrp import Vrrp
from agent.links.snmp import SnmpLink
from agent.memo import Memo
from agent.profiles_network import load_profiles
from contract.clock import Clock

Maker = Callable[[SnmpLink, Options, str, Clock, Memo[Kept] | None], Driver]
"""Takes the link, the settings, the name of a profile, the agent's clock, and what is remembered."""


def network(link: SnmpLink, options: Options, profile: str, clock: Clock, memo: Memo[Kept] | None = None) -> Driver:
    """Return the driver of a switch, a router, or whatever has ports."""
    parts: list[Part] = [Ports(options), Parts(()), Vrrp(options)]
    return TablesDriver(link, parts, clock.boottime, profiles=load_profiles(), profile=profile, memo=memo)


def trunk(link: SnmpLink, options: Options, profile: str, clock: Clock, memo: Memo[Kept] | None = None) -> Driver:
    """Return the driver of a voice gateway, or whatever has trunks or telephone lines."""
    trunks, boxes = Trunks(options), Parts(())
    return TablesDriver(
        link,
        [trunks, boxes],
        clock.boottime,
        needs=(trunks, boxes),
        what="voice gateway",
        profiles=load_profiles(),
        profile=profile,
        memo=memo,
    )


def host(link: SnmpLink, options: Options, _profile: str, clock: Clock, memo: Memo[Kept] | None = None) -> Driver:
    """Return the driver of a host with HOST-RESOURCES-MIB."""

    def wall() -> float | None:
        now = clock.stamp()
        return now.wall if now.trusted else None

    resources = Host(wall)
    parts: list[Part] = [resources, Vrrp(options)]
    return TablesDriver(link, parts, clock.boottime, needs=(resources,), what="host", uptime=HOST_UPTIME, memo=memo)


MAKERS: Final[dict[str, Maker]] = {"network": network, "trunk": trunk, "host": host}
"""By kind."""
