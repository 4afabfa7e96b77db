"""The agent as a device of its own: it watches itself as it watches the others, and is judged as they are."""

from collections.abc import Callable, Sequence
from typing import Final, Protocol

import msgspec

from agent.aside import Aside
from agent.drivers.base import Identity, Lane
from agent.drivers.said import NONE, brief
from agent.links.board import Board
from agent.outbox.room import Outlook
from contract.clock import Clock
from contract.message import Health
from contract.reading import Reading, Value, judged, unavailable

_WAITING: Final = 60.0
"""Seconds of readings that may wait for the gateway before that is told."""
_FEW: Final = 100


class Inside(msgspec.Struct, frozen=True, kw_only=True):
    """What the agent knows of itself."""

    held: int
    """Messages that no gateway has acknowledged yet."""
    used: int
    """Bytes of its spool."""
    left: int
    """Bytes that the spool may still grow by, if its disk has them."""
    rate: float
    """Messages a second."""
    size: float
    """Bytes of a message."""
    full: bool
    failing: bool
    trouble: str
    devices: int
    silent: int
    late: float
    """Seconds."""


class Seen(Protocol):
    """What the driver needs of the board; see ``agent.links.board.ThisBoard``. It may block."""

    def look(self) -> Board:
        """Return how it is."""
        ...


class ItselfDriver:
    """Reads the agent itself. It never fails: what cannot be known is unavailable."""

    def __init__(
        self, inside: Callable[[], Inside], health: Callable[[], Health], board: Seen, clock: Clock, version: str
    ) -> None:
        """Take who knows the agent from inside, its processor and memory, its board, the clock, and our version."""
        self._inside = inside
        self._health = health
        self._board = board
        self._clock = clock
        self._version = version
        self._aside = Aside("agent")
        self._started = clock.boottime()
        self._last: tuple[float, float] | None = None
        """Boottime and processor seconds of the last look."""

    @property
    def identity(self) -> Identity:
        """See ``Driver.identity``."""
        return Identity(profile="agent", model="wolfsmoke-agent", firmware=self._version)

    async def read(self, lane: Lane = Lane.ALL) -> Sequence[Reading]:  # noqa: ARG002 - all of it is cheap
        """See ``Driver.read``.

        Raises:
            DeviceTimeout: the disk has not answered to the last look yet.
        """
        health, board = await self._aside.do(lambda: (self._health(), self._board.look()))
        inside, now = self._inside(), self._clock.boottime()
        said: list[tuple[str, Value | None]] = [
            ("agent.status", self._flags(inside, board)),
            ("agent.trouble", brief(inside.trouble) or NONE),
            ("agent.cpu", self._cpu(health, now)),
            ("agent.memory", float(health.memory) or None),
            ("agent.disk.free", board.free),
            ("agent.disk.used", None if board.used is None else round(board.used, 1)),
            ("agent.late", round(inside.late, 3)),
            ("agent.held", float(inside.held)),
            ("agent.spool", float(inside.used)),
            ("agent.room", _room(inside, board)),
            ("agent.devices", float(inside.devices)),
            ("agent.devices.silent", float(inside.silent)),
            ("agent.uptime", round(now - self._started, 0)),
        ]
        # what a board has no sensor for is not said at all
        said += [
            (name, round(value, 1))
            for name, value in (("agent.flash.wear", board.wear), ("agent.temperature", board.temperature))
            if value is not None
        ]
        return [unavailable(name) if value is None else judged(name, value) for name, value in said]

    async def close(self) -> None:
        """See ``Driver.close``."""

    def _flags(self, inside: Inside, board: Board) -> tuple[str, ...]:
        flags = {
            "CLOCK": not self._clock.stamp().trusted,
            "HELD": inside.held > max(_FEW, _WAITING * inside.rate),
            "FULL": inside.full,
            "DISK": inside.failing,
            "WORN": board.worn,
        }
        return tuple(sorted(flag for flag, is_so in flags.items() if is_so))

    def _cpu(self, health: Health, now: float) -> float | None:
        last, self._last = self._last, (now, health.cpu)
        if last is None or not health.memory:  # without memory, nothing was told
            return None
        at, cpu = last
        return round(100.0 * max(0.0, health.cpu - cpu) / (now - at), 1) if now > at else None


def _room(inside: Inside, board: Board) -> float | None:
    """Return how many seconds of readings have room."""
    if inside.rate <= 0.0 or inside.size <= 0.0:
        return None
    left = inside.left if board.free is None else min(inside.left, int(board.free))
    return round(Outlook(max(0, left), inside.rate, inside.size).seconds, 0)
