"""Tables for the settings, of what was found. What ``check`` would not take yet is proposed as a comment, with the reason."""

import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from agent.config import parse
from agent.kinds import kinds
from agent.scan.found import Credential, Found, Setting, clean
from contract.errors import ConfigError, UsageError
from contract.settings import SecretRef

_AROUND: Final = """
[agent]
site = "scan"
name = "scan"

[broker]
host = "broker.invalid"

"""
"""What a file needs besides devices."""
_PLACE: Final = ("host", "port", "tcp_port", "unit", "ups")
"""Settings that say where a device is."""


def there_already(path: Path) -> dict[str, tuple[str, Mapping[str, object]]]:
    """Return the devices of a settings file by id: how each is asked, and the settings of that. It need not be right.

    Raises:
        UsageError: it cannot be read.
    """
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot be read: {error}", where=str(path), hint="`check --config` says more") from None
    devices = table.get("device")
    found: dict[str, tuple[str, Mapping[str, object]]] = {}
    for number, device in enumerate(devices if isinstance(devices, list) else ()):
        if isinstance(device, dict):
            ways = ((way, settings) for way, settings in device.items() if isinstance(settings, dict))
            found[str(device.get("id", number))] = next(ways, ("", {}))
    return found


def proposed(found: Iterable[Found], there: Mapping[str, tuple[str, Mapping[str, object]]] | None = None) -> str:
    """Return TOML text: one table a device, in the order given; ids are theirs alone.

    Args:
        found: what to propose.
        there: what the settings have already, as ``there_already`` says it.
    """
    there = there or {}
    counts: dict[str, int] = {}
    parts: list[str] = []
    for each in found:
        says = f"# {each.where}: {each.protocol}: {each.says}\n"
        if not each.way:
            parts.append(says + (f"# {each.missing}\n" if each.missing else ""))
            continue
        known = _known(each, there)
        if known:
            parts.append(f"{says}# is in the settings already: {known}\n")
            continue
        stem = _stem(each)
        counts[stem] = counts.get(stem, 0) + 1
        while f"{stem}-{counts[stem]}" in there:
            counts[stem] += 1
        table = _table(each, f"{stem}-{counts[stem]}")
        missing = each.missing or refusal(table)
        if missing:
            table = f"# {clean(missing, 200)}\n" + "".join(f"# {line}\n" for line in table.splitlines())
        parts.append(says + table)
    return "\n".join(parts)


def credentials(found: Iterable[Found]) -> list[str]:
    """Return the names of the credentials that the tables point to, each once."""
    named = (value.name for each in found for _, value in each.settings if isinstance(value, Credential))
    return list(dict.fromkeys(named))


def refusal(table: str) -> str:
    """Return why the agent would not take a table; empty if it would."""
    try:
        parse(_AROUND + table, Path("/proposed.toml"), secrets=_any_secret)
    except ConfigError as error:
        problem = max(error.problems, key=lambda problem: problem.key.count("."))  # the nearest to the cause
        return f"{problem.key}: {problem.what}"
    return ""


def _any_secret(_: SecretRef) -> str:
    return "long enough for all of them"


def _known(each: Found, there: Mapping[str, tuple[str, Mapping[str, object]]]) -> str:
    """Return the id of the device that is asked in the same way at the same place; empty where there is none."""
    mine = {key: value for key, value in each.settings if key in _PLACE}
    for name, (way, settings) in there.items():
        if way == each.way and {key: value for key, value in settings.items() if key in _PLACE} == mine:
            return name
    return ""


def _stem(each: Found) -> str:
    """Return how ids of such devices begin."""
    return re.sub(r"[^a-z0-9-]", "-", each.kind or each.way) or "device"


def _table(each: Found, name: str) -> str:
    head: dict[str, Setting] = {"id": name}
    if each.title:
        head["title"] = each.title
    if each.kind and each.kind in kinds() and each.kind != "ups":
        head["kind"] = each.kind
    if each.profile:
        head["profile"] = each.profile
    return f"[[device]]\n{_lines(head)}[device.{each.way}]\n{_lines(dict(each.settings))}"


def _lines(settings: Mapping[str, Setting]) -> str:
    return "".join(f"{key} = {_value(value)}\n" for key, value in settings.items())


def _value(value: Setting) -> str:
    if isinstance(value, Credential):
        return f'{{ credential = "{value.name}" }}'
    return str(value) if isinstance(value, int) else json.dumps(value, ensure_ascii=False)
