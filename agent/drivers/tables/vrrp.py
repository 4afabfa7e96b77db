"""Who of a hot-standby group is active: VRRP-MIB (RFC 2787), VRRPv3-MIB (RFC 6527), KEEPALIVED-MIB, CISCO-HSRP-MIB."""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from agent.drivers.base import Lane
from agent.drivers.tables.base import Figures, Options, Steady, Walker
from agent.drivers.tables.columns import Numbers, natural, number, text, whole
from agent.drivers.tables.interfaces import fits
from agent.links.snmp import Raw
from contract.reading import Reading, judged


class Kind(msgspec.Struct, frozen=True):
    """A table of virtual routers."""

    state: str
    """Column of the state; its index tells which."""
    priority: str
    words: dict[int, str]
    name: str = ""
    """Column of the name; without one it is called by interface and number."""
    number: str = ""
    """Column of the virtual router's number, where the index does not have it."""


_RFC: Final = {1: "init", 2: "backup", 3: "master"}
KINDS: Final = (
    Kind(
        "1.3.6.1.4.1.9586.100.5.2.3.1.4",
        "1.3.6.1.4.1.9586.100.5.2.3.1.8",
        {0: "init", 1: "backup", 2: "master", 3: "fault", 5: "init", 6: "init"},  # 4 is unknown, 5 and 6 on the way out
        "1.3.6.1.4.1.9586.100.5.2.3.1.2",
        "1.3.6.1.4.1.9586.100.5.2.3.1.3",
    ),
    Kind("1.3.6.1.2.1.207.1.1.1.1.6", "1.3.6.1.2.1.207.1.1.1.1.7", _RFC),
    Kind("1.3.6.1.2.1.68.1.3.1.3", "1.3.6.1.2.1.68.1.3.1.5", _RFC),
    Kind(  # cHsrpGrpStandbyState: initial, learn, listen, speak, standby, active
        "1.3.6.1.4.1.9.9.106.1.2.1.1.15",
        "1.3.6.1.4.1.9.9.106.1.2.1.1.3",
        {1: "init", 2: "init", 3: "backup", 4: "backup", 5: "backup", 6: "master"},
    ),
)
"""In order of preference: keepalived shows its instances in its own table, and in the RFCs' as well if told to."""


class Router(msgspec.Struct, frozen=True):
    """One virtual router."""

    name: str
    number: str
    """Its VRID."""
    kind: Kind
    row: str


class Vrrp:
    """One part of a driver: see ``base.Part``."""

    def __init__(self, options: Options) -> None:
        """Take which virtual router counts."""
        self.found = False
        self.stale = False
        self.routers: dict[str, Router] = {}
        self._wanted = options.vrrp
        self._steady = Steady()
        self._numbers = Numbers()

    async def look(self, walker: Walker) -> None:
        """See ``base.Part.look``."""
        self.stale = False
        naming = [oid for kind in KINDS for oid in (kind.state, kind.name, kind.number) if oid]
        if await self._steady.lost(walker, naming, known=self.found):
            return
        for kind in KINDS:
            column = await walker.column(kind.state)
            if column:
                columns = await walker.columns([oid for oid in (kind.name, kind.number) if oid])
                routers = [_router(kind, row, columns) for row in column]
                self.routers = {router.name: router for router in sorted(routers, key=lambda one: natural(one.name))}
                break
        else:
            self.routers = {}
        self.found = bool(self.routers)
        self._numbers.give(self.routers)

    def asks(self, lane: Lane) -> Sequence[str]:
        """See ``base.Part.asks``."""
        asked = []
        for router in self.routers.values():
            asked.append(f"{router.kind.state}.{router.row}")
            if lane is Lane.ALL:
                asked.append(f"{router.kind.priority}.{router.row}")
        return asked

    def restarted(self) -> None:
        """See ``base.Part.restarted``."""

    def kept(self) -> Figures:
        """See ``base.Part.kept``."""
        return {"x.vrrp": self._numbers.known}

    def restore(self, kept: Figures) -> None:
        """See ``base.Part.restore``."""
        self._numbers.restore(kept.get("x.vrrp", {}))

    def readings(self, values: Mapping[str, Raw], lane: Lane, now: float) -> list[Reading]:  # noqa: ARG002 - see Part
        """See ``base.Part.readings``."""
        found: list[Reading] = []
        masters = 0
        named: str | None = None
        for name, router in self.routers.items():
            state = whole(values.get(f"{router.kind.state}.{router.row}"))
            word = None if state is None else router.kind.words.get(state)
            self.stale = self.stale or state is None
            masters += word == "master"
            prefix = f"x.vrrp.{self._numbers[name]}"
            found.append(judged(f"{prefix}.state", word))
            if self._wanted and (fits(self._wanted, name) or self._wanted == router.number):
                named = word
            if lane is Lane.ALL:
                found.append(judged(f"{prefix}.name", name))
                priority = number(values.get(f"{router.kind.priority}.{router.row}"))
                found.append(judged(f"{prefix}.priority", priority))
        if self.routers:
            found.append(judged("x.vrrp.masters", float(masters)))
        if self._wanted:
            found.append(judged("x.vrrp.state", named))
        return found


def _router(kind: Kind, row: str, columns: Mapping[str, Mapping[str, Raw]]) -> Router:
    parts = row.split(".")
    vrid = text(columns[kind.number].get(row)) if kind.number else parts[1] if len(parts) > 1 else row
    name = text(columns[kind.name].get(row)) if kind.name else ""
    return Router(name or f"interface {parts[0]} VRID {vrid}", vrid, kind, row)
