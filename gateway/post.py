"""Messages under way: each is sent by a task of its own, and what became of it is kept.

A message is in the journal before it is sent. One whose outcome nobody knows after a restart goes once more, marked
重发; if that is cut short too, it counts as failed, and the ladder goes on.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, Final

from contract.errors import IncidentError, StorageError
from gateway.contacts import Contacts
from gateway.incident import Incident, Mail, Purpose
from gateway.plan.model import Plan
from gateway.ports import Outcome, Teller

_log = logging.getLogger(__name__)
_AGAIN: Final = 5.0
"""Seconds until the disk is tried again."""
_NEWS: Final = 86400.0
"""Seconds: that something is over for longer, nobody has to be told."""
_FAREWELL: Final = 3.0
"""Seconds that messages under way get when the gateway stops."""

Record = Callable[[str, str, str, str, Mapping[str, object]], Awaitable[object]]
"""Keeps an event: code, kind, who, text, data. It raises StorageError while the disk fails."""


class Post:
    """Sends the messages of incidents."""

    def __init__(self, teller: Teller, plan: Plan, contacts: Contacts, record: Record) -> None:
        """Take who tells, what of, whom, and where the outcome is kept."""
        self._teller = teller
        self._plan = plan
        self._contacts = contacts
        self._record = record
        self._under_way: dict[str, asyncio.Task[None]] = {}

    def send(self, incident: Incident, mail: Mail) -> None:
        """Send a message of an incident; do not wait."""
        self._start(mail, self._deliver(incident, mail, again=False))

    def resume(self, incident: Incident, now: float) -> None:
        """Take up the messages whose outcome nobody knows; of a closed incident, that it is over, while that is news."""
        for mail in incident.mails:
            news = mail.purpose is Purpose.RECOVERY and now - mail.at < _NEWS
            if mail.pending and (incident.closed is None or news):
                self._start(mail, self._resume(incident, mail))

    async def settled(self) -> None:
        """Wait until no message is under way."""
        while self._under_way:
            await asyncio.wait(self._under_way.values())

    async def stop(self) -> None:
        """Let what is under way come to its end, for a moment; then leave it to the next start."""
        if self._under_way:
            await asyncio.wait(self._under_way.values(), timeout=_FAREWELL)
        tasks = list(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _start(self, mail: Mail, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._under_way[mail.id] = task
        task.add_done_callback(lambda _: self._under_way.pop(mail.id, None))

    async def _resume(self, incident: Incident, mail: Mail) -> None:
        if mail.again:
            text = "cut short twice: its outcome is not known"
            await self._keep(incident, mail, Outcome(channel="", accepted=False, text=text, last=True))
            return
        await self._persist(incident.code, "resent", mail.person, "", {"message": mail.id})
        await self._deliver(incident, mail, again=True)

    async def _deliver(self, incident: Incident, mail: Mail, *, again: bool) -> None:
        async def report(outcome: Outcome) -> None:
            await self._keep(incident, mail, outcome)

        clause = self._plan.find(mail.clause or incident.clause)
        try:
            person = self._contacts.find(mail.person)
        except IncidentError as error:  # the contacts changed between two starts
            await report(Outcome(channel="", accepted=False, text=error.what, last=True))
            return
        if clause is None:
            await report(Outcome(channel="", accepted=False, text="the plan no longer has this clause", last=True))
            return
        await self._teller.tell(incident, clause, mail, person, again=again, report=report)

    async def _keep(self, incident: Incident, mail: Mail, outcome: Outcome) -> None:
        kind = "accepted" if outcome.accepted else "failed"
        data = {"message": mail.id, "channel": outcome.channel, "last": outcome.last}
        await self._persist(incident.code, kind, mail.person, outcome.text, data)

    async def _persist(self, code: str, kind: str, who: str, text: str, data: Mapping[str, object]) -> None:
        while True:
            try:
                await self._record(code, kind, who, text, data)
            except StorageError as error:
                _log.error("the outcome of a message waits: %s", error)
                await asyncio.sleep(_AGAIN)
            else:
                return
