"""From what arrived to the journal, and from there to acknowledgements and to what is known now.

Knows nothing of MQTT's library: messages come in as topic and payload, answers go out by a function. A message is
acknowledged after its commit, one that was there before too: alarms and hellos at once, readings a few at a time. What
is none of ours is refused, counted, and logged once for each sender; it stops nothing else.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from contract.alarm import Standing
from contract.clock import Clock
from contract.command import Reply
from contract.errors import MessageError, StorageError
from contract.message import (
    ROOT,
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
from gateway.journal import Journal
from gateway.journal.accounts import Accounts
from gateway.journal.file import KINDS
from gateway.journal.record import Incoming, StreamKey
from gateway.live import AgentKey, Live
from gateway.twins import Twins

_log = logging.getLogger(__name__)
_SENDERS: Final = 1000
"""Refused senders told apart; what comes from more is counted together."""
_TOPICS: Final = 50_000
"""Topics whose meaning is remembered."""

_OURS: Final = frozenset({Topic.ACKS, Topic.COMMANDS})
"""What we say ourselves."""

ACK_WITHIN: Final = 0.2
"""Seconds until readings are acknowledged, well inside the second after which an agent writes them to its disk: an
acknowledgement for each of fifty devices costs the agent as much as its polls."""
_TURN: Final = 0.02
_TURNS: Final = 25
"""A batch waits half a second at the most for a reader that is behind: alarms are among it."""
PROBE: Final = 2.0
"""Seconds between two looks whether a disk that failed works again."""
ACK_AFTER: Final = 16
"""Messages of one agent after which they are acknowledged at once: a quarter of what it has under way at the most."""

Send = Callable[[str, bytes], None]
"""Publishes a payload to a topic at QoS 1, and does not wait."""
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


class _Taken(msgspec.Struct, frozen=True, gc=False):
    address: Address
    message: Message
    arrived: Arrived


class Ingest:
    """Takes what arrived, batch by batch."""

    def __init__(
        self,
        journal: Journal,
        live: Live,
        clock: Clock,
        send: Send,
        *,
        site: str = "",
        name: str = "",
        twins: Twins | None = None,
        later: Later = _later,
    ) -> None:
        """Take where it goes, and how to answer.

        Args:
            journal: takes what is kept.
            live: takes what is known now.
            clock: of this host.
            send: publishes.
            site: agents of other sites are refused; empty: of none.
            name: this gateway's.
            twins: knows who speaks under one name.
            later: keeps the time.
        """
        self.refused: Counter[str] = Counter()
        """Sender (or ``others``) → messages refused."""
        self._journal = journal
        self._live = live
        self._clock = clock
        self._send = send
        self._accounts = Accounts(journal, clock)
        self._twins = twins or Twins()
        self.on_news: Callable[[int], None] = lambda _position: None
        """Called once alarms, hellos or inventories are in the journal and known, with the last one's id."""
        self.on_back: Callable[[], None] = lambda: None
        """Called when the journal takes messages again: what it did not take has to be sent again."""
        self.crowded: Callable[[], bool] = lambda: False
        """Says whether who reads the journal is well, and too far behind."""
        self.on_reply: Callable[[str, str, Reply], None] = lambda _site, _agent, _reply: None
        """Called with each reply to a command."""
        self._refusing = False
        self._probing: asyncio.Future[bool] | None = None
        self._site = site
        self._name = name
        self._inventories: dict[AgentKey, bytes] = {}
        self._addresses: dict[str, Address] = {}
        self._later = later
        self._answered: dict[AgentKey, int] = {}
        """Agent → the number of its last hello whose account is in the journal."""
        self._owed: dict[StreamKey, int] = {}
        """Readings in the journal that are not acknowledged yet."""
        self._paying = False
        """It will be looked at what is owed."""

    async def take(self, batch: Sequence[Arrived]) -> None:
        """Commit a batch, acknowledge it, and tell what is known now.

        A disk that fails acknowledges nothing: the agents keep what they sent, and send it again. A store that is well and
        cannot keep up is given time: it is better that agents keep what they have than that the journal fills.
        """
        for _ in range(_TURNS):
            if not self.crowded():
                break
            await asyncio.sleep(_TURN)
        taken = [one for one in map(self._decode, batch) if one is not None]
        journaled = [one for one in taken if self._journaled(one)]
        ids: dict[int, int] = {}
        if journaled:
            try:
                numbers = await self._journal.append([_incoming(one) for one in journaled])
            except StorageError:
                await self._refuse_all(taken)
                return
            ids = {id(one): number for one, number in zip(journaled, numbers, strict=True)}
        news = 0
        rest: list[_Taken] = []
        heard: dict[AgentKey, float] = {}
        for one in taken:
            number = ids.get(id(one), 0)
            address, message = one.address, one.message
            if type(message) is Readings:
                stream = (address.site, address.agent, message.epoch)
                self._owed[stream] = self._owed.get(stream, 0) + 1
                if not one.arrived.retained:
                    heard[address.site, address.agent] = one.arrived.received
                if number:
                    self._live.readings(address.site, address.agent, message, one.arrived.received)
            else:
                news = max(news, number)
                if await self._tell(one, fresh=bool(number)):
                    rest.append(one)
        for key, received in heard.items():
            self._live.heard(*key, received)
        self._acknowledge(rest)
        if news:
            self.on_news(max(number for number in ids.values()))

    async def _refuse_all(self, taken: Sequence[_Taken]) -> None:
        """The disk fails, as the journal has told: nothing is kept, but who is there is there all the same."""
        for one in taken:
            self._inventories.pop((one.address.site, one.address.agent), None)
            self._heard(one)
            if isinstance(one.message, State):
                await self._tell(one, fresh=False)
        if not self._refusing:
            self._refusing = True
            self._later(PROBE, self._probe)

    def _probe(self) -> None:
        """See whether the disk works again: agents whose window is full of what it did not take say nothing new."""
        task = self._probing = asyncio.ensure_future(self._journal.probe())
        task.add_done_callback(self._probed)

    def _probed(self, task: "asyncio.Future[bool]") -> None:
        if task.cancelled():
            return
        if not task.result():
            self._later(PROBE, self._probe)
            return
        self._refusing = False
        self.on_back()

    def stand(self, site: str, agent: str, occurrences: dict[str, Standing]) -> None:
        """Tell an agent how far its occurrences came: taken, told, owned."""
        epoch = self._live.agent(site, agent).epoch
        self._ack(site, agent, epoch, occurrences)

    def _decode(self, arrived: Arrived) -> _Taken | None:
        try:
            address = self._addresses.get(arrived.topic) or self._address(arrived.topic)
            if address.topic in _OURS:
                return None
            if not arrived.payload:
                return None  # somebody cleared a retained message
            kind: type[Any] = TYPES[address.topic]
            message: Message = decode(kind, arrived.payload, where=arrived.topic)
            if isinstance(message, Hello):
                _check(message, arrived.topic)
        except MessageError as error:
            self.refuse(arrived.topic, error)
            return None
        return _Taken(address, message, arrived)

    def _address(self, topic: str) -> Address:
        address = parse_topic(topic)
        if self._site and address.site != self._site:
            raise MessageError(f"of another site than {self._site}", where=topic)
        if len(self._addresses) >= _TOPICS:
            self._addresses.clear()
        self._addresses[topic] = address
        return address

    def refuse(self, topic: str, error: MessageError) -> None:
        """Count a message that is none of ours; log the first one of each sender."""
        sender = "/".join(topic.split("/")[:4])[:140]
        if sender not in self.refused and len(self.refused) >= _SENDERS:
            sender = "others"
        self.refused[sender] += 1
        if self.refused[sender] == 1:
            _log.warning("a message is refused, and more like it silently: %s", error)

    def _journaled(self, one: _Taken) -> bool:
        topic = one.address.topic
        if topic is Topic.READINGS:
            return True
        if topic is Topic.INVENTORY:  # retained: comes again at each connection
            key = (one.address.site, one.address.agent)
            if self._inventories.get(key) == one.arrived.payload:
                return False
            self._inventories[key] = one.arrived.payload
        return topic in KINDS

    def _heard(self, one: _Taken) -> None:
        if not one.arrived.retained:
            self._live.heard(one.address.site, one.address.agent, one.arrived.received)

    def _acknowledge(self, rest: Sequence[_Taken]) -> None:
        """Send what the journal now has of each stream that spoke; where it was readings alone, a little later.

        Args:
            rest: what is no reading.
        """
        streams: dict[StreamKey, dict[str, Standing]] = {}
        for one in rest:
            at = (one.address.site, one.address.agent)
            match one.message:
                case Alarms():
                    name = one.message.occurrence.id
                    streams.setdefault((*at, one.message.epoch), {})[name] = self._standing(name)
                case Hello():
                    for held in one.message.held:
                        streams.setdefault((*at, held.epoch), {})
                    own = streams.setdefault((*at, one.message.epoch), {})
                    own.update((occurrence.id, self._standing(occurrence.id)) for occurrence in one.message.standing)
        for stream, occurrences in streams.items():
            self._ack(*stream, occurrences)
        for stream in [stream for stream, count in self._owed.items() if count >= ACK_AFTER]:
            self._ack(*stream, {})
        if self._owed and not self._paying:
            self._paying = True
            self._later(ACK_WITHIN, self._pay)

    def _pay(self) -> None:
        """Acknowledge the readings that nothing else has acknowledged meanwhile."""
        self._paying = False
        for stream in list(self._owed):
            self._ack(*stream, {})

    def _standing(self, occurrence: str) -> Standing:
        alarm = self._live.alarms.get(occurrence)
        return Standing.TAKEN if alarm is None else alarm.standing

    def _ack(self, site: str, agent: str, epoch: str, occurrences: dict[str, Standing]) -> None:
        self._owed.pop((site, agent, epoch), None)
        have = tuple(self._journal.have(site, agent, epoch))
        ack = Ack(self._journal.id, epoch, have, occurrences, self._name, self._answered.get((site, agent), 0))
        self._send(f"{ROOT}/{site}/{agent}/acks", encode(ack))

    async def _tell(self, one: _Taken, *, fresh: bool) -> bool:
        """Tell what is known now; duplicates have been told before. Say whether it may be acknowledged."""
        site, agent = one.address.site, one.address.agent
        arrived = one.arrived
        self._heard(one)
        match one.message:
            case Alarms() if fresh:
                self._live.alarm(site, agent, one.message, arrived.received)
            case Inventory():
                self._live.inventory(site, agent, one.message)
            case State():
                self._live.state(site, agent, one.message, arrived.received, retained=arrived.retained)
                if one.message.online and not arrived.retained:
                    self._twins.state(site, agent, one.message.epoch, self._clock.boottime())
            case Reply() if not arrived.retained:
                self.on_reply(site, agent, one.message)
            case Hello():
                return await self._hello(site, agent, one.message, arrived.received)
        return True

    async def _hello(self, site: str, agent: str, hello: Hello, received: float) -> bool:
        """Take a hello; say whether what is missing is named, so that it may be acknowledged."""
        self._twins.hello(site, agent, hello.epoch, self._clock.boottime())
        twins = (site, agent) in self._twins.standing(self._clock.boottime())
        self._live.hello(site, agent, hello, received)
        named = await self._accounts.hello(site, agent, hello, alone=not (twins or hello.partial))
        if named:
            self._answered[site, agent] = hello.number
        return named


def _incoming(one: _Taken) -> Incoming:
    address, arrived, message = one.address, one.arrived, one.message
    if type(message) is Readings:
        numbered = (message.epoch, message.seq, message.first)
    else:
        numbered = (message.epoch, message.seq, 0) if type(message) is Alarms else ("", 0, 0)
    return Incoming(address.site, address.agent, address.topic, arrived.payload, arrived.received, *numbered)


def _check(hello: Hello, topic: str) -> None:
    """Refuse a hello that decodes and yet cannot be used."""
    epochs = [hello.epoch, *(held.epoch for held in hello.held), *(gone.epoch for gone in hello.voided)]
    if not all(map(is_epoch, epochs)):
        raise MessageError("no identity: an epoch must be 16 hex digits", where=topic)
    if any(first < 1 or last < first for held in hello.held for first, last in held.spans):
        raise MessageError("a range of numbers begins at 1 or later, and ends after its beginning", where=topic)
