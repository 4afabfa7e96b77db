"""People outside: carriers, vendors, the province, the bank, factories. They are named to those who telephone them.

The product never tells or tests them (the plan, 3.1.13): a person verifies a number, and writes down the day.
"""

from collections.abc import Iterable
from datetime import date
from typing import Annotated, Any

import msgspec

from contract.settings import Fault, Slug
from gateway.plan.terms import Filled

Phone = Annotated[str, msgspec.Meta(pattern=r"^\+?[0-9][0-9 \-]{2,22}[0-9]$")]
Clause = Annotated[str, msgspec.Meta(pattern=r"^\d+(\.\d+){1,4}$")]


class Outside(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody outside."""

    name: Filled
    clauses: tuple[Clause, ...]
    """For which clauses of the plan."""
    devices: tuple[Slug, ...] = ()
    """For which devices or lines of theirs only, by their ids; none: for all."""
    phone: Phone
    verified: str
    """The day when a person last verified it: ``2026-11-02``."""
    note: str = ""

    def concerns(self, clause: str, device: str) -> bool:
        """Say whether it is theirs: of a clause, and of a device where they have some of their own."""
        return clause in self.clauses and (not self.devices or device in self.devices)

    @property
    def day(self) -> date:
        """When it was verified."""
        return date.fromisoformat(self.verified)

    @staticmethod
    def faults(draft: Any) -> Iterable[Fault]:
        """Yield what is wrong with it as a whole."""
        if draft.clauses == ():
            yield Fault("for nothing in the plan", 'write clauses = ["3.1.4"]', ("clauses",))
        if isinstance(draft.verified, str):
            try:
                date.fromisoformat(draft.verified)
            except ValueError:
                yield Fault(f"{draft.verified!r} is no day", 'write "2026-11-02"', ("verified",))
