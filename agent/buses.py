"""Which device has which serial port, or which host of Modbus devices: what does not fit is said before anything is opened."""

from collections.abc import Iterable
from typing import Any

import msgspec

from agent.ways import WAYS
from agent.ways.modbus import Modbus
from contract import settings
from contract.settings import Fault


class Buses:
    """Who has which serial port, or which host of Modbus devices: one device, or several of Modbus on one bus."""

    def __init__(self) -> None:
        """Start with every port free."""
        self._alone: dict[str, int] = {}
        self._shared: dict[str, tuple[int, str]] = {}
        """Port or host → its first device, and how that speaks."""
        self._units: dict[tuple[str, int], int] = {}

    def faults(self, index: int, device: Any) -> Iterable[Fault]:
        """Yield what is wrong between a device and those before it."""
        for name in WAYS:
            way = getattr(device, name)
            port = way.port if isinstance(way, msgspec.Struct | settings.Draft) and hasattr(way, "port") else None
            if isinstance(way, Modbus):
                yield from self._modbus(index, way, device.profile)
            elif isinstance(port, str) and port and name != "modbus":
                first = self._shared[port][0] if port in self._shared else self._alone.setdefault(port, index)
                if first != index:
                    what = f"{port} is taken by device[{first}]"
                    yield Fault(what, "one port, one device", ("device", index, name, "port"))

    def _modbus(self, index: int, way: Modbus, profile: Any) -> Iterable[Fault]:
        key = "port" if way.port else "host"
        line = way.line(profile if isinstance(profile, str) else "")
        bus = line.where
        if bus in self._alone:
            what = f"{bus} is taken by device[{self._alone[bus]}], which does not speak Modbus"
            yield Fault(what, "one port, one protocol", ("device", index, "modbus", key))
            return
        speaks = line.words or f"framing = {line.framing!r}"
        first, before = self._shared.setdefault(bus, (index, speaks))
        if speaks != before:
            hint = "all devices on a bus must be set to the same speed and parity: write it for each"
            yield Fault(
                f"{bus} is at {before} for device[{first}], and at {speaks} here", hint, ("device", index, "modbus")
            )
        other = self._units.setdefault((bus, way.unit), index)
        if other != index:
            what = f"unit {way.unit} on {bus} is device[{other}]"
            yield Fault(what, "one address, one device", ("device", index, "modbus", "unit"))
