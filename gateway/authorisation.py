"""Authorisations that are given in advance: who commands while head or deputy is away. A part of ``contacts.toml``. Pure."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

import msgspec

from contract.settings import Fault, Slug, did_you_mean
from gateway.outside import Clause


class Authorisation(msgspec.Struct, frozen=True, kw_only=True):
    """Head or deputy makes a department's head temporary commander (临时指挥), for some clauses and some days."""

    by: Slug
    """Who authorises."""
    person: Slug
    """Whom."""
    clauses: tuple[Clause, ...]
    begins: date = msgspec.field(name="from")
    """The first day."""
    until: date
    """The last day; it counts too."""
    reason: str = ""

    @staticmethod
    def faults(draft: Any) -> Iterable[Fault]:
        """Yield what is wrong with it as a whole."""
        if draft.clauses == ():
            yield Fault("for nothing in the plan", 'write clauses = ["3.1.4"]', ("clauses",))
        if isinstance(draft.begins, date) and isinstance(draft.until, date) and draft.until < draft.begins:
            yield Fault("it ends before it begins", "until is its last day", ("until",))


def unknown_people(listed: Any, known: Sequence[str]) -> Iterable[Fault]:
    """Yield the people of authorisations whom the contacts do not know."""
    for index, one in enumerate(listed if isinstance(listed, tuple) else ()):
        for field in ("by", "person"):
            name = getattr(one, field, None)
            if isinstance(name, str) and name not in known:
                yield Fault(f"no person {name!r}", did_you_mean(name, known), ("authorisation", index, field))
