"""One incident for one root cause: what follows from something else joins its incident, and speaks up if it stays.

::

    alarm of a child ─┬─ a parent is lost ───────────────────▶ joined: a symptom of the root cause's incident
                      ├─ a parent may be lost ──▶ it waits ──┬─ the parent is well: released, it speaks for itself
                      │                                      ├─ the parent is lost: merged
                      │                                      └─ nobody knows in time: it speaks for itself
                      └─ otherwise ──────────────────────────▶ it speaks for itself

    a parent's alarm after its children's: their incidents of which nobody was told are merged into its own
    the root cause is over: who does not come back within the settling time is left over, as an incident of its own

What is decided follows from the incidents (their events), the dependencies and the readings; so a restart changes
nothing, and neither does the order in which alarms arrive. What is kept here is only an index of them.
"""

import logging
import math
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from typing import Any, Final, Protocol

import msgspec

from gateway.incident import Incident, Source, Symptom
from gateway.nodes import Lost, Nodes, Now
from gateway.plan.dependencies import Cause, Key, Link
from gateway.plan.limits import of_clause
from gateway.plan.model import Clause, Level, Plan, Wake
from gateway.plan.waking import page_at
from gateway.ports import Facts
from gateway.worktime.hours import WorkTime

log = logging.getLogger(__name__)
LOOK_AGAIN: Final = 5.0
"""Seconds between two looks at what an incident may follow from."""
_PEOPLE: Final = frozenset({"message", "noted", "step", "shed", "confirmed", "reopened"})
"""The events that people know of, or have a part in: who looks for them has to find them where they were."""


class Record(Protocol):
    """Keeps an event of an incident, and believes it."""

    async def __call__(self, incident: str, kind: str, *, data: Mapping[str, object]) -> Incident:
        """Return the incident after it.

        Raises:
            StorageError: it is not on record, and nothing has changed.
        """
        ...


Begin = Callable[[Clause, Source, Symptom, Mapping[str, object]], Awaitable[None]]
"""Opens an incident: clause, device, symptom, and what the event says beside them."""
Ask = Callable[[Key, str], None]
"""Has a device read now, for an incident; returns at once."""


def ask_nobody(_device: Key, _incident: str) -> None:
    """Have nothing read: the next poll comes by itself."""


class Causes:
    """Finds the root causes of a gateway's incidents, and has them kept. The caller holds its lock."""

    def __init__(
        self,
        plan: Plan,
        facts: Facts,
        hours: Callable[[str], WorkTime],
        incidents: Callable[[], Mapping[str, Incident]],
        record: Record,
        begin: Begin,
        ask: Ask = ask_nobody,
    ) -> None:
        """Take what depends on what, what is known, the working hours, the incidents, and how a change is kept."""
        self._plan = plan
        self._tree = plan.dependencies
        self._nodes = Nodes(plan.dependencies, facts)
        self._hours = hours
        self._incidents = incidents
        self._record = record
        self._begin = begin
        self.ask = ask
        self._done: dict[str, tuple[int, float]] = {}
        """Incident → the turn at which it was sorted, and until when (wall seconds) time alone changes nothing."""

    def learn(self, incident: Incident) -> None:
        """Take note of how an incident is now."""
        self._nodes.learn(incident)

    @property
    def following(self) -> Collection[str]:
        """The incidents that hold what follows from their root cause."""
        return self._nodes.following

    def relearn(self, incidents: Iterable[Incident]) -> None:
        """Take note of all incidents, after the clock was put right."""
        self._done.clear()
        for incident in incidents:
            self.learn(incident)

    # An alarm comes

    async def take(self, clause: Clause, source: Source, symptom: Symptom) -> bool:
        """Add an alarm to the incident of its root cause; say whether there is one."""
        cause = self._cause(source, symptom)
        home = self._home(cause) if cause else ""
        if cause is None or not home:
            return False
        data = {"symptom": msgspec.to_builtins(_following(symptom, source, clause.clause, cause)), "of": cause.node}
        await self._record(home, "joined", data=data)
        return True

    def waits(self, source: Source, symptom: Symptom, now: float) -> dict[str, Any]:
        """Return what the opening of an incident says of its waiting; empty: it speaks for itself.

        It waits until what it depends on was looked at again: as long as that itself takes to say that it is lost, and a
        little more. What began while its root cause stood, which is over since, waits as long as it may take to come back.
        """
        node = self._nodes.of(source)
        if not node or symptom.level == Level.MAJOR:
            return {}

        def just_over(one: Lost, link: Link) -> bool:
            if not one.ended:
                return one.open
            return (
                now < one.ended + link.settle
                and one.since - self._tree.wait <= symptom.since <= one.ended + self._tree.wait
            )

        cause = self._tree.cause(node, symptom.condition, Now(self._nodes, just_over))
        over = [one for one in self._nodes.lost(cause.node) if one.ended] if cause else []
        if cause is not None and over:
            last = max(over, key=lambda one: one.ended)
            return {"waits": last.ended + cause.settle, "of": last.code}
        doubts = self._doubts(node, symptom)
        return {"waits": now + self._tree.wait + max(map(self._nodes.delay, doubts))} if doubts else {}

    # Time passes

    async def sort(self, code: str, now: float) -> float | None:
        """Put an incident where it belongs by now: merge it, release it, let go of what is left over.

        Return when to look again, though no alarm comes or goes (wall seconds).
        """
        incident = self._incidents()[code]
        if incident.moved:
            return None
        again = math.inf
        if (
            incident.closed is None
            and incident.waits > now
            and not incident.of
            and not await self._look_again(incident)
        ):
            again = min(now + LOOK_AGAIN, incident.waits)
        turn, until = self._done.get(code, (-1, 0.0))
        news = (
            incident.source.device.startswith("@")
            or self._nodes.went > turn
            or any(self._nodes.came.get(name, 0) > turn for name in self._above(incident))
        )
        if news or now >= until:
            turn = self._nodes.turn
            until = await self._put_right(code, now)
            self._done[code] = turn, until
        again = min(again, until)
        return again if again < math.inf else None

    async def _put_right(self, code: str, now: float) -> float:
        incident = self._incidents()[code]
        if incident.closed is None and incident.gone is None and _untold(incident):
            incident = await self._merge(incident)
        until = math.inf
        for symptom in incident.active if not incident.moved else ():
            if symptom.follows:
                until = min(until, await self._follow(self._incidents()[code], symptom, now))
        return until

    def _above(self, incident: Incident) -> Collection[str]:
        node = self._nodes.of(incident.source)
        return self._tree.above(node) if node else ()

    async def _merge(self, incident: Incident) -> Incident:
        """Merge an incident of which nobody was told into that of the root cause, with all that followed from it."""
        own = [symptom for symptom in incident.active if not symptom.follows]
        if own and (same := self._said_already(incident)):
            return await self._merge_into(same, incident, Cause("", 0.0))
        causes = [self._cause(incident.source, symptom) for symptom in own]
        cause = next((one for one in causes if one is not None), None)
        home = self._home(cause) if cause else ""
        if cause is None or not all(causes) or home in {"", incident.code}:
            return incident
        return await self._merge_into(home, incident, cause)

    async def _merge_into(self, home: str, incident: Incident, cause: Cause) -> Incident:
        moved = [
            symptom if symptom.follows else _following(symptom, incident.source, incident.clause, cause)
            for symptom in incident.symptoms
        ]
        data = {"symptoms": msgspec.to_builtins(moved), "of": cause.node, "out_of": incident.code}
        await self._record(home, "merged", data=data)
        return self._incidents()[incident.code]

    def _said_already(self, incident: Incident) -> str:
        """Return another incident that says the same of the same agent, or of the gateway, for other kinds of devices.

        The gateway raises what it finds wrong itself once for each kind. Of these the one leads whose people are called
        soonest; that it has begun to call them makes no difference.
        """
        if not incident.source.device.startswith("@"):
            return ""
        conditions = {symptom.condition for symptom in incident.active}

        def pace(one: Incident) -> tuple[bool, tuple[float, ...]]:
            clause = self._plan.find(one.clause)
            return clause is None, tuple(sorted(rung.after for rung in clause.escalation.rung)) if clause else ()

        same = [
            one
            for one in self._incidents().values()
            if one.closed is None
            and one.source.key == incident.source.key
            and conditions == {symptom.condition for symptom in one.active}
        ]
        first = min(same, key=pace, default=incident)
        return "" if first.code == incident.code else first.code

    async def _look_again(self, incident: Incident) -> bool:
        """Release an incident once all that it may follow from was found well, and say so; else have that looked at."""
        node = self._nodes.of(incident.source)
        doubts = {name for symptom in incident.active for name in self._doubts(node, symptom)}
        if not doubts:
            await self._record(incident.code, "released", data={})
            return True
        for name in sorted(doubts):
            key = self._nodes.key(name)
            if key is not None and not key[2].startswith("@"):
                self.ask(key, incident.code)
        return False

    async def _follow(self, incident: Incident, symptom: Symptom, now: float) -> float:
        """Let a symptom go once what it follows from is over: to another root cause, or to an incident of its own.

        Return when to look again (wall seconds).
        """
        if symptom.source.key == incident.source.key:
            return math.inf  # the same, said of another kind of devices: it ends with the rest
        standing = Now(self._nodes, lambda one, _: not one.ended)
        cause = self._tree.cause(self._nodes.of(symptom.source), symptom.condition, standing)
        home = self._home(cause) if cause else ""
        if cause is not None and (home == incident.code or not _over(incident)):
            over = home == incident.code and all(one.ended for one in self._nodes.lost(symptom.of))
            if not over:
                return math.inf  # it still follows from something here; or the person who closed that knows of it
        if cause is not None and home:  # else somebody closed what stands above it now: it speaks for itself
            said = {"symptom": msgspec.to_builtins(_following(symptom, symptom.source, symptom.clause, cause))}
            out_of = {} if home == incident.code else {"out_of": incident.code}
            await self._record(home, "joined", data={**said, "of": cause.node, **out_of})
            return math.inf
        ended = max((one.ended for one in self._nodes.lost(symptom.of) if one.ended), default=-math.inf)
        if now < ended + symptom.settle:
            return ended + symptom.settle
        clause = self._plan.find(symptom.clause)
        if clause is None:
            log.warning("incident %s: the plan no longer has clause %s", incident.code, symptom.clause)
            return math.inf
        own = msgspec.structs.replace(
            symptom,
            page_at=page_at(max(symptom.ready, now), Wake(symptom.wake), self._hours(symptom.source.site)),
            source=Source(),
            clause="",
            of="",
            settle=0.0,
        )
        data: dict[str, object] = {"of": incident.code, "out_of": incident.code}
        limits = of_clause(clause, now, self._hours(symptom.source.site))
        for one in self._incidents().values():
            if one.closed is None and one.clause == clause.clause and one.source.key == symptom.source.key:
                data["symptom"] = msgspec.to_builtins(own)
                await self._record(one.code, "joined", data={**data, "limits": limits})
                return math.inf
        await self._begin(clause, symptom.source, own, data)
        return math.inf

    # Who is whose

    def _cause(self, source: Source, symptom: Symptom) -> Cause | None:
        """Return the root cause that stands, in an incident that is open; what the plan calls major speaks for itself."""
        node = self._nodes.of(source)
        if not node or symptom.level == Level.MAJOR:
            return None
        return self._tree.cause(node, symptom.condition, Now(self._nodes, lambda one, _: one.open and not one.ended))

    def _home(self, cause: Cause) -> str:
        """Return the open incident of a root cause: the oldest."""
        codes = {one.code for one in self._nodes.lost(cause.node) if one.open and not one.ended}
        return next((code for code in self._incidents() if code in codes), "") if len(codes) > 1 else "".join(codes)

    def _doubts(self, node: str, symptom: Symptom) -> tuple[str, ...]:
        return (
            self._tree.doubts(node, symptom.condition, lambda name: self._nodes.well(name, symptom.since))
            if node
            else ()
        )


def _following(symptom: Symptom, source: Source, clause: str, cause: Cause) -> Symptom:
    return msgspec.structs.replace(symptom, source=source, clause=clause, of=cause.node, settle=cause.settle)


def _untold(incident: Incident) -> bool:
    """Say whether nobody was ever told of it, and nobody has answered, written or done anything."""
    answered = bool(incident.owner or incident.seen)
    return not answered and all(event.kind not in _PEOPLE for event in incident.timeline)


def _over(incident: Incident) -> bool:
    """Say whether nothing of the root cause itself stands any more."""
    return all(symptom.follows for symptom in incident.active)
