"""How devices are asked. One module a way: its table in the settings, its URL, and the driver they lead to.

A new one is a module here, a driver, a line in ``WAYS``, and a field of ``agent.config.Device``.
"""

from typing import Final

from agent.drivers.base import Driver
from agent.ways import url as urls
from agent.ways.base import Context, Way
from agent.ways.group import Group
from agent.ways.megatec import Megatec
from agent.ways.pair import Pair
from agent.ways.snmp import Snmp
from contract.errors import UsageError
from contract.settings import did_you_mean

__all__ = ["WAYS", "Context", "Way", "from_url", "parse"]

WAYS: Final[dict[str, type[Way]]] = {
    "snmp": Snmp,
    "megatec": Megatec,
    "pair": Pair,
    "group": Group,
}
"""Name of the table in the settings, and scheme of the URL → the way."""


def parse(url: str) -> Way:
    """Return what a URL points at.

    Raises:
        UsageError: the URL is wrong.
    """
    examples = ", ".join(way.EXAMPLE for way in WAYS.values() if way.EXAMPLE)
    parts = urls.split(url, f"write {examples}")
    way = WAYS.get(parts.scheme)
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
    kind = kind or way.KINDS[0]
    names = way.profiles(kind)
    if profile and not names:
        raise UsageError("this protocol has no profiles", hint="leave --profile out")
    if profile and profile not in names:
        raise UsageError(f"no profile {profile!r}", hint=did_you_mean(profile, names))
    return way.driver(Context(kind=kind, profile=profile))
