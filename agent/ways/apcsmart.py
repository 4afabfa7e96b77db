"""UPSes that speak APC's smart protocol on a serial line."""

from collections.abc import Iterable, Sequence
from typing import Annotated, Any, ClassVar
from urllib.parse import SplitResult

import msgspec

from agent.drivers.base import Driver
from agent.ways import url
from agent.ways.base import Context
from agent.ways.megatec import port_faults
from contract.settings import Fault, Text


class ApcSmart(msgspec.Struct, frozen=True, kw_only=True):
    """How to ask a UPS of APC's on its serial port."""

    KINDS: ClassVar[tuple[str, ...]] = ("ups",)
    EXAMPLE: ClassVar[str] = "apcsmart:///dev/ttyUSB0"

    port: Text
    """``/dev/ttyUSB0``, or ``socket://host:port`` for a serial server."""
    baudrate: Annotated[int, msgspec.Meta(ge=300, le=921600)] = 2400

    @staticmethod
    def faults(draft: Any) -> Iterable[Fault]:
        """Yield what does not fit."""
        yield from port_faults(draft.port)

    @classmethod
    def profiles(cls, kind: str) -> Sequence[str]:  # noqa: ARG003 - see Way
        """See ``Way.profiles``."""
        return ()

    @classmethod
    def from_url(cls, parts: SplitResult) -> "ApcSmart":
        """See ``Way.from_url``."""
        port, options = url.serial(parts, ("baudrate",))
        return cls(port=port, baudrate=url.baudrate(options, 2400))

    def driver(self, context: Context) -> Driver:  # noqa: ARG002 - see Way
        """See ``Way.driver``."""
        from agent.drivers.apcsmart import ApcSmartDriver  # noqa: PLC0415
        from agent.links.serial import SerialLink  # noqa: PLC0415 - pyserial only where there is a serial port

        return ApcSmartDriver(SerialLink(self.port, baudrate=self.baudrate))
