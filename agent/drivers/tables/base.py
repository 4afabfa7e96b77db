"""What the parts of a driver of tables have in common: they look at tables once, and then ask for the rows that matter."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec

from agent.drivers.base import Lane
from agent.drivers.tables.columns import under
from agent.links.snmp import WITNESS, Raw, SnmpLink
from contract.errors import DeviceGarbled, DeviceRefused, DeviceTimeout
from contract.reading import Reading

Figures = Mapping[str, Mapping[str, int]]
"""What a part wants to be remembered: for each prefix of its quantities, a whole number by key."""


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What the settings say of a device with tables."""

    ports: tuple[str, ...] = ()
    """Ports or trunks in service, by name, description, alias or number; ``*`` and ``?`` stand for what is left open."""
    reserve: int = 0
    """Spare ports that there should be."""
    vrrp: str = ""
    """The virtual router that counts: its name, or its number."""


class Walker:
    """Reads whole columns, each once: several parts of a driver look at the same ones."""

    def __init__(self, link: SnmpLink) -> None:
        """Take the link."""
        self._link = link
        self._columns: dict[str, dict[str, Raw] | None] = {}

    async def column(self, oid: str) -> dict[str, Raw] | None:
        """Return the rows of a column by their index, none where the device has no such table; None if unreadable.

        A device that answers, and stumbles over one table, loses that table only.

        Raises:
            DeviceError: it does not answer at all.
        """
        if oid not in self._columns:
            try:
                self._columns[oid] = under(await self._link.walk(oid), oid)
            except (DeviceTimeout, DeviceGarbled, DeviceRefused):
                await self._link.get((WITNESS,))  # raises if it is away
                self._columns[oid] = None
        return self._columns[oid]

    async def columns(self, oids: Sequence[str]) -> dict[str, dict[str, Raw]]:
        """Return several columns; what is unreadable is empty."""
        return {oid: await self.column(oid) or {} for oid in oids}

    async def value(self, oid: str) -> Raw:
        """Return one value; None where the device has none, so that no poll asks for it in vain.

        Raises:
            DeviceError: it does not answer.
        """
        return (await self._link.get((oid,)))[oid]

    async def there(self, oids: Sequence[str]) -> tuple[str, ...]:
        """Return those that the device has.

        Raises:
            DeviceError: it does not answer.
        """
        values = await self._link.get(oids)
        return tuple(oid for oid in oids if values[oid] is not None)


class Steady:
    """Tells a table that cannot be read for once from one that never can.

    Names come from tables: a part that took a table for empty that only was not read would miss what is there.
    """

    def __init__(self) -> None:
        """Start with every table readable."""
        self._unread: set[str] = set()

    async def lost(self, walker: Walker, columns: Sequence[str], *, known: bool) -> bool:
        """Say whether any of these columns can no longer be read; what was known is to be kept then.

        Args:
            walker: of this look.
            columns: that names or rows come from.
            known: whether anything is known.
        """
        unread = {oid for oid in columns if await walker.column(oid) is None}
        if known and not unread <= self._unread:
            return True
        self._unread = unread
        return False


class Part(Protocol):
    """One family of MIBs of a device."""

    found: bool
    """Whether the device has anything of it."""
    stale: bool
    """Whether what was seen at the last look is no longer true."""

    async def look(self, walker: Walker) -> None:
        """Find out what the device has. What was found before is kept where a table cannot be read now.

        Raises:
            DeviceError: the device does not answer.
        """
        ...

    def asks(self, lane: Lane) -> Sequence[str]:
        """Return the OIDs that a poll asks for."""
        ...

    def readings(self, values: Mapping[str, Raw], lane: Lane, now: float) -> list[Reading]:
        """Return what the answers mean.

        Args:
            values: by OID; None, or missing, where the device had none.
            lane: what was asked.
            now: seconds, on a clock that is never stepped.
        """
        ...

    def restarted(self) -> None:
        """Forget what a restart ends: counters begin at 0."""
        ...

    def kept(self) -> Figures:
        """Return what is to be remembered when the agent starts anew: numbers that were given."""
        ...

    def restore(self, kept: Figures) -> None:
        """Take up what an earlier process remembered; what is not in it is not known."""
        ...
