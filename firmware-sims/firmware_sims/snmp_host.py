"""A host with net-snmp's agent: HOST-RESOURCES-MIB (RFC 2790), IF-MIB of one card, and keepalived's own MIB for VRRP."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from firmware_sims.snmp_agent import Cell, Octets, Rows, SnmpAgent
from firmware_sims.snmp_faces import Counter, Gauge, Integer, Name, Oid, Text, Ticks

_SYSTEM: Final = (1, 3, 6, 1, 2, 1, 1)
_HR: Final = (1, 3, 6, 1, 2, 1, 25)
_IF: Final = (1, 3, 6, 1, 2, 1, 2, 2, 1)
_VRRP: Final = (1, 3, 6, 1, 4, 1, 9586, 100, 5, 2, 3, 1)
_TYPES: Final = "1.3.6.1.2.1.25.2.1"
_KIB: Final = 1024
STATES: Final = {"init": 0, "backup": 1, "master": 2, "fault": 3}
"""vrrpInstanceState."""


class Host:
    """The model. Change it as you like."""

    def __init__(
        self,
        clock: Callable[[], float],
        wall: Callable[[], float],
        *,
        name: str = "host-1",
        instance: str = "",
        vrid: int = 10,
    ) -> None:
        """Be a host.

        Args:
            clock: seconds.
            wall: seconds since 1970.
            name: its sysName.
            instance: of keepalived; empty: it runs none.
            vrid: the number of its virtual router.
        """
        self.name = name
        self.instance = instance
        self.vrid = vrid
        self.vrrp = "backup"
        """One of ``STATES``."""
        self.priority = 100
        self.load = 8.0
        """Of its two processors, %."""
        self.memory = 45.0
        """In use, %."""
        self.disks = {"/": 38.0, "/var": 52.0}
        """Mount point → %."""
        self.read_only = False
        """Whether its last disk takes nothing."""
        self.processes = 180
        self.offset = 0.0
        """How far its clock is ahead, in seconds."""
        self._wall = wall
        self._clock = clock
        self._started = clock()

    def restart(self) -> None:
        """Start anew: its uptime begins at 0."""
        self._started = self._clock()

    def rows(self) -> Rows:
        """Return what it says in SNMP."""
        ticks = Ticks(int((self._clock() - self._started) * 100))
        rows: dict[Oid, Cell] = {
            (*_SYSTEM, 1, 0): Text(f"Linux {self.name} 6.1.0 (simulated)"),
            (*_SYSTEM, 2, 0): Name("1.3.6.1.4.1.8072.3.2.10"),
            (*_SYSTEM, 3, 0): ticks,
            (*_SYSTEM, 4, 0): Text("wolfsmoke"),
            (*_SYSTEM, 5, 0): Text(self.name),
            (*_HR, 1, 1, 0): ticks,
            (*_HR, 1, 2, 0): Octets(_date(self._wall() + self.offset)),
            (*_HR, 1, 5, 0): Gauge(1),
            (*_HR, 1, 6, 0): Gauge(self.processes),
        }
        for processor in (1, 2):
            rows[*_HR, 3, 3, 1, 2, processor] = Integer(round(self.load))
        _storage(rows, 1, 2, "Physical memory", 8 << 20, self.memory)
        _storage(rows, 10, 3, "Swap space", 2 << 20, 1.0)
        for place, (mount, used) in enumerate(self.disks.items(), 31):
            _storage(rows, place, 4, mount, 64 << 20, used)
            sealed = self.read_only and mount == list(self.disks)[-1]
            rows[*_HR, 3, 8, 1, 5, place] = Integer(2 if sealed else 1)
            rows[*_HR, 3, 8, 1, 7, place] = Integer(place)
        _card(rows)
        if self.instance:
            rows[*_VRRP, 2, 1] = Text(self.instance)
            rows[*_VRRP, 3, 1] = Gauge(self.vrid)
            rows[*_VRRP, 4, 1] = Integer(STATES[self.vrrp])
            rows[*_VRRP, 8, 1] = Integer(self.priority)
        return rows


def _date(wall: float) -> bytes:
    """Return DateAndTime (SNMPv2-TC), in UTC, with its tenths of a second."""
    at = datetime.fromtimestamp(wall, UTC)
    parts = (at.month, at.day, at.hour, at.minute, at.second, at.microsecond // 100_000)
    return at.year.to_bytes(2, "big") + bytes(parts) + b"+\0\0"


def _storage(rows: dict[Oid, Cell], row: int, kind: int, name: str, kib: int, used: float) -> None:
    cells: dict[int, Cell] = {
        1: Integer(row),
        2: Name(f"{_TYPES}.{kind}"),
        3: Text(name),
        4: Integer(_KIB),
        5: Integer(kib),
        6: Integer(round(kib * used / 100.0)),
    }
    rows.update({(*_HR, 2, 3, 1, column, row): cell for column, cell in cells.items()})


def _card(rows: dict[Oid, Cell]) -> None:
    cells: dict[int, Cell] = {
        1: Integer(1),
        2: Text("eth0"),
        3: Integer(6),
        5: Gauge(1_000_000_000),
        7: Integer(1),
        8: Integer(1),
        10: Counter(0),
        16: Counter(0),
    }
    rows.update({(*_IF, column, 1): cell for column, cell in cells.items()})


class SnmpHost(SnmpAgent):
    """A host on the network. Nothing listens before ``start``."""

    def __init__(self, host: Host, *, address: str = "127.0.0.1", port: int = 0, community: str = "public") -> None:
        """Take the model, and where to listen; see ``SnmpAgent``."""
        super().__init__(host.rows, host=address, port=port, community=community)
        self.host = host
