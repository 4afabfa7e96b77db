"""A link that answers from a dict, for the tests of the SNMP driver."""

from collections.abc import Sequence

from agent.links.snmp import Raw
from contract.reading import Reading


class FakeLink:
    """Answers from a dict, and notes what it was asked."""

    def __init__(self, values: dict[str, Raw]) -> None:
        self.values = dict(values)
        self.asked: list[tuple[str, ...]] = []
        self.walked: list[str] = []
        self.error: Exception | None = None
        self.closed = 0

    async def get(self, oids: Sequence[str]) -> dict[str, Raw]:
        self.asked.append(tuple(oids))
        if self.error is not None:
            raise self.error
        return {oid: self.values.get(oid) for oid in oids}

    async def walk(self, root: str) -> dict[str, Raw]:
        self.walked.append(root)
        if self.error is not None:
            raise self.error
        below = [oid for oid in self.values if oid.startswith(root + ".")]
        return {oid: self.values[oid] for oid in sorted(below, key=lambda oid: [int(part) for part in oid.split(".")])}

    async def close(self) -> None:
        self.closed += 1


def named(readings: Sequence[Reading]) -> dict[str, Reading]:
    assert len({reading.quantity for reading in readings}) == len(readings), "a quantity twice in one poll"
    return {reading.quantity: reading for reading in readings}
