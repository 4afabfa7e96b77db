"""Who gets the messages of a drill: its participants, and nobody else, whatever the plan says."""

from collections.abc import Awaitable, Callable, Collection

from gateway.contacts import Person
from gateway.drill.score import UNLISTED
from gateway.incident import Incident, Mail
from gateway.plan.model import Clause
from gateway.ports import Outcome, Teller


class ParticipantsOnly:
    """A teller that hands on what goes to participants. For everybody else it writes down that they would have been told.

    It stands before the composing of the message: what is not handed on here is never addressed to anybody.
    """

    def __init__(self, teller: Teller, participants: Collection[str]) -> None:
        """Take who really tells, and the ids of those who may be told."""
        self._teller = teller
        self._participants = frozenset(participants)

    async def tell(
        self,
        incident: Incident,
        clause: Clause,
        mail: Mail,
        person: Person,
        *,
        again: bool,
        report: Callable[[Outcome], Awaitable[None]],
    ) -> None:
        """See ``gateway.ports.Teller``."""
        if person.id in self._participants:
            await self._teller.tell(incident, clause, mail, person, again=again, report=report)
        else:
            await report(Outcome(channel=UNLISTED, accepted=True, text="a drill: would have been told"))
