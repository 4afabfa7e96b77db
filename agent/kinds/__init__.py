"""The kinds of devices: what each is watched for by default, and how often it is asked. One TOML table a kind.

A kind is also the measurement in the store, and what the plan's triggers may name. Every device is watched for
``contact-lost`` besides: the runner says ``x.contact`` at every poll.
"""

from collections.abc import Collection, Iterable, Mapping
from functools import cache
from importlib import resources
from typing import Annotated, Any

import msgspec

from contract.condition import Condition, Severity, Test, Unknown
from contract.quantities import QUANTITIES, Kind, Quantity, find
from contract.settings import Fault, Seconds, Slug, did_you_mean, load

NotNegative = Annotated[float, msgspec.Meta(ge=0.0)]


class ConditionSettings(msgspec.Struct, frozen=True, kw_only=True):
    """A ``[[device.condition]]``: changes a default of the same name, or adds one. What is left out stays as it was."""

    name: Slug
    quantity: str | None = None
    test: Test | None = None
    setpoint: float | None = None
    flag: str | None = None
    unless: tuple[str, ...] | None = None
    clears: tuple[str, ...] | None = None
    deadband: NotNegative | None = None
    on_delay: Seconds | None = None
    off_delay: Seconds | None = None
    severity: Severity | None = None
    unknown: Unknown | None = None
    enabled: bool = True
    """False takes the default away."""


class DeviceKind(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of device. Times are in seconds."""

    zh: str
    en: str
    poll: Seconds
    """Between two polls of what matters most."""
    slow: Seconds
    """Between two polls of everything."""
    timeout: Seconds = 20.0
    """That one poll may take at the most; the links give up on a request long before."""
    contact_delay: Seconds = 60.0
    """Without an answer until that is an alarm: what a card needs to restart."""
    contact_severity: Severity = Severity.SEVERE
    condition: tuple[ConditionSettings, ...] = ()

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """What its devices are watched for by default."""
        own = (Condition(**_given(each)) for each in self.condition)
        return (*own, _contact_lost(self.contact_delay, self.contact_severity))


def _contact_lost(delay: float, severity: Severity) -> Condition:
    return Condition(
        name="contact-lost", quantity="x.contact", test=Test.BELOW, setpoint=0.5, on_delay=delay, severity=severity
    )


@cache
def kinds() -> Mapping[str, DeviceKind]:
    """Return every kind by its name, which is its file's.

    Raises:
        ConfigError: a table is wrong.
    """
    folder = resources.files(__name__)
    files = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".toml"))
    return {
        name.removesuffix(".toml"): load(DeviceKind, folder.joinpath(name).read_text("utf-8"), file=name)
        for name in files
    }


@cache
def _own(kind: str) -> tuple[Condition, ...]:
    """Return the conditions of a kind, made once: an inventory names those of every device."""
    return kinds()[kind].conditions


Flags = Mapping[str, frozenset[str]]
"""Flags that a device raises beyond what its kind does, by quantity."""
NO_FLAGS: Flags = {}


def defaults(kind: str, flags: Flags = NO_FLAGS) -> dict[str, Condition]:
    """Return what devices of a kind are watched for, by name; nothing for a kind that there is not.

    Args:
        kind: of the device.
        flags: that it raises besides, as a UPS does on whose card a smoke detector hangs: for these it is watched as
            the kind is that knows them.
    """
    if kind not in kinds():
        return {}
    found = {condition.name: condition for condition in _own(kind)}
    for other in kinds() if flags else ():
        for condition in _own(other):
            if condition.flag and condition.flag in flags.get(condition.quantity, ()):
                found.setdefault(condition.name, condition)
    return found


def conditions(kind: str, changes: Iterable[ConditionSettings], flags: Flags = NO_FLAGS) -> tuple[Condition, ...]:
    """Return the conditions of a device, the defaults first.

    Args:
        kind: of the device.
        changes: from its settings; ``faults`` found nothing wrong with them.
        flags: see ``defaults``.
    """
    merged = defaults(kind, flags)
    for change in changes:
        if not change.enabled:
            merged.pop(change.name, None)
            continue
        given = _given(change)
        base = merged.get(change.name)
        merged[change.name] = Condition(**given) if base is None else msgspec.structs.replace(base, **given)
    return tuple(merged.values())


def faults(kind: str, changes: Iterable[Any], flags: Flags = NO_FLAGS) -> Iterable[Fault]:
    """Yield what is wrong with a device's ``[[device.condition]]`` tables.

    Args:
        kind: of the device.
        changes: ``ConditionSettings``, or drafts of them where something is wrong already.
        flags: see ``defaults``.
    """
    base_of = defaults(kind, flags)
    seen: set[str] = set()
    for index, change in enumerate(changes):
        at = ("condition", index)
        if not isinstance(change, ConditionSettings):
            continue
        if change.name in seen:
            yield Fault(f"a second condition {change.name!r}", "give it another name", (*at, "name"))
        seen.add(change.name)
        base = base_of.get(change.name)
        if base is None and (change.quantity is None or change.test is None):
            hint = "a new condition needs quantity and test; to change a default: "
            yield Fault(f"no default {change.name!r}", hint + did_you_mean(change.name, base_of), (*at, "name"))
            continue
        given = _given(change)
        whole = Condition(**given) if base is None else msgspec.structs.replace(base, **given)
        for fault in misfit(whole, given):
            yield Fault(fault.what, fault.hint, (*at, *fault.at))


def _given(change: ConditionSettings) -> dict[str, Any]:
    return {
        name: value for name, value in msgspec.structs.asdict(change).items() if value is not None and name != "enabled"
    }


def misfit(condition: Condition, given: Collection[str]) -> Iterable[Fault]:
    """Yield where the parts of a condition do not fit one another; ``given`` names what the settings say."""
    known = find(condition.quantity)
    if known is None:
        hint = did_you_mean(condition.quantity, QUANTITIES)
        yield Fault(f"unknown quantity {condition.quantity!r}", hint, ("quantity",))
        return
    if condition.test in (Test.HAS, Test.LACKS):
        if known.kind is not Kind.FLAGS:
            hint = f"write {'above' if known.kind is Kind.NUMBER else 'a quantity that has flags'}"
            yield Fault(f"{condition.quantity} has no flags to test for", hint, ("test",))
            return
        if not condition.flag:
            yield Fault("which flag?", f'write flag = "…": one of {", ".join(known.flags)}', ("test",))
        for key, flags in (("flag", (condition.flag,)), ("unless", condition.unless), ("clears", condition.clears)):
            for flag in flags:
                if flag and flag not in known.flags:
                    yield Fault(f"unknown flag {flag!r}", did_you_mean(flag, known.flags), (key,))
        return
    if known.kind is not Kind.NUMBER:
        yield Fault(f"{condition.quantity} is not a number", 'write test = "has" and a flag', ("test",))
    elif "setpoint" not in given and condition.setpoint == 0.0 and "test" in given:
        yield Fault("which setpoint?", f"write setpoint = a number, in {known.unit or 'its own unit'}", ("test",))
    elif not known.low <= condition.setpoint <= known.high:
        what = f"{condition.setpoint:g} can never be reached: {condition.quantity} is"
        unit = f" {known.unit}" if known.unit else ""
        yield Fault(f"{what} {known.low:g} to {known.high:g}{unit}", "check the unit", ("setpoint",))
    else:
        yield from _endless(condition, known)


def _endless(condition: Condition, known: Quantity) -> Iterable[Fault]:
    """Yield that an alarm would stand for ever, because what would end it is no plausible value."""
    above = condition.test is Test.ABOVE
    ends = condition.setpoint + (-condition.deadband if above else condition.deadband)
    if not known.low <= ends <= known.high:
        what = f"it would never end: {condition.quantity} is never {ends:g}"
        yield Fault(what, "a smaller deadband", ("deadband",))
