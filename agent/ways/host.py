"""The machine that the agent runs on."""

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar
from urllib.parse import SplitResult

import msgspec

from agent.drivers.base import Driver
from agent.ways import url
from agent.ways.base import Context
from contract.errors import UsageError
from contract.settings import Fault, Text


class Host(msgspec.Struct, frozen=True, kw_only=True):
    """What to watch on this machine."""

    KINDS: ClassVar[tuple[str, ...]] = ("host",)
    EXAMPLE: ClassVar[str] = "host://localhost"

    disks: tuple[Text, ...] = ()
    """Mount points that must be there and take writes; none: every real disk, as it is found."""
    services: tuple[Text, ...] = ()
    """systemd's names of what should run: ``"mysql.service"``."""

    @staticmethod
    def faults(draft: Any) -> Iterable[Fault]:
        """Yield what does not fit."""
        for index, disk in _texts(draft.disks):
            if not disk.startswith("/"):
                yield Fault(f"{disk!r} is no mount point", 'write its full path: "/var"', ("disks", index))
        for index, name in _texts(draft.services):
            if name.startswith("-") or not name.isprintable() or " " in name:
                yield Fault(f"{name!r} is no service", 'write "ssh.service"', ("services", index))

    @classmethod
    def profiles(cls, kind: str) -> Sequence[str]:  # noqa: ARG003 - see Way
        """See ``Way.profiles``."""
        return ()

    @classmethod
    def from_url(cls, parts: SplitResult) -> "Host":
        """See ``Way.from_url``. ``host://localhost?disks=/,/var&services=ssh.service``."""
        if url.host(parts, cls.EXAMPLE) != "localhost":
            hint = "write host://localhost, or snmp://community@host for another machine"
            raise UsageError("only this machine is read from inside", where="host://", hint=hint)
        given = url.options(parts, ("disks", "services"), cls.EXAMPLE)
        way = cls(disks=_split(given.get("disks", "")), services=_split(given.get("services", "")))
        for fault in cls.faults(way):
            raise UsageError(fault.what, where=cls.EXAMPLE, hint=fault.hint)
        return way

    def driver(self, context: Context) -> Driver:  # noqa: ARG002 - see Way
        """See ``Way.driver``."""
        from agent.clock import kernel_clock  # noqa: PLC0415
        from agent.drivers.host import HostDriver  # noqa: PLC0415
        from agent.links.host import ThisHost  # noqa: PLC0415 - psutil only where a host is read
        from agent.links.systemctl import Systemctl  # noqa: PLC0415

        services = tuple(name if "." in name else f"{name}.service" for name in self.services)
        return HostDriver(ThisHost(self.disks), Systemctl(), kernel_clock, services, disks=bool(self.disks))


def _split(text: str) -> tuple[str, ...]:
    return tuple(filter(None, text.split(",")))


def _texts(value: Any) -> list[tuple[int, str]]:
    """Return the texts of a list that may hold what could not be read."""
    return [(at, each) for at, each in enumerate(value) if isinstance(each, str)] if isinstance(value, tuple) else []
