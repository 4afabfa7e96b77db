"""What people report of a clause, as its TOML file writes it: what they are asked for, and who approves it.

::

    [[clause.report]]
    name = "special"
    quantity = "cartons"
    field = [{ name = "cartons", label = { zh = "条数", en = "Cartons" }, number = true }]

    [[clause.report.approval]]
    text = { zh = "审核", en = "Review" }
    by = [{ department = "marketing-centre", role = "market-manager" }]
    within = "4h"
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from contract.condition import Severity
from contract.settings import Fault, Seconds, Slug, did_you_mean
from gateway.plan.terms import Certainty, Level, Urgency, Wake, Words


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """Something that the person who reports is asked for."""

    name: Slug
    label: Words
    required: bool = True
    number: bool = False
    """Whether it is an amount, in digits."""


class Approver(msgspec.Struct, frozen=True, kw_only=True):
    """Who may approve: one role of one department."""

    department: Slug
    role: Slug = "head"
    """``on-call``, ``second``, ``head``, or one of the department's ``roles`` in the contacts."""
    up_to: float | None = None
    """Only amounts up to this; left out: any."""


class Approval(msgspec.Struct, frozen=True, kw_only=True):
    """One approval of the several that a report needs, one after the other."""

    text: Words
    """What is approved."""
    by: tuple[Approver, ...]
    """Any one of these."""
    within: Seconds
    """Time limit: from when it was asked for."""

    @staticmethod
    def faults(draft: Any) -> Iterable[Fault]:
        """Yield what is wrong with the approval as a whole."""
        if draft.by == ():
            yield Fault("nobody may approve it", 'write by = [{ department = "…", role = "head" }]', ("by",))
        elif isinstance(draft.by, tuple) and all(getattr(one, "up_to", None) is not None for one in draft.by):
            yield Fault("nobody may approve a larger amount", "leave out up_to at one of them", ("by",))


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a person reports, and that puts the clause in force as an alarm does."""

    name: Slug
    title: Words
    level: Level
    wake: Wake
    urgency: Urgency
    severity: Severity
    certainty: Certainty = Certainty.OBSERVED
    page_after: Seconds = 0.0
    field: tuple[Field, ...] = ()
    quantity: Slug = ""
    """The field by which ``up_to`` of the approvers goes."""
    evidence: Words | None = None
    """What has to be kept with it, such as the original of a harmful message."""
    approval: tuple[Approval, ...] = ()

    @staticmethod
    def faults(draft: Any) -> Iterable[Fault]:
        """Yield what is wrong with the report as a whole."""
        fields = [one for one in draft.field if isinstance(one, Field)] if isinstance(draft.field, tuple) else []
        names = [one.name for one in fields]
        for index, name in enumerate(names):
            if name in names[:index]:
                yield Fault(f"a second field {name!r}", "ask for each thing once", ("field", index, "name"))
        approvals = draft.approval if isinstance(draft.approval, tuple) else ()
        limited = any(one.up_to is not None for each in approvals if isinstance(each, Approval) for one in each.by)
        if isinstance(draft.quantity, str) and (draft.quantity or limited):
            amounts = [one.name for one in fields if one.number and one.required]
            if draft.quantity not in amounts:
                what = f"no amount {draft.quantity!r} is asked for" if draft.quantity else "up_to of what?"
                hint = did_you_mean(draft.quantity, amounts) if draft.quantity and amounts else ""
                yield Fault(what, hint or "name a required field with number = true in quantity", ("quantity",))
