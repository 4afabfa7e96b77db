"""How devices are asked. One module a way: its table in the settings, its URL, and the driver they lead to.

A new one is a module here, a driver, a line in ``WAYS``, and a field of ``agent.device.Device``.
"""

from typing import Final

from agent.drivers.base import Driver
from agent.ways import target
from agent.ways import url as urls
from agent.ways.apcsmart import ApcSmart
from agent.ways.backup import Backup
from agent.ways.base import Context, Tabled, Way, meant
from agent.ways.group import Group
from agent.ways.host import Host
from agent.ways.line import Line
from agent.ways.megatec import Megatec
from agent.ways.modbus import Modbus
from agent.ways.nut import Nut
from agent.ways.pair import Pair
from agent.ways.probe import Probe
from agent.ways.security import Security
from agent.ways.snmp import Snmp
from contract.errors import UsageError
from contract.settings import did_you_mean

__all__ = ["EXAMPLES", "SCHEMES", "WAYS", "Context", "Way", "from_url", "parse"]

WAYS: Final[dict[str, type[Way]]] = {
    "snmp": Snmp,
    "megatec": Megatec,
    "modbus": Modbus,
    "apcsmart": ApcSmart,
    "nut": Nut,
    "line": Line,
    "probe": Probe,
    "host": Host,
    "backup": Backup,
    "security": Security,
    "pair": Pair,
    "group": Group,
}
"""Name of the table in the settings → the way; the scheme of its URL, where that has a name of its own."""

EXAMPLES: Final = (
    *(way.EXAMPLE for way in WAYS.values() if way.EXAMPLE and way is not Probe),
    "modbus+rtu:///dev/ttyUSB0?unit=UNIT",
    *target.EXAMPLES.values(),
)
"""One URL of each protocol."""

SCHEMES: Final[dict[str, type[Way]]] = {**WAYS, "modbus+rtu": Modbus, **dict.fromkeys(target.EXAMPLES, Probe)}
"""Scheme of a URL → the way."""


def parse(url: str) -> Way:
    """Return what a URL points at.

    Raises:
        UsageError: the URL is wrong.
    """
    examples = ", ".join(EXAMPLES)
    parts = urls.split(url, f"write {examples}")
    way = SCHEMES.get(parts.scheme)
    if way is None or not way.EXAMPLE:
        raise UsageError(f"no protocol {parts.scheme!r}", hint=f"write {examples}")
    return way.from_url(parts)


def from_url(url: str, *, kind: str = "", profile: str = "") -> Driver:
    """Return the driver of a device that a URL points at.

    Args:
        url: see the ways.
        kind: of the device; empty for the first one that its way knows.
        profile: of its way's tables; empty for the one that fits.

    Raises:
        UsageError: the URL is wrong, or the kind or the profile is none of its way's.
    """
    way = parse(url)
    if kind and kind not in way.KINDS:
        raise UsageError(f"no kind {kind!r} over this protocol", hint=did_you_mean(kind, way.KINDS))
    kind = kind or meant(type(way), profile)
    names = way.profiles(kind)
    if not profile and isinstance(way, Tabled):
        every = sorted(name for each in way.KINDS for name in way.profiles(each))
        raise UsageError("it cannot say what it is", hint=f"add --profile, one of {', '.join(every)}")
    if profile and not names:
        raise UsageError("this protocol has no profiles", hint="leave --profile out")
    if profile and profile not in names:
        raise UsageError(f"no profile {profile!r}", hint=did_you_mean(profile, names))
    return way.driver(Context(kind=kind, profile=profile))
