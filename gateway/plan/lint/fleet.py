"""The devices of a site and what can be wrong with them: from inventories, from agents' settings, from the kinds' tables.

The gateway runs none of the agent's code. The tables of the kinds (``agent/kinds/*.toml``) are data in the same package,
and agents' settings are read here only as far as the plan cares: which devices there are, of which kind, watched for what.
"""

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import msgspec

from contract.locate import Locator
from contract.message import ITSELF
from gateway import watches
from gateway.alarms.model import Rules

CONTACT: Final = "contact-lost"
"""Every device is watched for it."""
WAYS: Final[Mapping[str, str]] = {
    "snmp": "ups",
    "megatec": "ups",
    "modbus": "environment",
    "apcsmart": "ups",
    "nut": "ups",
    "line": "line",
    "probe": "endpoint",
    "host": "host",
    "backup": "backup",
    "security": "security",
    "pair": "pair",
    "group": "group",
}
"""How a device is asked → its kind, where neither its settings nor its profile says another."""


class Watch(msgspec.Struct, frozen=True):
    """A condition that a kind of device is watched for by default, and the reading that raises it."""

    name: str
    quantity: str = ""
    flag: str = ""


class Watched(msgspec.Struct, frozen=True, kw_only=True):
    """A device, and for what it is watched."""

    site: str = ""
    agent: str = ""
    device: str
    kind: str = ""
    title: str = ""
    room: str = ""
    conditions: tuple[str, ...] = ()
    file: str = ""
    """Where it is written; empty: its agent says so."""
    line: int = 0

    @property
    def key(self) -> str:
        """Site, agent and device, for people."""
        return "/".join(part for part in (self.site, self.agent, self.device) if part)


class Fleet(msgspec.Struct, frozen=True):
    """What devices there are."""

    kinds: Mapping[str, tuple[Watch, ...]] = {}
    """Kind → what its devices are watched for by default; empty where that is not known."""
    devices: tuple[Watched, ...] | None = None
    """None: nobody has said."""
    sure: bool = True
    """Whether all that can be wrong is known; not where the gateway's rules of alarms cannot be read."""

    def raises(self, kind: str, condition: str) -> bool:
        """Say whether a condition can come of a kind of device: of its table, a contact on it, an agent, the gateway."""
        if condition == CONTACT or condition in watches.CONDITIONS:
            return True
        if any(watch.name == condition for watch in self.kinds.get(kind, ())):
            return True
        if any(one.kind == kind and condition in one.conditions for one in self.devices or ()):
            return True
        # What hangs on an input of a device raises the flags of another kind: smoke, on a UPS's card.
        return any(watch.name == condition and watch.flag for table in self.kinds.values() for watch in table)

    def knows(self, condition: str) -> bool:
        """Say whether anything at all can raise a condition."""
        return any(self.raises(kind, condition) for kind in self.every_kind())

    def every_kind(self) -> set[str]:
        """Return the kinds that are known."""
        return {*self.kinds, *(one.kind for one in self.devices or ())}

    def watch(self, kind: str, condition: str) -> Watch:
        """Return what is known of how a condition is judged on a kind."""
        if condition == CONTACT:
            return Watch(CONTACT, "x.contact")
        tables = (self.kinds.get(kind, ()), *self.kinds.values())
        return next((watch for table in tables for watch in table if watch.name == condition), Watch(condition))


def kinds_of(texts: Mapping[str, str]) -> dict[str, tuple[Watch, ...]]:
    """Return what each kind is watched for: from the name of its table to its text. Tables that are wrong are left out."""
    found = {}
    for name, text in texts.items():
        conditions = _tables(_parsed(text), "condition")
        found[name] = tuple(
            Watch(one["name"], str(one.get("quantity", "")), str(one.get("flag", "")))
            for one in conditions
            if isinstance(one.get("name"), str)
        )
    return found


def with_made(kinds: Mapping[str, tuple[Watch, ...]], rules: Rules) -> dict[str, tuple[Watch, ...]]:
    """Return the kinds with what the gateway makes of their alarms and readings besides (``alarms.toml``)."""
    made = [(rule.kinds, Watch(rule.becomes)) for rule in rules.worse]
    made += [(rule.kinds, Watch(rule.name)) for rule in rules.count]
    made += [(rule.kinds, Watch(rule.name, rule.quantity, rule.flag)) for rule in rules.condition]
    return {
        kind: (*table, *(watch for meant, watch in made if not meant or kind in meant)) for kind, table in kinds.items()
    }


def installed_kinds() -> dict[str, tuple[Watch, ...]]:
    """Return the kinds of this installation; none where the agent's tables are not installed."""
    texts = {path.stem: path.read_text("utf-8") for path in _tables_in("kinds")}
    return kinds_of(texts)


def installed_profiles() -> dict[str, str]:
    """Return which kind of device each profile of this installation is for."""
    found = {}
    for folder in ("profiles", "profiles_modbus", "profiles_network"):
        for path in _tables_in(folder):
            kind = _parsed(path.read_text("utf-8")).get("kind")
            if isinstance(kind, str):
                found[path.stem] = kind
    return found


def _tables_in(folder: str) -> list[Path]:
    spec = find_spec("agent")
    roots = spec.submodule_search_locations if spec else None
    return sorted(path for root in roots or () for path in Path(root, folder).glob("*.toml"))


def devices_of(
    file: str, text: str, kinds: Mapping[str, tuple[Watch, ...]], profiles: Mapping[str, str]
) -> Iterator[Watched]:
    """Yield the devices of an agent's settings, the agent itself among them; what cannot be read is passed over.

    ``wolfsmoke-agent check`` is who says what is wrong with such a file.
    """
    table = _parsed(text)
    locator = Locator(text)
    agent = table.get("agent")
    if not isinstance(agent, dict):
        return
    site, name, room = (str(agent.get(key, "")) for key in ("site", "name", "room"))
    for index, device in enumerate(_tables(table, "device")):
        kind = device.get("kind") or profiles.get(str(device.get("profile", "")))
        kind = str(kind or next((WAYS[way] for way in WAYS if way in device), ""))
        yield Watched(
            site=site,
            agent=name,
            device=str(device.get("id", "")),
            kind=kind,
            title=str(device.get("title", "")),
            room=str(device.get("room", room)),
            conditions=_conditions(kinds.get(kind, ()), _tables(device, "condition")),
            file=file,
            line=locator.line(("device", index)),
        )
    yield Watched(
        site=site,
        agent=name,
        device=ITSELF,
        kind=ITSELF,
        room=room,
        conditions=_conditions(kinds.get(ITSELF, ()), _tables(agent, "condition")),
        file=file,
        line=locator.line(("agent",)),
    )


def _conditions(defaults: Iterable[Watch], changes: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    names = dict.fromkeys([*(watch.name for watch in defaults), CONTACT])
    for change in changes:
        name = str(change.get("name", ""))
        if change.get("enabled") is False:
            names.pop(name, None)
        else:
            names.setdefault(name)
    return tuple(names)


def _parsed(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError):
        return {}


def _tables(table: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    found = table.get(key)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
