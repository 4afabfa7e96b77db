"""The wire of the agent: MQTT 3.1.1, QoS 1, clean sessions. The only importer of paho on this side.

paho's protocol machine runs on the event loop (its own thread would cost a switch for every message); only connecting,
which blocks, is done on a thread. Every connection has a client of its own, so nothing of an old one is ever sent before
``hello``, and there is one owner of reconnecting: ``run``. What cannot be sent waits in the outbox.
"""

import asyncio
import logging
import random
import socket
import ssl
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from agent.outbox.outbox import Outbox
from contract.broker import HUNG_UP, Absence, Broker
from contract.broker import lost as cut
from contract.clock import Clock
from contract.command import Command, Reply
from contract.errors import BrokerError, MessageError
from contract.message import (
    GATEWAY_TOPIC,
    HEARTBEAT,
    RETAINED,
    Ack,
    Address,
    Health,
    Heartbeat,
    Inventory,
    State,
    Topic,
    decode,
    encode,
)

_log = logging.getLogger(__name__)
_KEEPALIVE = 15
_PAUSES = (0.5, 15.0)
"""Seconds between tries to connect, the first and the longest."""
_GREETING = 10.0
"""Seconds that a broker may take to answer CONNECT."""
_UNANSWERED = 60.0
"""Seconds without an acknowledgement, of a gateway that is heard, after which something is wrong."""
_NO_CHECK_TIME = 0x200000  # X509_V_FLAG_NO_CHECK_TIME of OpenSSL


class Uplink:
    """The connection of one agent to its broker."""

    def __init__(
        self,
        *,
        broker: Broker,
        site: str,
        agent: str,
        version: str,
        outbox: Outbox,
        clock: Clock,
        inventory: Callable[[], Inventory],
        on_gateway_clock: Callable[[float, bool], None],
        health: Callable[[], Health] = Health,
        on_command: Callable[[Command], None] = lambda _command: None,
    ) -> None:
        """Take where to connect, who speaks, and who listens. Nothing starts here."""
        self._broker = broker
        self._topics = {topic: str(Address(site, agent, topic)) for topic in Topic}
        self._site, self._agent = site, agent
        self._name = f"wolfsmoke-{site}-{agent}"
        self._version = version
        self._outbox = outbox
        self._clock = clock
        self._inventory = inventory
        self._on_gateway_clock = on_gateway_clock
        self._health = health
        self._on_command = on_command
        self._client: mqtt.Client | None = None
        self._writing = False
        self._connected = False
        self._undated = False
        """The dates of the broker's certificate were not checked, for want of a clock."""
        self._absence = Absence()
        self._refused = 0
        self._heard = 0.0
        """Boottime of the gateway's last heartbeat on this connection; 0: none yet."""
        self._answered = 0.0
        """The same of its last acknowledgement, or of when it came."""
        self._thread = ThreadPoolExecutor(1, "connect")
        """For connecting alone: names that nobody resolves must not hold up the way to the broker."""

    @property
    def connected(self) -> bool:
        """Whether the broker is there."""
        return self._connected

    async def run(self) -> None:
        """Connect, and stay connected until cancelled. A broker that is away is no error: it will be back."""
        pause = _PAUSES[0]
        while True:
            try:
                client = self._make()
                try:
                    lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
                    await self._connect(client, lost)
                    pause = _PAUSES[0]
                    await self._stay(client, lost)
                finally:
                    self._end(client)
            except BrokerError as error:
                self._tell_lost(str(error))
            await asyncio.sleep(pause * random.uniform(0.75, 1.25))  # noqa: S311 - agents must not come all at once
            pause = min(pause * 2, _PAUSES[1])

    def send(self, topic: Topic, payload: bytes) -> None:
        """See ``entry.Sender``."""
        assert self._client is not None  # noqa: S101 - nobody sends before run
        self._client.publish(self._topics[topic], payload, qos=1, retain=topic in RETAINED)
        self._watch_writing()

    def reply(self, reply: Reply) -> None:
        """Answer a command; while the broker is away nobody waits for it any more."""
        if self._connected:
            self.send(Topic.REPLIES, encode(reply))

    def publish_inventory(self) -> None:
        """Tell of the devices again, when something new is known of them."""
        if self._connected:
            self.send(Topic.INVENTORY, encode(self._inventory()))

    def _make(self) -> mqtt.Client:
        broker = self._broker
        client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=self._name, clean_session=True)
        client.max_inflight_messages_set(0)  # the outbox has the window, and an alarm waits for none
        if broker.user:
            client.username_pw_set(broker.user, broker.password.reveal() if broker.password else None)
        if broker.tls is not None:
            client.tls_set_context(self._tls())
        client.will_set(self._topics[Topic.STATE], self._state(online=False), qos=1, retain=True)
        return client

    def _tls(self) -> ssl.SSLContext:
        tls = self._broker.tls
        assert tls is not None  # noqa: S101 - the caller looked
        try:
            context = ssl.create_default_context(cafile=tls.ca)
            if tls.certificate:
                context.load_cert_chain(tls.certificate, tls.key)
        except OSError as error:  # SSLError is one
            raise BrokerError(f"its certificates cannot be used: {error}", where="[broker.tls]") from None
        self._undated = not self._clock.stamp().trusted
        if self._undated:  # a card without a clock battery starts in 1970 and must still get in
            context.verify_flags |= ssl.VerifyFlags(_NO_CHECK_TIME)
        return context

    async def _connect(self, client: mqtt.Client, lost: asyncio.Future[str]) -> None:
        """Connect, subscribe, say hello.

        Raises:
            BrokerError: nothing answers, or it refuses us.
        """
        loop = asyncio.get_running_loop()
        greeted: asyncio.Future[str] = loop.create_future()

        def on_connect(_client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
            if not greeted.done():
                greeted.set_result(f"{reason}" if reason.is_failure else "")

        def on_disconnect(_client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
            if not lost.done():
                lost.set_result(f"{reason}")

        def on_message(_client: Any, _data: Any, message: mqtt.MQTTMessage) -> None:
            self._on_message(message.topic, message.payload, retained=message.retain)

        client.on_connect, client.on_disconnect, client.on_message = on_connect, on_disconnect, on_message
        try:
            await loop.run_in_executor(self._thread, client.connect, self._broker.host, self._broker.port, _KEEPALIVE)
        except (OSError, ValueError) as error:  # no name, no route, no answer, no trust; a name that cannot be one
            raise BrokerError(str(error) or type(error).__name__) from None
        sock = client.socket()
        if not isinstance(sock, socket.socket):
            raise BrokerError(HUNG_UP)
        client.on_socket_close = lambda _client, _data, closing: self._unhook(closing)
        self._client, self._writing = client, False
        loop.add_reader(sock, self._readable, client)
        await asyncio.wait({greeted, lost}, timeout=_GREETING, return_when=asyncio.FIRST_COMPLETED)
        if not greeted.done():
            raise BrokerError(HUNG_UP if lost.done() else f"said nothing for {_GREETING:g} s")
        if greeted.result():
            raise BrokerError(f"it refuses us: {greeted.result()}")

    async def _stay(self, client: mqtt.Client, lost: asyncio.Future[str]) -> None:
        """Say hello, then keep presence and connection until it is lost.

        One whose certificate's dates could not be checked ends when they can be, and is made anew.

        Raises:
            BrokerError: it is lost.
        """
        where = self._broker.host, self._broker.port
        self._heard = 0.0
        client.subscribe([(self._topics[Topic.ACKS], 1), (self._topics[Topic.COMMANDS], 1), (GATEWAY_TOPIC, 1)])
        self._connected = True
        self._greet()
        self.send(Topic.STATE, self._state(online=True))
        log = _log.warning if self._absence.over() else _log.info
        log("broker %s:%s: connected", *where)
        due = self._clock.boottime() + HEARTBEAT
        told = False
        while not lost.done():
            await asyncio.wait({lost}, timeout=1.0)
            client.loop_misc()
            told = told or self._tell_unanswered()
            if self._outbox.unsaid and not lost.done():
                self._greet()
            if self._undated and self._clock.stamp().trusted:
                self._undated = False
                _log.info("broker %s:%s: the clock goes right now: once more, with dates", *where)
                return
            if self._clock.boottime() >= due and not lost.done():
                due += HEARTBEAT
                self.send(Topic.STATE, self._state(online=True))
        raise BrokerError(cut(lost.result()))

    def _greet(self) -> None:
        hello = msgspec.structs.replace(self._outbox.hello(), version=self._version)
        self.send(Topic.HELLO, encode(hello))
        self.send(Topic.INVENTORY, encode(self._inventory()))
        self._outbox.connected(self)

    def _end(self, client: mqtt.Client) -> None:
        """Let go of a connection; a good-bye if it still works."""
        if self._connected:
            self._outbox.disconnected()
            if client.is_connected():
                self.send(Topic.STATE, self._state(online=False))
        self._connected = False
        client.disconnect()
        sock = client.socket()
        if isinstance(sock, socket.socket):  # the good-bye is stuck behind what the network does not take
            self._unhook(sock)
            sock.close()

    def _tell_lost(self, why: str) -> None:
        told = self._absence.tell(why)
        if told:
            where = f"{self._broker.host}:{self._broker.port}"
            _log.warning("broker %s: away: %s; readings are kept meanwhile", where, told)

    def _hears(self, now: float) -> bool:
        return self._heard > 0 and now - self._heard < 2.5 * HEARTBEAT

    def _tell_unanswered(self) -> bool:
        """Say it when the gateway takes nothing of ours; a broker drops what it does not allow without a word."""
        now = self._clock.boottime()
        if not self._outbox.held or not self._hears(now) or now - self._answered < _UNANSWERED:
            return False
        topics = str(Address(self._site, self._agent, Topic.READINGS)).rpartition("/")[0]
        _log.warning(
            "the gateway is there and acknowledges nothing (does the broker's access list let our user %r write to "
            "%s/…? Is the gateway meant for the site %r, and can it write its journal?); readings are kept meanwhile",
            self._broker.user,
            topics,
            self._site,
        )
        return True

    def _readable(self, client: mqtt.Client) -> None:
        rc = client.loop_read()
        sock = client.socket()
        while rc is MQTTErrorCode.MQTT_ERR_SUCCESS and isinstance(sock, ssl.SSLSocket) and sock.pending():
            rc = client.loop_read()
            sock = client.socket()
        self._writable(client)

    def _writable(self, client: mqtt.Client) -> None:
        if client.want_write():
            client.loop_write()
        self._watch_writing()

    def _watch_writing(self) -> None:
        """Ask the loop to go on writing: paho writes at once; only what the network did not take must wait for it."""
        assert self._client is not None  # noqa: S101 - the callers have one
        wanted = self._client.want_write()
        sock = self._client.socket()
        if wanted is self._writing or not isinstance(sock, socket.socket):
            return
        self._writing = wanted
        loop = asyncio.get_running_loop()
        if wanted:
            loop.add_writer(sock, self._writable, self._client)
        else:
            loop.remove_writer(sock)

    def _unhook(self, sock: Any) -> None:
        loop = asyncio.get_running_loop()
        loop.remove_reader(sock)
        loop.remove_writer(sock)
        self._writing = False

    def _on_message(self, topic: str, payload: bytes | bytearray, *, retained: bool) -> None:
        try:
            if topic == GATEWAY_TOPIC:
                self._on_heartbeat(decode(Heartbeat, bytes(payload), where=topic), retained=retained)
            elif topic == self._topics[Topic.COMMANDS]:
                if not retained:  # somebody's mistake: a command is for now
                    self._on_command(decode(Command, bytes(payload), where=topic))
            else:
                self._outbox.acknowledged(decode(Ack, bytes(payload), where=topic))
                self._answered = self._clock.boottime()
        except MessageError as error:
            self._refused += 1
            if self._refused == 1:
                _log.warning("a message is refused, and the like from now on silently: %s", error)

    def _on_heartbeat(self, beat: Heartbeat, *, retained: bool) -> None:
        if beat.online and not retained:  # a kept one is of some time ago
            if beat.wall > 0 and self._outbox.counts(beat.gateway):
                self._on_gateway_clock(beat.wall, beat.trusted)
            now = self._clock.boottime()
            if not self._hears(now):
                self._answered = now
            self._heard = now
        if self._outbox.heartbeat(beat, retained=retained) and self._connected:
            self._greet()

    def _state(self, *, online: bool) -> bytes:
        outbox = self._outbox
        now = self._clock.stamp()
        return encode(
            State(online, outbox.epoch, now, self._version, outbox.held, self._health(), trouble=outbox.trouble)
        )
