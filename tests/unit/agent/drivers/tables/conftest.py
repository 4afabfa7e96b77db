"""A device with tables that is a dictionary, and a clock to turn by hand."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from agent.drivers.tables.base import Options
from agent.drivers.tables.make import MAKERS
from contract.clock import Stamp
from contract.errors import DeviceTimeout

UPTIME, OBJECT_ID = "1.3.6.1.2.1.1.3.0", "1.3.6.1.2.1.1.2.0"
IF, IFX = "1.3.6.1.2.1.2.2.1", "1.3.6.1.2.1.31.1.1.1"
IN, OUT, IN_ERRORS = f"{IFX}.6", f"{IFX}.10", f"{IF}.14"
OPER, ADMIN = f"{IF}.8", f"{IF}.7"
WAY = 24
"""OIDs in one request."""


def numbers(oid: str) -> tuple[int, ...]:
    return tuple(map(int, oid.split(".")))


class Device:
    """Answers what it holds; some tables may be unreadable."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {UPTIME: 360000, OBJECT_ID: "1.3.6.1.4.1.99999.1"}
        self.unreadable: set[str] = set()
        self.away = False
        self.requests = 0
        self.walks: list[str] = []

    async def get(self, oids: Sequence[str]) -> dict[str, Any]:
        self.requests += -(-len(oids) // WAY)
        if self.away:
            raise DeviceTimeout("no answer")
        return {oid: self.values.get(oid) for oid in oids}

    async def walk(self, root: str) -> dict[str, Any]:
        self.walks.append(root)
        if self.away or root in self.unreadable:
            raise DeviceTimeout("no answer")
        return {oid: self.values[oid] for oid in sorted(self.values, key=numbers) if oid.startswith(f"{root}.")}

    async def close(self) -> None:
        pass

    def port(self, index: int, name: str, *, up: bool = True, admin: bool = True, kind: int = 6, **more: Any) -> None:
        """Add an interface, or change it."""
        said = {
            f"{IF}.2": name.encode(),
            f"{IF}.3": kind,
            ADMIN: 1 if admin else 2,
            OPER: 1 if up else 2,
            f"{IFX}.1": name.encode(),
            f"{IFX}.15": more.get("mbits", 1000),
            f"{IFX}.18": more.get("alias", "").encode(),
            IN: more.get("octets", 0),
            OUT: more.get("octets", 0),
            IN_ERRORS: more.get("errors", 0),
            f"{IF}.20": 0,
            f"{IF}.13": 0,
            f"{IF}.19": 0,
        }
        self.values |= {f"{column}.{index}": value for column, value in said.items()}

    def drop(self, index: int) -> None:
        """Take an interface away."""
        for column in (*(f"{IF}.{number}" for number in range(1, 23)), *(f"{IFX}.{number}" for number in range(1, 20))):
            self.values.pop(f"{column}.{index}", None)

    def run(self, seconds: float) -> None:
        """Let its uptime go on."""
        self.values[UPTIME] = int(self.values[UPTIME] + seconds * 100) % 2**32


class Bench:
    """A device, its driver, and the time."""

    def __init__(self, device: Device, kind: str, memo: Any = None, **options: Any) -> None:
        self.device = device
        self.now = 1000.0
        self.wall = 1_700_000_000.0
        self.trusted = True
        self.kind = kind
        self.options = Options(**options)
        self.memo = memo
        self.begin()

    def begin(self) -> None:
        """Start the agent anew: a new driver, and what the old one left in its memo."""
        self.driver = MAKERS[self.kind](self.device, self.options, "", self, self.memo)

    def boottime(self) -> float:
        return self.now

    def stamp(self) -> Stamp:
        return Stamp(wall=self.wall, boottime=self.now, trusted=self.trusted)

    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        self.wall += seconds
        self.device.run(seconds)

    async def read(self, *lane: Any) -> dict[str, Any]:
        """Return what it says: values by quantity, None where they are not good."""
        readings = await self.driver.read(*lane)
        names = [reading.quantity for reading in readings]
        assert len(names) == len(set(names)), "a quantity twice"
        bad = [reading for reading in readings if reading.quality == "implausible"]
        assert not bad
        return {reading.quantity: reading.value if reading.good else None for reading in readings}


@pytest.fixture
def device() -> Device:
    return Device()


@pytest.fixture
def bench(device) -> Callable[..., Bench]:
    return lambda kind, memo=None, **options: Bench(device, kind, memo, **options)
