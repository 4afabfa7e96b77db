"""The composition root of the gateway: settings in, running tasks out. One straight function builds it all."""

import asyncio
import gc
import logging
import secrets
import shutil
import signal
from collections.abc import Callable, Coroutine
from contextlib import suppress
from datetime import datetime
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from contract.alarm import Alarm, Standing, acknowledge, advance
from contract.command import Verb
from contract.errors import StorageError
from gateway import board, control
from gateway.absence import Absence
from gateway.alarms.aside import Aside
from gateway.alarms.desk import Desk
from gateway.alarms.people import People
from gateway.asking import Asker
from gateway.board import kinds, planpage, staff, views
from gateway.board.agents import AgentRow, agents
from gateway.board.words import Words
from gateway.calendar import Calendar
from gateway.clock import SteadyClock, SystemClock
from gateway.commands import Commander
from gateway.config import Config
from gateway.contacts import Contacts
from gateway.countdowns import Countdowns
from gateway.digest import Digest
from gateway.drill.announce import Announcer
from gateway.drill.desk import Drills
from gateway.evidence import LiveFacts, inventory, source_of
from gateway.feed import READER as INCIDENTS
from gateway.feed import Feed, rebuild
from gateway.follow import Follower
from gateway.incident import Incident
from gateway.incidents import Incidents
from gateway.ingest import Ingest
from gateway.journal import Journal
from gateway.journal.file import NAME as JOURNAL
from gateway.journal.retention import Retention
from gateway.live import HOUR, DeviceView, Live
from gateway.mqtt import Wire
from gateway.notify.channels import open_channels, open_receivers
from gateway.notify.gathering import Gathering
from gateway.notify.pipeline import Notifier as Teller
from gateway.notify.pipeline import standard_stages
from gateway.outward.doing import Doing
from gateway.outward.topics import Topics
from gateway.oversight import Oversight
from gateway.plan.dependencies import Key
from gateway.plan.model import Plan
from gateway.read import plan_version, read_days, read_drills, read_rules
from gateway.store import PAGE, Status, Store
from gateway.store import READER as STORE
from gateway.store.servers import open_server
from gateway.systemd import Notifier
from gateway.twins import Twins
from gateway.watches import CONDITIONS, Told, Watches
from gateway.web import Served, tcp, unix
from gateway.worktime.days import Days

_log = logging.getLogger(__name__)
_SHUTDOWN: Final = 5.0
_DAY: Final = 86400.0
_PRUNE_AT: Final = 3.3 * 3600.0
"""Seconds after midnight."""
_KEY: Final = 32
"""Bytes of the key that signs the links."""
_DISK_LOW: Final = 64 * 2**20
"""Bytes free where the journal lies, below which people are told."""
_DISK_NONE: Final = 2**20
"""Bytes free, below which a journal cannot be opened for lack of room."""
_AGAIN: Final = 2.0
"""Seconds between two tries of a disk without room."""
_BEHIND: Final = 50_000
"""Messages that a store which is well may be behind: some seconds at full speed."""
_GC: Final = (200_000, 20, 50)
"""Thousands of messages a second are made and dropped, and hold no circles: looking for some at each 700th costs a tenth."""
_OURSELVES: Final = "wolfsmoke"
"""Who asks for a device to be read, when the gateway does."""
_COLLECT_EVERY: Final = 30.0
"""Seconds between two looks for circles all the same: a library may leave some where something failed."""
_STATUS_EVERY: Final = 5.0
"""Seconds; the watchdog is fed with it, more often than it asks for."""


def version() -> str:
    """Return the version of this installation."""
    return metadata.version("wolfsmoke")


class Running:
    """The parts of one gateway, wired. ``run`` starts them."""

    def __init__(
        self,
        config: Config,
        plan: Plan,
        contacts: Contacts,
        journal: Journal,
        clock: SteadyClock,
        secret: bytes,
        days: Days,
    ) -> None:
        """Take the settings, the plan, the people, the open journal, the clock, what signs the links, and the days worked."""
        self._config = config
        self._journal = journal
        self._clock = clock
        self.live = Live(clock, kinds.CHARTED)
        self.wire = Wire(broker=config.broker, name=config.gateway.name, version=version(), clock=clock)
        self.wire.journal = lambda: journal.id
        self.twins = Twins()
        self.ingest = Ingest(
            journal,
            self.live,
            clock,
            self.wire.send,
            site=config.gateway.site,
            name=config.gateway.name,
            twins=self.twins,
        )
        self.commander = Commander(self.live, journal, clock, self.wire.send, lambda: self.wire.connected)
        self.ingest.on_reply = self.commander.replied
        channels = open_channels(config.notify, clock)
        rules = read_rules(config, plan)
        notifier = Teller(
            channels,
            standard_stages(channels),
            secret=secret,
            public_url=config.gateway.public_url,
            utc_offset=lambda site, at: contacts.worktime(site).hours.offset(at),
            name=lambda person: _name(contacts, person),
            card=lambda source, language: views.card(
                self.live, source.key, Words(language), views.Ages(), clock.wall()
            ),
            outside=contacts.outside,
        )
        teller = Gathering(notifier, rules.flood, clock, journal)
        facts = LiveFacts(self.live)
        self.asker = Asker(self._look_again, clock)
        self.incidents = Incidents(
            journal, plan, contacts, teller, clock, facts, on_standing=self._stand, ask=self.asker, days=days
        )
        self.desk = Desk(rules, self.live, self.incidents, journal, clock, contacts.hours)
        self.live.on_readings = self.desk.own.take
        self.incidents.subscribe(self._on_incident)
        self.countdowns = Countdowns(self.incidents, facts, clock)
        self.doing, self.topics = self._outward()
        self.drills = Drills(
            self.incidents,
            plan,
            contacts,
            read_drills(config, plan, contacts),
            journal,
            notifier,  # a drill is no flood
            clock,
            Announcer(channels, standard_stages(channels), contacts),
            version=plan_version(config),
        )
        self._in_incidents: set[str] = set()
        self.feed = Feed(journal, self.live, self._on_alarm, self._on_past)
        self.follower = Follower(clock, journal, self._correct)
        told = Told(
            connected=lambda: self.wire.connected,
            store_away=lambda: self._store_is("away", behind=0),
            journal_full=self._disk_full,
        )
        watches = Watches(self.live, clock, told, self.twins, clock_limit=config.gateway.clock_limit)
        self.absence = Absence(self.live, self.twins, clock, self._on_alarm)
        self.oversight = Oversight(self.live, clock, watches.all(), self.desk.on_alarm)
        facts.own = lambda source, name: self.oversight.latest(source, name) or self.desk.own.latest(source, name)
        facts.judged = self.desk.own.conditions
        self.ingest.on_news = self.feed.wake
        self.ingest.on_back = self.wire.renew
        self.ingest.crowded = lambda: self._store_is("writes", behind=_BEHIND)
        self.store = (
            None
            if config.store is None
            else Store(open_server(config.store), journal, self.live, sure=lambda: clock.stamp().trusted)
        )
        settings = board.Settings(
            secret=secret,
            name=config.gateway.name,
            language=config.gateway.language,
            clock_limit=config.gateway.clock_limit,
        )
        self.people = People(self.desk, self.live, self.incidents, contacts, clock.wall, teller.floods)
        self._board = board.create(
            self.live,
            self.incidents,
            settings,
            wall=clock.wall,
            name=lambda person: _name(contacts, person),
            department=lambda key, language: _title(contacts, key, language),
            plan=plan,
            zone=contacts.hours.tz,
            store=self._store_status,
            fills=planpage.of_contacts(contacts)[1],
            drill=lambda: self.drills.running.record.code if self.drills.running else "",
            people=[(one.id, one.name) for one in contacts.person],
            orders=staff.of_contacts(plan, contacts),
        )
        self._digest = Digest(
            self.live, self.incidents.list, contacts, channels, journal, clock.wall, aside=self._put_aside
        )
        self._hours = contacts.hours
        stores = [] if self.store is None else [STORE]
        self.retention = Retention(
            journal,
            clock,
            keep=config.gateway.keep,
            most=config.gateway.keep_bytes,
            readers=stores,
            rare_readers=[*stores, INCIDENTS],
            standing=lambda: {one.alarm.occurrence.id for one in self.live.standing()},
            disk=lambda: shutil.disk_usage(config.gateway.state).free,
        )

    def _outward(self) -> tuple[Doing, Topics]:
        """Return what acts on the incidents beside people, wired."""
        gateway = self._config.gateway
        receivers = open_receivers(self._config.notify, self._clock)
        doing = Doing(self.incidents, receivers, self.commander, self._clock, gateway=gateway.name)
        topics = Topics(self.incidents, self.wire, self._clock, gateway=gateway.name, site=gateway.site)
        self.wire.on_notice = topics.kept
        self.incidents.subscribe(topics.changed)
        self.incidents.subscribe(doing.changed)
        return doing, topics

    async def run(self, notifier: Notifier, watchdog: float) -> None:
        """Run until SIGTERM or SIGINT. systemd hears of us through ``notifier``, every ``watchdog`` seconds (0: never).

        Raises:
            UsageError: an address cannot be had.
            StorageError: the journal cannot be read.
            BrokerError: the certificates cannot be used.
        """
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        state = Path(self._config.gateway.state)
        where = self._config.gateway.board
        served = [
            Served(self._board, tcp(where.host, where.port)),
            Served(
                control.create(
                    self.incidents,
                    self._agents,
                    self.commander,
                    lambda: inventory(self.live),
                    drills=self.drills,
                    alarms=self.people,
                ),
                unix(state / control.SOCKET),
            ),
        ]
        writer = asyncio.create_task(self._journal.run())
        last = await self._journal.message(self._journal.position)
        await self.follower.resume(last.received if last else 0.0)
        await rebuild(self._journal, self.live, self._clock.wall() - HOUR)
        await self.incidents.load()
        await self.drills.resume()
        self.oversight.adopt(self.incidents.list())
        await self.desk.adopt(self.incidents.list(), CONDITIONS)
        for incident in self.incidents.list():
            self._on_incident(incident)
        for alarm in list(self.live.alarms.values()):
            self._settle(alarm)
        work: list[Coroutine[Any, Any, None]] = [
            self.feed.run(),
            self.incidents.run(),
            self.asker.run(),
            self.countdowns.run(),
            self.topics.run(),
            self.doing.run(),
            self.retention.run(),
            self.oversight.run(),
            self.desk.run(),
            self.absence.run(),
            self.follower.run(),
            self.wire.run(self.ingest.take),
            self._by_the_calendar(),
            _collect(),
            self._tell_systemd(notifier, watchdog),
        ]
        if self.store is not None:
            work.append(self.store.run())
        tasks = [writer, *(asyncio.create_task(one) for one in work)]
        gc.freeze()  # what is there now stays
        gc.set_threshold(*_GC)
        pages = [asyncio.create_task(one.run()) for one in served]
        _log.info("gateway %s: board on http://%s:%d", self._config.gateway.name, where.host, where.port)
        stopping = asyncio.create_task(_until(stop))
        done, _ = await asyncio.wait([stopping, *tasks, *pages], return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        notifier.say(STOPPING=1)
        self._board.state.doors.close()
        await self.drills.close()
        for one in served:
            one.stop()
        for task in tasks[1:]:
            task.cancel()
        await asyncio.wait([*tasks[1:], *pages], timeout=_SHUTDOWN)
        writer.cancel()
        with suppress(asyncio.CancelledError, StorageError):
            await writer
        for task in done - {stopping}:
            task.result()  # a task that ended by itself says why

    def _agents(self, language: str) -> list[AgentRow]:
        limit = self._config.gateway.clock_limit
        return agents(self.live, Words(language), self._clock.wall(), clock_limit=limit)

    async def _on_alarm(self, alarm: Alarm, view: DeviceView) -> None:
        await self.desk.on_alarm(alarm, source_of(view))
        self._settle(alarm)

    async def _on_past(self, alarm: Alarm, view: DeviceView) -> None:
        await self.incidents.on_past(alarm, source_of(view))

    async def _look_again(self, device: Key, incident: str) -> None:
        await self.commander.command(device[:2], device[2], Verb.READ, who=_OURSELVES, incident=incident)

    async def _correct(self, by: float, data: dict[str, Any], believe: Callable[[], None]) -> None:
        await self.incidents.correct(by, data, believe)
        self.oversight.moved(by)
        self.desk.moved(by)

    def _put_aside(self) -> list[Aside]:
        """What people have put aside."""
        return self.desk.register.standing(self._clock.wall())

    def _store_status(self) -> Status | None:
        """How the store does; None where there is none."""
        return None if self.store is None else self.store.status()

    def _store_is(self, state: str, *, behind: int) -> bool:
        """Whether the store does so, and is more than so many messages behind."""
        status = self._store_status()
        return status is not None and status.state == state and status.behind > behind

    def _of_store(self) -> str:
        status = self._store_status()
        if status is None:
            return ""
        behind = f", {status.behind} messages behind" if status.behind > PAGE else ""
        return f"; store {status.state}{behind}"

    def _disk_full(self) -> bool:
        """Whether the journal's disk has no room, or soon none."""
        try:
            return shutil.disk_usage(self._config.gateway.state).free < _DISK_LOW
        except OSError:
            return True

    def _settle(self, alarm: Alarm) -> None:
        """What is over, and is no part of any incident, waits for nobody's acknowledgement."""
        if not alarm.occurrence.active and alarm.occurrence.id not in self._in_incidents:
            self.live.update(alarm.occurrence.id, acknowledge)

    def _stand(self, occurrence: str, _agent: str, standing: Standing) -> None:
        """Tell the agent, and know it here, how far an occurrence came."""
        key = self.live.owners.get(occurrence)
        self.live.update(occurrence, lambda alarm: advance(alarm, standing))
        if key is not None and key[1]:  # that the broker is away concerns no agent
            self.ingest.stand(*key, {occurrence: standing})

    def _on_incident(self, incident: Incident) -> None:
        """An incident that a person has seen acknowledges its alarms."""
        self._in_incidents.update(symptom.id for symptom in incident.symptoms)
        if incident.seen or incident.owner or incident.closed is not None:
            for symptom in incident.symptoms:
                self.live.update(symptom.id, acknowledge)

    async def _by_the_calendar(self) -> None:
        """Drop old readings now and each night; send the message of the day, where somebody gets it."""
        calendar = Calendar(self._hours.tz, self._clock.wall)
        calendar.daily(self.retention.nightly, at=_PRUNE_AT, last=self._clock.wall() - _DAY)
        if self._digest.wanted:
            first = calendar.daily(self._digest.send, at=self._hours.digest, last=await self._digest.last())
            _log.info("the next message of the day: %s", first.isoformat(" ", "minutes"))
        await calendar.run()

    async def _tell_systemd(self, notifier: Notifier, watchdog: float) -> None:
        """Say ready, then feed the watchdog while the journal still writes."""
        notifier.say(READY=1)
        while True:
            online = sum(1 for agent in self.live.agents.values() if agent.online)
            broker = "connected" if self.wire.connected else "broker away"
            try:
                async with asyncio.timeout(max(watchdog, 1.0)):
                    await self._journal.flushed()
            except TimeoutError:
                notifier.say(STATUS="the journal does not answer")
            except StorageError:  # it answers: to be started anew would help nobody
                notifier.say(WATCHDOG=1, STATUS="the journal cannot be written: nothing is acknowledged")
            else:
                status = f"{broker}; {online} of {len(self.live.agents)} agents online{self._of_store()}"
                notifier.say(WATCHDOG=1, STATUS=status)
            await asyncio.sleep(min(watchdog or _STATUS_EVERY, _STATUS_EVERY))


async def _collect() -> None:
    """Drop what holds itself, until cancelled: some 10 ms each time."""
    while True:
        await asyncio.sleep(_COLLECT_EVERY)
        gc.collect()


def _name(contacts: Contacts, person: str) -> str:
    return next((one.name for one in contacts.person if one.id == person), person)


def _title(contacts: Contacts, department: str, language: str) -> str:
    found = contacts.departments.get(department)
    return found.title.of(language) if found else department


def link_secret(state: Path) -> bytes:
    """Return what signs the links; made once, so that links outlive a restart."""
    path = state / "links.key"
    try:
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            fresh = path.with_suffix(".new")
            fresh.unlink(missing_ok=True)
            fresh.touch(mode=0o600)
            fresh.write_bytes(secrets.token_bytes(_KEY))
            fresh.replace(path)  # there as a whole, or not at all: an empty key would sign for everybody
        key = path.read_bytes()
    except OSError as error:
        hint = "the state directory must be ours, and have room"
        raise StorageError(f"cannot be used: {error.strerror}", where=str(path), hint=hint) from None
    if len(key) < _KEY:
        hint = "remove it: a new one is made, and the links sent so far end"
        raise StorageError(f"has {len(key)} bytes, and needs {_KEY}", where=str(path), hint=hint)
    return key


async def _until(stop: asyncio.Event) -> None:
    await stop.wait()


async def _open(path: Path, clock: SteadyClock) -> Journal:
    """Open the journal; wait for room where the disk has none.

    Raises:
        StorageError: it cannot be used, and not for lack of room.
    """
    told = False
    while True:
        try:
            return await Journal.open(path, clock)
        except StorageError as error:
            if shutil.disk_usage(path.parent).free >= _DISK_NONE:
                raise
            if not told:
                _log.error("%s; it is tried again until there is room", error)
            told = True
            await asyncio.sleep(_AGAIN)


async def serve(config: Config, plan: Plan, contacts: Contacts, notifier: Notifier, watchdog: float) -> None:
    """Run a gateway until it is told to stop.

    Raises:
        WolfsmokeError: its disk or an address cannot be used.
    """
    state = Path(config.gateway.state)
    secret = link_secret(state)
    clock = SteadyClock(SystemClock())
    days = read_days(config)
    for year in days.uncovered(datetime.fromtimestamp(clock.wall(), contacts.hours.tz).date()):
        _log.warning("the holidays of %d are not known: counted Monday to Friday; write them into holidays.toml", year)
    journal = await _open(state / JOURNAL, clock)
    try:
        await Running(config, plan, contacts, journal, clock, secret, days).run(notifier, watchdog)
    finally:
        await journal.close()
