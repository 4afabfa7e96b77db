"""Modbus devices: one working method over a link and a register table.

What the table wants is read in blocks. A block that the device refuses is halved until it is known which register it
has not got; that one is unavailable, and asked for again now and then. So with one that it stays silent on.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Final, Protocol

import msgspec

from agent.contacts import aggregates
from agent.drivers.base import Identity, Lane
from agent.links.modbus_frames import COILS, DISCRETE, ILLEGAL, MOST_BITS, ModbusRefused
from agent.profiles_modbus import Point, Span, Table
from agent.strikes import OWN, StrikeCounter
from contract.errors import DeviceError, DeviceGarbled, DeviceRefused, DeviceTimeout, PortUnavailable
from contract.reading import Reading

AGAIN_AFTER: Final = 20
"""Full polls until a register that was refused is asked for again: firmware may be renewed."""
_BIT_GAP: Final = 64
"""Bits that are read in vain between two wanted ones: eight bytes, less than another request."""


class Link(Protocol):
    """What the driver needs of a link; see ``agent.links.modbus``."""

    @property
    def url(self) -> str:
        """Where the device is, for errors."""
        ...

    async def read(
        self, function: int, address: int, count: int, *, wake: bytes = b"", pause: float = 0.0
    ) -> Sequence[int]:
        """Return registers or bits; raises DeviceError, ModbusRefused for an exception."""
        ...

    async def close(self) -> None:
        """Let go of it."""
        ...


class Block(msgspec.Struct, frozen=True):
    """What one request reads: one or more spans of one function."""

    spans: tuple[Span, ...]

    @property
    def address(self) -> int:
        """Of the first."""
        return self.spans[0].address

    @property
    def count(self) -> int:
        """From the first to the last."""
        last = max(span.address + span.count for span in self.spans)
        return last - self.address

    def halves(self) -> tuple["Block", "Block"] | None:
        """Return it in two, or None where there is only one span."""
        middle = len(self.spans) // 2
        return (Block(self.spans[:middle]), Block(self.spans[middle:])) if middle else None


def joined(spans: Iterable[Span], table: Table, cuts: frozenset[Span] | set[Span] = frozenset()) -> list[Block]:
    """Return the blocks that read spans: as few as the table's gap and the protocol's limits allow.

    Args:
        spans: what is wanted.
        table: whose limits count.
        cuts: spans that begin a block of their own, because the device refused them together with the one before.
    """
    blocks: list[list[Span]] = []
    for span in sorted(spans):
        is_bits = span.function in (COILS, DISCRETE)
        most = MOST_BITS if is_bits else table.most
        gap = max(_BIT_GAP, table.gap) if is_bits else table.gap
        last = blocks[-1] if blocks else []
        fits = (
            bool(last)
            and not table.single
            and span not in cuts
            and last[-1].function == span.function
            and span.address - max(each.address + each.count for each in last) <= gap
            and span.address + span.count - last[0].address <= most
        )
        if fits:
            last.append(span)
        else:
            blocks.append([span])
    return [Block(tuple(block)) for block in blocks]


class ModbusDriver:
    """Reads one device by its table."""

    def __init__(self, link: Link, table: Table, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Take the link, the table, and a clock in seconds, which strikes are counted by."""
        self._link = link
        self._table = table
        self._clock = clock
        self._wake = bytes.fromhex(table.wake)
        self._cuts: set[Span] = set()
        self._absent: dict[Span, int] = {}
        """What the device has not got → the full poll that found it out."""
        self._silent: Block | None = None
        """The block that had no answer at the last poll, while others had."""
        self._held: dict[int, tuple[frozenset[str], tuple[str, ...]]] = {}
        self._polls = 0
        counted = next((point for point in table.point if point.quantity == OWN), None)
        self._strikes = StrikeCounter(_values_of(counted)) if counted else None

    @property
    def identity(self) -> Identity:
        """See ``Driver.identity``."""
        return self._table.identity

    async def close(self) -> None:
        """See ``Driver.close``."""
        self._cuts, self._absent, self._silent = set(), {}, None
        await self._link.close()

    async def read(self, lane: Lane = Lane.ALL) -> Sequence[Reading]:
        """See ``Driver.read``."""
        if lane is Lane.ALL:
            self._polls += 1
            self._absent = {span: at for span, at in self._absent.items() if self._polls - at < AGAIN_AFTER}
        words = await self._words(self._blocks(lane))
        readings = self._table.readings(words, lane, self._held)
        return [*readings, *self._extremes(readings, lane), *self._counted(readings)]

    def _blocks(self, lane: Lane) -> list[Block]:
        wanted = self._table.spans(lane)
        there = [span for span in wanted if span not in self._absent]
        return joined(there or wanted[:1], self._table, self._cuts)

    async def _words(self, blocks: list[Block]) -> dict[tuple[int, int], int]:
        words: dict[tuple[int, int], int] = {}
        failed: DeviceError | None = None
        while blocks:
            block = blocks.pop(0)
            function = block.spans[0].function
            try:
                said = await self._link.read(
                    function, block.address, block.count, wake=self._wake, pause=self._table.pause
                )
            except ModbusRefused as error:
                failed = failed or error
                blocks[:0] = self._refused(block) if error.code in ILLEGAL else ()
            except (DeviceTimeout, PortUnavailable) as error:
                failed = error if not words else failed
                self._unanswered(block, answered=bool(words))
                break  # each further block would cost its neighbours a timeout
            except DeviceGarbled as error:
                failed = failed or error
            else:
                words.update(((function, block.address + at), word) for at, word in enumerate(said))
        if words:
            return words
        if isinstance(failed, ModbusRefused) and failed.code in ILLEGAL:
            hint = f"is it what the profile {self._table.name!r} is for? {failed.hint}"
            raise DeviceRefused(f"it refuses all that is read: {failed.what}", where=self._link.url, hint=hint)
        raise failed or DeviceGarbled("nothing was read", where=self._link.url, hint="its table is empty")

    def _refused(self, block: Block) -> tuple[Block, ...]:
        """Take it that the device has not got all of a block; return what is to be tried instead."""
        halves = block.halves()
        if halves is None:
            self._absent[block.spans[0]] = self._polls
            return ()
        self._cuts.add(halves[1].spans[0])
        return halves

    def _unanswered(self, block: Block, *, answered: bool) -> None:
        """Learn from silence in the middle of a poll: some devices have no exceptions, and say nothing instead."""
        if answered and self._silent == block:
            self._refused(block)
        self._silent = block if answered else None

    def _extremes(self, readings: Sequence[Reading], lane: Lane) -> list[Reading]:
        probes = [point for point in self._table.point if point.quantity.endswith((".temperature", ".humidity"))]
        if lane is Lane.FAST and not all(point.fast for point in probes):
            return []  # of all probes, or a maximum jumps with the lane
        return aggregates(readings)

    def _counted(self, readings: Sequence[Reading]) -> list[Reading]:
        own = next((reading for reading in readings if reading.quantity == OWN), None)
        return [] if own is None or self._strikes is None else self._strikes.readings(own, self._clock())


def _values_of(point: Point) -> int:
    """Return how many values a counter has before it wraps."""
    if point.mask:
        return (point.mask >> ((point.mask & -point.mask).bit_length() - 1)) + 1
    if point.type == "bcd":
        return 10_000
    return 1 << (16 * point.width)
