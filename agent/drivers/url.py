"""What ``wolfsmoke-agent read`` is pointed at: a URL, read strictly. What it says of a mistake never repeats a secret.

::

    snmp://community@host:port?timeout=2              SNMP 2c; version=1 for the old one
    snmp://host?version=3&user=…&auth=sha256&auth_key=…&priv=aes&priv_key=…
    megatec:///dev/ttyUSB0?baudrate=2400
    megatec://host:port                               a serial server

``/``, ``?``, ``#``, ``&`` and ``%`` in a community or a key are written ``%2F``, ``%3F``, ``%23``, ``%26``, ``%25``.
"""

from collections.abc import Collection, Mapping
from typing import Final
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

import msgspec

from agent.links.snmp import MIN_KEY, Engine, SnmpTarget
from contract.errors import UsageError
from contract.settings import did_you_mean

HINT: Final = (
    "write snmp://community@host, snmp://host?version=3&user=…&auth=sha&auth_key=…&priv=aes&priv_key=…, "
    "or megatec:///dev/ttyUSB0"
)
_ESCAPE: Final = "in a community or a key write / as %2F, ? as %3F, # as %23, & as %26, % as %25"
_ALGORITHMS: Final = {
    "auth": ("md5", "sha", "sha224", "sha256", "sha384", "sha512"),
    "priv": ("des", "aes", "aes192", "aes256"),
}
_V3: Final = ("user", "auth", "auth_key", "priv", "priv_key", "context")
_SNMP: Final = ("version", "timeout", "engine", *_V3)
_LONGEST: Final = 10.0
"""Seconds that one request may wait; the command gives up soon after."""
_BAUDRATES: Final = range(300, 921_601)


class SnmpUrl(msgspec.Struct, frozen=True):
    """A device that speaks SNMP."""

    target: SnmpTarget
    engine: Engine


class MegatecUrl(msgspec.Struct, frozen=True):
    """A device on a serial line: a path, or ``socket://host:port``."""

    port: str
    baudrate: int


def parse(url: str) -> SnmpUrl | MegatecUrl:
    """Return what a URL points at.

    Raises:
        UsageError: the URL is wrong.
    """
    try:
        parts = urlsplit(url)
    except ValueError:  # its own words repeat the URL
        raise UsageError("not a URL", hint=HINT) from None
    match parts.scheme:
        case "snmp":
            return _snmp(parts)
        case "megatec":
            return _megatec(parts)
        case "":
            raise UsageError("it does not begin with a protocol", hint=HINT)
        case scheme:
            raise UsageError(f"no protocol {scheme!r}", hint=HINT)


def _snmp(parts: SplitResult) -> SnmpUrl:
    where = f"snmp://{parts.hostname or ''}"
    if "@" in parts.path or "@" in parts.fragment or parts.fragment:
        raise UsageError("it breaks off at a / or a #", where="snmp://", hint=_ESCAPE)
    if not parts.hostname:
        raise UsageError("a host is missing", where=where, hint=HINT)
    if parts.path.strip("/"):
        raise UsageError("nothing stands between the host and the ?", where=where, hint=f"leave it out; {_ESCAPE}")
    options = _options(parts, _SNMP, where)
    version = options.get("version", "2c").removeprefix("v")
    if version not in ("1", "2c", "3"):
        raise UsageError(f"no SNMP version {version!r}", where=where, hint="version is 1, 2c or 3")
    engine = options.get("engine", "gufo")
    if engine not in ("gufo", "pysnmp"):
        raise UsageError(f"no engine {engine!r}", where=where, hint="engine is gufo or pysnmp")
    community = unquote(parts.netloc.rpartition("@")[0])  # a colon is a part of it: SNMP has no passwords
    if version == "3":
        _check_v3(options, where)
        if community:
            raise UsageError("SNMP 3 has no community", where=where, hint="write ?version=3&user=… behind the host")
    else:
        for name in _V3:
            if name in options:
                raise UsageError(f"SNMP {version} has no {name}", where=where, hint="add version=3, or leave it out")
    target = SnmpTarget(
        host=parts.hostname,
        port=_port(parts) or 161,
        version=version,  # type: ignore[arg-type] # checked above
        community=community or "public",
        user=options.get("user", ""),
        auth=options.get("auth", "sha" if "auth_key" in options else ""),
        auth_key=options.get("auth_key", ""),
        priv=options.get("priv", "aes" if "priv_key" in options else ""),
        priv_key=options.get("priv_key", ""),
        context=options.get("context", ""),
        timeout=_timeout(options.get("timeout", "2"), where),
    )
    return SnmpUrl(target, engine)  # type: ignore[arg-type] # checked above


def _check_v3(options: Mapping[str, str], where: str) -> None:
    """Find out now what no device would answer to."""
    if not options.get("user"):
        raise UsageError("SNMP version 3 needs a user", where=where, hint="add &user=…")
    for kind, names in _ALGORITHMS.items():
        name, key = options.get(kind), options.get(f"{kind}_key")
        if name is not None and name not in names:
            raise UsageError(f"no algorithm {kind}={name!r}", where=where, hint=f"there are {', '.join(names)}")
        if name is not None and key is None:
            raise UsageError(f"{kind} without {kind}_key", where=where, hint=f"add &{kind}_key=…")
        if key is not None and len(key) < MIN_KEY:
            what = f"{kind}_key is shorter than {MIN_KEY} characters"
            raise UsageError(what, where=where, hint=f"SNMP 3 allows no shorter one; {_ESCAPE}")
    if "priv_key" in options and "auth_key" not in options:
        hint = "SNMP 3 encrypts only what it authenticates: add &auth=sha&auth_key=…"
        raise UsageError("priv_key without auth_key", where=where, hint=hint)


def _megatec(parts: SplitResult) -> MegatecUrl:
    if not parts.netloc and len(parts.path) > 1 and parts.path.startswith("/"):
        where = f"megatec://{parts.path}"
        port = parts.path
    else:
        where = f"megatec://{parts.hostname or ''}"
        number = _port(parts)
        if not parts.hostname or number is None or parts.path.strip("/"):
            hint = "write megatec:///dev/ttyUSB0 with three slashes, or megatec://host:port for a serial server"
            raise UsageError("neither a serial port nor a serial server", where=where, hint=hint)
        port = f"socket://{f'[{parts.hostname}]' if ':' in parts.hostname else parts.hostname}:{number}"
    text = _options(parts, ("baudrate",), where).get("baudrate", "2400")
    if not (text.isascii() and text.isdigit() and len(text) < 9 and int(text) in _BAUDRATES):
        raise UsageError("baudrate is no speed of a line", where=where, hint="baudrate=2400, 1200 or 9600, most often")
    return MegatecUrl(port, int(text))


def _port(parts: SplitResult) -> int | None:
    try:
        port = parts.port
    except ValueError:  # its own words repeat what stands there, which may be a secret without its @host
        port = 0
    if port == 0:
        raise UsageError("its port is no number from 1 to 65535", where=parts.scheme, hint=HINT)
    return port


def _options(parts: SplitResult, known: Collection[str], where: str) -> dict[str, str]:
    """Return what stands behind the question mark; a plus sign is one."""
    pairs = parse_qsl(parts.query.replace("+", "%2B"), keep_blank_values=True)
    for index, (name, _) in enumerate(pairs):
        if "@" in name or len(name) > 20:
            raise UsageError("it breaks off at a ? or an &", where=f"{parts.scheme}://", hint=_ESCAPE)
        if name not in known:
            raise UsageError(f"no option {name!r}", where=where, hint=did_you_mean(name, known))
        if any(name == before for before, _ in pairs[:index]):
            raise UsageError(f"option {name!r} is there twice", where=where, hint="write it once")
    return dict(pairs)


def _timeout(text: str, where: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0.0 < seconds <= _LONGEST:  # NaN neither
        raise UsageError("timeout is no number of seconds up to 10", where=where, hint="timeout=2")
    return seconds
