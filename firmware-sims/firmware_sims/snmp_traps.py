"""What a simulated UPS's card sends unasked: traps of v2c, informs of v3, on what happens to the model. By pysnmp.

RFC 1628 (4): upsTrapOnBattery at once and each minute on battery, upsTrapAlarmEntryAdded and -Removed for the rest.
PowerNet and XPPC: one trap a transition, with a text or without.
"""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any, Final, Literal

import msgspec
from pysnmp.carrier.asyncio.dgram import udp
from pysnmp.entity import config, engine
from pysnmp.entity.rfc3413 import ntforg
from pysnmp.proto import rfc1902

from firmware_sims.faults import DELAY_SECONDS, Fault, spoiled
from firmware_sims.snmp_ups import User
from firmware_sims.ups import Ups, View

LOOK: Final = 0.1
"""Seconds between two looks at the model: what a card needs to notice."""
REPEAT: Final = 60.0
"""Seconds between two traps of a UPS that is still on battery (RFC 1628, upsTrapOnBattery)."""
_TIMEOUT, _RETRIES = 100, 3
"""Of an inform: hundredths of a second, and how often it is said again."""
_AUTH: Final = {
    "md5": config.USM_AUTH_HMAC96_MD5,
    "sha": config.USM_AUTH_HMAC96_SHA,
    "sha256": config.USM_AUTH_HMAC192_SHA256,
}
_PRIV: Final = {"des": config.USM_PRIV_CBC56_DES, "aes": config.USM_PRIV_CFB128_AES}
_UPS_MIB: Final = "1.3.6.1.2.1.33"
_TRAP_OID: Final = "1.3.6.1.6.3.1.1.4.1.0"
_TRAP_ADDRESS: Final = "1.3.6.1.6.3.18.1.3.0"
_ALL_ONES: Final = 2**31 - 1

TrapFace = Literal["rfc1628", "powernet", "xppc"]
"""Whose traps: those of the simulated MIBs, and of the cards of Megatec UPSes."""
Event = Literal["on-battery", "mains-restored", "low-battery", "low-battery-over", "overload", "overload-over"]
_ALARMS: Final[dict[Event, tuple[int, int]]] = {
    "mains-restored": (4, 2),
    "low-battery": (3, 3),
    "low-battery-over": (4, 3),
    "overload": (3, 8),
    "overload-over": (4, 8),
}
"""UPS-MIB: trap number (3 an alarm came, 4 one went) and the well-known alarm."""
_POWERNET: Final[dict[Event, tuple[int, str]]] = {
    "on-battery": (5, "UPS: Switched to battery backup power."),
    "mains-restored": (9, "UPS: Utility power has been restored."),
    "low-battery": (7, "UPS: The battery power is too low to support the load."),
    "low-battery-over": (11, "UPS: Returned from a low battery condition."),
    "overload": (2, "UPS: Overloaded."),
    "overload-over": (33, "UPS: An overload condition has been cleared."),
}
_XPPC: Final[dict[Event, int]] = {"on-battery": 5, "mains-restored": 9, "low-battery": 7, "overload": 2}


class Notice(msgspec.Struct, frozen=True):
    """One trap: its OID, and its values by OID."""

    oid: str
    values: tuple[tuple[str, Any], ...] = ()


def events(before: View, now: View) -> Iterator[Event]:
    """Yield what happened between two looks."""
    pairs: tuple[tuple[bool, bool, Event, Event], ...] = (
        (before.on_battery, now.on_battery, "on-battery", "mains-restored"),
        (before.low, now.low, "low-battery", "low-battery-over"),
        (before.overload, now.overload, "overload", "overload-over"),
    )
    for was, is_now, came, went in pairs:
        if was != is_now and (is_now or came != "on-battery" or now.mains):
            yield came if is_now else went


def notice(face: TrapFace, event: Event, view: View, *, sentinels: bool = False) -> Notice | None:
    """Return the trap of an event; None where a face has none for it."""
    if face == "powernet":
        number, text = _POWERNET[event]
        said = "" if sentinels else text
        return Notice(f"1.3.6.1.4.1.318.0.{number}", (("1.3.6.1.4.1.318.2.3.3.0", rfc1902.OctetString(said.encode())),))
    if face == "xppc":
        return Notice(f"1.3.6.1.4.1.935.0.{_XPPC[event]}") if event in _XPPC else None
    if event == "on-battery":
        minutes, seconds = (int(view.runtime / 60), int(view.on_battery_seconds))
        numbers = (_ALL_ONES, _ALL_ONES, _ALL_ONES) if sentinels else (minutes, seconds, 2)
        oids = (f"{_UPS_MIB}.1.2.3.0", f"{_UPS_MIB}.1.2.2.0", f"{_UPS_MIB}.1.9.7.0")
        return Notice(f"{_UPS_MIB}.2.1", tuple(zip(oids, map(rfc1902.Integer32, numbers), strict=True)))
    trap, alarm = _ALARMS[event]
    table = f"{_UPS_MIB}.1.6.2.1"
    descr = rfc1902.ObjectIdentifier("0.0" if sentinels else f"{_UPS_MIB}.1.6.3.{alarm}")
    return Notice(
        f"{_UPS_MIB}.2.{trap}", ((f"{table}.1.{alarm}", rfc1902.Integer32(alarm)), (f"{table}.2.{alarm}", descr))
    )


class TrapSender:
    """The part of a card that sends. Nothing is opened before ``start``."""

    def __init__(
        self,
        ups: Ups,
        clock: Callable[[], float],
        to: tuple[str, int],
        *,
        face: TrapFace = "rfc1628",
        host: str = "127.0.0.1",
        community: str = "public",
        user: User | None = None,
    ) -> None:
        """Remember what to be.

        Args:
            ups: the model.
            clock: seconds, for what is repeated.
            to: who is told, address and UDP port.
            face: which MIB's traps it sends.
            host: the address that they come from.
            community: of traps of v2c.
            user: of informs of v3, in place of those.
        """
        self.ups = ups
        self.sent = 0
        """Traps and informs that were meant to leave, whatever the fault made of them."""
        self._clock = clock
        self._to = to
        self._face = face
        self._host = host
        self._community = community
        self._user = user
        self._seen = ups.view()
        self._told = 0.0
        self._engine: Any = None
        self._transport: _Udp | None = None
        self._originator: Any = None
        self._task: asyncio.Task[None] | None = None
        self._fault = Fault.NONE

    @property
    def fault(self) -> Fault:
        """What is wrong with it."""
        return self._fault

    async def set_fault(self, fault: Fault) -> None:
        """Misbehave from now on; an unplugged network port is silent."""
        self._fault = fault
        if self._transport is not None:
            self._transport.fault = fault

    async def start(self) -> None:
        """Begin to look at the model.

        Raises:
            OSError: the address cannot be had.
        """
        transport = _Udp()
        transport.fault = self._fault
        await asyncio.get_running_loop().create_datagram_endpoint(lambda: transport, local_addr=(self._host, 0))
        self._transport = transport
        self._engine = snmp = engine.SnmpEngine()
        config.add_transport(snmp, udp.DOMAIN_NAME, transport)
        user = self._user
        if user is None:
            config.add_v1_system(snmp, "area", self._community)
            config.add_target_parameters(snmp, "how", "area", "noAuthNoPriv", 1)
            config.add_vacm_user(snmp, 2, "area", "noAuthNoPriv", (), (), (1, 3, 6))
        else:
            config.add_v3_user(snmp, user.name, _AUTH[user.auth], user.auth_key, _PRIV[user.priv], user.priv_key)
            config.add_target_parameters(snmp, "how", user.name, "authPriv", 3)
            config.add_vacm_user(snmp, 3, user.name, "authPriv", (), (), (1, 3, 6))
        config.add_target_address(
            snmp, "whom", udp.DOMAIN_NAME, self._to, "how", _TIMEOUT, _RETRIES, "all", sourceAddress=(self._host, 0)
        )
        config.add_notification_target(snmp, "news", "how", "all", "trap" if user is None else "inform")
        config.add_context(snmp, "")
        self._originator = ntforg.NotificationOriginator()
        self._seen = self.ups.view()
        self._task = asyncio.get_running_loop().create_task(self._watch())

    async def stop(self) -> None:
        """Look no more, and let go of the port."""
        if self._task is not None:
            self._task.cancel()
        if self._engine is not None:
            self._engine.close_dispatcher()
        self._engine = self._transport = self._task = None

    async def _watch(self) -> None:
        while True:
            self.look()
            await asyncio.sleep(LOOK)

    def look(self) -> None:
        """Look at the model, and send what is new."""
        before, self._seen = self._seen, self.ups.view()
        happened = list(events(before, self._seen))
        if self._face == "rfc1628" and self._seen.on_battery and self._clock() - self._told >= REPEAT and not happened:
            happened = ["on-battery"]
        for event in happened:
            if event == "on-battery":
                self._told = self._clock()
            told = notice(self._face, event, self._seen, sentinels=self._fault is Fault.SENTINELS)
            if told is not None:
                self._send(told)

    def _send(self, told: Notice) -> None:
        self.sent += 1
        values = [(_TRAP_OID, rfc1902.ObjectIdentifier(told.oid)), *told.values]
        if self._fault is Fault.ADDRESS:
            values.append((_TRAP_ADDRESS, rfc1902.IpAddress("198.51.100.66")))
        named = [(rfc1902.ObjectName(oid), value) for oid, value in values]
        self._originator.send_varbinds(self._engine, "news", None, b"", named)


class _Udp(udp.UdpAsyncioTransport):  # type: ignore[misc] # pysnmp is untyped
    """The datagrams, with the faults of a line."""

    fault = Fault.NONE

    def send_message(self, outgoingMessage: bytes, transportAddress: Any) -> None:  # noqa: N803 - pysnmp's names
        """Send, as far as the fault lets it."""
        datagram = spoiled(outgoingMessage, self.fault)
        if datagram is None:
            return
        if self.fault is Fault.CHECKSUM:  # the end of the content: a signature no longer fits, where there is one
            datagram = datagram[:-1] + bytes((datagram[-1] ^ 0xFF,))
        self.loop.call_later(
            DELAY_SECONDS if self.fault is Fault.DELAY else 0.0, self._send, datagram, transportAddress
        )

    def _send(self, datagram: bytes, address: Any) -> None:
        if self.transport is not None and not self.transport.is_closing():
            self.transport.sendto(datagram, self.normalize_address(address))
