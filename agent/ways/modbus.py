"""Devices that speak Modbus: which registers mean what stands in ``agent/profiles_modbus``, and must be named."""

from collections.abc import Iterable, Sequence
from typing import Annotated, Any, ClassVar, Final, Literal
from urllib.parse import SplitResult

import msgspec

from agent.drivers.base import Driver
from agent.links.modbus_line import Line
from agent.ways import url
from agent.ways.base import Context
from contract.broker import host_faults
from contract.errors import UsageError
from contract.settings import Fault, Port, Seconds

Parity = Literal["N", "E", "O"]
_OPTIONS: Final = ("unit", "baudrate", "parity", "stopbits", "timeout")
_LAST_SERIAL: Final = 247
"""The highest address on a serial line."""
_RTU: Final = "modbus+rtu"


class Modbus(msgspec.Struct, frozen=True, kw_only=True):
    """How to ask a device that speaks Modbus. Several may share a port, or a gateway: each has its unit."""

    KINDS: ClassVar[tuple[str, ...]] = ("environment", "surge", "ups")
    EXAMPLE: ClassVar[str] = "modbus://host/UNIT"

    port: str = ""
    """A serial port, best by its name under ``/dev/serial/by-id``, which stays when others are plugged in; or a host."""
    host: str = ""
    tcp_port: Port = 502
    framing: Literal["tcp", "rtu"] = "tcp"
    """``rtu`` for a serial server that passes bytes on as they are."""
    unit: Annotated[int, msgspec.Meta(ge=0, le=255)] = 1
    """Its address on the bus: 1 to 247."""
    baudrate: Annotated[int, msgspec.Meta(ge=300, le=921600)] | None = None
    """Left out: as the device is shipped; so the next two."""
    parity: Parity | None = None
    stopbits: Annotated[int, msgspec.Meta(ge=1, le=2)] | None = None
    timeout: Seconds = 0.5
    """That an answer may take."""

    @staticmethod
    def faults(draft: Any) -> Iterable[Fault]:
        """Yield what does not fit."""
        if draft.port == "" and draft.host == "":
            yield Fault("where is it?", 'write port = "/dev/serial/by-id/…" or host = "…"')
        if draft.port and draft.host and isinstance(draft.port, str) and isinstance(draft.host, str):
            yield Fault("a serial port and a host", "keep one of the two", ("host",))
        if isinstance(draft.port, str) and draft.port and not draft.port.startswith("/"):
            hint = 'write "/dev/serial/by-id/…"; for a serial server write host, tcp_port and framing = "rtu"'
            yield Fault(f"{draft.port!r} is no serial port", hint, ("port",))
        if isinstance(draft.host, str) and draft.host:
            yield from host_faults(draft.host)
            for key in ("baudrate", "parity", "stopbits"):
                if getattr(draft, key) is not None:
                    yield Fault(f"a host has no {key}", "it is set in the serial server; leave it out", (key,))
        if draft.port and draft.framing == "rtu" and draft.host == "":
            yield Fault("a serial port speaks RTU anyway", "leave framing out", ("framing",))
        if draft.port and isinstance(draft.unit, int) and not 1 <= draft.unit <= _LAST_SERIAL:
            yield Fault(f"no address on a serial line: {draft.unit}", "a unit is 1 to 247", ("unit",))
        if draft.timeout == 0.0:
            yield Fault("no time to answer", 'write timeout = "500ms"', ("timeout",))

    @classmethod
    def profiles(cls, kind: str) -> Sequence[str]:
        """See ``Way.profiles``."""
        from agent.profiles_modbus import tables  # noqa: PLC0415 - reads tables; only where one is asked for

        return [table.name for table in tables().values() if table.kind == kind]

    @classmethod
    def kind_of(cls, profile: str) -> str:
        """See ``Tabled.kind_of``."""
        from agent.profiles_modbus import tables  # noqa: PLC0415

        table = tables().get(profile)
        return table.kind if table else ""

    @staticmethod
    def outputs(profile: str) -> Sequence[int] | None:
        """Return the numbers of the outputs that a device of a profile has; None for a profile that there is not."""
        from agent.profiles_modbus import tables  # noqa: PLC0415

        table = tables().get(profile)
        return sorted(table.coils()) if table else None

    @classmethod
    def from_url(cls, parts: SplitResult) -> "Modbus":
        """See ``Way.from_url``.

        ::

            modbus://host:502/3?timeout=1                       Modbus TCP, unit 3
            modbus+rtu://host:4001/3                            RTU through a serial server
            modbus+rtu:///dev/ttyUSB0?unit=3&baudrate=9600&parity=E
        """
        if not parts.netloc and len(parts.path) > 1:
            return cls._serial(parts)
        where = f"{parts.scheme}://{parts.hostname or ''}"
        if not parts.hostname:
            hint = f"write {cls.EXAMPLE}, modbus+rtu://host:4001/UNIT or modbus+rtu:///dev/ttyUSB0?unit=UNIT"
            raise UsageError("neither a host nor a serial port", where=where, hint=hint)
        options = url.options(parts, ("unit", "timeout"), where)
        unit = parts.path.strip("/")
        if unit and "unit" in options:
            raise UsageError("two units", where=where, hint="write it once, behind the host")
        number = url.port(parts)
        if number is None and parts.scheme == _RTU:
            raise UsageError(
                "the serial server's port is missing", where=where, hint="write modbus+rtu://host:4001/UNIT"
            )
        return cls(
            host=parts.hostname,
            tcp_port=number or 502,
            framing="rtu" if parts.scheme == _RTU else "tcp",
            unit=_unit(unit or options.get("unit", "1"), 255, where),
            timeout=url.timeout(options, 0.5, where),
        )

    @classmethod
    def _serial(cls, parts: SplitResult) -> "Modbus":
        where = f"{parts.scheme}://{parts.path}"
        options = url.options(parts, _OPTIONS, where)
        parity = options.get("parity")
        if parity not in (None, "N", "E", "O"):
            raise UsageError(f"no parity {parity!r}", where=where, hint="parity is N, E or O")
        stopbits = options.get("stopbits")
        if stopbits not in (None, "1", "2"):
            raise UsageError(f"no number of stop bits: {stopbits!r}", where=where, hint="stopbits is 1 or 2")
        return cls(
            port=parts.path,
            unit=_unit(options.get("unit", "1"), _LAST_SERIAL, where),
            baudrate=url.baudrate(options, 9600) if "baudrate" in options else None,
            parity=parity,  # type: ignore[arg-type] # checked above
            stopbits=int(stopbits) if stopbits else None,
            timeout=url.timeout(options, 0.5, where),
        )

    def line(self, profile: str) -> Line:
        """Return where it is, and how its line is set: as the settings say, or else as the device is shipped."""
        from agent.profiles_modbus import Settings, tables  # noqa: PLC0415

        table = tables().get(profile)
        shipped = table.line if table else Settings()
        return Line(
            port=self.port,
            host=self.host,
            tcp_port=self.tcp_port,
            framing=self.framing,
            baudrate=self.baudrate or shipped.baudrate,
            parity=self.parity or shipped.parity,
            stopbits=self.stopbits or shipped.stopbits,
            timeout=max(self.timeout, table.timeout if table else 0.0),
        )

    def driver(self, context: Context) -> Driver:
        """See ``Way.driver``."""
        from agent.drivers.modbus import ModbusDriver  # noqa: PLC0415
        from agent.links.modbus import open_link  # noqa: PLC0415 - pymodbus only where there is a Modbus device
        from agent.profiles_modbus import tables  # noqa: PLC0415

        link = open_link(self.line(context.profile), self.unit)
        table = tables()[context.profile]
        driver = ModbusDriver(link, table)
        if not context.outputs:
            return driver
        from agent.drivers.outputs import OutputsDriver  # noqa: PLC0415

        switch = open_link(self.line(context.profile), self.unit)
        return OutputsDriver(driver, switch, context.outputs, table.coils(), context.clock)


def _unit(text: str, most: int, where: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 4 and int(text) <= most):
        raise UsageError(f"no unit {text[:20]!r}", where=where, hint=f"a unit is a number up to {most}")
    return int(text)
