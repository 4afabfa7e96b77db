"""The wire of the gateway: MQTT 3.1.1, QoS 1, clean sessions. The only importer of paho on this side.

paho runs a thread of its own. What it hears is gathered and handed to the event loop in batches: one wake-up for all
that came meanwhile. It alone reconnects. Nothing is acknowledged by MQTT's own means: an agent drops a message when
our journal has it, so that what is lost here is sent again.
"""

import asyncio
import logging
import secrets
import ssl
import sys
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from contract.broker import HUNG_UP, Absence, Broker, lost
from contract.errors import BrokerError
from contract.message import GATEWAY_TOPIC, HEARTBEAT, MAX_WHOLE, ROOT, Heartbeat, encode
from gateway.clock import SystemClock
from gateway.ingest import Arrived

_log = logging.getLogger(__name__)
_KEEPALIVE: Final = 15
_RECONNECT: Final = (1, 30)
"""Seconds between tries, the first and the longest."""
_GATHERED: Final = 20_000
"""Messages that may wait for the journal; more are dropped, and sent again by their agents."""
_BATCH: Final = 256
SUBSCRIPTION: Final = f"{ROOT}/+/+/+"


class Wire:
    """The connection of the gateway to its broker."""

    def __init__(self, *, broker: Broker, name: str, version: str, clock: SystemClock) -> None:
        """Take where to connect and who speaks."""
        self.session = secrets.token_hex(8)
        """New for each connection: while we were away the broker kept nothing for us. Agents that see a new one say hello
        and send again at once."""
        self.journal = ""
        """The journal's id, for the heartbeat; set before ``run``."""
        self.dropped = 0
        """Messages that found no room while the journal was too slow."""
        self._broker = broker
        self._name = name
        self._version = version
        self._clock = clock
        self._client: mqtt.Client | None = None
        self._connected = False
        self._refused = False
        """By the broker, which then hangs up."""
        self._absence = Absence()
        self._leaving = False
        self._told_dropped = 0
        self._gathered: deque[Arrived] = deque()
        self._arrived = asyncio.Event()
        self._woken = False

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
        loop = asyncio.get_running_loop()
        client = self._client = self._make(loop)
        client.connect_async(self._broker.host, self._broker.port, _KEEPALIVE)
        client.loop_start()
        beats = asyncio.create_task(self._beat())
        try:
            while True:
                await self._arrived.wait()
                self._arrived.clear()
                self._woken = False  # before looking: what comes from here on wakes us again
                while self._gathered:
                    await take([self._gathered.popleft() for _ in range(min(_BATCH, len(self._gathered)))])
                if self.dropped > self._told_dropped:
                    count, self._told_dropped = self.dropped - self._told_dropped, self.dropped
                    _log.warning(
                        "%d messages came faster than the disk takes them; their agents send them again", count
                    )
        finally:
            beats.cancel()
            if self._connected:
                client.publish(GATEWAY_TOPIC, self._heartbeat(online=False), qos=1, retain=True)
            self._connected = False
            self._leaving = True  # whatever paho still has to say of the connection
            client.disconnect()
            await loop.run_in_executor(None, client.loop_stop)

    def send(self, topic: str, payload: bytes) -> None:
        """Publish; while the broker is away nothing is said: agents that reconnect say hello, and get their answer."""
        if self._connected and self._client is not None:
            self._client.publish(topic, payload, qos=1)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT)
            self._say_online()

    def _say_online(self) -> None:
        if self._connected and self._client is not None:
            self._client.publish(GATEWAY_TOPIC, self._heartbeat(online=True), qos=1, retain=True)

    def _heartbeat(self, *, online: bool) -> bytes:
        return encode(
            Heartbeat(
                gateway=self._name,
                journal=self.journal,
                session=self.session,
                wall=self._clock.wall() if online else 0.0,
                online=online,
                version=self._version,
            )
        )

    def _make(self, loop: asyncio.AbstractEventLoop) -> mqtt.Client:
        broker = self._broker
        client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=f"wolfsmoke-{self._name}", clean_session=True)
        client.reconnect_delay_set(*_RECONNECT)
        if broker.user:
            client.username_pw_set(broker.user, broker.password.reveal() if broker.password else None)
        if broker.tls is not None:
            client.tls_set_context(self._tls())
        client.will_set(GATEWAY_TOPIC, self._heartbeat(online=False), qos=1, retain=True)

        def on_connect(_client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
            loop.call_soon_threadsafe(self._on_connect, reason)

        def on_disconnect(_client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
            loop.call_soon_threadsafe(self._on_disconnect, str(reason))

        def on_connect_fail(_client: Any, _data: Any) -> None:
            error = sys.exception()  # paho calls this while it handles it
            loop.call_soon_threadsafe(self._tell_lost, str(error or "") or "nothing answers")

        def on_message(_client: Any, _data: Any, message: mqtt.MQTTMessage) -> None:
            if len(self._gathered) >= _GATHERED:
                self.dropped += 1
                return
            payload = bytes(message.payload[: MAX_WHOLE + 1])  # one too many is enough to refuse it
            self._gathered.append(Arrived(message.topic, payload, message.retain, self._clock.wall()))
            if not self._woken:
                self._woken = True
                loop.call_soon_threadsafe(self._arrived.set)

        client.on_connect = on_connect
        client.on_disconnect = on_disconnect
        client.on_connect_fail = on_connect_fail
        client.on_message = on_message
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

    def _on_connect(self, reason: Any) -> None:
        if self._leaving:
            return
        if reason.is_failure:
            self._refused = True
            self._tell_lost(f"it refuses us: {reason}")
            return
        assert self._client is not None  # noqa: S101
        self._connected = True
        log = _log.warning if self._absence.over() else _log.info
        log("broker %s:%s: connected", self._broker.host, self._broker.port)
        self.session = secrets.token_hex(8)
        self._client.subscribe(SUBSCRIPTION, 1)
        self._say_online()

    def _on_disconnect(self, reason: str) -> None:
        if not self._refused:
            self._tell_lost(lost(reason) if self._connected else HUNG_UP)
        self._connected = self._refused = False

    def _tell_lost(self, why: str) -> None:
        told = "" if self._leaving else self._absence.tell(why)
        if told:
            where = f"{self._broker.host}:{self._broker.port}"
            _log.warning("broker %s: not connected: %s; the agents keep what they read", where, told)
