"""What people say to incidents: one verb each, and what is kept of it is decided elsewhere (``answers`` and its like)."""

from abc import ABC, abstractmethod
from collections.abc import Callable

from gateway import answers, commanding, intake
from gateway.answers import Answer
from gateway.contacts import Contacts
from gateway.incident import Incident
from gateway.plan.model import Plan
from gateway.worktime.hours import WorkTime


class Spoken(ABC):
    """The verbs of people."""

    def __init__(self, plan: Plan, contacts: Contacts) -> None:
        """Take the plan, and who there is."""
        self.plan = plan
        self.contacts = contacts

    @abstractmethod
    async def take_answer(self, code: str, person: str, answer: Callable[[Incident], Answer | None]) -> Incident:
        """Keep what a person says to an incident, if it can be said now; ``answer`` says what is kept, None for nothing."""

    @abstractmethod
    def worktime(self, site: str) -> WorkTime:
        """Return when people of a site work."""

    @abstractmethod
    def now(self) -> float:
        """Return the gateway's wall time."""

    async def seen(self, code: str, person: str) -> Incident:
        """收到: the person knows; repeats to them stop.

        Raises:
            IncidentError: no such incident or person, or it is closed. So of all that follow.
        """
        return await self.take_answer(code, person, lambda one: answers.seen(one, person))

    async def mine(self, code: str, person: str) -> Incident:
        """我处理: the person takes it on; the escalation stops. Who takes it over from another is on the record."""
        return await self.take_answer(code, person, lambda one: answers.mine(one, person))

    async def handover(self, code: str, person: str, to: str, words: str) -> Incident:
        """移交: the owner asks another person to take it over, with a sentence; it is theirs until that is accepted."""
        return await self.take_answer(code, person, lambda one: answers.handover(one, person, to, words, self.contacts))

    async def accept(self, code: str, person: str) -> Incident:
        """接手: the person takes over what was handed to them."""
        return await self.take_answer(code, person, lambda one: answers.accept(one, person))

    async def decline(self, code: str, person: str, words: str = "") -> Incident:
        """不接手: it goes back to the one who wanted to hand it over."""
        return await self.take_answer(code, person, lambda one: answers.decline(one, person, words))

    async def progress(self, code: str, person: str, words: str = "") -> Incident:
        """进展: the owner works on it, and may say how far they are."""
        return await self.take_answer(code, person, lambda one: answers.progress(one, person, words))

    async def note(self, code: str, person: str, text: str) -> Incident:
        """备注: write a person's words into the timeline; closed ones take them too."""
        return await self.take_answer(code, person, lambda _: answers.note(text))

    async def step(self, code: str, person: str, index: int) -> Incident:
        """Mark a step of the clause as done; ``index`` is 0 for the first."""
        return await self.take_answer(code, person, lambda one: answers.step(one, self.plan.find(one.clause), index))

    async def shed(self, code: str, person: str, index: int) -> Incident:
        """Mark an entry of the clause's list of loads as switched off by hands; ``index`` is 0 for the first."""
        return await self.take_answer(code, person, lambda one: answers.shed(one, self.plan.find(one.clause), index))

    async def close(self, code: str, person: str, reason: str = "") -> Incident:
        """关闭: once the cause is gone and checked, or with a person's reason."""
        return await self.take_answer(code, person, lambda one: answers.close(one, reason))

    async def approve(self, code: str, person: str, words: str = "") -> Incident:
        """批准: the approval that is due, by who may."""
        return await self.take_answer(
            code, person, lambda one: intake.approve(one, self.plan.find(one.clause), self.contacts, person, words)
        )

    async def refuse(self, code: str, person: str, reason: str) -> Incident:
        """不批准: with a reason; nothing is approved after that."""
        return await self.take_answer(
            code, person, lambda one: intake.refuse(one, self.plan.find(one.clause), self.contacts, person, reason)
        )

    async def confirm(self, code: str, person: str, level: str) -> Incident:
        """确认级别: a person says that it is partial, or major, where the plan leaves that to people."""
        return await self.take_answer(
            code, person, lambda one: intake.confirm(one, self.plan.find(one.clause), self.contacts, person, level)
        )

    async def authorise(self, code: str, person: str, whom: str, reason: str = "") -> Incident:
        """授权: head or deputy makes a department's head temporary commander of a major incident."""

        def answer(one: Incident) -> Answer | None:
            return commanding.authorise(one, self.plan.find(one.clause), self.contacts, person, whom, reason)

        return await self.take_answer(code, person, answer)

    async def limit(self, code: str, person: str, words: str, step: int = 0) -> Incident:
        """定时限: head, deputy or temporary commander sets the limit of the whole, or of a step (from 1), from now."""

        def answer(one: Incident) -> Answer | None:
            clause, time = self.plan.find(one.clause), self.worktime(one.source.site)
            return commanding.limit(one, clause, self.contacts, person, words, step, self.now(), time)

        return await self.take_answer(code, person, answer)

    async def lower(self, code: str, person: str, level: str, reason: str) -> Incident:
        """降低级别: head, deputy or temporary commander says that it is less; the headquarters is stood down."""
        return await self.take_answer(
            code, person, lambda one: commanding.lower(one, self.contacts, person, level, reason)
        )
