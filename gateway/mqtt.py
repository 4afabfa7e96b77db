"""The wire of the gateway: MQTT 3.1.1, QoS 1, clean sessions. The only importer of paho on this side.

paho's protocol machine runs on the event loop: with a thread of its own, the two would hand the interpreter's lock to and
fro for every message. Only connecting, which blocks, is done on a thread. Nothing is acknowledged by MQTT's own means:
an agent drops a message when our journal has it, so that what is lost here is sent again.
"""

import asyncio
import logging
import random
import secrets
import socket
import ssl
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from contract.broker import HUNG_UP, Absence, Broker, lost
from contract.errors import BrokerError
from contract.message import GATEWAY_TOPIC, HEARTBEAT, MAX_BYTES, MAX_WHOLE, ROOT, Heartbeat, encode
from contract.notice import PLAN, is_notice
from gateway.buffered import BufferedSocket
from gateway.clock import SystemClock
from gateway.ingest import Arrived

_log = logging.getLogger(__name__)
_KEEPALIVE: Final = 15
_PAUSES: Final = (1.0, 30.0)
"""Seconds between tries to connect, the first and the longest."""
_GREETING: Final = 10.0
"""Seconds that a broker may take to answer CONNECT."""
_GATHERED: Final = 5000
"""Messages that may wait for the journal; with more, the broker keeps them a moment longer."""
_GATHERED_BYTES: Final = 64 * 1024 * 1024
"""The same in bytes: inventories and hellos may be big."""
_BATCH: Final = 1024
_TURN: Final = 128
"""Messages read before others have their turn: some 2 ms."""
_PUBACK: Final = b"\x40\x02"
"""MQTT 3.1.1, 3.4. Four bytes, written here: by paho's way they cost a third of what reading the message does."""
_WHOLE: Final = ("/hello", "/inventory")
"""Topics of messages that tell of all devices at once."""
_NOTICES: Final = f"/{PLAN}/"
SUBSCRIPTION: Final = f"{ROOT}/+/+/+"


class _Client(mqtt.Client):
    """paho's client, with one function for every message."""

    def _handle_on_message(self, message: mqtt.MQTTMessage) -> None:
        """Call ``on_message``.

        paho first looks through filters of topics, of which we have none, under two locks that nobody else wants: a fifth
        of what receiving costs. Should a later paho not call this any more, it is only slower.
        """
        if self.on_message is not None:
            self.on_message(self, None, message)


class Wire:
    """The connection of the gateway to its broker."""

    def __init__(self, *, broker: Broker, name: str, version: str, clock: SystemClock) -> None:
        """Take where to connect and who speaks."""
        self.session = ""
        """New for each connection, for the broker kept nothing for us while we were away, and after our disk failed: agents
        that see a new one say hello and send again at once."""
        self.journal: Callable[[], str] = str
        """Returns the journal's id, for the heartbeat."""
        self.on_notice: Callable[[str, bytes], None] = lambda _topic, _payload: None
        """Hears what the broker kept of our own topics of the plan, at each connection."""
        self._broker = broker
        self._name = name
        self._version = version
        self._clock = clock
        self._client: mqtt.Client | None = None
        self._sock: BufferedSocket | None = None
        self._connected = False
        self._reading = False
        self._absence = Absence()
        self._gathered: deque[Arrived] = deque()
        self._waiting = 0
        """Bytes gathered."""
        self._now = 0.0
        """Wall time of this turn's reading."""
        self._arrived = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, "connect")
        """For connecting alone: names that nobody resolves must not hold up the way to the broker."""

    @property
    def connected(self) -> bool:
        """Whether the broker is there."""
        return self._connected

    async def run(self, take: Callable[[Sequence[Arrived]], Awaitable[None]]) -> None:
        """Connect, and stay connected until cancelled. A broker that is away is no error: it will be back.

        Args:
            take: gets what arrived, batch after batch.

        Raises:
            BrokerError: the certificates cannot be used.
        """
        self._make()  # says at once what can never work
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._keep())
                group.create_task(self._hand_on(take))
        except BaseExceptionGroup as faults:  # of ours; the first one says it
            raise faults.exceptions[0] from None
        finally:
            self._thread.shutdown(wait=False, cancel_futures=True)

    async def _hand_on(self, take: Callable[[Sequence[Arrived]], Awaitable[None]]) -> None:
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while self._gathered:
                batch = [self._gathered.popleft() for _ in range(min(_BATCH, len(self._gathered)))]
                self._waiting -= sum(len(one.payload) for one in batch)
                await take(batch)
                self._read_on()

    def send(self, topic: str, payload: bytes) -> None:
        """Publish; while the broker is away nothing is said: agents that reconnect say hello, and get their answer."""
        if self._connected and self._client is not None:
            self._client.publish(topic, payload, qos=1)

    def retain(self, name: str, payload: bytes) -> None:
        """Publish a message that the broker keeps; an empty one makes it forget. While it is away, nothing is said."""
        if self._connected and self._client is not None:
            self._client.publish(name, payload, qos=1, retain=True)

    def renew(self) -> None:
        """Begin a new session: agents say hello, and send again at once what was not acknowledged."""
        self.session = secrets.token_hex(8)
        if self._connected and self._client is not None:
            self._say_online(self._client)

    def _say_online(self, client: mqtt.Client) -> None:
        client.publish(GATEWAY_TOPIC, self._heartbeat(online=True), qos=1, retain=True)

    async def _keep(self) -> None:
        """Connect again and again."""
        pause = _PAUSES[0]
        while True:
            gone: asyncio.Future[str] = asyncio.get_running_loop().create_future()
            try:
                client = self._make()  # the certificates are read anew each time
                try:
                    await self._connect(client, gone)
                    pause = _PAUSES[0]
                    await self._stay(client, gone)
                finally:
                    self._end(client)
            except BrokerError as error:
                self._tell_lost(error.what)
            await asyncio.sleep(pause * random.uniform(0.75, 1.25))  # noqa: S311 - nothing secret
            pause = min(pause * 2, _PAUSES[1])

    async def _connect(self, client: mqtt.Client, gone: asyncio.Future[str]) -> None:
        """Connect.

        Raises:
            BrokerError: nothing answers, or it refuses us.
        """
        loop = asyncio.get_running_loop()
        greeted: asyncio.Future[str] = loop.create_future()

        def on_connect(_client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
            if not greeted.done():
                greeted.set_result(f"{reason}" if reason.is_failure else "")

        def on_disconnect(_client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
            if not gone.done():
                gone.set_result(f"{reason}")

        client.on_connect, client.on_disconnect, client.on_message = on_connect, on_disconnect, self._on_message
        try:
            await loop.run_in_executor(self._thread, client.connect, self._broker.host, self._broker.port, _KEEPALIVE)
        except (OSError, ValueError) as error:  # no name, no route, no answer, no trust; a name that cannot be one
            raise BrokerError(str(error) or type(error).__name__) from None
        plain = client.socket()
        if not isinstance(plain, socket.socket):
            raise BrokerError(HUNG_UP)
        sock = self._sock = BufferedSocket(plain)
        client._sock = sock  # noqa: SLF001 - paho has no other door for it
        client.on_socket_close = lambda *_: self._unhook(sock)
        self._client = client
        self._reading = True
        loop.add_reader(sock.fileno(), self._readable, client, sock)
        await asyncio.wait({greeted, gone}, timeout=_GREETING, return_when=asyncio.FIRST_COMPLETED)
        if not greeted.done():
            raise BrokerError(HUNG_UP if gone.done() else f"said nothing for {_GREETING:g} s")
        if greeted.result():
            raise BrokerError(f"it refuses us: {greeted.result()}")

    async def _stay(self, client: mqtt.Client, gone: asyncio.Future[str]) -> None:
        """Keep presence and connection until it is lost.

        Raises:
            BrokerError: it is lost.
        """
        self._connected = True
        log = _log.warning if self._absence.over() else _log.info
        log("broker %s:%s: connected", self._broker.host, self._broker.port)
        self.session = secrets.token_hex(8)
        client.subscribe(SUBSCRIPTION, 1)
        due = self._clock.boottime()
        while not gone.done():
            if self._clock.boottime() >= due:
                due = self._clock.boottime() + HEARTBEAT
                self._say_online(client)
            await asyncio.wait({gone}, timeout=1.0)
            client.loop_misc()
        raise BrokerError(lost(gone.result()))

    def _end(self, client: mqtt.Client) -> None:
        """Let go of a connection; a good-bye if it still works."""
        if self._connected and client.is_connected():
            client.publish(GATEWAY_TOPIC, self._heartbeat(online=False), qos=1, retain=True)
        self._connected = False
        client.disconnect()
        if self._sock is not None:
            self._unhook(self._sock)
            self._sock.close()
        self._client = self._sock = None

    def _readable(self, client: mqtt.Client, sock: BufferedSocket) -> None:
        """Read what came, up to a turn's worth, and while there is room for it."""
        most = len(self._gathered) + _TURN
        self._now = self._clock.wall()
        while True:
            client.loop_read()
            if self._sock is not sock or not self._reading:
                return  # it was lost
            if not sock.unread or len(self._gathered) >= most or self._full:
                break
        if self._full:
            self._reading = False
            asyncio.get_running_loop().remove_reader(sock.fileno())
        elif sock.unread:  # the kernel will not wake us for it
            asyncio.get_running_loop().call_soon(self._more, client, sock)

    @property
    def _full(self) -> bool:
        return len(self._gathered) >= _GATHERED or self._waiting >= _GATHERED_BYTES

    def _more(self, client: mqtt.Client, sock: BufferedSocket) -> None:
        if self._sock is sock and self._reading and sock.unread:
            self._readable(client, sock)

    def _read_on(self) -> None:
        """Read again, once there is room."""
        sock, client = self._sock, self._client
        if self._reading or sock is None or sock.fileno() < 0 or client is None or self._full:
            return
        self._reading = True
        asyncio.get_running_loop().add_reader(sock.fileno(), self._readable, client, sock)
        asyncio.get_running_loop().call_soon(self._more, client, sock)

    def _unhook(self, sock: BufferedSocket) -> None:
        """Read no more of it; paho closes it next."""
        if self._sock is not sock:
            return
        if self._reading:
            asyncio.get_running_loop().remove_reader(sock.fileno())
        self._reading = False

    def _on_message(self, _client: Any, _data: Any, message: mqtt.MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:  # one that no broker should let through
            topic = ""
        if _NOTICES in topic and is_notice(topic):
            if message.retain:  # else it is what we have just said
                self.on_notice(topic, bytes(message.payload))
        elif topic:
            payload = bytes(message.payload)
            most = MAX_WHOLE if topic.endswith(_WHOLE) else MAX_BYTES
            if len(payload) > most:
                payload = payload[: most + 1]  # one too many is enough to refuse it
            self._gathered.append(Arrived(topic, payload, message.retain, self._now))
            self._waiting += len(payload)
            self._arrived.set()
        if message.qos == 1 and self._sock is not None:
            self._sock.send(_PUBACK + message.mid.to_bytes(2))

    def _heartbeat(self, *, online: bool) -> bytes:
        return encode(
            Heartbeat(
                gateway=self._name,
                journal=self.journal(),
                session=self.session,
                wall=self._clock.wall() if online else 0.0,
                online=online,
                version=self._version,
                trusted=self._clock.stamp().trusted,
            )
        )

    def _make(self) -> mqtt.Client:
        broker = self._broker
        client = _Client(
            CallbackAPIVersion.VERSION2, client_id=f"wolfsmoke-{self._name}", clean_session=True, manual_ack=True
        )
        client.max_inflight_messages_set(0)  # what we say is said again when it is asked for again
        if broker.user:
            client.username_pw_set(broker.user, broker.password.reveal() if broker.password else None)
        if broker.tls is not None:
            client.tls_set_context(self._tls())
        client.will_set(GATEWAY_TOPIC, self._heartbeat(online=False), qos=1, retain=True)
        return client

    def _tls(self) -> ssl.SSLContext:
        tls = self._broker.tls
        assert tls is not None  # noqa: S101 - the caller looked
        try:
            context = ssl.create_default_context(cafile=tls.ca)
            if tls.certificate:
                context.load_cert_chain(tls.certificate, tls.key)
        except (OSError, ssl.SSLError) as error:
            raise BrokerError(f"its certificates cannot be used: {error}", where="[broker.tls]") from None
        return context

    def _tell_lost(self, why: str) -> None:
        told = self._absence.tell(why)
        if told:
            where = f"{self._broker.host}:{self._broker.port}"
            _log.warning("broker %s: not connected: %s; the agents keep what they read", where, told)
