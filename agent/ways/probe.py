"""A host from outside, clauses 3.1.7 and 3.1.12: does it answer, on which ports, and as it should.

::

    [device.probe]
    host = "192.168.20.31"
    ping = true
    tcp = [443, 1521]
    ssh = true
    also = ["http://192.168.20.31/health#contains=OK"]
"""

from collections.abc import Iterable, Sequence
from typing import Annotated, Any, ClassVar
from urllib.parse import SplitResult

import msgspec

from agent.drivers.base import Driver
from agent.ways import target
from agent.ways.base import Context
from contract.broker import host_faults
from contract.settings import Fault, Port, Text


class Probe(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of a host from outside."""

    KINDS: ClassVar[tuple[str, ...]] = ("endpoint",)
    EXAMPLE: ClassVar[str] = "ping://host"

    host: str = ""
    """A name or an address; may be left out where ``also`` says all."""
    ping: bool | None = None
    """Left out: it is pinged, unless something else is asked."""
    tcp: tuple[Port, ...] = ()
    """Ports that must take connections."""
    ssh: bool = False
    """Whether an SSH server must say its banner at port 22; another port: ``also = ["ssh://host:2222"]``."""
    also: tuple[Text, ...] = ()
    """More of it, as URLs: see ``agent.ways.target``."""
    count: Annotated[int, msgspec.Meta(ge=1, le=20)] = 2
    """Pings of each poll."""
    interface: str = ""
    source: str = ""

    @staticmethod
    def faults(draft: Any) -> Iterable[Fault]:
        """Yield what does not fit."""
        if isinstance(draft.host, str) and draft.host:
            yield from host_faults(draft.host)
        if draft.host == "":
            if draft.also == ():
                yield Fault("no host", 'write host = "192.168.20.31", or also = ["http://…"]')
            for key in ("ping", "tcp", "ssh"):
                if getattr(draft, key):
                    yield Fault(f"{key} of which host?", 'write host = "192.168.20.31"', (key,))
        elif draft.ping is False and draft.tcp == () and draft.ssh is False and draft.also == ():
            yield Fault("nothing is asked", "write ping = true, tcp = [22], ssh = true or also = [ … ]", ("ping",))
        if isinstance(draft.also, tuple):
            yield from target.faults(draft.also, "also")

    @classmethod
    def profiles(cls, kind: str) -> Sequence[str]:  # noqa: ARG003 - see Way
        """See ``Way.profiles``."""
        return ()

    @classmethod
    def from_url(cls, parts: SplitResult) -> "Probe":
        """See ``Way.from_url``: any target's; ``probe://`` says what to write."""
        target.from_parts(parts)
        return cls(also=(parts.geturl(),))

    def targets(self) -> tuple[Any, ...]:
        """Return what is asked: ``agent.probing.Target``."""
        from agent.probing import DEFAULT_PORTS, Target  # noqa: PLC0415

        pinged = self.ping if self.ping is not None else bool(self.host) and not (self.tcp or self.ssh or self.also)
        found = [Target(scheme="ping", host=self.host, count=self.count)] if pinged else []
        found += [Target(scheme="tcp", host=self.host, port=port, timeout=1.5) for port in self.tcp]
        if self.ssh:
            found.append(Target(scheme="ssh", host=self.host, port=DEFAULT_PORTS["ssh"], timeout=2.0))
        return (*found, *(target.parse(text, count=self.count) for text in self.also))

    def driver(self, context: Context) -> Driver:  # noqa: ARG002 - see Way
        """See ``Way.driver``."""
        from agent.drivers.probe import ProbeDriver  # noqa: PLC0415
        from agent.links.prober import LinkProber  # noqa: PLC0415 - opens sockets; only where something is probed
        from agent.probing import Route  # noqa: PLC0415

        return ProbeDriver(self.targets(), LinkProber(Route(self.interface, self.source)))
