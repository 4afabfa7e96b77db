"""What can be set on a simulated device: names, what they take, and how they stand. Pure."""

import math
from collections.abc import Callable, Mapping

import msgspec

from contract.errors import UsageError
from contract.settings import did_you_mean

_TRUE = frozenset({"true", "yes", "on", "open", "1"})
_FALSE = frozenset({"false", "no", "off", "closed", "0"})


class Field(msgspec.Struct, frozen=True):
    """One thing that can be set."""

    put: Callable[[str], None]
    """Sets it from a word; raises UsageError for one that it does not take."""
    get: Callable[[], object]
    takes: str
    """What may be written, for people."""


Fields = Mapping[str, Field]


def put(fields: Fields, device: str, name: str, text: str) -> None:
    """Set a field of a device.

    Raises:
        UsageError: it has no such field, or the field does not take this.
    """
    if name not in fields:
        hint = did_you_mean(name, fields) if fields else "nothing can be set there"
        raise UsageError(f"no field {name!r}", where=device, hint=hint)
    try:
        fields[name].put(text)
    except UsageError as error:
        raise UsageError(error.what, where=f"{device} {name}", hint=f"it takes {fields[name].takes}") from None


def as_number(text: str, low: float = -math.inf, high: float = math.inf) -> float:
    """Return a number.

    Raises:
        UsageError: it is none, or out of its range.
    """
    try:
        value = float(text)
    except ValueError:
        raise UsageError(f"not a number: {text[:40]!r}") from None
    if not math.isfinite(value):
        raise UsageError(f"not a number: {text[:40]!r}")
    if not low <= value <= high:
        raise UsageError(f"out of range: {text[:40]}")
    return value


def number(
    write: Callable[[float], object], get: Callable[[], float], low: float = -math.inf, high: float = math.inf
) -> Field:
    """Return a field that takes numbers."""
    bounds = "" if math.isinf(low) and math.isinf(high) else f" from {low:g} to {high:g}"

    def take(text: str) -> None:
        write(as_number(text, low, high))

    return Field(take, get, f"a number{bounds}")


def truth(write: Callable[[bool], object], get: Callable[[], bool]) -> Field:
    """Return a field that takes yes and no."""

    def take(text: str) -> None:
        word = text.lower()
        if word not in _TRUE | _FALSE:
            raise UsageError(f"neither true nor false: {text[:40]!r}")
        write(word in _TRUE)

    return Field(take, get, "true or false (also on, off, open, closed)")


def word(write: Callable[[str], object], get: Callable[[], str], words: tuple[str, ...]) -> Field:
    """Return a field that takes one of some words."""

    def take(text: str) -> None:
        if text not in words:
            raise UsageError(f"unknown: {text[:40]!r}")
        write(text)

    return Field(take, get, " or ".join(words))


def attribute(model: object, name: str, low: float = -math.inf, high: float = math.inf) -> Field:
    """Return a field for an attribute of a model: by its present value, a truth, a whole number, a number."""
    now = getattr(model, name)

    def get() -> object:
        return getattr(model, name)

    if isinstance(now, bool):
        return truth(lambda value: setattr(model, name, value), lambda: bool(get()))

    def write(value: float) -> None:
        if isinstance(now, int) and value != round(value):
            raise UsageError(f"not a whole number: {value:g}")
        setattr(model, name, type(now)(value))

    return number(write, lambda: float(getattr(model, name)), low, high)
