"""A voice gateway with E1 trunks that lose their signal, calls on their channels, and analog lines. DS1-MIB over SNMP."""

from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from firmware_sims.snmp_agent import Cell, Rows, SnmpAgent
from firmware_sims.snmp_faces import Counter, Gauge, Integer, Name, Oid, Text, Ticks

_SYSTEM: Final = (1, 3, 6, 1, 2, 1, 1)
_IF: Final = (1, 3, 6, 1, 2, 1, 2, 2, 1)
_IFX: Final = (1, 3, 6, 1, 2, 1, 31, 1, 1, 1)
_DS1: Final = (1, 3, 6, 1, 2, 1, 10, 18)
_BEARER: Final = (1, 3, 6, 1, 2, 1, 10, 20, 1, 2, 1, 1)
_ETHERNET, _E1, _LAPD, _DS0, _FXS = 6, 18, 77, 81, 102
"""ifTypes."""
_CHANNELS: Final = 30
"""Voice channels of an E1."""
_QUARTER: Final = 900.0
_IDLE, _ACTIVE = 1, 4


class GatewayTrunk(msgspec.Struct):
    """One E1. Change it as you like."""

    name: str
    circuit: str = ""
    """What the carrier calls it."""
    signal: bool = True
    framed: bool = True
    ais: bool = False
    """All ones come in: trouble behind the far end."""
    far_alarm: bool = False
    """The far end does not receive us."""
    looped: bool = False
    enabled: bool = True
    signalling: bool = True
    """Whether its D channel is up."""
    calls: int = 0
    errored: float = 0.0
    """Errored seconds of this quarter of an hour."""
    severely: float = 0.0
    unavailable: float = 0.0

    @property
    def receives(self) -> bool:
        """Whether what comes in can be used."""
        return self.signal and self.framed and not self.ais

    @property
    def status(self) -> int:
        """dsx1LineStatus: a sum of flags; 1 for a healthy line (RFC 4805)."""
        flags = {
            64: not self.signal,
            32: self.signal and not self.framed,
            8: self.signal and self.framed and self.ais,
            4: not self.receives,
            2: self.far_alarm,
            128: self.looped,
        }
        return sum(bit for bit, there in flags.items() if there) or 1

    @property
    def up(self) -> bool:
        """Whether it carries calls."""
        return self.enabled and self.receives and not self.far_alarm and not self.looped


class Gateway:
    """The model."""

    def __init__(self, clock: Callable[[], float], *, name: str = "gateway-1", trunks: int = 2, lines: int = 4) -> None:
        """Be a gateway.

        Args:
            clock: seconds.
            name: its sysName.
            trunks: E1s that it has; their names are ``E1 0/0`` and so on.
            lines: analog lines that it has (FXS).
        """
        self.name = name
        self.trunks = [GatewayTrunk(f"E1 0/{number}", circuit=f"TRUNK-{number + 1}") for number in range(trunks)]
        self.lines = {f"FXS 1/{number}": True for number in range(1, lines + 1)}
        """Name → whether its port works."""
        self._clock = clock
        self._started = self._at = clock()
        self._quarter = 0.0

    def trunk(self, name: str) -> GatewayTrunk:
        """Return a trunk by its name, or its circuit.

        Raises:
            KeyError: there is none of that name.
        """
        for trunk in self.trunks:
            if name in (trunk.name, trunk.circuit):
                return trunk
        raise KeyError(name)

    def restart(self) -> None:
        """Start anew: counters and uptime begin at 0, calls are lost."""
        self._started = self._at = self._clock()
        self._quarter = 0.0
        for trunk in self.trunks:
            trunk.calls = 0
            trunk.errored = trunk.severely = trunk.unavailable = 0.0

    def view(self) -> dict[str, object]:
        """Return how it is, for people."""
        return {
            "trunks": {trunk.name: trunk.status for trunk in self.trunks},
            "calls": sum(trunk.calls for trunk in self.trunks if trunk.up),
            "lines": dict(self.lines),
        }

    def advance(self) -> None:
        """Count the bad seconds since the last time."""
        now = self._clock()
        seconds, self._at = now - self._at, now
        self._quarter += seconds
        if self._quarter >= _QUARTER:
            self._quarter %= _QUARTER
            for trunk in self.trunks:
                trunk.errored = trunk.severely = trunk.unavailable = 0.0
            seconds = min(seconds, self._quarter)
        for trunk in self.trunks:
            if not trunk.receives:
                trunk.errored += seconds
                trunk.severely += seconds
                trunk.unavailable += seconds

    def rows(self) -> Rows:
        """Return what it says in SNMP."""
        self.advance()
        rows: dict[Oid, Cell] = {
            (*_SYSTEM, 1, 0): Text("Voice gateway (simulated)"),
            (*_SYSTEM, 2, 0): Name("1.3.6.1.4.1.8072.3.2.255"),
            (*_SYSTEM, 3, 0): Ticks(int((self._clock() - self._started) * 100)),
            (*_SYSTEM, 4, 0): Text("wolfsmoke"),
            (*_SYSTEM, 5, 0): Text(self.name),
        }
        _interface(rows, 1, "eth0", _ETHERNET, 100_000_000)
        for place, trunk in enumerate(self.trunks):
            index = 10 + place
            _interface(rows, index, trunk.name, _E1, 2_048_000, up=trunk.up, enabled=trunk.enabled)
            _interface(rows, 100 + place, f"D {trunk.name}", _LAPD, 64_000, up=trunk.up and trunk.signalling)
            rows.update(_ds1(trunk, index, int(self._quarter)))
            for channel in range(1, _CHANNELS + 1):
                row = 1000 * (place + 1) + channel
                name = f"B {trunk.name}:{channel}"
                _interface(rows, row, name, _DS0, 64_000, up=trunk.up, enabled=trunk.enabled)
                if trunk.enabled:
                    rows[*_BEARER, 2, row] = Integer(_ACTIVE if trunk.up and channel <= trunk.calls else _IDLE)
        for place, (name, works) in enumerate(self.lines.items(), 200):
            _interface(rows, place, name, _FXS, 64_000, up=works)
        return rows


def _interface(
    rows: dict[Oid, Cell], index: int, name: str, kind: int, speed: int, *, up: bool = True, enabled: bool = True
) -> None:
    cells: dict[int, Cell] = {
        1: Integer(index),
        2: Text(name),
        3: Integer(kind),
        5: Gauge(speed),
        7: Integer(1 if enabled else 2),
        8: Integer(1 if up and enabled else 2),
        10: Counter(0),
        14: Counter(0),
        16: Counter(0),
        20: Counter(0),
    }
    rows.update({(*_IF, column, index): cell for column, cell in cells.items()})
    rows[*_IFX, 1, index] = Text(name)


def _ds1(trunk: GatewayTrunk, index: int, elapsed: int) -> Iterator[tuple[Oid, Cell]]:
    config: dict[int, Cell] = {
        1: Integer(index),
        2: Integer(index),
        3: Integer(elapsed),
        4: Integer(96),
        5: Integer(5),  # E1 with CRC
        6: Integer(3),  # HDB3
        8: Text(trunk.circuit),
        9: Integer(3 if trunk.looped else 1),
        10: Integer(trunk.status),
    }
    current: dict[int, Cell] = {
        1: Integer(index),
        2: Gauge(int(trunk.errored)),
        3: Gauge(int(trunk.severely)),
        4: Gauge(0),
        5: Gauge(int(trunk.unavailable)),
    }
    for table, cells in ((6, config), (7, current)):
        for column, cell in cells.items():
            yield (*_DS1, table, 1, column, index), cell


class SnmpGateway(SnmpAgent):
    """A gateway on the network. Nothing listens before ``start``."""

    def __init__(self, gateway: Gateway, *, host: str = "127.0.0.1", port: int = 0, community: str = "public") -> None:
        """Take the model, and where to listen; see ``SnmpAgent``."""
        super().__init__(gateway.rows, host=host, port=port, community=community)
        self.gateway = gateway
