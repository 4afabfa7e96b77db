"""Drills of a running gateway: begun, listed, stopped; ended at once when something real happens, or at a restart."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

from contract.clock import Clock
from contract.errors import DrillError, StorageError
from contract.settings import did_you_mean
from gateway.contacts import Contacts
from gateway.drill.play import Play
from gateway.drill.record import ENDED, STARTED, Record, drills
from gateway.drill.score import Report, report
from gateway.drill.script import Script, standard
from gateway.event import Event
from gateway.incident import Incident
from gateway.incidents import Incidents
from gateway.plan.model import Level, Plan
from gateway.ports import Keeper, Teller

_log = logging.getLogger(__name__)
MOST: Final = 600.0
"""How many times as fast a drill may run at the most."""

_NEWS: Final = frozenset({"opened", "joined", "reopened", "annunciated", "released", "confirmed"})
"""Events after which people are told of something real: new, back, no longer put aside, or graver by a person's word."""

Say = Callable[[str, str, Record, str], Awaitable[None]]
"""Tells a person (id) that a drill has begun or ended: ``begun``, ``done``, ``time``, ``stopped``, ``real-alarm``, ``restart``."""


class Drills:
    """All the drills; one runs at a time."""

    def __init__(
        self,
        incidents: Incidents,
        plan: Plan,
        contacts: Contacts,
        scripts: Mapping[str, Script],
        journal: Keeper,
        teller: Teller,
        clock: Clock,
        say: Say,
        *,
        version: str = "",
    ) -> None:
        """Take the real incidents (a drill gives way to them), and the parts of the chain; nothing is started.

        Args:
            incidents: the real ones.
            plan: what is practised.
            contacts: who there is.
            scripts: clause → what is played; others are made from the clause.
            journal: where it is kept.
            teller: who really tells.
            clock: of this host.
            say: tells participants of its beginning and end.
            version: of the plan, for the report.
        """
        self._incidents = incidents
        self._plan = plan
        self._contacts = contacts
        self._scripts = scripts
        self._journal = journal
        self._teller = teller
        self._clock = clock
        self._say = say
        self._version = version
        self._play: Play | None = None
        self._task: asyncio.Task[None] | None = None
        self._ending: asyncio.Future[tuple[str, str]] | None = None
        """Why the one that runs is to end, and what or who ends it."""
        incidents.subscribe(self._real)
        incidents.elsewhere = self.elsewhere

    @property
    def running(self) -> Play | None:
        """The one that runs."""
        return self._play

    def elsewhere(self, code: str) -> Incidents | None:
        """Return the incidents of the drill that runs, where a code is one of theirs. See ``Incidents.elsewhere``."""
        if self._play is not None and code.upper().startswith(f"{self._play.record.code}-"):
            return self._play.incidents
        return None

    async def resume(self) -> None:
        """End what a restart has cut short; nobody practises on, and its participants hear it."""
        for record in (await self._all()).values():
            if record.ended is None:
                last = max([record.started, *(event.at for one in record.incidents for event in one.timeline)])
                await self._end(record, last, "restart", "")

    async def start(self, clause: str, person: str, *, speed: float = 1.0, people: Sequence[str] = ()) -> Record:
        """Begin a drill; return it.

        Args:
            clause: of the plan.
            person: who begins it.
            speed: how many times as fast as in earnest.
            people: who takes part; none: those whom the script names.

        Raises:
            DrillError: it cannot be held now, or not so.
            IncidentError: somebody is unknown.
        """
        self._contacts.find(person)
        script = self._script(clause)
        listed = tuple(dict.fromkeys(people or script.participants))
        for one in listed:
            self._contacts.find(one)
        self._check(listed, speed)
        numbers = await self._all()
        record = Record(
            number=max(numbers, default=0) + 1,
            clause=clause,
            title_zh=script.title.zh,
            title_en=script.title.en,
            by=person,
            participants=listed,
            speed=speed,
            plan=self._version,
            expect=tuple(msgspec.to_builtins(one) for one in script.expect),
            started=self._clock.stamp().wall,
        )
        play = Play(record, script, self._plan, self._contacts, self._journal, self._teller, self._clock)
        self._play = play  # from here on no second one can begin
        self._ending = asyncio.get_running_loop().create_future()
        data = {
            "drill": record.number,
            **{name: getattr(record, name) for name in ("clause", "title_zh", "title_en", "speed", "plan")},
            "participants": list(listed),
            "expect": list(record.expect),
        }
        try:
            await self._journal.record_event(Event(at=record.started, kind=STARTED, who=person, data=data))
        except StorageError:
            self._play = None
            raise
        _log.warning("%s of clause %s begins (%s, %g times as fast)", record.code, clause, person, speed)
        self._task = asyncio.get_running_loop().create_task(self._run(play, self._ending))
        return record

    async def stop(self, person: str) -> Record:
        """End the one that runs; return it.

        Raises:
            DrillError: none runs.
            IncidentError: nobody of this id.
        """
        self._contacts.find(person)
        play, task = self._play, self._task
        if play is None or task is None:
            raise DrillError("no drill runs", zh="现在没有进行中的演练")
        self._give_way("stopped", person)
        await asyncio.wait([task])
        return (await self._all())[play.record.number]

    async def reports(self) -> list[Report]:
        """Return how each drill went, the newest first."""
        now = self._play.clock.stamp().wall if self._play else 0.0
        return [report(one, now) for one in reversed((await self._all()).values())]

    async def report(self, number: int) -> Report:
        """Return how a drill went, or goes.

        Raises:
            DrillError: there is none of this number.
        """
        found = (await self._all()).get(number)
        if found is None:
            raise DrillError(f"there was no drill {number}", zh=f"没有第 {number} 次演练")
        return report(found, self._play.clock.stamp().wall if self._play else 0.0)

    async def close(self) -> None:
        """End what runs: the gateway stops. The next start puts on record why."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _run(self, play: Play, ending: "asyncio.Future[tuple[str, str]]") -> None:
        try:
            for person in play.record.participants:
                if not ending.done():
                    await self._say(person, "begun", play.record, "")
            playing = asyncio.ensure_future(play.run())
            try:
                either: list[asyncio.Future[Any]] = [playing, ending]
                await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
                why, what = ending.result() if ending.done() else (playing.result(), "")
            finally:
                playing.cancel()
            await play.stop()
            await self._end(play.record, play.clock.stamp().wall, why, what)
        finally:
            self._play = None  # whatever became of it, another one can be held

    async def _end(self, record: Record, at: float, why: str, what: str) -> None:
        data = {"drill": record.number, "why": why}
        while True:
            try:
                await self._journal.record_event(Event(at=at, kind=ENDED, text=what, data=data))
                break
            except StorageError as error:
                _log.error("that %s has ended is not on record: %s", record.code, error)
                await asyncio.sleep(5.0)
        _log.warning("%s has ended: %s %s", record.code, why, what)
        for person in record.participants:
            await self._say(person, why, record, what)

    def _script(self, clause: str) -> Script:
        found = self._plan.find(clause)
        if found is None:
            numbers = [one.clause for one in self._plan.clauses]
            raise DrillError(
                f"the plan has no clause {clause!r}",
                zh=f"预案里没有条款 {clause!r}",
                hint=did_you_mean(clause, numbers),
                hint_zh=f"预案里有：{'、'.join(numbers)}",
            )
        return self._scripts.get(clause) or standard(found)

    def _check(self, listed: Sequence[str], speed: float) -> None:
        if not 1.0 <= speed <= MOST:
            raise DrillError(
                f"{speed:g} times as fast",
                zh=f"不能以 {speed:g} 倍速进行",
                hint=f"1 to {MOST:g}",
                hint_zh=f"1 到 {MOST:g}",
            )
        if not listed:
            hint, hint_zh = "name them with --people", "用 --people 指定参加人员"
            raise DrillError("nobody takes part", zh="没有参加人员", hint=hint, hint_zh=hint_zh)
        if self._play is not None:
            code = self._play.record.code
            raise DrillError(
                f"{code} runs", zh=f"{code} 正在进行", hint="one at a time", hint_zh="同时只能进行一次演练"
            )
        real = next((one for one in self._incidents.list() if _pages(one) and not one.owner), None)
        if real is not None:
            raise DrillError(
                f"{real.code} is real, and nobody has taken it on",
                zh=f"真实事件 {real.code} 还没有人处理",
                hint="a drill has to wait for it",
                hint_zh="先处理真实事件，再演练",
            )

    def _real(self, incident: Incident) -> None:
        """Something real has happened: whoever is needed must not be busy with practice."""
        if self._play is None or not _pages(incident) or not incident.timeline:
            return
        if incident.timeline[-1].kind in _NEWS:
            self._give_way("real-alarm", incident.code)

    def _give_way(self, why: str, what: str) -> None:
        if self._ending is not None and not self._ending.done():
            self._ending.set_result((why, what))

    async def _all(self) -> dict[int, Record]:
        return drills(await self._journal.events())


def _pages(incident: Incident) -> bool:
    """Say whether people are, or soon will be, told of it: no finding, it stands, and nobody has put it aside."""
    return incident.closed is None and any(one.level != Level.FINDING for one in incident.pressing)
