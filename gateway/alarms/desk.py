"""The desk that every alarm passes on its way to the incidents: put aside, made worse, counted, calmed.

All that must outlive a restart is an event: what people put aside (``aside``), an alarm that opened no incident because it
was put aside (``held``), and the marks on alarms that are in one (``incident.marks``). What still stands when it is put aside no
longer speaks then. Nothing is hidden: the live picture has every alarm, with its state.
"""

import asyncio
import logging
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Final, Protocol

import msgspec

from contract.alarm import Alarm, AlarmState, Occurrence
from contract.clock import Clock
from contract.errors import StorageError
from contract.message import Alarms
from gateway.alarms import aside
from gateway.alarms.aside import Register
from gateway.alarms.flapping import Flapping, Line
from gateway.alarms.model import Rules, Worse
from gateway.alarms.own import Own
from gateway.alarms.stages import STAGES, Facts, Verdict
from gateway.alarms.standing import Known, Standing, occurrence_of, plain, standing_in
from gateway.alarms.suppression import Suppression
from gateway.event import CLOCK, Event
from gateway.evidence import source_of
from gateway.incident import Incident, Source, Symptom
from gateway.live import OWN, Live
from gateway.plan.model import Wake
from gateway.plan.waking import page_at
from gateway.ports import Keeper
from gateway.worktime.hours import Hours

_log = logging.getLogger(__name__)
LOOK: Final = 5.0
"""Seconds between two looks at what time alone changes."""
HELD: Final = "held"


class Onward(Protocol):
    """The part of the incidents that is needed here."""

    async def on_alarm(self, alarm: Alarm, source: Source) -> None:
        """Take the state of an alarm."""
        ...

    def of(self, occurrence: str) -> Incident | None:
        """Return the incident that an alarm belongs to."""
        ...

    async def mark(self, occurrence: str, kind: str, data: Mapping[str, Any], *, who: str = "", text: str = "") -> None:
        """Keep what is known of one alarm of an open incident."""
        ...


class Desk:
    """Takes each alarm, hands it on to the incidents unless something is against it, and again when that has ended."""

    def __init__(self, rules: Rules, live: Live, onward: Onward, journal: Keeper, clock: Clock, hours: Hours) -> None:
        """Take the rules, what is known, who acts on alarms, where events are kept, the clock, the site's hours."""
        self.rules = rules
        self.own = Own(rules, live, clock)
        self.register = Register()
        self._live = live
        self._onward = onward
        self._journal = journal
        self._clock = clock
        self._hours = hours
        self._standing = Standing()
        self._suppression = Suppression(rules, hours.offset(clock.stamp().wall))
        self.flapping = Flapping(rules.chatter, self._speaks)
        self._verdicts: dict[str, Verdict] = {}
        """Occurrence → why it does not speak, as it was last found."""
        self._held: set[str] = set()
        """Those of them that no incident knows."""
        self._again: set[str] = set()
        """Alarms that have to be looked at again: something that keeps them quiet began or ended."""
        self._owed: list[Known] = []
        """Alarms of the gateway's own that the disk has not taken yet."""
        self._lock = asyncio.Lock()

    # What comes in

    async def on_alarm(self, alarm: Alarm, source: Source) -> None:
        """Take the state of an alarm. Repeats change nothing.

        Raises:
            StorageError: what has to be remembered could not be kept; the next look, or a repeat, does it.
        """
        async with self._lock:
            known = Known(alarm, source)
            try:
                await self._take(known)
            except StorageError:
                if known.id.startswith(OWN) and self._symptom(known.id) is None:
                    self._drop(known)  # it comes again under another id
                raise
            await self._look_again()

    async def put(self, event: Event) -> Event:
        """Keep what a person puts aside or back (``aside``), and let it be so.

        Raises:
            StorageError: it is not on record, and nothing has changed.
        """
        async with self._lock:
            kept = await self._journal.record_event(event)
            self._believe(aside.after(self.register, kept))
            await self._look_again(known.id for known in self._standing)
            return kept

    async def run(self) -> None:
        """Do what time demands, until cancelled."""
        while True:
            try:
                await self.look()
            except StorageError as error:
                _log.error("alarms wait: %s", error)
            await asyncio.sleep(LOOK)

    async def look(self) -> None:
        """Let speak what is put aside no longer; raise and end what the gateway judges; see whether chatter has ceased.

        Raises:
            StorageError: the disk did not take it; the next look tries again.
        """
        async with self._lock:
            for change in list(self.own.changes()):
                source = change.source
                alarm = self._live.alarm(source.site, source.agent, Alarms(occurrence=change.occurrence))
                self._owed.append(Known(alarm, source))
                change.done()
            while self._owed:
                await self._take(self._owed[0])
                del self._owed[0]
            self._again |= self._suppression.turned(self._now())
            for name in list(self._verdicts):
                known = self._standing.get(name)
                if known is None:
                    del self._verdicts[name]
                elif self._verdict(known) != self._verdicts[name]:
                    await self._route(known)
            await self._look_again()
            while self.flapping.left:
                end = self.flapping.left[0]
                await self._onward.on_alarm(end.alarm, end.source)
                del self.flapping.left[0]
            for line in self.flapping.ceased(self._clock.boottime()):
                await self._cease(line)

    # The way of an alarm

    async def _take(self, known: Known) -> None:
        if not known.alarm.occurrence.active:
            await self._over(known)
            return
        before = self._standing.get(known.id)
        worse = before.alarm.worse if before is not None else self._worse(known)
        known = Known(plain(known.alarm, worse), known.source)
        if self._standing.add(known):
            self.flapping.came(known, self._clock.boottime())
            self._count(known)
        await self._route(known)

    async def _over(self, known: Known) -> None:
        if known.id in self._held and known.id.startswith(OWN):  # no agent will say that it is over
            data = {"id": known.id, "condition": known.condition, "over": True}
            await self._journal.record_event(Event(at=self._now(), kind=HELD, data=data))
        self._drop(known)
        self._show(known.id, None)
        if not self.flapping.keeps(known):
            await self._onward.on_alarm(known.alarm, known.source)

    def _drop(self, known: Known) -> None:
        before = self._standing.drop(known.id)
        if before is not None:
            self.own.ended(before)
            self._again |= self._suppression.ended(before)
        self._verdicts.pop(known.id, None)
        self._held.discard(known.id)

    async def _route(self, known: Known) -> None:
        """Hand it on, or put it aside."""
        verdict = self._verdict(known)
        symptom = self._symptom(known.id)
        self._show(known.id, verdict)
        swallowed = symptom is None and self.flapping.swallows(known)
        if verdict is not None:
            if symptom is not None and symptom.aside != verdict.state:
                data = {"state": verdict.state.value, "condition": known.condition, "until": verdict.until}
                await self._onward.mark(known.id, "put-aside", data, who=verdict.who, text=verdict.why)
            elif symptom is None and known.id not in self._held and not swallowed:
                await self._hold(known, verdict)
            self._verdicts[known.id] = verdict
            return
        if symptom is not None and symptom.aside:
            await self._onward.mark(known.id, "annunciated", self._annunciated(known, symptom))
        if not swallowed:
            await self._onward.on_alarm(known.alarm, known.source)
        self._held.discard(known.id)
        self._verdicts.pop(known.id, None)
        await self._note_chatter(known.line)

    async def _hold(self, known: Known, verdict: Verdict) -> None:
        """Remember that it stands and no incident knows: a restart must not forget to let it speak."""
        data: dict[str, Any] = {"id": known.id, "state": verdict.state.value, "condition": known.condition}
        if known.id.startswith(OWN):  # no agent will say it again
            data["occurrence"] = msgspec.to_builtins(known.alarm.occurrence)
            data["source"] = msgspec.to_builtins(known.source)
        event = Event(at=self._now(), kind=HELD, who=verdict.who, text=verdict.why, data=data)
        await self._journal.record_event(event)
        self._held.add(known.id)

    async def _look_again(self, names: Iterable[str] = ()) -> None:
        self._again.update(names)
        while self._again:
            name = next(iter(self._again))
            known = self._standing.get(name)
            if known is not None and self._verdict(known) != self._verdicts.get(name):
                await self._route(known)
            self._again.discard(name)

    async def _note_chatter(self, line: Line) -> None:
        news = self.flapping.news(line)
        if news is None:
            return
        carrier, count = news
        symptom = self._symptom(carrier)
        if symptom is not None and symptom.chattering < count:
            await self._onward.mark(carrier, "chattering", {"condition": line[3], "count": count})

    async def _cease(self, line: Line) -> None:
        carrier, count, end = self.flapping.calm(line)
        for known in self._standing.of([line[3]]):
            if known.line == line and known.id != carrier:
                await self._route(known)
        symptom = self._symptom(carrier)
        count = count or (symptom.chattering if symptom is not None else 0)  # 0: a disk that failed had it told before
        if count:
            data = {"condition": line[3], "count": count, "over": True}
            await self._onward.mark(carrier, "chattering", data)
        if end is not None:
            await self._onward.on_alarm(end.alarm, end.source)
        self.flapping.forget(line)

    def _verdict(self, known: Known) -> Verdict | None:
        facts = Facts(self.register, self._suppression)
        now = self._now()
        return next((found for stage in STAGES if (found := stage(facts, known, now)) is not None), None)

    def _worse(self, known: Known) -> str:
        """Return what it becomes after what stands: the last that is known of its device."""
        return next((rule.becomes for rule in self.rules.worse if self._is_worse(rule, known)), "")

    def _is_worse(self, rule: Worse, known: Known) -> bool:
        if rule.condition != known.condition or not rule.covers(known.source):
            return False
        return any(True for condition in rule.after for _ in self._standing.on(known.source, condition))

    def _count(self, known: Known, ago: float = 0.0) -> None:
        """Let it count, and keep others quiet, unless a person has put it aside."""
        entry = self.register.find(known.id, known.source.key, known.condition, self._now())
        serves = entry is None or entry.state is not AlarmState.OUT_OF_SERVICE
        self._again |= self._suppression.began(known, cause=serves)
        if entry is None:
            self.own.began(known, ago)

    def _believe(self, register: Register) -> None:
        """Take what is put aside now: what is out of service neither counts nor keeps anything quiet."""
        self.register = register
        self._suppression.anew()
        for known in self._standing:
            self.own.ended(known)
            self._count(known)

    def _annunciated(self, known: Known, symptom: Symptom) -> dict[str, Any]:
        """Return when people are told of it now."""
        at = page_at(max(self._now(), symptom.ready), Wake(symptom.wake), self._hours)
        return {"condition": known.condition, "page_at": at}

    def _symptom(self, occurrence: str) -> Symptom | None:
        """Return it as it stands in an incident that is open, or was closed while it stood."""
        found = self._onward.of(occurrence)
        if found is None:
            return None
        return next((one for one in found.symptoms if one.id == occurrence and one.active), None)

    def _speaks(self, occurrence: str) -> bool:
        """Say whether it stands in an open incident."""
        found = self._onward.of(occurrence)
        return found is not None and found.closed is None and self._symptom(occurrence) is not None

    def _show(self, occurrence: str, verdict: Verdict | None) -> None:
        """Let the live picture have its state, for the board."""
        state = None if verdict is None else verdict.state
        alarm = self._live.alarms.get(occurrence)
        if alarm is None or (state is None and alarm == plain(alarm)):
            return
        until = verdict.until if verdict is not None and state is AlarmState.SHELVED else None
        why = "" if verdict is None else f"{verdict.who} {verdict.why}".strip()
        self._live.update(
            occurrence,
            lambda before: msgspec.structs.replace(
                before,
                shelved_until=until,
                suppressed=state is AlarmState.SUPPRESSED,
                out_of_service=state is AlarmState.OUT_OF_SERVICE,
                why=why,
            ),
        )

    def _now(self) -> float:
        return self._clock.stamp().wall

    # What is known of it, for people

    def known(self) -> Iterator[tuple[Known, Verdict | None]]:
        """Yield the alarms that stand, and why they do not speak."""
        for known in self._standing:
            yield known, self._verdicts.get(known.id)

    # Restarts, and the clock

    async def adopt(self, incidents: Iterable[Incident], watched: Collection[str]) -> None:
        """Take up what stood before a restart, from the journal's events, the incidents and the live picture.

        Args:
            incidents: all of them.
            watched: the conditions that others of the gateway's own raise, and take up themselves.

        Raises:
            StorageError: the journal cannot be read.
        """
        events = list(await self._journal.events(""))
        self.register = aside.fold(events)
        held = {str(event.data.get("id")): event for event in events if event.kind == HELD}
        held = {name: event for name, event in held.items() if not event.data.get("over")}
        sources: dict[str, Source] = {}
        chattered: list[tuple[Symptom, Source]] = []
        for symptom, source in standing_in(incidents):
            sources[symptom.id] = source
            if symptom.id.startswith(OWN) and symptom.condition not in watched:
                await self._adopt_own(occurrence_of(symptom, source), source)
            if symptom.chattering:
                chattered.append((symptom, source))
        for event in held.values():
            if "occurrence" in event.data and event.data.get("condition") not in watched:
                occurrence = msgspec.convert(event.data["occurrence"], Occurrence)
                if self._onward.of(occurrence.id) is None and event.data["id"] in held:
                    source = msgspec.convert(event.data["source"], Source)
                    sources[occurrence.id] = source
                    await self._adopt_own(occurrence, source)
        self._fill(sources)
        for symptom, source in sorted(chattered, key=lambda one: -one[0].since):
            self._adopt_chatter(symptom, source)
        for known in self._standing:
            symptom_now = self._symptom(known.id)
            if known.id in held and self._onward.of(known.id) is None:
                self._held.add(known.id)
            aside_now = symptom_now.aside if symptom_now is not None else ""
            if known.id in self._held or aside_now or self._verdict(known) is not None:
                await self._route(known)
        self._again.clear()

    def moved(self, by: float) -> None:
        """Move the times of what is put aside, and of the gateway's own alarms: the clock was put right by so many seconds."""
        self.register = aside.after(self.register, Event(kind=CLOCK, data={"shift": by}))
        for occurrence, source in self.own.moved(by):
            self._live.alarm(source.site, source.agent, Alarms(occurrence=occurrence))
        for name in self._verdicts:
            known = self._standing.get(name)
            if known is not None:
                verdict = self._verdict(known)
                self._show(name, verdict)

    async def _adopt_own(self, occurrence: Occurrence, source: Source) -> None:
        if self.own.adopt(occurrence, source):
            self._live.alarm(source.site, source.agent, Alarms(occurrence=occurrence))
            return
        _log.warning("%s/%s: %s is judged no longer; it ends", *source.key[1:], occurrence.condition)
        over = msgspec.structs.replace(occurrence, active=False, cleared=self._clock.stamp())
        await self._onward.on_alarm(Alarm(over), source)

    def _fill(self, sources: Mapping[str, Source]) -> None:
        """Let the standing alarms of the live picture be known here, in the order in which they began."""
        now = self._now()
        standing = [alarm for alarm in self._live.alarms.values() if alarm.occurrence.active]
        for alarm in sorted(standing, key=lambda alarm: alarm.occurrence.raised.wall):
            occurrence = alarm.occurrence
            owner = self._live.owners.get(occurrence.id, ("", ""))
            view = self._live.devices.get((*owner, occurrence.device))
            source = sources.get(occurrence.id) or (source_of(view) if view is not None and view.known else None)
            if source is not None:
                bare = Known(alarm, source)
                known = Known(plain(alarm, self._worse(bare)), source)
                self._standing.add(known)
                self._count(known, max(0.0, now - occurrence.raised.wall))

    def _adopt_chatter(self, symptom: Symptom, source: Source) -> None:
        occurrence = occurrence_of(symptom, source)
        end = None
        if self._standing.get(symptom.id) is None:
            alarm = self._live.alarms.get(symptom.id)
            over = msgspec.structs.replace(occurrence, active=False, cleared=self._clock.stamp())
            end = Known(alarm or Alarm(over), source)
        self.flapping.adopt(Known(Alarm(occurrence), source), symptom.chattering, self._clock.boottime(), end)
