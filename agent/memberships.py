"""Which devices of the settings are members of which pairs and groups; and what is wrong with that, all of it at once."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from contract.locate import Path
from contract.settings import Fault, did_you_mean


def named(device: Any) -> Iterator[tuple[Path, str]]:
    """Yield the devices that a device is made of, and where in its table they are named. It may be a draft."""
    for way, keys in (("pair", ("members",)), ("group", ("members", "spares"))):
        table = getattr(device, way, None)
        for key in keys:
            listed = getattr(table, key, None)
            for at, member in enumerate(listed if isinstance(listed, tuple) else ()):
                if isinstance(member, str):
                    yield (way, key, at), member
    counted = getattr(getattr(getattr(device, "group", None), "count", None), "device", None)
    if isinstance(counted, str):
        yield ("group", "count", "device"), counted


def member_faults(devices: Sequence[Any]) -> Iterable[Fault]:
    """Yield what is wrong with the members of all devices; they may be drafts."""
    known = [device.id for device in devices if isinstance(getattr(device, "id", None), str)]
    made = {
        device.id: [member for _, member in named(device)]
        for device in devices
        if isinstance(getattr(device, "id", None), str)
    }
    for index, device in enumerate(devices):
        seen: set[str] = set()
        own = getattr(device, "id", None)
        for at, member in named(device):
            where = ("device", index, *at)
            if member == own:
                yield Fault("a member of itself", "name other devices", where)
            elif member not in known:
                yield Fault(f"no device {member!r} here", did_you_mean(member, known), where)
            elif member in seen:
                yield Fault(f"{member!r} twice", "name each once", where)
            elif isinstance(own, str) and own in _within(member, made):
                yield Fault(f"{member!r} is itself made of {own!r}", "a circle has no beginning: leave one out", where)
            seen.add(member)


def _within(device: str, made: Mapping[str, Sequence[str]]) -> set[str]:
    """Return all that a device is made of, at any depth."""
    found: set[str] = set()
    left = [device]
    while left:
        for member in made.get(left.pop(), ()):
            if member not in found:
                found.add(member)
                left.append(member)
    return found
