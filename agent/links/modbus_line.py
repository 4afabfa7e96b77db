"""Where Modbus devices are, and how their line is set: known without the library that speaks it."""

from typing import Final, Literal

import msgspec

_CHARACTER: Final = 11
"""Bits of a character on the line, at most."""
_SHORTEST_GAP: Final = 0.00175
"""Seconds between two frames above 19200 baud (MODBUS over serial line, 2.5.1.1)."""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """Where devices are: a serial port, or a host."""

    port: str = ""
    """Path of a serial port; empty for a host."""
    host: str = ""
    tcp_port: int = 502
    framing: Literal["tcp", "rtu"] = "tcp"
    """Of a host; a serial port speaks RTU."""
    baudrate: int = 9600
    parity: str = "N"
    stopbits: int = 1
    timeout: float = 0.5
    """Seconds that an answer may take."""

    @property
    def rtu(self) -> bool:
        """Whether frames are RTU's."""
        return bool(self.port) or self.framing == "rtu"

    @property
    def where(self) -> str:
        """The port or the host, for errors; one bus for all that have the same."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return self.port or f"{host}:{self.tcp_port}"

    @property
    def words(self) -> str:
        """The settings of a serial line; empty for a host."""
        return f"{self.baudrate} 8{self.parity}{self.stopbits}" if self.port else ""

    def on_wire(self, characters: int) -> float:
        """Return the seconds that characters are under way. Behind a host there is often such a line as well."""
        return characters * _CHARACTER / self.baudrate

    @property
    def gap(self) -> float:
        """Seconds of silence that end a frame: 3.5 characters."""
        return max(_SHORTEST_GAP, 3.5 * _CHARACTER / self.baudrate) if self.port else 0.0
