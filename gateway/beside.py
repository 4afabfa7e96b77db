"""One alarm, several clauses: the smoke is an accident, and the room's own plan comes into force beside it. Pure.

Each clause has an incident of its own. In the one beside, the occurrence is known by its id and the clause's number, so
that each is opened once and ends with the alarm, also when the gateway is killed between the two.
"""

from collections.abc import Iterator
from typing import Final

import msgspec

from contract.alarm import Occurrence
from gateway.incident import Source
from gateway.plan.model import Clause, Plan, Trigger

_BETWEEN: Final = "#"


def parts(
    plan: Plan, occurrence: Occurrence, source: Source
) -> Iterator[tuple[Occurrence, tuple[Clause, Trigger] | None]]:
    """Yield the occurrence with the clause that it puts in force, then with each beside it."""
    match = plan.match(source.kind, occurrence.condition, source.device)
    yield occurrence, match
    for number in match[1].beside if match else ():
        clause = plan.find(number)
        if match and clause:
            part = msgspec.structs.replace(occurrence, id=f"{occurrence.id}{_BETWEEN}{number}")
            yield part, (clause, match[1])


def ids(plan: Plan, occurrence: str) -> Iterator[str]:
    """Yield the ids by which an occurrence may be known in incidents: those of each clause beside, then its own."""
    numbers = {number for clause in plan.clauses for trigger in clause.trigger for number in trigger.beside}
    yield from (f"{occurrence}{_BETWEEN}{number}" for number in sorted(numbers))
    yield occurrence


def whose(occurrence: str) -> str:
    """Return the id by which the device knows an occurrence."""
    return occurrence.partition(_BETWEEN)[0]
