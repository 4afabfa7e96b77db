"""Signs of attack: the machine's own log of log-ins, its listening ports, and a port for the syslog of others."""

from collections.abc import Iterable, Sequence
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar
from urllib.parse import SplitResult

import msgspec

from agent.drivers.base import Driver
from agent.ways import url
from agent.ways.base import Context
from contract.errors import UsageError
from contract.settings import Bytes, Fault, Port, Seconds, Text

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.links.syslog import SyslogPort


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """Who should speak by syslog."""

    address: Text
    silent: Seconds = 3600.0
    """How long it may say nothing."""

    @staticmethod
    def faults(draft: Any) -> Iterable[Fault]:
        """Yield what does not fit."""
        if isinstance(draft.address, str) and not _is_address(draft.address):
            yield Fault(f"{draft.address!r} is no address", 'write "192.0.2.5": names are not looked up', ("address",))
        if draft.silent == 0.0:
            yield Fault("it may never be silent", 'write silent = "1h"', ("silent",))


class Syslog(msgspec.Struct, frozen=True, kw_only=True):
    """A port for the syslog of others."""

    listen: Text = "0.0.0.0"  # noqa: S104 - the devices of the room send to it; `allow` says who may
    port: Port = 5514
    udp: bool = True
    tcp: bool = True
    allow: tuple[Text, ...] = ()
    """Addresses and networks that may send; none: those of the sources."""
    source: tuple[Source, ...] = ()
    rate: Annotated[int, msgspec.Meta(ge=10, le=20_000)] = 1000
    """Messages a second that are looked at."""
    window: Seconds = 300.0
    """In which errors are counted."""

    @staticmethod
    def faults(draft: Any) -> Iterable[Fault]:
        """Yield what does not fit."""
        if isinstance(draft.listen, str) and not _is_address(draft.listen):
            yield Fault(f"{draft.listen!r} is no address", 'write "0.0.0.0" or one of this machine', ("listen",))
        for index, network in enumerate(draft.allow if isinstance(draft.allow, tuple) else ()):
            if isinstance(network, str) and not _is_network(network):
                yield Fault(f"{network!r} is no network", 'write "192.0.2.0/24" or "192.0.2.5"', ("allow", index))
        if draft.udp is False and draft.tcp is False:
            yield Fault("neither UDP nor TCP", "leave one of them on", ("tcp",))
        if draft.allow == () and draft.source == ():
            yield Fault("who may send?", 'write allow = ["192.0.2.0/24"]: an open port takes what strangers send')
        if isinstance(draft.window, float) and draft.window < 1.0:
            yield Fault("too short a window", 'write window = "5m"', ("window",))


class Security(msgspec.Struct, frozen=True, kw_only=True):
    """What is watched."""

    KINDS: ClassVar[tuple[str, ...]] = ("security",)
    EXAMPLE: ClassVar[str] = "security://localhost"

    logins: str = "journal"
    """``"journal"``, the path of a log (``"/var/log/auth.log"``), or ``""`` for none."""
    window: Seconds = 60.0
    """In which failed log-ins are counted."""
    ports: bool = True
    """Whether the listening ports are watched."""
    expected: tuple[Text, ...] = ()
    """Those that may be there, ``"tcp/22"``; none: those of the first look, and later ones after ``accept``."""
    accept: Seconds = 3600.0
    """A new port is news for so long; only where ``expected`` names none."""
    syslog: Syslog | None = None
    evidence: Bytes = 2 << 20
    """How much of the raw lines is kept on disk."""

    @staticmethod
    def faults(draft: Any) -> Iterable[Fault]:
        """Yield what does not fit."""
        if isinstance(draft.logins, str) and draft.logins not in ("", "journal") and not draft.logins.startswith("/"):
            yield Fault(f"{draft.logins!r} is no log", 'write "journal" or "/var/log/auth.log"', ("logins",))
        if isinstance(draft.window, float) and draft.window < 1.0:
            yield Fault("too short a window", 'write window = "1m"', ("window",))
        for index, port in enumerate(draft.expected if isinstance(draft.expected, tuple) else ()):
            if isinstance(port, str) and not _is_port(port):
                yield Fault(f"{port!r} is no port", 'write "tcp/22" or "udp/161"', ("expected", index))
        if draft.logins == "" and draft.ports is False and draft.syslog is None:
            yield Fault("nothing is watched", "leave logins or ports out, or add [device.security.syslog]")
        if isinstance(draft.evidence, int) and draft.evidence < 64 << 10:
            yield Fault("too little to be of use", 'write evidence = "2 MiB"', ("evidence",))

    @classmethod
    def profiles(cls, kind: str) -> Sequence[str]:  # noqa: ARG003 - see Way
        """See ``Way.profiles``."""
        return ()

    @classmethod
    def from_url(cls, parts: SplitResult) -> "Security":
        """See ``Way.from_url``. ``security://localhost?logins=/var/log/auth.log&expected=tcp/22``."""
        if url.host(parts, cls.EXAMPLE) != "localhost":
            raise UsageError("only this machine is watched", where="security://", hint=f"write {cls.EXAMPLE}")
        given = url.options(parts, ("logins", "expected"), cls.EXAMPLE)
        expected = tuple(filter(None, given.get("expected", "").split(",")))
        way = cls(logins=given.get("logins", "journal"), expected=expected)
        for fault in cls.faults(way):
            raise UsageError(fault.what, where=cls.EXAMPLE, hint=fault.hint)
        return way

    def driver(self, context: Context) -> Driver:
        """See ``Way.driver``."""
        from agent.drivers.security import Memory, SecurityDriver, Wanted  # noqa: PLC0415
        from agent.links.host import listeners  # noqa: PLC0415 - psutil only where a host is read
        from agent.links.logs import Journal, LogFile  # noqa: PLC0415
        from agent.memo import Memo  # noqa: PLC0415
        from agent.signs.evidence import Evidence  # noqa: PLC0415

        kept = context.state / f"security-{context.device}" if context.state and context.device else None
        log = Journal() if self.logins == "journal" else LogFile(Path(self.logins)) if self.logins else None
        syslog = self.syslog
        wanted = Wanted(
            logins_window=self.window,
            errors_window=syslog.window if syslog else 300.0,
            expected=self.expected,
            accept=self.accept,
            speaks={str(ip_address(source.address)): source.silent for source in syslog.source} if syslog else {},
        )
        return SecurityDriver(
            wanted,
            log=log,
            listeners=listeners if self.ports else None,
            receiver=_receiver(syslog) if syslog else None,
            memo=Memo(Memory, kept.with_suffix(".json") if kept else None),
            evidence=Evidence(kept.with_suffix(".log") if kept else None, self.evidence),
            clock=context.clock,
        )


def _receiver(syslog: Syslog) -> "Callable[[Callable[[str, bytes], None]], SyslogPort]":
    from agent.links.syslog import SyslogPort  # noqa: PLC0415

    allow = [ip_network(network, strict=False) for network in syslog.allow or [each.address for each in syslog.source]]
    allow += [ip_network(each.address) for each in syslog.source]
    return lambda take: SyslogPort(
        syslog.listen, syslog.port, take, udp=syslog.udp, tcp=syslog.tcp, allow=allow, rate=syslog.rate
    )


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _is_network(text: str) -> bool:
    try:
        ip_network(text, strict=False)
    except ValueError:
        return False
    return True


def _is_port(text: str) -> bool:
    protocol, slash, number = text.partition("/")
    return protocol in ("tcp", "udp") and bool(slash) and number.isascii() and number.isdigit() and len(number) < 6
