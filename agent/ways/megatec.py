"""UPSes of the Megatec family (Q1, Q6, Voltronic): most small serial ones."""

from collections.abc import Iterable, Sequence
from typing import Annotated, Any, ClassVar, Final, Literal, get_args
from urllib.parse import SplitResult

import msgspec

from agent.drivers.base import Driver
from agent.ways import url
from agent.ways.base import Context
from contract.errors import UsageError
from contract.settings import Fault, Text, did_you_mean

Dialect = Literal["auto", "q1", "q6", "voltronic", "axpert"]
DIALECTS: Final[tuple[str, ...]] = get_args(Dialect)


class Megatec(msgspec.Struct, frozen=True, kw_only=True):
    """How to ask a device of the Megatec family."""

    KINDS: ClassVar[tuple[str, ...]] = ("ups",)
    EXAMPLE: ClassVar[str] = "megatec:///dev/ttyUSB0"

    port: Text
    """``/dev/ttyUSB0``, or ``socket://host:port`` for a serial server."""
    baudrate: Annotated[int, msgspec.Meta(ge=300, le=921600)] = 2400
    dialect: Dialect = "auto"
    """``auto``: the device is asked which one it speaks."""

    @staticmethod
    def faults(draft: Any) -> Iterable[Fault]:
        """Yield what does not fit."""
        yield from port_faults(draft.port)

    @classmethod
    def profiles(cls, kind: str) -> Sequence[str]:  # noqa: ARG003 - see Way
        """See ``Way.profiles``."""
        return ()

    @classmethod
    def from_url(cls, parts: SplitResult) -> "Megatec":
        """See ``Way.from_url``."""
        port, options = url.serial(parts, ("baudrate", "dialect"))
        dialect = options.get("dialect", "auto")
        if dialect not in DIALECTS:
            hint = f"{did_you_mean(dialect, DIALECTS)}; left out, the device is asked"
            raise UsageError(f"no dialect {dialect!r}", where=f"megatec://{port}", hint=hint)
        return cls(port=port, baudrate=url.baudrate(options, 2400), dialect=dialect)  # type: ignore[arg-type] # checked above

    def driver(self, context: Context) -> Driver:  # noqa: ARG002 - see Way
        """See ``Way.driver``."""
        from agent.drivers.dialects import DIALECTS as DRIVERS  # noqa: PLC0415
        from agent.drivers.dialects import DialectDriver  # noqa: PLC0415
        from agent.links.serial import SerialLink  # noqa: PLC0415 - pyserial only where there is a serial port

        link = SerialLink(self.port, baudrate=self.baudrate)
        return DialectDriver(link) if self.dialect == "auto" else DRIVERS[self.dialect](link)


def port_faults(port: Any) -> Iterable[Fault]:
    """Yield what is wrong with a serial port's name."""
    if isinstance(port, str) and not port.startswith(("/", "socket://", "rfc2217://", "loop://")):
        yield Fault(f"{port!r} is no port", 'write "/dev/ttyUSB0" or "socket://host:port"', ("port",))
