"""The dictionary of quantities: name, kind, unit, meaning, plausible range.

Names are NUT's (RFC 9271, section "variables"; NUT's ``nut-names.txt``) where NUT has one: charge in percent, runtime
in seconds. Our own additions carry ``x.``. A reading outside the plausible range is kept as evidence and never
believed; the ranges are wide on purpose: they catch sentinels and wrong scales, not unusual sites. One module an area;
in names with a number in them, such as ``ambient.2.temperature``, ``#`` stands for the number.
"""

from typing import Final

from contract.quantities import (
    agent,
    backup,
    common,
    environment,
    group,
    host,
    line,
    network,
    pair,
    power,
    security,
    surge,
    trunk,
    ups,
)
from contract.quantities.entry import Kind, Quantity
from contract.quantities.ups import UPS_STATUS

__all__ = ["NUMBERED", "QUANTITIES", "UPS_STATUS", "Kind", "Quantity", "find"]

_AREAS: Final = (
    common,
    ups,
    environment,
    power,
    surge,
    host,
    network,
    trunk,
    line,
    agent,
    backup,
    security,
    pair,
    group,
)

QUANTITIES: Final[dict[str, Quantity]] = {entry.name: entry for area in _AREAS for entry in area.PLAIN}
"""Every quantity by its name."""

NUMBERED: Final[dict[str, Quantity]] = {entry.name: entry for area in _AREAS for entry in area.NUMBERED}
"""Those with a number in their name, by their templates."""


def find(name: str) -> Quantity | None:
    """Return the entry of a name, also of a numbered one (``ambient.2.temperature``), or None."""
    known = QUANTITIES.get(name)
    if known is not None:
        return known
    template = ".".join("#" if part.isdigit() else part for part in name.split("."))
    return NUMBERED.get(template)
