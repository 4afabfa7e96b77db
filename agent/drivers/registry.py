"""From settings, or from a URL, to a driver. Links are imported only when they are needed."""

from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from agent.config import Device
from agent.drivers.base import Driver
from agent.links.snmp import SnmpTarget, open_link
from contract.errors import UsageError

_HINT = (
    "write snmp://community@host, snmp://host?version=3&user=…&auth=sha&auth_key=…&priv=aes&priv_key=…, "
    "or megatec:///dev/ttyUSB0"
)
_OPTIONS = frozenset({"version", "user", "auth", "auth_key", "priv", "priv_key", "context", "timeout", "engine"})


def from_settings(settings: Device) -> Driver:
    """Return the driver of a device of the config; it connects at its first read."""
    if settings.snmp is not None:
        return _snmp(settings.snmp.target(), settings.profile, settings.snmp.engine)
    assert settings.megatec is not None  # noqa: S101 - the settings are checked
    return _megatec(settings.megatec.port, settings.megatec.baudrate)


def from_url(url: str, profile: str = "") -> Driver:
    """Return the driver of a device that a URL points at.

    Raises:
        UsageError: the URL is wrong.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise UsageError(f"not a URL: {error}", where=url.rsplit("@", maxsplit=1)[-1], hint=_HINT) from None
    match parts.scheme:
        case "snmp":
            return _snmp_url(parts, port, profile)
        case "megatec" if parts.netloc == "" and parts.path.startswith("/"):
            return _megatec(parts.path)
        case "megatec" if port is not None and parts.hostname:
            return _megatec(f"socket://{parts.hostname}:{port}")
        case _:
            raise UsageError("no protocol of that name", where=f"{parts.scheme or url}", hint=_HINT)


def _snmp_url(parts: SplitResult, port: int | None, profile: str) -> Driver:
    where = f"snmp://{parts.hostname or ''}"
    if not parts.hostname:
        raise UsageError("a host is missing", where=where, hint=_HINT)
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    unknown = options.keys() - _OPTIONS
    if unknown:
        raise UsageError(f"no option {min(unknown)!r}", where=where, hint=f"there are {', '.join(sorted(_OPTIONS))}")
    version = options.get("version", "2c").removeprefix("v")
    if version not in ("1", "2c", "3"):
        raise UsageError(f"no SNMP version {version!r}", where=where, hint="version is 1, 2c or 3")
    if version == "3" and not options.get("user"):
        raise UsageError("SNMP version 3 needs a user", where=where, hint="add &user=…")
    engine = options.get("engine", "gufo")
    if engine not in ("gufo", "pysnmp"):
        raise UsageError(f"no engine {engine!r}", where=where, hint="engine is gufo or pysnmp")
    try:
        timeout = float(options.get("timeout", "2"))
    except ValueError:
        raise UsageError("timeout is not a number", where=where, hint="in seconds: timeout=2") from None
    target = SnmpTarget(
        host=parts.hostname,
        port=port or 161,
        version=version,  # type: ignore[arg-type] # checked above
        community=unquote(parts.username or "public"),
        user=options.get("user", ""),
        auth=options.get("auth", "sha" if "auth_key" in options else ""),
        auth_key=options.get("auth_key", ""),
        priv=options.get("priv", "aes" if "priv_key" in options else ""),
        priv_key=options.get("priv_key", ""),
        context=options.get("context", ""),
        timeout=timeout,
    )
    return _snmp(target, profile, engine)


def _snmp(target: SnmpTarget, profile: str, engine: str) -> Driver:
    from agent.drivers.snmp import SnmpDriver  # noqa: PLC0415
    from agent.profiles import load_profiles  # noqa: PLC0415

    return SnmpDriver(open_link(target, "pysnmp" if engine == "pysnmp" else "gufo"), load_profiles(), profile)


def _megatec(port: str, baudrate: int = 2400) -> Driver:
    from agent.drivers.megatec import MegatecDriver  # noqa: PLC0415
    from agent.links.serial import SerialLink  # noqa: PLC0415 - pyserial only where there is a serial port

    return MegatecDriver(SerialLink(port, baudrate=baudrate))
