"""Traps put together: from the port to the devices that are asked because of them."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from agent.links.traps import TrapPort
from agent.traps import message
from agent.traps.desk import Desk
from agent.traps.hosts import Hosts, Resolve, by_system, plain
from agent.traps.limits import KNOWN, STRANGERS, Limits
from agent.traps.settings import Traps
from agent.traps.usm import Authority, Heard, Usm
from contract.errors import DeviceError, UsageError
from contract.reading import Reading

V3: Final = 3


class Counters(msgspec.Struct):
    """What became of the datagrams."""

    received: int = 0
    taken: int = 0
    answered: int = 0
    flood: int = 0
    """Too many of one address, or of strangers: not looked at."""


def _see_ciphers() -> None:
    """Say at the start, and not at the first trap, if what decrypts is not there."""
    try:
        from agent.links import ciphers  # noqa: F401, PLC0415
    except ImportError as error:
        hint = "pip install 'wolfsmoke[agent-traps]'"
        raise UsageError(f"encrypted traps need a library: {error}", where="[traps]", hint=hint) from None


class TrapService:
    """Listens for traps of devices, and has them asked. Nothing starts before ``run``."""

    def __init__(
        self,
        settings: Traps,
        hosts: Mapping[str, str],
        poke: Callable[[str], None],
        clock: Callable[[], float],
        *,
        own: Authority,
        salt: int,
        resolve: Resolve = by_system,
    ) -> None:
        """Take what is needed.

        Args:
            settings: where, and whose.
            hosts: of the devices that have one, by id.
            poke: asks a device at once.
            clock: seconds; only differences count.
            own: our SNMP engine.
            salt: a random number; where the encryption of answers begins.
            resolve: asks for names.

        Raises:
            UsageError: a user encrypts, and the library for it is not installed.
        """
        if any(user.priv for user in settings.user):
            _see_ciphers()
        begun = clock()
        self._communities = {secret.reveal().encode() for secret in settings.communities}
        self._usm = Usm((user.user() for user in settings.user), own, lambda: clock() - begun, salt)
        self._hosts = Hosts(hosts, resolve)
        self._limits = Limits(clock)
        self.desk = Desk(hosts, poke, clock)
        self.counters = Counters()
        self.port = TrapPort(*settings.address, self.take)

    async def run(self) -> None:
        """Listen until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._hosts.run())
            group.create_task(self.port.run())

    def readings(self, device: str, *, full: bool = True) -> list[Reading]:
        """Return what is known of a device's traps, or only what is new; nothing of one that has no host."""
        return self.desk.readings(device, full=full) if device in self.desk else []

    def take(self, datagram: bytes, address: str) -> bytes | None:
        """Take a datagram; return the answer, if it wants one. It raises nothing, whatever comes."""
        self.counters.received += 1
        source = plain(address)
        devices = self._hosts.devices(source)
        if not self._limits.take(source, known=bool(devices)):
            self.counters.flood += 1
            self.desk.flood(source, devices, (KNOWN if devices else STRANGERS)[0])
            return None
        try:
            heard = self._opened(datagram)
        except DeviceError as error:
            self.desk.refuse(source, devices, error.what)
            return None
        if heard.notification is None:
            if not devices and heard.trouble:
                self.desk.stranger(source)
            elif heard.trouble:
                self.desk.refuse(source, devices, heard.trouble)
            return self._answering(heard) if devices else None
        meant = self._hosts.devices(heard.notification.agent) if heard.notification.agent else ()
        devices = meant or devices  # a v1 trap through a forwarder names whose it is
        if not devices:
            self.desk.stranger(source)
            return None
        self.counters.taken += 1
        self.desk.take(devices, heard.notification)
        return self._answering(heard)

    def _answering(self, heard: Heard) -> bytes | None:
        if heard.answer is not None:
            self.counters.answered += 1
        return heard.answer

    def _opened(self, datagram: bytes) -> Heard:
        version, rest = message.version_of(datagram)
        if version == V3:
            return self._usm.take(rest)
        notification, inform = message.decode(version, rest)
        if notification.community not in self._communities:
            return Heard(trouble="its community is not in the settings")
        return Heard(notification, None if inform is None else message.answer(notification.community, inform))
