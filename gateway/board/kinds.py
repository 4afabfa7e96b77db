"""What of each kind of device people see first, and what is drawn. One table."""

from collections.abc import Iterable
from typing import Final

_AIR: Final = ("ambient.temperature", "ambient.humidity")

FIRST: Final[dict[str, tuple[str, ...]]] = {
    "ups": (
        "battery.charge",
        "battery.runtime",
        "ups.load",
        "input.voltage",
        "output.voltage",
        "battery.voltage",
        "battery.temperature",
        "ups.temperature",
        *_AIR,
    ),
    "environment": (
        "ambient.alarm",
        "x.ambient.temperature.maximum",
        "x.ambient.humidity.maximum",
        *_AIR,
        "x.smoke.density",
    ),
    "surge": (
        "x.surge.life",
        "x.surge.strikes.total",
        "x.surge.strikes.recent",
        "x.surge.leakage",
        "x.earth.resistance",
        "x.surge.temperature",
    ),
    "network": (
        "x.port.alarm",
        "x.network.alarm",
        "x.port.down",
        "x.port.watched",
        "x.network.temperature.maximum",
        "x.network.cpu.load",
        "device.uptime",
    ),
    "trunk": (
        "x.trunk.alarm",
        "x.trunk.down",
        "x.trunk.watched",
        "x.channel.busy",
        "x.channel.free",
        "x.port.spare",
        "x.network.alarm",
    ),
    "host": (
        "host.problem",
        "host.cpu.load",
        "host.memory.used",
        "host.disk.used.maximum",
        "host.temperature.maximum",
        "host.uptime",
    ),
    "agent": ("agent.trouble", "agent.room", "agent.held", "agent.disk.used", "agent.flash.wear", "agent.temperature"),
    "backup": ("backup.problem", "backup.age", "backup.size", "backup.left", "backup.tape.age"),
    "security": (
        "security.problem",
        "security.logins.failed",
        "security.logins.source",
        "security.ports.new",
        "security.syslog.errors",
        "security.evidence",
    ),
    "line": (
        "x.selfcheck.verdict",
        "x.line.carrier",
        "x.line.loss",
        "x.line.delay",
        "x.line.jitter",
        "x.line.drops.recent",
        "x.sip.code",
        "x.tls.days",
    ),
    "endpoint": ("x.probe.fault", "x.probe.delay", "x.probe.loss", "x.tls.days"),
    "pair": ("pair.active", "pair.standby", "pair.reason", "pair.lag"),
    "group": ("group.ready", "group.needed", "group.spare.ready", "group.down", "group.takeover"),
    "power": (
        "x.power.alarm",
        "x.power.mode",
        "input.source",
        "x.power.load",
        "x.genset.fuel",
        "x.genset.battery.voltage",
    ),
}
"""Kind → what a card shows unopened, in this order, as far as the device has it."""

SOMETIMES: Final[dict[str, frozenset[str]]] = {
    "ups": frozenset(_AIR),
    "line": frozenset({"x.sip.code", "x.tls.days"}),
    "endpoint": frozenset({"x.probe.fault", "x.probe.loss", "x.tls.days"}),
    "pair": frozenset({"pair.reason", "pair.lag"}),
    "group": frozenset({"group.down", "group.takeover"}),
}
"""Kind → of these, what its card shows only while there is something to say: most UPSes have no probe in the room, and a
pair that is well has no reason not to be. What a sensor is for is never in here."""

CHARTED: Final = (
    "battery.charge",
    "ups.load",
    "input.voltage",
    "battery.runtime",
    "battery.voltage",
    "battery.temperature",
    "ambient.temperature",
    "x.ambient.temperature.maximum",
    "x.ambient.humidity.maximum",
    "x.surge.leakage",
    "host.cpu.load",
    "host.memory.used",
    "host.disk.used.maximum",
)
"""What is drawn over the last hour."""

CALM: Final = frozenset(
    {
        *("OL", "HB", "CHRG", "DISCHRG", "CAL", "TRIM", "BOOST", "ECO", "KEPT"),  # UPSes
        *("WRITING", "REBOOT"),  # backups, hosts
        *("UP", "ANSWERS"),  # lines, probes
        *("SERVING", "SINGLE", "REDUNDANT"),  # pairs
        *("ENOUGH", "WHOLE", "SPARED"),  # groups
    }
)
"""Flags that are no trouble; all others are."""

NOW: Final[dict[str, tuple[str, ...]]] = {"ups": ("battery.charge", "battery.runtime", "ups.load")}
"""Kind → what a person on call wants to know of a device before anything else; else what its card shows first."""
_MOST: Final = 6


def first(kind: str, said: Iterable[str]) -> list[str]:
    """Return the quantities that are shown first, of those that a device says."""
    there = list(said)
    known = [name for name in FIRST.get(kind, ()) if name in there]
    return known or ([] if kind in FIRST else [name for name in there if name != "x.contact"][:_MOST])


def now(kind: str) -> tuple[str, ...]:
    """Return the quantities that a message tells."""
    return NOW.get(kind, FIRST.get(kind, ()))
