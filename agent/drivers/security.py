"""Signs of attack on this machine and its neighbours: failed log-ins, new listening ports, what comes by syslog."""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, Protocol

import msgspec

from agent.aside import Aside
from agent.drivers.base import Identity, Lane
from agent.drivers.said import NONE, brief, joined
from agent.links.host import Listener
from agent.memo import Memo
from agent.signs.bursts import Burst
from agent.signs.evidence import Evidence
from agent.signs.logins import Attempts, failure, failure_of
from agent.signs.syslog import ERROR, parse
from contract.clock import Clock
from contract.errors import DeviceError, PortUnavailable
from contract.reading import Reading, Value, judged, unavailable

_log = logging.getLogger(__name__)
_HOUR: Final = 3600.0
_LEARNED: Final = 2000
"""Ports that are remembered."""


class Log(Protocol):
    """Where failed log-ins are told; see ``agent.links.logs``."""

    async def lines(self) -> list[tuple[str, str]]:
        """Return the new ones, program and line; raises DeviceError."""
        ...

    async def close(self) -> None:
        """Let go of it."""
        ...


class Receiver(Protocol):
    """Where syslog comes in; see ``agent.links.syslog.SyslogPort``."""

    refused: int
    flooded: bool

    @property
    def is_open(self) -> bool:
        """Whether it listens."""
        ...

    @property
    def dropped(self) -> int:
        """How many messages were too many."""
        ...

    async def open(self) -> None:
        """Listen; raises DeviceError."""
        ...

    async def close(self) -> None:
        """Let go of the port."""
        ...


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What is watched. Durations in seconds."""

    logins_window: float = 60.0
    errors_window: float = 300.0
    expected: tuple[str, ...] = ()
    """Ports that may be listened on, as ``tcp/22``; none: those of the first look."""
    accept: float = _HOUR
    """A learned list takes a new port in after so long; a written one never does."""
    speaks: Mapping[str, float] = {}
    """Source → how long it may be silent."""


class Memory(msgspec.Struct):
    """What is remembered over a restart."""

    learned: bool = False
    ports: list[str] = []
    """Those that may be there."""
    new: dict[str, float] = {}
    """Those that are new, with the wall time when they were first seen."""


class SecurityDriver:
    """Watches one machine, and what others tell it."""

    def __init__(
        self,
        wanted: Wanted,
        *,
        log: Log | None,
        listeners: Callable[[], list[Listener]] | None,
        receiver: Callable[[Callable[[str, bytes], None]], Receiver] | None,
        memo: Memo[Memory],
        evidence: Evidence,
        clock: Clock,
    ) -> None:
        """Take what is watched, and how; None for what is not. Nothing is opened here.

        Args:
            wanted: windows, lists.
            log: tells of failed log-ins.
            listeners: returns the ports that are listened on; it may block.
            receiver: makes the port for syslog from who takes the messages.
            memo: remembers the ports.
            evidence: keeps the lines.
            clock: the agent's.
        """
        self._wanted = wanted
        self._log = log
        self._listeners = listeners
        self._receiver = receiver(self._received) if receiver else None
        self._memo = memo
        self._kept = b""
        """What was written last."""
        self._evidence = evidence
        self._clock = clock
        self._aside = Aside("security")
        self._memory: Memory | None = None
        self._attempts = Attempts()
        self._failed = Burst(wanted.logins_window)
        self._failed_hour = Burst(_HOUR)
        self._errors = Burst(wanted.errors_window)
        self._messages = 0
        self._heard: dict[str, float] = {}
        """Source that should speak → boottime of its last message."""
        self._told: dict[str, str] = {}
        """What cannot be read → what was logged of it."""
        self._said = ""
        """The evidence that was said last."""
        self._open: list[Listener] | None = None
        self._news: list[Listener] = []

    @property
    def identity(self) -> Identity:
        """See ``Driver.identity``."""
        return Identity(profile="security")

    async def read(self, lane: Lane = Lane.ALL) -> Sequence[Reading]:
        """See ``Driver.read``. What cannot be read makes it blind there, and leaves the rest as it is."""
        now = self._clock.boottime()
        blind: list[str] = []
        for name, look in (("log", self._look_log), ("syslog", self._look_syslog)):
            trouble = await self._tried(name, look(now))
            if trouble:
                blind.append(trouble)
        if self._listeners is not None and (lane is Lane.ALL or self._memory is None):
            trouble = await self._tried("ports", self._look_ports())
            self._open = None if trouble else self._open
            if trouble:
                blind.append(trouble)
        await self._tried("evidence", self._aside.do(self._evidence.write))
        self._keep()
        return self._readings(now, blind, lane)

    async def close(self) -> None:
        """See ``Driver.close``."""
        if self._log is not None:
            await self._log.close()
        if self._receiver is not None:
            await self._receiver.close()
        await self._memo.close()

    async def _tried(self, name: str, look: Awaitable[None]) -> str:
        """Return what went wrong, or ""; it is logged once."""
        try:
            await look
        except DeviceError as error:
            if self._told.get(name) != str(error):
                self._told[name] = str(error)
                _log.warning("security: %s", error)
            return str(error)
        if self._told.pop(name, None):
            _log.warning("security: %s can be read again", name)
        return ""

    async def _look_log(self, now: float) -> None:
        if self._log is None:
            return
        for program, line in await self._log.lines():
            found = failure_of(program, line) if program else failure(line)
            count = self._attempts.count(found) if found else 0
            if found is None or not count:
                continue
            self._failed.add(found.source, now, count)
            self._failed_hour.add(found.source, now, count)
            self._evidence.add(self._now(), found.source, line)

    async def _look_syslog(self, now: float) -> None:
        if self._receiver is None or self._receiver.is_open:
            return
        await self._receiver.open()
        self._heard = dict.fromkeys(self._wanted.speaks, now)  # nobody can have spoken before

    def _received(self, source: str, data: bytes) -> None:
        """Take one message."""
        now = self._clock.boottime()
        self._messages += 1
        if source in self._heard:
            self._heard[source] = now
        message = parse(data)
        if message.severity > ERROR:
            return
        self._errors.add(source, now)
        self._evidence.add(self._now(), source, f"{message.host} {message.program}: {message.text}".strip())

    async def _look_ports(self) -> None:
        assert self._listeners is not None  # noqa: S101 - see read
        if self._memory is None:
            self._memory = await self._memo.load() or Memory()
        try:
            found = await self._aside.do(self._listeners)
        except OSError as error:
            raise PortUnavailable(f"the kernel does not tell of its ports: {error}", where="ports") from error
        memory, wall = self._memory, self._clock.stamp().wall
        if not memory.learned:
            memory.learned, memory.ports = True, [listener.key for listener in found]
        self._open = found
        self._news = [listener for listener in found if listener.key not in self._known(memory)]
        for listener in self._news:
            if listener.key not in memory.new:
                memory.new[listener.key] = wall
                what = _port(listener)
                _log.warning("security: a new port is listened on: %s", what)
                self._evidence.add(self._now(), "local", f"a new port is listened on: {what}")
        there = {listener.key for listener in self._news}
        memory.new = {key: min(since, wall) for key, since in memory.new.items() if key in there}  # a clock may go back
        if not self._wanted.expected:
            taken = [key for key, since in memory.new.items() if wall - since >= self._wanted.accept]
            memory.ports = [*memory.ports, *taken][-_LEARNED:]
            memory.new = {key: since for key, since in memory.new.items() if key not in taken}
            self._news = [listener for listener in self._news if listener.key not in taken]

    def _known(self, memory: Memory) -> set[str]:
        return set(self._wanted.expected or memory.ports)

    def _keep(self) -> None:
        """Write what is remembered, if it is another than before: flash wears out."""
        if self._memory is None:
            return
        text = msgspec.json.encode(self._memory)
        if text != self._kept:
            self._kept = text
            self._memo.save(self._memory)

    def _now(self) -> str:
        return datetime.fromtimestamp(self._clock.stamp().wall, UTC).astimezone().isoformat(timespec="seconds")

    def _readings(self, now: float, blind: list[str], lane: Lane) -> list[Reading]:
        silent = [source for source, since in self._heard.items() if now - since > self._wanted.speaks[source]]
        flags, problems = set(), list(blind)
        if blind:
            flags.add("BLIND")
        if self._news:
            flags.add("PORT")
            problems.append(f"new ports: {', '.join(map(_port, self._news))}")
        if silent:
            flags.add("SILENT")
            problems.append(f"silent: {', '.join(silent)}")
        if self._receiver is not None and self._receiver.flooded:
            flags.add("FLOOD")
            problems.append("more syslog comes than is looked at")
        said: list[tuple[str, Value | None]] = [
            ("security.status", tuple(sorted(flags))),
            ("security.problem", joined(problems)),
            *self._of_logins(now),
            *self._of_ports(lane),
            *self._of_syslog(now, silent, lane),
        ]
        evidence = self._evidence.shown or NONE
        if lane is Lane.ALL or evidence != self._said:  # the same text every two seconds fills a spool for nothing
            said.append(("security.evidence", evidence))
        self._said = evidence
        if self._evidence.path is not None and lane is Lane.ALL:
            said.append(("security.evidence.file", brief(str(self._evidence.path))))
        return [unavailable(name) if value is None else judged(name, value) for name, value in said]

    def _of_logins(self, now: float) -> list[tuple[str, Value | None]]:
        if self._log is None:
            return []
        if "log" in self._told:  # nobody knows how many there were
            return [("security.logins.failed", None), ("security.logins.hour", None), ("security.logins.worst", None)]
        source, most = self._failed.worst(now)
        return [
            ("security.logins.failed", float(self._failed.total(now))),
            ("security.logins.hour", float(self._failed_hour.total(now))),
            ("security.logins.worst", float(most)),
            ("security.logins.source", brief(source) or NONE),
        ]

    def _of_ports(self, lane: Lane) -> list[tuple[str, Value | None]]:
        if self._listeners is None or lane is Lane.FAST:
            return []
        known = self._open is not None
        return [
            ("security.ports", float(len(self._open or ())) if known else None),
            ("security.ports.new", float(len(self._news)) if known else None),
        ]

    def _of_syslog(self, now: float, silent: list[str], lane: Lane) -> list[tuple[str, Value | None]]:
        receiver = self._receiver
        if receiver is None:
            return []
        if not receiver.is_open:
            names = ("errors", "worst", "silent")
            return [(f"security.syslog.{name}", None) for name in names]
        source, most = self._errors.worst(now)
        said: list[tuple[str, Value | None]] = [
            ("security.syslog.errors", float(self._errors.total(now))),
            ("security.syslog.worst", float(most)),
            ("security.syslog.source", brief(source) or NONE),
            ("security.syslog.silent", float(len(silent))),
        ]
        if lane is Lane.FAST:
            return said
        return [
            *said,
            ("security.syslog.messages", float(self._messages)),
            ("security.syslog.refused", float(receiver.refused)),
            ("security.syslog.dropped", float(receiver.dropped)),
        ]


def _port(listener: Listener) -> str:
    return f"{listener.key} on {listener.address} by {listener.process or 'an unknown process'}"
