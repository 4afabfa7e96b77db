"""A reading: what a device said of one quantity, and how far it can be believed."""

from enum import StrEnum

import msgspec

from contract.quantities import Kind, find

Value = float | str | tuple[str, ...]
"""A number, a text, or a set of flags (sorted, without repeats)."""


class Quality(StrEnum):
    """How far a value can be believed. Only ``good`` counts; unknown is never OK."""

    GOOD = "good"
    STALE = "stale"
    """Was good once; the device has not confirmed it in time."""
    IMPLAUSIBLE = "implausible"
    """Outside what the quantity can be; the value is kept as evidence."""
    UNAVAILABLE = "unavailable"
    """The device has none to give: no such object, NULL, or a sentinel such as 65535."""


class Reading(msgspec.Struct, frozen=True, gc=False):
    """One value of one quantity. Its time is that of the poll which it belongs to."""

    quantity: str
    value: Value | None = None
    quality: Quality = Quality.GOOD

    @property
    def good(self) -> bool:
        """Whether the value may be acted on."""
        return self.quality is Quality.GOOD


def judged(quantity: str, value: Value | None) -> Reading:
    """Return a reading with the quality that the dictionary of quantities gives this value.

    None becomes ``unavailable``; a number outside the plausible range, a value of the wrong kind and a quantity that
    the dictionary does not know become ``implausible``.
    """
    if value is None:
        return Reading(quantity, None, Quality.UNAVAILABLE)
    known = find(quantity)
    if known is None or not known.plausible(value):
        return Reading(quantity, value, Quality.IMPLAUSIBLE)
    if known.kind is Kind.FLAGS and isinstance(value, tuple):
        value = tuple(sorted(set(value)))
    return Reading(quantity, value)


def unavailable(quantity: str) -> Reading:
    """Return a reading that says the device has none to give."""
    return Reading(quantity, None, Quality.UNAVAILABLE)
