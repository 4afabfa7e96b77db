"""Tells the participants of a drill that it has begun, and that it has ended: by the stages of every other message."""

import logging
from collections.abc import Mapping, Sequence
from typing import Final

from contract.errors import IncidentError
from gateway.board.words import Words
from gateway.contacts import Contacts
from gateway.drill.record import Record
from gateway.notify.letter import Channel, Stage, outside
from gateway.notify.message import EXERCISE
from gateway.notify.pipeline import carry
from gateway.ports import Outcome

_log = logging.getLogger(__name__)
PURPOSE: Final = "drill"


class Announcer:
    """See ``gateway.drill.desk.Say``. What becomes of it is in the log: a drill waits for nobody."""

    def __init__(self, channels: Mapping[str, Channel], stages: Sequence[Stage], contacts: Contacts) -> None:
        """Take the ways to people, what a letter passes on its way, and who there is."""
        self._channels = channels
        self._stages = stages
        self._contacts = contacts

    async def __call__(self, person: str, what: str, record: Record, more: str) -> None:
        """Tell a person that a drill has begun, or has ended: why, and what ended it."""
        try:
            who = self._contacts.find(person)
        except IncidentError as error:  # they left the contacts meanwhile
            _log.warning("%s: %s", record.code, error)
            return
        words = Words(who.language)
        title = words.either(record.title_zh, record.title_en)
        said = words(f"drill-{what}", title=title, clause=record.clause, code=record.code, what=more)
        letter = outside(who, "", "", purpose=PURPOSE, subject=f"{EXERCISE}{said}", body=f"{EXERCISE}{said}\n")

        async def report(outcome: Outcome) -> None:
            if not outcome.accepted:
                _log.warning("%s: %s is not told that it is %s: %s", record.code, person, what, outcome.text)

        await carry(letter, self._channels, self._stages, report)
