"""A switch: ports that carry traffic and go down, fans, supplies, a temperature. IF-MIB and CISCO-ENVMON-MIB over SNMP."""

from collections.abc import Callable
from typing import Final

import msgspec

from firmware_sims.snmp_agent import Cell, Counter64, Rows, SnmpAgent
from firmware_sims.snmp_faces import Counter, Gauge, Integer, Name, Oid, Text, Ticks

_IF: Final = (1, 3, 6, 1, 2, 1, 2, 2, 1)
_IFX: Final = (1, 3, 6, 1, 2, 1, 31, 1, 1, 1)
_ENVMON: Final = (1, 3, 6, 1, 4, 1, 9, 9, 13, 1)
_SYSTEM: Final = (1, 3, 6, 1, 2, 1, 1)
_UP, _DOWN = 1, 2
_NORMAL, _CRITICAL, _NOT_PRESENT = 1, 3, 5
_ETHERNET: Final = 6
_LIMIT: Final = 60
"""Degrees Celsius at which it calls itself hot."""


class SwitchPort(msgspec.Struct):
    """One port. Change it as you like; what it counts goes on."""

    name: str
    alias: str = ""
    speed: int = 1_000_000_000
    """Bits a second."""
    up: bool = False
    """Whether its link is up."""
    enabled: bool = True
    """Whether it is switched on (ifAdminStatus)."""
    in_rate: float = 0.0
    """Bits a second."""
    out_rate: float = 0.0
    errors: float = 0.0
    """A second, in."""
    in_octets: float = 0.0
    out_octets: float = 0.0
    in_errors: float = 0.0
    index: int = 0
    """ifIndex; 0: by its place."""

    @property
    def live(self) -> bool:
        """Whether traffic can pass."""
        return self.up and self.enabled


class Switch:
    """The model."""

    def __init__(self, clock: Callable[[], float], *, name: str = "switch-1", ports: int = 24, live: int = 8) -> None:
        """Be a switch.

        Args:
            clock: seconds.
            name: its sysName.
            ports: that it has; their names are ``Gi0/1`` and so on.
            live: of them, those whose link is up, with a little traffic.
        """
        self.name = name
        self.ports = [
            SwitchPort(f"Gi0/{number}", up=number <= live, in_rate=2e6 * number, out_rate=1e6 * number)
            for number in range(1, ports + 1)
        ]
        self.fans = {"FAN 1": True, "FAN 2": True}
        """Name → whether it turns."""
        self.supplies: dict[str, bool | None] = {"PSU 1": True, "PSU 2": True}
        """Name → whether it supplies; None: it was pulled."""
        self.temperature = 38.0
        self._clock = clock
        self._started = self._at = clock()
        self._shift = 0
        self._changed = 0.0

    def port(self, name: str) -> SwitchPort:
        """Return a port.

        Raises:
            KeyError: there is none of that name.
        """
        for port in self.ports:
            if port.name == name:
                return port
        raise KeyError(name)

    def pull(self, name: str) -> None:
        """Take a port away, as with its board."""
        self.ports.remove(self.port(name))
        self._changed = self.uptime

    def restart(self, *, renumber: bool = False) -> None:
        """Start anew: counters and uptime begin at 0.

        Args:
            renumber: deal out other ifIndexes, as many devices do.
        """
        self._started = self._at = self._clock()
        self._changed = 0.0
        self._shift += 100 if renumber else 0
        for port in self.ports:
            port.in_octets = port.out_octets = port.in_errors = 0.0

    @property
    def uptime(self) -> float:
        """Seconds."""
        return self._clock() - self._started

    def view(self) -> dict[str, object]:
        """Return how it is, for people."""
        return {
            "up": [port.name for port in self.ports if port.live],
            "down": [port.name for port in self.ports if not port.live],
            "fans": dict(self.fans),
            "supplies": dict(self.supplies),
            "temperature": self.temperature,
            "uptime": round(self.uptime, 1),
        }

    def advance(self) -> None:
        """Count what passed since the last time."""
        now = self._clock()
        seconds, self._at = now - self._at, now
        for port in self.ports:
            if port.live:
                port.in_octets += port.in_rate / 8 * seconds
                port.out_octets += port.out_rate / 8 * seconds
                port.in_errors += port.errors * seconds

    def rows(self) -> Rows:
        """Return what it says in SNMP."""
        self.advance()
        rows: dict[Oid, Cell] = {
            (*_SYSTEM, 1, 0): Text(f"Cisco IOS Software (simulated), {len(self.ports)} ports"),
            (*_SYSTEM, 2, 0): Name("1.3.6.1.4.1.9.1.1208"),
            (*_SYSTEM, 3, 0): Ticks(int(self.uptime * 100)),
            (*_SYSTEM, 4, 0): Text("wolfsmoke"),
            (*_SYSTEM, 5, 0): Text(self.name),
            (1, 3, 6, 1, 2, 1, 2, 1, 0): Integer(len(self.ports)),
            (1, 3, 6, 1, 2, 1, 31, 1, 5, 0): Ticks(int(self._changed * 100)),
        }
        for place, port in enumerate(self.ports, 1):
            _port(rows, port, (port.index or place) + self._shift)
        self._environment(rows)
        return rows

    def _environment(self, rows: dict[Oid, Cell]) -> None:
        hot = self.temperature >= _LIMIT
        temperature: dict[int, Cell] = {
            2: Text("Chassis"),
            3: Gauge(round(self.temperature)),
            4: Integer(_LIMIT),
            6: Integer(_CRITICAL if hot else _NORMAL),
        }
        rows.update({(*_ENVMON, 3, 1, column, 1): cell for column, cell in temperature.items()})
        for row, (name, turns) in enumerate(self.fans.items(), 1):
            rows[*_ENVMON, 4, 1, 2, row] = Text(name)
            rows[*_ENVMON, 4, 1, 3, row] = Integer(_NORMAL if turns else _CRITICAL)
        for row, (name, supplies) in enumerate(self.supplies.items(), 1):
            state = _NOT_PRESENT if supplies is None else _NORMAL if supplies else _CRITICAL
            rows[*_ENVMON, 5, 1, 2, row] = Text(name)
            rows[*_ENVMON, 5, 1, 3, row] = Integer(state)


def _port(rows: dict[Oid, Cell], port: SwitchPort, index: int) -> None:
    cells: dict[int, Cell] = {
        1: Integer(index),
        2: Text(port.name.replace("Gi", "GigabitEthernet")),
        3: Integer(_ETHERNET),
        4: Integer(1500),
        5: Gauge(min(port.speed, 4294967295)),
        7: Integer(_UP if port.enabled else _DOWN),
        8: Integer(_UP if port.live else _DOWN),
        9: Ticks(0),
        10: Counter(int(port.in_octets)),
        13: Counter(0),
        14: Counter(int(port.in_errors)),
        16: Counter(int(port.out_octets)),
        19: Counter(0),
        20: Counter(0),
    }
    rows.update({(*_IF, column, index): cell for column, cell in cells.items()})
    more: dict[int, Cell] = {
        1: Text(port.name),
        6: Counter64(int(port.in_octets)),
        10: Counter64(int(port.out_octets)),
        15: Gauge(port.speed // 1_000_000),
        17: Integer(1),
        18: Text(port.alias),
        19: Ticks(0),
    }
    rows.update({(*_IFX, column, index): cell for column, cell in more.items()})


class SnmpSwitch(SnmpAgent):
    """A switch on the network. Nothing listens before ``start``."""

    def __init__(self, switch: Switch, *, host: str = "127.0.0.1", port: int = 0, community: str = "public") -> None:
        """Take the model, and where to listen; see ``SnmpAgent``."""
        super().__init__(switch.rows, host=host, port=port, community=community)
        self.switch = switch
