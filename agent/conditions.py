"""Which conditions a device is watched for: the defaults of its kind, as its settings change them."""

from collections.abc import Iterable
from typing import Annotated, Any, Final

import msgspec

from contract.condition import Condition, Severity, Test, Unknown
from contract.quantities import QUANTITIES, Kind, find
from contract.settings import Fault, Seconds, Slug, did_you_mean

DEFAULTS: Final[dict[str, tuple[Condition, ...]]] = {
    "ups": (
        # A flicker is one occurrence, not many: mains must be back for 5 s. It is raised at once.
        Condition(
            name="on-battery",
            quantity="ups.status",
            test=Test.HAS,
            flag="OB",
            unless=("CAL",),
            clears=("OL",),
            off_delay=5.0,
            severity=Severity.SEVERE,
        ),
        Condition(name="low-battery", quantity="ups.status", test=Test.HAS, flag="LB", severity=Severity.EXTREME),
        Condition(name="replace-battery", quantity="ups.status", test=Test.HAS, flag="RB", on_delay=60.0),
        Condition(
            name="overload", quantity="ups.status", test=Test.HAS, flag="OVER", on_delay=5.0, severity=Severity.SEVERE
        ),
        Condition(name="bypass", quantity="ups.status", test=Test.HAS, flag="BYPASS", on_delay=5.0),
        Condition(
            name="output-off",
            quantity="ups.status",
            test=Test.HAS,
            flag="OFF",
            on_delay=5.0,
            severity=Severity.EXTREME,
        ),
        Condition(
            name="fault", quantity="ups.status", test=Test.HAS, flag="FAULT", on_delay=5.0, severity=Severity.SEVERE
        ),
        # The card answers, and has lost the UPS behind it: all else that it says is of some time ago.
        Condition(
            name="card-blind",
            quantity="ups.status",
            test=Test.HAS,
            flag="COMM",
            on_delay=60.0,
            severity=Severity.SEVERE,
        ),
        Condition(
            name="over-temperature",
            quantity="battery.temperature",
            test=Test.ABOVE,
            setpoint=45.0,
            deadband=3.0,
            on_delay=30.0,
            severity=Severity.SEVERE,
        ),
        Condition(
            name="charge-low",
            quantity="battery.charge",
            test=Test.BELOW,
            setpoint=20.0,
            deadband=5.0,
            severity=Severity.SEVERE,
        ),
        # The runner says 1 or 0 at every poll. A minute forgives a card that restarts.
        Condition(
            name="contact-lost",
            quantity="x.contact",
            test=Test.BELOW,
            setpoint=0.5,
            on_delay=60.0,
            severity=Severity.SEVERE,
        ),
    ),
}
"""Kind of device → its conditions."""

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


def conditions(kind: str, changes: Iterable[ConditionSettings]) -> tuple[Condition, ...]:
    """Return the conditions of a device, the defaults first.

    Args:
        kind: of the device.
        changes: from its settings; ``faults`` found nothing wrong with them.
    """
    merged = {condition.name: condition for condition in DEFAULTS.get(kind, ())}
    for change in changes:
        if not change.enabled:
            merged.pop(change.name, None)
            continue
        given = _given(change)
        base = merged.get(change.name)
        merged[change.name] = Condition(**given) if base is None else msgspec.structs.replace(base, **given)
    return tuple(merged.values())


def faults(kind: str, changes: Iterable[Any]) -> Iterable[Fault]:
    """Yield what is wrong with a device's ``[[device.condition]]`` tables.

    Args:
        kind: of the device.
        changes: ``ConditionSettings``, or drafts of them where something is wrong already.
    """
    defaults = {condition.name: condition for condition in DEFAULTS.get(kind, ())}
    seen: set[str] = set()
    for index, change in enumerate(changes):
        at = ("condition", index)
        if not isinstance(change, ConditionSettings):
            continue
        if change.name in seen:
            yield Fault(f"a second condition {change.name!r}", "give it another name", (*at, "name"))
        seen.add(change.name)
        base = defaults.get(change.name)
        if base is None and (change.quantity is None or change.test is None):
            hint = "a new condition needs quantity and test; to change a default: "
            yield Fault(f"no default {change.name!r}", hint + did_you_mean(change.name, defaults), (*at, "name"))
            continue
        given = _given(change)
        whole = Condition(**given) if base is None else msgspec.structs.replace(base, **given)
        for fault in _misfit(whole, given):
            yield Fault(fault.what, fault.hint, (*at, *fault.at))


def _given(change: ConditionSettings) -> dict[str, Any]:
    return {
        name: value for name, value in msgspec.structs.asdict(change).items() if value is not None and name != "enabled"
    }


def _misfit(condition: Condition, given: dict[str, Any]) -> Iterable[Fault]:
    """Yield where the parts of a condition do not fit one another."""
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
