"""From what arrived to the journal, and from there to acknowledgements and to what is known now.

Knows nothing of MQTT's library: messages come in as topic and payload, answers go out by a function. A message is
acknowledged after its commit, one that was there before too: alarms and hellos at once, readings a few at a time. What
is none of ours is refused, counted, and logged once for each sender; it stops nothing else.
"""

import asyncio
import logging
import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import msgspec

from contract.alarm import Standing
from contract.clock import Clock
from contract.errors import MessageError, StorageError
from contract.message import (
    TYPES,
    Ack,
    Address,
    Alarms,
    Hello,
    Inventory,
    Message,
    Readings,
    State,
    Topic,
    decode,
    encode,
    is_epoch,
    parse_topic,
)
from contract.ranges import Ranges
from gateway.event import Event
from gateway.journal import Journal
from gateway.live import AgentKey, Live
from gateway.record import Incoming

_log = logging.getLogger(__name__)
_SENDERS: Final = 1000
"""Refused senders told apart; what comes from more is counted together."""
_TWO_AGAIN: Final = 3600.0
"""Seconds until two agents under one name are told of again."""
_JOURNALED: Final = (Topic.READINGS, Topic.ALARMS, Topic.HELLO, Topic.INVENTORY)

ACK_WITHIN: Final = 0.2
"""Seconds until readings are acknowledged, well inside the second after which an agent writes them to its disk: an
acknowledgement for each of fifty devices costs the agent as much as its polls."""
ACK_AFTER: Final = 16
"""Messages of one agent after which they are acknowledged at once: a quarter of what it has under way at the most."""

Send = Callable[[str, bytes], None]
"""Publishes a payload to a topic at QoS 1, and does not wait."""
Stream = tuple[str, str, str]
"""Site, agent, epoch."""
Later = Callable[[float, Callable[[], None]], object]
"""Calls a function after so many seconds."""


def _later(seconds: float, call: Callable[[], None]) -> None:
    asyncio.get_running_loop().call_later(seconds, call)


class Arrived(msgspec.Struct, frozen=True, gc=False):
    """What MQTT delivered. ``received`` is the gateway's wall clock."""

    topic: str
    payload: bytes
    retained: bool
    received: float


class _Taken(msgspec.Struct, frozen=True):
    address: Address
    message: Message
    arrived: Arrived


class Ingest:
    """Takes what arrived, batch by batch."""

    def __init__(
        self, journal: Journal, live: Live, clock: Clock, send: Send, *, site: str = "", later: Later = _later
    ) -> None:
        """Take where it goes, how to answer, and who keeps the time. With a site, agents of others are refused."""
        self.refused: Counter[str] = Counter()
        """Sender (or ``others``) → messages refused."""
        self._journal = journal
        self._live = live
        self._clock = clock
        self._send = send
        self.on_news: Callable[[int], None] = lambda _position: None
        """Called once alarms, hellos or inventories are in the journal and known, with the last one's id."""
        self._site = site
        self._inventories: dict[AgentKey, bytes] = {}
        self._later = later
        self._owed: Counter[Stream] = Counter()
        """Readings in the journal that are not acknowledged yet."""
        self._former: dict[AgentKey, set[str]] = {}
        """Epochs of an agent that a later hello has replaced."""
        self._told_two: dict[AgentKey, float] = {}
        """When it was last told that two speak under one name (boot clock)."""

    async def take(self, batch: Sequence[Arrived]) -> None:
        """Commit a batch, acknowledge it, and tell what is known now.

        A disk that fails acknowledges nothing: the agents keep what they sent, and send it again.
        """
        taken = [one for one in map(self._decode, batch) if one is not None]
        rows = [self._incoming(one) for one in taken if self._journaled(one)]
        if rows:
            try:
                stored = await self._journal.append(rows)
            except StorageError:
                for one in taken:
                    self._inventories.pop((one.address.site, one.address.agent), None)  # none of it was kept
                return  # told once by the journal
        else:
            stored = []
        fresh = {(row.site, row.agent, row.epoch, row.seq) for row in stored if row.seq}
        self._acknowledge(taken)
        for one in taken:
            await self._tell(one, fresh)
        if any(row.topic is not Topic.READINGS for row in stored):
            self.on_news(stored[-1].id)

    def stand(self, site: str, agent: str, occurrences: dict[str, Standing]) -> None:
        """Tell an agent how far its occurrences came: taken, told, owned."""
        epoch = self._live.agent(site, agent).epoch
        self._ack(site, agent, epoch, occurrences)

    def _decode(self, arrived: Arrived) -> _Taken | None:
        try:
            address = parse_topic(arrived.topic)
            if address.topic is Topic.ACKS:
                return None  # our own
            if not arrived.payload:
                return None  # somebody cleared a retained message
            kind: type[Any] = TYPES[address.topic]
            message: Message = decode(kind, arrived.payload, where=arrived.topic)
            self._check(message, address, arrived.topic)
        except MessageError as error:
            self.refuse(arrived.topic, error)
            return None
        return _Taken(address, message, arrived)

    def _check(self, message: Message, address: Address, topic: str) -> None:
        """Refuse what decodes and yet cannot be used."""
        if self._site and address.site != self._site:
            raise MessageError(f"of another site than {self._site}", where=topic)
        if isinstance(message, Hello):
            epochs = [message.epoch, *(held.epoch for held in message.held), *(gone.epoch for gone in message.voided)]
            if not all(map(is_epoch, epochs)):
                raise MessageError("no identity: an epoch must be 16 hex digits", where=topic)
            if any(first < 1 or last < first for held in message.held for first, last in held.spans):
                raise MessageError("a range of numbers begins at 1 or later, and ends after its beginning", where=topic)

    def refuse(self, topic: str, error: MessageError) -> None:
        """Count a message that is none of ours; log the first one of each sender."""
        sender = "/".join(topic.split("/")[:4])[:140]
        if sender not in self.refused and len(self.refused) >= _SENDERS:
            sender = "others"
        self.refused[sender] += 1
        if self.refused[sender] == 1:
            _log.warning("a message is refused, and more like it silently: %s", error)

    def _journaled(self, one: _Taken) -> bool:
        if one.address.topic not in _JOURNALED:
            return False
        if one.address.topic is Topic.INVENTORY:  # retained: comes again at each connection
            key = (one.address.site, one.address.agent)
            if self._inventories.get(key) == one.arrived.payload:
                return False
            self._inventories[key] = one.arrived.payload
        return True

    @staticmethod
    def _incoming(one: _Taken) -> Incoming:
        numbered = one.message if isinstance(one.message, Readings | Alarms) else None
        return Incoming(
            one.address.site,
            one.address.agent,
            one.address.topic,
            one.arrived.payload,
            one.arrived.received,
            numbered.epoch if numbered else "",
            numbered.seq if numbered else 0,
        )

    def _acknowledge(self, taken: Iterable[_Taken]) -> None:
        """Send what the journal now has of each stream that spoke; where it was readings alone, a little later."""
        streams: dict[Stream, dict[str, Standing]] = {}
        idle = not self._owed
        for one in taken:
            at = (one.address.site, one.address.agent)
            match one.message:
                case Readings():
                    self._owed[(*at, one.message.epoch)] += 1
                case Alarms():
                    name = one.message.occurrence.id
                    streams.setdefault((*at, one.message.epoch), {})[name] = self._standing(name)
                case Hello():
                    for held in one.message.held:
                        streams.setdefault((*at, held.epoch), {})
                    own = streams.setdefault((*at, one.message.epoch), {})
                    own.update((occurrence.id, self._standing(occurrence.id)) for occurrence in one.message.standing)
        for stream, count in self._owed.items():
            if count >= ACK_AFTER:
                streams.setdefault(stream, {})
        for stream, occurrences in streams.items():
            self._ack(*stream, occurrences)
        if self._owed and idle:
            self._later(ACK_WITHIN, self._pay)

    def _pay(self) -> None:
        """Acknowledge the readings that nothing else has acknowledged meanwhile."""
        for stream in list(self._owed):
            self._ack(*stream, {})

    def _standing(self, occurrence: str) -> Standing:
        alarm = self._live.alarms.get(occurrence)
        return Standing.TAKEN if alarm is None else alarm.standing

    def _ack(self, site: str, agent: str, epoch: str, occurrences: dict[str, Standing]) -> None:
        self._owed.pop((site, agent, epoch), None)
        have = tuple(self._journal.have(site, agent, epoch))
        ack = Ack(journal=self._journal.id, epoch=epoch, have=have, alarms=occurrences)
        self._send(str(Address(site, agent, Topic.ACKS)), encode(ack))

    async def _tell(self, one: _Taken, fresh: set[tuple[str, str, str, int]]) -> None:
        """Tell what is known now; duplicates have been told before."""
        site, agent = one.address.site, one.address.agent
        arrived = one.arrived
        if not arrived.retained:
            self._live.heard(site, agent, arrived.received)
        match one.message:
            case Readings() if (site, agent, one.message.epoch, one.message.seq) in fresh:
                self._live.readings(site, agent, one.message, arrived.received)
            case Alarms() if (site, agent, one.message.epoch, one.message.seq) in fresh:
                self._live.alarm(site, agent, one.message)
            case Inventory():
                self._live.inventory(site, agent, one.message)
            case State():
                self._live.state(site, agent, one.message, arrived.received, retained=arrived.retained)
            case Hello():
                await self._hello(site, agent, one.message)

    async def _hello(self, site: str, agent: str, hello: Hello) -> None:
        key = (site, agent)
        former = self._former.setdefault(key, set())
        known = self._live.agent(site, agent).epoch
        now = self._clock.boottime()
        if hello.epoch in former and now >= self._told_two.get(key, -math.inf) + _TWO_AGAIN:
            self._told_two[key] = now  # two that push each other off the broker say hello every second
            _log.error("%s/%s: two agents speak under this name: epochs %s and %s", site, agent, hello.epoch, known)
            text = f"{site}/{agent}: 两个代理程序用同一个名字 two agents speak under this name"
            await self._record("two-epochs", text, {"site": site, "agent": agent, "epochs": [hello.epoch, known]})
        if known and known != hello.epoch:
            former.add(known)
        self._live.hello(site, agent, hello)
        await self._name_lost(site, agent, hello)

    async def _name_lost(self, site: str, agent: str, hello: Hello) -> None:
        """Name what is neither held nor received, by range."""
        expected = {held.epoch: held.last for held in hello.held}
        for epoch in self._journal.epochs(site, agent):
            if epoch != hello.epoch:  # what it no longer speaks of is complete as it is, or has holes for ever
                expected.setdefault(epoch, self._journal.have(site, agent, epoch).highest)
        voided = {gone.epoch: gone for gone in hello.voided}
        for epoch, last in expected.items():
            if last < 1:
                continue
            spans = [span for held in hello.held if held.epoch == epoch for span in held.spans]
            missing = Ranges([(1, last)]).minus(Ranges(spans)).minus(self._journal.have(site, agent, epoch))
            if not missing:
                continue
            try:
                new = await self._journal.lose(site, agent, epoch, missing)
            except StorageError:
                return
            if new:
                reason = voided[epoch].reason if epoch in voided else ""
                text = f"{site}/{agent}: {len(new)} messages of epoch {epoch} are lost: {list(new)} {reason}".strip()
                _log.warning("%s", text)
                data = {"site": site, "agent": agent, "epoch": epoch, "lost": list(new), "reason": reason}
                await self._record("lost", text, data)

    async def _record(self, kind: str, text: str, data: dict[str, Any]) -> None:
        try:
            await self._journal.record_event(Event(at=self._clock.stamp().wall, kind=kind, text=text, data=data))
        except StorageError:
            return  # told by the journal
