"""An SNMP agent over rows that a model makes: pysnmp's command responder, v1 and v2c. What keeps tables is built on it.

Rows are made anew a few times a second; a GETBULK that walks them sees one picture. Sentinels are made here; the other
faults on the port.
"""

import asyncio
from bisect import bisect_right
from collections.abc import Callable, Mapping
from typing import Any, Final

from pysnmp.proto import rfc1902, rfc1905

from firmware_sims.faults import Fault
from firmware_sims.snmp_faces import Gauge, Integer, Oid, Text
from firmware_sims.snmp_port import Cell, Counter64, Octets, SnmpPort, allow, wire

__all__ = ["FRESH", "Cell", "Counter64", "Octets", "Rows", "SnmpAgent"]

FRESH: Final = 0.05
"""Seconds that one picture of the model is good for."""

Rows = Mapping[Oid, Cell]
"""Everything that the agent says, by OID."""


class SnmpAgent(SnmpPort):
    """One simulated agent. Nothing listens before ``start``."""

    def __init__(
        self, rows: Callable[[], Rows], *, host: str = "127.0.0.1", port: int = 0, community: str = "public"
    ) -> None:
        """Remember what to be.

        Args:
            rows: makes what it says, each time anew.
            host: where to listen.
            port: UDP port; 0 for a free one.
            community: for v1 and v2c.
        """
        super().__init__(_Picture(rows), host=host, port=port, community=community)

    def _swallowed(self) -> frozenset[Fault]:
        """A datagram with a wrong checksum is dropped on its way by UDP."""
        return frozenset({Fault.CHECKSUM})


class _Picture:
    """Answers what pysnmp's MIB tree would; pysnmp's names, therefore."""

    def __init__(self, rows: Callable[[], Rows]) -> None:
        self.fault = Fault.NONE
        self._make = rows
        self._rows: Rows = {}
        self._order: list[Oid] = []
        self._taken: float | None = None

    def read_variables(self, *asked: Any, **about: Any) -> list[Any]:
        """Answer a GET."""
        allow(asked, about)
        self._refresh()
        cells = ((name, self._rows.get(tuple(name))) for name, _ in asked)
        return [(name, rfc1905.noSuchInstance if cell is None else self._wire(cell)) for name, cell in cells]

    def read_next_variables(self, *asked: Any, **about: Any) -> list[Any]:
        """Answer a GETNEXT or one row of a GETBULK."""
        allow(asked, about)
        self._refresh()
        answers = []
        for name, _ in asked:
            at = bisect_right(self._order, tuple(name))
            if at == len(self._order):
                answers.append((name, rfc1905.endOfMibView))
            else:
                following = self._order[at]
                answers.append((rfc1902.ObjectName(following), self._wire(self._rows[following])))
        return answers

    def _refresh(self) -> None:
        now = asyncio.get_running_loop().time()
        if self._taken is None or now - self._taken > FRESH:
            self._rows = self._make()
            self._order = sorted(self._rows)
            self._taken = now

    def _wire(self, cell: Cell) -> Any:
        return wire(_sentinel(cell) if self.fault is Fault.SENTINELS else cell)


def _sentinel(cell: Cell) -> Cell:
    """Return what devices say when they have no value; names of what they are stay."""
    match cell:
        case Integer():
            return Integer(2147483647)
        case Gauge():
            return Gauge(4294967295)
        case Text() | Octets():
            return Text("")
        case _:
            return cell
