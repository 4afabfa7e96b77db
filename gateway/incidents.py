"""The incidents of a gateway: alarms, answers of people and time come in; events, messages and standings go out.

All that is remembered is in the journal's events. What is decided is in ``gateway.plan.decide``; this only carries it
out, one change after the other, and never waits for a channel while it holds the lock.
"""

import asyncio
import logging
import math
import secrets
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from contract.alarm import Alarm, Occurrence, Standing
from contract.clock import Clock
from contract.errors import StorageError
from gateway import answers, beside, intake, refusals
from gateway.agenda import Agenda
from gateway.answers import Answer
from gateway.causes import Ask, Causes, ask_nobody
from gateway.contacts import Contacts
from gateway.event import CLOCK, Event, concerns, is_exercise
from gateway.incident import Incident, Purpose, Source, Symptom, code_of, corrected, fold, take
from gateway.incident.recurrence import Recurring, Root, before, link, recurring, root, root_of
from gateway.plan import limits
from gateway.plan.affected import affected
from gateway.plan.decide import Demand, climbed, confirm, demand, pages_after, past_symptom_of, symptom_of
from gateway.plan.model import Clause, Plan, Trigger
from gateway.plan.once import Tell
from gateway.ports import Facts, Keeper, OnChange, OnStanding, Teller
from gateway.post import Post
from gateway.reports import Reported
from gateway.spoken import Spoken
from gateway.worktime.days import Days
from gateway.worktime.hours import WorkTime

log = logging.getLogger(__name__)

LOOK = 5.0
"""Seconds: the longest that ``run`` sleeps, so that what a suspended host missed is noticed."""


def _nothing(_occurrence: str, _agent: str, _standing: Standing) -> None:
    return None


class Incidents(Spoken):
    """All the incidents, open and closed."""

    def __init__(
        self,
        journal: Keeper,
        plan: Plan,
        contacts: Contacts,
        notifier: Teller,
        clock: Clock,
        live: Facts,
        *,
        on_standing: OnStanding = _nothing,
        name: Callable[[int], str] = code_of,
        ask: Ask = ask_nobody,
        days: Days | None = None,
    ) -> None:
        """Keep what is passed; ``load`` reads the journal, ``run`` starts.

        ``name`` gives the n-th incident its code; ``ask`` has the device read now on which others depend, when it is not
        known whether it is well; ``days`` are those worked, left out: by the notices.
        """
        self._name = name
        self._journal = journal
        super().__init__(plan, contacts)
        self._post = Post(notifier, plan, contacts, self.keep)
        self._clock = clock
        self._live = live
        self._on_standing = on_standing
        self._incidents: dict[str, Incident] = {}
        self._by_occurrence: dict[str, str] = {}
        self._agenda: Agenda[Root] = Agenda()
        self._lock = asyncio.Lock()
        self._wake = asyncio.Event()
        self._unplanned: set[tuple[str, str]] = set()
        self._listeners: list[OnChange] = []
        self.elsewhere: Callable[[str], Incidents | None] = lambda _code: None
        """Says whose an incident is that is not of these, by its code: a drill's has a room of its own."""
        self._loaded = False
        self._days = days or Days()
        self._causes = Causes(plan, live, self.worktime, lambda: self._incidents, self._record, self._left_over, ask)

    def worktime(self, site: str) -> WorkTime:
        """Return when people of a site work."""
        return self.contacts.worktime(site, self._days)

    def utc_offset(self, site: str = "") -> float:
        """Return how far a site's clock is ahead of UTC now, in seconds."""
        return self.worktime(site).hours.offset(self.now())

    async def load(self) -> None:
        """Fold the journal's events; messages whose outcome nobody knows go again, marked 重发."""
        if self._loaded:
            return
        self._loaded = True
        self._incidents = fold(one for one in await self._journal.events() if not is_exercise(one.incident))
        self._causes.relearn(self._incidents.values())
        for incident in self._incidents.values():
            self._note(incident)
            for symptom in incident.symptoms:
                self._by_occurrence[symptom.id] = incident.code
            self._post.resume(incident, self.now())

    async def run(self) -> None:
        """Do what falls due, until cancelled."""
        await self.load()
        try:
            while True:
                self._wake.clear()
                try:
                    at = await self.tick()
                except StorageError as error:  # nothing is done that cannot be remembered; what is due stays due
                    log.error("incidents wait: %s", error)  # noqa: TRY400 - the sentence says it
                    at = None
                pause = LOOK if at is None else min(LOOK, max(0.0, at - self.now()))
                try:
                    async with asyncio.timeout(pause):
                        await self._wake.wait()
                except TimeoutError:
                    continue
        finally:
            await self._post.stop()

    async def stop(self) -> None:
        """Let the messages under way come to their end, for a moment; ``run`` does it too."""
        await self._post.stop()

    async def settled(self) -> None:
        """Wait until no message is under way."""
        await self._post.settled()

    def subscribe(self, listener: OnChange) -> Callable[[], None]:
        """Call the listener after each change; return what ends it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def list(self) -> tuple[Incident, ...]:
        """Return all incidents, the newest first; what was merged into another is part of that one."""
        return tuple(one for one in reversed(self._incidents.values()) if not one.moved)

    def open(self) -> tuple[Incident, ...]:
        """Return the open incidents, in the order of their opening."""
        return tuple(one for one in self._incidents.values() if one.closed is None)

    def recurring(self, days: float) -> tuple[Recurring, ...]:
        """Return what came more than once in the last so many days."""
        now = self.now()
        return tuple(recurring(self._incidents.values(), now - days * 86400.0, now + 1.0))

    def get(self, code: str) -> Incident:
        """Return an incident by its code, in either case; of one that was merged into another, that one.

        Raises:
            IncidentUnknown: there is none.
        """
        other = self.elsewhere(code)
        if other is not None:
            return other.get(code)
        found = self._incidents.get(code.upper())
        while found is not None and found.moved:
            found = self._incidents[found.moved]
        if found is None:
            raise refusals.unknown(code, [one.code for one in self.list()[:20]])
        return found

    # What comes in from devices

    async def on_alarm(self, alarm: Alarm, source: Source) -> None:
        """Take the state of an alarm. Repeats change nothing; what ended before it was ever seen opens nothing."""
        await self.load()
        occurrence = alarm.occurrence
        async with self._lock:
            for part, match in beside.parts(self.plan, occurrence, source):
                known = self._by_occurrence.get(part.id)
                if known is not None:
                    await self._known(self._incidents[known], part)
                elif part.active and alarm.annunciates(self.now()):
                    worse = alarm.worse and part.id == occurrence.id
                    match_now = self.plan.match(source.kind, alarm.worse, source.device) if worse else None
                    await self._new(part, source, match_now or match)
        self._wake.set()

    def of(self, occurrence: str) -> Incident | None:
        """Return the incident that an alarm belongs to."""
        return self._incidents.get(self._by_occurrence.get(occurrence, ""))

    async def mark(self, occurrence: str, kind: str, data: Mapping[str, Any], *, who: str = "", text: str = "") -> None:
        """Keep what is known of one alarm beside its beginning and its end (``incident.marks``), in each of its open incidents.

        The one by which the alarm is known comes last: who is cut short before it begins again.
        """
        async with self._lock:
            for part in beside.ids(self.plan, occurrence):
                found = self.of(part)
                if found is not None and (found.closed is None or found.stands_closed):
                    await self._record(found.code, kind, who=who, text=text, data={"id": part, **data})
        self._wake.set()

    async def on_past(self, alarm: Alarm, source: Source) -> None:
        """Take what is over, of which it is learned only now. It pages nobody; what an incident knows changes nothing."""
        await self.load()
        occurrence = alarm.occurrence
        async with self._lock:
            match = self.plan.match(source.kind, occurrence.condition, source.device)
            if occurrence.active or occurrence.id in self._by_occurrence or match is None:
                return
            clause, trigger = match
            now = self.now()
            symptom = past_symptom_of(occurrence, trigger, self.worktime(source.site), now)
            await self._begin("history", clause, source, symptom, now)

    async def correct(self, by: float, data: Mapping[str, Any], believe: Callable[[], None]) -> None:
        """Keep that the gateway's clock was put right, then believe it: no timer changes, but what the calendar says.

        Args:
            by: seconds from the old time to the new.
            data: what the event says beside that.
            believe: puts the clock right; called between the commit and all that comes after it.

        Raises:
            StorageError: it is not on record, and nothing has changed.
        """
        await self.load()
        async with self._lock:
            known = self._incidents.values()
            calendar = {
                "pages": pages_after(known, by, self.worktime),
                "limits": limits.after_correction(known, by, self.worktime),
            }
            text = f"{by:+.1f} s"
            event = Event(at=self.now() + by, kind=CLOCK, text=text, data={**data, "shift": by, **calendar})
            event = await self._journal.record_event(event)
            believe()
            self._incidents = {code: corrected(one, event) for code, one in self._incidents.items()}
            self._causes.relearn(self._incidents.values())
            for incident in tuple(self._incidents.values()):
                self._note(incident)
                if incident.closed is None:
                    self._publish(incident)
        self._wake.set()

    async def _known(self, incident: Incident, occurrence: Occurrence) -> None:
        symptom = next(one for one in incident.symptoms if one.id == occurrence.id)
        if occurrence.active or not symptom.active:
            self._say_standing(incident)
            return
        data: dict[str, Any] = {"id": symptom.id, "condition": symptom.condition}
        if self.now() < symptom.ready:
            data["fleeting"] = True
        incident = await self._record(incident.code, "ended", data=data)
        if incident.over:  # a crash before the next line is made good by the next tick
            await self._record(incident.code, "cause-gone")

    async def _new(self, occurrence: Occurrence, source: Source, match: tuple[Clause, Trigger] | None) -> None:
        if match is None:
            self._say_unplanned(source.kind, occurrence.condition)
            return
        clause, trigger = match
        now = self.now()
        symptom = symptom_of(occurrence, trigger, self.worktime(source.site), now)
        standing = self._going_on((clause.clause, source.key))
        if standing is not None:
            if standing.comes_back(now):  # its paging delay runs since it first came: a mains that flaps is told too
                before = [one for one in standing.symptoms if one.condition == symptom.condition]
                first = min([symptom, *before[-1:]], key=lambda one: one.page_at)
                symptom = msgspec.structs.replace(symptom, page_at=first.page_at, ready=first.ready)
            begins = limits.of_clause(clause, now, self.worktime(source.site))
            data = {"symptom": msgspec.to_builtins(symptom), "limits": begins}
            self._say_standing(await self._record(standing.code, "joined", data=data))
        elif not await self._causes.take(clause, source, symptom):
            more = self._causes.waits(source, symptom, now)
            await self._begin("opened", clause, source, symptom, now, more)

    def _going_on(self, same: Root) -> Incident | None:
        """Return the open incident of the same."""
        return next((one for one in self._of(same) if one.closed is None), None)

    def _of(self, same: Root) -> Iterable[Incident]:
        """Return all incidents of the same, the oldest first."""
        return (self._incidents[code] for code in self._agenda.of(same))

    def _note(self, incident: Incident) -> None:
        """Put it on the agenda: it is looked at next, unless it is closed for good."""
        code = incident.code
        rests = incident.closed is not None and not incident.stands_closed and code not in self._causes.following
        self._agenda.learn(code, root_of(incident), rests=rests)

    async def _left_over(self, clause: Clause, source: Source, symptom: Symptom, more: Mapping[str, object]) -> None:
        """Open an incident for what stands though its root cause is over."""
        await self._begin("opened", clause, source, symptom, self.now(), more)

    async def _begin(
        self,
        kind: str,
        clause: Clause,
        source: Source,
        symptom: Symptom,
        now: float,
        more: Mapping[str, object] | None = None,
        reported: Reported | None = None,
    ) -> Incident:
        """Keep the first event of an incident: opened, or history."""
        new = self._name(len(self._incidents) + 1)
        same = root(clause.clause, source, reported, new)
        last = before(self._of(same), same, now, clause.recurrence)
        data: dict[str, object] = {
            **link(last),
            "clause": clause.clause,
            "title_zh": clause.title.zh,
            "title_en": clause.title.en,
            "source": msgspec.to_builtins(source),
            "symptom": msgspec.to_builtins(symptom),
            **(more or {}),
        }
        data |= {"limits": limits.of_clause(clause, now, self.worktime(source.site))} if symptom.active else {}
        data |= {"report": msgspec.to_builtins(reported)} if reported else {}
        return await self._record(new, kind, who=reported.person if reported else "", data=data)

    def _say_unplanned(self, kind: str, condition: str) -> None:
        if (kind, condition) not in self._unplanned:
            self._unplanned.add((kind, condition))
            log.warning("no clause of the plan is for %r of %r: the board shows it, nobody is told", condition, kind)

    # What comes in from people

    async def reopen(self, code: str, person: str, reason: str) -> Incident:
        """重新打开: a person says with a reason that it is not over; people are told afresh."""

        def answer(one: Incident) -> Answer:
            going_on = self._going_on(root_of(one))
            other = going_on.code if going_on else ""
            time = self.worktime(one.source.site)
            return answers.reopen(one, reason, self.plan.find(one.clause), self.now(), time, other)

        return await self.take_answer(code, person, answer)

    async def take_answer(self, code: str, person: str, answer: Callable[[Incident], Answer | None]) -> Incident:
        """Keep what a person says to an incident, if it can be said now."""
        other = self.elsewhere(code)
        if other is not None:
            return await other.take_answer(code, person, answer)
        await self.load()
        async with self._lock:
            found = self.get(code)
            self.contacts.find(person)
            said = answer(found)
            if said is None:
                return found
            after = await self._record(found.code, said.kind, who=person, text=said.text, data=said.data)
            self._say_standing(after)
            self._wake.set()
            return after

    # What people report

    async def report(
        self, clause: str, report: str, person: str, fields: Mapping[str, str], place: str = ""
    ) -> Incident:
        """Put a clause in force by a person's report; the same one sent twice is one.

        Raises:
            IncidentError: no such clause, report or person, or it is not complete.
        """
        await self.load()
        async with self._lock:
            of, declared = intake.find(self.plan, clause, report)
            reported = intake.taken(declared, person, fields, place, self.contacts)
            now = self.now()
            known = intake.again(self._incidents.values(), clause, reported, now)
            if known is not None:
                return known
            code = self._name(len(self._incidents) + 1)
            symptom = intake.symptom_of(declared, code, self.worktime(""), now)
            begun = await self._begin(
                "opened", of, intake.source_of(declared, reported), symptom, now, reported=reported
            )
        self._wake.set()
        return begun

    def _say_standing(self, incident: Incident) -> None:
        """Tell the agent: owned, or told. An answer is the only proof here: e-mail and webhooks end as accepted."""
        if not (incident.owner or incident.seen):
            return
        standing = Standing.OWNED if incident.owner or incident.closed is not None else Standing.TOLD
        for symptom in incident.active:
            self._on_standing(beside.whose(symptom.id), incident.where(symptom).agent, standing)

    # What time demands

    async def tick(self) -> float | None:
        """Do all that is due now; return when (wall seconds) the next thing falls due."""
        await self.load()
        next_look = math.inf
        for code in self._agenda:
            if self._agenda.due(code, self.now()):
                await asyncio.sleep(0)  # a thousand may be due at once: an alarm comes between any two of them
            async with self._lock:
                next_look = min(next_look, await self._look(code))
        return None if next_look == math.inf else next_look

    async def _look(self, code: str) -> float:
        """Do what is due of one incident; return when to look again."""
        now, agenda = self.now(), self._agenda
        sorted_at = math.inf
        if self._incidents[code].closed is None or code in self._causes.following:
            sorted_at = await self._causes.sort(code, now) or math.inf
        incident = self._incidents[code]
        if agenda.due(code, now):
            agenda.looked(code, now, None)
            at = None
            if incident.closed is None or (incident.stands_closed and self._going_on(root_of(incident)) is None):
                try:
                    at = await self._carry_out(incident)
                except StorageError:
                    self._note(incident)  # what is due stays due
                    raise
            if not agenda.due(code, now):  # else there is news already: what was done may ask for more
                agenda.looked(code, now, at)
        return min(sorted_at, max(now, agenda.again(code)))

    async def _carry_out(self, incident: Incident) -> float | None:
        clause = self.plan.find(incident.clause)
        if clause is None:
            return None  # the plan no longer has it: a person closes it
        if incident.over:
            incident = await self._record(incident.code, "cause-gone")
        if owed := limits.owed(incident, clause, self.worktime(incident.source.site)):
            incident = await self._record(incident.code, "deadline-set", data={"limits": owed})
        wants = self._demand(incident, clause)
        while wants.became:  # each of them ends what led to it
            time = self.worktime(incident.source.site)
            data = answers.reopening(clause, self.now(), time) if wants.became == "reopened" else {}
            incident = await self._record(incident.code, wants.became, who=wants.who, data=data)
            wants = self._demand(incident, clause)
        for mark in wants.marks:
            incident = await self._record(incident.code, mark.kind, data=mark.data)
        if wants.marks:
            wants = self._demand(incident, clause)
        for tell in wants.tell:
            incident = await self._tell(incident, clause, tell)
        others, wakes = affected(incident, clause, self.plan, self.contacts, self.now())
        for tell in others:
            incident = await self._tell(incident, clause, tell)
        if wants.check:
            incident, wants = await self._check(incident, clause, wants)
        if wants.close:
            await self._record(incident.code, "closed", text="checked", data={"checked": True, "itself": True})
            return None
        return min([*wakes, *([wants.wakes_at] if wants.wakes_at is not None else [])], default=None)

    def _demand(self, incident: Incident, clause: Clause) -> Demand:
        return demand(incident, clause, self.contacts, self.now(), self.worktime(incident.source.site))

    async def _check(self, incident: Incident, clause: Clause, wants: Demand) -> tuple[Incident, Demand]:
        evidence = confirm(incident, self._live.latest, self._live.conditions, self.now())
        if evidence is None:
            return incident, wants
        incident = await self._record(incident.code, "checked", data={"evidence": evidence})
        wants = self._demand(incident, clause)
        for tell in wants.tell:
            incident = await self._tell(incident, clause, tell)
        return incident, wants

    async def _tell(self, incident: Incident, clause: Clause, tell: Tell) -> Incident:
        rung = climbed(incident, clause, self.contacts, tell.person) if tell.purpose is Purpose.PAGE else None
        if rung is not None:
            index, department = rung
            titles = msgspec.to_builtins(department.title)
            climb = {"rung": index, "department": department.key, **titles}
            incident = await self._record(incident.code, "escalated", who=tell.person, data=climb)
        data: dict[str, object] = {"message": secrets.token_hex(8), "purpose": tell.purpose.value}
        data |= {"rank": incident.worst.rank}
        data |= {"clause": tell.clause} if tell.clause else {}
        data |= {"about": list(tell.about)} if tell.about else {}
        incident = await self._record(incident.code, "message", who=tell.person, data=data)
        self._post.send(incident, incident.mails[-1])
        return incident

    async def keep(self, code: str, kind: str, who: str, text: str, data: Mapping[str, object]) -> None:
        """Keep what others have to say of an incident: what became of a message, how long a battery lasts.

        Raises:
            StorageError: it is not on record.
        """
        async with self._lock:
            await self._record(code, kind, who=who, text=text, data=data)
        self._wake.set()

    async def _record(
        self, incident: str, kind: str, *, who: str = "", text: str = "", data: Mapping[str, object] | None = None
    ) -> Incident:
        """Keep an event, then believe it. The caller holds the lock."""
        event = Event(at=self.now(), incident=incident, kind=kind, who=who, text=text, data=dict(data or {}))
        kept = await self._journal.record_event(event)
        take(self._incidents, kept)
        after = self._incidents[incident]
        for code in concerns(kept):
            self._causes.learn(self._incidents[code])
        for code in concerns(kept) if kind != "closed" else {*concerns(kept), *self._agenda.of(root_of(after))}:
            self._note(self._incidents[code])  # with one closed, another of its root may open again
        more = kept.data.get("symptoms", [kept.data["symptom"]] if "symptom" in kept.data else [])
        self._by_occurrence.update((one["id"], incident) for one in more)
        of = kept.data.get("condition") if kind == "ended" else after.symptoms[-1].condition if kind == "joined" else ""
        what = f"{after.source.agent}/{after.source.device} {of or after.head.condition}, {after.clause}"
        said = f"{kind}{f' ({who})' if who else ''}{f': {text}' if text else ''}"
        log.info("incident %s (%s): %s", incident, what, said)
        for code in concerns(kept):
            self._publish(self._incidents[code])
        return after

    def _publish(self, incident: Incident) -> None:
        for listener in tuple(self._listeners):
            listener(incident)

    def now(self) -> float:
        """Return the gateway's wall time."""
        return self._clock.stamp().wall
